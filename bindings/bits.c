/*
 * Prints results of the C library to the bit, for inputs that a generator makes: what every language has to print too.
 *
 * A line is a label and the numbers, as the hexadecimal digits of their IEEE bits. bindings/README.md says how the
 * inputs are made and what each line is.
 */
#include <kldiv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 7, COLS = 37, COUNT = ROWS * COLS };

/* ---- inputs ---- */

static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        exit(2);
    return memory; /* the program is short: what it allocates it keeps */
}

/* In (0, 1]. */
static double *units(uint64_t seed, size_t n)
{
    double *x = room(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (double)((next(&seed) >> 11) + 1) * 0x1p-53;
    return x;
}

static float *floats(uint64_t seed, size_t n)
{
    float *x = room(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((next(&seed) >> 40) + 1) * 0x1p-24f;
    return x;
}

/* In (-8, 8]. */
static double *reals(uint64_t seed, size_t n)
{
    double *x = units(seed, n);
    for (size_t i = 0; i < n; i++)
        x[i] = 16 * x[i] - 8;
    return x;
}

static uint64_t *counts(uint64_t seed, size_t n)
{
    uint64_t *x = room(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = next(&seed) >> 44;
    return x;
}

/* Bits of binary16 or bfloat16 numbers: positive and finite in both. */
static uint16_t *halves(uint64_t seed, size_t n)
{
    uint16_t *x = room(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (uint16_t)((next(&seed) >> 48) & 0x3bff);
    return x;
}

static kldiv_view view(const void *data, size_t rows, size_t cols, uint32_t dtype)
{
    kldiv_view v = {data, rows, cols, (ptrdiff_t)cols, 1, dtype};
    return v;
}

static kldiv_view f64(const double *data, size_t rows, size_t cols)
{
    return view(data, rows, cols, KLDIV_DTYPE_F64);
}

static kldiv_view_mut to(void *data, uint32_t dtype)
{
    kldiv_view_mut v = {data, ROWS, COLS, COLS, 1, dtype};
    return v;
}

/* ---- output ---- */

static void check(kldiv_status status)
{
    if (status == KLDIV_OK)
        return;
    kldiv_error error = {.struct_size = sizeof error};
    kldiv_last_error(&error);
    fprintf(stderr, "bits: %s\n", error.message);
    exit(1);
}

static void print_bits(const void *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, (const char *)data + i * sizeof bits, sizeof bits);
        printf(" %016llx", (unsigned long long)bits);
    }
}

static void line(const char *label, const double *x, size_t n)
{
    printf("%s", label);
    print_bits(x, n);
    printf("\n");
}

static void line_f32(const char *label, const float *x, size_t n)
{
    printf("%s", label);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        printf(" %08lx", (unsigned long)bits);
    }
    printf("\n");
}

/* ---- the rooms ---- */

static double out[COUNT], grads[4][COUNT];
static float narrow[COUNT];

static void rows_line(const char *label, kldiv_view p, kldiv_view q, const kldiv_options *options)
{
    check(kldiv_rows(&p, &q, options, out));
    line(label, out, p.rows);
}

static void vectors_and_rows(void)
{
    const double *p = units(5, COUNT), *q = units(6, COUNT), *vector = units(2, COLS);
    const float *q32 = floats(8, COUNT);
    const uint16_t *p16 = halves(9, COUNT), *q16 = halves(10, COUNT);

    check(kldiv_kl_f64(units(1, COLS), vector, COLS, out));
    line("kl", out, 1);
    check(kldiv_kl_f32(floats(3, COLS), floats(4, COLS), COLS, out));
    line("kl_f32", out, 1);

    kldiv_options measure = KLDIV_OPTIONS_INIT;
    measure.alpha = 0.5;
    for (; measure.measure <= KLDIV_MEASURE_CROSS_ENTROPY; measure.measure++) {
        char label[32];
        snprintf(label, sizeof label, "rows_measure_%u", (unsigned)measure.measure);
        rows_line(label, f64(p, ROWS, COLS), f64(q, ROWS, COLS), &measure);
    }
    rows_line("rows_f32", view(floats(7, COUNT), ROWS, COLS, KLDIV_DTYPE_F32), view(q32, ROWS, COLS, KLDIV_DTYPE_F32),
              NULL);
    rows_line("rows_mixed_f32", f64(p, ROWS, COLS), view(q32, ROWS, COLS, KLDIV_DTYPE_F32), NULL);
    rows_line("rows_f16", view(p16, ROWS, COLS, KLDIV_DTYPE_F16), view(q16, ROWS, COLS, KLDIV_DTYPE_F16), NULL);
    rows_line("rows_bf16", view(p16, ROWS, COLS, KLDIV_DTYPE_BF16), view(q16, ROWS, COLS, KLDIV_DTYPE_BF16), NULL);

    kldiv_options smoothed = KLDIV_OPTIONS_INIT;
    smoothed.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    smoothed.smoothing = 0.5;
    rows_line("rows_counts", view(counts(11, COUNT), ROWS, COLS, KLDIV_DTYPE_I64),
              view(counts(12, COUNT), ROWS, COLS, KLDIV_DTYPE_U64), &smoothed);

    kldiv_view columns = {p, ROWS, COLS, 1, ROWS, KLDIV_DTYPE_F64};
    kldiv_view backwards = {vector + COLS - 1, ROWS, COLS, 0, -1, KLDIV_DTYPE_F64};
    rows_line("rows_strided", columns, backwards, NULL);

    const uint8_t mask[ROWS] = {1, 0, 1, 1, 0, 1, 1};
    kldiv_options mean = KLDIV_OPTIONS_INIT;
    mean.reduction = KLDIV_REDUCTION_MEAN;
    mean.base = 2;
    mean.mask = mask;
    mean.weights = units(13, ROWS);
    kldiv_view p_view = f64(p, ROWS, COLS), q_view = f64(q, ROWS, COLS);
    check(kldiv_kl(&p_view, &q_view, &mean, out));
    line("mean", out, 1);

    kldiv_options jeffreys = KLDIV_OPTIONS_INIT;
    jeffreys.measure = KLDIV_MEASURE_JEFFREYS;
    kldiv_view_mut wide = to(out, KLDIV_DTYPE_F64), rounded = to(narrow, KLDIV_DTYPE_F32);
    check(kldiv_terms(&p_view, &q_view, &jeffreys, &wide));
    line("terms", out, COUNT);
    check(kldiv_terms(&p_view, &q_view, &jeffreys, &rounded));
    line_f32("terms_to_f32", narrow, COUNT);

    kldiv_options normalized = KLDIV_OPTIONS_INIT;
    normalized.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    kldiv_term terms[COLS];
    kldiv_view one = f64(units(1, COLS), 1, COLS), other = f64(vector, 1, COLS);
    check(kldiv_explain(&one, &other, &normalized, terms));
    printf("explain");
    for (int i = 0; i < COLS; i++)
        print_bits(&terms[i].p, 6); /* p, q, ratio, log_ratio, contribution, share */
    printf("\n");
}

static void all_pairs(void)
{
    enum { OTHERS = 5, NEAR = 3 };
    kldiv_view p = f64(units(5, COUNT), ROWS, COLS), q = f64(units(20, OTHERS * COLS), OTHERS, COLS);
    size_t index[ROWS * NEAR];
    uint64_t wide[ROWS * NEAR];
    check(kldiv_pairwise(&p, &q, NULL, out));
    line("pairwise", out, ROWS * OTHERS);
    check(kldiv_nearest(&p, &q, NULL, NEAR, index, out));
    for (int i = 0; i < ROWS * NEAR; i++)
        wide[i] = index[i];
    printf("nearest");
    print_bits(wide, ROWS * NEAR);
    print_bits(out, ROWS * NEAR);
    printf("\n");
}

static void losses(void)
{
    static const char *const labels[] = {"loss_sum", "loss_mean", "loss_batchmean"};
    kldiv_view input = f64(reals(14, COUNT), ROWS, COLS), target = f64(units(15, COUNT), ROWS, COLS);
    kldiv_view log_target = f64(reals(16, COUNT), ROWS, COLS);
    kldiv_view_mut to_out = to(out, KLDIV_DTYPE_F64);
    kldiv_view_mut to_input = to(grads[0], KLDIV_DTYPE_F64), to_target = to(grads[1], KLDIV_DTYPE_F64);
    kldiv_options options = KLDIV_OPTIONS_INIT;
    for (; options.reduction <= KLDIV_REDUCTION_BATCHMEAN; options.reduction++) {
        check(kldiv_loss(&input, &target, &options, out));
        line(labels[options.reduction], out, 1);
    }
    options.reduction = KLDIV_REDUCTION_BATCHMEAN;
    check(kldiv_loss_pointwise(&input, &target, &options, &to_out));
    line("loss_pointwise", out, COUNT);
    check(kldiv_loss_grad(&input, &target, &options, NULL, &to_input, &to_target));
    line("loss_grad_input", grads[0], COUNT);
    line("loss_grad_target", grads[1], COUNT);

    const double half = 0.5;
    kldiv_view upstream = f64(&half, 1, 1);
    options.log_target = 1;
    check(kldiv_loss(&input, &log_target, &options, out));
    line("loss_log_target", out, 1);
    check(kldiv_loss_grad(&input, &log_target, &options, &upstream, NULL, &to_target));
    line("loss_log_target_grad", grads[1], COUNT);
}

static void softmaxes(void)
{
    enum { KEPT = 4 };
    const double *upstream = units(13, ROWS);
    kldiv_view a = f64(reals(17, COUNT), ROWS, COLS), b = f64(reals(18, COUNT), ROWS, COLS);
    kldiv_view_mut to_a = to(grads[0], KLDIV_DTYPE_F64), to_b = to(grads[1], KLDIV_DTYPE_F64);
    kldiv_options options = KLDIV_OPTIONS_INIT;
    options.temperature = 2;
    check(kldiv_logits(&a, &b, &options, out));
    line("logits", out, ROWS);
    check(kldiv_logits_grad(&a, &b, &options, upstream, out, &to_a, &to_b));
    line("logits_grad", out, ROWS);
    line("logits_grad_a", grads[0], COUNT);
    line("logits_grad_b", grads[1], COUNT);

    kldiv_options mixture = options;
    mixture.measure = KLDIV_MEASURE_JENSEN_SHANNON;
    mixture.js_weight = 0.25;
    check(kldiv_logits(&a, &b, &mixture, out));
    line("logits_jensen_shannon", out, ROWS);

    int64_t indices[ROWS * KEPT];
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < KEPT; j++)
            indices[i * KEPT + j] = 9 * j + i;
    kldiv_view values = f64(reals(19, ROWS * KEPT), ROWS, KEPT);
    check(kldiv_logits_topk(&values, indices, &b, &options, upstream, out, &to_b));
    line("logits_topk", out, ROWS);
    line("logits_topk_grad_b", grads[1], COUNT);
}

static void families_line(const char *label, uint32_t p, uint32_t q, size_t cols, const kldiv_options *options)
{
    kldiv_view p_view = f64(units(21, ROWS * cols), ROWS, cols), q_view = f64(units(22, ROWS * cols), ROWS, cols);
    check(kldiv_family(p, &p_view, q, &q_view, options, out));
    line(label, out, ROWS);
}

static void families(void)
{
    kldiv_options bits = KLDIV_OPTIONS_INIT, of_rank_one = KLDIV_OPTIONS_INIT;
    bits.measure = KLDIV_MEASURE_JEFFREYS;
    bits.base = 2;
    of_rank_one.dim = 2;
    families_line("family_normal", KLDIV_FAMILY_NORMAL, KLDIV_FAMILY_NORMAL, 2, NULL);
    families_line("family_normal_jeffreys", KLDIV_FAMILY_NORMAL, KLDIV_FAMILY_NORMAL, 2, &bits);
    families_line("family_normal_laplace", KLDIV_FAMILY_NORMAL, KLDIV_FAMILY_LAPLACE, 2, NULL);
    families_line("family_dirichlet", KLDIV_FAMILY_DIRICHLET, KLDIV_FAMILY_DIRICHLET, 5, NULL);
    families_line("family_mvnormal_lowrank", KLDIV_FAMILY_MVNORMAL_LOWRANK, KLDIV_FAMILY_MVNORMAL_LOWRANK, 6,
                  &of_rank_one);

    kldiv_view p = f64(units(21, ROWS * 2), ROWS, 2), q = f64(units(22, ROWS * 2), ROWS, 2);
    kldiv_view_mut to_p = {grads[0], ROWS, 2, 2, 1, KLDIV_DTYPE_F64}, to_q = {grads[1], ROWS, 2, 2, 1, KLDIV_DTYPE_F64};
    check(kldiv_family_grad(KLDIV_FAMILY_GAMMA, &p, KLDIV_FAMILY_GAMMA, &q, NULL, units(13, ROWS), out, &to_p, &to_q));
    line("family_grad", out, ROWS);
    line("family_grad_p", grads[0], ROWS * 2);
    line("family_grad_q", grads[1], ROWS * 2);
}

static void posteriors(void)
{
    static const char *const labels[] = {"vae_grad_mu", "vae_grad_logvar", "vae_grad_prior_mu",
                                         "vae_grad_prior_logvar"};
    kldiv_view mu = f64(reals(25, COUNT), ROWS, COLS), logvar = f64(reals(26, COUNT), ROWS, COLS);
    kldiv_view prior_mu = f64(reals(27, COLS), ROWS, COLS), prior_logvar = f64(reals(28, COLS), ROWS, COLS);
    prior_mu.row_stride = prior_logvar.row_stride = 0; /* one prior for all rows */
    kldiv_view_mut views[4];
    for (int i = 0; i < 4; i++)
        views[i] = to(grads[i], KLDIV_DTYPE_F64);
    check(kldiv_vae(&mu, &logvar, NULL, NULL, NULL, out));
    line("vae", out, ROWS);
    check(kldiv_vae_grad(&mu, &logvar, &prior_mu, &prior_logvar, NULL, units(13, ROWS), out, &views[0], &views[1],
                         &views[2], &views[3]));
    line("vae_prior", out, ROWS);
    for (int i = 0; i < 4; i++)
        line(labels[i], grads[i], COUNT);
}

static double rising(double x, void *user)
{
    (void)user;
    return 2 * x;
}

static double rising_faster(double x, void *user)
{
    (void)user;
    return 3 * x * x;
}

static void densities_and_samples(void)
{
    const double breaks[] = {0.5};
    check(kldiv_quadrature(rising, rising_faster, NULL, 0, 1, breaks, 1, NULL, &out[0], &out[1]));
    line("quadrature", out, 2);

    kldiv_view x = f64(reals(29, 40 * 3), 40, 3), y = f64(reals(30, 50 * 3), 50, 3);
    check(kldiv_estimate_knn(&x, &y, 2, NULL, out));
    line("knn", out, 1);

    kldiv_options k3 = KLDIV_OPTIONS_INIT;
    k3.estimator = KLDIV_ESTIMATOR_K3;
    check(kldiv_estimate_mc(reals(31, 100), reals(32, 100), 100, &k3, &out[0], &out[1]));
    line("monte_carlo", out, 2);
}

/* A state of the first three rows, and one of the others that is merged into it: its value, and its words. */
static void parts(void)
{
    const double *p = units(5, COUNT), *q = units(6, COUNT);
    kldiv_view p_first = f64(p, 3, COLS), p_rest = f64(p + 3 * COLS, ROWS - 3, COLS);
    kldiv_view q_first = f64(q, 3, COLS), q_rest = f64(q + 3 * COLS, ROWS - 3, COLS);
    kldiv_options jeffreys = KLDIV_OPTIONS_INIT, normalized = KLDIV_OPTIONS_INIT;
    jeffreys.measure = KLDIV_MEASURE_JEFFREYS;
    normalized.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    kldiv_partial state, rest;
    check(kldiv_partial_init(&state, &jeffreys));
    check(kldiv_partial_init(&rest, &jeffreys));
    check(kldiv_partial_update(&state, &p_first, &q_first));
    check(kldiv_partial_update(&rest, &p_rest, &q_rest));
    check(kldiv_partial_merge(&state, &rest));
    check(kldiv_partial_value(&state, &normalized, out));
    line("partial", out, 1);
    printf("partial_state");
    print_bits(&state, sizeof state / 8);
    printf("\n");
}

int main(void)
{
    vectors_and_rows();
    all_pairs();
    losses();
    softmaxes();
    families();
    posteriors();
    densities_and_samples();
    parts();
    return 0;
}
