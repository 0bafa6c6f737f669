/* What a wearer's beats and rhythm were like so far. Twin of ecgedge/beat_classes/history.py. */
#ifndef ECG_HISTORY_H
#define ECG_HISTORY_H

#include "likeness.h"

/* Sums over the last minute and over the last five, each beat weighted by how long ago it was. */
struct ecg_means {
    double beats, long_beats, rr, long_rr, steady, repeats, changes, shapes, p_wave, qrs, p_difference;
};

/* Holds no pointer: an assignment copies it. */
struct ecg_history {
    struct ecg_means means;
    double height, last_rr[2]; /* of the template; the newest interval first */
    float template_wave[ECG_WAVE], last[ECG_WAVE];
    int32_t beats, template_beats; /* counted as far as it matters */
};

/* A beat: its wave from 0.36 s before its R peak, in mV, and the intervals to the beats before and after it, in s.
 * `before` is 0 for the first beat. */
struct ecg_beat {
    const float *wave;
    double before, after;
};

void ecg_history_reset(struct ecg_history *history);

/* Takes the beat, and returns 1, if it is so plainly the template beat that no network need be asked. */
int ecg_history_take_if_template(struct ecg_history *history, const struct ecg_beat *beat);

/* What the network reads of the beat. */
void ecg_history_inputs(const struct ecg_history *history, const struct ecg_beat *beat, float clip,
    float row[ECG_BEAT_INPUTS]);

/* Remembers the beat; with `teach`, one that is not early teaches the template too. */
void ecg_history_learn(struct ecg_history *history, const struct ecg_beat *beat, int teach);

#endif
