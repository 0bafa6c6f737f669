/* Whether it is the sinus node that beats so slowly or fast: the twin of ecgedge/rhythm/sinus.py. */
#include <math.h>

#include "numbers.h"
#include "order.h"
#include "stream.h"

/* Named and explained there. */
static const double MOST_OTHER = 0.04, MOST_SPREAD = 0.15, LEAST_ALIKE = 0.6, LEAST_HEIGHT = 0.03, SHARE = 0.42;
static const double FLOOR_MV = 0.02, TINY = 1e-9;
enum { BEFORE = 36, AFTER = 44, P_FROM = BEFORE - 26, P_TO = BEFORE - 7, QRS_FROM = BEFORE - 8, QRS_TO = BEFORE + 9 };
enum { LEAST_BEATS = 5, LEAST_P = 11 };

/* Beats of a stretch whose waves lie wholly in it, as positions in whole samples, and room for as many values. */
struct waves {
    const float *x; /* the stretch */
    double *at, *values;
    int count;
};

static double median(double *x, int n)
{
    ecg_sort(x, n);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2.0;
}

static double quantile(const double *ascending, int n, double q)
{
    const double at = q * (n - 1);
    const int low = (int)at, high = low + 1 < n ? low + 1 : n - 1;
    return ascending[low] + (at - low) * (ascending[high] - ascending[low]);
}

/* Whether beats but a few are normal ones, as far as they have a class. */
static int are_normal(const struct ecg_stream *s, struct ecg_stretch at)
{
    int64_t i;
    int named = 0, others = 0;
    for (i = ecg_stream_oldest_beat(s); i < s->n_found; i++) {
        const uint8_t role = s->roles[i % s->found_room];
        if (!ecg_stream_has_beat(s, i, at) || role == ECG_UNNAMED)
            continue;
        named++;
        others += role != ECG_NORMAL;
    }
    return named > 0 && !(others > MOST_OTHER * named);
}

/* A sample of a wave, counted from BEFORE its R peak. */
static double sample(const struct waves *w, int beat, int i)
{
    return (double)w->x[(int)w->at[beat] - BEFORE + i];
}

/* The median wave, between two samples. */
static void common_wave(const struct waves *w, int from, int to, double *wave)
{
    int i, k;
    for (i = from; i < to; i++) {
        for (k = 0; k < w->count; k++)
            w->values[k] = sample(w, k, i);
        wave[i] = median(w->values, w->count);
    }
}

static double sum(const double *x, int n)
{
    double total = x[0];
    int i;
    for (i = 1; i < n; i++)
        total += x[i];
    return total;
}

static void centre(double *x, int n)
{
    const double mean = sum(x, n) / n;
    int i;
    for (i = 0; i < n; i++)
        x[i] -= mean;
}

static double product(const double *a, const double *b, int n)
{
    double total = a[0] * b[0];
    int i;
    for (i = 1; i < n; i++)
        total += a[i] * b[i];
    return total;
}

/* Whether waves have a P wave in common that begins at `from` or later. */
static int have_p(const struct waves *w, int from)
{
    double wave[BEFORE + AFTER], shape[P_TO], each[P_TO], low, high, step, above, height, alike;
    const int n = P_TO - from;
    int i, k;
    common_wave(w, from, QRS_TO, wave);
    for (low = high = wave[QRS_FROM], i = QRS_FROM; i < QRS_TO; i++) {
        low = wave[i] < low ? wave[i] : low;
        high = wave[i] > high ? wave[i] : high;
    }
    height = high - low > FLOOR_MV ? high - low : FLOOR_MV;
    for (i = 0; i < n; i++)
        shape[i] = wave[from + i];
    step = (shape[n - 1] - shape[0]) / (n - 1);
    for (above = 0.0, i = 1; i + 1 < n; i++) {
        const double over = shape[i] - (i * step + shape[0]);
        above = over > above ? over : above;
    }
    centre(shape, n);
    for (k = 0; k < w->count; k++) {
        double norms;
        for (i = 0; i < n; i++)
            each[i] = sample(w, k, from + i);
        centre(each, n);
        norms = sqrt(product(each, each, n)) * sqrt(product(shape, shape, n));
        w->values[k] = product(each, shape, n) / (norms > TINY ? norms : TINY);
    }
    alike = median(w->values, w->count);
    return alike >= LEAST_ALIKE && above >= LEAST_HEIGHT * height;
}

int ecg_stream_looks_sinus(struct ecg_stream *s, struct ecg_stretch at)
{
    const double fs = s->setup->fs;
    const int most = ecg_stream_most_beats(s->setup->limits.window), length = (int)(at.end - at.start);
    struct waves w = {ecg_stream_view(s, at.start), s->scratch, (double *)s->scratch + most, 0};
    const int count = ecg_stream_beats_between(s, at, most, w.at, NULL);
    double middle;
    int i, from;
    if (count < LEAST_BEATS || !are_normal(s, at))
        return 0;
    for (i = 0; i + 1 < count; i++)
        w.values[i] = ((double)at.start + w.at[i + 1]) / fs - ((double)at.start + w.at[i]) / fs;
    ecg_sort(w.values, count - 1);
    middle = quantile(w.values, count - 1, 0.5);
    if (quantile(w.values, count - 1, 0.9) - quantile(w.values, count - 1, 0.1) > MOST_SPREAD * middle)
        return 0;
    from = BEFORE - (int)(SHARE * middle * fs);
    from = from > P_FROM ? from : P_FROM;
    if (P_TO - from < LEAST_P)
        return -1;
    for (i = 0; i < count; i++) {
        const int place = (int)(ecg_round((double)at.start + w.at[i]) - (double)at.start);
        if (place >= BEFORE && place + AFTER <= length)
            w.at[w.count++] = place;
    }
    return w.count >= LEAST_BEATS - 2 && have_p(&w, from);
}
