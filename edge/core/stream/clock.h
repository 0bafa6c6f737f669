/* When a sample was taken, at the rate that a device really has: the twin of ecgedge/stream/clock.py. */
#ifndef ECG_CLOCK_H
#define ECG_CLOCK_H

#include <stdint.h>

/* From this sample on, at this time in s, samples come at `rate` Hz. */
struct ecg_knot {
    int64_t sample;
    double seconds, rate;
};

/* Seconds of samples, in straight pieces; `knots` is a ring of the newest ones. */
struct ecg_clock {
    double fs;
    struct ecg_knot *knots;
    int32_t room, first, count;
};

/* Begin with sample 0 at 0 s and the nominal rate; `room` is two knots at least. */
void ecg_clock_init(struct ecg_clock *clock, double fs, struct ecg_knot *knots, int32_t room);

/* Note the true rate from a sample on. Returns 0, or -1 where it is more than 10 % off: then nothing is noted. */
int ecg_clock_tell(struct ecg_clock *clock, int64_t sample, double rate);

/* Seconds from sample 0 to a place, and back. */
double ecg_clock_seconds(const struct ecg_clock *clock, double sample);
double ecg_clock_sample(const struct ecg_clock *clock, double seconds);

/* Seconds from one place to a later one, over what they would be at the nominal rate. */
double ecg_clock_stretch(const struct ecg_clock *clock, double start, double end);

#endif
