/*
 * Calls of what models are trained with that make no sense: as in strict_calls, a good call is spoilt in one place, for
 * each place there is, and statuses 10 to 21 leave every output as it was.
 */
#include "training_calls.h"

static void what_is_optional_changes_nothing_else(void)
{
    static double all[OUTPUTS * SLOT];
    FOR_EVERY_ENTRY(entry) {
        call c = plain_call(entry);
        c.without_options = 1;
        expect_fine(entry, &c, "without options");
        c = plain_call(entry);
        expect_fine(entry, &c, "with everything");
        memcpy(all, output_memory, sizeof all);
        for (unsigned without = 0; !entries[entry].needs_an_output && without < 1u << OUTPUTS; without++) {
            fill_outputs();
            c.without_output = without;
            expect_fine(entry, &c, "with fewer outputs");
            FOR_EVERY_OUTPUT(entry, o)
                if (!(without >> o & 1))
                    CHECK(memcmp(slot(output_memory, o), slot(all, o), output_bytes(entry, &c, o)) == 0);
        }
    }
}

static void null_pointers_are_refused(void)
{
    FOR_EVERY_ENTRY(entry) {
        FOR_EVERY_VIEW(entry, x) {
            call c = plain_call(entry);
            c.view[x].data = NULL;
            expect_refused(entry, &c, KLDIV_ERROR_NULL_POINTER, "no data in view", x);
            c = plain_call(entry);
            c.without_input = 1u << x;
            if (x < entries[entry].needed)
                expect_refused(entry, &c, KLDIV_ERROR_NULL_POINTER, "no view", x);
            else
                expect_fine(entry, &c, "without an optional view");
        }
        FOR_EVERY_GRAD(entry, o) {
            call c = plain_call(entry);
            c.grad[o].data = NULL;
            expect_refused(entry, &c, KLDIV_ERROR_NULL_POINTER, "no data in gradient", o);
        }
        FOR_EVERY_OUTPUT(entry, o) {
            call c = plain_call(entry);
            c.without_output = 1u << o;
            if (entries[entry].needs_an_output)
                expect_refused(entry, &c, KLDIV_ERROR_NULL_POINTER, "no output", o);
        }
        /* one more wrong thing does not make it right */
        call c = plain_call(entry);
        c.without_input = 3;
        c.without_output = (1u << OUTPUTS) - 1;
        expect_refused(entry, &c, KLDIV_ERROR_NULL_POINTER, "nothing at all", 0);
        c = plain_call(entry);
        c.without_input = 1u << UPSTREAM;
        expect_fine(entry, &c, "without upstream");
    }
    call c = plain_call(TOPK);
    c.without_input = 1u << INDICES;
    expect_refused(TOPK, &c, KLDIV_ERROR_NULL_POINTER, "no indices", 0);
}

static void misaligned_memory_is_refused(void)
{
    FOR_EVERY_ENTRY(entry)
        for (uint32_t dtype = KLDIV_DTYPE_F64; dtype <= KLDIV_DTYPE_BF16; dtype++)
            for (size_t by = 1; by < sizeof(double); by++) {
                FOR_EVERY_INPUT(entry, x) {
                    call c = good_call(entry, 2, 4, dtype);
                    if (x == MASK || (x < INDICES && by >= dtype_size(dtype)))
                        continue;
                    move_input(&c, x, (const char *)input_address(&c, x) + by);
                    expect_refused(entry, &c, KLDIV_ERROR_MISALIGNED, "input misaligned", x);
                }
                FOR_EVERY_OUTPUT(entry, o) {
                    call c = good_call(entry, 2, 4, KLDIV_DTYPE_F64);
                    if (o > 0 && by >= dtype_size(dtype))
                        continue;
                    if (o > 0)
                        c.grad[o - 1].dtype = dtype;
                    move_output(&c, o, (char *)output_address(&c, o) + by);
                    expect_refused(entry, &c, KLDIV_ERROR_MISALIGNED, "output misaligned", o);
                }
            }
}

static void sizes_beyond_the_address_space_are_refused(void)
{
    static const ptrdiff_t far_away[] = {PTRDIFF_MAX, PTRDIFF_MIN, PTRDIFF_MAX / 8 + 1, PTRDIFF_MIN / 8 - 1};
    const size_t most = (size_t)PTRDIFF_MAX;
    FOR_EVERY_ENTRY(entry) {
        for (size_t i = 0; i < sizeof far_away / sizeof *far_away; i++)
            for (int by_row = 0; by_row < 2; by_row++) {
                FOR_EVERY_VIEW(entry, x) {
                    call c = plain_call(entry);
                    *(by_row ? &c.view[x].row_stride : &c.view[x].col_stride) = far_away[i];
                    expect_refused(entry, &c, KLDIV_ERROR_SIZE_OVERFLOW, "out of reach, view", x);
                }
                FOR_EVERY_GRAD(entry, o) {
                    call c = plain_call(entry);
                    *(by_row ? &c.grad[o].row_stride : &c.grad[o].col_stride) = far_away[i];
                    expect_refused(entry, &c, KLDIV_ERROR_SIZE_OVERFLOW, "out of reach, gradient", o);
                }
            }
        /* Inputs that repeat one element are small whatever their shape; what belongs to each row is not. */
        for (int what = UPSTREAM; what <= WEIGHTS + 1; what++) {
            call c = plain_call(entry);
            int is_out = what == WEIGHTS + 1;
            if ((is_out ? !entries[entry].has_out || entry == LOSS : !has_input(entry, what)) || what == MASK)
                continue;
            FOR_EVERY_VIEW(entry, x) {
                c.view[x].rows = most / 8 + 1;
                c.view[x].cols = 1;
                c.view[x].row_stride = 0;
            }
            if (what != WEIGHTS)
                c.options.weights = NULL;
            if (what != UPSTREAM)
                c.without_input |= 1u << UPSTREAM;
            c.options.mask = NULL;
            c.without_output = entries[entry].needs_an_output ? 0 : is_out ? 0x1E : 0x1F;
            expect_refused(entry, &c, KLDIV_ERROR_SIZE_OVERFLOW, "too many rows", what);
        }
    }
}

/* `other` lies in the middle of a field of its own, and the output is moved across it. */
static void expect_overlap_with(entry_point entry, call c, int o, void *other, size_t bytes, const char *how, int which)
{
    static unsigned char keep[8192];
    size_t size = output_bytes(entry, &c, o);
    char *start = (char *)other, *end = start + bytes;
    if (size + bytes + 16 > sizeof keep / 2)
        give_up("no room for an overlap");
    for (char *at = start - size; at <= end + 7; at += 8) {
        int apart = at + size <= start || at >= end;
        char *field = start - size - 8;
        size_t room = size + bytes + 16 + size + 8;
        memcpy(keep, field, room);
        move_output(&c, o, at);
        fill_outputs();
        check_case("%s: output %d at byte %d of %s %d", entries[entry].name, o, (int)(at - start), how, which);
        CHECK_STATUS(invoke(entry, &c), apart ? KLDIV_OK : KLDIV_ERROR_OVERLAP);
        if (!apart)
            CHECK(outputs_untouched() && memcmp(keep, field, room) == 0);
        memcpy(field, keep, room);
    }
}

static void outputs_that_overlap_anything_are_refused(void)
{
    static double field[1024];
    void *middle = field + 512;
    FOR_EVERY_ENTRY(entry)
        FOR_EVERY_OUTPUT(entry, o) {
            FOR_EVERY_INPUT(entry, x) {
                call c = plain_call(entry);
                size_t bytes = x == MASK      ? 2
                               : x == INDICES ? 2 * KEPT * sizeof(int64_t)
                               : x > INDICES  ? 2 * sizeof(double)
                                              : c.view[x].rows * c.view[x].cols * sizeof(double);
                memcpy(middle, input_address(&c, x), bytes);
                move_input(&c, x, middle);
                expect_overlap_with(entry, c, o, middle, bytes, "input", x);
            }
            FOR_EVERY_OUTPUT(entry, other) {
                call c = plain_call(entry);
                if (other == o)
                    continue;
                move_output(&c, other, middle);
                expect_overlap_with(entry, c, o, middle, output_bytes(entry, &c, other), "output", other);
            }
        }
    /* judged from the first byte to the last, also where the elements lie between each other */
    call c = plain_call(LOGITS_GRAD);
    for (int o = 0; o < 2; o++) {
        c.grad[o].data = field + o;
        c.grad[o].row_stride = 8;
        c.grad[o].col_stride = 2;
    }
    expect_refused(LOGITS_GRAD, &c, KLDIV_ERROR_OVERLAP, "gradients like the teeth of a zip", 0);
    c = plain_call(LOGITS_GRAD);
    c.view[1] = c.view[0];
    expect_fine(LOGITS_GRAD, &c, "inputs may share memory");
}

static void an_output_view_may_not_repeat_its_elements(void)
{
    FOR_EVERY_ENTRY(entry)
        FOR_EVERY_GRAD(entry, o)
            for (int by_row = 0; by_row < 2; by_row++) {
                call c = plain_call(entry);
                *(by_row ? &c.grad[o].row_stride : &c.grad[o].col_stride) = 0;
                expect_refused(entry, &c, KLDIV_ERROR_OVERLAP, "an output stride of 0", o);
            }
}

static void dtypes_that_do_not_fit_are_refused(void)
{
    static const uint32_t unknown[] = {0, 7, 256 + KLDIV_DTYPE_F64, UINT32_MAX};
    FOR_EVERY_ENTRY(entry) {
        for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
            FOR_EVERY_VIEW(entry, x) {
                call c = plain_call(entry);
                c.view[x].dtype = unknown[i];
                expect_refused(entry, &c, KLDIV_ERROR_DTYPE, "unknown dtype of view", x);
            }
            FOR_EVERY_GRAD(entry, o) {
                call c = plain_call(entry);
                c.grad[o].dtype = unknown[i];
                expect_refused(entry, &c, KLDIV_ERROR_DTYPE, "unknown dtype of gradient", o);
            }
        }
        for (uint32_t dtype = KLDIV_DTYPE_I64; dtype <= KLDIV_DTYPE_U64; dtype++) {
            FOR_EVERY_VIEW(entry, x) {
                int target = x == 1 && (entry == LOSS || entry == POINTWISE || entry == LOSS_GRAD);
                call c = plain_call(entry);
                c.view[x].dtype = dtype;
                c.options.log_target = target;
                expect_refused(entry, &c, KLDIV_ERROR_DTYPE, "counts in view", x);
                if (!target)
                    continue;
                for (size_t j = 0; j < 8; j++)
                    store(view_memory[x], j, dtype, (double)(j % 3));
                c.options.log_target = 0;
                expect_fine(entry, &c, "counts as the loss's target");
            }
            FOR_EVERY_GRAD(entry, o) {
                call c = plain_call(entry);
                c.grad[o].dtype = dtype;
                expect_refused(entry, &c, KLDIV_ERROR_DTYPE, "counts as gradient", o);
            }
        }
    }
}

static void refuse_number(entry_point entry, size_t field, double value, const char *how)
{
    call c = plain_call(entry);
    memcpy((char *)&c.options + field, &value, sizeof value);
    expect_refused(entry, &c, KLDIV_ERROR_OPTIONS, how, 0);
}

static void options_without_sense_are_refused(void)
{
    static const struct {
        size_t field;
        uint32_t first_unknown;
    } enumerations[] = {{offsetof(kldiv_options, measure), KLDIV_MEASURE_CROSS_ENTROPY + 1},
                        {offsetof(kldiv_options, normalization), KLDIV_NORMALIZATION_REQUIRE + 1},
                        {offsetof(kldiv_options, reduction), KLDIV_REDUCTION_BATCHMEAN + 1},
                        {offsetof(kldiv_options, invalid), KLDIV_INVALID_NAN + 1},
                        {offsetof(kldiv_options, topk), KLDIV_TOPK_LOGPROBS_RENORMALIZED + 1}};
    static const double no_weights[] = {-1, -1e-300, NAN, HUGE_VAL};
    static const double no_temperatures[] = {-1, -1e-300, NAN, HUGE_VAL, -HUGE_VAL};
    static const uint32_t not_of_logits[] = {KLDIV_MEASURE_JEFFREYS, KLDIV_MEASURE_JENSEN_SHANNON_DISTANCE,
                                             KLDIV_MEASURE_RENYI, KLDIV_MEASURE_ENTROPY, KLDIV_MEASURE_CROSS_ENTROPY,
                                             KLDIV_MEASURE_REVERSE, KLDIV_MEASURE_JENSEN_SHANNON};
    FOR_EVERY_ENTRY(entry) {
        for (size_t i = 0; i < sizeof enumerations / sizeof *enumerations; i++)
            for (int largest = 0; largest < 2; largest++) {
                call c = plain_call(entry);
                uint32_t value = largest ? UINT32_MAX : enumerations[i].first_unknown;
                memcpy((char *)&c.options + enumerations[i].field, &value, sizeof value);
                expect_refused(entry, &c, KLDIV_ERROR_OPTIONS, "unknown enumerator", (int)i);
            }
        refuse_number(entry, offsetof(kldiv_options, base), -2, "base negative");
        refuse_number(entry, offsetof(kldiv_options, base), 1, "base 1");
        refuse_number(entry, offsetof(kldiv_options, base), NAN, "base NaN");
        for (size_t i = 0; i < sizeof no_weights / sizeof *no_weights; i++) {
            call c = plain_call(entry);
            weight_memory[1] = no_weights[i];
            expect_refused(entry, &c, KLDIV_ERROR_OPTIONS, "weights, wrong number", (int)i);
        }
        for (size_t small = 1; small < sizeof(size_t); small++) {
            call c = plain_call(entry);
            c.options.struct_size = small;
            expect_refused(entry, &c, KLDIV_ERROR_OPTIONS, "a struct_size without room for itself", (int)small);
        }
        if (entry != LOGITS && entry != LOGITS_GRAD && entry != TOPK)
            continue;
        for (size_t i = 0; i < sizeof no_temperatures / sizeof *no_temperatures; i++)
            refuse_number(entry, offsetof(kldiv_options, temperature), no_temperatures[i], "no temperature");
        for (size_t i = 0; i < (entry == TOPK ? 7u : 5u); i++) {
            call c = plain_call(entry);
            c.options.measure = not_of_logits[i];
            c.options.alpha = 2;
            expect_refused(entry, &c, KLDIV_ERROR_OPTIONS, "a measure that is not there", (int)i);
        }
        for (int i = 0; i < 3; i++) {
            call c = plain_call(entry);
            c.options.measure = KLDIV_MEASURE_JENSEN_SHANNON;
            c.options.js_weight = i == 0 ? -0.25 : i == 1 ? 1.25 : NAN;
            expect_refused(entry, &c, KLDIV_ERROR_OPTIONS, "js_weight", i);
        }
    }
    for (uint32_t topk = KLDIV_TOPK_LOGPROBS_TAIL; topk <= KLDIV_TOPK_LOGPROBS_RENORMALIZED; topk++) {
        call c = good_call(TOPK, 2, 8, KLDIV_DTYPE_F64);
        for (size_t i = 0; i < 2 * KEPT; i++)
            view_memory[0][i] = -3;
        c.options.topk = topk;
        c.options.temperature = 2;
        expect_refused(TOPK, &c, KLDIV_ERROR_OPTIONS, "log-probabilities at temperature 2, topk", (int)topk);
        c.options.temperature = 1;
        expect_fine(TOPK, &c, "log-probabilities at temperature 1");
        c.options.temperature = 0;
        expect_fine(TOPK, &c, "log-probabilities at the default temperature");
    }
}

static void shapes_that_differ_are_refused(void)
{
    FOR_EVERY_ENTRY(entry) {
        FOR_EVERY_VIEW(entry, x)
            for (int which = 0; which < 4; which++) {
                call c = plain_call(entry);
                if (entry == TOPK && which != 0 && !(which == 2 && x == 1))
                    continue; /* values may have any number of columns; fewer than indices say is another matter */
                size_t *length = which < 1 ? &c.view[x].rows : &c.view[x].cols;
                *length = which == 0 ? 1 : which == 1 ? 3 : which == 2 ? 5 : 1;
                c.view[x].row_stride = c.view[x].col_stride = 0;
                if (entry == TOPK && x == 1 && which == 2)
                    c.without_output = 0; /* the gradient has b's shape no more */
                expect_refused(entry, &c, KLDIV_ERROR_SHAPE_MISMATCH, "another shape, view", x);
            }
        FOR_EVERY_GRAD(entry, o)
            for (int which = 0; which < 4; which++) {
                call c = plain_call(entry);
                *(which < 2 ? &c.grad[o].rows : &c.grad[o].cols) = which % 2 ? 3 : 1;
                expect_refused(entry, &c, KLDIV_ERROR_SHAPE_MISMATCH, "another shape, gradient", o);
            }
    }
    call c = plain_call(LOSS_GRAD);
    c.view[2].rows = c.view[2].cols = 1;
    expect_fine(LOSS_GRAD, &c, "an upstream of one number");
}

static void no_columns_is_an_error_and_no_rows_is_none(void)
{
    FOR_EVERY_ENTRY(entry)
        for (int without_data = 0; without_data < 2; without_data++) {
            call c = plain_call(entry);
            FOR_EVERY_VIEW(entry, x) {
                c.view[x].cols = 0;
                if (without_data)
                    c.view[x].data = NULL;
            }
            FOR_EVERY_GRAD(entry, o) {
                c.grad[o].cols = 0;
                if (without_data)
                    c.grad[o].data = NULL;
            }
            expect_refused(entry, &c, KLDIV_ERROR_EMPTY, "no columns", without_data);

            c = plain_call(entry);
            FOR_EVERY_VIEW(entry, x) {
                c.view[x].rows = 0;
                if (without_data)
                    c.view[x].data = NULL;
            }
            FOR_EVERY_GRAD(entry, o) {
                c.grad[o].rows = 0;
                if (without_data)
                    c.grad[o].data = NULL;
            }
            expect_fine(entry, &c, "no rows");
            if (entry == LOSS)
                CHECK_BITS(*c.out, 0);
            else
                CHECK(outputs_untouched());
        }
    call c = plain_call(TOPK);
    c.view[0].cols = 0;
    expect_refused(TOPK, &c, KLDIV_ERROR_EMPTY, "no class is kept", 0);
}

int main(void)
{
    what_is_optional_changes_nothing_else();
    null_pointers_are_refused();
    misaligned_memory_is_refused();
    sizes_beyond_the_address_space_are_refused();
    outputs_that_overlap_anything_are_refused();
    an_output_view_may_not_repeat_its_elements();
    dtypes_that_do_not_fit_are_refused();
    options_without_sense_are_refused();
    shapes_that_differ_are_refused();
    no_columns_is_an_error_and_no_rows_is_none();
    kldiv_shutdown();
    return check_result("strict_training");
}
