/*
 * A call through kldiv.hpp beside the same call of C, in turns, and their ratio: the median over rounds. Both must give
 * the same bits before they are timed.
 */
#include <kldiv.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

/* Seconds that one of `calls` calls takes. */
template <class Call>
double time_of(Call &call, int calls)
{
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; i++)
        call();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / calls;
}

double median(std::vector<double> values)
{
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return values[values.size() / 2];
}

template <class C, class Cpp>
void race(const char *name, double *out, std::size_t results, C c, Cpp cpp)
{
    c();
    const std::vector<double> wanted(out, out + results);
    std::fill(out, out + results, -1.0);
    cpp();
    if (std::memcmp(out, wanted.data(), results * sizeof(double)) != 0) {
        std::fprintf(stderr, "%s: C++ and C differ\n", name);
        std::exit(EXIT_FAILURE);
    }
    const int calls = std::max(1, static_cast<int>(300e-6 / time_of(c, 100)));
    std::vector<double> c_times, ratios;
    for (int round = 0; round < 1001; round++) {
        const double of_c = time_of(c, calls), of_cpp = time_of(cpp, calls);
        c_times.push_back(of_c);
        ratios.push_back(of_cpp / of_c);
    }
    std::printf("%-34s %9.1f ns   %.3f\n", name, median(c_times) * 1e9, median(ratios));
}

} // namespace

int main()
{
    std::printf("%-34s %12s   C++ / C\n", "", "C");
    for (const std::size_t n : {2, 64, 1024}) {
        std::vector<double> p(n), q(n);
        for (std::size_t i = 0; i < n; i++) {
            p[i] = 2 * static_cast<double>(i + 1) / static_cast<double>(n * (n + 1));
            q[i] = 1 / static_cast<double>(n);
        }
        double out = 0;
        char name[64];
        std::snprintf(name, sizeof name, "two vectors, n = %zu", n);
        race(name, &out, 1, [&] { (void)kldiv_kl_f64(p.data(), q.data(), n, &out); }, [&] { out = kldiv::kl(p, q); });
        std::snprintf(name, sizeof name, "two vectors in bits, n = %zu", n);
        race(
            name, &out, 1,
            [&] {
                const kldiv_view p_view = KLDIV_VIEW_F64(p.data(), 1, n), q_view = KLDIV_VIEW_F64(q.data(), 1, n);
                kldiv_options options = KLDIV_OPTIONS_INIT;
                options.base = 2;
                (void)kldiv_kl(&p_view, &q_view, &options, &out);
            },
            [&] { out = kldiv::kl(p, q, kldiv::options().base(2)); });
        const std::size_t rows = 16;
        std::vector<double> many(rows * n), results(rows);
        for (std::size_t i = 0; i < rows * n; i++)
            many[i] = q[i % n];
        std::snprintf(name, sizeof name, "16 rows against one, n = %zu", n);
        race(
            name, results.data(), rows,
            [&] {
                const kldiv_view p_view = KLDIV_VIEW_F64(many.data(), rows, n);
                const kldiv_view q_view = {p.data(), rows, n, 0, 1, KLDIV_DTYPE_F64};
                (void)kldiv_rows(&p_view, &q_view, nullptr, results.data());
            },
            [&] { kldiv::rows_into(kldiv::view(many.data(), rows, n), kldiv::view(p).repeated(rows), results); });
    }
}
