/*
 * A coin, and somebody who is wrong about it.
 *
 * P is how the coin falls: heads and tails equally often. Q is what the somebody expects: heads seven times in ten.
 * The Kullback-Leibler divergence is how far off that is, outcome by outcome, weighted by what really happens:
 *
 *     D(P || Q) = sum of  p * ln(p / q)
 *
 * P comes first: it does the weighting. That is why D(P || Q) and D(Q || P) differ.
 */
#include <kldiv.h>

#include <stdio.h>
#include <stdlib.h>

/* Calls return a status; what went wrong, and where, is kept for the calling thread until its next failure. */
static void check(kldiv_status status)
{
    kldiv_error error;

    if (status == KLDIV_OK)
        return;
    error.struct_size = sizeof error; /* so that a newer library does not write more than we have room for */
    kldiv_last_error(&error);
    fprintf(stderr, "coin: %s\n", error.message);
    exit(EXIT_FAILURE);
}

int main(void)
{
    const char *const outcome[2] = {"heads", "tails"};
    const double p[2] = {0.5, 0.5};
    const double q[2] = {0.7, 0.3};

    /* The walk: what each outcome contributes. A view says where numbers are, how many, and of which type. */
    kldiv_view p_view = KLDIV_VIEW_F64(p, 1, 2);
    kldiv_view q_view = KLDIV_VIEW_F64(q, 1, 2);
    kldiv_term term[2];
    check(kldiv_explain(&p_view, &q_view, NULL, term));

    printf("            p      q    p/q  ln(p/q)  p*ln(p/q)\n");
    for (size_t i = 0; i < 2; i++)
        printf("%-7s %5.3f  %5.3f  %5.3f   %6.3f     %6.3f\n", outcome[i], term[i].p, term[i].q, term[i].ratio,
               term[i].log_ratio, term[i].contribution);

    /* The sum. For two plain arrays this one call is all it takes. */
    double nats;
    check(kldiv_kl_f64(p, q, 2, &nats));
    printf("\nD(P || Q) = %.4f nats\n", nats);

    /* The same in bits: logarithms to base 2. Whatever an option leaves at 0 stays at its default. */
    double bits;
    kldiv_options options = KLDIV_OPTIONS_INIT;
    options.base = 2;
    check(kldiv_kl(&p_view, &q_view, &options, &bits));
    printf("          = %.4f bits\n", bits);

    return EXIT_SUCCESS;
}
