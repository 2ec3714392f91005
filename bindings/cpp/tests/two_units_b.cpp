/* One of the two units; the other is two_units_a.cpp. */
#include "two_units.hpp"

#include <cstdlib>

double from_there(const kldiv::view &p, const kldiv::view &q, const kldiv::options &options, kldiv::status *status)
{
    return kldiv::kl(p, q, options, status);
}

void thrown_there(const kldiv::view &p, const kldiv::view &q)
{
    (void)kldiv::kl(p, q, {});
    std::abort();
}

const kldiv::options *defaults_there()
{
    return &kldiv::defaults;
}
