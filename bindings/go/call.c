#include "call.h"

#include "_cgo_export.h"

static double density_p(double x, void *handle)
{
    return kldivGoDensity(x, 0, *(const uintptr_t *)handle);
}

static double density_q(double x, void *handle)
{
    return kldivGoDensity(x, 1, *(const uintptr_t *)handle);
}

kldiv_status kldiv_go_call(go_function function, const go_numbers *numbers, char *d0, char *d1, char *d2, char *d3,
                           char *d4, char *d5, char *d6, char *d7, const uint8_t *mask, const double *weights,
                           const double *upstream, int64_t *indices, kldiv_term *terms, double *out, double *more,
                           kldiv_partial *state, const kldiv_partial *from, kldiv_error *error)
{
    char *const data[GO_VIEWS] = {d0, d1, d2, d3, d4, d5, d6, d7};
    kldiv_view views[GO_VIEWS];
    kldiv_view_mut outputs[GO_VIEWS];
    const kldiv_view *v[GO_VIEWS];
    const kldiv_view_mut *m[GO_VIEWS];
    for (int i = 0; i < GO_VIEWS; i++) {
        const kldiv_view *shape = &numbers->views[i];
        kldiv_view_mut output = {data[i],           shape->rows,       shape->cols,
                                 shape->row_stride, shape->col_stride, shape->dtype};
        views[i] = *shape;
        views[i].data = data[i];
        outputs[i] = output;
        v[i] = numbers->wanted[i] ? &views[i] : NULL;
        m[i] = numbers->wanted[i] ? &outputs[i] : NULL;
    }
    kldiv_options options = numbers->options;
    options.struct_size = sizeof options;
    options.mask = mask;
    options.weights = weights;
    const kldiv_options *o = &options;
    uint32_t p_family = numbers->p_family, q_family = numbers->q_family;
    uintptr_t densities = numbers->densities;

    kldiv_status status = KLDIV_ERROR_INTERNAL;
    switch (function) {
    case GO_KL_F64:
        status = kldiv_kl_f64((const double *)d0, (const double *)d1, numbers->n, out);
        break;
    case GO_KL_F32:
        status = kldiv_kl_f32((const float *)d0, (const float *)d1, numbers->n, out);
        break;
    case GO_KL:
        status = kldiv_kl(v[0], v[1], o, out);
        break;
    case GO_ROWS:
        status = kldiv_rows(v[0], v[1], o, out);
        break;
    case GO_TERMS:
        status = kldiv_terms(v[0], v[1], o, m[2]);
        break;
    case GO_EXPLAIN:
        status = kldiv_explain(v[0], v[1], o, terms);
        break;
    case GO_PAIRWISE:
        status = kldiv_pairwise(v[0], v[1], o, out);
        break;
    case GO_NEAREST:
        status = kldiv_nearest(v[0], v[1], o, numbers->k, (size_t *)indices, out);
        break;
    case GO_LOSS:
        status = kldiv_loss(v[0], v[1], o, out);
        break;
    case GO_LOSS_POINTWISE:
        status = kldiv_loss_pointwise(v[0], v[1], o, m[2]);
        break;
    case GO_LOSS_GRAD:
        status = kldiv_loss_grad(v[0], v[1], o, v[2], m[3], m[4]);
        break;
    case GO_LOGITS:
        status = kldiv_logits(v[0], v[1], o, out);
        break;
    case GO_LOGITS_GRAD:
        status = kldiv_logits_grad(v[0], v[1], o, upstream, out, m[2], m[3]);
        break;
    case GO_LOGITS_TOPK:
        status = kldiv_logits_topk(v[0], indices, v[1], o, upstream, out, m[2]);
        break;
    case GO_VAE:
        status = kldiv_vae(v[0], v[1], v[2], v[3], o, out);
        break;
    case GO_VAE_GRAD:
        status = kldiv_vae_grad(v[0], v[1], v[2], v[3], o, upstream, out, m[4], m[5], m[6], m[7]);
        break;
    case GO_FAMILY:
        status = kldiv_family(p_family, v[0], q_family, v[1], o, out);
        break;
    case GO_FAMILY_GRAD:
        status = kldiv_family_grad(p_family, v[0], q_family, v[1], o, upstream, out, m[2], m[3]);
        break;
    case GO_QUADRATURE:
        status = kldiv_quadrature(density_p, density_q, &densities, numbers->lower, numbers->upper,
                                  (const double *)d0, numbers->n, o, out, more);
        break;
    case GO_KNN:
        status = kldiv_estimate_knn(v[0], v[1], numbers->k, o, out);
        break;
    case GO_MONTE_CARLO:
        status = kldiv_estimate_mc((const double *)d0, (const double *)d1, numbers->n, o, out, more);
        break;
    case GO_PARTIAL_INIT:
        status = kldiv_partial_init(state, o);
        break;
    case GO_PARTIAL_UPDATE:
        status = kldiv_partial_update(state, v[0], v[1]);
        break;
    case GO_PARTIAL_MERGE:
        status = kldiv_partial_merge(state, from);
        break;
    case GO_PARTIAL_VALUE:
        status = kldiv_partial_value(state, o, out);
        break;
    }
    if (status != KLDIV_OK) {
        error->struct_size = sizeof *error;
        kldiv_last_error(error);
    }
    return status;
}
