//! What the functions over two matrices have in common.

use core_kldiv::{Error, Measure, Options, View};

use crate::error::Failure;
use crate::options::kldiv_options;
use crate::pool;
use crate::view::{self, Span, kldiv_view};

/// The inputs of such a function, looked at in the order options, p, q, mask, weights.
pub(crate) struct Call<'a> {
    pub(crate) p: View<'a>,
    q: View<'a>,
    options: Options<'a>,
    threads: u32,
    inputs: [Span; 4],
}

impl Call<'_> {
    /// # Safety
    /// Each pointer is NULL or points to what it says, which nobody writes to during 'a.
    pub(crate) unsafe fn new<'a>(
        p: *const kldiv_view,
        q: *const kldiv_view,
        options: *const kldiv_options,
    ) -> Result<Call<'a>, Failure> {
        // SAFETY: the caller's promise, for all of these.
        unsafe {
            let given = kldiv_options::read(options)?;
            let mut options = given.for_core()?;
            let (p, p_span) = view::matrix(p, "p")?;
            let q_matters = options.measure != Measure::Entropy;
            let (q, q_span) = if q_matters { view::matrix(q, "q")? } else { (p, Span::NONE) };
            let [mask, weights] = given.per_row(p.rows(), &mut options)?;
            Ok(Call { p, q, options, threads: given.threads, inputs: [p_span, q_span, mask, weights] })
        }
    }

    /// Lets the core compute, on the threads that the caller allows, if `out` lies apart from the inputs.
    pub(crate) fn run(
        self,
        out: Span,
        compute: impl FnOnce(View, View, &Options) -> Result<(), Error> + Send,
    ) -> Result<(), Failure> {
        out.apart(&self.inputs)?;
        let Call { p, q, mut options, threads, .. } = self;
        Ok(pool::run(threads, p.rows() * p.cols(), move |parallel| {
            options.parallel = parallel;
            compute(p, q, &options)
        })?)
    }
}
