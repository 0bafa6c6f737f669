/* What is missing before a frame, and how many of its first samples have been placed already. */
#ifndef ECG_LOSS_H
#define ECG_LOSS_H

#include "timeline.h"

#define ECG_COUNTER_SLACK_S 0.5

struct ecg_loss {
    int64_t samples, repeated;
    int is_step, has_note;
    struct ecg_timeline_note note;
};

extern const struct ecg_loss ECG_NO_LOSS;

/* What is missing between the newest frame and another one. */
struct ecg_loss ecg_loss_of(struct ecg_timeline *timeline, const struct ecg_frame *frame);

/* The same of a frame that has more samples than time went by, seen from the one after it. */
struct ecg_loss ecg_loss_of_short(struct ecg_timeline *timeline, const struct ecg_frame *frame,
    const struct ecg_frame *then, double elapsed_s, double step_s);

/* Whether a frame is such a one: of a faster rate, an overlap, or behind a step. */
int ecg_is_short(const struct ecg_timeline *timeline, const struct ecg_frame *frame, double elapsed_s);

/* Begin a segment after a step of the device's clock; `true_s` is what elapsed, NaN where only arrivals know it. */
struct ecg_loss ecg_stepped(struct ecg_timeline *timeline, const struct ecg_frame *frame, double elapsed_s,
    double true_s);

static inline double ecg_larger_of(double a, double b)
{
    return b > a ? b : a;
}

#endif
