/*
 * Calls that make no sense, generated: every way to be wrong, in every entry point that takes the argument in question.
 * Statuses 10 to 21 must leave every output as it was.
 */
#include "calls.h"

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
    kldiv_shutdown();
    return check_result("strict_calls");
}
