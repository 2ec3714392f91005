/*
 * The divergence in a variational autoencoder.
 *
 * For each input the encoder gives a normal distribution for every latent dimension, by its mean, mu, and the logarithm
 * of its variance, logvar. The loss charges for how far these are from the standard normal, row by row:
 *
 *     sum over dimensions of (mu^2 + exp(logvar) - 1 - logvar) / 2
 *
 * One call of kldiv_vae_grad gives that and its gradients. Where mu and logvar are near 0 the formula as it is written
 * subtracts numbers that are nearly equal; the last part shows what that costs.
 */
#include <kldiv.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS 3 /* inputs in the batch */
#define DIMS 4 /* latent dimensions */
#define RATE 0.5

static void check(kldiv_status status)
{
    kldiv_error error;

    if (status == KLDIV_OK)
        return;
    error.struct_size = sizeof error;
    kldiv_last_error(&error);
    fprintf(stderr, "vae: %s\n", error.message);
    exit(EXIT_FAILURE);
}

/* The mean of the rows. NULL for the prior is the standard normal. */
static double loss(const double *mu, const double *logvar)
{
    double nats[ROWS], sum = 0;
    kldiv_view mu_view = KLDIV_VIEW_F64(mu, ROWS, DIMS);
    kldiv_view logvar_view = KLDIV_VIEW_F64(logvar, ROWS, DIMS);

    check(kldiv_vae(&mu_view, &logvar_view, NULL, NULL, NULL, nats));
    for (size_t row = 0; row < ROWS; row++)
        sum += nats[row];
    return sum / ROWS;
}

/* How the loss changes with one number, which moves a little to either side. */
static double difference_quotient(double *number, const double *mu, const double *logvar)
{
    const double step = 1.0 / 65536, here = *number;

    *number = here + step;
    double above = loss(mu, logvar);
    *number = here - step;
    double below = loss(mu, logvar);
    *number = here;
    return (above - below) / (2 * step);
}

int main(void)
{
    double mu[ROWS * DIMS] = {0.5, -1.25, 0.75, 2, -0.5, 1, 0.25, -0.75, 1.5, -2, 0.125, 0.375};
    double logvar[ROWS * DIMS] = {-1, 0.5, -2, 0.25, 1, -0.5, -0.75, 0.125, -1.5, 0.75, 0.375, -0.25};
    double nats[ROWS], upstream[ROWS], grad_mu[ROWS * DIMS], grad_logvar[ROWS * DIMS];
    kldiv_view mu_view = KLDIV_VIEW_F64(mu, ROWS, DIMS);
    kldiv_view logvar_view = KLDIV_VIEW_F64(logvar, ROWS, DIMS);
    kldiv_view_mut grad_mu_view = KLDIV_VIEW_F64(grad_mu, ROWS, DIMS);
    kldiv_view_mut grad_logvar_view = KLDIV_VIEW_F64(grad_logvar, ROWS, DIMS);

    /* The loss is the mean of the rows, so that each has a share of 1 / ROWS in it. */
    for (size_t row = 0; row < ROWS; row++)
        upstream[row] = 1.0 / ROWS;
    check(kldiv_vae_grad(&mu_view, &logvar_view, NULL, NULL, NULL, upstream, nats, &grad_mu_view, &grad_logvar_view,
                         NULL, NULL));
    for (size_t row = 0; row < ROWS; row++)
        printf("row %d: %.6f nats\n", (int)row, nats[row]);

    /* The gradients beside what the loss does when one number moves. */
    double furthest = 0;
    printf("\n           mu   gradient   difference       logvar   gradient   difference\n");
    for (size_t i = 0; i < ROWS * DIMS; i++) {
        double by_mu = difference_quotient(&mu[i], mu, logvar);
        double by_logvar = difference_quotient(&logvar[i], mu, logvar);
        furthest = fmax(furthest, fabs(grad_mu[i] - by_mu) / fabs(by_mu));
        furthest = fmax(furthest, fabs(grad_logvar[i] - by_logvar) / fabs(by_logvar));
        printf("%13.6f  %9.6f    %9.6f    %9.6f  %9.6f    %9.6f\n", mu[i], grad_mu[i], by_mu, logvar[i],
               grad_logvar[i], by_logvar);
    }
    printf("largest relative difference: %s\n", furthest <= 1e-8 ? "below 1e-8" : "TOO LARGE");

    /* A step down the slope. */
    double before = loss(mu, logvar);
    for (size_t i = 0; i < ROWS * DIMS; i++) {
        mu[i] -= RATE * grad_mu[i];
        logvar[i] -= RATE * grad_logvar[i];
    }
    double after = loss(mu, logvar);
    printf("\nloss before the step %.6f, after it %.6f\n", before, after);

    /* A posterior that is nearly the prior: what training ends in for dimensions that are not needed. */
    const double small = 1e-9, exact = 7.5e-19; /* small^2 / 2 + small^2 / 4 */
    kldiv_view small_view = KLDIV_VIEW_F64(&small, 1, 1);
    double accurate, naive = (small * small + exp(small) - 1 - small) / 2;
    check(kldiv_vae(&small_view, &small_view, NULL, NULL, NULL, &accurate));
    printf("\nmu = logvar = 1e-9\n  kldiv_vae  %.6e\n  formula    %.6e\n", accurate, naive);

    if (!(furthest <= 1e-8) || !(after < before) || !(fabs(accurate - exact) <= 1e-8 * exact)) {
        fprintf(stderr, "vae: something of this is not so\n");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
