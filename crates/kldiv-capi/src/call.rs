//! What the functions with options have in common.
//!
//! A function asks its [`Call`] for its arguments in the order in which the header says they are looked at, and then
//! lets it run the core: that is when outputs are compared with inputs and with each other.

use core_kldiv::{Error, Measure, Options, View, ViewMut};

use crate::error::Failure;
use crate::options::kldiv_options;
use crate::pool;
use crate::view::{self, Span, kldiv_view, kldiv_view_mut};

/// A call whose arguments are being looked at.
pub(crate) struct Call<'a> {
    /// What the core is asked for.
    pub(crate) options: Options<'a>,
    mask: *const u8,
    weights: *const f64,
    threads: u32,
    inputs: Spans<7>,
    outputs: Spans<5>,
}

/// Where a few arguments lie: as many as kldiv_vae_grad() has.
struct Spans<const N: usize> {
    spans: [Option<Span>; N],
    len: usize,
}

impl<const N: usize> Spans<N> {
    const NONE: Self = Spans { spans: [None; N], len: 0 };

    fn push(&mut self, span: Span) {
        self.spans[self.len] = Some(span);
        self.len += 1;
    }

    fn iter(&self) -> impl Iterator<Item = Span> {
        self.spans.iter().copied().flatten()
    }
}

/// The contract of all of these: a pointer is NULL or points to what it says, which nobody writes to (inputs) or
/// touches (outputs) during 'a.
impl<'a> Call<'a> {
    /// One with the default options.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Call {
            options: Options::default(),
            mask: std::ptr::null(),
            weights: std::ptr::null(),
            threads: 0,
            inputs: Spans::NONE,
            outputs: Spans::NONE,
        }
    }

    /// Takes the caller's options. Not inlined: a copy of them would stay on the stack below the computation.
    ///
    /// # Safety
    /// As above.
    #[inline(never)]
    pub(crate) unsafe fn read(&mut self, options: *const kldiv_options) -> Result<(), Failure> {
        // SAFETY: the caller's promise.
        let given = unsafe { kldiv_options::read(options) }?;
        self.options = given.for_core()?;
        (self.mask, self.weights, self.threads) = (given.mask, given.weights, given.threads);
        Ok(())
    }

    /// Two matrices whose rows are compared, and the mask and weights of their rows. Entropy has no use for the second.
    ///
    /// # Safety
    /// As above.
    pub(crate) unsafe fn pair(
        &mut self,
        p: *const kldiv_view,
        q: *const kldiv_view,
    ) -> Result<(View<'a>, View<'a>), Failure> {
        // SAFETY: the caller's promise.
        unsafe {
            let p = self.matrix(p, "p")?;
            let q = if self.options.measure == Measure::Entropy { p } else { self.matrix(q, "q")? };
            self.per_row(p.rows())?;
            Ok((p, q))
        }
    }

    /// # Safety
    /// As above.
    pub(crate) unsafe fn matrix(
        &mut self,
        view: *const kldiv_view,
        name: &'static str,
    ) -> Result<View<'a>, Failure> {
        // SAFETY: the caller's promise.
        let (matrix, span) = unsafe { view::matrix(view, name) }?;
        self.inputs.push(span);
        Ok(matrix)
    }

    /// # Safety
    /// As above.
    pub(crate) unsafe fn array<T>(
        &mut self,
        data: *const T,
        len: usize,
        name: &'static str,
    ) -> Result<&'a [T], Failure> {
        // SAFETY: the caller's promise.
        let (array, span) = unsafe { view::array(data, len, name) }?;
        self.inputs.push(span);
        Ok(array)
    }

    /// The options' mask and weights, of so many rows.
    ///
    /// # Safety
    /// As above.
    pub(crate) unsafe fn per_row(&mut self, rows: usize) -> Result<(), Failure> {
        let Call { mask, weights, .. } = *self;
        // SAFETY: the caller's promise.
        unsafe {
            self.options.mask = optional(mask, |mask| self.array(mask, rows, "mask"))?;
            self.options.weights = optional(weights, |weights| self.array(weights, rows, "weights"))?;
        }
        Ok(())
    }

    /// # Safety
    /// As above.
    pub(crate) unsafe fn one_mut<T>(
        &mut self,
        data: *mut T,
        name: &'static str,
    ) -> Result<&'a mut T, Failure> {
        // SAFETY: the caller's promise.
        let (one, span) = unsafe { view::one_mut(data, name) }?;
        self.outputs.push(span);
        Ok(one)
    }

    /// # Safety
    /// As above.
    pub(crate) unsafe fn array_mut<T>(
        &mut self,
        data: *mut T,
        len: usize,
        name: &'static str,
    ) -> Result<&'a mut [T], Failure> {
        // SAFETY: the caller's promise.
        let (array, span) = unsafe { view::array_mut(data, len, name) }?;
        self.outputs.push(span);
        Ok(array)
    }

    /// # Safety
    /// As above.
    pub(crate) unsafe fn matrix_mut(
        &mut self,
        view: *const kldiv_view_mut,
        name: &'static str,
    ) -> Result<ViewMut<'a>, Failure> {
        // SAFETY: the caller's promise.
        let (matrix, span) = unsafe { view::matrix_mut(view, name) }?;
        self.outputs.push(span);
        Ok(matrix)
    }

    /// Lets the core compute, on the threads that the caller allows, if each output lies apart from all else. `work` is
    /// about how many elements there are.
    pub(crate) fn run(
        &mut self,
        work: usize,
        compute: impl FnOnce(&Options) -> Result<(), Error> + Send,
    ) -> Result<(), Failure> {
        self.apart()?;
        let Call { threads, options, .. } = self;
        Ok(pool::run(*threads, work, move |parallel| {
            options.parallel = parallel;
            compute(options)
        })?)
    }

    /// The same on the calling thread alone, where the caller's functions run.
    pub(crate) fn run_here(
        &mut self,
        compute: impl FnOnce(&Options) -> Result<(), Error>,
    ) -> Result<(), Failure> {
        self.apart()?;
        self.options.parallel = false;
        Ok(compute(&self.options)?)
    }

    fn apart(&self) -> Result<(), Failure> {
        for (i, out) in self.outputs.iter().enumerate() {
            self.inputs
                .iter()
                .chain(self.outputs.iter().take(i))
                .try_for_each(|other| out.apart(&[other]))?;
        }
        Ok(())
    }
}

/// What `get` makes of an argument that may be NULL.
pub(crate) fn optional<P: Pointer, T>(
    pointer: P,
    get: impl FnOnce(P) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    if pointer.is_null() { Ok(None) } else { get(pointer).map(Some) }
}

/// `*const T` or `*mut T`.
pub(crate) trait Pointer: Copy {
    fn is_null(self) -> bool;
}

impl<T> Pointer for *const T {
    fn is_null(self) -> bool {
        self.is_null()
    }
}

impl<T> Pointer for *mut T {
    fn is_null(self) -> bool {
        self.is_null()
    }
}
