#include "ecg_phone.h"

#include <string.h>

#include "json.h"
#include "monitor.h"

enum { LINE = 4096, DEVICE = 256 };

struct ecg_phone {
    const struct ecg_setup *setup;
    struct ecg_phone_takes takes;
    struct ecg_link *link;
    struct ecg_monitor *monitor;
    char device[DEVICE], line[LINE];
    int refused; /* blocks of the notification at hand */
};

static size_t link_bytes(void)
{
    return ecg_whole(ecg_link_bytes());
}

size_t ecg_phone_bytes(const struct ecg_setup *setup)
{
    return ecg_whole(sizeof(struct ecg_phone)) + link_bytes() + ecg_monitor_bytes(setup);
}

static void take_event(void *context, const struct ecg_event *event)
{
    struct ecg_phone *const phone = context;
    if (phone->takes.line != NULL) {
        const size_t length = ecg_event_json(event, ecg_rhythm_names(phone->setup), phone->line, LINE);
        phone->takes.line(phone->takes.context, event, phone->line, length < LINE ? length : LINE - 1);
    }
}

static void take_block(void *context, const struct ecg_block *block)
{
    struct ecg_phone *const phone = context;
    if (phone->takes.block != NULL)
        phone->takes.block(phone->takes.context, block);
    phone->refused += ecg_monitor_feed(phone->monitor, block->sample, block->millivolt, block->count, block->fs_hat,
                          block->device) != 0;
}

struct ecg_phone *ecg_phone_init(const struct ecg_setup *setup, int kind, const char *device, void *memory,
    size_t bytes, struct ecg_phone_takes takes)
{
    struct ecg_phone *const phone = memory;
    unsigned char *at = memory;
    if (memory == NULL || bytes < ecg_phone_bytes(setup))
        return NULL;
    memset(phone, 0, sizeof *phone);
    phone->setup = setup;
    phone->takes = takes;
    strncpy(phone->device, device, DEVICE - 1);
    at += ecg_whole(sizeof *phone);
    if (kind != ECG_NO_LINK)
        phone->link = ecg_link_init((enum ecg_link_kind)kind, setup->fs_in, device, at, link_bytes(), take_block,
            take_event, phone);
    at += link_bytes();
    phone->monitor = ecg_monitor_init(setup, at, ecg_monitor_bytes(setup), take_event, phone);
    return phone->monitor != NULL && (kind == ECG_NO_LINK || phone->link != NULL) ? phone : NULL;
}

int ecg_phone_receive(struct ecg_phone *phone, const uint8_t *data, size_t bytes, double host_time_s)
{
    if (phone->link == NULL)
        return -1;
    phone->refused = 0;
    ecg_link_receive(phone->link, data, bytes, host_time_s);
    return phone->refused ? -1 : 0;
}

int ecg_phone_samples(struct ecg_phone *phone, int64_t sample, const float *millivolt, int32_t count, double fs_hat)
{
    return ecg_monitor_feed(phone->monitor, sample, millivolt, count, fs_hat, phone->device);
}

void ecg_phone_finish(struct ecg_phone *phone)
{
    ecg_monitor_finish(phone->monitor);
}

struct ecg_link_stats ecg_phone_stats(const struct ecg_phone *phone)
{
    const struct ecg_link_stats none = {0, 0, 0, 0, 0, 0, 0};
    return phone->link != NULL ? ecg_link_stats(phone->link) : none;
}

double ecg_setup_fs(const struct ecg_setup *setup)
{
    return setup->fs_in;
}
