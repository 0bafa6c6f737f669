#include "ecg_link.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "frames.h"
#include "numbers.h"

enum { RECENT = 8, COUNTER_BITS = 16, ACCELERATION = 2, DEVICE = 256 };

/* The milliseconds of the own frame, without their wraps: ecgedge_bridge/stream/unwrap.py. */
struct unwrap {
    int has_last;
    int64_t last;
    double host_s;
};

struct recent {
    uint8_t data[ECG_NOTIFICATION_MOST];
    size_t bytes;
};

struct ecg_link {
    enum ecg_link_kind kind;
    double fs;
    char device[DEVICE];
    ecg_take_block take_block;
    ecg_take take_event;
    void *context;
    struct unwrap unwrap;
    struct recent recent[RECENT];
    int n_recent, next_recent;
    int64_t frames, samples, duplicates, frame_errors;
    struct ecg_read_frame read;
    struct ecg_timeline timeline;
};

size_t ecg_link_bytes(void)
{
    return sizeof(struct ecg_link);
}

struct ecg_link *ecg_link_init(enum ecg_link_kind kind, double fs, const char *device, void *memory, size_t bytes,
    ecg_take_block take_block, ecg_take take_event, void *context)
{
    struct ecg_link *const link = memory;
    if (memory == NULL || bytes < sizeof *link || !(isfinite(fs) && fs > 0.0) ||
        (kind != ECG_LINK_POLAR && kind != ECG_LINK_OWN))
        return NULL;
    memset(link, 0, sizeof *link);
    link->kind = kind;
    link->fs = fs;
    strncpy(link->device, device, DEVICE - 1);
    link->take_block = take_block;
    link->take_event = take_event;
    link->context = context;
    ecg_timeline_init(&link->timeline, fs, kind == ECG_LINK_OWN ? COUNTER_BITS : 0, kind == ECG_LINK_POLAR);
    return link;
}

/* A step of a counter of 32 bits of milliseconds, by what the host's clock expects. */
static int64_t unwrapped(struct unwrap *u, uint32_t raw, double host_time_s)
{
    const int64_t modulus = (int64_t)1 << 32, quarter = modulus / 4;
    const double per_s = 1000.0;
    int64_t value = raw;
    if (u->has_last) {
        const int64_t step = ((int64_t)raw - u->last) % modulus;
        const int64_t forward = step < 0 ? step + modulus : step;
        const double host_step_s = host_time_s - u->host_s;
        value = u->last + forward;
        if (forward > quarter || !(0.0 <= host_step_s && host_step_s < (double)quarter / per_s)) {
            const double expected = ecg_bounded(host_step_s) * per_s;
            value += modulus * (int64_t)ecg_round((expected - (double)forward) / (double)modulus);
        }
    }
    u->has_last = 1;
    u->last = value;
    u->host_s = host_time_s;
    return value;
}

/* ---- what is told */

static void tell(struct ecg_link *link, enum ecg_event_kind kind, int64_t sample, const char *code, const char *words)
{
    struct ecg_event event = {.kind = kind};
    event.time_s = event.end_time_s = (double)sample / link->fs;
    event.of.note.sample = sample;
    event.of.note.code = code;
    event.of.note.detail = words;
    event.of.note.device = link->device;
    link->take_event(link->context, &event);
}

static void tell_note(struct ecg_link *link, const struct ecg_timeline_note *note)
{
    static const char *const codes[] = {"late_frame", "overlap", "wrong_rate", "clock_step"};
    char words[240] = "", lost[48] = "no samples lost";
    int32_t i;
    if (note->lost != 0)
        snprintf(lost, sizeof lost, "about %lld samples lost", (long long)note->lost);
    if (note->code == ECG_WRONG_RATE)
        snprintf(words, sizeof words, "the device streams at %g Hz and not at %g Hz as expected: give its rate with "
            "fs=, or its profile", note->rate, note->expected);
    if (note->code == ECG_CLOCK_STEP)
        snprintf(words, sizeof words, "the device's clock stepped by %+.3f s: new segment, %s (estimated from arrival "
            "times); nothing to do", note->seconds, lost);
    for (i = 0; i < note->times; i++)
        tell(link, ECG_EVENT_NOTE, note->sample, codes[note->code], words);
}

static void tell_placed(struct ecg_link *link)
{
    const struct ecg_timeline *const t = &link->timeline;
    struct ecg_block block = {0, NULL, 0, link->fs, ecg_rate_fs(&t->rate), 0.0, link->device};
    int32_t i, k;
    for (i = 0; i < t->n_placed; i++) {
        const struct ecg_placed *const placed = &t->placed[i];
        for (k = 0; k < placed->notes; k++)
            tell_note(link, &t->notes[placed->note + k]);
        block.sample = placed->sample;
        block.millivolt = placed->samples;
        block.count = placed->count;
        block.host_time_s = placed->host_time_s;
        link->frames++;
        link->samples += placed->count;
        link->take_block(link->context, &block);
    }
}

/* ---- what comes in */

static int is_recent(const struct ecg_link *link, const uint8_t *data, size_t bytes)
{
    int i;
    for (i = 0; i < link->n_recent; i++)
        if (link->recent[i].bytes == bytes && memcmp(link->recent[i].data, data, bytes) == 0)
            return 1;
    return 0;
}

static void remember(struct ecg_link *link, const uint8_t *data, size_t bytes)
{
    struct recent *const recent = &link->recent[link->next_recent];
    memcpy(recent->data, data, bytes);
    recent->bytes = bytes;
    link->next_recent = (link->next_recent + 1) % RECENT;
    link->n_recent = link->n_recent < RECENT ? link->n_recent + 1 : RECENT;
}

static int read(struct ecg_link *link, const uint8_t *data, size_t bytes, struct ecg_frame_error *error)
{
    const int failed = link->kind == ECG_LINK_POLAR ? ecg_read_polar(data, bytes, &link->read, error)
                                                    : ecg_read_own(data, bytes, &link->read, error);
    if (failed || link->kind == ECG_LINK_POLAR || (double)link->read.fs == link->fs)
        return failed;
    error->code = "value";
    snprintf(error->words, sizeof error->words, "frame at %d Hz in a stream at %g Hz; connect with fs=%d",
        (int)link->read.fs, link->fs, (int)link->read.fs);
    return -1;
}

void ecg_link_receive(struct ecg_link *link, const uint8_t *data, size_t bytes, double host_time_s)
{
    const struct ecg_read_frame *const frame = &link->read;
    struct ecg_frame placed = {frame->millivolt, 0, 0, host_time_s, -1};
    struct ecg_frame_error error = {"length", "a notification of more bytes than Bluetooth carries; the frame is lost"};
    if (link->kind == ECG_LINK_POLAR && ecg_polar_kind(data, bytes) == ACCELERATION)
        return; /* beside the ECG, on the same characteristic */
    if (bytes <= ECG_NOTIFICATION_MOST && is_recent(link, data, bytes)) {
        link->duplicates++;
        return;
    }
    if (bytes > ECG_NOTIFICATION_MOST || read(link, data, bytes, &error) != 0) {
        link->frame_errors++;
        tell(link, ECG_EVENT_FRAME_LOST, link->timeline.next_sample, error.code, error.words);
        return;
    }
    placed.count = frame->count;
    if (link->kind == ECG_LINK_POLAR) {
        placed.time_ns = (int64_t)(frame->time_ns - ((uint64_t)1 << 63));
    } else {
        placed.time_ns = (int64_t)((uint64_t)unwrapped(&link->unwrap, frame->time_ms, host_time_s) * 1000000u);
        placed.first = frame->sequence;
    }
    ecg_timeline_place(&link->timeline, &placed);
    remember(link, data, bytes);
    tell_placed(link);
}

struct ecg_link_stats ecg_link_stats(const struct ecg_link *link)
{
    const struct ecg_timeline *const t = &link->timeline;
    const struct ecg_link_stats stats = {link->frames, link->samples, t->lost, link->duplicates + t->repeated, t->late,
        link->frame_errors, t->segments};
    return stats;
}
