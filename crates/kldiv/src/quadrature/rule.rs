//! The rule applied to a panel, a stretch in t of a span: four integrals at once, with their errors.

use crate::error::{Error, Fault, Operand};
use crate::excess::excess;
use crate::quadrature::ends::{Densities, End, F, G, P, Q, Sample, Stop};
use crate::quadrature::nodes::{POINTS, Place, Span, node};

/// A stretch of a span in t, integrated.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) span: usize,
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// The four integrals by the rule of 21 points.
    pub(crate) sums: [f64; 4],
    /// How far the rule of 10 points is from them: an estimate of the error of that rule, and more than that of this.
    pub(crate) error: [f64; 4],
    /// What rounding in the densities may have done to the integrals of p, of p ln(p/q) and of the gap.
    pub(crate) rounding: [f64; 3],
    /// The mass of p where q is 0, if that may be because q has underflowed.
    pub(crate) without_q: f64,
    /// ln p and ln q at the nodes.
    pub(crate) logs: [[f64; POINTS]; 2],
}

/// Two densities and the spans that the line is cut into.
pub(crate) struct Problem<'a, 'b> {
    pub(crate) densities: &'a mut Densities<'b>,
    /// Whether a density of 0 may be one that has underflowed.
    pub(crate) underflows: bool,
    pub(crate) spans: Vec<(Span, [End; 2])>,
    /// How often the densities have been asked for.
    pub(crate) evaluations: usize,
}

impl Problem<'_, '_> {
    pub(crate) fn sample(&mut self, x: f64) -> Result<Sample, Error> {
        self.evaluations += 1;
        (self.densities)(x)
    }

    pub(crate) fn panel(&mut self, span: usize, from: f64, to: f64) -> Result<Panel, Stop> {
        let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
        let mut panel = Panel {
            span,
            from,
            to,
            sums: [0.0; 4],
            error: [0.0; 4],
            rounding: [0.0; 3],
            without_q: 0.0,
            logs: [[0.0; POINTS]; 2],
        };
        let mut gauss_sums = [0.0; 4];
        let mut before: Option<(Sample, Place)> = None;
        for i in 0..POINTS {
            let (at, kronrod, gauss) = node(i);
            let place = self.spans[span].0.place(middle + half * at);
            let (sample, place) = self.regular(span, middle + half * at, half, place)?;
            (panel.logs[0][i], panel.logs[1][i]) = (sample.log_p, sample.log_q);
            if sample.lacks_q() {
                let p = half * kronrod * (sample.log_p + place.log_weight).exp();
                panel.without_q += p;
                panel.sums[P] += p;
                gauss_sums[P] += p / kronrod * gauss;
                continue;
            }
            let (values, mut rounding) = integrands(&sample, place.log_weight);
            if let Some(before) = before.replace((sample, place)) {
                self.add_rounding_of_x(span, &before, &(sample, place), &values, &mut rounding);
            }
            for j in 0..4 {
                panel.sums[j] += half * kronrod * values[j];
                gauss_sums[j] += half * gauss * values[j];
            }
            for j in 0..3 {
                panel.rounding[j] += half * kronrod * rounding[j];
            }
        }
        for j in 0..4 {
            let error = (panel.sums[j] - gauss_sums[j]).abs();
            panel.error[j] = if error.is_nan() { f64::INFINITY } else { error };
        }
        Ok(panel)
    }

    /// The densities at a node, or beside it if a density has a pole there or q a lone zero. Where q is 0 beside it too
    /// the divergence is infinite, unless q may have underflowed.
    fn regular(&mut self, span: usize, t: f64, half: f64, place: Place) -> Result<(Sample, Place), Stop> {
        let is_fine = |sample: &Sample| !sample.is_pole() && !sample.lacks_q();
        let mut sample = self.sample(place.x)?;
        if is_fine(&sample) {
            self.unsnap(span, &place, &mut sample);
            return Ok((sample, place));
        }
        let mut beside = [(sample, place); 2];
        for (side, (sample, place)) in [-1.0, 1.0].into_iter().zip(&mut beside) {
            *place = self.spans[span].0.place(t + side * half * 2f64.powi(-12));
            *sample = self.sample(place.x)?;
        }
        let lacking = sample.lacks_q() && beside.iter().any(|(sample, _)| sample.lacks_q());
        match beside.into_iter().find(|(sample, _)| is_fine(sample)) {
            Some(fine) if !lacking => Ok(fine),
            _ if !sample.lacks_q() => {
                let operand = if sample.log_p == f64::INFINITY { Operand::P } else { Operand::Q };
                let (x, value, fault) = (place.x, f64::INFINITY, Fault::Infinite);
                let expected = "a density is finite but for single points";
                Err(Error::Density { operand, x, value, fault, expected }.into())
            }
            _ if self.underflows => Ok((sample, place)),
            _ => Err(Stop::Infinite),
        }
    }

    /// What the rounding of x, between two nodes, may do to the integrands at the second.
    fn add_rounding_of_x(
        &self,
        span: usize,
        before: &(Sample, Place),
        here: &(Sample, Place),
        values: &[f64; 4],
        rounding: &mut [f64; 3],
    ) {
        let ((a, from), (b, to)) = (before, here);
        let share = 0.5 * f64::EPSILON * (to.x / (to.x - from.x)).abs();
        if !share.is_finite() || self.is_unsnapped(span, to) {
            return;
        }
        let (p, ratio) = ((b.log_p - a.log_p).abs() * share, (b.log_ratio - a.log_ratio).abs() * share);
        let changes = [
            values[P] * p,
            values[P] * ratio + values[F].abs() * p,
            (values[Q] - values[P]).abs() * ratio + values[G] * p,
        ];
        for (rounding, change) in rounding.iter_mut().zip(changes) {
            *rounding += if change.is_finite() { change } else { 0.0 };
        }
    }

    /// Whether a node is so near an end that x is not taken at its word.
    fn is_unsnapped(&self, span: usize, place: &Place) -> bool {
        place.log_distance <= self.spans[span].0.closest(place.end).ln() + 17.0
    }

    /// Near an end x has been rounded to a number at another distance than the node's; what the densities are at the
    /// node itself, the end's powers tell.
    fn unsnap(&self, span: usize, place: &Place, sample: &mut Sample) {
        if !self.is_unsnapped(span, place) {
            return;
        }
        let (span, ends) = &self.spans[span];
        let end = if place.end == 0 { span.from } else { span.to };
        let shift = place.log_distance - (place.x - end).abs().ln();
        let [p, q] = ends[place.end].powers;
        if shift.abs() < 0.1 && p.abs() < 100.0 && q.abs() < 100.0 {
            sample.log_p += p * shift;
            sample.log_q += q * shift;
            sample.log_ratio += (p - q) * shift;
        }
    }
}

/// The four integrands times the weight, and what rounding in the densities and in here may have done to the first three.
fn integrands(sample: &Sample, log_weight: f64) -> ([f64; 4], [f64; 3]) {
    const UNIT: f64 = f64::EPSILON / 2.0;
    let Sample { log_p, log_q, log_ratio } = *sample;
    let q = (log_q + log_weight).exp();
    if log_p == f64::NEG_INFINITY {
        return ([0.0, 0.0, q, q], [0.0; 3]);
    }
    let p = (log_p + log_weight).exp();
    let mut values = [p, p * log_ratio, 0.0, q];
    if p == 0.0 {
        values[F] = 0.0;
    }
    values[G] = if log_ratio.abs() < 1.0 { p * excess(-log_ratio) } else { values[F] - p + q };
    let of_p = UNIT * (4.0 + 2.0 * log_p.abs() + log_weight.abs());
    let of_q = UNIT * (4.0 + 2.0 * log_q.abs() + log_weight.abs());
    let of_ratio = UNIT * (4.0 + 2.0 * log_p.abs() + 2.0 * log_q.abs());
    let of_f = p * of_ratio + values[F].abs() * of_p;
    let of_g = if log_ratio.abs() < 1.0 {
        (q - p).abs() * of_ratio + values[G] * of_p
    } else {
        of_f + q * of_q
    };
    let rounding = [p * of_p, of_f, of_g];
    (values, rounding.map(|x| if x.is_nan() { 0.0 } else { x }))
}
