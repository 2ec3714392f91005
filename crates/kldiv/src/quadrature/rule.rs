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
        let mut nodes = [(Sample::of_logs(0.0, 0.0), self.spans[span].0.place(middle)); POINTS];
        for (i, at) in nodes.iter_mut().enumerate() {
            let t = middle + half * node(i).0;
            *at = self.regular(span, t, half, self.spans[span].0.place(t))?;
            (panel.logs[0][i], panel.logs[1][i]) = (at.0.log_p, at.0.log_q);
        }
        let mut gauss_sums = [0.0; 4];
        for i in 0..POINTS {
            let (_, kronrod, gauss) = node(i);
            let (kronrod, gauss) = (half * kronrod, half * gauss);
            let (sample, place) = nodes[i];
            if sample.lacks_q() {
                let p = (sample.log_p + place.log_weight).exp();
                panel.without_q += kronrod * p;
                panel.sums[P] += kronrod * p;
                gauss_sums[P] += gauss * p;
                continue;
            }
            let (moved, doubt) = unrounded(&self.spans[span].0, &nodes, i);
            let (values, mut rounding) = integrands(&moved, place.log_weight);
            let [of_p, of_ratio] = doubt;
            rounding[P] += values[P] * of_p;
            rounding[F] += values[P] * of_ratio + values[F].abs() * of_p;
            rounding[G] += (values[Q] - values[P]).abs().min(values[P]) * of_ratio + values[G] * of_p;
            for j in 0..4 {
                panel.sums[j] += kronrod * values[j];
                gauss_sums[j] += gauss * values[j];
            }
            for j in 0..3 {
                panel.rounding[j] += kronrod * if rounding[j].is_nan() { 0.0 } else { rounding[j] };
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
        let sample = self.sample(place.x)?;
        if is_fine(&sample) {
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
}

/// The sample of a node as it is where the node should be: x is a number, beside it, and near an end or a peak the
/// densities notice. They are moved along the line through the neighbouring nodes; that line's bend says how far ln p and
/// ln(p/q) may be off after it.
fn unrounded(span: &Span, nodes: &[(Sample, Place); POINTS], i: usize) -> (Sample, [f64; 2]) {
    let (mut sample, place) = nodes[i];
    let here = span.log_distance(place.end, place.x);
    let shift = place.log_distance - here;
    let slopes = |j: usize| {
        let (other, at) = nodes[j];
        let step = span.log_distance(place.end, at.x) - here;
        [(other.log_p - sample.log_p) / step, (other.log_ratio - sample.log_ratio) / step]
    };
    // At the ends of a panel both neighbours are on one side, and the nearer one counts.
    let (one, other, share) = match i {
        0 => (slopes(1), slopes(2), 1.0),
        _ if i == POINTS - 1 => (slopes(i - 1), slopes(i - 2), 1.0),
        _ => (slopes(i - 1), slopes(i + 1), 0.5),
    };
    let mut doubt = [0.0; 2];
    for (j, doubt) in doubt.iter_mut().enumerate() {
        let change = (share * one[j] + (1.0 - share) * other[j]) * shift;
        if change.abs() < 0.1 {
            *doubt = share * ((one[j] - other[j]) * shift).abs();
            match j {
                0 => (sample.log_p, sample.log_q) = (sample.log_p + change, sample.log_q + change),
                _ => (sample.log_ratio, sample.log_q) = (sample.log_ratio + change, sample.log_q - change),
            }
        }
    }
    (sample, doubt)
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
    let of_g =
        if log_ratio.abs() < 1.0 { (q - p).abs() * of_ratio + values[G] * of_p } else { of_f + q * of_q };
    let rounding = [p * of_p, of_f, of_g];
    (values, rounding)
}
