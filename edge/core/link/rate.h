/* The true sampling rate of a device, by its own clock: the twin of ecgedge_bridge/stream/rate.py. */
#ifndef ECG_RATE_H
#define ECG_RATE_H

#include <stdint.h>

struct ecg_rate {
    double nominal, samples, seconds;
};

void ecg_rate_init(struct ecg_rate *rate, double nominal);

/* Best estimate in Hz, and the relative error that it may still have. */
double ecg_rate_fs(const struct ecg_rate *rate);
double ecg_rate_tolerance(const struct ecg_rate *rate);

/* The measured rate, where it lies far off the expected one; else 0. */
double ecg_rate_other(const struct ecg_rate *rate);

/* Count samples that took so many seconds of device time without a gap. */
void ecg_rate_add(struct ecg_rate *rate, int64_t samples, double seconds);

/* Finds out that a device runs at another rate than expected. */
struct ecg_other_rate {
    int64_t count, samples;
    double seconds;
};

void ecg_other_rate_forget(struct ecg_other_rate *other);

/* Take an interval that does not have the expected rate; the rate once it is known, else 0. */
double ecg_other_rate_seen(struct ecg_other_rate *other, int64_t samples, double seconds, double expected);

/* Whether two measured rates are one but for the jitter of stamps. */
int ecg_is_same_rate(double one, double other);

/* To three decimals, as Python's round() does it. */
double ecg_round_3(double value);

#endif
