//! Inputs whose digits are easily lost, by name, against values that Arb gave to 20 digits.

// Values stand as Arb printed them.
#![allow(clippy::excessive_precision)]

use kldiv::family::vae::{self, Prior};
use kldiv::{
    Family, Measure, Normalization, Options, ViewMut, batch, explain, family, logits, loss, pairwise,
    relatives,
};
use ndarray::{Array2, array};

const U: f64 = f64::EPSILON / 2.0;
/// How many units docs/numerics.md promises.
const K: f64 = 16.0;

/// Holds a number to K units of its mag, and some of the smallest numbers.
#[track_caller]
fn held(what: &str, got: f64, want: f64, mag: f64) {
    let off = (got - want).abs();
    assert!(
        off <= K * U * mag + 4.0 * 5e-324,
        "{what}: {got:e}, want {want:e}, off by {:.1} units",
        off / U / mag
    );
}

fn value(p: &[f64], q: &[f64], options: &Options) -> f64 {
    batch::reduce(p, q, options).unwrap()
}

#[test]
fn equal_terms_do_not_add_up_what_they_are_rounded_by() {
    let of = |p: &[f64], q: &[f64], wants: &[(Measure, f64)]| {
        for (measure, want) in wants {
            held(&format!("{measure:?}"), value(p, q, &Options::from(*measure)), *want, want.abs());
            let (p, q) = (
                Array2::from_shape_fn((2, p.len()), |(_, j)| p[j]),
                Array2::from_shape_fn((2, q.len()), |(_, j)| q[j]),
            );
            let cells = pairwise::matrix(p.view(), q.view(), &Options::from(*measure)).unwrap();
            cells.iter().for_each(|cell| held(&format!("cells of {measure:?}"), *cell, *want, want.abs()));
        }
    };
    let mut one_hot = [0.0; 700];
    one_hot[350] = 1.0;
    let wants = [
        (Measure::Kl, 6.551080335043404674009),
        (Measure::Generalized, 6.551080335043404673141),
        (Measure::JENSEN_SHANNON, 0.6877530417878993218051),
    ];
    of(&one_hot, &[1.0 / 700.0; 700], &wants);
    let wants = [
        (Measure::Generalized, 0.05667494393873238938558),
        (Measure::Jeffreys, 0.1070024831816197329285),
        (Measure::JENSEN_SHANNON, 0.01330485969455234597042),
        (Measure::Entropy, 6.907755278982137175034),
        (Measure::CrossEntropy, 7.264430222920869592348),
        (Measure::Renyi { alpha: 2.0 }, 0.3566749439387324307065),
    ];
    of(&[1.0 / 1000.0; 1000], &[0.7 / 1000.0; 1000], &wants);
    let wants = [
        (Measure::Generalized, 0.015642388770337773412),
        (Measure::Jeffreys, 0.030360049493253445428),
        (Measure::JENSEN_SHANNON, 0.0037872624911718829108),
        (Measure::CrossEntropy, 7.0018834251390216598),
    ];
    let q: Vec<f64> = (0..1024).map(|i| (1.0 + f64::from(i % 2) * 0.4) / 1300.0).collect();
    of(&[1.0 / 1024.0; 1024], &q, &wants);
}

#[test]
fn equal_gaussians_do_not_add_up_what_they_are_rounded_by() {
    let (mu, logvar) = (Array2::from_elem((1, 3000), 0.7), Array2::from_elem((1, 3000), 0.7));
    let got = vae::rows(mu.view(), logvar.view(), Prior::STANDARD, &Options::default()).unwrap()[0];
    held("VAE", got, 1205.629061205714621649, 1205.63);
}

#[test]
fn a_small_renyi_order_is_not_lost_in_its_difference_from_one() {
    for order in [0.01, 0.1, 0.3, 0.49] {
        assert_eq!(relatives::renyi(&[0.5, 0.25, 0.25], &[0.5, 0.25, 0.25], order), Ok(0.0));
    }
    let got = relatives::renyi(&[0.2, 0.3, 0.5], &[0.2, 0.3, 0.5000000001], 0.01).unwrap();
    held("renyi", got, -1.0000000826898709907e-10, 2.0000001653e-10);
}

#[test]
fn normalized_rows_near_the_only_row_keep_their_digits() {
    let (p, q) = (array![[0.2, 0.3, 0.5]], array![[0.3000000003, 0.45, 0.7499999997]]);
    let wants = [
        (Measure::Kl, 1.4000000460758765581e-19),
        (Measure::Generalized, 1.4000000460758765581e-19),
        (Measure::Reverse, 1.4000000463558765347e-19),
        (Measure::Jeffreys, 2.8000000924317530928e-19),
        (Measure::JENSEN_SHANNON, 3.5000001155396913659e-20),
    ];
    for (measure, want) in wants {
        let mut options = Options::from(measure);
        options.normalization = Normalization::Normalize;
        // The only row, and rows that are all that one.
        for rows in [1, 9] {
            let q = q.broadcast((rows, 3)).unwrap();
            let cells = pairwise::matrix(p.view(), q.view(), &options).unwrap();
            cells.iter().for_each(|cell| held(&format!("{measure:?}"), *cell, want, want));
        }
    }
}

/// Two rows of logits, and of what they give: D both ways, their mags, and the gradients with theirs.
struct Softmaxes<'a> {
    a: &'a [f64],
    b: &'a [f64],
    temperature: f64,
    kl: (f64, f64),
    reverse: (f64, f64),
    js: (f64, f64),
    grad_a: (&'a [f64], f64),
    grad_b: (&'a [f64], f64),
}

impl Softmaxes<'_> {
    fn check(&self) {
        let what = format!("{:?} {:?} at {}", self.a, self.b, self.temperature);
        let measures = [
            ("KL", Measure::Kl, self.kl),
            ("REVERSE", Measure::Reverse, self.reverse),
            ("JS", Measure::JENSEN_SHANNON, self.js),
        ];
        for (name, measure, (want, mag)) in measures {
            let mut options = Options::from(measure);
            options.temperature = self.temperature;
            let got = logits::rows(self.a, self.b, &options).unwrap()[0];
            held(&format!("{name} of {what}"), got, want, mag);
        }
        let mut options = Options::default();
        options.temperature = self.temperature;
        let shape = (1, self.a.len());
        let (mut of_a, mut of_b) = (Array2::zeros(shape), Array2::zeros(shape));
        logits::grad_into(
            self.a.into(),
            self.b.into(),
            &options,
            None,
            None,
            Some(&mut ViewMut::from(of_a.view_mut())),
            Some(&mut ViewMut::from(of_b.view_mut())),
        )
        .unwrap();
        for (name, got, (wants, mag)) in [("a", &of_a, self.grad_a), ("b", &of_b, self.grad_b)] {
            for (got, want) in got.iter().zip(wants) {
                held(&format!("the gradient by {name} of {what}"), *got, *want, mag);
            }
        }
    }
}

#[test]
fn next_to_a_certain_class_all_else_keeps_its_digits() {
    Softmaxes {
        a: &[1000.1, 700.3, 0.7],
        b: &[1200.7, 880.2, 5.3],
        temperature: 1.0,
        kl: (1.2387411124535937699e-129, 3.739e-127),
        reverse: (6.2880258115523958540e-131, 2.022e-128),
        js: (2.1792636620855725631e-131, 6.881e-129),
        grad_a: (&[-1.3016213719013774423e-129, 1.3016213719013774423e-129, 0.0], 3.927e-127),
        grad_b: (&[6.2880259447783672350e-131, -6.2880259447783672350e-131, 0.0], 1.891e-128),
    }
    .check();
    Softmaxes {
        a: &[100.0, 75.3, 3.0],
        b: &[130.0, -200.1, 7.0],
        temperature: 1.0,
        kl: (5.7065147621847377557e-9, 1.524e-7),
        reverse: (1.8746763345067026863e-11, 6.207e-9),
        js: (6.4971330786118994252e-12, 1.598e-9),
        grad_a: (&[-5.7252615254224746596e-9, 5.7252615254224746596e-9, 1.9427128072449679071e-41], 1.582e-7),
        grad_b: (
            &[1.8746763344891306295e-11, -1.8746763344891306295e-11, -7.4719723371647398916e-43],
            4.818e-10,
        ),
    }
    .check();
    // What the anchor is short of is in q's own exponent, too.
    Softmaxes {
        a: &[-656.0046073352727, 662.4900919248325, 794.8852682126765],
        b: &[408.81051422365346, 398.42448186, 468.3759514298759],
        temperature: 2.0,
        kl: (1.1693259344696959982e-13, 8.451e-11),
        reverse: (8.0799427503314525956e-11, 2.568e-9),
        js: (4.0525748731663915312e-14, 2.147e-11),
        grad_a: (
            &[-3.0523548596571351643e-313, -2.7808748074880486300e-28, 2.7808748074880486300e-28],
            4.243e-11,
        ),
        grad_b: (
            &[5.8143297568069956006e-14, 3.2299915541170368400e-16, -5.8466296723481659690e-14],
            1.789e-12,
        ),
    }
    .check();
}

#[test]
fn a_certain_class_far_from_the_first_ones_keeps_its_digits() {
    // Beyond the first logits of a row, which say nothing of it.
    let long = |first: &[f64], last: &[f64]| [first, last].concat();
    let rest = [0.0; 100];
    Softmaxes {
        a: &long(&rest, &[400.25, 380.5]),
        b: &long(&rest, &[1200.5, 1180.0]),
        temperature: 1.0,
        kl: (5.8850945412693428593e-10, 1.327e-08),
        reverse: (4.5880612118374412770e-10, 1.057e-08),
        js: (1.2792991807314469682e-10, 2.864e-09),
        grad_a: (
            &long(&[1.1936013460418258378e-171; 100], &[-1.9849302186753097530e-9, 1.9849302186753097530e-9]),
            4.319e-08,
        ),
        grad_b: (
            &long(
                &[-1.4915355776879555537e-174; 100],
                &[1.3964207670809045515e-9, -1.3964207670809045515e-9],
            ),
            2.993e-08,
        ),
    }
    .check();
    // What moved the anchor there is much more than what q and p differ by.
    let rest = &rest[..63];
    Softmaxes {
        a: &long(rest, &[-100.0, 80.0, 50.0]),
        b: &long(rest, &[-99.0, 80.0, 50.0]),
        temperature: 1.0,
        kl: (4.8226765671471650341e-79, 8.801e-77),
        reverse: (6.7141842882109649129e-79, 1.221e-76),
        js: (1.3848721016902620657e-79, 2.515e-77),
        grad_a: (
            &long(
                &[1.2118104830826307072e-113; 63],
                &[-6.7141842882109649129e-79, 6.7141842882103366248e-79, 6.2828805112382864747e-92],
            ),
            1.223e-76,
        ),
        grad_b: (
            &long(
                &[-2.0822319326170615950e-113; 63],
                &[1.1536860855358129947e-78, -1.1536860855357050371e-78, -1.0795759412840223790e-91],
            ),
            2.084e-76,
        ),
    }
    .check();
}

#[test]
fn what_the_likeliest_classes_differ_by_is_not_measured_from_unlikely_ones() {
    // Nothing differs but a class of 1e-35, and nothing that comes before the last two is likely.
    let mut a = Array2::from_elem((1, 200), -20.0_f32);
    (a[[0, 5]], a[[0, 198]], a[[0, 199]]) = (-80.0, 0.0, -0.125);
    let mut b = a.clone();
    b[[0, 5]] += 0.025;
    let mut of_b = Array2::<f64>::zeros((1, 200));
    let mut place = ViewMut::from(of_b.view_mut());
    logits::grad_into((&a).into(), (&b).into(), &Options::default(), None, None, None, Some(&mut place))
        .unwrap();
    let p = a.map(|a| f64::from(*a).exp());
    let p = &p / p.sum();
    let gain = p[[0, 5]] * (f64::from(b[[0, 5]]) - f64::from(a[[0, 5]])).exp_m1();
    for j in [198, 199] {
        let (got, want) = (of_b[[0, j]], -p[[0, j]] * gain);
        assert!(
            (got / want - 1.0).abs() < 4.0 * K * f64::from(f32::EPSILON) / 2.0,
            "{j}: {got:e}, want {want:e}"
        );
    }
}

#[test]
fn next_to_classes_that_are_equally_certain_all_else_keeps_its_digits() {
    Softmaxes {
        a: &[0.3, 0.3, -60.1],
        b: &[0.7, 0.7, -5000.0],
        temperature: 1.0,
        kl: (1.4496017420334719970e-23, 9.050e-22),
        reverse: (2.9348323487811471209e-27, 1.469e-23),
        js: (1.0171353839868870858e-27, 6.248e-26),
        grad_a: (
            &[-7.2494761263417505585e-24, -7.2494761263417505585e-24, 1.4498952252683501117e-23],
            9.052e-22,
        ),
        grad_b: (
            &[1.4674161743905735604e-27, 1.4674161743905735604e-27, -2.9348323487811471209e-27],
            1.803e-25,
        ),
    }
    .check();
}

#[test]
fn rows_that_are_not_quite_near_differ_by_what_sums_to_nothing() {
    Softmaxes {
        a: &[22.876708460329848, 14.641476839782609, -41.6162326121179, -10.206528958632488],
        b: &[29.01994718340385, 9.221515047327735, -45.65280041643855, -3.4728098660075735],
        temperature: 2.0,
        kl: (0.076533145247834655125, 0.4848),
        reverse: (0.015811626487938460917, 0.1738),
        js: (0.0054325961229936854084, 0.02861),
        grad_a: (
            &[
                -0.045575403779380869565,
                0.045575416273702114437,
                2.4334567738454248887e-14,
                -1.2494345579440059668e-8,
            ],
            0.3079,
        ),
        grad_b: (
            &[
                0.0079860786479301468227,
                -0.0079860904136595848401,
                -4.8390974364178563035e-15,
                1.1765734277114836173e-8,
            ],
            0.04104,
        ),
    }
    .check();
}

#[test]
fn a_gradient_of_softmaxes_that_differ_by_a_subnormal_number_keeps_what_digits_that_has() {
    let (a, b) =
        (array![[6.164287860264636, -1.075757196352368]], array![[6.164287860264636, -1.0717077626133908]]);
    let mut options = Options::default();
    options.temperature = 0.009983702711873307;
    let mut of_b = Array2::<f64>::zeros((1, 2));
    let mut place = ViewMut::from(of_b.view_mut());
    logits::grad_into((&a).into(), (&b).into(), &options, None, None, None, Some(&mut place)).unwrap();
    for (got, want) in of_b.iter().zip([-5.6940872214004546312e-314, 5.6940872214004546312e-314]) {
        assert!((got / want - 1.0).abs() < 3e-8, "{got:e}, want {want:e}");
    }
}

/// Holds the Jensen-Shannon divergence of two rows, at a temperature and with a weight, and its gradients.
#[track_caller]
fn mixture(
    [a, b]: [&[f64]; 2],
    (temperature, weight): (f64, f64),
    (value, mag): (f64, f64),
    of_a: (&[f64], f64),
    of_b: (&[f64], f64),
) {
    let mut options = Options::from(Measure::JensenShannon { weight });
    options.temperature = temperature;
    let mut out = [0.0];
    let mut grads = [Array2::zeros((1, a.len())), Array2::zeros((1, a.len()))];
    let [for_a, for_b] = &mut grads;
    logits::grad_into(
        a.into(),
        b.into(),
        &options,
        None,
        Some(&mut out),
        Some(&mut ViewMut::from(for_a.view_mut())),
        Some(&mut ViewMut::from(for_b.view_mut())),
    )
    .unwrap();
    held("JS", out[0], value, mag);
    for (name, grad, (wants, mag)) in [("a", &grads[0], of_a), ("b", &grads[1], of_b)] {
        grad.iter().zip(wants).for_each(|(got, want)| held(&format!("gradient by {name}"), *got, *want, mag));
    }
}

#[test]
fn the_smaller_of_two_probabilities_keeps_its_own_digits_in_a_mixture() {
    mixture(
        [&[16.28289701059163, 7.973988065496473], &[1.3924400132087877, 1.694866568510524]],
        (0.012663644231485253, 0.001),
        (0.0079072543490412881749, 0.007911),
        (&[0.0, -5.8661337858367708999e-284], 56.1),
        (&[-5.6913450558260156453e-8, 5.6913450558260156453e-8], 5.734),
    );
    // Weights that do not sum to 1 but for rounding.
    mixture(
        [&[25.976647487064408, -42.66543770542647], &[25.976647487068988, -42.665437705430826]],
        (4.623585339473889, 0.1),
        (5.9962990948672766310e-32, 1.071e-30),
        (&[-1.3421933583132621945e-20, 1.3421933583132621945e-20], 2.262e-19),
        (&[1.3421933583119653016e-20, -1.3421933583119653016e-20], 2.262e-19),
    );
}

#[test]
fn a_mask_in_one_row_leaves_a_mixture_its_digits_next_to_a_certain_class() {
    mixture(
        [&[0.3, -100.1, -90.7], &[0.9, -95.3, f64::NEG_INFINITY]],
        (1.0, 0.25),
        (1.04799601844667747e-40, 9.648e-39),
        (&[-1.04447026641595545e-40, -2.4420879563886689629e-44, 1.0447144752115943159e-40], 9.616e-39),
        (&[-3.52575203072202e-43, 3.5257520307220185865e-43, 0.0], 5.376e-39),
    );
}

#[test]
fn a_student_that_is_certain_is_measured_by_what_its_teacher_lacks() {
    Softmaxes {
        a: &[156.25273848489695, 159.97728519091487],
        b: &[321.56642386596684, 1126.275200014857],
        temperature: 0.5,
        kl: (0.93117189724336071812, 8.7993),
        reverse: (0.00058179970090431699485, 0.93666),
        js: (0.00020162006559298108050, 0.23464),
        grad_a: (&[1.8624235211731169831, -1.8624235211731169831], 19.454),
        grad_b: (&[-0.0011632609765517479770, 0.0011632609765517479770], 0.0098285),
    }
    .check();
}

#[test]
fn subnormal_probabilities_of_logits_count() {
    Softmaxes {
        a: &[0.1, -720.3],
        b: &[0.3, -715.0],
        temperature: 1.0,
        kl: (2.1512833572194057582e-311, 1.552e-308),
        reverse: (9.1745817008133642787e-311, 6.583e-308),
        js: (7.3752919094127136394e-312, 5.311e-309),
        grad_a: (&[6.9474497296843455206e-313, -6.9474497296843455206e-313], 1.559e-308),
        grad_b: (&[-2.2207578545162492134e-311, 2.2207578545162492134e-311], 1.591e-308),
    }
    .check();
    // No number is as small as the second class of P, but its part of D is one.
    held(
        "KL",
        logits::rows(&[0.0, -746.0][..], &[0.0, -1746.0][..], &Options::default()).unwrap()[0],
        1.04e-321,
        1.04e-321,
    );
    Softmaxes {
        a: &[0.1, -690.3],
        b: &[0.1, -690.3000001],
        temperature: 1.0,
        kl: (7.2788098294664806336e-315, 5.047e-312),
        reverse: (7.2788095868392978899e-315, 5.047e-312),
        js: (1.8197024270382215572e-315, 1.262e-312),
        grad_a: (&[-1.4557608595882364960e-307, 1.4557608595882364960e-307], 1.008e-304),
        grad_b: (&[1.4557607868001382013e-307, -1.4557607868001382013e-307], 1.008e-304),
    }
    .check();
}

#[test]
fn a_class_that_is_next_to_impossible_counts_in_a_long_row_too() {
    // Beyond the logits that are summed together with the certain one.
    let (mut a, mut b) = (vec![-5000.0; 8300], vec![-5000.0; 8300]);
    (a[3], b[3]) = (0.1, 0.1);
    (a[8250], b[8250]) = (-709.7, -700.3);
    let value = |a: &[f64], b: &[f64]| logits::rows(a, b, &Options::default()).unwrap()[0];
    held("KL", value(&a, &b), 6.6034527924338151729e-305, 4.694e-302);
    held("REVERSE", value(&b, &a), 5.5517312946397686539e-304, 3.9e-301);
}

#[test]
fn a_gradient_of_a_small_probability_is_rounded_once() {
    let (input, target, weights) = (array![[-4.59645487595381]], array![[-707.3875343691199]], [1e-10]);
    let mut options = Options::default();
    options.log_target = true;
    options.weights = Some(&weights);
    let mut grad = Array2::zeros((1, 1));
    let place = &mut ViewMut::from(grad.view_mut());
    loss::grad_into(input.view().into(), target.view().into(), &options, None, None, Some(place)).unwrap();
    held("gradient", grad[[0, 0]], -4.2825762078522100044e-315, 4.3e-315);
    let mut each = Array2::zeros((1, 1));
    loss::pointwise_into(
        input.view().into(),
        target.view().into(),
        &options,
        &mut ViewMut::from(each.view_mut()),
    )
    .unwrap();
    held("loss", each[[0, 0]], -4.2886785598669222591e-315, 4.3e-315);
}

#[test]
fn infinite_parts_share_a_whole_of_either_sign() {
    for (measure, q) in [(Measure::Entropy, 1.0), (Measure::CrossEntropy, 1e300), (Measure::Kl, 0.0)] {
        let walk =
            explain::explain(&[1e308, 1e308, 0.0][..], &[q, q, 1.0][..], &Options::from(measure)).unwrap();
        let shares: Vec<f64> = walk.iter().map(|term| term.share).collect();
        assert_eq!(shares, [0.5, 0.5, 0.0], "{measure:?}");
    }
    // The second is -infinity, a number but for the range.
    let (p, q) = ([f64::MAX, f64::MAX], [0.0, f64::MAX]);
    let walk = explain::explain(&p[..], &q[..], &Options::from(Measure::CrossEntropy)).unwrap();
    assert_eq!([walk[0].share, walk[1].share], [1.0, 0.0]);
}

/// The lowest number as a mask, as it is used where -infinity makes NaN.
#[test]
fn a_gradient_beside_the_lowest_logit_is_a_number_whatever_comes_from_upstream() {
    let (a, b) = (array![[0.5, f64::MIN, 6.8125]], array![[0.0, -1.0, 2.0]]);
    for upstream in [1.0, 2.0, -108.0] {
        let mut grads = [Array2::<f64>::zeros((1, 3)), Array2::zeros((1, 3))];
        let [of_a, of_b] = &mut grads;
        let (mut of_a, mut of_b) = (ViewMut::from(of_a.view_mut()), ViewMut::from(of_b.view_mut()));
        let (options, upstream) = (Options::default(), [upstream]);
        let places = (Some(&mut of_a), Some(&mut of_b));
        logits::grad_into((&a).into(), (&b).into(), &options, Some(&upstream), None, places.0, places.1)
            .unwrap();
        // p of two, by p (ln(p/q) - D) and q - p.
        let (p, sum) = ((-6.3125f64).exp() / (1.0 + (-6.3125f64).exp()), 1.0 + (-1.0f64).exp() + 2f64.exp());
        let ln = [(p * sum).ln(), ((1.0 - p) * sum).ln() - 2.0];
        let kl = p * ln[0] + (1.0 - p) * ln[1];
        let wants = [
            [p * (ln[0] - kl), 0.0, (1.0 - p) * (ln[1] - kl)],
            [1.0 / sum - p, (-1.0f64).exp() / sum, 2f64.exp() / sum - (1.0 - p)],
        ];
        for (got, want) in grads.iter().flatten().zip(wants.as_flattened()) {
            assert!((got - upstream[0] * want).abs() <= 1e-14 * upstream[0].abs(), "{upstream:?}: {grads:?}");
        }
    }
    // At this temperature it is below every number.
    let mut options = Options::default();
    options.temperature = 0.5;
    let mut of_a = Array2::<f64>::zeros((1, 3));
    let mut place = ViewMut::from(of_a.view_mut());
    logits::grad_into((&a).into(), (&b).into(), &options, None, None, Some(&mut place), None).unwrap();
    let [x, masked, z] = [of_a[[0, 0]], of_a[[0, 1]], of_a[[0, 2]]];
    assert!(x < 0.0 && masked == 0.0 && z > 0.0 && (x + z).abs() <= 1e-14 * z, "{of_a}");
}

#[test]
fn proportions_that_are_subnormal_keep_their_digits_in_all_pairs() {
    let (p, q) = (array![[0.5, 0.25, 0.75]], array![[1e-322, 1.5, 3e-323], [0.25, 1.25, 5e-324]]);
    let wants = [617.79875276740181270, 372.03900433257903907];
    let mut options = Options::default();
    options.normalization = Normalization::Normalize;
    let cells = pairwise::matrix(p.view(), q.view(), &options).unwrap();
    for (cell, want) in cells.iter().zip(wants) {
        held("cell", *cell, want, want);
    }
}

/// Shapes of two beta distributions, and the divergence by mpmath with 400 digits.
#[test]
fn beta_distributions_of_which_one_shape_is_tiny_keep_their_digits() {
    let pairs = [
        (
            [7.877762610661494e-09, 14.174024192111329, 7.877762445046893e-09, 14.182221996833798],
            1.6343458707387746e-15,
        ),
        (
            [11.397893392501791, 6.538525435033005e-09, 11.327978108532568, 6.538520575348064e-09],
            4.1102256080205983e-13,
        ),
        (
            [6.058633411276042e-14, 4.351129142937827, 6.05856954448686e-14, 5.2909122112056854],
            5.5563021951724911e-11,
        ),
        (
            [6.759193139637983e-35, 1935.8554655752932, 3.2876372368257983e-52, 5.015144961315178e+51],
            175153005562012.67,
        ),
        (
            [3.9494609657471884e-05, 3.4922990828094846, 3.7630294664989854e-05, 4.031592670078095],
            0.0011513398385007236,
        ),
        (
            [0.025957979627388217, 1.7941501403179514, 0.025957976736799844, 2.2167201312799305],
            0.0010102412343846548,
        ),
        ([1e-06, 20.0, 1e-06, 1000000000.0], 51.27080284298371),
    ];
    for (shapes, want) in pairs {
        let [p, q] = [0, 2].map(|from| Array2::from_shape_fn((1, 2), |(_, j)| shapes[from + j]));
        let got = family::kl(Family::Beta, &p, Family::Beta, &q, &Options::default()).unwrap()[0];
        held(&format!("{shapes:?}"), got, want, want);
    }
}
