/* An example: samples from a file or from standard input, float32 in mV; its events as lines of JSON, with all digits.
 * Runs on a computer, under WASI, and on a microcontroller with semihosting. Yours has a radio in the place of stdio.
 */
#include <stdio.h>

#include "ecg_setup.h"

static double memory[ECG_STREAM_DOUBLES]; /* of doubles, for their alignment */

static void beat(const struct ecg_beat_event *e)
{
    printf("{\"type\": \"beat\", \"sample\": %lld, \"rr_ms\": %.17g, \"confidence\": %.17g, \"class\": \"%c\"}\n",
        (long long)e->sample, e->rr_ms, e->confidence, e->name);
}

static void quality(const struct ecg_quality_event *e)
{
    int i;
    printf("{\"type\": \"quality\", \"start\": %lld, \"end\": %lld, \"accepted\": %d, \"morphology\": %d, "
           "\"score\": %.17g, \"reasons\": [",
        (long long)e->start, (long long)e->end, e->accepted, e->morphology, e->score);
    for (i = 0; i < e->n_reasons; i++)
        printf("%s\"%s\"", i > 0 ? ", " : "", e->reasons[i]);
    printf("]}\n");
}

static void rhythm(const struct ecg_rhythm_event *e)
{
    int i;
    printf("{\"type\": \"rhythm\", \"start\": %lld, \"end\": %lld, \"label\": \"%c\", "
           "\"window_label\": \"%c\", \"conclusive\": %d, \"changed\": %d, \"af\": %d, \"heart_rate_bpm\": %.17g, "
           "\"rate\": %d, \"sinus\": %d, \"probabilities\": [",
        (long long)e->start, (long long)e->end, e->label, e->window_label, e->conclusive, e->changed, e->af,
        e->heart_rate_bpm, e->rate, e->sinus);
    for (i = 0; i < e->classes; i++)
        printf("%s%.17g", i > 0 ? ", " : "", e->probabilities[i]);
    printf("]}\n");
}

static void take(void *context, const struct ecg_event *event)
{
    (void)context;
    if (event->kind == ECG_EVENT_BEAT)
        beat(&event->of.beat);
    else if (event->kind == ECG_EVENT_QUALITY)
        quality(&event->of.quality);
    else if (event->kind == ECG_EVENT_RHYTHM)
        rhythm(&event->of.rhythm);
}

int main(int argc, char **argv)
{
    FILE *const samples = argc > 1 ? fopen(argv[1], "rb") : stdin;
    struct ecg_stream *const stream = ecg_stream_init(&ecg_setup, memory, sizeof memory, take, NULL);
    float millivolt[64];
    size_t n;
    if (samples == NULL || stream == NULL)
        return 1;
    while ((n = fread(millivolt, sizeof *millivolt, sizeof millivolt / sizeof *millivolt, samples)) > 0)
        if (ecg_stream_feed(stream, millivolt, (int32_t)n) != (int32_t)n)
            break; /* a gap: see ecg_stream_reset() */
    ecg_stream_finish(stream);
    return 0;
}
