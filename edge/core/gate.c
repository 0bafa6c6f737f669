#include "gate.h"

#include <math.h>
#include <string.h>

#include "gate_window.h"
#include "numbers.h"
#include "order.h"

/* Named and explained in ecgedge/gate/features.py. */
static const double TINY = 1e-9;
enum { PIECES = 10 };

static size_t doubles(size_t bytes)
{
    return (bytes + sizeof(double) - 1) / sizeof(double);
}

static size_t per_beat(int beats)
{
    return 2 * doubles((size_t)beats * sizeof(int)) + 3 * (size_t)beats;
}

/* Scratch that one step after the other uses: rows of beats, signal without its mean with its transform, samples. */
static size_t shared(int n, int beats, double fs)
{
    const struct ecg_span span = ecg_gate_beat(fs);
    const size_t rows = doubles((size_t)(span.to - span.from + 1) * (size_t)beats * sizeof(float));
    const size_t spectral = 3 * (size_t)n + (size_t)(n / 2) + 4;
    return rows > spectral ? rows : spectral;
}

size_t ecg_gate_memory(int n, int beats, double fs)
{
    return 2 * (size_t)n + per_beat(beats) + shared(n, beats, fs);
}

void ecg_gate_plan(struct ecg_gate *gate, double fs, int n, int beats, double *memory)
{
    gate->fs = fs;
    gate->longest = n;
    gate->beats = beats;
    gate->table = memory;
    gate->room = memory == NULL ? NULL : memory + 2 * n;
    gate->spectrum.n = 0;
}

static int bin_of(const struct ecg_gate_window *w, double hz)
{
    const int bin = (int)ecg_round(hz * w->n / w->fs), last = w->n / 2 + 1;
    return bin < last ? bin : last;
}

/* Logarithm of the kurtosis, and shares of the power below 3, from 5 to 15 and above 20 Hz. */
static void spectral(struct ecg_gate_window *w, double *out)
{
    const int n = w->n, below = bin_of(w, 3.0), from = bin_of(w, 5.0), to = bin_of(w, 15.0), above = bin_of(w, 20.0);
    double *centred = w->free, *power = centred + n, *work = power + n / 2 + 2;
    double mean = (double)w->x[0], squares = 0.0, fourth = 0.0, ends = 0.0, sum = 0.0, variance, total, high;
    int i;
    for (i = 1; i < n; i++)
        mean += (double)w->x[i];
    mean /= n;
    for (i = 0; i < n; i++) {
        const double c = (double)w->x[i] - mean, square = c * c;
        centred[i] = c;
        squares += square;
        fourth += square * square;
        sum += c;
        ends += i % 2 ? -c : c;
    }
    variance = squares / n + TINY * TINY;
    /* Parseval's theorem: what is not below 20 Hz lies above it. */
    total = 0.5 * (n * squares + sum * sum + (n % 2 ? 0.0 : ends * ends));
    ecg_spectrum_powers(&w->gate->spectrum, centred, work, above, power);
    high = ecg_larger(total - ecg_sum(power, above), 0.0);
    total += TINY;
    out[0] = ecg_log(ecg_larger(fourth / n / (variance * variance), 1.0));
    out[1] = ecg_sum(power, below) / total;
    out[2] = ecg_sum(power + from, to > from ? to - from : 0) / total;
    out[3] = high / total;
}

/* Logarithms of the range of the liveliest and the dullest piece over the typical one, wander, spread of ranges. */
static void unevenness(const struct ecg_gate_window *w, double *out)
{
    const int size = w->n / PIECES;
    double ranges[PIECES], levels[PIECES], middle_range, mean, squares = 0.0;
    float *piece = (float *)w->free;
    int i;
    for (i = 0; i < PIECES; i++) {
        memcpy(piece, w->x + i * size, (size_t)size * sizeof(float));
        ranges[i] = (double)ecg_range(piece, size) + 1e-6;
        levels[i] = (double)ecg_select(piece, size, size / 2);
    }
    mean = ecg_sum(levels, PIECES) / PIECES;
    for (i = 0; i < PIECES; i++)
        squares += (levels[i] - mean) * (levels[i] - mean);
    middle_range = ecg_middle(ranges, PIECES);
    out[0] = ecg_log(ranges[PIECES - 1] / middle_range);
    out[1] = ecg_log(middle_range / ranges[0]);
    out[2] = sqrt(squares / PIECES) / middle_range;
    out[3] = (ranges[PIECES - 3] - ranges[2]) / middle_range;
}

void ecg_gate_features(struct ecg_gate *gate, const float *x, int n, const struct ecg_gate_beats *beats,
    double *features)
{
    struct ecg_gate_window w = {.gate = gate, .x = x, .n = n, .beats = beats->count, .fs = gate->fs};
    const size_t counts = doubles((size_t)beats->count * sizeof(int));
    double between[5];
    int i;
    w.r = (int *)gate->room;
    w.within = (int *)(gate->room + counts);
    w.heights = gate->room + 2 * counts;
    w.best = w.heights + beats->count;
    w.k = w.best + beats->count;
    w.free = w.k + beats->count;
    for (i = 0; i < w.beats; i++)
        w.r[i] = (int)ecg_round(beats->at[i]);
    if (gate->spectrum.n != n)
        ecg_spectrum_plan(&gate->spectrum, n, gate->table);
    ecg_gate_sureness(beats, features);
    ecg_gate_likeness(&w, features + 2);
    ecg_gate_between(&w, between);
    memcpy(features + 5, between, 2 * sizeof(double));
    spectral(&w, features + 7);
    unevenness(&w, features + 11);
    ecg_gate_intervals(&w, beats->at, features + 15);
    features[19] = w.beats * w.fs / n;
    ecg_gate_oddness(&w, beats->confidence, features + 20);
    memcpy(features + 22, between + 2, 3 * sizeof(double));
}
