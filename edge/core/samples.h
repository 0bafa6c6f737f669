/* What is done with runs of samples: checked, kept, scaled. Twins in Python: ecgedge/stream. */
#ifndef ECG_SAMPLES_H
#define ECG_SAMPLES_H

#include <stdint.h>

#define ECG_MOST_PIECES 64 /* of a stretch whose amplitude is taken: two minutes of 2 s */

/* Whether all samples are numbers, and none is beyond a limit. */
int ecg_within(const double *samples, int64_t count, double limit);

/* Append samples, less a constant, to a ring that stores each twice, `capacity` apart, so that any stretch of it lies
 * in one piece; `written` samples came before. See ecgedge/stream/ring.py. */
void ecg_ring_write(float *store, int64_t capacity, int64_t written, const double *samples, int64_t count, double less);

/* Highest less lowest of samples, one at least. */
float ecg_range(const float *samples, int64_t count);

/* Median over pieces of `size` samples of their peak-to-peak amplitude, at least `floor`; what is left over at the
 * start has no say. At most ECG_MOST_PIECES pieces, and one at least. */
double ecg_amplitude(const float *samples, int64_t count, int64_t size, double floor);

/* Samples over an amplitude, cut to -clip to clip. */
void ecg_scale(const float *samples, int64_t count, float amplitude, float clip, float *out);

#endif
