/*
 * testdata's tables of densities and samples through the C ABI: quadrature.json with callbacks that are called on this
 * thread, in the default environment, and samples.json.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "json.h"

#include <fenv.h>

static double number(const json *value)
{
    return strtod(json_text(value), NULL);
}

static double *numbers(const json *array, size_t *count)
{
    double *values = (double *)allocate((array->count + 1) * sizeof *values);
    size_t i = 0;
    for (const json *item = array->first; item != NULL; item = item->next)
        values[i++] = number(item);
    *count = array->count;
    return values;
}

static int is(const json *entry, const char *key, const char *text)
{
    const json *value = json_get(entry, key);
    return value != NULL && strcmp(json_text(value), text) == 0;
}

/* ---- densities: their logarithms, by name ---- */

#define LN_2PI 1.8378770664093454835606594728112

typedef struct {
    const char *formula;
    double a, b, c, d;            /* parameters, in the order in which density_of reads them */
    double *weights, *locs, *scales;
    size_t count;
    double constant;
} density;

static double below(double z) /* the standard normal's */
{
    return 0.5 * erfc(-z / sqrt(2.0));
}

static double parameter(const json *params, const char *name)
{
    const json *value = json_get(params, name);
    return value == NULL ? 0 : number(value);
}

static density density_of(const json *given)
{
    const json *params = json_need(given, "params");
    density of = {json_text(json_need(given, "formula")), 0, 0, 0, 0, NULL, NULL, NULL, 0, 0};
    static const char *const first[] = {"loc", "concentration", "concentration1", "rate", "low", "amplitude"};
    static const char *const second[] = {"scale", "rate", "concentration0", "high", "frequency", "concentration"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (json_get(params, first[i]) != NULL) {
            of.a = parameter(params, first[i]);
            break;
        }
    for (size_t i = 0; i < sizeof second / sizeof *second; i++)
        if (json_get(params, second[i]) != NULL) {
            of.b = parameter(params, second[i]);
            break;
        }
    if (json_get(params, "weights") != NULL) {
        of.weights = numbers(json_need(params, "weights"), &of.count);
        of.locs = numbers(json_need(params, "locs"), &of.count);
        of.scales = numbers(json_need(params, "scales"), &of.count);
    } else if (json_get(params, "edges") != NULL) {
        of.locs = numbers(json_need(params, "edges"), &of.count);
        of.scales = numbers(json_need(params, "heights"), &of.count);
    }
    if (strcmp(of.formula, "studentt") == 0) {
        double df = parameter(params, "df");
        of.c = df;
        of.constant = lgamma((df + 1) / 2) - lgamma(df / 2) - 0.5 * log(df * 3.14159265358979323846) - log(of.b);
    } else if (strcmp(of.formula, "truncated_normal") == 0) {
        of.c = parameter(params, "low");
        of.d = parameter(params, "high");
        of.constant = -log(below((of.d - of.a) / of.b) - below((of.c - of.a) / of.b));
    } else if (strcmp(of.formula, "gamma") == 0) {
        of.constant = of.a * log(of.b) - lgamma(of.a);
    } else if (strcmp(of.formula, "beta") == 0) {
        of.constant = lgamma(of.a + of.b) - lgamma(of.a) - lgamma(of.b);
    } else if (strcmp(of.formula, "quartic") == 0) {
        of.constant = -log(2 * of.b) - lgamma(1.25);
    } else if (strcmp(of.formula, "triangular") == 0) {
        of.c = parameter(params, "mode");
    } else if (strcmp(of.formula, "weibull") == 0) {
        of.a = parameter(params, "scale");
        of.b = parameter(params, "concentration");
    }
    return of;
}

static double normal(double x, double loc, double scale)
{
    double z = (x - loc) / scale;
    return -0.5 * z * z - log(scale) - 0.5 * LN_2PI;
}

static double laplace(double x, double loc, double scale)
{
    return -fabs(x - loc) / scale - log(2 * scale);
}

static double log_density(const density *of, double x)
{
    const char *name = of->formula;
    double z = (x - of->a) / of->b;
    if (strcmp(name, "normal") == 0)
        return normal(x, of->a, of->b);
    if (strcmp(name, "laplace") == 0)
        return laplace(x, of->a, of->b);
    if (strcmp(name, "cauchy") == 0)
        return -log(3.14159265358979323846 * of->b) - log1p(z * z);
    if (strcmp(name, "studentt") == 0)
        return of->constant - (of->c + 1) / 2 * log1p(z * z / of->c);
    if (strcmp(name, "quartic") == 0)
        return -z * z * z * z + of->constant;
    if (strcmp(name, "truncated_normal") == 0)
        return of->c <= x && x <= of->d ? normal(x, of->a, of->b) + of->constant : -INFINITY;
    if (strcmp(name, "exponential") == 0)
        return x < 0 ? -INFINITY : log(of->a) - of->a * x;
    if (strcmp(name, "gamma") == 0)
        return x < 0 ? -INFINITY : of->constant + (of->a - 1) * log(x) - of->b * x;
    if (strcmp(name, "weibull") == 0)
        return x < 0 ? -INFINITY : log(of->b / of->a) + (of->b - 1) * log(x / of->a) - pow(x / of->a, of->b);
    if (strcmp(name, "lognormal") == 0)
        return x <= 0 ? -INFINITY : normal(log(x), of->a, of->b) - log(x);
    if (strcmp(name, "uniform") == 0)
        return of->a <= x && x <= of->b ? -log(of->b - of->a) : -INFINITY;
    if (strcmp(name, "triangular") == 0) {
        double share = x < of->c ? (x - of->a) / (of->c - of->a) : (of->b - x) / (of->b - of->c);
        return log(2 / (of->b - of->a)) + (share > 0 ? log(share) : -INFINITY);
    }
    if (strcmp(name, "beta") == 0)
        return of->constant + (of->a - 1) * log(x) + (of->b - 1) * log1p(-x);
    if (strcmp(name, "neglog") == 0)
        return log(-log(x));
    if (strcmp(name, "cosine") == 0)
        return log1p(of->a * cos(2 * 3.14159265358979323846 * of->b * x));
    if (strcmp(name, "piecewise_constant") == 0) {
        for (size_t i = 0; i < of->count; i++)
            if (of->locs[i] <= x && x < of->locs[i + 1])
                return of->scales[i] > 0 ? log(of->scales[i]) : -INFINITY;
        return -INFINITY;
    }
    if (of->weights != NULL) {
        double most = -INFINITY, sum = 0, terms[8];
        for (size_t i = 0; i < of->count; i++) {
            terms[i] = log(of->weights[i]) + (strcmp(name, "normal_mixture") == 0
                                                  ? normal(x, of->locs[i], of->scales[i])
                                                  : laplace(x, of->locs[i], of->scales[i]));
            most = fmax(most, terms[i]);
        }
        for (size_t i = 0; i < of->count; i++)
            sum += exp(terms[i] - most);
        return most + log(sum);
    }
    give_up(name);
    return 0;
}

typedef struct {
    density p, q;
    unsigned long calls;
    int strange_environment;
} pair;

static double log_p(double x, void *user)
{
    pair *of = (pair *)user;
    of->calls++;
    volatile double third = 1.0;
    of->strange_environment |= fegetround() != FE_TONEAREST || third / 3 != 0.33333333333333331;
    return log_density(&of->p, x);
}

static double log_q(double x, void *user)
{
    return log_density(&((pair *)user)->q, x);
}

static double density_p(double x, void *user)
{
    return exp(log_p(x, user));
}

static double density_q(double x, void *user)
{
    return exp(log_q(x, user));
}

static void quadrature(const json *entry)
{
    const char *name = json_text(json_need(entry, "name"));
    const json *support = json_need(entry, "support");
    double lower = number(support->first), upper = number(support->first->next);
    double want = number(json_need(json_need(entry, "expect"), "kl"));
    size_t n_breaks;
    double *breaks = numbers(json_need(entry, "breakpoints"), &n_breaks);
    pair of = {density_of(json_need(entry, "p")), density_of(json_need(entry, "q")), 0, 0};
    for (int with = 0; with < 2; with++) {
        kldiv_options options = default_options();
        options.log_density = 1;
        double got = -1, error = -1;
        check_case("%s %s break points", name, with ? "with" : "without");
        of.calls = 0;
        fesetround(FE_UPWARD);
        kldiv_status status = kldiv_quadrature(log_p, log_q, &of, lower, upper, with ? breaks : NULL,
                                               with ? n_breaks : 0, &options, &got, &error);
        CHECK(fegetround() == FE_UPWARD);
        fesetround(FE_TONEAREST);
        CHECK(of.calls > 0 && !of.strange_environment);
        if (isinf(want)) {
            CHECK((status == KLDIV_OK && got == INFINITY) || status == KLDIV_ERROR_NOT_CONVERGED);
            continue;
        }
        CHECK_STATUS(status, KLDIV_OK);
        CHECK(fabs(got - want) <= error);
        CHECK(got >= 0);
        if (strncmp(name, "near_equal", 10) == 0 || want == 0)
            CHECK(fabs(got - want) <= 1e-14);
        else
            CHECK(fabs(got - want) <= (with ? 1e-9 : 1e-7) * want);
        /* the same bits again, and without the bound */
        double again = -1;
        CHECK_STATUS(kldiv_quadrature(log_p, log_q, &of, lower, upper, with ? breaks : NULL, with ? n_breaks : 0,
                                      &options, &again, NULL),
                     KLDIV_OK);
        CHECK_BITS(again, got);
        options.base = 2;
        CHECK_STATUS(kldiv_quadrature(log_p, log_q, &of, lower, upper, with ? breaks : NULL, with ? n_breaks : 0,
                                      &options, &again, NULL),
                     KLDIV_OK);
        CHECK_BITS(again, got / log(2.0));
        /* as densities, unless much of P lies where q is below the smallest number */
        status = kldiv_quadrature(density_p, density_q, &of, lower, upper, with ? breaks : NULL, with ? n_breaks : 0,
                                  NULL, &got, &error);
        if (strcmp(name, "studentt_vs_normal") == 0) {
            CHECK_STATUS(status, KLDIV_ERROR_NOT_CONVERGED);
        } else {
            CHECK_STATUS(status, KLDIV_OK);
            CHECK(fabs(got - want) <= error && (want == 0 || fabs(got - want) <= fmax(1e-7 * want, 1e-14)));
        }
    }
}

/* ---- samples ---- */

static double *points(const json *rows, size_t *n, size_t *dims)
{
    *n = rows->count;
    *dims = rows->first->count;
    double *values = (double *)allocate(*n * *dims * sizeof *values);
    size_t i = 0;
    for (const json *row = rows->first; row != NULL; row = row->next)
        for (const json *item = row->first; item != NULL; item = item->next)
            values[i++] = number(item);
    return values;
}

static const json *table; /* static, so that a leak checker sees it held to the end */

static void neighbours(const json *entry)
{
    const json *data = table->first;
    while (data != NULL && !is(data, "name", json_text(json_need(entry, "x_ref"))))
        data = data->next;
    if (data == NULL)
        give_up("data that is not there");
    size_t n, m, dims, k = (size_t)number(json_need(entry, "k"));
    double *x = points(json_need(data, "x"), &n, &dims), *y = points(json_need(data, "y"), &m, &dims);
    kldiv_view x_view = KLDIV_VIEW_F64(x, n, dims), y_view = KLDIV_VIEW_F64(y, m, dims);
    const json *expect = json_need(entry, "expect");
    double got = 0;
    check_case("%s", json_text(json_need(entry, "name")));
    kldiv_status status = kldiv_estimate_knn(&x_view, &y_view, k, NULL, &got);
    if (json_get(expect, "kl") == NULL) {
        CHECK_STATUS(status, KLDIV_ERROR_DEGENERATE);
        CHECK(isinf(got));
        kldiv_error error;
        error.struct_size = sizeof error;
        kldiv_last_error(&error);
        CHECK(error.status == KLDIV_ERROR_DEGENERATE && error.operand == (got > 0 ? 0u : 1u) && error.message[0]);
        kldiv_options lenient = default_options();
        lenient.invalid = KLDIV_INVALID_NAN;
        CHECK_STATUS(kldiv_estimate_knn(&x_view, &y_view, k, &lenient, &got), KLDIV_OK);
        CHECK(isnan(got));
    } else {
        CHECK_STATUS(status, KLDIV_OK);
        CHECK(fabs(got - number(json_need(expect, "kl"))) <= 1e-12);
    }
}

static void monte_carlo(const json *entry)
{
    static const char *const names[] = {"k1", "k2", "k3"};
    size_t n;
    double *p = numbers(json_need(entry, "logp"), &n), *q = numbers(json_need(entry, "logq"), &n);
    for (uint32_t estimator = KLDIV_ESTIMATOR_K1; estimator <= KLDIV_ESTIMATOR_K3; estimator++) {
        const json *expect = json_need(json_need(entry, "expect"), names[estimator]);
        double got = -1, error = -1, largest = 0, want = number(json_need(expect, "mean"));
        kldiv_options options = default_options();
        options.estimator = estimator;
        size_t i = 0;
        for (const json *item = json_need(expect, "per_sample")->first; item != NULL; item = item->next, i++) {
            double one = number(item);
            check_case("%s %s, sample %lu", json_text(json_need(entry, "name")), names[estimator], (unsigned long)i);
            CHECK_STATUS(kldiv_estimate_mc(p + i, q + i, 1, &options, &got, NULL), KLDIV_OK);
            CHECK(got == one || fabs(got - one) <= 1e-13 * fabs(one));
            largest = fmax(largest, fabs(one));
        }
        check_case("%s %s", json_text(json_need(entry, "name")), names[estimator]);
        CHECK_STATUS(kldiv_estimate_mc(p, q, n, &options, &got, &error), KLDIV_OK);
        double most = estimator == KLDIV_ESTIMATOR_K1 ? 1e-15 * largest : 1e-13 * fabs(want);
        CHECK(got == want || fabs(got - want) <= most);
        const json *wanted = json_get(expect, "standard_error");
        if (n == 1)
            CHECK(isnan(error));
        else if (wanted != NULL)
            CHECK(fabs(error - number(wanted)) <= 1e-13 * number(wanted));
        else
            CHECK(error == INFINITY);
    }
}

/* ---- wrong calls: refused, and nothing is written ---- */

static double one(double x, void *user)
{
    (void)x;
    (void)user;
    return 1;
}

static double nothing(double x, void *user)
{
    (void)user;
    return x < 0.5 ? 1 : NAN;
}

static void wrong_calls(void)
{
    double x[6] = {0, 1, 3, 7, 15, 31}, y[6] = {0.5, 2, 5, 9, 20, 40}, out = -1, error = -1;
    double *odd = (double *)(void *)((char *)x + 1);
    kldiv_view xs = KLDIV_VIEW_F64(x, 6, 1), ys = KLDIV_VIEW_F64(y, 6, 1), bad;
    kldiv_options options = default_options();
    check_case("nearest neighbours");
    CHECK_STATUS(kldiv_estimate_knn(NULL, &ys, 1, NULL, &out), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(kldiv_estimate_knn(&xs, NULL, 1, NULL, &out), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(kldiv_estimate_knn(&xs, &ys, 1, NULL, NULL), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(kldiv_estimate_knn(&xs, &ys, 0, NULL, &out), KLDIV_ERROR_OPTIONS);
    CHECK_STATUS(kldiv_estimate_knn(&xs, &ys, 1, NULL, x + 2), KLDIV_ERROR_OVERLAP);
    CHECK_STATUS(kldiv_estimate_knn(&xs, &ys, 1, NULL, y), KLDIV_ERROR_OVERLAP);
    bad = xs, bad.dtype = 77;
    CHECK_STATUS(kldiv_estimate_knn(&bad, &ys, 1, NULL, &out), KLDIV_ERROR_DTYPE);
    bad = xs, bad.data = odd, bad.rows = 5;
    CHECK_STATUS(kldiv_estimate_knn(&bad, &ys, 1, NULL, &out), KLDIV_ERROR_MISALIGNED);
    bad = xs, bad.rows = (size_t)-1 / 4;
    CHECK_STATUS(kldiv_estimate_knn(&bad, &ys, 1, NULL, &out), KLDIV_ERROR_SIZE_OVERFLOW);
    bad = ys, bad.rows = 3, bad.cols = 2, bad.row_stride = 2;
    CHECK_STATUS(kldiv_estimate_knn(&xs, &bad, 1, NULL, &out), KLDIV_ERROR_SHAPE_MISMATCH);
    bad = xs, bad.cols = 0;
    CHECK_STATUS(kldiv_estimate_knn(&bad, &bad, 1, NULL, &out), KLDIV_ERROR_EMPTY);
    options.measure = KLDIV_MEASURE_REVERSE;
    CHECK_STATUS(kldiv_estimate_knn(&xs, &ys, 1, &options, &out), KLDIV_ERROR_OPTIONS);
    check_case("Monte Carlo");
    CHECK_STATUS(kldiv_estimate_mc(x, y, 6, &options, &out, &error), KLDIV_ERROR_OPTIONS);
    CHECK_STATUS(kldiv_estimate_mc(NULL, y, 6, NULL, &out, &error), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(kldiv_estimate_mc(x, NULL, 6, NULL, &out, &error), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(kldiv_estimate_mc(x, y, 6, NULL, NULL, &error), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(kldiv_estimate_mc(odd, y, 5, NULL, &out, &error), KLDIV_ERROR_MISALIGNED);
    CHECK_STATUS(kldiv_estimate_mc(x, y, 6, NULL, &out, &out), KLDIV_ERROR_OVERLAP);
    CHECK_STATUS(kldiv_estimate_mc(x, y, 6, NULL, &out, y + 5), KLDIV_ERROR_OVERLAP);
    CHECK_STATUS(kldiv_estimate_mc(x, y, 0, NULL, &out, &error), KLDIV_ERROR_EMPTY);
    options = default_options();
    options.estimator = KLDIV_ESTIMATOR_K3 + 1;
    CHECK_STATUS(kldiv_estimate_mc(x, y, 6, &options, &out, &error), KLDIV_ERROR_OPTIONS);
    check_case("quadrature");
    CHECK_STATUS(kldiv_quadrature(NULL, one, NULL, 0, 1, NULL, 0, NULL, &out, &error), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(kldiv_quadrature(one, NULL, NULL, 0, 1, NULL, 0, NULL, &out, &error), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(kldiv_quadrature(one, one, NULL, 0, 1, NULL, 1, NULL, &out, &error), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(kldiv_quadrature(one, one, NULL, 0, 1, NULL, 0, NULL, NULL, &error), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(kldiv_quadrature(one, one, NULL, 0, 1, odd, 1, NULL, &out, &error), KLDIV_ERROR_MISALIGNED);
    CHECK_STATUS(kldiv_quadrature(one, one, NULL, 1, 0, NULL, 0, NULL, &out, &error), KLDIV_ERROR_OPTIONS);
    CHECK_STATUS(kldiv_quadrature(one, one, NULL, NAN, 0, NULL, 0, NULL, &out, &error), KLDIV_ERROR_OPTIONS);
    CHECK_STATUS(kldiv_quadrature(one, one, NULL, 0, 1, NULL, 0, NULL, &out, &out), KLDIV_ERROR_OVERLAP);
    CHECK_STATUS(kldiv_quadrature(one, one, NULL, 0, 1, x, 1, NULL, &out, x), KLDIV_ERROR_OVERLAP);
    options = default_options();
    options.rel_tolerance = -1;
    CHECK_STATUS(kldiv_quadrature(one, one, NULL, 0, 1, NULL, 0, &options, &out, &error), KLDIV_ERROR_OPTIONS);
    CHECK(out == -1 && error == -1 && x[2] == 3 && y[5] == 40);

    /* bad values: named, and NaN is written */
    kldiv_error last;
    last.struct_size = sizeof last;
    CHECK_STATUS(kldiv_quadrature(one, nothing, NULL, 0, 1, NULL, 0, NULL, &out, &error), KLDIV_ERROR_NAN);
    kldiv_last_error(&last);
    CHECK(isnan(out) && isnan(error) && last.operand == 1 && isnan(last.value));
    y[4] = INFINITY;
    CHECK_STATUS(kldiv_estimate_knn(&xs, &ys, 1, NULL, &out), KLDIV_ERROR_INFINITE);
    kldiv_last_error(&last);
    CHECK(isnan(out) && last.operand == 1 && last.row == 4 && last.col == 0);
    y[4] = NAN;
    CHECK_STATUS(kldiv_estimate_mc(x, y, 6, NULL, &out, &error), KLDIV_ERROR_NAN);
    kldiv_last_error(&last);
    CHECK(isnan(out) && last.operand == 1 && last.row == 4);
    CHECK_STATUS(kldiv_estimate_knn(&xs, &xs, 6, NULL, &out), KLDIV_ERROR_DEGENERATE);
    CHECK(isnan(out));
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: densities TABLE.json\n");
        return 2;
    }
    table = json_read_file(argv[1]);
    size_t done = 0;
    for (const json *entry = table->first; entry != NULL; entry = entry->next) {
        if (json_get(entry, "support") != NULL)
            quadrature(entry);
        else if (is(entry, "kind", "knn"))
            neighbours(entry);
        else if (is(entry, "kind", "k123"))
            monte_carlo(entry);
        else
            continue;
        done++;
    }
    printf("%s: %lu of %lu cases\n", argv[1], (unsigned long)done, (unsigned long)table->count);
    CHECK(done > 20);
    wrong_calls();
    return check_result("densities");
}
