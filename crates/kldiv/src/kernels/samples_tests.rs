//! The kernels of samples and of sums of numbers, by name, on each instruction set that the machine has, against the scalar ones, to the
//! bit.

use crate::kernels::exact_sum::ExactSum;
use crate::kernels::lane_sums::SumsOf;
use crate::kernels::samples::Samples;
use crate::kernels::tests::{bits_of, data, others};
use crate::kernels::{Isa, dispatch_to};
use crate::policy::Estimator;
use crate::sum::Compensated;

fn ks(estimator: Estimator, isa: Isa, log_p: &[f64], log_q: &[f64]) -> Vec<u64> {
    let mut out = vec![7.0; log_p.len() + 1];
    let (rest, n) = (&mut out, log_p.len());
    let answered = dispatch_to(isa, Samples { estimator, log_p, log_q, out: &mut rest[..n] });
    assert_eq!(answered, !out[..n].iter().any(|k| k.is_nan()));
    assert_eq!(out[n], 7.0);
    bits_of(&out)
}

macro_rules! samples_have_the_scalar_ones_bits {
    ($($name:ident: $estimator:expr;)*) => {$(
        #[test]
        fn $name() {
            for (kind, (p, q)) in data::<f64>(70).iter().enumerate() {
                for stretch in [1.0, -3.0, 500.0] {
                    for n in [0, 1, 3, 7, 8, 9, 16, 33, 70] {
                        let side = |x: &[f64]| x[..n].iter().map(|x| stretch * x).collect::<Vec<f64>>();
                        let (p, q) = (side(p), side(q));
                        let scalar = ks($estimator, Isa::Scalar, &p, &q);
                        for isa in others() {
                            assert_eq!(scalar, ks($estimator, isa, &p, &q), "{isa:?}, kind {kind}, {stretch}, {n}");
                        }
                    }
                }
            }
        }
    )*};
}

samples_have_the_scalar_ones_bits! {
    k1_of_samples: Estimator::K1;
    k2_of_samples: Estimator::K2;
    k3_of_samples: Estimator::K3;
}

fn sums(isa: Isa, numbers: &[f64]) -> Vec<Compensated> {
    let mut out = vec![Compensated::ZERO; numbers.len().div_ceil(32)];
    dispatch_to(isa, SumsOf::<32> { numbers, out: &mut out });
    out
}

#[test]
fn sums_of_numbers() {
    for (p, q) in data::<f64>(70) {
        for n in 0..70 {
            let x: Vec<f64> = p.iter().zip(&q).take(n).map(|(p, q)| p - q).collect();
            let bits =
                |isa| bits_of(&sums(isa, &x).iter().flat_map(|sum| [sum.hi, sum.lo]).collect::<Vec<_>>());
            others().for_each(|isa| assert_eq!(bits(Isa::Scalar), bits(isa), "{isa:?}, {n}"));
        }
    }
}

#[test]
fn exact_sums_of_numbers() {
    let bits =
        |isa, numbers: &[f64]| dispatch_to(isa, ExactSum::<3> { numbers }).map(|parts| bits_of(&parts));
    let mut answered = [0; 2];
    for (p, q) in data::<f64>(256) {
        for n in [0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 200, 255, 256] {
            let differences: Vec<f64> = p.iter().zip(&q).take(n).map(|(p, q)| p - q).collect();
            for numbers in [&p[..n], &differences] {
                let scalar = bits(Isa::Scalar, numbers);
                answered[usize::from(scalar.is_some())] += 1;
                others().for_each(|isa| assert_eq!(scalar, bits(isa, numbers), "{isa:?}, {n}"));
            }
        }
    }
    assert!(answered.iter().all(|n| *n > 10), "{answered:?}");
}

#[test]
fn sums_lose_nothing_that_cancels() {
    let of = |numbers: &[f64]| sums(Isa::Scalar, numbers).iter().map(|sum| sum.value()).collect::<Vec<_>>();
    let mut numbers: Vec<f64> = (0..15).map(|i| 2f64.powi(40 - 6 * i)).collect();
    let less: Vec<f64> = numbers.iter().map(|x| -x).collect();
    numbers.push(1e-30);
    numbers.extend(less);
    numbers.push(3e-30);
    let twice = [&numbers[..], &numbers[..7]].concat();
    assert_eq!(of(&twice), [4e-30, numbers[..7].iter().sum()]);
    assert_eq!(of(&[1.0, f64::INFINITY, -1.0]), [f64::INFINITY]);
    assert!(of(&[f64::NEG_INFINITY, f64::INFINITY])[0].is_nan());
    assert!(of(&[f64::NAN])[0].is_nan());
}

#[test]
fn k3_is_within_three_units_of_the_exact_one() {
    // e^r − 1 − r by mpmath, 60 digits.
    for (r, want) in [
        (1e-150, 5e-301),
        (9.094947017729282e-13, 4.135903062766392e-25),
        (-9.5367431640625e-07, 4.547472063262089e-13),
        (0.001, 5.00166708341668e-07),
        (-0.01, 4.983374916805358e-05),
        (0.3, 0.0498588075760031),
        (-0.35, 0.05468808971871343),
        (0.4, 0.09182469764127033),
        (-0.5, 0.10653065971263342),
        (0.69, 0.30371553324308226),
        (-0.9375, 0.329105626676799),
        (1.0, 0.7182818284590452),
        (-1.0, 0.36787944117144233),
        (1.04, 0.7892170143515596),
        (1.5, 1.9816890703380647),
        (-1.5, 0.7231301601484298),
        (1.99, 4.325533762309567),
        (-2.0, 1.1353352832366126),
        (2.0, 4.38905609893065),
        (-2.0000001, 1.1353353697030848),
        (2.5, 8.682493960703473),
        (-3.0, 2.049787068367864),
        (10.0, 22015.465794806718),
        (-20.0, 19.000000002061153),
        (100.0, 2.6881171418161354e+43),
        (-100.0, 99.0),
        (700.0, 1.0142320547350045e+304),
        (-700.0, 699.0),
    ] {
        let mut out = [0.0];
        let all = dispatch_to(
            Isa::Scalar,
            Samples { estimator: Estimator::K3, log_p: &[0.0], log_q: &[r], out: &mut out },
        );
        assert!(
            all && (out[0] / want - 1.0).abs() <= 3.0 * f64::EPSILON / 2.0,
            "{r}: {:e}, want {want:e}",
            out[0]
        );
    }
}
