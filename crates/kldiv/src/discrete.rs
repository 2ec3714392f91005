//! The divergence of two vectors.
//!
//! ```
//! let (p, q) = ([0.5, 0.5], [0.7, 0.3]);
//! let nats = kldiv::kl(&p, &q)?;
//! assert_eq!(format!("{nats:.4}"), "0.0872");
//! # Ok::<(), kldiv::Error>(())
//! ```

use crate::error::Error;
use crate::kernels;
#[doc(hidden)]
pub use crate::kernels::Rest;
use crate::kernels::op::{Gap, Kl};
use crate::pair::Plan;
use crate::policy::{Measure, Options};
use crate::total::SHARE;
use crate::view::{Element, Row, Shape, View};

/// KL(P ‖ Q) of two vectors, in nats.
///
/// `Σᵢ p[i] · ln(p[i] / q[i])`
///
/// # Shapes
/// `p` and `q`: one length, at least 1. Their types may differ.
/// # Zeros
/// A term with `p[i] = 0` is 0. Where `q[i] = 0 < p[i]` the divergence is infinite.
/// # Accuracy
/// Within `16 u · (G + |Σp − Σq|)` of the exact value for these very numbers, where G is what [`generalized`] gives
/// and u is 2⁻⁵³, or 2⁻²⁴ if both are f32, f16 or bf16; also where p and q nearly coincide.
/// # Threads
/// The calling thread alone. Allocates nothing.
/// # Errors
/// [`Error::ShapeMismatch`] if the lengths differ, [`Error::Empty`] if they are 0, [`Error::InvalidEntry`] names the
/// first entry that is negative, NaN or infinite.
///
/// Source: Kullback and Leibler, "On Information and Sufficiency", 1951.
#[inline]
pub fn kl<P: Element, Q: Element>(p: &[P], q: &[Q]) -> Result<f64, Error> {
    of_slices(Measure::Kl, kl_of_f64s, kl_of_f32s, p, q)
}

/// The generalised divergence of two vectors, in nats: `Σᵢ (p[i] · ln(p[i] / q[i]) − p[i] + q[i])`.
///
/// Every term is at least 0, and so is the sum; it is 0 only for p = q. For vectors that both sum to 1 it is
/// [`kl`], less the rounding of those sums.
///
/// # Zeros
/// A term with `p[i] = 0` is `q[i]`. Where `q[i] = 0 < p[i]` the divergence is infinite.
/// # Accuracy
/// Within `16 u` of the exact value, relatively, however near p and q are; u as for [`kl`].
///
/// Shapes, threads and errors are those of [`kl`]. Source: Csiszár, "Why least squares and maximum entropy?", 1991.
#[inline]
pub fn generalized<P: Element, Q: Element>(p: &[P], q: &[Q]) -> Result<f64, Error> {
    of_slices(Measure::Generalized, gap_of_f64s, gap_of_f32s, p, q)
}

/// The longest vectors that there is an [`Anywhere`] for.
#[doc(hidden)]
pub const SHORT: usize = kernels::BLOCK;

/// A way to compute in whatever floating-point environment, and to leave it as it was: for the C ABI, whose callers' can be any.
/// To look at it before and after takes longer than a short vector: this looks at it never or once.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Anywhere<const LOOKS: usize>(kernels::anywhere::Anywhere<LOOKS>);

impl<const LOOKS: usize> Anywhere<LOOKS> {
    /// One, if there is one for this call, with vectors of `n` elements.
    #[inline(always)]
    pub fn new<T>(n: usize) -> Option<Self> {
        kernels::anywhere::Anywhere::new(n.saturating_mul(size_of::<T>())).map(Anywhere)
    }

    /// [`kl`] of two slices of equal length: `then` gets where they are, and that or what is left to do for it.
    ///
    /// # Safety
    /// The environment is as it was when the way was found.
    #[inline(always)]
    pub unsafe fn kl<T: Element, R>(
        self,
        p: &[T],
        q: &[T],
        then: impl FnOnce(*const T, *const T, usize, Result<f64, Rest>) -> R,
    ) -> R {
        let (x, y) = (View::from(p).row(0), View::from(q).row(0));
        // What `then` needs is given to it: what it had taken along would not be in registers.
        // SAFETY: the caller's promise.
        unsafe {
            if let Some((p, q)) = both::<f64>(x, y) {
                self.0.kl(p, q, |p, q, found| then(p.as_ptr().cast(), q.as_ptr().cast(), p.len(), found))
            } else if let Some((p, q)) = both::<f32>(x, y) {
                self.0.kl(p, q, |p, q, found| then(p.as_ptr().cast(), q.as_ptr().cast(), p.len(), found))
            } else {
                then(p.as_ptr(), q.as_ptr(), p.len(), Err(Rest::All))
            }
        }
    }
}

/// [`kl`] of which this much is left to do.
#[doc(hidden)]
#[inline]
pub fn kl_rest<T: Element>(rest: Rest, p: &[T], q: &[T]) -> Result<f64, Error> {
    match rest {
        Rest::All => kl(p, q),
        rest => of_slices(
            Measure::Kl,
            |p, q| rest_of_kl_of_f64s(rest, p, q),
            |p, q| rest_of_kl_of_f32s(rest, p, q),
            p,
            q,
        ),
    }
}

// Not generic, so that the kernels are compiled in this crate and not in each that calls it.
fn kl_of_f64s(p: &[f64], q: &[f64]) -> f64 {
    kernels::value(&Kl, p, q)
}

fn kl_of_f32s(p: &[f32], q: &[f32]) -> f64 {
    kernels::value(&Kl, p, q)
}

fn rest_of_kl_of_f64s(rest: Rest, p: &[f64], q: &[f64]) -> f64 {
    kernels::value_rest(&Kl, rest, p, q)
}

fn rest_of_kl_of_f32s(rest: Rest, p: &[f32], q: &[f32]) -> f64 {
    kernels::value_rest(&Kl, rest, p, q)
}

fn gap_of_f64s(p: &[f64], q: &[f64]) -> f64 {
    kernels::value(&Gap, p, q)
}

fn gap_of_f32s(p: &[f32], q: &[f32]) -> f64 {
    kernels::value(&Gap, p, q)
}

/// Two rows as slices of a type, if both are of it.
#[inline(always)]
fn both<'a, T: Element>(p: Row<'a>, q: Row<'a>) -> Option<(&'a [T], &'a [T])> {
    p.as_slice().zip(q.as_slice())
}

/// Short vectors of the kernels' own types go straight to them; what is not that, or not a number, the long way.
#[inline]
fn of_slices<P: Element, Q: Element>(
    measure: Measure,
    f64s: impl FnOnce(&[f64], &[f64]) -> f64,
    f32s: impl FnOnce(&[f32], &[f32]) -> f64,
    p: &[P],
    q: &[Q],
) -> Result<f64, Error> {
    if p.len() == q.len() && (1..=SHARE).contains(&p.len()) {
        let (x, y) = (View::from(p).row(0), View::from(q).row(0));
        let value = if let Some((p, q)) = both(x, y) {
            f64s(p, q)
        } else if let Some((p, q)) = both(x, y) {
            f32s(p, q)
        } else {
            f64::NAN
        };
        if !value.is_nan() {
            return Ok(value);
        }
    }
    self::measure(p, q, measure)
}

/// One measure of two slices, taken as given, on the calling thread.
#[inline(never)]
pub(crate) fn measure<P: Element, Q: Element>(p: &[P], q: &[Q], measure: Measure) -> Result<f64, Error> {
    if p.len() != q.len() {
        let (expected, found) = (Shape { rows: 1, cols: p.len() }, Shape { rows: 1, cols: q.len() });
        return Err(Error::ShapeMismatch { what: "q", found, expected });
    }
    if p.is_empty() {
        return Err(Error::Empty);
    }
    let options = Options { measure, parallel: false, ..Options::default() };
    options.check(1)?;
    Plan::new(&options).value(View::from(p).row(0), View::from(q).row(0), 0)
}
