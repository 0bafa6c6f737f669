/* Plays a case of the golden vectors, and compares what comes out with it, byte for byte.
 *
 *     ecgedge_check FOLDER        0: all the same; 1: the first difference is said; 77: no setup for this rate
 *
 * Of a wearable that ecg_link.h reads, notifications go in; of another one its samples, and lines of the link stay out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ecg_phone.h"
#include "ecg_setup.h"

enum { LINE = 16384, SKIPPED = 77 };

/* Lines of a file, one after the other. */
struct lines {
    FILE *file;
    char text[LINE];
    long number;
};

struct check {
    struct lines events, link;
    FILE *samples;
    int from_samples, failed;
    long same_lines, same_samples;
};

static const char *folder;

static FILE *opened(const char *name, const char *mode)
{
    char path[4096];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, mode);
    if (file == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    return file;
}

static int next(struct lines *lines)
{
    lines->number++;
    if (fgets(lines->text, LINE, lines->file) != NULL)
        return 1;
    lines->text[0] = 0;
    return 0;
}

/* What stands behind "key": in a line, NULL where it is not there. */
static const char *value_of(const char *line, const char *key)
{
    char wanted[64];
    const char *found;
    snprintf(wanted, sizeof wanted, "\"%s\": ", key);
    found = strstr(line, wanted);
    return found == NULL ? NULL : found + strlen(wanted);
}

/* A text between quotes, without escapes. */
static void text_of(const char *line, const char *key, char *to, size_t room)
{
    const char *from = value_of(line, key);
    size_t n = 0;
    to[0] = 0;
    if (from == NULL || *from != '"')
        return;
    for (from++; *from && *from != '"' && n + 1 < room; from++)
        to[n++] = *from;
    to[n] = 0;
}

static void take_line(void *context, const struct ecg_event *event, const char *line, size_t length)
{
    struct check *const check = context;
    (void)event;
    (void)length;
    next(&check->events);
    /* Lines of a link that is not in C are in both files, in the same order. */
    while (check->from_samples && check->link.text[0] && strcmp(check->events.text, check->link.text) == 0) {
        next(&check->link);
        next(&check->events);
    }
    if (strcmp(line, check->events.text) == 0) {
        check->same_lines++;
    } else if (!check->failed) {
        check->failed = 1;
        fprintf(stderr, "%s/events.jsonl, line %ld:\n  found  %s  wanted %s", folder, check->events.number, line,
            check->events.text);
    }
}

static void take_block(void *context, const struct ecg_block *block)
{
    struct check *const check = context;
    int32_t i;
    for (i = 0; i < block->count; i++) {
        float wanted = 0.0f;
        if (fread(&wanted, sizeof wanted, 1, check->samples) == 1 && wanted == block->millivolt[i]) {
            check->same_samples++;
        } else if (!check->failed) {
            check->failed = 1;
            fprintf(stderr, "%s/samples.f32: at sample %lld found %g, wanted %g\n", folder,
                (long long)(block->sample + i), (double)block->millivolt[i], (double)wanted);
        }
    }
}

static size_t bytes_of(const char *hex, uint8_t *data)
{
    size_t n = 0;
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1 && hex[0] != '"'; hex += 2)
        data[n++] = (uint8_t)byte;
    return n;
}

static void play_frames(struct ecg_phone *phone, const char *data_uuid)
{
    struct lines frames = {opened("frames.jsonl", "r"), "", 0};
    static uint8_t data[LINE / 2];
    char uuid[64];
    while (next(&frames)) {
        const char *const hex = value_of(frames.text, "hex");
        text_of(frames.text, "uuid", uuid, sizeof uuid);
        if (hex != NULL && strcmp(uuid, data_uuid) == 0)
            ecg_phone_receive(phone, data, bytes_of(hex + 1, data), atof(value_of(frames.text, "host_time_s")));
    }
    fclose(frames.file);
}

static void play_samples(struct ecg_phone *phone, FILE *samples)
{
    struct lines blocks = {opened("blocks.jsonl", "r"), "", 0};
    static float millivolt[LINE];
    while (next(&blocks)) {
        const size_t count = (size_t)atol(value_of(blocks.text, "count"));
        const double fs_hat = atof(value_of(blocks.text, "fs_hat")); /* 0 of null: not known */
        if (count > LINE || fread(millivolt, sizeof *millivolt, count, samples) != count)
            exit(1);
        ecg_phone_samples(phone, atoll(value_of(blocks.text, "sample")), millivolt, (int32_t)count, fs_hat);
    }
    fclose(blocks.file);
}

static int play(const struct ecg_setup *setup, const char *about)
{
    static struct check check;
    char link[32], device[64], data_uuid[64];
    const struct ecg_phone_takes takes = {&check, take_line, take_block};
    void *const memory = malloc(ecg_phone_bytes(setup));
    struct ecg_phone *phone;
    text_of(about, "link", link, sizeof link);
    text_of(about, "device", device, sizeof device);
    text_of(about, "data_uuid", data_uuid, sizeof data_uuid);
    check.events.file = opened("events.jsonl", "r");
    check.link.file = opened("link.jsonl", "r");
    check.samples = opened("samples.f32", "rb");
    check.from_samples = link[0] == 0;
    next(&check.link);
    phone = ecg_phone_init(setup, link[0] == 0 ? ECG_NO_LINK : strcmp(link, "polar") ? ECG_LINK_OWN : ECG_LINK_POLAR,
        device, memory, ecg_phone_bytes(setup), takes);
    if (phone == NULL)
        return 1;
    if (check.from_samples)
        play_samples(phone, check.samples);
    else
        play_frames(phone, data_uuid);
    ecg_phone_finish(phone);
    while (next(&check.events) && !check.failed)
        if (!check.from_samples || strcmp(check.events.text, check.link.text) != 0 || !next(&check.link)) {
            check.failed = 1;
            fprintf(stderr, "%s/events.jsonl, line %ld did not come: %s", folder, check.events.number,
                check.events.text);
        }
    printf("%ld lines and %ld samples are the same, byte for byte\n", check.same_lines, check.same_samples);
    free(memory);
    return check.failed;
}

int main(int argc, char **argv)
{
    static char about[LINE];
    const struct ecg_setup *setup;
    FILE *file;
    if (argc != 2) {
        fprintf(stderr, "usage: ecgedge_check FOLDER\n");
        return 1;
    }
    folder = argv[1];
    file = opened("about.json", "r");
    about[fread(about, 1, sizeof about - 1, file)] = 0;
    fclose(file);
    setup = ecg_setup_for(atof(value_of(about, "fs")));
    if (setup == NULL) {
        fprintf(stderr, "no setup for this rate: ecgedge-export bundle --fs makes one\n");
        return SKIPPED;
    }
    return play(setup, about);
}
