//! The terms of a divergence, step by step, as one would work them out by hand.
//!
//! ```
//! use kldiv::{Options, explain::explain};
//!
//! let walk = explain(&[0.5, 0.5][..], &[0.7, 0.3][..], &Options::default())?;
//! let [heads, tails] = walk[..] else { panic!() };
//! assert_eq!(format!("{:.3} {:.3} {:.3}", heads.ratio, heads.log_ratio, heads.contribution), "0.714 -0.336 -0.168");
//! assert_eq!(format!("{:.3} {:.3} {:.3}", tails.ratio, tails.log_ratio, tails.contribution), "1.667 0.511 0.255");
//! assert_eq!(format!("{:.4}", heads.contribution + tails.contribution), "0.0872");
//! # Ok::<(), kldiv::Error>(())
//! ```

use crate::check::{needs_shape, same_shape};
use crate::error::Error;
use crate::memory::reserve;
use crate::pair::Plan;
use crate::policy::{Invalid, Measure, Normalization, Options};
use crate::view::{Dtype, Shape, View, ViewMut};

/// One outcome's part in a divergence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Term {
    /// The outcome, from 0.
    pub index: usize,
    /// Its probability under P, as given or normalised.
    pub p: f64,
    /// Its probability under Q, as given or normalised.
    pub q: f64,
    /// `p/q`; infinity for `p > q = 0`, and 1 for an outcome that neither has (`p = q = 0`).
    pub ratio: f64,
    /// `ln(p/q)` in the units asked for, accurate however near p and q are; 0 for an outcome that neither has.
    pub log_ratio: f64,
    /// The outcome's term of the measure, in the units asked for; 0 for `p = 0` in KL.
    pub contribution: f64,
    /// The term over the measure: 0 where that is 0; infinite terms share an infinite one equally.
    pub share: f64,
}

/// The terms of one pair of vectors, one an outcome.
///
/// # Shapes
/// `p` and `q`: `[1, outcomes]`. Result: `[outcomes]`. The options' mask and weights, which are of rows, do not apply.
/// # Errors
/// As [`batch::terms_into`](crate::batch::terms_into).
pub fn explain<'a>(
    p: impl Into<View<'a>>,
    q: impl Into<View<'a>>,
    options: &Options,
) -> Result<Vec<Term>, Error> {
    let (p, q) = (p.into(), q.into());
    let mut out = reserve(p.cols())?;
    out.resize(p.cols(), Term::default());
    explain_into(p, q, options, &mut out)?;
    Ok(out)
}

/// As [`explain`], into the caller's memory, one place an outcome. Where an entry is bad, its outcome and every
/// contribution are NaN.
pub fn explain_into(p: View, q: View, options: &Options, out: &mut [Term]) -> Result<(), Error> {
    let q = if options.measure == Measure::Entropy { p } else { q };
    same_shape(&p, &q)?;
    needs_shape("p", p.shape(), Shape { rows: 1, cols: p.cols() })?;
    needs_shape("out", Shape { rows: 1, cols: out.len() }, p.shape())?;
    Options { mask: None, weights: None, ..options.clone() }.check(1)?;
    options.measure.needs_terms()?;
    let plan = Plan::new(options);
    let (p, q) = (p.row(0), q.row(0));

    let places = (size_of::<Term>() / size_of::<f64>()) as isize;
    let shape = Shape { rows: 1, cols: out.len() };
    let first = out.as_mut_ptr();
    // SAFETY: the contributions are f64s, one a Term, and nobody else's while the view lives; there is a first one.
    let mut contributions = unsafe {
        let first = (&raw mut (*first).contribution).cast();
        ViewMut::from_raw(first, shape, 0, places, Dtype::F64).row_mut(0)
    };
    let result = plan.terms(p, q, 0, 1.0, &mut contributions);
    if result.is_err() {
        contributions.fill(f64::NAN);
    }
    let total = if result.is_ok() { plan.value(p, q, 0)? } else { f64::NAN };
    let alike = out.iter().filter(|term| term.contribution == total).count() as f64;

    let scaling = match plan.normalization {
        Normalization::Normalize if result.is_ok() => Some(plan.scaling(p, q, 0)?),
        _ => None,
    };
    for (i, term) in out.iter_mut().enumerate() {
        term.index = i;
        ([term.p, term.q], term.ratio, term.log_ratio) =
            plan.proportions(p.get(i), q.get(i), scaling.as_ref());
        term.share = match total {
            0.0 => 0.0,
            _ if total.is_infinite() && term.contribution == total => 1.0 / alike,
            // What has left the range the other way is finite, and so is nothing of it.
            _ if total.is_infinite() => 0.0,
            total => term.contribution / total,
        };
    }
    match options.invalid {
        Invalid::Error => result,
        Invalid::Nan => Ok(()),
    }
}
