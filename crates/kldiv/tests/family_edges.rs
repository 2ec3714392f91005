//! Pairs whose shapes, scales or counts lie far apart, are tiny, or all but coincide.
//!
//! The values are those of the closed forms, of the sums or of the integrals in Arb's interval arithmetic (python-flint) or in
//! mpmath, with 130 to 6600 bits, for the exact values of these numbers.

use kldiv::family::vae::{self, Grads, Prior};
use kldiv::{Dtype, Error, Family, Measure, Options, Shape, View, ViewMut, family};
use ndarray::{Array2, array};

type Side<'a> = (Family, &'a [f64]);

fn measure(measure: Measure, p: Side, q: Side) -> Result<f64, Error> {
    let options = Options::from(measure);
    Ok(family::kl(p.0, View::from(p.1), q.0, View::from(q.1), &options)?[0])
}

fn check(cases: &[(Side, Side, f64)], tolerance: f64) {
    for (p, q, want) in cases {
        let got = measure(Measure::Kl, *p, *q).unwrap();
        let close = got == *want || (got - want).abs() <= tolerance * want;
        assert!(close, "{p:?} {q:?}: {got:e}, want {want:e}");
    }
}

#[test]
fn shapes_that_are_tiny_or_of_different_sizes_keep_their_digits() {
    use Family::{Beta, Chi, Dirichlet, Gamma, HalfNormal};
    let cases: [(Side, Side, f64); 12] = [
        ((Beta, &[2e12, 4e12]), (Beta, &[7e-4, 5.4]), 21.993_606_527_624_645),
        ((Beta, &[6.2e-201, 4.8e-201]), (Beta, &[6.2000062e-201, 4.8e-201]), 3.411_567_511_620_482_3e-13),
        ((Beta, &[1e8, 4e-27]), (Beta, &[5e-185, 3e-156]), 362.585_301_141_745),
        ((Gamma, &[6e-201, 4e-97]), (Gamma, &[6e-201, 4.00000001e-97]), 1.875_000_028_434_832e-218),
        ((Gamma, &[8e-18, 4e16]), (Gamma, &[1.5e-145, 1e268]), 2e234),
        ((HalfNormal, &[1e4]), (Chi, &[8e8]), 989_921_743.817_856_7),
        ((HalfNormal, &[6e50]), (Chi, &[3e8]), 1.799_999_999_999_999_8e101),
        (
            (Dirichlet, &[9e-201, 1e-200, 4e15]),
            (Dirichlet, &[9.000001e-201, 1.000001e-200, 4.000001e15]),
            5.061_725_057_356_221e-13,
        ),
        ((Dirichlet, &[1e-200, 1.5, 3.0]), (Dirichlet, &[2e-200, 2.0, 2.5]), 0.462_317_927_548_219_07),
        ((Dirichlet, &[1e-300, 1e-170, 3.0]), (Dirichlet, &[1e-150, 3e-170, 2.5]), 1e150),
        ((Chi, &[0.0004]), (Gamma, &[0.0001, 2.6e-80]), 0.654_355_997_246_671_5),
        ((Beta, &[0.02, 1000.0]), (Chi, &[0.02]), 0.130_615_174_057_610_24),
    ];
    check(&cases, 1e-12);
}

#[test]
fn a_divergence_is_a_number_where_twice_as_much_is_none() {
    use Family::{LogNormal, Normal};
    let want = 1.253_472_222_222_222_3e308;
    let cases: [(Side, Side, f64); 2] = [
        ((Normal, &[1.0, 3.8e25]), (Normal, &[1.0, 2.4e-129]), want),
        ((LogNormal, &[1.0, 3.8e25]), (LogNormal, &[1.0, 2.4e-129]), want),
    ];
    check(&cases, 1e-15);
}

#[test]
fn a_bulk_far_from_the_middle_of_its_support_is_integrated() {
    use Family::{Beta, Exponential, InverseGamma, Logistic, Pareto, StudentT};
    let cases: [(Side, Side, f64); 4] = [
        ((Beta, &[1.8, 422.0]), (Exponential, &[178.0]), 0.123_523_363_221_057_83),
        ((Beta, &[209.0, 1.3]), (Logistic, &[3.0, 10.7]), 7.871_997_269_787_553),
        ((InverseGamma, &[0.09, 0.15]), (StudentT, &[1.4, 0.0036, 0.02]), 16.178_878_561_174_66),
        ((Pareto, &[2e77, 8e-4]), (InverseGamma, &[0.01, 1e81]), 12.880_211_673_785_15),
    ];
    check(&cases, 1e-12);
}

#[test]
fn a_bulk_of_any_width_on_a_half_line_is_met_whole() {
    use Family::{Cauchy, Chi2, Gamma, Gumbel, InverseGamma, LogNormal, Logistic, Moyal, StudentT, Weibull};
    let cases: [(Side, Side, f64); 11] = [
        ((LogNormal, &[-0.5, 4e-6]), (Cauchy, &[30.25, 2.75]), 18.430_459_620_582_93),
        ((LogNormal, &[1.5, 3e-9]), (Gumbel, &[0.25, 0.125]), 48.479_786_036_098_31),
        ((LogNormal, &[0.125, 1e-12]), (Logistic, &[1.0, 3.0]), 28.572_481_650_724_436),
        ((LogNormal, &[0.125, 3.75]), (Logistic, &[-22.0, 1e-8]), 130_409_405_398.697_17),
        ((Gamma, &[1.125e9, 0.125]), (StudentT, &[3.0, -4.0, 20.0]), 67.579_524_597_866_23),
        ((Gamma, &[5e13, 20.0]), (Logistic, &[100.0, 1e11]), 36.133_707_701_633_256),
        ((InverseGamma, &[1e10, 0.125]), (Moyal, &[-0.25, 0.125]), 35.106_444_036_505_56),
        ((Chi2, &[3e15]), (Cauchy, &[1.0, 3.0]), 51.736_688_499_064_83),
        ((Weibull, &[226.5, 823589.0]), (Gumbel, &[0.0, 8.25]), 36.186_206_402_382_53),
        ((Weibull, &[1.125, 5e5]), (Logistic, &[0.5, 0.0625]), 18.654_847_129_030_494),
        ((Weibull, &[6.0, 0.46875]), (Logistic, &[1.0, 0.0625]), 204.278_836_308_833_83),
    ];
    check(&cases, 1e-13);
}

#[test]
fn a_shape_next_to_0_reaches_as_far_as_it_does() {
    use Family::{
        Beta, Cauchy, Chi2, Gamma, Gumbel, InverseGamma, Kumaraswamy, LogNormal, Logistic, StudentT,
    };
    let cases: [(Side, Side, f64); 10] = [
        ((Gamma, &[1e-30, 0.5]), (Cauchy, &[-0.5, 22.5]), 1e30),
        ((Gamma, &[5e-16, 7.0]), (Logistic, &[-1.0, 55.0]), 1_999_999_999_999_971.5),
        ((Chi2, &[1e-8]), (StudentT, &[2.5, 1.0, 3.0]), 199_999_981.961_591_37),
        ((InverseGamma, &[1e-12, 2.5]), (Cauchy, &[-0.5, 0.5]), 999_999_999_974.700_4),
        ((Beta, &[1e-16, 24.0]), (Logistic, &[-0.0625, 1.5]), 9_999_999_999_999_968.0),
        ((Beta, &[0.002, 1e-10]), (Cauchy, &[0.25, 0.5]), 9_999_999_477.607_721),
        ((Beta, &[2.0, 0.03125]), (Gumbel, &[2.5, 3.0]), 30.735_638_340_738_647),
        ((Kumaraswamy, &[0.04, 4e-18]), (Kumaraswamy, &[0.125, 18.0]), 4.499_999_999_999_999_6e18),
        ((Kumaraswamy, &[0.5, 1e16]), (Logistic, &[0.0, 0.25]), 72.566_791_460_151_07),
        ((LogNormal, &[-9.0, 1e26]), (Cauchy, &[0.25, 2.0]), 7.978_845_608_028_654e25),
    ];
    check(&cases, 1e-13);
}

#[test]
fn kumaraswamys_that_nearly_coincide_keep_their_digits_whatever_their_shapes() {
    use Family::Kumaraswamy;
    let cases: [(Side, Side, f64); 6] = [
        (
            (Kumaraswamy, &[4.790058170761584, 7.9925054625848e-6]),
            (Kumaraswamy, &[4.790058175551642, 8.000497968047383e-6]),
            4.996_669_164_59e-7,
        ),
        (
            (Kumaraswamy, &[2.0661622024698463e-6, 21.265217447625435]),
            (Kumaraswamy, &[2.0661622045360087e-6, 21.265217447625435]),
            4.590_721_527_29e-18,
        ),
        (
            (Kumaraswamy, &[1.4392897275031905e-6, 2.043417787120365]),
            (Kumaraswamy, &[1.4392897275046299e-6, 2.043419830538152]),
            4.999_986_540_83e-13,
        ),
        (
            (Kumaraswamy, &[0.33319292039864196, 472937.5864744178]),
            (Kumaraswamy, &[0.33319292073183493, 472937.5864744178]),
            8.075_735_545_92e-17,
        ),
        (
            (Kumaraswamy, &[7.743992674456254, 519205.8805316394]),
            (Kumaraswamy, &[7.743992682200247, 519725.08641217096]),
            4.996_541_792_51e-7,
        ),
        (
            (Kumaraswamy, &[3.1695509602984365e-6, 3.0]),
            (Kumaraswamy, &[3.1695541298493966e-6, 3.0]),
            1.249_999_053_68e-12,
        ),
    ];
    check(&cases, 2e-12);
}

#[test]
fn what_cannot_be_met_whole_is_no_number() {
    use Family::{Cauchy, Gamma, LogNormal};
    let cases: [(Side, Side); 2] = [
        ((LogNormal, &[0.125, 1e-30]), (Cauchy, &[1.0, 3.0])),
        ((Gamma, &[1e60, 1.0]), (Cauchy, &[1.0, 3.0])),
    ];
    for (p, q) in cases {
        let error = measure(Measure::Kl, p, q).unwrap_err();
        assert!(error.to_string().contains("could not be integrated"), "{p:?} {q:?}: {error}");
    }
}

#[test]
fn a_narrow_peak_far_from_0_keeps_its_digits() {
    use Family::{Cauchy, Gamma, Gumbel, InverseGamma, Logistic, Normal, Pareto, StudentT};
    let cases: [(Side, Side, f64); 7] = [
        ((Pareto, &[2.0, 3e8]), (Gamma, &[1e6, 5e5]), 12.530_476_370_187_455),
        ((Pareto, &[7.0, 4e5]), (InverseGamma, &[2e3, 1.4e4]), 9.017_748_808_690_039),
        ((Pareto, &[7.0, 4e6]), (Logistic, &[7.0, 0.01]), 9.037_018_710_473_162),
        ((Normal, &[1e6, 1e-4]), (StudentT, &[3.0, 1e6, 2e-4]), 0.425_079_834_153_297_15),
        ((Cauchy, &[1e9, 1e-4]), (StudentT, &[3.0, 1e9, 2e-4]), 0.177_470_435_908_707_22),
        (
            (Normal, &[177052.3474024846, 1.3773430743416906e-5]),
            (Cauchy, &[-1.3785568933151682, 6.028594376190135]),
            33.290_463_609_368_98,
        ),
        (
            (Gumbel, &[160.12974729638657, 2.5144350334815403e-6]),
            (Logistic, &[-5.212125004737347e-6, 30.917239540901647]),
            19.938_096_035_230_74,
        ),
    ];
    check(&cases, 1e-13);
}

#[test]
fn tails_that_reach_beyond_the_range_keep_the_differences_of_their_parameters() {
    use Family::StudentT;
    let cases: [(Side, Side, f64); 4] = [
        (
            (StudentT, &[0.010590160620016264, 0.0, 1.0]),
            (StudentT, &[0.010590160620016264, 0.0, 0.9999999992315354]),
            2.077_297_365_286_803_3e-21,
        ),
        (
            (StudentT, &[0.0034404488901426007, 0.0, 1.0]),
            (StudentT, &[0.0034404099622829033, 7.458229943618659e-6, 1.0000049451286759]),
            7.327_683_998_051_447e-11,
        ),
        (
            (StudentT, &[0.00229817329721546, 0.0, 1.0]),
            (StudentT, &[0.00229817329721546, 0.0, 1.0000000150275288]),
            1.728_638_109_166_802_5e-19,
        ),
        ((StudentT, &[3.0, 0.0, 1.0]), (StudentT, &[3.000003, 0.0, 1.0]), 7.610_155_735_658_593e-14),
    ];
    check(&cases, 1e-12);
}

#[test]
fn parts_that_leave_the_range_make_what_is_in_it_and_infinity_what_is_not() {
    use Family::{Beta, Chi, Gumbel, HalfNormal, LogNormal, Moyal, Normal, Uniform, Weibull};
    let cases: [(Side, Side, f64); 8] = [
        // About 1e49398, 1e494 and 1e2171.
        ((LogNormal, &[-1.76, 0.173]), (Gumbel, &[276.5, 0.00243]), f64::INFINITY),
        ((Chi, &[0.0885]), (Moyal, &[38.4, 0.0337]), f64::INFINITY),
        ((Beta, &[0.1, 2.0]), (Moyal, &[50.0, 0.01]), f64::INFINITY),
        ((LogNormal, &[0.0, 0.3]), (Gumbel, &[20.0, 0.03]), 4.443_119_611_362_404e281),
        ((Uniform, &[0.0, 1e50]), (HalfNormal, &[5e-79]), 6.666_666_666_666_667e255),
        // e^450, the mean of x: beside it all else is nothing.
        ((LogNormal, &[0.0, 30.0]), (Gumbel, &[0.0, 1.0]), 450f64.exp()),
        ((Normal, &[0.03, 6.4]), (Moyal, &[19.7, 0.0914]), f64::INFINITY),
        ((Uniform, &[1e50, 2e50]), (Weibull, &[1.0, 20.0]), f64::INFINITY),
    ];
    check(&cases, 1e-12);
}

#[test]
fn counts_that_nearly_coincide_keep_their_digits() {
    use Family::{Binomial, Geometric, NegativeBinomial, Poisson};
    let cases: [(Side, Side, f64); 5] = [
        ((Binomial, &[1e4, 1e-4]), (Poisson, &[1.0]), 2.500_250_025_002_917_3e-9),
        ((Poisson, &[30.0]), (NegativeBinomial, &[1e9, 3e-8]), 1.372_500_004_541_863_5e-14),
        ((NegativeBinomial, &[1e9, 3e-8]), (Poisson, &[30.0]), 1.372_500_060_349_365_2e-14),
        (
            (NegativeBinomial, &[0.5, 0.948]),
            (NegativeBinomial, &[0.50000001, 0.94800001]),
            1.185_553_870_183_109_7e-14,
        ),
        ((Geometric, &[1e-300]), (Geometric, &[1.000000377978838e-300]), 7.143_398_298_014_857e-14),
    ];
    check(&cases, 1e-12);
    // Where both are far apart nothing is lost either.
    check(&[((Poisson, &[1e10]), (NegativeBinomial, &[1e6, 0.9999]), 4.110_270_428_461_088)], 1e-12);
}

#[test]
fn a_coin_of_a_probability_and_one_of_a_logit_that_nearly_coincide_keep_their_digits() {
    use Family::{Bernoulli, BernoulliLogits};
    let cases = [
        (0.5, 1e-6, 1.249_999_999_999_947_8e-13, 1.249_999_999_999_843_6e-13),
        (0.3, -0.8472978503872035, 1.050_000_034_168_796_7e-17, 1.050_000_035_568_796_8e-17),
        (0.99999, 11.512916464924778, 4.999_948_325_589_937_3e-18, 4.999_946_658_974_107e-18),
        (1e-5, -11.5, 8.376_400_434_455_46e-10, 8.412_539_099_776_022e-10),
    ];
    for (hit, logit, want, reverse) in cases {
        let (p, q): (Side, Side) = ((Bernoulli, &[hit]), (BernoulliLogits, &[logit]));
        check(&[(p, q, want), (q, p, reverse)], 1e-14);
    }
    // A probability of e^-800 is no number, and its logit has 13 digits after the point.
    let (p, q): (Side, Side) = ((Bernoulli, &[0.5]), (BernoulliLogits, &[-800.0]));
    check(&[(p, q, 399.306_852_819_440_05), (q, p, std::f64::consts::LN_2)], 1e-13);
}

#[test]
fn geometric_counts_with_a_rare_end_keep_their_digits() {
    use Family::{Bernoulli, Binomial, Geometric, NegativeBinomial, Poisson};
    const LESS: f64 = 1.0 - f64::EPSILON / 2.0;
    let cases: [(Side, Side, f64); 12] = [
        ((Poisson, &[10.0]), (Geometric, &[1e-20]), 43.490_291_924_606_004),
        ((Poisson, &[4_305_271.5]), (Geometric, &[1e-27]), 53.113_183_616_961_94),
        ((Poisson, &[1e40]), (Geometric, &[0.5]), 6.931_471_805_599_453e39),
        ((Bernoulli, &[0.3]), (Geometric, &[1e-20]), 45.440_837_557_826_02),
        ((Binomial, &[5.0, 0.3]), (Geometric, &[1e-27]), 60.756_182_655_555_79),
        ((NegativeBinomial, &[2.5, 0.4]), (Geometric, &[1e-20]), 44.326_787_110_729_63),
        ((Geometric, &[1e-18]), (Poisson, &[3.0]), 3.977_070_372_032_318e19),
        ((Geometric, &[1e-300]), (NegativeBinomial, &[2.5, 0.4]), 9.162_907_318_741_55e299),
        // 1 less a probability that is given has lost digits, and 1 less the other one has not.
        ((Geometric, &[1e-17]), (NegativeBinomial, &[1.0, LESS]), 7.695_084_235_029_89),
        ((Geometric, &[1e-16]), (NegativeBinomial, &[1.0, LESS]), 0.005_662_106_397_526_997),
        ((Geometric, &[1e-310]), (Geometric, &[0.5]), f64::INFINITY),
        ((Bernoulli, &[1e-12]), (Geometric, &[1.0 - 1e-12]), 2.456_888_370_774_51e-22),
    ];
    check(&cases, 1e-13);
}

#[test]
fn entropies_of_what_is_nearly_certain_keep_their_digits() {
    use Family::{Bernoulli, BernoulliLogits, Categorical, CategoricalLogits};
    let cases: [(Side, f64); 4] = [
        ((Categorical, &[1.0, 1e-20, 3e-25]), 4.705_342_584_033_199_5e-19),
        ((CategoricalLogits, &[0.0, -46.0, -52.5]), 4.957_860_354_481_246e-19),
        ((Bernoulli, &[1e-12]), 2.863_102_111_592_804_8e-11),
        ((BernoulliLogits, &[40.0]), 1.741_825_244_669_551_4e-16),
    ];
    for (p, want) in cases {
        let got = measure(Measure::Entropy, p, p).unwrap();
        assert!((got / want - 1.0).abs() <= 2e-15, "{p:?}: {got:e}, want {want:e}");
    }
}

/// Where the divergence and the entropy cancel, and where they do not.
#[test]
fn cross_entropies_keep_their_digits() {
    use Family::{Beta, Categorical, Dirichlet, Exponential, Gamma, Normal};
    let (p, q) = ([0.3, 1.5, 9.0], [4.0, 0.25, 2.0]);
    let (a, b) = ([7985.953067403752, 52759.704195138824], [6815.320886818333, 44220.503100960705]);
    let cases: [(Side, Side, f64); 9] = [
        ((Normal, &[0.5, 3e-121]), (Normal, &[0.25, 3.7]), 2.229_554_040_948_350_3),
        ((Normal, &[0.5, 7.1e-130]), (Normal, &[0.25, 5.3]), 2.587_757_849_312_766_6),
        ((Normal, &[0.5, 1.7e-101]), (Normal, &[0.25, 0.9]), 0.852_158_264_460_426_8),
        ((Normal, &[1.0, 0.01]), (Normal, &[1.0, 0.15]), -0.975_959_229_458_986_4),
        ((Exponential, &[50.0]), (Exponential, &[3.0]), -1.038_612_288_668_109_7),
        ((Gamma, &a), (Gamma, &b), -3.852_570_582_058_704),
        ((Beta, &[20.0, 30.0]), (Beta, &[11.0, 60.0]), 9.049_395_584_405_157),
        ((Dirichlet, &p), (Dirichlet, &q), 13.835_218_672_370_454),
        ((Categorical, &p), (Categorical, &q), 1.408_991_520_072_788),
    ];
    for (p, q, want) in cases {
        let got = measure(Measure::CrossEntropy, p, q).unwrap();
        assert!((got / want - 1.0).abs() <= 4e-15, "{p:?} {q:?}: {got:e}, want {want:e}");
    }
}

#[test]
fn a_cross_entropy_is_not_made_of_a_divergence_and_an_entropy_that_are_larger_by_far() {
    use Family::{Beta, Cauchy, Gamma, Kumaraswamy, Logistic, Moyal, StudentT, Weibull};
    let cases: [(Side, Side, f64); 5] = [
        ((Beta, &[1.5e-4, 1.25e-6]), (Moyal, &[-0.75, 13.0]), 3.988_192_522_536_358),
        ((Beta, &[6e-6, 0.125]), (Cauchy, &[0.25, 0.125]), 0.674_792_076_598_194_6),
        ((Gamma, &[1e-6, 0.25]), (Logistic, &[0.5, 0.25]), 0.867_568_193_463_955_7),
        ((Kumaraswamy, &[4.0, 2.5e-7]), (StudentT, &[0.25, 2e-4, 4.5]), 3.154_506_410_421_728_7),
        ((Weibull, &[0.5, 2e5]), (Cauchy, &[0.25, 4.0]), 2.534_922_842_466_589_7),
    ];
    for (p, q, want) in cases {
        let got = measure(Measure::CrossEntropy, p, q).unwrap();
        assert!((got / want - 1.0).abs() <= 1e-13, "{p:?} {q:?}: {got:e}, want {want:e}");
    }
}

#[test]
fn entropies_of_geometric_counts_and_against_them_have_a_closed_form() {
    use Family::{BernoulliLogits, Geometric, NegativeBinomial, Poisson};
    let cases: [(Measure, Side, Side, f64); 11] = [
        (Measure::Entropy, (Geometric, &[1e-8]), (Geometric, &[1.0]), 19.420_680_738_952_365),
        (Measure::Entropy, (Geometric, &[1e-12]), (Geometric, &[1.0]), 28.631_021_115_928_048),
        (Measure::Entropy, (Geometric, &[1e-15]), (Geometric, &[1.0]), 35.538_776_394_910_685),
        (Measure::Entropy, (Geometric, &[1e-300]), (Geometric, &[1.0]), 691.775_527_898_213_7),
        (Measure::Entropy, (Poisson, &[1e40]), (Geometric, &[1.0]), 47.470_640_393_085_59),
        (Measure::CrossEntropy, (Poisson, &[10.0]), (Geometric, &[1e-20]), 46.051_701_859_880_914),
        (Measure::CrossEntropy, (Poisson, &[1e300]), (Geometric, &[0.5]), 6.931_471_805_599_453e299),
        (
            Measure::CrossEntropy,
            (NegativeBinomial, &[2.5, 0.4]),
            (Geometric, &[1e-300]),
            690.775_527_898_213_7,
        ),
        (
            Measure::CrossEntropy,
            (BernoulliLogits, &[-30.0]),
            (Geometric, &[0.999]),
            0.001_000_500_334_229_937,
        ),
        // What is certain, by either.
        (Measure::CrossEntropy, (Geometric, &[1.0]), (Geometric, &[1.0]), 0.0),
        (Measure::CrossEntropy, (Geometric, &[0.5]), (Geometric, &[1.0]), f64::INFINITY),
    ];
    for (asked, p, q, want) in cases {
        let got = measure(asked, p, q).unwrap();
        let close = got == want || (got - want).abs() <= 1e-15 * want;
        assert!(close, "{asked:?} {p:?} {q:?}: {got:e}, want {want:e}");
    }
}

#[test]
fn counts_that_no_numbers_tell_apart_are_an_error_and_not_a_search_without_an_end() {
    use Family::{Binomial, Geometric, NegativeBinomial, Poisson};
    let cases: [(Measure, Side, Side); 4] = [
        (Measure::Kl, (Poisson, &[1e40]), (NegativeBinomial, &[2.5, 0.4])),
        (Measure::Kl, (Binomial, &[1e20, 1.0 - 1e-16]), (Poisson, &[1e20])),
        (Measure::Entropy, (NegativeBinomial, &[1e40, 0.5]), (Poisson, &[1.0])),
        (Measure::Kl, (Geometric, &[1e-310]), (Poisson, &[3.0])),
    ];
    for (asked, p, q) in cases {
        let got = measure(asked, p, q);
        assert!(matches!(got, Err(Error::Inexact { .. })), "{asked:?} {p:?} {q:?}: {got:?}");
    }
}

#[test]
fn a_coin_of_a_logit_and_other_counts_know_the_logarithms_of_its_probabilities() {
    use Family::{BernoulliLogits, Binomial, Geometric, Poisson};
    let cases: [(Side, Side, f64); 11] = [
        ((Binomial, &[1.0, 0.6]), (BernoulliLogits, &[-800.0]), 479.326_988_332_990_7),
        ((Poisson, &[0.0]), (BernoulliLogits, &[800.0]), 800.0),
        ((Binomial, &[3.0, 0.0]), (BernoulliLogits, &[f64::NEG_INFINITY]), 0.0),
        // e^-800 is more than nothing.
        ((BernoulliLogits, &[-800.0]), (Poisson, &[0.0]), f64::INFINITY),
        ((BernoulliLogits, &[-800.0]), (Geometric, &[1.0]), f64::INFINITY),
        ((BernoulliLogits, &[-800.0]), (Poisson, &[2.0]), 2.0),
        (
            (BernoulliLogits, &[26.77436706422924]),
            (Binomial, &[1.0, 0.999999995521]),
            4.458_861_246_745_552e-9,
        ),
        // Of rare events the second digits of the logistic function are in the divergence.
        ((BernoulliLogits, &[-27.0]), (Poisson, &[1.8795288165390833e-12]), 1.766_314_286_098_19e-24),
        ((BernoulliLogits, &[-27.0]), (Geometric, &[1.0 - 1.88e-12]), 7.271_456_366_544_1e-20),
        ((BernoulliLogits, &[-27.0]), (Binomial, &[3.0, 6.3e-13]), 2.906_051_341_520_411e-17),
        ((BernoulliLogits, &[5.0]), (Binomial, &[0.0, 0.5]), f64::INFINITY),
    ];
    check(&cases, 1e-13);
}

#[test]
fn an_outcome_that_is_nearly_certain_has_an_entropy() {
    let logits: Side = (Family::CategoricalLogits, &[0.0, -40.0, -70.0]);
    let got = measure(Measure::Entropy, logits, logits).unwrap();
    assert!((got / 1.741_825_244_669_833_7e-16 - 1.0).abs() < 1e-14, "{got:e}");
}

#[test]
fn logits_keep_their_digits_whatever_they_have_in_common_and_however_deep_some_are() {
    use Family::{BernoulliLogits, Categorical, CategoricalLogits};
    // Masks that are numbers, the largest negative f32 among them, are masks.
    for mask in [-3.4028234663852886e38, -1e9, -1e5, f64::NEG_INFINITY] {
        let masked: Side = (CategoricalLogits, &[0.0, 1.0, mask]);
        check(&[(masked, (CategoricalLogits, &[0.3, 0.5, 0.2]), 0.411_416_236_230_241_14)], 1e-14);
        check(&[(masked, (Categorical, &[0.3, 0.5, 0.2]), 0.248_326_240_999_567_26)], 1e-14);
    }
    check(
        &[
            ((CategoricalLogits, &[1e16, -1e16]), (CategoricalLogits, &[0.0, 0.5]), 0.974_076_984_180_106_7),
            (
                (CategoricalLogits, &[1e300, 1e300]),
                (CategoricalLogits, &[0.0, 0.5]),
                0.030_929_803_620_161_37,
            ),
            (
                (CategoricalLogits, &[1e6, 1e6 + 0.5, 1e6 + 1.0]),
                (CategoricalLogits, &[0.0, 0.5, 1.2]),
                0.004_986_552_148_612_175_5,
            ),
            ((CategoricalLogits, &[1e308, -1e308]), (CategoricalLogits, &[-1e308, 1e308]), f64::INFINITY),
            ((BernoulliLogits, &[-1e6]), (BernoulliLogits, &[-2.0]), 0.126_928_011_042_972_5),
            ((BernoulliLogits, &[-1e20]), (BernoulliLogits, &[-2.0]), 0.126_928_011_042_972_5),
        ],
        1e-14,
    );
}

#[test]
fn nearly_uniform_continuous_bernoullis_keep_their_digits_against_others() {
    use Family::ContinuousBernoulli;
    for (p, q, want) in [
        (0.24066732085536569, 0.5000022893451788, 0.053_257_157_735_582_17),
        (0.8423, 0.500002296, 0.109_321_012_399_591_4),
        (0.500002, 0.8423, 0.114_341_376_835_967_29),
        (0.50000001, 0.9, 0.193_634_237_511_000_06),
        (0.501, 0.8, 0.078_369_416_184_782_22),
    ] {
        check(&[((ContinuousBernoulli, &[p]), (ContinuousBernoulli, &[q]), want)], 1e-14);
    }
}

#[test]
fn gradients_keep_their_digits_where_values_cancel() {
    let grad = |family, p: &[f64], q: &[f64]| {
        let (mut by_p, mut by_q) = (Array2::<f64>::zeros((1, p.len())), Array2::<f64>::zeros((1, q.len())));
        let (mut p_out, mut q_out) = (ViewMut::from(by_p.view_mut()), ViewMut::from(by_q.view_mut()));
        let (p, q) = (View::from(p), View::from(q));
        let options = Options::default();
        family::kl_grad(family, p, family, q, &options, None, None, Some(&mut p_out), Some(&mut q_out))
            .unwrap();
        (by_p, by_q)
    };
    let near = |got: f64, want: f64| assert!((got / want - 1.0).abs() < 1e-12, "{got:e}, want {want:e}");
    near(grad(Family::BernoulliLogits, &[356.0], &[-162.0]).0[[0, 0]], 1.274_953_079_262_024_2e-152);
    let (_, by_q) = grad(Family::Beta, &[420.0, 1.9], &[420.0000001, 1.9000000001]);
    near(by_q[[0, 0]], 8.374_932_200_039_121e-13);
    near(by_q[[0, 1]], -1.687_442_586_012_546e-10);
}

#[test]
fn the_difference_of_large_logarithms_of_variances_is_exact() {
    // Two in a vector of its own each, and one beyond what vectors take.
    let (mu, logvar) = (array![[0.0], [0.0]], array![[528.4], [79.38]]);
    let (prior_mu, prior_logvar) = (array![[0.0], [0.0]], array![[-2.1e-10], [-577.01]]);
    let prior = Prior { mu: Some(View::from(&prior_mu)), logvar: Some(View::from(&prior_logvar)) };
    let (mut out, mut by) = ([0.0; 2], Array2::<f64>::zeros((2, 1)));
    let mut view = ViewMut::from(by.view_mut());
    let grads = Grads { logvar: Some(&mut view), ..Grads::default() };
    let (mu, logvar) = (View::from(&mu), View::from(&logvar));
    vae::grad_into(mu, logvar, prior, &Options::default(), None, Some(&mut out), grads).unwrap();
    for (i, want) in [1.514_168_622_052_906_6e229, 5.828_072_971_668_206e284].into_iter().enumerate() {
        for got in [out[i], by[[i, 0]]] {
            assert!((got / want - 1.0).abs() < 4e-15, "{got:e}, want {want:e}");
        }
    }
}

#[test]
fn a_variance_beyond_every_number_is_infinitely_far_from_one_that_is_none_of_them() {
    for logvar in [1e4, 1e16, 1e19, 1e308] {
        for prior in [-3.0, 0.0, 3.0, 2688.0] {
            let (mu, logvar, log) = (array![[-1.75]], array![[logvar]], array![[prior]]);
            let prior = Prior { mu: None, logvar: Some(View::from(&log)) };
            let kl = vae::rows(View::from(&mu), View::from(&logvar), prior, &Options::default()).unwrap();
            assert_eq!(kl, [f64::INFINITY], "{logvar} {log}");
        }
    }
}

#[test]
fn matrices_without_rows_need_not_point_anywhere() {
    use Family::{Categorical, Dirichlet, Gamma, MvNormalDiag, Normal, StudentT, Uniform};
    for (family, cols) in [
        (Normal, 2),
        (Gamma, 2),
        (Uniform, 2),
        (StudentT, 3),
        (Categorical, 4),
        (Dirichlet, 4),
        (MvNormalDiag, 4),
    ] {
        for col_stride in [1, -1, isize::MAX / 64] {
            // SAFETY: of no rows no element is read.
            let none = unsafe {
                View::from_raw(
                    std::ptr::null(),
                    Shape { rows: 0, cols },
                    isize::MIN / 64,
                    col_stride,
                    Dtype::F64,
                )
            };
            for measure in [Measure::Kl, Measure::Entropy, Measure::Jeffreys] {
                let rows = family::kl(family, none, family, none, &Options::from(measure)).unwrap();
                assert!(rows.is_empty(), "{family:?}");
            }
        }
    }
}

#[test]
fn what_is_beyond_every_number_is_infinite_or_said_to_be_no_answer() {
    use Family::{Chi, Gumbel, InverseGamma, Laplace, Moyal, Weibull};
    for (family, p, q) in [
        (Laplace, [0.1, 3.8e211], [2.4e-268, 2.2e-308]),
        (Gumbel, [-1e-15, 1.7e308], [8026.2, 0.5]),
        (Moyal, [1e48, 6.2e194], [7.7e206, 1.4e-179]),
        (Weibull, [3e-92, 0.4], [5.6e-213, 1.7e308]),
    ] {
        assert_eq!(measure(Measure::Kl, (family, &p), (family, &q)), Ok(f64::INFINITY), "{family:?}");
    }
    let lost: [(Measure, Side, Side); 2] = [
        (Measure::Kl, (Chi, &[61.5]), (Chi, &[5e-324])),
        (Measure::Entropy, (InverseGamma, &[5e-324, 0.1]), (InverseGamma, &[1.0, 1.0])),
    ];
    for (asked, p, q) in lost {
        assert!(matches!(measure(asked, p, q), Err(Error::Inexact { row: 0, .. })), "{p:?} {q:?}");
    }
}

#[test]
fn families_that_are_beta_distributions_keep_their_digits_near_each_other() {
    use Family::{Beta, ContinuousBernoulli, Kumaraswamy, Uniform};
    let uniform: [Side; 3] = [(Uniform, &[0.0, 1.0]), (Beta, &[1.0, 1.0]), (ContinuousBernoulli, &[0.5])];
    for near in [(Beta, &[1.001, 1.0][..]), (Kumaraswamy, &[1.001, 1.0])] {
        for uniform in uniform {
            check(
                &[(near, uniform, 4.993_340_825_340_559e-7), (uniform, near, 4.996_669_164_667_232e-7)],
                1e-13,
            );
        }
    }
}
