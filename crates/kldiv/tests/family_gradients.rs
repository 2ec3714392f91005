//! Gradients of families: against values by mpmath, and many rows together against each by itself.

use half::f16;
use kldiv::{Element, Error, Family, Invalid, Options, View, ViewMut, family};
use ndarray::{Array2, ArrayView2, s};

const INFINITY: f64 = f64::INFINITY;

/// What one call writes: values, and gradients by either's parameters.
struct Made {
    result: Result<(), Error>,
    out: Vec<f64>,
    by_p: Array2<f64>,
    by_q: Array2<f64>,
}

fn gradients(family: Family, p: View, q: View, options: &Options, upstream: Option<&[f64]>) -> Made {
    let shape = (p.shape().rows, p.shape().cols);
    let (mut by_p, mut by_q) = (Array2::zeros(shape), Array2::zeros(shape));
    let mut out = vec![0.0; shape.0];
    let (mut to_p, mut to_q) = (ViewMut::from(by_p.view_mut()), ViewMut::from(by_q.view_mut()));
    let (to_p, to_q) = (Some(&mut to_p), Some(&mut to_q));
    let result = family::kl_grad(family, p, family, q, options, upstream, Some(&mut out), to_p, to_q);
    Made { result, out, by_p, by_q }
}

/// A family, P's parameters, Q's, and the derivatives by all of them.
type Case<'a> = (Family, &'a [f64], &'a [f64], &'a [f64]);

/// The derivatives of textbook formulas, by mpmath with 120 digits: by P's parameters, then by Q's.
#[test]
fn gradients_have_the_digits_of_mpmath() {
    let cases: [Case; 25] = [
        (
            Family::Normal,
            &[0.5, 1.5],
            &[-0.25, 0.75],
            &[1.3333333333333333, 2.0, -1.3333333333333333, -5.333333333333333],
        ),
        (
            Family::Normal,
            &[0.5, 1.5],
            &[0.5000001, 1.5000003],
            &[-4.444442664327842e-08, -2.6666658662501295e-07, 4.444442664327842e-08, 2.6666653032874514e-07],
        ),
        (
            Family::Gamma,
            &[0.3, 1.5],
            &[9.0, 0.25],
            &[-107.3680048844706, 5.966666666666667, 7.434925169383798, -35.8],
        ),
        (
            Family::Gamma,
            &[2.5, 1.5],
            &[2.5000001, 1.500002],
            &[1.2842975578419017e-06, -2.1555555557285622e-06, -1.284296670134823e-06, 2.15555268165832e-06],
        ),
        (
            Family::Gamma,
            &[20.0, 3.0],
            &[15.0, 1.0],
            &[-0.4103125519906511, 2.7777777777777777, 0.8024349580867544, -8.333333333333334],
        ),
        (
            Family::Beta,
            &[0.3, 1.5],
            &[9.0, 0.25],
            &[-101.0442142267496, 6.658960075068516, 3.7585604508709887, -6.148548756639596],
        ),
        (
            Family::Beta,
            &[2.5, 1.5],
            &[2.5000001, 1.500002],
            &[5.469924314880428e-07, -1.273576194125305e-06, -5.469922561815226e-07, 1.2735747130214355e-06],
        ),
        (
            Family::Beta,
            &[20.0, 30.0],
            &[11.0, 60.0],
            &[0.8856654041774678, -0.5926238129715586, -0.9724028224840747, 0.3479185293893667],
        ),
        (Family::Bernoulli, &[0.3], &[0.9], &[-3.0445224377234235, 6.666666666666669]),
        (Family::Bernoulli, &[0.3], &[0.300000001], &[-4.761904887032566e-09, 4.7619048824974184e-09]),
        (Family::Bernoulli, &[1e-09], &[1e-12], &[6.907755279981137, -999.0000000009991]),
        (Family::BernoulliLogits, &[3.0], &[-40.0], &[1.9425963684292218, -0.9525741268224333]),
        (Family::BernoulliLogits, &[-3.0], &[-2.999999999], &[-4.517666346884572e-11, 4.517666348929151e-11]),
        (Family::BernoulliLogits, &[30.0], &[31.0], &[-9.357622968838423e-14, 5.915145860369441e-14]),
        (
            Family::Dirichlet,
            &[0.3, 1.5, 9.0],
            &[4.0, 0.25, 2.0],
            &[
                -45.74925053853507,
                0.7271010327443833,
                0.3811823849217542,
                5.34072436261153,
                -3.681861035375246,
                -1.1357746708775467,
            ],
        ),
        (
            Family::Dirichlet,
            &[2.5, 1.5, 3.0],
            &[2.5000001, 1.500002, 3.0],
            &[
                2.73409098168538e-07,
                -1.5471595274448098e-06,
                3.2244487369831055e-07,
                -2.734090474648764e-07,
                1.5471579217380818e-06,
                -3.2244482181362876e-07,
            ],
        ),
        (
            Family::Categorical,
            &[0.5, 1.5, 3.0],
            &[0.25, 1.0, 0.5],
            &[
                -0.1145725502930663,
                -0.1721089647834225,
                0.10514990744055563,
                0.17142857142857143,
                0.2714285714285714,
                -0.6285714285714286,
            ],
        ),
        (
            Family::Categorical,
            &[0.5, 1.5, 3.0],
            &[0.500000001, 1.5, 3.00000001],
            &[
                4.000000744384026e-11,
                4.399999957310677e-10,
                -2.2666666577284057e-10,
                -4.000000758250691e-11,
                -4.3999999546973437e-10,
                2.266666649230628e-10,
            ],
        ),
        (
            Family::CategoricalLogits,
            &[0.5, 1.5, 3.0],
            &[0.25, -20.0, 0.5],
            &[
                -0.33687666343963596,
                2.717020866543167,
                -2.3801442031035314,
                0.37493348556062916,
                -0.17095277949498372,
                -0.20398070606564547,
            ],
        ),
        (
            Family::CategoricalLogits,
            &[0.5, 1.5, 3.0],
            &[0.500000001, 1.5, 3.00000001],
            &[
                4.2290150794609504e-10,
                1.3205182596407141e-09,
                -1.743419767586809e-09,
                -4.2290150705912277e-10,
                -1.3205182559946316e-09,
                1.7434197630537545e-09,
            ],
        ),
        // Sums a thousand times apart, an outcome that is nearly certain, and those that cannot be.
        (
            Family::Categorical,
            &[0.5, 1.5, 3.0],
            &[500.000001, 1500.0, 3000.00001],
            &[
                4.000000868729003e-11,
                4.400000072773871e-10,
                -2.2666667175324189e-10,
                -4.000000882595669e-14,
                -4.4000000701605376e-13,
                2.2666667090346408e-13,
            ],
        ),
        (
            Family::Categorical,
            &[1.0, 1e-12, 3e-13],
            &[1.0, 2e-12, 3e-13],
            &[
                6.931471805581431e-13,
                -0.6931471805583511,
                6.931471805581431e-13,
                -9.999999999964e-13,
                0.49999999999835,
                -9.999999999964e-13,
            ],
        ),
        (
            Family::Categorical,
            &[0.0, 0.25, 0.0, 0.75],
            &[0.125, 0.5, 0.0, 0.375],
            &[-INFINITY, -1.0397207708399179, -INFINITY, 0.34657359027997264, 1.0, 0.5, 1.0, -1.0],
        ),
        (
            Family::CategoricalLogits,
            &[0.5, -INFINITY, 1.5, -INFINITY],
            &[0.25, 2.0, -1.0, -INFINITY],
            &[
                -0.4423768497933342,
                0.0,
                0.4423768497933342,
                0.0,
                -0.12691830869153276,
                0.8172865842741429,
                -0.6903682755826102,
                0.0,
            ],
        ),
        (
            Family::CategoricalLogits,
            &[0.5, -INFINITY, 1.5, 3.0],
            &[0.500000001, -INFINITY, 1.5, 3.00000001],
            &[
                4.2290150794609504e-10,
                0.0,
                1.3205182596407141e-09,
                -1.743419767586809e-09,
                -4.2290150705912277e-10,
                0.0,
                -1.3205182559946316e-09,
                1.7434197630537545e-09,
            ],
        ),
    ];
    for (family, p, q, want) in cases {
        let made = gradients(family, View::from(p), View::from(q), &Options::default(), None);
        made.result.unwrap();
        let got = made.by_p.iter().chain(&made.by_q).copied().collect::<Vec<f64>>();
        for side in [0..p.len(), p.len()..2 * p.len()] {
            let finite = want[side.clone()].iter().filter(|x| x.is_finite());
            let size = finite.fold(0.0, |size: f64, x| size.max(x.abs()));
            for i in side {
                let near = got[i] == want[i] || (got[i] - want[i]).abs() <= 4e-15 * size;
                assert!(near, "{family:?} {p:?} {q:?}, {i}: {:e}, want {:e}", got[i], want[i]);
            }
        }
    }
}

/// Rows of a family's parameters as mostly kernels take them; a few are theirs no longer.
fn rows(family: Family, cols: usize, which: usize) -> Array2<f64> {
    Array2::from_shape_fn((75, cols), |(i, j)| {
        let x = 0.1 + ((i * 37 + j * 11 + which * 53) % 97) as f64 / 100.0;
        match family {
            Family::Bernoulli => x / 1.2,
            Family::Gamma | Family::Beta | Family::Dirichlet if i == 7 => x * 1e-9,
            Family::BernoulliLogits | Family::CategoricalLogits if i == 7 => 2000.0 * x,
            _ => 4.0 * x,
        }
    })
}

/// The bits of each row's results, NaN being one.
fn bits(made: &Made) -> Vec<Vec<u64>> {
    let one_nan = |x: &f64| if x.is_nan() { u64::MAX } else { x.to_bits() };
    let of = |i: usize| {
        [made.out[i]].iter().chain(made.by_p.row(i)).chain(made.by_q.row(i)).map(one_nan).collect()
    };
    (0..made.out.len()).map(of).collect()
}

fn together_as_alone<T: Element>(
    family: Family,
    p: ArrayView2<T>,
    q: ArrayView2<T>,
    options: &Options,
    up: &[f64],
) {
    let together = gradients(family, View::from(p), View::from(q), options, Some(up));
    assert!(together.result.is_ok(), "{family:?}");
    let together = bits(&together);
    for i in 0..p.nrows() {
        let (p, q) = (p.slice(s![i..=i, ..]), q.slice(s![i..=i, ..]));
        let mut alone = options.clone();
        alone.mask = options.mask.map(|mask| &mask[i..=i]);
        alone.weights = options.weights.map(|weights| &weights[i..=i]);
        let alone = gradients(family, View::from(p), View::from(q), &alone, Some(&up[i..=i]));
        assert_eq!(together[i], bits(&alone)[0], "{family:?} row {i}");
    }
}

#[test]
fn many_rows_have_the_gradients_of_each_alone_in_any_layout_and_type() {
    let families = [
        (Family::Normal, 2),
        (Family::Gamma, 2),
        (Family::Beta, 2),
        (Family::Bernoulli, 1),
        (Family::BernoulliLogits, 1),
        (Family::Categorical, 2),
        (Family::CategoricalLogits, 5),
        (Family::Dirichlet, 2),
        (Family::Dirichlet, 11),
    ];
    let up: Vec<f64> = (0..75).map(|i| f64::from(i) - 20.5).collect();
    let weights: Vec<f64> = (0..75).map(|i| f64::from(i % 4)).collect();
    let mut mask = [1; 75];
    mask[40] = 0;
    for (family, cols) in families {
        let (mut p, q) = (rows(family, cols, 0), rows(family, cols, 1));
        p[[70, 0]] = f64::NAN;
        let mut plain = Options::default();
        plain.invalid = Invalid::Nan;
        let mut all = plain.clone();
        (all.mask, all.weights, all.base) = (Some(&mask[..]), Some(&weights[..]), Some(2.0));
        for options in [plain, all] {
            together_as_alone(family, p.view(), q.view(), &options, &up);
            let apart = |x: &Array2<f64>| Array2::from_shape_fn((75, 2 * cols), |(i, j)| x[[i, j / 2]]);
            let (wide_p, wide_q) = (apart(&p), apart(&q));
            together_as_alone(family, wide_p.slice(s![.., ..;2]), wide_q.slice(s![.., ..;2]), &options, &up);
            let across = |x: &Array2<f64>| Array2::from_shape_fn((cols, 75), |(j, i)| x[[i, j]]);
            let (across_p, across_q) = (across(&p), across(&q));
            together_as_alone(family, across_p.t(), across_q.t(), &options, &up);
            let (f32_p, f32_q) = (p.mapv(|x| x as f32), q.mapv(|x| x as f32));
            together_as_alone(family, f32_p.view(), f32_q.view(), &options, &up);
            let (f16_p, f16_q) = (p.mapv(f16::from_f64), q.mapv(f16::from_f64));
            if !matches!(family, Family::Gamma | Family::Beta | Family::Dirichlet) {
                together_as_alone(family, f16_p.view(), f16_q.view(), &options, &up);
            }
        }
    }
}

#[test]
fn one_bad_row_is_named_and_the_others_have_their_gradients() {
    let (p, mut q) = (rows(Family::Gamma, 2, 0), rows(Family::Gamma, 2, 1));
    let whole = gradients(Family::Gamma, View::from(&p), View::from(&q), &Options::default(), None);
    q[[50, 1]] = -1.0;
    let made = gradients(Family::Gamma, View::from(&p), View::from(&q), &Options::default(), None);
    let Err(Error::Parameter { operand, row, col, value, .. }) = made.result else {
        panic!("it is not named: {:?}", made.result)
    };
    assert_eq!((operand.index, row, col, value), (1, 50, 1, -1.0));
    for (i, (got, want)) in bits(&made).into_iter().zip(bits(&whole)).enumerate() {
        assert!(if i == 50 { got.iter().all(|x| *x == u64::MAX) } else { got == want }, "row {i}");
    }
}
