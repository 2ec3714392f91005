//! What a distribution of one real number knows of itself: support, entropy, the means of a few functions, and its
//! density's logarithm in terms of those.

/// A function whose mean a distribution may know.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// x
    Mean,
    /// (x − c)²
    Square(f64),
    /// |x − c|
    Distance(f64),
    /// e^(−(x − c)/s)
    Decay(f64, f64),
    /// (x/s)ᵏ, of x > 0; k is not 0.
    Power(f64, f64),
    /// ln x
    Ln,
    /// (ln x − c)²
    LnSquare(f64),
    /// ln(1 − x)
    LnRest,
}

/// How a density fades towards an end of its support.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fade {
    /// At a finite end e: like |x − e|^(a − 1).
    Edge(f64),
    /// Like |x|^(−a − 1).
    Power(f64),
    /// Slower than any exponential, faster than any power.
    Stretched,
    /// Like e^(−r|x|).
    Exponential(f64),
    /// Faster than any of those.
    Light,
}

/// How −ln q grows towards an end of its support.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Growth {
    /// Not at all, or like a logarithm or its square.
    Slow,
    /// Like |x|ᵏ, or at a finite end e like |x − e|⁻ᵏ.
    Power(f64),
    /// Like e^(r|x|).
    Exponential(f64),
}

/// A point of a support, with what x itself may have lost of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) x: f64,
    /// ln x, where x > 0.
    pub(crate) ln: f64,
    /// ln(1 − x), where 0 < x < 1.
    pub(crate) ln_rest: f64,
}

/// A sum and the sum of its parts' sizes, which says how much of it cancelled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    pub(crate) value: f64,
    pub(crate) size: f64,
}

impl Sum {
    pub(crate) fn of(x: f64) -> Sum {
        Sum { value: x, size: x.abs() }
    }

    /// Adds a constant.
    pub(crate) fn and(self, x: f64) -> Sum {
        Sum { value: self.value + x, size: self.size + x.abs() }
    }

    /// Adds a factor times a mean, if that is known; a factor of 0 needs none.
    pub(crate) fn plus(self, factor: f64, mean: Option<f64>) -> Option<Sum> {
        if factor == 0.0 { Some(self) } else { Some(self.and(factor * mean?)) }
    }
}

/// A distribution of one real number, with its parameters.
pub(crate) trait Law {
    /// The ends of the support.
    fn support(&self) -> (f64, f64);
    /// How the density fades at either end.
    fn fades(&self) -> (Fade, Fade);
    /// How −ln of the density grows at either end.
    fn grows(&self) -> (Growth, Growth);
    /// Where most of it is, and how wide that is; of a positive variable the mode of ln x.
    fn place(&self) -> (f64, f64);
    fn entropy(&self) -> f64;
    /// The logarithm of the density, but for [`Law::ln_unit`].
    fn ln_shape(&self, at: &Point) -> f64;
    /// What it has at every point.
    fn ln_unit(&self) -> f64;
    fn ln_density(&self, at: &Point) -> f64 {
        self.ln_shape(at) + self.ln_unit()
    }
    /// The mean of a function, where it is finite and has a formula.
    fn moment(&self, of: Moment) -> Option<f64>;
    /// −E_P[ln q] of this as q, where P's moments suffice.
    fn cost(&self, p: &dyn Law) -> Option<Sum>;
}
