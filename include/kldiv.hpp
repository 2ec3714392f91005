/**
kldiv for C++17 and newer: kldiv.h with views of what C++ has, options by name, and exceptions.

    #include <kldiv.hpp>
    #include <cstdio>
    #include <vector>

    int main() {
        const std::vector<double> p{0.5, 0.5};  // what the coin does
        const std::vector<double> q{0.7, 0.3};  // what it was taken for
        std::printf("%.4f nats\n", kldiv::kl(p, q));
    }

    c++ -std=c++17 coin.cpp -lkldiv -o coin

Every function here is one of kldiv.h under the same name without its prefix: kldiv::rows() is kldiv_rows(), which
tells formulas, shapes, errors. This file adds no mathematics; results have the same bits. All of it is inline, and the
link line is that of C.

Inputs.   A view is made by itself of anything contiguous (std::vector, std::array, C arrays, std::span): one row; and
          of two-dimensional C arrays and of Eigen's matrices, blocks and maps of either order: their rows, where one of
          Eigen's vectors is one row. For the rest there is view(pointer, rows, cols, row_step, col_step). Nothing
          is copied; what a view is of has to live as long as it does. nullptr is no view, where C takes NULL.
Results.  Functions return numbers and vectors. Those that end in _into write to the caller's memory and allocate
          nothing; their plain outputs are spans of exactly as many numbers as there are results.
Errors.   A failed call throws kldiv::error, which has what kldiv_last_error() knows. Given a pointer to a
          kldiv::status, always the last argument, it throws nothing and writes there how it went; what is returned is
          what C leaves: NaN for bad rows, answers for all others. Only vectors that are returned may still throw
          std::bad_alloc.
Threads.  As in C: any thread may call anything at any time. A status, an options object, a view is a plain value.
*/

#ifndef KLDIV_HPP
#define KLDIV_HPP

#include <kldiv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <limits>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace kldiv {

/* ---- Status and error --------------------------------------------------------------------------------- */

/// What a call can come to.
enum class code : std::int32_t {
    ok = KLDIV_OK,
    null_pointer = KLDIV_ERROR_NULL_POINTER,
    misaligned = KLDIV_ERROR_MISALIGNED,
    size_overflow = KLDIV_ERROR_SIZE_OVERFLOW,
    overlap = KLDIV_ERROR_OVERLAP,
    dtype = KLDIV_ERROR_DTYPE,
    options = KLDIV_ERROR_OPTIONS,
    shape_mismatch = KLDIV_ERROR_SHAPE_MISMATCH,
    empty = KLDIV_ERROR_EMPTY,
    negative = KLDIV_ERROR_NEGATIVE,
    nan = KLDIV_ERROR_NAN,
    infinite = KLDIV_ERROR_INFINITE,
    zero_mass = KLDIV_ERROR_ZERO_MASS,
    not_normalized = KLDIV_ERROR_NOT_NORMALIZED,
    index = KLDIV_ERROR_INDEX,
    parameter = KLDIV_ERROR_PARAMETER,
    not_positive_definite = KLDIV_ERROR_NOT_POSITIVE_DEFINITE,
    unsupported_pair = KLDIV_ERROR_UNSUPPORTED_PAIR,
    not_converged = KLDIV_ERROR_NOT_CONVERGED,
    degenerate = KLDIV_ERROR_DEGENERATE,
    state = KLDIV_ERROR_STATE,
    out_of_memory = KLDIV_ERROR_OUT_OF_MEMORY,
    internal = KLDIV_ERROR_INTERNAL,
};

/// How a call went and, if it failed, what is known of it: kldiv_error, where each field is explained.
class status {
public:
    /// Whether the call succeeded.
    [[nodiscard]] bool ok() const noexcept { return error_.status == KLDIV_OK; }
    [[nodiscard]] kldiv::code code() const noexcept { return static_cast<kldiv::code>(error_.status); }
    /// Which input the first bad entry is of: 0 is the first, 1 the second.
    [[nodiscard]] std::size_t operand() const noexcept { return error_.operand; }
    [[nodiscard]] std::size_t row() const noexcept { return error_.row; }
    [[nodiscard]] std::size_t col() const noexcept { return error_.col; }
    [[nodiscard]] double value() const noexcept { return error_.value; }
    /// A sentence that names the culprit; empty for success.
    [[nodiscard]] const char *message() const noexcept { return error_.message; }

    /// What kldiv_last_error() knows of the calling thread's last failed call.
    [[nodiscard]] static status last() noexcept
    {
        status last;
        kldiv_last_error(&last.error_);
        return last;
    }

    /// A failure that is found on this side of C: a count that is not what it has to be.
    [[nodiscard]] static status of(kldiv::code code, const char *what, std::size_t got, const char *instead_of,
                                   std::size_t wanted) noexcept
    {
        status failed;
        failed.error_.status = static_cast<kldiv_status>(code);
        std::snprintf(failed.error_.message, sizeof failed.error_.message, "%s: %llu instead of %s%llu", what,
                      static_cast<unsigned long long>(got), instead_of, static_cast<unsigned long long>(wanted));
        return failed;
    }

private:
    kldiv_error error_{sizeof(kldiv_error), KLDIV_OK, 0, 0, 0, 0.0, {}};
};

/// What a failed call throws. what() is the status's message.
class error : public std::runtime_error {
public:
    explicit error(const kldiv::status &status) : std::runtime_error(status.message()), status_(status) {}

    [[nodiscard]] const kldiv::status &status() const noexcept { return status_; }
    [[nodiscard]] kldiv::code code() const noexcept { return status_.code(); }
    [[nodiscard]] std::size_t operand() const noexcept { return status_.operand(); }
    [[nodiscard]] std::size_t row() const noexcept { return status_.row(); }
    [[nodiscard]] std::size_t col() const noexcept { return status_.col(); }
    [[nodiscard]] double value() const noexcept { return status_.value(); }

private:
    kldiv::status status_;
};

namespace detail {

/// Throws a failure, or tells it where the caller asked for that. Without exceptions only the latter goes on.
inline void fail(const status &failed, status *into)
{
    if (into != nullptr) {
        *into = failed;
        return;
    }
#if defined(__cpp_exceptions)
    throw error(failed);
#else
    std::fprintf(stderr, "kldiv: %s\n", failed.message());
    std::abort();
#endif
}

inline void check(kldiv_status got, status *into)
{
    if (got != KLDIV_OK)
        fail(status::last(), into);
    else if (into != nullptr && !into->ok())
        *into = status();
}

/// Whether as many of something are given as are needed.
[[nodiscard]] inline bool fits(std::size_t got, std::size_t wanted, const char *what, status *into)
{
    if (got != wanted)
        fail(status::of(code::shape_mismatch, what, got, "", wanted), into);
    return got == wanted;
}

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

} // namespace detail

/* ---- Element types ------------------------------------------------------------------------------------ */

/// IEEE binary16 and bfloat16, for views of bits: view(kldiv::f16(), pointer, rows, cols).
using f16 = std::integral_constant<std::uint32_t, KLDIV_DTYPE_F16>;
using bf16 = std::integral_constant<std::uint32_t, KLDIV_DTYPE_BF16>;

/// An element type's number in C. A type of one's own can be added:
/// `template <> struct kldiv::dtype<Eigen::half> : kldiv::f16 {};`
template <class T, class = void>
struct dtype : std::integral_constant<std::uint32_t, 0> {
};
template <>
struct dtype<double> : std::integral_constant<std::uint32_t, KLDIV_DTYPE_F64> {
};
template <>
struct dtype<float> : std::integral_constant<std::uint32_t, KLDIV_DTYPE_F32> {
};
#if defined(__FLT16_MANT_DIG__) && (defined(__clang__) || __GNUC__ >= 13)
template <>
struct dtype<_Float16> : f16 {
};
#endif
#if defined(__STDCPP_BFLOAT16_T__)
template <>
struct dtype<decltype(0.0bf16)> : bf16 {
};
#endif
/// Counts of 64 bits, whichever of long and long long that is.
template <class T>
struct dtype<T, std::enable_if_t<std::is_integral_v<T> && sizeof(T) == 8>>
    : std::integral_constant<std::uint32_t, std::is_signed_v<T> ? KLDIV_DTYPE_I64 : KLDIV_DTYPE_U64> {
};

/* ---- Spans and views ---------------------------------------------------------------------------------- */

namespace detail {

template <class X, class = void>
struct has_strides : std::false_type {
};
/// A matrix of Eigen's, or one like it.
template <class X>
struct has_strides<X, std::void_t<decltype(std::declval<X &>().data()), decltype(std::declval<X &>().rows()),
                                  decltype(std::declval<X &>().cols()), decltype(std::declval<X &>().outerStride()),
                                  decltype(std::declval<X &>().innerStride()), decltype(X::IsRowMajor)>>
    : std::true_type {
};

template <class X, class = void>
struct has_rows : std::false_type {
};
template <class X>
struct has_rows<X, std::void_t<decltype(std::declval<X &>().rows())>> : std::true_type {
};

template <class X, class = void>
struct has_shape : std::false_type {
};
template <class X>
struct has_shape<X, std::void_t<decltype(std::declval<X &>().shape())>> : std::true_type {
};

/// What data() points to, for a sequence of numbers; else void. A matrix without strides has more than a length.
template <class X, class = void>
struct sequence {
    using element = void;
};
template <class X>
struct sequence<X, std::enable_if_t<!has_rows<X>::value && !has_shape<X>::value,
                                    std::void_t<decltype(std::size(std::declval<X &>())),
                                                decltype(*std::data(std::declval<X &>()))>>> {
    using element = std::remove_pointer_t<decltype(std::data(std::declval<X &>()))>;
};
/// A vector of Eigen's without gaps.
template <class X>
struct sequence<X, std::enable_if_t<has_strides<X>::value && bool(X::IsVectorAtCompileTime) &&
                                    int(X::InnerStrideAtCompileTime) == 1>> {
    using element = std::remove_pointer_t<decltype(std::declval<X &>().data())>;
};

/// The element of a sequence or matrix, const if it may not be written to; of a two-dimensional C array its number.
template <class X, class = void>
struct element_of {
    using type = std::remove_all_extents_t<typename sequence<X>::element>;
};
template <class X>
struct element_of<X, std::enable_if_t<has_strides<X>::value>> {
    using type = std::remove_pointer_t<decltype(std::declval<X &>().data())>;
};

} // namespace detail

/// Numbers one after another: a pointer and how many. std::vector, std::array, C arrays, std::span and Eigen's vectors
/// become one by themselves, and it becomes a std::span. nullptr: none.
template <class T>
class span {
public:
    constexpr span(std::nullptr_t = nullptr) noexcept {}
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <class X, class E = typename detail::sequence<std::remove_reference_t<X>>::element,
              class = std::enable_if_t<std::is_convertible_v<E (*)[], T (*)[]>>>
    constexpr span(X &&x) noexcept : data_(std::data(x)), size_(static_cast<std::size_t>(std::size(x)))
    {
    }

    [[nodiscard]] constexpr T *data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] constexpr T *begin() const noexcept { return data_; }
    [[nodiscard]] constexpr T *end() const noexcept { return data_ + size_; }
    [[nodiscard]] constexpr T &operator[](std::size_t i) const noexcept { return data_[i]; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

namespace detail {

template <class X>
constexpr auto as_span(const X &x) noexcept
{
    return span<const std::remove_const_t<typename sequence<const X>::element>>(x);
}

/// Whether both are sequences of doubles, or both of floats.
template <class P, class Q>
constexpr bool are_vectors =
    std::is_same_v<typename sequence<const P>::element, typename sequence<const Q>::element> &&
    (std::is_same_v<typename sequence<const P>::element, const double> ||
     std::is_same_v<typename sequence<const P>::element, const float>);

/// kldiv_view, or kldiv_view_mut, made from what C++ has. Both are plain values with the fields of C.
template <class C>
class basic_view : public C {
    static constexpr bool writes = std::is_same_v<C, kldiv_view_mut>;
    using pointer = decltype(C::data);

    template <class E>
    static constexpr bool takes =
        dtype<std::remove_const_t<E>>::value != 0 &&
        (!writes || (!std::is_const_v<E> && !std::is_integral_v<E>));

    template <class X, class E = typename element_of<std::remove_reference_t<X>>::type>
    static constexpr bool views = !std::is_base_of_v<C, std::decay_t<X>> && takes<E>;

    constexpr basic_view(std::uint32_t type, pointer first, std::size_t m, std::size_t n,
                         std::ptrdiff_t row_step, std::ptrdiff_t col_step) noexcept
        : C{first, m, n, row_step, col_step, type}
    {
    }

public:
    /// No view: C's NULL.
    constexpr basic_view(std::nullptr_t = nullptr) noexcept : C{nullptr, 0, 0, 0, 0, 0} {}

    /// C's own.
    constexpr basic_view(const C &view) noexcept : C(view) {}

    /// What was written, to be read.
    template <class M, class = std::enable_if_t<!writes && std::is_base_of_v<kldiv_view_mut, M>>>
    constexpr basic_view(const M &m) noexcept : C{m.data, m.rows, m.cols, m.row_stride, m.col_stride, m.dtype}
    {
    }

    /// One row of numbers one after another; the rows of a two-dimensional array; those of a matrix like Eigen's.
    template <class X, class = std::enable_if_t<views<X>>>
    constexpr basic_view(X &&x) noexcept : C(of(x))
    {
    }

    /// m x n numbers, row after row.
    template <class T, class = std::enable_if_t<takes<T>>>
    constexpr basic_view(T *first, std::size_t m, std::size_t n) noexcept
        : basic_view(first, m, n, static_cast<std::ptrdiff_t>(n), 1)
    {
    }

    /// Element (i, j) is first[i * row_step + j * col_step]. A stride of 0 repeats, a negative one walks backwards.
    template <class T, class = std::enable_if_t<takes<T>>>
    constexpr basic_view(T *first, std::size_t m, std::size_t n, std::ptrdiff_t row_step,
                         std::ptrdiff_t col_step) noexcept
        : basic_view(dtype<std::remove_const_t<T>>::value, first, m, n, row_step, col_step)
    {
    }

    /// The same of bits: f16() or bf16(), and a pointer to whatever holds them.
    template <std::uint32_t D>
    constexpr basic_view(std::integral_constant<std::uint32_t, D>, pointer first, std::size_t m,
                         std::size_t n) noexcept
        : basic_view(D, first, m, n, static_cast<std::ptrdiff_t>(n), 1)
    {
    }
    template <std::uint32_t D>
    constexpr basic_view(std::integral_constant<std::uint32_t, D>, pointer first, std::size_t m, std::size_t n,
                         std::ptrdiff_t row_step, std::ptrdiff_t col_step) noexcept
        : basic_view(D, first, m, n, row_step, col_step)
    {
    }

    /// Columns as rows.
    [[nodiscard]] constexpr basic_view transposed() const noexcept
    {
        return {this->dtype, this->data, this->cols, this->rows, this->col_stride, this->row_stride};
    }

    /// The first row standing for many: one distribution against the rows of another view. Inputs only. Without rows
    /// there is none to stand for others.
    [[nodiscard]] constexpr basic_view repeated(std::size_t m) const noexcept
    {
        static_assert(!writes, "an output has no two positions on one element");
        return {this->dtype, this->data, this->rows == 0 ? 0 : m, this->cols, 0, this->col_stride};
    }

    /// What is handed to C.
    [[nodiscard]] constexpr const C *c() const noexcept { return this->dtype == 0 ? nullptr : this; }

private:
    template <class X>
    static constexpr basic_view of(X &x) noexcept
    {
        using element = typename element_of<X>::type;
        const auto number = [](auto n) { return static_cast<std::size_t>(n); };
        const auto stride = [](auto n) { return static_cast<std::ptrdiff_t>(n); };
        if constexpr (has_strides<X>::value) {
            const std::ptrdiff_t outer = stride(x.outerStride()), inner = stride(x.innerStride());
            if constexpr (bool(X::IsVectorAtCompileTime))
                return {x.data(), 1, number(x.size()), 0, inner};
            else if constexpr (bool(X::IsRowMajor))
                return {x.data(), number(x.rows()), number(x.cols()), outer, inner};
            else
                return {x.data(), number(x.rows()), number(x.cols()), inner, outer};
        } else if constexpr (std::rank_v<X> == 2) {
            return {static_cast<element *>(&x[0][0]), std::extent_v<X, 0>, std::extent_v<X, 1>};
        } else {
            return {static_cast<element *>(std::data(x)), 1, number(std::size(x))};
        }
    }
};

} // namespace detail

/// A matrix to read: each row a distribution, each column an outcome.
using view = detail::basic_view<kldiv_view>;
/// A matrix to write to, of a floating-point type.
using view_mut = detail::basic_view<kldiv_view_mut>;

/* ---- Options ------------------------------------------------------------------------------------------ */

/// What is computed.
enum class measure : std::uint32_t {
    kl = KLDIV_MEASURE_KL,
    generalized = KLDIV_MEASURE_GENERALIZED,
    reverse = KLDIV_MEASURE_REVERSE,
    jeffreys = KLDIV_MEASURE_JEFFREYS,
    jensen_shannon = KLDIV_MEASURE_JENSEN_SHANNON,
    jensen_shannon_distance = KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE,
    renyi = KLDIV_MEASURE_RENYI,
    entropy = KLDIV_MEASURE_ENTROPY,
    cross_entropy = KLDIV_MEASURE_CROSS_ENTROPY,
};

/// What is done about sums that are not 1.
enum class normalization : std::uint32_t {
    as_given = KLDIV_NORMALIZATION_AS_GIVEN,
    normalize = KLDIV_NORMALIZATION_NORMALIZE,
    require = KLDIV_NORMALIZATION_REQUIRE,
};

/// How rows become one number.
enum class reduction : std::uint32_t {
    sum = KLDIV_REDUCTION_SUM,
    mean = KLDIV_REDUCTION_MEAN,
    batchmean = KLDIV_REDUCTION_BATCHMEAN,
};

/// What a bad row does beside being NaN: it is an error, or nothing.
enum class invalid : std::uint32_t {
    error = KLDIV_INVALID_ERROR,
    nan = KLDIV_INVALID_NAN,
};

/// Monte Carlo estimators.
enum class estimator : std::uint32_t {
    k1 = KLDIV_ESTIMATOR_K1,
    k2 = KLDIV_ESTIMATOR_K2,
    k3 = KLDIV_ESTIMATOR_K3,
};

/// What the values of sparse targets are.
enum class topk : std::uint32_t {
    logits_renormalized = KLDIV_TOPK_LOGITS_RENORMALIZED,
    logprobs_tail = KLDIV_TOPK_LOGPROBS_TAIL,
    logprobs_renormalized = KLDIV_TOPK_LOGPROBS_RENORMALIZED,
};

/// A call's choices: `kldiv::options().measure(kldiv::measure::renyi).alpha(2).base(2)`. What is not set has its
/// default, which kldiv_options gives field by field.
///
/// A mask and weights are borrowed: the object keeps where they are, and they have to live as long as it is used.
/// Temporary ones are refused. Their lengths are held to the rows of each call.
class options {
public:
    constexpr options &measure(kldiv::measure value) noexcept { return set(c_.measure, value); }
    constexpr options &normalization(kldiv::normalization value) noexcept { return set(c_.normalization, value); }
    constexpr options &reduction(kldiv::reduction value) noexcept { return set(c_.reduction, value); }
    constexpr options &invalid(kldiv::invalid value) noexcept { return set(c_.invalid, value); }
    constexpr options &estimator(kldiv::estimator value) noexcept { return set(c_.estimator, value); }
    constexpr options &topk(kldiv::topk value) noexcept { return set(c_.topk, value); }
    /// loss: the target is ln p.
    constexpr options &log_target(bool value = true) noexcept { return set(c_.log_target, value); }
    /// quadrature: the functions return ln p.
    constexpr options &log_density(bool value = true) noexcept { return set(c_.log_density, value); }
    /// How many threads share a large call; 0: as many as there are cores.
    constexpr options &threads(std::uint32_t value) noexcept { return set(c_.threads, value); }
    /// family: the dimension of a multivariate normal of low rank.
    constexpr options &dim(std::uint32_t value) noexcept { return set(c_.dim, value); }
    /// The base of the logarithm: 2 gives bits.
    constexpr options &base(double value) noexcept { return set(c_.base, value); }
    /// The order of a Renyi divergence.
    constexpr options &alpha(double value) noexcept { return set(c_.alpha, value); }
    constexpr options &temperature(double value) noexcept { return set(c_.temperature, value); }
    /// The weight of P in the mixture of Jensen and Shannon.
    constexpr options &js_weight(double value) noexcept { return set(c_.js_weight, value); }
    constexpr options &smoothing(double value) noexcept { return set(c_.smoothing, value); }
    constexpr options &mass_tolerance(double value) noexcept { return set(c_.mass_tolerance, value); }
    constexpr options &rel_tolerance(double value) noexcept { return set(c_.rel_tolerance, value); }

    /// One entry for each row, nonzero (or true) to keep it: bytes, characters or bools.
    template <class X, class E = typename detail::sequence<const X>::element, class = std::enable_if_t<sizeof(E) == 1>>
    options &mask(const X &kept) noexcept
    {
        return mask(reinterpret_cast<const std::uint8_t *>(std::data(kept)), std::size(kept));
    }
    template <class X>
    options &mask(const X &&) = delete;
    constexpr options &mask(const std::uint8_t *kept, std::size_t rows) noexcept
    {
        masked_ = rows;
        return set(c_.mask, kept);
    }

    /// One weight for each row; `weights({pointer, rows})` of what is no container.
    constexpr options &weights(const span<const double> &weights) noexcept
    {
        weighed_ = weights.size();
        return set(c_.weights, weights.data());
    }
    template <class X, class = std::enable_if_t<!std::is_lvalue_reference_v<X>>>
    options &weights(X &&) = delete;

    /// What is handed to C: NULL if nothing was set, which is the quickest to read.
    [[nodiscard]] constexpr const kldiv_options *c() const noexcept { return set_ ? &c_ : nullptr; }

    /// Whether mask and weights are of as many rows.
    [[nodiscard]] bool fits(std::size_t rows, status *into) const
    {
        return (c_.mask == nullptr || detail::fits(masked_, rows, "mask", into)) &&
               (c_.weights == nullptr || detail::fits(weighed_, rows, "weights", into));
    }

private:
    template <class Field, class Value>
    constexpr options &set(Field &field, Value value) noexcept
    {
        field = static_cast<Field>(value);
        set_ = true;
        return *this;
    }

    kldiv_options c_ = KLDIV_OPTIONS_INIT;
    std::size_t masked_ = 0, weighed_ = 0;
    bool set_ = false;
};

/// The defaults.
inline constexpr options defaults{};

namespace detail {

/// As many results as there are rows (or elements), NaN where C writes none. `call` gets the place for them.
template <class Call>
[[nodiscard]] inline std::vector<double> results(std::size_t count, Call call)
{
    std::vector<double> out(count, nan);
    call(span<double>(out));
    return out;
}

/// How many elements a view has. One that claims more than can be is left to C to refuse.
[[nodiscard]] inline std::size_t elements(std::size_t rows, std::size_t cols) noexcept
{
    return cols != 0 && rows > std::numeric_limits<std::ptrdiff_t>::max() / sizeof(double) / cols ? 0 : rows * cols;
}

/// Whether a span that may be missing has an entry for each row.
[[nodiscard]] inline bool fits_if_any(const double *data, std::size_t got, std::size_t rows, const char *what,
                                      status *into)
{
    return data == nullptr || fits(got, rows, what, into);
}

} // namespace detail

/* ---- Batch: the rows of matrices ---------------------------------------------------------------------- */

/// The divergences of all rows, as one number: kldiv_kl(). q may be nullptr for an entropy.
[[nodiscard]] inline double kl(const view &p, const view &q, const options &o = defaults, status *status = nullptr)
{
    double out = detail::nan;
    if (o.fits(p.rows, status))
        detail::check(kldiv_kl(p.c(), q.c(), o.c(), &out), status);
    return out;
}

/// The divergence of two vectors of doubles or of floats, in nats: kldiv_kl_f64() and kldiv_kl_f32().
template <class P, class Q, class = std::enable_if_t<detail::are_vectors<P, Q>>>
[[nodiscard]] inline double kl(const P &p, const Q &q)
{
    const auto p_span = detail::as_span(p), q_span = detail::as_span(q);
    double out = detail::nan;
    if (detail::fits(q_span.size(), p_span.size(), "q's outcomes", nullptr)) {
        if constexpr (std::is_same_v<decltype(p_span), const span<const double>>)
            detail::check(kldiv_kl_f64(p_span.data(), q_span.data(), p_span.size(), &out), nullptr);
        else
            detail::check(kldiv_kl_f32(p_span.data(), q_span.data(), p_span.size(), &out), nullptr);
    }
    return out;
}

/// The divergence of each row: kldiv_rows(). out has an entry for each.
inline void rows_into(const view &p, const view &q, const span<double> &out, const options &o = defaults,
                      status *status = nullptr)
{
    if (detail::fits(out.size(), p.rows, "out", status) && o.fits(p.rows, status))
        detail::check(kldiv_rows(p.c(), q.c(), o.c(), out.data()), status);
}
[[nodiscard]] inline std::vector<double> rows(const view &p, const view &q, const options &o = defaults,
                                              status *status = nullptr)
{
    return detail::results(p.rows, [&](const span<double> &out) { rows_into(p, q, out, o, status); });
}

/// The terms of the sum, element by element: kldiv_terms().
inline void terms_into(const view &p, const view &q, const view_mut &out, const options &o = defaults,
                       status *status = nullptr)
{
    if (o.fits(p.rows, status))
        detail::check(kldiv_terms(p.c(), q.c(), o.c(), out.c()), status);
}
[[nodiscard]] inline std::vector<double> terms(const view &p, const view &q, const options &o = defaults,
                                               status *status = nullptr)
{
    return detail::results(detail::elements(p.rows, p.cols), [&](const span<double> &out) {
        terms_into(p, q, view_mut(out.data(), p.rows, p.cols), o, status);
    });
}

/* ---- Pairwise: every row against every row ------------------------------------------------------------- */

/// The divergence of every row of p from every row of q, row by row of p: kldiv_pairwise().
inline void pairwise_into(const view &p, const view &q, const span<double> &out, const options &o = defaults,
                          status *status = nullptr)
{
    if (detail::fits(out.size(), detail::elements(p.rows, q.rows), "out", status) && o.fits(p.rows, status))
        detail::check(kldiv_pairwise(p.c(), q.c(), o.c(), out.data()), status);
}
[[nodiscard]] inline std::vector<double> pairwise(const view &p, const view &q, const options &o = defaults,
                                                  status *status = nullptr)
{
    return detail::results(detail::elements(p.rows, q.rows),
                           [&](const span<double> &out) { pairwise_into(p, q, out, o, status); });
}

/// The nearest rows: of row i of p the j-th nearest is row index[i * k + j] of q.
struct neighbours {
    std::vector<std::size_t> index;
    std::vector<double> divergence;
};

/// The k rows of q nearest to each row of p, the nearest first: kldiv_nearest().
inline void nearest_into(const view &p, const view &q, std::size_t k, const span<std::size_t> &index,
                         const span<double> &out, const options &o = defaults, status *status = nullptr)
{
    const std::size_t count = detail::elements(p.rows, k);
    if (detail::fits(index.size(), count, "index", status) && detail::fits(out.size(), count, "out", status) &&
        o.fits(p.rows, status))
        detail::check(kldiv_nearest(p.c(), q.c(), o.c(), k, index.data(), out.data()), status);
}
[[nodiscard]] inline neighbours nearest(const view &p, const view &q, std::size_t k, const options &o = defaults,
                                        status *status = nullptr)
{
    // Room for them is wanted before C can say that q has fewer rows.
    const bool enough = q.c() == nullptr || k <= q.rows;
    if (!enough)
        detail::fail(kldiv::status::of(code::options, "k", k, "at most ", q.rows), status);
    const std::size_t count = enough ? detail::elements(p.rows, k) : 0;
    neighbours found{std::vector<std::size_t>(count, std::numeric_limits<std::size_t>::max()),
                     std::vector<double>(count, detail::nan)};
    if (enough)
        nearest_into(p, q, k, found.index, found.divergence, o, status);
    return found;
}

/* ---- Explain: the sum, term by term ------------------------------------------------------------------- */

/// One outcome's part of a divergence.
using term = kldiv_term;

/// How the divergence of one pair of vectors comes about: kldiv_explain(). out has an entry for each outcome.
inline void explain_into(const view &p, const view &q, const span<term> &out, const options &o = defaults,
                         status *status = nullptr)
{
    if (detail::fits(out.size(), p.cols, "out", status))
        detail::check(kldiv_explain(p.c(), q.c(), o.c(), out.data()), status);
}
[[nodiscard]] inline std::vector<term> explain(const view &p, const view &q, const options &o = defaults,
                                               status *status = nullptr)
{
    const double nan = detail::nan;
    std::vector<term> out(p.cols, term{0, nan, nan, nan, nan, nan, nan});
    explain_into(p, q, out, o, status);
    return out;
}

/* ---- Loss: PyTorch's KLDivLoss ------------------------------------------------------------------------- */

/// nn.KLDivLoss, reduced; the input, ln q, comes first: kldiv_loss().
[[nodiscard]] inline double loss(const view &input, const view &target, const options &o = defaults,
                                 status *status = nullptr)
{
    double out = detail::nan;
    if (o.fits(input.rows, status))
        detail::check(kldiv_loss(input.c(), target.c(), o.c(), &out), status);
    return out;
}

/// Its elements, not reduced: kldiv_loss_pointwise().
inline void loss_pointwise_into(const view &input, const view &target, const view_mut &out,
                                const options &o = defaults, status *status = nullptr)
{
    if (o.fits(input.rows, status))
        detail::check(kldiv_loss_pointwise(input.c(), target.c(), o.c(), out.c()), status);
}

/// Its gradients: kldiv_loss_grad(). upstream is nullptr for 1, one number, or of the input's shape; either gradient
/// may be nullptr.
inline void loss_grad_into(const view &input, const view &target, const view &upstream, const view_mut &grad_input,
                           const view_mut &grad_target, const options &o = defaults, status *status = nullptr)
{
    if (o.fits(input.rows, status))
        detail::check(
            kldiv_loss_grad(input.c(), target.c(), o.c(), upstream.c(), grad_input.c(), grad_target.c()), status);
}

/* ---- Logits: divergences of softmaxes ----------------------------------------------------------------- */

/// D(softmax(a / T) || softmax(b / T)) of each row: kldiv_logits().
inline void logits_into(const view &a, const view &b, const span<double> &out, const options &o = defaults,
                        status *status = nullptr)
{
    if (detail::fits(out.size(), a.rows, "out", status) && o.fits(a.rows, status))
        detail::check(kldiv_logits(a.c(), b.c(), o.c(), out.data()), status);
}
[[nodiscard]] inline std::vector<double> logits(const view &a, const view &b, const options &o = defaults,
                                                status *status = nullptr)
{
    return detail::results(a.rows, [&](const span<double> &out) { logits_into(a, b, out, o, status); });
}

/// The same with its gradients: kldiv_logits_grad(). upstream is nullptr for 1; any result may be nullptr.
inline void logits_grad_into(const view &a, const view &b, const span<const double> &upstream,
                             const span<double> &out, const view_mut &grad_a, const view_mut &grad_b,
                             const options &o = defaults, status *status = nullptr)
{
    if (detail::fits_if_any(upstream.data(), upstream.size(), a.rows, "upstream", status) &&
        detail::fits_if_any(out.data(), out.size(), a.rows, "out", status) && o.fits(a.rows, status))
        detail::check(
            kldiv_logits_grad(a.c(), b.c(), o.c(), upstream.data(), out.data(), grad_a.c(), grad_b.c()), status);
}

/// A teacher of whom only some classes were kept, and the gradient by the student: kldiv_logits_topk(). indices are
/// of the values' shape, row by row; upstream is nullptr for 1; either result may be nullptr.
inline void logits_topk_into(const view &values, const span<const std::int64_t> &indices, const view &b,
                             const span<const double> &upstream, const span<double> &out, const view_mut &grad_b,
                             const options &o = defaults, status *status = nullptr)
{
    if (detail::fits(indices.size(), detail::elements(values.rows, values.cols), "indices", status) &&
        detail::fits_if_any(upstream.data(), upstream.size(), values.rows, "upstream", status) &&
        detail::fits_if_any(out.data(), out.size(), values.rows, "out", status) && o.fits(values.rows, status))
        detail::check(kldiv_logits_topk(values.c(), indices.data(), b.c(), o.c(), upstream.data(), out.data(),
                                        grad_b.c()),
                      status);
}
[[nodiscard]] inline std::vector<double> logits_topk(const view &values, const span<const std::int64_t> &indices,
                                                     const view &b, const options &o = defaults,
                                                     status *status = nullptr)
{
    return detail::results(values.rows, [&](const span<double> &out) {
        logits_topk_into(values, indices, b, nullptr, out, nullptr, o, status);
    });
}

/* ---- VAE: diagonal Gaussians -------------------------------------------------------------------------- */

/// A VAE's posterior against its prior, row by row: kldiv_vae(). Priors that are nullptr: the standard normal.
inline void vae_into(const view &mu, const view &logvar, const view &prior_mu, const view &prior_logvar,
                     const span<double> &out, const options &o = defaults, status *status = nullptr)
{
    if (detail::fits(out.size(), mu.rows, "out", status) && o.fits(mu.rows, status))
        detail::check(kldiv_vae(mu.c(), logvar.c(), prior_mu.c(), prior_logvar.c(), o.c(), out.data()), status);
}
[[nodiscard]] inline std::vector<double> vae(const view &mu, const view &logvar, const view &prior_mu = nullptr,
                                             const view &prior_logvar = nullptr, const options &o = defaults,
                                             status *status = nullptr)
{
    return detail::results(
        mu.rows, [&](const span<double> &out) { vae_into(mu, logvar, prior_mu, prior_logvar, out, o, status); });
}

/// The same with its gradients: kldiv_vae_grad(). upstream is nullptr for 1; any result may be nullptr.
inline void vae_grad_into(const view &mu, const view &logvar, const view &prior_mu, const view &prior_logvar,
                          const span<const double> &upstream, const span<double> &out, const view_mut &grad_mu,
                          const view_mut &grad_logvar, const view_mut &grad_prior_mu,
                          const view_mut &grad_prior_logvar, const options &o = defaults, status *status = nullptr)
{
    if (detail::fits_if_any(upstream.data(), upstream.size(), mu.rows, "upstream", status) &&
        detail::fits_if_any(out.data(), out.size(), mu.rows, "out", status) && o.fits(mu.rows, status))
        detail::check(kldiv_vae_grad(mu.c(), logvar.c(), prior_mu.c(), prior_logvar.c(), o.c(), upstream.data(),
                                     out.data(), grad_mu.c(), grad_logvar.c(), grad_prior_mu.c(),
                                     grad_prior_logvar.c()),
                      status);
}

/* ---- Quadrature: densities ----------------------------------------------------------------------------- */

/// An integral and a bound of its error.
struct integral {
    double value, error;
};

namespace detail {

/// The two densities on their way through C, and what one of them threw.
template <class P, class Q>
struct densities {
    P *p;
    Q *q;
#if defined(__cpp_exceptions)
    std::exception_ptr thrown = nullptr;
#endif

    /// A NaN ends the integration; once something was thrown nothing of the caller's is called any more.
    template <class F>
    double at(F &f, double x) noexcept
    {
#if defined(__cpp_exceptions)
        if (thrown)
            return nan;
        try {
            return static_cast<double>(f(x));
        } catch (...) {
            thrown = std::current_exception();
            return nan;
        }
#else
        return static_cast<double>(f(x));
#endif
    }
};

} // namespace detail

/// The divergence of two densities on a line, each anything that can be called with a double: kldiv_quadrature().
///
/// What a density throws goes neither through C nor lost: the integration ends there, and it is thrown on from here,
/// also where a status is given.
template <class P, class Q>
[[nodiscard]] integral quadrature(P &&p, Q &&q, double lower, double upper, const span<const double> &breaks = nullptr,
                                  const options &o = defaults, status *status = nullptr)
{
    using calls = detail::densities<std::remove_reference_t<P>, std::remove_reference_t<Q>>;
    calls both{std::addressof(p), std::addressof(q)};
    const auto call_p = [](double x, void *user) noexcept {
        calls &made = *static_cast<calls *>(user);
        return made.at(*made.p, x);
    };
    const auto call_q = [](double x, void *user) noexcept {
        calls &made = *static_cast<calls *>(user);
        return made.at(*made.q, x);
    };
    integral out{detail::nan, detail::nan};
    const kldiv_status got = kldiv_quadrature(call_p, call_q, &both, lower, upper, breaks.data(), breaks.size(), o.c(),
                                              &out.value, &out.error);
#if defined(__cpp_exceptions)
    if (both.thrown)
        std::rethrow_exception(both.thrown);
#endif
    detail::check(got, status);
    return out;
}

/* ---- Estimate: samples -------------------------------------------------------------------------------- */

/// The k-nearest-neighbour estimate from points of P and of Q, one a row: kldiv_estimate_knn().
[[nodiscard]] inline double estimate_knn(const view &x, const view &y, std::size_t k, const options &o = defaults,
                                         status *status = nullptr)
{
    double out = detail::nan;
    detail::check(kldiv_estimate_knn(x.c(), y.c(), k, o.c(), &out), status);
    return out;
}

/// A mean and its standard error.
struct estimate {
    double value, standard_error;
};

/// The Monte Carlo estimate from log-densities at samples of P: kldiv_estimate_mc().
[[nodiscard]] inline estimate estimate_mc(const span<const double> &log_p, const span<const double> &log_q,
                                          const options &o = defaults, status *status = nullptr)
{
    estimate out{detail::nan, detail::nan};
    if (detail::fits(log_q.size(), log_p.size(), "log_q", status) && o.fits(log_p.size(), status))
        detail::check(kldiv_estimate_mc(log_p.data(), log_q.data(), log_p.size(), o.c(), &out.value,
                                        &out.standard_error),
                      status);
    return out;
}

/* ---- Family: distributions by their parameters --------------------------------------------------------- */

/// Families of distributions; kldiv.h says which parameters each has.
enum class distribution : std::uint32_t {
    normal = KLDIV_FAMILY_NORMAL,
    laplace = KLDIV_FAMILY_LAPLACE,
    gumbel = KLDIV_FAMILY_GUMBEL,
    logistic = KLDIV_FAMILY_LOGISTIC,
    moyal = KLDIV_FAMILY_MOYAL,
    cauchy = KLDIV_FAMILY_CAUCHY,
    lognormal = KLDIV_FAMILY_LOGNORMAL,
    halfnormal = KLDIV_FAMILY_HALFNORMAL,
    exponential = KLDIV_FAMILY_EXPONENTIAL,
    gamma = KLDIV_FAMILY_GAMMA,
    inversegamma = KLDIV_FAMILY_INVERSEGAMMA,
    chi2 = KLDIV_FAMILY_CHI2,
    chi = KLDIV_FAMILY_CHI,
    beta = KLDIV_FAMILY_BETA,
    kumaraswamy = KLDIV_FAMILY_KUMARASWAMY,
    continuousbernoulli = KLDIV_FAMILY_CONTINUOUSBERNOULLI,
    uniform = KLDIV_FAMILY_UNIFORM,
    weibull = KLDIV_FAMILY_WEIBULL,
    pareto = KLDIV_FAMILY_PARETO,
    studentt = KLDIV_FAMILY_STUDENTT,
    vonmises = KLDIV_FAMILY_VONMISES,
    bernoulli = KLDIV_FAMILY_BERNOULLI,
    bernoulli_logits = KLDIV_FAMILY_BERNOULLI_LOGITS,
    categorical = KLDIV_FAMILY_CATEGORICAL,
    categorical_logits = KLDIV_FAMILY_CATEGORICAL_LOGITS,
    binomial = KLDIV_FAMILY_BINOMIAL,
    negativebinomial = KLDIV_FAMILY_NEGATIVEBINOMIAL,
    geometric = KLDIV_FAMILY_GEOMETRIC,
    poisson = KLDIV_FAMILY_POISSON,
    multinomial = KLDIV_FAMILY_MULTINOMIAL,
    dirichlet = KLDIV_FAMILY_DIRICHLET,
    mvnormal = KLDIV_FAMILY_MVNORMAL,
    mvnormal_tril = KLDIV_FAMILY_MVNORMAL_TRIL,
    mvnormal_precision = KLDIV_FAMILY_MVNORMAL_PRECISION,
    mvnormal_diag = KLDIV_FAMILY_MVNORMAL_DIAG,
    mvnormal_lowrank = KLDIV_FAMILY_MVNORMAL_LOWRANK,
    wishart = KLDIV_FAMILY_WISHART,
    inversewishart = KLDIV_FAMILY_INVERSEWISHART,
};

/// The divergence of each pair of distributions, whose parameters are rows: kldiv_family(). q_params may be nullptr for
/// an entropy.
inline void family_into(distribution p_family, const view &p_params, distribution q_family, const view &q_params,
                        const span<double> &out, const options &o = defaults, status *status = nullptr)
{
    if (detail::fits(out.size(), p_params.rows, "out", status) && o.fits(p_params.rows, status))
        detail::check(kldiv_family(static_cast<std::uint32_t>(p_family), p_params.c(),
                                   static_cast<std::uint32_t>(q_family), q_params.c(), o.c(), out.data()),
                      status);
}
[[nodiscard]] inline std::vector<double> family(distribution p_family, const view &p_params, distribution q_family,
                                                const view &q_params, const options &o = defaults,
                                                status *status = nullptr)
{
    return detail::results(p_params.rows, [&](const span<double> &out) {
        family_into(p_family, p_params, q_family, q_params, out, o, status);
    });
}

/// The same with its gradients by the parameters: kldiv_family_grad(). upstream is nullptr for 1; any result may be
/// nullptr.
inline void family_grad_into(distribution p_family, const view &p_params, distribution q_family,
                             const view &q_params, const span<const double> &upstream, const span<double> &out,
                             const view_mut &grad_p_params, const view_mut &grad_q_params,
                             const options &o = defaults, status *status = nullptr)
{
    if (detail::fits_if_any(upstream.data(), upstream.size(), p_params.rows, "upstream", status) &&
        detail::fits_if_any(out.data(), out.size(), p_params.rows, "out", status) && o.fits(p_params.rows, status))
        detail::check(kldiv_family_grad(static_cast<std::uint32_t>(p_family), p_params.c(),
                                        static_cast<std::uint32_t>(q_family), q_params.c(), o.c(), upstream.data(),
                                        out.data(), grad_p_params.c(), grad_q_params.c()),
                      status);
}

/* ---- Partial: sums in parts, merged ------------------------------------------------------------------- */

/// The sums of a part of the outcomes: kldiv_partial. A plain value, to be copied, stored and sent as the bytes of c(),
/// which are the same on every machine.
class partial {
public:
    /// One to which nothing was added: kldiv_partial_init(). The measure, and what becomes of bad entries, are o's.
    explicit partial(const options &o = defaults, status *status = nullptr)
    {
        detail::check(kldiv_partial_init(&c_, o.c()), status);
    }

    /// One that was stored or sent. Whether it is whole is looked at when it is used.
    explicit partial(const kldiv_partial &stored) noexcept : c_(stored) {}

    /// Adds pairs of elements: kldiv_partial_update(). A call that fails adds nothing.
    partial &update(const view &p, const view &q, status *status = nullptr)
    {
        detail::check(kldiv_partial_update(&c_, p.c(), q.c()), status);
        return *this;
    }

    /// Adds what another one holds: kldiv_partial_merge().
    partial &merge(const partial &from, status *status = nullptr)
    {
        detail::check(kldiv_partial_merge(&c_, &from.c_), status);
        return *this;
    }

    /// The measure of all that was added: kldiv_partial_value().
    [[nodiscard]] double value(const options &o = defaults, status *status = nullptr) const
    {
        double out = detail::nan;
        detail::check(kldiv_partial_value(&c_, o.c(), &out), status);
        return out;
    }

    /// The state itself.
    [[nodiscard]] const kldiv_partial *c() const noexcept { return &c_; }
    [[nodiscard]] kldiv_partial *c() noexcept { return &c_; }

private:
    kldiv_partial c_;
};
static_assert(sizeof(partial) == sizeof(kldiv_partial) && std::is_trivially_copyable_v<partial>);

/// Adds pair i to states[group[i]]: kldiv_partial_update_by(). p and q are sequences of one element type.
template <class P, class Q, class E = std::remove_const_t<typename detail::sequence<const P>::element>,
          class = std::enable_if_t<dtype<E>::value != 0>>
inline void partial_update_by(const span<partial> &states, const span<const std::uint32_t> &group, const P &p,
                              const Q &q, status *status = nullptr)
{
    const span<const E> p_span(p), q_span(q);
    if (detail::fits(p_span.size(), group.size(), "p", status) &&
        (q_span.data() == nullptr || detail::fits(q_span.size(), group.size(), "q", status)))
        detail::check(kldiv_partial_update_by(states.empty() ? nullptr : states.data()->c(), states.size(),
                                              group.data(), p_span.data(), q_span.data(), dtype<E>::value,
                                              group.size()),
                      status);
}

/// Adds from[i] to states[group[i]]: kldiv_partial_merge_by().
inline void partial_merge_by(const span<partial> &states, const span<const std::uint32_t> &group,
                             const span<const partial> &from, status *status = nullptr)
{
    if (detail::fits(from.size(), group.size(), "from", status))
        detail::check(kldiv_partial_merge_by(states.empty() ? nullptr : states.data()->c(), states.size(),
                                             group.data(), from.empty() ? nullptr : from.data()->c(), group.size()),
                      status);
}

/* ---- The library --------------------------------------------------------------------------------------- */

/// The version of the library that runs: major * 10000 + minor * 100 + patch.
[[nodiscard]] inline std::uint32_t version() noexcept
{
    return kldiv_version();
}

/// The instruction set whose kernels run.
[[nodiscard]] inline const char *active_isa() noexcept
{
    return kldiv_active_isa();
}

/// Ends the library's threads, before it is unloaded: kldiv_shutdown().
inline void shutdown() noexcept
{
    kldiv_shutdown();
}

} // namespace kldiv

#endif // KLDIV_HPP
