/**
@mainpage kldiv - the Kullback-Leibler divergence

D(P || Q) = sum p ln(p / q) is what is lost, per outcome, by taking Q for what is really P. A coin that falls
heads and tails alike, taken for one that falls heads seven times in ten:

@code
#include <kldiv.h>
#include <stdio.h>

int main(void) {
    const double p[] = {0.5, 0.5};  // what the coin does
    const double q[] = {0.7, 0.3};  // what it was taken for
    double nats;
    kldiv_status status = kldiv_kl_f64(p, q, 2, &nats);
    if (status != KLDIV_OK) {
        fprintf(stderr, "%s\n", kldiv_status_message(status));
        return 1;
    }
    printf("%.4f nats\n", nats);  // 0.0872 nats
    return 0;
}
@endcode

    cc coin.c -lkldiv -o coin                                                      with the shared library
    cc coin.c libkldiv.a -lutil -lrt -lpthread -lm -ldl -o coin                    or the static one, on Linux

By hand: 0.5 ln(0.5 / 0.7) = -0.168 and 0.5 ln(0.5 / 0.3) = 0.255 make 0.0872 nats; kldiv_explain() gives this
walk for any P and Q. Matrices of any element type and stride are kldiv_kl(), kldiv_rows() and kldiv_terms(), which
take views (kldiv_view) and choices (kldiv_options: the measure, the base, normalization, ...). Models are trained
with kldiv_loss(), kldiv_logits() and kldiv_vae(), whose sisters ending in _grad give the gradients. Data beyond one
machine are added up in parts (kldiv_partial), which have one sum however they are split.

Answers.  P comes first, Q second. 0 ln(0 / q) is 0. Where q is 0 and p is not, the divergence is infinite: that is
          an answer, not an error, and no epsilon is ever added. Results are in nats unless options.base is set.
Errors.   What computes returns a kldiv_status, KLDIV_OK (0) for success. Negative, NaN and infinite probabilities
          are errors; kldiv_last_error() says which entry, in words too. The library never throws and never prints.
Checks.   Arguments are looked at in the order options, inputs, mask, weights, upstream, outputs: of each whether it
          is NULL, of a known element type, aligned, and of a possible size; then whether an output overlaps anything;
          then shapes and the numbers among the options. A call that fails here (statuses 10 to 21, 42) writes nothing.
          Only then are entries looked at, row by row; a bad one costs its row and no other.
Memory.   The caller owns everything: inputs are read during the call and not kept, results go where the caller
          says, there is nothing to free. Texts that are returned live as long as the library. Working memory that
          cannot be had is KLDIV_ERROR_OUT_OF_MEMORY; only where the starting of threads finds none does Rust abort.
Threads.  Any thread may call any function at any time, as long as no one writes to the inputs of a call that is
          under way or touches its outputs. Large calls share their rows among their own thread and others of
          the library's (options.threads in all); the result has the same bits for any number of them. All of it works
          after fork().
Machine.  The host's rounding mode, flush-to-zero and floating-point traps change no result and are left as found,
          and so are the floating-point flags. A function needs at most 8 KiB of the calling thread's stack.
Growth.   A program built with this header runs with every later library of the same soname. Structs that begin
          with struct_size grow at their end, 0 always means the default, and numbers are never reused.

This file is written by `KLDIV_BLESS=1 cargo test -p kldiv-capi --test header` from crates/kldiv-capi.
*/

#ifndef KLDIV_H
#define KLDIV_H

#include <stddef.h>
#include <stdint.h>

/// Stands before every function that returns a status. Define it as __attribute__((warn_unused_result)) or
/// [[nodiscard]] before the header to be warned where one is not looked at.
#ifndef KLDIV_NODISCARD
#define KLDIV_NODISCARD
#endif

#ifdef __cplusplus
#define KLDIV_CAST_(type, x) static_cast<type>(x)
extern "C" {
#else
#define KLDIV_CAST_(type, x) ((type)(x))
#endif

/* ---- Version ------------------------------------------------------------------------------------------ */

/// The version of this header. kldiv_version() is that of the library that runs.
#define KLDIV_VERSION_MAJOR 0
#define KLDIV_VERSION_MINOR 1
#define KLDIV_VERSION_PATCH 0
#define KLDIV_VERSION (KLDIV_VERSION_MAJOR * 10000 + KLDIV_VERSION_MINOR * 100 + KLDIV_VERSION_PATCH)

/// The version of the library that runs, a number like KLDIV_VERSION: major * 10000 + minor * 100 + patch.
/// Since 0.1.
uint32_t kldiv_version(void);

/// The instruction set whose kernels run on this machine: "scalar", "avx2", ... The environment variable
/// KLDIV_ISA chooses a weaker one, never a stronger one. Results do not depend on it.
///
/// @return static text
/// Since 0.1.
const char *kldiv_active_isa(void);

/* ---- Status ------------------------------------------------------------------------------------------- */

/// KLDIV_OK, or what was wrong. The numbers are fixed: 10 to 21, 42 and 60 speak of arguments that make the call
/// meaningless (nothing was written), 30 to 41, 50 and 51 of values in the data, 90 and 99 of the machine and the
/// library.
typedef int32_t kldiv_status;

#define KLDIV_OK 0                                 ///< The call succeeded.

#define KLDIV_ERROR_NULL_POINTER 10                ///< A pointer that must not be NULL is.
#define KLDIV_ERROR_MISALIGNED 11                  ///< A pointer is not aligned to what it points to.
#define KLDIV_ERROR_SIZE_OVERFLOW 12               ///< Sizes and strides span more than memory can hold.
#define KLDIV_ERROR_OVERLAP 13                     ///< An output shares bytes with an input or with itself.
#define KLDIV_ERROR_DTYPE 14                       ///< An element type is unknown, or cannot be used here.
#define KLDIV_ERROR_OPTIONS 15                     ///< An option makes no sense.

#define KLDIV_ERROR_SHAPE_MISMATCH 20              ///< Two shapes that must agree do not.
#define KLDIV_ERROR_EMPTY 21                       ///< There are no outcomes: 0 columns.

#define KLDIV_ERROR_NEGATIVE 30                    ///< A probability or count is negative.
#define KLDIV_ERROR_NAN 31                         ///< An entry is not a number.
#define KLDIV_ERROR_INFINITE 32                    ///< An entry is infinite that must not be, or a sum overflows.
#define KLDIV_ERROR_ZERO_MASS 33                   ///< A row that is to be normalized sums to 0.
#define KLDIV_ERROR_NOT_NORMALIZED 34              ///< A row that is required to sum to 1 does not.
#define KLDIV_ERROR_INDEX 35                       ///< An index is out of range.

#define KLDIV_ERROR_PARAMETER 40                   ///< A distribution's parameter is outside its domain.
#define KLDIV_ERROR_NOT_POSITIVE_DEFINITE 41       ///< A matrix that must be positive definite is not.
#define KLDIV_ERROR_UNSUPPORTED_PAIR 42            ///< There is no answer for this pair of families.

#define KLDIV_ERROR_NOT_CONVERGED 50               ///< The tolerance was not reached.
#define KLDIV_ERROR_DEGENERATE 51                  ///< The samples do not determine an estimate.

#define KLDIV_ERROR_STATE 60                       ///< A state is not one that this library made.

#define KLDIV_ERROR_OUT_OF_MEMORY 90               ///< Memory could not be had.

#define KLDIV_ERROR_INTERNAL 99                    ///< A fault of the library; please report it.

/// What a status means, in a sentence. kldiv_last_error() says more of a particular failure.
///
/// @return static text, also for a number that is no status
/// Since 0.1.
const char *kldiv_status_message(kldiv_status status);

/// What went wrong in a thread's last failed call.
///
/// operand, row, col and value are those of the first bad entry for the statuses 30 to 32 and 35; ZERO_MASS gives
/// operand and row; NOT_NORMALIZED gives operand, row and, as value, the sum; NOT_CONVERGED, as value, the divergence
/// so far in nats; DEGENERATE the operand and, of coinciding points, the row of the first sample; OPTIONS may give the
/// option's value. What does not apply is 0.
typedef struct kldiv_error {
  /// Set by the caller: sizeof(kldiv_error).
  size_t struct_size;
  /// The status that the call returned; KLDIV_OK if none has failed yet.
  kldiv_status status;
  /// Which input: 0 is the first, 1 the second.
  uint32_t operand;
  /// Its row, from 0.
  size_t row;
  /// Its column, from 0.
  size_t col;
  /// The bad value.
  double value;
  /// A sentence that names the culprit: ASCII, ends in NUL, fit to print.
  char message[256];
} kldiv_error;

/// Copies what is known of the calling thread's last failed call. A call that succeeds changes nothing here.
///
/// @param error  its struct_size says how much the caller has room for, and no more is written. NULL, or a size
///               too small for the status: nothing is
/// Thread-safe. Since 0.1.
void kldiv_last_error(kldiv_error *error);

/* ---- The two-line call -------------------------------------------------------------------------------- */

/// The Kullback-Leibler divergence of two vectors of probabilities, in nats:
///
///     *out = sum p[i] ln(p[i] / q[i])
///
/// 0 ln(0 / q) is 0; p[i] > 0 = q[i] makes it infinite. Taken as given: p and q need not sum to 1. The result is
/// accurate also where p and q nearly coincide. Runs on the calling thread and allocates nothing.
/// Source: Kullback and Leibler, "On Information and Sufficiency", 1951.
///
/// @param p, q  n probabilities each, n at least 1
/// @param out   1 double; on failure left alone for statuses 10 to 21, else NaN
/// @return KLDIV_OK, KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED, KLDIV_ERROR_SIZE_OVERFLOW,
///         KLDIV_ERROR_OVERLAP, KLDIV_ERROR_EMPTY, KLDIV_ERROR_NEGATIVE, KLDIV_ERROR_NAN, KLDIV_ERROR_INFINITE
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD kldiv_status kldiv_kl_f64(const double *p, const double *q, size_t n, double *out);

/// kldiv_kl_f64() for floats; the sum is one of doubles, and so is the answer.
///
/// @param p, q  n probabilities each, n at least 1
/// @param out   1 double
/// @return as kldiv_kl_f64()
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD kldiv_status kldiv_kl_f32(const float *p, const float *q, size_t n, double *out);

/* ---- Views -------------------------------------------------------------------------------------------- */

#define KLDIV_DTYPE_F64 1                          ///< IEEE binary64, C's double.
#define KLDIV_DTYPE_F32 2                          ///< IEEE binary32, C's float.
#define KLDIV_DTYPE_F16 3                          ///< IEEE binary16, as in _Float16 or the bits of a uint16_t.
#define KLDIV_DTYPE_BF16 4                         ///< bfloat16, the upper half of a binary32.
#define KLDIV_DTYPE_I64 5                          ///< Signed counts, int64_t. Inputs only.
#define KLDIV_DTYPE_U64 6                          ///< Unsigned counts, uint64_t. Inputs only.

/// A matrix to read: each row a distribution, each column an outcome. A plain vector is one row.
///
/// Element (i, j) lies i * row_stride + j * col_stride elements after data. A stride of 0 repeats a row or a column;
/// a negative one walks backwards. data is aligned to the element's size, and may be NULL if there are no elements.
typedef struct kldiv_view {
  /// Element (0, 0).
  const void *data;
  /// How many rows; with none there is nothing to compute, and that is no error.
  size_t rows;
  /// How many columns, at least 1.
  size_t cols;
  /// From a row to the next, in elements.
  ptrdiff_t row_stride;
  /// From a column to the next, in elements.
  ptrdiff_t col_stride;
  /// KLDIV_DTYPE_...
  uint32_t dtype;
} kldiv_view;

/// A matrix to write to: as kldiv_view, with no two positions on one element and of a floating-point type.
typedef struct kldiv_view_mut {
  /// Element (0, 0).
  void *data;
  /// How many rows.
  size_t rows;
  /// How many columns.
  size_t cols;
  /// From a row to the next, in elements.
  ptrdiff_t row_stride;
  /// From a column to the next, in elements.
  ptrdiff_t col_stride;
  /// KLDIV_DTYPE_F64, F32, F16 or BF16.
  uint32_t dtype;
} kldiv_view_mut;

/// A contiguous row-major matrix of rows x cols elements at ptr, as an initialiser of a kldiv_view or a
/// kldiv_view_mut: `kldiv_view v = KLDIV_VIEW_F64(ptr, rows, cols);`. cols is evaluated twice.
///
/// Other layouts are a change of strides (in elements): the columns of a row-major matrix as rows are rows and
/// cols exchanged, row_stride 1 and col_stride the old number of columns; one row standing for many is
/// row_stride 0; an array walked backwards has a negative stride and data at its last element.
#define KLDIV_VIEW_F64(ptr, rows, cols) KLDIV_VIEW_(ptr, rows, cols, const double, KLDIV_DTYPE_F64)
#define KLDIV_VIEW_F32(ptr, rows, cols) KLDIV_VIEW_(ptr, rows, cols, const float, KLDIV_DTYPE_F32)
#define KLDIV_VIEW_F16(ptr, rows, cols) KLDIV_VIEW_(ptr, rows, cols, const void, KLDIV_DTYPE_F16)
#define KLDIV_VIEW_BF16(ptr, rows, cols) KLDIV_VIEW_(ptr, rows, cols, const void, KLDIV_DTYPE_BF16)
#define KLDIV_VIEW_I64(ptr, rows, cols) KLDIV_VIEW_(ptr, rows, cols, const int64_t, KLDIV_DTYPE_I64)
#define KLDIV_VIEW_U64(ptr, rows, cols) KLDIV_VIEW_(ptr, rows, cols, const uint64_t, KLDIV_DTYPE_U64)
#define KLDIV_VIEW_(ptr, rows, cols, type, dtype) \
  { \
    (ptr), /* data */ \
    KLDIV_CAST_(size_t, rows), /* rows */ \
    KLDIV_CAST_(size_t, cols), /* cols */ \
    KLDIV_CAST_(ptrdiff_t, cols), /* row_stride */ \
    1, /* col_stride */ \
    (dtype) + KLDIV_CHECK_(ptr, type) /* dtype */ \
  }
/* 0, and a complaint of the compiler's where ptr does not point to the type. */
#define KLDIV_CHECK_(ptr, type) (0 * sizeof(1 ? (ptr) : KLDIV_CAST_(type *, NULL)))

/* ---- Options ------------------------------------------------------------------------------------------ */

#define KLDIV_MEASURE_KL 0                         ///< sum p ln(p/q), the Kullback-Leibler divergence D(P || Q).
#define KLDIV_MEASURE_GENERALIZED 1                ///< sum (p ln(p/q) - p + q), whose every term is at least 0.
#define KLDIV_MEASURE_REVERSE 2                    ///< D(Q || P).
#define KLDIV_MEASURE_JEFFREYS 3                   ///< sum (p - q) ln(p/q); the population stability index.
#define KLDIV_MEASURE_JENSEN_SHANNON 4             ///< w D(P || M) + (1 - w) D(Q || M), M = w P + (1 - w) Q.
#define KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE 5    ///< Its square root, taken after the division by ln(base).
#define KLDIV_MEASURE_RENYI 6                      ///< ln(sum p^a q^(1-a)) / (a - 1), of the order a = alpha.
#define KLDIV_MEASURE_ENTROPY 7                    ///< -sum p ln p. Q is ignored and may be NULL.
#define KLDIV_MEASURE_CROSS_ENTROPY 8              ///< -sum p ln q.

#define KLDIV_NORMALIZATION_AS_GIVEN 0             ///< The numbers are taken as they are.
#define KLDIV_NORMALIZATION_NORMALIZE 1            ///< Each row is divided by its sum; one of zeros is an error.
#define KLDIV_NORMALIZATION_REQUIRE 2              ///< A sum further from 1 than mass_tolerance is an error.

#define KLDIV_REDUCTION_SUM 0                      ///< The sum of the rows' results.
#define KLDIV_REDUCTION_MEAN 1                     ///< Their mean, over the rows that are kept, by weight.
#define KLDIV_REDUCTION_BATCHMEAN 2                ///< Over rows the same as MEAN.

#define KLDIV_INVALID_ERROR 0                      ///< A bad row gives NaN, the others answers, the status the error.
#define KLDIV_INVALID_NAN 1                        ///< The same results, and KLDIV_OK.

#define KLDIV_ESTIMATOR_K1 0                       ///< Monte Carlo: the mean of ln(p/q) over samples of P.
#define KLDIV_ESTIMATOR_K2 1                       ///< The mean of half the square of that; biased.
#define KLDIV_ESTIMATOR_K3 2                       ///< The mean of q/p - 1 - ln(q/p); every term at least 0.

#define KLDIV_TOPK_LOGITS_RENORMALIZED 0           ///< Top-k values are logits, made to sum to 1 by themselves.
#define KLDIV_TOPK_LOGPROBS_TAIL 1                 ///< Log-probabilities; what they lack to 1 is one more outcome.
#define KLDIV_TOPK_LOGPROBS_RENORMALIZED 2         ///< Log-probabilities, made to sum to 1 by themselves.

/// A density of the caller's, or its logarithm: the value at x. user is passed through. It runs on the calling
/// thread and must not throw.
typedef double (*kldiv_density)(double x, void *user);

/// A call's choices. NULL in its place, or 0 in any field but struct_size and alpha, means the default. A function
/// looks at what concerns it: not at alpha, say, unless the measure is RENYI.
typedef struct kldiv_options {
  /// sizeof(kldiv_options), as KLDIV_OPTIONS_INIT has it: how much of this the caller knows.
  size_t struct_size;
  /// KLDIV_MEASURE_..., what is computed.
  uint32_t measure;
  /// KLDIV_NORMALIZATION_..., what is done about sums that are not 1.
  uint32_t normalization;
  /// KLDIV_REDUCTION_..., how rows become one number.
  uint32_t reduction;
  /// KLDIV_INVALID_..., what a bad row does to the status.
  uint32_t invalid;
  /// loss: nonzero if the target is ln p.
  uint32_t log_target;
  /// How many threads share a large call; 0: as many as there are cores, 1: the calling thread alone.
  uint32_t threads;
  /// KLDIV_ESTIMATOR_..., of Monte Carlo.
  uint32_t estimator;
  /// KLDIV_TOPK_..., what sparse targets are.
  uint32_t topk;
  /// quadrature: nonzero if the callbacks return ln p.
  uint32_t log_density;
  /// family: the dimension of a multivariate normal of low rank.
  uint32_t dim;
  /// The base of the logarithm, above 1; 0: e. Results are divided by ln(base): 2 gives bits.
  double base;
  /// The order of a Renyi divergence, above 0, INFINITY allowed, 1 is KL. It has no default.
  double alpha;
  /// logits: T of softmax(a / T); 0: 1.
  double temperature;
  /// The weight of P in the mixture of JENSEN_SHANNON, up to 1; 0: 1/2.
  double js_weight;
  /// Added to every entry, (c + s) / (sum c + s K); needs NORMALIZE. 0: none.
  double smoothing;
  /// How far from 1 a sum may be under REQUIRE; 0: 1e-6.
  double mass_tolerance;
  /// quadrature: the relative error to reach; 0: 1e-9.
  double rel_tolerance;
  /// NULL, or one byte for each row of p: nonzero keeps the row. Others are not read and give 0.
  const uint8_t *mask;
  /// NULL, or one weight for each row of p, finite and at least 0, which its result is multiplied by.
  const double *weights;
} kldiv_options;

/// The defaults: `kldiv_options o = KLDIV_OPTIONS_INIT; o.measure = KLDIV_MEASURE_JEFFREYS;`.
#define KLDIV_OPTIONS_INIT \
  { \
    sizeof(kldiv_options), /* struct_size */ \
    0, /* measure */ \
    0, /* normalization */ \
    0, /* reduction */ \
    0, /* invalid */ \
    0, /* log_target */ \
    0, /* threads */ \
    0, /* estimator */ \
    0, /* topk */ \
    0, /* log_density */ \
    0, /* dim */ \
    0.0, /* base */ \
    0.0, /* alpha */ \
    0.0, /* temperature */ \
    0.0, /* js_weight */ \
    0.0, /* smoothing */ \
    0.0, /* mass_tolerance */ \
    0.0, /* rel_tolerance */ \
    NULL, /* mask */ \
    NULL /* weights */ \
  }

/* ---- Batch: the rows of matrices ---------------------------------------------------------------------- */

/// The divergences of all rows, as one number: those of kldiv_rows(), reduced.
///
/// SUM adds them up; MEAN divides that by the number of rows that the mask keeps, or by their weight where weights
/// are given, and is 0 where nothing is kept.
///
/// @param p, q     rows x cols probabilities or counts, of any element types; a row_stride of 0 repeats one row
/// @param options  NULL for the defaults: KL, the sum, in nats, inputs as given
/// @param out      1 double; NaN if a row is bad, 0 if there are no rows
/// @return as kldiv_rows(); KLDIV_ERROR_INFINITE also where rows overflow to both infinities
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_kl(const kldiv_view *p,
                      const kldiv_view *q,
                      const kldiv_options *options,
                      double *out);

/// The divergence of each row of p from the same row of q, in nats, or whatever options.measure asks for:
///
///     out[i] = sum over j of p[i,j] ln(p[i,j] / q[i,j])
///
/// A term with p = 0 is 0; where q = 0 < p the row is infinite. A masked row is not read and gives 0. A row's
/// result is multiplied by its weight. Rows are shared among threads; the result has the same bits for any number.
///
/// @param p, q     rows x cols probabilities or counts, of any element types; a row_stride of 0 repeats one row.
///                 q may be NULL for ENTROPY
/// @param options  NULL for the defaults: KL, in nats, inputs as given
/// @param out      p->rows doubles; those of bad rows become NaN, and all others are answered
/// @return KLDIV_OK; for a call that makes no sense KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED,
///         KLDIV_ERROR_SIZE_OVERFLOW, KLDIV_ERROR_OVERLAP, KLDIV_ERROR_DTYPE, KLDIV_ERROR_OPTIONS,
///         KLDIV_ERROR_SHAPE_MISMATCH, KLDIV_ERROR_EMPTY; of the first bad row KLDIV_ERROR_NEGATIVE,
///         KLDIV_ERROR_NAN, KLDIV_ERROR_INFINITE, KLDIV_ERROR_ZERO_MASS, KLDIV_ERROR_NOT_NORMALIZED;
///         KLDIV_ERROR_OUT_OF_MEMORY
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_rows(const kldiv_view *p,
                        const kldiv_view *q,
                        const kldiv_options *options,
                        double *out);

/// The terms of the sum, element by element, for any measure that is a sum (not RENYI and not
/// JENSEN_SHANNON_DISTANCE):
///
///     out[i,j] = p[i,j] ln(p[i,j] / q[i,j])
///
/// A row's terms are multiplied by its weight, those of a masked row are 0. Each is rounded to the type of out.
///
/// @param p, q     as kldiv_rows()
/// @param options  NULL for the defaults: KL, in nats, inputs as given
/// @param out      p->rows x p->cols elements of a floating-point type, any strides; bad rows become NaN
/// @return as kldiv_rows(); KLDIV_ERROR_OPTIONS for the two measures that have no terms, KLDIV_ERROR_DTYPE for an
///         output of counts
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_terms(const kldiv_view *p,
                         const kldiv_view *q,
                         const kldiv_options *options,
                         const kldiv_view_mut *out);

/* ---- Pairwise: every row against every row ------------------------------------------------------------- */

/// The divergence of every row of p from every row of q, in nats, or whatever options.measure asks for:
///
///     out[i * q->rows + j] = sum over l of p[i,l] ln(p[i,l] / q[j,l])
///
/// As accurate as kldiv_rows() cell by cell, also where rows nearly coincide or have zeros; KL, REVERSE, GENERALIZED,
/// JEFFREYS and CROSS_ENTROPY at the speed of a matrix product. ENTROPY is that of p's row in each of its cells.
/// mask and weights are of the rows of p: a masked row is not read and its cells are 0, a weight multiplies a row of
/// cells. The result has the same bits for any number of threads. Working memory: at most 16 MiB, or 48 rows if
/// those are more, of each matrix as doubles (for JEFFREYS rows of twice the length), 200 KiB and 16 such rows a
/// thread, and 16 bytes a row.
///
/// @param p, q     m x cols and k x cols probabilities or counts, of any element types; they may be one view
/// @param options  NULL for the defaults: KL, in nats, inputs as given
/// @param out      m x k doubles, row after row; a bad row of p makes its row NaN, a bad row of q its column
/// @return as kldiv_rows(); the first bad entry is that of the first cell, row by row, that has one, p before q
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_pairwise(const kldiv_view *p,
                            const kldiv_view *q,
                            const kldiv_options *options,
                            double *out);

/// The k rows of q with the smallest divergences from each row of p, the smallest first; of equal ones the row that
/// comes first in q.
///
/// Infinite divergences come last. A bad row of q is nobody's neighbour; where fewer than k are left, and for a bad
/// row of p, the rest is SIZE_MAX and NaN. A masked row has SIZE_MAX and 0. Weights multiply what is written
/// and do not change who is near. Never has all m x q->rows divergences in memory.
///
/// @param p, q     as kldiv_pairwise()
/// @param options  NULL for the defaults: KL, in nats, inputs as given
/// @param k        how many, at most q->rows
/// @param index    m x k rows of q, from 0
/// @param out      m x k doubles, their divergences
/// @return as kldiv_pairwise(); KLDIV_ERROR_OPTIONS for a k above q->rows
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_nearest(const kldiv_view *p,
                           const kldiv_view *q,
                           const kldiv_options *options,
                           size_t k,
                           size_t *index,
                           double *out);

/* ---- Explain: the sum, term by term ------------------------------------------------------------------- */

/// One outcome's part of a divergence.
typedef struct kldiv_term {
  /// Which outcome, from 0.
  size_t index;
  /// Its probability under P, divided by the sum of P if normalization is NORMALIZE.
  double p;
  /// Its probability under Q, likewise.
  double q;
  /// p / q; infinite for p > q = 0, and 1 for an outcome that neither has.
  double ratio;
  /// ln(p / q), divided by ln(base); 0 for an outcome that neither has.
  double log_ratio;
  /// What it adds to the measure; 0 for p = 0 in KL.
  double contribution;
  /// The contribution as a part of the measure: 0 where that is 0; infinite ones share an infinite one equally.
  double share;
} kldiv_term;

/// How the divergence of one pair of vectors comes about, outcome by outcome: the walk of the coin.
///
///     out[j] = { j, p[j], q[j], p[j] / q[j], ln(p[j] / q[j]), p[j] ln(p[j] / q[j]), that / D }
///
/// With another measure, contribution and share are that measure's. mask and weights do not apply.
///
/// @param p, q     1 x cols probabilities or counts
/// @param options  NULL for the defaults: KL, in nats, inputs as given
/// @param out      p->cols terms; contributions and shares are NaN if an entry is bad
/// @return as kldiv_terms(); KLDIV_ERROR_SHAPE_MISMATCH for more than one row
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_explain(const kldiv_view *p,
                           const kldiv_view *q,
                           const kldiv_options *options,
                           kldiv_term *out);

/* ---- Loss: PyTorch's KLDivLoss ------------------------------------------------------------------------- */

/// PyTorch's nn.KLDivLoss, reduced: first the input, ln q, then the target, p, or ln p with options.log_target.
///
///     *out = sum over i, j of w[i] target (ln target - input)             target = target[i,j], input = input[i,j]
///     *out = sum over i, j of w[i] exp(target) (target - input)           with log_target
///
/// MEAN divides that by the number of elements, BATCHMEAN by the number of rows: the mean divergence is BATCHMEAN.
/// With a mask or weights the number of rows is the weight that is kept. A target of 0 (a logarithm of -infinity)
/// contributes 0 whatever the input is; where a target is possible and its input -infinity the loss is infinite.
///
/// @param input    rows x cols log-probabilities of a floating-point type
/// @param target   rows x cols probabilities or, with log_target, log-probabilities
/// @param options  NULL for the defaults: the sum, in nats; log_target, reduction, base, mask and weights apply
/// @param out      1 double; NaN if a row is bad, 0 if there are no rows
/// @return as kldiv_rows(); KLDIV_ERROR_NAN or KLDIV_ERROR_INFINITE for an input that is NaN or +infinity;
///         KLDIV_ERROR_INFINITE also where finite elements overflow to both infinities, in a row or of different rows
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_loss(const kldiv_view *input,
                        const kldiv_view *target,
                        const kldiv_options *options,
                        double *out);

/// The elements of kldiv_loss(), times their rows' weights, not reduced: PyTorch's reduction="none".
///
/// @param input, target, options  as kldiv_loss()
/// @param out      input->rows x input->cols elements of a floating-point type, any strides; bad rows become NaN
/// @return as kldiv_loss(); KLDIV_ERROR_DTYPE for an output of counts
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_loss_pointwise(const kldiv_view *input,
                                  const kldiv_view *target,
                                  const kldiv_options *options,
                                  const kldiv_view_mut *out);

/// The gradients of kldiv_loss():
///
///     grad_input  = -target, or -exp(target)
///     grad_target = ln target - input + 1, or exp(target) (target - input + 1)
///
/// times the row's weight and upstream, divided as the reduction divides. With respect to a target of 0 it is the
/// one-sided limit, -infinity where the input is finite and infinity where it is not; with respect to a logarithm of
/// -infinity it is 0. Masked rows get 0.
///
/// @param input, target, options  as kldiv_loss()
/// @param upstream     NULL for 1; 1 x 1, the gradient of the reduced loss; or rows x cols, that of
///                     kldiv_loss_pointwise(), where nothing is divided
/// @param grad_input   NULL, or rows x cols elements of a floating-point type; bad rows become NaN
/// @param grad_target  the same with respect to target
/// @return as kldiv_loss(); KLDIV_ERROR_DTYPE for an output of counts
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_loss_grad(const kldiv_view *input,
                             const kldiv_view *target,
                             const kldiv_options *options,
                             const kldiv_view *upstream,
                             const kldiv_view_mut *grad_input,
                             const kldiv_view_mut *grad_target);

/* ---- Logits: divergences of softmaxes ----------------------------------------------------------------- */

/// The divergence of two softmaxes, row by row, straight from logits:
///
///     out[i] = D(softmax(a[i] / T) || softmax(b[i] / T)),    T = options.temperature, without a factor T^2
///
/// The measure is KL (GENERALIZED is the same), REVERSE or JENSEN_SHANNON with its js_weight. One pass over the logits
/// (two for JENSEN_SHANNON) and no temporary; accurate also where the rows nearly coincide or differ by a constant, and
/// never negative. A logit of -infinity is an impossible class; possible in a and impossible in b, D is infinite. A
/// masked row is not read and gives 0; a row's result is multiplied by its weight.
///
/// @param a, b     rows x cols logits of floating-point types; a row_stride of 0 repeats one row
/// @param options  NULL for the defaults: KL, T = 1, in nats; measure, temperature, js_weight, base, mask and weights
///                 apply
/// @param out      a->rows doubles; those of bad rows become NaN, and all others are answered
/// @return as kldiv_rows(); KLDIV_ERROR_NAN or KLDIV_ERROR_INFINITE for a logit that is NaN or +infinity,
///         KLDIV_ERROR_ZERO_MASS for a row that is -infinity throughout, KLDIV_ERROR_DTYPE for counts
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_logits(const kldiv_view *a,
                          const kldiv_view *b,
                          const kldiv_options *options,
                          double *out);

/// kldiv_logits() and its gradients with respect to a and b:
///
///     grad_a[i,j] = upstream[i] w[i] p (ln(p / q) - D) / T        of KL, with p and q the softmaxes
///     grad_b[i,j] = upstream[i] w[i] (q - p) / T
///
/// A masked logit gets 0, and so does a masked row. Where D is infinite, no change of a finite logit makes it finite:
/// grad_a is 0 and grad_b is (q - p) / T there.
///
/// @param a, b, options  as kldiv_logits()
/// @param upstream       NULL for 1, or a->rows doubles
/// @param out            NULL, or a->rows doubles
/// @param grad_a, grad_b NULL, or rows x cols elements of a floating-point type; bad rows become NaN
/// @return as kldiv_logits()
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_logits_grad(const kldiv_view *a,
                               const kldiv_view *b,
                               const kldiv_options *options,
                               const double *upstream,
                               double *out,
                               const kldiv_view_mut *grad_a,
                               const kldiv_view_mut *grad_b);

/// KL of a teacher of which only the k most likely classes were kept, against softmax(b / T):
///
///     out[i] = sum over j < k of p[j] ln(p[j] / q[indices[i * k + j]])       p of values[i]
///
/// options.topk says what the values are: logits, whose softmax at T is p (LOGITS_RENORMALIZED); log-probabilities,
/// divided by their sum (LOGPROBS_RENORMALIZED); or log-probabilities whose missing mass is one more outcome that
/// stands for all classes that are not named (LOGPROBS_TAIL), and adds its own term.
///
/// @param values    rows x k numbers of a floating-point type
/// @param indices   rows * k classes, row by row, from 0 to b->cols - 1, none twice in a row
/// @param b         rows x cols logits of the student
/// @param options   NULL for the defaults; topk, temperature (1 for log-probabilities), base, mask and weights apply
/// @param upstream  NULL for 1, or rows doubles that the gradient's rows are multiplied by
/// @param out       NULL, or rows doubles
/// @param grad_b    NULL, or rows x cols elements of a floating-point type; bad rows become NaN
/// @return as kldiv_logits(); KLDIV_ERROR_INDEX for an index that is out of range or stands twice,
///         KLDIV_ERROR_NOT_NORMALIZED for log-probabilities that sum to more than 1,
///         KLDIV_ERROR_OPTIONS for a temperature with log-probabilities or a measure other than KL
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_logits_topk(const kldiv_view *values,
                               const int64_t *indices,
                               const kldiv_view *b,
                               const kldiv_options *options,
                               const double *upstream,
                               double *out,
                               const kldiv_view_mut *grad_b);

/* ---- VAE: diagonal Gaussians -------------------------------------------------------------------------- */

/// A VAE's posterior against its prior, row by row, from means and logarithms of variances:
///
///     out[i] = sum over j of ((mu - m)^2 exp(-l) + exp(logvar - l) - 1 - (logvar - l)) / 2
///
/// with m and l those of the prior, 0 where it is NULL: the standard normal. Accurate also where mu and logvar are near
/// the prior's. A masked row is not read and gives 0; a row's result is multiplied by its weight.
///
/// @param mu, logvar               rows x cols numbers of floating-point types
/// @param prior_mu, prior_logvar   NULL, or the same of the prior; a row_stride of 0 repeats one row
/// @param options  NULL for the defaults; base, mask and weights apply
/// @param out      mu->rows doubles; those of bad rows become NaN, and all others are answered
/// @return as kldiv_rows(); KLDIV_ERROR_NAN or KLDIV_ERROR_INFINITE for an entry that is not finite, KLDIV_ERROR_DTYPE
///         for counts
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_vae(const kldiv_view *mu,
                       const kldiv_view *logvar,
                       const kldiv_view *prior_mu,
                       const kldiv_view *prior_logvar,
                       const kldiv_options *options,
                       double *out);

/// kldiv_vae() and its gradients, in one pass:
///
///     grad_mu           =  upstream[i] w[i] (mu - m) exp(-l)
///     grad_logvar       =  upstream[i] w[i] (exp(logvar - l) - 1) / 2
///     grad_prior_mu     = -grad_mu
///     grad_prior_logvar =  upstream[i] w[i] (1 - exp(logvar - l) - (mu - m)^2 exp(-l)) / 2
///
/// @param mu, logvar, prior_mu, prior_logvar, options  as kldiv_vae()
/// @param upstream  NULL for 1, or mu->rows doubles
/// @param out       NULL, or mu->rows doubles
/// @param grad_mu, grad_logvar, grad_prior_mu, grad_prior_logvar  NULL, or rows x cols elements of a floating-point
///                  type; bad rows become NaN, masked ones 0
/// @return as kldiv_vae()
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_vae_grad(const kldiv_view *mu,
                            const kldiv_view *logvar,
                            const kldiv_view *prior_mu,
                            const kldiv_view *prior_logvar,
                            const kldiv_options *options,
                            const double *upstream,
                            double *out,
                            const kldiv_view_mut *grad_mu,
                            const kldiv_view_mut *grad_logvar,
                            const kldiv_view_mut *grad_prior_mu,
                            const kldiv_view_mut *grad_prior_logvar);

/* ---- Quadrature: densities ----------------------------------------------------------------------------- */

/// The divergence of two densities on a line, by numerical integration, with a bound of its error:
///
///     *out = integral from lower to upper of p(x) ln(p(x) / q(x)) dx
///
/// The functions return densities or, with options.log_density, their logarithms, -INFINITY for a density of 0:
/// logarithms are needed wherever q underflows. Where p is 0 nothing is added; where q is 0 and p is not, on more than
/// single points, or where the integral diverges, the answer is infinite. p is integrated too: where that does not give
/// 1 within options.rel_tolerance, peaks between the points are searched for, and if none is found the status is
/// KLDIV_ERROR_NOT_CONVERGED.
///
/// @param p, q      called on the calling thread, in the default floating-point environment, some hundreds to thousands
///                  of times, at points strictly between lower and upper; they must not throw or leave by longjmp
/// @param user      passed through
/// @param lower, upper  what encloses the support of P; either may be infinite
/// @param breaks    n_breaks points where a density or its slope jumps or is infinite, in any order; those outside
///                  do no harm. NULL if there are none. The answer is found without them too, with more calls
/// @param options   NULL for the defaults: densities, a relative error of 1e-9, nats
/// @param out       1 double; for KLDIV_ERROR_NOT_CONVERGED the value so far, for other failures of the functions NaN
/// @param error     1 double, a bound of the error of *out, also for KLDIV_ERROR_NOT_CONVERGED; NULL: not wanted
/// @return KLDIV_OK; as kldiv_rows() for a call that makes no sense (KLDIV_ERROR_OPTIONS: limits or breaks that are
///         none); KLDIV_ERROR_NEGATIVE, KLDIV_ERROR_NAN, KLDIV_ERROR_INFINITE for a value that no density has;
///         KLDIV_ERROR_NOT_CONVERGED where the bound is more than rel_tolerance of the value (and than 1e-12);
///         KLDIV_ERROR_OUT_OF_MEMORY. With KLDIV_INVALID_NAN the last five are KLDIV_OK and NaN
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_quadrature(kldiv_density p,
                              kldiv_density q,
                              void *user,
                              double lower,
                              double upper,
                              const double *breaks,
                              size_t n_breaks,
                              const kldiv_options *options,
                              double *out,
                              double *error);

/* ---- Estimate: samples -------------------------------------------------------------------------------- */

/// The k-nearest-neighbour estimate of the divergence from points of P and points of Q:
///
///     *out = d/n sum over i of ln(nu_i / rho_i) + ln(m / (n - 1))
///
/// rho_i is the Euclidean distance of point i of x to the k-th nearest of the other points of x, nu_i that to the k-th
/// nearest point of y. Equal distances count with multiplicity; only point i itself is left out. Its bias falls slowly
/// with n in many dimensions; a larger k lowers the variance and raises the bias. It may be negative. Points are shared
/// among threads; the result has the same bits for any number. Source: Wang, Kulkarni and Verdu, 2009.
///
/// @param x        n x d points of P, of any element type, n > k
/// @param y        m x d points of Q, m >= k
/// @param k        which neighbour, from 1
/// @param options  NULL for the defaults; mask and weights do not apply
/// @param out      1 double; for points that coincide what the formula tends to: INFINITY if they are of x, -INFINITY
///                 if of x and y, NaN if both; for other failures of the points NaN
/// @return KLDIV_OK; as kldiv_rows() for a call that makes no sense (KLDIV_ERROR_OPTIONS: k is 0); KLDIV_ERROR_NAN,
///         KLDIV_ERROR_INFINITE for a coordinate; KLDIV_ERROR_DEGENERATE for too few points (the operand is the sample)
///         and for points that coincide, so that rho or nu is 0 (the operand is the sample that holds the others, 0 for
///         x; the row is that of x); KLDIV_ERROR_OUT_OF_MEMORY
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_estimate_knn(const kldiv_view *x,
                                const kldiv_view *y,
                                size_t k,
                                const kldiv_options *options,
                                double *out);

/// The Monte Carlo estimate of the divergence from ln p and ln q at samples of P, with its standard error. With
/// r = log_q - log_p it is the mean of what options.estimator asks for:
///
///     K1  -r             no bias; the variance of the log ratio, often negative
///     K2  r^2 / 2        biased by a term of third order where P and Q are near; of low variance there
///     K3  e^r - 1 - r    no bias where P covers Q, every term at least 0; of low variance where P and Q are near
///
/// A sample that Q cannot give (log_q is -INFINITY) makes it infinite. Samples are shared among threads; the result has
/// the same bits for any number. Source: Schulman, "Approximating KL divergence", 2020.
///
/// @param log_p, log_q    n log-densities each, of the same samples, n at least 1
/// @param options         NULL for the defaults: K1, in nats. The mask leaves samples out, weights weigh them
/// @param out             1 double; NaN if a sample is bad
/// @param standard_error  1 double: the samples' standard deviation over the root of n, NaN for n = 1, INFINITY for an
///                        infinite *out; NULL: not wanted
/// @return KLDIV_OK; as kldiv_rows() for a call that makes no sense; KLDIV_ERROR_NAN or KLDIV_ERROR_INFINITE of the
///         first bad sample (the row): +INFINITY, or -INFINITY in log_p; KLDIV_ERROR_INFINITE also where some ratios
///         overflow to infinity and others to -infinity; KLDIV_ERROR_OUT_OF_MEMORY
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_estimate_mc(const double *log_p,
                               const double *log_q,
                               size_t n,
                               const kldiv_options *options,
                               double *out,
                               double *standard_error);

/* ---- Family: distributions by their parameters --------------------------------------------------------- */

#define KLDIV_FAMILY_NORMAL 1                      ///< loc, scale
#define KLDIV_FAMILY_LAPLACE 2                     ///< loc, scale
#define KLDIV_FAMILY_GUMBEL 3                      ///< loc, scale; exp(-z - exp(-z))/scale, z = (x - loc)/scale.
#define KLDIV_FAMILY_LOGISTIC 4                    ///< loc, scale
#define KLDIV_FAMILY_MOYAL 5                       ///< loc, scale; exp(-(z + exp(-z))/2)/(scale sqrt(2 pi)).
#define KLDIV_FAMILY_CAUCHY 6                      ///< loc, scale
#define KLDIV_FAMILY_LOGNORMAL 7                   ///< loc, scale, of ln x.
#define KLDIV_FAMILY_HALFNORMAL 8                  ///< scale, of the normal distribution whose half it is.
#define KLDIV_FAMILY_EXPONENTIAL 9                 ///< rate
#define KLDIV_FAMILY_GAMMA 10                      ///< concentration, rate
#define KLDIV_FAMILY_INVERSEGAMMA 11               ///< concentration, rate: density b^a x^(-a-1) e^(-b/x)/Gamma(a).
#define KLDIV_FAMILY_CHI2 12                       ///< df
#define KLDIV_FAMILY_CHI 13                        ///< df
#define KLDIV_FAMILY_BETA 14                       ///< concentration1 a, concentration0 b; x^(a-1) (1-x)^(b-1)/B(a,b).
#define KLDIV_FAMILY_KUMARASWAMY 15                ///< concentration1 a, concentration0 b; a b x^(a-1) (1-x^a)^(b-1).
#define KLDIV_FAMILY_CONTINUOUSBERNOULLI 16        ///< probs: density C l^x (1-l)^(1-x).
#define KLDIV_FAMILY_UNIFORM 17                    ///< low, high
#define KLDIV_FAMILY_WEIBULL 18                    ///< scale, concentration: density (k/s) (x/s)^(k-1) exp(-(x/s)^k).
#define KLDIV_FAMILY_PARETO 19                     ///< scale, alpha: density alpha m^alpha x^(-alpha-1) from m on.
#define KLDIV_FAMILY_STUDENTT 20                   ///< df, loc, scale; scale is not the standard deviation.
#define KLDIV_FAMILY_VONMISES 21                   ///< loc, concentration, over one turn.
#define KLDIV_FAMILY_BERNOULLI 22                  ///< probs, of 1.
#define KLDIV_FAMILY_BERNOULLI_LOGITS 23           ///< logits: ln(p/(1 - p)).
#define KLDIV_FAMILY_CATEGORICAL 24                ///< probs, divided by their sum.
#define KLDIV_FAMILY_CATEGORICAL_LOGITS 25         ///< logits: their softmax; -infinity is an outcome that cannot be.
#define KLDIV_FAMILY_BINOMIAL 26                   ///< total_count, probs
#define KLDIV_FAMILY_NEGATIVEBINOMIAL 27           ///< total_count r, probs s, of what is counted; (1-s)^r s^k.
#define KLDIV_FAMILY_GEOMETRIC 28                  ///< probs: (1-s)^k s from k = 0.
#define KLDIV_FAMILY_POISSON 29                    ///< rate, which may be 0.
#define KLDIV_FAMILY_MULTINOMIAL 30                ///< total_count, then probs, divided by their sum.
#define KLDIV_FAMILY_DIRICHLET 31                  ///< concentration, one an outcome.
#define KLDIV_FAMILY_MVNORMAL 32                   ///< d loc, then d*d covariance_matrix, row by row.
#define KLDIV_FAMILY_MVNORMAL_TRIL 33              ///< d loc, then d*d scale_tril: the lower L with covariance L L^T.
#define KLDIV_FAMILY_MVNORMAL_PRECISION 34         ///< d loc, then d*d precision_matrix.
#define KLDIV_FAMILY_MVNORMAL_DIAG 35              ///< d loc, then d standard deviations.
#define KLDIV_FAMILY_MVNORMAL_LOWRANK 36           ///< d loc, d variances v, then d*r W: covariance W W^T + diag v.
#define KLDIV_FAMILY_WISHART 37                    ///< df, then d*d covariance_matrix V: mean df*V.
#define KLDIV_FAMILY_INVERSEWISHART 38             ///< df, then d*d scale_matrix.

/// The divergence of each pair of distributions, whose parameters are the rows of p_params and q_params:
///
///     out[i] = integral, or sum, of p(x) ln(p(x) / q(x))
///
/// Any two families of a real number go together, and any two of counts; otherwise a family and itself, in any of its
/// parametrisations. Where there is no closed form the divergence is integrated or summed, never sampled. It is
/// infinite where P has mass and Q has none, and where the mean of -ln q is infinite; equal parameters give exactly 0.
/// Of the measures there are KL, GENERALIZED (the same), REVERSE, JEFFREYS, ENTROPY (q is ignored; q_params may be
/// NULL) and CROSS_ENTROPY.
///
/// @param p_family, q_family  KLDIV_FAMILY_...; each says what the columns are
/// @param p_params, q_params  rows x parameters; a row_stride of 0 repeats one distribution
/// @param options  NULL for the defaults: KL, in nats; options.dim is needed for MVNORMAL_LOWRANK
/// @param out      p_params->rows doubles; those of bad rows become NaN, and all others are answered
/// @return KLDIV_OK; for a call that makes no sense KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED,
///         KLDIV_ERROR_SIZE_OVERFLOW, KLDIV_ERROR_OVERLAP, KLDIV_ERROR_DTYPE, KLDIV_ERROR_OPTIONS (a number that is no
///         family is one), KLDIV_ERROR_SHAPE_MISMATCH, KLDIV_ERROR_EMPTY, KLDIV_ERROR_UNSUPPORTED_PAIR; of the first
///         bad row KLDIV_ERROR_PARAMETER, KLDIV_ERROR_NOT_POSITIVE_DEFINITE, KLDIV_ERROR_NOT_CONVERGED;
///         KLDIV_ERROR_OUT_OF_MEMORY
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_family(uint32_t p_family,
                          const kldiv_view *p_params,
                          uint32_t q_family,
                          const kldiv_view *q_params,
                          const kldiv_options *options,
                          double *out);

/// The same for KL, and its derivatives by the parameters, for pairs of one family among NORMAL, GAMMA, BETA,
/// BERNOULLI, CATEGORICAL (either by probabilities or by LOGITS), DIRICHLET and MVNORMAL_TRIL:
///
///     grad_p_params[i,j] = upstream[i] * d out[i] / d p_params[i,j]
///
/// Probabilities of CATEGORICAL are divided by their sum, and the derivative is that of the whole. By a probability of
/// 0 it is the limit from inside; by an entry above the diagonal of a factor it is 0.
///
/// @param p_family, p_params, q_family, q_params, options  as kldiv_family()
/// @param upstream       p_params->rows doubles, or NULL: 1
/// @param out            p_params->rows doubles, or NULL: not wanted
/// @param grad_p_params  of the shape of p_params, of a floating-point type, any strides; or NULL: not wanted
/// @param grad_q_params  of the shape of q_params, likewise
/// @return as kldiv_family(); KLDIV_ERROR_OPTIONS for another measure, KLDIV_ERROR_UNSUPPORTED_PAIR for other pairs
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_family_grad(uint32_t p_family,
                               const kldiv_view *p_params,
                               uint32_t q_family,
                               const kldiv_view *q_params,
                               const kldiv_options *options,
                               const double *upstream,
                               double *out,
                               const kldiv_view_mut *grad_p_params,
                               const kldiv_view_mut *grad_q_params);

/* ---- Partial: sums in parts, merged ------------------------------------------------------------------- */

/// The sums of the terms of a part of the outcomes of two distributions: what is merged with those of other parts, and
/// what an answer is made of. For distributions that are spread over files, machines or days.
///
/// Plain bytes, the same on every machine: it may be copied, written to disk and sent, and lies where a uint64_t may.
/// kldiv_partial_init() makes one; one of zeros is none. A magic, a version and a checksum are looked at whenever one
/// is read, and what this library did not make, or what was damaged since, is KLDIV_ERROR_STATE.
///
/// Terms are added without any rounding, and the sum is rounded once, in kldiv_partial_value(). So neither the split
/// into parts, nor the order of updates and merges, nor the number of threads changes a bit of the value or of the
/// state. One state is used by one thread at a time; others may be used meanwhile.
typedef struct kldiv_partial {
  /// Little-endian, and nobody else's business.
  uint64_t words[178];
} kldiv_partial;

/// Makes a state to which nothing was added.
///
/// options.measure says what it will answer: KL, GENERALIZED, REVERSE, JEFFREYS, ENTROPY or CROSS_ENTROPY.
/// options.invalid says what a bad entry does: with ERROR an update that finds one fails and changes nothing; with
/// NAN it is counted, and the state's value is NaN. The other options are for kldiv_partial_value().
///
/// @param s        1 state, whatever it held
/// @param options  NULL for the defaults: KL, and bad entries are errors
/// @return KLDIV_OK; KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED; KLDIV_ERROR_OPTIONS for another measure, and for
///         smoothing, which depends on the number of outcomes: add it to the elements, and ask for NORMALIZE
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD kldiv_status kldiv_partial_init(kldiv_partial *s, const kldiv_options *options);

/// Adds pairs of elements: all of p, and those of q in the same places, belong to the state's two distributions.
///
/// @param s     1 state
/// @param p, q  rows x cols probabilities or counts, of any element types and strides, counts exactly; q is ignored and
///              may be NULL if the measure is ENTROPY
/// @return KLDIV_OK; KLDIV_ERROR_STATE; as kldiv_rows() for a call that makes no sense; KLDIV_ERROR_NEGATIVE,
///         KLDIV_ERROR_NAN or KLDIV_ERROR_INFINITE of the first bad entry, row by row, p before q. The state is then as
///         it was, so nothing is lost, and nothing is added twice when the call is repeated; so it is for
///         KLDIV_ERROR_OUT_OF_MEMORY
/// Thread-safe; large calls share their elements among as many threads as there are cores. Since 0.1.
KLDIV_NODISCARD kldiv_status kldiv_partial_update(kldiv_partial *s, const kldiv_view *p, const kldiv_view *q);

/// Adds what another state holds. Which was made first, and which is added to which, makes no difference.
///
/// @param into  1 state
/// @param from  1 state, another one, for the same measure and with the same options.invalid
/// @return KLDIV_OK; KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED, KLDIV_ERROR_OVERLAP; KLDIV_ERROR_STATE, also
///         for two that do not go together. *into is then as it was
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD kldiv_status kldiv_partial_merge(kldiv_partial *into, const kldiv_partial *from);

/// The measure of all that was added, in nats or in the units of options.base.
///
/// options.normalization NORMALIZE gives that of the distributions that the elements are counts or weights of, without
/// their totals being known beforehand: to an absolute accuracy of some 1e-16 times |D / P| + |ln(Q / P)|, D the
/// value of what was given, P and Q the totals, and to a relative one where P and Q nearly agree. REQUIRE holds both
/// totals to mass_tolerance. AS_GIVEN is as accurate as kldiv_rows().
///
/// @param s        1 state
/// @param options  NULL for the defaults: nats, elements as given. measure is the state's own, or 0; mask and weights
///                 do not apply
/// @param out      1 double; INFINITY if a term is, NaN for a total that is an error and where bad entries were added
/// @return KLDIV_OK; KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED, KLDIV_ERROR_OVERLAP; KLDIV_ERROR_OPTIONS, also
///         for another measure and for smoothing; KLDIV_ERROR_STATE; and unless options.invalid is NAN
///         KLDIV_ERROR_ZERO_MASS, KLDIV_ERROR_NOT_NORMALIZED, or KLDIV_ERROR_NAN for bad entries
/// Thread-safe. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_partial_value(const kldiv_partial *s,
                                 const kldiv_options *options,
                                 double *out);

/// Adds pair i of elements to the state of its group, s[group[i]]: one call a batch, whatever the number of groups.
///
/// @param s       groups states, made by kldiv_partial_init(); those that are named, for one measure
/// @param groups  how many
/// @param group   n numbers below groups
/// @param p, q    n probabilities or counts each, one after another; q is ignored and may be NULL if the measure is
///                ENTROPY
/// @param dtype   KLDIV_DTYPE_..., of both
/// @param n       how many pairs; with none there is nothing to do
/// @return as kldiv_partial_update(), the first bad entry with row 0; KLDIV_ERROR_INDEX for a number that is not
///         below groups (operand 2, row 0, the value is that number); KLDIV_ERROR_STATE if one of the states that are
///         named is none, or they do not go together; KLDIV_ERROR_OUT_OF_MEMORY: it takes a bit a group. All states
///         are then as they were
/// Thread-safe; the calling thread alone. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_partial_update_by(kldiv_partial *s,
                                     size_t groups,
                                     const uint32_t *group,
                                     const void *p,
                                     const void *q,
                                     uint32_t dtype,
                                     size_t n);

/// Adds state i of from to the state of its group, s[group[i]].
///
/// @param s       groups states
/// @param groups  how many
/// @param group   n numbers below groups
/// @param from    n states, apart from s
/// @param n       how many; with none there is nothing to do
/// @return as kldiv_partial_merge(); KLDIV_ERROR_INDEX and KLDIV_ERROR_OUT_OF_MEMORY as kldiv_partial_update_by().
///         All of s are then as they were
/// Thread-safe; the calling thread alone. Since 0.1.
KLDIV_NODISCARD
kldiv_status kldiv_partial_merge_by(kldiv_partial *s,
                                    size_t groups,
                                    const uint32_t *group,
                                    const kldiv_partial *from,
                                    size_t n);

/* ---- The library's threads ---------------------------------------------------------------------------- */

/// Ends the library's threads and waits until they are gone; needed only before the library is unloaded. Calls that
/// are under way finish on the threads they have; a later call starts new ones.
///
/// Thread-safe. Since 0.1.
void kldiv_shutdown(void);

#ifdef __cplusplus
}
#endif

#endif /* KLDIV_H */
