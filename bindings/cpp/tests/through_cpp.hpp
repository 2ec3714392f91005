/*
 * Put before a program that is written in C: its calls go through kldiv.hpp, and C has to give the same bits.
 *
 * Each call is made by C, by the C++ that writes to the caller's memory, and by that which returns its results. The
 * program goes on with what C++ gave, and holds that to its tables.
 */
#ifndef THROUGH_CPP_HPP
#define THROUGH_CPP_HPP

#include <kldiv.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace through {

inline unsigned long calls = 0;

inline void must(bool good, const char *what)
{
    if (!good) {
        kldiv_error error;
        error.struct_size = sizeof error;
        kldiv_last_error(&error);
        std::fprintf(stderr, "C++ and C differ: %s; last error %s\n", what, error.message);
        std::abort();
    }
}

/// Says at the end how much was compared; a program whose calls went past this header has not passed.
struct tally {
    ~tally()
    {
        std::printf("%lu calls gave the same from C++ as from C\n", calls);
        if (calls == 0)
            std::abort();
    }
};
inline tally at_the_end;

inline std::size_t rows_of(const kldiv_view *v)
{
    return v == nullptr ? 0 : v->rows;
}

/// Whether a call that failed wrote nothing: it made no sense.
inline bool wrote_nothing(kldiv_status status)
{
    return status == KLDIV_ERROR_STATE || status == KLDIV_ERROR_UNSUPPORTED_PAIR ||
           (status >= KLDIV_ERROR_NULL_POINTER && status <= KLDIV_ERROR_EMPTY);
}

/// A result of C++'s put where C would have put it.
inline void put(double *out, double got, const kldiv::status *s)
{
    if (s == nullptr || !wrote_nothing(static_cast<kldiv_status>(s->code())))
        *out = got;
}

/// The same options, each by its setter.
inline kldiv::options options(const kldiv_options *o, std::size_t rows)
{
    kldiv::options made;
    if (o == nullptr)
        return made;
    made.measure(static_cast<kldiv::measure>(o->measure))
        .normalization(static_cast<kldiv::normalization>(o->normalization))
        .reduction(static_cast<kldiv::reduction>(o->reduction))
        .invalid(static_cast<kldiv::invalid>(o->invalid))
        .estimator(static_cast<kldiv::estimator>(o->estimator))
        .topk(static_cast<kldiv::topk>(o->topk))
        .log_target(o->log_target != 0)
        .log_density(o->log_density != 0)
        .threads(o->threads)
        .dim(o->dim)
        .base(o->base)
        .alpha(o->alpha)
        .temperature(o->temperature)
        .js_weight(o->js_weight)
        .smoothing(o->smoothing)
        .mass_tolerance(o->mass_tolerance)
        .rel_tolerance(o->rel_tolerance);
    if (o->mask != nullptr)
        made.mask(o->mask, rows);
    if (o->weights != nullptr)
        made.weights({o->weights, rows});
    return made;
}

inline kldiv::view view(const kldiv_view *v)
{
    return v == nullptr ? kldiv::view(nullptr) : kldiv::view(*v);
}

inline kldiv::view_mut view(const kldiv_view_mut *v)
{
    return v == nullptr ? kldiv::view_mut(nullptr) : kldiv::view_mut(*v);
}

template <class T>
kldiv::span<T> span(T *data, std::size_t size)
{
    return data == nullptr ? kldiv::span<T>() : kldiv::span<T>(data, size);
}

using bytes = std::vector<unsigned char>;

/// Where the outputs of a call are, element by element.
class places {
public:
    template <class T>
    places &add(T *data, std::size_t count)
    {
        for (std::size_t i = 0; data != nullptr && i < count; i++)
            add(data + i, sizeof(T), 0);
        return *this;
    }

    places &add(const kldiv_view_mut *m)
    {
        if (m == nullptr)
            return *this;
        const std::ptrdiff_t size = m->dtype == KLDIV_DTYPE_F64 ? 8 : m->dtype == KLDIV_DTYPE_F32 ? 4 : 2;
        for (std::size_t i = 0; i < m->rows; i++)
            for (std::size_t j = 0; j < m->cols; j++)
                add(m->data, static_cast<std::size_t>(size),
                    (static_cast<std::ptrdiff_t>(i) * m->row_stride + static_cast<std::ptrdiff_t>(j) * m->col_stride) *
                        size);
        return *this;
    }

    bytes read() const
    {
        bytes all;
        for (const auto &[first, size] : elements_)
            all.insert(all.end(), first, first + size);
        return all;
    }

    /// What was there before must not pass for a result.
    void wipe() const
    {
        for (const auto &[first, size] : elements_)
            std::memset(first, 0xa5, size);
    }

private:
    void add(void *data, std::size_t size, std::ptrdiff_t offset)
    {
        elements_.emplace_back(static_cast<unsigned char *>(data) + offset, size);
    }

    std::vector<std::pair<unsigned char *, std::size_t>> elements_;
};

template <class T>
void same(const std::vector<T> &got, const T *wanted, const char *what)
{
    must(got.empty() || std::memcmp(got.data(), wanted, got.size() * sizeof(T)) == 0, what);
}

/// The failure that C++ throws, or success.
template <class Call>
kldiv::status thrown_by(Call call)
{
    try {
        call();
    } catch (const kldiv::error &error) {
        must(std::strcmp(error.what(), error.status().message()) == 0, "what()");
        return error.status();
    }
    return kldiv::status();
}

/// `c` is a call of C's, `into` the same of C++, which takes a pointer to a status; `outputs` says where they write.
/// Pointers that are wrong, and results on top of inputs, are not to be had in C++: there C has the word.
template <class Into, class C, class Outputs>
kldiv_status compared(const char *name, Into into, C c, Outputs outputs)
{
    const kldiv_status status = c();
    if (status >= KLDIV_ERROR_NULL_POINTER && status <= KLDIV_ERROR_DTYPE)
        return status;
    kldiv_error error;
    error.struct_size = sizeof error;
    kldiv_last_error(&error);
    const places written = outputs();
    const bytes from_c = written.read();
    if (!wrote_nothing(status))
        written.wipe();
    kldiv::status told;
    into(&told);
    must(written.read() == from_c, name);
    const kldiv::status thrown = thrown_by([&] { into(nullptr); });
    must(written.read() == from_c, name);
    for (const kldiv::status &s : {told, thrown}) {
        must(static_cast<kldiv_status>(s.code()) == status && s.ok() == (status == KLDIV_OK), name);
        if (status == KLDIV_OK)
            continue;
        must(s.operand() == error.operand && s.row() == error.row && s.col() == error.col, name);
        must(std::memcmp(&error.value, std::array{s.value()}.data(), sizeof error.value) == 0, name);
        must(std::strcmp(s.message(), error.message) == 0, name);
    }
    calls++;
    return status;
}

/// The call that takes no options and no status.
template <class T, class C>
kldiv_status two_vectors(const T *p, const T *q, std::size_t n, double *out, C c)
{
    std::optional<double> got;
    const kldiv::status thrown = thrown_by([&] { got = kldiv::kl(span(p, n), span(q, n)); });
    const kldiv_status status = c(p, q, n, out);
    must(static_cast<kldiv_status>(thrown.code()) == status && got.has_value() == (status == KLDIV_OK), "two vectors");
    if (got)
        same(std::vector<double>{*got}, out, "two vectors");
    calls++;
    return status;
}

inline kldiv_status kl_f64(const double *p, const double *q, std::size_t n, double *out)
{
    return two_vectors(p, q, n, out, kldiv_kl_f64);
}

inline kldiv_status kl_f32(const float *p, const float *q, std::size_t n, double *out)
{
    return two_vectors(p, q, n, out, kldiv_kl_f32);
}

inline kldiv_status kl(const kldiv_view *p, const kldiv_view *q, const kldiv_options *o, double *out)
{
    const auto made = options(o, rows_of(p));
    return compared(
        "kl", [&](kldiv::status *s) { put(out, kldiv::kl(view(p), view(q), made, s), s); },
        [&] { return kldiv_kl(p, q, o, out); }, [&] { return places().add(out, 1); });
}

inline kldiv_status rows(const kldiv_view *p, const kldiv_view *q, const kldiv_options *o, double *out)
{
    const auto made = options(o, rows_of(p));
    const kldiv_status status = compared(
        "rows", [&](kldiv::status *s) { kldiv::rows_into(view(p), view(q), span(out, rows_of(p)), made, s); },
        [&] { return kldiv_rows(p, q, o, out); }, [&] { return places().add(out, p->rows); });
    if (wrote_nothing(status))
        return status;
    kldiv::status told;
    same(kldiv::rows(view(p), view(q), made, &told), out, "rows");
    return status;
}

inline kldiv_status pairwise(const kldiv_view *p, const kldiv_view *q, const kldiv_options *o, double *out)
{
    const auto made = options(o, rows_of(p));
    const std::size_t count = p->rows * q->rows;
    const kldiv_status status = compared(
        "pairwise", [&](kldiv::status *s) { kldiv::pairwise_into(view(p), view(q), span(out, count), made, s); },
        [&] { return kldiv_pairwise(p, q, o, out); }, [&] { return places().add(out, count); });
    if (wrote_nothing(status))
        return status;
    kldiv::status told;
    same(kldiv::pairwise(view(p), view(q), made, &told), out, "pairwise");
    return status;
}

inline kldiv_status nearest(const kldiv_view *p, const kldiv_view *q, const kldiv_options *o, std::size_t k,
                            std::size_t *index, double *out)
{
    const auto made = options(o, rows_of(p));
    const std::size_t count = p->rows * k;
    const kldiv_status status = compared(
        "nearest",
        [&](kldiv::status *s) {
            kldiv::nearest_into(view(p), view(q), k, span(index, count), span(out, count), made, s);
        },
        [&] { return kldiv_nearest(p, q, o, k, index, out); },
        [&] { return places().add(index, count).add(out, count); });
    if (wrote_nothing(status))
        return status;
    kldiv::status told;
    const kldiv::neighbours found = kldiv::nearest(view(p), view(q), k, made, &told);
    same(found.index, index, "nearest");
    same(found.divergence, out, "nearest");
    return status;
}

inline kldiv_status loss(const kldiv_view *input, const kldiv_view *target, const kldiv_options *o, double *out)
{
    const auto made = options(o, rows_of(input));
    return compared(
        "loss", [&](kldiv::status *s) { put(out, kldiv::loss(view(input), view(target), made, s), s); },
        [&] { return kldiv_loss(input, target, o, out); }, [&] { return places().add(out, 1); });
}

inline kldiv_status loss_pointwise(const kldiv_view *input, const kldiv_view *target, const kldiv_options *o,
                                   const kldiv_view_mut *out)
{
    const auto made = options(o, rows_of(input));
    return compared(
        "loss_pointwise",
        [&](kldiv::status *s) { kldiv::loss_pointwise_into(view(input), view(target), view(out), made, s); },
        [&] { return kldiv_loss_pointwise(input, target, o, out); }, [&] { return places().add(out); });
}

inline kldiv_status loss_grad(const kldiv_view *input, const kldiv_view *target, const kldiv_options *o,
                              const kldiv_view *upstream, const kldiv_view_mut *grad_input,
                              const kldiv_view_mut *grad_target)
{
    const auto made = options(o, rows_of(input));
    return compared(
        "loss_grad",
        [&](kldiv::status *s) {
            kldiv::loss_grad_into(view(input), view(target), view(upstream), view(grad_input), view(grad_target), made,
                                  s);
        },
        [&] { return kldiv_loss_grad(input, target, o, upstream, grad_input, grad_target); },
        [&] { return places().add(grad_input).add(grad_target); });
}

inline kldiv_status logits(const kldiv_view *a, const kldiv_view *b, const kldiv_options *o, double *out)
{
    const auto made = options(o, rows_of(a));
    const kldiv_status status = compared(
        "logits", [&](kldiv::status *s) { kldiv::logits_into(view(a), view(b), span(out, rows_of(a)), made, s); },
        [&] { return kldiv_logits(a, b, o, out); }, [&] { return places().add(out, a->rows); });
    if (wrote_nothing(status))
        return status;
    kldiv::status told;
    same(kldiv::logits(view(a), view(b), made, &told), out, "logits");
    return status;
}

inline kldiv_status logits_grad(const kldiv_view *a, const kldiv_view *b, const kldiv_options *o,
                                const double *upstream, double *out, const kldiv_view_mut *grad_a,
                                const kldiv_view_mut *grad_b)
{
    const auto made = options(o, rows_of(a));
    return compared(
        "logits_grad",
        [&](kldiv::status *s) {
            kldiv::logits_grad_into(view(a), view(b), span(upstream, rows_of(a)), span(out, rows_of(a)), view(grad_a),
                                    view(grad_b), made, s);
        },
        [&] { return kldiv_logits_grad(a, b, o, upstream, out, grad_a, grad_b); },
        [&] { return places().add(out, a->rows).add(grad_a).add(grad_b); });
}

inline kldiv_status logits_topk(const kldiv_view *values, const std::int64_t *indices, const kldiv_view *b,
                                const kldiv_options *o, const double *upstream, double *out,
                                const kldiv_view_mut *grad_b)
{
    const auto made = options(o, rows_of(values));
    const auto classes = span(indices, values->rows * values->cols);
    const kldiv_status status = compared(
        "logits_topk",
        [&](kldiv::status *s) {
            kldiv::logits_topk_into(view(values), classes, view(b), span(upstream, rows_of(values)),
                                    span(out, rows_of(values)), view(grad_b), made, s);
        },
        [&] { return kldiv_logits_topk(values, indices, b, o, upstream, out, grad_b); },
        [&] { return places().add(out, values->rows).add(grad_b); });
    if (wrote_nothing(status))
        return status;
    kldiv::status told;
    if (out != nullptr)
        same(kldiv::logits_topk(view(values), classes, view(b), made, &told), out, "logits_topk");
    return status;
}

inline kldiv_status vae(const kldiv_view *mu, const kldiv_view *logvar, const kldiv_view *prior_mu,
                        const kldiv_view *prior_logvar, const kldiv_options *o, double *out)
{
    const auto made = options(o, rows_of(mu));
    const kldiv_status status = compared(
        "vae",
        [&](kldiv::status *s) {
            kldiv::vae_into(view(mu), view(logvar), view(prior_mu), view(prior_logvar), span(out, rows_of(mu)), made,
                            s);
        },
        [&] { return kldiv_vae(mu, logvar, prior_mu, prior_logvar, o, out); },
        [&] { return places().add(out, mu->rows); });
    if (wrote_nothing(status))
        return status;
    kldiv::status told;
    same(kldiv::vae(view(mu), view(logvar), view(prior_mu), view(prior_logvar), made, &told), out, "vae");
    return status;
}

inline kldiv_status vae_grad(const kldiv_view *mu, const kldiv_view *logvar, const kldiv_view *prior_mu,
                             const kldiv_view *prior_logvar, const kldiv_options *o, const double *upstream,
                             double *out, const kldiv_view_mut *grad_mu, const kldiv_view_mut *grad_logvar,
                             const kldiv_view_mut *grad_prior_mu, const kldiv_view_mut *grad_prior_logvar)
{
    const auto made = options(o, rows_of(mu));
    return compared(
        "vae_grad",
        [&](kldiv::status *s) {
            kldiv::vae_grad_into(view(mu), view(logvar), view(prior_mu), view(prior_logvar),
                                 span(upstream, rows_of(mu)), span(out, rows_of(mu)), view(grad_mu), view(grad_logvar),
                                 view(grad_prior_mu), view(grad_prior_logvar), made, s);
        },
        [&] {
            return kldiv_vae_grad(mu, logvar, prior_mu, prior_logvar, o, upstream, out, grad_mu, grad_logvar,
                                  grad_prior_mu, grad_prior_logvar);
        },
        [&] {
            return places().add(out, mu->rows).add(grad_mu).add(grad_logvar).add(grad_prior_mu).add(grad_prior_logvar);
        });
}

inline kldiv_status quadrature(kldiv_density p, kldiv_density q, void *user, double lower, double upper,
                               const double *breaks, std::size_t n_breaks, const kldiv_options *o, double *out,
                               double *error)
{
    const auto made = options(o, 0);
    double bound = 0;
    double *const bound_out = error == nullptr ? &bound : error;
    return compared(
        "quadrature",
        [&](kldiv::status *s) {
            const kldiv::integral got = kldiv::quadrature([&](double x) { return p(x, user); },
                                                          [&](double x) { return q(x, user); }, lower, upper,
                                                          span(breaks, n_breaks), made, s);
            put(out, got.value, s);
            put(bound_out, got.error, s);
        },
        [&] { return kldiv_quadrature(p, q, user, lower, upper, breaks, n_breaks, o, out, bound_out); },
        [&] { return places().add(out, 1).add(bound_out, 1); });
}

inline kldiv_status estimate_knn(const kldiv_view *x, const kldiv_view *y, std::size_t k, const kldiv_options *o,
                                 double *out)
{
    const auto made = options(o, 0);
    return compared(
        "estimate_knn",
        [&](kldiv::status *s) { put(out, kldiv::estimate_knn(view(x), view(y), k, made, s), s); },
        [&] { return kldiv_estimate_knn(x, y, k, o, out); }, [&] { return places().add(out, 1); });
}

inline kldiv_status estimate_mc(const double *log_p, const double *log_q, std::size_t n, const kldiv_options *o,
                                double *out, double *standard_error)
{
    const auto made = options(o, n);
    double deviation = 0;
    double *const deviation_out = standard_error == nullptr ? &deviation : standard_error;
    return compared(
        "estimate_mc",
        [&](kldiv::status *s) {
            const kldiv::estimate got = kldiv::estimate_mc(span(log_p, n), span(log_q, n), made, s);
            put(out, got.value, s);
            put(deviation_out, got.standard_error, s);
        },
        [&] { return kldiv_estimate_mc(log_p, log_q, n, o, out, deviation_out); },
        [&] { return places().add(out, 1).add(deviation_out, 1); });
}

inline kldiv_status family(std::uint32_t p_family, const kldiv_view *p, std::uint32_t q_family, const kldiv_view *q,
                           const kldiv_options *o, double *out)
{
    const auto made = options(o, rows_of(p));
    const auto first = static_cast<kldiv::distribution>(p_family), second = static_cast<kldiv::distribution>(q_family);
    const kldiv_status status = compared(
        "family",
        [&](kldiv::status *s) { kldiv::family_into(first, view(p), second, view(q), span(out, rows_of(p)), made, s); },
        [&] { return kldiv_family(p_family, p, q_family, q, o, out); },
        [&] { return places().add(out, p->rows); });
    if (wrote_nothing(status))
        return status;
    kldiv::status told;
    same(kldiv::family(first, view(p), second, view(q), made, &told), out, "family");
    return status;
}

inline kldiv_status family_grad(std::uint32_t p_family, const kldiv_view *p, std::uint32_t q_family,
                                const kldiv_view *q, const kldiv_options *o, const double *upstream, double *out,
                                const kldiv_view_mut *grad_p, const kldiv_view_mut *grad_q)
{
    const auto made = options(o, rows_of(p));
    const auto first = static_cast<kldiv::distribution>(p_family), second = static_cast<kldiv::distribution>(q_family);
    return compared(
        "family_grad",
        [&](kldiv::status *s) {
            kldiv::family_grad_into(first, view(p), second, view(q), span(upstream, rows_of(p)), span(out, rows_of(p)),
                                    view(grad_p), view(grad_q), made, s);
        },
        [&] { return kldiv_family_grad(p_family, p, q_family, q, o, upstream, out, grad_p, grad_q); },
        [&] { return places().add(out, p->rows).add(grad_p).add(grad_q); });
}

} // namespace through

#define kldiv_kl_f64 through::kl_f64
#define kldiv_kl_f32 through::kl_f32
#define kldiv_kl through::kl
#define kldiv_rows through::rows
#define kldiv_pairwise through::pairwise
#define kldiv_nearest through::nearest
#define kldiv_loss through::loss
#define kldiv_loss_pointwise through::loss_pointwise
#define kldiv_loss_grad through::loss_grad
#define kldiv_logits through::logits
#define kldiv_logits_grad through::logits_grad
#define kldiv_logits_topk through::logits_topk
#define kldiv_vae through::vae
#define kldiv_vae_grad through::vae_grad
#define kldiv_quadrature through::quadrature
#define kldiv_estimate_knn through::estimate_knn
#define kldiv_estimate_mc through::estimate_mc
#define kldiv_family through::family
#define kldiv_family_grad through::family_grad

#endif
