#include "rate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "numbers.h"

/* Named and explained in ecgedge_bridge/stream/rate.py. */
static const double TOLERANCE = 0.02, LIMIT = 0.025, NEAR_FRACTION = 0.03, SAME_RATE = 0.01;
static const double LEAST_S = 4.0, PRIOR = 2500.0, MEMORY_S = 120.0;
enum { FRAMES_IN_A_ROW = 8 };

double ecg_round_3(double value)
{
    char words[352]; /* a double has at most 309 digits before its point */
    snprintf(words, sizeof words, "%.3f", value);
    return strtod(words, NULL);
}

void ecg_rate_init(struct ecg_rate *rate, double nominal)
{
    rate->nominal = nominal;
    rate->samples = rate->seconds = 0.0;
}

double ecg_rate_fs(const struct ecg_rate *rate)
{
    const double total = rate->samples, nominal = rate->nominal;
    double weight, estimate, off;
    if (total == 0.0)
        return nominal;
    weight = total * total / (total * total + PRIOR);
    estimate = weight * total / rate->seconds + (1.0 - weight) * nominal;
    off = estimate - nominal;
    if (fabs(off) > nominal * LIMIT)
        return nominal * (1.0 + (off < 0.0 ? -LIMIT : LIMIT));
    return estimate;
}

double ecg_rate_tolerance(const struct ecg_rate *rate)
{
    const double by_samples = 1.0 / (rate->samples > 1.0 ? rate->samples : 1.0);
    return by_samples < TOLERANCE ? by_samples : TOLERANCE;
}

double ecg_rate_other(const struct ecg_rate *rate)
{
    double measured;
    if (rate->seconds < LEAST_S)
        return 0.0;
    measured = rate->samples / rate->seconds;
    return fabs(measured / rate->nominal - 1.0) > LIMIT ? ecg_round_3(measured) : 0.0;
}

void ecg_rate_add(struct ecg_rate *rate, int64_t samples, double seconds)
{
    rate->samples += (double)samples;
    rate->seconds += seconds;
    if (rate->seconds > MEMORY_S) {
        rate->samples /= 2.0;
        rate->seconds /= 2.0;
    }
}

void ecg_other_rate_forget(struct ecg_other_rate *other)
{
    other->count = other->samples = 0;
    other->seconds = 0.0;
}

double ecg_other_rate_seen(struct ecg_other_rate *other, int64_t samples, double seconds, double expected)
{
    double rate, ratio;
    int is_loss;
    if (seconds <= 0.0 ||
        (other->count > 0 && !ecg_is_same_rate((double)samples / seconds, (double)other->samples / other->seconds)))
        ecg_other_rate_forget(other);
    if (seconds <= 0.0)
        return 0.0;
    other->count++;
    other->samples += samples;
    other->seconds += seconds;
    rate = (double)other->samples / other->seconds;
    ratio = expected / rate;
    is_loss = ratio > 1.5 && fabs(ratio - ecg_round(ratio)) < NEAR_FRACTION * ratio;
    return other->count >= FRAMES_IN_A_ROW && fabs(ratio - 1.0) > TOLERANCE && !is_loss ? ecg_round_3(rate) : 0.0;
}

int ecg_is_same_rate(double one, double other)
{
    return fabs(one - other) < SAME_RATE * other;
}
