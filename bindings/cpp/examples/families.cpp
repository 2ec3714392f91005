/*
 * Distributions by their parameters, and any two densities: formulas where there are some, integrals where not.
 */
#include <kldiv.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

int main()
{
    using kldiv::distribution;
    const double pi = 3.14159265358979323846;

    /* A row is one distribution, (loc, scale) for the normal. The second pair nearly coincides, and still has all its
       digits. */
    const double p[2][2] = {{0, 1}, {0, 1}};
    const double q[2][2] = {{1, 2}, {1e-9, 1}};
    const std::vector<double> nats = kldiv::family(distribution::normal, p, distribution::normal, q);
    std::printf("Normal(0, 1) || Normal(1, 2)      %.15g\n", nats[0]);
    std::printf("Normal(0, 1) || Normal(1e-9, 1)   %.15g\n", nats[1]);

    /* The gradient by the first's parameters, for whoever fits them. */
    double grad[2][2];
    kldiv::family_grad_into(distribution::normal, p, distribution::normal, q, nullptr, nullptr, grad, nullptr);
    std::printf("by loc and scale of the first     %.15g, %.15g\n", grad[0][0], grad[0][1]);

    /* Two families, and the entropy of one. */
    const std::vector<double> standard{0, 1};
    std::printf("Normal(0, 1) || Laplace(0, 1)     %.15g\n",
                kldiv::family(distribution::normal, standard, distribution::laplace, standard)[0]);
    const auto entropy = kldiv::options().measure(kldiv::measure::entropy);
    std::printf("entropy of Normal(0, 1)           %.15g\n",
                kldiv::family(distribution::normal, standard, distribution::normal, nullptr, entropy)[0]);

    /* A density of one's own: anything that can be called. Logarithms, as e^(-x^2/2) underflows far out. */
    const double loc = 1, scale = 2;
    const auto found = kldiv::quadrature([&](double x) { return -x * x / 2 - std::log(2 * pi) / 2; },
                                         [&](double x) {
                                             const double z = (x - loc) / scale;
                                             return -z * z / 2 - std::log(2 * pi) / 2 - std::log(scale);
                                         },
                                         -INFINITY, INFINITY, nullptr, kldiv::options().log_density());
    std::printf("the first pair, integrated        %.12g\n", found.value);
    return std::abs(found.value - nats[0]) <= found.error ? EXIT_SUCCESS : EXIT_FAILURE;
}
