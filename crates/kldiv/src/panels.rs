//! The two matrices of an all-pairs call, their rows' sums, and their rows made ready for a matrix product.
//!
//! With any r > 0, `Σ p ln(p/q) = Σ p ln(p/r) − Σ p ln(q/r)`: a number a row less a product. r is near the mean of the
//! rows of Q, so that the numbers of both are about as large as the result.

use crate::error::{Error, Operand};
use crate::kernels;
use crate::kernels::exp::exp;
use crate::kernels::lanes::Numbers;
use crate::kernels::log::ln;
use crate::kernels::op::{Kl, Op};
use crate::kernels::prepare::AsGiven;
use crate::kernels::product::{Facts, LnRatio, PANEL};
use crate::kernels::scalar::One;
use crate::memory::{Heap, reserve, zeros};
use crate::pair::Plan;
use crate::policy::Normalization;
use crate::sum::Compensated;
use crate::threads;
use crate::view::{Row, View};

/// Rows that are looked at for a mean.
const SAMPLE: usize = 1024;

/// Sums that leave room for squares and quotients.
const TAME: std::ops::Range<f64> = 1e-60..1e60;

/// One matrix of a call, and the sums of its rows.
pub(crate) struct Side<'a> {
    pub(crate) view: View<'a>,
    operand: Operand,
    mask: Option<&'a [u8]>,
    sums: Vec<Compensated>,
}

impl<'a> Side<'a> {
    /// Rows that a mask leaves out are not looked at; the others' sums are taken by [`Side::add_up`].
    pub(crate) fn new(view: View<'a>, operand: Operand, mask: Option<&'a [u8]>) -> Self {
        Side { view, operand, mask, sums: Vec::new() }
    }

    pub(crate) fn add_up(&mut self, plan: &Plan) -> Result<(), Error> {
        let rows = self.view.rows();
        let mut sums = reserve(rows)?;
        let sum = |i: usize| if self.keeps(i) { plan.mass(self.view.row(i)) } else { Compensated::ZERO };
        if plan.spread {
            threads::collect_into(&mut sums, rows, 16, sum);
        } else {
            sums.extend((0..rows).map(sum));
        }
        self.sums = sums;
        Ok(())
    }

    pub(crate) fn keeps(&self, i: usize) -> bool {
        self.mask.is_none_or(|mask| mask[i] != 0)
    }

    /// A row and its sum.
    pub(crate) fn row(&self, i: usize) -> (Row<'a>, Compensated) {
        (self.view.row(i), self.sums[i])
    }

    /// What is wrong with a row, if it is looked at.
    pub(crate) fn fault(&self, plan: &Plan, i: usize) -> Option<Error> {
        if self.keeps(i) { plan.fault(self.view.row(i), self.operand, self.sums[i], i) } else { None }
    }

    #[inline(never)]
    pub(crate) fn is_bad(&self, plan: &Plan, i: usize) -> bool {
        self.fault(plan, i).is_some()
    }

    /// Whether a row can be part of a product, if nothing is wrong with it.
    fn is_tame(&self, i: usize) -> bool {
        let sum = self.sums[i].value();
        sum == 0.0 || TAME.contains(&sum)
    }
}

/// What rows are compared with: r, and its sum.
pub(crate) struct Centre {
    r: Vec<f64>,
    sum: f64,
}

impl Centre {
    /// The mean of some rows, each as if it summed to 1, on the scale of their sums; nowhere 0.
    pub(crate) fn mean_of(plan: &Plan, sides: &[&Side]) -> Result<Centre, Error> {
        let cols = sides[0].view.cols();
        let (mut r, mut row) = (zeros(cols)?, zeros(cols)?);
        let (mut logs, mut seen) = (0.0, 0.0);
        for side in sides {
            for i in (0..side.view.rows()).step_by(side.view.rows().div_ceil(SAMPLE).max(1)) {
                let sum = side.sums[i].value();
                if !TAME.contains(&sum) {
                    continue;
                }
                side.view.row(i).copy(&mut row);
                let by = 1.0 / sum;
                for (r, x) in r.iter_mut().zip(&row) {
                    *r += (x + plan.smoothing) * by;
                }
                logs += ln(sum);
                seen += 1.0;
            }
        }
        let scale = match plan.normalization {
            Normalization::Normalize => 1.0,
            _ if seen > 0.0 => exp(One::splat(logs / seen)).0[0],
            _ => 1.0,
        };
        // Where no row that was looked at has mass any small number will do.
        let least = 2f64.powi(-30) / cols as f64;
        r.iter_mut().for_each(|r| *r = scale * (*r / f64::max(seen, 1.0)).max(least));
        Centre::new(r)
    }

    /// 1 throughout.
    pub(crate) fn one(cols: usize) -> Result<Centre, Error> {
        let mut r = zeros(cols)?;
        r.fill(1.0);
        Centre::new(r)
    }

    fn new(r: Vec<f64>) -> Result<Centre, Error> {
        Ok(Centre { sum: r.iter().sum(), r })
    }

    pub(crate) fn r(&self) -> &[f64] {
        &self.r
    }

    /// What the factors of a row are multiplied by so that they are alike: 1/√r for elements, √r for logarithms.
    pub(crate) fn weights(&self, form: &Form) -> Result<Vec<f64>, Error> {
        let mut weights = reserve(form.factors.len() * self.r.len())?;
        for factor in form.factors {
            weights.extend(self.r.iter().map(|r| match factor {
                Factor::Given => 1.0 / r.sqrt(),
                Factor::Log => r.sqrt(),
                Factor::Share => 1.0,
            }));
        }
        Ok(weights)
    }
}

/// A bit for each element, from the lowest.
fn bits_of(part: &[f64], of: impl Fn(&f64) -> bool) -> u64 {
    part.iter().enumerate().fold(0, |bits, (bit, x)| bits | u64::from(of(x)) << bit)
}

/// For how many roundings of the whole term those count that make x ln x of an element.
const ROUNDED: f64 = 12.0;

/// What the rounding of proportions, which a product takes of normalised rows, costs in u: so much of the value, and so
/// much more for each of the two rows.
///
/// A proportion is off by u of itself. That moves a gap by at most u (D + 2‖P − Q‖), which by Pinsker is at most
/// u (D + 2√(2D)), and that is less than u (4 D + 0.72). So rows that nearly coincide are never taken from a product.
pub(crate) const ROUNDED_GAP: f64 = 4.0;
const ROUNDED_PROPORTION: f64 = 0.36;

/// What stands for an element in a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Factor {
    /// Itself.
    Given,
    /// `ln(x/r)`, and 0 for 0.
    Log,
    /// Its share of a mixture, `w x/r`; never beside another.
    Share,
}

/// What stands for a row in a product: one factor an element after another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) factors: &'static [Factor],
    /// Whether the row has a constant, `Σ x ln(x/r)`, and a reach.
    pub(crate) centred: bool,
    /// The w of [`Factor::Share`].
    pub(crate) share: f64,
}

/// Rows made ready.
pub(crate) struct Packed {
    /// The row that the first panel begins with.
    pub(crate) first: usize,
    /// Elements of a panel, and words of one.
    elements: usize,
    width: usize,
    data: Vec<f64>,
    words: Vec<u64>,
    facts: Vec<Facts>,
    /// Whether a panel's words tell of zeros.
    zeros: Vec<bool>,
}

impl Packed {
    /// The numbers of `count` panels, one after another.
    pub(crate) fn panels(&self, first: usize, count: usize) -> &[f64] {
        &self.data[first * self.elements..][..count * self.elements]
    }

    pub(crate) fn facts(&self, panel: usize) -> &Facts {
        &self.facts[panel]
    }

    /// The words of a panel: for a factor that is a number itself where it is above 0, for a logarithm where it is 0.
    pub(crate) fn words(&self, panel: usize) -> &[u64] {
        &self.words[panel * self.width..][..self.width]
    }

    pub(crate) fn has_zeros(&self, panel: usize) -> bool {
        self.zeros[panel]
    }
}

/// One panel of a [`Packed`], to be filled.
struct Place<'a> {
    data: &'a mut [f64],
    words: &'a mut [u64],
    facts: &'a mut Facts,
    zeros: &'a mut bool,
}

/// Whose words a panel holds: those of the left side row by row, those of the right word by word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hand {
    Left,
    Right,
}

/// Makes rows ready.
pub(crate) struct Packer<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) side: &'a Side<'a>,
    pub(crate) form: Form,
    pub(crate) hand: Hand,
    pub(crate) centre: &'a Centre,
    /// Those of the form; see [`Centre::weights`].
    pub(crate) weights: &'a [f64],
}

impl Packer<'_> {
    pub(crate) fn pack(&self, first: usize, rows: usize) -> Result<Heap<Packed>, Error> {
        let (cols, count) = (self.side.view.cols(), rows.div_ceil(PANEL));
        let factors = self.form.factors.len();
        let (elements, width) = (cols * factors * PANEL, cols.div_ceil(64) * factors * PANEL);
        let mut packed = Heap::new(Packed {
            first,
            elements,
            width,
            data: zeros(count * elements)?,
            words: reserve(count * width)?,
            facts: reserve(count)?,
            zeros: reserve(count)?,
        })?;
        let all = &mut *packed;
        all.words.resize(count * width, 0);
        all.facts.resize(count, Facts::NONE);
        all.zeros.resize(count, false);
        let fill = |panel: usize, place: &mut Place| {
            let start = first + panel * PANEL;
            self.fill(start, PANEL.min(first + rows - start), place)
        };
        let mut places = reserve(count)?;
        let data = all.data.chunks_mut(elements);
        let words = all.words.chunks_mut(width);
        let facts = all.facts.iter_mut().zip(&mut all.zeros);
        places.extend(data.zip(words).zip(facts).map(|((data, words), (facts, zeros))| Place {
            data,
            words,
            facts,
            zeros,
        }));
        if self.plan.spread {
            threads::chunks_mut(&mut places, 1, |panel, place| fill(panel, &mut place[0]).err())
                .map_or(Ok(()), Err)?;
        } else {
            places.iter_mut().enumerate().try_for_each(|(panel, place)| fill(panel, place))?;
        }
        Ok(packed)
    }

    /// Fills a panel with rows from `start` on; those that are bad, wild or not kept stay zero.
    fn fill(&self, start: usize, rows: usize, place: &mut Place) -> Result<(), Error> {
        let cols = self.side.view.cols();
        let factors = self.form.factors.len();
        let mut lines = zeros(PANEL * factors * cols)?;
        let mut row = zeros(cols)?;
        for lane in 0..rows {
            let i = start + lane;
            if !self.side.keeps(i) {
                continue;
            }
            if self.side.is_bad(self.plan, i) {
                place.facts.doubt[lane] = f64::INFINITY;
                continue;
            }
            self.side.view.row(i).copy(&mut row);
            *place.zeros |= self.mark(&row, lane, place.words);
            if !self.side.is_tame(i) {
                place.facts.doubt[lane] = f64::INFINITY;
                continue;
            }
            let Some(sum) = self.scale(&mut row, i) else {
                place.facts.doubt[lane] = f64::INFINITY;
                continue;
            };
            (place.facts.sum[lane], place.facts.sum_low[lane]) = (sum.hi, sum.lo);
            let line = &mut lines[lane * factors * cols..][..factors * cols];
            self.describe(&row, sum.value(), lane, line, place.facts);
        }
        let stride = (factors * cols) as isize;
        // SAFETY: there are as many lines as lanes, each as long as the panel has columns.
        unsafe { kernels::transpose((lines.as_ptr(), stride), place.data) };
        Ok(())
    }

    /// Notes where a row is 0 or is not; says whether it notes zeros.
    fn mark(&self, row: &[f64], lane: usize, words: &mut [u64]) -> bool {
        let width = words.len() / PANEL;
        let anywhere = row.iter().fold(false, |any, x| any | (*x + self.plan.smoothing == 0.0));
        let mut zeros = false;
        for (f, factor) in self.form.factors.iter().enumerate() {
            // A mixture has mass wherever one of its parts has.
            if *factor == Factor::Share {
                continue;
            }
            for (w, part) in row.chunks(64).enumerate() {
                let zero = |x: &f64| *x + self.plan.smoothing == 0.0;
                let bits = match factor {
                    Factor::Log if !anywhere => break,
                    Factor::Given if !anywhere => u64::MAX >> (64 - part.len()),
                    Factor::Log => bits_of(part, zero),
                    _ => bits_of(part, |x| !zero(x)),
                };
                let w = f * row.len().div_ceil(64) + w;
                zeros |= *factor == Factor::Log && bits != 0;
                words[if self.hand == Hand::Left { lane * width + w } else { w * PANEL + lane }] = bits;
            }
        }
        zeros
    }

    /// Makes a row what is compared: its proportions, if rows are normalised. Gives its sum, or nothing where a proportion
    /// is too small to have all its digits.
    fn scale(&self, row: &mut [f64], i: usize) -> Option<Compensated> {
        let sum = self.side.sums[i];
        if self.plan.normalization != Normalization::Normalize {
            return Some(sum);
        }
        let by = sum.value();
        let mut sum = Compensated::ZERO;
        for x in row.iter_mut() {
            let given = *x + self.plan.smoothing;
            *x = given / by;
            if given > 0.0 && *x < f64::MIN_POSITIVE {
                return None;
            }
            sum.add(*x);
        }
        Some(sum)
    }

    /// Writes a row's factors, and what is to be known of it.
    fn describe(&self, row: &[f64], sum: f64, lane: usize, line: &mut [f64], facts: &mut Facts) {
        let Centre { r, sum: centre_sum } = self.centre;
        for (factor, line) in self.form.factors.iter().zip(line.chunks_exact_mut(row.len())) {
            match factor {
                Factor::Given => line.copy_from_slice(row),
                Factor::Log => {
                    kernels::write(&LnRatio, &AsGiven, row, r, line);
                }
                Factor::Share => return self.describe_share(row, lane, line, facts),
            }
            if self.form.centred && *factor == Factor::Given {
                let (value, doubt) = self.against_centre(row);
                facts.constant[lane] = value;
                facts.doubt[lane] = doubt;
                facts.span[lane] += value.abs() + 2.0 * centre_sum;
            } else if self.form.centred {
                facts.span[lane] += 2.0 * sum;
            }
        }
        let normalized = self.plan.normalization == Normalization::Normalize;
        if self.form.centred {
            facts.reach[lane] = kernels::reach(line, self.weights).sqrt().sqrt();
            if normalized {
                facts.doubt[lane] += ROUNDED_PROPORTION;
            }
        } else {
            facts.reach[lane] = f64::INFINITY;
            // What the rounding of proportions makes of their logarithms.
            facts.doubt[lane] = f64::from(u8::from(normalized));
        }
    }

    /// A row's `Σ x ln(x/r)`, and the error in u of it and of what is rounded where it is added.
    fn against_centre(&self, row: &[f64]) -> (f64, f64) {
        let total = kernels::sum(&Kl, &AsGiven, row, &self.centre.r);
        (Kl.finish(&total, 1.0), 2.0 * (total.plain[0].value() + total.exact[0].value().abs()))
    }

    /// The same as [`Packer::describe`] for a row's share of mixtures.
    ///
    /// For a mixture m of p and q, sums of m ln(m/r) are at most those sums of p and of q, each with its weight, where
    /// only terms above 0 count (x ln x is convex), and at least −1/e times the sum of r. So they reach as far as p
    /// and q do together, and that is what the spans are here: the root of the sum of squares of what is rounded.
    fn describe_share(&self, row: &[f64], lane: usize, line: &mut [f64], facts: &mut Facts) {
        let (r, share) = (&self.centre.r, self.form.share);
        let (value, doubt) = self.against_centre(row);
        (facts.constant[lane], facts.doubt[lane]) = (share * value, share * doubt);
        kernels::write(&LnRatio, &AsGiven, row, r, line);
        let mut squares = 0.0;
        for ((row, r), logs) in row.chunks(8).zip(r.chunks(8)).zip(line.chunks(8)) {
            let (mut above, mut below) = (0.0, 0.0);
            for ((x, r), ln) in row.iter().zip(r).zip(logs) {
                let (up, down) = ((x * ln).max(0.0), r / std::f64::consts::E);
                (above, below) = (above + up, below + down);
                // The rounding of the elements and of their logarithms.
                let term = x + up.max(down);
                squares += ROUNDED * term * term;
            }
            let block = f64::max(above, below);
            squares += 8.0 * block * block;
        }
        facts.span[lane] = share * squares.sqrt();
        facts.reach[lane] = f64::INFINITY;
        for ((place, x), r) in line.iter_mut().zip(row).zip(r) {
            *place = share * x / r;
        }
    }
}
