#include "numbers.h"

#include <math.h>
#include <string.h>

/* ln 2 in two parts: the first has 21 zeros at its end, so that its whole multiples are exact. */
static const double LN2_HIGH = 0x1.62e42fee00000p-1, LN2_LOW = 0x1.a39ef35793c76p-33;

double ecg_log(double x)
{
    /* x = m * 2^e with m from sqrt(1/2) to sqrt(2); ln m = 2 artanh s, a series in s = (m - 1) / (m + 1), where s is
     * at most 0.1716: the term left out, s^24 / 25, is below 2e-20. */
    int e, i;
    double m = frexp(x, &e), s, z, sum;
    if (m < 0.70710678118654752440) {
        m *= 2.0;
        e--;
    }
    s = (m - 1.0) / (m + 1.0);
    z = s * s;
    sum = 1.0 / 23.0;
    for (i = 21; i >= 1; i -= 2)
        sum = sum * z + 1.0 / i;
    return e * LN2_HIGH + (2.0 * s * sum + e * LN2_LOW);
}

double ecg_exp(double x)
{
    /* x = k ln 2 + r with r within 0.347; the term left out, r^14 / 14!, is below 5e-18. */
    double k, r, sum = 1.0;
    int i;
    if (x != x)
        return x;
    x = x < -700.0 ? -700.0 : x > 700.0 ? 700.0 : x;
    k = ecg_round(x * 1.44269504088896340736);
    r = (x - k * LN2_HIGH) - k * LN2_LOW;
    for (i = 13; i >= 1; i--)
        sum = sum * r / i + 1.0;
    return ldexp(sum, (int)k);
}

/* Eight exponentials side by side, each with the very steps of ecg_exp: 2^k is put together from its bits, since
 * a call of ldexp would stand in the way of vectors. */
static inline void exps_of_8(double *x)
{
    const double big = 6755399441055744.0; /* as in ecg_round; it leaves k in the last bits of a sum */
    double shifted[8], r[8], sum[8], power[8];
    uint64_t bits[8];
    int i, j;
    for (j = 0; j < 8; j++) {
        const double limited = x[j] < -700.0 ? -700.0 : x[j] > 700.0 ? 700.0 : x[j];
        double k;
        shifted[j] = limited * 1.44269504088896340736 + big;
        k = shifted[j] - big;
        r[j] = (limited - k * LN2_HIGH) - k * LN2_LOW;
        sum[j] = 1.0;
    }
    memcpy(bits, shifted, sizeof bits);
    for (j = 0; j < 8; j++)
        bits[j] = (bits[j] << 52) + ((uint64_t)1023 << 52);
    memcpy(power, bits, sizeof power);
    for (i = 13; i >= 1; i--)
        for (j = 0; j < 8; j++)
            sum[j] = sum[j] * r[j] / i + 1.0;
    for (j = 0; j < 8; j++)
        x[j] = sum[j] * power[j];
}

ECG_WIDE void ecg_exps(double *x, int32_t n)
{
    double rest[8] = {0.0};
    int32_t at;
    for (at = 0; at + 8 <= n; at += 8)
        exps_of_8(x + at);
    memcpy(rest, x + at, (size_t)(n - at) * sizeof *x);
    exps_of_8(rest);
    memcpy(x + at, rest, (size_t)(n - at) * sizeof *x);
}

void ecg_turn(double turns, double *cosine, double *sine)
{
    /* turns = q / 4 + r with r within an eighth; the terms left out are below 2e-18. */
    const double q = ecg_round(4.0 * turns), angle = (turns - 0.25 * q) * (2.0 * ECG_PI), z = angle * angle;
    double c = 1.0, s = 1.0;
    int i;
    for (i = 18; i >= 2; i -= 2)
        c = 1.0 - c * z / (i * (i - 1));
    for (i = 19; i >= 3; i -= 2)
        s = 1.0 - s * z / (i * (i - 1));
    s *= angle;
    switch ((int)((int64_t)q & 3)) {
    case 0:
        *cosine = c, *sine = s;
        break;
    case 1:
        *cosine = -s, *sine = c;
        break;
    case 2:
        *cosine = -c, *sine = -s;
        break;
    default:
        *cosine = s, *sine = -c;
    }
}
