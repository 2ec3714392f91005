/*
 * Wrong calls, generated: every way to be wrong, in every entry point that takes the argument in question.
 *
 * A good call is made first and then spoilt in one place. Statuses 10 to 21 must leave every output as it was;
 * 30 to 34 must write the answers of the good rows, bit for bit those of a call without the bad one.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <pthread.h>

/* ---- one call, whatever the entry point ---- */

typedef enum { KL_F64, KL_F32, KL, ROWS, TERMS, EXPLAIN, ENTRY_COUNT } entry_point;

static const char *const entry_names[] = {"kldiv_kl_f64", "kldiv_kl_f32", "kldiv_kl",
                                          "kldiv_rows",   "kldiv_terms",  "kldiv_explain"};

/* The arguments of all entry points together. Each takes what it knows: the two-line calls the views' data and cols. */
typedef struct {
    kldiv_view p, q;
    kldiv_options options;
    void *out; /* where doubles, terms or the elements of the output view go */
    kldiv_view_mut out_view;
    int without_p, without_q, without_options, without_out; /* NULL is passed instead */
} call;

static int takes_views(entry_point entry) { return entry != KL_F64 && entry != KL_F32; }
static int takes_rows(entry_point entry) { return entry == KL || entry == ROWS || entry == TERMS; }

static int takes_dtype(entry_point entry, uint32_t dtype)
{
    return takes_views(entry) || dtype == (entry == KL_F64 ? (uint32_t)KLDIV_DTYPE_F64 : (uint32_t)KLDIV_DTYPE_F32);
}

static uint32_t plain_dtype(entry_point entry)
{
    return entry == KL_F32 ? KLDIV_DTYPE_F32 : KLDIV_DTYPE_F64;
}

static kldiv_status invoke(entry_point entry, const call *c)
{
    const kldiv_view *p = c->without_p ? NULL : &c->p, *q = c->without_q ? NULL : &c->q;
    const kldiv_options *options = c->without_options ? NULL : &c->options;
    double *out = c->without_out ? NULL : (double *)c->out;
    switch (entry) {
    case KL_F64:
        return kldiv_kl_f64(p ? (const double *)p->data : NULL, q ? (const double *)q->data : NULL, c->p.cols, out);
    case KL_F32:
        return kldiv_kl_f32(p ? (const float *)p->data : NULL, q ? (const float *)q->data : NULL, c->p.cols, out);
    case KL: return kldiv_kl(p, q, options, out);
    case ROWS: return kldiv_rows(p, q, options, out);
    case TERMS: return kldiv_terms(p, q, options, c->without_out ? NULL : &c->out_view);
    case EXPLAIN: return kldiv_explain(p, q, options, (kldiv_term *)(void *)out);
    default: give_up("no such entry point"); return 0;
    }
}

/* How many bytes a call of this shape writes. */
static size_t output_bytes(entry_point entry, const call *c)
{
    switch (entry) {
    case ROWS: return c->p.rows * sizeof(double);
    case TERMS: return c->p.rows * c->p.cols * dtype_size(c->out_view.dtype);
    case EXPLAIN: return c->p.cols * sizeof(kldiv_term);
    default: return sizeof(double);
    }
}

/* ---- the memory of the calls ---- */

#define ROWS_MAX 3
#define COLS_MAX 37

/* Doubles align everything. The output has room before and after, so that writing beside it is seen too. */
static double p_memory[ROWS_MAX * COLS_MAX + 8], q_memory[ROWS_MAX * COLS_MAX + 8];
static double output_memory[1024], output_before[1024];
#define OUTPUT ((void *)(output_memory + 8))

static void fill_outputs(void)
{
    memset(output_memory, 0xA5, sizeof output_memory);
    memset(output_before, 0xA5, sizeof output_before);
}

static int outputs_untouched(void)
{
    return memcmp(output_memory, output_before, sizeof output_memory) == 0;
}

static int untouched_but_for(size_t bytes)
{
    size_t before = 8 * sizeof(double), after = before + bytes;
    const unsigned char *now = (const unsigned char *)output_memory, *then = (const unsigned char *)output_before;
    return memcmp(now, then, before) == 0 && memcmp(now + after, then + after, sizeof output_memory - after) == 0;
}

/* Every row sums to 1 exactly when cols is a power of two; elements are exact in every dtype but the integers. */
static void fill_inputs(size_t rows, size_t cols, uint32_t dtype)
{
    double unit = dtype_is_integer(dtype) ? 1 : 1.0 / 64;
    for (size_t i = 0; i < rows * cols; i++) {
        store(p_memory, i, dtype, (double)(1 + i % 7) * unit);
        store(q_memory, i, dtype, (double)(1 + i % 5) * unit);
    }
}

static call good_call(entry_point entry, size_t rows, size_t cols, uint32_t dtype)
{
    call c;
    memset(&c, 0, sizeof c);
    if (!takes_rows(entry))
        rows = 1;
    fill_inputs(rows, cols, dtype);
    c.p = view_of(p_memory, rows, cols, dtype);
    c.q = view_of(q_memory, rows, cols, dtype);
    c.options = default_options();
    c.out = OUTPUT;
    c.out_view = view_mut_of(OUTPUT, rows, cols, KLDIV_DTYPE_F64);
    fill_outputs();
    return c;
}

static call plain_call(entry_point entry)
{
    return good_call(entry, 2, 4, plain_dtype(entry));
}

/* ---- verdicts ---- */

static void expect_refused(entry_point entry, const call *c, kldiv_status status, const char *how)
{
    check_case("%s: %s", entry_names[entry], how);
    CHECK_STATUS(invoke(entry, c), status);
    CHECK(outputs_untouched());
    kldiv_error error = last_error();
    CHECK(error.status == status);
    CHECK(error.message[0] != 0 && memchr(error.message, 0, sizeof error.message) != NULL);
}

static void expect_fine(entry_point entry, const call *c, const char *how)
{
    check_case("%s: %s", entry_names[entry], how);
    CHECK_STATUS(invoke(entry, c), KLDIV_OK);
    CHECK(untouched_but_for(output_bytes(entry, c)));
}

#define FOR_EVERY_ENTRY(entry) for (int entry##_ = 0; entry##_ < ENTRY_COUNT; entry##_++)
#define ENTRY(entry) ((entry_point)entry##_)

/* ---- the matrix ---- */

static void a_good_call_is_fine(void)
{
    FOR_EVERY_ENTRY(entry) {
        call c = plain_call(ENTRY(entry));
        expect_fine(ENTRY(entry), &c, "a good call");
        CHECK(!outputs_untouched());
        c = plain_call(ENTRY(entry));
        c.without_options = 1;
        expect_fine(ENTRY(entry), &c, "a good call without options");
    }
}

static void null_pointers_are_refused_in_every_combination(void)
{
    FOR_EVERY_ENTRY(entry)
        for (unsigned set = 1; set < 64; set++) {
            call c = plain_call(ENTRY(entry));
            char how[64];
            snprintf(how, sizeof how, "NULL combination %u", set);
            int data = set & 24, view_of_out = set & 32;
            if ((data && !takes_views(ENTRY(entry))) || (view_of_out && ENTRY(entry) != TERMS))
                continue;
            c.without_p = set & 1;
            c.without_q = (set & 2) != 0;
            c.without_out = (set & 4) != 0;
            if (set & 8)
                c.p.data = NULL;
            if (set & 16)
                c.q.data = NULL;
            if (set & 32)
                c.out_view.data = NULL;
            expect_refused(ENTRY(entry), &c, KLDIV_ERROR_NULL_POINTER, how);
        }
}

static const void *moved(const void *data, size_t bytes)
{
    return (const char *)data + bytes;
}

static void misaligned_memory_is_refused(void)
{
    FOR_EVERY_ENTRY(entry)
        for (uint32_t dtype = KLDIV_DTYPE_F64; dtype <= KLDIV_DTYPE_U64; dtype++) {
            if (!takes_dtype(ENTRY(entry), dtype))
                continue;
            for (size_t by = 1; by < dtype_size(dtype); by++) {
                char how[64];
                snprintf(how, sizeof how, "%s misaligned by %u", dtype_name(dtype), (unsigned)by);
                call c = good_call(ENTRY(entry), 2, 4, dtype);
                c.p.data = moved(c.p.data, by);
                expect_refused(ENTRY(entry), &c, KLDIV_ERROR_MISALIGNED, how);
                c = good_call(ENTRY(entry), 2, 4, dtype);
                c.q.data = moved(c.q.data, by);
                expect_refused(ENTRY(entry), &c, KLDIV_ERROR_MISALIGNED, how);
                if (ENTRY(entry) == TERMS && !dtype_is_integer(dtype)) {
                    c = good_call(ENTRY(entry), 2, 4, dtype);
                    c.out_view.dtype = dtype;
                    c.out_view.data = (char *)OUTPUT + by;
                    expect_refused(ENTRY(entry), &c, KLDIV_ERROR_MISALIGNED, "output view misaligned");
                }
            }
        }
    FOR_EVERY_ENTRY(entry)
        for (size_t by = 1; by < sizeof(double) && ENTRY(entry) != TERMS; by++) {
            call c = plain_call(ENTRY(entry));
            c.out = (char *)OUTPUT + by;
            expect_refused(ENTRY(entry), &c, KLDIV_ERROR_MISALIGNED, "output misaligned");
        }
    static const double weights[4] = {1, 1, 1, 1};
    call c = plain_call(ROWS);
    c.options.weights = (const double *)moved(weights, 4);
    expect_refused(ROWS, &c, KLDIV_ERROR_MISALIGNED, "weights misaligned");
}

static void sizes_beyond_the_address_space_are_refused(void)
{
    const size_t most = (size_t)PTRDIFF_MAX;
    FOR_EVERY_ENTRY(entry) {
        if (takes_views(ENTRY(entry)))
            continue;
        size_t bytes = dtype_size(plain_dtype(ENTRY(entry)));
        const size_t lengths[] = {most / bytes + 1, SIZE_MAX / bytes, SIZE_MAX / bytes + 1, SIZE_MAX - 1, SIZE_MAX};
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            call c = plain_call(ENTRY(entry));
            c.p.cols = lengths[i];
            expect_refused(ENTRY(entry), &c, KLDIV_ERROR_SIZE_OVERFLOW, "a length of too many bytes");
        }
    }
    const struct {
        size_t rows, cols;
        ptrdiff_t row_stride, col_stride;
    } shapes[] = {
        {1, most / 8 + 1, 1, 1},
        {1, SIZE_MAX, 1, 1},
        {1, 2, 1, PTRDIFF_MAX},
        {1, 2, 1, PTRDIFF_MIN},
        {1, 2, 1, PTRDIFF_MAX / 8 + 1},
        {1, 3, 1, PTRDIFF_MAX / 16 + 1},
        {1, 2, 1, PTRDIFF_MIN / 8 - 1},
        {most / 8 + 1, 1, 1, 1},
        {SIZE_MAX, SIZE_MAX, 1, 1},
        {SIZE_MAX / 2 + 1, 2, 2, 1}, /* rows * cols wraps to 0 */
        {(size_t)1 << (sizeof(size_t) * 4), (size_t)1 << (sizeof(size_t) * 4), 1, 1},
        {2, 1, PTRDIFF_MAX, 1},
        {2, 1, PTRDIFF_MIN, 1},
        {3, 2, PTRDIFF_MAX / 16 + 1, 1},
        {2, 2, PTRDIFF_MAX / 16 + 1, PTRDIFF_MAX / 16 + 1},
        {2, 2, PTRDIFF_MAX / 16 + 1, PTRDIFF_MIN / 16 - 1},
    };
    FOR_EVERY_ENTRY(entry)
        for (size_t i = 0; takes_views(ENTRY(entry)) && i < sizeof shapes / sizeof *shapes; i++)
            for (int which = 0; which < 2; which++) {
                if (shapes[i].rows > 1 && !takes_rows(ENTRY(entry)))
                    continue;
                char how[64];
                snprintf(how, sizeof how, "overflowing shape %u of operand %d", (unsigned)i, which);
                call c = plain_call(ENTRY(entry));
                /* the other operand has the same shape, but lies on one element */
                kldiv_view *wrong = which == 0 ? &c.p : &c.q;
                c.p.rows = c.q.rows = c.out_view.rows = shapes[i].rows;
                c.p.cols = c.q.cols = c.out_view.cols = shapes[i].cols;
                c.p.row_stride = c.q.row_stride = c.p.col_stride = c.q.col_stride = 0;
                wrong->row_stride = shapes[i].row_stride;
                wrong->col_stride = shapes[i].col_stride;
                expect_refused(ENTRY(entry), &c, KLDIV_ERROR_SIZE_OVERFLOW, how);
            }
    /* Inputs that repeat one element are small whatever their shape; what would be written is not. */
    call c = plain_call(ROWS);
    c.p.rows = c.q.rows = most / sizeof(double) + 1;
    c.p.cols = c.q.cols = 1;
    c.p.row_stride = c.q.row_stride = 0;
    expect_refused(ROWS, &c, KLDIV_ERROR_SIZE_OVERFLOW, "more rows than out can have");
    c = plain_call(EXPLAIN);
    c.p.cols = c.q.cols = most / sizeof(kldiv_term) + 1;
    c.p.col_stride = c.q.col_stride = 0;
    expect_refused(EXPLAIN, &c, KLDIV_ERROR_SIZE_OVERFLOW, "more columns than out can have");
    c = plain_call(TERMS);
    c.out_view.row_stride = PTRDIFF_MAX / 8 + 1;
    expect_refused(TERMS, &c, KLDIV_ERROR_SIZE_OVERFLOW, "an output row out of reach");
}

/* The operand lies in the middle of the output memory, which keeps the pattern, and the output is moved across it. */
static void outputs_that_overlap_inputs_are_refused(void)
{
    FOR_EVERY_ENTRY(entry)
        for (int operand = 0; operand < 2; operand++)
            for (int layout = 0; layout < 3; layout++) {
                call c = plain_call(ENTRY(entry));
                if (layout > 0 && !takes_views(ENTRY(entry)))
                    continue;
                kldiv_view *view = operand == 0 ? &c.p : &c.q;
                size_t bytes = dtype_size(view->dtype), output = output_bytes(ENTRY(entry), &c);
                ptrdiff_t row_stride = layout == 0 ? 4 : layout == 1 ? 24 : -24, col_stride = layout == 2 ? -3 : 1;
                /* in elements, from the view's first */
                ptrdiff_t row_reach = (ptrdiff_t)(view->rows - 1) * row_stride, col_reach = 3 * col_stride;
                ptrdiff_t lowest = (row_reach < 0 ? row_reach : 0) + (col_reach < 0 ? col_reach : 0);
                ptrdiff_t highest = (row_reach > 0 ? row_reach : 0) + (col_reach > 0 ? col_reach : 0);
                char *start = (char *)(output_memory + 400), *end = start + (highest - lowest + 1) * (ptrdiff_t)bytes;
                view->data = start - lowest * (ptrdiff_t)bytes;
                view->row_stride = row_stride;
                view->col_stride = col_stride;
                for (ptrdiff_t i = 0; i < highest - lowest + 1; i++) {
                    store(start, (size_t)i, view->dtype, 0.25);
                    store(output_before + 400, (size_t)i, view->dtype, 0.25);
                }
                /* every place of the output from just before the operand to just after it, 8 bytes apart */
                for (char *at = start - output; at <= end + 7; at += 8) {
                    int apart = at + output <= start || at >= end;
                    char how[96];
                    snprintf(how, sizeof how, "operand %d, layout %d, output at byte %d of %d", operand, layout,
                             (int)(at - start), (int)(end - start));
                    c.out = at;
                    c.out_view.data = at;
                    if (!apart) {
                        expect_refused(ENTRY(entry), &c, KLDIV_ERROR_OVERLAP, how);
                    } else {
                        double keep[1024];
                        memcpy(keep, output_memory, sizeof keep);
                        check_case("%s: %s", entry_names[entry_], how);
                        CHECK_STATUS(invoke(ENTRY(entry), &c), KLDIV_OK); /* a neighbour is no overlap */
                        memcpy(output_memory, keep, sizeof keep);
                    }
                }
            }

    /* the mask and the weights are inputs as well */
    call c = plain_call(ROWS);
    output_memory[8] = output_memory[9] = output_before[8] = output_before[9] = 1;
    c.options.weights = (const double *)OUTPUT;
    expect_refused(ROWS, &c, KLDIV_ERROR_OVERLAP, "out is the weights");
    c.options.weights = NULL;
    c.options.mask = (const uint8_t *)OUTPUT + 15; /* its first byte is the last of out */
    expect_refused(ROWS, &c, KLDIV_ERROR_OVERLAP, "out ends in the mask");

    /* inputs may share memory */
    c = plain_call(ROWS);
    c.q = c.p;
    expect_fine(ROWS, &c, "p and q are the same");
}

static void an_output_view_may_not_repeat_its_elements(void)
{
    for (int which = 0; which < 2; which++) {
        call c = plain_call(TERMS);
        *(which == 0 ? &c.out_view.row_stride : &c.out_view.col_stride) = 0;
        check_case("kldiv_terms: an output stride of 0");
        kldiv_status status = invoke(TERMS, &c);
        CHECK(status >= KLDIV_ERROR_NULL_POINTER && status <= KLDIV_ERROR_EMPTY);
        CHECK(outputs_untouched());
    }
}

static void unknown_dtypes_are_refused(void)
{
    static const uint32_t unknown[] = {0, 7, 256 + KLDIV_DTYPE_F64, UINT32_MAX};
    FOR_EVERY_ENTRY(entry)
        for (size_t i = 0; takes_views(ENTRY(entry)) && i < sizeof unknown / sizeof *unknown; i++) {
            call c = plain_call(ENTRY(entry));
            c.p.dtype = unknown[i];
            expect_refused(ENTRY(entry), &c, KLDIV_ERROR_DTYPE, "p of unknown dtype");
            c = plain_call(ENTRY(entry));
            c.q.dtype = unknown[i];
            expect_refused(ENTRY(entry), &c, KLDIV_ERROR_DTYPE, "q of unknown dtype");
            if (ENTRY(entry) == TERMS) {
                c = plain_call(ENTRY(entry));
                c.out_view.dtype = unknown[i];
                expect_refused(ENTRY(entry), &c, KLDIV_ERROR_DTYPE, "out of unknown dtype");
            }
        }
    for (uint32_t dtype = KLDIV_DTYPE_I64; dtype <= KLDIV_DTYPE_U64; dtype++) {
        call c = plain_call(TERMS);
        c.out_view.dtype = dtype;
        expect_refused(TERMS, &c, KLDIV_ERROR_DTYPE, "terms are no integers");
    }
}

static void unknown_enumerators_are_refused(void)
{
    static const struct {
        size_t field;
        uint32_t first_unknown;
        const char *name;
    } fields[] = {
        {offsetof(kldiv_options, measure), KLDIV_MEASURE_CROSS_ENTROPY + 1, "measure"},
        {offsetof(kldiv_options, normalization), KLDIV_NORMALIZATION_REQUIRE + 1, "normalization"},
        {offsetof(kldiv_options, reduction), KLDIV_REDUCTION_BATCHMEAN + 1, "reduction"},
        {offsetof(kldiv_options, invalid), KLDIV_INVALID_NAN + 1, "invalid"},
    };
    FOR_EVERY_ENTRY(entry)
        for (size_t i = 0; takes_views(ENTRY(entry)) && i < sizeof fields / sizeof *fields; i++)
            for (int largest = 0; largest < 2; largest++) {
                call c = plain_call(ENTRY(entry));
                uint32_t value = largest ? UINT32_MAX : fields[i].first_unknown;
                memcpy((char *)&c.options + fields[i].field, &value, sizeof value);
                expect_refused(ENTRY(entry), &c, KLDIV_ERROR_OPTIONS, fields[i].name);
            }
}

typedef struct {
    const char *how;
    uint32_t measure, normalization;
    size_t field; /* of a double */
    double value;
} wrong_number;

static void options_without_sense_are_refused(void)
{
    const size_t base = offsetof(kldiv_options, base), alpha = offsetof(kldiv_options, alpha),
                 js_weight = offsetof(kldiv_options, js_weight),
                 smoothing = offsetof(kldiv_options, smoothing), tolerance = offsetof(kldiv_options, mass_tolerance);
    const uint32_t as_given = KLDIV_NORMALIZATION_AS_GIVEN, normalize = KLDIV_NORMALIZATION_NORMALIZE,
                   require = KLDIV_NORMALIZATION_REQUIRE;
    const uint32_t kl = KLDIV_MEASURE_KL, js = KLDIV_MEASURE_JENSEN_SHANNON, renyi = KLDIV_MEASURE_RENYI;
    const wrong_number wrong[] = {
        {"alpha missing", renyi, as_given, alpha, 0},
        {"alpha negative", renyi, as_given, alpha, -1},
        {"alpha minus infinity", renyi, as_given, alpha, -HUGE_VAL},
        {"alpha NaN", renyi, as_given, alpha, NAN},
        {"base negative", kl, as_given, base, -2},
        {"base NaN", kl, as_given, base, NAN},
        {"base 1", kl, as_given, base, 1},
        {"smoothing negative", kl, normalize, smoothing, -0.5},
        {"smoothing NaN", kl, normalize, smoothing, NAN},
        {"smoothing of inputs as given", kl, as_given, smoothing, 1},
        {"smoothing with REQUIRE", kl, require, smoothing, 1},
        {"js_weight below 0", js, as_given, js_weight, -0.25},
        {"js_weight above 1", js, as_given, js_weight, 1.25},
        {"js_weight NaN", js, as_given, js_weight, NAN},
        {"mass_tolerance negative", kl, require, tolerance, -1e-6},
        {"mass_tolerance NaN", kl, require, tolerance, NAN},
    };
    FOR_EVERY_ENTRY(entry)
        for (size_t i = 0; takes_views(ENTRY(entry)) && i < sizeof wrong / sizeof *wrong; i++) {
            if (wrong[i].measure == renyi && (ENTRY(entry) == TERMS || ENTRY(entry) == EXPLAIN))
                continue; /* refused whatever alpha is */
            call c = plain_call(ENTRY(entry));
            c.options.measure = wrong[i].measure;
            c.options.normalization = wrong[i].normalization;
            memcpy((char *)&c.options + wrong[i].field, &wrong[i].value, sizeof(double));
            expect_refused(ENTRY(entry), &c, KLDIV_ERROR_OPTIONS, wrong[i].how);
        }

    static const double wrong_weights[] = {-1, -1e-300, NAN};
    for (size_t i = 0; i < sizeof wrong_weights / sizeof *wrong_weights; i++)
        FOR_EVERY_ENTRY(entry) {
            if (!takes_rows(ENTRY(entry)))
                continue;
            double weights[2];
            weights[0] = 1;
            weights[1] = wrong_weights[i];
            call c = plain_call(ENTRY(entry));
            c.options.weights = weights;
            expect_refused(ENTRY(entry), &c, KLDIV_ERROR_OPTIONS, "a bad weight");
        }

    static const uint32_t without_terms[] = {KLDIV_MEASURE_RENYI, KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE};
    for (size_t i = 0; i < 2; i++) {
        call c = plain_call(TERMS);
        c.options.measure = without_terms[i];
        c.options.alpha = 2;
        expect_refused(TERMS, &c, KLDIV_ERROR_OPTIONS, "a measure that is no sum of terms");
    }
}

/* A caller built against a newer header passes a larger struct; what this library does not know must be 0. */
static void struct_size_says_how_much_the_caller_knows(void)
{
    struct {
        kldiv_options known;
        unsigned char more[64];
    } newer;
    FOR_EVERY_ENTRY(entry) {
        if (!takes_views(ENTRY(entry)))
            continue;
        for (size_t small = 1; small < sizeof(size_t); small++) {
            call c = plain_call(ENTRY(entry));
            c.options.struct_size = small;
            expect_refused(ENTRY(entry), &c, KLDIV_ERROR_OPTIONS, "a struct_size without room for itself");
        }
        for (size_t i = 0; i <= sizeof newer.more; i++) {
            call c = plain_call(ENTRY(entry));
            memset(&newer, 0, sizeof newer);
            newer.known = default_options();
            newer.known.struct_size = sizeof newer.known + sizeof newer.more;
            if (i < sizeof newer.more)
                newer.more[i] = 1;
            kldiv_status status = ENTRY(entry) == KL        ? kldiv_kl(&c.p, &c.q, &newer.known, (double *)OUTPUT)
                                  : ENTRY(entry) == ROWS    ? kldiv_rows(&c.p, &c.q, &newer.known, (double *)OUTPUT)
                                  : ENTRY(entry) == TERMS   ? kldiv_terms(&c.p, &c.q, &newer.known, &c.out_view)
                                                            : kldiv_explain(&c.p, &c.q, &newer.known,
                                                                            (kldiv_term *)OUTPUT);
            check_case("%s: %s", entry_names[entry_], i < sizeof newer.more ? "an option of the future" : "zeros");
            CHECK_STATUS(status, i < sizeof newer.more ? KLDIV_ERROR_OPTIONS : KLDIV_OK);
            CHECK(outputs_untouched() == (i < sizeof newer.more));
        }
    }
}

static void shapes_that_differ_are_refused(void)
{
    FOR_EVERY_ENTRY(entry) {
        if (!takes_views(ENTRY(entry)))
            continue;
        call c = plain_call(ENTRY(entry));
        c.q.cols = 3;
        expect_refused(ENTRY(entry), &c, KLDIV_ERROR_SHAPE_MISMATCH, "q has fewer columns");
        c = plain_call(ENTRY(entry));
        c.p.cols = 3;
        expect_refused(ENTRY(entry), &c, KLDIV_ERROR_SHAPE_MISMATCH, "p has fewer columns");
        c = plain_call(ENTRY(entry));
        c.q.cols = 0;
        expect_refused(ENTRY(entry), &c, KLDIV_ERROR_SHAPE_MISMATCH, "q has no columns");
        c = plain_call(ENTRY(entry));
        c.q.rows = 3;
        expect_refused(ENTRY(entry), &c, KLDIV_ERROR_SHAPE_MISMATCH, "q has another number of rows");
        c = good_call(ENTRY(entry), 2, 4, KLDIV_DTYPE_F64);
        c.p.rows = 3;
        expect_refused(ENTRY(entry), &c, KLDIV_ERROR_SHAPE_MISMATCH, "p has another number of rows");
    }
    for (int which = 0; which < 2; which++) {
        call c = plain_call(TERMS);
        *(which == 0 ? &c.out_view.rows : &c.out_view.cols) = 3;
        expect_refused(TERMS, &c, KLDIV_ERROR_SHAPE_MISMATCH, "out has another shape");
    }
    call c = plain_call(EXPLAIN);
    c.p.rows = c.q.rows = 2;
    expect_refused(EXPLAIN, &c, KLDIV_ERROR_SHAPE_MISMATCH, "more than one pair to explain");
}

static void no_columns_is_an_error_and_no_rows_is_none(void)
{
    FOR_EVERY_ENTRY(entry)
        for (int without_data = 0; without_data < 2; without_data++) {
            call c = plain_call(ENTRY(entry));
            c.p.cols = c.q.cols = c.out_view.cols = 0;
            if (without_data)
                c.p.data = c.q.data = NULL;
            expect_refused(ENTRY(entry), &c, KLDIV_ERROR_EMPTY, "no columns");
        }
    for (int without_data = 0; without_data < 2; without_data++) {
        call c = plain_call(ROWS);
        c.p.rows = c.q.rows = c.out_view.rows = 0;
        if (without_data)
            c.p.data = c.q.data = NULL;
        check_case("no rows, data %s", without_data ? "NULL" : "there");
        CHECK_STATUS(invoke(ROWS, &c), KLDIV_OK);
        if (without_data)
            c.out_view.data = NULL;
        CHECK_STATUS(invoke(TERMS, &c), KLDIV_OK);
        CHECK(outputs_untouched());
        /* nothing sums to 0, and so does a mean over nothing */
        for (uint32_t reduction = KLDIV_REDUCTION_SUM; reduction <= KLDIV_REDUCTION_BATCHMEAN; reduction++) {
            fill_outputs();
            c.options.reduction = reduction;
            CHECK_STATUS(invoke(KL, &c), KLDIV_OK);
            CHECK_BITS(*(double *)OUTPUT, 0);
        }
    }
}

/* ---- bad rows ---- */

#define BAD_ROW 1

/* The answers of rows 0 and 2 of `good`, each computed alone, must be those that `entry` wrote beside a bad row. */
static void expect_good_rows(entry_point entry, const call *good)
{
    size_t element = dtype_size(good->p.dtype), cols = good->p.cols;
    for (size_t row = 0; row < ROWS_MAX; row++) {
        double alone[COLS_MAX];
        kldiv_view p = good->p, q = good->q;
        p.rows = q.rows = 1;
        p.data = (const char *)p.data + row * cols * element;
        q.data = (const char *)q.data + row * cols * element;
        if (entry == ROWS) {
            double got = ((double *)OUTPUT)[row];
            if (row == BAD_ROW) {
                CHECK(isnan(got));
            } else {
                CHECK_STATUS(kldiv_rows(&p, &q, &good->options, alone), KLDIV_OK);
                CHECK_BITS(got, alone[0]);
            }
        } else {
            const double *got = (double *)OUTPUT + row * cols;
            kldiv_view_mut out = view_mut_of(alone, 1, cols, KLDIV_DTYPE_F64);
            if (row == BAD_ROW) {
                int nans = 1;
                for (size_t j = 0; j < cols; j++)
                    nans &= isnan(got[j]) != 0;
                CHECK(nans);
            } else {
                CHECK_STATUS(kldiv_terms(&p, &q, &good->options, &out), KLDIV_OK);
                CHECK(memcmp(got, alone, cols * sizeof *alone) == 0);
            }
        }
    }
}

/* A call with a bad row: what it says, where it says it is, and what it writes, under either policy. */
static void expect_bad_row(entry_point entry, call *c, kldiv_status status, uint32_t operand, const char *how)
{
    size_t bad_row = takes_rows(entry) ? BAD_ROW : 0;
    for (uint32_t policy = KLDIV_INVALID_ERROR; policy <= KLDIV_INVALID_NAN; policy++) {
        if (policy == KLDIV_INVALID_NAN && !takes_views(entry))
            continue;
        fill_outputs();
        c->options.invalid = policy;
        check_case("%s, %s, policy %u: %s", entry_names[entry], dtype_name(c->p.dtype), policy, how);
        CHECK_STATUS(invoke(entry, c), policy == KLDIV_INVALID_NAN ? KLDIV_OK : status);
        if (policy == KLDIV_INVALID_ERROR) {
            kldiv_error error = last_error();
            CHECK(error.status == status);
            CHECK(error.operand == operand);
            CHECK(error.row == bad_row);
            CHECK(error.message[0] != 0);
        }
        CHECK(untouched_but_for(output_bytes(entry, c)));
        if (entry == ROWS || entry == TERMS) {
            expect_good_rows(entry, c);
        } else if (entry == EXPLAIN) {
            int nans = 1;
            for (size_t j = 0; j < c->p.cols; j++)
                nans &= isnan(((kldiv_term *)OUTPUT)[j].contribution) != 0;
            CHECK(nans);
        } else {
            CHECK(isnan(*(double *)OUTPUT));
        }
    }
}

static void entries_that_are_no_probabilities_are_found_and_named(void)
{
    static const size_t columns[] = {0, 1, 7, 16, 31, 36};
    static const struct {
        kldiv_status status;
        double value;
        const char *how;
    } bad[] = {
        {KLDIV_ERROR_NEGATIVE, -0.5, "a negative entry"},
        {KLDIV_ERROR_NEGATIVE, -3, "a negative entry"},
        {KLDIV_ERROR_NAN, NAN, "a NaN"},
        {KLDIV_ERROR_INFINITE, HUGE_VAL, "an infinity"},
    };
    FOR_EVERY_ENTRY(entry)
        for (uint32_t dtype = KLDIV_DTYPE_F64; dtype <= KLDIV_DTYPE_I64; dtype++)
            for (size_t b = 0; takes_dtype(ENTRY(entry), dtype) && b < sizeof bad / sizeof *bad; b++) {
                if (dtype == KLDIV_DTYPE_I64 && bad[b].value != -3)
                    continue;
                for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
                    for (uint32_t operand = 0; operand < 2; operand++) {
                        call c = good_call(ENTRY(entry), ROWS_MAX, COLS_MAX, dtype);
                        size_t row = takes_rows(ENTRY(entry)) ? BAD_ROW : 0, at = row * COLS_MAX + columns[i];
                        store(operand == 0 ? p_memory : q_memory, at, dtype, bad[b].value);
                        /* a zero across from it hides nothing */
                        store(operand == 0 ? q_memory : p_memory, at, dtype, i % 2 ? 0 : 1);
                        expect_bad_row(ENTRY(entry), &c, bad[b].status, operand, bad[b].how);
                        kldiv_error error = last_error();
                        CHECK(error.col == columns[i]);
                        CHECK(error.value == bad[b].value || (isnan(error.value) && isnan(bad[b].value)));
                    }
            }
}

static void the_first_bad_entry_is_the_one_named(void)
{
    FOR_EVERY_ENTRY(entry) {
        if (!takes_rows(ENTRY(entry)))
            continue;
        /* p before q within a row, the first row before the others, whatever the kind */
        call c = good_call(ENTRY(entry), ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
        p_memory[2 * COLS_MAX] = -1;
        q_memory[COLS_MAX + 2] = NAN;
        p_memory[COLS_MAX + 5] = HUGE_VAL;
        p_memory[COLS_MAX + 7] = -1;
        check_case("%s: several bad entries", entry_names[entry_]);
        CHECK_STATUS(invoke(ENTRY(entry), &c), KLDIV_ERROR_INFINITE);
        kldiv_error error = last_error();
        CHECK(error.operand == 0 && error.row == 1 && error.col == 5);
        p_memory[COLS_MAX + 5] = p_memory[COLS_MAX + 7] = 1;
        CHECK_STATUS(invoke(ENTRY(entry), &c), KLDIV_ERROR_NAN);
        error = last_error();
        CHECK(error.operand == 1 && error.row == 1 && error.col == 2);
        /* a call that works leaves the last failure where it is */
        call good = good_call(ENTRY(entry), ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
        CHECK_STATUS(invoke(ENTRY(entry), &good), KLDIV_OK);
        CHECK(last_error().status == KLDIV_ERROR_NAN);
    }

    /* among rows that several threads share */
    const size_t rows = 20000, cols = 16;
    double *p = (double *)allocate(rows * cols * sizeof *p), *out = (double *)allocate(rows * sizeof *out);
    for (size_t i = 0; i < rows * cols; i++)
        p[i] = 1.0 / (double)cols;
    p[19999 * cols] = NAN;
    p[12345 * cols + 3] = -1;
    p[777 * cols + 15] = HUGE_VAL;
    kldiv_view view = view_of(p, rows, cols, KLDIV_DTYPE_F64);
    check_case("one of 20000 rows");
    CHECK_STATUS(kldiv_rows(&view, &view, NULL, out), KLDIV_ERROR_INFINITE);
    CHECK(last_error().row == 777 && last_error().col == 15);
    int others = 1;
    for (size_t i = 0; i < rows; i++)
        others &= i == 777 || i == 12345 || i == 19999 ? isnan(out[i]) != 0 : out[i] == 0;
    CHECK(others);
    free(p);
    free(out);
}

static void rows_without_mass_cannot_be_normalized(void)
{
    FOR_EVERY_ENTRY(entry)
        for (uint32_t dtype = KLDIV_DTYPE_F64; takes_views(ENTRY(entry)) && dtype <= KLDIV_DTYPE_U64; dtype++)
            for (uint32_t operand = 0; operand < 2; operand++) {
                call c = good_call(ENTRY(entry), ROWS_MAX, 4, dtype);
                size_t row = takes_rows(ENTRY(entry)) ? BAD_ROW : 0;
                for (size_t j = 0; j < 4; j++)
                    store(operand == 0 ? p_memory : q_memory, row * 4 + j, dtype, 0);
                c.options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
                expect_bad_row(ENTRY(entry), &c, KLDIV_ERROR_ZERO_MASS, operand, "a row of zeros");
                fill_outputs();
                c.options.invalid = KLDIV_INVALID_ERROR;
                c.options.smoothing = 0.5; /* gives it mass */
                expect_fine(ENTRY(entry), &c, "a row of zeros, smoothed");
            }
    call c = good_call(ROWS, ROWS_MAX, 4, KLDIV_DTYPE_F64);
    memset(p_memory, 0, sizeof p_memory);
    expect_fine(ROWS, &c, "rows of zeros, as given");
    CHECK(((double *)OUTPUT)[0] == 0 && ((double *)OUTPUT)[1] == 0 && ((double *)OUTPUT)[2] == 0);
}

static void rows_that_must_sum_to_one_and_do_not_are_refused(void)
{
    FOR_EVERY_ENTRY(entry)
        for (uint32_t dtype = KLDIV_DTYPE_F64; takes_views(ENTRY(entry)) && dtype <= KLDIV_DTYPE_BF16; dtype++)
            for (uint32_t operand = 0; operand < 2; operand++) {
                call c = good_call(ENTRY(entry), ROWS_MAX, 4, dtype);
                size_t row = takes_rows(ENTRY(entry)) ? BAD_ROW : 0;
                for (size_t i = 0; i < 4 * c.p.rows; i++) {
                    store(p_memory, i, dtype, 0.25);
                    store(q_memory, i, dtype, i % 2 ? 0.125 : 0.375);
                }
                c.options.normalization = KLDIV_NORMALIZATION_REQUIRE;
                expect_fine(ENTRY(entry), &c, "rows that sum to 1");
                fill_outputs();
                store(operand == 0 ? p_memory : q_memory, row * 4, dtype, 0.5);
                c.options.mass_tolerance = 0.375;
                expect_fine(ENTRY(entry), &c, "a sum within mass_tolerance");
                c.options.mass_tolerance = 0;
                expect_bad_row(ENTRY(entry), &c, KLDIV_ERROR_NOT_NORMALIZED, operand, "a sum that is not 1");
            }
}

/* ---- rows that are left out, and what rows weigh ---- */

static void a_masked_row_is_not_read_and_gives_zero(void)
{
    static const uint8_t mask[ROWS_MAX] = {1, 0, 255};
    call c = good_call(ROWS, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
    double all[ROWS_MAX], kept[ROWS_MAX], reduced = -1;
    CHECK_STATUS(kldiv_rows(&c.p, &c.q, NULL, all), KLDIV_OK);
    p_memory[COLS_MAX + 3] = NAN;
    q_memory[COLS_MAX + 4] = -1;
    c.options.mask = mask;
    check_case("a bad row, masked");
    CHECK_STATUS(kldiv_rows(&c.p, &c.q, &c.options, kept), KLDIV_OK);
    CHECK_BITS(kept[0], all[0]);
    CHECK_BITS(kept[1], 0);
    CHECK_BITS(kept[2], all[2]);

    CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
    CHECK_BITS(reduced, all[0] + all[2]);
    for (uint32_t mean = KLDIV_REDUCTION_MEAN; mean <= KLDIV_REDUCTION_BATCHMEAN; mean++) {
        c.options.reduction = mean;
        CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
        CHECK_BITS(reduced, (all[0] + all[2]) / 2);
    }

    expect_fine(TERMS, &c, "a bad row, masked");
    int zeros = 1;
    for (size_t j = 0; j < COLS_MAX; j++)
        zeros &= ((double *)OUTPUT)[COLS_MAX + j] == 0;
    CHECK(zeros);

    static const uint8_t nothing[ROWS_MAX] = {0, 0, 0};
    c.options.mask = nothing;
    for (uint32_t reduction = KLDIV_REDUCTION_SUM; reduction <= KLDIV_REDUCTION_BATCHMEAN; reduction++) {
        check_case("nothing kept, reduction %u", reduction);
        c.options.reduction = reduction;
        CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
        CHECK_BITS(reduced, 0);
    }
}

static void a_row_counts_as_much_as_it_weighs(void)
{
    static const double weights[ROWS_MAX] = {2, 0.5, 0};
    static const uint8_t mask[ROWS_MAX] = {1, 0, 1};
    call c = good_call(ROWS, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
    double plain[ROWS_MAX], weighted[ROWS_MAX], reduced = -1;
    CHECK_STATUS(kldiv_rows(&c.p, &c.q, NULL, plain), KLDIV_OK);
    c.options.weights = weights;
    check_case("weights 2, 1/2, 0");
    CHECK_STATUS(kldiv_rows(&c.p, &c.q, &c.options, weighted), KLDIV_OK);
    CHECK_BITS(weighted[0], 2 * plain[0]);
    CHECK_BITS(weighted[1], plain[1] / 2);
    CHECK(weighted[2] == 0);
    CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
    CHECK_BITS(reduced, weighted[0] + weighted[1]);
    c.options.reduction = KLDIV_REDUCTION_MEAN;
    CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
    CHECK_BITS(reduced, (weighted[0] + weighted[1]) / 2.5);
    c.options.mask = mask;
    CHECK_STATUS(kldiv_kl(&c.p, &c.q, &c.options, &reduced), KLDIV_OK);
    CHECK_BITS(reduced, weighted[0] / 2);
}

static void entropy_does_not_look_at_q(void)
{
    FOR_EVERY_ENTRY(entry) {
        if (!takes_rows(ENTRY(entry)))
            continue;
        double with_q[2 * 4], without_q[2 * 4];
        call c = plain_call(ENTRY(entry));
        size_t bytes = output_bytes(ENTRY(entry), &c);
        q_memory[0] = NAN;
        c.options.measure = KLDIV_MEASURE_ENTROPY;
        expect_fine(ENTRY(entry), &c, "entropy beside a q with a NaN");
        memcpy(with_q, OUTPUT, bytes);
        fill_outputs();
        c.without_q = 1;
        expect_fine(ENTRY(entry), &c, "entropy without q");
        memcpy(without_q, OUTPUT, bytes);
        CHECK(memcmp(with_q, without_q, bytes) == 0);
        CHECK(with_q[0] > 0);
    }
}

/* ---- what is said about an error ---- */

static void last_error_fills_no_more_than_the_struct_it_is_given(void)
{
    union {
        kldiv_error error;
        unsigned char bytes[sizeof(kldiv_error) + 64];
    } got, whole;
    call c = plain_call(ROWS);
    p_memory[5] = -7;
    check_case("struct_size of kldiv_last_error");
    CHECK_STATUS(invoke(ROWS, &c), KLDIV_ERROR_NEGATIVE);
    memset(&whole, 0x5A, sizeof whole);
    whole.error.struct_size = sizeof whole.error;
    kldiv_last_error(&whole.error);
    CHECK(whole.error.struct_size == sizeof whole.error);
    CHECK(whole.error.status == KLDIV_ERROR_NEGATIVE && whole.error.operand == 0);
    CHECK(whole.error.row == 1 && whole.error.col == 1 && whole.error.value == -7);
    size_t length = strlen(whole.error.message);
    CHECK(length > 0 && length < sizeof whole.error.message);
    CHECK(strstr(whole.error.message, "-7") != NULL); /* the culprit is named */

    const size_t fields[] = {offsetof(kldiv_error, status), offsetof(kldiv_error, operand), offsetof(kldiv_error, row),
                             offsetof(kldiv_error, col), offsetof(kldiv_error, value), offsetof(kldiv_error, message)};
    for (size_t known = 0; known <= sizeof got; known++) {
        check_case("kldiv_last_error with struct_size %u", (unsigned)known);
        memset(&got, 0x5A, sizeof got);
        got.error.struct_size = known;
        kldiv_last_error(&got.error);
        CHECK(got.error.struct_size == known);
        size_t beyond = known < sizeof(size_t) ? sizeof(size_t)
                        : known < sizeof(kldiv_error) ? known : sizeof(kldiv_error);
        int kept = 1;
        for (size_t i = beyond; i < sizeof got; i++)
            kept &= got.bytes[i] == 0x5A;
        CHECK(kept);
        /* every field that fits is there; the message as far as it goes, always ended */
        for (size_t i = 0; i + 1 < sizeof fields / sizeof *fields; i++) {
            size_t end = i + 2 < sizeof fields / sizeof *fields ? fields[i + 1] : fields[i] + sizeof(double);
            if (known >= end)
                CHECK(memcmp(got.bytes + fields[i], whole.bytes + fields[i], end - fields[i]) == 0);
        }
        if (known > offsetof(kldiv_error, message)) {
            size_t room = (known < sizeof(kldiv_error) ? known : sizeof(kldiv_error)) - offsetof(kldiv_error, message);
            size_t said = length < room - 1 ? length : room - 1;
            CHECK(memchr(got.error.message, 0, room) == got.error.message + said);
            CHECK(memcmp(got.error.message, whole.error.message, said) == 0);
        }
    }
    kldiv_last_error(NULL); /* nothing to fill */
}

static void *fail_on_another_thread(void *result)
{
    kldiv_error *seen = (kldiv_error *)result;
    double out;
    seen[0] = last_error(); /* of a thread that has not failed */
    if (kldiv_kl_f64(NULL, NULL, 1, &out) == KLDIV_OK)
        return NULL;
    seen[1] = last_error();
    return result;
}

static void the_last_error_belongs_to_its_thread(void)
{
    kldiv_error elsewhere[2];
    pthread_t thread;
    void *result = NULL;
    call c = plain_call(ROWS);
    q_memory[2] = NAN;
    check_case("errors of two threads");
    CHECK_STATUS(invoke(ROWS, &c), KLDIV_ERROR_NAN);
    if (pthread_create(&thread, NULL, fail_on_another_thread, elsewhere) != 0 || pthread_join(thread, &result) != 0)
        give_up("no thread");
    CHECK(result == elsewhere);
    CHECK(elsewhere[0].status == KLDIV_OK && elsewhere[0].message[0] == 0);
    CHECK(elsewhere[1].status == KLDIV_ERROR_NULL_POINTER);
    kldiv_error here = last_error();
    CHECK(here.status == KLDIV_ERROR_NAN && here.operand == 1 && here.row == 0 && here.col == 2);
}

static void every_status_has_a_message_of_its_own(void)
{
    static const kldiv_status known[] = {
        KLDIV_OK, KLDIV_ERROR_NULL_POINTER, KLDIV_ERROR_MISALIGNED, KLDIV_ERROR_SIZE_OVERFLOW, KLDIV_ERROR_OVERLAP,
        KLDIV_ERROR_DTYPE, KLDIV_ERROR_OPTIONS, KLDIV_ERROR_SHAPE_MISMATCH, KLDIV_ERROR_EMPTY, KLDIV_ERROR_NEGATIVE,
        KLDIV_ERROR_NAN, KLDIV_ERROR_INFINITE, KLDIV_ERROR_ZERO_MASS, KLDIV_ERROR_NOT_NORMALIZED, KLDIV_ERROR_INDEX,
        KLDIV_ERROR_PARAMETER, KLDIV_ERROR_NOT_POSITIVE_DEFINITE, KLDIV_ERROR_UNSUPPORTED_PAIR,
        KLDIV_ERROR_NOT_CONVERGED, KLDIV_ERROR_DEGENERATE, KLDIV_ERROR_STATE, KLDIV_ERROR_OUT_OF_MEMORY,
        KLDIV_ERROR_INTERNAL};
    static const kldiv_status unknown[] = {-1, 1, 98, 100, INT32_MAX, INT32_MIN};
    const size_t count = sizeof known / sizeof *known;
    for (size_t i = 0; i < count; i++) {
        const char *message = kldiv_status_message(known[i]);
        check_case("message of status %d", (int)known[i]);
        if (!CHECK(message != NULL && message[0] != 0))
            continue;
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(message, kldiv_status_message(known[j])) != 0);
        for (size_t j = 0; j < sizeof unknown / sizeof *unknown; j++) {
            const char *none = kldiv_status_message(unknown[j]);
            CHECK(none != NULL && none[0] != 0 && strcmp(none, message) != 0);
        }
    }
}

int main(void)
{
    a_good_call_is_fine();
    null_pointers_are_refused_in_every_combination();
    misaligned_memory_is_refused();
    sizes_beyond_the_address_space_are_refused();
    outputs_that_overlap_inputs_are_refused();
    an_output_view_may_not_repeat_its_elements();
    unknown_dtypes_are_refused();
    unknown_enumerators_are_refused();
    options_without_sense_are_refused();
    struct_size_says_how_much_the_caller_knows();
    shapes_that_differ_are_refused();
    no_columns_is_an_error_and_no_rows_is_none();
    entries_that_are_no_probabilities_are_found_and_named();
    the_first_bad_entry_is_the_one_named();
    rows_without_mass_cannot_be_normalized();
    rows_that_must_sum_to_one_and_do_not_are_refused();
    a_masked_row_is_not_read_and_gives_zero();
    a_row_counts_as_much_as_it_weighs();
    entropy_does_not_look_at_q();
    last_error_fills_no_more_than_the_struct_it_is_given();
    the_last_error_belongs_to_its_thread();
    every_status_has_a_message_of_its_own();
    kldiv_shutdown();
    return check_result("strict_calls");
}
