#include <math.h>
#include <string.h>

#include "hrv.h"
#include "numbers.h"

static const double LOW_HZ = 0.04, MIDDLE_HZ = 0.15, HIGH_HZ = 0.4;
enum { FIRST = 32 }; /* powers of a wave that the further ones are made of */

/* One whole period of the fundamental: the mean spacing belongs to the first interval too. */
static double duration(const double *t, int n)
{
    return (t[n - 1] - t[0]) * n / (n - 1);
}

int ecg_band_bins(const double *end_s, int n, int most)
{
    double bins;
    if (n < 3 || !(end_s[n - 1] - end_s[0] >= 1.0 / LOW_HZ))
        return 0;
    bins = HIGH_HZ * duration(end_s, n);
    return bins < most ? (int)bins : -1;
}

static double sum_of(const double *x, int n)
{
    double sum = x[0];
    int i;
    for (i = 1; i < n; i++)
        sum += x[i];
    return sum;
}

/* Times and intervals without their means, intervals without their trend. */
static void centre(double *t, double *x, int n)
{
    const double mean_t = sum_of(t, n) / n, mean_x = sum_of(x, n) / n;
    double products = 0.0, squares = 0.0, slope;
    int i;
    for (i = 0; i < n; i++) {
        t[i] -= mean_t;
        x[i] -= mean_x;
        products += t[i] * x[i];
        squares += t[i] * t[i];
    }
    slope = products / squares;
    for (i = 0; i < n; i++)
        x[i] -= t[i] * slope;
}

/* `more` further powers: those there are, times the last of them. */
static inline void multiply(const double *restrict re, const double *restrict im, double by_re, double by_im,
    int more, double *restrict to_re, double *restrict to_im)
{
    int k;
    for (k = 0; k < more; k++) {
        to_re[k] = re[k] * by_re - im[k] * by_im;
        to_im[k] = re[k] * by_im + im[k] * by_re;
    }
}

/* Add one sample's waves, times it, and their squares to the sums. */
static inline void gather(const double *restrict re, const double *restrict im, double x, int bins,
    double *restrict wave_re, double *restrict wave_im, double *restrict square_re, double *restrict square_im)
{
    int k;
    for (k = 0; k < bins; k++) {
        const double product = re[k] * im[k];
        wave_re[k] += re[k] * x;
        wave_im[k] += im[k] * x;
        square_re[k] += re[k] * re[k] - im[k] * im[k];
        square_im[k] += product + product;
    }
}

ECG_WIDE static void add_waves(const double *t, const double *x, int n, int bins, double hz, double *room)
{
    double *re = room, *im = re + bins, *sums = im + bins;
    int i, done, more;
    memset(sums, 0, 4 * (size_t)bins * sizeof(double));
    for (i = 0; i < n; i++) {
        ecg_turn(hz * t[i], re, im);
        for (done = 1; done < bins; done += more) {
            more = done < bins - done ? done : bins - done;
            more = more < FIRST ? more : FIRST;
            multiply(re, im, re[done - 1], im[done - 1], more, re + done, im + done);
        }
        gather(re, im, x[i], bins, sums, sums + bins, sums + 2 * bins, sums + 3 * bins);
    }
}

/* Power of one frequency. With its wave turned by half the phase of the sum of squares, sine and cosine are
 * orthogonal; cosine and sine of that half come from the whole by square roots, of two the one without a difference. */
static double power_of(double re, double im, double square_re, double square_im, int n)
{
    const double size = sqrt(square_re * square_re + square_im * square_im);
    double c = 1.0, s = 0.0, along, across, sines = (n - size) / 2.0;
    if (size > 0.0 && square_re >= 0.0) {
        c = sqrt((size + square_re) / (2.0 * size));
        s = square_im / (2.0 * size * c);
    } else if (size > 0.0) {
        s = sqrt((size - square_re) / (2.0 * size));
        c = square_im / (2.0 * size * s);
    }
    along = re * c + im * s;
    across = im * c - re * s;
    sines = sines < 1e-9 ? 1e-9 : sines;
    return 0.5 * (along * along / ((n + size) / 2.0) + across * across / sines);
}

void ecg_band_powers(double *t, double *x, int n, int bins, double *room, double *lf, double *hf)
{
    const double seconds = duration(t, n), *sums = room + 2 * bins;
    double low = 0.0, high = 0.0;
    int k;
    centre(t, x, n);
    add_waves(t, x, n, bins, 1.0 / seconds, room);
    for (k = 0; k < bins; k++) {
        const double hz = (k + 1) / seconds;
        const double power = 2.0 / n *
            power_of(sums[k], sums[bins + k], sums[2 * bins + k], sums[3 * bins + k], n);
        low += hz >= LOW_HZ && hz < MIDDLE_HZ ? power : 0.0;
        high += hz >= MIDDLE_HZ && hz < HIGH_HZ ? power : 0.0;
    }
    *lf = low;
    *hf = high;
}

/* Pairs at one distance, `lag`, whose templates of two match, and those of three. */
ECG_WIDE static void count_matches(const int32_t *x, const uint8_t *joined, int n, int lag, uint32_t tolerance,
    uint8_t *close, int64_t *two, int64_t *three)
{
    int i, pairs = 0, longer = 0;
    for (i = 0; i < n - lag; i++) {
        const uint32_t a = (uint32_t)x[i], b = (uint32_t)x[i + lag];
        close[i] = (x[i] > x[i + lag] ? a - b : b - a) <= tolerance;
    }
    for (i = 0; i < n - lag - 2; i++) {
        const uint8_t whole = joined[i + 1] & joined[i + 2] & joined[i + lag + 1] & joined[i + lag + 2];
        const uint8_t pair = whole & close[i] & close[i + 1];
        pairs += pair;
        longer += pair & close[i + 2];
    }
    *two += pairs;
    *three += longer;
}

double ecg_sample_entropy(const int32_t *x, const uint8_t *joined, int n, uint32_t tolerance, uint8_t *close)
{
    int64_t two = 0, three = 0;
    int lag;
    for (lag = 1; lag < n - 2; lag++)
        count_matches(x, joined, n, lag, tolerance, close, &two, &three);
    return three > 0 ? ecg_log((double)two / (double)three) : NAN;
}
