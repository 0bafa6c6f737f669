#include <math.h>
#include <string.h>

#include "hrv.h"
#include "numbers.h"

/* Named and explained in ecgedge/hrv/measures.py. */
static const double SPECTRUM_S = 300.0, SPECTRUM_USABLE = 0.8, TOLERANCE = 0.2, ROOT_2 = 1.41421356237309504880;
enum { ENTROPY_LEAST = 100 };

void ecg_nn_window_reset(struct ecg_nn_window *w)
{
    const struct ecg_nn_moments none = {0, 0, 0};
    w->first = w->count = w->normals = 0;
    w->nn = w->steps = w->pairs = none;
    w->over_20 = w->over_50 = 0;
}

static void count_in(struct ecg_nn_moments *m, int64_t value, int out)
{
    const uint64_t v = (uint64_t)value, sign = out ? (uint64_t)-1 : 1u;
    m->n += sign;
    m->total += sign * v;
    m->squares += sign * v * v;
}

static void count_pair(struct ecg_nn_window *w, int32_t before, int32_t after, int out)
{
    const int32_t step = after - before, size = step < 0 ? -step : step, times = out ? -1 : 1;
    count_in(&w->steps, step, out);
    count_in(&w->pairs, (int64_t)after + before, out);
    w->over_20 += times * (size > 20000);
    w->over_50 += times * (size > 50000);
}

/* Where a value is, or belongs, among the sorted ones. */
static int place_of(const struct ecg_nn_window *w, int32_t rr_us)
{
    int low = 0, high = w->normals;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (w->sorted[middle] < rr_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void sort_in(struct ecg_nn_window *w, int32_t rr_us)
{
    const int at = place_of(w, rr_us);
    memmove(w->sorted + at + 1, w->sorted + at, (size_t)(w->normals - at) * sizeof(int32_t));
    w->sorted[at] = rr_us;
    w->normals++;
}

static void take_out(struct ecg_nn_window *w, int32_t rr_us)
{
    const int at = place_of(w, rr_us);
    w->normals--;
    memmove(w->sorted + at, w->sorted + at + 1, (size_t)(w->normals - at) * sizeof(int32_t));
}

void ecg_nn_add(struct ecg_nn_window *w, const struct ecg_nn_interval *interval)
{
    const struct ecg_nn_kept *last = w->count ? &w->kept[w->first + w->count - 1] : NULL;
    const int joined = interval->normal && interval->follows && last != NULL && last->normal;
    const struct ecg_nn_kept kept = {
        interval->end_s, interval->rr_us, joined ? last->rr_us : 0, interval->normal != 0};
    if (w->first + w->count == w->capacity) {
        memmove(w->kept, w->kept + w->first, (size_t)w->count * sizeof(kept));
        w->first = 0;
    }
    w->kept[w->first + w->count++] = kept;
    if (kept.before_us)
        count_pair(w, kept.before_us, kept.rr_us, 0);
    if (kept.normal) {
        count_in(&w->nn, kept.rr_us, 0);
        sort_in(w, kept.rr_us);
    }
}

static void drop_pair(struct ecg_nn_window *w, struct ecg_nn_kept *kept)
{
    if (kept->before_us)
        count_pair(w, kept->before_us, kept->rr_us, 1);
    kept->before_us = 0;
}

void ecg_nn_forget(struct ecg_nn_window *w, double start_s)
{
    /* Half a microsecond: an interval is rounded to whole ones. */
    while (w->count && w->kept[w->first].end_s - w->kept[w->first].rr_us * 1e-6 < start_s - 5e-7) {
        struct ecg_nn_kept *oldest = &w->kept[w->first];
        drop_pair(w, oldest);
        if (oldest->normal) {
            count_in(&w->nn, oldest->rr_us, 1);
            take_out(w, oldest->rr_us);
        }
        w->first++;
        w->count--;
        if (w->count)
            drop_pair(w, &w->kept[w->first]); /* what it followed has left */
    }
}

static double ratio(double a, double b)
{
    return isnan(a) || isnan(b) || b == 0.0 ? NAN : a / b;
}

static double root_mean_square(const struct ecg_nn_moments *m)
{
    return m->n ? sqrt((double)m->squares / (double)m->n) : NAN;
}

/* Standard deviation with n - 1. */
static double deviation(const struct ecg_nn_moments *m)
{
    const uint64_t spread = m->n * m->squares - m->total * m->total;
    return m->n > 1 ? sqrt((double)spread / ((double)m->n * (double)(m->n - 1))) : NAN;
}

static double quantile(const struct ecg_nn_window *w, double q)
{
    const double at = q * (w->normals - 1);
    const int low = (int)at, high = low + 1 < w->normals ? low + 1 : low;
    return w->sorted[low] + (at - low) * (w->sorted[high] - w->sorted[low]);
}

/* Median distance from the median: distances ascend from the middle of the sorted values to both ends. */
static double median_distance(const struct ecg_nn_window *w, double median)
{
    const int32_t whole = (int32_t)median;
    int right = place_of(w, whole < median ? whole + 1 : whole), left = right - 1, i;
    double before = 0.0, distance = 0.0;
    for (i = 0; i <= w->normals / 2; i++) {
        const double below = left >= 0 ? median - w->sorted[left] : DBL_MAX;
        const double above = right < w->normals ? w->sorted[right] - median : DBL_MAX;
        before = distance;
        if (below < above) {
            distance = below;
            left--;
        } else {
            distance = above;
            right++;
        }
    }
    return w->normals % 2 ? distance : (before + distance) / 2.0;
}

static double entropy(const struct ecg_nn_window *w, double deviation_us, double *room)
{
    const int most = w->normals < ECG_NN_ENTROPY_MOST ? w->normals : ECG_NN_ENTROPY_MOST;
    int32_t *x = (int32_t *)room;
    uint8_t *joined = (uint8_t *)(x + most);
    int i = w->first + w->count, left = most;
    if (w->normals < ENTROPY_LEAST || !(deviation_us > 0.0))
        return NAN;
    while (left > 0) {
        i--;
        if (!w->kept[i].normal)
            continue;
        left--;
        x[left] = w->kept[i].rr_us;
        joined[left] = w->kept[i].before_us != 0;
    }
    return ecg_sample_entropy(x, joined, most, (uint32_t)(TOLERANCE * deviation_us), joined + most);
}

static int bands(const struct ecg_nn_window *w, double *room, double *lf, double *hf)
{
    double *t = room, *x = t + w->normals;
    int i, n = 0, bins;
    for (i = w->first; i < w->first + w->count; i++)
        if (w->kept[i].normal) {
            t[n] = w->kept[i].end_s;
            x[n++] = w->kept[i].rr_us / 1e3;
        }
    bins = ecg_band_bins(t, n, ECG_NN_BINS);
    if (bins < 1)
        return -1;
    ecg_band_powers(t, x, n, bins, x + n, lf, hf);
    return 0;
}

size_t ecg_nn_room(int count)
{
    return 2 * (size_t)count + 6 * ECG_NN_BINS;
}

int ecg_nn_measure(const struct ecg_nn_window *w, double start_s, double end_s, double *room,
    struct ecg_nn_measures *m)
{
    const double seconds = end_s - start_s, nn_s = (double)w->nn.total * 1e-6, spread = deviation(&w->nn);
    const double steps = (double)w->steps.n;
    m->n_rr = w->count;
    m->n_nn = w->normals;
    m->usable = seconds > 0.0 ? (nn_s / seconds < 1.0 ? nn_s / seconds : 1.0) : 0.0;
    m->mean_nn_ms = w->normals ? (double)w->nn.total / w->normals / 1e3 : NAN;
    m->sdnn_ms = spread / 1e3;
    m->rmssd_ms = root_mean_square(&w->steps) / 1e3;
    m->sdsd_ms = deviation(&w->steps) / 1e3;
    m->pnn20 = ratio(w->over_20, steps);
    m->pnn50 = ratio(w->over_50, steps);
    m->cvnn = ratio(m->sdnn_ms, m->mean_nn_ms);
    m->cvsd = ratio(m->rmssd_ms, m->mean_nn_ms);
    m->median_nn_ms = m->mad_nn_ms = m->iqr_nn_ms = NAN;
    if (w->normals) {
        const double median = quantile(w, 0.5);
        m->median_nn_ms = median / 1e3;
        m->mad_nn_ms = median_distance(w, median) / 1e3;
        m->iqr_nn_ms = (quantile(w, 0.75) - quantile(w, 0.25)) / 1e3;
    }
    m->sd1_ms = ratio(m->sdsd_ms, ROOT_2);
    m->sd2_ms = ratio(deviation(&w->pairs) / 1e3, ROOT_2);
    m->sample_entropy = entropy(w, spread, room);
    m->lf_ms2 = m->hf_ms2 = NAN;
    if (seconds >= SPECTRUM_S && m->usable >= SPECTRUM_USABLE && bands(w, room, &m->lf_ms2, &m->hf_ms2) < 0)
        return -1;
    m->lf_hf = ratio(m->lf_ms2, m->hf_ms2);
    return 0;
}
