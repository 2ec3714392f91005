//! The others. None of them looks for bad entries; zeros are right in ndarray-stats alone.

// Lists that start empty are for the C peers, where there are any.
#![cfg_attr(not(c_peers), allow(clippy::vec_init_then_push))]

use std::sync::OnceLock;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use ndarray::aview1;
use ndarray_stats::EntropyExt;

use crate::{Contender, EXACT_F32, EXACT_F64, Pairs};

/// What is asked of loops in f64 and f32, whose sums are plain.
const LOOSE_F64: f64 = 1e-9;
const LOOSE_F32: f64 = 1e-2;

/// std's `ln`.
const RUST: &str = "Rust, ln";
const STATS: &str = "ndarray-stats";
const LIBKLDIV: &str = "kldiv, C ABI";

pub(crate) fn kl_term(p: f64, q: f64) -> f64 {
    p * (p / q).ln()
}

pub(crate) fn generalized_term(p: f64, q: f64) -> f64 {
    kl_term(p, q) - p + q
}

pub(crate) fn jensen_shannon_term(p: f64, q: f64) -> f64 {
    let m = 0.5 * (p + q);
    0.5 * (kl_term(p, m) + kl_term(q, m))
}

fn sum_of(term: impl Fn(f64, f64) -> f64) -> impl Fn(&[f64], &[f64]) -> f64 {
    move |p, q| p.iter().zip(q).map(|(p, q)| term(*p, *q)).sum()
}

fn kl_loop_f32(p: &[f32], q: &[f32]) -> f64 {
    p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum::<f32>().into()
}

/// Adds the C loop `$f` in both builds.
macro_rules! add_c {
    ($peers:ident, $pairs:ident, $tolerance:expr, $f:ident) => {
        #[cfg(c_peers)]
        {
            $peers.push(Contender::new(c::MVEC, $tolerance, $pairs.each(c::libmvec::$f)));
            $peers.push(Contender::new(c::LIBM, $tolerance, $pairs.each(c::libm::$f)));
        }
    };
}

/// Whoever knows KL of f64 vectors, a call a row.
pub(crate) fn kl_f64(pairs: &Pairs<f64>) -> Vec<Contender<'_>> {
    let mut peers = Vec::new();
    add_c!(peers, pairs, LOOSE_F64, kl_f64);
    peers.push(Contender::new(RUST, LOOSE_F64, pairs.each(sum_of(kl_term))));
    let stats = |p: &[f64], q: &[f64]| aview1(p).kl_divergence(&aview1(q)).expect("equal lengths");
    peers.push(Contender::new(STATS, LOOSE_F64, pairs.each(stats)));
    #[cfg(feature = "numkong")]
    peers.push(numkong::contender(1e-6, pairs.each(numkong::kl)));
    peers
}

/// Whoever knows KL of f32 vectors, a call a row.
pub(crate) fn kl_f32(pairs: &Pairs<f32>) -> Vec<Contender<'_>> {
    let mut peers = Vec::new();
    add_c!(peers, pairs, LOOSE_F32, kl_f32);
    peers.push(Contender::new(RUST, LOOSE_F32, pairs.each(kl_loop_f32)));
    let stats = |p: &[f32], q: &[f32]| aview1(p).kl_divergence(&aview1(q)).expect("equal lengths").into();
    peers.push(Contender::new(STATS, LOOSE_F32, pairs.each(stats)));
    #[cfg(feature = "numkong")]
    peers.push(numkong::contender(LOOSE_F32, pairs.each(numkong::kl)));
    peers
}

/// KL of narrow types: each row widened into a buffer for the f32 loops.
macro_rules! kl_narrow {
    ($name:ident, $t:ty) => {
        pub(crate) fn $name(pairs: &Pairs<$t>) -> Vec<Contender<'_>> {
            #[allow(unused_mut, reason = "the others are not always there")]
            let mut peers = vec![Contender::new(RUST, LOOSE_F32, widened(pairs, kl_loop_f32))];
            #[cfg(c_peers)]
            peers.push(Contender::new(c::MVEC, LOOSE_F32, widened(pairs, c::libmvec::kl_f32)));
            #[cfg(feature = "numkong")]
            peers.push(numkong::contender(LOOSE_F32, pairs.each(numkong::$name)));
            peers
        }
    };
}
kl_narrow!(kl_f16, f16);
kl_narrow!(kl_bf16, bf16);

fn widened<'a, T: kldiv::Element>(
    pairs: &'a Pairs<T>,
    f: impl Fn(&[f32], &[f32]) -> f64 + 'a,
) -> impl FnMut(&mut [f64]) + 'a
where
    [T]: HalfFloatSliceExt,
{
    let mut wide = [vec![0.0; pairs.cols], vec![0.0; pairs.cols]];
    move |out| {
        let [wide_p, wide_q] = &mut wide;
        for ((p, q), out) in pairs.iter().zip(out) {
            p.convert_to_f32_slice(wide_p);
            q.convert_to_f32_slice(wide_q);
            *out = f(wide_p, wide_q);
        }
    }
}

/// The generalised divergence of f64 vectors.
pub(crate) fn generalized(pairs: &Pairs<f64>) -> Vec<Contender<'_>> {
    let mut peers = Vec::new();
    add_c!(peers, pairs, LOOSE_F64, generalized_f64);
    peers.push(Contender::new(RUST, LOOSE_F64, pairs.each(sum_of(generalized_term))));
    peers
}

/// The Jensen-Shannon divergence of f64 vectors.
pub(crate) fn jensen_shannon(pairs: &Pairs<f64>) -> Vec<Contender<'_>> {
    let mut peers = Vec::new();
    add_c!(peers, pairs, LOOSE_F64, jensen_shannon_f64);
    peers.push(Contender::new(RUST, LOOSE_F64, pairs.each(sum_of(jensen_shannon_term))));
    peers
}

/// Rows that are not contiguous: element by element, or copied first.
pub(crate) fn kl_strided<'a>(
    p: ndarray::ArrayView2<'a, f32>,
    q: ndarray::ArrayView2<'a, f32>,
) -> Vec<Contender<'a>> {
    let mut peers = Vec::new();
    #[cfg(c_peers)]
    peers.push(Contender::new(c::MVEC, LOOSE_F32, move |out: &mut [f64]| {
        let (p, q) = (p.as_standard_layout(), q.as_standard_layout());
        for ((p, q), out) in p.rows().into_iter().zip(q.rows()).zip(out) {
            let slices = p.as_slice().zip(q.as_slice());
            *out = slices.map_or(f64::NAN, |(p, q)| c::libmvec::kl_f32(p, q));
        }
    }));
    peers.push(Contender::new(RUST, LOOSE_F32, move |out: &mut [f64]| {
        for ((p, q), out) in p.rows().into_iter().zip(q.rows()).zip(out) {
            *out = p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum::<f32>().into();
        }
    }));
    peers.push(Contender::new(STATS, LOOSE_F32, move |out: &mut [f64]| {
        for ((p, q), out) in p.rows().into_iter().zip(q.rows()).zip(out) {
            *out = p.kl_divergence(&q).expect("equal lengths").into();
        }
    }));
    peers
}

/// Both inputs read once and added up, which no divergence can be faster than. Its answer is none, and any is taken.
#[cfg(c_peers)]
pub(crate) fn read<'a, T: Sync>(
    name: &'static str,
    pairs: &'a Pairs<T>,
    pool: Option<&'a rayon::ThreadPool>,
    read: impl Fn(&[T], &[T]) -> f64 + Sync + 'a,
) -> Contender<'a> {
    use rayon::prelude::*;
    let (p, q) = (&pairs.p, &pairs.q);
    Contender::new(name, f64::INFINITY, move |out| {
        out[0] = match pool {
            None => read(p, q),
            Some(pool) => pool.install(|| {
                let share = p.len().div_ceil(pool.current_num_threads());
                p.par_chunks(share).zip(q.par_chunks(share)).map(|(p, q)| read(p, q)).sum()
            }),
        }
    })
}

/// kldiv through its C ABI, where the shared library lies beside this program.
pub(crate) fn libkldiv_f64(pairs: &Pairs<f64>) -> Option<Contender<'_>> {
    Some(Contender::new(LIBKLDIV, EXACT_F64, pairs.each(libkldiv()?.kl_f64())))
}

/// The same for f32.
pub(crate) fn libkldiv_f32(pairs: &Pairs<f32>) -> Option<Contender<'_>> {
    Some(Contender::new(LIBKLDIV, EXACT_F32, pairs.each(libkldiv()?.kl_f32())))
}

type Kl<T> = unsafe extern "C" fn(*const T, *const T, usize, *mut f64) -> i32;

struct LibKldiv {
    kl_f64: Kl<f64>,
    kl_f32: Kl<f32>,
    /// Keeps the functions where they are.
    _library: libloading::Library,
}

impl LibKldiv {
    fn kl_f64(&self) -> impl Fn(&[f64], &[f64]) -> f64 + use<> {
        call(self.kl_f64)
    }

    fn kl_f32(&self) -> impl Fn(&[f32], &[f32]) -> f64 + use<> {
        call(self.kl_f32)
    }
}

fn call<T>(kl: Kl<T>) -> impl Fn(&[T], &[T]) -> f64 {
    move |p, q| {
        let mut out = f64::NAN;
        // SAFETY: both are `p.len()` elements, `out` is ours, and the library, which is static, stays loaded.
        let status = unsafe { kl(p.as_ptr(), q.as_ptr(), p.len(), &mut out) };
        if status == 0 { out } else { f64::NAN }
    }
}

fn libkldiv() -> Option<&'static LibKldiv> {
    static LIBRARY: OnceLock<Option<LibKldiv>> = OnceLock::new();
    LIBRARY
        .get_or_init(|| {
            let name = libloading::library_filename("kldiv");
            let program = std::env::current_exe().ok()?;
            // Programs lie beside the library, benches one folder below.
            let path = program
                .ancestors()
                .skip(1)
                .take(2)
                .map(|folder| folder.join(&name))
                .find(|path| path.exists());
            let Some(path) = path else {
                eprintln!("without the C ABI: `cargo build --release -p kldiv-capi` makes the library");
                return None;
            };
            // SAFETY: libkldiv runs nothing on loading, and its header declares both functions so.
            let loaded = unsafe {
                libloading::Library::new(path).and_then(|library| {
                    let (kl_f64, kl_f32) = (*library.get(b"kldiv_kl_f64")?, *library.get(b"kldiv_kl_f32")?);
                    Ok(LibKldiv { kl_f64, kl_f32, _library: library })
                })
            };
            loaded.inspect_err(|error| eprintln!("without the C ABI: {error}")).ok()
        })
        .as_ref()
}

/// The loops of peers.c.
#[cfg(c_peers)]
pub(crate) mod c {
    /// gcc -O3 -march=native -ffast-math.
    pub(super) const MVEC: &str = "C, libmvec";
    /// gcc -O2 for any x86-64.
    pub(super) const LIBM: &str = "C, libm";

    macro_rules! set {
        ($set:ident: $($name:ident = $symbol:ident($t:ty);)*) => {
            pub(crate) mod $set {
                mod symbols {
                    unsafe extern "C" {
                        $(pub(super) fn $symbol(p: *const $t, q: *const $t, n: usize) -> $t;)*
                    }
                }
                $(pub(crate) fn $name(p: &[$t], q: &[$t]) -> f64 {
                    // SAFETY: n elements of each are readable.
                    unsafe { symbols::$symbol(p.as_ptr(), q.as_ptr(), p.len().min(q.len())).into() }
                })*
            }
        };
    }
    set! { libm:
        kl_f64 = kl_f64_libm(f64);
        kl_f32 = kl_f32_libm(f32);
        generalized_f64 = generalized_f64_libm(f64);
        jensen_shannon_f64 = jensen_shannon_f64_libm(f64);
    }
    set! { libmvec:
        kl_f64 = kl_f64_libmvec(f64);
        kl_f32 = kl_f32_libmvec(f32);
        generalized_f64 = generalized_f64_libmvec(f64);
        jensen_shannon_f64 = jensen_shannon_f64_libmvec(f64);
        read_f64 = read_f64_libmvec(f64);
        read_f32 = read_f32_libmvec(f32);
    }
}

/// NumKong adds an epsilon to both sides, so it is right only where entries are large beside that.
#[cfg(feature = "numkong")]
mod numkong {
    use ::numkong::KullbackLeibler;

    use crate::Contender;

    pub(super) fn contender<'a>(tolerance: f64, run: impl FnMut(&mut [f64]) + 'a) -> Contender<'a> {
        ::numkong::configure_thread();
        Contender::new("NumKong", tolerance, run)
    }

    pub(super) fn kl<T: KullbackLeibler<Output = f64>>(p: &[T], q: &[T]) -> f64 {
        T::kullbackleibler(p, q).unwrap_or(f64::NAN)
    }

    macro_rules! narrow {
        ($name:ident, $t:ident) => {
            pub(super) fn $name(p: &[half::$t], q: &[half::$t]) -> f64 {
                let theirs = |x: &[half::$t]| {
                    // SAFETY: both types are transparent wrappers of u16.
                    unsafe { std::slice::from_raw_parts(x.as_ptr().cast::<::numkong::$t>(), x.len()) }
                };
                ::numkong::$t::kullbackleibler(theirs(p), theirs(q)).map_or(f64::NAN, f64::from)
            }
        };
    }
    narrow!(kl_f16, f16);
    narrow!(kl_bf16, bf16);
}
