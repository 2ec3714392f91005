//! Many pairs of one family at once, by the vector kernels.

use crate::family::names::Family;
use crate::kernels::dispatch;
use crate::kernels::pairs::{self, PAIRS, Pairs, Parameter, Side};
use crate::view::View;

/// Writes the divergences of the rows from `start` on; what is not finite where a row has to be looked at by itself, as all
/// have of a family that has no kernel. Says whether all are finite.
pub(crate) fn divergences(family: Family, p: &View, q: &View, start: usize, out: &mut [f64]) -> bool {
    use Family::{Beta, Gamma, InverseGamma, LogNormal, Normal};
    if !matches!(family, Normal | LogNormal | Gamma | InverseGamma | Beta) {
        out.fill(f64::NAN);
        return false;
    }
    let (p, q) = (p.some_rows(start, out.len()), q.some_rows(start, out.len()));
    if let (Some(p), Some(q)) = (side::<f64>(&p), side(&q)) {
        of_sides(family, p, q, out)
    } else if let (Some(p), Some(q)) = (side::<f32>(&p), side(&q)) {
        of_sides(family, p, q, out)
    } else {
        gathered(family, &p, &q, out)
    }
}

fn of_sides<T: Parameter>(family: Family, p: Side<T>, q: Side<T>, out: &mut [f64]) -> bool {
    match family {
        Family::Normal | Family::LogNormal => dispatch(Pairs { pair: pairs::Normal, p, q, out }),
        Family::Beta => dispatch(Pairs { pair: pairs::Beta, p, q, out }),
        _ => dispatch(Pairs { pair: pairs::Gamma, p, q, out }),
    }
}

/// Where the parameters are, if a kernel can read them there.
fn side<'a, T: Parameter>(of: &View<'a>) -> Option<Side<'a, T>> {
    if let Some(rows) = of.as_one_row().and_then(|row| row.as_slice()) {
        return Some(Side::Rows(rows));
    }
    let columns = of.transposed();
    if let (Some(first), Some(second)) = (columns.row(0).as_slice(), columns.row(1).as_slice()) {
        return Some(Side::Columns(first, second));
    }
    (of.dtype() == T::DTYPE && of.is_repeated()).then(|| {
        let mut parameters = [T::from_f64(1.0); 2];
        of.row(0).copy(&mut parameters);
        Side::Fixed(parameters[0], parameters[1])
    })
}

/// Not inlined, so that its buffers are on the stack only where they are needed.
#[inline(never)]
fn gathered(family: Family, p: &View, q: &View, out: &mut [f64]) -> bool {
    let mut finite = true;
    let mut buffers = [[[1.0; PAIRS]; 2]; 2];
    for (i, out) in out.chunks_mut(PAIRS).enumerate() {
        let [for_p, for_q] = &mut buffers;
        let [p, q] = [p, q].map(|side| side.some_rows(i * PAIRS, out.len()));
        finite &= of_sides(family, columns(&p, for_p), columns(&q, for_q), out);
    }
    finite
}

/// The parameters where they are, if a kernel can read them there, or converted.
fn columns<'a>(of: &View<'a>, buffers: &'a mut [[f64; PAIRS]; 2]) -> Side<'a, f64> {
    side(of).unwrap_or_else(|| {
        let [first, second] = buffers.each_mut().map(|buffer| &mut buffer[..of.rows()]);
        of.transposed().row(0).copy(first);
        of.transposed().row(1).copy(second);
        Side::Columns(first, second)
    })
}
