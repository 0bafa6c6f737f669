#include <math.h>
#include <string.h>

#include "gate.h"
#include "numbers.h"
#include "order.h"

/* Named and explained in ecgedge/gate/clipping.py. */
static const double WIDTH = 0.005, WIDEST = 0.03, HELD_S = 0.03, STEEP = 0.5, AWAY = 0.3, LONG_S = 1.5;
enum { STEPS = 4, CELLS = 1600 };

struct stretch {
    const float *x;
    int n;
    double fs;
    float low, high;
    float *room;
};

/* The smallest difference between two values, or any so small that the width of a rail does not depend on it: two of
 * one cell are. */
static double smallest_step(const struct stretch *s)
{
    const double range = (double)s->high - (double)s->low, scale = (CELLS - 1) / range;
    unsigned char *known = (unsigned char *)(s->room + CELLS);
    float before = s->low, step = s->high - s->low;
    int i;
    memset(known, 0, CELLS);
    for (i = 0; i < s->n; i++) {
        const double place = ((double)s->x[i] - (double)s->low) * scale;
        const int cell = place >= 0.0 && place < CELLS ? (int)place : 0;
        if (known[cell] && s->room[cell] != s->x[i])
            return 0.0;
        known[cell] = 1;
        s->room[cell] = s->x[i];
    }
    for (i = 0; i < CELLS; i++)
        if (known[i] && s->room[i] > before) {
            step = s->room[i] - before < step ? s->room[i] - before : step;
            before = s->room[i];
        }
    return (double)step;
}

static double median(const struct stretch *s)
{
    double upper, lower;
    memcpy(s->room, s->x, (size_t)s->n * sizeof(float));
    upper = (double)ecg_select(s->room, s->n, s->n / 2);
    lower = (double)ecg_select(s->room, s->n, (s->n - 1) / 2);
    return (lower + upper) / 2.0;
}

/* Share of samples on the rail at one side; the longest stretch there is added to `held_s` where it is longer. */
static double rail(const struct stretch *s, int top, float width, float beside, double *held_s)
{
    const int least = (int)ecg_round(HELD_S * s->fs) > 3 ? (int)ecg_round(HELD_S * s->fs) : 3;
    const double range = (double)s->high - (double)s->low, at = top ? (double)s->high : (double)s->low;
    int i, run = 0, held = 0, longest = 0, near = 0;
    double longest_s;
    for (i = 0; i < s->n; i++) {
        const float depth = top ? s->high - s->x[i] : s->x[i] - s->low;
        if (depth <= width) {
            run++;
            continue;
        }
        near += depth <= beside;
        held += run >= least ? run : 0;
        longest = run > longest ? run : longest;
        run = 0;
    }
    held += run >= least ? run : 0;
    longest = run > longest ? run : longest;
    longest_s = longest / s->fs;
    *held_s = longest_s > *held_s ? longest_s : *held_s;
    if (held == 0 || near > STEEP * held)
        return 0.0;
    return longest_s > LONG_S || fabs(at - median(s)) >= AWAY * range ? (double)held / s->n : 0.0;
}

double ecg_clipping(const float *x, int n, double fs, float *room, double *held_s)
{
    struct stretch s = {x, n, fs, n > 0 ? x[0] : 0.0f, n > 0 ? x[0] : 0.0f, room};
    double range, width, share;
    int i;
    for (i = 1; i < n; i++) {
        s.low = x[i] < s.low ? x[i] : s.low;
        s.high = x[i] > s.high ? x[i] : s.high;
    }
    *held_s = n / fs;
    if (!(s.high > s.low))
        return 0.0;
    *held_s = 0.0;
    range = (double)s.high - (double)s.low;
    width = STEPS * smallest_step(&s);
    width = width < WIDTH * range ? WIDTH * range : width;
    width = width > WIDEST * range ? WIDEST * range : width;
    share = rail(&s, 0, (float)width, (float)(3.0 * width), held_s);
    return share + rail(&s, 1, (float)width, (float)(3.0 * width), held_s);
}
