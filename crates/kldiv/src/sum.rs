//! Sums that remember what rounding took from them.

/// A number in two parts: `hi + lo`, where lo is what rounding took from hi.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Compensated {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
}

impl Compensated {
    pub(crate) const ZERO: Compensated = Compensated { hi: 0.0, lo: 0.0 };

    #[inline(always)]
    pub(crate) fn add(&mut self, x: f64) {
        let sum = self.hi + x;
        let back = sum - self.hi;
        self.lo += (self.hi - (sum - back)) + (x - back);
        self.hi = sum;
    }

    #[inline(always)]
    pub(crate) fn add_parts(&mut self, other: &Compensated) {
        self.add(other.hi);
        self.lo += other.lo;
    }

    /// The sum, rounded once; what overflowed stays infinite.
    #[inline(always)]
    pub(crate) fn value(self) -> f64 {
        if self.hi.is_finite() { self.hi + self.lo } else { self.hi }
    }

    /// The difference, rounded once.
    #[inline(always)]
    pub(crate) fn minus(self, other: Compensated) -> f64 {
        let mut difference = self;
        difference.add(-other.hi);
        difference.lo -= other.lo;
        difference.value()
    }

    /// The same number with |lo| at most half an ulp of hi.
    #[inline]
    pub(crate) fn tidy(self) -> Compensated {
        let mut sum = Compensated { hi: self.hi, lo: 0.0 };
        sum.add(self.lo);
        sum
    }

    /// The number times a factor; exact if that is a power of 2 and nothing leaves the range.
    #[inline]
    pub(crate) fn times(self, factor: f64) -> Compensated {
        Compensated { hi: self.hi * factor, lo: self.lo * factor }
    }
}

/// A weight times a value; a weight of 0 leaves nothing, of infinity neither.
pub(crate) fn weighted(value: f64, weight: f64) -> f64 {
    if weight == 0.0 && !value.is_nan() { 0.0 } else { value * weight }
}

/// The sums of a measure's terms over any stretch of elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Total<const M: usize, const C: usize> {
    pub(crate) plain: [Compensated; M],
    pub(crate) exact: [Compensated; C],
}

impl<const M: usize, const C: usize> Total<M, C> {
    pub(crate) const ZERO: Self = Total { plain: [Compensated::ZERO; M], exact: [Compensated::ZERO; C] };

    /// The first plain sum less the first exact one, rounded once.
    #[inline(always)]
    pub(crate) fn difference(&self) -> f64 {
        let (plain, exact) = (self.plain[0], self.exact.first().copied().unwrap_or(Compensated::ZERO));
        if plain.lo == 0.0 && exact.lo == 0.0 { plain.hi - exact.hi } else { plain.minus(exact) }
    }

    #[inline(always)]
    pub(crate) fn add<const A: usize, const B: usize>(&mut self, other: &Total<A, B>) {
        for (sum, x) in self.plain.iter_mut().zip(&other.plain) {
            sum.add_parts(x);
        }
        for (sum, x) in self.exact.iter_mut().zip(&other.exact) {
            sum.add_parts(x);
        }
    }
}
