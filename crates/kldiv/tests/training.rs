//! The reference tables of what models are trained with, through the core's public functions: logits, KLDivLoss, VAE.

mod common;

use common::layout::{LAYOUTS, Layouts, exactly, matrix};
use common::{Expected, K, Precision, Tally, Wide, number, numbers, precision, table, units};
use kldiv::family::vae::{self, Grads, Prior};
use kldiv::{Element, Measure, Options, Reduction, View, ViewMut, logits, loss};
use ndarray::Array2;
use serde_json::Value;

/// A number that a tolerance is built from.
fn mag(x: &Value) -> Option<Wide> {
    match Expected::of(x)? {
        Expected::Finite(mag) => Some(mag),
        Expected::Infinite(_) => None,
    }
}

fn rows_of<T: Element>(case: &Value, name: &str) -> Vec<Vec<T>> {
    let cols = case["cols"].as_u64().unwrap() as usize;
    let all: Vec<T> = exactly(&numbers(&case[name])).unwrap();
    all.chunks(cols).map(<[T]>::to_vec).collect()
}

#[test]
fn logits_json() {
    let mut tally = Tally::default();
    for case in table("logits") {
        let precision = precision(&case);
        match case["dtype"].as_str().unwrap() {
            "f64" => logits_case::<f64>(&mut tally, &case, precision),
            _ => logits_case::<f32>(&mut tally, &case, precision),
        }
    }
    tally.done("logits");
}

fn logits_case<T: Element>(tally: &mut Tally, case: &Value, precision: Precision) {
    let (a, b) = (matrix(&rows_of::<T>(case, "a")), matrix(&rows_of::<T>(case, "b")));
    let (rows, cols) = a.dim();
    let (a, b) = (Layouts::new(a), Layouts::new(b));
    for (field, measure) in [("kl", Measure::Kl), ("kl_reverse", Measure::Reverse)] {
        let mut options = Options::from(measure);
        options.temperature = number(&case["T"]);
        let plain = logits::rows(a.view(0), b.view(0), &options).unwrap();
        for i in 0..rows {
            let Some(expected) = Expected::of(&case["expect"][field][i]) else { continue };
            let off = units(plain[i], expected, mag(&case["mag"][field][i]), cols, precision);
            let name = format!("{field} {}", case["dtype"]);
            tally.count(&name, off, K, || {
                format!("{} row {i}: {:e}, want {}", case["name"], plain[i], case["expect"][field][i])
            });
        }
        for layout in 1..LAYOUTS.len() {
            let got = logits::rows(a.view(layout), b.view((layout + 1) % LAYOUTS.len()), &options).unwrap();
            let same = got.iter().zip(&plain).all(|(x, y)| x.to_bits() == y.to_bits());
            tally.require(same, || format!("{} {field} {}", case["name"], LAYOUTS[layout]));
        }
        // The other way round it is the other measure's gradient.
        let mut grads = [
            Array2::from_elem((rows, cols), T::from_f64(f64::NAN)),
            Array2::from_elem((rows, cols), T::from_f64(f64::NAN)),
        ];
        let [of_a, of_b] = &mut grads;
        let mut out = vec![f64::NAN; rows];
        let (va, vb) = if measure == Measure::Kl { (a.view(0), b.view(0)) } else { (b.view(2), a.view(4)) };
        let (ga, gb) = (&mut ViewMut::from(of_a.view_mut()), &mut ViewMut::from(of_b.view_mut()));
        logits::grad_into(va, vb, &options, None, Some(&mut out), Some(ga), Some(gb)).unwrap();
        if measure == Measure::Kl {
            let same = out.iter().zip(&plain).all(|(x, y)| x.to_bits() == y.to_bits());
            tally.require(same, || format!("{} {field} beside its gradient", case["name"]));
        } else {
            grads.reverse();
        }
        for (name, grad) in [("grad_a", &grads[0]), ("grad_b", &grads[1])] {
            for (i, x) in grad.iter().enumerate() {
                let Some(expected) = Expected::of(&case["expect"][name][i]) else { continue };
                let mag = mag(&case["mag"][name][i / cols]);
                let off = units(x.to_f64(), expected, mag, cols, precision);
                tally.count(&format!("{name} {}", case["dtype"]), off, K, || {
                    format!("{} {i}: {:e}, want {}", case["name"], x.to_f64(), case["expect"][name][i])
                });
            }
        }
    }
}

#[test]
fn kldivloss_json() {
    let mut tally = Tally::default();
    for case in table("kldivloss") {
        let precision = precision(&case);
        match case["dtype"].as_str().unwrap() {
            "f64" => loss_case::<f64>(&mut tally, &case, precision),
            _ => loss_case::<f32>(&mut tally, &case, precision),
        }
    }
    tally.done("kldivloss");
}

fn loss_case<T: Element>(tally: &mut Tally, case: &Value, precision: Precision) {
    let (input, target) = (matrix(&rows_of::<T>(case, "input")), matrix(&rows_of::<T>(case, "target")));
    let (rows, cols) = input.dim();
    let log_target = case["log_target"].as_bool().unwrap();
    let (input, target) = (Layouts::new(input), Layouts::new(target));
    let dtype = case["dtype"].as_str().unwrap();
    let mut options = Options::default();
    options.log_target = log_target;
    for (name, reduction) in
        [("sum", Reduction::Sum), ("mean", Reduction::Mean), ("batchmean", Reduction::BatchMean)]
    {
        options.reduction = reduction;
        let plain = loss::loss(input.view(0), target.view(0), &options).unwrap();
        let Some(expected) = Expected::of(&case["expect"][name]) else { continue };
        let off = units(plain, expected, mag(&case["mag"][name]), rows * cols, precision);
        tally.count(&format!("{name} {dtype}"), off, K, || {
            format!("{}: {plain:e}, want {}", case["name"], case["expect"][name])
        });
        for layout in 1..LAYOUTS.len() {
            let views = (input.view(layout), target.view((layout + 1) % LAYOUTS.len()));
            let got = loss::loss(views.0, views.1, &options).unwrap();
            tally.require(got.to_bits() == plain.to_bits(), || {
                format!("{} {name} {}", case["name"], LAYOUTS[layout])
            });
        }
    }
    // What testdata/README.md says of single elements: the size of what is subtracted.
    let of = |x: &Layouts<T>, i: usize| x.element(i).to_f64();
    let size = |i: usize, more: f64| {
        let (t, x) = (of(&target, i), of(&input, i));
        let size = if log_target {
            t.exp() * ((t - x).abs() + more)
        } else if more > 0.0 {
            t.ln().abs() + x.abs() + more
        } else {
            t * (t.ln().abs() + x.abs())
        };
        Some(size).filter(|size| size.is_finite()).map(Wide::from)
    };
    for layout in 0..LAYOUTS.len() {
        let fresh = || Array2::from_elem((rows, cols), T::from_f64(f64::NAN));
        let (input, target) = (input.view(layout), target.view((layout + 1) % LAYOUTS.len()));
        let mut none = fresh();
        loss::pointwise_into(input, target, &options, &mut ViewMut::from(none.view_mut())).unwrap();
        let (mut by_input, mut by_target) = (fresh(), fresh());
        let grads = (&mut ViewMut::from(by_input.view_mut()), &mut ViewMut::from(by_target.view_mut()));
        loss::grad_into(input, target, &options, None, Some(grads.0), Some(grads.1)).unwrap();
        for (name, got) in [("none", &none), ("grad_input", &by_input), ("grad_target", &by_target)] {
            for (i, x) in got.iter().enumerate() {
                let Some(expected) = Expected::of(&case["expect"][name][i]) else { continue };
                let mag = match (name, expected) {
                    ("none", _) => size(i, 0.0),
                    ("grad_input", Expected::Finite(expected)) => Some(expected.abs()),
                    _ => size(i, 1.0).map(|size| size * Wide::from(1.0 / rows as f64)),
                };
                let off = units(x.to_f64(), expected, mag.or(Some(Wide::ZERO)), 1, precision);
                tally.count(&format!("{name} {dtype}"), off, K, || {
                    format!("{} {i}: {:e}, want {}", case["name"], x.to_f64(), case["expect"][name][i])
                });
            }
        }
    }
}

#[test]
fn vae_json() {
    let mut tally = Tally::default();
    for case in table("vae") {
        let dims = case["dims"].as_u64().unwrap() as usize;
        let layouts = |name: &str| {
            let rows = case.get(name)?.as_array().unwrap();
            Some(Layouts::new(matrix(&rows.iter().map(numbers).collect::<Vec<_>>())))
        };
        let (mu_of, logvar_of) = (layouts("mu").unwrap(), layouts("logvar").unwrap());
        let (prior_mu, prior_logvar) = (layouts("prior_mu"), layouts("prior_logvar"));
        let rows = mu_of.view(0).rows();
        // The tables' relative tolerances, as units of f64's roundoff.
        let near = prior_mu.is_some() && case["name"].as_str().unwrap().contains("near");
        let most = if near { 1e-12 } else { 4e-15 } / common::F64.unit;
        let mut check = |name: &str, expect: &Value, got: &[f64]| {
            for (i, x) in got.iter().enumerate() {
                let expect = if expect[0].is_array() { &expect[i / dims][i % dims] } else { &expect[i] };
                let expected = Expected::of(expect).unwrap();
                let mag = match expected {
                    Expected::Finite(expected) => Some(expected.abs()),
                    Expected::Infinite(_) => None,
                };
                tally.count(name, units(*x, expected, mag, dims, common::F64), most, || {
                    format!("{} {i}: {x:e}, want {expect}", case["name"])
                });
            }
        };
        for layout in 0..LAYOUTS.len() {
            let other = (layout + 1) % LAYOUTS.len();
            let prior = Prior {
                mu: prior_mu.as_ref().map(|prior| prior.view(other)),
                logvar: prior_logvar.as_ref().map(|prior| prior.view(layout)),
            };
            let (mu, logvar) = (mu_of.view(layout), logvar_of.view(other));
            let options = Options::default();
            check("kl_rows", &case["expect"]["kl_rows"], &vae::rows(mu, logvar, prior, &options).unwrap());
            // A row of one element is its element.
            let elements: Vec<f64> = (0..rows * dims)
                .map(|j| {
                    let of = |x: &Layouts<f64>| Array2::from_elem((1, 1), x.element(j));
                    let (m, l) = (prior_mu.as_ref().map(of), prior_logvar.as_ref().map(of));
                    let prior = Prior { mu: m.as_ref().map(View::from), logvar: l.as_ref().map(View::from) };
                    vae::rows(&of(&mu_of), &of(&logvar_of), prior, &options).unwrap()[0]
                })
                .collect();
            check("kl_elements", &case["expect"]["kl_elements"], &elements);
            let mut grads = [(); 4].map(|()| Array2::from_elem((rows, dims), f64::NAN));
            let [of_mu, of_logvar, of_m, of_l] = &mut grads;
            let mut views = [of_mu, of_logvar, of_m, of_l].map(|grad| ViewMut::from(grad.view_mut()));
            let [g0, g1, g2, g3] = &mut views;
            let wanted = Grads { mu: Some(g0), logvar: Some(g1), prior_mu: Some(g2), prior_logvar: Some(g3) };
            let mut out = vec![f64::NAN; rows];
            vae::grad_into(mu, logvar, prior, &options, None, Some(&mut out), wanted).unwrap();
            check("kl_rows", &case["expect"]["kl_rows"], &out);
            for (name, grad) in ["mu", "logvar", "prior_mu", "prior_logvar"].iter().zip(&grads) {
                if let Some(expect) = case["expect"]["grad_sum"].get(*name) {
                    check(&format!("grad {name}"), expect, grad.as_slice().unwrap());
                }
            }
        }
    }
    tally.done("vae");
}
