/* Radio bytes of one wearable in, blocks of samples with their index out; no radio, no clock. The twin of
 * ecgedge_bridge/stream/decoder.py with the decoders of Polar's devices and of ecgedge's own frame.
 *
 * What is lost shows as a jump of `sample` by exactly that many. One link lasts for one stream, over any number of
 * connections.
 */
#ifndef ECG_LINK_H
#define ECG_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "ecg_core.h"

#define ECG_NOTIFICATION_MOST 514 /* bytes: the largest ATT MTU, 517, less 3 (Bluetooth Core, Vol 3, Part F) */

enum ecg_link_kind { ECG_LINK_POLAR, ECG_LINK_OWN };

struct ecg_link;

/* Samples in a row, in mV; they live until the call returns. */
struct ecg_block {
    int64_t sample; /* index of the first one, lost samples counted */
    const float *millivolt;
    int32_t count;
    double fs, fs_hat; /* nominal, and as the device's stamps show it so far */
    double host_time_s; /* arrival */
    const char *device;
};

struct ecg_link_stats {
    int64_t frames, samples, lost, duplicates, late, frame_errors, segments;
};

/* What takes blocks, and what takes events: ECG_EVENT_NOTE and ECG_EVENT_FRAME_LOST. */
typedef void (*ecg_take_block)(void *context, const struct ecg_block *block);

size_t ecg_link_bytes(void);

/* Begin a stream at a nominal rate in Hz; `device` is copied, as far as 255 bytes of it. NULL where bytes are too few,
 * or the rate is none. */
struct ecg_link *ecg_link_init(enum ecg_link_kind kind, double fs, const char *device, void *memory, size_t bytes,
    ecg_take_block take_block, ecg_take take_event, void *context);

/* Take a notification of the data characteristic, and its arrival on the host's monotonic clock in seconds. */
void ecg_link_receive(struct ecg_link *link, const uint8_t *data, size_t bytes, double host_time_s);

struct ecg_link_stats ecg_link_stats(const struct ecg_link *link);

#endif
