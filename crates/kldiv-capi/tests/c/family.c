/*
 * Families of distributions from C: every pair of testdata's continuous.json, and calls that are wrong.
 */
#include "json.h"

#define MOST_NUMBERS 8192

typedef struct {
    const char *name;
    uint32_t family;
} name_of_family;

static const name_of_family names[] = {
    {"normal", KLDIV_FAMILY_NORMAL},
    {"laplace", KLDIV_FAMILY_LAPLACE},
    {"gumbel", KLDIV_FAMILY_GUMBEL},
    {"logistic", KLDIV_FAMILY_LOGISTIC},
    {"moyal", KLDIV_FAMILY_MOYAL},
    {"cauchy", KLDIV_FAMILY_CAUCHY},
    {"lognormal", KLDIV_FAMILY_LOGNORMAL},
    {"halfnormal", KLDIV_FAMILY_HALFNORMAL},
    {"exponential", KLDIV_FAMILY_EXPONENTIAL},
    {"gamma", KLDIV_FAMILY_GAMMA},
    {"inversegamma", KLDIV_FAMILY_INVERSEGAMMA},
    {"chi2", KLDIV_FAMILY_CHI2},
    {"chi", KLDIV_FAMILY_CHI},
    {"beta", KLDIV_FAMILY_BETA},
    {"kumaraswamy", KLDIV_FAMILY_KUMARASWAMY},
    {"continuousbernoulli", KLDIV_FAMILY_CONTINUOUSBERNOULLI},
    {"uniform", KLDIV_FAMILY_UNIFORM},
    {"weibull", KLDIV_FAMILY_WEIBULL},
    {"pareto", KLDIV_FAMILY_PARETO},
    {"studentt", KLDIV_FAMILY_STUDENTT},
    {"vonmises", KLDIV_FAMILY_VONMISES},
    {"bernoulli", KLDIV_FAMILY_BERNOULLI},
    {"categorical", KLDIV_FAMILY_CATEGORICAL},
    {"binomial", KLDIV_FAMILY_BINOMIAL},
    {"negativebinomial", KLDIV_FAMILY_NEGATIVEBINOMIAL},
    {"geometric", KLDIV_FAMILY_GEOMETRIC},
    {"poisson", KLDIV_FAMILY_POISSON},
    {"multinomial", KLDIV_FAMILY_MULTINOMIAL},
    {"dirichlet", KLDIV_FAMILY_DIRICHLET},
    {"mvnormal", KLDIV_FAMILY_MVNORMAL},
    {"wishart", KLDIV_FAMILY_WISHART},
    {"inversewishart", KLDIV_FAMILY_INVERSEWISHART},
};

/* A distribution: its family, and its parameters in the order of the table, which is that of the columns. */
typedef struct {
    uint32_t family;
    double params[MOST_NUMBERS];
    size_t count;
} distribution;

static void flatten(const json *value, distribution *out)
{
    if (value->kind == JSON_ARRAY) {
        for (const json *part = value->first; part != NULL; part = part->next)
            flatten(part, out);
        return;
    }
    if (out->count == MOST_NUMBERS)
        give_up("a distribution of more parameters than expected");
    out->params[out->count++] = strtod(json_text(value), NULL);
}

static size_t read_distribution(const json *side, distribution *out)
{
    const char *name = json_text(json_need(side, "family"));
    const json *params = json_need(side, "params");
    size_t i = 0;
    while (strcmp(names[i].name, name) != 0)
        if (++i == sizeof names / sizeof *names)
            give_up("a family without a number");
    out->family = names[i].family;
    out->count = 0;
    if (json_get(params, "logits") != NULL)
        out->family = out->family == KLDIV_FAMILY_BERNOULLI ? KLDIV_FAMILY_BERNOULLI_LOGITS
                                                            : KLDIV_FAMILY_CATEGORICAL_LOGITS;
    if (json_get(params, "scale_tril") != NULL)
        out->family = KLDIV_FAMILY_MVNORMAL_TRIL;
    if (json_get(params, "precision_matrix") != NULL)
        out->family = KLDIV_FAMILY_MVNORMAL_PRECISION;
    if (json_get(params, "scale_diag") != NULL)
        out->family = KLDIV_FAMILY_MVNORMAL_DIAG;
    if (json_get(params, "cov_factor") != NULL) {
        /* The only one whose columns have another order. */
        out->family = KLDIV_FAMILY_MVNORMAL_LOWRANK;
        flatten(json_need(params, "loc"), out);
        flatten(json_need(params, "cov_diag"), out);
        flatten(json_need(params, "cov_factor"), out);
    } else {
        for (const json *value = params->first; value != NULL; value = value->next)
            flatten(value, out);
    }
    const json *loc = json_get(params, "loc");
    return loc != NULL && loc->kind == JSON_ARRAY ? loc->count : 0;
}

/* The relative error that a case may have, by how its answer was made; the tables' are no stricter. */
static double tolerance(const json *entry)
{
    const char *tag = json_text(json_need(entry, "tag")), *source = json_text(json_need(entry, "source"));
    if (strcmp(tag, "near") == 0)
        return 1e-12;
    return strncmp(source, "quadrature", 10) == 0 ? 1e-9 : 1e-13;
}

static distribution p, q; /* too large for a stack */
static double worst;

static void one_pair(const json *entry)
{
    kldiv_options options = default_options();
    options.dim = (uint32_t)read_distribution(json_need(entry, "p"), &p);
    read_distribution(json_need(entry, "q"), &q);
    kldiv_view p_view = view_of(p.params, 1, p.count, KLDIV_DTYPE_F64);
    kldiv_view q_view = view_of(q.params, 1, q.count, KLDIV_DTYPE_F64);
    const char *wanted = json_text(json_need(json_need(entry, "expect"), "kl"));
    double want = strtod(wanted, NULL), got = -1;
    check_case("%s: %s", json_text(json_need(entry, "name")), wanted);
    CHECK_STATUS(kldiv_family(p.family, &p_view, q.family, &q_view, &options, &got), KLDIV_OK);
    CHECK(got >= 0);
    if (want == 0 || isinf(want)) {
        CHECK(got == want);
    } else {
        double error = fabs(got - want) / want;
        if (error > worst)
            worst = error;
        check_case("%s: got %.17g, expected %s", json_text(json_need(entry, "name")), got, wanted);
        CHECK(error <= tolerance(entry));
    }
}

/* ---- gradients ---- */

static void gradients_are_the_slopes_of_a_normal_pair(void)
{
    const double normal_p[2][2] = {{0.5, 1.5}, {0, 1}}, normal_q[1][2] = {{0, 2}};
    const double upstream[2] = {2, 4};
    double out[2], grad_q[4];
    float grad_p[4];
    kldiv_view p_view = view_of(normal_p, 2, 2, KLDIV_DTYPE_F64), q_view = view_of(normal_q, 2, 2, KLDIV_DTYPE_F64);
    kldiv_view_mut p_out = view_mut_of(grad_p, 2, 2, KLDIV_DTYPE_F32), q_out = view_mut_of(grad_q, 2, 2, KLDIV_DTYPE_F64);
    q_view.row_stride = 0;
    check_case("gradients of a normal pair");
    CHECK_STATUS(kldiv_family_grad(KLDIV_FAMILY_NORMAL, &p_view, KLDIV_FAMILY_NORMAL, &q_view, NULL, upstream, out,
                                   &p_out, &q_out),
                 KLDIV_OK);
    /* By loc (0.5 - 0)/4, by scale 1.5/4 - 1/1.5; of the other side -0.5/4 and 1/2 - (2.25 + 0.25)/8. */
    CHECK(fabs(grad_p[0] - 2 * 0.125) < 1e-7 && fabs(grad_p[1] - 2 * (0.375 - 1 / 1.5)) < 1e-7);
    CHECK(fabs(grad_q[0] + 2 * 0.125) < 1e-15 && fabs(grad_q[1] - 2 * (0.5 - 0.3125)) < 1e-15);
    CHECK(grad_p[2] == 0 && fabs(grad_p[3] - 4 * (0.25 - 1)) < 1e-6);
    double both[2];
    CHECK_STATUS(kldiv_family(KLDIV_FAMILY_NORMAL, &p_view, KLDIV_FAMILY_NORMAL, &q_view, NULL, both), KLDIV_OK);
    CHECK(fabs(out[0] - both[0]) <= 1e-15 * both[0] && fabs(out[1] - both[1]) <= 1e-15 * both[1]);
    CHECK_STATUS(kldiv_family_grad(KLDIV_FAMILY_NORMAL, &p_view, KLDIV_FAMILY_NORMAL, &q_view, NULL, NULL, NULL, NULL,
                                   NULL),
                 KLDIV_OK);
}

/* ---- wrong calls ---- */

#define CALL(p_family, p_view, q_family, q_view, options, out) \
    kldiv_family(p_family, p_view, q_family, q_view, options, out)

static void wrong_calls_are_refused(void)
{
    double normal_p[2][2] = {{0, 1}, {0, 2}}, normal_q[2][2] = {{1, 1}, {1, 1}}, out[2] = {-1, -1}, grad[4];
    int64_t counts[4];
    kldiv_view p_view = view_of(normal_p, 2, 2, KLDIV_DTYPE_F64), q_view = view_of(normal_q, 2, 2, KLDIV_DTYPE_F64);
    kldiv_options options = default_options();
    const uint32_t normal = KLDIV_FAMILY_NORMAL;

    check_case("calls that make no sense");
    CHECK_STATUS(CALL(normal, NULL, normal, &q_view, NULL, out), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(CALL(normal, &p_view, normal, NULL, NULL, out), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(CALL(normal, &p_view, normal, &q_view, NULL, NULL), KLDIV_ERROR_NULL_POINTER);
    CHECK_STATUS(CALL(0, &p_view, normal, &q_view, NULL, out), KLDIV_ERROR_OPTIONS);
    CHECK_STATUS(CALL(normal, &p_view, 1000, &q_view, NULL, out), KLDIV_ERROR_OPTIONS);
    CHECK_STATUS(CALL(normal, &p_view, normal, &q_view, NULL, &normal_p[0][1]), KLDIV_ERROR_OVERLAP);
    CHECK_STATUS(CALL(normal, &p_view, KLDIV_FAMILY_POISSON, &q_view, NULL, out), KLDIV_ERROR_SHAPE_MISMATCH);
    CHECK_STATUS(CALL(normal, &p_view, KLDIV_FAMILY_DIRICHLET, &q_view, NULL, out), KLDIV_ERROR_UNSUPPORTED_PAIR);
    CHECK_STATUS(CALL(KLDIV_FAMILY_EXPONENTIAL, &p_view, normal, &q_view, NULL, out), KLDIV_ERROR_SHAPE_MISMATCH);
    options.measure = KLDIV_MEASURE_RENYI;
    options.alpha = 2;
    CHECK_STATUS(CALL(normal, &p_view, normal, &q_view, &options, out), KLDIV_ERROR_OPTIONS);
    kldiv_view one_row = q_view;
    one_row.rows = 1;
    CHECK_STATUS(CALL(normal, &p_view, normal, &one_row, NULL, out), KLDIV_ERROR_SHAPE_MISMATCH);
    kldiv_view no_cols = view_of(normal_p, 2, 0, KLDIV_DTYPE_F64);
    CHECK_STATUS(CALL(normal, &no_cols, normal, &q_view, NULL, out), KLDIV_ERROR_EMPTY);
    CHECK_STATUS(CALL(KLDIV_FAMILY_MVNORMAL_LOWRANK, &p_view, KLDIV_FAMILY_MVNORMAL_LOWRANK, &q_view, NULL, out),
                 KLDIV_ERROR_OPTIONS);
    CHECK(out[0] == -1 && out[1] == -1); /* nothing was written */
    kldiv_view no_rows = view_of(NULL, 0, 2, KLDIV_DTYPE_F64);
    CHECK_STATUS(CALL(normal, &no_rows, normal, &no_rows, NULL, NULL), KLDIV_OK);

    kldiv_view_mut into = view_mut_of(grad, 2, 2, KLDIV_DTYPE_F64), narrow = view_mut_of(grad, 2, 1, KLDIV_DTYPE_F64);
    kldiv_view_mut integers = view_mut_of(counts, 2, 2, KLDIV_DTYPE_I64);
    CHECK_STATUS(kldiv_family_grad(normal, &p_view, normal, &q_view, NULL, NULL, NULL, &narrow, NULL),
                 KLDIV_ERROR_SHAPE_MISMATCH);
    CHECK_STATUS(kldiv_family_grad(normal, &p_view, normal, &q_view, NULL, NULL, NULL, &integers, NULL),
                 KLDIV_ERROR_DTYPE);
    CHECK_STATUS(kldiv_family_grad(normal, &p_view, normal, &q_view, NULL, NULL, NULL, &into, &into),
                 KLDIV_ERROR_OVERLAP);
    CHECK_STATUS(kldiv_family_grad(normal, &p_view, KLDIV_FAMILY_LAPLACE, &q_view, NULL, NULL, NULL, &into, NULL),
                 KLDIV_ERROR_UNSUPPORTED_PAIR);
}

static void a_bad_row_is_named_and_costs_no_other(void)
{
    const double normal_p[2][2] = {{0, 1}, {0, -2}}, normal_q[2][2] = {{1, 1}, {1, 1}};
    double out[2] = {-1, -1};
    kldiv_view p_view = view_of(normal_p, 2, 2, KLDIV_DTYPE_F64), q_view = view_of(normal_q, 2, 2, KLDIV_DTYPE_F64);
    kldiv_options options = default_options();
    check_case("a negative scale");
    CHECK_STATUS(kldiv_family(KLDIV_FAMILY_NORMAL, &p_view, KLDIV_FAMILY_NORMAL, &q_view, NULL, out),
                 KLDIV_ERROR_PARAMETER);
    CHECK(out[0] == 0.5 && isnan(out[1]));
    kldiv_error error = last_error();
    CHECK(error.operand == 0 && error.row == 1 && error.col == 1 && error.value == -2);
    CHECK(strncmp(error.message, "scale in p_params[1, 1] is -2", 29) == 0);
    options.invalid = KLDIV_INVALID_NAN;
    CHECK_STATUS(kldiv_family(KLDIV_FAMILY_NORMAL, &p_view, KLDIV_FAMILY_NORMAL, &q_view, &options, out), KLDIV_OK);
    CHECK(out[0] == 0.5 && isnan(out[1]));

    const double matrices[2][6] = {{0, 0, 1, 0, 0, 1}, {0, 0, 1, 2, 2, 1}};
    kldiv_view view = view_of(matrices, 2, 6, KLDIV_DTYPE_F64), good = view;
    good.row_stride = 0;
    check_case("a matrix that is not positive definite");
    CHECK_STATUS(kldiv_family(KLDIV_FAMILY_MVNORMAL, &good, KLDIV_FAMILY_MVNORMAL, &view, NULL, out),
                 KLDIV_ERROR_NOT_POSITIVE_DEFINITE);
    CHECK(out[0] == 0 && isnan(out[1]));
    error = last_error();
    CHECK(error.operand == 1 && error.row == 1 && error.col == 1 && error.value == -3);
}

static void entropy_needs_no_q(void)
{
    const double rates[2] = {1, 4};
    double out[2];
    kldiv_view view = view_of(rates, 2, 1, KLDIV_DTYPE_F64);
    kldiv_options options = default_options();
    options.measure = KLDIV_MEASURE_ENTROPY;
    options.base = 2;
    check_case("entropy");
    CHECK_STATUS(kldiv_family(KLDIV_FAMILY_EXPONENTIAL, &view, 0, NULL, &options, out), KLDIV_OK);
    CHECK(fabs(out[0] - 1 / log(2.0)) < 1e-15 && fabs(out[1] - (1 / log(2.0) - 2)) < 1e-15);
}

static const json *table; /* static, so that a leak checker sees it held to the end */

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: family continuous.json\n");
        return 2;
    }
    table = json_read_file(argv[1]);
    for (const json *entry = table->first; entry != NULL; entry = entry->next)
        one_pair(entry);
    printf("%lu pairs, the worst relative error %.2g\n", (unsigned long)table->count, worst);
    gradients_are_the_slopes_of_a_normal_pair();
    wrong_calls_are_refused();
    a_bad_row_is_named_and_costs_no_other();
    entropy_needs_no_q();
    return check_result("family");
}
