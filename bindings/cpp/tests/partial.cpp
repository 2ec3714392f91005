/* Sums in parts: states of C++ are states of C, and answer as the whole does. */
#include <kldiv.hpp>

#include "check.hpp"

#include <cmath>
#include <cstring>
#include <vector>

namespace {

const std::vector<double> p{0.1, 0.2, 0.3, 0.4}, q{0.25, 0.25, 0.25, 0.25};

bool same(const kldiv::partial &a, const kldiv::partial &b)
{
    return std::memcmp(a.c(), b.c(), sizeof *a.c()) == 0;
}

void any_split_gives_the_whole()
{
    kldiv::partial whole, left, right;
    whole.update(p, q);
    left.update(kldiv::view(p.data(), 1, 1), kldiv::view(q.data(), 1, 1));
    right.update(kldiv::view(p.data() + 1, 1, 3), kldiv::view(q.data() + 1, 1, 3)).merge(left);
    CHECK(same(whole, right) && whole.value() == right.value());
    CHECK(std::abs(whole.value() - kldiv::kl(p, q)) < 1e-16);
    CHECK(std::abs(whole.value(kldiv::options().base(2)) - kldiv::kl(p, q, kldiv::options().base(2))) < 1e-16);
    kldiv_partial of_c;
    const kldiv_view p_view = KLDIV_VIEW_F64(p.data(), 1, 4), q_view = KLDIV_VIEW_F64(q.data(), 1, 4);
    CHECK(kldiv_partial_init(&of_c, nullptr) == KLDIV_OK && kldiv_partial_update(&of_c, &p_view, &q_view) == KLDIV_OK);
    CHECK(same(whole, kldiv::partial(of_c)));
}

void groups_are_summed_by_number()
{
    std::vector<kldiv::partial> states(2), parts(2), sums(2);
    const std::vector<std::uint32_t> group{0, 1, 0, 1}, each{1, 0};
    kldiv::partial_update_by(states, group, p, q);
    const double p_even[] = {0.1, 0.3}, q_even[] = {0.25, 0.25};
    CHECK(same(states[0], kldiv::partial().update(p_even, q_even)));
    kldiv::partial_merge_by(sums, each, states);
    CHECK(same(sums[0], states[1]) && same(sums[1], states[0]));
    const std::vector<std::int64_t> counts{3, 1, 4, 1}, model{1, 1, 1, 1};
    kldiv::partial_update_by(parts, group, counts, model);
    CHECK(std::isfinite(parts[1].value(kldiv::options().normalization(kldiv::normalization::normalize))));
    std::vector<kldiv::partial> entropies(2, kldiv::partial(kldiv::options().measure(kldiv::measure::entropy)));
    kldiv::partial_update_by(entropies, group, p, nullptr);
    CHECK(entropies[0].value() > 0);
    CHECK_THROWS(kldiv::partial_update_by(states, each, p, q), kldiv::code::shape_mismatch);
    CHECK_THROWS(kldiv::partial_merge_by(sums, group, states), kldiv::code::shape_mismatch);
    const std::vector<std::uint32_t> beyond{0, 1, 2, 0};
    CHECK_THROWS(kldiv::partial_update_by(states, beyond, p, q), kldiv::code::index);
}

void what_fails_changes_nothing()
{
    kldiv::partial sums;
    sums.update(p, q);
    const kldiv::partial before = sums;
    const std::vector<double> bad{0.1, -0.2, 0.3, 0.4};
    CHECK_THROWS(sums.update(bad, q), kldiv::code::negative);
    kldiv::status status;
    sums.update(p, bad, &status);
    CHECK(status.code() == kldiv::code::negative && status.operand() == 1 && status.col() == 1 && same(sums, before));
    CHECK_THROWS(kldiv::partial(kldiv::options().measure(kldiv::measure::renyi).alpha(2)), kldiv::code::options);
    CHECK_THROWS(sums.merge(kldiv::partial(kldiv_partial{})), kldiv::code::state);
    CHECK_THROWS(kldiv::partial(kldiv_partial{}).value(), kldiv::code::state);
    CHECK(same(sums, before));
}

} // namespace

int main()
{
    any_split_gives_the_whole();
    groups_are_summed_by_number();
    what_fails_changes_nothing();
    return check_result("partial");
}
