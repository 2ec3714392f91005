//! The caller's choices: what they are in C, and what the core makes of them.

use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr;

use core_kldiv::{Error, Estimator, Invalid, Measure, Normalization, Options, Reduction, TopK};

use crate::error::Failure;
use crate::status::*;
use crate::view;

/// sum p ln(p/q), the Kullback-Leibler divergence D(P || Q).
pub const KLDIV_MEASURE_KL: u32 = 0;
/// sum (p ln(p/q) - p + q), whose every term is at least 0.
pub const KLDIV_MEASURE_GENERALIZED: u32 = 1;
/// D(Q || P).
pub const KLDIV_MEASURE_REVERSE: u32 = 2;
/// sum (p - q) ln(p/q); the population stability index.
pub const KLDIV_MEASURE_JEFFREYS: u32 = 3;
/// w D(P || M) + (1 - w) D(Q || M), M = w P + (1 - w) Q.
pub const KLDIV_MEASURE_JENSEN_SHANNON: u32 = 4;
/// Its square root, taken after the division by ln(base).
pub const KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE: u32 = 5;
/// ln(sum p^a q^(1-a)) / (a - 1), of the order a = alpha.
pub const KLDIV_MEASURE_RENYI: u32 = 6;
/// -sum p ln p. Q is ignored and may be NULL.
pub const KLDIV_MEASURE_ENTROPY: u32 = 7;
/// -sum p ln q.
pub const KLDIV_MEASURE_CROSS_ENTROPY: u32 = 8;

/// The numbers are taken as they are.
pub const KLDIV_NORMALIZATION_AS_GIVEN: u32 = 0;
/// Each row is divided by its sum; one of zeros is an error.
pub const KLDIV_NORMALIZATION_NORMALIZE: u32 = 1;
/// A sum further from 1 than mass_tolerance is an error.
pub const KLDIV_NORMALIZATION_REQUIRE: u32 = 2;

/// The sum of the rows' results.
pub const KLDIV_REDUCTION_SUM: u32 = 0;
/// Their mean, over the rows that are kept, by weight.
pub const KLDIV_REDUCTION_MEAN: u32 = 1;
/// Over rows the same as MEAN.
pub const KLDIV_REDUCTION_BATCHMEAN: u32 = 2;

/// A bad row gives NaN, the others answers, the status the error.
pub const KLDIV_INVALID_ERROR: u32 = 0;
/// The same results, and KLDIV_OK.
pub const KLDIV_INVALID_NAN: u32 = 1;

/// Monte Carlo: the mean of ln(p/q) over samples of P.
pub const KLDIV_ESTIMATOR_K1: u32 = 0;
/// The mean of half the square of that; biased.
pub const KLDIV_ESTIMATOR_K2: u32 = 1;
/// The mean of q/p - 1 - ln(q/p); every term at least 0.
pub const KLDIV_ESTIMATOR_K3: u32 = 2;

/// Top-k values are logits, made to sum to 1 by themselves.
pub const KLDIV_TOPK_LOGITS_RENORMALIZED: u32 = 0;
/// Log-probabilities; what they lack to 1 is one more outcome.
pub const KLDIV_TOPK_LOGPROBS_TAIL: u32 = 1;
/// Log-probabilities, made to sum to 1 by themselves.
pub const KLDIV_TOPK_LOGPROBS_RENORMALIZED: u32 = 2;

/// A density of the caller's, or its logarithm: the value at x. user is passed through. It runs on the calling
/// thread and must not throw.
pub type kldiv_density = Option<unsafe extern "C" fn(x: f64, user: *mut c_void) -> f64>;

/// A call's choices. NULL in its place, or 0 in any field but struct_size and alpha, means the default. A function
/// looks at what concerns it: not at alpha, say, unless the measure is RENYI.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct kldiv_options {
    /// sizeof(kldiv_options), as KLDIV_OPTIONS_INIT has it: how much of this the caller knows.
    pub struct_size: usize,
    /// KLDIV_MEASURE_..., what is computed.
    pub measure: u32,
    /// KLDIV_NORMALIZATION_..., what is done about sums that are not 1.
    pub normalization: u32,
    /// KLDIV_REDUCTION_..., how rows become one number.
    pub reduction: u32,
    /// KLDIV_INVALID_..., what a bad row does to the status.
    pub invalid: u32,
    /// loss: nonzero if the target is ln p.
    pub log_target: u32,
    /// How many threads share a large call; 0: as many as there are cores, 1: the calling thread alone.
    pub threads: u32,
    /// KLDIV_ESTIMATOR_..., of Monte Carlo.
    pub estimator: u32,
    /// KLDIV_TOPK_..., what sparse targets are.
    pub topk: u32,
    /// quadrature: nonzero if the callbacks return ln p.
    pub log_density: u32,
    /// family: the dimension of a multivariate normal of low rank.
    pub dim: u32,
    /// The base of the logarithm, above 1; 0: e. Results are divided by ln(base): 2 gives bits.
    pub base: f64,
    /// The order of a Renyi divergence, above 0, INFINITY allowed, 1 is KL. It has no default.
    pub alpha: f64,
    /// logits: T of softmax(a / T); 0: 1.
    pub temperature: f64,
    /// The weight of P in the mixture of JENSEN_SHANNON, up to 1; 0: 1/2.
    pub js_weight: f64,
    /// Added to every entry, (c + s) / (sum c + s K); needs NORMALIZE. 0: none.
    pub smoothing: f64,
    /// How far from 1 a sum may be under REQUIRE; 0: 1e-6.
    pub mass_tolerance: f64,
    /// quadrature: the relative error to reach; 0: 1e-9.
    pub rel_tolerance: f64,
    /// NULL, or one byte for each row of p: nonzero keeps the row. Others are not read and give 0.
    pub mask: *const u8,
    /// NULL, or one weight for each row of p, finite and at least 0, which its result is multiplied by.
    pub weights: *const f64,
}

impl kldiv_options {
    /// What the first release knew: no caller knows less.
    const SMALLEST: usize = offset_of!(kldiv_options, topk) + size_of::<u32>();
    /// A struct_size beyond this is a number that was never set.
    const LARGEST: usize = 4096;

    pub(crate) const DEFAULT: kldiv_options = kldiv_options {
        struct_size: size_of::<kldiv_options>(),
        measure: KLDIV_MEASURE_KL,
        normalization: KLDIV_NORMALIZATION_AS_GIVEN,
        reduction: KLDIV_REDUCTION_SUM,
        invalid: KLDIV_INVALID_ERROR,
        log_target: 0,
        threads: 0,
        estimator: KLDIV_ESTIMATOR_K1,
        topk: KLDIV_TOPK_LOGITS_RENORMALIZED,
        log_density: 0,
        dim: 0,
        base: 0.0,
        alpha: 0.0,
        temperature: 0.0,
        js_weight: 0.0,
        smoothing: 0.0,
        mass_tolerance: 0.0,
        rel_tolerance: 0.0,
        mask: ptr::null(),
        weights: ptr::null(),
    };

    /// What the caller chose, whichever release the caller was built with: fields it does not know have their
    /// defaults, and of fields that this release does not know it must have chosen none.
    ///
    /// # Safety
    /// `options` is NULL or as many bytes as it says are readable.
    pub(crate) unsafe fn read(options: *const kldiv_options) -> Result<kldiv_options, Failure> {
        let mut ours = Self::DEFAULT;
        if options.is_null() {
            return Ok(ours);
        }
        // SAFETY: the struct begins with its size, which is readable.
        let size = unsafe { view::read(options.cast::<usize>(), "options") }?;
        if !(Self::SMALLEST..=Self::LARGEST).contains(&size)
            || !size.is_multiple_of(align_of::<kldiv_options>())
        {
            return Err(wrong("has a struct_size that no release has; begin with KLDIV_OPTIONS_INIT"));
        }
        let (theirs, known) = (options.cast::<u8>(), size.min(size_of::<kldiv_options>()));
        // SAFETY: `known` bytes are within both structs, and every field takes any bits.
        unsafe { ptr::copy_nonoverlapping(theirs, (&raw mut ours).cast(), known) };
        // SAFETY: the caller's struct is `size` bytes long.
        if (known..size).any(|i| unsafe { theirs.add(i).read() } != 0) {
            return Err(wrong("has fields set that this release does not know"));
        }
        Ok(ours)
    }

    /// The same for the core, but for mask and weights.
    pub(crate) fn for_core<'a>(&self) -> Result<Options<'a>, Failure> {
        let mut options = Options::default();
        options.measure = self.measure()?;
        options.normalization = match self.normalization {
            KLDIV_NORMALIZATION_AS_GIVEN => Normalization::AsGiven,
            KLDIV_NORMALIZATION_NORMALIZE => Normalization::Normalize,
            KLDIV_NORMALIZATION_REQUIRE => Normalization::Require,
            _ => return Err(unknown("normalization", self.normalization)),
        };
        options.reduction = match self.reduction {
            KLDIV_REDUCTION_SUM => Reduction::Sum,
            KLDIV_REDUCTION_MEAN => Reduction::Mean,
            KLDIV_REDUCTION_BATCHMEAN => Reduction::BatchMean,
            _ => return Err(unknown("reduction", self.reduction)),
        };
        options.invalid = match self.invalid {
            KLDIV_INVALID_ERROR => Invalid::Error,
            KLDIV_INVALID_NAN => Invalid::Nan,
            _ => return Err(unknown("invalid", self.invalid)),
        };
        options.estimator = match self.estimator {
            KLDIV_ESTIMATOR_K1 => Estimator::K1,
            KLDIV_ESTIMATOR_K2 => Estimator::K2,
            KLDIV_ESTIMATOR_K3 => Estimator::K3,
            _ => return Err(unknown("estimator", self.estimator)),
        };
        options.log_density = self.log_density != 0;
        options.base = given(self.base);
        options.smoothing = self.smoothing;
        options.dim = self.dim;
        options.mass_tolerance = given(self.mass_tolerance).unwrap_or(options.mass_tolerance);
        options.log_target = self.log_target != 0;
        options.temperature = given(self.temperature).unwrap_or(options.temperature);
        options.topk = match self.topk {
            KLDIV_TOPK_LOGITS_RENORMALIZED => TopK::LogitsRenormalized,
            KLDIV_TOPK_LOGPROBS_TAIL => TopK::LogProbsTail,
            KLDIV_TOPK_LOGPROBS_RENORMALIZED => TopK::LogProbsRenormalized,
            _ => return Err(unknown("topk", self.topk)),
        };
        options.rel_tolerance = given(self.rel_tolerance).unwrap_or(options.rel_tolerance);
        Ok(options)
    }

    fn measure(&self) -> Result<Measure, Failure> {
        Ok(match self.measure {
            KLDIV_MEASURE_KL => Measure::Kl,
            KLDIV_MEASURE_GENERALIZED => Measure::Generalized,
            KLDIV_MEASURE_REVERSE => Measure::Reverse,
            KLDIV_MEASURE_JEFFREYS => Measure::Jeffreys,
            KLDIV_MEASURE_JENSEN_SHANNON => self.mixture(Measure::JENSEN_SHANNON),
            KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE => self.mixture(Measure::JENSEN_SHANNON_DISTANCE),
            KLDIV_MEASURE_RENYI => Measure::Renyi { alpha: self.alpha },
            KLDIV_MEASURE_ENTROPY => Measure::Entropy,
            KLDIV_MEASURE_CROSS_ENTROPY => Measure::CrossEntropy,
            _ => return Err(unknown("measure", self.measure)),
        })
    }

    /// The measure with the weight that the caller gave, if one was.
    fn mixture(&self, mut measure: Measure) -> Measure {
        if let (Measure::JensenShannon { weight } | Measure::JensenShannonDistance { weight }, Some(given)) =
            (&mut measure, given(self.js_weight))
        {
            *weight = given;
        }
        measure
    }
}

/// A number that the caller set: 0 is none.
fn given(x: f64) -> Option<f64> {
    (x != 0.0).then_some(x)
}

fn wrong(what: &'static str) -> Failure {
    Failure::Argument(KLDIV_ERROR_OPTIONS, "options", what)
}

/// Of an enumeration's number that has no name.
fn unknown(name: &'static str, value: u32) -> Failure {
    Error::Option { name, value: value.into(), expected: "there is no such one" }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = size_of::<kldiv_options>();

    /// What is read from the first bytes of `bytes`, as many as `struct_size` says.
    fn read(options: &kldiv_options, struct_size: usize, beyond: u8) -> Result<kldiv_options, Failure> {
        #[repr(C)]
        struct Caller(kldiv_options, [u8; 64]);
        let caller = Caller(kldiv_options { struct_size, ..*options }, [beyond; 64]);
        // SAFETY: as many bytes as any size below says are there.
        unsafe { kldiv_options::read(&raw const caller.0) }
    }

    fn refused<T>(result: Result<T, Failure>) -> bool {
        matches!(result, Err(Failure::Argument(KLDIV_ERROR_OPTIONS, ..)))
    }

    #[test]
    fn null_is_the_defaults() {
        // SAFETY: NULL is allowed.
        let ours = unsafe { kldiv_options::read(ptr::null()) }.unwrap().for_core().unwrap();
        assert_eq!(format!("{ours:?}"), format!("{:?}", Options::default()));
    }

    #[test]
    fn a_size_that_no_release_has_is_refused() {
        for size in [0, 1, kldiv_options::SMALLEST - 8, SIZE + 1, 1 << 40] {
            assert!(refused(read(&kldiv_options::DEFAULT, size, 0)), "{size}");
        }
    }

    #[test]
    fn an_older_caller_has_defaults_where_it_knows_nothing() {
        let chosen = kldiv_options { measure: 3, base: 2.0, smoothing: 1.0, ..kldiv_options::DEFAULT };
        let older = read(&chosen, offset_of!(kldiv_options, smoothing), 0).unwrap();
        assert_eq!((older.measure, older.base, older.smoothing), (3, 2.0, 0.0));
    }

    #[test]
    fn a_later_caller_is_understood_if_it_chose_nothing_new() {
        assert!(read(&kldiv_options::DEFAULT, SIZE, 1).is_ok());
        assert!(read(&kldiv_options::DEFAULT, SIZE + 64, 0).is_ok());
        assert!(refused(read(&kldiv_options::DEFAULT, SIZE + 64, 1)));
    }

    #[test]
    fn unknown_enumerators_are_refused_by_name_and_number() {
        let said = |options: kldiv_options, what: &str| match options.for_core() {
            Err(failure) => assert_eq!(failure.to_string(), format!("{what}there is no such one")),
            Ok(options) => panic!("{options:?}"),
        };
        for measure in [KLDIV_MEASURE_CROSS_ENTROPY + 1, u32::MAX] {
            let what = format!("option measure is {measure}; ");
            said(kldiv_options { measure, ..kldiv_options::DEFAULT }, &what);
        }
        said(kldiv_options { normalization: 3, ..kldiv_options::DEFAULT }, "option normalization is 3; ");
        said(kldiv_options { reduction: 3, ..kldiv_options::DEFAULT }, "option reduction is 3; ");
        said(kldiv_options { invalid: 2, ..kldiv_options::DEFAULT }, "option invalid is 2; ");
        said(kldiv_options { topk: 3, ..kldiv_options::DEFAULT }, "option topk is 3; ");
        said(kldiv_options { estimator: 3, ..kldiv_options::DEFAULT }, "option estimator is 3; ");
    }

    #[test]
    fn zero_is_the_cores_default_and_other_numbers_are_passed_on() {
        let js = kldiv_options { measure: KLDIV_MEASURE_JENSEN_SHANNON, ..kldiv_options::DEFAULT };
        assert_eq!(js.for_core().unwrap().measure, Measure::JENSEN_SHANNON);
        let skewed = kldiv_options { js_weight: 0.25, ..js }.for_core().unwrap();
        assert_eq!(skewed.measure, Measure::JensenShannon { weight: 0.25 });
        let set = kldiv_options { base: 2.0, mass_tolerance: 0.5, smoothing: -1.0, ..kldiv_options::DEFAULT };
        let set = set.for_core().unwrap();
        assert_eq!((set.base, set.mass_tolerance, set.smoothing), (Some(2.0), 0.5, -1.0));
        let (estimator, log_density) = (KLDIV_ESTIMATOR_K3, 7);
        let set = kldiv_options { estimator, log_density, rel_tolerance: 0.25, ..kldiv_options::DEFAULT };
        let set = set.for_core().unwrap();
        assert_eq!((set.estimator, set.log_density, set.rel_tolerance), (Estimator::K3, true, 0.25));
    }
}
