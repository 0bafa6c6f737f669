#include "frames.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Named and explained in the twins. */
enum { HEADER = 10, DELTA = 0x80, KIND = 0x3F, MOST_WIDTH = 32, LIMIT_24 = 1 << 23 };
enum { OWN_FIRST_BYTE = 0xE1, OWN_HEADER = 10, OWN_DELTAS = 13, OWN_FIXED = 15, OWN_WIDTH = 24 };
static const int16_t RATES[] = {0, 100, 125, 128, 130, 200, 250, 256, 300, 320, 360, 400, 500, 512, 1000};

static int refuse(struct ecg_frame_error *error, const char *code, const char *words, ...)
{
    va_list values;
    va_start(values, words);
    vsnprintf(error->words, sizeof error->words, words, values);
    va_end(values);
    error->code = code;
    return -1;
}

static int32_t signed_24(const uint8_t *at)
{
    const int32_t value = (int32_t)at[0] | (int32_t)at[1] << 8 | (int32_t)at[2] << 16;
    return value >= LIMIT_24 ? value - 2 * LIMIT_24 : value;
}

/* The i-th two's complement number of `width` bits, 1 to 32, behind `data`. */
static int64_t packed(const uint8_t *data, int32_t i, int width)
{
    const int64_t first = (int64_t)i * width;
    int64_t value = 0;
    int bit;
    for (bit = 0; bit < width; bit++)
        value |= (int64_t)(data[(first + bit) >> 3] >> ((first + bit) & 7) & 1) << bit;
    return value >> (width - 1) ? value - ((int64_t)1 << width) : value;
}

int ecg_polar_kind(const uint8_t *data, size_t bytes)
{
    return bytes > 0 ? data[0] & KIND : 0;
}

/* A reference sample, then blocks of differences: width, count, numbers. */
static int read_delta(const uint8_t *data, size_t bytes, struct ecg_read_frame *frame, struct ecg_frame_error *error)
{
    size_t at = HEADER + 3;
    int64_t sample;
    int32_t i;
    int leaves = 0;
    if (at > bytes)
        return refuse(error, "length", "delta frame without its reference sample; the frame is lost");
    sample = signed_24(data + HEADER);
    frame->millivolt[0] = (float)sample / 1000.0f;
    frame->count = 1;
    while (at < bytes) {
        int width, count;
        size_t end;
        if (at + 2 > bytes)
            return refuse(error, "length", "delta frame ends within the header of a block; the frame is lost");
        width = data[at];
        count = data[at + 1];
        end = at + 2 + ((size_t)width * (size_t)count + 7) / 8;
        if (width < 1 || width > MOST_WIDTH || end > bytes)
            return refuse(error, "length",
                "delta block of %d numbers of %d bits does not fit its frame; the frame is lost", count, width);
        if (frame->count + count > ECG_FRAME_MOST)
            return refuse(error, "length", "delta frame of more samples than a notification holds; the frame is lost");
        for (i = 0; i < count; i++) {
            sample += packed(data + at + 2, i, width);
            leaves |= sample < -LIMIT_24 || sample >= LIMIT_24;
            frame->millivolt[frame->count++] = (float)sample / 1000.0f;
        }
        at = end;
    }
    if (leaves)
        return refuse(error, "value", "delta frame leaves the 24 bits of its samples; the frame is lost");
    return 0;
}

int ecg_read_polar(const uint8_t *data, size_t bytes, struct ecg_read_frame *frame, struct ecg_frame_error *error)
{
    const size_t size = bytes - HEADER;
    int i;
    if (bytes < HEADER)
        return refuse(error, "length", "data frame of %d bytes, its header has %d; the frame is lost", (int)bytes,
            HEADER);
    if (ecg_polar_kind(data, bytes) != 0)
        return refuse(error, "kind", "data frame of measurement %d, not ECG; stop that measurement",
            ecg_polar_kind(data, bytes));
    for (frame->time_ns = 0, i = 8; i > 0; i--)
        frame->time_ns = frame->time_ns << 8 | data[i];
    if (data[9] == DELTA)
        return read_delta(data, bytes, frame, error);
    if (data[9] != 0)
        return refuse(error, "kind", "ECG %s of unknown type %d; report this firmware version",
            data[9] & DELTA ? "delta-compressed frame" : "frame", data[9] & ~DELTA);
    if (size == 0 || size % 3 != 0)
        return refuse(error, "length", "ECG payload of %d bytes is not made of 3-byte samples; the frame is lost",
            (int)size);
    if (size / 3 > ECG_FRAME_MOST)
        return refuse(error, "length", "frame of more samples than a notification holds; the frame is lost");
    frame->count = (int32_t)(size / 3);
    for (i = 0; i < frame->count; i++)
        frame->millivolt[i] = (float)signed_24(data + HEADER + 3 * i) / 1000.0f;
    return 0;
}

static unsigned crc_16(const uint8_t *data, size_t bytes)
{
    unsigned crc = 0xFFFFu;
    int bit;
    for (; bytes > 0; bytes--, data++) {
        crc ^= (unsigned)*data << 8;
        for (bit = 0; bit < 8; bit++)
            crc = crc & 0x8000u ? (crc << 1 ^ 0x1021u) & 0xFFFFu : crc << 1;
    }
    return crc;
}

int ecg_read_own(const uint8_t *data, size_t bytes, struct ecg_read_frame *frame, struct ecg_frame_error *error)
{
    int code, n, width, i;
    int32_t sample;
    size_t end;
    if (bytes < OWN_FIXED)
        return refuse(error, "length", "frame of %d bytes, at least %d are needed; the frame is lost", (int)bytes,
            OWN_FIXED);
    if (data[0] != OWN_FIRST_BYTE)
        return refuse(error, "kind", "first byte 0x%02X is not that of version 1 (0x%02X); use a firmware and an "
            "ecgedge of the same version", data[0], OWN_FIRST_BYTE);
    code = data[1];
    n = data[2];
    width = data[3];
    if (n == 0 || width > OWN_WIDTH || code < 1 || code >= (int)(sizeof RATES / sizeof RATES[0]))
        return refuse(error, "value", "%d samples of %d bits at rate code %d cannot be; correct the firmware's encoder",
            n, width, code);
    end = OWN_DELTAS + (size_t)((n - 1) * width + 7) / 8;
    if (bytes != end + 2)
        return refuse(error, "length", "frame of %d bytes, its header needs %d; the frame is lost", (int)bytes,
            (int)end + 2);
    if (crc_16(data, end) != ((unsigned)data[end] | (unsigned)data[end + 1] << 8))
        return refuse(error, "checksum", "wrong CRC; the frame is lost");
    frame->fs = RATES[code];
    frame->sequence = (uint16_t)(data[4] | data[5] << 8);
    frame->time_ms = (uint32_t)data[6] | (uint32_t)data[7] << 8 | (uint32_t)data[8] << 16 | (uint32_t)data[9] << 24;
    frame->count = n;
    sample = signed_24(data + OWN_HEADER);
    frame->millivolt[0] = (float)sample / 1000.0f;
    for (i = 1; i < n; i++) {
        /* Differences wrap at 24 bits, so that none needs more. */
        if (width > 0)
            sample += (int32_t)packed(data + OWN_DELTAS, i - 1, width);
        sample = sample >= LIMIT_24 ? sample - 2 * LIMIT_24 : sample < -LIMIT_24 ? sample + 2 * LIMIT_24 : sample;
        frame->millivolt[i] = (float)sample / 1000.0f;
    }
    return 0;
}
