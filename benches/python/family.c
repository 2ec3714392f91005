/* Closed forms pair by pair, for family.py: the loops that Distributions.jl and a C programmer write. */
#include <math.h>
#include <stddef.h>

/* By recurrence up to 8, then the asymptotic series. */
static double digamma(double x) {
    double rise = 0;
    for (; x < 8; x++) rise -= 1 / x;
    const double z = 1 / (x * x);
    const double series =
        z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z / 12))))));
    return rise + log(x) - 0.5 / x - series;
}

static double lbeta(double a, double b) { return lgamma(a) + lgamma(b) - lgamma(a + b); }

#define PAIRS(name, formula)                                                                                          \
    void name(const double *restrict p, const double *restrict q, size_t n, double *restrict out) {                  \
        for (size_t i = 0; i < n; i++) {                                                                              \
            const double a = p[2 * i], b = p[2 * i + 1], c = q[2 * i], d = q[2 * i + 1];                              \
            out[i] = formula;                                                                                         \
        }                                                                                                             \
    }

PAIRS(normal, 0.5 * (b / d * (b / d) + (a - c) / d * ((a - c) / d) - 1 - 2 * log(b / d)))
PAIRS(gamma_pairs, (a - c) * digamma(a) - lgamma(a) + lgamma(c) + c * log(b / d) + a * (d - b) / b)
PAIRS(beta, lbeta(c, d) - lbeta(a, b) + (a - c) * digamma(a) + (b - d) * digamma(b) + (c - a + d - b) * digamma(a + b))
