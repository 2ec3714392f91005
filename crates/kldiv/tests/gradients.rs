//! Gradients against differences of values, in every type and layout.

mod common;

use common::SplitMix;
use common::layout::{LAYOUTS, Layouts};
use common::softmax::Softmaxes;
use half::{bf16, f16};
use kldiv::family::vae::{self, Grads, Prior};
use kldiv::{Element, Measure, Options, Reduction, TopK, View, ViewMut, logits, loss};
use ndarray::{Array2, s};

const ROWS: usize = 4;
const COLS: usize = 19;
const MASK: [u8; ROWS] = [1, 1, 0, 1];
const WEIGHTS: [f64; ROWS] = [0.5, 2.0, 3.0, 1.25];
const UPSTREAM: [f64; ROWS] = [1.5, -0.75, 4.0, 0.0];

const MEASURES: [Measure; 4] =
    [Measure::Kl, Measure::Reverse, Measure::JENSEN_SHANNON, Measure::JensenShannon { weight: 0.1 }];

/// A mixture that is one of its sides.
const ONE_SIDED: [Measure; 2] =
    [Measure::JensenShannon { weight: 0.0 }, Measure::JensenShannon { weight: 1.0 }];

/// Numbers from low to high, as the type has them.
fn random<T: Element>(cols: usize, low: f64, high: f64, seed: u64) -> Array2<T> {
    let mut random = SplitMix(seed);
    Array2::from_shape_fn((ROWS, cols), |_| T::from_f64(low + (high - low) * random.unit()))
}

fn wide<T: Element>(x: &Array2<T>) -> Array2<f64> {
    x.map(|x| x.to_f64())
}

/// What is written to a view with gaps, backwards; nothing may be written between.
fn written<T: Element>(cols: usize, write: impl for<'g, 'a> FnOnce(&'g mut ViewMut<'a>)) -> Array2<f64> {
    let filler = T::from_f64(-77.0);
    let mut memory = Array2::from_elem((2 * ROWS, 3 * cols), filler);
    write(&mut ViewMut::from(memory.slice_mut(s![..;-2, ..;3])));
    let made = wide(&memory.slice(s![..;-2, ..;3]).to_owned());
    memory.slice_mut(s![..;-2, ..;3]).fill(filler);
    assert!(memory.iter().all(|x| x.to_f64() == -77.0), "something was written between");
    made
}

/// The derivative of `f` with respect to each element of `at`, from five values.
fn differences(at: &Array2<f64>, step: f64, f: impl Fn(&Array2<f64>) -> f64) -> Array2<f64> {
    let mut slopes = Array2::zeros(at.dim());
    for (place, slope) in slopes.indexed_iter_mut() {
        let value = |steps: f64| {
            let mut at = at.clone();
            at[place] += steps * step;
            f(&at)
        };
        *slope = (8.0 * (value(1.0) - value(-1.0)) - (value(2.0) - value(-2.0))) / (12.0 * step);
    }
    slopes
}

fn close(what: &str, got: &Array2<f64>, want: &Array2<f64>, off: f64) {
    for ((place, got), want) in got.indexed_iter().zip(want) {
        assert!(
            (got - want).abs() <= off * (1.0 + want.abs()),
            "{what} at {place:?}: {got:e}, want {want:e}"
        );
    }
}

/// The roundoff of a type, and the least that it tells from 0.
fn roundoff<T: Element>() -> (f64, f64) {
    match T::DTYPE.name() {
        "f64" => (2f64.powi(-53), 5e-324),
        "f32" => (2f64.powi(-24), 1.5e-45),
        "f16" => (2f64.powi(-11), 2f64.powi(-24)),
        "bf16" => (2f64.powi(-8), 1e-40),
        other => panic!("{other}"),
    }
}

/// Whether gradients in a type are those in f64, rounded: of numbers of the type, with f32 arithmetic if it is no f64.
fn rounded<T: Element>(
    what: &str,
    got: &Array2<f64>,
    want: &Array2<f64>,
    size: impl Fn((usize, usize)) -> f64,
) {
    let (unit, tiny) = roundoff::<T>();
    let within = if unit < 1e-15 { 16.0 * 2f64.powi(-53) } else { 16.0 * 2f64.powi(-24) };
    for ((place, got), want) in got.indexed_iter().zip(want) {
        let most = 1.01 * unit * want.abs() + within * size(place) + 2.0 * tiny;
        let same = got == want || (got - want).abs() <= most;
        assert!(same, "{} {what} at {place:?}: {got:e}, want {want:e} within {most:e}", T::DTYPE.name());
    }
}

/// Options of a call with a mask and weights, or without.
fn options(masked: bool) -> Options<'static> {
    let mut options = Options::default();
    if masked {
        (options.mask, options.weights) = (Some(&MASK[..]), Some(&WEIGHTS[..]));
    }
    options
}

fn loss_gradients<T: Element>(
    input: View,
    target: View,
    options: &Options,
    upstream: Option<View>,
) -> [Array2<f64>; 2] {
    let mut of_target = None;
    let of_input = written::<T>(COLS, |grad_input| {
        of_target = Some(written::<T>(COLS, |grad_target| {
            loss::grad_into(input, target, options, upstream, Some(grad_input), Some(grad_target)).unwrap();
        }));
    });
    let alone = written::<T>(COLS, |grad| {
        loss::grad_into(input, target, options, upstream, None, Some(grad)).unwrap()
    });
    let of_target = of_target.unwrap();
    assert_eq!(alone, of_target, "one gradient alone is another");
    [of_input, of_target]
}

#[test]
fn gradients_of_the_loss_are_its_slopes_in_every_type() {
    fn check<T: Element>() {
        let full = random::<T>(COLS, -2.0, 2.0, 3);
        let one = Array2::from_elem((1, 1), T::from_f64(-1.5));
        for log_target in [false, true] {
            let input = random::<T>(COLS, -6.0, -0.1, 1);
            let target =
                if log_target { random::<T>(COLS, -6.0, -0.1, 2) } else { random::<T>(COLS, 0.1, 1.0, 2) };
            let (wi, wt) = (wide(&input), wide(&target));
            let layouts = (Layouts::new(input), Layouts::new(target));
            for reduction in [Reduction::Sum, Reduction::Mean, Reduction::BatchMean] {
                for masked in [false, true] {
                    for (base, upstreams) in [(None, 0..3), (Some(2.0), 0..3)] {
                        for upstream in upstreams {
                            let mut options = options(masked);
                            (options.log_target, options.reduction, options.base) =
                                (log_target, reduction, base);
                            let what = format!(
                                "{reduction:?} log_target {log_target} masked {masked} {base:?} upstream {upstream}"
                            );
                            let (wide_one, wide_full) = (wide(&one), wide(&full));
                            let (given, wide_given) = match upstream {
                                0 => (None, None),
                                1 => (Some(View::from(&one)), Some(View::from(&wide_one))),
                                _ => (Some(View::from(&full)), Some(View::from(&wide_full))),
                            };
                            let value = |x: &Array2<f64>, t: &Array2<f64>| match upstream {
                                0 => loss::loss(x, t, &options).unwrap(),
                                1 => -1.5 * loss::loss(x, t, &options).unwrap(),
                                _ => {
                                    let mut each = Array2::<f64>::zeros((ROWS, COLS));
                                    let mut out = ViewMut::from(each.view_mut());
                                    loss::pointwise_into(x.into(), t.into(), &options, &mut out).unwrap();
                                    (each * &wide_full).sum()
                                }
                            };
                            let exact =
                                loss_gradients::<f64>((&wi).into(), (&wt).into(), &options, wide_given);
                            let slopes = [
                                differences(&wi, 2f64.powi(-7), |x| value(x, &wt)),
                                differences(&wt, 2f64.powi(-10), |t| value(&wi, t)),
                            ];
                            for i in 0..2 {
                                close(&what, &exact[i], &slopes[i], 1e-8);
                            }
                            for layout in 0..LAYOUTS.len() {
                                let views =
                                    (layouts.0.view(layout), layouts.1.view((layout + 2) % LAYOUTS.len()));
                                let got = loss_gradients::<T>(views.0, views.1, &options, given);
                                let by = |(i, j): (usize, usize)| {
                                    let by = match upstream {
                                        0 => 1.0,
                                        1 => 1.5,
                                        _ => wide_full[(i, j)].abs(),
                                    };
                                    by * WEIGHTS[i].max(1.0) / if base.is_some() { 2f64.ln() } else { 1.0 }
                                };
                                rounded::<T>(&what, &got[0], &exact[0], |at| exact[0][at].abs());
                                rounded::<T>(&what, &got[1], &exact[1], |at| {
                                    by(at)
                                        * (wi[at].abs()
                                            + if log_target { wt[at].abs() } else { wt[at].ln().abs() }
                                            + 1.0)
                                });
                            }
                        }
                    }
                }
            }
        }
    }
    check::<f64>();
    check::<f32>();
    check::<f16>();
    check::<bf16>();
}

#[test]
fn masks_beside_upstreams_leave_nothing_of_infinite_slopes() {
    let input = Array2::from_elem((ROWS, COLS), f64::NEG_INFINITY);
    let target = Array2::from_elem((ROWS, COLS), 0.25);
    for weights in [[0.0; ROWS], [0.0, 1.0, 0.0, 0.0]] {
        for reduction in [Reduction::Sum, Reduction::Mean, Reduction::BatchMean] {
            for log_target in [false, true] {
                let mut options = Options::default();
                (options.weights, options.reduction, options.log_target) =
                    (Some(&weights[..]), reduction, log_target);
                let what = format!("{weights:?} {reduction:?} log_target {log_target}");
                let value = loss::loss(&input, &target, &options);
                let want = if weights[1] > 0.0 { f64::INFINITY } else { 0.0 };
                assert_eq!(value, Ok(want), "{what}");
                let mut each = Array2::from_elem((ROWS, COLS), f64::NAN);
                let mut out = ViewMut::from(each.view_mut());
                let made = loss::pointwise_into((&input).into(), (&target).into(), &options, &mut out);
                assert_eq!(made, Ok(()), "{what}, pointwise");
                let mut grads = [each.clone(), each.clone()];
                let [x, t] = &mut grads;
                let (x, t) = (&mut ViewMut::from(x.view_mut()), &mut ViewMut::from(t.view_mut()));
                let made =
                    loss::grad_into((&input).into(), (&target).into(), &options, None, Some(x), Some(t));
                assert_eq!(made, Ok(()), "{what}, gradients");
                for i in 0..ROWS {
                    let nothing = |x: &Array2<f64>| x.row(i).iter().all(|x| *x == 0.0);
                    if weights[i] == 0.0 {
                        assert!(
                            nothing(&each) && nothing(&grads[0]) && nothing(&grads[1]),
                            "{what}, row {i}"
                        );
                    }
                }
            }
        }
    }
}

fn logits_gradients<T: Element>(
    a: View,
    b: View,
    options: &Options,
    upstream: Option<&[f64]>,
) -> (Vec<f64>, [Array2<f64>; 2]) {
    let (mut of_b, mut out) = (None, vec![f64::NAN; ROWS]);
    let of_a = written::<T>(a.cols(), |grad_a| {
        of_b = Some(written::<T>(a.cols(), |grad_b| {
            logits::grad_into(a, b, options, upstream, Some(&mut out), Some(grad_a), Some(grad_b)).unwrap();
        }));
    });
    let of_b = of_b.unwrap();
    let alone = written::<T>(a.cols(), |grad| {
        logits::grad_into(a, b, options, upstream, None, None, Some(grad)).unwrap();
    });
    assert_eq!(alone, of_b, "one gradient alone is another");
    (out, [of_a, of_b])
}

/// The scale of a row's rounding: the tables' mags are at least these.
fn size_of_row(
    a: &Array2<f64>,
    b: &Array2<f64>,
    i: usize,
    temperature: f64,
    grads: &[Array2<f64>; 2],
) -> f64 {
    let (a, b) = (a.row(i).to_vec(), b.row(i).to_vec());
    let softmaxes = Softmaxes::of(&a, &b, temperature);
    let mag = softmaxes.mag().to_f64();
    let spread = softmaxes.outcomes.iter().filter(|x| !x.p.is_zero() || !x.q.is_zero());
    let deepest = spread.map(|x| x.p.max(x.q).to_f64()).map(|p| p * (1.0 - p.ln())).fold(0.0, f64::max);
    let most = grads.iter().map(|grad| grad.row(i).iter().fold(0.0, |most: f64, x| most.max(x.abs())));
    3.0 * WEIGHTS[i].max(1.0) * 4.0 * (deepest.min(mag + deepest) * (1.0 + mag) / temperature)
        + most.fold(0.0, f64::max)
}

#[test]
fn gradients_of_softmax_divergences_are_their_slopes_in_every_type() {
    softmax_gradients::<f64>(&MEASURES);
    softmax_gradients::<f32>(&MEASURES);
    softmax_gradients::<f16>(&MEASURES);
    softmax_gradients::<bf16>(&MEASURES);
}

#[test]
fn a_mixture_of_one_side_has_gradients_of_nothing() {
    softmax_gradients::<f64>(&ONE_SIDED);
    softmax_gradients::<f32>(&ONE_SIDED);
}

fn softmax_gradients<T: Element>(measures: &[Measure]) {
    {
        // The second and the third are near each other and far apart.
        for (cols, spread, seed) in
            [(COLS, 3.0, 1), (1, 3.0, 5), (COLS, 0.1, 2), (COLS, 12.0, 3), (70, 3.0, 4)]
        {
            let (a, b) =
                (random::<T>(cols, -spread, spread, seed), random::<T>(cols, -spread, spread, seed + 9));
            let (wa, wb) = (wide(&a), wide(&b));
            let layouts = (Layouts::new(a), Layouts::new(b));
            for &measure in measures {
                for temperature in [0.5, 1.0, 3.0] {
                    for masked in [false, true] {
                        for upstream in [None, Some(&UPSTREAM[..])] {
                            let mut options = options(masked);
                            (options.measure, options.temperature) = (measure, temperature);
                            if masked {
                                options.base = Some(2.0);
                            }
                            let what = format!(
                                "{measure:?} T {temperature} masked {masked} upstream {upstream:?} spread {spread} {cols} classes"
                            );
                            let value = |a: &Array2<f64>, b: &Array2<f64>| -> f64 {
                                let rows = logits::rows(a, b, &options).unwrap();
                                rows.iter()
                                    .enumerate()
                                    .map(|(i, x)| x * upstream.map_or(1.0, |upstream| upstream[i]))
                                    .sum()
                            };
                            let (out, exact) =
                                logits_gradients::<f64>((&wa).into(), (&wb).into(), &options, upstream);
                            assert_eq!(out, logits::rows(&wa, &wb, &options).unwrap(), "{what}");
                            if T::DTYPE.name() == "f64" && cols < 50 {
                                let step = 2f64.powi(-8) * temperature;
                                close(&what, &exact[0], &differences(&wa, step, |a| value(a, &wb)), 1e-8);
                                close(&what, &exact[1], &differences(&wb, step, |b| value(&wa, b)), 1e-8);
                            }
                            let sizes: Vec<f64> =
                                (0..ROWS).map(|i| size_of_row(&wa, &wb, i, temperature, &exact)).collect();
                            for layout in 0..LAYOUTS.len() {
                                let views =
                                    (layouts.0.view(layout), layouts.1.view((layout + 2) % LAYOUTS.len()));
                                let (_, got) = logits_gradients::<T>(views.0, views.1, &options, upstream);
                                for (got, want) in got.iter().zip(&exact) {
                                    rounded::<T>(&what, got, want, |(i, _)| sizes[i]);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn gradients_of_equal_rows_are_nothing_and_of_near_rows_keep_their_digits() {
    let mut random = SplitMix(11);
    for n in [2, 65, 5_000, 70_000] {
        for offset in [0.0, 1e6] {
            let a = Array2::from_shape_fn((1, n), |_| offset + random.below(64) as f64 / 8.0);
            let b = a.map(|x| x + 2f64.powi(-30) * f64::from(u8::from(x.rem_euclid(1.0) < 0.5)));
            for measure in [Measure::Kl, Measure::JENSEN_SHANNON] {
                let options = Options::from(measure);
                let mut grads = [Array2::<f64>::zeros((1, n)), Array2::zeros((1, n))];
                let mut run = |b: &Array2<f64>| {
                    let [x, y] = &mut grads;
                    let (x, y) = (&mut ViewMut::from(x.view_mut()), &mut ViewMut::from(y.view_mut()));
                    logits::grad_into((&a).into(), b.into(), &options, None, None, Some(x), Some(y)).unwrap();
                    grads.clone()
                };
                for grad in run(&a) {
                    assert!(grad.iter().all(|x| *x == 0.0), "{measure:?} of equals, {n} classes");
                }
                if measure != Measure::Kl {
                    continue;
                }
                let made = run(&b);
                let exact = Softmaxes::of(a.as_slice().unwrap(), b.as_slice().unwrap(), 1.0);
                // One outcome a pair of values; those of a tell the pair.
                let mut pairs: Vec<(f64, f64)> = a.iter().copied().zip(b.iter().copied()).collect();
                pairs.sort_by_key(|(a, b)| (a.to_bits(), b.to_bits()));
                pairs.dedup();
                for (pair, outcome) in pairs.iter().zip(&exact.outcomes) {
                    let at = a.iter().position(|x| *x == pair.0).unwrap();
                    let want = -(outcome.p * common::wide::expm1(-outcome.l.unwrap()));
                    let want = -want.to_f64();
                    let got = made[1][(0, at)];
                    assert!(
                        (got - want).abs() <= 1e-14 * want.abs(),
                        "{n} classes, offset {offset:e}: {got:e}, want {want:e}"
                    );
                    let want = outcome.p.to_f64() * outcome.l.unwrap().to_f64();
                    let got = made[0][(0, at)];
                    // The divergence itself is far below the logarithm here.
                    assert!(
                        (got - want).abs() <= 1e-8 * want.abs(),
                        "{n} classes, offset {offset:e}: {got:e}, want {want:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn gradients_of_sparse_targets_are_their_slopes_in_every_type() {
    fn check<T: Element>() {
        const K: usize = 3;
        let b = random::<T>(COLS, -3.0, 3.0, 21);
        let wb = wide(&b);
        let values = random::<f64>(K, -3.0, -1.5, 22);
        let indices: Vec<i64> = vec![3, 0, 18, 7, 8, 9, 1, 2, 3, 18, 17, 0];
        let layouts = (Layouts::new(values), Layouts::new(b));
        for mode in [TopK::LogitsRenormalized, TopK::LogProbsTail, TopK::LogProbsRenormalized] {
            for masked in [false, true] {
                for temperature in [1.0, 2.5] {
                    for upstream in [None, Some(&UPSTREAM[..])] {
                        let mut options = options(masked);
                        options.topk = mode;
                        if mode == TopK::LogitsRenormalized {
                            options.temperature = temperature;
                        }
                        let what = format!("{mode:?} masked {masked} T {temperature} upstream {upstream:?}");
                        let value = |b: &Array2<f64>| -> f64 {
                            let rows = logits::topk(layouts.0.view(0), &indices, b, &options).unwrap();
                            rows.iter()
                                .enumerate()
                                .map(|(i, x)| x * upstream.map_or(1.0, |upstream| upstream[i]))
                                .sum()
                        };
                        let exact = written::<f64>(COLS, |grad| {
                            let b = View::from(&wb);
                            logits::topk_into(
                                layouts.0.view(0),
                                &indices,
                                b,
                                &options,
                                upstream,
                                None,
                                Some(grad),
                            )
                            .unwrap();
                        });
                        close(&what, &exact, &differences(&wb, 2f64.powi(-8), value), 1e-8);
                        for layout in 0..LAYOUTS.len() {
                            let (values, b) =
                                (layouts.0.view((layout + 1) % LAYOUTS.len()), layouts.1.view(layout));
                            let mut out = [f64::NAN; ROWS];
                            let got = written::<T>(COLS, |grad| {
                                logits::topk_into(
                                    values,
                                    &indices,
                                    b,
                                    &options,
                                    upstream,
                                    Some(&mut out),
                                    Some(grad),
                                )
                                .unwrap();
                            });
                            rounded::<T>(&what, &got, &exact, |at| 8.0 * exact[at].abs() + 1.0);
                        }
                    }
                }
            }
        }
    }
    check::<f64>();
    check::<f32>();
    check::<f16>();
    check::<bf16>();
}

#[test]
fn gradients_of_gaussians_are_their_slopes_in_every_type() {
    fn check<T: Element>() {
        let given = [(1, -2.0, 2.0), (2, -1.5, 1.5), (3, -2.0, 2.0), (4, -1.5, 1.5)]
            .map(|(seed, low, high)| random::<T>(COLS, low, high, seed));
        let exact_given = given.each_ref().map(wide);
        let layouts = given.map(Layouts::new);
        for priors in [[true, true], [false, false], [true, false], [false, true]] {
            for masked in [false, true] {
                for upstream in [None, Some(&UPSTREAM[..])] {
                    let options = options(masked);
                    let what = format!("priors {priors:?} masked {masked} upstream {upstream:?}");
                    let value = |x: &[Array2<f64>; 4]| -> f64 {
                        let prior = Prior {
                            mu: priors[0].then(|| View::from(&x[2])),
                            logvar: priors[1].then(|| View::from(&x[3])),
                        };
                        let rows = vae::rows(&x[0], &x[1], prior, &options).unwrap();
                        rows.iter()
                            .enumerate()
                            .map(|(i, x)| x * upstream.map_or(1.0, |upstream| upstream[i]))
                            .sum()
                    };
                    fn made<U: Element>(
                        x: [View; 4],
                        priors: [bool; 2],
                        options: &Options,
                        upstream: Option<&[f64]>,
                    ) -> [Array2<f64>; 4] {
                        let prior =
                            Prior { mu: priors[0].then_some(x[2]), logvar: priors[1].then_some(x[3]) };
                        // One at a time; that all at once are the same is asked below.
                        [0, 1, 2, 3].map(|i| {
                            written::<U>(COLS, |grad| {
                                let mut grads = Grads::default();
                                *[
                                    &mut grads.mu,
                                    &mut grads.logvar,
                                    &mut grads.prior_mu,
                                    &mut grads.prior_logvar,
                                ][i] = Some(grad);
                                vae::grad_into(x[0], x[1], prior, options, upstream, None, grads).unwrap();
                            })
                        })
                    }
                    let exact =
                        made::<f64>(exact_given.each_ref().map(View::from), priors, &options, upstream);
                    for i in 0..4 {
                        if i >= 2 && !priors[i - 2] {
                            continue;
                        }
                        let slopes = differences(&exact_given[i], 2f64.powi(-7), |x| {
                            let mut given = exact_given.clone();
                            given[i] = x.clone();
                            value(&given)
                        });
                        close(&format!("{what} by {i}"), &exact[i], &slopes, 1e-8);
                    }
                    for layout in 0..LAYOUTS.len() {
                        let at = |i: usize| layouts[i].view((layout + i) % LAYOUTS.len());
                        let got = made::<T>([at(0), at(1), at(2), at(3)], priors, &options, upstream);
                        for (got, want) in got.iter().zip(&exact) {
                            // Each is a sum of a few terms below e³ times the largest.
                            rounded::<T>(&what, got, want, |(i, _)| {
                                40.0 * UPSTREAM[i].abs().max(1.0) * WEIGHTS[i].max(1.0) * 1e-1
                                    + want.iter().fold(0.0, |most: f64, x| most.max(x.abs()))
                            });
                        }
                    }
                }
            }
        }
    }
    check::<f64>();
    check::<f32>();
    check::<f16>();
    check::<bf16>();
}

#[test]
fn equal_gaussians_diverge_by_nothing_however_narrow_or_wide() {
    for logvar in [-3000.0, -1500.0, -1400.0, -745.0, -700.0, 0.0, 700.0, 745.0, 1400.0, 3000.0] {
        for n in [1, 40] {
            let (mu, logvar) = (Array2::from_elem((1, n), 0.75), Array2::from_elem((1, n), logvar));
            let prior = Prior { mu: Some(View::from(&mu)), logvar: Some(View::from(&logvar)) };
            let made = vae::rows(&mu, &logvar, prior, &Options::default());
            assert_eq!(made, Ok(vec![0.0]), "logvar {}", logvar[(0, 0)]);
        }
    }
}
