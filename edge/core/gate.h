/* The noise gate: features of a window of filtered signal, and two logistic regressions over them.
 *
 * ecgedge/gate/features.py and model.py say what each feature means; the sums here have the same order.
 */
#ifndef ECG_GATE_H
#define ECG_GATE_H

#include <stddef.h>

#include "spectrum.h"

#define ECG_GATE_FEATURES 25

/* Samples and beats that a window may have. Between two beats the detector leaves 0.22 s, of which looking for the R
 * peak takes less than half from either: 30 s never hold more than ECG_GATE_BEATS_30S. */
#define ECG_GATE_SHORTEST 10
#define ECG_GATE_LONGEST 131072
#define ECG_GATE_MOST_BEATS 4096
#define ECG_GATE_BEATS_30S 274

/* R peaks of a window as positions in it, 0 to n, and how sure each is. */
struct ecg_gate_beats {
    const double *at, *confidence;
    int count;
};

/* What a rate and a length of windows need. Set up by ecg_gate_plan; `room` is scratch. */
struct ecg_gate {
    double fs;
    int longest, beats;
    struct ecg_spectrum spectrum;
    double *table, *room;
};

/* The model, as in weights.json. */
struct ecg_gate_model {
    double mean[ECG_GATE_FEATURES], scale[ECG_GATE_FEATURES], weights[ECG_GATE_FEATURES];
    double morphology_weights[ECG_GATE_FEATURES];
    double bias, morphology_bias, persistence, slope, offset, clip;
};

struct ecg_gate_verdict {
    double log_odds, score, morphology;
    double against[ECG_GATE_FEATURES]; /* what each feature adds to the log odds */
};

/* Doubles of memory that windows of up to n samples with up to so many beats need, at a rate in Hz. */
size_t ecg_gate_memory(int n, int beats, double fs);

/* Prepare for windows of up to n samples and so many beats; `memory` stays with the gate. */
void ecg_gate_plan(struct ecg_gate *gate, double fs, int n, int beats, double *memory);

/* Features of n samples in mV, ECG_GATE_SHORTEST to the plan's; ecgedge.gate.features.NAMES is their order. */
void ecg_gate_features(struct ecg_gate *gate, const float *x, int n, const struct ecg_gate_beats *beats,
    double *features);

/* Share of half-second pieces that hardly move. */
double ecg_gate_flat_share(const float *x, int n, double fs);

/* Judge features; `before` are the log odds of the window before, NULL where there is none. */
void ecg_gate_judge(const struct ecg_gate_model *model, const double *features, const double *before,
    struct ecg_gate_verdict *verdict);

/* Share of n samples on a rail of the converter, and the longest stretch at one extreme in seconds; `room` holds the
 * greater of n and ECG_CLIPPING_ROOM floats. */
#define ECG_CLIPPING_ROOM 2400
double ecg_clipping(const float *x, int n, double fs, float *room, double *held_s);

/* Range of each whole piece of so many samples, the first at x. */
void ecg_ranges(const float *x, int n, int size, double *ranges);

#endif
