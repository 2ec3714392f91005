//! The sum, term by term.

use std::mem::offset_of;

use core_kldiv::explain::{Term, explain_into};

use crate::call::Call;
use crate::guard::guard;
use crate::options::kldiv_options;
use crate::status::kldiv_status;
use crate::view::kldiv_view;

/// One outcome's part of a divergence.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct kldiv_term {
    /// Which outcome, from 0.
    pub index: usize,
    /// Its probability under P, divided by the sum of P if normalization is NORMALIZE.
    pub p: f64,
    /// Its probability under Q, likewise.
    pub q: f64,
    /// p / q; infinite for p > q = 0, and 1 for an outcome that neither has.
    pub ratio: f64,
    /// ln(p / q), divided by ln(base); 0 for an outcome that neither has.
    pub log_ratio: f64,
    /// What it adds to the measure; 0 for p = 0 in KL.
    pub contribution: f64,
    /// The contribution as a part of the measure: 0 where that is 0; infinite ones share an infinite one equally.
    pub share: f64,
}

/// How the divergence of one pair of vectors comes about, outcome by outcome: the walk of the coin.
///
///     out[j] = { j, p[j], q[j], p[j] / q[j], ln(p[j] / q[j]), p[j] ln(p[j] / q[j]), that / D }
///
/// With another measure, contribution and share are that measure's. mask and weights do not apply.
///
/// @param p, q     1 x cols probabilities or counts
/// @param options  NULL for the defaults: KL, in nats, inputs as given
/// @param out      p->cols terms; contributions and shares are NaN if an entry is bad
/// @return as kldiv_terms(); KLDIV_ERROR_SHAPE_MISMATCH for more than one row
/// Thread-safe. Since 0.1.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn kldiv_explain(
    p: *const kldiv_view,
    q: *const kldiv_view,
    options: *const kldiv_options,
    out: *mut kldiv_term,
) -> kldiv_status {
    // SAFETY: the caller's promise, for each; a kldiv_term is the core's Term, as checked below.
    guard(move || unsafe {
        let mut call = Call::new();
        call.read(options)?;
        let (p, q) = call.pair(p, q)?;
        let out = call.array_mut(out.cast::<Term>(), p.cols(), "out")?;
        call.run(p.elements(), |options| explain_into(p, q, options, out))
    })
}

macro_rules! same_layout {
    ($($field:ident)*) => {
        const _: () = {
            assert!(size_of::<kldiv_term>() == size_of::<Term>() && align_of::<kldiv_term>() == align_of::<Term>());
            $(assert!(offset_of!(kldiv_term, $field) == offset_of!(Term, $field));)*
        };
    };
}
same_layout!(index p q ratio log_ratio contribution share);

#[cfg(test)]
mod tests {
    use std::ptr::null;

    use super::*;
    use crate::status::{KLDIV_ERROR_NULL_POINTER, KLDIV_OK};
    use crate::view::KLDIV_DTYPE_F64;

    #[test]
    fn the_coin_term_by_term() {
        let coin = |data: &[f64; 2]| kldiv_view {
            data: data.as_ptr().cast(),
            rows: 1,
            cols: 2,
            row_stride: 2,
            col_stride: 1,
            dtype: KLDIV_DTYPE_F64,
        };
        let (p, q) = ([0.5, 0.5], [0.7, 0.3]);
        let none = kldiv_term {
            index: 9,
            p: 0.0,
            q: 0.0,
            ratio: 0.0,
            log_ratio: 0.0,
            contribution: 0.0,
            share: 0.0,
        };
        let mut terms = [none; 2];
        // SAFETY: the views lie in arrays that live, and each outcome has its place.
        unsafe {
            assert_eq!(kldiv_explain(&coin(&p), &coin(&q), null(), terms.as_mut_ptr()), KLDIV_OK);
            assert_eq!(
                kldiv_explain(&coin(&p), &coin(&q), null(), std::ptr::null_mut()),
                KLDIV_ERROR_NULL_POINTER
            );
        }
        let walk = terms.map(|t| {
            format!("{}: {} {} {:.3} {:.3} {:.3}", t.index, t.p, t.q, t.ratio, t.log_ratio, t.contribution)
        });
        assert_eq!(walk, ["0: 0.5 0.7 0.714 -0.336 -0.168", "1: 0.5 0.3 1.667 0.511 0.255"]);
        assert!((terms[0].share + terms[1].share - 1.0).abs() < 1e-15);
    }
}
