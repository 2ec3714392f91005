//! Losses, logits and VAEs, beside the fused loops of python/training.c; benches/python/run has PyTorch and JAX.
//!
//! A row's value is checked; a gradient is written beside it.

use kldiv::family::vae::{self, Grads, Prior};
use kldiv::{Options, View, ViewMut, logits};
use ndarray::Array2;

use crate::pairs::Truth;
use crate::{Case, Contender, EXACT_F32};

const TABLE: &str = "Training in f32, one thread";

/// Hands each case to `visit`.
pub fn cases(visit: &mut dyn FnMut(Case)) {
    let (rows, cols) = (64, 50_000);
    let a = normal(1, rows, cols, 3.0);
    let b = &a + &normal(2, rows, cols, 1.0);
    let truth: Vec<Truth> = a.rows().into_iter().zip(b.rows()).map(|(a, b)| divergence(a, b)).collect();
    let (a, b) = (&a, &b);
    let mut grad = Array2::<f32>::zeros((rows, cols));

    let mut options = Options::default();
    options.parallel = false;
    let forward = Contender::new("kldiv", EXACT_F32, |out| {
        logits::rows_into(a.into(), b.into(), &options, out).expect("logits");
    });
    let mut contenders = vec![forward];
    #[cfg(c_peers)]
    contenders.push(Contender::new(FUSED, LOOSE, |out| c::logits(a.view(), b.view(), out)));
    let name = format!("softmax logits, {rows} x {cols}, value");
    visit(case(&name, a, &truth, contenders));

    #[cfg(c_peers)]
    let mut theirs = grad.clone();
    let backward = Contender::new("kldiv", EXACT_F32, |out| {
        let grad = &mut ViewMut::from(grad.view_mut());
        logits::grad_into(a.into(), b.into(), &options, None, Some(out), None, Some(grad)).expect("logits");
    });
    let mut contenders = vec![backward];
    #[cfg(c_peers)]
    contenders.push(Contender::new(FUSED, LOOSE, |out| c::logits_grad(a.view(), b.view(), out, &mut theirs)));
    let name = format!("softmax logits, {rows} x {cols}, value and gradient");
    visit(case(&name, a, &truth, contenders));

    let (rows, cols) = (4096, 1024);
    let (mu, logvar) = (normal(3, rows, cols, 1.0), normal(4, rows, cols, 1.0));
    let element = |(mu, l): (&f32, &f32)| {
        let (mu, l) = (f64::from(*mu), f64::from(*l));
        0.5 * (mu * mu + (l.exp_m1() - l))
    };
    let rows_of = mu.rows().into_iter().zip(logvar.rows());
    let sums = rows_of.map(|(mu, logvar)| mu.iter().zip(logvar).map(element).sum());
    let truth: Vec<Truth> = sums.map(|sum| Truth::new(sum, sum)).collect();
    let mut ours = [(); 2].map(|()| Array2::<f32>::zeros((rows, cols)));
    #[cfg(c_peers)]
    let mut theirs = ours.clone();
    let (mu, logvar) = (&mu, &logvar);
    let kldiv = Contender::new("kldiv", EXACT_F32, |out| {
        let [of_mu, of_logvar] = ours.each_mut().map(|grad| ViewMut::from(grad.view_mut()));
        let (mut of_mu, mut of_logvar) = (of_mu, of_logvar);
        let grads = Grads { mu: Some(&mut of_mu), logvar: Some(&mut of_logvar), ..Grads::default() };
        let (mu, logvar) = (View::from(mu), View::from(logvar));
        vae::grad_into(mu, logvar, Prior::STANDARD, &options, None, Some(out), grads).expect("finite");
    });
    let mut contenders = vec![kldiv];
    #[cfg(c_peers)]
    contenders
        .push(Contender::new(FUSED, LOOSE, |out| c::vae_grad(mu.view(), logvar.view(), out, &mut theirs)));
    visit(case(&format!("VAE, {rows} x {cols}, value and gradients"), mu, &truth, contenders));
}

#[cfg(c_peers)]
const FUSED: &str = "C, fused";
/// What is asked of sums in f32.
#[cfg(c_peers)]
const LOOSE: f64 = 1e-3;

fn case<'a>(name: &str, shape: &Array2<f32>, truth: &[Truth], contenders: Vec<Contender<'a>>) -> Case<'a> {
    let truth = truth.to_vec();
    Case { table: TABLE, name: name.to_owned(), elements: shape.len(), calls: 1, truth, contenders }
}

/// The divergence of two softmaxes in f64, and the sum of its terms' magnitudes.
fn divergence(a: ndarray::ArrayView1<f32>, b: ndarray::ArrayView1<f32>) -> Truth {
    let lse = |x: ndarray::ArrayView1<f32>| x.iter().map(|x| f64::from(*x).exp()).sum::<f64>().ln();
    let (lse_a, lse_b) = (lse(a), lse(b));
    let terms = a.iter().zip(b).map(|(a, b)| {
        let (a, b) = (f64::from(*a) - lse_a, f64::from(*b) - lse_b);
        a.exp() * (a - b)
    });
    let (sum, magnitude) = terms.fold((0.0, 0.0), |(sum, size), x| (sum + x, size + x.abs()));
    Truth::new(sum, magnitude)
}

/// Numbers from a normal distribution, the same on every run.
fn normal(seed: u64, rows: usize, cols: usize, deviation: f64) -> Array2<f32> {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    Array2::from_shape_simple_fn((rows, cols), || {
        let radius = (-2.0 * uniform().ln()).sqrt();
        (deviation * radius * (std::f64::consts::TAU * uniform()).cos()) as f32
    })
}

/// The loops of python/training.c.
#[cfg(c_peers)]
mod c {
    use ndarray::{Array2, ArrayView2};

    unsafe extern "C" {
        fn fused_logits(a: *const f32, b: *const f32, rows: usize, cols: usize, out: *mut f64);
        fn fused_logits_grad(
            a: *const f32,
            b: *const f32,
            rows: usize,
            cols: usize,
            out: *mut f64,
            grad: *mut f32,
        );
        fn fused_vae_grad(
            mu: *const f32,
            logvar: *const f32,
            rows: usize,
            cols: usize,
            out: *mut f64,
            grad_mu: *mut f32,
            grad_logvar: *mut f32,
        );
    }

    pub(super) fn logits(a: ArrayView2<f32>, b: ArrayView2<f32>, out: &mut [f64]) {
        // SAFETY: contiguous matrices of one shape, and a place a row.
        unsafe { fused_logits(a.as_ptr(), b.as_ptr(), a.nrows(), a.ncols(), out.as_mut_ptr()) }
    }

    pub(super) fn logits_grad(
        a: ArrayView2<f32>,
        b: ArrayView2<f32>,
        out: &mut [f64],
        grad: &mut Array2<f32>,
    ) {
        // SAFETY: contiguous matrices of one shape, and a place a row.
        unsafe {
            fused_logits_grad(
                a.as_ptr(),
                b.as_ptr(),
                a.nrows(),
                a.ncols(),
                out.as_mut_ptr(),
                grad.as_mut_ptr(),
            );
        }
    }

    pub(super) fn vae_grad(
        mu: ArrayView2<f32>,
        logvar: ArrayView2<f32>,
        out: &mut [f64],
        [of_mu, of_logvar]: &mut [Array2<f32>; 2],
    ) {
        // SAFETY: contiguous matrices of one shape, and a place a row.
        unsafe {
            fused_vae_grad(
                mu.as_ptr(),
                logvar.as_ptr(),
                mu.nrows(),
                mu.ncols(),
                out.as_mut_ptr(),
                of_mu.as_mut_ptr(),
                of_logvar.as_mut_ptr(),
            );
        }
    }
}
