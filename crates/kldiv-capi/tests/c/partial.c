/*
 * Sums in parts: the tables split at random and merged in any order, by one state or by groups; then wrong calls, which
 * must change nothing. partial TABLE.json...
 */
#include "tolerance.h"

#define STATES 7

static uint64_t seed = 1;

static size_t below(size_t n)
{
    return (size_t)(random_bits(&seed) % n);
}

typedef struct {
    const char *field;
    uint32_t measure;
} measure_field;

static const measure_field fields[] = {
    {"kl", KLDIV_MEASURE_KL},           {"generalized", KLDIV_MEASURE_GENERALIZED},
    {"reverse", KLDIV_MEASURE_REVERSE}, {"jeffreys", KLDIV_MEASURE_JEFFREYS},
    {"entropy", KLDIV_MEASURE_ENTROPY}, {"cross_entropy", KLDIV_MEASURE_CROSS_ENTROPY},
};

static kldiv_partial made(uint32_t measure)
{
    kldiv_partial state;
    kldiv_options options = default_options();
    options.measure = measure;
    CHECK_STATUS(kldiv_partial_init(&state, &options), KLDIV_OK);
    return state;
}

static double value_of(const kldiv_partial *state)
{
    double value = -1;
    CHECK_STATUS(kldiv_partial_value(state, NULL, &value), KLDIV_OK);
    return value;
}

static int same(const kldiv_partial *a, const kldiv_partial *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static kldiv_partial whole(uint32_t measure, const void *p, const void *q, size_t n, uint32_t dtype)
{
    kldiv_partial state = made(measure);
    kldiv_view p_view = view_of(p, 1, n, dtype), q_view = view_of(q, 1, n, dtype);
    const kldiv_view *q_arg = measure == KLDIV_MEASURE_ENTROPY ? NULL : &q_view;
    CHECK_STATUS(kldiv_partial_update(&state, &p_view, q_arg), KLDIV_OK);
    return state;
}

/* The same in pieces that go to states at random, which are merged in an order at random. */
static kldiv_partial split(uint32_t measure, const void *p, const void *q, size_t n, uint32_t dtype)
{
    kldiv_partial states[STATES];
    const size_t element = dtype_size(dtype), parts = 1 + below(STATES - 1);
    for (size_t i = 0; i < parts; i++)
        states[i] = made(measure);
    for (size_t start = 0; start < n;) {
        size_t len = 1 + below(1 + n / 4);
        if (len > n - start)
            len = n - start;
        const char *x = (const char *)p + start * element, *y = (const char *)q + start * element;
        if (below(2) == 0) {
            kldiv_partial piece = whole(measure, x, y, len, dtype);
            CHECK_STATUS(kldiv_partial_merge(&states[below(parts)], &piece), KLDIV_OK);
        } else {
            /* copied, so that a byte too far is seen by who watches memory */
            uint32_t *group = (uint32_t *)allocate(len * sizeof *group);
            char *p_own = (char *)allocate(len * element), *q_own = (char *)allocate(len * element);
            for (size_t i = 0; i < len; i++)
                group[i] = (uint32_t)below(parts);
            memcpy(p_own, x, len * element);
            memcpy(q_own, y, len * element);
            const void *q_arg = measure == KLDIV_MEASURE_ENTROPY ? NULL : q_own;
            CHECK_STATUS(kldiv_partial_update_by(states, parts, group, p_own, q_arg, dtype, len), KLDIV_OK);
            free(group);
            free(p_own);
            free(q_own);
        }
        start += len;
    }
    kldiv_partial all = made(measure);
    if (below(2) == 0) {
        uint32_t group[STATES] = {0};
        CHECK_STATUS(kldiv_partial_merge_by(&all, 1, group, states, parts), KLDIV_OK);
    } else {
        for (size_t i = parts; i-- > 0;)
            CHECK_STATUS(kldiv_partial_merge(&all, &states[i]), KLDIV_OK);
    }
    return all;
}

static void discrete(const json *entry)
{
    const uint32_t dtype = dtype_of(entry);
    const size_t n = size(json_need(entry, "n"));
    const char *name = json_text(json_need(entry, "name"));
    void *p = vector(json_need(entry, "p"), n, dtype), *q = vector(json_need(entry, "q"), n, dtype);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const measure_field *f = &fields[i];
        expectation e = expect(json_need(json_need(entry, "expect"), f->field),
                               json_get(json_need(entry, "mag"), f->field), precision_of(dtype), n);
        check_case("%s %s", name, f->field);
        kldiv_partial state = whole(f->measure, p, q, n, dtype);
        for (int again = 0; again < 3; again++) {
            kldiv_partial other = split(f->measure, p, q, n, dtype);
            CHECK(same(&state, &other));
        }
        judge(f->field, dtype, &e, value_of(&state), name);
    }
    free(p);
    free(q);
}

/* Counts to measures of their distributions, whose terms are at least 0: 16 u of 1 and of the value. */
static void counts(const json *entry)
{
    static const measure_field of_counts[] = {
        {"kl", KLDIV_MEASURE_KL}, {"kl_reverse", KLDIV_MEASURE_REVERSE}, {"psi", KLDIV_MEASURE_JEFFREYS}};
    const json *p_counts = json_need(entry, "p_counts"), *q_counts = json_need(entry, "q_counts");
    const char *name = json_text(json_need(entry, "name"));
    const size_t n = p_counts->count;
    double alpha = number(json_need(entry, "alpha"));
    if (alpha != floor(alpha))
        return;
    uint64_t *p = (uint64_t *)allocate(n * sizeof *p), *q = (uint64_t *)allocate(n * sizeof *q);
    size_t i = 0;
    for (const json *item = p_counts->first; item != NULL; item = item->next)
        p[i++] = strtoull(json_text(item), NULL, 10) + (uint64_t)alpha;
    i = 0;
    for (const json *item = q_counts->first; item != NULL; item = item->next)
        q[i++] = strtoull(json_text(item), NULL, 10) + (uint64_t)alpha;
    kldiv_options options = default_options();
    options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    for (i = 0; i < 3; i++) {
        const json *wanted = json_need(json_need(entry, "expect"), of_counts[i].field);
        int finite = strstr(json_text(wanted), "inf") == NULL;
        long double mag = finite ? 1 + strtold(json_text(wanted), NULL) : 0;
        expectation e = expect_near(wanted, mag, precision_of(KLDIV_DTYPE_F64), n);
        kldiv_partial state = split(of_counts[i].measure, p, q, n, KLDIV_DTYPE_U64);
        double value = -1;
        options.measure = of_counts[i].measure;
        CHECK_STATUS(kldiv_partial_value(&state, &options, &value), KLDIV_OK);
        judge(of_counts[i].field, KLDIV_DTYPE_U64, &e, value, name);
    }
    free(p);
    free(q);
}

/* ---- wrong calls ---- */

static const double good_p[] = {0.5, 0.25, 0.25}, good_q[] = {0.25, 0.5, 0.25};

/* A call that fails: the status is that, and neither state is another than before. */
static void refused(kldiv_status got, kldiv_status want, const kldiv_partial *states, const kldiv_partial *before,
                    size_t count, const char *how)
{
    check_case("%s", how);
    CHECK_STATUS(got, want);
    CHECK(memcmp(states, before, count * sizeof *states) == 0);
    kldiv_error error = last_error();
    CHECK(error.status == want && error.message[0] != 0);
}

static void wrong_inits_and_values(void)
{
    kldiv_partial s, before;
    kldiv_options options = default_options();
    double out = -1;
    memset(&s, 0xA5, sizeof s);
    before = s;
    refused(kldiv_partial_init(NULL, NULL), KLDIV_ERROR_NULL_POINTER, &s, &before, 1, "init: NULL");
    refused(kldiv_partial_init((kldiv_partial *)(void *)((char *)&s + 4), NULL), KLDIV_ERROR_MISALIGNED, &s, &before, 1,
            "init: misaligned");
    static const uint32_t others[] = {KLDIV_MEASURE_JENSEN_SHANNON, KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE,
                                      KLDIV_MEASURE_RENYI, 9};
    for (size_t i = 0; i < 4; i++) {
        options.measure = others[i];
        options.alpha = 2;
        refused(kldiv_partial_init(&s, &options), KLDIV_ERROR_OPTIONS, &s, &before, 1, "init: another measure");
    }
    options = default_options();
    options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    options.smoothing = 1;
    refused(kldiv_partial_init(&s, &options), KLDIV_ERROR_OPTIONS, &s, &before, 1, "init: smoothing");
    CHECK(strstr(last_error().message, "outcomes") != NULL);

    s = before = whole(KLDIV_MEASURE_JEFFREYS, good_p, good_q, 3, KLDIV_DTYPE_F64);
    refused(kldiv_partial_value(NULL, NULL, &out), KLDIV_ERROR_NULL_POINTER, &s, &before, 1, "value: NULL");
    refused(kldiv_partial_value(&s, NULL, NULL), KLDIV_ERROR_NULL_POINTER, &s, &before, 1, "value: out is NULL");
    refused(kldiv_partial_value((kldiv_partial *)(void *)((char *)&s + 1), NULL, &out), KLDIV_ERROR_MISALIGNED, &s,
            &before, 1, "value: misaligned");
    refused(kldiv_partial_value(&s, NULL, (double *)(void *)&s), KLDIV_ERROR_OVERLAP, &s, &before, 1, "value: overlap");
    refused(kldiv_partial_value(&s, &options, &out), KLDIV_ERROR_OPTIONS, &s, &before, 1, "value: smoothing");
    options = default_options();
    options.measure = KLDIV_MEASURE_REVERSE;
    refused(kldiv_partial_value(&s, &options, &out), KLDIV_ERROR_OPTIONS, &s, &before, 1, "value: another measure");
    options.measure = KLDIV_MEASURE_JEFFREYS;
    options.base = 0.5;
    refused(kldiv_partial_value(&s, &options, &out), KLDIV_ERROR_OPTIONS, &s, &before, 1, "value: base");
    CHECK(out == -1);
    options.base = 2;
    CHECK_STATUS(kldiv_partial_value(&s, &options, &out), KLDIV_OK);
    CHECK(out > 0 && out != value_of(&s));

    /* a total that is an error is NaN, with or without the status */
    kldiv_partial empty = made(KLDIV_MEASURE_KL);
    CHECK_BITS(value_of(&empty), 0);
    options = default_options();
    options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    CHECK_STATUS(kldiv_partial_value(&empty, &options, &out), KLDIV_ERROR_ZERO_MASS);
    CHECK(isnan(out) && last_error().operand == 0);
    options.normalization = KLDIV_NORMALIZATION_REQUIRE;
    out = -1;
    CHECK_STATUS(kldiv_partial_value(&empty, &options, &out), KLDIV_ERROR_NOT_NORMALIZED);
    CHECK(isnan(out));
    options.invalid = KLDIV_INVALID_NAN;
    out = -1;
    CHECK_STATUS(kldiv_partial_value(&empty, &options, &out), KLDIV_OK);
    CHECK(isnan(out));
    options.measure = KLDIV_MEASURE_JEFFREYS; /* its masses are 1 */
    CHECK_STATUS(kldiv_partial_value(&s, &options, &out), KLDIV_OK);
    CHECK_BITS(out, value_of(&s));
}

static void wrong_updates(void)
{
    kldiv_partial s = whole(KLDIV_MEASURE_KL, good_p, good_q, 3, KLDIV_DTYPE_F64), before = s;
    kldiv_view p = view_of(good_p, 1, 3, KLDIV_DTYPE_F64), q = view_of(good_q, 1, 3, KLDIV_DTYPE_F64), v;
    refused(kldiv_partial_update(NULL, &p, &q), KLDIV_ERROR_NULL_POINTER, &s, &before, 1, "update: NULL");
    refused(kldiv_partial_update(&s, NULL, &q), KLDIV_ERROR_NULL_POINTER, &s, &before, 1, "update: p is NULL");
    refused(kldiv_partial_update(&s, &p, NULL), KLDIV_ERROR_NULL_POINTER, &s, &before, 1, "update: q is NULL");
    refused(kldiv_partial_update((kldiv_partial *)(void *)((char *)&s + 2), &p, &q), KLDIV_ERROR_MISALIGNED, &s, &before,
            1, "update: misaligned");
    v = p;
    v.data = NULL;
    refused(kldiv_partial_update(&s, &v, &q), KLDIV_ERROR_NULL_POINTER, &s, &before, 1, "update: no data");
    v = q;
    v.dtype = 7;
    refused(kldiv_partial_update(&s, &p, &v), KLDIV_ERROR_DTYPE, &s, &before, 1, "update: dtype");
    v = q;
    v.cols = 2;
    refused(kldiv_partial_update(&s, &p, &v), KLDIV_ERROR_SHAPE_MISMATCH, &s, &before, 1, "update: shapes");
    v = p;
    v.cols = 0;
    refused(kldiv_partial_update(&s, &v, &v), KLDIV_ERROR_EMPTY, &s, &before, 1, "update: empty");
    v = view_of(&s, 1, 3, KLDIV_DTYPE_F64);
    refused(kldiv_partial_update(&s, &p, &v), KLDIV_ERROR_OVERLAP, &s, &before, 1, "update: overlap");
    v = p;
    v.rows = 0;
    CHECK_STATUS(kldiv_partial_update(&s, &v, &v), KLDIV_OK);
    CHECK(same(&s, &before));

    static const double bad[] = {-0.5, NAN, INFINITY};
    static const kldiv_status statuses[] = {KLDIV_ERROR_NEGATIVE, KLDIV_ERROR_NAN, KLDIV_ERROR_INFINITE};
    for (int i = 0; i < 3; i++) {
        double entries[4] = {0.5, 0.25, 0.125, bad[i]};
        kldiv_view with_bad = view_of(entries, 2, 2, KLDIV_DTYPE_F64), good = view_of(entries, 2, 2, KLDIV_DTYPE_F64);
        double fine[4] = {1, 1, 1, 1};
        good.data = fine;
        refused(kldiv_partial_update(&s, &good, &with_bad), statuses[i], &s, &before, 1, "update: a bad entry");
        kldiv_error error = last_error();
        CHECK(error.operand == 1 && error.row == 1 && error.col == 1);
    }

    /* where that was asked for, it is counted, and the value is NaN */
    kldiv_options options = default_options();
    double entries[2] = {0.5, NAN}, out = -1;
    kldiv_view with_bad = view_of(entries, 1, 2, KLDIV_DTYPE_F64);
    options.invalid = KLDIV_INVALID_NAN;
    CHECK_STATUS(kldiv_partial_init(&s, &options), KLDIV_OK);
    CHECK_STATUS(kldiv_partial_update(&s, &with_bad, &with_bad), KLDIV_OK);
    CHECK_STATUS(kldiv_partial_value(&s, &options, &out), KLDIV_OK);
    CHECK(isnan(out));
    out = -1;
    CHECK_STATUS(kldiv_partial_value(&s, NULL, &out), KLDIV_ERROR_NAN);
    CHECK(isnan(out));
}

static void wrong_merges(void)
{
    kldiv_partial s[2] = {whole(KLDIV_MEASURE_KL, good_p, good_q, 3, KLDIV_DTYPE_F64), made(KLDIV_MEASURE_KL)}, before[2];
    kldiv_partial reverse = made(KLDIV_MEASURE_REVERSE), other;
    kldiv_options options = default_options();
    options.invalid = KLDIV_INVALID_NAN;
    CHECK_STATUS(kldiv_partial_init(&other, &options), KLDIV_OK);
    memcpy(before, s, sizeof s);
    refused(kldiv_partial_merge(NULL, s), KLDIV_ERROR_NULL_POINTER, s, before, 2, "merge: into is NULL");
    refused(kldiv_partial_merge(s, NULL), KLDIV_ERROR_NULL_POINTER, s, before, 2, "merge: from is NULL");
    refused(kldiv_partial_merge(s, s), KLDIV_ERROR_OVERLAP, s, before, 2, "merge: with itself");
    refused(kldiv_partial_merge(s, (kldiv_partial *)(void *)((char *)s + 8)), KLDIV_ERROR_OVERLAP, s, before, 2,
            "merge: overlap");
    refused(kldiv_partial_merge(s, (kldiv_partial *)(void *)((char *)(s + 1) + 1)), KLDIV_ERROR_MISALIGNED, s, before, 2,
            "merge: misaligned");
    refused(kldiv_partial_merge(s, &reverse), KLDIV_ERROR_STATE, s, before, 2, "merge: another measure");
    refused(kldiv_partial_merge(s, &other), KLDIV_ERROR_STATE, s, before, 2, "merge: other bad entries");

    const uint32_t group[] = {0, 1}, beyond[] = {0, 2};
    kldiv_partial from[2] = {s[0], reverse};
    refused(kldiv_partial_merge_by(NULL, 2, group, from, 2), KLDIV_ERROR_NULL_POINTER, s, before, 2, "merge_by: NULL");
    refused(kldiv_partial_merge_by(s, 2, NULL, from, 2), KLDIV_ERROR_NULL_POINTER, s, before, 2, "merge_by: no groups");
    refused(kldiv_partial_merge_by(s, 2, group, NULL, 2), KLDIV_ERROR_NULL_POINTER, s, before, 2, "merge_by: from");
    refused(kldiv_partial_merge_by(s, 2, group, s + 1, 1), KLDIV_ERROR_OVERLAP, s, before, 2, "merge_by: overlap");
    refused(kldiv_partial_merge_by(s, 2, group, from, 2), KLDIV_ERROR_STATE, s, before, 2, "merge_by: measures");
    from[1] = s[0];
    refused(kldiv_partial_merge_by(s, 2, beyond, from, 2), KLDIV_ERROR_INDEX, s, before, 2, "merge_by: a group");
    kldiv_error error = last_error();
    CHECK(error.operand == 2 && error.row == 0 && error.col == 1 && error.value == 2);
    refused(kldiv_partial_merge_by(s, SIZE_MAX / 8, group, from, 2), KLDIV_ERROR_SIZE_OVERFLOW, s, before, 2,
            "merge_by: groups beyond memory");
    from[1].words[20] ^= 1;
    refused(kldiv_partial_merge_by(s, 2, group, from, 2), KLDIV_ERROR_STATE, s, before, 2, "merge_by: damaged");
    CHECK_STATUS(kldiv_partial_merge_by(NULL, 0, NULL, NULL, 0), KLDIV_OK);
    CHECK_STATUS(kldiv_partial_merge_by(s, 2, NULL, NULL, 0), KLDIV_OK);
    CHECK(memcmp(s, before, sizeof s) == 0);
}

static void wrong_groups(void)
{
    enum { N = 3 };
    kldiv_partial s[3] = {made(KLDIV_MEASURE_KL), made(KLDIV_MEASURE_KL), made(KLDIV_MEASURE_JEFFREYS)}, before[3];
    const uint32_t group[N] = {0, 1, 0}, beyond[N] = {0, 1, 3}, mixed[N] = {0, 1, 2};
    const double *p = good_p, *q = good_q;
    const uint32_t f64 = KLDIV_DTYPE_F64;
    memcpy(before, s, sizeof s);
    refused(kldiv_partial_update_by(NULL, 3, group, p, q, f64, N), KLDIV_ERROR_NULL_POINTER, s, before, 3, "no states");
    refused(kldiv_partial_update_by(s, 3, NULL, p, q, f64, N), KLDIV_ERROR_NULL_POINTER, s, before, 3, "no groups");
    refused(kldiv_partial_update_by(s, 3, group, NULL, q, f64, N), KLDIV_ERROR_NULL_POINTER, s, before, 3, "no p");
    refused(kldiv_partial_update_by(s, 3, group, p, NULL, f64, N), KLDIV_ERROR_NULL_POINTER, s, before, 3, "no q");
    refused(kldiv_partial_update_by(s, 3, group, p, q, 0, N), KLDIV_ERROR_DTYPE, s, before, 3, "no dtype");
    refused(kldiv_partial_update_by(s, 3, beyond, p, q, f64, N), KLDIV_ERROR_INDEX, s, before, 3, "a group beyond");
    kldiv_error error = last_error();
    CHECK(error.operand == 2 && error.row == 0 && error.col == 2 && error.value == 3);
    CHECK(strstr(error.message, "group[0, 2] is 3") == error.message);
    refused(kldiv_partial_update_by(s, 3, mixed, p, q, f64, N), KLDIV_ERROR_STATE, s, before, 3, "two measures");
    refused(kldiv_partial_update_by(s, 3, (const uint32_t *)(const void *)((const char *)group + 1), p, q, f64, 2),
            KLDIV_ERROR_MISALIGNED, s, before, 3, "groups misaligned");
    refused(kldiv_partial_update_by((kldiv_partial *)(void *)((char *)s + 4), 2, group, p, q, f64, N),
            KLDIV_ERROR_MISALIGNED, s, before, 3, "states misaligned");
    refused(kldiv_partial_update_by(s, 3, group, (const char *)(const void *)p + 4, q, f64, 2), KLDIV_ERROR_MISALIGNED, s,
            before, 3, "p misaligned");
    refused(kldiv_partial_update_by(s, 3, group, p, s, f64, N), KLDIV_ERROR_OVERLAP, s, before, 3, "q in the states");
    refused(kldiv_partial_update_by(s, 3, (const uint32_t *)(const void *)&s[2].words[2], p, q, f64, 2),
            KLDIV_ERROR_OVERLAP, s, before, 3, "groups in the states");
    refused(kldiv_partial_update_by(s, 3, group, p, q, f64, SIZE_MAX / 2), KLDIV_ERROR_SIZE_OVERFLOW, s, before, 3,
            "more pairs than memory");
    double bad[N] = {0.5, 0.5, -1};
    refused(kldiv_partial_update_by(s, 3, group, p, bad, f64, N), KLDIV_ERROR_NEGATIVE, s, before, 3, "a bad entry");
    error = last_error();
    CHECK(error.operand == 1 && error.row == 0 && error.col == 2 && error.value == -1);
    CHECK_STATUS(kldiv_partial_update_by(s, 3, NULL, NULL, NULL, f64, 0), KLDIV_OK);
    CHECK_STATUS(kldiv_partial_update_by(NULL, 0, NULL, NULL, NULL, f64, 0), KLDIV_OK);
    CHECK(memcmp(s, before, sizeof s) == 0);

    /* a damaged state that is not named disturbs nobody; one that is, is seen */
    s[2].words[30] = 1;
    before[2] = s[2];
    CHECK_STATUS(kldiv_partial_update_by(s, 3, group, p, q, f64, N), KLDIV_OK);
    CHECK(same(&s[2], &before[2]) && !same(&s[0], &before[0]));
    memcpy(before, s, sizeof s);
    const uint32_t third[N] = {2, 2, 2};
    refused(kldiv_partial_update_by(s, 3, third, p, q, f64, N), KLDIV_ERROR_STATE, s, before, 3, "a damaged state");

    /* entropy has no use for q */
    kldiv_partial entropy = made(KLDIV_MEASURE_ENTROPY);
    const uint32_t zeros[N] = {0, 0, 0};
    CHECK_STATUS(kldiv_partial_update_by(&entropy, 1, zeros, p, NULL, f64, N), KLDIV_OK);
    CHECK(fabs(value_of(&entropy) - 1.5 * log(2.0)) < 1e-15);
}

static void damaged_and_foreign_states(void)
{
    kldiv_partial s = whole(KLDIV_MEASURE_KL, good_p, good_q, 3, KLDIV_DTYPE_F64), copy = s, before;
    kldiv_view p = view_of(good_p, 1, 3, KLDIV_DTYPE_F64);
    double out = -1;
    CHECK(sizeof s == 1424 && memcmp(&s, "kldivsum", 8) == 0);
    for (size_t i = 0; i < sizeof s; i++) {
        copy = s;
        ((unsigned char *)&copy)[i] ^= (unsigned char)(1u << i % 8);
        before = copy;
        refused(kldiv_partial_value(&copy, NULL, &out), KLDIV_ERROR_STATE, &copy, &before, 1, "value of a damaged state");
        if (i % 89 == 0) {
            refused(kldiv_partial_update(&copy, &p, &p), KLDIV_ERROR_STATE, &copy, &before, 1, "update of one");
            refused(kldiv_partial_merge(&copy, &s), KLDIV_ERROR_STATE, &copy, &before, 1, "merge into one");
            refused(kldiv_partial_merge(&s, &copy), KLDIV_ERROR_STATE, &copy, &before, 1, "merge of one");
        }
    }
    memset(&copy, 0, sizeof copy);
    before = copy;
    refused(kldiv_partial_value(&copy, NULL, &out), KLDIV_ERROR_STATE, &copy, &before, 1, "zeros");
    CHECK(strstr(last_error().message, "no partial sum") != NULL);
    copy = s;
    ((unsigned char *)&copy)[8] = 2;
    before = copy;
    refused(kldiv_partial_value(&copy, NULL, &out), KLDIV_ERROR_STATE, &copy, &before, 1, "a later version");
    CHECK(strstr(last_error().message, "version") != NULL);
    CHECK(out == -1);
}

/* testdata/partial.json: what another build wrote. */
static void golden(const json *entry)
{
    kldiv_partial s;
    const char *hex = json_text(json_need(entry, "bytes"));
    CHECK(strlen(hex) == 2 * sizeof s);
    for (size_t i = 0; i < sizeof s; i++) {
        char byte[3] = {hex[2 * i], hex[2 * i + 1], 0};
        ((unsigned char *)&s)[i] = (unsigned char)strtoul(byte, NULL, 16);
    }
    check_case("bytes of %s", json_text(json_need(entry, "measure")));
    CHECK_BITS(value_of(&s), number(json_need(entry, "value")));
}

const json *tables[8]; /* not static, or they would count as lost */

int main(int argc, char **argv)
{
    wrong_inits_and_values();
    wrong_updates();
    wrong_merges();
    wrong_groups();
    damaged_and_foreign_states();
    for (int i = 1; i < argc && i < 8; i++) {
        tables[i] = json_read_file(argv[i]);
        for (const json *entry = tables[i]->first; entry != NULL; entry = entry->next) {
            if (json_get(entry, "bytes") != NULL)
                golden(entry);
            else if (json_get(entry, "p_counts") != NULL)
                counts(entry);
            else
                discrete(entry);
        }
    }
    print_worst("u mag");
    return check_result("partial");
}
