/* What two units of one program, each of which includes kldiv.hpp, see of each other. */
#ifndef TWO_UNITS_HPP
#define TWO_UNITS_HPP

#include <kldiv.hpp>

#include <vector>

/* In the other unit. */
double from_there(const kldiv::view &p, const kldiv::view &q, const kldiv::options &options, kldiv::status *status);
[[noreturn]] void thrown_there(const kldiv::view &p, const kldiv::view &q);
const kldiv::options *defaults_there();

#endif
