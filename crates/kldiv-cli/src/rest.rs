//! What a table of the largest terms leaves out.

use kldiv::explain::Term;

use crate::number::Sum;

/// The outcomes that are not shown, together.
pub(crate) struct Rest {
    pub(crate) outcomes: u64,
    pub(crate) p: f64,
    pub(crate) q: f64,
    pub(crate) contribution: f64,
    pub(crate) share: f64,
}

impl Rest {
    /// None where all are shown.
    pub(crate) fn new(terms: &[Term], shown: &[usize]) -> Option<Rest> {
        let mut hidden = vec![true; terms.len()];
        shown.iter().for_each(|i| hidden[*i] = false);
        let rest = || terms.iter().zip(&hidden).filter(|(_, hidden)| **hidden).map(|(term, _)| term);
        let sum = |of: fn(&Term) -> f64| {
            let mut sum = Sum::default();
            rest().for_each(|term| sum.add(of(term)));
            sum.value()
        };
        let outcomes = rest().count() as u64;
        (outcomes > 0).then(|| Rest {
            outcomes,
            p: sum(|term| term.p),
            q: sum(|term| term.q),
            contribution: sum(|term| term.contribution),
            share: sum(|term| term.share),
        })
    }
}
