#include "history.h"

#include <math.h>
#include <string.h>

enum { PLAIN_BEATS = 8, ENOUGH_BEATS = 1000 };
static const double LONGEST_RR_S = 2.0, MINUTE_S = 60.0, MINUTES_S = 300.0;
static const double EARLY = 0.9, STEADY = 0.06, MOST_CHANGE = 0.25;
static const double PLAIN_EARLY = 0.95, PLAIN_LATE = 1.1, PLAIN_STEADY = 0.5, PLAIN_UNLIKE = 0.35;
static const double FOLLOW = 0.1, STEP = 0.25;

struct pair {
    double minute, minutes;
};

static double smaller(double a, double b)
{
    return b < a ? b : a;
}

/* Mean intervals; `rr` where there is none yet. */
static struct pair mean_rr(const struct ecg_means *means, double rr)
{
    struct pair both = {rr, rr};
    if (means->beats != 0.0) {
        both.minute = means->rr / means->beats;
        both.minutes = means->long_rr / means->long_beats;
    }
    return both;
}

/* Takes an interval; `last` and `second` are the two before it, `shape` is that of a beat that is not early. */
static void add(struct ecg_means *means, double rr, const double last[2], const struct ecg_shape *shape)
{
    const double mean = mean_rr(means, rr).minute, change = fabs(rr - last[0]) / mean;
    const double nearest = smaller(change, fabs(rr - last[1]) / mean);
    const double kept = ecg_exp(-rr / MINUTE_S), long_kept = ecg_exp(-rr / MINUTES_S);
    means->long_rr = means->long_rr * long_kept + rr;
    means->long_beats = means->long_beats * long_kept + 1.0;
    means->rr = means->rr * kept + rr;
    means->beats = means->beats * kept + 1.0;
    means->steady = means->steady * kept + (change < STEADY ? 1.0 : 0.0);
    means->repeats = means->repeats * kept + (nearest < STEADY ? 1.0 : 0.0);
    means->changes = means->changes * kept + smaller(nearest, MOST_CHANGE);
    means->shapes *= kept;
    means->p_wave *= kept;
    means->qrs *= kept;
    means->p_difference *= kept;
    if (shape != NULL) {
        means->shapes += 1.0;
        means->p_wave += shape->p_wave;
        means->qrs += shape->qrs;
        means->p_difference += shape->p_difference;
    }
}

/* How regular the rhythm is, and how like the template beats are, scaled to about -1 to 1. */
static void figures(const struct ecg_means *means, float out[6])
{
    const double n = means->beats, shapes = means->shapes + 1.0;
    out[0] = n != 0.0 ? (float)(2.0 * means->steady / n - 1.0) : 0.0f;
    out[1] = n != 0.0 ? (float)(2.0 * means->repeats / n - 1.0) : 0.0f;
    out[2] = n != 0.0 ? (float)(8.0 * means->changes / n - 1.0) : -1.0f;
    out[3] = (float)(2.0 * (means->p_wave + 0.5) / shapes - 1.0);
    out[4] = (float)(2.0 * (means->qrs + 0.5) / shapes - 1.0);
    out[5] = (float)(2.0 * (means->p_difference + 0.5) / shapes - 1.0);
}

static double before_of(const struct ecg_beat *beat)
{
    return smaller(beat->before > 0.0 ? beat->before : beat->after, LONGEST_RR_S);
}

void ecg_history_reset(struct ecg_history *history)
{
    memset(history, 0, sizeof *history);
}

/* The template moves towards a beat, each sample by a share of the height at most. */
static void follow(struct ecg_history *history, const float *wave)
{
    const float step = (float)(STEP * history->height);
    const double share = 1.0 / history->template_beats;
    const float weight = (float)(share > FOLLOW ? share : FOLLOW);
    int i;
    for (i = 0; i < ECG_WAVE; i++) {
        const float change = wave[i] - history->template_wave[i];
        const float limited = change < -step ? -step : change > step ? step : change;
        history->template_wave[i] += weight * limited;
    }
    history->height = ecg_height(history->template_wave);
}

static void learn(struct ecg_history *history, const float *wave, double before, int teach)
{
    const double first[2] = {before, before}, *last = history->beats > 0 ? history->last_rr : first;
    struct ecg_shape shape, *known = NULL;
    if (history->template_beats == 0) {
        memcpy(history->template_wave, wave, sizeof history->template_wave);
        history->height = ecg_height(wave);
        history->template_beats = 1;
    } else if (teach && before >= EARLY * mean_rr(&history->means, before).minutes) {
        shape = ecg_shape_of(wave, history->template_wave, history->height);
        known = &shape;
        history->template_beats += history->template_beats < ENOUGH_BEATS;
        follow(history, wave);
    }
    add(&history->means, before, last, known);
    history->last_rr[1] = last[0];
    history->last_rr[0] = before;
    memcpy(history->last, wave, sizeof history->last);
    history->beats += history->beats < ENOUGH_BEATS;
}

int ecg_history_take_if_template(struct ecg_history *history, const struct ecg_beat *beat)
{
    const struct ecg_means *means = &history->means;
    const double before = before_of(beat);
    struct pair mean;
    int i;
    if (!(beat->before > 0.0) || history->beats < PLAIN_BEATS)
        return 0;
    mean = mean_rr(means, before);
    if (before < PLAIN_EARLY * mean.minute || before > PLAIN_LATE * mean.minute ||
        beat->after < PLAIN_EARLY * mean.minute || before < PLAIN_EARLY * mean.minutes ||
        means->repeats / means->beats < PLAIN_STEADY)
        return 0;
    for (i = 0; i < ECG_WAVE; i++)
        if (fabs((double)(beat->wave[i] - history->template_wave[i])) > PLAIN_UNLIKE * history->height)
            return 0;
    learn(history, beat->wave, before, 1);
    return 1;
}

void ecg_history_inputs(const struct ecg_history *history, const struct ecg_beat *beat, float clip,
    float row[ECG_BEAT_INPUTS])
{
    const double before = before_of(beat), after = smaller(beat->after, LONGEST_RR_S);
    const struct pair mean = mean_rr(&history->means, before);
    float waves[3 * ECG_WAVE], rhythm[ECG_RHYTHM];
    const size_t size = ECG_WAVE * sizeof *waves;
    memcpy(waves, beat->wave, size);
    memcpy(waves + ECG_WAVE, history->beats > 0 ? history->last : beat->wave, size);
    memcpy(waves + 2 * ECG_WAVE, history->template_beats > 0 ? history->template_wave : beat->wave, size);
    rhythm[0] = (float)(2.0 * ecg_log(before / mean.minute));
    rhythm[1] = (float)(2.0 * ecg_log(before / mean.minutes));
    rhythm[2] = (float)(2.0 * ecg_log(after / mean.minute));
    rhythm[3] = (float)(2.0 * ecg_log(before / after));
    rhythm[4] = (float)(2.0 * ecg_log(before / (history->beats > 0 ? history->last_rr[0] : before)));
    figures(&history->means, rhythm + 5);
    ecg_beat_inputs(waves, rhythm, clip, row);
}

void ecg_history_learn(struct ecg_history *history, const struct ecg_beat *beat, int teach)
{
    learn(history, beat->wave, before_of(beat), teach);
}
