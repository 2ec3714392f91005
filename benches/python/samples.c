/* Densities for samples.py, as C callbacks: logarithms for kldiv, the whole integrand for scipy.integrate.quad. */
#include <math.h>

#define LN_ROOT_2PI 0.91893853320467274178

static double normal(double x, double mean, double deviation)
{
    double z = (x - mean) / deviation;
    return -0.5 * z * z - log(deviation) - LN_ROOT_2PI;
}

static double mixture(double x)
{
    double a = normal(x, -2, 1), b = normal(x, 2, 0.5), most = a > b ? a : b;
    return most + log(0.5 * exp(a - most) + 0.5 * exp(b - most));
}

static double arcsine(double x)
{
    return -log(3.14159265358979323846) - 0.5 * log(x) - 0.5 * log1p(-x);
}

static double integrand(double log_p, double log_q)
{
    return exp(log_p) * (log_p - log_q);
}

double normals_p(double x, void *user) { (void)user; return normal(x, 0, 1); }
double normals_q(double x, void *user) { (void)user; return normal(x, 1, 2); }
double normals_f(double x, void *user) { return integrand(normals_p(x, user), normals_q(x, user)); }

double mixture_p(double x, void *user) { (void)user; return mixture(x); }
double mixture_q(double x, void *user) { (void)user; return normal(x, 0, 2); }
double mixture_f(double x, void *user) { return integrand(mixture_p(x, user), mixture_q(x, user)); }

double far_p(double x, void *user)
{
    (void)user;
    return log(0.5) + normal(fabs(x), 50, 1); /* the other half is below the smallest number */
}
double far_q(double x, void *user) { (void)user; return normal(x, 0, 50); }
double far_f(double x, void *user) { return integrand(far_p(x, user), far_q(x, user)); }

double arcsine_p(double x, void *user) { (void)user; return arcsine(x); }
double arcsine_q(double x, void *user) { (void)x; (void)user; return 0; }
double arcsine_f(double x, void *user) { return integrand(arcsine_p(x, user), arcsine_q(x, user)); }
