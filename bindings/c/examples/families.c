/*
 * Distributions by their parameters: no samples, no grid, one call for many pairs.
 *
 * A row of a view is one distribution; which columns it has, the family says: loc and scale for NORMAL and LAPLACE,
 * concentration and rate for GAMMA.
 */
#include <kldiv.h>

#include <stdio.h>
#include <stdlib.h>

static void check(kldiv_status status)
{
    kldiv_error error;

    if (status == KLDIV_OK)
        return;
    error.struct_size = sizeof error;
    kldiv_last_error(&error);
    fprintf(stderr, "families: %s\n", error.message);
    exit(EXIT_FAILURE);
}

int main(void)
{
    /* Two pairs of normal distributions. The second pair nearly coincides, and still has all its digits. */
    const double normal_p[2][2] = {{0, 1}, {0, 1}};
    const double normal_q[2][2] = {{1, 2}, {1e-9, 1}};
    kldiv_view p = KLDIV_VIEW_F64(&normal_p[0][0], 2, 2);
    kldiv_view q = KLDIV_VIEW_F64(&normal_q[0][0], 2, 2);
    double nats[2];
    check(kldiv_family(KLDIV_FAMILY_NORMAL, &p, KLDIV_FAMILY_NORMAL, &q, NULL, nats));
    printf("Normal(0, 1)  || Normal(1, 2)      %.15g\n", nats[0]);
    printf("Normal(0, 1)  || Normal(1e-9, 1)   %.15g\n", nats[1]);

    /* Two pairs of gamma distributions, against one: a row stride of 0 repeats it. */
    const double gamma_p[2][2] = {{2, 1}, {1e6, 1}};
    const double gamma_q[1][2] = {{3, 2}};
    p.data = gamma_p;
    q.data = gamma_q;
    q.row_stride = 0;
    check(kldiv_family(KLDIV_FAMILY_GAMMA, &p, KLDIV_FAMILY_GAMMA, &q, NULL, nats));
    printf("Gamma(2, 1)   || Gamma(3, 2)       %.15g\n", nats[0]);
    printf("Gamma(1e6, 1) || Gamma(3, 2)       %.15g\n", nats[1]);

    /* Two families, and the entropy of the first. */
    const double laplace_q[1][2] = {{0, 1}};
    p.data = normal_p;
    p.rows = q.rows = 1;
    q.data = laplace_q;
    check(kldiv_family(KLDIV_FAMILY_NORMAL, &p, KLDIV_FAMILY_LAPLACE, &q, NULL, nats));
    printf("Normal(0, 1)  || Laplace(0, 1)     %.15g\n", nats[0]);
    kldiv_options entropy = KLDIV_OPTIONS_INIT;
    entropy.measure = KLDIV_MEASURE_ENTROPY;
    check(kldiv_family(KLDIV_FAMILY_NORMAL, &p, KLDIV_FAMILY_NORMAL, NULL, &entropy, nats));
    printf("entropy of Normal(0, 1)            %.15g\n", nats[0]);
    return EXIT_SUCCESS;
}
