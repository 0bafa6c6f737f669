#include "timeline.h"

#include <math.h>
#include <string.h>

#include "loss.h"
#include "numbers.h"
#include "shelf.h"

/* Named and explained in ecgedge_bridge/stream/limits.py. */
static const double STAMP_SLACK = 2.0, WAIT_S = 0.5, WAIT_AFTER_LOSS_S = 1.0, AT_PACE_S = 1.0;
static const uint64_t LATE_NS = 3000000000u;

static void take(struct ecg_timeline *t, const struct ecg_frame *frame);

/* A stamp as a number of nanoseconds. */
static double as_double(const struct ecg_timeline *t, int64_t time_ns)
{
    return t->is_unsigned ? (double)((uint64_t)time_ns + ((uint64_t)1 << 63)) : (double)time_ns;
}

void ecg_timeline_init(struct ecg_timeline *t, double fs, int counter_bits, int is_unsigned)
{
    memset(t, 0, sizeof *t);
    t->fs = fs;
    t->modulus = (int64_t)1 << counter_bits;
    t->agreement = ECG_COUNTER_SLACK_S * fs;
    t->is_unsigned = is_unsigned;
    t->before_ns = is_unsigned ? INT64_MIN : 0;
    ecg_rate_init(&t->rate, fs);
    ecg_other_rate_forget(&t->other);
    ecg_arrivals_init(&t->arrivals);
    ecg_shelf_init(&t->held, t->held_frames, ECG_HELD_MOST, t->held_pool);
    ecg_shelf_init(&t->waiting, t->waiting_frames, ECG_WAITING_MOST, t->waiting_pool);
}

void ecg_timeline_place(struct ecg_timeline *t, const struct ecg_frame *frame)
{
    t->n_placed = t->n_notes = 0;
    ecg_shelf_tidy(&t->held);
    ecg_shelf_tidy(&t->waiting);
    take(t, frame);
}

/* ---- placing */

static void jump(struct ecg_timeline *t, const struct ecg_frame *frame, int64_t lost)
{
    const double end = ecg_round(((double)frame->count - 1.5) * 1e9 / ecg_rate_fs(&t->rate));
    const int64_t before = (int64_t)end;
    t->lost += lost;
    t->next_sample += lost;
    t->gap_start = t->anchor_ns;
    if (before > 0)
        t->gap_end = frame->time_ns < INT64_MIN + before ? INT64_MIN : frame->time_ns - before;
    else
        t->gap_end = frame->time_ns > INT64_MAX + before ? INT64_MAX : frame->time_ns - before;
}

static void tell(struct ecg_timeline *t, const struct ecg_timeline_note *note)
{
    if (t->n_notes < ECG_PLACED_MOST + ECG_LATE_MOST)
        t->notes[t->n_notes++] = *note;
}

static void learn_newest(struct ecg_timeline *t, const float *samples, int32_t count)
{
    memcpy(t->newest, samples, (size_t)count * sizeof(float));
    t->n_newest = count;
}

static void put(struct ecg_timeline *t, const struct ecg_frame *frame, const struct ecg_loss *loss)
{
    struct ecg_placed *placed;
    int32_t i;
    t->known[t->next_known] = ecg_sort_key(frame);
    t->next_known = (t->next_known + 1) % ECG_KNOWN_MOST;
    t->n_known = t->n_known < ECG_KNOWN_MOST ? t->n_known + 1 : ECG_KNOWN_MOST;
    if (loss->repeated >= frame->count) {
        t->repeated++;
        return;
    }
    if (loss->samples != 0)
        jump(t, frame, loss->samples);
    placed = &t->placed[t->n_placed++];
    placed->note = t->n_notes;
    for (i = 0; i < t->n_late_notes; i++)
        tell(t, &t->late_notes[i]);
    t->n_late_notes = 0;
    if (loss->has_note)
        tell(t, &loss->note);
    placed->notes = t->n_notes - placed->note;
    if (loss->is_step) {
        t->gap_start = t->gap_end = 0;
        ecg_arrivals_restart(&t->arrivals, frame->host_time_s);
        t->overlaps = 0;
    } else {
        ecg_arrivals_add(&t->arrivals, ecg_elapsed_s(t->anchor_ns, frame->time_ns), frame->host_time_s,
            loss->samples == 0);
    }
    if (t->has_anchor)
        t->before_ns = t->anchor_ns;
    t->has_anchor = 1;
    t->anchor_ns = frame->time_ns;
    if (frame->first >= 0)
        t->expected = frame->first + frame->count;
    placed->samples = frame->samples + loss->repeated;
    placed->count = frame->count - (int32_t)loss->repeated;
    placed->sample = t->next_sample;
    placed->time_ns = frame->time_ns;
    placed->host_time_s = frame->host_time_s;
    learn_newest(t, placed->samples, placed->count);
    t->next_sample += placed->count;
}

static void put_in_turn(struct ecg_timeline *t, const struct ecg_frame *frame)
{
    const struct ecg_loss loss = ecg_loss_of(t, frame);
    put(t, frame, &loss);
}

/* ---- frames that wait for the next one: rule 6 */

/* Whether only the next frame can show what is missing before this one. */
static int has_to_wait(const struct ecg_timeline *t, const struct ecg_frame *frame)
{
    const double n = (double)frame->count, elapsed_s = ecg_elapsed_s(t->anchor_ns, frame->time_ns);
    const double missing = elapsed_s * ecg_rate_fs(&t->rate) - n;
    double limit_s, late_s;
    if (frame->first < 0 && missing < -STAMP_SLACK && ecg_is_short(t, frame, elapsed_s))
        return 1;
    if (!ecg_arrivals_keep_pace(&t->arrivals))
        return 0;
    limit_s = missing < n / 2.0 ? WAIT_S : WAIT_AFTER_LOSS_S;
    late_s = ecg_arrivals_late_s(&t->arrivals, elapsed_s, frame->host_time_s);
    return late_s > limit_s &&
        late_s > limit_s + ECG_DRIFT * ecg_arrivals_host_step_s(&t->arrivals, frame->host_time_s);
}

static void wait_for_next(struct ecg_timeline *t, const struct ecg_frame *frame)
{
    ecg_shelf_put(&t->waiting, frame);
    t->late++; /* until it is placed */
}

/* Empty a shelf; its frames stay readable until the next call. */
static int32_t released(struct ecg_timeline *t, struct ecg_shelf *shelf)
{
    const int32_t count = shelf->count;
    shelf->count = 0;
    t->late -= count;
    return count;
}

static double lateness(const struct ecg_timeline *t, const struct ecg_frame *frame, int64_t anchor_ns)
{
    return ecg_arrivals_late_s(&t->arrivals, ecg_elapsed_s(anchor_ns, frame->time_ns), frame->host_time_s);
}

static void put_all(struct ecg_timeline *t, const struct ecg_frame *frames, int32_t count)
{
    int32_t i;
    for (i = 0; i < count; i++)
        put_in_turn(t, &frames[i]);
}

/* They go on at their pace, and as late: what seemed a delay is time that no stamp shows. */
static void put_after_silence(struct ecg_timeline *t, const struct ecg_frame *frame, int goes_on)
{
    const struct ecg_frame *const first = t->waiting.frames;
    const int64_t anchor_ns = t->anchor_ns;
    const int32_t count = t->waiting.count;
    double late_s = lateness(t, first, anchor_ns), elapsed_s;
    struct ecg_loss loss;
    int32_t i;
    for (i = 1; i < count + goes_on; i++) {
        const double other_s = lateness(t, i < count ? &first[i] : frame, anchor_ns);
        late_s = other_s < late_s ? other_s : late_s;
    }
    released(t, &t->waiting);
    elapsed_s = ecg_elapsed_s(anchor_ns, first->time_ns);
    loss = ecg_stepped(t, first, elapsed_s, elapsed_s + late_s);
    put(t, first, &loss);
    put_all(t, first + 1, count - 1);
    if (goes_on)
        put_in_turn(t, frame);
    else
        take(t, frame);
}

static int is_waiting(const struct ecg_timeline *t, const struct ecg_frame *frame)
{
    const struct ecg_known key = ecg_sort_key(frame);
    int32_t i;
    for (i = 0; i < t->waiting.count; i++)
        if (ecg_is_same(key, ecg_sort_key(&t->waiting.frames[i])))
            return 1;
    return 0;
}

/* See from a frame what is missing before those that wait. */
static void decide(struct ecg_timeline *t, const struct ecg_frame *frame)
{
    const struct ecg_frame *const held = t->waiting.frames;
    const int32_t count = t->waiting.count;
    const struct ecg_frame *const last = &held[count - 1];
    const double fs = ecg_rate_fs(&t->rate), n = (double)frame->count;
    const double step_s = ecg_elapsed_s(last->time_ns, frame->time_ns);
    const double elapsed_s = ecg_elapsed_s(t->anchor_ns, held->time_ns), host_s = frame->host_time_s - last->host_time_s;
    int goes_on;
    if (count == 1 && ecg_is_short(t, held, elapsed_s)) {
        struct ecg_loss loss;
        released(t, &t->waiting);
        loss = ecg_loss_of_short(t, held, frame, elapsed_s, step_s);
        put(t, held, &loss);
        take(t, frame);
        return;
    }
    if (step_s <= 0.0 && is_waiting(t, frame)) {
        t->repeated++;
        return;
    }
    goes_on = step_s > 0.0 && fabs(step_s * fs - n) < ecg_larger_of(STAMP_SLACK, ecg_rate_tolerance(&t->rate) * n);
    if (goes_on && (lateness(t, frame, t->anchor_ns) <= WAIT_S || host_s < step_s / 2.0)) {
        put_all(t, held, released(t, &t->waiting));
        put_in_turn(t, frame);
    } else if (!goes_on && count == 1) { /* it shows nothing: the next ones will */
        put_all(t, held, released(t, &t->waiting));
        take(t, frame);
    } else if (goes_on && frame->host_time_s - held->host_time_s < AT_PACE_S &&
        ecg_shelf_fits(&t->waiting, frame->count)) {
        wait_for_next(t, frame);
    } else {
        put_after_silence(t, frame, goes_on);
    }
}

/* ---- frames that may have come late: rule 5 */

/* Whether samples lie wholly within the gap just found, and not long ago. */
static int lies_in_gap(const struct ecg_timeline *t, const struct ecg_frame *frame)
{
    const double fs = ecg_rate_fs(&t->rate);
    const int64_t time_ns = frame->time_ns;
    if (!(t->gap_start < time_ns && time_ns <= t->gap_end) ||
        (t->anchor_ns > time_ns && (uint64_t)t->anchor_ns - (uint64_t)time_ns > LATE_NS))
        return 0;
    return as_double(t, time_ns) - (double)frame->count * 1e9 / fs >= as_double(t, t->gap_start) - 1.5 * 1e9 / fs;
}

/* Hold a frame that may have come late, or see from it what became of those that are held; whether it is held. */
static int sort_in(struct ecg_timeline *t, const struct ecg_frame *frame)
{
    const int64_t anchor_ns = t->anchor_ns;
    const double apart = ecg_elapsed_s(anchor_ns, frame->time_ns) * ecg_rate_fs(&t->rate) - (double)frame->count;
    int late = lies_in_gap(t, frame);
    if (t->held.count > 0 && fabs(apart) < STAMP_SLACK) {
        if (t->n_late_notes < ECG_LATE_MOST) {
            struct ecg_timeline_note *const note = &t->late_notes[t->n_late_notes++];
            *note = ECG_NO_LOSS.note;
            note->code = ECG_LATE_FRAME;
            note->sample = t->next_sample;
            note->times = t->held.count;
        }
        t->held.count = 0;
    } else if (t->held.count > 0 && (!late || frame->time_ns <= t->held.frames[t->held.count - 1].time_ns ||
                                        !ecg_shelf_fits(&t->held, frame->count))) {
        const int32_t count = released(t, &t->held);
        t->gap_start = t->gap_end = 0;
        put_all(t, t->held.frames, count);
        late = 0;
    }
    if (!late || !ecg_shelf_fits(&t->held, frame->count))
        return 0;
    ecg_shelf_put(&t->held, frame);
    t->late++; /* until the next one shows that it was not */
    return 1;
}

/* Whether the samples of a frame that is not newer than the newest one have been placed. */
static int is_known(const struct ecg_timeline *t, const struct ecg_frame *frame)
{
    const struct ecg_known key = ecg_sort_key(frame);
    int32_t i;
    if (t->overlaps > 0 &&
        ecg_elapsed_s(frame->time_ns, t->anchor_ns) * ecg_rate_fs(&t->rate) < (double)frame->count)
        return 1;
    for (i = 0; i < t->n_known; i++)
        if (ecg_is_same(key, t->known[i]))
            return 1;
    return 0;
}

static void take(struct ecg_timeline *t, const struct ecg_frame *frame)
{
    if (!t->has_anchor) {
        struct ecg_loss first = ECG_NO_LOSS;
        first.is_step = 1;
        t->segments = 1;
        put(t, frame, &first);
    } else if (t->waiting.count > 0) {
        decide(t, frame);
    } else if (t->held.count > 0 || frame->time_ns <= t->anchor_ns) {
        if (frame->time_ns <= t->anchor_ns && is_known(t, frame)) {
            t->repeated++;
        } else if (!sort_in(t, frame)) {
            put_in_turn(t, frame);
        }
    } else if (has_to_wait(t, frame)) {
        wait_for_next(t, frame);
    } else {
        put_in_turn(t, frame);
    }
}
