/* Without exceptions a status takes every failure. */
#include <kldiv.hpp>

#include <cmath>

int main()
{
    const double p[] = {0.5, 0.5}, bad[] = {0.5, -0.5};
    const auto one = [](double) { return 1.0; };
    kldiv::status status;
    if (kldiv::kl(p, p, {}, &status) != 0 || !status.ok())
        return 1;
    if (!std::isnan(kldiv::kl(p, bad, {}, &status)) || status.code() != kldiv::code::negative)
        return 2;
    return kldiv::quadrature(one, one, 0, 1, nullptr, {}, &status).value != 0 || !status.ok() ? 3 : 0;
}
