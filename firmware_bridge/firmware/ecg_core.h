/* SPDX-License-Identifier: Apache-2.0
 *
 * ecgedge on a microcontroller: samples in, beats, quality and rhythm out. C99; no allocation, no clock, no thread,
 * no library but sqrt, fabs and the like. `ecgedge-export firmware --fs 130 FOLDER` writes all that is compiled with
 * it, models included, for one sampling rate; ecg_setup.h there says how much memory a stream takes.
 *
 *     static double memory[ECG_STREAM_DOUBLES];
 *
 *     static void take(void *context, const struct ecg_event *event)
 *     {
 *         if (event->kind == ECG_EVENT_BEAT)
 *             led_blink(event->of.beat.name == 'V');
 *     }
 *
 *     struct ecg_stream *stream = ecg_stream_init(&ecg_setup, memory, sizeof memory, take, 0);
 *     for (;;)
 *         ecg_stream_feed(stream, millivolt, read_samples(millivolt));
 *
 * Events are those of ecgedge.Monitor on a Pi, fed with the same float32 samples: the same bits, however the samples
 * are cut. Of each event that holds for
 *   beat      all fields;
 *   quality   all fields;
 *   rhythm    all fields, for a Monitor that was not told whose ECG it is.
 * The Pi says more than this does: heart rate variability, the reasons of a refusal, whether a slow or fast rhythm is
 * sinus rhythm, notes, and odds for the wearer's age. It also bridges one or two missing samples; here a gap ends a
 * segment: ecg_stream_finish(), then ecg_stream_reset(). Intervals are those of the nominal rate.
 *
 * Compile everything with -ffp-contract=off and without -ffast-math, or other bits come out. Not a medical device.
 */
#ifndef ECG_CORE_H
#define ECG_CORE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_MOST_CLASSES 8 /* of a rhythm model */

enum ecg_event_kind { ECG_EVENT_BEAT, ECG_EVENT_QUALITY, ECG_EVENT_RHYTHM };

/* An R peak, told when the next one has come, or after a pause of 2 s. */
struct ecg_beat_event {
    int64_t sample;
    double rr_ms;      /* since the beat before it; 0 for the first of a segment */
    double confidence; /* of the detector, 0 to 1 */
    char name;         /* its class: N, S, V, F or Q */
};

/* What the noise gate found of ten seconds, or of what was left over at a segment's end. */
struct ecg_quality_event {
    int64_t start, end;
    int accepted;   /* whether its rhythm can be told */
    int morphology; /* whether the shape of its beats can be trusted too */
    double score;   /* probability that its rhythm can be told */
};

/* What the network found of up to 30.4 s, each ten seconds, without what the gate refused. */
struct ecg_rhythm_event {
    int64_t start, end;
    int classes;                            /* how many there are */
    double probabilities[ECG_MOST_CLASSES]; /* in the order of ecg_rhythm_names() */
    char label;                             /* the class held: another one must be sure, or come twice */
    char window_label;                      /* the most probable one of this window */
    int conclusive;                         /* whether it was probable enough to count */
    int changed;                            /* whether it changed the label */
    int af;                                 /* atrial fibrillation: 1, 0, or -1 where that cannot be told */
    double heart_rate_bpm;                  /* 0 where there are no two beats */
};

struct ecg_event {
    enum ecg_event_kind kind;
    union {
        struct ecg_beat_event beat;
        struct ecg_quality_event quality;
        struct ecg_rhythm_event rhythm;
    } of;
};

/* Takes an event. It lives until this returns. Must not call back into its stream. */
typedef void (*ecg_take)(void *context, const struct ecg_event *event);

struct ecg_setup;  /* rate, filters and models: constant, may lie in flash; any number of streams share one */
struct ecg_stream; /* one wearer; streams share nothing that changes */

/* Bytes of memory that a stream takes. */
size_t ecg_stream_bytes(const struct ecg_setup *setup);

/* Begin the stream of a wearer, at sample 0, in memory that is aligned for a double. NULL where `bytes` are too few. */
struct ecg_stream *ecg_stream_init(const struct ecg_setup *setup, void *memory, size_t bytes, ecg_take take,
    void *context);

/* Take samples in mV. Returns how many were taken: fewer where one is no number, or beyond 1e12. That one is a gap. */
int32_t ecg_stream_feed(struct ecg_stream *stream, const float *millivolt, int32_t count);

/* End the segment: what is pending is told. Then reset, or feed no more. */
void ecg_stream_finish(struct ecg_stream *stream);

/* Begin another segment of the same wearer, after a gap: its first sample has this index. The rhythm's label stays. */
void ecg_stream_reset(struct ecg_stream *stream, int64_t first_sample);

/* The classes of the rhythm model, a letter each, in the order of their probabilities; "" where there is no model. */
const char *ecg_rhythm_names(const struct ecg_setup *setup);

#ifdef __cplusplus
}
#endif

#endif /* ECG_CORE_H */
