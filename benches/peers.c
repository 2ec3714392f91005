/* The loops that a C programmer would write, compiled twice by build.rs: SET is `libm` (baseline, one libm call an
 * element) or `libmvec` (everything that gcc can do about it). */
#include <math.h>
#include <stddef.h>

#define PASTE(name, set) name##_##set
#define NAMED(name, set) PASTE(name, set)
#define PEER(name) NAMED(name, SET)

#define SUM_OF(name, T, term)                                                                                         \
    T PEER(name)(const T *restrict p, const T *restrict q, size_t n) {                                                \
        T s = 0;                                                                                                      \
        for (size_t i = 0; i < n; i++) s += (term);                                                                   \
        return s;                                                                                                     \
    }

SUM_OF(kl_f64, double, p[i] * log(p[i] / q[i]))
SUM_OF(kl_f32, float, p[i] * logf(p[i] / q[i]))
SUM_OF(generalized_f64, double, p[i] * log(p[i] / q[i]) - p[i] + q[i])
SUM_OF(jensen_shannon_f64, double, 0.5 * (p[i] * log(2 * p[i] / (p[i] + q[i])) + q[i] * log(2 * q[i] / (p[i] + q[i]))))
/* No divergence: the least that reading both inputs once can take. */
SUM_OF(read_f64, double, p[i] + q[i])
SUM_OF(read_f32, float, p[i] + q[i])
