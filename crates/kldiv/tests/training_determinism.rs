//! The rooms of training have the same bits for any number of threads and any strides.

mod common;

use common::SplitMix;
use common::layout::{LAYOUTS, Layouts};
use half::bf16;
use kldiv::family::vae::{self, Grads, Prior};
use kldiv::{Element, Measure, Options, TopK, View, ViewMut, logits, loss};
use ndarray::{Array2, s};

fn random<T: Element>(rows: usize, cols: usize, low: f64, high: f64, seed: u64) -> Layouts<T> {
    let mut random = SplitMix(seed);
    Layouts::new(Array2::from_shape_fn((rows, cols), |_| T::from_f64(low + (high - low) * random.unit())))
}

/// What calls write, all of it.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn add(&mut self, x: &[f64]) {
        self.0.extend(x.iter().map(|x| x.to_bits()));
    }

    /// A matrix of the type that a call fills; contiguous or with gaps.
    fn filled<T: Element>(&mut self, rows: usize, cols: usize, gaps: bool, fill: impl FnOnce(&mut ViewMut)) {
        let mut memory = Array2::from_elem((rows, if gaps { 2 * cols } else { cols }), T::from_f64(7.0));
        let step = if gaps { 2 } else { 1 };
        fill(&mut ViewMut::from(memory.slice_mut(s![.., ..;step])));
        self.0.extend(memory.slice(s![.., ..;step]).iter().map(|x| x.to_f64().to_bits()));
    }
}

/// Everything about a few rows, from views in one layout or another.
fn all<T: Element>(rows: usize, cols: usize, layout: usize, parallel: bool) -> Bits {
    let mut bits = Bits::default();
    let (a, b) = (random::<T>(rows, cols, -6.0, 6.0, 1), random::<T>(rows, cols, -6.0, 6.0, 2));
    let positive = random::<T>(rows, cols, 0.001, 1.0, 3);
    let (va, vb) = (a.view(layout), b.view((layout + 2) % LAYOUTS.len()));
    let gaps = layout % 2 == 1;
    let mut options = Options::default();
    options.parallel = parallel;
    for measure in [Measure::Kl, Measure::Reverse, Measure::JENSEN_SHANNON] {
        options.measure = measure;
        bits.add(&logits::rows(va, vb, &options).unwrap());
        bits.filled::<T>(rows, cols, gaps, |grad| {
            logits::grad_into(va, vb, &options, None, None, Some(grad), None).unwrap();
        });
        bits.filled::<T>(rows, cols, gaps, |grad| {
            logits::grad_into(va, vb, &options, None, None, None, Some(grad)).unwrap();
        });
    }
    options.measure = Measure::Kl;
    for log_target in [false, true] {
        options.log_target = log_target;
        let target = if log_target { vb } else { positive.view((layout + 1) % LAYOUTS.len()) };
        bits.add(&[loss::loss(va, target, &options).unwrap()]);
        bits.filled::<T>(rows, cols, gaps, |out| loss::pointwise_into(va, target, &options, out).unwrap());
        bits.filled::<T>(rows, cols, gaps, |grad| {
            loss::grad_into(va, target, &options, Some(positive.view(layout)), Some(grad), None).unwrap();
        });
        bits.filled::<T>(rows, cols, gaps, |grad| {
            loss::grad_into(va, target, &options, Some(positive.view(layout)), None, Some(grad)).unwrap();
        });
    }
    for prior in [Prior::STANDARD, Prior { mu: Some(positive.view(layout)), logvar: Some(va) }] {
        bits.add(&vae::rows(va, vb, prior, &options).unwrap());
        for i in 0..4 {
            bits.filled::<T>(rows, cols, gaps, |grad| {
                let mut grads = Grads::default();
                *[&mut grads.mu, &mut grads.logvar, &mut grads.prior_mu, &mut grads.prior_logvar][i] =
                    Some(grad);
                vae::grad_into(va, vb, prior, &options, None, None, grads).unwrap();
            });
        }
    }
    const K: usize = 3;
    let values = random::<T>(rows, K, -6.0, -3.0, 4);
    let indices: Vec<i64> =
        (0..rows).flat_map(|i| [i % (cols / 2), cols - 1, cols / 2]).map(|x| x as i64).collect();
    for mode in [TopK::LogitsRenormalized, TopK::LogProbsTail, TopK::LogProbsRenormalized] {
        options.topk = mode;
        let mut out = vec![7.0; rows];
        bits.filled::<T>(rows, cols, gaps, |grad| {
            let values: View = values.view(layout);
            logits::topk_into(values, &indices, vb, &options, None, Some(&mut out), Some(grad)).unwrap();
        });
        bits.add(&out);
    }
    bits
}

fn same<T: Element>(rows: usize, cols: usize) {
    let alone = all::<T>(rows, cols, 0, false);
    assert!(alone.0.iter().all(|bits| f64::from_bits(*bits).is_finite()));
    let check = |bits: Bits, what: String| {
        assert_eq!(bits.0.len(), alone.0.len());
        let first = bits.0.iter().zip(&alone.0).position(|(x, y)| x != y);
        assert_eq!(first, None, "{} {rows} x {cols}, {what}", T::DTYPE.name());
    };
    for layout in 1..LAYOUTS.len() {
        check(all::<T>(rows, cols, layout, true), LAYOUTS[layout].to_owned());
    }
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        check(pool.install(|| all::<T>(rows, cols, 0, true)), format!("{threads} threads"));
    }
}

#[test]
fn threads_and_strides_leave_the_bits_alone_in_long_rows() {
    same::<f64>(1, 200_000);
    same::<f32>(1, 200_000);
    same::<bf16>(1, 200_000);
}

#[test]
fn threads_and_strides_leave_the_bits_alone_in_many_rows() {
    for (rows, cols) in [(3, 5), (40, 63), (2_000, 33), (9, 9_001)] {
        same::<f64>(rows, cols);
        same::<f32>(rows, cols);
        same::<bf16>(rows, cols);
    }
}
