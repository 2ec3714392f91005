//! The nearest-neighbour estimate.

use crate::error::{Error, Operand};
use crate::estimate::tree::{Scratch, Search, Tree, coordinates};
use crate::kernels;
use crate::memory::reserve;
use crate::pair::single;
use crate::policy::Options;
use crate::rows::PARALLEL_FROM;
use crate::sum::Compensated;
use crate::threads;
use crate::view::{Shape, View};

const X: Operand = Operand::new(0, "x");
const Y: Operand = Operand::new(1, "y");

/// Points that one task searches for.
const TASK: usize = 64;

/// The k-nearest-neighbour estimate of D(P‖Q) from points of P and of Q, in nats.
///
/// `(d/n) Σᵢ ln(νᵢ/ρᵢ) + ln(m/(n − 1))`, where ρᵢ is the Euclidean distance of xᵢ to the k-th nearest of the other n − 1
/// points of x, and νᵢ that to the k-th nearest of the m points of y.
///
/// Consistent for every k. Its bias falls slowly with n in many dimensions, since it comes from the size of the
/// neighbourhoods; its variance is some `(1/n + 1/m)/k`, so a larger k trades variance for bias. Not clipped: it may be
/// negative.
///
/// # Shapes
/// `x`: `[n, d]`, `y`: `[m, d]`, a point a row, any strides; n > k, m ≥ k, d ≥ 1. The options' mask and weights do not
/// apply.
/// # Ties
/// Equal distances count with multiplicity, so ties need no rule. Only the index i is left out of x: a twin of xᵢ is a
/// neighbour at distance 0. A point of y that equals xᵢ counts. Where that makes ρᵢ or νᵢ 0 the formula is undefined,
/// which is [`Error::Degenerate`].
/// # Accuracy
/// Within 1e-14 (d + ln(m/n)) of the formula for these very numbers, whatever their size: distances whose squares
/// overflow or underflow are scaled first.
/// # Threads
/// Points are shared among [`threads`](crate::threads); the result has the same bits for any number of them.
/// # Errors
/// [`Error::ShapeMismatch`] if the dimensions differ, [`Error::Empty`] if they are 0, [`Error::Option`] if k is 0;
/// [`Error::InvalidEntry`] names the first coordinate that is not finite; [`Error::TooFew`]; [`Error::Degenerate`].
///
/// Source: Wang, Kulkarni and Verdú, "Divergence estimation for multidimensional densities via k-nearest-neighbor
/// distances", 2009.
pub fn knn<'a>(
    x: impl Into<View<'a>>,
    y: impl Into<View<'a>>,
    k: usize,
    options: &Options,
) -> Result<f64, Error> {
    let mut out = f64::NAN;
    knn_into(x.into(), y.into(), k, options, &mut out)?;
    Ok(out)
}

/// As [`knn`], into the caller's memory: where it fails on the points, NaN, or what the formula tends to where points
/// coincide.
pub fn knn_into(x: View, y: View, k: usize, options: &Options, out: &mut f64) -> Result<(), Error> {
    Options { mask: None, weights: None, ..options.clone() }.check(1)?;
    options.needs_kl()?;
    if x.cols() == 0 {
        return Err(Error::Empty);
    }
    if x.cols() != y.cols() {
        let expected = Shape { cols: x.cols(), ..y.shape() };
        return Err(Error::ShapeMismatch { what: "y", found: y.shape(), expected });
    }
    if k == 0 {
        let expected = "the nearest neighbour is that of order 1";
        return Err(Error::Option { name: "k", value: 0.0, expected });
    }
    single(options, estimate(&x, &y, k, options.parallel), out)
}

fn estimate(x: &View, y: &View, k: usize, parallel: bool) -> Result<f64, Error> {
    let (n, m, dims) = (x.rows(), y.rows(), x.cols());
    let (mut xs, mut ys) = (coordinates(x, X)?, coordinates(y, Y)?);
    for (operand, found, needed) in [(X, n, k.saturating_add(1)), (Y, m, k)] {
        if found < needed {
            return Err(Error::TooFew { operand, found, needed });
        }
    }
    bring_into_range(&mut xs, &mut ys);
    let parallel = parallel && n.saturating_mul(POINT) >= PARALLEL_FROM;
    let tree = |side: usize| Tree::new(if side == 0 { &xs } else { &ys }, dims);
    let mut trees = [const { Err(Error::Empty) }; 2];
    if parallel {
        threads::chunks_mut(&mut trees, 1, |side, place| {
            place[0] = tree(side);
            None::<()>
        });
    } else {
        trees = [tree(0), tree(1)];
    }
    let [x, y] = trees;
    let pair = Pair { x: x?, y: y?, dims, k };
    let tasks = n.div_ceil(TASK);
    let mut parts = reserve(tasks)?;
    if parallel {
        threads::collect_into(&mut parts, tasks, 1, |task| pair.part(task));
    } else {
        parts.extend((0..tasks).map(|task| pair.part(task)));
    }
    let mut sum = Compensated::ZERO;
    // The first row of x with twins in x and the first with twins in y.
    let mut twins = [None; 2];
    for part in parts {
        let part = part?;
        sum.add_parts(&part.sum);
        for (first, other) in twins.iter_mut().zip(part.twins) {
            *first = [*first, other].into_iter().flatten().min();
        }
    }
    let degenerate = |operand, row, limit| Err(Error::Degenerate { operand, row, k, limit });
    match twins {
        [None, None] => {}
        [Some(row), None] => return degenerate(X, row, f64::INFINITY),
        [None, Some(row)] => return degenerate(Y, row, f64::NEG_INFINITY),
        [Some(in_x), Some(in_y)] if in_x <= in_y => return degenerate(X, in_x, f64::NAN),
        [Some(_), Some(in_y)] => return degenerate(Y, in_y, f64::NAN),
    }
    let others = (n - 1) as f64;
    Ok(sum.value() * (dims as f64 / n as f64) + ((m as f64 - others) / others).ln_1p())
}

/// What a point is worth in elements of work, as [`PARALLEL_FROM`](crate::batch::PARALLEL_FROM) counts them.
pub const POINT: usize = 64;

/// Multiplies all coordinates by one power of 2, so that no sum of squares overflows: the largest becomes about 2^450.
fn bring_into_range(xs: &mut [f64], ys: &mut [f64]) {
    let largest = xs.iter().chain(ys.iter()).fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let exponent = 450 - (largest.max(f64::MIN_POSITIVE).to_bits() >> 52) as i32 + 1023;
    // In two steps: the power itself may be out of range.
    let (half, rest) = (2f64.powi(exponent / 2), 2f64.powi(exponent - exponent / 2));
    for x in xs.iter_mut().chain(ys) {
        *x = *x * half * rest;
    }
}

/// Two samples.
struct Pair {
    x: Tree,
    y: Tree,
    dims: usize,
    k: usize,
}

/// Some points' sum of ln(ν/ρ), and the first rows with ρ = 0 and with ν = 0.
struct Part {
    sum: Compensated,
    twins: [Option<usize>; 2],
}

impl Pair {
    /// That of the points of a task, which lie near each other.
    fn part(&self, task: usize) -> Result<Part, Error> {
        let (mut sum, mut twins) = (Compensated::ZERO, [None; 2]);
        let mut point = reserve(self.dims)?;
        point.resize(self.dims, 0.0);
        let mut scratch = self.x.scratch(self.k)?;
        for place in (task * TASK..self.x.rows.len()).take(TASK) {
            self.x.point(place, &mut point);
            let in_x = distance(&self.x, &point, place, &mut scratch);
            let in_y = distance(&self.y, &point, usize::MAX, &mut scratch);
            for (first, distance) in twins.iter_mut().zip([in_x.0, in_y.0]) {
                if distance == 0.0 {
                    let row = self.x.rows[place];
                    *first = Some(first.map_or(row, |first: usize| first.min(row)));
                }
            }
            let powers = f64::from(in_x.1 - in_y.1);
            sum.add((in_y.0 / in_x.0).ln() + powers * std::f64::consts::LN_2);
        }
        Ok(Part { sum, twins })
    }
}

/// The distance to the k-th nearest, as `(f, e)` for f · 2^−e, with f so large that nothing that matters has underflowed.
fn distance(tree: &Tree, point: &[f64], but: usize, scratch: &mut Scratch) -> (f64, i32) {
    /// Squares above this have all their digits.
    const SAFE: f64 = f64::from_bits((1023 - 960) << 52);
    let mut exponent = 0;
    loop {
        let scale = 2f64.powi(exponent);
        let squared = kernels::dispatch(Search { tree, point, but, scale, scratch });
        if squared >= SAFE || exponent == 960 {
            return (squared.sqrt(), exponent);
        }
        exponent += 480;
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn points(n: usize, dims: usize, seed: u64) -> Array2<f64> {
        let mut state = seed;
        Array2::from_shape_fn((n, dims), |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 0.5) * 2f64.powi(-53)
        })
    }

    #[test]
    fn a_power_of_two_changes_nothing_but_for_what_it_rounds() {
        let (x, y) = (points(70, 3, 1), points(50, 3, 2));
        let plain = knn(&x, &y, 2, &Options::default()).unwrap();
        for exponent in [-1000, -500, -3, 300, 900, 1023] {
            let (half, rest) = (2f64.powi(exponent / 2), 2f64.powi(exponent - exponent / 2));
            let scaled = knn(&(&x * half * rest), &(&y * half * rest), 2, &Options::default()).unwrap();
            assert_eq!(scaled, plain, "{exponent}");
        }
    }

    #[test]
    fn distances_far_below_the_coordinates_are_resolved() {
        // Two points apart by tiny steps near 0 beside one far away.
        let tiny = 1e-300;
        let x = ndarray::array![[0.0, 0.0], [tiny, 0.0], [1e10, 1.0]];
        let y = ndarray::array![[0.0, 2.0 * tiny], [1e10, 3.0]];
        let want = (2.0 / 3.0) * (2f64.ln() + 5f64.sqrt().ln() + (2.0 / (1e10f64 - tiny).hypot(1.0)).ln())
            + 1f64.ln();
        let got = knn(&x, &y, 1, &Options::default()).unwrap();
        assert!((got - want).abs() < 1e-13, "{got}, want {want}");
    }

    #[test]
    fn twins_are_named_with_the_sample_that_holds_them() {
        let x = ndarray::array![[0.0], [1.0], [1.0], [3.0]];
        let y = ndarray::array![[0.5], [3.0], [7.0]];
        let mut out = 0.0;
        let error = knn_into((&x).into(), (&y).into(), 1, &Options::default(), &mut out).unwrap_err();
        assert!(matches!(error, Error::Degenerate { operand: X, row: 1, k: 1, .. }), "{error}");
        assert!(out.is_nan());
        let error = knn(x.slice(ndarray::s![2.., ..]), &y, 1, &Options::default()).unwrap_err();
        assert!(
            matches!(error, Error::Degenerate { operand: Y, row: 1, limit: f64::NEG_INFINITY, .. }),
            "{error}"
        );
    }
}
