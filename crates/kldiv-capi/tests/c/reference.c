/*
 * Holds the C ABI to a table of testdata: reference TABLE.json. The tables, their fields and their tolerances are
 * described in testdata's README. K = 16 everywhere, as the tables propose.
 *
 * Nothing may contract a * b + c here: large.json's vectors are regenerated operation by operation.
 */
#include "tolerance.h"

/* ---- discrete.json and large.json: nine measures of two vectors ---- */

typedef struct {
    const char *field;
    uint32_t measure;
    double alpha;
} measure_field;

static const measure_field nine_fields[] = {
    {"kl", KLDIV_MEASURE_KL, 0},
    {"generalized", KLDIV_MEASURE_GENERALIZED, 0},
    {"reverse", KLDIV_MEASURE_REVERSE, 0},
    {"jensen_shannon", KLDIV_MEASURE_JENSEN_SHANNON, 0},
    {"jeffreys", KLDIV_MEASURE_JEFFREYS, 0},
    {"entropy", KLDIV_MEASURE_ENTROPY, 0},
    {"cross_entropy", KLDIV_MEASURE_CROSS_ENTROPY, 0},
    {"renyi_0_5", KLDIV_MEASURE_RENYI, 0.5},
    {"renyi_2", KLDIV_MEASURE_RENYI, 2},
};

static void nine_measures(const json *entry, const void *p, const void *q, size_t n, uint32_t dtype)
{
    const char *name = json_text(json_need(entry, "name"));
    const json *wanted = json_need(entry, "expect"), *mag = json_need(entry, "mag");
    int subnormal = json_has_text(json_get(entry, "tags"), "subnormal");
    kldiv_view p_view = view_of(p, 1, n, dtype), q_view = view_of(q, 1, n, dtype);

    for (size_t i = 0; i < sizeof nine_fields / sizeof *nine_fields; i++) {
        const measure_field *f = &nine_fields[i];
        expectation e = expect(json_need(wanted, f->field), json_get(mag, f->field), precision_of(dtype), n);
        if (subnormal && f->measure == KLDIV_MEASURE_RENYI)
            e.factor = 64;
        kldiv_options options = default_options();
        options.measure = f->measure;
        options.alpha = f->alpha;
        const kldiv_view *q_arg = f->measure == KLDIV_MEASURE_ENTROPY ? NULL : &q_view;
        double reduced = -1, row = -1;
        check_case("%s %s", name, f->field);
        CHECK_STATUS(kldiv_kl(&p_view, q_arg, &options, &reduced), KLDIV_OK);
        CHECK_STATUS(kldiv_rows(&p_view, q_arg, &options, &row), KLDIV_OK);
        CHECK(row == reduced); /* not to the bit: a sum turns a -0 into 0 */
        judge(f->field, dtype, &e, reduced, name);

        if (f->measure == KLDIV_MEASURE_KL) {
            double plain = -1;
            check_case("%s, the two-line call", name);
            if (dtype == KLDIV_DTYPE_F64)
                CHECK_STATUS(kldiv_kl_f64((const double *)p, (const double *)q, n, &plain), KLDIV_OK);
            else
                CHECK_STATUS(kldiv_kl_f32((const float *)p, (const float *)q, n, &plain), KLDIV_OK);
            CHECK(plain == reduced);
        }
    }
}

static void discrete(const json *entry)
{
    uint32_t dtype = dtype_of(entry);
    size_t n = size(json_need(entry, "n"));
    void *p = vector(json_need(entry, "p"), n, dtype), *q = vector(json_need(entry, "q"), n, dtype);
    nine_measures(entry, p, q, n, dtype);
    free(p);
    free(q);
}

/* ---- large.json: the vectors are made here ---- */

typedef struct {
    const char *kind;
    double eps, shift; /* the factor 2^-shift */
} recipe;

static void draw_f64(const recipe *r, uint64_t z1, uint64_t z2, double *p, double *q)
{
    double u1 = (double)((z1 >> 11) + 1) * ldexp(1, -53), u2 = (double)((z2 >> 11) + 1) * ldexp(1, -53);
    if (strcmp(r->kind, "heavy") == 0)
        for (int i = 0; i < 3; i++) {
            u1 = u1 * u1;
            u2 = u2 * u2;
        }
    *p = u1 * r->shift;
    *q = strcmp(r->kind, "near") == 0 ? *p * (1.0 + r->eps * (u2 - 0.5)) : u2 * r->shift;
}

static void draw_f32(const recipe *r, uint64_t z1, uint64_t z2, float *p, float *q)
{
    float u1 = (float)((z1 >> 40) + 1) * ldexpf(1, -24), u2 = (float)((z2 >> 40) + 1) * ldexpf(1, -24);
    if (strcmp(r->kind, "heavy") == 0)
        for (int i = 0; i < 2; i++) {
            u1 = u1 * u1;
            u2 = u2 * u2;
        }
    *p = u1 * (float)r->shift;
    *q = strcmp(r->kind, "near") == 0 ? *p * (1.0f + (float)r->eps * (u2 - 0.5f)) : u2 * (float)r->shift;
}

/* That these are the vectors the expectations were computed for. */
static void verify_vector(const json *check, const char *first, const char *last, const char *sum, const void *data,
                          size_t n, uint32_t dtype)
{
    size_t i = 0;
    for (const json *item = json_need(check, first)->first; item != NULL; item = item->next, i++)
        CHECK(element(data, i, dtype) == number(item));
    CHECK(i == 4);
    CHECK(element(data, n - 1, dtype) == number(json_need(check, last)));
    uint64_t bits = 0;
    for (i = 0; i < n; i++) {
        uint32_t narrow = 0;
        if (dtype == KLDIV_DTYPE_F32)
            memcpy(&narrow, (const float *)data + i, sizeof narrow);
        bits += dtype == KLDIV_DTYPE_F32 ? narrow : bits_of(((const double *)data)[i]);
    }
    CHECK(bits == strtoull(json_text(json_need(check, sum)), NULL, 16));
}

/* The table's own sums, by Kahan's and Neumaier's summation: no call computes them, but they hold the vectors too. */
static double sum_of(const void *data, size_t n, uint32_t dtype)
{
    double sum = 0, lost = 0;
    for (size_t i = 0; i < n; i++) {
        double x = element(data, i, dtype), next = sum + x;
        lost += fabs(sum) >= fabs(x) ? (sum - next) + x : (x - next) + sum;
        sum = next;
    }
    return sum + lost;
}

static void large(const json *entry)
{
    uint32_t dtype = dtype_of(entry);
    size_t n = size(json_need(entry, "n"));
    const char *name = json_text(json_need(entry, "name"));
    recipe r = {json_text(json_need(entry, "kind")), number(json_need(entry, "eps")),
                ldexp(1, -(int)size(json_need(entry, "shift")))};
    uint64_t state = strtoull(json_text(json_need(entry, "seed")), NULL, 16);
    void *p = allocate(n * dtype_size(dtype)), *q = allocate(n * dtype_size(dtype));

    for (size_t i = 0; i < n; i++) {
        uint64_t z1 = random_bits(&state), z2 = random_bits(&state);
        if (dtype == KLDIV_DTYPE_F64)
            draw_f64(&r, z1, z2, (double *)p + i, (double *)q + i);
        else
            draw_f32(&r, z1, z2, (float *)p + i, (float *)q + i);
        if (strcmp(r.kind, "sparse") == 0 && (z1 & 7) < 5) {
            store(p, i, dtype, 0);
            if ((z2 & 7) == 0)
                store(q, i, dtype, 0);
        }
    }
    check_case("%s: the vectors are those of the table", name);
    const json *check = json_need(entry, "check"), *wanted = json_need(entry, "expect"), *mag = json_need(entry, "mag");
    verify_vector(check, "p_first", "p_last", "bits_sum_p", p, n, dtype);
    verify_vector(check, "q_first", "q_last", "bits_sum_q", q, n, dtype);
    expectation sum_p = expect(json_need(wanted, "sum_p"), json_need(mag, "sum_p"), precision_of(dtype), n);
    expectation sum_q = expect(json_need(wanted, "sum_q"), json_need(mag, "sum_q"), precision_of(dtype), n);
    judge("sum_p", dtype, &sum_p, sum_of(p, n, dtype), name);
    judge("sum_q", dtype, &sum_q, sum_of(q, n, dtype), name);

    nine_measures(entry, p, q, n, dtype);
    free(p);
    free(q);
}

/* ---- pairwise.json: every row against every row ---- */

static void pairwise(const json *entry)
{
    uint32_t dtype = dtype_of(entry);
    size_t m = size(json_need(entry, "m")), k = size(json_need(entry, "k")), d = size(json_need(entry, "d"));
    void *p = vector(json_need(entry, "p"), m * d, dtype), *q = vector(json_need(entry, "q"), k * d, dtype);
    kldiv_view p_view = view_of(p, m, d, dtype), q_view = view_of(q, k, d, dtype);
    double *out = (double *)allocate(m * k * sizeof *out), *reverse = (double *)allocate(m * k * sizeof *reverse);
    double *value = (double *)allocate(m * k * sizeof *value);
    size_t *index = (size_t *)allocate(m * k * sizeof *index);
    kldiv_options other_way = default_options();
    other_way.measure = KLDIV_MEASURE_REVERSE;
    const char *name = json_text(json_need(entry, "name"));

    check_case("%s", name);
    CHECK_STATUS(kldiv_pairwise(&p_view, &q_view, NULL, out), KLDIV_OK);
    CHECK_STATUS(kldiv_pairwise(&q_view, &p_view, &other_way, reverse), KLDIV_OK);
    CHECK_STATUS(kldiv_nearest(&p_view, &q_view, NULL, k, index, value), KLDIV_OK);
    const json *wanted = json_need(json_need(entry, "expect"), "kl")->first;
    const json *mag = json_need(json_need(entry, "mag"), "kl")->first;
    for (size_t cell = 0; cell < m * k; cell++, wanted = wanted->next, mag = mag->next) {
        if (wanted == NULL || mag == NULL)
            give_up("fewer answers than cells");
        expectation e = expect(wanted, mag, precision_of(dtype), d);
        judge("pairwise kl", dtype, &e, out[cell], name);
        judge("pairwise reverse", dtype, &e, reverse[cell % k * m + cell / k], name);
    }
    /* All neighbours in order, each with its own cell. */
    for (size_t place = 0; place < m * k; place++) {
        check_case("%s: neighbour %lu", name, (unsigned long)place);
        const double *row = out + place / k * k;
        CHECK(index[place] < k);
        CHECK_BITS(value[place], row[index[place] % k]);
        if (place % k > 0)
            CHECK(value[place - 1] < value[place] ||
                  (value[place - 1] == value[place] && index[place - 1] < index[place]));
    }
    free(p);
    free(q);
    free(out);
    free(reverse);
    free(value);
    free(index);
}

/* ---- invalid.json: what is wrong, and where ---- */

static kldiv_status status_of(const char *class_of_error)
{
    static const struct {
        const char *name;
        kldiv_status status;
    } classes[] = {
        {"negative", KLDIV_ERROR_NEGATIVE},  {"nan", KLDIV_ERROR_NAN},
        {"infinite", KLDIV_ERROR_INFINITE},  {"length_mismatch", KLDIV_ERROR_SHAPE_MISMATCH},
        {"empty", KLDIV_ERROR_EMPTY},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(classes[i].name, class_of_error) == 0)
            return classes[i].status;
    give_up("an unknown class of error");
    return 0;
}

static void invalid(const json *entry)
{
    uint32_t dtype = dtype_of(entry);
    size_t n_p = size(json_need(entry, "n")), n_q = size(json_need(entry, "n_q"));
    void *p = vector(json_need(entry, "p"), n_p, dtype), *q = vector(json_need(entry, "q"), n_q, dtype);
    const json *wanted = json_need(entry, "expect"), *any_of = json_get(wanted, "error_any_of");
    const json *argument = json_get(wanted, "argument"), *index = json_get(wanted, "index");
    kldiv_view p_view = view_of(p, 1, n_p, dtype), q_view = view_of(q, 1, n_q, dtype);
    const char *name = json_text(json_need(entry, "name"));

    /* 0: kldiv_kl, 1: kldiv_rows, 2: the two-line call, which knows one length only */
    for (int which = 0; which < (n_p == n_q ? 3 : 2); which++) {
        double out = 0;
        kldiv_status status = which == 0   ? kldiv_kl(&p_view, &q_view, NULL, &out)
                              : which == 1 ? kldiv_rows(&p_view, &q_view, NULL, &out)
                              : dtype == KLDIV_DTYPE_F64
                                  ? kldiv_kl_f64((const double *)p, (const double *)q, n_p, &out)
                                  : kldiv_kl_f32((const float *)p, (const float *)q, n_p, &out);
        kldiv_error error = last_error();
        check_case("%s, call %d: status %d, operand %u, col %lu: %s", name, which, (int)status,
                   (unsigned)error.operand, (unsigned long)error.col, error.message);
        if (any_of != NULL) {
            int one_of_them = 0;
            for (const json *item = any_of->first; item != NULL; item = item->next)
                one_of_them |= status == status_of(json_text(item));
            CHECK(one_of_them);
        } else {
            CHECK(status == status_of(json_text(json_need(wanted, "error"))));
        }
        CHECK(error.status == status && error.row == 0);
        if (argument != NULL)
            CHECK(error.operand == (strcmp(json_text(argument), "p") == 0 ? 0u : 1u));
        if (argument != NULL && index != NULL) {
            double value = element(error.operand == 0 ? p : q, size(index), dtype);
            CHECK(error.col == size(index));
            CHECK(error.value == value || (isnan(error.value) && isnan(value)));
        }
        if (status >= KLDIV_ERROR_NEGATIVE)
            CHECK(isnan(out)); /* a bad row is NaN */
        else
            CHECK_BITS(out, 0); /* a meaningless call writes nothing */
    }
    free(p);
    free(q);
}

/* ---- counts.json: histograms, smoothed ---- */

static uint64_t *counts_of(const json *array)
{
    uint64_t *counts = (uint64_t *)allocate(array->count * sizeof *counts);
    size_t i = 0;
    for (const json *item = array->first; item != NULL; item = item->next)
        counts[i++] = strtoull(json_text(item), NULL, 10);
    return counts;
}

static int starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Returns 0 if the case was skipped: the library takes counts as doubles, which do not hold every count beyond 2^53. */
static int counts(const json *entry)
{
    static const measure_field fields[] = {
        {"kl", KLDIV_MEASURE_KL, 0},
        {"kl_reverse", KLDIV_MEASURE_REVERSE, 0},
        {"psi", KLDIV_MEASURE_JEFFREYS, 0},
        {"js", KLDIV_MEASURE_JENSEN_SHANNON, 0},
    };
    const char *name = json_text(json_need(entry, "name"));
    const json *p_counts = json_need(entry, "p_counts"), *q_counts = json_need(entry, "q_counts");
    size_t bins = p_counts->count;
    if (q_counts->count != bins)
        give_up("two histograms of different length");
    uint64_t *p = counts_of(p_counts), *q = counts_of(q_counts);
    int representable = 1;
    for (size_t i = 0; i < bins; i++)
        representable &= (uint64_t)(double)p[i] == p[i] && (uint64_t)(double)q[i] == q[i];

    kldiv_view p_view = view_of(p, 1, bins, KLDIV_DTYPE_U64), q_view = view_of(q, 1, bins, KLDIV_DTYPE_U64);
    for (size_t i = 0; representable && i < sizeof fields / sizeof *fields; i++) {
        kldiv_options options = default_options();
        options.measure = fields[i].measure;
        options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
        options.smoothing = number(json_need(entry, "alpha"));
        double got = -1;
        check_case("%s %s", name, fields[i].field);
        CHECK_STATUS(kldiv_kl(&p_view, &q_view, &options, &got), KLDIV_OK);
        /* Relative errors: 1e-10 where the histograms nearly agree, which takes the differences of the counts. */
        const json *wanted = json_need(json_need(entry, "expect"), fields[i].field);
        precision relative = {1e-14L / K, 0, DBL_MAX};
        if (starts_with(name, "near_equal") || starts_with(name, "proportional_smoothed") ||
            starts_with(name, "large_counts"))
            relative.u = 1e-10L / K;
        expectation e = expect(wanted, wanted, relative, bins);
        e.unit = fabsl(e.unit);
        judge(fields[i].field, KLDIV_DTYPE_U64, &e, got, name);
    }
    free(p);
    free(q);
    return representable;
}

static const json *table; /* static, so that a leak checker sees it held to the end */

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: reference TABLE.json\n");
        return 2;
    }
    table = json_read_file(argv[1]);
    const char *unit = "units of u * mag (limit 16)";
    size_t skipped = 0;
    for (const json *entry = table->first; entry != NULL; entry = entry->next) {
        if (json_get(entry, "p_counts") != NULL) {
            skipped += !counts(entry);
            unit = "units (limit 16: 1e-14, or 1e-10 where histograms nearly agree)";
        } else if (json_get(entry, "n_q") != NULL) {
            invalid(entry);
        } else if (json_get(entry, "kind") != NULL) {
            large(entry);
        } else if (json_get(entry, "k") != NULL) {
            pairwise(entry);
        } else {
            discrete(entry);
        }
    }
    print_worst(unit);
    printf("%s: %lu cases with %s, %lu skipped for counts that no double holds\n", argv[1],
           (unsigned long)table->count, kldiv_active_isa(), (unsigned long)skipped);
    check_case("no more than a case or two may be skipped");
    CHECK(skipped * 10 <= table->count);
    return check_result("reference");
}
