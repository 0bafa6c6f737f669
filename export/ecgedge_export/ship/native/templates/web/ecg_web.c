/* The native core for JavaScript: what ecg_core.mjs calls. Lines and blocks go to what it imports. */
#include <stdlib.h>
#include <string.h>

#include "ecg_phone.h"
#include "ecg_setup.h"

#define IMPORT(name) __attribute__((import_module("ecgedge"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

enum { ROOM = 65536 }; /* bytes that come in at a time */

IMPORT("line") void ecg_web_line(const char *line, size_t length);
IMPORT("block") void ecg_web_block(double sample, const float *millivolt, int32_t count, double fs_hat,
    double host_time_s);

static double room[ROOM / sizeof(double)];

static void take_line(void *context, const struct ecg_event *event, const char *line, size_t length)
{
    (void)context;
    (void)event;
    ecg_web_line(line, length);
}

static void take_block(void *context, const struct ecg_block *block)
{
    (void)context;
    ecg_web_block((double)block->sample, block->millivolt, block->count, block->fs_hat, block->host_time_s);
}

EXPORT("ecg_room") void *ecg_room(void)
{
    return room;
}

EXPORT("ecg_room_bytes") int32_t ecg_room_bytes(void)
{
    return ROOM;
}

/* The name of the device lies in the room, with a zero behind it. */
EXPORT("ecg_create") void *ecg_create(double fs, int32_t kind)
{
    const struct ecg_setup *const setup = ecg_setup_for(fs);
    const struct ecg_phone_takes takes = {NULL, take_line, take_block};
    void *memory;
    if (setup == NULL || (memory = malloc(ecg_phone_bytes(setup))) == NULL)
        return NULL;
    if (ecg_phone_init(setup, kind, (const char *)room, memory, ecg_phone_bytes(setup), takes) != NULL)
        return memory;
    free(memory);
    return NULL;
}

/* A stream begins where its memory does: what is created is what is freed. */
EXPORT("ecg_destroy") void ecg_destroy(void *phone)
{
    free(phone);
}

EXPORT("ecg_receive") int32_t ecg_receive(void *phone, int32_t bytes, double host_time_s)
{
    return ecg_phone_receive(phone, (const uint8_t *)room, (size_t)bytes, host_time_s);
}

EXPORT("ecg_samples") int32_t ecg_samples(void *phone, double sample, int32_t count, double fs_hat)
{
    return ecg_phone_samples(phone, (int64_t)sample, (const float *)(const void *)room, count, fs_hat);
}

EXPORT("ecg_finish") void ecg_finish(void *phone)
{
    ecg_phone_finish(phone);
}
