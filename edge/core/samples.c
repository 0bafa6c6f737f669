#include "samples.h"

#include "numbers.h"

#include <math.h>

ECG_WIDE int ecg_within(const double *samples, int64_t count, double limit)
{
    int64_t i;
    int beyond = 0;
    for (i = 0; i < count; i++)
        beyond |= !(fabs(samples[i]) <= limit); /* so is what is no number */
    return !beyond;
}

static void write_both(float *store, int64_t capacity, const double *samples, int64_t count, double less)
{
    int64_t i;
    for (i = 0; i < count; i++)
        store[i] = store[i + capacity] = (float)(samples[i] - less);
}

void ecg_ring_write(float *store, int64_t capacity, int64_t written, const double *samples, int64_t count, double less)
{
    const int64_t over = count > capacity ? count - capacity : 0; /* more than fits: only the end of it */
    const int64_t at = (written + over) % capacity, kept = count - over;
    const int64_t before_end = kept < capacity - at ? kept : capacity - at;
    write_both(store + at, capacity, samples + over, before_end, less);
    write_both(store, capacity, samples + over + before_end, kept - before_end, less);
}

float ecg_range(const float *samples, int64_t count)
{
    float low = samples[0], high = samples[0];
    int64_t i;
    for (i = 1; i < count; i++) {
        low = samples[i] < low ? samples[i] : low;
        high = samples[i] > high ? samples[i] : high;
    }
    return high - low;
}

double ecg_amplitude(const float *samples, int64_t count, int64_t size, double floor)
{
    float sorted[ECG_MOST_PIECES], median;
    const int pieces = (int)(count / size), middle = pieces / 2;
    int i, j;
    for (i = 0; i < pieces; i++) {
        const float height = ecg_range(samples + count % size + i * size, size);
        for (j = i; j > 0 && sorted[j - 1] > height; j--)
            sorted[j] = sorted[j - 1];
        sorted[j] = height;
    }
    median = pieces % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2.0f;
    return median > floor ? median : floor;
}

void ecg_scale(const float *samples, int64_t count, float amplitude, float clip, float *out)
{
    int64_t i;
    for (i = 0; i < count; i++) {
        const float scaled = samples[i] / amplitude;
        out[i] = scaled < -clip ? -clip : scaled > clip ? clip : scaled;
    }
}
