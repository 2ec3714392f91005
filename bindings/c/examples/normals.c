/*
 * The divergence of two normal distributions in four ways: by its formula, by integrating the densities, from the
 * log-densities of random points, and from the random points alone.
 *
 *     cc normals.c -lkldiv -lm -o normals
 */
#include <kldiv.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    double mean, deviation;
} normal;

typedef struct {
    normal p, q;
} pair;

static double log_density(const normal *of, double x)
{
    double z = (x - of->mean) / of->deviation;
    return -0.5 * z * z - log(of->deviation) - 0.5 * log(2 * 3.14159265358979323846);
}

static double log_p(double x, void *user)
{
    const pair *of = (const pair *)user;
    return log_density(&of->p, x);
}

static double log_q(double x, void *user)
{
    const pair *of = (const pair *)user;
    return log_density(&of->q, x);
}

/* splitmix64, and from it normal numbers (Box and Muller). */
static double uniform(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

static double draw(const normal *of, uint64_t *state)
{
    double radius = sqrt(-2 * log(uniform(state)));
    return of->mean + of->deviation * radius * cos(2 * 3.14159265358979323846 * uniform(state));
}

static void must(kldiv_status status)
{
    if (status == KLDIV_OK)
        return;
    kldiv_error error;
    error.struct_size = sizeof error;
    kldiv_last_error(&error);
    fprintf(stderr, "%s: %s\n", kldiv_status_message(status), error.message);
    exit(1);
}

int main(void)
{
    enum { N = 20000 };
    static double x[N], y[N], log_p_at_x[N], log_q_at_x[N];
    pair of = {{0, 1}, {1, 2}};
    uint64_t state = 2026;
    for (int i = 0; i < N; i++) {
        x[i] = draw(&of.p, &state);
        y[i] = draw(&of.q, &state);
        log_p_at_x[i] = log_density(&of.p, x[i]);
        log_q_at_x[i] = log_density(&of.q, x[i]);
    }

    double ratio = of.p.deviation / of.q.deviation, shift = (of.p.mean - of.q.mean) / of.q.deviation;
    double formula = 0.5 * (ratio * ratio + shift * shift - 1) - log(ratio);

    double integral, bound;
    kldiv_options options = KLDIV_OPTIONS_INIT;
    options.log_density = 1;
    must(kldiv_quadrature(log_p, log_q, &of, -INFINITY, INFINITY, NULL, 0, &options, &integral, &bound));

    double k1, k1_error, k3, k3_error, neighbours;
    must(kldiv_estimate_mc(log_p_at_x, log_q_at_x, N, NULL, &k1, &k1_error));
    options.estimator = KLDIV_ESTIMATOR_K3;
    must(kldiv_estimate_mc(log_p_at_x, log_q_at_x, N, &options, &k3, &k3_error));
    kldiv_view xs = KLDIV_VIEW_F64(x, N, 1), ys = KLDIV_VIEW_F64(y, N, 1);
    must(kldiv_estimate_knn(&xs, &ys, 10, NULL, &neighbours));

    printf("D(N(0, 1) || N(1, 2)), in nats\n\n");
    printf("%-38s %12s %12s %12s\n", "", "value", "its error", "off by");
    printf("%-38s %12.9f\n", "formula", formula);
    printf("%-38s %12.9f %12.1e %12.1e\n", "quadrature of the densities", integral, bound, fabs(integral - formula));
    printf("%-38s %12.4f %12.4f %12.4f\n", "log-densities at 20,000 points, k1", k1, k1_error, fabs(k1 - formula));
    printf("%-38s %12.4f %12.4f %12.4f\n", "log-densities at 20,000 points, k3", k3, k3_error, fabs(k3 - formula));
    printf("%-38s %12.4f %12s %12.4f\n", "20,000 + 20,000 points, 10 neighbours", neighbours, "", fabs(neighbours - formula));
    kldiv_shutdown();
    return 0;
}
