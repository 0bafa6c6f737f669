/* What is missing before a frame: rules 2 to 4, 6 and 7 of the timeline. */
#include "loss.h"

#include <math.h>

#include "numbers.h"

/* Named and explained in ecgedge_bridge/stream/limits.py. */
static const double COUNTER_SLACK = 0.05, STAMP_SLACK = 2.0, LEAST_LOSS_S = 0.25, AGREE_S = 0.15, FASTEST = 8.0;
enum { OVERLAP_FRAMES = 8 };

const struct ecg_loss ECG_NO_LOSS = {0, 0, 0, 0, {ECG_OVERLAP, 0, 0, 1, 0.0, 0.0, 0.0}};

double ecg_elapsed_s(int64_t earlier_ns, int64_t later_ns)
{
    const uint64_t a = (uint64_t)earlier_ns, b = (uint64_t)later_ns;
    return later_ns >= earlier_ns ? (double)(b - a) * 1e-9 : -((double)(a - b) * 1e-9);
}

static int begins_with(const struct ecg_timeline *t, const struct ecg_frame *frame, int64_t repeated)
{
    int64_t i;
    if (repeated <= 0 || repeated > frame->count || repeated > t->n_newest)
        return 0;
    for (i = 0; i < repeated; i++)
        if (frame->samples[i] != t->newest[t->n_newest - repeated + i])
            return 0;
    return 1;
}

static struct ecg_loss lost(int64_t samples)
{
    struct ecg_loss found = ECG_NO_LOSS;
    found.samples = samples;
    return found;
}

static struct ecg_loss noted(const struct ecg_timeline *t, enum ecg_timeline_code code)
{
    struct ecg_loss found = ECG_NO_LOSS;
    found.has_note = 1;
    found.note.code = code;
    found.note.sample = t->next_sample;
    return found;
}

/* Expect another rate from here on. */
static struct ecg_loss expect(struct ecg_timeline *t, double rate)
{
    struct ecg_loss found = noted(t, ECG_WRONG_RATE);
    found.note.rate = rate;
    found.note.expected = t->rate.nominal;
    ecg_rate_init(&t->rate, rate);
    ecg_other_rate_forget(&t->other);
    return found;
}

/* Nothing is missing: learn the rate. */
static struct ecg_loss whole(struct ecg_timeline *t, int64_t n, double elapsed_s)
{
    double other;
    ecg_other_rate_forget(&t->other);
    t->overlaps = t->overlaps > 0 ? t->overlaps - 1 : 0;
    ecg_rate_add(&t->rate, n, elapsed_s);
    other = ecg_rate_other(&t->rate);
    return other == 0.0 ? ECG_NO_LOSS : expect(t, other);
}

/* Leave out samples that came already. */
static struct ecg_loss overlap(struct ecg_timeline *t, int64_t repeated)
{
    struct ecg_loss found = noted(t, ECG_OVERLAP);
    found.has_note = t->overlaps == 0;
    found.repeated = repeated;
    t->overlaps = OVERLAP_FRAMES;
    return found;
}

static int64_t whole_turns(const struct ecg_timeline *t, int64_t step, int64_t near)
{
    return step + t->modulus * (int64_t)ecg_round((double)(near - step) / (double)t->modulus);
}

static int64_t counter_step(const struct ecg_timeline *t, int64_t first)
{
    const int64_t step = (first - t->expected) % t->modulus;
    return step < 0 ? step + t->modulus : step;
}

static struct ecg_loss new_segment(struct ecg_timeline *t, double seconds, int64_t samples)
{
    struct ecg_loss found = noted(t, ECG_CLOCK_STEP);
    t->segments++;
    found.note.seconds = seconds;
    found.note.lost = found.samples = samples;
    found.is_step = 1;
    return found;
}

/* Begin a segment after a step of the device's clock; `true_s` is what elapsed, NaN where only arrivals know it. */
struct ecg_loss ecg_stepped(struct ecg_timeline *t, const struct ecg_frame *frame, double elapsed_s, double true_s)
{
    const struct ecg_arrivals *const arrivals = &t->arrivals;
    const int64_t n = frame->count;
    double least = LEAST_LOSS_S * ecg_rate_fs(&t->rate);
    int64_t samples;
    if (isnan(true_s) && !ecg_arrivals_keep_pace(arrivals)) {
        const double host_s = ecg_bounded(ecg_arrivals_host_step_s(arrivals, frame->host_time_s));
        samples = (int64_t)ecg_round(host_s * ecg_rate_fs(&t->rate)) - n;
        return new_segment(t, elapsed_s, samples > 1 ? samples : 1);
    }
    if (isnan(true_s))
        true_s = ecg_arrivals_elapsed_s(arrivals, frame->host_time_s);
    samples = (int64_t)ecg_round(true_s * ecg_rate_fs(&t->rate)) - n;
    if (frame->first >= 0) {
        const int64_t counted = whole_turns(t, counter_step(t, frame->first), samples);
        const int64_t apart = counted > samples ? counted - samples : samples - counted;
        if (counted >= 0 && (double)apart < least)
            samples = counted;
        if (samples == counted)
            least = 0.0;
    }
    return new_segment(t, elapsed_s - true_s, (double)samples >= least ? samples : 0);
}

/* Whether a frame that overlaps came when its stamp says, not when its samples would be due. */
static int on_time(const struct ecg_timeline *t, int64_t n, double elapsed_s, double host_time_s)
{
    const double host_s = ecg_arrivals_host_step_s(&t->arrivals, host_time_s);
    const double by_samples_s = fabs(host_s - (double)n / ecg_rate_fs(&t->rate));
    return !ecg_arrivals_keep_pace(&t->arrivals) ||
        fabs(host_s - elapsed_s) < (by_samples_s < AGREE_S ? by_samples_s : AGREE_S);
}

/* How many first samples of a frame of one of two streams have come in the other; 0 if it is none. */
static int64_t repeated_in(struct ecg_timeline *t, const struct ecg_frame *frame, double elapsed_s)
{
    const double since_s = ecg_elapsed_s(t->before_ns, frame->time_ns);
    const int64_t n = frame->count;
    if (fabs(since_s * ecg_rate_fs(&t->rate) - (double)n) < STAMP_SLACK) {
        ecg_rate_add(&t->rate, n, since_s);
        return t->n_newest < n ? t->n_newest : n;
    }
    if (!on_time(t, n, elapsed_s, frame->host_time_s))
        return 0;
    return n - (int64_t)ecg_round(elapsed_s * ecg_rate_fs(&t->rate));
}

struct ecg_loss ecg_loss_of(struct ecg_timeline *t, const struct ecg_frame *frame)
{
    const int64_t n = frame->count;
    const double elapsed_s = ecg_elapsed_s(t->anchor_ns, frame->time_ns);
    double expected, slack;
    int64_t missing, repeated;
    int broken;
    if (frame->first >= 0 && counter_step(t, frame->first) == 0 && elapsed_s > 0.0 &&
        fabs(elapsed_s * t->fs - (double)n) <= t->agreement)
        return whole(t, n, elapsed_s);
    expected = elapsed_s * ecg_rate_fs(&t->rate);
    missing = (int64_t)ecg_round(expected) - n;
    if (frame->first < 0) {
        slack = ecg_larger_of(STAMP_SLACK, ecg_rate_tolerance(&t->rate) * expected);
        broken = expected - (double)n < -slack - 0.5;
    } else {
        const int64_t by_stamps = missing, step = counter_step(t, frame->first);
        slack = 1.0;
        broken = 0;
        missing = 0;
        if (step != 0 || fabs((double)by_stamps) > t->agreement) {
            const double doubt = ecg_larger_of(t->agreement, COUNTER_SLACK * expected);
            missing = whole_turns(t, step, by_stamps);
            broken = missing < 0 || fabs((double)(missing - by_stamps)) > doubt;
            if (fabs((double)(missing - by_stamps)) <= doubt && begins_with(t, frame, -missing))
                return overlap(t, -missing);
        }
    }
    if (elapsed_s > 0.0 && !broken && (double)missing < slack)
        return whole(t, n, elapsed_s);
    if (elapsed_s > 0.0 && !broken && !ecg_arrivals_is_ahead(&t->arrivals, elapsed_s, frame->host_time_s)) {
        const double rate =
            frame->first >= 0 ? 0.0 : ecg_other_rate_seen(&t->other, n, elapsed_s, ecg_rate_fs(&t->rate));
        return rate == 0.0 ? lost(missing) : expect(t, rate);
    }
    if (elapsed_s > 0.0 && t->overlaps > 0 && (repeated = repeated_in(t, frame, elapsed_s)) > 0)
        return overlap(t, repeated);
    return ecg_stepped(t, frame, elapsed_s, NAN);
}

/* Whether a frame has more samples than time has gone by: a faster rate, an overlap, or a step. */
int ecg_is_short(const struct ecg_timeline *t, const struct ecg_frame *frame, double elapsed_s)
{
    const double n = (double)frame->count, expected = elapsed_s * ecg_rate_fs(&t->rate);
    const double slack = ecg_larger_of(STAMP_SLACK, ecg_rate_tolerance(&t->rate) * n);
    return t->overlaps == 0 && 0.5 < expected && expected < n - slack - 0.5;
}

/* What lies before a frame that has more samples than time went by, seen from the next one. */
struct ecg_loss ecg_loss_of_short(struct ecg_timeline *t, const struct ecg_frame *frame, const struct ecg_frame *then,
    double elapsed_s, double step_s)
{
    const int64_t n = frame->count, m = then->count;
    const double fs = ecg_rate_fs(&t->rate), since_s = elapsed_s + step_s;
    const int64_t repeated = n - (int64_t)ecg_round(elapsed_s * fs);
    const int came = begins_with(t, frame, repeated);
    const int overlaps = step_s > 0.0 && fabs(since_s * fs - (double)m) < STAMP_SLACK;
    const int possible = step_s > 0.0 && (double)n < FASTEST * fs * elapsed_s;
    const int has_rate = possible && ecg_is_same_rate((double)m / step_s, (double)n / elapsed_s);
    if (has_rate && !(overlaps && came))
        return expect(t, ecg_round_3((double)(n + m) / since_s));
    if (came && n == m && (overlaps || on_time(t, n, elapsed_s, frame->host_time_s)))
        return overlap(t, repeated);
    return ecg_stepped(t, frame, elapsed_s, NAN);
}

