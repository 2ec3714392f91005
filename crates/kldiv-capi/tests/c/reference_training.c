/*
 * Holds the C ABI to the tables of what models are trained with: reference_training TABLE.json for logits.json,
 * kldivloss.json and vae.json. Every value, every gradient, with inputs and outputs in every layout and outputs of both
 * types; K = 16 as for the other tables.
 */
#include "layout.h"
#include "tolerance.h"

static const uint32_t output_dtypes[] = {KLDIV_DTYPE_F64, KLDIV_DTYPE_F32};

/* ---- what is said of a matrix ---- */

/* Its values in the table, one after the other: rows may be arrays of their own. */
static size_t flatten(const json *array, const json **out, size_t room)
{
    size_t count = 0;
    for (const json *item = array->first; item != NULL; item = item->next) {
        if (item->kind == JSON_ARRAY)
            count += flatten(item, out + count, room - count);
        else if (count < room)
            out[count++] = item;
        else
            give_up("the table has more values than its case has elements");
    }
    return count;
}

/* Each element against its expectation; `mag` NULL means the expectation itself. What is null is undefined. */
static void judge_all(const char *field, uint32_t dtype, precision precision, const json *wanted,
                      const long double *mag, size_t terms, const double *got, size_t count, const char *name)
{
    const json **values = (const json **)allocate(count * sizeof *values);
    if (flatten(wanted, values, count) != count)
        give_up("the table has fewer values than its case has elements");
    for (size_t i = 0; i < count; i++) {
        if (values[i]->kind == JSON_NULL)
            continue;
        long double own = fabsl(strtold(json_text(values[i]), NULL));
        expectation e = expect_near(values[i], mag != NULL ? mag[i] : own, precision, terms);
        judge(field, dtype, &e, got[i], name);
    }
    free(values);
}

/* A number for each row of the table, as one for each of the row's `each` elements; null is one that nothing needs. */
static long double *mags_of(const json *array, size_t each)
{
    long double *mags = (long double *)allocate(array->count * each * sizeof *mags);
    size_t i = 0;
    for (const json *item = array->first; item != NULL; item = item->next)
        for (size_t j = 0; j < each; j++)
            mags[i++] = item->kind == JSON_NULL ? 0 : strtold(json_text(item), NULL);
    return mags;
}

static int same_bits(const double *x, const double *y, size_t count)
{
    return memcmp(x, y, count * sizeof *x) == 0;
}

/* Whether x is y rounded to the type, and to nothing coarser. */
static int rounded(const double *x, const double *y, size_t count, uint32_t dtype)
{
    int same = 1;
    for (size_t i = 0; i < count; i++) {
        double to = dtype == KLDIV_DTYPE_F32 ? (double)(float)y[i] : y[i];
        same &= bits_of(x[i]) == bits_of(to) || (isnan(x[i]) && isnan(to));
    }
    return same;
}

static double *doubles(size_t count)
{
    double *memory = (double *)allocate(count * sizeof *memory);
    for (size_t i = 0; i < count; i++)
        memory[i] = NAN;
    return memory;
}

/* ---- logits.json ---- */

typedef struct {
    const char *name;
    uint32_t dtype;
    size_t rows, cols;
    const void *a, *b;
    kldiv_options options;
} logits_inputs;

/* Divergences and gradients with everything laid out in some way; the gradients are rounded to `out_dtype`. */
static void logits_calls(const logits_inputs *in, int layout, uint32_t out_dtype, double *kl, double *grad_a,
                         double *grad_b)
{
    laid_out a = lay_out(in->a, in->rows, in->cols, in->dtype, layout);
    laid_out b = lay_out(in->b, in->rows, in->cols, in->dtype, 2 * layout % LAYOUTS);
    laid_out of_a = lay_out(NULL, in->rows, in->cols, out_dtype, (layout + 3) % LAYOUTS);
    laid_out of_b = lay_out(NULL, in->rows, in->cols, out_dtype, (layout + 4) % LAYOUTS);
    kldiv_view_mut view_a = writable(&of_a), view_b = writable(&of_b);
    double *beside = doubles(in->rows);
    check_case("%s, layout %d, gradients in %s", in->name, layout, dtype_name(out_dtype));
    CHECK_STATUS(kldiv_logits(&a.view, &b.view, &in->options, kl), KLDIV_OK);
    CHECK_STATUS(kldiv_logits_grad(&a.view, &b.view, &in->options, NULL, beside, &view_a, &view_b), KLDIV_OK);
    CHECK(same_bits(beside, kl, in->rows));
    CHECK(take_back(&of_a, grad_a));
    CHECK(take_back(&of_b, grad_b));
    free(beside);
    free(a.memory);
    free(b.memory);
}

/* A sparse teacher that names every class, backwards, is the whole one. */
static void all_classes_kept(const logits_inputs *in, double *kl, double *grad_b)
{
    kldiv_view values = view_of(in->a, in->rows, in->cols, in->dtype);
    kldiv_view b = view_of(in->b, in->rows, in->cols, in->dtype);
    kldiv_view_mut grad = view_mut_of(grad_b, in->rows, in->cols, KLDIV_DTYPE_F64);
    int64_t *indices = (int64_t *)allocate(in->rows * in->cols * sizeof *indices);
    for (size_t i = 0; i < in->rows * in->cols; i++)
        indices[i] = (int64_t)(in->cols - 1 - i % in->cols);
    values.data = (const char *)in->a + (in->cols - 1) * dtype_size(in->dtype);
    values.col_stride = -1;
    check_case("%s, every class kept", in->name);
    CHECK_STATUS(kldiv_logits_topk(&values, indices, &b, &in->options, NULL, kl, &grad), KLDIV_OK);
    free(indices);
}

/* Whether long double holds more than a double: valgrind's does not, and can be no one's judge. */
static int long_doubles_are_long(void)
{
    volatile long double one = 1, more = one + ldexpl(1, -60);
    return more != one;
}

/* The softmax of a row in the widest type there is. */
static void softmax(const void *logits, size_t n, uint32_t dtype, long double temperature, long double *p)
{
    long double max = -HUGE_VAL, sum = 0;
    for (size_t j = 0; j < n; j++)
        max = fmaxl(max, (long double)element(logits, j, dtype));
    for (size_t j = 0; j < n; j++)
        sum += p[j] = expl(((long double)element(logits, j, dtype) - max) / temperature);
    for (size_t j = 0; j < n; j++)
        p[j] /= sum;
}

/* What a difference of two probabilities is good to: each is an exponential, as good as its argument. */
static long double gradient_mag(long double p, long double q)
{
    return (p > 0 ? p * (2 - logl(p)) : 0) + (q > 0 ? q * (2 - logl(q)) : 0);
}

/* Of a sparse teacher no more is promised than that: unlike whole rows, near ones lose digits. A row has one number. */
static long double *gradient_mags(const logits_inputs *in)
{
    size_t cols = in->cols, bytes = cols * dtype_size(in->dtype);
    long double *mags = (long double *)allocate(in->rows * cols * sizeof *mags);
    long double *p = (long double *)allocate(cols * sizeof *p), *q = (long double *)allocate(cols * sizeof *q);
    long double temperature = (long double)in->options.temperature;
    for (size_t row = 0; row < in->rows; row++) {
        softmax((const char *)in->a + row * bytes, cols, in->dtype, temperature, p);
        softmax((const char *)in->b + row * bytes, cols, in->dtype, temperature, q);
        long double largest = 0;
        for (size_t j = 0; j < cols; j++)
            largest = fmaxl(largest, gradient_mag(p[j], q[j]) / temperature);
        for (size_t j = 0; j < cols; j++)
            mags[row * cols + j] = largest;
    }
    free(p);
    free(q);
    return mags;
}

/*
 * Every second class kept, by its log-probability: with the missing mass as one more outcome, and without it. There is
 * no table of this; what the header says is evaluated here, on the rounded log-probabilities that the call is given.
 */
static void half_of_the_classes_kept(const logits_inputs *in)
{
    size_t cols = in->cols, kept = (cols + 1) / 2;
    long double *p = (long double *)allocate(cols * sizeof *p), *q = (long double *)allocate(cols * sizeof *q);
    double *values = doubles(kept), *grad = doubles(cols);
    int64_t *indices = (int64_t *)allocate(kept * sizeof *indices);
    for (size_t row = 0; row < in->rows; row++) {
        const char *a = (const char *)in->a + row * cols * dtype_size(in->dtype);
        const char *b = (const char *)in->b + row * cols * dtype_size(in->dtype);
        softmax(a, cols, in->dtype, 1, p);
        softmax(b, cols, in->dtype, 1, q);
        long double p_kept = 0, q_rest = 0;
        for (size_t k = 0; k < kept; k++) {
            indices[k] = (int64_t)(2 * k);
            values[k] = (double)logl(p[2 * k]);
            p[2 * k] = expl((long double)values[k]);
            p_kept += p[2 * k];
        }
        for (size_t j = 1; j < cols; j += 2)
            q_rest += q[j];
        for (uint32_t topk = KLDIV_TOPK_LOGPROBS_TAIL; topk <= KLDIV_TOPK_LOGPROBS_RENORMALIZED; topk++) {
            int tail = topk == KLDIV_TOPK_LOGPROBS_TAIL;
            long double sum = tail ? 1 : p_kept, missing = 1 - p_kept;
            if (!(p_kept > 0) || (tail && !(missing > 1e-6L && q_rest > 1e-300L)))
                continue; /* no class is left, or nothing for it: what counts as nothing is the library's to say */
            long double kl = tail ? missing * logl(missing / q_rest) : 0, mag = tail ? missing : 0;
            for (size_t j = 0; j < cols; j += 2)
                if (p[j] > 0) {
                    kl += p[j] / sum * logl(p[j] / sum / q[j]);
                    mag += p[j] / sum * (2 + fabsl(logl(p[j])) + fabsl(logl(q[j])));
                }
            double got = -1;
            kldiv_options options = default_options();
            options.topk = topk;
            kldiv_view values_view = view_of(values, 1, kept, KLDIV_DTYPE_F64), b_view = view_of(b, 1, cols, in->dtype);
            kldiv_view_mut grad_view = view_mut_of(grad, 1, cols, KLDIV_DTYPE_F64);
            check_case("%s row %lu, half the classes kept, topk %u", in->name, (unsigned long)row, topk);
            CHECK_STATUS(kldiv_logits_topk(&values_view, indices, &b_view, &options, NULL, &got, &grad_view), KLDIV_OK);
            long double u = precision_of(in->dtype).u, off = fabsl((long double)got - kl) / (u * mag);
            check_case("%s row %lu, topk %u: %.17g, want %.17g, %g units", in->name, (unsigned long)row, topk, got,
                       (double)kl, (double)off);
            CHECK(isinf((double)kl) ? got == HUGE_VAL : off <= K);
            long double furthest = 0, largest = 0;
            for (size_t j = 0; j < cols; j++) {
                long double share = j % 2 == 0 ? p[j] / sum : tail ? missing / q_rest * q[j] : 0;
                long double wanted = q[j] == 0 ? 0 : q[j] - share;
                largest = fmaxl(largest, gradient_mag(share, q[j]));
                furthest = fmaxl(furthest, fabsl((long double)grad[j] - wanted));
            }
            check_case("%s row %lu, topk %u: gradient off by %g units", in->name, (unsigned long)row, topk,
                       (double)(furthest / (u * largest)));
            CHECK(furthest <= K * u * largest);
        }
    }
    free(p);
    free(q);
    free(values);
    free(grad);
    free(indices);
}

static void logits(const json *entry)
{
    const json *wanted = json_need(entry, "expect"), *mag = json_need(entry, "mag");
    logits_inputs in;
    in.name = json_text(json_need(entry, "name"));
    in.dtype = dtype_of(entry);
    in.rows = size(json_need(entry, "rows"));
    in.cols = size(json_need(entry, "cols"));
    size_t count = in.rows * in.cols;
    void *a = vector(json_need(entry, "a"), count, in.dtype), *b = vector(json_need(entry, "b"), count, in.dtype);
    in.a = a;
    in.b = b;
    in.options = default_options();
    in.options.temperature = number(json_need(entry, "T"));
    double *kl = doubles(in.rows), *grad_a = doubles(count), *grad_b = doubles(count);
    double *again = doubles(in.rows), *again_a = doubles(count), *again_b = doubles(count);

    static const char *const fields[] = {"kl", "kl_reverse", "grad_a", "grad_b"};
    long double *mags[4];
    for (int i = 0; i < 4; i++)
        mags[i] = mags_of(json_need(mag, fields[i]), i < 2 ? 1 : in.cols);

    logits_calls(&in, 0, KLDIV_DTYPE_F64, kl, grad_a, grad_b);
    const precision precision = precision_of(in.dtype);
    judge_all("kl", in.dtype, precision, json_need(wanted, "kl"), mags[0], in.cols, kl, in.rows, in.name);
    judge_all("grad_a", in.dtype, precision, json_need(wanted, "grad_a"), mags[2], in.cols, grad_a, count, in.name);
    judge_all("grad_b", in.dtype, precision, json_need(wanted, "grad_b"), mags[3], in.cols, grad_b, count, in.name);
    for (int layout = 0; layout < LAYOUTS; layout++)
        for (int out = 0; out < 2; out++) {
            logits_calls(&in, layout, output_dtypes[out], again, again_a, again_b);
            CHECK(same_bits(again, kl, in.rows));
            CHECK(rounded(again_a, grad_a, count, output_dtypes[out]));
            CHECK(rounded(again_b, grad_b, count, output_dtypes[out]));
            if (output_dtypes[out] != in.dtype || layout > 0)
                continue;
            judge_all("grad_a", in.dtype, precision, json_need(wanted, "grad_a"), mags[2], in.cols, again_a, count,
                      in.name);
            judge_all("grad_b", in.dtype, precision, json_need(wanted, "grad_b"), mags[3], in.cols, again_b, count,
                      in.name);
        }

    all_classes_kept(&in, again, again_b);
    judge_all("topk kl", in.dtype, precision, json_need(wanted, "kl"), mags[0], in.cols, again, in.rows, in.name);
    long double *topk_mags = gradient_mags(&in);
    judge_all("topk grad_b", in.dtype, precision, json_need(wanted, "grad_b"), topk_mags, in.cols, again_b, count,
              in.name);
    free(topk_mags);
    if (long_doubles_are_long())
        half_of_the_classes_kept(&in);

    /* The other direction; with the operands exchanged too, it is the first one again. */
    in.options.measure = KLDIV_MEASURE_REVERSE;
    logits_calls(&in, 0, KLDIV_DTYPE_F64, again, again_a, again_b);
    judge_all("kl_reverse", in.dtype, precision, json_need(wanted, "kl_reverse"), mags[1], in.cols, again, in.rows,
              in.name);
    in.a = b;
    in.b = a;
    for (int layout = 0; layout < LAYOUTS; layout++) {
        logits_calls(&in, layout, KLDIV_DTYPE_F64, again, again_b, again_a);
        check_case("%s, layout %d, reversed twice", in.name, layout);
        CHECK(same_bits(again, kl, in.rows));
        CHECK(rounded(again_a, grad_a, count, KLDIV_DTYPE_F64));
        CHECK(rounded(again_b, grad_b, count, KLDIV_DTYPE_F64));
    }
    for (int i = 0; i < 4; i++)
        free(mags[i]);
    double *const used[] = {kl, grad_a, grad_b, again, again_a, again_b};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        free(used[i]);
    free(a);
    free(b);
}

/* ---- kldivloss.json ---- */

typedef enum { NONE, GRAD_INPUT, GRAD_TARGET, PARTS } part;

static const char *const part_names[] = {"none", "grad_input", "grad_target"};

typedef struct {
    const char *name;
    uint32_t dtype;
    size_t rows, cols;
    const void *input, *target;
    kldiv_options options;
} loss_inputs;

/* The three reductions, and the three matrices rounded to `out_dtype`. */
static void loss_calls(loss_inputs *in, int layout, uint32_t out_dtype, double reduced[3], double *const parts[PARTS])
{
    laid_out input = lay_out(in->input, in->rows, in->cols, in->dtype, layout);
    laid_out target = lay_out(in->target, in->rows, in->cols, in->dtype, 2 * layout % LAYOUTS);
    laid_out outs[PARTS];
    kldiv_view_mut views[PARTS];
    for (int i = 0; i < PARTS; i++) {
        outs[i] = lay_out(NULL, in->rows, in->cols, out_dtype, (layout + 2 + i) % LAYOUTS);
        views[i] = writable(&outs[i]);
    }
    check_case("%s, layout %d, output in %s", in->name, layout, dtype_name(out_dtype));
    for (uint32_t reduction = KLDIV_REDUCTION_SUM; reduction <= KLDIV_REDUCTION_BATCHMEAN; reduction++) {
        in->options.reduction = reduction;
        CHECK_STATUS(kldiv_loss(&input.view, &target.view, &in->options, &reduced[reduction]), KLDIV_OK);
    }
    /* still BATCHMEAN, which the table's gradients are of */
    CHECK_STATUS(kldiv_loss_pointwise(&input.view, &target.view, &in->options, &views[NONE]), KLDIV_OK);
    CHECK_STATUS(kldiv_loss_grad(&input.view, &target.view, &in->options, NULL, &views[GRAD_INPUT],
                                 &views[GRAD_TARGET]), KLDIV_OK);
    for (int i = 0; i < PARTS; i++)
        CHECK(take_back(&outs[i], parts[i]));
    free(input.memory);
    free(target.memory);
}

/* What the README says of single elements: the size of what is subtracted. Where that is no number, nothing is. */
static long double element_mag(const loss_inputs *in, size_t i, part part)
{
    double t = element(in->target, i, in->dtype), x = element(in->input, i, in->dtype);
    long double more = part == GRAD_TARGET ? 1 : 0, mag;
    if (in->options.log_target)
        mag = expl((long double)t) * (fabsl((long double)t - (long double)x) + more);
    else if (part == GRAD_TARGET)
        mag = fabsl(logl((long double)t)) + fabsl((long double)x) + more;
    else
        mag = (long double)t * (fabsl(logl((long double)t)) + fabsl((long double)x));
    if (part == GRAD_TARGET)
        mag /= (long double)in->rows;
    return isfinite((double)mag) ? mag : 0;
}

/* A gradient that each element of the unreduced loss hands on is the sum's where all of them are 1. */
static void upstream_of_ones(loss_inputs *in)
{
    size_t count = in->rows * in->cols;
    kldiv_view input = view_of(in->input, in->rows, in->cols, in->dtype);
    kldiv_view target = view_of(in->target, in->rows, in->cols, in->dtype);
    double one = 1, *grads[4];
    kldiv_view_mut views[4];
    for (int i = 0; i < 4; i++) {
        grads[i] = doubles(count);
        views[i] = view_mut_of(grads[i], in->rows, in->cols, KLDIV_DTYPE_F64);
    }
    kldiv_view ones = view_of(&one, in->rows, in->cols, KLDIV_DTYPE_F64);
    ones.row_stride = ones.col_stride = 0;
    in->options.reduction = KLDIV_REDUCTION_SUM;
    check_case("%s, upstream of ones", in->name);
    CHECK_STATUS(kldiv_loss_grad(&input, &target, &in->options, NULL, &views[0], &views[1]), KLDIV_OK);
    CHECK_STATUS(kldiv_loss_grad(&input, &target, &in->options, &ones, &views[2], &views[3]), KLDIV_OK);
    CHECK(rounded(grads[2], grads[0], count, KLDIV_DTYPE_F64));
    CHECK(rounded(grads[3], grads[1], count, KLDIV_DTYPE_F64));
    for (int i = 0; i < 4; i++)
        free(grads[i]);
}

static void loss(const json *entry)
{
    static const char *const reductions[] = {"sum", "mean", "batchmean"};
    const json *wanted = json_need(entry, "expect"), *mag = json_need(entry, "mag");
    loss_inputs in;
    in.name = json_text(json_need(entry, "name"));
    in.dtype = dtype_of(entry);
    in.rows = size(json_need(entry, "rows"));
    in.cols = size(json_need(entry, "cols"));
    size_t count = in.rows * in.cols;
    void *input = vector(json_need(entry, "input"), count, in.dtype);
    void *target = vector(json_need(entry, "target"), count, in.dtype);
    in.input = input;
    in.target = target;
    in.options = default_options();
    in.options.log_target = (uint32_t)json_is_true(json_need(entry, "log_target"));
    const precision precision = precision_of(in.dtype);
    double reduced[3], again[3], *parts[PARTS], *others[PARTS];
    long double *mags[PARTS];
    for (int i = 0; i < PARTS; i++) {
        parts[i] = doubles(count);
        others[i] = doubles(count);
        mags[i] = (long double *)allocate(count * sizeof *mags[i]);
        for (size_t j = 0; j < count; j++)
            mags[i][j] = element_mag(&in, j, (part)i);
    }

    loss_calls(&in, 0, KLDIV_DTYPE_F64, reduced, parts);
    for (int i = 0; i < 3; i++) {
        const json *value = json_need(wanted, reductions[i]);
        if (value->kind == JSON_NULL)
            continue;
        expectation e = expect(value, json_need(mag, reductions[i]), precision, count);
        judge(reductions[i], in.dtype, &e, reduced[i], in.name);
    }
    for (int layout = 0; layout < LAYOUTS; layout++)
        for (int out = 0; out < 2; out++) {
            loss_calls(&in, layout, output_dtypes[out], again, others);
            CHECK(same_bits(again, reduced, 3));
            for (int i = 0; i < PARTS; i++)
                CHECK(rounded(others[i], parts[i], count, output_dtypes[out]));
        }
    for (int out = 0; out < 2; out++) {
        if (in.dtype == KLDIV_DTYPE_F64 && output_dtypes[out] == KLDIV_DTYPE_F32)
            continue; /* as good as it was rounded, which was seen above */
        loss_calls(&in, 0, output_dtypes[out], again, others);
        for (int i = 0; i < PARTS; i++)
            judge_all(part_names[i], in.dtype, precision, json_need(wanted, part_names[i]),
                      i == GRAD_INPUT ? NULL : mags[i], 1, others[i], count, in.name);
    }
    upstream_of_ones(&in);
    for (int i = 0; i < PARTS; i++) {
        free(parts[i]);
        free(others[i]);
        free(mags[i]);
    }
    free(input);
    free(target);
}

/* ---- vae.json ---- */

enum { INPUTS = 4 }; /* mu, logvar and those of the prior; a gradient for each */

static const char *const vae_names[INPUTS] = {"mu", "logvar", "prior_mu", "prior_logvar"};

typedef struct {
    const char *name;
    size_t rows, dims;
    double *inputs[INPUTS]; /* NULL where the table has none */
} vae_inputs;

static void vae_calls(const vae_inputs *in, int layout, uint32_t out_dtype, double *kl, double *const grads[INPUTS])
{
    laid_out inputs[INPUTS], outs[INPUTS];
    const kldiv_view *given[INPUTS];
    kldiv_view_mut views[INPUTS];
    double *beside = doubles(in->rows);
    for (int i = 0; i < INPUTS; i++) {
        int given_layout = (layout * (i + 1)) % LAYOUTS;
        inputs[i] = lay_out(in->inputs[i], in->rows, in->dims, KLDIV_DTYPE_F64, given_layout);
        given[i] = in->inputs[i] != NULL ? &inputs[i].view : NULL;
        outs[i] = lay_out(NULL, in->rows, in->dims, out_dtype, (layout + i) % LAYOUTS);
        views[i] = writable(&outs[i]);
    }
    check_case("%s, layout %d, gradients in %s", in->name, layout, dtype_name(out_dtype));
    CHECK_STATUS(kldiv_vae(given[0], given[1], given[2], given[3], NULL, kl), KLDIV_OK);
    CHECK_STATUS(kldiv_vae_grad(given[0], given[1], given[2], given[3], NULL, NULL, beside, &views[0], &views[1],
                                &views[2], &views[3]), KLDIV_OK);
    CHECK(same_bits(beside, kl, in->rows));
    for (int i = 0; i < INPUTS; i++) {
        CHECK(take_back(&outs[i], grads[i]));
        free(inputs[i].memory);
    }
    free(beside);
}

/* A row of one element is its element. */
static void vae_elements(const vae_inputs *in, double *elements)
{
    for (size_t i = 0; i < in->rows * in->dims; i++) {
        kldiv_view views[INPUTS];
        const kldiv_view *given[INPUTS];
        for (int j = 0; j < INPUTS; j++) {
            views[j] = view_of(in->inputs[j] != NULL ? in->inputs[j] + i : NULL, 1, 1, KLDIV_DTYPE_F64);
            given[j] = in->inputs[j] != NULL ? &views[j] : NULL;
        }
        check_case("%s, element %lu alone", in->name, (unsigned long)i);
        CHECK_STATUS(kldiv_vae(given[0], given[1], given[2], given[3], NULL, &elements[i]), KLDIV_OK);
    }
}

static void vae(const json *entry)
{
    const json *wanted = json_need(entry, "expect"), *grad_sum = json_need(wanted, "grad_sum");
    vae_inputs in;
    in.name = json_text(json_need(entry, "name"));
    in.rows = size(json_need(entry, "rows"));
    in.dims = size(json_need(entry, "dims"));
    size_t count = in.rows * in.dims;
    double *grads[INPUTS], *again[INPUTS], *kl = doubles(in.rows), *other = doubles(in.rows);
    double *elements = doubles(count);
    const json **flat = (const json **)allocate(count * sizeof *flat);
    for (int i = 0; i < INPUTS; i++) {
        const json *matrix = json_get(entry, vae_names[i]);
        in.inputs[i] = matrix == NULL ? NULL : doubles(count);
        if (matrix != NULL && flatten(matrix, flat, count) != count)
            give_up("a matrix that is smaller than its case says");
        for (size_t j = 0; matrix != NULL && j < count; j++)
            in.inputs[i][j] = number(flat[j]);
        grads[i] = doubles(count);
        again[i] = doubles(count);
    }
    /* The README's relative tolerances: 4e-15, and 1e-12 where a prior of one's own is near. */
    int near = in.inputs[2] != NULL && strstr(in.name, "near") != NULL;
    precision precision = precision_of(KLDIV_DTYPE_F64);
    precision.u = (near ? 1e-12L : 4e-15L) / K;

    vae_calls(&in, 0, KLDIV_DTYPE_F64, kl, grads);
    vae_elements(&in, elements);
    judge_all("kl_rows", KLDIV_DTYPE_F64, precision, json_need(wanted, "kl_rows"), NULL, in.dims, kl, in.rows, in.name);
    judge_all("kl_elements", KLDIV_DTYPE_F64, precision, json_need(wanted, "kl_elements"), NULL, 1, elements, count,
              in.name);
    for (int i = 0; i < INPUTS; i++)
        if (json_get(grad_sum, vae_names[i]) != NULL)
            judge_all(vae_names[i], KLDIV_DTYPE_F64, precision, json_get(grad_sum, vae_names[i]), NULL, 1, grads[i],
                      count, in.name);
    for (int layout = 0; layout < LAYOUTS; layout++)
        for (int out = 0; out < 2; out++) {
            vae_calls(&in, layout, output_dtypes[out], other, again);
            CHECK(same_bits(other, kl, in.rows));
            for (int i = 0; i < INPUTS; i++)
                CHECK(rounded(again[i], grads[i], count, output_dtypes[out]));
        }
    for (int i = 0; i < INPUTS; i++) {
        free(in.inputs[i]);
        free(grads[i]);
        free(again[i]);
    }
    free(flat);
    free(elements);
    free(other);
    free(kl);
}

static const json *table; /* static, so that a leak checker sees it held to the end */

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: reference_training TABLE.json\n");
        return 2;
    }
    table = json_read_file(argv[1]);
    for (const json *entry = table->first; entry != NULL; entry = entry->next) {
        if (json_get(entry, "T") != NULL)
            logits(entry);
        else if (json_get(entry, "log_target") != NULL)
            loss(entry);
        else
            vae(entry);
    }
    print_worst("units of u * mag (limit 16)");
    printf("%s: %lu cases with %s\n", argv[1], (unsigned long)table->count, kldiv_active_isa());
    return check_result("reference_training");
}
