//! Every measure by its plain formula in 106 bits, and the mag that testdata/README.md gives it.

use kldiv::Measure;

use super::wide::{ExactSum, expm1, gap, ln_1p, ln_ratio};
use super::{Expected, Wide};

/// The measure of two vectors, as testdata/README.md defines it, with its mag.
pub fn measure(p: &[f64], q: &[f64], measure: Measure) -> (Expected, Option<Wide>) {
    // times_p Σp + times_q Σq + ones, exactly.
    let exact = |times_p: i64, times_q: i64, ones: i64| {
        let mut sum = ExactSum::new();
        p.iter().for_each(|x| sum.add(*x, times_p));
        q.iter().for_each(|x| sum.add(*x, times_q));
        sum.add(1.0, ones);
        sum.value()
    };
    evaluate(&wide(p), &wide(q), &exact, measure)
}

/// The same of the vectors, each with `smoothing` added and divided by its sum.
pub fn normalized(p: &[f64], q: &[f64], smoothing: f64, measure: Measure) -> (Expected, Option<Wide>) {
    let scaled = |x: &[f64]| -> (Vec<Wide>, Wide) {
        let mut sum = ExactSum::new();
        x.iter().for_each(|x| sum.add(*x, 1));
        sum.add(smoothing, x.len() as i64);
        (x.iter().map(|x| Wide::from(*x) + Wide::from(smoothing)).collect(), sum.value())
    };
    let ((p, sum_p), (q, sum_q)) = (scaled(p), scaled(q));
    let by = |x: &[Wide], sum: Wide| -> Vec<Wide> { x.iter().map(|x| *x * sum).collect() };
    // Each by the other's sum: equal ones stay so.
    let mass = sum_p * sum_q;
    let ones = |x: Vec<Wide>| -> Vec<Wide> { x.into_iter().map(|x| x / mass).collect() };
    let one_sum = |times_p: i64, times_q: i64, ones: i64| Wide::from((times_p + times_q + ones) as f64);
    evaluate(&ones(by(&p, sum_q)), &ones(by(&q, sum_p)), &one_sum, measure)
}

pub fn wide(x: &[f64]) -> Vec<Wide> {
    x.iter().map(|x| Wide::from(*x)).collect()
}

fn evaluate(
    p: &[Wide],
    q: &[Wide],
    exact: &dyn Fn(i64, i64, i64) -> Wide,
    measure: Measure,
) -> (Expected, Option<Wide>) {
    let pairs = || p.iter().copied().zip(q.iter().copied());
    let infinite = |sign: f64| (Expected::Infinite(sign * f64::INFINITY), None);
    let disjoint = |p: Wide, q: Wide| !p.is_zero() && q.is_zero();
    let itself = |value: Wide| (Expected::Finite(value), Some(value));
    let sum = |of: &dyn Fn(Wide, Wide) -> Wide| pairs().fold(Wide::ZERO, |sum, (p, q)| sum + of(p, q));
    let half = |x: Wide| x.shifted(-1);

    match measure {
        Measure::Reverse => {
            evaluate(q, p, &|times_q, times_p, ones| exact(times_p, times_q, ones), Measure::Kl)
        }
        Measure::Kl | Measure::Generalized => {
            if pairs().any(|(p, q)| disjoint(p, q)) {
                return infinite(1.0);
            }
            let gaps = sum(&|p, q| if p.is_zero() { q } else { gap(p, q, p - q) });
            if measure == Measure::Generalized {
                return itself(gaps);
            }
            let straight = exact(1, -1, 0);
            (Expected::Finite(gaps + straight), Some(gaps + straight.abs()))
        }
        Measure::Jeffreys => {
            if pairs().any(|(p, q)| disjoint(p, q) || disjoint(q, p)) {
                return infinite(1.0);
            }
            itself(sum(&|p, q| if p.is_zero() { p } else { (p - q) * ln_ratio(p, q) }))
        }
        Measure::JensenShannon { weight } => {
            let (w, v) = (Wide::from(weight), Wide::ONE - Wide::from(weight));
            itself(sum(&|p, q| {
                // p and q against m from their own difference: nothing is lost where they are near.
                let (m, d) = (w * p + v * q, p - q);
                let part = |weight: Wide, x: Wide, difference: Wide| match () {
                    () if weight.is_zero() || m.is_zero() => Wide::ZERO,
                    () if x.is_zero() => weight * m,
                    () => weight * gap(x, m, difference),
                };
                part(w, p, v * d) + part(v, q, -(w * d))
            }))
        }
        Measure::Entropy => {
            let terms = |p: Wide| if p.is_zero() { p } else { -(p * ln_ratio(p, Wide::ONE)) };
            (Expected::Finite(sum(&|p, _| terms(p))), Some(sum(&|p, _| terms(p).abs())))
        }
        Measure::CrossEntropy => {
            if pairs().any(|(p, q)| disjoint(p, q)) {
                return infinite(1.0);
            }
            let terms = |p: Wide, q: Wide| if p.is_zero() { p } else { -(p * ln_ratio(q, Wide::ONE)) };
            (Expected::Finite(sum(&terms)), Some(sum(&|p, q| terms(p, q).abs())))
        }
        Measure::Renyi { alpha: 0.5 } => {
            if pairs().all(|(p, q)| p.is_zero() || q.is_zero()) {
                return infinite(1.0);
            }
            let lack = half(sum(&|p, q| {
                let roots = p.sqrt() + q.sqrt();
                if roots.is_zero() { roots } else { (p - q) * (p - q) / (roots * roots) }
            }));
            // Sum of roots less one, from what it lacks of the mean of the sums, or as it stands.
            let excess = half(exact(1, 1, -2));
            let direct = sum(&|p, q| p.sqrt() * q.sqrt());
            let near = lack + excess.abs() < Wide::from(0.25);
            let ln = if near { ln_1p(excess - lack) } else { ln_ratio(direct, Wide::ONE) };
            let value = -ln.shifted(1);
            let mag = value.abs() + ((lack + excess.abs()) / direct).min(Wide::ONE).shifted(1);
            (Expected::Finite(value), Some(mag))
        }
        Measure::Renyi { alpha: 2.0 } => {
            if pairs().any(|(p, q)| disjoint(p, q)) {
                return infinite(1.0);
            }
            if p.iter().all(|x| x.is_zero()) {
                return infinite(-1.0);
            }
            let beyond = sum(&|p, q| if q.is_zero() { q } else { (p - q) * (p - q) / q });
            let direct = sum(&|p, q| if q.is_zero() { q } else { p * p / q });
            let excess = exact(2, -1, -1);
            let near = beyond + excess.abs() < Wide::from(0.25);
            let value = if near { ln_1p(beyond + excess) } else { ln_ratio(direct, Wide::ONE) };
            let mag = value.abs() + ((beyond + excess.abs()) / direct).min(Wide::ONE);
            (Expected::Finite(value), Some(mag))
        }
        other => panic!("{other:?} has no formula here"),
    }
}

/// `Σ of |terms|`, what a sum of rounded terms is held to; for KL and its reverse.
pub fn terms_magnitude(p: &[f64], q: &[f64]) -> Wide {
    p.iter().zip(q).fold(Wide::ZERO, |sum, (&p, &q)| {
        let (p, q) = (Wide::from(p), Wide::from(q));
        if p.is_zero() || q.is_zero() { sum } else { sum + (p * ln_ratio(p, q)).abs() }
    })
}

/// The Renyi divergence of the vectors divided by their sums, for 0 < α ≠ 1, p and q above 0.
pub fn renyi_normalized(p: &[f64], q: &[f64], alpha: f64) -> Wide {
    if alpha < 0.5 {
        let other = Wide::ONE - Wide::from(alpha);
        return Wide::from(alpha) / other * renyi_of_order(q, p, other);
    }
    renyi_of_order(p, q, Wide::from(alpha))
}

fn renyi_of_order(p: &[f64], q: &[f64], alpha: Wide) -> Wide {
    let (sum_p, sum_q) = (ExactSum::of(p), ExactSum::of(q));
    let beta = Wide::ONE - alpha;
    let lack = p.iter().zip(q).fold(Wide::ZERO, |lack, (&p, &q)| {
        let (p, q) = (Wide::from(p) * sum_q, Wide::from(q) * sum_p);
        let lambda = ln_ratio(q, p);
        lack + p * (expm1(beta * lambda) - beta * expm1(lambda))
    });
    ln_1p(lack / (sum_p * sum_q)) / -beta
}
