/* What the files of the gate's features share. */
#ifndef ECG_GATE_WINDOW_H
#define ECG_GATE_WINDOW_H

#include "gate.h"
#include "order.h"
#include "samples.h"

struct ecg_span {
    int from, to; /* samples around an R peak, the last one outside */
};

/* One window, and where its scratch lies. */
struct ecg_gate_window {
    const struct ecg_gate *gate;
    const float *x;
    int n, beats, whole;
    double fs;
    int *r;                     /* R peaks in whole samples */
    int *within;                /* which beats have their QRS wholly inside */
    double *heights, *best, *k; /* of these: height, highest correlation with another; scratch */
    double *free;
};

/* Samples of a QRS and of a whole beat around its R peak. */
struct ecg_span ecg_gate_qrs(double fs);
struct ecg_span ecg_gate_beat(double fs);

/* The features that look at single beats: mean and least sureness; likeness (3); odd ones (2); what lies between beats
 * (5); intervals (4). In this order: one reads what another has found. */
void ecg_gate_sureness(const struct ecg_gate_beats *beats, double *out);
void ecg_gate_likeness(struct ecg_gate_window *w, double *out);
void ecg_gate_oddness(struct ecg_gate_window *w, const double *confidence, double *out);
void ecg_gate_between(struct ecg_gate_window *w, double *out);
void ecg_gate_intervals(const struct ecg_gate_window *w, const double *at, double *out);

static inline double ecg_larger(double a, double b)
{
    return b > a ? b : a;
}

/* The upper median; puts the values into order. */
static inline double ecg_middle(double *x, int n)
{
    ecg_sort(x, n);
    return x[n / 2];
}

/* First to last; 0 of nothing. */
static inline double ecg_sum(const double *x, int n)
{
    double sum = n > 0 ? x[0] : 0.0;
    int i;
    for (i = 1; i < n; i++)
        sum += x[i];
    return sum;
}

#endif
