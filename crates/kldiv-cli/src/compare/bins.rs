//! The bins that a column is counted in.

use std::collections::HashMap;

/// How many numbers of a column the edges are learnt from, at most.
pub(super) const SAMPLE: usize = 1 << 17;
/// How many texts a column may have.
pub(super) const MOST_TEXTS: usize = 10_000;

/// What the bin of missing values is called.
pub(super) const MISSING: &str = "(missing)";

/// Some of a column's numbers, each as likely as any other: all of them, up to [`SAMPLE`]. The same for the same column.
pub(super) struct Sample {
    numbers: Vec<f64>,
    seen: u64,
    state: u64,
}

impl Sample {
    pub(super) fn new() -> Sample {
        Sample { numbers: Vec::new(), seen: 0, state: 0 }
    }

    /// Vitter's algorithm R.
    pub(super) fn add(&mut self, x: f64) {
        // There is one zero.
        let x = x + 0.0;
        self.seen += 1;
        if self.numbers.len() < SAMPLE {
            self.numbers.push(x);
            return;
        }
        let place = (u128::from(self.random()) * u128::from(self.seen)) >> 64;
        if let Some(kept) = self.numbers.get_mut(place as usize) {
            *kept = x;
        }
    }

    /// splitmix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) fn is_all(&self) -> bool {
        self.seen as usize == self.numbers.len()
    }
}

/// How a column is divided.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bins {
    /// Below the first edge, from each edge to the next, from the last one on.
    Ranges(Vec<f64>),
    /// One for each of these numbers, in order, and one for all others.
    Values(Vec<f64>),
    /// One for each text.
    Texts,
}

impl Bins {
    /// As many bins as wanted of as equal counts as can be, or the numbers themselves if there are no more than that.
    pub(super) fn learn(sample: Sample, wanted: usize) -> Bins {
        let mut numbers = sample.numbers;
        numbers.retain(|x| x.is_finite());
        numbers.sort_unstable_by(f64::total_cmp);
        let mut values = numbers.clone();
        values.dedup();
        if values.len() <= wanted {
            return Bins::Values(values);
        }
        let mut edges: Vec<f64> = (1..wanted).map(|i| quantile(&numbers, i as f64 / wanted as f64)).collect();
        edges.dedup();
        // Below the least number there is nothing.
        edges.retain(|edge| *edge > numbers[0]);
        Bins::Ranges(edges)
    }

    /// Which bin a number is in.
    pub(super) fn place(&self, x: f64) -> usize {
        match self {
            Bins::Ranges(edges) => edges.partition_point(|edge| *edge <= x),
            Bins::Values(values) => {
                values.binary_search_by(|value| value.total_cmp(&(x + 0.0))).unwrap_or(values.len())
            }
            Bins::Texts => 0,
        }
    }

    /// What the bins of numbers are called.
    fn labels(&self) -> Vec<String> {
        match self {
            Bins::Ranges(edges) => {
                let edges = distinct(edges);
                let (Some(first), Some(last)) = (edges.first(), edges.last()) else {
                    return vec!["all".to_string()];
                };
                let between = edges.windows(2).map(|pair| format!("{} to {}", pair[0], pair[1]));
                let mut labels = vec![format!("< {first}")];
                labels.extend(between);
                labels.push(format!("≥ {last}"));
                labels
            }
            Bins::Values(values) => {
                let mut labels = distinct(values);
                labels.push("(other)".to_string());
                labels
            }
            Bins::Texts => Vec::new(),
        }
    }
}

/// numpy.quantile's: between the two nearest numbers, by how near they are.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (lower, upper) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    if lower == upper { lower } else { lower + (upper - lower) * at.fract() }
}

/// Numbers in as few digits, four or more, as tell them apart.
fn distinct(numbers: &[f64]) -> Vec<String> {
    let shown = |digits| numbers.iter().map(|x| significant(*x, digits)).collect::<Vec<_>>();
    (4..17)
        .map(shown)
        .find(|texts| texts.windows(2).all(|pair| pair[0] != pair[1]))
        .unwrap_or_else(|| numbers.iter().map(|x| crate::number::exact(*x)).collect())
}

fn significant(x: f64, digits: usize) -> String {
    let rounded: f64 = format!("{x:.*e}", digits - 1).parse().unwrap_or(x);
    // A whole number is never rounded to a rounder one.
    let x = if x.fract() == 0.0 && x.abs() < 1e15 { x } else { rounded };
    crate::number::exact(x)
}

/// The counts of a column in both files.
pub(super) struct Counts {
    pub(super) bins: Bins,
    /// Of old and of new, a bin after the other.
    counts: Vec<[u64; 2]>,
    texts: HashMap<String, usize>,
    missing: [u64; 2],
}

impl Counts {
    pub(super) fn new(bins: Bins) -> Counts {
        let places = match &bins {
            Bins::Ranges(edges) => edges.len() + 1,
            Bins::Values(values) => values.len() + 1,
            Bins::Texts => 0,
        };
        Counts { bins, counts: vec![[0; 2]; places], texts: HashMap::new(), missing: [0; 2] }
    }

    pub(super) fn number(&mut self, side: usize, x: f64) {
        let place = self.bins.place(x);
        self.counts[place][side] += 1;
    }

    /// Counts a text; says whether there are not too many.
    pub(super) fn text(&mut self, side: usize, text: &str) -> bool {
        let place = match self.texts.get(text) {
            Some(place) => *place,
            None if self.counts.len() == MOST_TEXTS => return false,
            None => {
                self.texts.insert(text.to_string(), self.counts.len());
                self.counts.push([0; 2]);
                self.counts.len() - 1
            }
        };
        self.counts[place][side] += 1;
        true
    }

    pub(super) fn missing(&mut self, side: usize) {
        self.missing[side] += 1;
    }

    /// What was counted: numbers in their order, texts by how often old has them; `other` and `missing` if there are any.
    pub(super) fn finish(self) -> Vec<(String, [u64; 2])> {
        let mut rows: Vec<(String, [u64; 2])> = match &self.bins {
            Bins::Texts => {
                let mut rows: Vec<_> =
                    self.texts.into_iter().map(|(text, i)| (text, self.counts[i])).collect();
                rows.sort_by(|(a, x), (b, y)| y[0].cmp(&x[0]).then(y[1].cmp(&x[1])).then(a.cmp(b)));
                rows
            }
            bins => bins.labels().into_iter().zip(self.counts).collect(),
        };
        if matches!(self.bins, Bins::Values(_)) && rows.last().is_some_and(|(_, counts)| *counts == [0, 0]) {
            rows.pop();
        }
        if self.missing != [0, 0] {
            rows.push((MISSING.to_string(), self.missing));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(numbers: impl Iterator<Item = f64>, wanted: usize) -> Bins {
        let mut sample = Sample::new();
        numbers.for_each(|x| sample.add(x));
        Bins::learn(sample, wanted)
    }

    #[test]
    fn edges_are_quantiles() {
        // numpy.quantile(range(101), [0.25, 0.5, 0.75])
        assert_eq!(learnt((0..=100).map(f64::from), 4), Bins::Ranges(vec![25.0, 50.0, 75.0]));
    }

    #[test]
    fn few_numbers_are_bins_of_their_own() {
        let bins = learnt([1.0, 0.0, 1.0].into_iter(), 10);
        assert_eq!(bins, Bins::Values(vec![0.0, 1.0]));
        assert_eq!([-0.0, 0.0, 1.0, 2.0].map(|x| bins.place(x)), [0, 0, 1, 2]);
    }

    #[test]
    fn many_equal_numbers_make_fewer_bins_and_no_empty_one() {
        let bins = learnt((0..1000).map(|i| f64::max(0.0, f64::from(i) - 500.0)), 10);
        let Bins::Ranges(edges) = &bins else { panic!() };
        assert!(edges.len() < 9 && edges[0] > 0.0);
        assert_eq!(bins.place(0.0), 0);
    }

    #[test]
    fn a_sample_is_of_the_whole_column() {
        let n = 10 * SAMPLE;
        let mut sample = Sample::new();
        (0..n).for_each(|i| sample.add(i as f64));
        assert!(!sample.is_all() && sample.numbers.len() == SAMPLE);
        let mean = sample.numbers.iter().sum::<f64>() / SAMPLE as f64;
        // A standard deviation of the mean is some 0.0008 of n.
        assert!((mean / n as f64 - 0.5).abs() < 0.005, "{mean}");
    }

    #[test]
    fn labels_tell_edges_apart() {
        assert_eq!(distinct(&[0.100001, 0.100002]), ["0.100001", "0.100002"]);
        assert_eq!(distinct(&[1.0 / 3.0, 12345.0]), ["0.3333", "12345"]);
    }
}
