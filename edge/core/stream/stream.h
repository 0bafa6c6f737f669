/* One stream: the twin of Pipeline, BeatStage, BeatClassStage, QualityStage and RhythmStage in Python, with their
 * default settings. ecg_core.h is what a caller sees of it.
 *
 * A tick is a second of filtered signal. At each, beats are looked for, then named, then quality and rhythm of the
 * windows that have become complete. The stages take turns with one piece of memory, `scratch`.
 */
#ifndef ECG_STREAM_H
#define ECG_STREAM_H

#include "clock.h"
#include "detector.h"
#include "ecg_core.h"
#include "history.h"
#include "setup.h"

#define ECG_STREAM_PIECE 32     /* samples that go through the filters at a time */
#define ECG_STREAM_FILTERED 256 /* what may come of them, and of the end of a segment */
#define ECG_STREAM_APART 11     /* two beats are further apart, in filtered samples */
#define ECG_STREAM_VERDICTS 8   /* that may lie in a window */

/* When a window is due, see ecgedge/stream/windowing.py. */
struct ecg_windows {
    int32_t length, hop, shortest;
    int64_t end; /* of the next one */
};

struct ecg_stretch {
    int64_t start, end; /* positions: filtered samples since the segment's start */
};

struct ecg_verdict_kept {
    struct ecg_stretch at;
    int accepted;
    double score;
};

/* A beat that waits for its class. */
struct ecg_held_beat {
    int there;
    double position;
    struct ecg_beat_event event;
};

/* The label held, see ecgedge/rhythm/decision.py; -1 is none. */
struct ecg_hysteresis {
    int label, rival, count;
    double longest;
};

struct ecg_stream {
    const struct ecg_setup *setup;
    ecg_take take;
    void *context;
    struct ecg_front front;
    double filtered[ECG_STREAM_FILTERED];
    float *kept, *raw;           /* mirrored rings, see kept.h */
    int64_t written, raw_written;
    struct ecg_found_beat *found; /* a ring of the newest ones */
    uint8_t *roles;               /* of the same beats: enum ecg_role, ECG_UNNAMED before they have one */
    int32_t found_room;
    int64_t n_found;
    const struct ecg_clock *clock; /* NULL: the rate is the nominal one */
    void *further;                 /* memory of setup->further */
    int64_t first_sample, end_sample; /* the latter is known once the segment ends */
    double first_value;               /* taken off before float32, as raw counts may lie far from zero */
    int ended;
    struct ecg_detector detector;
    struct ecg_history history;
    struct ecg_held_beat held;
    int32_t in_row; /* ventricular beats since the last other one */
    struct ecg_windows gate_windows, rhythm_windows;
    int has_before;
    double before; /* log odds of the window before */
    struct ecg_verdict_kept verdicts[ECG_STREAM_VERDICTS];
    int64_t n_verdicts;
    struct ecg_hysteresis hysteresis;
    double fibrillation; /* its probability in the last window named */
    int named, refused;  /* whether something of this segment was named; whether a window was refused */
    struct ecg_stretch last_refused;
    void *scratch;
};

/* Bytes of scratch that each stage needs. */
size_t ecg_stream_beats_room(const struct ecg_setup *setup);
size_t ecg_stream_gate_room(const struct ecg_setup *setup);
size_t ecg_stream_rhythm_room(const struct ecg_setup *setup);

/* Begin a segment. */
void ecg_stream_start_beats(struct ecg_stream *stream);
void ecg_stream_start_gate(struct ecg_stream *stream);
void ecg_stream_start_rhythm(struct ecg_stream *stream);

/* Look at what a tick brought; the last time with `ended`. */
void ecg_stream_beats(struct ecg_stream *stream);
void ecg_stream_gate(struct ecg_stream *stream);
void ecg_stream_rhythm(struct ecg_stream *stream);

/* What stages ask of a segment. Position up to which all beats are known; the caller's index of a position. */
int64_t ecg_stream_settled(const struct ecg_stream *stream);
int64_t ecg_stream_sample(const struct ecg_stream *stream, double position);

/* Seconds since sample 0 of a sample, and from one position to a later one, at the rate that the device really has. */
double ecg_stream_seconds(const struct ecg_stream *stream, int64_t sample);
double ecg_stream_seconds_between(const struct ecg_stream *stream, double start, double end);

/* Tell an event that lasts from one sample to another. */
void ecg_stream_tell(struct ecg_stream *stream, struct ecg_event *event, int64_t start, int64_t end);

/* The number of the oldest beat that is kept, and whether the i-th lies in a stretch. */
int64_t ecg_stream_oldest_beat(const struct ecg_stream *stream);
int ecg_stream_has_beat(const struct ecg_stream *stream, int64_t i, struct ecg_stretch at);

/* Take up to ECG_STREAM_PIECE samples in mV, all of them numbers of at most 1e12. */
void ecg_stream_take(struct ecg_stream *stream, const double *piece, int32_t count);

/* Samples from a position on. */
const float *ecg_stream_view(const struct ecg_stream *stream, int64_t start);

/* Write positions from `start`, and how sure they are where that is asked for, of the beats of a stretch; returns how
 * many, at most `most`. */
int ecg_stream_beats_between(const struct ecg_stream *stream, struct ecg_stretch at, int most, double *positions,
    double *confidence);

/* Whether a stretch shows sinus rhythm: 1, 0, or -1 where P waves would lie on T waves. */
int ecg_stream_looks_sinus(struct ecg_stream *stream, struct ecg_stretch at);

/* Beats that a stretch of so many samples has at most. */
int32_t ecg_stream_most_beats(int32_t samples);

/* Whether a window is due; then where it lies. */
int ecg_windows_due(struct ecg_windows *windows, const struct ecg_stream *stream, struct ecg_stretch *at);

static inline size_t ecg_larger_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Bytes, rounded up to whole doubles. */
static inline size_t ecg_whole(size_t bytes)
{
    return (bytes + sizeof(double) - 1) / sizeof(double) * sizeof(double);
}

#endif
