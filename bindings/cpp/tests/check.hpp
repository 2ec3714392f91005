/* A CHECK that counts, and one for what is thrown. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <kldiv.hpp>

#include <cstdio>
#include <cstdlib>

inline unsigned long check_count = 0, check_failures = 0;

inline void check_that(bool good, const char *text, const char *file, int line)
{
    check_count++;
    if (good)
        return;
    check_failures++;
    std::fprintf(stderr, "%s:%d: %s\n", file, line, text);
}

/* Whether a call throws a kldiv::error of this kind. */
template <class Call>
bool check_throws(Call call, kldiv::code wanted)
{
    try {
        call();
    } catch (const kldiv::error &error) {
        return error.code() == wanted;
    }
    return false;
}

#define CHECK(...) check_that(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define CHECK_THROWS(call, wanted) \
    check_that(check_throws([&] { static_cast<void>(call); }, wanted), #call " throws " #wanted, __FILE__, __LINE__)

/* The last line of a program, and what main returns. */
inline int check_result(const char *name)
{
    std::printf("%s: %lu checks, %lu failed\n", name, check_count, check_failures);
    return check_count == 0 || check_failures != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
