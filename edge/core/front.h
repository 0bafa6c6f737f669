/* The path that every sample takes first: a rational resampler, then a linear-phase FIR filter that removes the
 * baseline.
 *
 * The same samples give the same output, bit for bit, however they are cut: every output is one sum of products,
 * first to last. Its twin in Python, with the reasons for the design, is in ecgedge/stream/filters.py.
 */
#ifndef ECG_FRONT_H
#define ECG_FRONT_H

#include <stddef.h>
#include <stdint.h>

/* What both filters multiply by: constants that may lie in flash. `up` outputs come for `down` samples. */
struct ecg_front_design {
    int32_t up, down, half, inside, taps;
    const double *kernels; /* up x 2 half: the kernel of each phase */
    const double *beyond;  /* half x inside: continues level and hum to before the first samples, in their order */
    const double *fir;     /* taps, an odd number: the impulse response, its last value first */
};

/* Samples that filters have taken and still need, in memory of the caller. */
struct ecg_front {
    struct ecg_front_design design;
    double *held, *smooth;                        /* before the resampler, and behind it */
    int32_t held_room, smooth_room, n_held, n_smooth;
    int32_t first;                                /* where in `held` the window of the next output begins */
    int32_t phase;                                /* which kernel is the next one */
    int started;                                  /* whether `held` begins with the extension of the edge */
};

/* Doubles that the two memories need at least to take `piece` samples and outputs at a time. */
int32_t ecg_front_held_room(const struct ecg_front_design *design, int32_t piece);
int32_t ecg_front_smooth_room(const struct ecg_front_design *design, int32_t piece);

/* Begin with filters of a design. Returns 0, or -1 if it is none: then nothing may be done with them. */
int ecg_front_init(struct ecg_front *front, const struct ecg_front_design *design, double *held, int32_t held_room,
    double *smooth, int32_t smooth_room);

/* Forget everything: the next sample starts a new segment. */
void ecg_front_reset(struct ecg_front *front);

/* Outputs that come of the next `count` samples, at most 2^40. */
int64_t ecg_front_due(const struct ecg_front *front, int64_t count);

/* Take samples, write what has become computable; returns how many outputs that are. */
int64_t ecg_front_feed(struct ecg_front *front, const double *samples, int64_t count, double *out);

/* Outputs that are still held back. */
int64_t ecg_front_left(const struct ecg_front *front);

/* Write them: level and hum of the end go on for what never came. A new segment begins. */
int64_t ecg_front_finish(struct ecg_front *front, double *out);

#endif
