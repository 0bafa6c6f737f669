#include "further.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "hrv.h"
#include "numbers.h"
#include "order.h"
#include "stream.h"

/* Named and explained in ecgedge/hrv/stage.py and ecgedge/gate/units.py. */
static const double HOP_S = 60.0, SHORTEST_S = 10.0, NEAREST_S = 0.09;
static const double SMALLEST_MV = 0.02, TALLEST_MV = 20.0, PEAKED = 8.0, ALIKE = 3.0;
enum { NAMED_LATENCY = 300, DECIDED = 160, PIECE = 200, PIECES = 5, MOST_PIECES = 64 };

struct state {
    struct ecg_nn_cleaner cleaner;
    struct ecg_nn_window window;
    struct ecg_nn_interval decided[DECIDED]; /* and not in the window yet: from `next` on */
    int next, decisions, fresh;
    int has_origin, doubted;
    double origin_s, begin_s, due_s, last_event_s; /* the latter three count from the stream's first sample */
    int64_t done;                                  /* position up to which the segment's beats were taken */
};

/* Intervals that a window holds at most: a hop more than its length, of beats as near as the detector finds them. */
static int capacity(const struct ecg_setup *setup)
{
    return (int)((setup->hrv_s + HOP_S) / NEAREST_S) + 1;
}

static size_t bytes(const struct ecg_setup *setup)
{
    const size_t n = (size_t)capacity(setup);
    return ecg_whole(sizeof(struct state)) + n * sizeof(struct ecg_nn_kept) + ecg_whole(n * sizeof(int32_t));
}

static size_t room(const struct ecg_setup *setup)
{
    return ecg_nn_room(capacity(setup)) * sizeof(double);
}

static void begin(struct ecg_stream *s)
{
    struct state *const h = s->further;
    unsigned char *const memory = s->further;
    memset(h, 0, sizeof *h);
    h->window.capacity = capacity(s->setup);
    h->window.kept = (struct ecg_nn_kept *)(void *)(memory + ecg_whole(sizeof *h));
    h->window.sorted = (int32_t *)(void *)(h->window.kept + h->window.capacity);
    ecg_nn_window_reset(&h->window);
    ecg_nn_cleaner_reset(&h->cleaner);
}

static void start(struct ecg_stream *s)
{
    struct state *const h = s->further;
    const double begin_s = ecg_stream_seconds(s, s->first_sample);
    if (!h->has_origin)
        h->origin_s = begin_s;
    h->has_origin = 1;
    h->begin_s = begin_s - h->origin_s;
    h->done = 0;
    h->due_s = (floor(h->begin_s / HOP_S) + 1.0) * HOP_S;
}

/* Seconds of a position since the stream's first sample. */
static double seconds(const struct ecg_stream *s, double position)
{
    return ((const struct state *)s->further)->begin_s + ecg_stream_seconds_between(s, 0.0, position);
}

/* The caller's index at a time of the stream, at most that of the segment's end. */
static int64_t sample_at(const struct ecg_stream *s, double stream_s)
{
    const double at_s = ((const struct state *)s->further)->origin_s + stream_s;
    const double place = s->clock != NULL ? ecg_clock_sample(s->clock, at_s) : at_s * s->setup->fs_in;
    const int64_t at = (int64_t)ecg_round(place);
    return at < s->end_sample ? at : s->end_sample;
}

static void measured(struct ecg_stream *s, double end_s)
{
    struct state *const h = s->further;
    const double start_s = end_s - s->setup->hrv_s > 0.0 ? end_s - s->setup->hrv_s : 0.0;
    struct ecg_event event = {.kind = ECG_EVENT_HRV};
    struct ecg_hrv_event *const told = &event.of.hrv;
    struct ecg_nn_measures m;
    ecg_nn_forget(&h->window, start_s);
    if (h->window.normals == 0)
        return;
    h->fresh = 0;
    if (ecg_nn_measure(&h->window, start_s, end_s, s->scratch, &m) != 0)
        return;
    h->last_event_s = end_s;
    told->start = sample_at(s, start_s);
    told->end = sample_at(s, end_s);
    told->n_rr = m.n_rr;
    told->n_nn = m.n_nn;
    told->usable = m.usable;
    told->mean_nn_ms = m.mean_nn_ms;
    told->sdnn_ms = m.sdnn_ms;
    told->rmssd_ms = m.rmssd_ms;
    told->sdsd_ms = m.sdsd_ms;
    told->pnn20 = m.pnn20;
    told->pnn50 = m.pnn50;
    told->cvnn = m.cvnn;
    told->cvsd = m.cvsd;
    told->median_nn_ms = m.median_nn_ms;
    told->mad_nn_ms = m.mad_nn_ms;
    told->iqr_nn_ms = m.iqr_nn_ms;
    told->sd1_ms = m.sd1_ms;
    told->sd2_ms = m.sd2_ms;
    told->sample_entropy = m.sample_entropy;
    told->lf_ms2 = m.lf_ms2;
    told->hf_ms2 = m.hf_ms2;
    told->lf_hf = m.lf_hf;
    ecg_stream_tell(s, &event, told->start, told->end);
}

/* Measure every window that ends up to a time, all of whose intervals are in. */
static void due(struct ecg_stream *s, double until_s)
{
    struct state *const h = s->further;
    for (; h->due_s <= until_s; h->due_s += HOP_S)
        measured(s, h->due_s);
}

/* Put intervals into the window; what is due before one of them is measured before. */
static void keep(struct ecg_stream *s)
{
    struct state *const h = s->further;
    for (; h->decisions > 0; h->decisions--) {
        const struct ecg_nn_interval *const interval = &h->decided[h->next++];
        if (interval->end_s > h->due_s)
            due(s, interval->end_s);
        if (h->window.count < h->window.capacity)
            ecg_nn_add(&h->window, interval);
        h->fresh |= interval->normal;
    }
    h->next = 0;
}

static void push(struct state *h, double beat_s, int normal)
{
    if (h->decisions + ECG_NN_MOST <= DECIDED && !(h->cleaner.has_last && beat_s <= h->cleaner.last_s))
        h->decisions += ecg_nn_push(&h->cleaner, beat_s, normal, h->decided + h->decisions);
}

static void end_run(struct state *h)
{
    h->decisions += ecg_nn_end_run(&h->cleaner, h->decided + h->decisions);
}

/* Take the beats of a stretch that the gate has assessed. */
static void take(struct ecg_stream *s, const struct ecg_verdict_kept *verdict)
{
    struct state *const h = s->further;
    const struct ecg_stretch at = {verdict->at.start > h->done ? verdict->at.start : h->done, verdict->at.end};
    const double end_s = seconds(s, (double)at.end);
    double until_s = end_s;
    int64_t i;
    h->done = at.end;
    for (i = ecg_stream_oldest_beat(s); verdict->accepted && i < s->n_found; i++)
        if (ecg_stream_has_beat(s, i, at))
            push(h, seconds(s, s->found[i % s->found_room].position), s->roles[i % s->found_room] == ECG_NORMAL);
    if (!verdict->accepted || (h->cleaner.has_last && (end_s - h->cleaner.last_s) * 1e6 > ECG_NN_LONGEST_US))
        end_run(h);
    keep(s);
    if (h->cleaner.waits > 0 && h->cleaner.waiting[0].end_s < until_s)
        until_s = h->cleaner.waiting[0].end_s;
    due(s, until_s);
}

/* What is left gets an event if it is long enough. */
static void finish(struct ecg_stream *s)
{
    struct state *const h = s->further;
    const double end_s = seconds(s, (double)h->done);
    end_run(h);
    keep(s);
    due(s, end_s);
    if (h->fresh && end_s - h->last_event_s >= SHORTEST_S)
        measured(s, end_s);
}

static void advance(struct ecg_stream *s)
{
    const struct state *const h = s->further;
    const int64_t named = s->written - (s->ended ? 0 : NAMED_LATENCY);
    int64_t i = s->n_verdicts > ECG_STREAM_VERDICTS ? s->n_verdicts - ECG_STREAM_VERDICTS : 0;
    for (; i < s->n_verdicts; i++) {
        const struct ecg_verdict_kept *const verdict = &s->verdicts[i % ECG_STREAM_VERDICTS];
        if (verdict->at.end > h->done && verdict->at.end <= named)
            take(s, verdict);
    }
    if (s->ended)
        finish(s);
}

/* ---- units */

static double kurtosis(const float *x, int n, double height)
{
    double mean = (double)x[0] / height, squares = 0.0, fourth = 0.0, power;
    int i;
    for (i = 1; i < n; i++)
        mean += (double)x[i] / height;
    mean /= n;
    for (i = 0; i < n; i++) {
        const double centred = (double)x[i] / height - mean, square = centred * centred;
        squares = i > 0 ? squares + square : square;
        fourth = i > 0 ? fourth + square * square : square * square;
    }
    power = squares / n;
    return fourth / n / (power * power);
}

/* Typical height of a QRS where a stretch is no ECG in millivolts, else 0. */
static double doubtful_height(const float *x, int n, int accepted)
{
    const int pieces = n / PIECE < MOST_PIECES ? n / PIECE : MOST_PIECES;
    double heights[MOST_PIECES], height;
    if (pieces < 1)
        return 0.0;
    x += n % PIECE;
    ecg_ranges(x, n - n % PIECE, PIECE, heights);
    ecg_sort(heights, pieces);
    height = (heights[(pieces - 1) / 2] + heights[pieces / 2]) / 2.0;
    if (accepted && height > TALLEST_MV)
        return height;
    if (pieces < PIECES || !(height > 0.0 && height < SMALLEST_MV) || heights[pieces - 1] > ALIKE * heights[0])
        return 0.0;
    return kurtosis(x, n - n % PIECE, height) > PEAKED ? height : 0.0;
}

/* Say once in a stream that the signal has not the size of an ECG in millivolts. */
static void assessed(struct ecg_stream *s, int64_t from, int64_t to, const struct ecg_quality_event *quality)
{
    struct state *const h = s->further;
    struct ecg_event event = {.kind = ECG_EVENT_NOTE};
    char words[96];
    double height;
    if (h->doubted || (height = doubtful_height(ecg_stream_view(s, from), (int)(to - from), quality->accepted)) == 0.0)
        return;
    h->doubted = 1;
    snprintf(words, sizeof words, "the QRS is %.3g high: these are no millivolts, give the unit", height);
    event.of.note.sample = quality->start;
    event.of.note.code = "units";
    event.of.note.detail = words;
    event.of.note.device = "";
    ecg_stream_tell(s, &event, quality->start, quality->start);
}

const struct ecg_further ecg_hrv_and_units = {bytes, room, begin, start, assessed, advance};
