/* SPDX-License-Identifier: Apache-2.0
 *
 * ecgedge on a phone: a wearable's notifications in, events and samples out. C99; no allocation, no clock, no thread,
 * no radio. `ecgedge-export bundle --native` writes all that is compiled with it, for the rates that it is given.
 *
 *     struct ecg_phone *phone = ecg_phone_init(&ecg_setup_130, ECG_LINK_POLAR, "Polar H10", memory, bytes, takes);
 *     ecg_phone_receive(phone, data, length, host_time_s);    for each notification of the data characteristic
 *     ecg_phone_finish(phone);                                at the end
 *
 * Lines are those of `ecgedge replay --json` for the same notifications, byte for byte: events.schema.json says what
 * is in them. What is to be written to which characteristic before notifications come is in sessions.json.
 *
 * Compile everything with -ffp-contract=off and without -ffast-math, or other bits come out. Not a medical device.
 */
#ifndef ECG_PHONE_H
#define ECG_PHONE_H

#include "ecg_core.h"
#include "ecg_link.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_NO_LINK (-1) /* samples come from elsewhere: ecg_phone_samples() */

struct ecg_phone; /* one wearer, for one stream, over any number of connections */

/* Whom to tell; either may be NULL. What is handed over lives until the call returns. None may call back. */
struct ecg_phone_takes {
    void *context;
    /* An event, and its line of JSON, with a newline and a zero behind it. */
    void (*line)(void *context, const struct ecg_event *event, const char *line, size_t length);
    /* Samples that have found their place, to be drawn or kept. */
    void (*block)(void *context, const struct ecg_block *block);
};

/* Bytes of memory that a wearer takes: 1.2 MB at 130 Hz, most of it for what may go wrong with a radio. */
size_t ecg_phone_bytes(const struct ecg_setup *setup);

/* Begin a stream in memory that is aligned for a double. `kind` is one of enum ecg_link_kind, or ECG_NO_LINK; the
 * setup's rate is that of the wearable. `device` is the name that notes carry. NULL where `bytes` are too few. */
struct ecg_phone *ecg_phone_init(const struct ecg_setup *setup, int kind, const char *device, void *memory,
    size_t bytes, struct ecg_phone_takes takes);

/* Take a notification, and its arrival on a monotonic clock in seconds. Returns 0, or -1 where the device's own rate
 * is more than 10 % off the setup's, or there is no link: then its samples were not analysed. */
int ecg_phone_receive(struct ecg_phone *phone, const uint8_t *data, size_t bytes, double host_time_s);

/* Take samples in mV that were decoded elsewhere. `sample` is the index of the first one, lost ones counted, or -1:
 * they go on where those before ended. `fs_hat` is the rate that was measured so far, 0 where none was.
 * Returns 0, or -1 where the index is none, or the rate is more than 10 % off: then nothing was taken. */
int ecg_phone_samples(struct ecg_phone *phone, int64_t sample, const float *millivolt, int32_t count, double fs_hat);

/* Tell what is pending. What comes after it begins another segment. */
void ecg_phone_finish(struct ecg_phone *phone);

/* Counts of the link so far; zeros without one. */
struct ecg_link_stats ecg_phone_stats(const struct ecg_phone *phone);

/* Nominal rate of a setup in Hz. */
double ecg_setup_fs(const struct ecg_setup *setup);

#ifdef __cplusplus
}
#endif

#endif /* ECG_PHONE_H */
