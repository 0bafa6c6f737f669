/* The last samples of a segment, as the mirrored ring keeps them: sample i lies at i % capacity, and once more one
 * capacity behind that, so that any stretch of those kept lies in one piece.
 */
#ifndef ECG_KEPT_H
#define ECG_KEPT_H

#include <stdint.h>

struct ecg_kept {
    const float *samples; /* 2 * capacity of them */
    int64_t capacity;     /* at least 1 */
    int64_t written;      /* samples of the segment so far; the last `capacity` of them are kept */
};

/* Position of the oldest sample kept. */
static inline int64_t ecg_oldest(const struct ecg_kept *kept)
{
    return kept->written > kept->capacity ? kept->written - kept->capacity : 0;
}

/* Where a sample lies that is kept, and those after it. */
static inline const float *ecg_sample(const struct ecg_kept *kept, int64_t at)
{
    return kept->samples + at % kept->capacity;
}

/* Copy samples `start` to `end`, with the outermost kept ones repeated for those that are not. Returns 0, or -1
 * where none of them is kept. */
static inline int ecg_extended(const struct ecg_kept *kept, int64_t start, int64_t end, float *out)
{
    const int64_t oldest = ecg_oldest(kept), low = start > oldest ? start : oldest;
    const int64_t high = end < kept->written ? end : kept->written;
    const float *x;
    int64_t i;
    if (low >= high)
        return -1;
    x = ecg_sample(kept, low);
    for (i = start; i < low; i++)
        *out++ = x[0];
    for (i = low; i < high; i++)
        *out++ = x[i - low];
    for (i = high; i < end; i++)
        *out++ = x[high - 1 - low];
    return 0;
}

#endif
