//! The derivatives of divergences of softmaxes, element by element; see [`softmax`](crate::kernels::softmax).
//!
//! With the frame's anchor at T (lse(a/T) − lse(b/T)), y is ln(q/p) and q − p is p (exp(y) − 1), which keeps its
//! digits where p and q are near each other.

use crate::kernels::exp::{Exp, ScaledExp, exp, parts_of, times_exp};
use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, Real, Vector, fetch_ahead};
use crate::kernels::log::{Parts, Ratio};
use crate::kernels::op::{Op, Terms};
use crate::kernels::prepare::Prepare;
use crate::kernels::softmax::{Frame, Framed, Unmasked, any_exponents, in_two};
use crate::sum::Compensated;
use crate::view::Element;

/// p and q of calm lanes, from the larger of the two, whose exponent is the smaller and the more exact.
struct Both<V: Lanes> {
    /// Where q is larger.
    of_q: V::Mask,
    larger: V,
    /// Good to its own digits, which the sum of the larger and the difference is not where it is the smaller by far.
    smaller: V,
    /// The smaller less the larger.
    difference: V,
}

impl<V: Lanes> Both<V> {
    /// Of the exponents of a and of b, and y.
    #[inline(always)]
    fn of(s: V, r: V, y: V) -> Self {
        let of_q = V::le(V::zero(), y);
        Self::of_larger(of_q, ScaledExp::of(1.0).exp(V::select(of_q, r, s)), y)
    }

    #[inline(always)]
    fn of_larger(of_q: V::Mask, larger: V, y: V) -> Self {
        let ratio = Exp::of_rounded(V::select(of_q, V::zero() - y, y));
        Both { of_q, larger, smaller: larger * ratio.value(), difference: larger * ratio.less_one() }
    }

    #[inline(always)]
    fn p(&self) -> V {
        V::select(self.of_q, self.smaller, self.larger)
    }

    /// What the smaller is short of for the difference to be exact, where the two are near each other.
    #[inline(always)]
    fn rest(&self) -> V {
        let near = V::le(V::constant(0.5) * self.larger, self.smaller);
        V::select(near, (self.larger - self.smaller) + self.difference, V::zero())
    }

    /// q − p.
    #[inline(always)]
    fn gain(&self) -> V {
        V::select(self.of_q, V::zero() - self.difference, self.difference)
    }
}

/// D(softmax(a/T) ‖ softmax(b/T)) as its gradient needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slope {
    pub(crate) frame: Frame,
    /// The divergence in nats.
    pub(crate) kl: f64,
    /// What the gradients are multiplied by, over the sum of exp((a − max)/T).
    pub(crate) by: f64,
}

/// Writes `by p (ln(p/q) − D)` and `by (q − p)`, for those outputs that are not empty.
pub(crate) struct Gradient<'a, T> {
    pub(crate) a: &'a [T],
    pub(crate) b: &'a [T],
    pub(crate) slope: &'a Slope,
    pub(crate) of_a: &'a mut [T],
    pub(crate) of_b: &'a mut [T],
}

impl<T: Vector> Job for Gradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Gradient { a, b, slope, of_a, of_b } = self;
        let sloped = Sloped::<T::On<I>>::of(slope);
        let lanes = T::On::<I>::LANES;
        let n = a.len().min(b.len());
        let (with_a, with_b) = (of_a.len() == n, of_b.len() == n);
        let mut at = 0;
        while at < n {
            let len = lanes.min(n - at);
            if len == lanes {
                fetch_ahead(a.as_ptr().wrapping_add(at));
                fetch_ahead(b.as_ptr().wrapping_add(at));
                // SAFETY: a whole vector is left in both.
                let (x, z) =
                    unsafe { (T::On::<I>::load(a.as_ptr().add(at)), T::On::<I>::load(b.as_ptr().add(at))) };
                if let Some((both, y)) = sloped.both(x, z) {
                    if with_a {
                        // SAFETY: a whole vector is left.
                        unsafe { sloped.by_a(&both, y).store(of_a.as_mut_ptr().add(at)) };
                    }
                    if with_b {
                        // SAFETY: a whole vector is left.
                        unsafe { sloped.by_b(&both).store(of_b.as_mut_ptr().add(at)) };
                    }
                    at += lanes;
                    continue;
                }
            }
            // SAFETY: so many are left in both.
            let some =
                unsafe { Unmasked::first(a.as_ptr().add(at), b.as_ptr().add(at), len, sloped.calmest()) };
            if let Some((both, y)) = sloped.both(some.a, some.b) {
                if with_a {
                    // SAFETY: so many places are left.
                    unsafe { some.only(sloped.by_a(&both, y)).store_first(of_a.as_mut_ptr().add(at), len) };
                }
                if with_b {
                    // SAFETY: so many places are left.
                    unsafe { some.only(sloped.by_b(&both)).store_first(of_b.as_mut_ptr().add(at), len) };
                }
            } else {
                let end = at + len;
                edges(
                    &a[at..end],
                    &b[at..end],
                    slope,
                    if with_a { &mut of_a[at..end] } else { &mut [] },
                    if with_b { &mut of_b[at..end] } else { &mut [] },
                );
            }
            at += len;
        }
    }
}

/// A slope in every lane.
struct Sloped<V> {
    framed: Framed<V>,
    max_of_b: (V, V),
    scale: V,
    rest: V,
    by: V,
    kl: V,
    finite: bool,
}

impl<V: Lanes> Sloped<V> {
    #[inline(always)]
    fn of(slope: &Slope) -> Self {
        Sloped {
            framed: Framed::of(&slope.frame),
            max_of_b: in_two(slope.frame.max_of_b()),
            scale: V::constant(slope.frame.scale),
            rest: V::constant(slope.frame.rest),
            by: V::constant(slope.by),
            kl: V::constant(slope.kl),
            finite: slope.kl < f64::INFINITY,
        }
    }

    /// p and q, and y, if all lanes are calm.
    #[inline(always)]
    fn both(&self, a: V, b: V) -> Option<(Both<V>, V)> {
        let (s, y) = self.framed.exponents(a, b);
        if !(V::all(Framed::calm(s, y)) && self.finite) {
            return None;
        }
        let r = ((b - self.max_of_b.0) - self.max_of_b.1).fma(self.scale, self.rest);
        Some((Both::of(s, r, y), y))
    }

    #[inline(always)]
    fn by_a(&self, both: &Both<V>, y: V) -> V {
        both.p() * self.by * (V::zero() - y - self.kl)
    }

    #[inline(always)]
    fn by_b(&self, both: &Both<V>) -> V {
        both.gain() * self.by
    }

    /// Two logits that are as calm as can be.
    #[inline(always)]
    fn calmest(&self) -> (V, V) {
        self.framed.calmest()
    }
}

/// The same one element at a time, of any two numbers.
#[cold]
#[inline(never)]
fn edges<T: Element>(a: &[T], b: &[T], slope: &Slope, of_a: &mut [T], of_b: &mut [T]) {
    for i in 0..a.len().min(b.len()) {
        let (for_a, for_b) = edge(a[i].to_f64(), b[i].to_f64(), slope);
        if let Some(place) = of_a.get_mut(i) {
            *place = T::from_f64(for_a);
        }
        if let Some(place) = of_b.get_mut(i) {
            *place = T::from_f64(for_b);
        }
    }
}

fn edge(a: f64, b: f64, slope: &Slope) -> (f64, f64) {
    let Slope { frame, kl, by } = slope;
    let [s, r, y] = any_exponents(a, b, frame);
    // No change of a finite logit makes an infinite divergence finite.
    let rest = -y - kl;
    let of_a = match by * rest {
        _ if s == f64::NEG_INFINITY || *kl == f64::INFINITY => 0.0,
        // The upstream gradient has not had its weight yet, which may be 0.
        product if product.is_infinite() => by * times_exp(rest, s),
        product => times_exp(product, s),
    };
    let of_b = match b {
        f64::NEG_INFINITY => 0.0,
        _ if y.abs() < 1.0 => times_exp(by * parts_of(y).0, s),
        _ => times_exp(*by, r) - times_exp(*by, s),
    };
    (of_a, of_b)
}

/// Logits made the probabilities of their softmaxes, q in two parts that keep its difference from p.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Softmaxes {
    pub(crate) frame: Frame,
    pub(crate) unit: f64,
}

impl Prepare for Softmaxes {
    #[inline(always)]
    fn pair<V: Lanes>(&self, a: V, b: V) -> (Parts<V>, Parts<V>) {
        let (zero, unit) = (V::zero(), V::constant(self.unit));
        let (max, scale) = (V::constant(self.frame.max), V::constant(self.frame.scale));
        let (_, y) = Framed::of(&self.frame).exponents(a, b);
        let max_of_b = in_two::<V>(self.frame.max_of_b());
        // From roots: what is left of a deep logit is rounded once.
        let half = V::constant(0.5) * scale;
        let root_p = exp((a - max) * half);
        let root_q = exp(((b - max_of_b.0) - max_of_b.1).fma(half, V::constant(0.5 * self.frame.rest)));
        let (far_p, far_q) = (root_p * unit * root_p, root_q * unit * root_q);
        // Near each other, however deep, the smaller is taken from the larger.
        let near = Framed::calm_exponent(y);
        let of_q = V::le(zero, y);
        let both = Both::of_larger(of_q, V::select(of_q, far_q, far_p), V::select(near, y, zero));
        let (smaller, rest) = (both.smaller, both.rest());
        let p = V::select(near, V::select(of_q, smaller, both.larger), far_p);
        let q = V::select(near, V::select(of_q, both.larger, smaller), far_q);
        let p_rest = V::select(V::and(near, of_q), rest, zero);
        let q_rest = V::select(near, V::select(of_q, zero, rest), zero);
        (Parts { hi: p, lo: Some(p_rest) }, Parts { hi: q, lo: Some(q_rest) })
    }
}

/// `q − p`, whose sum says by how much q does not sum to 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gain;

impl Op<1, 1> for Gain {
    const COMPENSATE: bool = true;

    #[inline(always)]
    fn terms<V: Lanes>(&self, p: Parts<V>, q: Parts<V>) -> Terms<V, 1, 1> {
        let low = q.lo.unwrap_or(V::zero()) - p.lo.unwrap_or(V::zero());
        Terms { plain: [V::zero()], exact: [(q.hi - p.hi) + low] }
    }

    fn edge(&self, p: f64, q: f64) -> Terms<f64, 1, 1> {
        Terms { plain: [0.0], exact: [q - p] }
    }
}

/// Writes `by w p (ln(p/m) − D(P‖M))` and `by v q (ln(q/m) − D(Q‖M))`, the gradients of the Jensen-Shannon divergence with
/// respect to the logits, where m = wp + vq.
pub(crate) struct MixtureGradient<'a> {
    pub(crate) a: &'a [f64],
    pub(crate) b: &'a [f64],
    pub(crate) softmaxes: &'a Softmaxes,
    /// w and v.
    pub(crate) weights: (f64, f64),
    /// D(P‖M) and D(Q‖M).
    pub(crate) halves: (f64, f64),
    pub(crate) by: f64,
    pub(crate) of_a: &'a mut [f64],
    pub(crate) of_b: &'a mut [f64],
}

impl Job for MixtureGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let MixtureGradient { a, b, softmaxes, weights: (w, v), halves, by, of_a, of_b } = self;
        let n = a.len().min(b.len());
        let (lw, lv) = (I::F64::constant(w), I::F64::constant(v));
        for at in (0..n).step_by(8) {
            let len = (n - at).min(8);
            // SAFETY: as many elements are left in both.
            let (x, z) = unsafe {
                (I::F64::load_first(a.as_ptr().add(at), len), I::F64::load_first(b.as_ptr().add(at), len))
            };
            let (p, q) = softmaxes.pair(x, z);
            let (sides, weights) = ([p.hi, q.hi], [w, v]);
            let difference =
                (q.hi - p.hi) + (q.lo.unwrap_or(I::F64::zero()) - p.lo.unwrap_or(I::F64::zero()));
            let m = lw.fma(p.hi, lv * q.hi);
            let exact = [lv * difference, I::F64::zero() - lw * difference];
            let halves = [halves.0, halves.1];
            let mut results = [[0.0; 8]; 2];
            for i in 0..2 {
                let side = sides[i];
                // What is too small for a logarithm is too small for a gradient.
                let ordinary = I::F64::le(m, I::F64::splat(f64::LARGEST));
                let live = I::F64::and(I::F64::le(I::F64::splat(f64::SMALLEST), side), ordinary);
                let one = I::F64::one();
                // Of what is near the side its own difference is a part, to the last digit.
                let near = I::F64::le(exact[i].magnitude(), I::F64::constant(0.5) * side);
                let m = I::F64::select(near, side + exact[i], m);
                let (x, y) = (I::F64::select(live, side, one), I::F64::select(live, m, one));
                let lo = I::F64::select(live, exact[i] - (m - side), I::F64::zero());
                let ln = Ratio::of(x.into(), Parts { hi: y, lo: Some(lo) }).ln();
                if weights[i] == 0.0 {
                    continue;
                }
                let factor = I::F64::constant(-by * weights[i]);
                let gradient = factor * side * (ln + I::F64::constant(halves[i]));
                results[i] = I::F64::select(live, gradient, I::F64::zero()).to_f64s();
            }
            if of_a.len() == n {
                of_a[at..at + len].copy_from_slice(&results[0][..len]);
            }
            if of_b.len() == n {
                of_b[at..at + len].copy_from_slice(&results[1][..len]);
            }
        }
    }
}

/// Adds `by exp((x − max)/T)` to eight lanes, and writes each to an output that is not empty.
pub(crate) struct Exponentials<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) max: Compensated,
    pub(crate) scale: f64,
    pub(crate) by: f64,
    pub(crate) out: &'a mut [T],
    pub(crate) sums: &'a mut [f64; 8],
}

impl<T: Vector> Job for Exponentials<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Exponentials { x, max, scale, by, out, sums } = self;
        let lanes = T::On::<I>::LANES;
        let (max, scale) = (in_two::<T::On<I>>(max), T::On::<I>::constant(scale));
        let by = T::On::<I>::constant(by);
        // SAFETY: eight elements are a sum's vector.
        let mut total = unsafe { I::F64::load(sums.as_ptr()) };
        let mut at = 0;
        let (least, most) = (T::On::<I>::splat(T::EXP_LOWEST), T::On::<I>::splat(T::EXP_HIGHEST));
        while at < x.len() {
            let len = (x.len() - at).min(lanes);
            let first = T::On::<I>::first(len);
            let whole = len == lanes;
            // SAFETY: as many elements are left.
            let given = unsafe {
                if whole {
                    T::On::<I>::load(x.as_ptr().add(at))
                } else {
                    T::On::<I>::load_first(x.as_ptr().add(at), len)
                }
            };
            let s = ((given - max.0) - max.1) * scale;
            let inside = T::On::<I>::and(T::On::<I>::le(least, s), T::On::<I>::le(s, most));
            let each = if T::On::<I>::all(inside) { ScaledExp::of(1.0).exp(s) } else { exp(s) };
            let each = T::On::<I>::select(first, each * by, T::On::<I>::zero());
            for part in 0..lanes / 8 {
                total = total + each.part(part);
            }
            if out.len() == x.len() {
                let place = out.as_mut_ptr().wrapping_add(at);
                // SAFETY: as many places are left.
                unsafe { if whole { each.store(place) } else { each.store_first(place, len) } };
            }
            at += len;
        }
        *sums = total.to_f64s();
    }
}
