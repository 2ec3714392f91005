/*
 * Wrong calls of what models are trained with: the loss, logits, sparse targets and the VAE, with their gradients. As
 * in strict_calls, a good call is spoilt in one place, for each place there is: statuses 10 to 21 leave every output as
 * it was, 30 to 35 cost the bad row alone, and its outputs are NaN.
 */
#include "check.h"

/* ---- one call, whatever the entry point ---- */

typedef enum { LOSS, POINTWISE, LOSS_GRAD, LOGITS, LOGITS_GRAD, TOPK, VAE, VAE_GRAD, ENTRY_COUNT } entry_point;

static const struct {
    const char *name;
    int views;       /* to read; TOPK: values and b */
    int needed;      /* how many of these may not be NULL */
    int has_out, has_upstream;
    int grads;       /* matrices to write */
    int needs_an_output; /* whether there is but one, which may not be NULL */
} entries[ENTRY_COUNT] = {
    {"kldiv_loss", 2, 2, 1, 0, 0, 1},        {"kldiv_loss_pointwise", 2, 2, 0, 0, 1, 1},
    {"kldiv_loss_grad", 3, 2, 0, 0, 2, 0},   {"kldiv_logits", 2, 2, 1, 0, 0, 1},
    {"kldiv_logits_grad", 2, 2, 1, 1, 2, 0}, {"kldiv_logits_topk", 2, 2, 1, 1, 1, 0},
    {"kldiv_vae", 4, 2, 1, 0, 0, 1},         {"kldiv_vae_grad", 4, 2, 1, 1, 4, 0},
};

/* Inputs: views 0 to 3, then these. Outputs: 0 is the array, 1 to 4 are matrices. */
enum { INDICES = 4, UPSTREAM, MASK, WEIGHTS, INPUTS, OUTPUTS = 5 };

typedef struct {
    kldiv_view view[4];
    const int64_t *indices;
    const double *upstream;
    kldiv_options options;
    double *out;
    kldiv_view_mut grad[4];
    unsigned without_input, without_output; /* bit i: NULL is passed instead of i */
    int without_options;
} call;

static int has_input(entry_point entry, int x)
{
    return x < INDICES ? x < entries[entry].views
                       : x == INDICES ? entry == TOPK : x == UPSTREAM ? entries[entry].has_upstream : 1;
}

static int has_output(entry_point entry, int o)
{
    return o == 0 ? entries[entry].has_out : o <= entries[entry].grads;
}

static kldiv_status invoke(entry_point entry, const call *c)
{
    const kldiv_view *v[4];
    const kldiv_view_mut *g[4];
    for (int i = 0; i < 4; i++) {
        v[i] = c->without_input >> i & 1 ? NULL : &c->view[i];
        g[i] = c->without_output >> (i + 1) & 1 ? NULL : &c->grad[i];
    }
    const kldiv_options *options = c->without_options ? NULL : &c->options;
    const int64_t *indices = c->without_input >> INDICES & 1 ? NULL : c->indices;
    const double *upstream = c->without_input >> UPSTREAM & 1 ? NULL : c->upstream;
    double *out = c->without_output & 1 ? NULL : c->out;
    switch (entry) {
    case LOSS: return kldiv_loss(v[0], v[1], options, out);
    case POINTWISE: return kldiv_loss_pointwise(v[0], v[1], options, g[0]);
    case LOSS_GRAD: return kldiv_loss_grad(v[0], v[1], options, v[2], g[0], g[1]);
    case LOGITS: return kldiv_logits(v[0], v[1], options, out);
    case LOGITS_GRAD: return kldiv_logits_grad(v[0], v[1], options, upstream, out, g[0], g[1]);
    case TOPK: return kldiv_logits_topk(v[0], indices, v[1], options, upstream, out, g[0]);
    case VAE: return kldiv_vae(v[0], v[1], v[2], v[3], options, out);
    case VAE_GRAD: return kldiv_vae_grad(v[0], v[1], v[2], v[3], options, upstream, out, g[0], g[1], g[2], g[3]);
    default: give_up("no such entry point"); return 0;
    }
}

/* ---- the memory of the calls ---- */

#define ROWS_MAX 3
#define COLS_MAX 37
#define KEPT 4
#define SIZE (ROWS_MAX * COLS_MAX)
#define BAD_ROW 1

static double view_memory[4][SIZE + 8], upstream_memory[ROWS_MAX + 1], weight_memory[ROWS_MAX + 1];
static int64_t index_memory[ROWS_MAX * KEPT + 1];
static uint8_t mask_memory[ROWS_MAX];

/* Each output has a place of its own, with room before and after it. */
#define SLOT (SIZE + 17)
static double output_memory[OUTPUTS * SLOT], output_before[OUTPUTS * SLOT];

static double *slot(double *memory, int o)
{
    return memory + o * SLOT + 8;
}

static void fill_outputs(void)
{
    memset(output_memory, 0xA5, sizeof output_memory);
    memset(output_before, 0xA5, sizeof output_before);
}

static int outputs_untouched(void)
{
    return memcmp(output_memory, output_before, sizeof output_memory) == 0;
}

static size_t output_bytes(entry_point entry, const call *c, int o)
{
    if (o == 0)
        return (entry == LOSS ? 1 : c->view[0].rows) * sizeof(double);
    return c->grad[o - 1].rows * c->grad[o - 1].cols * dtype_size(c->grad[o - 1].dtype);
}

static int untouched_but_for_the_outputs(entry_point entry, const call *c)
{
    static double now[OUTPUTS * SLOT];
    memcpy(now, output_memory, sizeof now);
    for (int o = 0; o < OUTPUTS; o++)
        if (has_output(entry, o) && !(c->without_output >> o & 1))
            memcpy(slot(now, o), slot(output_before, o), output_bytes(entry, c, o));
    return memcmp(now, output_before, sizeof now) == 0;
}

/* Exact in every floating-point type, and possible wherever it stands: a target is a probability. */
static double value_of(entry_point entry, int view, size_t i)
{
    if ((entry == LOSS || entry == POINTWISE || entry == LOSS_GRAD) && view == 1)
        return (double)(1 + i % 5) / 64;
    return (double)((i * (size_t)(5 + 2 * view)) % 13) / 4 - 1.75;
}

static call good_call(entry_point entry, size_t rows, size_t cols, uint32_t dtype)
{
    call c;
    memset(&c, 0, sizeof c);
    for (int x = 0; x < entries[entry].views; x++) {
        size_t width = entry == TOPK && x == 0 ? KEPT : cols;
        for (size_t i = 0; i < rows * width; i++)
            store(view_memory[x], i, dtype, value_of(entry, x, i));
        c.view[x] = view_of(view_memory[x], rows, width, dtype);
    }
    for (size_t row = 0; row < rows; row++) {
        upstream_memory[row] = 0.5 * (double)(row + 1);
        weight_memory[row] = 1;
        mask_memory[row] = 1;
        for (size_t j = 0; j < KEPT; j++) /* in no order */
            index_memory[row * KEPT + j] = (int64_t)((row + 3 * j) % cols);
    }
    c.indices = index_memory;
    c.upstream = upstream_memory;
    c.options = default_options();
    c.options.mask = mask_memory;
    c.options.weights = weight_memory;
    c.out = slot(output_memory, 0);
    for (int o = 1; o < OUTPUTS; o++)
        c.grad[o - 1] = view_mut_of(slot(output_memory, o), rows, cols, KLDIV_DTYPE_F64);
    fill_outputs();
    return c;
}

static call plain_call(entry_point entry)
{
    return good_call(entry, 2, 4, KLDIV_DTYPE_F64);
}

/* ---- verdicts ---- */

static void expect_refused(entry_point entry, const call *c, kldiv_status status, const char *how, int which)
{
    check_case("%s: %s %d", entries[entry].name, how, which);
    CHECK_STATUS(invoke(entry, c), status);
    CHECK(outputs_untouched());
    kldiv_error error = last_error();
    CHECK(error.status == status && error.message[0] != 0);
}

static void expect_fine(entry_point entry, const call *c, const char *how)
{
    check_case("%s: %s", entries[entry].name, how);
    CHECK_STATUS(invoke(entry, c), KLDIV_OK);
    CHECK(untouched_but_for_the_outputs(entry, c));
}

#define FOR_EVERY_ENTRY(entry)                                                                                         \
    for (entry_point entry = LOSS; entry < ENTRY_COUNT; entry = (entry_point)(entry + 1))
#define FOR_EVERY_INPUT(entry, x) for (int x = 0; x < INPUTS; x++) if (has_input(entry, x))
#define FOR_EVERY_OUTPUT(entry, o) for (int o = 0; o < OUTPUTS; o++) if (has_output(entry, o))
#define FOR_EVERY_VIEW(entry, x) for (int x = 0; x < entries[entry].views; x++)
#define FOR_EVERY_GRAD(entry, o) for (int o = 0; o < entries[entry].grads; o++)

static const void *input_address(const call *c, int x)
{
    return x < INDICES    ? c->view[x].data
           : x == INDICES ? (const void *)c->indices
           : x == UPSTREAM ? (const void *)c->upstream
           : x == MASK     ? (const void *)c->options.mask
                           : (const void *)c->options.weights;
}

static void move_input(call *c, int x, const void *to)
{
    switch (x) {
    case INDICES: c->indices = (const int64_t *)to; break;
    case UPSTREAM: c->upstream = (const double *)to; break;
    case MASK: c->options.mask = (const uint8_t *)to; break;
    case WEIGHTS: c->options.weights = (const double *)to; break;
    default: c->view[x].data = to;
    }
}

static void *output_address(const call *c, int o)
{
    return o == 0 ? (void *)c->out : c->grad[o - 1].data;
}

static void move_output(call *c, int o, void *to)
{
    if (o == 0)
        c->out = (double *)to;
    else
        c->grad[o - 1].data = to;
}

/* ---- calls that make no sense ---- */

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

/* ---- bad rows ---- */

static double good_outputs[OUTPUTS * SLOT];

static void remember_good_outputs(entry_point entry, const call *c)
{
    fill_outputs();
    CHECK_STATUS(invoke(entry, c), KLDIV_OK);
    memcpy(good_outputs, output_memory, sizeof good_outputs);
    fill_outputs();
}

/* Row `bad` of every output is `want`, NaN or 0, and all others are as they were without it. */
static void expect_other_rows(entry_point entry, const call *c, size_t bad, double want)
{
    FOR_EVERY_OUTPUT(entry, o) {
        size_t width = o == 0 ? 1 : c->grad[o - 1].cols;
        const double *got = slot(output_memory, o), *good = slot(good_outputs, o);
        int wanted = 1, same = 1;
        for (size_t i = 0; entry != LOSS && i < c->view[0].rows * width; i++)
            if (i / width == bad)
                wanted &= isnan(want) ? isnan(got[i]) != 0 : got[i] == want;
            else
                same &= bits_of(got[i]) == bits_of(good[i]);
        CHECK(wanted);
        CHECK(same);
    }
    if (entry == LOSS)
        CHECK(isnan(*c->out) == isnan(want));
}

static uint32_t operand_of(entry_point entry, int view)
{
    return (uint32_t)(entry == TOPK && view == 1 ? 2 : view);
}

/* What a spoilt call says and writes under either policy; col SIZE_MAX: none is named. */
static void expect_bad_row(entry_point entry, call *c, kldiv_status status, uint32_t operand, size_t col, double value,
                           const char *how)
{
    for (uint32_t policy = KLDIV_INVALID_ERROR; policy <= KLDIV_INVALID_NAN; policy++) {
        fill_outputs();
        c->options.invalid = policy;
        check_case("%s, %s, operand %u, policy %u: %s", entries[entry].name, dtype_name(c->view[0].dtype), operand,
                   policy, how);
        CHECK_STATUS(invoke(entry, c), policy == KLDIV_INVALID_NAN ? KLDIV_OK : status);
        if (policy == KLDIV_INVALID_ERROR) {
            kldiv_error error = last_error();
            CHECK(error.status == status && error.operand == operand && error.row == BAD_ROW);
            CHECK(col == SIZE_MAX || error.col == col);
            CHECK(col == SIZE_MAX || error.value == value || (isnan(error.value) && isnan(value)));
            CHECK(error.message[0] != 0);
        }
        CHECK(untouched_but_for_the_outputs(entry, c));
        expect_other_rows(entry, c, BAD_ROW, NAN);
    }
    /* a masked row is not read */
    c->options.invalid = KLDIV_INVALID_ERROR;
    mask_memory[BAD_ROW] = 0;
    fill_outputs();
    expect_fine(entry, c, "the bad row, masked");
    expect_other_rows(entry, c, BAD_ROW, 0);
    mask_memory[BAD_ROW] = 1;
}

static int is_loss(entry_point entry) { return entry == LOSS || entry == POINTWISE || entry == LOSS_GRAD; }

static void entries_that_cannot_be_are_found_and_named(void)
{
    static const size_t columns[] = {0, 7, 16, 36};
    static const struct {
        kldiv_status status;
        double value;
    } bad[] = {{KLDIV_ERROR_NAN, NAN},
               {KLDIV_ERROR_INFINITE, HUGE_VAL},
               {KLDIV_ERROR_INFINITE, -HUGE_VAL}, /* a logit may be that, a mean may not */
               {KLDIV_ERROR_NEGATIVE, -0.5}};     /* of a target that is a probability */
    FOR_EVERY_ENTRY(entry)
        for (uint32_t dtype = KLDIV_DTYPE_F64; dtype <= KLDIV_DTYPE_BF16; dtype++)
            FOR_EVERY_VIEW(entry, x)
                for (int kind = 0; kind < 4; kind++)
                    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
                        for (uint32_t log_target = 0; log_target < (is_loss(entry) ? 2u : 1u); log_target++) {
                            int probability = is_loss(entry) && x == 1 && !log_target;
                            int finite = entry == VAE || entry == VAE_GRAD;
                            if ((kind == 2 && !finite && !probability) || (kind == 3 && !probability) ||
                                (entry == LOSS_GRAD && x == 2))
                                continue;
                            call c = good_call(entry, ROWS_MAX, COLS_MAX, dtype);
                            c.options.log_target = log_target;
                            remember_good_outputs(entry, &c);
                            size_t width = c.view[x].cols, col = columns[i] % width;
                            store(view_memory[x], BAD_ROW * width + col, dtype, bad[kind].value);
                            /* an impossible class, or 0, across from it hides nothing */
                            if (i % 2 && entry != TOPK && x < 2)
                                store(view_memory[1 - x], BAD_ROW * COLS_MAX + col, dtype,
                                      finite || (is_loss(entry) && x == 0 && !log_target) ? 0 : -HUGE_VAL);
                            expect_bad_row(entry, &c, bad[kind].status, operand_of(entry, x), col, bad[kind].value,
                                           "an entry that cannot be");
                        }
}

static void rows_without_a_possible_class_have_no_mass(void)
{
    static const entry_point of_logits[] = {LOGITS, LOGITS_GRAD, TOPK};
    for (size_t i = 0; i < 3; i++)
        for (uint32_t dtype = KLDIV_DTYPE_F64; dtype <= KLDIV_DTYPE_BF16; dtype++)
            for (int x = 0; x < 3; x++) /* 2: both */
                for (uint32_t measure = KLDIV_MEASURE_KL; measure <= KLDIV_MEASURE_JENSEN_SHANNON; measure++) {
                    entry_point entry = of_logits[i];
                    if (measure == KLDIV_MEASURE_JEFFREYS || (entry == TOPK && measure > KLDIV_MEASURE_GENERALIZED))
                        continue;
                    call c = good_call(entry, ROWS_MAX, COLS_MAX, dtype);
                    c.options.measure = measure;
                    remember_good_outputs(entry, &c);
                    for (int view = 0; view < 2; view++)
                        for (size_t j = 0; (x == view || x == 2) && j < c.view[view].cols; j++)
                            store(view_memory[view], BAD_ROW * c.view[view].cols + j, dtype, -HUGE_VAL);
                    expect_bad_row(entry, &c, KLDIV_ERROR_ZERO_MASS, operand_of(entry, x % 2), SIZE_MAX, 0,
                                   "a row of impossible classes");
                }
}

static void indices_that_name_no_class_of_their_own_are_named(void)
{
    static const struct {
        int64_t index;
        size_t col;
    } bad[] = {{-1, 0}, {INT64_MIN, 1}, {COLS_MAX, 2}, {COLS_MAX + 1, 3}, {INT64_MAX, 0},
               {1, 1}, {7, 3}}; /* the last two stand in the row already: 1 at place 0, 7 at place 2 */
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (uint32_t topk = KLDIV_TOPK_LOGITS_RENORMALIZED; topk <= KLDIV_TOPK_LOGPROBS_RENORMALIZED; topk++) {
            call c = good_call(TOPK, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
            for (size_t j = 0; j < ROWS_MAX * KEPT; j++)
                view_memory[0][j] -= 2.5; /* probabilities of which four do not exceed 1 */
            for (size_t j = 0; j < ROWS_MAX * KEPT; j++)
                view_memory[0][j] = view_memory[0][j] < -1.5 ? view_memory[0][j] : -1.5;
            c.options.topk = topk;
            remember_good_outputs(TOPK, &c);
            index_memory[BAD_ROW * KEPT + bad[i].col] = bad[i].index;
            expect_bad_row(TOPK, &c, KLDIV_ERROR_INDEX, 1, bad[i].col, (double)bad[i].index, "an index");
        }
}

static void log_probabilities_that_exceed_one_are_named(void)
{
    call c = good_call(TOPK, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
    for (size_t j = 0; j < ROWS_MAX * KEPT; j++)
        view_memory[0][j] = -2;
    c.options.topk = KLDIV_TOPK_LOGPROBS_TAIL;
    remember_good_outputs(TOPK, &c);
    view_memory[0][BAD_ROW * KEPT + 2] = 0; /* one is certain, and there are others */
    expect_bad_row(TOPK, &c, KLDIV_ERROR_NOT_NORMALIZED, 0, SIZE_MAX, 0, "log-probabilities that sum to more than 1");
    check_case("the sum is named");
    CHECK_STATUS(invoke(TOPK, &c), KLDIV_ERROR_NOT_NORMALIZED);
    CHECK(fabs(last_error().value - (1 + 3 * exp(-2))) < 1e-12);
    c.options.topk = KLDIV_TOPK_LOGPROBS_RENORMALIZED; /* where a sum means nothing */
    expect_fine(TOPK, &c, "the same, renormalized");
}

/* ---- answers that are infinite, rows that weigh something ---- */

static void an_impossible_class_that_is_possible_costs_infinity_and_no_error(void)
{
    for (int i = 0; i < 2; i++) {
        entry_point entry = i == 0 ? LOGITS_GRAD : TOPK;
        call c = good_call(entry, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
        remember_good_outputs(entry, &c);
        view_memory[1][BAD_ROW * COLS_MAX + 7] = -HUGE_VAL; /* 7 is among the kept */
        expect_fine(entry, &c, "impossible for the student alone");
        CHECK(c.out[BAD_ROW] == HUGE_VAL);
        CHECK_BITS(c.out[0], slot(good_outputs, 0)[0]);
        int numbers = 1;
        FOR_EVERY_GRAD(entry, o)
            for (size_t j = 0; j < SIZE; j++)
                numbers &= isfinite(((double *)c.grad[o].data)[j]) != 0;
        CHECK(numbers);
        CHECK_BITS(((double *)c.grad[entries[entry].grads - 1].data)[BAD_ROW * COLS_MAX + 7], 0);
    }
}

static void a_row_counts_as_much_as_it_weighs(void)
{
    FOR_EVERY_ENTRY(entry) {
        call c = good_call(entry, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
        remember_good_outputs(entry, &c);
        weight_memory[0] = 2;
        weight_memory[1] = 0.5;
        weight_memory[2] = 0;
        expect_fine(entry, &c, "weights 2, 1/2, 0");
        FOR_EVERY_OUTPUT(entry, o) {
            size_t width = o == 0 ? 1 : COLS_MAX;
            const double *got = slot(output_memory, o), *good = slot(good_outputs, o);
            int weighted = 1;
            for (size_t i = 0; entry != LOSS && i < ROWS_MAX * width; i++)
                weighted &= got[i] == good[i] * weight_memory[i / width];
            CHECK(weighted);
        }
    }
    double rows[ROWS_MAX], reduced = -1;
    call c = good_call(LOSS, ROWS_MAX, COLS_MAX, KLDIV_DTYPE_F64);
    for (size_t i = 0; i < ROWS_MAX; i++) {
        kldiv_view input = c.view[0], target = c.view[1];
        input.rows = target.rows = 1;
        input.data = view_memory[0] + i * COLS_MAX;
        target.data = view_memory[1] + i * COLS_MAX;
        CHECK_STATUS(kldiv_loss(&input, &target, NULL, &rows[i]), KLDIV_OK);
    }
    weight_memory[0] = 2;
    weight_memory[1] = 0.5;
    mask_memory[2] = 0;
    const double sum = 2 * rows[0] + rows[1] / 2, divisors[] = {1, 2.5 * COLS_MAX, 2.5};
    for (uint32_t reduction = KLDIV_REDUCTION_SUM; reduction <= KLDIV_REDUCTION_BATCHMEAN; reduction++) {
        check_case("loss of weighted rows, reduction %u", reduction);
        c.options.reduction = reduction;
        CHECK_STATUS(kldiv_loss(&c.view[0], &c.view[1], &c.options, &reduced), KLDIV_OK);
        CHECK(fabs(reduced - sum / divisors[reduction]) <= 1e-15 * fabs(sum / divisors[reduction]));
        mask_memory[0] = mask_memory[1] = 0;
        CHECK_STATUS(kldiv_loss(&c.view[0], &c.view[1], &c.options, &reduced), KLDIV_OK);
        CHECK_BITS(reduced, 0);
        mask_memory[0] = mask_memory[1] = 1;
    }
}

/* Among rows that several threads share, the first bad one is named, and all others are answered. */
static void the_first_bad_row_is_the_one_named(void)
{
    enum { MANY = 6000, WIDE = 16 };
    static const size_t spoilt[] = {777, 2345, 5999};
    double *a = (double *)allocate(MANY * WIDE * sizeof *a), *out = (double *)allocate(MANY * sizeof *out);
    double *grad = (double *)allocate(MANY * WIDE * sizeof *grad);
    int64_t *indices = (int64_t *)allocate(MANY * WIDE * sizeof *indices);
    for (size_t i = 0; i < MANY * WIDE; i++) {
        a[i] = 0.25 * (double)(i % WIDE);
        indices[i] = (int64_t)(i % WIDE);
    }
    for (size_t i = 0; i < 3; i++)
        a[spoilt[i] * WIDE + 15 - i] = i == 0 ? NAN : HUGE_VAL;
    kldiv_view view = view_of(a, MANY, WIDE, KLDIV_DTYPE_F64);
    kldiv_view_mut grad_view = view_mut_of(grad, MANY, WIDE, KLDIV_DTYPE_F64);
    for (int which = 0; which < 4; which++) {
        memset(grad, 0, MANY * WIDE * sizeof *grad);
        for (size_t i = 0; i < MANY; i++)
            out[i] = which == 0 ? (double)NAN : -1;
        check_case("one of %d rows, call %d", MANY, which);
        kldiv_status status = which == 0   ? kldiv_loss_grad(&view, &view, NULL, NULL, NULL, &grad_view)
                              : which == 1 ? kldiv_logits_grad(&view, &view, NULL, NULL, out, NULL, &grad_view)
                              : which == 2 ? kldiv_logits_topk(&view, indices, &view, NULL, NULL, out, &grad_view)
                                           : kldiv_vae_grad(&view, &view, NULL, NULL, NULL, NULL, out, NULL,
                                                            &grad_view, NULL, NULL);
        CHECK_STATUS(status, KLDIV_ERROR_NAN);
        kldiv_error error = last_error();
        CHECK(error.operand == 0 && error.row == 777 && error.col == 15);
        int as_told = 1;
        for (size_t i = 0; i < MANY; i++) {
            int bad = i == spoilt[0] || i == spoilt[1] || i == spoilt[2];
            as_told &= (isnan(grad[i * WIDE + 3]) != 0) == bad && (which == 0 || (isnan(out[i]) != 0) == bad);
            as_told &= bad || (which != 1 && which != 2) || out[i] == 0; /* a student that is the teacher */
        }
        CHECK(as_told);
    }
    free(a);
    free(out);
    free(grad);
    free(indices);
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
    entries_that_cannot_be_are_found_and_named();
    rows_without_a_possible_class_have_no_mass();
    indices_that_name_no_class_of_their_own_are_named();
    log_probabilities_that_exceed_one_are_named();
    an_impossible_class_that_is_possible_costs_infinity_and_no_error();
    a_row_counts_as_much_as_it_weighs();
    the_first_bad_row_is_the_one_named();
    kldiv_shutdown();
    return check_result("strict_training");
}
