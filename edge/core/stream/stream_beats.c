/* Beats, and what they are called: the twin of ecgedge/beats/stage.py and ecgedge/beat_classes/stage.py. */
#include <string.h>

#include "numbers.h"
#include "stream.h"

/* Named and explained in ecgedge/beat_classes/stage.py. */
static const double FIBRILLATION = 0.95, LONGEST_RR_S = 2.0;
enum { RUN = 3, MOST_IN_ROW = 600 };

/* What the detector needs, and what the network that names beats needs: one after the other. */
struct detector_part {
    struct ecg_detector_room room;
    struct ecg_found_beat beats[ECG_MOST_BEATS];
};

struct namer_part {
    float row[ECG_BEAT_INPUTS];
    int8_t codes[ECG_BEAT_INPUTS], logits[32];
};

static size_t arena_bytes(const struct ecg_net8 *net)
{
    return (size_t)(net->sums + net->patches + net->memory);
}

/* Beats are named while those that the detector has found wait: the parts lie one after the other. */
size_t ecg_stream_beats_room(const struct ecg_setup *setup)
{
    return ecg_whole(sizeof(struct detector_part)) + ecg_whole(sizeof(struct namer_part)) +
        ecg_whole(arena_bytes(setup->beats.net));
}

void ecg_stream_start_beats(struct ecg_stream *s)
{
    ecg_detector_reset(&s->detector);
    ecg_history_reset(&s->history);
    memset(&s->held, 0, sizeof s->held);
    s->in_row = 0;
}

/* The class that the network gives a beat: the greatest code is that of the greatest logit. */
static int asked(struct ecg_stream *s, const struct ecg_beat *beat)
{
    const struct ecg_namer *const namer = &s->setup->beats;
    unsigned char *const memory = (unsigned char *)s->scratch + ecg_whole(sizeof(struct detector_part));
    struct namer_part *const p = (struct namer_part *)(void *)memory;
    int32_t i, best = 0;
    ecg_history_inputs(&s->history, beat, namer->clip, p->row);
    ecg_beat_codes(p->row, namer->net->scale_in, namer->net->zero_in, p->codes);
    ecg_net8_run(namer->net, p->codes, p->logits, (int32_t *)(void *)(memory + ecg_whole(sizeof *p)));
    for (i = 1; i < namer->net->n_outputs; i++)
        best = p->logits[i] > p->logits[best] ? i : best;
    return best;
}

/* The class of what matches the template; -1 where the model has no name for that. */
static int normal_class(const struct ecg_namer *namer)
{
    int32_t i;
    for (i = 0; i < namer->net->n_outputs; i++)
        if (namer->roles[i] == ECG_NORMAL)
            return i;
    return -1;
}

/* Name the beat that was found last, and let the history learn from it. */
static int named(struct ecg_stream *s, const struct ecg_beat *beat)
{
    const struct ecg_namer *const namer = &s->setup->beats;
    const int normal = normal_class(namer);
    const int matches = normal >= 0 && ecg_history_take_if_template(&s->history, beat);
    int found = matches ? normal : asked(s, beat);
    /* None is early where no rhythm is. */
    if (namer->roles[found] == ECG_SUPRAVENTRICULAR && s->fibrillation >= FIBRILLATION && normal >= 0)
        found = normal;
    s->in_row = namer->roles[found] != ECG_VENTRICULAR ? 0 : s->in_row <= MOST_IN_ROW ? s->in_row + 1 : s->in_row;
    if (!matches)
        ecg_history_learn(&s->history, beat, s->in_row < RUN || s->in_row > MOST_IN_ROW);
    s->roles[(s->n_found - 1) % s->found_room] = namer->roles[found];
    return found;
}

/* Name and tell the beat that is held, if there is one; the next one is at `following`. */
static void release(struct ecg_stream *s, double following)
{
    const int64_t at = (int64_t)ecg_round(s->held.position) - ECG_WAVE_BEFORE;
    const struct ecg_kept kept = {s->kept, s->setup->kept, s->written};
    struct ecg_event event = {.kind = ECG_EVENT_BEAT};
    struct ecg_beat beat;
    float wave[ECG_WAVE];
    if (!s->held.there)
        return;
    s->held.there = 0;
    if (ecg_extended(&kept, at, at + ECG_WAVE, wave) != 0)
        return; /* cannot be: a beat is told long before it is forgotten */
    beat.wave = wave;
    beat.before = 1e-3 * s->held.event.rr_ms;
    beat.after = ecg_stream_seconds_between(s, s->held.position, following);
    event.of.beat = s->held.event;
    event.of.beat.name = s->setup->beats.names[named(s, &beat)];
    ecg_stream_tell(s, &event, event.of.beat.sample, event.of.beat.sample);
}

/* Keep a beat that was found, and hold it until the next one is known. */
static void add(struct ecg_stream *s, const struct ecg_found_beat *found)
{
    const int64_t sample = ecg_stream_sample(s, found->position);
    struct ecg_held_beat *const held = &s->held;
    const double before = s->n_found > 0 ? s->found[(s->n_found - 1) % s->found_room].position : 0.0;
    release(s, found->position);
    held->there = 1;
    held->position = found->position;
    held->event.rr_ms = s->n_found > 0 ? 1e3 * ecg_stream_seconds_between(s, before, found->position) : 0.0;
    held->event.confidence = found->confidence;
    held->event.sample = sample == s->end_sample ? sample - 1 : sample;
    s->roles[s->n_found % s->found_room] = ECG_UNNAMED;
    s->found[s->n_found++ % s->found_room] = *found;
}

void ecg_stream_beats(struct ecg_stream *s)
{
    struct detector_part *const p = s->scratch;
    const struct ecg_kept kept = {s->kept, s->setup->kept, s->written};
    const double longest = LONGEST_RR_S * s->setup->fs;
    while (ecg_detector_due(&s->detector, &kept, s->ended)) {
        const int32_t count = ecg_detector_look(&s->detector, &kept, &p->room, p->beats);
        int32_t i;
        for (i = 0; i < count; i++)
            add(s, &p->beats[i]);
        if (count < 0)
            break;
    }
    if (s->ended || (s->held.there && (double)ecg_stream_settled(s) - s->held.position > longest))
        release(s, (double)s->written + longest);
}
