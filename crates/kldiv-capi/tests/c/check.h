/*
 * What the test programs share: a CHECK that counts, reproducible random bits, views of plain arrays.
 * C99 and C++11 both take it. Checks are counted without locks: make them on the main thread.
 */
#ifndef CHECK_H
#define CHECK_H

#include <kldiv.h>

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long check_count, check_failures;
static char check_where[512];

/* Says, as printf, which case of a generated matrix is at hand; printed with a failure. */
#ifdef __GNUC__
__attribute__((format(printf, 1, 2)))
#endif
static inline void check_case(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check_where, sizeof check_where, format, arguments);
    va_end(arguments);
}

/* Every check is made, a failure ends nothing; only the first hundred are printed. */
static inline int check_that(int good, const char *text, const char *file, int line)
{
    check_count++;
    if (good)
        return 1;
    if (++check_failures <= 100)
        fprintf(stderr, "%s:%d: %s   [%s]\n", file, line, text, check_where);
    return 0;
}
#define CHECK(condition) check_that((condition) ? 1 : 0, #condition, __FILE__, __LINE__)

static inline int check_status(kldiv_status got, kldiv_status want, const char *text, const char *file, int line)
{
    char say[512];
    snprintf(say, sizeof say, "%s is status %d, not %d", text, (int)got, (int)want);
    return check_that(got == want, say, file, line);
}
#define CHECK_STATUS(call, want) check_status(call, want, #call, __FILE__, __LINE__)

static inline uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline int check_bits(double got, double want, const char *text, const char *file, int line)
{
    char say[512];
    snprintf(say, sizeof say, "%s: %.17g is not %.17g to the bit", text, got, want);
    return check_that(bits_of(got) == bits_of(want), say, file, line);
}
#define CHECK_BITS(got, want) check_bits(got, want, #got " == " #want, __FILE__, __LINE__)

/* The last line of a program, and what main returns. A program that checked nothing has not passed. */
static inline int check_result(const char *name)
{
    if (check_failures > 0 || check_count == 0) {
        printf("%s: %lu of %lu checks FAILED\n", name, check_failures, check_count);
        return 1;
    }
    printf("%s: %lu checks passed\n", name, check_count);
    return 0;
}

/* For what has nothing to do with kldiv and leaves nothing to test, such as memory that cannot be had. */
static inline void give_up(const char *why)
{
    fprintf(stderr, "cannot test: %s\n", why);
    exit(2);
}

static inline void *allocate(size_t bytes)
{
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (memory == NULL)
        give_up("out of memory");
    return memory;
}

/* splitmix64, as testdata's large.json is generated; the first value of seed 0 is 0xE220A8397B1DCDAF. */
static inline uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* In (0, 1]. */
static inline double random_unit(uint64_t *state)
{
    return (double)((random_bits(state) >> 11) + 1) / 9007199254740992.0;
}

#define FNV_START UINT64_C(0xCBF29CE484222325)
static inline uint64_t fnv(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *byte = (const unsigned char *)data;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001B3);
    return hash;
}

static inline size_t dtype_size(uint32_t dtype)
{
    return dtype == KLDIV_DTYPE_F32 ? 4 : dtype == KLDIV_DTYPE_F16 || dtype == KLDIV_DTYPE_BF16 ? 2 : 8;
}

static inline const char *dtype_name(uint32_t dtype)
{
    static const char *const names[] = {"?", "f64", "f32", "f16", "bf16", "i64", "u64"};
    return names[dtype <= 6 ? dtype : 0];
}

static inline int dtype_is_integer(uint32_t dtype)
{
    return dtype == KLDIV_DTYPE_I64 || dtype == KLDIV_DTYPE_U64;
}

/* binary16 of a float that has one: normal in both, zero, infinite or NaN. */
static inline uint16_t half_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t exponent = bits >> 23 & 0xFF;
    uint16_t mantissa = (uint16_t)(bits >> 13 & 0x3FF);
    if (exponent == 0)
        return sign;
    if (exponent == 0xFF)
        return (uint16_t)(sign | 0x7C00 | mantissa);
    return (uint16_t)(sign | (exponent - 112) << 10 | mantissa);
}

/* Element `index` of an array of type `dtype` becomes `value`, which must be exact in that type. */
static inline void store(void *data, size_t index, uint32_t dtype, double value)
{
    float narrow = dtype_is_integer(dtype) || dtype == KLDIV_DTYPE_F64 ? 0.0f : (float)value;
    uint32_t narrow_bits;
    memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
    switch (dtype) {
    case KLDIV_DTYPE_F64: ((double *)data)[index] = value; break;
    case KLDIV_DTYPE_F32: ((float *)data)[index] = narrow; break;
    case KLDIV_DTYPE_F16: ((uint16_t *)data)[index] = half_bits(narrow); break;
    case KLDIV_DTYPE_BF16: ((uint16_t *)data)[index] = (uint16_t)(narrow_bits >> 16); break;
    case KLDIV_DTYPE_I64: ((int64_t *)data)[index] = (int64_t)value; break;
    case KLDIV_DTYPE_U64: ((uint64_t *)data)[index] = (uint64_t)value; break;
    default: give_up("store: no such dtype");
    }
}

/* The views are built by hand, not by the header's macros: two_units holds the macros to these. */
static inline kldiv_view view_of(const void *data, size_t rows, size_t cols, uint32_t dtype)
{
    kldiv_view view;
    memset(&view, 0, sizeof view);
    view.data = data;
    view.rows = rows;
    view.cols = cols;
    view.row_stride = (ptrdiff_t)cols;
    view.col_stride = 1;
    view.dtype = dtype;
    return view;
}

static inline kldiv_view_mut view_mut_of(void *data, size_t rows, size_t cols, uint32_t dtype)
{
    kldiv_view_mut view;
    memset(&view, 0, sizeof view);
    view.data = data;
    view.rows = rows;
    view.cols = cols;
    view.row_stride = (ptrdiff_t)cols;
    view.col_stride = 1;
    view.dtype = dtype;
    return view;
}

static inline kldiv_options default_options(void)
{
    kldiv_options options = KLDIV_OPTIONS_INIT;
    return options;
}

static inline kldiv_error last_error(void)
{
    kldiv_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    kldiv_last_error(&error);
    return error;
}

#endif
