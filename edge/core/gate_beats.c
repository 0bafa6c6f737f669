#include "gate_window.h"

#include <math.h>
#include <string.h>

#include "numbers.h"

/* Named and explained in ecgedge/gate/features.py. */
static const double QRS_FROM_S = -0.1, QRS_TO_S = 0.15, BEAT_FROM_S = -0.22, BEAT_TO_S = 0.4;
static const double SURE = 0.8, ALIKE = 0.9, SIZES_APART = 2.0, PIECE_S = 1.0, TINY = 1e-9;
enum { FEWEST = 20, LEAST_BEATS = 3 };

static struct ecg_span span_of(double from_s, double to_s, double fs)
{
    const struct ecg_span span = {(int)ecg_round(from_s * fs), (int)ecg_round(to_s * fs)};
    return span;
}

struct ecg_span ecg_gate_qrs(double fs)
{
    return span_of(QRS_FROM_S, QRS_TO_S, fs);
}

struct ecg_span ecg_gate_beat(double fs)
{
    return span_of(BEAT_FROM_S, BEAT_TO_S, fs);
}

static int lies_inside(const struct ecg_gate_window *w, int r, struct ecg_span span)
{
    return r >= -span.from && r < w->n - (span.to - 1);
}

/* Beats without their mean, over their root sum of squares: a column each. The number of beats wholly inside. */
static int columns(const struct ecg_gate_window *w, struct ecg_span span, float *rows)
{
    const int width = span.to - span.from;
    int count = 0, i, j, k;
    for (i = 0; i < w->beats; i++)
        count += lies_inside(w, w->r[i], span);
    for (i = j = 0; i < w->beats; i++) {
        const float *x = w->x + w->r[i] + span.from;
        float sum, squares, norm, mean;
        if (!lies_inside(w, w->r[i], span))
            continue;
        sum = x[0];
        for (k = 1; k < width; k++)
            sum += x[k];
        mean = sum / (float)width;
        squares = (x[0] - mean) * (x[0] - mean);
        for (k = 1; k < width; k++)
            squares += (x[k] - mean) * (x[k] - mean);
        norm = sqrtf(squares) + (float)TINY;
        for (k = 0; k < width; k++)
            rows[k * count + j] = (x[k] - mean) / norm;
        j++;
    }
    return count;
}

/* The highest correlation of each beat with another one. */
ECG_WIDE static void best_match(float *rows, int width, int count, double *best)
{
    float *sums = rows + width * count;
    int i, j, k;
    for (i = 0; i < count; i++)
        best[i] = count < 2 ? 0.0 : -1.0;
    for (i = 0; i + 1 < count; i++) {
        memset(sums, 0, (size_t)count * sizeof(float));
        for (k = 0; k < width; k++) {
            const float *row = rows + k * count, own = row[i];
            for (j = i + 1; j < count; j++)
                sums[j] += own * row[j];
        }
        for (j = i + 1; j < count; j++) {
            best[i] = ecg_larger(best[i], (double)sums[j]);
            best[j] = ecg_larger(best[j], (double)sums[j]);
        }
    }
}

static void find_whole(struct ecg_gate_window *w)
{
    const struct ecg_span qrs = ecg_gate_qrs(w->fs);
    int i, j = 0;
    for (i = 0; i < w->beats; i++)
        if (lies_inside(w, w->r[i], qrs)) {
            w->within[j] = i;
            w->heights[j++] = (double)ecg_range(w->x + w->r[i] + qrs.from, qrs.to - qrs.from);
        }
    w->whole = j;
}

/* Median and worst but one of the QRS complexes' correlations with those they resemble most, median of the beats'. */
void ecg_gate_likeness(struct ecg_gate_window *w, double *out)
{
    const struct ecg_span qrs = ecg_gate_qrs(w->fs), beat = ecg_gate_beat(w->fs);
    float *rows = (float *)w->free;
    int count;
    find_whole(w);
    columns(w, qrs, rows);
    best_match(rows, qrs.to - qrs.from, w->whole, w->best);
    out[0] = out[1] = out[2] = 0.0;
    if (w->whole < LEAST_BEATS)
        return;
    memcpy(w->k, w->best, (size_t)w->whole * sizeof(double));
    out[0] = ecg_middle(w->k, w->whole);
    out[1] = w->k[1];
    count = columns(w, beat, rows);
    best_match(rows, beat.to - beat.from, count, w->k);
    if (count > 0)
        out[2] = ecg_middle(w->k, count);
}

/* Odd or unsure beats a second; logarithm of the tallest beats' height over the typical one. */
void ecg_gate_oddness(struct ecg_gate_window *w, const double *confidence, double *out)
{
    double typical;
    int i, odd = 0;
    out[0] = out[1] = 1.0;
    if (w->whole < LEAST_BEATS)
        return;
    memcpy(w->k, w->heights, (size_t)w->whole * sizeof(double));
    typical = ecg_larger(ecg_middle(w->k, w->whole), TINY);
    for (i = 0; i < w->whole; i++)
        odd += !(w->best[i] > ALIKE && w->heights[i] < SIZES_APART * typical &&
            SIZES_APART * w->heights[i] > typical && confidence[w->within[i]] > SURE);
    out[0] = odd / (w->n / w->fs);
    i = w->whole / 10 > 1 ? w->whole / 10 : 1;
    out[1] = ecg_log(w->k[w->whole - i] / typical + TINY);
}

static void mark_outside(const struct ecg_gate_window *w, unsigned char *outside)
{
    const struct ecg_span qrs = ecg_gate_qrs(w->fs);
    int i;
    memset(outside, 1, (size_t)w->n);
    for (i = 0; i < w->beats; i++) {
        int from = w->r[i] + qrs.from, to = w->r[i] + qrs.to;
        from = from < 0 ? 0 : from;
        to = to > w->n ? w->n : to;
        if (to > from)
            memset(outside + from, 0, (size_t)(to - from));
    }
}

/* Logarithm of the steepest hundredth outside of the QRS over the steepest sample of a typical one. */
static double steepness(const struct ecg_gate_window *w, const unsigned char *outside, float *slopes)
{
    const struct ecg_span qrs = ecg_gate_qrs(w->fs);
    int i, k, count = 0;
    double steepest;
    for (i = 0; i < w->whole; i++) {
        const float *x = w->x + w->r[w->within[i]] + qrs.from;
        float most = 0.0f;
        for (k = 1; k < qrs.to - qrs.from; k++) {
            const float slope = fabsf(x[k] - x[k - 1]);
            most = slope > most ? slope : most;
        }
        w->k[i] = (double)most;
    }
    steepest = ecg_larger(ecg_middle(w->k, w->whole), TINY);
    for (i = 1; i < w->n; i++) {
        slopes[count] = fabsf(w->x[i] - w->x[i - 1]);
        count += outside[i];
    }
    return ecg_log((double)ecg_select(slopes, count, (int)(0.99 * count)) / steepest + 0.01);
}

/* Share of what lies between beats that is taller than half of the typical R peak. */
static double tallness(const struct ecg_gate_window *w, const unsigned char *outside)
{
    int i, count = 0, tall = 0;
    float half;
    for (i = 0; i < w->beats; i++)
        w->k[i] = (double)fabsf(w->x[w->r[i] < w->n ? w->r[i] : w->n - 1]);
    half = (float)(ecg_middle(w->k, w->beats) / 2.0);
    for (i = 0; i < w->n; i++) {
        count += outside[i];
        tall += outside[i] && fabsf(w->x[i]) > half;
    }
    return (double)tall / count;
}

/* Sums of squares of how the signal bends between beats: all, and the median over seconds of their mean. */
static double bending(const struct ecg_gate_window *w, const unsigned char *outside, double *typical)
{
    const int size = (int)ecg_round(PIECE_S * w->fs), inner = w->n - 2;
    double all = 0.0, *known = w->free + w->n; /* behind the mask */
    int at, i, seconds = 0, count;
    for (at = 0; at < inner; at += size) {
        const int end = at + size < inner ? at + size : inner;
        double sum = 0.0;
        for (i = at, count = 0; i < end; i++) {
            const float bend = w->x[i + 2] - 2.0f * w->x[i + 1] + w->x[i];
            const double square = outside[i + 1] ? (double)bend * (double)bend : 0.0;
            all += square;
            sum += square;
            count += outside[i + 1];
        }
        if (end - at == size && count >= FEWEST)
            known[seconds++] = sum / count;
    }
    *typical = seconds > 0 ? sqrt(ecg_middle(known, seconds)) : sqrt(all / inner);
    return all;
}

/* What is left outside of the QRS, over a typical QRS: power, how fast, how steep, how tall, how fast mostly. */
void ecg_gate_between(struct ecg_gate_window *w, double *out)
{
    static const double nothing[] = {1.0, 1.0, 0.0, 1.0, 0.0};
    unsigned char *outside = (unsigned char *)w->free;
    double height, squares = 0.0, bend, typical;
    int i, count = 0, inner = 0;
    memcpy(out, nothing, sizeof(nothing));
    if (w->whole < LEAST_BEATS)
        return;
    mark_outside(w, outside);
    for (i = 0; i < w->n; i++) {
        squares += outside[i] ? (double)w->x[i] * (double)w->x[i] : 0.0;
        count += outside[i];
    }
    inner = count - outside[0] - outside[w->n - 1];
    if (inner < w->fs / 2.0)
        return;
    memcpy(w->k, w->heights, (size_t)w->whole * sizeof(double));
    height = ecg_larger(ecg_middle(w->k, w->whole), TINY);
    bend = bending(w, outside, &typical);
    out[0] = sqrt(squares / count) / height;
    out[1] = sqrt(bend / inner) / height;
    out[2] = steepness(w, outside, (float *)(w->free + w->n));
    out[3] = tallness(w, outside);
    out[4] = ecg_log(typical / height + 0.001);
}

/* SD and RMS of the differences over the mean, shortest, longest interval; zeros from fewer than two. */
void ecg_gate_intervals(const struct ecg_gate_window *w, const double *at, double *out)
{
    const int n = w->beats - 1;
    double *rr = w->k, sum, squares = 0.0, steps = 0.0, mean, low, high;
    int i;
    out[0] = out[1] = out[2] = out[3] = 0.0;
    if (n < 2)
        return;
    for (i = 0; i < n; i++)
        rr[i] = (at[i + 1] - at[i]) / w->fs;
    sum = ecg_sum(rr, n);
    mean = sum / n;
    low = high = rr[0];
    for (i = 0; i < n; i++) {
        squares += (rr[i] - mean) * (rr[i] - mean);
        if (i > 0)
            steps += (rr[i] - rr[i - 1]) * (rr[i] - rr[i - 1]);
        low = rr[i] < low ? rr[i] : low;
        high = rr[i] > high ? rr[i] : high;
    }
    out[0] = sqrt(squares / (n - 1)) / mean;
    out[1] = sqrt(steps / (n - 1)) / mean;
    out[2] = low;
    out[3] = high;
}

void ecg_gate_sureness(const struct ecg_gate_beats *beats, double *out)
{
    int i, unsure = 0;
    for (i = 0; i < beats->count; i++)
        unsure += beats->confidence[i] < SURE;
    out[0] = beats->count ? ecg_sum(beats->confidence, beats->count) / beats->count : 0.0;
    out[1] = beats->count ? (double)unsure / beats->count : 1.0;
}

