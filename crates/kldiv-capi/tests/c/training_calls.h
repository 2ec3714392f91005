/*
 * As calls.h, for what models are trained with: the loss, logits, sparse targets and the VAE, with their gradients.
 */
#ifndef TRAINING_CALLS_H
#define TRAINING_CALLS_H

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

static inline int has_input(entry_point entry, int x)
{
    return x < INDICES ? x < entries[entry].views
                       : x == INDICES ? entry == TOPK : x == UPSTREAM ? entries[entry].has_upstream : 1;
}

static inline int has_output(entry_point entry, int o)
{
    return o == 0 ? entries[entry].has_out : o <= entries[entry].grads;
}

static inline kldiv_status invoke(entry_point entry, const call *c)
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

static inline double *slot(double *memory, int o)
{
    return memory + o * SLOT + 8;
}

static inline void fill_outputs(void)
{
    memset(output_memory, 0xA5, sizeof output_memory);
    memset(output_before, 0xA5, sizeof output_before);
}

static inline int outputs_untouched(void)
{
    return memcmp(output_memory, output_before, sizeof output_memory) == 0;
}

static inline size_t output_bytes(entry_point entry, const call *c, int o)
{
    if (o == 0)
        return (entry == LOSS ? 1 : c->view[0].rows) * sizeof(double);
    return c->grad[o - 1].rows * c->grad[o - 1].cols * dtype_size(c->grad[o - 1].dtype);
}

static inline int untouched_but_for_the_outputs(entry_point entry, const call *c)
{
    static double now[OUTPUTS * SLOT];
    memcpy(now, output_memory, sizeof now);
    for (int o = 0; o < OUTPUTS; o++)
        if (has_output(entry, o) && !(c->without_output >> o & 1))
            memcpy(slot(now, o), slot(output_before, o), output_bytes(entry, c, o));
    return memcmp(now, output_before, sizeof now) == 0;
}

/* Exact in every floating-point type, and possible wherever it stands: a target is a probability. */
static inline double value_of(entry_point entry, int view, size_t i)
{
    if ((entry == LOSS || entry == POINTWISE || entry == LOSS_GRAD) && view == 1)
        return (double)(1 + i % 5) / 64;
    return (double)((i * (size_t)(5 + 2 * view)) % 13) / 4 - 1.75;
}

static inline call good_call(entry_point entry, size_t rows, size_t cols, uint32_t dtype)
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

static inline call plain_call(entry_point entry)
{
    return good_call(entry, 2, 4, KLDIV_DTYPE_F64);
}

/* ---- verdicts ---- */

static inline void expect_refused(entry_point entry, const call *c, kldiv_status status, const char *how, int which)
{
    check_case("%s: %s %d", entries[entry].name, how, which);
    CHECK_STATUS(invoke(entry, c), status);
    CHECK(outputs_untouched());
    kldiv_error error = last_error();
    CHECK(error.status == status && error.message[0] != 0);
}

static inline void expect_fine(entry_point entry, const call *c, const char *how)
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

static inline const void *input_address(const call *c, int x)
{
    return x < INDICES    ? c->view[x].data
           : x == INDICES ? (const void *)c->indices
           : x == UPSTREAM ? (const void *)c->upstream
           : x == MASK     ? (const void *)c->options.mask
                           : (const void *)c->options.weights;
}

static inline void move_input(call *c, int x, const void *to)
{
    switch (x) {
    case INDICES: c->indices = (const int64_t *)to; break;
    case UPSTREAM: c->upstream = (const double *)to; break;
    case MASK: c->options.mask = (const uint8_t *)to; break;
    case WEIGHTS: c->options.weights = (const double *)to; break;
    default: c->view[x].data = to;
    }
}

static inline void *output_address(const call *c, int o)
{
    return o == 0 ? (void *)c->out : c->grad[o - 1].data;
}

static inline void move_output(call *c, int o, void *to)
{
    if (o == 0)
        c->out = (double *)to;
    else
        c->grad[o - 1].data = to;
}

#endif
