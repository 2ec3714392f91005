//! The product of two matrices that lie in panels of eight rows, and what becomes of its cells.
//!
//! In plain words: element j of row i of a panel is at `8j + i`. The products of a cell are added in blocks of 32,
//! each from zero; the sums of 8 blocks are added to each other, and those of such stretches with compensation. So a
//! cell's rounding error does not grow with the length of the rows, and its bits depend on its two rows alone: not on
//! the instruction set, and not on how many cells are computed at a time.
//!
//! Departures: 8 × 24 cells at a time where there are 32 vectors of eight numbers, 4 × 8 elsewhere, so that all sums
//! of a block stay in registers.

use crate::error::Error;
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers};
use crate::kernels::log::{Parts, Ratio, ln_by_table, ln_ratio};
use crate::kernels::op::{Op, Terms};
use crate::memory::zeros;

/// Rows of a panel.
pub(crate) const PANEL: usize = 8;

/// Panels of the right side whose cells with one panel of the left are computed at a time, at most.
pub(crate) const GROUP: usize = 3;

/// Products that are added from zero.
pub(crate) const BLOCK: usize = 32;

/// Products whose blocks are added without compensation.
pub(crate) const STRETCH: usize = 256;

/// Cells of two panels.
const CELLS: usize = PANEL * PANEL;

/// Sums of products of a panel on the left and up to [`GROUP`] on the right: cell (i, l) of panel c is at `64c + 8i + l`.
pub(crate) struct Products {
    /// The sums, and what rounding took from those of more than one stretch.
    pub(super) hi: Vec<f64>,
    pub(super) lo: Vec<f64>,
    /// Those of the stretch under way.
    part: Vec<f64>,
}

impl Products {
    pub(crate) fn new() -> Result<Products, Error> {
        Ok(Products { hi: zeros(GROUP * CELLS)?, lo: zeros(GROUP * CELLS)?, part: zeros(GROUP * CELLS)? })
    }
}

/// Multiplies R rows of a panel, from one of them on, with C panels, all of equal length.
pub(super) struct Product<'a, const R: usize, const C: usize> {
    pub(super) left: &'a [f64],
    pub(super) row: usize,
    pub(super) right: [&'a [f64]; C],
    /// The first panel's place among the sums.
    pub(super) place: usize,
    pub(super) to: &'a mut Products,
}

impl<const R: usize, const C: usize> Job for Product<'_, R, C> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Product { left, row, right, place, to } = self;
        assert!(row + R <= PANEL && place + C <= GROUP);
        let n = left.len() / PANEL;
        for c in 0..C {
            assert!(right[c].len() / PANEL >= n);
        }
        let Products { hi, lo, part } = to;
        let base = place * CELLS + row * PANEL;
        for i in 0..R {
            for c in 0..C {
                // SAFETY: `base` is the first of the sums, and there are R rows of C panels of them.
                unsafe { I::F64::zero().store(lo.as_mut_ptr().add(base + c * CELLS + i * PANEL)) };
            }
        }
        for from in (0..n).step_by(STRETCH) {
            let end = n.min(from + STRETCH);
            let sums = if from == 0 { hi.as_mut_ptr() } else { part.as_mut_ptr() };
            for start in (from..end).step_by(BLOCK) {
                let mut block = [[I::F64::zero(); C]; R];
                for j in start..end.min(start + BLOCK) {
                    let mut y = [I::F64::zero(); C];
                    for c in 0..C {
                        // SAFETY: column j of a panel is eight elements from 8j on.
                        y[c] = unsafe { I::F64::load(right[c].as_ptr().add(j * PANEL)) };
                    }
                    for i in 0..R {
                        // SAFETY: as above.
                        let x = I::F64::splat(unsafe { *left.as_ptr().add(j * PANEL + row + i) });
                        for c in 0..C {
                            block[i][c] = x.fma(y[c], block[i][c]);
                        }
                    }
                }
                for i in 0..R {
                    for c in 0..C {
                        // SAFETY: as for the first loop.
                        unsafe {
                            let sum = sums.add(base + c * CELLS + i * PANEL);
                            let before = if start == from { I::F64::zero() } else { I::F64::load(sum) };
                            (before + block[i][c]).store(sum);
                        }
                    }
                }
            }
            if from > 0 {
                for i in 0..R {
                    for c in 0..C {
                        let at = base + c * CELLS + i * PANEL;
                        // SAFETY: as for the first loop.
                        unsafe {
                            let (a, b) =
                                (I::F64::load(hi.as_ptr().add(at)), I::F64::load(part.as_ptr().add(at)));
                            let sum = a + b;
                            let back = sum - a;
                            let lost = (a - (sum - back)) + (b - back);
                            sum.store(hi.as_mut_ptr().add(at));
                            (I::F64::load(lo.as_ptr().add(at)) + lost).store(lo.as_mut_ptr().add(at));
                        }
                    }
                }
            }
        }
    }
}

/// Sums `Σ r x ln x` with x = a + b over two panels instead of their products, of R rows from one of them on with all of
/// another panel: with a = w p/r and b = v q/r that is `Σ m ln(m/r)` of the mixture m.
///
/// Blocks are of eight elements here, and every block is added with compensation: next to the logarithms that is little.
pub(super) struct Mixture<'a, const R: usize> {
    pub(super) left: &'a [f64],
    pub(super) row: usize,
    pub(super) right: &'a [f64],
    pub(super) centre: &'a [f64],
    pub(super) place: usize,
    pub(super) to: &'a mut Products,
}

impl<const R: usize> Job for Mixture<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Mixture { left, row, right, centre, place, to } = self;
        let n = centre.len();
        assert!(row + R <= PANEL && place < GROUP && left.len() == n * PANEL && right.len() == n * PANEL);
        let (mut hi, mut lo) = ([I::F64::zero(); R], [I::F64::zero(); R]);
        for start in (0..n).step_by(8) {
            let mut block = [I::F64::zero(); R];
            for j in start..n.min(start + 8) {
                // SAFETY: column j of a panel is eight elements from 8j on.
                let (y, r) =
                    unsafe { (I::F64::load(right.as_ptr().add(j * PANEL)), *centre.as_ptr().add(j)) };
                for i in 0..R {
                    // SAFETY: as above.
                    let x = I::F64::splat(unsafe { *left.as_ptr().add(j * PANEL + row + i) }) + y;
                    let (whole, part) = ln_by_table(x);
                    block[i] = (I::F64::splat(r) * x).fma(whole + part, block[i]);
                }
            }
            for i in 0..R {
                let sum = hi[i] + block[i];
                let back = sum - hi[i];
                lo[i] = lo[i] + ((hi[i] - (sum - back)) + (block[i] - back));
                hi[i] = sum;
            }
        }
        for i in 0..R {
            let at = place * CELLS + (row + i) * PANEL;
            // SAFETY: a row of cells is eight numbers, and there are eight rows in each place.
            unsafe {
                hi[i].store(to.hi.as_mut_ptr().add(at));
                lo[i].store(to.lo.as_mut_ptr().add(at));
            }
        }
    }
}

/// What is known of the rows of a panel, row by row.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// What a cell has beside its product.
    pub(crate) constant: [f64; PANEL],
    /// The rows' sums, in two parts.
    pub(crate) sum: [f64; PANEL],
    pub(crate) sum_low: [f64; PANEL],
    /// See [`Reach`]: the products of two rows' reaches bound the sums that are rounded on the way to their cell.
    pub(crate) reach: [f64; PANEL],
    /// Two rows' spans and the value bound all of those sums, too.
    pub(crate) span: [f64; PANEL],
    /// What the row adds to the error of its cells beside that of the products, in u; infinity where cells of the row
    /// are not to be taken from a product.
    pub(crate) doubt: [f64; PANEL],
}

impl Facts {
    pub(crate) const NONE: Facts = Facts {
        constant: [0.0; PANEL],
        sum: [0.0; PANEL],
        sum_low: [0.0; PANEL],
        reach: [0.0; PANEL],
        span: [0.0; PANEL],
        doubt: [0.0; PANEL],
    };
}

/// How cells become results, and when they are good enough. With v the value that two constants and a product make and
/// s the difference of the rows' sums, p's less q's:
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// The result is v − `straight` s.
    pub(crate) straight: f64,
    /// mag is |v − `curved` s| + `beside` |s|.
    pub(crate) curved: f64,
    pub(crate) beside: f64,
    /// How many u mag a result may be off.
    pub(crate) limit: f64,
    /// The error of a product in u, for a reach of 1 and for a span of 1.
    pub(crate) by_reach: f64,
    pub(crate) by_span: f64,
}

/// Makes results of the cells of two panels, eight lanes to a row of `out` that is `width` long; NaN where a cell is
/// not known to be good enough.
pub(super) struct Judge<'a> {
    pub(super) rule: &'a Rule,
    pub(super) left: &'a Facts,
    pub(super) right: &'a Facts,
    pub(super) products: &'a Products,
    pub(super) place: usize,
    pub(super) out: &'a mut [f64],
    pub(super) width: usize,
}

#[inline(always)]
fn lanes<V: Lanes<Real = f64>>(of: &[f64; PANEL]) -> V {
    const { assert!(V::LANES <= PANEL) };
    // SAFETY: eight numbers are a vector.
    unsafe { V::load(of.as_ptr()) }
}

impl Job for Judge<'_> {
    /// Whether all are.
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        let Judge { rule, left, right, products, place, out, width } = self;
        assert!(place < GROUP && out.len() >= (PANEL - 1) * width + PANEL);
        let mut all = true;
        let splat = I::F64::splat;
        let (constant, span, doubt) = (lanes(&right.constant), lanes(&right.span), lanes(&right.doubt));
        let reach = lanes::<I::F64>(&right.reach);
        let (sum, sum_low) = (lanes::<I::F64>(&right.sum), lanes::<I::F64>(&right.sum_low));
        for i in 0..PANEL {
            let at = place * CELLS + i * PANEL;
            // SAFETY: a row of cells is eight numbers.
            let (hi, lo) = unsafe {
                (I::F64::load(products.hi.as_ptr().add(at)), I::F64::load(products.lo.as_ptr().add(at)))
            };
            let value = ((splat(left.constant[i]) + constant) - hi) - lo;
            let s = (splat(left.sum[i]) - sum) + (splat(left.sum_low[i]) - sum_low);
            let result = splat(rule.straight).fnma(s, value);
            let mag = splat(rule.beside).fma(s.magnitude(), splat(rule.curved).fnma(s, value).magnitude());
            let room = splat(rule.limit).fma(mag, I::F64::zero() - (splat(left.doubt[i]) + doubt));
            let mut good = I::F64::le(splat(rule.by_reach * left.reach[i]) * reach, room);
            if !I::F64::all(good) {
                let by_span = splat(rule.by_span) * (value.magnitude() + (splat(left.span[i]) + span));
                good = I::F64::or(good, I::F64::le(by_span, room));
            }
            all &= I::F64::all(good);
            let result = I::F64::select(good, result, splat(f64::NAN));
            // SAFETY: there are seven rows before the last one's eight places, or fewer.
            unsafe { result.store(out.as_mut_ptr().add(i * width)) };
        }
        all
    }
}

/// Makes those results of two panels infinite whose rows have a bit in common: the words of row i on the left are one
/// after another, word w of row l on the right is at `8w + l`.
pub(super) struct Meet<'a> {
    pub(super) left: &'a [u64],
    pub(super) right: &'a [u64],
    pub(super) out: &'a mut [f64],
    pub(super) width: usize,
}

impl Job for Meet<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Meet { left, right, out, width } = self;
        let rows = left.chunks_exact(left.len() / PANEL);
        for (words, out) in rows.zip(out.chunks_mut(width)) {
            let mut met = [0; PANEL];
            for (word, others) in words.iter().zip(right.chunks_exact(PANEL)) {
                for l in 0..PANEL {
                    met[l] |= word & others[l];
                }
            }
            for (bits, out) in met.iter().zip(out) {
                if *bits != 0 {
                    *out = f64::INFINITY;
                }
            }
        }
    }
}

/// How far a row reaches: a bound, with that of another row, of the sums that are rounded on the way to their cell.
///
/// By Cauchy and Schwarz, the products of two rows up to some element sum to at most A B, where A² and B² are the sums
/// of the squares of their weighted elements up to there. Each rounded sum is such a sum, from the beginning of a block
/// or, for sums of blocks, of a stretch. So the squares of all of them sum to at most Σ A² B², which is at most the
/// root of Σ A⁴ Σ B⁴. The reach is the fourth root of Σ A⁴, where the eight steps of a vector count like the last of
/// them, and once more by themselves for the rounding of the elements.
pub(super) struct Reach<'a> {
    pub(super) x: &'a [f64],
    pub(super) weight: &'a [f64],
}

impl Job for Reach<'_> {
    /// Its fourth power.
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        let eight = I::F64::splat(8.0);
        let mut fourth = I::F64::zero();
        for (x, weight) in self.x.chunks(STRETCH).zip(self.weight.chunks(STRETCH)) {
            let mut in_stretch = I::F64::zero();
            for (x, weight) in x.chunks(BLOCK).zip(weight.chunks(BLOCK)) {
                let mut in_block = I::F64::zero();
                for (x, weight) in x.chunks(8).zip(weight.chunks(8)) {
                    let live = I::F64::first(x.len());
                    // SAFETY: as many elements are left in both.
                    let (x, weight) = unsafe {
                        (
                            I::F64::load_first(x.as_ptr(), x.len()),
                            I::F64::load_first(weight.as_ptr(), x.len()),
                        )
                    };
                    let x = I::F64::select(live, x * weight, I::F64::zero());
                    let square = x * x;
                    let square = square + square.swap(4);
                    let square = square + square.swap(2);
                    let square = square + square.swap(1);
                    in_block = in_block + square;
                    fourth = (eight * in_block).fma(in_block, (eight * square).fma(square, fourth));
                }
                in_stretch = in_stretch + in_block;
                fourth = in_stretch.fma(in_stretch, fourth);
            }
        }
        fourth.lane_0()
    }
}

/// `ln(p/q)`, and 0 where p is 0: what is not there is told by other means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LnRatio;

impl Op<1, 0> for LnRatio {
    const SKIPS_ZERO_P: bool = true;

    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 1, 0> {
        Ratio::of(q, p).ln().into()
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 1, 0> {
        let valid = 0.0..f64::INFINITY;
        match (p, q) {
            _ if !(valid.contains(&p) && valid.contains(&q)) => f64::NAN,
            (0.0, _) | (_, 0.0) => 0.0,
            _ => ln_ratio(p, q),
        }
        .into()
    }
}
