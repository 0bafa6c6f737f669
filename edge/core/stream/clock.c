#include "clock.h"

#include <math.h>

/* Named and explained in ecgedge/stream/clock.py. */
static const double MOST_OFF = 0.1, KEPT_S = 700.0;

static const struct ecg_knot *knot(const struct ecg_clock *clock, int32_t i)
{
    return &clock->knots[(clock->first + i) % clock->room];
}

void ecg_clock_init(struct ecg_clock *clock, double fs, struct ecg_knot *knots, int32_t room)
{
    clock->fs = fs;
    clock->knots = knots;
    clock->room = room;
    clock->first = 0;
    clock->count = 1;
    knots[0].sample = 0;
    knots[0].seconds = 0.0;
    knots[0].rate = fs;
}

static void forget(struct ecg_clock *clock)
{
    clock->first = (clock->first + 1) % clock->room;
    clock->count--;
}

int ecg_clock_tell(struct ecg_clock *clock, int64_t sample, double rate)
{
    double now_s;
    struct ecg_knot *next;
    if (!(fabs(rate - clock->fs) <= MOST_OFF * clock->fs))
        return -1;
    if (rate == knot(clock, clock->count - 1)->rate)
        return 0;
    now_s = ecg_clock_seconds(clock, (double)sample);
    if (clock->count == clock->room)
        forget(clock);
    next = &clock->knots[(clock->first + clock->count++) % clock->room];
    next->sample = sample;
    next->seconds = now_s;
    next->rate = rate;
    while (clock->count > 2 && knot(clock, 1)->seconds < now_s - KEPT_S)
        forget(clock);
    return 0;
}

/* The last knot at or before a place, by samples or by seconds; the first one where there is none. */
static const struct ecg_knot *knot_at(const struct ecg_clock *clock, double place, int by_seconds)
{
    int32_t low = 0, high = clock->count;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        const struct ecg_knot *const k = knot(clock, middle);
        if ((by_seconds ? k->seconds : (double)k->sample) <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return knot(clock, low > 0 ? low - 1 : 0);
}

double ecg_clock_seconds(const struct ecg_clock *clock, double sample)
{
    const struct ecg_knot *const k = knot_at(clock, sample, 0);
    return k->seconds + (sample - (double)k->sample) / k->rate;
}

double ecg_clock_sample(const struct ecg_clock *clock, double seconds)
{
    const struct ecg_knot *const k = knot_at(clock, seconds, 1);
    return (double)k->sample + (seconds - k->seconds) * k->rate;
}

double ecg_clock_stretch(const struct ecg_clock *clock, double start, double end)
{
    const struct ecg_knot *const last = knot(clock, clock->count - 1);
    if (start >= (double)last->sample) /* one piece: without the detour over the time since sample 0 */
        return clock->fs / last->rate;
    return end > start
        ? (ecg_clock_seconds(clock, end) - ecg_clock_seconds(clock, start)) * clock->fs / (end - start)
        : 1.0;
}
