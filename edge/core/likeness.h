/* How like a wearer's template beat a beat is, and what the network that names beats reads of it.
 *
 * Twin of ecgedge/beat_classes/likeness.py, where each figure and constant has its reason. */
#ifndef ECG_LIKENESS_H
#define ECG_LIKENESS_H

#include "numbers.h"

enum {
    ECG_WAVE = 80,       /* samples of a wave at 100 Hz */
    ECG_WAVE_BEFORE = 36, /* of them, before the R peak */
    ECG_RHYTHM = 11,     /* figures of intervals and of the last minute */
    ECG_SIMILARITIES = 16,
    ECG_P_FIGURES = 5,
    ECG_BEAT_FIGURES = ECG_RHYTHM + ECG_SIMILARITIES + ECG_P_FIGURES,
    ECG_BEAT_INPUTS = 3 * ECG_WAVE + ECG_BEAT_FIGURES
};

/* Waves are in mV, of at most this size: their fourth powers are finite. */
#define ECG_MOST_MV 1e30f

/* Correlations of P wave and QRS with those of the template, and how far the P wave is from the template's. */
struct ecg_shape {
    double p_wave, qrs, p_difference;
};

/* Peak-to-peak height of the QRS of a wave, at least 0.02 mV. */
float ecg_height(const float wave[ECG_WAVE]);

/* `height` is that of the template. */
struct ecg_shape ecg_shape_of(const float wave[ECG_WAVE], const float template_wave[ECG_WAVE], double height);

/* What the network reads of a beat, from three waves (its own, that of the beat before it, the template) and the
 * figures of its rhythm; values beyond `clip` are cut. */
void ecg_beat_inputs(const float waves[3 * ECG_WAVE], const float rhythm[ECG_RHYTHM], float clip,
    float row[ECG_BEAT_INPUTS]);

/* INT8 codes of such a row: real = scale * (code - zero). The scale is above 0, the zero point itself a code. */
void ecg_beat_codes(const float row[ECG_BEAT_INPUTS], float scale, int zero, int8_t codes[ECG_BEAT_INPUTS]);

#endif
