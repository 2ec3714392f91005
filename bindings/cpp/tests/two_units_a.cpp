/* One of the two units; the other is two_units_b.cpp. */
#include "two_units.hpp"

#include "check.hpp"

int main()
{
    const std::vector<double> p{0.5, 0.5}, q{0.7, 0.3}, bad{0.7, -0.3};
    const auto bits = kldiv::options().base(2);
    kldiv::status status;
    CHECK(from_there(p, q, bits, &status) == kldiv::kl(p, q, bits) && status.ok());
    CHECK(&kldiv::defaults == defaults_there());
    (void)from_there(p, bad, bits, &status);
    CHECK(status.code() == kldiv::code::negative);
    try {
        thrown_there(p, bad);
    } catch (const kldiv::error &error) {
        CHECK(error.code() == kldiv::code::negative);
        return check_result("two_units");
    }
}
