#include "monitor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "numbers.h"

/* Named and explained in ecgedge/stream: pipeline.py, intake.py, clock.py. */
static const double LIMIT = 1e12, TELL_S = 60.0, BRIDGED_S = 0.02;
enum { TICK = 100, KNOTS = 8192, BRIDGED = 2, BETWEEN = 5 };

/* Samples until a tick of which nothing is there yet: the most that are ever waited for. */
static int32_t most_waiting(const struct ecg_setup *setup)
{
    return (int32_t)ceil(TICK * setup->fs_in / setup->fs) + 1;
}

size_t ecg_monitor_bytes(const struct ecg_setup *setup)
{
    return ecg_whole(sizeof(struct ecg_monitor)) + KNOTS * sizeof(struct ecg_knot) +
        (size_t)most_waiting(setup) * sizeof(double) + ecg_stream_bytes(setup);
}

struct ecg_monitor *ecg_monitor_init(const struct ecg_setup *setup, void *memory, size_t bytes, ecg_take take,
    void *context)
{
    struct ecg_monitor *const m = memory;
    unsigned char *at = memory;
    if (memory == NULL || bytes < ecg_monitor_bytes(setup))
        return NULL;
    memset(m, 0, sizeof *m);
    m->setup = setup;
    m->take = take;
    m->context = context;
    at += ecg_whole(sizeof *m);
    ecg_clock_init(&m->clock, setup->fs_in, (struct ecg_knot *)(void *)at, KNOTS);
    at += KNOTS * sizeof(struct ecg_knot);
    m->waiting = (double *)(void *)at;
    m->room = most_waiting(setup);
    at += (size_t)m->room * sizeof(double);
    m->stream = ecg_stream_init(setup, at, ecg_stream_bytes(setup), take, context);
    if (m->stream == NULL)
        return NULL;
    m->stream->clock = &m->clock;
    return m;
}

/* ---- what is told of the signal itself */

static void tell(struct ecg_monitor *m, struct ecg_event *event, int64_t start, int64_t end)
{
    event->time_s = ecg_clock_seconds(&m->clock, (double)start);
    event->end_time_s = ecg_clock_seconds(&m->clock, (double)end);
    m->take(m->context, event);
}

static void note(struct ecg_monitor *m, int64_t sample, const char *code, const char *detail, const char *device)
{
    struct ecg_event event = {.kind = ECG_EVENT_NOTE};
    event.of.note.sample = sample;
    event.of.note.code = code;
    event.of.note.detail = detail;
    event.of.note.device = device;
    tell(m, &event, sample, sample);
}

/* Say how many samples were bridged since the last time. */
static void tell_bridges(struct ecg_monitor *m)
{
    char words[80];
    const long long count = m->bridges.count;
    if (count == 0 || !m->in_segment)
        return;
    m->bridges.count = 0;
    snprintf(words, sizeof words, "%lld missing sample%s bridged by straight lines", count,
        count > 1 ? "s were" : " was");
    note(m, m->bridges.first, "bridged", words, "");
}

/* ---- samples that wait for the next tick */

static void wait_for_tick(struct ecg_monitor *m)
{
    const double left = (double)(TICK - m->stream->written % TICK);
    m->waits = 0;
    m->wanted = (int32_t)ceil(left * m->setup->fs_in / m->setup->fs);
}

static void filter(struct ecg_monitor *m)
{
    int32_t at, n;
    for (at = 0; at < m->waits; at += n) {
        n = m->waits - at < ECG_STREAM_PIECE ? m->waits - at : ECG_STREAM_PIECE;
        ecg_stream_take(m->stream, m->waiting + at, n);
    }
    wait_for_tick(m);
    if (m->bridges.count > 0 &&
        (double)(ecg_stream_sample(m->stream, (double)m->stream->written) - m->bridges.first) >=
            TELL_S * m->setup->fs_in)
        tell_bridges(m);
}

static void put(struct ecg_monitor *m, double value)
{
    m->waiting[m->waits++] = value;
    if (m->waits == m->wanted)
        filter(m);
}

static void start_segment(struct ecg_monitor *m, int64_t at)
{
    ecg_stream_reset(m->stream, at);
    m->bridges.solid_from = m->bridges.first = at;
    m->bridges.count = 0;
    m->in_segment = 1;
    wait_for_tick(m);
}

static void end_segment(struct ecg_monitor *m)
{
    if (!m->in_segment)
        return;
    m->stream->end_sample = m->taken_to;
    filter(m);
    ecg_stream_finish(m->stream);
    tell_bridges(m);
    m->in_segment = 0;
}

/* ---- what is missing */

static void end_gap(struct ecg_monitor *m, int64_t at)
{
    struct ecg_event event = {.kind = ECG_EVENT_GAP};
    m->is_missing = 0;
    m->lost += at - m->missing_from;
    event.of.gap.start = m->missing_from;
    event.of.gap.end = at;
    event.of.gap.reason = m->not_finite ? "not_finite" : "lost";
    tell(m, &event, m->missing_from, at);
}

static int can_be_bridged(const struct ecg_monitor *m, int64_t start, int64_t end)
{
    const double most = ecg_round(BRIDGED_S * m->setup->fs_in);
    return end - start <= (most < BRIDGED ? (int64_t)most : BRIDGED) && start - m->bridges.solid_from >= BETWEEN;
}

/* Samples are missing; what cannot be bridged ends the segment. */
static void miss(struct ecg_monitor *m, int64_t start, int64_t end, int not_finite)
{
    if (!m->is_missing) {
        m->missing_from = start;
        m->not_finite = 0;
    }
    m->is_missing = 1;
    m->not_finite |= not_finite;
    if (!(m->in_segment && can_be_bridged(m, m->missing_from, end)))
        end_segment(m);
}

/* Samples come again: bridge what was missing, or tell the gap. */
static void end_missing(struct ecg_monitor *m, int64_t at, double after)
{
    const int64_t start = m->missing_from, n = at - start;
    const double before = m->last;
    int64_t i;
    if (!m->in_segment) {
        end_gap(m, at);
        return;
    }
    m->is_missing = 0;
    m->bridged += n;
    if (m->bridges.count == 0)
        m->bridges.first = start;
    m->bridges.solid_from = at;
    m->bridges.count += n;
    for (i = 1; i <= n; i++)
        put(m, before + (after - before) * (double)i / (double)(n + 1));
}

/* ---- samples come in */

static int is_number(float millivolt)
{
    return fabs((double)millivolt) <= LIMIT;
}

/* A run of numbers. */
static void take(struct ecg_monitor *m, int64_t at, const float *x, int32_t count)
{
    int32_t i;
    if (m->is_missing)
        end_missing(m, at, (double)x[0]);
    if (!m->in_segment)
        start_segment(m, at);
    m->last = (double)x[count - 1];
    m->taken_to = at + count;
    for (i = 0; i < count; i++)
        put(m, (double)x[i]);
}

int ecg_monitor_feed(struct ecg_monitor *m, int64_t sample, const float *x, int32_t count, double fs_hat,
    const char *device)
{
    const double rate = fs_hat == 0.0 ? m->setup->fs_in : fs_hat;
    int64_t start = sample >= 0 ? sample : m->has_next ? m->next : 0;
    int32_t i, n;
    if (sample < -1 || start > ECG_LAST_SAMPLE || count < 0 ||
        !(fabs(rate - m->setup->fs_in) <= 0.1 * m->setup->fs_in))
        return -1;
    if (m->has_next && start < m->next && count > 0) {
        const int64_t twice = m->next - start < count ? m->next - start : count;
        start = m->next;
        x += twice;
        count -= (int32_t)twice;
        note(m, start, "out_of_order", "", device);
    }
    if (m->has_next && start > m->next)
        miss(m, m->next, start, 0);
    if (count > 0)
        ecg_clock_tell(&m->clock, start, rate);
    for (i = 0; i < count; i += n) {
        const int good = is_number(x[i]);
        for (n = 1; i + n < count && is_number(x[i + n]) == good; n++)
            ;
        if (good)
            take(m, start + i, x + i, n);
        else
            miss(m, start + i, start + i + n, 1);
    }
    if (!m->has_next || start + count > m->next)
        m->next = start + count;
    m->has_next = 1;
    return 0;
}

void ecg_monitor_finish(struct ecg_monitor *m)
{
    end_segment(m);
    if (m->is_missing && m->has_next)
        end_gap(m, m->next);
}
