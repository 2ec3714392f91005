//! Many pairs of one family at once: parameters are gathered into columns for the vector kernels.

use crate::family::names::Family;
use crate::kernels::pairs::{self, PAIRS, Pairs, Parameter};
use crate::kernels::{self, dispatch};
use crate::view::{Element, View};

/// Writes the divergences of the rows from `start` on; what is not finite where a row has to be looked at by itself, as all
/// have of a family that has no kernel. Says whether all are finite.
pub(crate) fn divergences(family: Family, p: &View, q: &View, start: usize, out: &mut [f64]) -> bool {
    use Family::{Beta, Gamma, InverseGamma, LogNormal, Normal};
    if !matches!(family, Normal | LogNormal | Gamma | InverseGamma | Beta) {
        out.fill(f64::NAN);
        return false;
    }
    let (p, q) = (p.some_rows(start, out.len()), q.some_rows(start, out.len()));
    if let (Some(p), Some(q)) = (where_they_are::<f64>(&p), where_they_are(&q)) {
        of_slices(family, p, q, out)
    } else if let (Some(p), Some(q)) = (where_they_are::<f32>(&p), where_they_are(&q)) {
        of_slices(family, p, q, out)
    } else {
        gathered(family, &p, &q, out)
    }
}

fn of_slices<T: Parameter>(family: Family, p: &[T], q: &[T], out: &mut [f64]) -> bool {
    match family {
        Family::Normal | Family::LogNormal => dispatch(Pairs { pair: pairs::Normal, p, q, out }),
        Family::Beta => dispatch(Pairs { pair: pairs::Beta, p, q, out }),
        _ => dispatch(Pairs { pair: pairs::Gamma, p, q, out }),
    }
}

/// The parameters two by two, if they lie so.
fn where_they_are<'a, T: Element>(of: &View<'a>) -> Option<&'a [T]> {
    of.as_one_row()?.as_slice()
}

/// Not inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
fn gathered(family: Family, p: &View, q: &View, out: &mut [f64]) -> bool {
    let mut finite = true;
    let mut buffers = [[1.0; 2 * PAIRS]; 2];
    for (i, out) in out.chunks_mut(PAIRS).enumerate() {
        let [for_p, for_q] = &mut buffers;
        let (start, n) = (i * PAIRS, out.len());
        finite &= of_slices(family, parameters(p, start, n, for_p), parameters(q, start, n, for_q), out);
    }
    finite
}

/// The parameters of `n` rows from `start` on, two by two: where they are, if they lie so, or gathered.
fn parameters<'a>(of: &View<'a>, start: usize, n: usize, gathered: &'a mut [f64; 2 * PAIRS]) -> &'a [f64] {
    let rows = of.some_rows(start, n);
    if let Some(row) = rows.as_one_row() {
        return kernels::as_or_in(row, &mut gathered[..2 * n]);
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
