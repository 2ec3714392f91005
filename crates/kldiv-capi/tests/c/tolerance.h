/*
 * The tolerance that testdata's README describes, and what the programs that hold the library to a table share: cases
 * read, answers judged, the worst of each field printed.
 */
#ifndef TOLERANCE_H
#define TOLERANCE_H

#include "json.h"

#include <float.h>

#define K 16.0L

/* ---- the tolerance rule ---- */

typedef struct {
    long double u, tiny, largest; /* unit roundoff, smallest subnormal and largest number of the case's dtype */
} precision;

static inline precision precision_of(uint32_t dtype)
{
    precision f64 = {ldexpl(1, -53), ldexpl(1, -1074), (long double)DBL_MAX};
    precision f32 = {ldexpl(1, -24), ldexpl(1, -149), (long double)FLT_MAX};
    return dtype == KLDIV_DTYPE_F32 ? f32 : f64;
}

typedef struct {
    int infinite;         /* the sign of an expected infinity, or 0 */
    long double value;    /* of a finite expectation */
    long double unit;     /* u * mag */
    long double slack;    /* (N + 2) * tiny */
    long double factor;   /* K, but for the Renyi divergences of subnormal numbers */
    int may_overflow;     /* the sign of the infinity that a dtype too small for the value may give, or 0 */
} expectation;

/* How far off, in units of u * mag; infinity if it cannot pass at any K. `got` is a double throughout: valgrind, where
   long double is no wider, does not know the infinite ones. */
static inline long double units_off(const expectation *e, double got)
{
    if (isnan(got))
        return INFINITY;
    if (isinf(got)) {
        int sign = got > 0 ? 1 : -1;
        return sign == e->infinite || sign == e->may_overflow ? 0 : INFINITY;
    }
    if (e->infinite != 0)
        return INFINITY;
    long double beyond = fabsl((long double)got - e->value) - e->slack;
    return beyond <= 0 ? 0 : e->unit > 0 ? beyond / e->unit : INFINITY;
}

static inline int within(const expectation *e, double got)
{
    return units_off(e, got) <= e->factor;
}

/* A tolerance that cannot fail proves nothing: each must refuse a NaN, the wrong infinity and a value outside. */
static inline void check_that_it_can_fail(const expectation *e)
{
    CHECK(!within(e, NAN));
    if (e->infinite != 0) {
        CHECK(!within(e, -e->infinite * HUGE_VAL) && !within(e, e->infinite * DBL_MAX));
    } else {
        long double limit = e->factor * e->unit + e->slack;
        long double outside = limit > 0 ? 2 * limit : ldexpl(1, -1074);
        double above = (double)(e->value + outside), below = (double)(e->value - outside);
        CHECK(!within(e, above) || (e->may_overflow > 0 && isinf(above)));
        CHECK(!within(e, below) || (e->may_overflow < 0 && isinf(below)));
        CHECK(!within(e, e->may_overflow > 0 ? -HUGE_VAL : HUGE_VAL));
    }
}

static inline expectation expect_near(const json *wanted, long double mag, precision precision, size_t terms)
{
    expectation e = {0, 0, 0, 0, K, 0};
    const char *text = json_text(wanted);
    if (strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0) {
        e.infinite = *text == '-' ? -1 : 1;
        return e;
    }
    char *end;
    e.value = strtold(text, &end);
    if (*end != 0 || end == text)
        give_up("an expected value is no number");
    e.unit = precision.u * mag;
    e.slack = (long double)(terms + 2) * precision.tiny;
    if (fabsl(e.value) > precision.largest)
        e.may_overflow = e.value > 0 ? 1 : -1;
    return e;
}

/* `mag` is looked at only if the expectation is finite. */
static inline expectation expect(const json *wanted, const json *mag, precision precision, size_t terms)
{
    int finite = strstr(json_text(wanted), "inf") == NULL;
    return expect_near(wanted, finite ? strtold(json_text(mag), NULL) : 0, precision, terms);
}

/* ---- the worst case of each field, printed at the end ---- */

typedef struct {
    const char *field;
    uint32_t dtype;
    long double units;
    char name[128];
    unsigned long values;
} worst_case;

static worst_case worst[64];

static inline void note(const char *field, uint32_t dtype, long double units, const char *name)
{
    worst_case *w = worst;
    while (w->field != NULL && (strcmp(w->field, field) != 0 || w->dtype != dtype))
        if (++w == worst + 63)
            give_up("more fields than expected");
    w->field = field;
    w->dtype = dtype;
    w->values++;
    if (w->values == 1 || units > w->units) {
        w->units = units;
        snprintf(w->name, sizeof w->name, "%s", name);
    }
}

static inline void print_worst(const char *unit)
{
    for (const worst_case *w = worst; w->field != NULL; w++)
        printf("%-16s %-4s %5lu values, worst %8.4Lg %s in %s\n", w->field, dtype_name(w->dtype), w->values, w->units,
               unit, w->name);
}

static inline void judge(const char *field, uint32_t dtype, const expectation *e, double got, const char *name)
{
    long double units = units_off(e, got);
    check_case("%s %s: got %.17g, expected %.21Lg, %.4Lg units of u * mag", name, field, got,
               e->infinite != 0 ? e->infinite * (long double)HUGE_VAL : e->value, units);
    CHECK(units <= e->factor);
    check_that_it_can_fail(e);
    note(field, dtype, units, name);
}

/* ---- what cases consist of ---- */

static inline uint32_t dtype_of(const json *entry)
{
    const char *dtype = json_text(json_need(entry, "dtype"));
    if (strcmp(dtype, "f64") == 0)
        return KLDIV_DTYPE_F64;
    if (strcmp(dtype, "f32") == 0)
        return KLDIV_DTYPE_F32;
    give_up("a dtype that is neither f64 nor f32");
    return 0;
}

static inline double number(const json *value)
{
    return strtod(json_text(value), NULL);
}

static inline size_t size(const json *value)
{
    return (size_t)strtoull(json_text(value), NULL, 10);
}

static inline void *vector(const json *array, size_t n, uint32_t dtype)
{
    void *data = allocate(n * sizeof(double));
    if (array->count != n)
        give_up("a vector is not as long as its case says");
    size_t i = 0;
    for (const json *item = array->first; item != NULL; item = item->next, i++) {
        if (dtype == KLDIV_DTYPE_F64)
            ((double *)data)[i] = strtod(json_text(item), NULL);
        else
            ((float *)data)[i] = strtof(json_text(item), NULL);
    }
    return data;
}

static inline double element(const void *data, size_t i, uint32_t dtype)
{
    return dtype == KLDIV_DTYPE_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

#endif
