/*
 * What the programs of wrong calls share: a call whatever its entry point, the memory that it reads and writes, and what
 * it is held to. A good call is made first and then spoilt in one place.
 */
#ifndef CALLS_H
#define CALLS_H

#include "check.h"

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

static inline int takes_views(entry_point entry) { return entry != KL_F64 && entry != KL_F32; }
static inline int takes_rows(entry_point entry) { return entry == KL || entry == ROWS || entry == TERMS; }

static inline int takes_dtype(entry_point entry, uint32_t dtype)
{
    return takes_views(entry) || dtype == (entry == KL_F64 ? (uint32_t)KLDIV_DTYPE_F64 : (uint32_t)KLDIV_DTYPE_F32);
}

static inline uint32_t plain_dtype(entry_point entry)
{
    return entry == KL_F32 ? KLDIV_DTYPE_F32 : KLDIV_DTYPE_F64;
}

static inline kldiv_status invoke(entry_point entry, const call *c)
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
static inline size_t output_bytes(entry_point entry, const call *c)
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

static inline void fill_outputs(void)
{
    memset(output_memory, 0xA5, sizeof output_memory);
    memset(output_before, 0xA5, sizeof output_before);
}

static inline int outputs_untouched(void)
{
    return memcmp(output_memory, output_before, sizeof output_memory) == 0;
}

static inline int untouched_but_for(size_t bytes)
{
    size_t before = 8 * sizeof(double), after = before + bytes;
    const unsigned char *now = (const unsigned char *)output_memory, *then = (const unsigned char *)output_before;
    return memcmp(now, then, before) == 0 && memcmp(now + after, then + after, sizeof output_memory - after) == 0;
}

/* Every row sums to 1 exactly when cols is a power of two; elements are exact in every dtype but the integers. */
static inline void fill_inputs(size_t rows, size_t cols, uint32_t dtype)
{
    double unit = dtype_is_integer(dtype) ? 1 : 1.0 / 64;
    for (size_t i = 0; i < rows * cols; i++) {
        store(p_memory, i, dtype, (double)(1 + i % 7) * unit);
        store(q_memory, i, dtype, (double)(1 + i % 5) * unit);
    }
}

static inline call good_call(entry_point entry, size_t rows, size_t cols, uint32_t dtype)
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

static inline call plain_call(entry_point entry)
{
    return good_call(entry, 2, 4, plain_dtype(entry));
}

/* ---- verdicts ---- */

static inline void expect_refused(entry_point entry, const call *c, kldiv_status status, const char *how)
{
    check_case("%s: %s", entry_names[entry], how);
    CHECK_STATUS(invoke(entry, c), status);
    CHECK(outputs_untouched());
    kldiv_error error = last_error();
    CHECK(error.status == status);
    CHECK(error.message[0] != 0 && memchr(error.message, 0, sizeof error.message) != NULL);
}

static inline void expect_fine(entry_point entry, const call *c, const char *how)
{
    check_case("%s: %s", entry_names[entry], how);
    CHECK_STATUS(invoke(entry, c), KLDIV_OK);
    CHECK(untouched_but_for(output_bytes(entry, c)));
}

#define FOR_EVERY_ENTRY(entry) for (int entry##_ = 0; entry##_ < ENTRY_COUNT; entry##_++)
#define ENTRY(entry) ((entry_point)entry##_)

#endif
