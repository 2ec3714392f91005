/* All pairs the direct way, for pairwise.py: the loops that a C programmer would write, with whatever gcc can do about
 * them (-O3 -march=native -ffast-math, and libmvec's logarithms). */
#include <math.h>
#include <stddef.h>

#define ALL_PAIRS(name, term)                                                                                         \
    void name(const double *restrict all_p, const double *restrict all_q, size_t m, size_t k, size_t d,              \
              double *restrict out) {                                                                                 \
        for (size_t i = 0; i < m; i++)                                                                                \
            for (size_t j = 0; j < k; j++) {                                                                          \
                const double *restrict p = all_p + i * d, *restrict q = all_q + j * d;                                \
                double s = 0;                                                                                         \
                for (size_t l = 0; l < d; l++) s += (term);                                                           \
                out[i * k + j] = s;                                                                                   \
            }                                                                                                         \
    }

ALL_PAIRS(kl_pairs, p[l] * log(p[l] / q[l]))
ALL_PAIRS(js_pairs, 0.5 * (p[l] * log(2 * p[l] / (p[l] + q[l])) + q[l] * log(2 * q[l] / (p[l] + q[l]))))
