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
#include <kldiv.hpp>

#include <cstdio>
#include <vector>

int main()
{
    const char *const outcome[] = {"heads", "tails"};
    const std::vector<double> p{0.5, 0.5};
    const std::vector<double> q{0.7, 0.3};

    /* The walk: what each outcome contributes. */
    std::printf("            p      q    p/q  ln(p/q)  p*ln(p/q)\n");
    for (const kldiv::term &term : kldiv::explain(p, q))
        std::printf("%-7s %5.3f  %5.3f  %5.3f   %6.3f     %6.3f\n", outcome[term.index], term.p, term.q, term.ratio,
                    term.log_ratio, term.contribution);

    /* The sum, and the same in bits: logarithms to base 2. */
    std::printf("\nD(P || Q) = %.4f nats\n", kldiv::kl(p, q));
    std::printf("          = %.4f bits\n", kldiv::kl(p, q, kldiv::options().base(2)));

    /* What cannot be is refused, and the message says where it stands. */
    const std::vector<double> impossible{0.7, -0.3};
    try {
        std::printf("%.4f\n", kldiv::kl(p, impossible));
    } catch (const kldiv::error &error) {
        std::printf("\n%s\n", error.what());
    }
}
