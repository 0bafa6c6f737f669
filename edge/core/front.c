#include "front.h"

#include "numbers.h"

#include <string.h>

/* Sums that are computed side by side: each waits for its own last addition only. */
#define WINDOWS 4
/* What a design may be: far more than any rate needs, and no product of two of them is beyond 2^40. */
#define MOST 1048576

int32_t ecg_front_held_room(const struct ecg_front_design *design, int32_t piece)
{
    /* What is held between two calls, an extension in front of it and one behind, and the piece. */
    return 4 * design->half + design->inside + piece;
}

int32_t ecg_front_smooth_room(const struct ecg_front_design *design, int32_t piece)
{
    return design->taps + design->taps / 2 + piece;
}

int ecg_front_init(struct ecg_front *front, const struct ecg_front_design *design, double *held, int32_t held_room,
    double *smooth, int32_t smooth_room)
{
    const struct ecg_front_design *d = design;
    if (d->up < 1 || d->down < 1 || d->half < 1 || d->inside < 1 || d->taps < 1 || d->taps % 2 == 0)
        return -1;
    if (d->up > MOST || d->down > MOST || d->half > MOST || d->inside > MOST || d->taps > MOST)
        return -1;
    /* From one output to the next, some samples must stay. */
    if (d->down / d->up + 2 > 2 * d->half)
        return -1;
    if (held_room < ecg_front_held_room(d, 1) || smooth_room < ecg_front_smooth_room(d, 1))
        return -1;
    front->design = *d;
    front->held = held;
    front->smooth = smooth;
    front->held_room = held_room;
    front->smooth_room = smooth_room;
    ecg_front_reset(front);
    return 0;
}

void ecg_front_reset(struct ecg_front *front)
{
    front->n_held = front->n_smooth = front->first = front->phase = 0;
    front->started = 0;
}

/* Outputs of the resampler when so many samples are held, the window of the next one beginning at `first`. */
static int64_t windows_within(const struct ecg_front *front, int64_t first, int64_t held)
{
    const struct ecg_front_design *d = &front->design;
    const int64_t spare = held - first - 2 * d->half;
    /* Output k begins (phase + k down) / up samples after the next one, a whole number. */
    return spare < 0 ? 0 : ((spare + 1) * d->up - front->phase + d->down - 1) / d->down;
}

/* Outputs of the FIR filter for the next `count` of the resampler's. */
static int64_t sums_within(const struct ecg_front *front, int64_t count)
{
    const int32_t taps = front->design.taps;
    const int64_t there = front->n_smooth > 0 ? front->n_smooth : taps / 2;
    return count > 0 && there + count >= taps ? there + count - taps + 1 : 0;
}

int64_t ecg_front_due(const struct ecg_front *front, int64_t count)
{
    const struct ecg_front_design *d = &front->design;
    const int64_t held = front->n_held + count;
    if (front->started)
        return sums_within(front, windows_within(front, front->first, held));
    return held < d->inside ? 0 : sums_within(front, windows_within(front, 1, held + d->half));
}

int64_t ecg_front_left(const struct ecg_front *front)
{
    const struct ecg_front_design *d = &front->design;
    const int64_t in_front = front->started ? 0 : d->half, first = front->started ? front->first : 1;
    int64_t windows;
    if (front->n_held == 0)
        return 0;
    windows = windows_within(front, first, front->n_held + in_front + d->half);
    /* The last value stands for what the FIR filter waits for. */
    return windows + front->n_smooth > 0 ? sums_within(front, windows + d->taps / 2) : 0;
}

/* The FIR filter's next `n` outputs: each the sum over the taps, first to last, with four of them added to all
 * outputs before the next four, for the processor to do several outputs at a time. */
ECG_WIDE static void fir_sums(const double *restrict x, const double *restrict fir, int32_t taps, int32_t n,
    double *restrict out)
{
    int32_t i, k;
    for (k = 0; k < n; k++)
        out[k] = x[k] * fir[0];
    for (i = 1; i + 4 <= taps; i += 4) {
        const double a = fir[i], b = fir[i + 1], c = fir[i + 2], d = fir[i + 3];
        const double *restrict from = x + i;
        for (k = 0; k < n; k++)
            out[k] = (((out[k] + from[k] * a) + from[k + 1] * b) + from[k + 2] * c) + from[k + 3] * d;
    }
    for (; i < taps; i++)
        for (k = 0; k < n; k++)
            out[k] += x[k + i] * fir[i];
}

/* Sums of the products of windows of samples with a kernel each, `WINDOWS` of them. */
static void window_sums(const double *const *x, const double *const *h, int32_t width, double *out)
{
    const double *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];
    const double *h0 = h[0], *h1 = h[1], *h2 = h[2], *h3 = h[3];
    double a = x0[0] * h0[0], b = x1[0] * h1[0], c = x2[0] * h2[0], d = x3[0] * h3[0];
    int32_t i;
    for (i = 1; i < width; i++) {
        a += x0[i] * h0[i];
        b += x1[i] * h1[i];
        c += x2[i] * h2[i];
        d += x3[i] * h3[i];
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

/* Find the window and the kernel of the next output, and step to the one after it. */
static void next_window(struct ecg_front *front, const double **x, const double **h)
{
    const struct ecg_front_design *d = &front->design;
    const int64_t phase = (int64_t)front->phase + d->down;
    *x = front->held + front->first;
    *h = d->kernels + (size_t)front->phase * 2 * (size_t)d->half;
    front->first += (int32_t)(phase / d->up);
    front->phase = (int32_t)(phase % d->up);
}

/* The next `n` outputs of the resampler. */
static void resample(struct ecg_front *front, int32_t n, double *out)
{
    const double *x[WINDOWS], *h[WINDOWS];
    double sums[WINDOWS];
    int32_t k, j, some;
    for (k = 0; k < n; k += WINDOWS) {
        some = n - k < WINDOWS ? n - k : WINDOWS;
        for (j = 0; j < some; j++)
            next_window(front, &x[j], &h[j]);
        for (; j < WINDOWS; j++)
            x[j] = x[0], h[j] = h[0];
        window_sums(x, h, 2 * front->design.half, sums);
        memcpy(out + k, sums, (size_t)some * sizeof *out);
    }
}

/* Filter what lies behind the resampler, keep what is needed again. */
static int64_t filter(struct ecg_front *front, double *out)
{
    const int32_t taps = front->design.taps, n = front->n_smooth - taps + 1;
    if (n < 1)
        return 0;
    fir_sums(front->smooth, front->design.fir, taps, n, out);
    front->n_smooth = taps - 1;
    memmove(front->smooth, front->smooth + n, (size_t)front->n_smooth * sizeof *out);
    return n;
}

static void repeat(double *out, int32_t count, double value)
{
    int32_t i;
    for (i = 0; i < count; i++)
        out[i] = value;
}

/* Compute all outputs that can be, forget the samples that no later one needs. */
static int64_t emit(struct ecg_front *front, double *out)
{
    const int32_t delay = front->design.taps / 2;
    int64_t due = windows_within(front, front->first, front->n_held), written = 0;
    if (due == 0)
        return 0;
    while (due > 0) {
        /* In front of the first output it is repeated, the FIR filter's memory has that much more room. */
        const int32_t at = front->n_smooth > 0 ? front->n_smooth : delay, room = front->smooth_room - at;
        const int32_t n = due < room ? (int32_t)due : room;
        resample(front, n, front->smooth + at);
        if (front->n_smooth == 0)
            repeat(front->smooth, delay, front->smooth[at]);
        front->n_smooth = at + n;
        written += filter(front, out + written);
        due -= n;
    }
    front->n_held -= front->first;
    memmove(front->held, front->held + front->first, (size_t)front->n_held * sizeof *front->held);
    front->first = 0;
    return written;
}

/* Continue level and hum beyond the edge that `x` begins at: `step` is 1 at the start of a segment, -1 at its end,
 * and `out` is written from the furthest sample on. Of too few samples, their mean goes on. */
static void extend(const struct ecg_front_design *d, const double *x, int32_t n, int step, double *out)
{
    int32_t i, j;
    for (i = 0; i < d->half; i++) {
        const double *row = d->beyond + (size_t)i * (size_t)d->inside;
        double sum = n < d->inside ? x[0] : row[0] * x[0];
        if (n < d->inside) {
            for (j = 1; j < n; j++)
                sum += x[step * j];
            sum /= n;
        } else {
            for (j = 1; j < d->inside; j++)
                sum += row[j] * x[step * j];
        }
        out[step * i] = sum;
    }
}

/* Extend the start of the segment. */
static void start(struct ecg_front *front)
{
    const int32_t half = front->design.half;
    memmove(front->held + half, front->held, (size_t)front->n_held * sizeof *front->held);
    extend(&front->design, front->held + half, front->n_held, 1, front->held);
    front->n_held += half;
    front->first = 1;
    front->started = 1;
}

int64_t ecg_front_feed(struct ecg_front *front, const double *samples, int64_t count, double *out)
{
    /* Room stays for an extension in front and one behind. */
    const int32_t room = front->held_room - 2 * front->design.half;
    int64_t written = 0;
    while (count > 0) {
        const int32_t free_room = room - front->n_held, n = count < free_room ? (int32_t)count : free_room;
        memcpy(front->held + front->n_held, samples, (size_t)n * sizeof *samples);
        front->n_held += n;
        samples += n;
        count -= n;
        if (!front->started && front->n_held < front->design.inside)
            break; /* all of them fit, see ecg_front_held_room */
        if (!front->started)
            start(front);
        written += emit(front, out + written);
    }
    return written;
}

int64_t ecg_front_finish(struct ecg_front *front, double *out)
{
    const int32_t half = front->design.half, delay = front->design.taps / 2;
    int64_t written = 0;
    if (front->n_held > 0) {
        if (!front->started)
            start(front);
        extend(&front->design, front->held + front->n_held - 1, front->n_held, -1,
            front->held + front->n_held + half - 1);
        front->n_held += half;
        written = emit(front, out);
    }
    if (front->n_smooth > 0) {
        repeat(front->smooth + front->n_smooth, delay, front->smooth[front->n_smooth - 1]);
        front->n_smooth += delay;
        written += filter(front, out + written);
    }
    ecg_front_reset(front);
    return written;
}
