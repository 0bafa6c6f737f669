#include <string.h>

#include "hrv.h"
#include "numbers.h"

/* Named and explained in ecgedge/hrv/by_class.py. */
static const int32_t SHORTEST_US = 250000;
static const double MISSED = 1.8, EXTRA = 0.5, PAIR = 1.3;
enum { AHEAD = 2, LEAST = 5 };

static void begin_run(struct ecg_nn_cleaner *c)
{
    c->waits = 0;
    c->before_us = -1;
    c->has_last = c->last_normal = c->any = 0;
}

void ecg_nn_cleaner_reset(struct ecg_nn_cleaner *c)
{
    c->recents = c->oldest = 0;
    begin_run(c);
}

static void remember(struct ecg_nn_cleaner *c, int32_t rr_us)
{
    if (c->recents < ECG_NN_MEDIAN_OF) {
        c->recent[c->recents++] = rr_us;
        return;
    }
    c->recent[c->oldest] = rr_us;
    c->oldest = (c->oldest + 1) % ECG_NN_MEDIAN_OF;
}

static double median(const struct ecg_nn_cleaner *c)
{
    int32_t sorted[ECG_NN_MEDIAN_OF];
    const int n = c->recents;
    int i, j;
    for (i = 0; i < n; i++) {
        for (j = i; j > 0 && sorted[j - 1] > c->recent[i]; j--)
            sorted[j] = sorted[j - 1];
        sorted[j] = c->recent[i];
    }
    return ((double)sorted[(n - 1) / 2] + (double)sorted[n / 2]) / 2.0;
}

/* Whether a beat was missed in an interval, or one of its beats is false. */
static int miscounted(const struct ecg_nn_cleaner *c, int32_t rr_us)
{
    double middle;
    if (c->recents < LEAST)
        return 0;
    middle = median(c);
    if (!(EXTRA * middle <= rr_us && rr_us <= MISSED * middle))
        return 1;
    return (c->before_us >= 0 && rr_us + c->before_us < PAIR * middle) ||
        (c->waits > 0 && rr_us + c->waiting[0].rr_us < PAIR * middle);
}

static int assess(struct ecg_nn_cleaner *c, int ahead, struct ecg_nn_interval *out)
{
    int count = 0;
    while (c->waits > ahead) {
        struct ecg_nn_interval i = c->waiting[0];
        c->waits--;
        memmove(c->waiting, c->waiting + 1, (size_t)c->waits * sizeof(c->waiting[0]));
        i.normal = i.normal && i.rr_us >= SHORTEST_US && !miscounted(c, i.rr_us);
        c->before_us = i.rr_us;
        out[count++] = i;
    }
    return count;
}

int ecg_nn_end_run(struct ecg_nn_cleaner *c, struct ecg_nn_interval *out)
{
    const int count = assess(c, 0, out);
    begin_run(c);
    return count;
}

int ecg_nn_push(struct ecg_nn_cleaner *c, double beat_s, int normal, struct ecg_nn_interval *out)
{
    int count = 0;
    if (c->has_last) {
        const double rr_us = ecg_round((beat_s - c->last_s) * 1e6);
        if (rr_us > ECG_NN_LONGEST_US) {
            count = ecg_nn_end_run(c, out);
        } else {
            const struct ecg_nn_interval i = {beat_s, (int32_t)rr_us, normal && c->last_normal, c->any};
            c->waiting[c->waits++] = i;
            c->any = 1;
            if (i.normal)
                remember(c, i.rr_us);
        }
    }
    c->last_s = beat_s;
    c->last_normal = normal != 0;
    c->has_last = 1;
    return count + assess(c, AHEAD, out + count);
}
