/*
 * The caller's floating-point environment changes no bit of any answer, and is found as it was left: rounding modes,
 * flush-to-zero and denormals-are-zero, unmasked traps, and what loading a -ffast-math plugin does to a thread.
 *
 * environment PLUGIN.so     (built from environment_fast_math.c)
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <dlfcn.h>
#include <fenv.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#define HAS_MXCSR 1
#define FLUSH_TO_ZERO 0x8000u
#define DENORMALS_ARE_ZERO 0x0040u
static unsigned read_control(void) { return _mm_getcsr(); }
static void write_control(unsigned control) { _mm_setcsr(control); }
#else
#define HAS_MXCSR 0
#define FLUSH_TO_ZERO 0u
#define DENORMALS_ARE_ZERO 0u
static unsigned read_control(void) { return (unsigned)fegetround(); }
static void write_control(unsigned control) { (void)control; }
#endif

/* ---- the calls ---- */

#define MANY_ROWS 1024
#define MANY_COLS 64
#define LONG_COLS ((size_t)1 << 17)
#define TINY_COLS 300

static double *many_p, *many_q, *long_p, *long_q, many_out[MANY_ROWS], terms_out[TINY_COLS];
static float *single_p, *single_q, single_terms[TINY_COLS];
static double tiny_p[TINY_COLS], tiny_q[TINY_COLS];       /* subnormal throughout */
static float tiny_single_p[TINY_COLS], tiny_single_q[TINY_COLS];
static double deep_p[TINY_COLS], deep_q[TINY_COLS];       /* normal, of all sizes */
static float deep_single_p[TINY_COLS], deep_single_q[TINY_COLS];
static double close_p[TINY_COLS], close_q[TINY_COLS];     /* and near each other */
static float close_single_p[TINY_COLS], close_single_q[TINY_COLS];
static uint64_t counts[TINY_COLS];
static kldiv_term explained[TINY_COLS];
static double grads[4][MANY_ROWS * MANY_COLS];
static float single_grads[MANY_ROWS * MANY_COLS];
static int64_t kept[MANY_ROWS * 8];

static void make_inputs(void)
{
    uint64_t seed = 3;
    many_p = (double *)allocate(MANY_ROWS * MANY_COLS * sizeof *many_p);
    many_q = (double *)allocate(MANY_ROWS * MANY_COLS * sizeof *many_q);
    single_p = (float *)allocate(MANY_ROWS * MANY_COLS * sizeof *single_p);
    single_q = (float *)allocate(MANY_ROWS * MANY_COLS * sizeof *single_q);
    long_p = (double *)allocate(2 * LONG_COLS * sizeof *long_p);
    long_q = (double *)allocate(2 * LONG_COLS * sizeof *long_q);
    for (size_t i = 0; i < MANY_ROWS * MANY_COLS; i++) {
        /* every third row is subnormal: workers flush as well, if they are let */
        double scale = i / MANY_COLS % 3 == 0 ? ldexp(1, -1030) : 1.0 / MANY_COLS;
        float single_scale = i / MANY_COLS % 3 == 0 ? ldexpf(1, -130) : 1.0f / MANY_COLS;
        many_p[i] = random_unit(&seed) * scale;
        many_q[i] = random_unit(&seed) * scale;
        single_p[i] = (float)random_unit(&seed) * single_scale;
        single_q[i] = (float)random_unit(&seed) * single_scale;
    }
    for (size_t i = 0; i < 2 * LONG_COLS; i++) {
        long_p[i] = random_unit(&seed) / (double)LONG_COLS;
        long_q[i] = long_p[i] * (1 + 1e-7 * random_unit(&seed));
    }
    for (size_t i = 0; i < TINY_COLS; i++) {
        tiny_p[i] = random_unit(&seed) * ldexp(1, -1024);
        tiny_q[i] = random_unit(&seed) * ldexp(1, -1024);
        tiny_single_p[i] = (float)random_unit(&seed) * ldexpf(1, -127);
        tiny_single_q[i] = (float)random_unit(&seed) * ldexpf(1, -127);
        deep_p[i] = random_unit(&seed) * ldexp(1, -(int)(i * 7 % 1010));
        deep_q[i] = random_unit(&seed) * ldexp(1, -(int)(i * 31 % 1010));
        deep_single_p[i] = (float)random_unit(&seed) * ldexpf(1, -(int)(i * 7 % 120));
        deep_single_q[i] = (float)random_unit(&seed) * ldexpf(1, -(int)(i * 31 % 120));
        close_p[i] = random_unit(&seed) * ldexp(1, -(int)(i * 7 % 1010));
        close_q[i] = close_p[i] * (1 + 1e-15 * random_unit(&seed));
        close_single_p[i] = (float)random_unit(&seed) * ldexpf(1, -(int)(i * 7 % 120));
        close_single_q[i] = close_single_p[i] * (float)(1 + 1e-6 * random_unit(&seed));
        counts[i] = random_bits(&seed) % 1000;
    }
    for (size_t i = 0; i < MANY_ROWS * 8; i++)
        kept[i] = (int64_t)(i % 8 * 7 + i / 8 % 5);
}

typedef struct {
    uint64_t hash;
    kldiv_status worst; /* what a call that should work said, if it did not */
} answers;

static void take(answers *a, kldiv_status status, const void *out, size_t bytes)
{
    if (status != KLDIV_OK)
        a->worst = status;
    a->hash = fnv(fnv(a->hash, &status, sizeof status), out, bytes);
}

/* What models are trained with, on many rows of which every third is subnormal, and on one that is so throughout. */
static void training_calls(answers *a, const kldiv_view *p, const kldiv_view *q, double temperature)
{
    size_t rows = p->rows, bytes = rows * p->cols * sizeof(double);
    kldiv_options options = default_options();
    kldiv_view values = *p;
    kldiv_view_mut view[4], single = view_mut_of(single_grads, rows, p->cols, KLDIV_DTYPE_F32);
    double out = 0;
    values.cols = 8;
    for (int i = 0; i < 4; i++)
        view[i] = view_mut_of(grads[i], rows, p->cols, KLDIV_DTYPE_F64);
    options.threads = 2;
    options.temperature = temperature;
    for (options.measure = 0; options.measure <= KLDIV_MEASURE_JENSEN_SHANNON; options.measure++) {
        if (options.measure == KLDIV_MEASURE_JEFFREYS)
            continue;
        take(a, kldiv_logits(p, q, &options, many_out), many_out, rows * sizeof *many_out);
        take(a, kldiv_logits_grad(p, q, &options, NULL, many_out, &view[0], &view[1]), grads[0], bytes);
        take(a, KLDIV_OK, grads[1], bytes);
        take(a, kldiv_logits_grad(p, q, &options, many_out, NULL, NULL, &single), single_grads, bytes / 2);
    }
    options.measure = KLDIV_MEASURE_KL;
    take(a, kldiv_logits_topk(&values, kept, q, &options, NULL, many_out, &view[0]), grads[0], bytes);
    take(a, KLDIV_OK, many_out, rows * sizeof *many_out);

    /* probabilities are logarithms of probabilities too, if not of these */
    for (options.log_target = 0; options.log_target < 2; options.log_target++) {
        options.reduction = options.log_target ? KLDIV_REDUCTION_MEAN : KLDIV_REDUCTION_BATCHMEAN;
        take(a, kldiv_loss(q, p, &options, &out), &out, sizeof out);
        take(a, kldiv_loss_pointwise(q, p, &options, &view[0]), grads[0], bytes);
        take(a, kldiv_loss_grad(q, p, &options, NULL, &view[0], &view[1]), grads[0], bytes);
        take(a, kldiv_loss_grad(q, p, &options, q, &single, &view[2]), single_grads, bytes / 2);
        take(a, KLDIV_OK, grads[1], 2 * bytes);
    }

    take(a, kldiv_vae(p, q, NULL, NULL, &options, many_out), many_out, rows * sizeof *many_out);
    take(a, kldiv_vae_grad(p, q, q, p, &options, NULL, many_out, &view[0], &view[1], &view[2], &view[3]), many_out,
         rows * sizeof *many_out);
    for (int i = 0; i < 4; i++)
        take(a, KLDIV_OK, grads[i], bytes);
    take(a, kldiv_vae_grad(p, q, NULL, NULL, &options, NULL, NULL, &single, NULL, NULL, NULL), single_grads, bytes / 2);
}

/* Sums in parts, some of many elements, some of one and two huge ones. */
static void partial_calls(answers *a, const kldiv_view *p, const kldiv_view *q)
{
    static const uint32_t group[] = {0, 1, 0, 1};
    static const uint64_t huge[] = {UINT64_C(0x7FEFFFFFFFFFFFFF), 1, UINT64_C(0x3FF0000000000000), 5};
    static const uint64_t tiny[] = {1, UINT64_C(0x7FEFFFFFFFFFFFFF), UINT64_C(0x3FF0000000000001), 7};
    kldiv_partial states[2];
    kldiv_options options = default_options();
    double out = 0;
    for (options.measure = 0; options.measure <= KLDIV_MEASURE_CROSS_ENTROPY; options.measure++) {
        if (options.measure >= KLDIV_MEASURE_JENSEN_SHANNON && options.measure <= KLDIV_MEASURE_RENYI)
            continue;
        take(a, kldiv_partial_init(&states[0], &options), states, sizeof *states);
        take(a, kldiv_partial_init(&states[1], &options), states, sizeof states);
        take(a, kldiv_partial_update(&states[0], p, q), states, sizeof states);
        take(a, kldiv_partial_update_by(states, 2, group, huge, tiny, KLDIV_DTYPE_F64, 4), states, sizeof states);
        take(a, kldiv_partial_merge(&states[0], &states[1]), states, sizeof states);
        for (options.normalization = 0; options.normalization <= KLDIV_NORMALIZATION_NORMALIZE; options.normalization++)
            take(a, kldiv_partial_value(&states[0], &options, &out), &out, sizeof out);
        options.normalization = KLDIV_NORMALIZATION_AS_GIVEN;
    }
}

/* Short vectors, which some machines take without a look at the environment: of each length, and each pair by itself. */
static void short_calls(answers *a)
{
    const double *of[][2] = {{many_p + MANY_COLS, many_q + MANY_COLS}, {deep_p, deep_q}, {close_p, close_q}};
    const float *single[][2] = {{single_p + MANY_COLS, single_q + MANY_COLS},
                                {deep_single_p, deep_single_q},
                                {close_single_p, close_single_q}};
    double out = 0;
    for (size_t n = 1; n <= TINY_COLS; n++)
        for (size_t kind = 0; kind < sizeof of / sizeof *of; kind++) {
            const double *p = of[kind][0], *q = of[kind][1];
            const float *single_p = single[kind][0], *single_q = single[kind][1];
            take(a, kldiv_kl_f64(p, q, n, &out), &out, sizeof out);
            take(a, kldiv_kl_f64(p + n - 1, q + n - 1, 1, &out), &out, sizeof out);
            take(a, kldiv_kl_f32(single_p, single_q, n, &out), &out, sizeof out);
            take(a, kldiv_kl_f32(single_p + n - 1, single_q + n - 1, 1, &out), &out, sizeof out);
        }
}

/* Only calls, loads and integers here: traps may be unmasked. */
static answers every_call(void)
{
    answers a = {FNV_START, KLDIV_OK};
    double out = 0;
    kldiv_view p, q;
    kldiv_options options = default_options();
    options.threads = 2;

    /* nothing but subnormal numbers, whose divergence is subnormal itself */
    take(&a, kldiv_kl_f64(tiny_p, tiny_q, TINY_COLS, &out), &out, sizeof out);
    take(&a, kldiv_kl_f32(tiny_single_p, tiny_single_q, TINY_COLS, &out), &out, sizeof out);
    take(&a, kldiv_kl_f64(many_p + MANY_COLS, many_q + MANY_COLS, MANY_COLS, &out), &out, sizeof out);
    take(&a, kldiv_kl_f32(single_p + MANY_COLS, single_q + MANY_COLS, MANY_COLS, &out), &out, sizeof out);

    short_calls(&a);

    /* every measure, of many rows: shared by two threads */
    for (int single = 0; single < 2; single++) {
        const void *data[2] = {single ? (const void *)single_p : many_p, single ? (const void *)single_q : many_q};
        uint32_t dtype = single ? KLDIV_DTYPE_F32 : KLDIV_DTYPE_F64;
        p = view_of(data[0], MANY_ROWS, MANY_COLS, dtype);
        q = view_of(data[1], MANY_ROWS, MANY_COLS, dtype);
        for (options.measure = 0; options.measure <= KLDIV_MEASURE_CROSS_ENTROPY; options.measure++)
            for (options.normalization = 0; options.normalization <= KLDIV_NORMALIZATION_NORMALIZE;
                 options.normalization++) {
                options.alpha = options.measure == KLDIV_MEASURE_RENYI ? 2 : 0;
                options.base = options.normalization == KLDIV_NORMALIZATION_NORMALIZE ? 2 : 0;
                take(&a, kldiv_rows(&p, &q, &options, many_out), many_out, sizeof many_out);
                take(&a, kldiv_kl(&p, &q, &options, &out), &out, sizeof out);
            }
        options = default_options();
        options.threads = 2;
        partial_calls(&a, &p, &q);
        training_calls(&a, &p, &q, 0);
        training_calls(&a, &p, &q, 1.0 / 4096); /* so cold that most exponentials are no numbers but 0 */
    }
    p = view_of(tiny_p, 1, TINY_COLS, KLDIV_DTYPE_F64);
    q = view_of(tiny_q, 1, TINY_COLS, KLDIV_DTYPE_F64);
    training_calls(&a, &p, &q, 0);
    p = view_of(tiny_single_p, 1, TINY_COLS, KLDIV_DTYPE_F32);
    q = view_of(tiny_single_q, 1, TINY_COLS, KLDIV_DTYPE_F32);
    training_calls(&a, &p, &q, 0);

    /* two long rows */
    p = view_of(long_p, 2, LONG_COLS, KLDIV_DTYPE_F64);
    q = view_of(long_q, 2, LONG_COLS, KLDIV_DTYPE_F64);
    take(&a, kldiv_rows(&p, &q, &options, many_out), many_out, 2 * sizeof *many_out);
    options.reduction = KLDIV_REDUCTION_MEAN;
    take(&a, kldiv_kl(&p, &q, &options, &out), &out, sizeof out);

    /* element by element, and explained */
    options = default_options();
    p = view_of(tiny_p, 1, TINY_COLS, KLDIV_DTYPE_F64);
    q = view_of(tiny_q, 1, TINY_COLS, KLDIV_DTYPE_F64);
    kldiv_view_mut terms = view_mut_of(terms_out, 1, TINY_COLS, KLDIV_DTYPE_F64);
    take(&a, kldiv_terms(&p, &q, &options, &terms), terms_out, sizeof terms_out);
    take(&a, kldiv_explain(&p, &q, &options, explained), explained, sizeof explained);
    p = view_of(tiny_single_p, 1, TINY_COLS, KLDIV_DTYPE_F32);
    q = view_of(tiny_single_q, 1, TINY_COLS, KLDIV_DTYPE_F32);
    terms = view_mut_of(single_terms, 1, TINY_COLS, KLDIV_DTYPE_F32);
    take(&a, kldiv_terms(&p, &q, &options, &terms), single_terms, sizeof single_terms);

    /* histograms */
    p = view_of(counts, 1, TINY_COLS, KLDIV_DTYPE_U64);
    q = view_of(counts, 1, TINY_COLS, KLDIV_DTYPE_U64);
    q.data = counts + TINY_COLS - 1;
    q.col_stride = -1;
    options.normalization = KLDIV_NORMALIZATION_NORMALIZE;
    options.smoothing = 0.1;
    take(&a, kldiv_kl(&p, &q, &options, &out), &out, sizeof out);
    return a;
}

/* ---- the environments ---- */

static answers expected;

/* `found` and `set`: the control registers after and before the calls. */
static void judge(const char *environment, answers got, unsigned set, unsigned found, int round_set, int round_found)
{
    check_case("%s: control register %#x before, %#x after", environment, set, found);
    CHECK_STATUS(got.worst, KLDIV_OK);
    CHECK(got.hash == expected.hash);
    CHECK(found == set);
    CHECK(round_found == round_set);
}

/* With threads that were made before, and with threads that inherit the environment of the call that makes them. */
static void expect_the_same_under(const char *environment)
{
    for (int fresh = 0; fresh < 2; fresh++) {
        if (fresh)
            kldiv_shutdown();
        int round_set = fegetround();
        unsigned set = read_control();
        answers got = every_call();
        unsigned found = read_control();
        int round_found = fegetround();
        judge(environment, got, set, found, round_set, round_found);
    }
}

static void back_to_default(void)
{
    fesetenv(FE_DFL_ENV);
}

/* The result is volatile too: or the compiler divides where it likes, after the mode is back. */
static double quotient(double a, double b)
{
    volatile double x = a, y = b, result;
    result = x / y;
    return result;
}

static void every_rounding_mode(void)
{
    /* Which of 1/3, 1/10 and -1/10 come out other than to nearest: that the mode took at all. */
    static const struct {
        int mode, third, tenth, minus_tenth;
        const char *name;
    } modes[] = {{FE_TONEAREST, 0, 0, 0, "rounding to nearest"},
                 {FE_UPWARD, 1, 0, 1, "rounding upward"},
                 {FE_DOWNWARD, 0, 1, 0, "rounding downward"},
                 {FE_TOWARDZERO, 0, 1, 1, "rounding toward zero"}};
    const double third = quotient(1, 3), tenth = quotient(1, 10), minus_tenth = quotient(-1, 10);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (fesetround(modes[i].mode) != 0)
            give_up("a rounding mode is missing");
        int took = (quotient(1, 3) != third) == modes[i].third && (quotient(1, 10) != tenth) == modes[i].tenth &&
                   (quotient(-1, 10) != minus_tenth) == modes[i].minus_tenth;
        expect_the_same_under(modes[i].name);
        back_to_default();
        check_case("%s took", modes[i].name);
        CHECK(took);
    }
}

static int subnormal_numbers_vanish(void)
{
    volatile double smallest = 2.2250738585072014e-308, subnormal, twice;
    subnormal = smallest * 0.5;
    twice = subnormal * 2;
    return twice == 0;
}

static void flushed_subnormal_numbers(void)
{
    if (!HAS_MXCSR) {
        printf("environment: flush-to-zero is skipped on this architecture\n");
        return;
    }
    static const unsigned flags[] = {FLUSH_TO_ZERO, DENORMALS_ARE_ZERO, FLUSH_TO_ZERO | DENORMALS_ARE_ZERO};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        write_control(read_control() | flags[i]);
        int took = subnormal_numbers_vanish();
        expect_the_same_under(flags[i] == FLUSH_TO_ZERO         ? "flush to zero"
                              : flags[i] == DENORMALS_ARE_ZERO ? "denormals are zero"
                                                               : "flush to zero, denormals are zero");
        back_to_default();
        check_case("flush to zero took");
        CHECK(took);
    }
}

/* Of what happened before: invalid, subnormal, divided by zero, overflow, underflow, inexact. */
static void flags_that_are_up(void)
{
    static const unsigned flags[] = {0x00, 0x20, 0x22, 0x3D, 0x1F};
    for (size_t i = 0; HAS_MXCSR && i < sizeof flags / sizeof *flags; i++) {
        write_control((read_control() & ~0x3Fu) | flags[i]);
        expect_the_same_under("flags");
        back_to_default();
    }
}

static void unmasked_traps(void)
{
#ifdef __GLIBC__
    static const int traps[] = {FE_DIVBYZERO, FE_OVERFLOW, FE_UNDERFLOW, FE_INVALID, FE_INEXACT, FE_ALL_EXCEPT};
    for (size_t i = 0; i < sizeof traps / sizeof *traps; i++) {
        feclearexcept(FE_ALL_EXCEPT);
        if (feenableexcept(traps[i]) == -1) {
            printf("environment: trap %#x cannot be unmasked here\n", (unsigned)traps[i]);
            continue;
        }
        int unmasked = fegetexcept();
        expect_the_same_under("unmasked traps"); /* a trap would end the program with SIGFPE */
        int still_unmasked = fegetexcept();
        back_to_default();
        check_case("traps %#x", (unsigned)traps[i]);
        CHECK(unmasked == traps[i] && still_unmasked == traps[i]);
    }
#endif
}

/* A third of 3 x in long double, which the processor may have other registers and flags for. */
static double of_long_doubles(double x, void *user)
{
    volatile long double three = 3, third;
    (void)user;
    third = 1 / three;
    return (double)(2 * third * 3) * x;
}

static double constant(double x, void *user)
{
    (void)x, (void)user;
    return 1;
}

static void flags_of_a_callback_stay_in_it(void)
{
    static const int set_before[] = {0, FE_DIVBYZERO};
    for (size_t i = 0; i < 2; i++) {
        double out, error;
        feclearexcept(FE_ALL_EXCEPT);
        if (set_before[i] != 0)
            feraiseexcept(set_before[i]);
        kldiv_status status = kldiv_quadrature(of_long_doubles, constant, NULL, 0, 1, NULL, 0, NULL, &out, &error);
        int flags = fetestexcept(FE_ALL_EXCEPT);
        back_to_default();
        check_case("flags %#x before a callback", (unsigned)set_before[i]);
        CHECK_STATUS(status, KLDIV_OK);
        CHECK(flags == set_before[i]);
    }
}

static void a_fast_math_plugin(const char *path)
{
    void *plugin = dlopen(path, RTLD_NOW);
    if (plugin == NULL)
        give_up(dlerror());
    int took = subnormal_numbers_vanish();
    expect_the_same_under("a -ffast-math plugin");
    back_to_default();
    check_case("the plugin flushes");
    CHECK(took || !HAS_MXCSR);
    dlclose(plugin);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: environment PLUGIN.so\n");
        return 2;
    }
    make_inputs();
    expected = every_call();
    check_case("the default environment");
    CHECK_STATUS(expected.worst, KLDIV_OK);
    CHECK(every_call().hash == expected.hash);
    every_rounding_mode();
    flushed_subnormal_numbers();
    flags_that_are_up();
    unmasked_traps();
    flags_of_a_callback_stay_in_it();
    a_fast_math_plugin(argv[1]);
    kldiv_shutdown();
    return check_result("environment");
}
