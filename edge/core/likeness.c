#include "likeness.h"

#include <math.h>

enum { N_MEANS = 8, P_START = 10, P_BASE = 3 };
struct region {
    int start, n;
};
static const struct region QRS = {28, 17}, P_WAVE = {P_START, 18}, T_WAVE = {46, 32}, BROAD_QRS = {22, 31};
static const double POWER_FLOOR = 1e-4, P_FLOOR = 0.01, LEAST_RATIO = 1e-12, MOST_P_DIFFERENCE = 1.5;
static const float FLOOR_MV = 0.02f;

static double larger(double x, double least)
{
    return x < least ? least : x;
}

float ecg_height(const float wave[ECG_WAVE])
{
    float high = wave[QRS.start], low = wave[QRS.start], height;
    int i;
    for (i = QRS.start + 1; i < QRS.start + QRS.n; i++) {
        high = wave[i] > high ? wave[i] : high;
        low = wave[i] < low ? wave[i] : low;
    }
    height = high - low;
    return height < FLOOR_MV ? FLOOR_MV : height;
}

/* Correlation of two waves over a region; `floor` is a power that counts as nothing. */
static double correlation(const float *a, const float *b, struct region where, double floor)
{
    double x = a[where.start], y = b[where.start], xx = x * x, yy = y * y, xy = x * y, power_x, power_y;
    int i;
    for (i = where.start + 1; i < where.start + where.n; i++) {
        const double u = a[i], v = b[i];
        x += u;
        y += v;
        xx += u * u;
        yy += v * v;
        xy += u * v;
    }
    x /= where.n;
    y /= where.n;
    power_x = xx / where.n - x * x;
    power_y = yy / where.n - y * y;
    return (xy / where.n - x * y) / sqrt(larger((power_x + floor) * (power_y + floor), LEAST_RATIO));
}

/* Mean of the last samples of a P window, which is its zero line. */
static double base_of(const double *p)
{
    return (p[P_WAVE.n - 3] + p[P_WAVE.n - 2] + p[P_WAVE.n - 1]) / P_BASE;
}

static double product(const double *a, const double *b)
{
    double sum = a[0] * b[0];
    int i;
    for (i = 1; i < P_WAVE.n; i++)
        sum += a[i] * b[i];
    return sum / P_WAVE.n;
}

static void above_base(double *p)
{
    const double base = base_of(p);
    int i;
    for (i = 0; i < P_WAVE.n; i++)
        p[i] -= base;
}

struct ecg_shape ecg_shape_of(const float wave[ECG_WAVE], const float template_wave[ECG_WAVE], double height)
{
    const double floor = POWER_FLOOR * height * height;
    double difference[18], level[18], apart;
    struct ecg_shape shape;
    int i;
    for (i = 0; i < P_WAVE.n; i++) {
        level[i] = template_wave[P_START + i];
        difference[i] = (double)wave[P_START + i] - level[i];
    }
    above_base(difference);
    above_base(level);
    apart = 0.5 * sqrt(product(difference, difference)) / (sqrt(product(level, level)) + P_FLOOR * height);
    shape.p_wave = correlation(wave, template_wave, P_WAVE, floor);
    shape.qrs = correlation(wave, template_wave, QRS, floor);
    shape.p_difference = apart < MOST_P_DIFFERENCE ? apart : MOST_P_DIFFERENCE;
    return shape;
}

/* Means over a region of three waves, of their squares, and of the products of the first two with the third. */
static void means_over(const float *waves, struct region where, double means[N_MEANS])
{
    int i, m;
    for (i = where.start; i < where.start + where.n; i++) {
        const double x = waves[i], last = waves[ECG_WAVE + i], y = waves[2 * ECG_WAVE + i];
        const double terms[N_MEANS] = {x, last, y, x * x, last * last, y * y, x * y, last * y};
        for (m = 0; m < N_MEANS; m++)
            means[m] = i == where.start ? terms[m] : means[m] + terms[m];
    }
    for (m = 0; m < N_MEANS; m++)
        means[m] /= where.n;
}

/* For the beat and the one before it: correlation with the template, logarithm of the ratio of amplitudes. */
static void compare(const float *waves, struct region where, float *alike, float *louder)
{
    double means[N_MEANS], power[3];
    int w;
    means_over(waves, where, means);
    for (w = 0; w < 3; w++)
        power[w] = larger(means[3 + w] - means[w] * means[w], 0.0) + POWER_FLOOR;
    for (w = 0; w < 2; w++) {
        alike[3 * w] = (float)((means[6 + w] - means[w] * means[2]) / sqrt(power[w] * power[2]));
        louder[3 * w] = (float)(0.5 * ecg_log(larger(power[w] / power[2], LEAST_RATIO)));
    }
}

/* How fast the QRS of a wave is: logarithm of the power of its slope over its power. */
static double speed(const float *wave)
{
    double slopes = 0.0, power = 0.0;
    int i;
    for (i = BROAD_QRS.start; i < BROAD_QRS.start + BROAD_QRS.n; i++) {
        const double x = wave[i], slope = x - (double)wave[i - 1];
        power += x * x;
        slopes += slope * slope;
    }
    return 0.5 * ecg_log(slopes / BROAD_QRS.n / (power / BROAD_QRS.n + POWER_FLOOR) + POWER_FLOOR);
}

static void similarities(const float *waves, float out[ECG_SIMILARITIES])
{
    const double own = speed(waves), last = speed(waves + ECG_WAVE), usual = speed(waves + 2 * ECG_WAVE);
    compare(waves, QRS, out, out + 6);
    compare(waves, P_WAVE, out + 1, out + 7);
    compare(waves, T_WAVE, out + 2, out + 8);
    out[12] = (float)(2.0 * (own - usual));
    out[13] = (float)(2.0 * (last - usual));
    out[14] = (float)(own + 1.0);
    out[15] = (float)(last + 1.0);
}

static void p_waves(const float *waves, float out[ECG_P_FIGURES])
{
    double p[3][18], power, rms;
    int w, i;
    for (w = 0; w < 3; w++) {
        for (i = 0; i < P_WAVE.n; i++)
            p[w][i] = waves[w * ECG_WAVE + P_START + i];
        above_base(p[w]);
    }
    power = product(p[2], p[2]);
    rms = sqrt(power) + P_FLOOR;
    out[0] = (float)(0.5 * ecg_log(10.0 * rms));
    for (w = 0; w < 2; w++) {
        const double shared = product(p[w], p[2]);
        const double apart = sqrt(larger(product(p[w], p[w]) - 2.0 * shared + power, 0.0));
        out[1 + 2 * w] = (float)(0.5 * apart / rms);
        out[2 + 2 * w] = (float)(shared / (rms * rms));
    }
}

void ecg_beat_inputs(const float waves[3 * ECG_WAVE], const float rhythm[ECG_RHYTHM], float clip,
    float row[ECG_BEAT_INPUTS])
{
    const float height = ecg_height(waves + 2 * ECG_WAVE);
    float scaled[3 * ECG_WAVE], *figures = row + 3 * ECG_WAVE;
    int i, w;
    for (i = 0; i < 3 * ECG_WAVE; i++)
        scaled[i] = waves[i] / height;
    for (w = 0; w < 3; w++)
        for (i = 0; i < ECG_WAVE; i++)
            row[3 * i + w] = scaled[w * ECG_WAVE + i];
    for (i = 0; i < ECG_RHYTHM; i++)
        figures[i] = rhythm[i];
    similarities(scaled, figures + ECG_RHYTHM);
    p_waves(scaled, figures + ECG_RHYTHM + ECG_SIMILARITIES);
    for (i = 0; i < ECG_BEAT_INPUTS; i++)
        row[i] = row[i] > clip ? clip : row[i] < -clip ? -clip : row[i];
}

void ecg_beat_codes(const float row[ECG_BEAT_INPUTS], float scale, int zero, int8_t codes[ECG_BEAT_INPUTS])
{
    const float low = scale * (float)(-128 - zero), high = scale * (float)(127 - zero);
    const float big = 12582912.0f; /* 1.5 * 2^23: above it floats have no fractions */
    int i;
    for (i = 0; i < ECG_BEAT_INPUTS; i++) {
        /* Written so that what is no number becomes the lowest code. */
        const float within = row[i] > low ? row[i] < high ? row[i] : high : low;
        const float code = (within / scale + big) - big + (float)zero;
        codes[i] = (int8_t)(code > -128.0f ? code < 127.0f ? code : 127.0f : -128.0f);
    }
}
