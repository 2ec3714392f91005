//! Many pairs of one family at once: parameters are gathered into columns for the vector kernels.

use crate::family::names::Family;
use crate::kernels::dispatch;
use crate::kernels::pairs::{self, PAIRS, Pairs};
use crate::view::View;

/// Writes the divergences of the rows from `start` on; NaN where a row has to be looked at by itself, as all have of a
/// family that has no kernel.
pub(crate) fn divergences(family: Family, p: &View, q: &View, start: usize, out: &mut [f64]) {
    use Family::{Beta, Gamma, InverseGamma, LogNormal, Normal};
    if !matches!(family, Normal | LogNormal | Gamma | InverseGamma | Beta) {
        return out.fill(f64::NAN);
    }
    for (i, out) in out.chunks_mut(PAIRS).enumerate() {
        let start = start + i * PAIRS;
        let mut gathered = [[1.0; 2 * PAIRS]; 2];
        let [for_p, for_q] = &mut gathered;
        let (p, q) = (parameters(p, start, out.len(), for_p), parameters(q, start, out.len(), for_q));
        match family {
            Normal | LogNormal => dispatch(Pairs { pair: pairs::Normal, p, q, out }),
            Beta => dispatch(Pairs { pair: pairs::Beta, p, q, out }),
            _ => dispatch(Pairs { pair: pairs::Gamma, p, q, out }),
        }
    }
}

/// The parameters of `n` rows from `start` on, two by two: where they are, if they lie so, or gathered.
fn parameters<'a>(of: &View<'a>, start: usize, n: usize, gathered: &'a mut [f64; 2 * PAIRS]) -> &'a [f64] {
    let rows = of.some_rows(start, n);
    if let Some(parameters) = rows.as_one_row().and_then(|row| row.as_slice()) {
        return parameters;
    }
    for col in 0..2 {
        let mut column = [1.0; PAIRS];
        rows.transposed().row(col).copy(&mut column[..n]);
        for (pair, x) in gathered.chunks_exact_mut(2).zip(&column[..n]) {
            pair[col] = *x;
        }
    }
    &gathered[..2 * n]
}
