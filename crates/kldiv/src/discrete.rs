//! The divergence of two vectors.

use crate::error::Error;
use crate::pair::Plan;
use crate::policy::{Measure, Options};
use crate::view::{Element, Shape, View};

/// One measure of two slices, taken as given, on the calling thread.
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

/// KL(P ‖ Q) in nats, `Σ p ln(p/q)`.
pub fn kl<P: Element, Q: Element>(p: &[P], q: &[Q]) -> Result<f64, Error> {
    measure(p, q, Measure::Kl)
}

/// The generalised divergence in nats, `Σ [p ln(p/q) − p + q]`.
pub fn generalized<P: Element, Q: Element>(p: &[P], q: &[Q]) -> Result<f64, Error> {
    measure(p, q, Measure::Generalized)
}
