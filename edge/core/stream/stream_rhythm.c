/* Rhythm: the twin of ecgedge/rhythm (stage.py, decision.py, regularity.py). */
#include <string.h>

#include "numbers.h"
#include "order.h"
#include "samples.h"
#include "stream.h"

/* Named and explained in the files of ecgedge/rhythm. */
static const double DOUBTFUL_S = 20.0, DOUBTFUL = 0.5, SLOW_BPM = 50.0, FAST_BPM = 100.0, NEAR_LIMITS = 0.05,
                    MOST_SPREAD = 0.1, LONGER = 1.2;
static const double AF_LEAST_S = 10.0, AF_WHOLE_S = 30.0, SAMPLE_S = 0.02, FLOOR_MV = 0.02;
enum { SHORTEST = 900, PIECE = 200, LEAST_INTERVALS = 10, CONFIRM = 2 };

size_t ecg_stream_rhythm_room(const struct ecg_setup *setup)
{
    const struct ecg_net8 *const net = setup->rhythm.net;
    const size_t beats = (size_t)ecg_stream_most_beats(setup->limits.window) * sizeof(double);
    size_t running;
    if (net == NULL)
        return 0;
    /* The window as floats lies where the network works afterwards. */
    running = ecg_larger_size((size_t)net->n_inputs * sizeof(float), (size_t)(net->sums + net->patches + net->memory));
    return ecg_larger_size(ecg_whole(running) + ecg_whole((size_t)net->n_inputs), 2 * beats);
}

void ecg_stream_start_rhythm(struct ecg_stream *s)
{
    const struct ecg_rhythm_limits *const limits = &s->setup->limits;
    s->rhythm_windows.length = limits->window;
    s->rhythm_windows.hop = limits->hop;
    s->rhythm_windows.end = limits->first;
    s->rhythm_windows.shortest = SHORTEST;
    s->named = s->refused = 0;
    s->fibrillation = 0.0;
}

/* Calibrated probabilities of a stretch of filtered signal. */
static void probabilities(struct ecg_stream *s, struct ecg_stretch w, double *p)
{
    const struct ecg_namer *const namer = &s->setup->rhythm;
    const struct ecg_net8 *const net = namer->net;
    const int32_t length = (int32_t)(w.end - w.start), n = length < net->n_inputs ? length : net->n_inputs;
    const float *const x = ecg_stream_view(s, w.end - n);
    int8_t *const codes = s->scratch, logits[ECG_MOST_CLASSES];
    unsigned char *const working = (unsigned char *)s->scratch + ecg_whole((size_t)net->n_inputs);
    float *const row = (float *)(void *)working, values[ECG_MOST_CLASSES];
    double most, sum = 0.0;
    int32_t i;
    memset(row, 0, (size_t)(net->n_inputs - n) * sizeof *row);
    ecg_scale(x, n, (float)ecg_amplitude(x, n, n < PIECE ? n : PIECE, FLOOR_MV), namer->clip, row + net->n_inputs - n);
    ecg_net8_codes(net, row, codes);
    ecg_net8_run(net, codes, logits, (int32_t *)(void *)working);
    ecg_net8_values(net, logits, values);
    for (i = 0; i < net->n_outputs; i++)
        p[i] = (double)values[i] / s->setup->limits.temperature;
    for (most = p[0], i = 1; i < net->n_outputs; i++)
        most = p[i] > most ? p[i] : most;
    for (i = 0; i < net->n_outputs; i++)
        p[i] -= most;
    ecg_exps(p, net->n_outputs);
    for (i = 0; i < net->n_outputs; i++)
        sum = i > 0 ? sum + p[i] : p[i];
    for (i = 0; i < net->n_outputs; i++)
        p[i] /= sum;
}

static int count_of(const struct ecg_namer *namer, int role)
{
    int32_t i;
    int count = 0;
    for (i = 0; i < namer->net->n_outputs; i++)
        count += namer->roles[i] == role;
    return count;
}

static double sum_of(const struct ecg_namer *namer, const double *p, int role)
{
    double sum = 0.0;
    int32_t i;
    for (i = 0; i < namer->net->n_outputs; i++)
        if (namer->roles[i] == role)
            sum += p[i];
    return sum;
}

static double quantile(const double *ascending, int n, double q)
{
    const double at = q * (n - 1);
    const int low = (int)at, high = low + 1 < n ? low + 1 : n - 1;
    return ascending[low] + (at - low) * (ascending[high] - ascending[low]);
}

/* Whether beats are fast and regular; their times become their intervals. */
static int is_clockwork(double *beats_s, int n)
{
    double middle, width;
    int i;
    if (n <= LEAST_INTERVALS)
        return 0;
    for (i = 0; i + 1 < n; i++)
        beats_s[i] = beats_s[i + 1] - beats_s[i];
    ecg_sort(beats_s, n - 1);
    middle = quantile(beats_s, n - 1, 0.5);
    width = quantile(beats_s, n - 1, 0.9) - quantile(beats_s, n - 1, 0.1);
    return middle <= 60.0 / FAST_BPM && width <= MOST_SPREAD * middle;
}

/* Give what is thought of fibrillation to other rhythms, in equal parts. */
static void without_fibrillation(const struct ecg_namer *namer, double *p)
{
    const int others = count_of(namer, ECG_OTHER_RHYTHM);
    const double moved = others > 0 ? sum_of(namer, p, ECG_AF) / others : 0.0;
    int32_t i;
    for (i = 0; others > 0 && i < namer->net->n_outputs; i++)
        p[i] = namer->roles[i] == ECG_AF ? 0.0 : namer->roles[i] == ECG_OTHER_RHYTHM ? p[i] + moved : p[i];
}

/* The signal is usable with some probability, and else noise. */
static void doubt(const struct ecg_namer *namer, double *p, double usable)
{
    const int noises = count_of(namer, ECG_NOISE), all = noises == 0, parts = all ? namer->net->n_outputs : noises;
    int32_t i;
    for (i = 0; usable != 1.0 && i < namer->net->n_outputs; i++) {
        const double share = all || namer->roles[i] == ECG_NOISE ? 1.0 - usable : 0.0;
        p[i] = usable * p[i] + share / parts;
    }
}

/* Take the probabilities of a window of so many seconds; the label changes or stays. */
static void decide(struct ecg_hysteresis *h, const struct ecg_rhythm_limits *limits, const double *p, int best,
    double seconds, struct ecg_rhythm_event *told)
{
    const int knows_better = seconds > LONGER * h->longest;
    told->conclusive = p[best] >= limits->conclusive;
    told->changed = 0;
    h->longest = seconds > h->longest ? seconds : h->longest;
    if (h->label < 0 || knows_better) {
        told->changed = best != h->label;
        h->label = best;
        h->rival = -1;
        h->count = 0;
    } else if (told->conclusive) {
        h->count = h->rival != best ? 1 : h->count < CONFIRM ? h->count + 1 : CONFIRM;
        h->rival = best;
        told->changed = best != h->label && (h->count >= CONFIRM || p[best] >= limits->sure);
        h->label = told->changed ? best : h->label;
    }
}

/* Atrial fibrillation or not; -1 where neither is probable enough, from too little, and where no class means it. */
static int af_of(const struct ecg_setup *setup, double p, double seconds)
{
    const struct ecg_af_limits *const af = &setup->limits.af;
    const int brief = seconds < AF_WHOLE_S - SAMPLE_S;
    if (seconds < AF_LEAST_S - SAMPLE_S || count_of(&setup->rhythm, ECG_AF) == 0)
        return -1;
    if (p >= (brief ? af->present_short : af->present))
        return 1;
    return p <= (brief ? af->absent_short : af->absent) ? 0 : -1;
}

/* Rate of the beats of a stretch, which become their intervals; what fibrillation cannot be is taken from it. */
static double beats_say(struct ecg_stream *s, struct ecg_stretch w, double *p)
{
    double *const beats_s = s->scratch, bpm = 0.0;
    const int count = ecg_stream_beats_between(s, w, ecg_stream_most_beats(s->setup->limits.window), beats_s, NULL);
    double seconds;
    int i;
    for (i = 0; i < count; i++)
        beats_s[i] = ecg_stream_seconds_between(s, (double)w.start, (double)w.start + beats_s[i]);
    if (count > 1 && (seconds = beats_s[count - 1] - beats_s[0]) > 0.0)
        bpm = 60.0 * (count - 1) / seconds;
    if (is_clockwork(beats_s, count))
        without_fibrillation(&s->setup->rhythm, p);
    return bpm;
}

/* 1 or -1 where a rate lies outside of 50 to 100 a minute. */
static int rate_of(double bpm)
{
    if (bpm == 0.0 || (bpm >= SLOW_BPM && bpm < FAST_BPM))
        return 0;
    return bpm < SLOW_BPM ? -1 : 1;
}

/* Whether the label held is sinus rhythm: one so slow or fast that the network calls it another one is, too. */
static int sinus_of(struct ecg_stream *s, struct ecg_stretch w, double bpm)
{
    const uint8_t role = s->setup->rhythm.roles[s->hysteresis.label];
    if (role == ECG_NOISE)
        return -1;
    if (role != ECG_OTHER_RHYTHM || bpm == 0.0)
        return role == ECG_NORMAL;
    if (bpm < SLOW_BPM * (1.0 + NEAR_LIMITS) || bpm >= FAST_BPM * (1.0 - NEAR_LIMITS))
        return ecg_stream_looks_sinus(s, w);
    return 0;
}

static void name(struct ecg_stream *s, struct ecg_stretch w, double usable)
{
    const struct ecg_namer *const namer = &s->setup->rhythm;
    const double seconds = (double)(w.end - w.start) / s->setup->fs;
    struct ecg_event event = {.kind = ECG_EVENT_RHYTHM};
    struct ecg_rhythm_event *const told = &event.of.rhythm;
    double *const p = told->probabilities;
    int32_t i, best = 0;
    probabilities(s, w, p);
    told->heart_rate_bpm = beats_say(s, w, p);
    doubt(namer, p, usable);
    s->fibrillation = sum_of(namer, p, ECG_AF);
    for (i = 1; i < namer->net->n_outputs; i++)
        best = p[i] > p[best] ? i : best;
    decide(&s->hysteresis, &s->setup->limits, p, best, seconds, told);
    told->start = ecg_stream_sample(s, (double)w.start);
    told->end = ecg_stream_sample(s, (double)w.end);
    told->classes = namer->net->n_outputs;
    told->label = namer->names[s->hysteresis.label];
    told->window_label = namer->names[best];
    told->af = af_of(s->setup, s->fibrillation, seconds);
    told->rate = rate_of(told->heart_rate_bpm);
    told->sinus = sinus_of(s, w, told->heart_rate_bpm);
    s->named = 1;
    ecg_stream_tell(s, &event, told->start, told->end);
}

/* The next verdict, from the i-th on, whose middle lies in a window; NULL where there is none. */
static const struct ecg_verdict_kept *next_verdict(const struct ecg_stream *s, struct ecg_stretch w, int64_t *i)
{
    for (; *i < s->n_verdicts; (*i)++) {
        const struct ecg_verdict_kept *const v = &s->verdicts[*i % ECG_STREAM_VERDICTS];
        const double middle = (double)(v->at.start + v->at.end) / 2.0;
        if (middle >= (double)w.start && middle < (double)w.end) {
            (*i)++;
            return v;
        }
    }
    return NULL;
}

static int64_t oldest_verdict(const struct ecg_stream *s)
{
    return s->n_verdicts > ECG_STREAM_VERDICTS ? s->n_verdicts - ECG_STREAM_VERDICTS : 0;
}

/* What comes after the last refused stretch: no noise reaches the network. */
static struct ecg_stretch since_noise(const struct ecg_stream *s, struct ecg_stretch w)
{
    int64_t i = oldest_verdict(s);
    const struct ecg_verdict_kept *v;
    struct ecg_stretch clean = w;
    while ((v = next_verdict(s, w, &i)) != NULL)
        if (!v->accepted && v->at.end > clean.start)
            clean.start = v->at.end;
    return clean;
}

/* Least score of the verdicts on a window; 0 without one. */
static double usable_with(const struct ecg_stream *s, struct ecg_stretch w)
{
    int64_t i = oldest_verdict(s);
    const struct ecg_verdict_kept *v = next_verdict(s, w, &i);
    double least = v != NULL ? v->score : 0.0;
    while (v != NULL && (v = next_verdict(s, w, &i)) != NULL)
        least = v->score < least ? v->score : least;
    return least;
}

void ecg_stream_rhythm(struct ecg_stream *s)
{
    const int32_t least = s->setup->limits.first;
    struct ecg_stretch w;
    while (ecg_windows_due(&s->rhythm_windows, s, &w)) {
        const struct ecg_stretch clean = since_noise(s, w);
        if (clean.end - clean.start < (least < w.end - w.start ? least : w.end - w.start)) {
            s->refused = 1;
            s->last_refused = w;
        } else {
            name(s, clean, 1.0);
        }
    }
    /* A short segment that the gate refused without being sure. */
    if (s->ended && !s->named && s->refused && (double)s->written < DOUBTFUL_S * s->setup->fs) {
        const double usable = usable_with(s, s->last_refused);
        if (usable >= DOUBTFUL)
            name(s, s->last_refused, usable);
    }
}
