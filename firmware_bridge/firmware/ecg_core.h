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
 * Events are those of ecgedge.Monitor on a Pi, fed with the same float32 samples, for a Monitor that was not told whose
 * ECG it is: all their fields, the same bits, however the samples are cut. The Pi says more than this does: heart rate
 * variability and notes. It also bridges one or two missing samples, and stretches intervals by the rate that the
 * device really has; here a gap ends a segment (ecg_stream_finish(), then ecg_stream_reset()), and intervals are those
 * of the nominal rate. `ecgedge-export bundle` has all of that in C too, for a phone.
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
#define ECG_MOST_REASONS 3

/* Those after the first three come on a phone only, see ecg_phone.h. */
enum ecg_event_kind {
    ECG_EVENT_BEAT,
    ECG_EVENT_QUALITY,
    ECG_EVENT_RHYTHM,
    ECG_EVENT_HRV,
    ECG_EVENT_GAP,
    ECG_EVENT_NOTE,
    ECG_EVENT_FRAME_LOST
};

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
    int n_reasons;  /* what speaks against it, the worst first; none where it is accepted */
    const char *reasons[ECG_MOST_REASONS];
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
    int rate;                               /* 1 from 100 beats a minute on, -1 below 50, else 0 */
    int sinus;                              /* whether the label is sinus rhythm, whatever its rate; -1 of noise, and
                                               where that cannot be told */
};

/* Heart rate variability of the last minutes; NaN where a measure cannot be computed. */
struct ecg_hrv_event {
    int64_t start, end;
    int n_rr, n_nn;
    double usable, mean_nn_ms, sdnn_ms, rmssd_ms, sdsd_ms, pnn20, pnn50, cvnn, cvsd;
    double median_nn_ms, mad_nn_ms, iqr_nn_ms, sd1_ms, sd2_ms, sample_entropy, lf_ms2, hf_ms2, lf_hf;
};

/* Signal that is missing. */
struct ecg_gap_event {
    int64_t start, end;
    const char *reason;
};

/* Something to be known of a stream that goes on, or a frame that could not be read. */
struct ecg_note_event {
    int64_t sample;
    const char *code, *detail, *device;
};

struct ecg_event {
    enum ecg_event_kind kind;
    double time_s, end_time_s; /* since sample 0; the same where it does not last */
    union {
        struct ecg_beat_event beat;
        struct ecg_quality_event quality;
        struct ecg_rhythm_event rhythm;
        struct ecg_hrv_event hrv;
        struct ecg_gap_event gap;
        struct ecg_note_event note; /* ECG_EVENT_NOTE and ECG_EVENT_FRAME_LOST */
    } of;
};

/* Takes an event. It lives until this returns; texts without `detail` and `device` live on. Must not call back into
 * its stream. */
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
