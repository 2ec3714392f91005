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
        let (start, n) = (start + i * PAIRS, out.len());
        let mut columns = [[1.0; PAIRS]; 4];
        for (column, (view, col)) in columns.iter_mut().zip([(p, 0), (p, 1), (q, 0), (q, 1)]) {
            view.transposed().row(col).part(start, n).copy(&mut column[..n]);
        }
        let (columns, mut values) = (&columns, [0.0; PAIRS]);
        match family {
            Normal | LogNormal => dispatch(Pairs { pair: pairs::Normal, columns, out: &mut values }),
            Beta => dispatch(Pairs { pair: pairs::Beta, columns, out: &mut values }),
            _ => dispatch(Pairs { pair: pairs::Gamma, columns, out: &mut values }),
        }
        out.copy_from_slice(&values[..n]);
    }
}
