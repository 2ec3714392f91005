/*
 * The calls that threads makes: every entry point on little, in frames of their own, and on so much that threads share
 * it. What each wrote goes into one hash.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include "check.h"

#define LONG_COLS ((size_t)3000000)
#define MANY_ROWS ((size_t)20000)
#define MANY_COLS ((size_t)48)
#define KEPT ((size_t)8)
#define PAIR_ROWS ((size_t)300)

static double *long_p, *long_q, *many_p, *many_q;
static float *many_f32;
static uint16_t *many_bf16;
static int64_t *many_i64;
static int64_t *many_kept; /* MANY_ROWS x KEPT classes; any MANY_COLS that follow each other are different */

static void make_inputs(void)
{
    size_t many = MANY_ROWS * MANY_COLS;
    uint64_t seed = 4;
    long_p = (double *)allocate(LONG_COLS * sizeof *long_p);
    long_q = (double *)allocate(LONG_COLS * sizeof *long_q);
    many_p = (double *)allocate(many * sizeof *many_p);
    many_q = (double *)allocate(many * sizeof *many_q);
    many_f32 = (float *)allocate(many * sizeof *many_f32);
    many_bf16 = (uint16_t *)allocate(many * sizeof *many_bf16);
    many_i64 = (int64_t *)allocate(many * sizeof *many_i64);
    many_kept = (int64_t *)allocate(MANY_ROWS * KEPT * sizeof *many_kept);
    for (size_t i = 0; i < MANY_ROWS * KEPT; i++)
        many_kept[i] = (int64_t)(i * 5 % MANY_COLS);
    for (size_t i = 0; i < LONG_COLS; i++) {
        long_p[i] = random_unit(&seed) / (double)LONG_COLS;
        long_q[i] = i % 3 ? random_unit(&seed) / (double)LONG_COLS : long_p[i];
    }
    for (size_t i = 0; i < many; i++) {
        many_p[i] = random_unit(&seed);
        many_q[i] = random_unit(&seed);
        many_f32[i] = (float)random_unit(&seed);
        many_bf16[i] = (uint16_t)(0x3C00 + (random_bits(&seed) & 0x3FF));
        many_i64[i] = (int64_t)(random_bits(&seed) % 1000 + 1);
    }
}

typedef struct {
    uint64_t hash;
    int failed;
} answers;

static void take(answers *a, kldiv_status status, const void *out, size_t bytes)
{
    a->failed |= status != KLDIV_OK;
    a->hash = fnv(a->hash, out, bytes);
}

/* One entry point, on so little that any thread can have its own output. */
typedef enum {
    KL_F64, KL_F32, KL, ROWS, TERMS, EXPLAIN, LOSS, LOSS_POINTWISE, LOSS_GRAD, LOGITS, LOGITS_GRAD, LOGITS_TOPK, VAE,
    VAE_GRAD, QUADRATURE, KNN, MC, FAMILY, FAMILY_COUNTS, FAMILY_GRAD, PAIRWISE, NEAREST,
    PARTIAL,
    ENTRY_COUNT
} entry_point;

static const char *const entry_names[] = {
    "kldiv_kl_f64", "kldiv_kl_f32", "kldiv_kl", "kldiv_rows", "kldiv_terms", "kldiv_explain", "kldiv_loss",
    "kldiv_loss_pointwise", "kldiv_loss_grad", "kldiv_logits", "kldiv_logits_grad", "kldiv_logits_topk", "kldiv_vae",
    "kldiv_vae_grad", "kldiv_quadrature", "kldiv_estimate_knn", "kldiv_estimate_mc", "kldiv_family",
    "kldiv_family of counts", "kldiv_family_grad", "kldiv_pairwise", "kldiv_nearest",
    "kldiv_partial_*"};

/* Densities on (0, 1) that need no stack to speak of. */
static double falling(double x, void *user)
{
    (void)user;
    return 2 * (1 - x);
}

static double flat(double x, void *user)
{
    (void)x;
    (void)user;
    return 1;
}

/* Each kind of call has a frame of its own, so that none counts for the other's depth. */
#define OWN_FRAME __attribute__((noinline))
enum { N = 40 };

OWN_FRAME static void small_other_call(entry_point entry, uint32_t threads, answers *a)
{
    double out[N];
    size_t index[8];
    kldiv_options options = default_options();
    options.threads = threads;
    kldiv_view p = view_of(many_p, 4, N, KLDIV_DTYPE_F64), q = view_of(many_f32, 4, N, KLDIV_DTYPE_F32);
    kldiv_view_mut out_view = view_mut_of(out, 1, N, KLDIV_DTYPE_F64);
    switch (entry) {
    case KL_F64: take(a, kldiv_kl_f64(many_p, many_q, N, out), out, sizeof *out); break;
    case KL_F32: take(a, kldiv_kl_f32(many_f32, many_f32 + N, N, out), out, sizeof *out); break;
    case KL: take(a, kldiv_kl(&p, &q, &options, out), out, sizeof *out); break;
    case ROWS: take(a, kldiv_rows(&p, &q, &options, out), out, 4 * sizeof *out); break;
    case TERMS:
        p.rows = q.rows = 1;
        take(a, kldiv_terms(&p, &q, &options, &out_view), out, sizeof out);
        break;
    case QUADRATURE:
        take(a, kldiv_quadrature(falling, flat, NULL, 0, 1, NULL, 0, &options, out, out + 1), out, 2 * sizeof *out);
        break;
    case KNN:
        p.rows = q.rows = 30; /* points of so many dimensions, of two types */
        p.cols = q.cols = 6;
        take(a, kldiv_estimate_knn(&p, &q, 3, &options, out), out, sizeof *out);
        break;
    case MC:
        options.estimator = KLDIV_ESTIMATOR_K3;
        take(a, kldiv_estimate_mc(many_p, many_q, N, &options, out, out + 1), out, 2 * sizeof *out);
        break;
    case FAMILY: /* integrated */
        p.cols = q.cols = 2;
        take(a, kldiv_family(KLDIV_FAMILY_BETA, &p, KLDIV_FAMILY_KUMARASWAMY, &q, &options, out), out, 4 * sizeof *out);
        break;
    case FAMILY_COUNTS: /* summed */
        p.cols = 1;
        q.cols = 2;
        take(a, kldiv_family(KLDIV_FAMILY_POISSON, &p, KLDIV_FAMILY_NEGATIVEBINOMIAL, &q, &options, out), out,
             4 * sizeof *out);
        break;
    case FAMILY_GRAD:
        p.cols = q.cols = out_view.cols = 3;
        p.rows = q.rows = out_view.rows = 4;
        out_view.row_stride = 3;
        take(a, kldiv_family_grad(KLDIV_FAMILY_DIRICHLET, &p, KLDIV_FAMILY_DIRICHLET, &q, &options, NULL, NULL,
                                  &out_view, NULL),
             out, 12 * sizeof *out);
        break;
    case PAIRWISE: take(a, kldiv_pairwise(&p, &q, &options, out), out, 16 * sizeof *out); break;
    case NEAREST:
        take(a, kldiv_nearest(&p, &q, &options, 2, index, out), out, 8 * sizeof *out);
        take(a, KLDIV_OK, index, sizeof index);
        break;
    default:
        p.rows = q.rows = 1;
        p.cols = q.cols = 5; /* terms fit where N doubles do */
        take(a, kldiv_explain(&p, &q, &options, (kldiv_term *)(void *)out), out, 5 * sizeof(kldiv_term));
    }
}

/* Of two rows: their numbers come first in out, then the matrices. */
OWN_FRAME static void small_training_call(entry_point entry, uint32_t threads, answers *a)
{
    static const int64_t indices[] = {5, 0, 2, 7, 1, 4};
    double out[N] = {0};
    kldiv_options options = default_options();
    options.threads = threads;
    const size_t cols = entry == VAE_GRAD ? 4 : 8, outputs = entry == VAE_GRAD ? 4 : 2;
    kldiv_view p = view_of(many_p, 2, cols, KLDIV_DTYPE_F64), q = view_of(many_f32, 2, cols, KLDIV_DTYPE_F32);
    kldiv_view_mut grad[4];
    kldiv_status status;
    for (size_t i = 0; i < outputs; i++)
        grad[i] = view_mut_of(out + 2 + i * 2 * cols, 2, cols, KLDIV_DTYPE_F64);
    switch (entry) {
    case LOSS: status = kldiv_loss(&q, &p, &options, out); break;
    case LOSS_POINTWISE: status = kldiv_loss_pointwise(&q, &p, &options, &grad[0]); break;
    case LOSS_GRAD: status = kldiv_loss_grad(&q, &p, &options, &p, &grad[0], &grad[1]); break;
    case LOGITS: status = kldiv_logits(&p, &q, &options, out); break;
    case LOGITS_GRAD: status = kldiv_logits_grad(&p, &q, &options, many_p, out, &grad[0], &grad[1]); break;
    case LOGITS_TOPK:
        p.cols = 3;
        status = kldiv_logits_topk(&p, indices, &q, &options, many_p, out, &grad[0]);
        break;
    case VAE: status = kldiv_vae(&p, &q, &q, &p, &options, out); break;
    default:
        status = kldiv_vae_grad(&p, &q, &q, &p, &options, many_p, out, &grad[0], &grad[1], &grad[2], &grad[3]);
    }
    take(a, status, out, sizeof out);
}

/* All of its functions. The states are not on the stack: they are the caller's, and large. */
OWN_FRAME static void small_partial_calls(answers *a)
{
    kldiv_partial *states = (kldiv_partial *)allocate(3 * sizeof *states);
    const size_t bytes = 3 * sizeof *states;
    static const uint32_t group[] = {0, 2, 1, 0, 2, 0, 0, 1}, home[] = {0, 0};
    kldiv_view p = view_of(many_p, 2, N, KLDIV_DTYPE_F64), q = view_of(many_f32, 2, N, KLDIV_DTYPE_F32);
    kldiv_options options = default_options();
    double out = 0;
    for (int i = 0; i < 3; i++)
        take(a, kldiv_partial_init(&states[i], NULL), &states[i], sizeof *states);
    take(a, kldiv_partial_update(&states[0], &p, &q), states, bytes);
    take(a, kldiv_partial_update_by(states, 3, group, many_p, many_q, KLDIV_DTYPE_F64, 8), states, bytes);
    take(a, kldiv_partial_merge(&states[0], &states[1]), states, bytes);
    take(a, kldiv_partial_merge_by(states, 1, home, states + 1, 2), states, bytes);
    take(a, kldiv_partial_value(&states[0], NULL, &out), &out, sizeof out);
    options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    take(a, kldiv_partial_value(&states[0], &options, &out), &out, sizeof out);
    free(states);
}

static void small_call(entry_point entry, uint32_t threads, answers *a)
{
    if (entry >= LOSS && entry <= VAE_GRAD)
        small_training_call(entry, threads, a);
    else if (entry == PARTIAL)
        small_partial_calls(a);
    else
        small_other_call(entry, threads, a);
}

static answers small_calls(uint32_t threads)
{
    answers a = {FNV_START, 0};
    for (int entry = 0; entry < ENTRY_COUNT; entry++)
        small_call((entry_point)entry, threads, &a);
    return a;
}

/* Of as many rows as `out` has room for, a number for each and a matrix of floats: still enough to be shared. */
OWN_FRAME static void large_training_calls(const kldiv_options *options, double *out, answers *a)
{
    const size_t rows = MANY_ROWS / (1 + MANY_COLS / 2), bytes = MANY_ROWS * sizeof *out;
    kldiv_view p = view_of(many_p, rows, MANY_COLS, KLDIV_DTYPE_F64), values = p;
    kldiv_view q = view_of(many_q, rows, MANY_COLS, KLDIV_DTYPE_F64);
    kldiv_view_mut grad = view_mut_of(out + rows, rows, MANY_COLS, KLDIV_DTYPE_F32);
    values.cols = KEPT;
    memset(out, 0, bytes);
    take(a, kldiv_loss_pointwise(&q, &p, options, &grad), out, bytes);
    take(a, kldiv_loss_grad(&q, &p, options, &q, NULL, &grad), out, bytes);
    take(a, kldiv_logits_grad(&p, &q, options, many_p, out, &grad, NULL), out, bytes);
    take(a, kldiv_logits_grad(&p, &q, options, NULL, out, NULL, &grad), out, bytes);
    take(a, kldiv_logits_topk(&values, many_kept, &q, options, many_p, out, &grad), out, bytes);
    take(a, kldiv_vae_grad(&p, &q, &q, &p, options, many_p, out, NULL, &grad, NULL, NULL), out, bytes);
    p.rows = q.rows = MANY_ROWS;
    take(a, kldiv_loss(&q, &p, options, out), out, sizeof *out);
    take(a, kldiv_logits(&p, &q, options, out), out, bytes);
    take(a, kldiv_vae(&p, &q, NULL, NULL, options, out), out, bytes);
}

/* Calls large enough to be shared; `out` has room for MANY_ROWS. */
/* A state, in `out`, of all rows. A call takes as many threads as there are cores if it is large: on one, row by row. */
OWN_FRAME static void large_sum(uint32_t threads, double *out, answers *a)
{
    kldiv_partial *sum = (kldiv_partial *)(void *)out;
    take(a, kldiv_partial_init(sum, NULL), sum, sizeof *sum);
    size_t rows = threads == 1 ? 1 : MANY_ROWS;
    kldiv_status status = KLDIV_OK;
    for (size_t i = 0; i < MANY_ROWS && status == KLDIV_OK; i += rows) {
        kldiv_view p = view_of(many_p + i * MANY_COLS, rows, MANY_COLS, KLDIV_DTYPE_F64);
        kldiv_view q = view_of(many_q + i * MANY_COLS, rows, MANY_COLS, KLDIV_DTYPE_F64);
        status = kldiv_partial_update(sum, &p, &q);
    }
    take(a, status, sum, sizeof *sum);
}

static answers large_calls(uint32_t threads, double *out)
{
    answers a = {FNV_START, 0};
    kldiv_options options = default_options();
    options.threads = threads;
    kldiv_view p = view_of(many_p, MANY_ROWS, MANY_COLS, KLDIV_DTYPE_F64);
    kldiv_view q = view_of(many_q, MANY_ROWS, MANY_COLS, KLDIV_DTYPE_F64);
    take(&a, kldiv_rows(&p, &q, &options, out), out, MANY_ROWS * sizeof *out);
    take(&a, kldiv_kl(&p, &q, &options, out), out, sizeof *out);
    large_sum(threads, out, &a);
    p.rows = 2000, q.rows = 3000;
    p.cols = q.cols = 4;
    take(&a, kldiv_estimate_knn(&p, &q, 5, &options, out), out, sizeof *out);
    options.estimator = KLDIV_ESTIMATOR_K3;
    take(&a, kldiv_estimate_mc(many_p, many_q, MANY_ROWS * MANY_COLS, &options, out, out + 1), out, 2 * sizeof *out);
    large_training_calls(&options, out, &a);
    return a;
}

/* Rows so long that several threads share one, at a temperature that tells their entries apart. */
OWN_FRAME static void long_training_calls(kldiv_options options, double *out, size_t room, answers *a)
{
    kldiv_view p = view_of(long_p, 1, LONG_COLS, KLDIV_DTYPE_F64), q = view_of(long_q, 1, LONG_COLS, KLDIV_DTYPE_F64);
    options.temperature = 1e-7;
    take(a, kldiv_loss(&q, &p, &options, out), out, sizeof *out);
    take(a, kldiv_vae(&p, &q, NULL, NULL, &options, out), out, sizeof *out);
    for (options.measure = 0; options.measure <= KLDIV_MEASURE_JENSEN_SHANNON; options.measure++)
        if (options.measure != KLDIV_MEASURE_JEFFREYS)
            take(a, kldiv_logits(&p, &q, &options, out), out, sizeof *out);
    p.cols = q.cols = room;
    kldiv_view_mut grad = view_mut_of(out, 1, room, KLDIV_DTYPE_F64);
    for (options.measure = 0; options.measure <= KLDIV_MEASURE_JENSEN_SHANNON; options.measure++) {
        if (options.measure == KLDIV_MEASURE_JEFFREYS)
            continue;
        take(a, kldiv_logits_grad(&p, &q, &options, NULL, NULL, NULL, &grad), out, room * sizeof *out);
        take(a, kldiv_logits_grad(&p, &q, &options, NULL, NULL, &grad, NULL), out, room * sizeof *out);
    }
    options.measure = KLDIV_MEASURE_KL;
    p.cols = 3 * KEPT;
    take(a, kldiv_logits_topk(&p, many_kept + KEPT, &q, &options, NULL, NULL, &grad), out, room * sizeof *out);
    p.cols = room;
    take(a, kldiv_vae_grad(&p, &q, NULL, NULL, &options, NULL, NULL, NULL, &grad, NULL, NULL), out,
         room * sizeof *out);
    take(a, kldiv_loss_grad(&q, &p, &options, NULL, NULL, &grad), out, room * sizeof *out);
}

/* Everything that could depend on who computes which part: long rows, many rows, strides, either axis, mixed dtypes. */
static answers corpus(uint32_t threads)
{
    const size_t many = MANY_ROWS * MANY_COLS;
    double *out = (double *)allocate(many * sizeof *out);
    answers a = large_calls(threads, out);
    kldiv_options options = default_options();
    options.threads = threads;

    kldiv_view p = view_of(long_p, 1, LONG_COLS, KLDIV_DTYPE_F64), q = view_of(long_q, 1, LONG_COLS, KLDIV_DTYPE_F64);
    static const uint32_t measures[] = {KLDIV_MEASURE_KL, KLDIV_MEASURE_JENSEN_SHANNON, KLDIV_MEASURE_ENTROPY};
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++) {
        options.measure = measures[i];
        take(&a, kldiv_kl(&p, &q, &options, out), out, sizeof *out);
    }
    options.measure = KLDIV_MEASURE_KL;
    options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    take(&a, kldiv_kl(&p, &q, &options, out), out, sizeof *out);
    options.normalization = KLDIV_NORMALIZATION_AS_GIVEN;
    p.rows = q.rows = 2; /* the same long row twice */
    p.row_stride = q.row_stride = 0;
    take(&a, kldiv_rows(&p, &q, &options, out), out, 2 * sizeof *out);

    /* every second column, backwards, against one repeated row */
    p = view_of(many_p + many - 1, MANY_ROWS, MANY_COLS / 2, KLDIV_DTYPE_F64);
    p.row_stride = -(ptrdiff_t)MANY_COLS;
    p.col_stride = -2;
    q = view_of(many_q, MANY_ROWS, MANY_COLS / 2, KLDIV_DTYPE_F64);
    q.row_stride = 0;
    take(&a, kldiv_rows(&p, &q, &options, out), out, MANY_ROWS * sizeof *out);

    /* transposed: columns are the distributions */
    p = view_of(many_f32, MANY_COLS, MANY_ROWS, KLDIV_DTYPE_F32);
    p.row_stride = 1;
    p.col_stride = (ptrdiff_t)MANY_COLS;
    q = view_of(many_bf16, MANY_COLS, MANY_ROWS, KLDIV_DTYPE_BF16);
    take(&a, kldiv_rows(&p, &q, &options, out), out, MANY_COLS * sizeof *out);

    p = view_of(many_i64, MANY_ROWS, MANY_COLS, KLDIV_DTYPE_I64);
    q = view_of(many_bf16, MANY_ROWS, MANY_COLS, KLDIV_DTYPE_BF16);
    kldiv_view_mut terms = view_mut_of(out, MANY_ROWS, MANY_COLS, KLDIV_DTYPE_F64);
    options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    take(&a, kldiv_terms(&p, &q, &options, &terms), out, many * sizeof *out);
    options.reduction = KLDIV_REDUCTION_MEAN;
    take(&a, kldiv_kl(&p, &q, &options, out), out, sizeof *out);
    options = default_options();
    options.threads = threads;
    long_training_calls(options, out, many, &a);

    /* blocks of cells, by the product and pair by pair */
    static const uint32_t of_pairs[] = {KLDIV_MEASURE_KL, KLDIV_MEASURE_JEFFREYS, KLDIV_MEASURE_JENSEN_SHANNON};
    p = view_of(many_p, PAIR_ROWS, MANY_COLS, KLDIV_DTYPE_F64);
    q = view_of(many_f32, PAIR_ROWS + 1, MANY_COLS, KLDIV_DTYPE_F32);
    const size_t cells = PAIR_ROWS * (PAIR_ROWS + 1);
    double *pairs = (double *)allocate(cells * sizeof *pairs);
    size_t *index = (size_t *)allocate(cells * sizeof *index);
    options = default_options();
    options.threads = threads;
    for (size_t i = 0; i < sizeof of_pairs / sizeof *of_pairs; i++) {
        options.measure = of_pairs[i];
        take(&a, kldiv_pairwise(&p, &q, &options, pairs), pairs, cells * sizeof *pairs);
        take(&a, kldiv_nearest(&p, &q, &options, 3, index, pairs), pairs, 3 * PAIR_ROWS * sizeof *pairs);
        take(&a, KLDIV_OK, index, 3 * PAIR_ROWS * sizeof *index);
    }
    free(index);
    free(pairs);
    free(out);
    return a;
}

#endif
