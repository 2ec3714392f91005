//! The kernel of samples, by name, on each instruction set that the machine has, against the scalar one, to the bit.

use crate::kernels::samples::Samples;
use crate::kernels::tests::{bits_of, data, others};
use crate::kernels::{Isa, dispatch_to};
use crate::policy::Estimator;

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

#[test]
fn k3_is_within_three_units_of_the_exact_one() {
    // e^r − 1 − r by mpmath, 40 digits.
    for (r, want) in [
        (1e-150, 5e-301),
        (9.094947017729282e-13, 4.1359030627663922e-25),
        (-9.5367431640625e-07, 4.5474720632620892e-13),
        (0.001, 5.0016670834166808e-7),
        (-0.01, 4.9833749168053576e-5),
        (0.3, 0.0498588075760031),
        (-0.35, 0.054688089718713428),
        (0.4, 0.091824697641270329),
        (-0.5, 0.10653065971263342),
        (0.69, 0.30371553324308228),
        (-0.9375, 0.32910562667679899),
        (1.0, 0.71828182845904524),
        (-1.0, 0.36787944117144232),
        (1.04, 0.78921701435155958),
        (1.5, 1.9816890703380648),
        (-1.5, 0.72313016014842983),
        (1.99, 4.3255337623095665),
        (-2.0, 1.1353352832366127),
        (2.0, 4.3890560989306502),
        (-2.0000001, 1.1353353697030849),
        (2.5, 8.6824939607034734),
        (-3.0, 2.0497870683678639),
        (10.0, 22015.465794806717),
        (-20.0, 19.000000002061154),
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
