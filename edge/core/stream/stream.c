#include "stream.h"

#include <math.h>
#include <string.h>

#include "numbers.h"
#include "samples.h"

static const double LIMIT = 1e12; /* what is beyond is no measurement */
enum { TICK = 100, REMAINDER = 200, BEATS_LATENCY = 100 };

int32_t ecg_stream_most_beats(int32_t samples)
{
    return samples / ECG_STREAM_APART + 2;
}

size_t ecg_stream_bytes(const struct ecg_setup *s)
{
    const int32_t held = ecg_front_held_room(&s->front, ECG_STREAM_PIECE);
    const int32_t smooth = ecg_front_smooth_room(&s->front, ECG_STREAM_PIECE);
    size_t scratch = ecg_larger_size(ecg_stream_beats_room(s), ecg_stream_gate_room(s));
    scratch = ecg_larger_size(scratch, ecg_stream_rhythm_room(s));
    if (s->further != NULL)
        scratch = ecg_larger_size(scratch, ecg_whole(s->further->room(s)));
    return ecg_whole(sizeof(struct ecg_stream)) + (size_t)(held + smooth) * sizeof(double) +
        2 * (size_t)(s->kept + s->raw) * sizeof(float) +
        (size_t)ecg_stream_most_beats(s->kept) * sizeof(struct ecg_found_beat) +
        ecg_whole((size_t)ecg_stream_most_beats(s->kept)) +
        (s->further != NULL ? ecg_whole(s->further->bytes(s)) : 0) + scratch;
}

/* A part of the memory, from its begin. */
static void *part(unsigned char **memory, size_t bytes)
{
    void *const here = *memory;
    *memory += bytes;
    return here;
}

/* Whether the outputs that come at once fit: those of a piece, and those that wait at either end of a segment. */
static int fits(const struct ecg_front_design *d)
{
    const int64_t samples = (int64_t)ECG_STREAM_PIECE + d->inside + 2 * (int64_t)d->half;
    return samples * d->up / d->down + d->taps + 2 <= ECG_STREAM_FILTERED;
}

struct ecg_stream *ecg_stream_init(const struct ecg_setup *setup, void *memory, size_t bytes, ecg_take take,
    void *context)
{
    const int32_t held = ecg_front_held_room(&setup->front, ECG_STREAM_PIECE);
    const int32_t smooth = ecg_front_smooth_room(&setup->front, ECG_STREAM_PIECE);
    unsigned char *at = memory;
    struct ecg_stream *s;
    double *held_memory, *smooth_memory;
    if (memory == NULL || bytes < ecg_stream_bytes(setup) || !fits(&setup->front))
        return NULL;
    s = part(&at, ecg_whole(sizeof *s));
    memset(s, 0, sizeof *s);
    s->setup = setup;
    s->take = take;
    s->context = context;
    held_memory = part(&at, (size_t)held * sizeof(double));
    smooth_memory = part(&at, (size_t)smooth * sizeof(double));
    if (ecg_front_init(&s->front, &setup->front, held_memory, held, smooth_memory, smooth) != 0)
        return NULL;
    s->found_room = ecg_stream_most_beats(setup->kept);
    s->found = part(&at, (size_t)s->found_room * sizeof *s->found);
    s->kept = part(&at, 2 * (size_t)setup->kept * sizeof(float));
    s->raw = part(&at, 2 * (size_t)setup->raw * sizeof(float));
    s->roles = part(&at, ecg_whole((size_t)s->found_room));
    if (setup->further != NULL) {
        s->further = part(&at, ecg_whole(setup->further->bytes(setup)));
        setup->further->begin(s);
    }
    s->scratch = at;
    s->hysteresis.label = s->hysteresis.rival = -1;
    ecg_detector_init(&s->detector, setup->beat_net);
    ecg_stream_reset(s, 0);
    return s;
}

void ecg_stream_reset(struct ecg_stream *s, int64_t first_sample)
{
    ecg_front_reset(&s->front);
    s->written = s->raw_written = s->n_found = s->n_verdicts = 0;
    s->first_sample = first_sample;
    s->end_sample = INT64_MAX;
    s->ended = 0;
    ecg_stream_start_beats(s);
    ecg_stream_start_gate(s);
    ecg_stream_start_rhythm(s);
}

static void advance(struct ecg_stream *s)
{
    ecg_stream_beats(s);
    ecg_stream_gate(s);
    if (s->further != NULL)
        s->setup->further->advance(s);
    if (s->setup->rhythm.net != NULL)
        ecg_stream_rhythm(s);
}

/* Put filtered samples into the ring tick by tick, and let the stages look after each. */
static void write_filtered(struct ecg_stream *s, int64_t count)
{
    const double *x = s->filtered;
    while (count > 0) {
        const int64_t room = TICK - s->written % TICK, n = count < room ? count : room;
        ecg_ring_write(s->kept, s->setup->kept, s->written, x, n, 0.0);
        s->written += n;
        x += n;
        count -= n;
        if (s->written % TICK == 0)
            advance(s);
    }
}

int32_t ecg_stream_feed(struct ecg_stream *s, const float *millivolt, int32_t count)
{
    double piece[ECG_STREAM_PIECE];
    int32_t taken = 0, n;
    while (taken < count && !s->ended) {
        for (n = 0; n < ECG_STREAM_PIECE && taken + n < count; n++) {
            piece[n] = (double)millivolt[taken + n];
            if (!(fabs(piece[n]) <= LIMIT))
                break; /* nor is what is no number */
        }
        if (n == 0)
            break;
        ecg_stream_take(s, piece, n);
        taken += n;
    }
    return taken;
}

void ecg_stream_take(struct ecg_stream *s, const double *piece, int32_t count)
{
    if (s->raw_written == 0) {
        s->first_value = piece[0];
        if (s->further != NULL)
            s->setup->further->start(s);
    }
    ecg_ring_write(s->raw, s->setup->raw, s->raw_written, piece, count, s->first_value);
    s->raw_written += count;
    write_filtered(s, ecg_front_feed(&s->front, piece, count, s->filtered));
}

void ecg_stream_finish(struct ecg_stream *s)
{
    if (s->ended || s->raw_written == 0)
        return;
    s->end_sample = s->first_sample + s->raw_written;
    write_filtered(s, ecg_front_finish(&s->front, s->filtered));
    s->ended = 1;
    advance(s);
}

int64_t ecg_stream_settled(const struct ecg_stream *s)
{
    return s->written - (s->ended ? 0 : BEATS_LATENCY);
}

int64_t ecg_stream_sample(const struct ecg_stream *s, double position)
{
    const int64_t at = s->first_sample + (int64_t)ecg_round(position * s->setup->fs_in / s->setup->fs);
    return at < s->end_sample ? at : s->end_sample;
}

double ecg_stream_seconds(const struct ecg_stream *s, int64_t sample)
{
    return s->clock != NULL ? ecg_clock_seconds(s->clock, (double)sample) : (double)sample / s->setup->fs_in;
}

double ecg_stream_seconds_between(const struct ecg_stream *s, double start, double end)
{
    const double nominal = (end - start) / s->setup->fs, per_position = s->setup->fs_in / s->setup->fs;
    const double first = (double)s->first_sample;
    if (s->clock == NULL)
        return nominal;
    return nominal * ecg_clock_stretch(s->clock, first + start * per_position, first + end * per_position);
}

void ecg_stream_tell(struct ecg_stream *s, struct ecg_event *event, int64_t start, int64_t end)
{
    event->time_s = ecg_stream_seconds(s, start);
    event->end_time_s = ecg_stream_seconds(s, end);
    s->take(s->context, event);
}

int64_t ecg_stream_oldest_beat(const struct ecg_stream *s)
{
    return s->n_found > s->found_room ? s->n_found - s->found_room : 0;
}

int ecg_stream_has_beat(const struct ecg_stream *s, int64_t i, struct ecg_stretch at)
{
    const double position = s->found[i % s->found_room].position;
    return position >= (double)at.start && position < (double)at.end;
}

const float *ecg_stream_view(const struct ecg_stream *s, int64_t start)
{
    return s->kept + start % s->setup->kept;
}

int ecg_stream_beats_between(const struct ecg_stream *s, struct ecg_stretch at, int most, double *positions,
    double *confidence)
{
    int64_t i;
    int count = 0;
    for (i = ecg_stream_oldest_beat(s); i < s->n_found && count < most; i++) {
        const struct ecg_found_beat *const beat = &s->found[i % s->found_room];
        if (!ecg_stream_has_beat(s, i, at))
            continue;
        positions[count] = beat->position - (double)at.start;
        if (confidence != NULL)
            confidence[count] = beat->confidence;
        count++;
    }
    return count;
}

int ecg_windows_due(struct ecg_windows *w, const struct ecg_stream *s, struct ecg_stretch *at)
{
    const int64_t done = w->end - w->hop;
    if (w->end <= ecg_stream_settled(s)) {
        at->end = w->end;
        w->end += w->hop;
    } else if (s->ended && s->written >= w->shortest && s->written - done >= REMAINDER) {
        at->end = s->written;
        w->end = s->written + w->hop; /* there is no other one */
    } else {
        return 0;
    }
    at->start = at->end > w->length ? at->end - w->length : 0;
    return 1;
}

const char *ecg_rhythm_names(const struct ecg_setup *setup)
{
    return setup->rhythm.net != NULL ? setup->rhythm.names : "";
}
