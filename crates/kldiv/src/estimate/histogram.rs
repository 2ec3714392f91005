//! Plug-in estimates: samples counted in shared bins, and counts.

use crate::check;
use crate::error::{Error, Fault, Operand};
use crate::memory::reserve;
use crate::pair::{Plan, ln_base, single};
use crate::policy::{Measure, Normalization, Options};
use crate::sum::Compensated;
use crate::view::{Element, View};

const X: Operand = Operand::new(0, "x");
const Y: Operand = Operand::new(1, "y");

/// The divergence of two samples of numbers, counted in shared bins: [`counts`] of the counts in [`bin_edges`].
///
/// Any measure of the options; the bins are of one width, and the last one holds its right edge too. Bias: what the bins
/// blur lowers the value, by less with more points; empty bins of y make it infinite unless `smoothing` is set; beyond
/// that it is that of [`counts`]. Variance: some 1/n + 1/m times that of the log ratio, less than a nearest-neighbour
/// estimate's.
///
/// # Shapes
/// `x` and `y`: any two lengths, at least 1. Counts of a type of integers get bins at least 1 wide.
/// # Accuracy
/// The counts are numpy's for `numpy.histogram_bin_edges(numpy.concatenate([x, y]), "auto")`, entry by entry.
/// # Threads
/// The calling thread alone.
/// # Errors
/// [`Error::TooFew`] for an empty sample; [`Error::InvalidEntry`] names the first number that is not finite;
/// [`Error::Overflow`] if their range is; else as [`counts`].
pub fn histogram<P: Element, Q: Element>(x: &[P], y: &[Q], options: &Options) -> Result<f64, Error> {
    let options = normalized(options)?;
    let mut out = f64::NAN;
    single(&options, of_samples(x, y, &options), &mut out)?;
    Ok(out)
}

/// The edges of the bins that [`histogram`] counts in, one more than there are bins.
///
/// numpy's rule "auto" over both samples together: a width of `max(2 IQR n^(−1/3), range/(2 √n))` (Freedman and
/// Diaconis, relaxed) or of `range/(log₂ n + 1)` (Sturges), whichever is less; bins of that width, or a little less, from
/// the smallest to the largest number. One bin, 1 wide, where all numbers are equal.
pub fn bin_edges<P: Element, Q: Element>(x: &[P], y: &[Q]) -> Result<Vec<f64>, Error> {
    let (x, y) = (numbers(x, X)?, numbers(y, Y)?);
    edges(&x, &y, !P::DTYPE.is_float() && !Q::DTYPE.is_float())
}

/// The divergence of two samples that are given as counts, the plug-in estimate: counts are divided by their sum, after
/// [`Options::smoothing`] is added to each.
///
/// Any measure of the options. Without [`Options::miller_madow`] KL is biased upwards by some `(K − 1)/2 (1/n + 1/m)` where
/// P and Q are near, for K outcomes and sums n and m; its variance is some `1/n Var(ln p/q) + 1/m Var(p/q)`. The option, which
/// needs KL, takes the bias of first order off:
///
/// `D − (K_p − 1)/(2n) − (Σ p/q − 1)/(2m)`
///
/// with `K_p` the number of outcomes that P's counts hold. The first part is Miller and Madow's for the entropy of P, the
/// second the same for `ln q`. What is left is of second order, and may be negative. Smoothing has a bias of its own, which
/// this does not know of.
///
/// # Shapes
/// `p` and `q`: one length, at least 1.
/// # Errors
/// As [`batch::rows`](crate::batch::rows) with [`Normalization::Normalize`], which is taken whatever the options say.
///
/// Source: Miller, "Note on the bias of information estimates", 1955.
pub fn counts<P: Element, Q: Element>(p: &[P], q: &[Q], options: &Options) -> Result<f64, Error> {
    let options = normalized(options)?;
    check::same_shape(&p.into(), &q.into())?;
    let mut out = f64::NAN;
    single(&options, of_counts(p, q, &options), &mut out)?;
    Ok(out)
}

/// The options of a plug-in estimate, checked.
fn normalized<'a>(options: &Options<'a>) -> Result<Options<'a>, Error> {
    let normalization = Normalization::Normalize;
    let options = Options { normalization, mask: None, weights: None, ..options.clone() };
    options.check(1)?;
    if options.miller_madow {
        options.needs_kl()?;
    }
    Ok(options)
}

fn of_samples<P: Element, Q: Element>(x: &[P], y: &[Q], options: &Options) -> Result<f64, Error> {
    let (x, y) = (numbers(x, X)?, numbers(y, Y)?);
    let edges = edges(&x, &y, !P::DTYPE.is_float() && !Q::DTYPE.is_float())?;
    of_counts(&count(&x, &edges)?, &count(&y, &edges)?, options)
}

/// In nats, but for a root, which is taken of what is in units.
fn of_counts<P: Element, Q: Element>(p: &[P], q: &[Q], options: &Options) -> Result<f64, Error> {
    let plan = Plan::new(options);
    let (p, q) = (View::from(p).row(0), View::from(q).row(0));
    let value = plan.value(p, q, 0)? * ln_base(options);
    if !options.miller_madow || options.measure != Measure::Kl || value.is_infinite() {
        return Ok(value);
    }
    let outcomes = p.len() as f64;
    let (mut n, mut m) = (Compensated::ZERO, Compensated::ZERO);
    let mut occupied = 0.0;
    for i in 0..p.len() {
        n.add(p.get(i));
        m.add(q.get(i));
        occupied += f64::from(p.get(i) > 0.0);
    }
    let (n, m, added) = (n.value(), m.value(), options.smoothing);
    let mut ratios = Compensated::ZERO;
    for i in 0..p.len() {
        let (p, q) = (p.get(i) + added, q.get(i) + added);
        if p > 0.0 {
            ratios.add(p / (n + added * outcomes) * ((m + added * outcomes) / q));
        }
    }
    Ok(value - (occupied - 1.0) / (2.0 * n) - (ratios.value() - 1.0) / (2.0 * m))
}

/// A sample as f64; names the first number that is not finite.
fn numbers<T: Element>(sample: &[T], operand: Operand) -> Result<Vec<f64>, Error> {
    if sample.is_empty() {
        return Err(Error::TooFew { operand, found: 0, needed: 1 });
    }
    let mut numbers = reserve(sample.len())?;
    for (col, value) in sample.iter().map(|x| x.to_f64()).enumerate() {
        if !value.is_finite() {
            let fault = if value.is_nan() { Fault::Nan } else { Fault::Infinite };
            let expected = "samples are finite";
            return Err(Error::InvalidEntry { operand, row: 0, col, value, fault, expected });
        }
        numbers.push(value);
    }
    Ok(numbers)
}

fn edges(x: &[f64], y: &[f64], integers: bool) -> Result<Vec<f64>, Error> {
    let n = x.len() + y.len();
    let mut pooled = reserve(n)?;
    pooled.extend(x.iter().chain(y));
    let mut first = pooled.iter().copied().fold(f64::INFINITY, f64::min);
    let mut last = pooled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = last - first;
    if range.is_infinite() {
        return Err(Error::Overflow { row: 0 });
    }
    if range == 0.0 {
        (first, last) = (first - 0.5, last + 0.5);
    }
    let size = n as f64;
    let quartiles = percentile(&mut pooled, 0.75) - percentile(&mut pooled, 0.25);
    let freedman_diaconis = 2.0 * quartiles * size.powf(-1.0 / 3.0);
    let sturges = range / (size.log2() + 1.0);
    let mut width = freedman_diaconis.max(range / size.sqrt() / 2.0).min(sturges);
    if integers && width > 0.0 && width < 1.0 {
        width = 1.0;
    }
    let bins = if width > 0.0 { ((last - first) / width).ceil() } else { 1.0 };
    let step = (last - first) / bins;
    let mut edges = reserve(bins as usize + 1)?;
    edges.extend((0..bins as usize).map(|i| i as f64 * step + first));
    edges.push(last);
    Ok(edges)
}

/// The number that a share of all lie below, interpolated between the two nearest. Reorders the numbers.
fn percentile(numbers: &mut [f64], share: f64) -> f64 {
    let at = share * (numbers.len() - 1) as f64;
    let (below, fraction) = (at.floor() as usize, at.fract());
    let (_, &mut lower, above) = numbers.select_nth_unstable_by(below, f64::total_cmp);
    let upper = above.iter().copied().fold(f64::INFINITY, f64::min).max(lower);
    if fraction == 0.0 || upper.is_infinite() {
        return lower;
    }
    let difference = upper - lower;
    if fraction < 0.5 { lower + difference * fraction } else { upper - difference * (1.0 - fraction) }
}

/// How many numbers lie between each two edges; the last bin holds its right edge too.
fn count(numbers: &[f64], edges: &[f64]) -> Result<Vec<u64>, Error> {
    let bins = edges.len() - 1;
    let (first, range) = (edges[0], edges[bins] - edges[0]);
    let mut counts = reserve(bins)?;
    counts.resize(bins, 0);
    for &x in numbers {
        let mut bin = (((x - first) / range * bins as f64) as usize).min(bins - 1);
        // The quotient is rounded; the edges decide.
        if x < edges[bin] {
            bin -= 1;
        } else if bin + 1 < bins && x >= edges[bin + 1] {
            bin += 1;
        }
        counts[bin] += 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_samples_have_no_divergence() {
        let x = [1.0, 2.0, 2.5, 3.0, 7.0];
        assert_eq!(histogram(&x, &x, &Options::default()).unwrap(), 0.0);
        assert_eq!(bin_edges(&[3.0], &[3.0]).unwrap(), [2.5, 3.5]);
    }

    #[test]
    fn the_correction_is_of_first_order_in_the_numbers_of_points() {
        let plain = Options::default();
        let corrected = Options { miller_madow: true, ..Options::default() };
        let (p, q) = ([3u64, 0, 5, 2], [1u64, 2, 4, 3]);
        let difference = counts(&p, &q, &plain).unwrap() - counts(&p, &q, &corrected).unwrap();
        let ratios = 0.3 / 0.1 + 0.5 / 0.4 + 0.2 / 0.3;
        assert!((difference - (2.0 / 20.0 + (ratios - 1.0) / 20.0)).abs() < 1e-15);
        let bits = Options { base: Some(2.0), ..corrected.clone() };
        let ratio = counts(&p, &q, &bits).unwrap() / counts(&p, &q, &corrected).unwrap();
        assert!((ratio * 2f64.ln() - 1.0).abs() < 1e-14);
        let jeffreys = Options { measure: Measure::Jeffreys, ..corrected };
        assert!(matches!(counts(&p, &q, &jeffreys), Err(Error::Option { name: "measure", .. })));
    }
}
