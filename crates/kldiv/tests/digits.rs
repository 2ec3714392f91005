//! Inputs whose digits are easily lost, by name, against values that Arb gave to 20 digits.

use kldiv::family::vae::{self, Prior};
use kldiv::{Measure, Normalization, Options, ViewMut, batch, loss, pairwise, relatives};
use ndarray::{Array2, array};

const U: f64 = f64::EPSILON / 2.0;
/// FORMAT.md's K.
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
