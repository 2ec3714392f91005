/*
 * A plugin built with -ffast-math, as they are found in the wild: loading it makes the loading thread flush subnormal
 * numbers to zero. gcc before 13 links code that does so into every -ffast-math shared object; later versions ask for
 * -mdaz-ftz. Here it is written out, so that the test does not depend on the compiler.
 */
#if defined(__SSE__)
#include <xmmintrin.h>

#define FLUSH_TO_ZERO 0x8000u
#define DENORMALS_ARE_ZERO 0x0040u

__attribute__((constructor)) static void flush_subnormal_numbers(void)
{
    _mm_setcsr(_mm_getcsr() | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
}
#endif

double environment_fast_math(double x);

double environment_fast_math(double x)
{
    return x * 0.5;
}
