/*
 * Nothing outside the arguments is touched: inputs and outputs end, or begin, at a page that kills whoever reads it,
 * for every length from 0 to 257 and every place within a 64-byte line. What lies between an input and the page, and
 * between the elements of a strided one, is NaN: whoever reads it fails, whoever uses it computes something else.
 * Where the numbers lie changes no bit of the answer.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <sys/mman.h>
#include <unistd.h>

#define LENGTH_MAX 257
#define ROWS 3
#define LINE 64
#define NAN_BYTE 0xFF /* NaN in every floating dtype when repeated */

typedef struct {
    unsigned char *begin, *end; /* of what may be touched */
} region;

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static region guarded_region(size_t bytes)
{
    size_t page = page_size(), room = (bytes + page - 1) / page * page;
    unsigned char *memory = (unsigned char *)mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == (unsigned char *)MAP_FAILED || mprotect(memory + page, room, PROT_READ | PROT_WRITE) != 0)
        give_up("no memory between guard pages");
    region r = {memory + page, memory + page + room};
    memset(r.begin, NAN_BYTE, room);
    return r;
}

/* `bytes` bytes that lie `offset` bytes from the guard page before (or, at_end, after) them. */
static unsigned char *place(const region *r, size_t bytes, size_t offset, int at_end)
{
    return at_end ? r->end - offset - bytes : r->begin + offset;
}

static int is_nan_bytes(const unsigned char *from, const unsigned char *to)
{
    while (from < to)
        if (*from++ != NAN_BYTE)
            return 0;
    return 1;
}

/* Probabilities in (0, 2), normal in their dtype. */
static void fill(void *data, size_t count, uint32_t dtype, uint64_t *seed)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = random_bits(seed);
        switch (dtype) {
        case KLDIV_DTYPE_F64: ((double *)data)[i] = random_unit(seed); break;
        case KLDIV_DTYPE_F32: ((float *)data)[i] = (float)random_unit(seed); break;
        case KLDIV_DTYPE_F16: ((uint16_t *)data)[i] = (uint16_t)(0x2C00 + (bits & 0xFFF)); break;
        default: ((uint16_t *)data)[i] = (uint16_t)(0x3C00 + (bits & 0x3FF)); break;
        }
    }
}

/* Element i of a contiguous array becomes element i * stride of `to`. */
static void spread(unsigned char *to, const unsigned char *from, size_t count, size_t stride, size_t element)
{
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * stride * element, from + i * element, element);
}

typedef struct {
    uint32_t dtype;
    size_t cols;
    unsigned char *p, *q; /* ROWS x cols, in ordinary memory */
    double one, rows[ROWS];
    double terms[LENGTH_MAX];
} sample;

static void prepare(sample *s, uint32_t dtype, size_t cols, uint64_t *seed)
{
    s->dtype = dtype;
    s->cols = cols;
    fill(s->p, ROWS * cols, dtype, seed);
    fill(s->q, ROWS * cols, dtype, seed);
    if (cols == 0)
        return;
    kldiv_view p = view_of(s->p, ROWS, cols, dtype), q = view_of(s->q, ROWS, cols, dtype);
    CHECK_STATUS(kldiv_rows(&p, &q, NULL, s->rows), KLDIV_OK);
    p.rows = q.rows = 1;
    kldiv_view_mut out = view_mut_of(s->terms, 1, cols, KLDIV_DTYPE_F64);
    CHECK_STATUS(kldiv_kl(&p, &q, NULL, &s->one), KLDIV_OK);
    CHECK_STATUS(kldiv_terms(&p, &q, NULL, &out), KLDIV_OK);
}

/* ---- what models are trained with ---- */

typedef enum { LOSS, LOSS_GRAD, LOGITS_GRAD, TOPK, VAE_GRAD, TRAINING_COUNT } training_call;

#define KEPT 5

/* What such a call is given and where it writes: a number for each row and up to two matrices. */
typedef struct {
    kldiv_view p, q; /* teacher and student, target and input, mu and logvar */
    const int64_t *indices;
    const double *upstream;
    double *out;
    kldiv_view_mut matrix[2];
} training;

static size_t kept_of(size_t cols)
{
    return cols < KEPT ? cols : KEPT;
}

static kldiv_status train(training_call which, const training *t)
{
    kldiv_view values = t->p;
    kldiv_status status;
    switch (which) {
    case LOSS:
        status = kldiv_loss(&t->q, &t->p, NULL, t->out);
        if (status != KLDIV_OK)
            return status;
        return kldiv_loss_pointwise(&t->q, &t->p, NULL, &t->matrix[0]);
    case LOSS_GRAD: return kldiv_loss_grad(&t->q, &t->p, NULL, &t->q, &t->matrix[0], &t->matrix[1]);
    case LOGITS_GRAD:
        status = kldiv_logits(&t->p, &t->q, NULL, t->out);
        if (status != KLDIV_OK)
            return status;
        return kldiv_logits_grad(&t->p, &t->q, NULL, t->upstream, t->out, &t->matrix[0], &t->matrix[1]);
    case TOPK:
        values.cols = kept_of(values.cols);
        return kldiv_logits_topk(&values, t->indices, &t->q, NULL, t->upstream, t->out, &t->matrix[0]);
    default:
        status = kldiv_vae(&t->p, &t->q, &t->q, &t->p, NULL, t->out);
        if (status != KLDIV_OK)
            return status;
        return kldiv_vae_grad(&t->p, &t->q, &t->q, &t->p, NULL, t->upstream, t->out, &t->matrix[0], NULL, NULL,
                              &t->matrix[1]);
    }
}

static int writes_rows(training_call which) { return which != LOSS_GRAD; }
static int matrices(training_call which) { return which == LOSS || which == TOPK ? 1 : 2; }

/* Where each call wrote what in ordinary memory: all ROWS rows, and the loss of the first. */
static struct {
    double out[ROWS];
    unsigned char matrix[2][ROWS * LENGTH_MAX * sizeof(double)];
} trained[TRAINING_COUNT];

static int64_t kept_indices[ROWS * KEPT];
static const double upstream_given[ROWS] = {1, 0.5, 3};

static void prepare_training(const sample *s)
{
    size_t kept = kept_of(s->cols);
    for (size_t i = 0; i < ROWS * kept; i++) /* in no order, the last class among them */
        kept_indices[i] = (int64_t)(s->cols - 1 - (i % kept * 7 + i / kept) % kept * (s->cols / kept));
    for (int which = 0; which < TRAINING_COUNT; which++) {
        training t = {view_of(s->p, ROWS, s->cols, s->dtype), view_of(s->q, ROWS, s->cols, s->dtype), kept_indices,
                      upstream_given, trained[which].out, {{0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}}};
        for (int i = 0; i < 2; i++)
            t.matrix[i] = view_mut_of(trained[which].matrix[i], ROWS, s->cols, s->dtype);
        CHECK_STATUS(train((training_call)which, &t), KLDIV_OK);
    }
    kldiv_view target = view_of(s->p, 1, s->cols, s->dtype), input = view_of(s->q, 1, s->cols, s->dtype);
    CHECK_STATUS(kldiv_loss(&input, &target, NULL, trained[LOSS].out), KLDIV_OK);
}

static int is_nan_around(const region *r, const unsigned char *from, const unsigned char *to)
{
    return is_nan_bytes((size_t)(from - r->begin) < 2 * LINE ? r->begin : from - 2 * LINE, from) &&
           is_nan_bytes(to, (size_t)(r->end - to) < 2 * LINE ? r->end : to + 2 * LINE);
}

/* Everything beside a guard page: inputs, indices, upstream, the numbers and the matrices. `apart` is the distance of a
   row's elements, in elements; rows lie one more than that needs apart. One row where it is 1. */
static void training_beside_a_page(const sample *s, region r[7], size_t offset, int at_end, size_t apart)
{
    size_t element = dtype_size(s->dtype), cols = s->cols, rows = apart == 1 ? 1 : ROWS;
    size_t row_stride = apart * cols + (apart > 1), row_bytes = cols * element;
    size_t bytes = ((rows - 1) * row_stride + (cols - 1) * apart + 1) * element;
    size_t wide_offset = offset / sizeof(double) * sizeof(double), q_offset = (3 * offset + element) % LINE;
    size_t index_bytes = rows * kept_of(cols) * sizeof(int64_t), number_bytes = rows * sizeof(double);
    unsigned char *p = place(&r[0], bytes, offset, at_end), *q = place(&r[1], bytes, q_offset, at_end);
    unsigned char *indices = place(&r[4], index_bytes, wide_offset, at_end);
    unsigned char *upstream = place(&r[5], number_bytes, wide_offset, at_end);
    unsigned char *out = place(&r[6], number_bytes, wide_offset, at_end);
    unsigned char *matrix[2] = {place(&r[2], bytes, offset, at_end), place(&r[3], bytes, q_offset, at_end)};
    training t = {view_of(p, rows, cols, s->dtype), view_of(q, rows, cols, s->dtype),
                  (const int64_t *)(const void *)indices, (const double *)(const void *)upstream,
                  (double *)(void *)out, {{0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0}}};
    for (int i = 0; i < 2; i++)
        t.matrix[i] = view_mut_of(matrix[i], rows, cols, s->dtype);
    t.p.row_stride = t.q.row_stride = t.matrix[0].row_stride = t.matrix[1].row_stride = (ptrdiff_t)row_stride;
    t.p.col_stride = t.q.col_stride = t.matrix[0].col_stride = t.matrix[1].col_stride = (ptrdiff_t)apart;
    for (size_t row = 0; row < rows; row++) {
        spread(p + row * row_stride * element, s->p + row * row_bytes, cols, apart, element);
        spread(q + row * row_stride * element, s->q + row * row_bytes, cols, apart, element);
    }
    memcpy(indices, kept_indices, index_bytes);
    memcpy(upstream, upstream_given, number_bytes);

    for (int which = 0; which < TRAINING_COUNT; which++) {
        CHECK_STATUS(train((training_call)which, &t), KLDIV_OK);
        if (writes_rows((training_call)which) && (which != LOSS || rows == 1))
            CHECK(memcmp(out, trained[which].out, number_bytes) == 0);
        memset(out, NAN_BYTE, number_bytes);
        for (int i = 0; i < matrices((training_call)which); i++) {
            int same = 1;
            for (size_t row = 0; row < rows; row++)
                for (size_t j = 0; j < cols; j++) {
                    unsigned char *at = matrix[i] + (row * row_stride + j * apart) * element;
                    same &= memcmp(at, trained[which].matrix[i] + (row * cols + j) * element, element) == 0;
                    memset(at, NAN_BYTE, element);
                }
            CHECK(same);
            CHECK(is_nan_bytes(matrix[i], matrix[i] + bytes)); /* nor was anything written between elements */
            CHECK(is_nan_around(&r[2 + i], matrix[i], matrix[i] + bytes));
        }
        CHECK(is_nan_around(&r[6], out, out + number_bytes));
    }
    memset(p, NAN_BYTE, bytes);
    memset(q, NAN_BYTE, bytes);
    memset(indices, NAN_BYTE, index_bytes);
    memset(upstream, NAN_BYTE, number_bytes);
}

/* ---- the divergences of rows ---- */

static void the_two_line_call(const sample *s, const void *p, const void *q)
{
    double out = -1;
    kldiv_status want = s->cols == 0 ? KLDIV_ERROR_EMPTY : KLDIV_OK;
    if (s->dtype == KLDIV_DTYPE_F64)
        CHECK_STATUS(kldiv_kl_f64((const double *)p, (const double *)q, s->cols, &out), want);
    else if (s->dtype == KLDIV_DTYPE_F32)
        CHECK_STATUS(kldiv_kl_f32((const float *)p, (const float *)q, s->cols, &out), want);
    else
        return;
    CHECK_BITS(out, s->cols == 0 ? -1 : s->one);
}

static void contiguous(const sample *s, region r[3], size_t offset, int at_end)
{
    size_t element = dtype_size(s->dtype), bytes = s->cols * element, q_offset = (3 * offset + element) % LINE;
    size_t out_bytes = s->cols * sizeof(double), out_offset = offset / sizeof(double) * sizeof(double);
    unsigned char *p = place(&r[0], bytes, offset, at_end), *q = place(&r[1], bytes, q_offset, at_end);
    unsigned char *terms = place(&r[2], out_bytes, out_offset, at_end);
    memcpy(p, s->p, bytes);
    memcpy(q, s->q, bytes);

    the_two_line_call(s, p, q);
    kldiv_view p_view = view_of(p, 1, s->cols, s->dtype), q_view = view_of(q, 1, s->cols, s->dtype);
    kldiv_view_mut out_view = view_mut_of(terms, 1, s->cols, KLDIV_DTYPE_F64);
    double reduced = -1, row = -1;
    kldiv_status want = s->cols == 0 ? KLDIV_ERROR_EMPTY : KLDIV_OK;
    CHECK_STATUS(kldiv_kl(&p_view, &q_view, NULL, &reduced), want);
    CHECK_STATUS(kldiv_rows(&p_view, &q_view, NULL, &row), want);
    CHECK_STATUS(kldiv_terms(&p_view, &q_view, NULL, &out_view), want);
    if (s->cols > 0) {
        CHECK_BITS(reduced, s->one);
        CHECK_BITS(row, s->rows[0]);
        CHECK(memcmp(terms, s->terms, out_bytes) == 0);
    }
    /* and beside the output nothing was written */
    unsigned char *after = terms + out_bytes;
    CHECK(is_nan_bytes((size_t)(terms - r[2].begin) < 2 * LINE ? r[2].begin : terms - 2 * LINE, terms));
    CHECK(is_nan_bytes(after, (size_t)(r[2].end - after) < 2 * LINE ? r[2].end : after + 2 * LINE));

    memset(p, NAN_BYTE, bytes);
    memset(q, NAN_BYTE, bytes);
    memset(terms, NAN_BYTE, out_bytes);
}

/* Every second element of rows that lie an odd number of elements apart. */
static void strided(const sample *s, region r[3], size_t offset, int at_end)
{
    size_t element = dtype_size(s->dtype), cols = s->cols, row_stride = 2 * cols + 1;
    size_t bytes = ((ROWS - 1) * row_stride + (cols - 1) * 2 + 1) * element;
    unsigned char *data[2];
    kldiv_view view[2];
    double rows[ROWS];
    for (int operand = 0; operand < 2; operand++) {
        const unsigned char *source = operand == 0 ? s->p : s->q;
        data[operand] = place(&r[operand], bytes, operand == 0 ? offset : (3 * offset + element) % LINE, at_end);
        for (size_t row = 0; row < ROWS; row++)
            spread(data[operand] + row * row_stride * element, source + row * cols * element, cols, 2, element);
        view[operand] = view_of(data[operand], ROWS, cols, s->dtype);
        view[operand].row_stride = (ptrdiff_t)row_stride;
        view[operand].col_stride = 2;
    }
    CHECK_STATUS(kldiv_rows(&view[0], &view[1], NULL, rows), KLDIV_OK);
    CHECK(memcmp(rows, s->rows, sizeof rows) == 0);
    memset(data[0], NAN_BYTE, bytes);
    memset(data[1], NAN_BYTE, bytes);
}

static void every_length_at_every_offset(void)
{
    size_t most = ROWS * (2 * LENGTH_MAX + 1) * sizeof(double) + LINE;
    region r[7];
    for (int i = 0; i < 7; i++)
        r[i] = guarded_region(most);
    sample s;
    memset(&s, 0, sizeof s);
    s.p = (unsigned char *)allocate(ROWS * LENGTH_MAX * sizeof(double));
    s.q = (unsigned char *)allocate(ROWS * LENGTH_MAX * sizeof(double));
    uint64_t seed = 20;

    for (uint32_t dtype = KLDIV_DTYPE_F64; dtype <= KLDIV_DTYPE_BF16; dtype++)
        for (size_t cols = 0; cols <= LENGTH_MAX; cols++) {
            check_case("%s, %lu columns, in ordinary memory", dtype_name(dtype), (unsigned long)cols);
            prepare(&s, dtype, cols, &seed);
            if (cols > 0)
                prepare_training(&s);
            for (size_t offset = 0; offset < LINE; offset += dtype_size(dtype))
                for (int at_end = 0; at_end < 2; at_end++) {
                    check_case("%s, %lu columns, %lu bytes %s a guard page", dtype_name(dtype), (unsigned long)cols,
                               (unsigned long)offset, at_end ? "before" : "after");
                    contiguous(&s, r, offset, at_end);
                    if (cols == 0)
                        continue;
                    strided(&s, r, offset, at_end);
                    training_beside_a_page(&s, r, offset, at_end, 1);
                    training_beside_a_page(&s, r, offset, at_end, 2);
                }
        }
    free(s.p);
    free(s.q);
}

static void a_masked_row_may_lie_where_nobody_can_read(uint32_t dtype, size_t cols)
{
    static const uint8_t mask[3] = {1, 0, 1};
    const size_t page = page_size();
    region r = guarded_region(3 * page);
    uint64_t seed = 21;
    fill(r.begin, cols, dtype, &seed);
    fill(r.begin + 2 * page, cols, dtype, &seed);
    if (mprotect(r.begin + page, page, PROT_NONE) != 0)
        give_up("no guard page");
    kldiv_view p = view_of(r.begin, 3, cols, dtype), q = p;
    p.row_stride = (ptrdiff_t)(page / dtype_size(dtype));
    q.row_stride = 0; /* the first row again */
    kldiv_options options = default_options();
    options.mask = mask;
    double rows[3] = {-1, -1, -1}, terms[3 * 100];
    kldiv_view_mut out = view_mut_of(terms, 3, cols, KLDIV_DTYPE_F64);
    check_case("a masked row of %lu %s on a guard page", (unsigned long)cols, dtype_name(dtype));
    CHECK_STATUS(kldiv_rows(&p, &q, &options, rows), KLDIV_OK);
    CHECK(rows[0] == 0 && rows[1] == 0 && rows[2] != 0);
    CHECK_STATUS(kldiv_terms(&p, &q, &options, &out), KLDIV_OK);
    CHECK(terms[cols] == 0 && terms[2 * cols - 1] == 0);

    const int64_t indices[3] = {3, INT64_MAX, (int64_t)cols - 1}; /* that of the masked row is not looked at either */
    kldiv_view values = p;
    values.cols = 1;
    CHECK_STATUS(kldiv_loss(&p, &q, &options, rows), KLDIV_OK);
    CHECK(isfinite(rows[0]));
    CHECK_STATUS(kldiv_loss_pointwise(&p, &q, &options, &out), KLDIV_OK);
    CHECK(terms[cols] == 0 && terms[2 * cols - 1] == 0);
    for (int which = 0; which < 4; which++) {
        memset(terms, NAN_BYTE, sizeof terms);
        kldiv_status status = which == 0   ? kldiv_loss_grad(&p, &q, &options, &p, NULL, &out)
                              : which == 1 ? kldiv_logits_grad(&p, &q, &options, NULL, rows, &out, NULL)
                              : which == 2 ? kldiv_logits_topk(&values, indices, &p, &options, NULL, rows, &out)
                                           : kldiv_vae_grad(&p, &p, &q, &q, &options, NULL, rows, &out, NULL, NULL,
                                                            NULL);
        check_case("a masked row of %lu %s on a guard page, gradient %d", (unsigned long)cols, dtype_name(dtype),
                   which);
        CHECK_STATUS(status, KLDIV_OK);
        CHECK(terms[cols] == 0 && terms[2 * cols - 1] == 0 && isfinite(terms[0]) && isfinite(terms[3 * cols - 1]));
        CHECK(which == 0 || rows[1] == 0);
    }
}

static void no_rows_are_not_read(void)
{
    region r = guarded_region(1);
    kldiv_view none = view_of(r.end, 0, 100, KLDIV_DTYPE_F64);
    double out = -1;
    check_case("no rows, on a guard page");
    CHECK_STATUS(kldiv_rows(&none, &none, NULL, &out), KLDIV_OK);
    CHECK_STATUS(kldiv_logits(&none, &none, NULL, &out), KLDIV_OK);
    CHECK_STATUS(kldiv_logits_topk(&none, (const int64_t *)(const void *)r.end, &none, NULL, NULL, &out, NULL),
                 KLDIV_OK);
    CHECK_STATUS(kldiv_vae(&none, &none, &none, &none, NULL, &out), KLDIV_OK);
    CHECK_STATUS(kldiv_loss_grad(&none, &none, NULL, &none, NULL, NULL), KLDIV_OK);
    CHECK_BITS(out, -1);
}

int main(void)
{
    every_length_at_every_offset();
    a_masked_row_may_lie_where_nobody_can_read(KLDIV_DTYPE_F64, 100);
    a_masked_row_may_lie_where_nobody_can_read(KLDIV_DTYPE_F32, 100);
    a_masked_row_may_lie_where_nobody_can_read(KLDIV_DTYPE_F32, 10);
    no_rows_are_not_read();
    kldiv_shutdown();
    return check_result("guard_pages");
}
