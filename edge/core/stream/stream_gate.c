/* Quality: the twin of ecgedge/gate/stage.py. */
#include <string.h>

#include "stream.h"

static const double CLIPPED = 0.1, CUT_SHAPES = 0.01, MOSTLY = 0.5;
static const float LARGE = 1e4f; /* raw counts: squares of more would not fit float32, and features have no unit */
enum { REMAINDER = 200 };

/* Samples before the filters that lie in a window. */
static int32_t raw_window(const struct ecg_setup *setup)
{
    return (int32_t)((double)setup->gate.window * setup->fs_in / setup->fs) + 2;
}

static size_t clipping_room(const struct ecg_setup *setup)
{
    const int32_t n = raw_window(setup);
    return (size_t)(n > ECG_CLIPPING_ROOM ? n : ECG_CLIPPING_ROOM) * sizeof(float);
}

size_t ecg_stream_gate_room(const struct ecg_setup *setup)
{
    const int32_t n = setup->gate.window, most = ecg_stream_most_beats(n);
    const size_t judging = 2 * (size_t)most * sizeof(double) + ecg_whole((size_t)n * sizeof(float)) +
        ecg_gate_memory(n, most, setup->fs) * sizeof(double);
    return ecg_larger_size(judging, ecg_whole(clipping_room(setup)));
}

void ecg_stream_start_gate(struct ecg_stream *s)
{
    s->gate_windows.length = s->gate_windows.hop = s->setup->gate.window;
    s->gate_windows.shortest = REMAINDER;
    s->gate_windows.end = s->setup->gate.window;
    s->has_before = 0;
}

/* Share of a window that lies on a rail of the converter. */
static double clipped_share(struct ecg_stream *s, struct ecg_stretch w)
{
    const int64_t low = ecg_stream_sample(s, (double)w.start) - s->first_sample;
    const int64_t high = ecg_stream_sample(s, (double)w.end) - s->first_sample;
    const int64_t oldest = s->raw_written > s->setup->raw ? s->raw_written - s->setup->raw : 0;
    const int64_t from = low > oldest ? low : oldest;
    double held_s;
    return ecg_clipping(s->raw + from % s->setup->raw, high > from ? (int)(high - from) : 0, s->setup->fs_in,
        s->scratch, &held_s);
}

/* Raw counts are brought to the size of millivolts. */
static const float *tamed(const float *x, int n, float *room)
{
    float low = x[0], high = x[0], most;
    int i;
    for (i = 1; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    most = high > -low ? high : -low;
    if (!(most > LARGE))
        return x;
    for (i = 0; i < n; i++)
        room[i] = x[i] / most;
    return room;
}

static void judge(struct ecg_stream *s, struct ecg_stretch w, struct ecg_gate_verdict *verdict)
{
    const struct ecg_setup *const setup = s->setup;
    const int32_t most = ecg_stream_most_beats(setup->gate.window);
    const int n = (int)(w.end - w.start);
    double *const at = s->scratch, *const confidence = at + most;
    float *const room = (float *)(confidence + most);
    double *const memory = confidence + most + ecg_whole((size_t)setup->gate.window * sizeof(float)) / sizeof(double);
    struct ecg_gate_beats beats = {at, confidence, 0};
    struct ecg_gate gate;
    double features[ECG_GATE_FEATURES];
    beats.count = ecg_stream_beats_between(s, w, most, at, confidence);
    ecg_gate_plan(&gate, setup->fs, setup->gate.window, most, memory);
    ecg_gate_features(&gate, tamed(ecg_stream_view(s, w.start), n, room), n, &beats, features);
    ecg_gate_judge(setup->gate.model, features, s->has_before ? &s->before : NULL, verdict);
}

/* The one reason of a stretch that a rule refused. */
static void give(struct ecg_quality_event *quality, const char *reason)
{
    quality->reasons[0] = reason;
    quality->n_reasons = 1;
}

/* Up to three reasons: the features that speak against a stretch, the worst first, each word once. */
static void give_reasons(const struct ecg_gate_limits *limits, const double *against, struct ecg_quality_event *quality)
{
    uint8_t done[ECG_GATE_FEATURES] = {0};
    int turn, i, worst, known;
    for (turn = 0; turn < ECG_GATE_FEATURES && quality->n_reasons < ECG_MOST_REASONS; turn++) {
        for (i = 0, worst = -1; i < ECG_GATE_FEATURES; i++)
            if (!done[i] && against[i] < (worst < 0 ? 0.0 : against[worst]))
                worst = i;
        if (worst < 0)
            break;
        done[worst] = 1;
        for (i = known = 0; i < quality->n_reasons; i++)
            known |= strcmp(quality->reasons[i], limits->reasons[worst]) == 0;
        if (!known)
            quality->reasons[quality->n_reasons++] = limits->reasons[worst];
    }
    if (quality->n_reasons == 0)
        give(quality, "noise");
}

static void keep(struct ecg_stream *s, const struct ecg_quality_event *quality, struct ecg_stretch at)
{
    struct ecg_verdict_kept *const verdict = &s->verdicts[s->n_verdicts++ % ECG_STREAM_VERDICTS];
    verdict->at = at;
    verdict->accepted = quality->accepted;
    verdict->score = quality->score;
}

/* Assess a window; a short remainder at the end is seen with what came before it, reported alone. */
static void assess(struct ecg_stream *s, struct ecg_stretch w)
{
    const int32_t n = s->setup->gate.window;
    const struct ecg_stretch told = {w.end - (w.end % n ? w.end % n : n), w.end};
    struct ecg_event event = {.kind = ECG_EVENT_QUALITY};
    struct ecg_quality_event *const quality = &event.of.quality;
    const double clipped = clipped_share(s, w);
    const float *const x = ecg_stream_view(s, w.start);
    int judged = 0;
    quality->start = ecg_stream_sample(s, (double)told.start);
    quality->end = ecg_stream_sample(s, (double)told.end);
    quality->accepted = quality->morphology = 0;
    quality->score = 0.0;
    quality->n_reasons = 0;
    if (clipped >= CLIPPED) {
        give(quality, "clipped");
    } else if (ecg_gate_flat_share(x, (int)(w.end - w.start), s->setup->fs) > MOSTLY) {
        give(quality, "flat");
    } else {
        struct ecg_gate_verdict verdict;
        judge(s, w, &verdict);
        quality->score = verdict.score;
        quality->accepted = verdict.score >= s->setup->gate.usable;
        quality->morphology =
            quality->accepted && verdict.morphology >= s->setup->gate.morphology && clipped < CUT_SHAPES;
        if (!quality->accepted)
            give_reasons(&s->setup->gate, verdict.against, quality);
        s->before = verdict.log_odds;
        judged = 1;
    }
    s->has_before = judged; /* nothing is known from a window that a rule refused */
    keep(s, quality, told);
    ecg_stream_tell(s, &event, quality->start, quality->end);
    if (s->further != NULL)
        s->setup->further->assessed(s, w.start, w.end, quality);
}

void ecg_stream_gate(struct ecg_stream *s)
{
    struct ecg_stretch w;
    while (ecg_windows_due(&s->gate_windows, s, &w))
        assess(s, w);
}
