//! Triangular matrices, row by row in one slice: solutions for many right sides, Cholesky's factor, and what a matrix
//! has to be before it has one.
//!
//! In plain words: L X = B is solved from the first row on, `x_i = (b_i − l_i0 x_0 − l_i1 x_1 − …) / l_ii`, products
//! taken away one after another, each with one rounding. Cholesky's factor is such a solution, too: of its own rows
//! above, for the entries of a row of A. Lanes are the columns of B, or the rows of A, which have nothing to do with
//! each other, so a cell has the same bits on every instruction set.
//!
//! Departures: eight columns at a time are copied to a *strip*, a row of it being a vector, so that remainders have
//! zeros beside them and nothing else is written to memory; eight of its rows, or four where there are fewer registers,
//! are computed at a time while the rows above pass by once. For Cholesky's factor the strips are panels of eight rows
//! of A, turned. Matrices that are smaller than a vector take the plain loops.

use crate::kernels::lanes::{Isa, Job, Lanes, Numbers, fetch_ahead};
use crate::kernels::transpose::square;

/// Columns of a strip, rows of a panel.
pub(crate) const STRIP: usize = 8;

/// Where a lower triangular factor's entries are: (i, k) is `down` times i and `along` times k from the first.
#[derive(Clone, Copy)]
struct Factor {
    first: *const f64,
    down: isize,
    along: isize,
    /// What the diagonal lacks of its entries.
    one: f64,
}

impl Factor {
    /// # Safety
    /// The factor has such an entry.
    #[inline(always)]
    unsafe fn at<V: Lanes<Real = f64>>(self, i: usize, k: usize) -> V {
        let place = self.first.wrapping_offset(i as isize * self.down + k as isize * self.along);
        // SAFETY: the caller vouches for it.
        V::splat(unsafe { *place })
    }
}

/// R rows of a strip from row i on, less their products with the rows from `from` to there.
///
/// # Safety
/// The strip has these rows, and the factor their entries.
#[inline(always)]
unsafe fn less_known<V: Lanes<Real = f64>, const R: usize>(
    l: Factor,
    strip: *const f64,
    from: usize,
    i: usize,
) -> [V; R] {
    let mut x = [V::zero(); R];
    // SAFETY: the caller vouches for all of them.
    unsafe {
        for r in 0..R {
            x[r] = V::load(strip.add((i + r) * V::LANES));
        }
        for k in from..i {
            let known = V::load(strip.add(k * V::LANES));
            for r in 0..R {
                x[r] = l.at::<V>(i + r, k).fnma(known, x[r]);
            }
        }
    }
    x
}

/// Solves for R rows of a strip from row i on, those from `from` to there being known, and those before being 0.
///
/// # Safety
/// The strip has these rows, and the factor their entries.
#[inline(always)]
unsafe fn solve_rows<V: Lanes<Real = f64>, const R: usize>(
    l: Factor,
    strip: *mut f64,
    from: usize,
    i: usize,
) {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        let mut x = less_known::<V, R>(l, strip, from, i);
        for r in 0..R {
            for k in 0..r {
                x[r] = l.at::<V>(i + r, i + k).fnma(x[k], x[r]);
            }
            x[r] = x[r] / (V::splat(l.one) + l.at::<V>(i + r, i + r));
            x[r].store(strip.add((i + r) * V::LANES));
        }
    }
}

/// Solves for the rows of a strip from i to `end`, as [`solve_rows`].
///
/// # Safety
/// The strip has these rows, and the factor their entries.
#[inline(always)]
unsafe fn solve_strip<I: Isa, V: Lanes<Real = f64>>(
    l: Factor,
    strip: *mut f64,
    from: usize,
    mut i: usize,
    end: usize,
) {
    // SAFETY: the caller vouches for rows before `end`.
    unsafe {
        while I::WIDE && i + 8 <= end {
            solve_rows::<V, 8>(l, strip, from, i);
            i += 8;
        }
        while i + 4 <= end {
            solve_rows::<V, 4>(l, strip, from, i);
            i += 4;
        }
        while i < end {
            solve_rows::<V, 1>(l, strip, from, i);
            i += 1;
        }
    }
}

/// Up to a vector's numbers and zeros.
///
/// # Safety
/// `n <= LANES` numbers are readable.
#[inline(always)]
unsafe fn load_some<V: Lanes<Real = f64>>(from: *const f64, n: usize) -> V {
    // SAFETY: the caller vouches for them.
    unsafe {
        if n == V::LANES { V::load(from) } else { V::select(V::first(n), V::load_first(from, n), V::zero()) }
    }
}

/// Solves L X = B for every column of B, in place; Lᵀ X = B where `transposed`.
///
/// Where `lower`, B is 0 above the diagonal, and so is X; not with `transposed`.
pub(crate) struct Solve<'a> {
    pub(crate) l: &'a [f64],
    /// B, d rows of any number of columns.
    pub(crate) x: &'a mut [f64],
    pub(crate) d: usize,
    pub(crate) lower: bool,
    pub(crate) transposed: bool,
    /// Memory for a strip of d rows.
    pub(crate) strip: &'a mut [f64],
}

impl Job for Solve<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        if self.d < STRIP { self.one_by_one() } else { self.by_strips::<I, I::F64>() }
    }
}

impl Solve<'_> {
    /// The plain loop.
    #[inline(always)]
    fn one_by_one(self) {
        let Solve { l, x, d, lower, transposed, .. } = self;
        assert!(d > 0 && l.len() == d * d && x.len() % d == 0);
        let cols = x.len() / d;
        for i in 0..d {
            let row = if transposed { d - 1 - i } else { i };
            for col in 0..if lower { i + 1 } else { cols } {
                let mut rest = x[row * cols + col];
                for k in if lower { col } else { 0 }..i {
                    let (known, entry) =
                        if transposed { (d - 1 - k, l[(d - 1 - k) * d + row]) } else { (k, l[i * d + k]) };
                    rest = (-entry).mul_add(x[known * cols + col], rest);
                }
                x[row * cols + col] = rest / l[row * (d + 1)];
            }
        }
    }

    #[inline(always)]
    fn by_strips<I: Isa, V: Lanes<Real = f64>>(self) {
        let Solve { l, x, d, lower, transposed, strip } = self;
        assert!(d > 0 && l.len() == d * d && x.len() % d == 0 && strip.len() == STRIP * d);
        let cols = x.len() / d;
        assert!(!lower || cols == d && !transposed);
        let factor = if transposed {
            // Backwards, the transpose is lower triangular again.
            let last = l.as_ptr().wrapping_add(l.len() - 1);
            Factor { first: last, down: -1, along: -(d as isize), one: 0.0 }
        } else {
            Factor { first: l.as_ptr(), down: d as isize, along: 1, one: 0.0 }
        };
        let strip = strip.as_mut_ptr();
        for start in (0..cols).step_by(V::LANES) {
            let n = V::LANES.min(cols - start);
            let from = if lower { start } else { 0 };
            // SAFETY: n columns are left from `start` on; strip and factor have d rows.
            unsafe {
                for i in from..d {
                    let row = if transposed { d - 1 - i } else { i };
                    let b = load_some::<V>(x.as_ptr().add(row * cols + start), n);
                    b.store(strip.add(i * V::LANES));
                }
                solve_strip::<I, V>(factor, strip, from, from, d);
                for i in from..d {
                    let row = if transposed { d - 1 - i } else { i };
                    let (from, to) = (strip.add(i * V::LANES), x.as_mut_ptr().add(row * cols + start));
                    if n == V::LANES {
                        V::load(from).store(to);
                    } else {
                        for lane in 0..n {
                            *to.add(lane) = *from.add(lane);
                        }
                    }
                }
            }
        }
    }
}

/// The sum of all lanes.
#[inline(always)]
fn sum_of_lanes<V: Lanes<Real = f64>>(x: V) -> f64 {
    let x = x + x.swap(4);
    let x = x + x.swap(2);
    (x + x.swap(1)).lane_0()
}

/// The sum of the squares below the diagonal of L_B⁻¹ (L_A − L_B), of two lower triangular matrices.
pub(crate) struct SquaresBelow<'a> {
    pub(crate) a: &'a [f64],
    pub(crate) b: &'a [f64],
    pub(crate) d: usize,
    /// Memory for a strip of d rows.
    pub(crate) strip: &'a mut [f64],
}

impl Job for SquaresBelow<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        if self.d < STRIP { self.one_by_one() } else { self.by_strips::<I, I::F64>() }
    }
}

impl SquaresBelow<'_> {
    /// The plain loop.
    #[inline(always)]
    fn one_by_one(self) -> f64 {
        let SquaresBelow { a, b, d, strip } = self;
        assert!(a.len() == d * d && b.len() == d * d && strip.len() >= d);
        let mut sum = 0.0;
        for j in 0..d {
            for i in j..d {
                let mut rest = a[i * d + j] - b[i * d + j];
                for k in j..i {
                    rest = (-b[i * d + k]).mul_add(strip[k], rest);
                }
                let x = rest / b[i * (d + 1)];
                strip[i] = x;
                if i > j {
                    sum = x.mul_add(x, sum);
                }
            }
        }
        sum
    }

    #[inline(always)]
    fn by_strips<I: Isa, V: Lanes<Real = f64>>(self) -> f64 {
        let SquaresBelow { a, b, d, strip } = self;
        assert!(a.len() == d * d && b.len() == d * d && strip.len() == STRIP * d);
        let factor = Factor { first: b.as_ptr(), down: d as isize, along: 1, one: 0.0 };
        let strip = strip.as_mut_ptr();
        let mut sum = V::zero();
        for start in (0..d).step_by(V::LANES) {
            let n = V::LANES.min(d - start);
            // SAFETY: n columns are left from `start` on; strip and factor have d rows.
            unsafe {
                for i in start..d {
                    let at = i * d + start;
                    let (a, b) = (a.as_ptr().add(at), b.as_ptr().add(at));
                    (load_some::<V>(a, n) - load_some::<V>(b, n)).store(strip.add(i * V::LANES));
                }
                solve_strip::<I, V>(factor, strip, start, start, d);
                for i in start..d {
                    let below = V::first(V::LANES.min(i - start));
                    let x = V::select(below, V::load(strip.add(i * V::LANES)), V::zero());
                    sum = x.fma(x, sum);
                }
            }
        }
        sum_of_lanes(sum)
    }
}

/// The sum of squares.
pub(crate) struct Squares<'a>(pub(crate) &'a [f64]);

impl Job for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Isa>(self) -> f64 {
        let mut sums = [I::F64::zero(); 4];
        for x in self.0.chunks(4 * STRIP) {
            for (i, x) in x.chunks(STRIP).enumerate() {
                // SAFETY: as many are left.
                let x = unsafe { load_some::<I::F64>(x.as_ptr(), x.len()) };
                sums[i] = x.fma(x, sums[i]);
            }
        }
        sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]))
    }
}

/// The lower triangular L with L Lᵀ = A; only A's lower triangle counts.
pub(crate) struct Cholesky<'a> {
    pub(crate) a: &'a [f64],
    pub(crate) d: usize,
    /// What the diagonals of A and L lack: 1 where they are those of 1 + A and 1 + L, else 0.
    pub(crate) one: f64,
    /// A pivot must be more than this part of its diagonal entry.
    pub(crate) loss: f64,
    /// Memory for panels of eight rows, as many as hold d.
    pub(crate) panels: &'a mut [f64],
    /// Where L goes; what is above its diagonal stays.
    pub(crate) l: &'a mut [f64],
}

impl Job for Cholesky<'_> {
    /// Whether every pivot was good enough.
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        if self.d < STRIP { self.one_by_one() } else { self.by_panels::<I, I::F64>() }
    }
}

impl Cholesky<'_> {
    /// The plain loop.
    #[inline(always)]
    fn one_by_one(self) -> bool {
        let Cholesky { a, d, one, loss, l, .. } = self;
        assert!(a.len() == d * d && l.len() == d * d);
        for i in 0..d {
            for j in 0..=i {
                let mut sum = a[i * d + j];
                for k in 0..j {
                    sum = (-l[j * d + k]).mul_add(l[i * d + k], sum);
                }
                if j < i {
                    l[i * d + j] = sum / (one + l[j * d + j]);
                    continue;
                }
                if !(one + sum > loss * (one + a[i * d + i])) {
                    return false;
                }
                let root = (one + sum).sqrt();
                l[i * d + i] = if one == 0.0 { root } else { sum / (1.0 + root) };
            }
        }
        true
    }

    #[inline(always)]
    fn by_panels<I: Isa, V: Lanes<Real = f64>>(self) -> bool {
        let Cholesky { a, d, one, loss, panels, l } = self;
        let panel = V::LANES * d;
        let count = d.div_ceil(V::LANES);
        assert!(a.len() == d * d && l.len() == d * d && panels.len() == count * panel);
        for (j, panel) in panels.chunks_exact_mut(panel).enumerate() {
            turn_in::<V>(a, d, j * V::LANES, panel);
        }
        for j in 0..count {
            let (first, end) = (j * V::LANES, d.min((j + 1) * V::LANES));
            let own = panels[j * panel..].as_mut_ptr();
            // Rows are counted from A's first.
            let factor = Factor { first: own.wrapping_sub(first), down: 1, along: V::LANES as isize, one };
            let mut i = first;
            // SAFETY: a panel has d columns, of which the first `end` are used.
            unsafe {
                while I::WIDE && i + 8 <= end {
                    if !factor_rows::<V, 8>(factor, own, (i, first), a, d, loss) {
                        return false;
                    }
                    i += 8;
                }
                while i + 4 <= end {
                    if !factor_rows::<V, 4>(factor, own, (i, first), a, d, loss) {
                        return false;
                    }
                    i += 4;
                }
                while i < end {
                    if !factor_rows::<V, 1>(factor, own, (i, first), a, d, loss) {
                        return false;
                    }
                    i += 1;
                }
                for other in j + 1..count {
                    let strip = panels[other * panel..].as_mut_ptr();
                    solve_strip::<I, V>(factor, strip, 0, first, end);
                }
            }
        }
        for (j, panel) in panels.chunks_exact(panel).enumerate() {
            turn_out::<V>(panel, d, j * V::LANES, l);
        }
        true
    }
}

/// R columns from column i on of the panel whose first row is `first`, which are those of its diagonal.
///
/// # Safety
/// The panel has these columns, and the factor is the panel's.
#[inline(always)]
unsafe fn factor_rows<V: Lanes<Real = f64>, const R: usize>(
    l: Factor,
    panel: *mut f64,
    (i, first): (usize, usize),
    a: &[f64],
    d: usize,
    loss: f64,
) -> bool {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        let mut x = less_known::<V, R>(l, panel, 0, i);
        for r in 0..R {
            let (column, lane) = (panel.add((i + r) * V::LANES), i + r - first);
            for k in 0..r {
                x[r] = l.at::<V>(i + r, i + k).fnma(x[k], x[r]);
            }
            x[r].store(column);
            let pivot = *column.add(lane);
            if !(l.one + pivot > loss * (l.one + a[(i + r) * (d + 1)])) {
                return false;
            }
            let root = (l.one + pivot).sqrt();
            let entry = if l.one == 0.0 { root } else { pivot / (1.0 + root) };
            x[r] = V::select(V::first(lane), V::zero(), x[r] / V::splat(l.one + entry));
            x[r].store(column);
            *column.add(lane) = entry;
        }
    }
    true
}

/// Copies rows of A, as many as there are lanes, as far as their diagonal, to a panel.
#[inline(always)]
fn turn_in<V: Lanes<Real = f64>>(a: &[f64], d: usize, first: usize, panel: &mut [f64]) {
    let n = V::LANES.min(d - first);
    if n < V::LANES {
        for (k, column) in panel.chunks_exact_mut(V::LANES).enumerate() {
            for i in 0..V::LANES {
                column[i] = if i < n && k <= first + i { a[(first + i) * d + k] } else { 0.0 };
            }
        }
        return;
    }
    for k in (0..=first).step_by(V::LANES) {
        // SAFETY: eight rows are left, and the columns to the end of their diagonal.
        unsafe {
            let block = square::<V>((a.as_ptr().add(first * d), d as isize), k, V::LANES);
            for i in 0..V::LANES {
                block[i].store(panel.as_mut_ptr().add((k + i) * V::LANES));
            }
        }
    }
}

/// Copies a panel to the rows of L that it holds.
#[inline(always)]
fn turn_out<V: Lanes<Real = f64>>(panel: &[f64], d: usize, first: usize, l: &mut [f64]) {
    let n = V::LANES.min(d - first);
    if n < V::LANES {
        for i in 0..n {
            for k in 0..=first + i {
                l[(first + i) * d + k] = panel[k * V::LANES + i];
            }
        }
        return;
    }
    for k in (0..=first).step_by(V::LANES) {
        // SAFETY: a panel is eight wide; eight rows of L are left, and the columns to the end of their diagonal.
        unsafe {
            let block = square::<V>((panel.as_ptr().add(k * V::LANES), V::LANES as isize), 0, V::LANES);
            for i in 0..V::LANES {
                block[i].store(l.as_mut_ptr().add((first + i) * d + k));
            }
        }
    }
}

/// Whether all numbers are finite.
pub(crate) struct Finite<'a>(pub(crate) &'a [f64]);

impl Job for Finite<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        // Zero times what is not finite is a NaN.
        let zero = I::F64::zero();
        let mut sums = [zero; 4];
        for x in self.0.chunks(4 * STRIP) {
            for (i, x) in x.chunks(STRIP).enumerate() {
                fetch_ahead(x.as_ptr());
                // SAFETY: as many are left.
                let x = unsafe { load_some::<I::F64>(x.as_ptr(), x.len()) };
                sums[i] = zero.fma(x, sums[i]);
            }
        }
        I::F64::all(I::F64::equal((sums[0] + sums[1]) + (sums[2] + sums[3]), zero))
    }
}

/// Whether all numbers of a square matrix are finite, and those above its diagonal 0.
pub(crate) struct Lower<'a> {
    pub(crate) a: &'a [f64],
    pub(crate) d: usize,
}

impl Job for Lower<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        let Lower { a, d } = self;
        assert!(d > 0 && a.len() % d == 0);
        // Zero times what is not finite is a NaN.
        let zero = I::F64::zero();
        let (mut any, mut above) = (zero, zero);
        for (i, row) in a.chunks_exact(d).enumerate() {
            for (k, x) in row.chunks(STRIP).enumerate() {
                fetch_ahead(x.as_ptr());
                // SAFETY: as many are left.
                let x = unsafe { load_some::<I::F64>(x.as_ptr(), x.len()) };
                any = zero.fma(x, any);
                let below = (i + 1).saturating_sub(k * STRIP);
                if below < STRIP {
                    above = above + I::F64::select(I::F64::first(below), zero, x.magnitude());
                }
            }
        }
        I::F64::all(I::F64::equal(any + above, zero))
    }
}

/// Whether no entry of a square matrix of finite numbers is farther from its mirror image than the larger of the two
/// entries of the diagonal, times a number, allows.
pub(crate) struct Symmetric<'a> {
    pub(crate) a: &'a [f64],
    pub(crate) d: usize,
    pub(crate) asymmetry: f64,
}

impl Job for Symmetric<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        let Symmetric { a, d, asymmetry } = self;
        assert!(a.len() == d * d);
        let whole = d / STRIP * STRIP;
        let mut good = I::F64::first(STRIP);
        for j in (0..whole).step_by(STRIP) {
            let mut sizes = [0.0; STRIP];
            for lane in 0..STRIP {
                sizes[lane] = a[(j + lane) * (d + 1)].abs();
            }
            // SAFETY: eight numbers are a vector.
            let sizes = unsafe { I::F64::load(sizes.as_ptr()) };
            for i in (j..whole).step_by(STRIP) {
                // SAFETY: both blocks are within the matrix.
                let mirror = unsafe { square::<I::F64>((a.as_ptr().add(j * d), d as isize), i, STRIP) };
                for r in 0..STRIP {
                    // SAFETY: as above.
                    let x = unsafe { I::F64::load(a.as_ptr().add((i + r) * d + j)) };
                    let size = I::F64::splat(a[(i + r) * (d + 1)].abs()).larger(sizes);
                    let near = (x - mirror[r]).magnitude().le(I::F64::splat(asymmetry) * size);
                    good = I::F64::and(good, near);
                }
            }
        }
        let mut rest = true;
        for i in whole..d {
            for j in 0..i {
                let size = a[i * (d + 1)].abs().max(a[j * (d + 1)].abs());
                rest &= (a[i * d + j] - a[j * d + i]).abs() <= asymmetry * size;
            }
        }
        rest && I::F64::all(good)
    }
}
