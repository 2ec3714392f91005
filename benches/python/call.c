/* The same call many times over, from C. */
#include <stddef.h>
#include <time.h>

typedef int (*divergence)(const double *, const double *, size_t, double *);

double seconds_a_call(divergence kl, const double *p, const double *q, size_t n, size_t calls)
{
    struct timespec from, to;
    double out;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (size_t i = 0; i < calls; i++)
        if (kl(p, q, n, &out) != 0)
            return -1;
    clock_gettime(CLOCK_MONOTONIC, &to);
    return ((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9) / (double)calls;
}
