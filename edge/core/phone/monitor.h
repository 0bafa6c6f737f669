/* Samples of one wearer in, all events out: the twin of ecgedge/stream/pipeline.py with the stages of a Monitor.
 *
 * What a stream (stream.h) leaves to its caller is done here: gaps, single missing samples, the rate that the device
 * really has; and with a setup for a phone heart rate variability. Memory comes from the caller, as always.
 */
#ifndef ECG_MONITOR_H
#define ECG_MONITOR_H

#include "stream.h"

#define ECG_LAST_SAMPLE ((int64_t)1 << 53) /* doubles count no further */

/* Straight lines over one or two missing samples, see ecgedge/stream/intake.py. */
struct ecg_bridges {
    int64_t solid_from, first, count;
};

struct ecg_monitor {
    const struct ecg_setup *setup;
    struct ecg_stream *stream;
    ecg_take take;
    void *context;
    struct ecg_clock clock;
    double *waiting; /* samples since the last tick */
    int32_t waits, wanted, room;
    struct ecg_bridges bridges;
    int in_segment, has_next, is_missing, not_finite;
    int64_t next, taken_to, missing_from;
    double last;
    int64_t lost, bridged; /* samples, since the stream began */
};

size_t ecg_monitor_bytes(const struct ecg_setup *setup);

/* Begin the stream of a wearer in memory that is aligned for a double; NULL where `bytes` are too few. */
struct ecg_monitor *ecg_monitor_init(const struct ecg_setup *setup, void *memory, size_t bytes, ecg_take take,
    void *context);

/* Take samples in mV, the first of which has the index `sample`; -1: they go on where those before ended. `fs_hat` is
 * the rate that was measured so far, 0 where only the nominal one is known; `device` names the wearable.
 * Returns 0, or -1 where the index is none, or the rate is more than 10 % off: then nothing was taken. */
int ecg_monitor_feed(struct ecg_monitor *monitor, int64_t sample, const float *millivolt, int32_t count, double fs_hat,
    const char *device);

/* Tell what is pending. Samples that come after it begin another segment in the same numbering. */
void ecg_monitor_finish(struct ecg_monitor *monitor);

#endif
