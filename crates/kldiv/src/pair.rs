//! One pair of rows, of any types and strides, to one number: what every room above stands on.

use crate::check;
use crate::error::{Error, Operand};
use crate::kernels;
use crate::kernels::lanes::{Lanes, Numbers, Vector};
use crate::kernels::log::{Parts, Ratio, ln, ln_ratio};
use crate::kernels::op::{JensenShannon, Mass, Op};
use crate::kernels::prepare::{AsGiven, Prepare, Scale, Scaled};
use crate::kernels::renyi::{Renyi, ShiftedRenyi};
use crate::kernels::scalar::One;
use crate::kernels::softmax::Largest;
use crate::policy::{Invalid, Measure, Normalization, Options};
use crate::scaling::{RowSum, Scaling};
use crate::sum::{Compensated, Total, weighted};
use crate::threads;
use crate::total::{PIECE, SHARE, total};
use crate::view::{Dtype, Row, RowMut};

/// Calls `$body` with `$op` standing for the sum that gives a measure; `$sums` are those of P and of Q that its
/// logarithms are relative to. The Renyi divergence has a body of its own, for it is no sum but a function of one.
macro_rules! with_op {
    ($plan:expr, $normalized:expr, $sums:expr, $op:ident => $body:expr, renyi $alpha:ident => $renyi:expr) => {
        match $plan.measure {
            // Normalised, the straight parts sum to zero; what is left of KL is the gap.
            $crate::policy::Measure::Kl | $crate::policy::Measure::Reverse if !$normalized => {
                let $op = $crate::kernels::op::Kl;
                $body
            }
            $crate::policy::Measure::Kl
            | $crate::policy::Measure::Reverse
            | $crate::policy::Measure::Generalized => {
                let $op = $crate::kernels::op::Gap;
                $body
            }
            $crate::policy::Measure::Jeffreys => {
                let $op = $crate::kernels::op::Jeffreys;
                $body
            }
            $crate::policy::Measure::JensenShannon { .. }
            | $crate::policy::Measure::JensenShannonDistance { .. } => {
                let $op = $plan.jensen_shannon;
                $body
            }
            $crate::policy::Measure::Entropy => {
                let $op = $crate::kernels::op::Entropy { sum: $sums.0 };
                $body
            }
            $crate::policy::Measure::CrossEntropy => {
                let $op = $crate::kernels::op::CrossEntropy { sum: $sums.1 };
                $body
            }
            $crate::policy::Measure::Renyi { alpha: $alpha } => $renyi,
        }
    };
}
pub(crate) use with_op;

const ONE: Compensated = Compensated { hi: 1.0, lo: 0.0 };

/// The choices of a call that concern a pair of rows, made ready.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) measure: Measure,
    pub(crate) normalization: Normalization,
    pub(crate) smoothing: f64,
    pub(crate) mass_tolerance: f64,
    /// The Jensen-Shannon measure, should that be it: its constants take logarithms.
    pub(crate) jensen_shannon: JensenShannon,
    /// What results are divided by.
    pub(crate) ln_base: f64,
    /// Whether the shares of a long row are spread over threads.
    pub(crate) spread: bool,
}

impl Plan {
    pub(crate) fn new(options: &Options) -> Plan {
        let measure = match options.measure {
            Measure::Renyi { alpha: 1.0 } => Measure::Kl,
            measure => measure,
        };
        Plan {
            measure,
            normalization: options.normalization,
            jensen_shannon: match measure {
                Measure::JensenShannon { weight } | Measure::JensenShannonDistance { weight } => {
                    JensenShannon::new(weight)
                }
                _ => JensenShannon::NONE,
            },
            smoothing: options.smoothing,
            mass_tolerance: options.mass_tolerance,
            ln_base: ln_base(options),
            spread: options.parallel,
        }
    }

    /// The measure of one pair of rows; `row` is the number that errors call it by.
    pub(crate) fn value(&self, p: Row, q: Row, row: usize) -> Result<f64, Error> {
        let q = if self.measure == Measure::Entropy { p } else { q };
        let scaling = match self.normalization {
            Normalization::Normalize => Some(self.scaling(p, q, row)?),
            Normalization::Require => {
                self.require(p, q, row)?;
                None
            }
            Normalization::AsGiven => None,
        };
        self.value_scaled(p, q, scaling.as_ref(), row)
    }

    /// The same of rows whose sums, of which nothing is wrong, are known.
    pub(crate) fn value_of_sums(
        &self,
        (p, of_p): (Row, Compensated),
        (q, of_q): (Row, Compensated),
        row: usize,
    ) -> Result<f64, Error> {
        let normalized = self.normalization == Normalization::Normalize;
        let scaling = normalized.then(|| Scaling::new(self.measure, self.smoothing, of_p, of_q));
        self.value_scaled(p, q, scaling.as_ref(), row)
    }

    fn value_scaled(&self, p: Row, q: Row, scaling: Option<&Scaling>, row: usize) -> Result<f64, Error> {
        let (x, y) = if self.measure == Measure::Reverse { (q, p) } else { (p, q) };
        let value = match scaling {
            Some(scaling) => self.evaluate::<f64, _>(&scaling.prepare, x, y, Some(scaling)),
            None => {
                // A power of an f32 may be no f32.
                let powers = matches!(self.measure, Measure::Renyi { .. });
                if p.dtype().fits_f32() && q.dtype().fits_f32() && !powers {
                    self.evaluate::<f32, _>(&AsGiven, x, y, None)
                } else {
                    self.evaluate::<f64, _>(&AsGiven, x, y, None)
                }
            }
        };
        match self.in_units(value) {
            value if value.is_nan() => match check::culprit(p, q, row) {
                Some(error) => Err(error),
                None => self.value_of_huge(x, y).ok_or(Error::Overflow { row }),
            },
            // A part of the sum may have left the range that the whole is in.
            value if value.is_infinite() && scaling.is_none() && (huge(x) || huge(y)) => {
                Ok(self.value_of_huge(x, y).unwrap_or(value))
            }
            value => Ok(value),
        }
    }

    /// The measure of rows so huge that sums over some of their elements are infinite.
    #[cold]
    fn value_of_huge(&self, p: Row, q: Row) -> Option<f64> {
        // Scaled, a tiny p would be 0 as well.
        if self.is_impossible(p, q) {
            return Some(f64::INFINITY);
        }
        let small = Compensated { hi: 2f64.powi(-64), lo: 0.0 };
        let (as_it_is, down) = (Scale::NONE, Scale::new(0.0, small.hi, ONE));
        // Cross entropy is proportional to P alone; entropy is relative to a sum of 1, on P's scale.
        let prepare = match self.measure {
            Measure::CrossEntropy => Scaled { p: down, q: as_it_is },
            _ => Scaled { p: down, q: down },
        };
        let (masses, scale) = ([small, ONE].map(RowSum::as_it_is), 2f64.powi(64));
        let scaling = Scaling { prepare, across: prepare, masses, scale, normalized: false };
        let value = self.in_units(self.evaluate::<f64, _>(&prepare, p, q, Some(&scaling)));
        (!value.is_nan()).then_some(value)
    }

    /// Whether an outcome that one side lacks makes the measure infinite, which entropy's logarithms and Jensen-Shannon's
    /// mixtures do not know.
    fn is_impossible(&self, p: Row, q: Row) -> bool {
        let lacks = |q: Row, p: Row| (0..p.len()).any(|i| q.get(i) == 0.0 && p.get(i) > 0.0);
        match self.measure {
            Measure::Kl | Measure::Reverse | Measure::Generalized | Measure::CrossEntropy => lacks(q, p),
            Measure::Renyi { alpha } => alpha > 1.0 && lacks(q, p),
            Measure::Jeffreys => lacks(q, p) || lacks(p, q),
            Measure::JensenShannon { .. } | Measure::JensenShannonDistance { .. } | Measure::Entropy => false,
        }
    }

    /// Whether the units that were asked for are nats: [`Plan::in_units`] has nothing to do.
    pub(crate) fn is_in_nats(&self) -> bool {
        self.ln_base == 1.0 && !matches!(self.measure, Measure::JensenShannonDistance { .. })
    }

    /// From nats to the units that were asked for.
    #[inline]
    pub(crate) fn in_units(&self, nats: f64) -> f64 {
        let value = if self.ln_base == 1.0 { nats } else { nats / self.ln_base };
        match self.measure {
            Measure::JensenShannonDistance { .. } => value.sqrt(),
            // The sum of a negative zero and zero is zero.
            _ => value + 0.0,
        }
    }

    /// In nats; NaN if there is a culprit.
    fn evaluate<T: Vector, P: Prepare>(&self, prepare: &P, p: Row, q: Row, scaling: Option<&Scaling>) -> f64 {
        let (sums, scale) = scaling.map_or(((ONE, ONE), 1.0), |s| (s.sums(), s.scale));
        let normalized = scaling.is_some_and(|s| s.normalized);
        with_op!(self, normalized, sums,
            op => op.finish(&total::<_, _, T, _, _>(&op, prepare, p, q, self.spread), scale),
            renyi alpha => self.renyi::<T, P>(alpha, prepare, p, q, scaling))
    }

    fn renyi<T: Vector, P: Prepare>(
        &self,
        alpha: f64,
        prepare: &P,
        p: Row,
        q: Row,
        scaling: Option<&Scaling>,
    ) -> f64 {
        if alpha == f64::INFINITY {
            let mut largest = f64::NEG_INFINITY;
            let all = each_prepared(prepare, p, q, |p, q| {
                largest = largest.max(match (p.hi.0[0], q.hi.0[0]) {
                    (0.0, _) => f64::NEG_INFINITY,
                    (_, 0.0) => f64::INFINITY,
                    _ => ln_of_parts(p, q),
                });
            });
            return if all { largest } else { f64::NAN };
        }
        let renyi = Renyi::new(alpha);
        let sums = total::<_, _, T, _, _>(&renyi, prepare, p, q, self.spread);
        let scale = scaling.map_or(1.0, |s| s.scale);
        match renyi.ln_sum(&sums, scale, scaling.is_some_and(|s| s.normalized)) {
            Some(ln_sum) => ln_sum / (alpha - 1.0),
            None => self.renyi_of_largest::<T, P>(&renyi, alpha, prepare, p, q, scale),
        }
    }

    /// The Renyi divergence where the sum of powers is out of range, or NaN: with the largest taken out of all of them.
    #[cold]
    fn renyi_of_largest<T: Vector, P: Prepare>(
        &self,
        renyi: &Renyi,
        alpha: f64,
        prepare: &P,
        p: Row,
        q: Row,
        scale: f64,
    ) -> f64 {
        let (mut largest, mut impossible) = (None, false);
        let all = each_prepared(prepare, p, q, |p, q| match (p.hi.0[0], q.hi.0[0]) {
            (0.0, _) => {}
            (_, 0.0) => impossible |= alpha > 1.0,
            _ => {
                let logs = renyi.logs(p, q);
                // Their difference, for an order may be so large that two powers' exponents are the same number.
                if largest.is_none_or(|largest| renyi.exponent_less(logs, largest) > 0.0) {
                    largest = Some(logs);
                }
            }
        });
        match largest {
            _ if !all => f64::NAN,
            _ if impossible => f64::INFINITY,
            // No outcome is possible in both.
            None => f64::NEG_INFINITY / (alpha - 1.0),
            Some(largest) => {
                let shifted = ShiftedRenyi { renyi: *renyi, largest };
                let sum = total::<_, _, T, _, _>(&shifted, prepare, p, q, self.spread);
                renyi.of_largest(ln(sum.plain[0].value() * scale), largest, alpha)
            }
        }
    }

    /// The sum of a row and its smoothing; NaN where an entry is no probability.
    pub(crate) fn mass(&self, side: Row) -> Compensated {
        let Total { exact: [sum], .. } = if side.dtype().fits_f32() {
            total::<_, _, f32, _, _>(&Mass, &AsGiven, side, side, self.spread)
        } else {
            total::<_, _, f64, _, _>(&Mass, &AsGiven, side, side, self.spread)
        };
        self.smoothed(sum, side.len())
    }

    /// The sum of so many elements, with what is added to each.
    #[inline]
    pub(crate) fn smoothed(&self, mut sum: Compensated, n: usize) -> Compensated {
        if self.smoothing == 0.0 {
            return sum.tidy();
        }
        let added = self.smoothing * n as f64;
        sum.add(added);
        sum.add(self.smoothing.mul_add(n as f64, -added));
        sum.tidy()
    }

    /// The masses of the rows that the measure looks at.
    pub(crate) fn masses(&self, p: Row, q: Row, row: usize) -> Result<(Compensated, Compensated), Error> {
        let of_p = self.mass(p);
        let of_q = if self.measure == Measure::Entropy { of_p } else { self.mass(q) };
        if !(of_p.hi.is_finite() && of_q.hi.is_finite()) {
            return Err(check::culprit(p, q, row).unwrap_or(Error::Overflow { row }));
        }
        Ok((of_p, of_q))
    }

    /// Says whether both rows sum to 1.
    pub(crate) fn require(&self, p: Row, q: Row, row: usize) -> Result<(), Error> {
        let (of_p, of_q) = self.masses(p, q, row)?;
        self.near_one(Operand::P, of_p, row)?;
        self.near_one(Operand::Q, of_q, row)
    }

    /// Whether a sum is one that rows may have.
    pub(crate) fn allows(&self, mass: Compensated) -> bool {
        match self.normalization {
            Normalization::AsGiven => true,
            Normalization::Normalize => mass.hi.is_finite() && mass.value() != 0.0,
            Normalization::Require => mass.minus(ONE).abs() <= self.mass_tolerance,
        }
    }

    /// Says whether a sum is near enough to 1.
    fn near_one(&self, operand: Operand, mass: Compensated, row: usize) -> Result<(), Error> {
        if self.allows(mass) {
            return Ok(());
        }
        let tolerance = self.mass_tolerance;
        Err(Error::NotNormalized { operand, row, sum: mass.value(), tolerance })
    }

    /// Says what is wrong with one row, whose sum is known.
    pub(crate) fn fault(&self, side: Row, operand: Operand, mass: Compensated, row: usize) -> Option<Error> {
        let given = self.normalization == Normalization::AsGiven;
        if !mass.hi.is_finite() {
            let culprit = check::culprit_in(side, operand, row);
            return culprit.or((!given).then_some(Error::Overflow { row }));
        }
        match self.normalization {
            Normalization::AsGiven => None,
            Normalization::Normalize => (mass.value() == 0.0).then_some(Error::ZeroMass { operand, row }),
            Normalization::Require => self.near_one(operand, mass, row).err(),
        }
    }

    /// How the rows are scaled so that both sum to the same.
    pub(crate) fn scaling(&self, p: Row, q: Row, row: usize) -> Result<Scaling, Error> {
        let (of_p, of_q) = self.masses(p, q, row)?;
        for (operand, mass) in [(Operand::P, of_p), (Operand::Q, of_q)] {
            if mass.value() == 0.0 {
                return Err(Error::ZeroMass { operand, row });
            }
        }
        Ok(Scaling::new(self.measure, self.smoothing, of_p, of_q))
    }
}

impl Plan {
    /// The terms of one pair of rows, times `weight`; they sum to its measure. Not inlined, so that its buffers are on the
    /// stack only where they are needed.
    #[inline(never)]
    pub(crate) fn terms(
        &self,
        p: Row,
        q: Row,
        row: usize,
        weight: f64,
        out: &mut RowMut,
    ) -> Result<(), Error> {
        let q = if self.measure == Measure::Entropy { p } else { q };
        let result = match self.normalization {
            Normalization::AsGiven => self.terms_with(&AsGiven, p, q, None, weight, out),
            Normalization::Require => {
                self.require(p, q, row)?;
                self.terms_with(&AsGiven, p, q, None, weight, out)
            }
            Normalization::Normalize => {
                let scaling = self.scaling(p, q, row)?;
                self.terms_with(&scaling.prepare, p, q, Some(&scaling), weight, out)
            }
        };
        if result { Ok(()) } else { Err(check::culprit(p, q, row).unwrap_or(Error::Overflow { row })) }
    }

    /// Whether every term is a number.
    fn terms_with<P: Prepare>(
        &self,
        prepare: &P,
        p: Row,
        q: Row,
        scaling: Option<&Scaling>,
        weight: f64,
        out: &mut RowMut,
    ) -> bool {
        let (p, q) = if self.measure == Measure::Reverse { (q, p) } else { (p, q) };
        let (sums, scale) = scaling.map_or(((ONE, ONE), 1.0), |s| (s.sums(), s.scale));
        let shares = p.len().div_ceil(SHARE);
        let share = |i: usize| {
            let (start, len) = (i * SHARE, SHARE.min(p.len() - i * SHARE));
            // SAFETY: no two shares have an element in common.
            let mut out = unsafe { out.part(start, len) };
            let (p, q) = (p.part(start, len), q.part(start, len));
            let mut buffers = [[0.0; PIECE]; 3];
            let [for_p, for_q, terms] = &mut buffers;
            let mut numbers = true;
            for start in (0..len).step_by(PIECE) {
                let len = (PIECE).min(len - start);
                let p = kernels::as_or_in(p.part(start, len), &mut for_p[..len]);
                let q = kernels::as_or_in(q.part(start, len), &mut for_q[..len]);
                let terms = &mut terms[..len];
                // Unlike their sum, the terms of KL keep their straight parts when rows are normalised.
                numbers &= with_op!(self, false, sums,
                    op => kernels::write(&op, prepare, p, q, terms),
                    renyi _alpha => false);
                for term in terms.iter_mut() {
                    *term = weighted(*term * scale / self.ln_base + 0.0, weight);
                }
                out.write(start, terms);
            }
            numbers
        };
        if self.spread && shares > 1 {
            threads::first(shares, 1, |i| if share(i) { None } else { Some(()) }).is_none()
        } else {
            (0..shares).fold(true, |numbers, i| share(i) & numbers)
        }
    }
}

impl Plan {
    /// Two elements as proportions of their rows, their ratio, which proportions too small for digits still have, and its
    /// logarithm in units: 1 and 0 where both are 0.
    // Inlined into a loop, the sums' values were worked out before it, also where there is no scaling: harmless, but
    // Valgrind then reports a decision by memory that nothing has written.
    #[inline(never)]
    pub(crate) fn proportions(&self, p: f64, q: f64, scaling: Option<&Scaling>) -> ([f64; 2], f64, f64) {
        let (x, y) = (One::splat(p), One::splat(q));
        let (shares, (x, y)) = match scaling {
            None => ([p, q], (x.into(), y.into())),
            Some(scaling) => {
                let [of_p, of_q] = scaling.masses;
                ([of_p.share_of(p), of_q.share_of(q)], scaling.across.pair(x, y))
            }
        };
        let (ratio, ln) = match (x.hi.0[0], y.hi.0[0]) {
            (0.0, 0.0) => (1.0, 0.0),
            (0.0, _) => (0.0, f64::NEG_INFINITY),
            (_, 0.0) => (f64::INFINITY, f64::INFINITY),
            (p, q) => (p / q, ln_of_parts(x, y) / self.ln_base),
        };
        (shares, ratio, ln)
    }
}

/// Whether sums over a row's elements may be infinite.
#[cold]
fn huge(row: Row) -> bool {
    let huge = 2f64.powi(900);
    match row.as_slice::<f64>() {
        Some(all) => kernels::dispatch(Largest(all)) >= huge,
        None => row.dtype() == Dtype::F64 && (0..row.len()).any(|i| row.get(i) >= huge),
    }
}

/// What results in nats are divided by.
pub(crate) fn ln_base(options: &Options) -> f64 {
    options.base.map_or(1.0, ln)
}

/// How a call with a single answer, in nats, ends.
pub(crate) fn single(options: &Options, answer: Result<f64, Error>, out: &mut f64) -> Result<(), Error> {
    match (answer, options.invalid) {
        (Ok(value), _) => *out = value / ln_base(options),
        (Err(error), Invalid::Error) => {
            *out = error.so_far() / ln_base(options);
            return Err(error);
        }
        (Err(_), Invalid::Nan) => *out = f64::NAN,
    }
    Ok(())
}

/// `ln(p/q)`.
fn ln_of_parts(p: Parts<One>, q: Parts<One>) -> f64 {
    if One::both_ordinary(p.hi, q.hi) { Ratio::of(q, p).ln().0[0] } else { ln_ratio(p.hi.0[0], q.hi.0[0]) }
}

/// Calls a function with the elements as prepared, one pair at a time; says whether all of them are probabilities.
fn each_prepared<P: Prepare>(
    prepare: &P,
    p: Row,
    q: Row,
    mut each: impl FnMut(Parts<One>, Parts<One>),
) -> bool {
    for i in 0..p.len() {
        let (x, y) = (p.get(i), q.get(i));
        if check::fault(x).or(check::fault(y)).is_some() {
            return false;
        }
        let (x, y) = prepare.pair(One::splat(x), One::splat(y));
        each(x, y);
    }
    true
}
