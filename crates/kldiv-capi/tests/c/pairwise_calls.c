/*
 * Wrong calls of the functions for all pairs: a good call, spoilt in one place.
 *
 * Statuses 10 to 21 must leave both outputs as they were; a bad row costs its row or its column and nothing else.
 */
#include "check.h"

#define M 3
#define N 5
#define COLS 4

typedef struct {
    kldiv_view p, q;
    kldiv_options options;
    size_t k;
    size_t *index;
    double *out;
    int without_p, without_q;
} call;

static double p_data[M * COLS], q_data[N * COLS];
static double out_data[M * N + 8], out_before[M * N + 8];
static size_t index_data[M * N + 8], index_before[M * N + 8];

static call good_call(void)
{
    call c;
    memset(&c, 0, sizeof c);
    for (size_t i = 0; i < M * COLS; i++)
        p_data[i] = (double)(1 + i % 7) / 64;
    for (size_t i = 0; i < N * COLS; i++)
        q_data[i] = (double)(1 + i % 5) / 64;
    c.p = view_of(p_data, M, COLS, KLDIV_DTYPE_F64);
    c.q = view_of(q_data, N, COLS, KLDIV_DTYPE_F64);
    c.options = default_options();
    c.k = 2;
    c.index = index_data + 4;
    c.out = out_data + 4;
    memset(out_data, 0xA5, sizeof out_data);
    memset(out_before, 0xA5, sizeof out_before);
    memset(index_data, 0xA5, sizeof index_data);
    memset(index_before, 0xA5, sizeof index_before);
    return c;
}

/* 0: kldiv_pairwise, 1: kldiv_nearest */
static kldiv_status invoke(int which, const call *c)
{
    const kldiv_view *p = c->without_p ? NULL : &c->p, *q = c->without_q ? NULL : &c->q;
    return which == 0 ? kldiv_pairwise(p, q, &c->options, c->out)
                      : kldiv_nearest(p, q, &c->options, c->k, c->index, c->out);
}

static void refused(int which, const call *c, kldiv_status status, const char *how)
{
    check_case("%s: %s", which == 0 ? "kldiv_pairwise" : "kldiv_nearest", how);
    CHECK_STATUS(invoke(which, c), status);
    CHECK(memcmp(out_data, out_before, sizeof out_data) == 0);
    CHECK(memcmp(index_data, index_before, sizeof index_data) == 0);
    kldiv_error error = last_error();
    CHECK(error.status == status && error.message[0] != 0);
}

static void good_calls_write_their_places_and_no_others(void)
{
    call c = good_call();
    check_case("good calls");
    CHECK_STATUS(invoke(0, &c), KLDIV_OK);
    CHECK(memcmp(out_data, out_before, 4 * sizeof *out_data) == 0);
    CHECK(memcmp(out_data + 4 + M * N, out_before, 4 * sizeof *out_data) == 0);
    double cells[M * N];
    memcpy(cells, c.out, sizeof cells);

    c = good_call();
    CHECK_STATUS(invoke(1, &c), KLDIV_OK);
    CHECK(memcmp(out_data + 4 + 2 * M, out_before, 4 * sizeof *out_data) == 0);
    CHECK(memcmp(index_data + 4 + 2 * M, index_before, 4 * sizeof *index_data) == 0);
    for (size_t i = 0; i < 2 * M; i++)
        CHECK_BITS(c.out[i], cells[i / 2 * N + c.index[i]]);

    /* cell by cell those of single pairs, to 16 u */
    for (size_t i = 0; i < M * N; i++) {
        double single = -1;
        CHECK_STATUS(kldiv_kl_f64(p_data + i / N * COLS, q_data + i % N * COLS, COLS, &single), KLDIV_OK);
        CHECK(fabs(cells[i] - single) <= 1e-14);
    }
}

static void meaningless_calls_write_nothing(void)
{
    static const double weights[M] = {1, -1, 1};
    const size_t most = (size_t)PTRDIFF_MAX;
    for (int which = 0; which < 2; which++) {
        call c = good_call();
        c.without_p = 1;
        refused(which, &c, KLDIV_ERROR_NULL_POINTER, "p is NULL");
        c = good_call();
        c.without_q = 1;
        refused(which, &c, KLDIV_ERROR_NULL_POINTER, "q is NULL");
        c.options.measure = KLDIV_MEASURE_ENTROPY;
        refused(which, &c, KLDIV_ERROR_NULL_POINTER, "q is NULL for the entropy, too");
        c = good_call();
        c.p.data = NULL;
        refused(which, &c, KLDIV_ERROR_NULL_POINTER, "the data of p are NULL");
        c = good_call();
        c.q.data = NULL;
        refused(which, &c, KLDIV_ERROR_NULL_POINTER, "the data of q are NULL");
        c = good_call();
        c.out = NULL;
        refused(which, &c, KLDIV_ERROR_NULL_POINTER, "out is NULL");
        c = good_call();
        c.q.data = (const char *)c.q.data + 1;
        refused(which, &c, KLDIV_ERROR_MISALIGNED, "q is misaligned");
        c = good_call();
        c.out = (double *)(void *)((char *)c.out + 4);
        refused(which, &c, KLDIV_ERROR_MISALIGNED, "out is misaligned");
        c = good_call();
        c.q.dtype = 9;
        refused(which, &c, KLDIV_ERROR_DTYPE, "an unknown type");
        c = good_call();
        c.p.rows = c.q.rows = most / 8 / COLS;
        c.p.row_stride = c.q.row_stride = 0;
        c.k = c.q.rows;
        refused(which, &c, KLDIV_ERROR_SIZE_OVERFLOW, "more cells than memory has");
        c = good_call();
        c.q.cols = COLS - 1;
        refused(which, &c, KLDIV_ERROR_SHAPE_MISMATCH, "rows of unequal length");
        c = good_call();
        c.p.cols = c.q.cols = 0;
        refused(which, &c, KLDIV_ERROR_EMPTY, "no columns");
        c = good_call();
        c.options.measure = KLDIV_MEASURE_RENYI;
        refused(which, &c, KLDIV_ERROR_OPTIONS, "Renyi without an order");
        c = good_call();
        c.options.weights = weights;
        refused(which, &c, KLDIV_ERROR_OPTIONS, "a negative weight");
        c = good_call();
        c.q.data = c.out + M; /* which are not read */
        refused(which, &c, KLDIV_ERROR_OVERLAP, "out lies across q");
    }
    call c = good_call();
    c.index = NULL;
    refused(1, &c, KLDIV_ERROR_NULL_POINTER, "index is NULL");
    c = good_call();
    c.index = (size_t *)(void *)((char *)c.index + 4);
    refused(1, &c, KLDIV_ERROR_MISALIGNED, "index is misaligned");
    c = good_call();
    c.index = (size_t *)(void *)c.out;
    refused(1, &c, KLDIV_ERROR_OVERLAP, "index and out are one");
    c = good_call();
    c.k = N + 1;
    c.p.rows = 1;
    refused(1, &c, KLDIV_ERROR_OPTIONS, "more neighbours than rows");
}

static void no_cells_need_no_memory(void)
{
    call c = good_call();
    check_case("no rows");
    c.p.rows = 0;
    c.p.data = NULL;
    c.out = NULL;
    c.index = NULL;
    CHECK_STATUS(invoke(0, &c), KLDIV_OK);
    CHECK_STATUS(invoke(1, &c), KLDIV_OK);
    c = good_call();
    c.q.rows = 0;
    c.q.data = NULL;
    c.out = NULL;
    c.index = NULL;
    c.k = 0;
    CHECK_STATUS(invoke(0, &c), KLDIV_OK);
    CHECK_STATUS(invoke(1, &c), KLDIV_OK);
}

static void a_bad_row_costs_its_row_or_column(void)
{
    for (uint32_t measure = KLDIV_MEASURE_KL; measure <= KLDIV_MEASURE_CROSS_ENTROPY; measure++) {
        double good[M * N];
        call c = good_call();
        c.options.measure = measure;
        c.options.alpha = measure == KLDIV_MEASURE_RENYI ? 0.5 : 0;
        check_case("measure %u", (unsigned)measure);
        CHECK_STATUS(invoke(0, &c), KLDIV_OK);
        memcpy(good, c.out, sizeof good);
        int looks_at_q = measure != KLDIV_MEASURE_ENTROPY;
        p_data[2 * COLS + 1] = -0.5;
        q_data[3 * COLS] = NAN;
        CHECK_STATUS(invoke(0, &c), looks_at_q ? KLDIV_ERROR_NAN : KLDIV_ERROR_NEGATIVE);
        kldiv_error error = last_error();
        CHECK(error.operand == (looks_at_q ? 1u : 0u) && error.row == (looks_at_q ? 3u : 2u));
        for (size_t i = 0; i < M * N; i++)
            if (i / N == 2 || (looks_at_q && i % N == 3))
                CHECK(isnan(c.out[i]));
            else if (measure == KLDIV_MEASURE_JENSEN_SHANNON || !looks_at_q)
                CHECK_BITS(c.out[i], good[i]);
            else /* the product is relative to the good rows of q */
                CHECK(fabs(c.out[i] - good[i]) <= 1e-14 * (1 + fabs(good[i])));
        c.options.invalid = KLDIV_INVALID_NAN;
        CHECK_STATUS(invoke(0, &c), KLDIV_OK);
        c.k = N;
        CHECK_STATUS(invoke(1, &c), KLDIV_OK);
        for (size_t i = 0; i < M * N; i++) {
            int none = i / N == 2 || (looks_at_q && i % N == N - 1);
            CHECK(none ? c.index[i] == SIZE_MAX && isnan(c.out[i]) : c.index[i] < N && !isnan(c.out[i]));
        }
    }
}

static void masked_rows_are_zero(void)
{
    static const uint8_t mask[M] = {1, 0, 1};
    double all[M * N];
    call c = good_call();
    check_case("a mask");
    CHECK_STATUS(invoke(0, &c), KLDIV_OK);
    memcpy(all, c.out, sizeof all);
    c.options.mask = mask;
    p_data[COLS] = NAN;
    CHECK_STATUS(invoke(0, &c), KLDIV_OK);
    for (size_t i = 0; i < M * N; i++)
        CHECK_BITS(c.out[i], i / N == 1 ? 0 : all[i]);
    CHECK_STATUS(invoke(1, &c), KLDIV_OK);
    for (size_t i = 0; i < 2 * M; i++) {
        CHECK((c.index[i] == SIZE_MAX) == (i / 2 == 1));
        CHECK_BITS(c.out[i], i / 2 == 1 ? 0 : all[i / 2 * N + c.index[i]]);
    }
}

int main(void)
{
    good_calls_write_their_places_and_no_others();
    meaningless_calls_write_nothing();
    no_cells_need_no_memory();
    a_bad_row_costs_its_row_or_column();
    masked_rows_are_zero();
    return check_result("pairwise_calls");
}
