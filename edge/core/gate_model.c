#include <math.h>

#include "gate_window.h"
#include "numbers.h"

static const double PIECE_S = 0.5, FLAT_MV = 0.01;

void ecg_ranges(const float *x, int n, int size, double *ranges)
{
    int i;
    for (i = 0; i < n / size; i++)
        ranges[i] = (double)ecg_range(x + i * size, size);
}

double ecg_gate_flat_share(const float *x, int n, double fs)
{
    int size = (int)ecg_round(PIECE_S * fs), i, flat = 0;
    size = size < 1 ? 1 : size > n ? n : size;
    if (n < 1)
        return 1.0;
    for (i = 0; i < n / size; i++)
        flat += (double)ecg_range(x + i * size, size) < FLAT_MV;
    return (double)flat / (n / size);
}

/* Cut where it is 0 or 1 to thirteen digits. */
static double probability(double log_odds)
{
    const double cut = log_odds < -30.0 ? -30.0 : log_odds > 30.0 ? 30.0 : log_odds;
    return 1.0 / (1.0 + ecg_exp(-cut));
}

/* What the log odds of the window before add. */
static double carried(double before, double persistence)
{
    const double clean = probability(before);
    const double odds = persistence * clean + (1.0 - persistence) * (1.0 - clean);
    return ecg_log(odds / (1.0 - odds));
}

void ecg_gate_judge(const struct ecg_gate_model *m, const double *features, const double *before,
    struct ecg_gate_verdict *verdict)
{
    double shape[ECG_GATE_FEATURES];
    int i;
    for (i = 0; i < ECG_GATE_FEATURES; i++) {
        const double z = (features[i] - m->mean[i]) / m->scale[i];
        const double cut = z < -m->clip ? -m->clip : z > m->clip ? m->clip : z;
        verdict->against[i] = cut * m->weights[i];
        shape[i] = cut * m->morphology_weights[i];
    }
    verdict->log_odds = m->bias + ecg_sum(verdict->against, ECG_GATE_FEATURES);
    if (before)
        verdict->log_odds += carried(*before, m->persistence);
    verdict->score = probability(m->slope * verdict->log_odds + m->offset);
    verdict->morphology = probability(m->morphology_bias + ecg_sum(shape, ECG_GATE_FEATURES));
}
