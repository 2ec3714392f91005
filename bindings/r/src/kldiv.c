/*
 * The functions of libkldiv for .Call. Each returns list(result, error), where error is NULL or list(status, operand,
 * row, col, value, message), counted from 0: R code makes a condition of it. So no error is raised here while the
 * library runs, and all that R may raise, for want of memory, is raised before or after.
 */
#include <kldiv.h>

#define R_NO_REMAP
#include <R.h>
#include <R_ext/Rdynload.h>
#include <Rinternals.h>
#include <string.h>

/* ---- what calls are given ---- */

/* R's matrices lie column by column; a vector is one row, or stands for each of so many. NULL is NULL. */
static const kldiv_view *view_of(SEXP x, size_t rows, kldiv_view *view)
{
    if (x == R_NilValue)
        return NULL;
    memset(view, 0, sizeof *view);
    view->data = XLENGTH(x) == 0 ? NULL : REAL(x);
    view->dtype = KLDIV_DTYPE_F64;
    if (Rf_isMatrix(x)) {
        view->rows = (size_t)Rf_nrows(x);
        view->cols = (size_t)Rf_ncols(x);
        view->row_stride = 1;
        view->col_stride = (ptrdiff_t)view->rows;
    } else {
        view->rows = rows;
        view->cols = (size_t)XLENGTH(x);
        view->row_stride = 0;
        view->col_stride = 1;
    }
    return view;
}

/* A new matrix of the shape of a view, in a list, and a view to write it by; no matrix if it is not wanted. */
static const kldiv_view_mut *new_matrix(SEXP list, int at, const kldiv_view *shape, int wanted, kldiv_view_mut *view)
{
    if (!wanted || shape == NULL)
        return NULL;
    SEXP x = Rf_allocMatrix(REALSXP, (int)shape->rows, (int)shape->cols);
    SET_VECTOR_ELT(list, at, x);
    view->data = XLENGTH(x) == 0 ? NULL : REAL(x);
    view->rows = shape->rows;
    view->cols = shape->cols;
    view->row_stride = 1;
    view->col_stride = (ptrdiff_t)shape->rows;
    view->dtype = KLDIV_DTYPE_F64;
    return view;
}

static double *new_doubles(SEXP list, int at, size_t count)
{
    SEXP x = Rf_allocVector(REALSXP, (R_xlen_t)count);
    SET_VECTOR_ELT(list, at, x);
    return REAL(x);
}

static const double *doubles(SEXP x)
{
    return x == R_NilValue || XLENGTH(x) == 0 ? NULL : REAL(x);
}

/* list(integers, reals, mask, weights), as kl_options() makes it. */
static const kldiv_options *options_of(SEXP list, kldiv_options *o)
{
    memset(o, 0, sizeof *o);
    o->struct_size = sizeof *o;
    const int *integers = INTEGER(VECTOR_ELT(list, 0));
    o->measure = (uint32_t)integers[0];
    o->normalization = (uint32_t)integers[1];
    o->reduction = (uint32_t)integers[2];
    o->invalid = (uint32_t)integers[3];
    o->log_target = (uint32_t)integers[4];
    o->threads = (uint32_t)integers[5];
    o->estimator = (uint32_t)integers[6];
    o->topk = (uint32_t)integers[7];
    o->log_density = (uint32_t)integers[8];
    o->dim = (uint32_t)integers[9];
    const double *reals = REAL(VECTOR_ELT(list, 1));
    o->base = reals[0];
    o->alpha = reals[1];
    o->temperature = reals[2];
    o->js_weight = reals[3];
    o->smoothing = reals[4];
    o->mass_tolerance = reals[5];
    o->rel_tolerance = reals[6];
    SEXP mask = VECTOR_ELT(list, 2);
    o->mask = mask == R_NilValue || XLENGTH(mask) == 0 ? NULL : RAW(mask);
    o->weights = doubles(VECTOR_ELT(list, 3));
    return o;
}

/* ---- what they return ---- */

static SEXP results(int count)
{
    return PROTECT(Rf_allocVector(VECSXP, count));
}

/* Ends a function: its results, which are unprotected here, with what went wrong. */
static SEXP answer(SEXP list, kldiv_status status)
{
    kldiv_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    if (status != KLDIV_OK)
        kldiv_last_error(&error); /* before R is given a chance to do anything else */
    SEXP both = PROTECT(Rf_allocVector(VECSXP, 2));
    SET_VECTOR_ELT(both, 0, list);
    if (status != KLDIV_OK) {
        SEXP details = Rf_allocVector(VECSXP, 6);
        SET_VECTOR_ELT(both, 1, details);
        SET_VECTOR_ELT(details, 0, Rf_ScalarInteger(status));
        SET_VECTOR_ELT(details, 1, Rf_ScalarInteger((int)error.operand));
        SET_VECTOR_ELT(details, 2, Rf_ScalarReal((double)error.row));
        SET_VECTOR_ELT(details, 3, Rf_ScalarReal((double)error.col));
        SET_VECTOR_ELT(details, 4, Rf_ScalarReal(error.value));
        SET_VECTOR_ELT(details, 5, Rf_mkString(error.message));
    }
    UNPROTECT(2);
    return both;
}

/* ---- the rooms ---- */

/* `rows` is how many rows a call has: vectors among its operands stand for each. */
#define ROWS(rows) ((size_t)Rf_asReal(rows))

static SEXP call_kl(SEXP p, SEXP q, SEXP rows, SEXP options)
{
    kldiv_view a, b;
    kldiv_options o;
    SEXP list = results(1);
    double *out = new_doubles(list, 0, 1);
    return answer(list, kldiv_kl(view_of(p, ROWS(rows), &a), view_of(q, ROWS(rows), &b), options_of(options, &o), out));
}

static SEXP call_rows(SEXP p, SEXP q, SEXP rows, SEXP options)
{
    kldiv_view a, b;
    kldiv_options o;
    SEXP list = results(1);
    double *out = new_doubles(list, 0, ROWS(rows));
    return answer(list,
                  kldiv_rows(view_of(p, ROWS(rows), &a), view_of(q, ROWS(rows), &b), options_of(options, &o), out));
}

static SEXP call_terms(SEXP p, SEXP q, SEXP rows, SEXP options)
{
    kldiv_view a, b;
    kldiv_view_mut m;
    kldiv_options o;
    SEXP list = results(1);
    const kldiv_view *shape = view_of(p, ROWS(rows), &a);
    const kldiv_view_mut *out = new_matrix(list, 0, shape, 1, &m);
    return answer(list, kldiv_terms(shape, view_of(q, ROWS(rows), &b), options_of(options, &o), out));
}

/* A matrix of six columns: p, q, ratio, log_ratio, contribution, share. */
static SEXP call_explain(SEXP p, SEXP q, SEXP rows, SEXP options)
{
    kldiv_view a, b;
    kldiv_options o;
    const kldiv_view *shape = view_of(p, ROWS(rows), &a);
    size_t n = shape->cols;
    kldiv_term *terms = (kldiv_term *)R_alloc(n + 1, sizeof *terms);
    memset(terms, 0, (n + 1) * sizeof *terms);
    SEXP list = results(1), table = Rf_allocMatrix(REALSXP, (int)n, 6);
    SET_VECTOR_ELT(list, 0, table);
    kldiv_status status = kldiv_explain(shape, view_of(q, ROWS(rows), &b), options_of(options, &o), terms);
    for (size_t i = 0; i < n; i++) {
        const double parts[] = {terms[i].p,         terms[i].q,           terms[i].ratio,
                                terms[i].log_ratio, terms[i].contribution, terms[i].share};
        for (size_t j = 0; j < 6; j++)
            REAL(table)[j * n + i] = parts[j];
    }
    return answer(list, status);
}

/* k x m numbers, column by column: what C has row by row. */
static SEXP call_pairwise(SEXP p, SEXP q, SEXP options)
{
    kldiv_view a, b;
    kldiv_options o;
    const kldiv_view *x = view_of(p, 1, &a), *y = view_of(q, 1, &b);
    SEXP list = results(1), cells = Rf_allocMatrix(REALSXP, y == NULL ? 0 : (int)y->rows, (int)x->rows);
    SET_VECTOR_ELT(list, 0, cells);
    return answer(list, kldiv_pairwise(x, y, options_of(options, &o), REAL(cells)));
}

/* Two k x m matrices: rows of q counted from 1, NA for none, and their divergences. */
static SEXP call_nearest(SEXP p, SEXP q, SEXP neighbours, SEXP options)
{
    kldiv_view a, b;
    kldiv_options o;
    const kldiv_view *x = view_of(p, 1, &a), *y = view_of(q, 1, &b);
    size_t k = (size_t)Rf_asReal(neighbours), count = x->rows * k;
    size_t *index = (size_t *)R_alloc(count + 1, sizeof *index);
    memset(index, 0xff, (count + 1) * sizeof *index);
    SEXP list = results(2);
    SET_VECTOR_ELT(list, 0, Rf_allocMatrix(INTSXP, (int)k, (int)x->rows));
    SET_VECTOR_ELT(list, 1, Rf_allocMatrix(REALSXP, (int)k, (int)x->rows));
    kldiv_status status = kldiv_nearest(x, y, options_of(options, &o), k, index, REAL(VECTOR_ELT(list, 1)));
    for (size_t i = 0; i < count; i++)
        INTEGER(VECTOR_ELT(list, 0))[i] = index[i] == SIZE_MAX ? NA_INTEGER : (int)index[i] + 1;
    return answer(list, status);
}

static SEXP call_loss(SEXP input, SEXP target, SEXP rows, SEXP options)
{
    kldiv_view a, b;
    kldiv_options o;
    SEXP list = results(1);
    double *out = new_doubles(list, 0, 1);
    return answer(list, kldiv_loss(view_of(input, ROWS(rows), &a), view_of(target, ROWS(rows), &b),
                                   options_of(options, &o), out));
}

static SEXP call_loss_pointwise(SEXP input, SEXP target, SEXP rows, SEXP options)
{
    kldiv_view a, b;
    kldiv_view_mut m;
    kldiv_options o;
    SEXP list = results(1);
    const kldiv_view *shape = view_of(input, ROWS(rows), &a);
    const kldiv_view_mut *out = new_matrix(list, 0, shape, 1, &m);
    return answer(list, kldiv_loss_pointwise(shape, view_of(target, ROWS(rows), &b), options_of(options, &o), out));
}

static SEXP call_loss_grad(SEXP input, SEXP target, SEXP rows, SEXP options, SEXP upstream, SEXP want_input,
                           SEXP want_target)
{
    kldiv_view a, b, u;
    kldiv_view_mut m[2];
    kldiv_options o;
    SEXP list = results(2);
    const kldiv_view *shape = view_of(input, ROWS(rows), &a);
    const kldiv_view_mut *to_input = new_matrix(list, 0, shape, Rf_asLogical(want_input), &m[0]);
    const kldiv_view_mut *to_target = new_matrix(list, 1, shape, Rf_asLogical(want_target), &m[1]);
    return answer(list, kldiv_loss_grad(shape, view_of(target, ROWS(rows), &b), options_of(options, &o),
                                        view_of(upstream, 1, &u), to_input, to_target));
}

static SEXP call_logits(SEXP x, SEXP y, SEXP rows, SEXP options)
{
    kldiv_view a, b;
    kldiv_options o;
    SEXP list = results(1);
    double *out = new_doubles(list, 0, ROWS(rows));
    return answer(list,
                  kldiv_logits(view_of(x, ROWS(rows), &a), view_of(y, ROWS(rows), &b), options_of(options, &o), out));
}

static SEXP call_logits_grad(SEXP x, SEXP y, SEXP rows, SEXP options, SEXP upstream, SEXP want_a, SEXP want_b)
{
    kldiv_view a, b;
    kldiv_view_mut m[2];
    kldiv_options o;
    SEXP list = results(3);
    double *out = new_doubles(list, 0, ROWS(rows));
    const kldiv_view *shape = view_of(x, ROWS(rows), &a);
    const kldiv_view_mut *to_a = new_matrix(list, 1, shape, Rf_asLogical(want_a), &m[0]);
    const kldiv_view_mut *to_b = new_matrix(list, 2, shape, Rf_asLogical(want_b), &m[1]);
    return answer(list, kldiv_logits_grad(shape, view_of(y, ROWS(rows), &b), options_of(options, &o), doubles(upstream),
                                          out, to_a, to_b));
}

/* indices is a matrix of the shape of values, of classes counted from 1. */
static SEXP call_logits_topk(SEXP values, SEXP indices, SEXP y, SEXP rows, SEXP options, SEXP upstream, SEXP want_b)
{
    kldiv_view v, b;
    kldiv_view_mut m;
    kldiv_options o;
    SEXP list = results(2);
    double *out = new_doubles(list, 0, ROWS(rows));
    const kldiv_view *top = view_of(values, ROWS(rows), &v), *shape = view_of(y, ROWS(rows), &b);
    const kldiv_view_mut *to_b = new_matrix(list, 1, shape, Rf_asLogical(want_b), &m);
    size_t n = top->rows, k = top->cols;
    int64_t *classes = (int64_t *)R_alloc(n * k + 1, sizeof *classes);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++) {
            int class = INTEGER(indices)[Rf_isMatrix(indices) ? j * n + i : j];
            classes[i * k + j] = class == NA_INTEGER ? INT64_MIN : (int64_t)class - 1;
        }
    return answer(list, kldiv_logits_topk(top, classes, shape, options_of(options, &o), doubles(upstream), out, to_b));
}

static SEXP call_vae(SEXP mu, SEXP logvar, SEXP prior_mu, SEXP prior_logvar, SEXP rows, SEXP options)
{
    kldiv_view v[4];
    kldiv_options o;
    SEXP list = results(1);
    double *out = new_doubles(list, 0, ROWS(rows));
    return answer(list, kldiv_vae(view_of(mu, ROWS(rows), &v[0]), view_of(logvar, ROWS(rows), &v[1]),
                                  view_of(prior_mu, ROWS(rows), &v[2]), view_of(prior_logvar, ROWS(rows), &v[3]),
                                  options_of(options, &o), out));
}

static SEXP call_vae_grad(SEXP mu, SEXP logvar, SEXP prior_mu, SEXP prior_logvar, SEXP rows, SEXP options,
                          SEXP upstream)
{
    kldiv_view v[4];
    kldiv_view_mut m[4];
    const kldiv_view_mut *to[4];
    kldiv_options o;
    SEXP list = results(5);
    double *out = new_doubles(list, 0, ROWS(rows));
    const kldiv_view *shape = view_of(mu, ROWS(rows), &v[0]);
    for (int i = 0; i < 4; i++)
        to[i] = new_matrix(list, i + 1, shape, 1, &m[i]);
    return answer(list, kldiv_vae_grad(shape, view_of(logvar, ROWS(rows), &v[1]), view_of(prior_mu, ROWS(rows), &v[2]),
                                       view_of(prior_logvar, ROWS(rows), &v[3]), options_of(options, &o),
                                       doubles(upstream), out, to[0], to[1], to[2], to[3]));
}

static SEXP call_family(SEXP p_family, SEXP p, SEXP q_family, SEXP q, SEXP rows, SEXP options)
{
    kldiv_view a, b;
    kldiv_options o;
    SEXP list = results(1);
    double *out = new_doubles(list, 0, ROWS(rows));
    return answer(list, kldiv_family((uint32_t)Rf_asInteger(p_family), view_of(p, ROWS(rows), &a),
                                     (uint32_t)Rf_asInteger(q_family), view_of(q, ROWS(rows), &b),
                                     options_of(options, &o), out));
}

static SEXP call_family_grad(SEXP p_family, SEXP p, SEXP q_family, SEXP q, SEXP rows, SEXP options, SEXP upstream)
{
    kldiv_view a, b;
    kldiv_view_mut m[2];
    kldiv_options o;
    SEXP list = results(3);
    double *out = new_doubles(list, 0, ROWS(rows));
    const kldiv_view *x = view_of(p, ROWS(rows), &a), *y = view_of(q, ROWS(rows), &b);
    const kldiv_view_mut *to_p = new_matrix(list, 1, x, 1, &m[0]), *to_q = new_matrix(list, 2, y, 1, &m[1]);
    return answer(list, kldiv_family_grad((uint32_t)Rf_asInteger(p_family), x, (uint32_t)Rf_asInteger(q_family), y,
                                          options_of(options, &o), doubles(upstream), out, to_p, to_q));
}

/* ---- quadrature: R's functions, called from C ---- */

typedef struct {
    SEXP of[2]; /* functions of one number that give one number */
    int failed;
} densities;

/* Whatever the function does, error, interrupt or jump, it comes back here: nothing may leap over the library. */
static double density(densities *d, int which, double x)
{
    if (d->failed)
        return R_NaN;
    SEXP at = PROTECT(Rf_ScalarReal(x)), call = PROTECT(Rf_lang2(d->of[which], at));
    int failed = 0;
    SEXP value = R_tryEvalSilent(call, R_GlobalEnv, &failed);
    double y = failed || TYPEOF(value) != REALSXP || XLENGTH(value) != 1 ? R_NaN : REAL(value)[0];
    d->failed = failed;
    UNPROTECT(2);
    return y;
}

static double density_p(double x, void *user)
{
    return density((densities *)user, 0, x);
}

static double density_q(double x, void *user)
{
    return density((densities *)user, 1, x);
}

static SEXP call_quadrature(SEXP p, SEXP q, SEXP lower, SEXP upper, SEXP breaks, SEXP options)
{
    kldiv_options o;
    densities d = {{p, q}, 0};
    SEXP list = results(3);
    double *out = new_doubles(list, 0, 1), *error = new_doubles(list, 1, 1);
    SET_VECTOR_ELT(list, 2, Rf_allocVector(LGLSXP, 1));
    kldiv_status status = kldiv_quadrature(density_p, density_q, &d, Rf_asReal(lower), Rf_asReal(upper),
                                           doubles(breaks), (size_t)XLENGTH(breaks), options_of(options, &o), out,
                                           error);
    LOGICAL(VECTOR_ELT(list, 2))[0] = d.failed;
    return answer(list, status);
}

/* ---- estimates ---- */

static SEXP call_knn(SEXP x, SEXP y, SEXP k, SEXP options)
{
    kldiv_view a, b;
    kldiv_options o;
    SEXP list = results(1);
    double *out = new_doubles(list, 0, 1);
    return answer(list, kldiv_estimate_knn(view_of(x, 1, &a), view_of(y, 1, &b), (size_t)Rf_asReal(k),
                                           options_of(options, &o), out));
}

static SEXP call_monte_carlo(SEXP log_p, SEXP log_q, SEXP options)
{
    kldiv_options o;
    SEXP list = results(2);
    double *out = new_doubles(list, 0, 1), *error = new_doubles(list, 1, 1);
    return answer(list, kldiv_estimate_mc(doubles(log_p), doubles(log_q), (size_t)XLENGTH(log_p),
                                          options_of(options, &o), out, error));
}

/* ---- partial sums: a state is a raw vector, which is not changed: each function makes a new one ---- */

static kldiv_partial *new_state(SEXP list, SEXP from)
{
    SEXP state = Rf_allocVector(RAWSXP, sizeof(kldiv_partial));
    SET_VECTOR_ELT(list, 0, state);
    if (from != R_NilValue)
        memcpy(RAW(state), RAW(from), sizeof(kldiv_partial));
    return (kldiv_partial *)RAW(state);
}

static SEXP call_partial_init(SEXP options)
{
    kldiv_options o;
    SEXP list = results(1);
    kldiv_partial *state = new_state(list, R_NilValue);
    return answer(list, kldiv_partial_init(state, options_of(options, &o)));
}

static SEXP call_partial_update(SEXP s, SEXP p, SEXP q, SEXP rows)
{
    kldiv_view a, b;
    SEXP list = results(1);
    kldiv_partial *state = new_state(list, s);
    return answer(list, kldiv_partial_update(state, view_of(p, ROWS(rows), &a), view_of(q, ROWS(rows), &b)));
}

static SEXP call_partial_merge(SEXP s, SEXP from)
{
    SEXP list = results(1);
    kldiv_partial *state = new_state(list, s);
    return answer(list, kldiv_partial_merge(state, (const kldiv_partial *)RAW(from)));
}

static SEXP call_partial_value(SEXP s, SEXP options)
{
    kldiv_options o;
    SEXP list = results(1);
    double *out = new_doubles(list, 0, 1);
    return answer(list, kldiv_partial_value((const kldiv_partial *)RAW(s), options_of(options, &o), out));
}

static SEXP call_partial_size(void)
{
    return Rf_ScalarInteger((int)sizeof(kldiv_partial));
}

/* ---- the library ---- */

static SEXP call_version(void)
{
    return Rf_ScalarInteger((int)kldiv_version());
}

static SEXP call_active_isa(void)
{
    return Rf_mkString(kldiv_active_isa());
}

#define CALL(name, arguments) {#name, (DL_FUNC)&name, arguments}

static const R_CallMethodDef calls[] = {
    CALL(call_kl, 4),          CALL(call_rows, 4),        CALL(call_terms, 4),
    CALL(call_explain, 4),     CALL(call_pairwise, 3),    CALL(call_nearest, 4),
    CALL(call_loss, 4),        CALL(call_loss_pointwise, 4), CALL(call_loss_grad, 7),
    CALL(call_logits, 4),      CALL(call_logits_grad, 7), CALL(call_logits_topk, 7),
    CALL(call_vae, 6),         CALL(call_vae_grad, 7),    CALL(call_family, 6),
    CALL(call_family_grad, 7), CALL(call_quadrature, 6),  CALL(call_knn, 4),
    CALL(call_monte_carlo, 3), CALL(call_version, 0),     CALL(call_active_isa, 0),
    CALL(call_partial_init, 1),   CALL(call_partial_update, 4), CALL(call_partial_merge, 2),
    CALL(call_partial_value, 2),  CALL(call_partial_size, 0),
    {NULL, NULL, 0},
};

void R_init_kldiv(DllInfo *dll)
{
    R_registerRoutines(dll, NULL, calls, NULL, NULL);
    R_useDynamicSymbols(dll, FALSE);
    R_forceSymbols(dll, TRUE);
}

/* The library's threads end before its code goes. */
void R_unload_kldiv(DllInfo *dll)
{
    (void)dll;
    kldiv_shutdown();
}
