/* Arithmetic that gives the same bits on every processor.
 *
 * Everything here is addition, multiplication, division and square root of IEEE 754, each rounded once and in a
 * written order: compile with -ffp-contract=off and without -ffast-math. Functions of the C library differ in their
 * last digit from one library to the next, so logarithm, exponential, sine and cosine are our own. Their twins in
 * Python are in ecgedge/arithmetic; tests hold both to the same bits.
 */
#ifndef ECG_NUMBERS_H
#define ECG_NUMBERS_H

#include <float.h>
#include <stdint.h>

/* Intermediate results in more digits than their type has (x87) would be rounded elsewhere. */
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "float must be evaluated as float: compile with SSE2 (-msse2 -mfpmath=sse)"
#endif

#ifdef __FAST_MATH__
#error "-ffast-math changes the order of sums: leave it out"
#endif

/* Copies for processors that have AVX2, chosen when the library is loaded: the same additions, more at a time. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) && !defined(__AVX2__) && \
    !defined(ECG_ONE_COPY)
#define ECG_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define ECG_WIDE
#endif

#define ECG_PI 3.14159265358979323846

/* Natural logarithm of a normal number above 0; within 1 unit in the last place. */
double ecg_log(double x);

/* e to the power x, for -700 to 700: beyond, that of the limit. Of what is no number, that. */
double ecg_exp(double x);

/* Each of n values becomes its ecg_exp, the same bits, several at a time. */
void ecg_exps(double *x, int32_t n);

/* Cosine and sine of 2 pi times turns, for -2^30 to 2^30 turns. */
void ecg_turn(double turns, double *cosine, double *sine);

/* The nearest whole number, of two the even one: what Python's round() gives. For less than 2^51. */
static inline double ecg_round(double x)
{
    const double big = 6755399441055744.0; /* 1.5 * 2^52: above it doubles have no fractions */
    volatile double sum = x + big;
    return sum - big;
}

#endif
