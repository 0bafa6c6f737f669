#include "detector.h"

#include <math.h>
#include <string.h>

#include "numbers.h"

/* The reasons for these are in ecgedge/beats/settings.py. */
#define SEARCH 2
#define DELAY (ECG_BEAT_AROUND + ECG_BEAT_APART)
#define SHORTEST 50.0
#define CLIP 3.0f
#define TALLER 0.3
#define SINK 0.2
#define FORGET 1500
#define FOLLOW 0.1
#define FOLLOW_OTHER 0.004
#define DROP 5.0
#define SIMILAR 3.0
#define FLOOR_MV 0.02
#define LATE 1.6
#define NEAR_AFTER (0.36 * ECG_BEAT_FS)
#define NEAR_BEFORE (0.3 * ECG_BEAT_FS)
#define LONGEST_RR (3.0 * ECG_BEAT_FS)

static double larger(double a, double b)
{
    return b > a ? b : a;
}

void ecg_detector_init(struct ecg_detector *detector, const struct ecg_beat_net *net)
{
    detector->net = net;
    ecg_detector_reset(detector);
}

void ecg_detector_reset(struct ecg_detector *detector)
{
    const struct ecg_beat_net *net = detector->net;
    memset(detector, 0, sizeof *detector);
    detector->net = net;
    detector->last_peak = -1.0;
}

int ecg_detector_due(const struct ecg_detector *detector, const struct ecg_kept *kept, int ended)
{
    const int64_t written = kept->written;
    if (detector->done + ECG_BEAT_HOP <= written)
        return 1;
    /* The last value stands for what never came, long enough for the last sample to be looked at. Signal in shreds
     * must not cost much, and no beat can be found in so little. */
    return ended && (double)written >= SHORTEST && detector->done < written + ECG_BEAT_REACH + DELAY;
}

/* ---- typical height of a QRS */

/* The height that a share TALLER of the last seconds may exceed. */
static double usual_height(const struct ecg_detector *detector)
{
    double tallest[ECG_DETECTOR_HEIGHTS];
    int32_t i, j;
    for (i = 0; i < detector->n_heights; i++) {
        const double height = detector->heights[i];
        for (j = i; j > 0 && tallest[j - 1] < height; j--)
            tallest[j] = tallest[j - 1];
        tallest[j] = height;
    }
    return tallest[(int32_t)(TALLER * detector->n_heights)];
}

/* The height, unless it is that of an artefact, or of silence, that has just ended. */
static double back_to_level(struct ecg_detector *detector, double height)
{
    const double now = detector->heights[detector->n_heights - 1], level = detector->level;
    const int as_beats = level == 0.0 || (level / SIMILAR <= now && now <= level * SIMILAR);
    int32_t i, kept = 0;
    if (height <= DROP * now || !as_beats || now <= FLOOR_MV)
        return height;
    for (i = 0; i < detector->n_heights; i++)
        if (detector->heights[i] <= SIMILAR * now)
            detector->heights[kept++] = detector->heights[i];
    detector->n_heights = kept;
    detector->held = 0.0;
    return now;
}

/* The largest distance of x[low..high) from zero. */
static double tallest_of(const float *x, int32_t low, int32_t high)
{
    float most = x[low], least = x[low];
    for (; low < high; low++) {
        most = x[low] > most ? x[low] : most;
        least = x[low] < least ? x[low] : least;
    }
    return larger((double)most, -(double)least);
}

/* Divide the signal around the hop that ends at `end` by the typical height of a QRS. */
static void in_heights(struct ecg_detector *detector, float *x, int64_t end)
{
    /* The first second may hold no beat. */
    const int32_t beside = detector->n_heights ? ECG_BEAT_REACH : 0;
    const double now = tallest_of(x, beside, ECG_BEAT_LENGTH - beside);
    float height;
    int32_t i;
    if (detector->n_heights == ECG_DETECTOR_HEIGHTS) {
        memmove(detector->heights, detector->heights + 1, sizeof detector->heights - sizeof detector->heights[0]);
        detector->n_heights--;
    }
    detector->heights[detector->n_heights++] = now;
    detector->height = larger(usual_height(detector), end <= detector->held_until ? detector->held : 0.0);
    detector->height = larger(back_to_level(detector, detector->height), FLOOR_MV);
    height = (float)detector->height;
    for (i = 0; i < ECG_BEAT_LENGTH; i++) {
        const float value = x[i] / height, low = value > CLIP ? CLIP : value;
        x[i] = low < -CLIP ? -CLIP : low;
    }
}

/* Note that there was a beat of this height. */
static void follow_level(struct ecg_detector *detector, double height)
{
    double step;
    if (detector->level == 0.0)
        detector->level = larger(height, FLOOR_MV);
    step = ecg_log(larger(height, FLOOR_MV) / detector->level);
    if (fabs(step) <= ecg_log(SIMILAR))
        detector->level *= ecg_exp(FOLLOW * step);
    else
        detector->level *= ecg_exp(step < 0.0 ? -FOLLOW_OTHER : FOLLOW_OTHER);
}

/* ---- where the sum of probability is highest */

static int is_highest(const float *sums, int32_t at)
{
    int32_t i;
    for (i = at - ECG_BEAT_APART; i <= at + ECG_BEAT_APART; i++)
        if (sums[i] > sums[at])
            return 0;
    return 1;
}

/* Sum the probabilities of the next hop around each of its samples, behind the sums so far. */
static void sum_up(struct ecg_detector *detector, struct ecg_detector_room *room)
{
    float *sums = room->sums + ECG_DETECTOR_SUMS;
    int32_t i, k;
    memcpy(room->p, detector->p, sizeof detector->p);
    memcpy(room->sums, detector->sums, sizeof detector->sums);
    ecg_beat_net_run(detector->net, room->x, &room->net, room->p + 2 * ECG_BEAT_AROUND);
    for (i = 0; i < ECG_BEAT_HOP; i++)
        sums[i] = room->p[i] * detector->net->kernel[0];
    for (k = 1; k < ECG_BEAT_KERNEL; k++)
        for (i = 0; i < ECG_BEAT_HOP; i++)
            sums[i] += room->p[i + k] * detector->net->kernel[k];
    memcpy(detector->p, room->p + ECG_BEAT_HOP, sizeof detector->p);
    memcpy(detector->sums, room->sums + ECG_BEAT_HOP, sizeof detector->sums);
}

/* ---- which candidates are beats */

static double median_rr(const struct ecg_detector *detector)
{
    int64_t sorted[ECG_DETECTOR_RR];
    int32_t i, j;
    const int32_t n = detector->n_rr;
    for (i = 0; i < n; i++) {
        for (j = i; j > 0 && sorted[j - 1] > detector->rr[i]; j--)
            sorted[j] = sorted[j - 1];
        sorted[j] = detector->rr[i];
    }
    return n % 2 ? (double)sorted[n / 2] : (double)(sorted[n / 2 - 1] + sorted[n / 2]) / 2.0;
}

static void pass_over(struct ecg_detector *detector, struct ecg_candidate candidate)
{
    if (detector->n_passed == ECG_DETECTOR_PASSED) {
        memmove(detector->passed, detector->passed + 1, sizeof detector->passed - sizeof detector->passed[0]);
        detector->n_passed--;
    }
    detector->passed[detector->n_passed++] = candidate;
}

static int32_t accept(struct ecg_detector *detector, struct ecg_candidate beat, struct ecg_candidate *chosen, int32_t n)
{
    const int64_t rr = beat.position - detector->last;
    int32_t gone = 0;
    if (detector->has_last && (double)rr < LONGEST_RR) {
        if (detector->n_rr == ECG_DETECTOR_RR) {
            memmove(detector->rr, detector->rr + 1, sizeof detector->rr - sizeof detector->rr[0]);
            detector->n_rr--;
        }
        detector->rr[detector->n_rr++] = rr;
    }
    detector->has_last = 1;
    detector->last = beat.position;
    while (gone < detector->n_passed && detector->passed[gone].position <= beat.position)
        gone++;
    detector->n_passed -= gone;
    memmove(detector->passed, detector->passed + gone, (size_t)detector->n_passed * sizeof detector->passed[0]);
    if (n < ECG_MOST_BEATS)
        chosen[n++] = beat;
    return n;
}

/* Beats that are overdue `now`: the best of those passed over, while there are any. */
static int32_t search_back(struct ecg_detector *detector, int64_t now, struct ecg_candidate *chosen, int32_t n)
{
    while (detector->has_last && detector->n_rr && (double)(now - detector->last) > LATE * median_rr(detector)) {
        const double after = (double)detector->last + NEAR_AFTER, before = (double)now - NEAR_BEFORE;
        int32_t best = -1, i;
        for (i = 0; i < detector->n_passed; i++) {
            const struct ecg_candidate *c = &detector->passed[i];
            if (after < (double)c->position && (double)c->position < before && c->score > detector->net->back &&
                (best < 0 || c->score > detector->passed[best].score))
                best = i;
        }
        if (best < 0)
            break;
        n = accept(detector, detector->passed[best], chosen, n);
    }
    return n;
}

/* Take the candidates among the sums of the hop that ends at `end`; returns how many beats are chosen. */
static int32_t choose(struct ecg_detector *detector, int64_t end, struct ecg_detector_room *room)
{
    const float *sums = room->sums, lowest = detector->net->lowest;
    const int64_t done = end - DELAY; /* there will be no other candidates before it */
    int32_t i, n = 0;
    for (i = 0; i < ECG_BEAT_HOP; i++) {
        const int32_t at = ECG_BEAT_APART + 1 + i;
        struct ecg_candidate candidate;
        if (!(sums[at] > lowest && sums[at] >= sums[at - 1] && sums[at] > sums[at + 1] && is_highest(sums, at)))
            continue;
        candidate.position = done - ECG_BEAT_HOP + i;
        candidate.score = sums[at];
        if (candidate.score > detector->net->threshold) {
            n = search_back(detector, candidate.position, room->chosen, n);
            n = accept(detector, candidate, room->chosen, n);
        } else {
            pass_over(detector, candidate);
        }
    }
    return search_back(detector, done, room->chosen, n);
}

/* ---- R peaks */

/* Offset of the vertex through three equally spaced points, the middle one the highest. */
static double parabola(double a, double b, double c)
{
    const double bend = a - 2.0 * b + c, off = bend >= 0.0 ? 0.0 : 0.5 * (a - c) / bend;
    return off < -0.5 ? -0.5 : off > 0.5 ? 0.5 : off;
}

/* R peak near a candidate. Returns 1, 0 where it lies outside of the segment or was that of the beat before, or -1
 * where the signal is not kept. */
static int peak_near(struct ecg_detector *detector, const struct ecg_kept *kept, int64_t at, double *peak)
{
    const int64_t low = at > SEARCH ? at - SEARCH : 0, high = at + SEARCH + 1;
    const int32_t n = (int32_t)(high - low);
    float y[2 * SEARCH + 1];
    double top, bottom, sign = 1.0, found;
    int32_t i, highest = 0;
    if (low >= high || low >= kept->written)
        return 0;
    if (ecg_extended(kept, low, high, y) < 0)
        return -1;
    top = y[0], bottom = -(double)y[0];
    for (i = 1; i < n; i++)
        top = larger(top, y[i]), bottom = larger(bottom, -(double)y[i]);
    detector->up += 0.1 * ((top - bottom) / larger(fabs(top) + fabs(bottom), 1e-9) - detector->up);
    if (top * (1.0 + detector->up) < bottom * (1.0 - detector->up))
        sign = -1.0;
    for (i = 1; i < n; i++)
        if (sign * y[i] > sign * y[highest])
            highest = i;
    found = (double)(low + highest);
    if (highest > 0 && highest < n - 1)
        found += parabola(sign * y[highest - 1], sign * y[highest], sign * y[highest + 1]);
    if (!(detector->last_peak < found && found < (double)kept->written))
        return 0;
    detector->last_peak = *peak = found;
    return 1;
}

/* How far a peak is from zero, -1 where it is not kept; a vertex may round to just behind the last sample. */
static double height_at(const struct ecg_kept *kept, double peak)
{
    int64_t at = (int64_t)ecg_round(peak);
    at = at < kept->written ? at : kept->written - 1;
    return at < ecg_oldest(kept) ? -1.0 : fabs((double)*ecg_sample(kept, at));
}

/* Make beats of the chosen ones. */
static int32_t place(struct ecg_detector *detector, const struct ecg_kept *kept, const struct ecg_candidate *chosen,
    int32_t n, struct ecg_found_beat *beats)
{
    int32_t i, found = 0;
    for (i = 0; i < n; i++) {
        const int is = peak_near(detector, kept, chosen[i].position, &beats[found].position);
        double height;
        if (is < 0)
            return -1;
        if (!is)
            continue;
        height = height_at(kept, beats[found].position);
        if (height < 0.0)
            return -1;
        follow_level(detector, height);
        beats[found++].confidence = chosen[i].score < 1.0 ? chosen[i].score : 1.0;
    }
    return found;
}

int32_t ecg_detector_look(struct ecg_detector *detector, const struct ecg_kept *kept, struct ecg_detector_room *room,
    struct ecg_found_beat *beats)
{
    const int64_t end = detector->done + ECG_BEAT_HOP - ECG_BEAT_REACH;
    int32_t n;
    detector->done += ECG_BEAT_HOP;
    if (ecg_extended(kept, end - ECG_BEAT_HOP - ECG_BEAT_REACH, end + ECG_BEAT_REACH, room->x) < 0)
        return -1;
    in_heights(detector, room->x, end);
    sum_up(detector, room);
    n = choose(detector, end, room);
    if (n) {
        detector->held = SINK * detector->height;
        detector->held_until = end + FORGET;
    }
    return place(detector, kept, room->chosen, n, beats);
}
