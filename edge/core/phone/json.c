#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *to;
    size_t room, length;
};

static void letter(struct text *t, char c)
{
    if (t->length + 1 < t->room)
        t->to[t->length] = c;
    t->length++;
}

static void put(struct text *t, const char *words)
{
    while (*words)
        letter(t, *words++);
}

/* ---- numbers, as Python's repr() writes them: the fewest digits that give the same double */

static void exponent(struct text *t, int e)
{
    char digits[16];
    snprintf(digits, sizeof digits, "e%c%02d", e < 0 ? '-' : '+', e < 0 ? -e : e);
    put(t, digits);
}

/* Digits with the point behind the first `whole` of them. */
static void plain(struct text *t, const char *digits, int whole)
{
    const int n = (int)strlen(digits);
    int i;
    if (whole <= 0)
        put(t, "0.");
    for (i = whole; i < 0; i++)
        letter(t, '0');
    for (i = 0; i < n || i < whole; i++) {
        if (i > 0 && i == whole)
            letter(t, '.');
        letter(t, i < n ? digits[i] : '0');
    }
    if (n <= whole)
        put(t, ".0");
}

static void real(struct text *t, double value)
{
    char said[40], digits[20];
    int precision, n = 0, e;
    const char *c;
    if (isnan(value)) {
        put(t, "null");
        return;
    }
    for (precision = 0; precision < 17; precision++) {
        snprintf(said, sizeof said, "%.*e", precision, value);
        if (strtod(said, NULL) == value)
            break;
    }
    if (said[0] == '-')
        letter(t, '-');
    for (c = said; *c && *c != 'e'; c++) /* whatever stands for the point in this locale */
        if (*c >= '0' && *c <= '9' && n < 18)
            digits[n++] = *c;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = 0;
    e = *c == 'e' ? atoi(c + 1) : 0;
    if (e >= -4 && e < 16) {
        plain(t, digits, e + 1);
        return;
    }
    letter(t, digits[0]);
    if (n > 1) {
        letter(t, '.');
        put(t, digits + 1);
    }
    exponent(t, e);
}

static void whole(struct text *t, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    put(t, digits);
}

/* ---- texts, which may come from a radio */

static void unit(struct text *t, unsigned code)
{
    char escaped[8];
    snprintf(escaped, sizeof escaped, "\\u%04x", code & 0xFFFFu);
    put(t, escaped);
}

/* The code point at *at of UTF-8, and past it; a byte that belongs to none is one of U+FFFD. */
static unsigned long code_point(const unsigned char **at)
{
    const unsigned char *c = *at;
    const int more = c[0] < 0x80 ? 0 : c[0] < 0xC0 ? -1 : c[0] < 0xE0 ? 1 : c[0] < 0xF0 ? 2 : c[0] < 0xF8 ? 3 : -1;
    static const unsigned long least[] = {0, 0x80, 0x800, 0x10000};
    unsigned long code = more < 1 ? c[0] : c[0] & (0x3Fu >> more);
    int i;
    *at = c + 1;
    for (i = 1; i <= more; i++) {
        if ((c[i] & 0xC0) != 0x80)
            return 0xFFFD;
        code = code << 6 | (c[i] & 0x3Fu);
    }
    if (more < 0 || code < least[more] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return 0xFFFD;
    *at = c + 1 + more;
    return code;
}

static void string(struct text *t, const char *words)
{
    static const char special[] = "\"\\\b\f\n\r\t", short_form[] = "\"\\bfnrt";
    const unsigned char *at = (const unsigned char *)words;
    letter(t, '"');
    while (*at) {
        const unsigned long code = code_point(&at);
        const char *const found = code < 0x80 ? strchr(special, (int)code) : NULL;
        if (found != NULL) {
            letter(t, '\\');
            letter(t, short_form[found - special]);
        } else if (code >= ' ' && code <= '~') {
            letter(t, (char)code);
        } else if (code < 0x10000) {
            unit(t, (unsigned)code);
        } else {
            unit(t, (unsigned)(0xD800 + ((code - 0x10000) >> 10)));
            unit(t, (unsigned)(0xDC00 + ((code - 0x10000) & 0x3FF)));
        }
    }
    letter(t, '"');
}

/* ---- fields */

static void name(struct text *t, const char *key)
{
    put(t, ", \"");
    put(t, key);
    put(t, "\": ");
}

static void real_field(struct text *t, const char *key, double value)
{
    name(t, key);
    real(t, value);
}

static void whole_field(struct text *t, const char *key, int64_t value)
{
    name(t, key);
    whole(t, value);
}

/* true, false, or null where it is negative. */
static void truth_field(struct text *t, const char *key, int value)
{
    name(t, key);
    put(t, value < 0 ? "null" : value ? "true" : "false");
}

static void text_field(struct text *t, const char *key, const char *value)
{
    name(t, key);
    if (value == NULL)
        put(t, "null");
    else
        string(t, value);
}

static void letter_field(struct text *t, const char *key, char value)
{
    const char words[] = {value, 0};
    text_field(t, key, words);
}

static void span(struct text *t, const struct ecg_event *event, int64_t start, int64_t end)
{
    whole_field(t, "sample", start);
    real_field(t, "time_s", event->time_s);
    whole_field(t, "end_sample", end);
    real_field(t, "end_time_s", event->end_time_s);
}

/* ---- events */

static void beat(struct text *t, const struct ecg_event *event)
{
    const struct ecg_beat_event *const e = &event->of.beat;
    whole_field(t, "sample", e->sample);
    real_field(t, "time_s", event->time_s);
    real_field(t, "rr_ms", e->rr_ms > 0.0 ? e->rr_ms : NAN);
    letter_field(t, "symbol", e->name);
}

static void quality(struct text *t, const struct ecg_event *event)
{
    const struct ecg_quality_event *const e = &event->of.quality;
    int i;
    span(t, event, e->start, e->end);
    truth_field(t, "accepted", e->accepted);
    real_field(t, "score", e->score);
    name(t, "reasons");
    letter(t, '[');
    for (i = 0; i < e->n_reasons; i++) {
        put(t, i > 0 ? ", " : "");
        string(t, e->reasons[i]);
    }
    letter(t, ']');
    truth_field(t, "morphology", e->morphology);
}

static void rhythm(struct text *t, const struct ecg_event *event, const char *classes)
{
    const struct ecg_rhythm_event *const e = &event->of.rhythm;
    int i;
    span(t, event, e->start, e->end);
    letter_field(t, "label", e->label);
    letter_field(t, "window_label", e->window_label);
    name(t, "probabilities");
    letter(t, '{');
    for (i = 0; i < e->classes && classes[i]; i++) {
        const char words[] = {classes[i], 0};
        put(t, i > 0 ? ", " : "");
        string(t, words);
        put(t, ": ");
        real(t, e->probabilities[i]);
    }
    letter(t, '}');
    truth_field(t, "conclusive", e->conclusive);
    truth_field(t, "changed", e->changed);
    truth_field(t, "af", e->af);
    real_field(t, "heart_rate_bpm", e->heart_rate_bpm > 0.0 ? e->heart_rate_bpm : NAN);
    text_field(t, "rate", e->rate == 0 ? NULL : e->rate < 0 ? "bradycardia" : "tachycardia");
    truth_field(t, "sinus", e->sinus);
}

static void hrv(struct text *t, const struct ecg_event *event)
{
    const struct ecg_hrv_event *const e = &event->of.hrv;
    whole_field(t, "n_rr", e->n_rr);
    whole_field(t, "n_nn", e->n_nn);
    real_field(t, "usable", e->usable);
    real_field(t, "mean_nn_ms", e->mean_nn_ms);
    real_field(t, "sdnn_ms", e->sdnn_ms);
    real_field(t, "rmssd_ms", e->rmssd_ms);
    real_field(t, "sdsd_ms", e->sdsd_ms);
    real_field(t, "pnn20", e->pnn20);
    real_field(t, "pnn50", e->pnn50);
    real_field(t, "cvnn", e->cvnn);
    real_field(t, "cvsd", e->cvsd);
    real_field(t, "median_nn_ms", e->median_nn_ms);
    real_field(t, "mad_nn_ms", e->mad_nn_ms);
    real_field(t, "iqr_nn_ms", e->iqr_nn_ms);
    real_field(t, "sd1_ms", e->sd1_ms);
    real_field(t, "sd2_ms", e->sd2_ms);
    real_field(t, "sample_entropy", e->sample_entropy);
    real_field(t, "lf_ms2", e->lf_ms2);
    real_field(t, "hf_ms2", e->hf_ms2);
    real_field(t, "lf_hf", e->lf_hf);
    span(t, event, e->start, e->end);
}

static void gap(struct text *t, const struct ecg_event *event)
{
    const struct ecg_gap_event *const e = &event->of.gap;
    span(t, event, e->start, e->end);
    whole_field(t, "lost", e->end - e->start);
    text_field(t, "reason", e->reason);
}

static void note(struct text *t, const struct ecg_event *event)
{
    const struct ecg_note_event *const e = &event->of.note;
    whole_field(t, "sample", e->sample);
    real_field(t, "time_s", event->time_s);
    text_field(t, "code", e->code);
    text_field(t, "detail", e->detail);
    text_field(t, "device", e->device);
}

size_t ecg_event_json(const struct ecg_event *event, const char *classes, char *line, size_t room)
{
    static const char *const types[] = {"beat", "quality", "rhythm", "hrv", "gap", "note", "framelost"};
    struct text t = {line, room, 0};
    put(&t, "{\"type\": ");
    string(&t, types[event->kind]);
    switch (event->kind) {
    case ECG_EVENT_BEAT:
        beat(&t, event);
        break;
    case ECG_EVENT_QUALITY:
        quality(&t, event);
        break;
    case ECG_EVENT_RHYTHM:
        rhythm(&t, event, classes);
        break;
    case ECG_EVENT_HRV:
        hrv(&t, event);
        break;
    case ECG_EVENT_GAP:
        gap(&t, event);
        break;
    default:
        note(&t, event);
    }
    put(&t, "}\n");
    if (room > 0)
        line[t.length < room ? t.length : room - 1] = 0;
    return t.length;
}
