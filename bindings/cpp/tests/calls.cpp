/*
 * What kldiv.hpp adds to kldiv.h: views of what C++ has, options by name, exceptions and their absence, lambdas.
 * Tables go through it in through_cpp.hpp.
 */
#include <kldiv.hpp>

#include "check.hpp"
#include "matrix.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <list>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#if defined(__cpp_lib_span)
#include <span>
#endif

namespace {

const double inf = std::numeric_limits<double>::infinity();

bool same_fields(const kldiv_view &got, const kldiv_view &wanted)
{
    return got.data == wanted.data && got.rows == wanted.rows && got.cols == wanted.cols &&
           got.row_stride == wanted.row_stride && got.col_stride == wanted.col_stride && got.dtype == wanted.dtype;
}

void sequences_are_one_row()
{
    std::vector<double> vector{0.5, 0.25, 0.25};
    const std::array<float, 2> array{0.5f, 0.5f};
    double plain[2] = {0.5, 0.5};
    const std::vector<std::int64_t> counts{3, 1};
    const std::vector<unsigned long long> more{3, 1};
    const std::vector<long> longs{3, 1};
    CHECK(same_fields(kldiv::view(vector), KLDIV_VIEW_F64(vector.data(), 1, 3)));
    CHECK(same_fields(kldiv::view(array), KLDIV_VIEW_F32(array.data(), 1, 2)));
    CHECK(same_fields(kldiv::view(plain), KLDIV_VIEW_F64(plain, 1, 2)));
    CHECK(kldiv::view(counts).dtype == KLDIV_DTYPE_I64 && kldiv::view(more).dtype == KLDIV_DTYPE_U64);
    CHECK(kldiv::view(longs).dtype == KLDIV_DTYPE_I64);
    CHECK(same_fields(kldiv::view(kldiv::span<double>(vector)), kldiv::view(vector)));
    const kldiv::view_mut out(vector);
    CHECK(out.data == vector.data() && out.rows == 1 && out.cols == 3 && out.dtype == KLDIV_DTYPE_F64);
#if defined(__cpp_lib_span)
    CHECK(same_fields(kldiv::view(std::span<const double>(vector)), kldiv::view(vector)));
    const std::span<const double> back = kldiv::span<const double>(vector);
    CHECK(back.data() == vector.data() && back.size() == 3);
#endif
    CHECK(same_fields(kldiv::view(out), kldiv::view(vector)));
    const std::vector<double> none;
    CHECK(kldiv::view(none).c() != nullptr && kldiv::view(none).cols == 0);
    CHECK(kldiv::view(nullptr).c() == nullptr && kldiv::view_mut(nullptr).c() == nullptr);
}

void matrices_of_either_order_are_their_rows()
{
    double rows[2][3] = {{1, 2, 3}, {4, 5, 6}};
    CHECK(same_fields(kldiv::view(rows), KLDIV_VIEW_F64(&rows[0][0], 2, 3)));
    std::vector<double> data(12);
    const matrix<double, true> row_major(data.data(), 2, 3, 5, 1);
    const matrix<double, false> col_major(data.data(), 2, 3, 4, 2);
    CHECK(same_fields(kldiv::view(row_major), kldiv::view(data.data(), 2, 3, 5, 1)));
    CHECK(same_fields(kldiv::view(col_major), kldiv::view(data.data(), 2, 3, 2, 4)));
    const column_vector<double> column(data.data(), 3, 2);
    CHECK(same_fields(kldiv::view(column), kldiv::view(data.data(), 1, 3, 0, 2)));
    CHECK(same_fields(kldiv::view(row_major).transposed(), kldiv::view(data.data(), 3, 2, 1, 5)));
    CHECK(same_fields(kldiv::view(data).repeated(7), kldiv::view(data.data(), 7, 12, 0, 1)));

    /* The numbers themselves: columns of a matrix that is stored by columns are its rows transposed. */
    const double p[2][2] = {{0.5, 0.5}, {0.1, 0.9}}, q[2][2] = {{0.7, 0.3}, {0.2, 0.8}};
    const double stored[4] = {0.5, 0.1, 0.5, 0.9};
    const matrix<const double, false> by_columns(stored, 2, 2, 2, 1);
    CHECK(kldiv::rows(p, q) == kldiv::rows(by_columns, q));
    std::vector<double> first(2);
    kldiv::rows_into(kldiv::view(p), kldiv::view(q[0]).repeated(2), first);
    CHECK(first[0] == kldiv::kl(p[0], q[0]) && first[1] == kldiv::kl(p[1], q[0]));
}

void halves_are_viewed_by_name()
{
    const std::uint16_t p_bits[2] = {0x3800, 0x3800}, q_bits[2] = {0x3a00, 0x3400}; /* 0.5 0.5; 0.75 0.25 */
    const std::uint16_t q_bf16[2] = {0x3f40, 0x3e80};
    const double p[2] = {0.5, 0.5}, q[2] = {0.75, 0.25};
    const kldiv::view p_half(kldiv::f16(), p_bits, 1, 2), q_half(kldiv::f16(), q_bits, 1, 2);
    const kldiv::view q_brain(kldiv::bf16(), q_bf16, 1, 2, 2, 1);
    CHECK(std::abs(kldiv::kl(p_half, q_half) - kldiv::kl(p, q)) < 1e-6);
    CHECK(std::abs(kldiv::kl(p_half, q_brain) - kldiv::kl(p, q)) < 1e-6);
    const std::array<half, 2> own{half{0x3a00}, half{0x3400}};
    CHECK(kldiv::kl(p_half, own) == kldiv::kl(p_half, q_half));
    std::array<half, 2> terms{};
    kldiv::terms_into(p, q, terms);
    CHECK(terms[0].bits == 0xb27d && terms[1].bits == 0x358c); /* -0.2027, 0.3466 */
}

/* What must not compile, compiled: each would be a wrong answer, a dangling pointer or a matrix taken for a row. */
template <class View, class X>
constexpr bool makes = std::is_constructible_v<View, X>;
static_assert(makes<kldiv::view, std::vector<double> &> && makes<kldiv::view, const std::vector<double> &>);
static_assert(!makes<kldiv::view, std::vector<int> &> && !makes<kldiv::view, std::list<double> &>);
static_assert(!makes<kldiv::view, std::vector<bool> &> && !makes<kldiv::view, std::string &>);
static_assert(makes<kldiv::view_mut, std::vector<double> &> && !makes<kldiv::view_mut, const std::vector<double> &>);
static_assert(!makes<kldiv::view_mut, std::vector<std::int64_t> &> && !makes<kldiv::view_mut, kldiv::view &>);
static_assert(!makes<kldiv::view, no_strides &> && !makes<kldiv::span<const double>, no_strides &>);
using numbers = kldiv::span<double>;
static_assert(!makes<numbers, matrix<double, true> &> && !makes<numbers, column_vector<double> &>);
static_assert(!makes<numbers, const std::vector<double> &> && !makes<numbers, std::vector<float> &>);

template <class X, class = void>
struct can_mask : std::false_type {
};
template <class X>
struct can_mask<X, std::void_t<decltype(kldiv::options().mask(std::declval<X>()))>> : std::true_type {
};
template <class X, class = void>
struct can_weigh : std::false_type {
};
template <class X>
struct can_weigh<X, std::void_t<decltype(kldiv::options().weights(std::declval<X>()))>> : std::true_type {
};
static_assert(can_mask<const std::vector<char> &>::value && can_mask<std::array<bool, 2> &>::value);
static_assert(!can_mask<std::vector<char>>::value && !can_mask<std::vector<int> &>::value);
static_assert(can_weigh<const std::vector<double> &>::value && !can_weigh<std::vector<double>>::value);
static_assert(!can_weigh<std::vector<float> &>::value);

void every_option_reaches_c()
{
    const std::vector<std::uint8_t> mask{1, 0};
    const std::vector<double> weights{1, 2};
    const kldiv::options made = kldiv::options()
                                    .measure(kldiv::measure::renyi)
                                    .normalization(kldiv::normalization::require)
                                    .reduction(kldiv::reduction::batchmean)
                                    .invalid(kldiv::invalid::nan)
                                    .log_target()
                                    .threads(3)
                                    .estimator(kldiv::estimator::k2)
                                    .topk(kldiv::topk::logprobs_renormalized)
                                    .log_density()
                                    .dim(5)
                                    .base(6)
                                    .alpha(7)
                                    .temperature(8)
                                    .js_weight(9)
                                    .smoothing(10)
                                    .mass_tolerance(11)
                                    .rel_tolerance(12)
                                    .mask(mask)
                                    .weights(weights);
    const kldiv_options c = *made.c();
    CHECK(c.struct_size == sizeof c && c.measure == KLDIV_MEASURE_RENYI);
    CHECK(c.normalization == KLDIV_NORMALIZATION_REQUIRE && c.reduction == KLDIV_REDUCTION_BATCHMEAN);
    CHECK(c.invalid == KLDIV_INVALID_NAN && c.log_target == 1 && c.threads == 3 && c.estimator == KLDIV_ESTIMATOR_K2);
    CHECK(c.topk == KLDIV_TOPK_LOGPROBS_RENORMALIZED && c.log_density == 1 && c.dim == 5);
    CHECK(c.base == 6 && c.alpha == 7 && c.temperature == 8 && c.js_weight == 9 && c.smoothing == 10);
    CHECK(c.mass_tolerance == 11 && c.rel_tolerance == 12 && c.mask == mask.data() && c.weights == weights.data());
    const kldiv_options untouched = KLDIV_OPTIONS_INIT;
    CHECK(std::memcmp(&untouched, kldiv::options().base(0).c(), sizeof untouched) == 0);
    CHECK(kldiv::defaults.c() == nullptr && kldiv::options().c() == nullptr);

    const double p[2][2] = {{0.5, 0.5}, {0.1, 0.9}}, q[2][2] = {{0.7, 0.3}, {0.2, 0.8}};
    const bool keep[2] = {false, true};
    const double kept = kldiv::kl(p, q, kldiv::options().mask(keep).base(2));
    CHECK(kept == kldiv::kl(p[1], q[1], kldiv::options().base(2)));
    CHECK(kldiv::kl(p, q, kldiv::options().weights({weights.data(), 2})) ==
          kldiv::kl(p[0], q[0]) + 2 * kldiv::kl(p[1], q[1]));
    CHECK(kldiv::kl(p, nullptr, kldiv::options().measure(kldiv::measure::entropy).base(2)) > 1);
}

void a_failure_is_thrown_with_all_that_is_known()
{
    const double p[2][2] = {{0.5, 0.5}, {0.5, 0.5}}, q[2][2] = {{0.7, 0.3}, {0.7, -0.25}};
    double out[2] = {-1, -1};
    try {
        kldiv::rows_into(p, q, out);
        CHECK(false);
    } catch (const kldiv::error &error) {
        CHECK(error.code() == kldiv::code::negative && error.operand() == 1 && error.row() == 1 && error.col() == 1);
        CHECK(error.value() == -0.25 && std::string(error.what()).find("q[1, 1] is -0.25") == 0);
        CHECK(std::string(error.what()) == error.status().message());
    }
    CHECK(out[0] == kldiv::kl(p[0], q[0]) && std::isnan(out[1])); /* a bad row costs no other */
    CHECK_THROWS(kldiv::kl(p[0], std::vector<double>{1}), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::kl(std::vector<float>(), std::vector<float>()), kldiv::code::empty);
    CHECK_THROWS(kldiv::kl(p, q, kldiv::options().base(0.5)), kldiv::code::options);
    CHECK_THROWS(kldiv::kl(p, nullptr), kldiv::code::null_pointer);
    CHECK_THROWS(kldiv::nearest(p, p, 3), kldiv::code::options);
}

void a_status_takes_the_place_of_the_exception()
{
    const double p[2][2] = {{0.5, 0.5}, {0.5, 0.5}}, q[2][2] = {{0.7, 0.3}, {0.7, -0.25}};
    kldiv::status status;
    const std::vector<double> out = kldiv::rows(p, q, {}, &status);
    CHECK(!status.ok() && status.code() == kldiv::code::negative && status.row() == 1);
    CHECK(out.size() == 2 && out[0] == kldiv::kl(p[0], q[0]) && std::isnan(out[1]));
    CHECK(kldiv::kl(p, p, {}, &status) == 0 && status.ok() && *status.message() == 0);
    const std::vector<double> rows = kldiv::rows(p, q, kldiv::options().invalid(kldiv::invalid::nan), &status);
    CHECK(status.ok() && std::isnan(rows[1]));
}

/* Lengths that C cannot see, as it takes pointers. */
void what_does_not_fit_is_refused_before_c()
{
    const double p[2][2] = {{0.5, 0.5}, {0.1, 0.9}};
    std::vector<double> one(1, 7.0), two(2);
    std::vector<std::size_t> index(2);
    std::vector<kldiv::term> term(1);
    const std::vector<std::uint8_t> mask(3, 1);
    const std::vector<double> weights(1, 1.0);
    const std::vector<std::int64_t> indices(3);
    kldiv::status status;
    kldiv::rows_into(p, p, one, {}, &status);
    CHECK(status.code() == kldiv::code::shape_mismatch && one[0] == 7.0);
    CHECK(std::string(status.message()) == "out: 1 instead of 2");
    CHECK_THROWS(kldiv::kl(p, p, kldiv::options().mask(mask)), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::kl(p, p, kldiv::options().weights(weights)), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::pairwise_into(p, p, two), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::nearest_into(p, p, 1, index, one), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::nearest_into(p, p, 2, index, two), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::explain_into(p[0], p[1], term), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::logits_into(p, p, one), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::logits_grad_into(p, p, one, nullptr, nullptr, nullptr), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::logits_grad_into(p, p, nullptr, one, nullptr, nullptr), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::logits_topk(p, indices, p), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::vae_into(p, p, nullptr, nullptr, one), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::vae_grad_into(p, p, nullptr, nullptr, one, nullptr, nullptr, nullptr, nullptr, nullptr),
                 kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::estimate_mc(one, two), kldiv::code::shape_mismatch);
    const auto normal = kldiv::distribution::normal;
    CHECK_THROWS(kldiv::family_into(normal, p, normal, p, one), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::family_grad_into(normal, p, normal, p, one, nullptr, nullptr, nullptr),
                 kldiv::code::shape_mismatch);
    /* A view that claims more than memory holds is refused by C, before a vector is made for it. */
    CHECK_THROWS(kldiv::pairwise(kldiv::view(p[0], SIZE_MAX / 2, 2), kldiv::view(p[0], SIZE_MAX / 2, 2)),
                 kldiv::code::size_overflow);
}

void terms_and_walks_are_those_of_c()
{
    const double p[1][2] = {{0.5, 0.5}}, q[1][2] = {{0.7, 0.3}};
    const kldiv_view p_view = KLDIV_VIEW_F64(p[0], 1, 2), q_view = KLDIV_VIEW_F64(q[0], 1, 2);
    double terms[2];
    const kldiv_view_mut out = KLDIV_VIEW_F64(terms, 1, 2);
    kldiv_term walk[2];
    CHECK(kldiv_terms(&p_view, &q_view, nullptr, &out) == KLDIV_OK);
    CHECK(kldiv_explain(&p_view, &q_view, nullptr, walk) == KLDIV_OK);
    CHECK(kldiv::terms(p, q) == std::vector<double>(terms, terms + 2));
    const std::vector<kldiv::term> got = kldiv::explain(p, q);
    CHECK(got.size() == 2 && std::memcmp(got.data(), walk, sizeof walk) == 0);
    float narrow[2][1] = {{0}, {0}};
    kldiv::terms_into(p, q, kldiv::view_mut(narrow).transposed());
    CHECK(narrow[0][0] == static_cast<float>(terms[0]) && narrow[1][0] == static_cast<float>(terms[1]));
}

struct thrown_on_the_way {
    int calls;
};

void a_lambda_may_hold_what_it_needs_and_throw()
{
    const double width = 2;
    const auto unit = [](double) { return 1.0; };
    const auto found = kldiv::quadrature(unit, [&](double x) { return x < width ? 1 / width : 0.0; }, 0, 1);
    CHECK(std::abs(found.value - std::log(2.0)) <= found.error && found.error < 1e-12);
    const auto owns = [half_of_it = std::make_unique<double>(0.5)](double) { return std::log(*half_of_it); };
    const auto logs = kldiv::quadrature([](double) { return 0.0; }, owns, 0, 1, nullptr,
                                        kldiv::options().log_density());
    CHECK(std::abs(logs.value - std::log(2.0)) < 1e-12);
    const std::vector<double> breaks{0.5};
    const auto broken = kldiv::quadrature([](double x) { return x < 0.5 ? 1.5 : 0.5; }, unit, 0, 1, breaks);
    CHECK(std::abs(broken.value - (0.75 * std::log(1.5) + 0.25 * std::log(0.5))) < 1e-12);

    /* Nothing is called after the throw, whichever of the two threw, and however far the integration had come. */
    for (const int when : {1, 2, 30, 100}) {
        for (const bool in_p : {true, false}) {
            int calls = 0, after = 0;
            bool thrown = false;
            const auto counts = [&](bool mine) {
                return [&, mine](double) {
                    after += thrown;
                    if (mine && ++calls == when) {
                        thrown = true;
                        throw thrown_on_the_way{calls};
                    }
                    return 1.0;
                };
            };
            kldiv::status status;
            try {
                (void)kldiv::quadrature(counts(in_p), counts(!in_p), 0, 1, nullptr, {}, &status);
                CHECK(calls < when);
            } catch (const thrown_on_the_way &caught) {
                CHECK(caught.calls == when && calls == when && after == 0);
            }
        }
    }
    CHECK_THROWS(kldiv::quadrature([](double) { return -1.0; }, unit, 0, 1), kldiv::code::negative);
    double (*const function)(double) = [](double) { return 1.0; };
    CHECK(kldiv::quadrature(function, *function, 0, 1).value == 0);
}

void nothing_to_do_is_no_error()
{
    const kldiv::view none(static_cast<const double *>(nullptr), 0, 3);
    CHECK(kldiv::rows(none, none).empty() && kldiv::kl(none, none) == 0 && kldiv::pairwise(none, none).empty());
    CHECK(kldiv::terms(none, none).empty() && kldiv::nearest(none, none, 0).index.empty());
}

void the_library_is_the_header_s()
{
    CHECK(kldiv::version() == KLDIV_VERSION && *kldiv::active_isa() != 0);
    CHECK(kldiv::kl(std::vector<double>{1, 0}, std::vector<double>{0, 1}) == inf);
    kldiv::shutdown();
    CHECK(kldiv::kl(std::vector<double>{1, 0}, std::vector<double>{1, 0}) == 0);
}

} // namespace

int main()
{
    sequences_are_one_row();
    matrices_of_either_order_are_their_rows();
    halves_are_viewed_by_name();
    every_option_reaches_c();
    a_failure_is_thrown_with_all_that_is_known();
    a_status_takes_the_place_of_the_exception();
    what_does_not_fit_is_refused_before_c();
    terms_and_walks_are_those_of_c();
    a_lambda_may_hold_what_it_needs_and_throw();
    nothing_to_do_is_no_error();
    the_library_is_the_header_s();
    return check_result("calls");
}
