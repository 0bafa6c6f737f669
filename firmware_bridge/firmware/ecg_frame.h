/* SPDX-License-Identifier: Apache-2.0
 *
 * Encoder of ecgedge's ECG frame, version 1, for microcontrollers: C99, header only, no allocation, no
 * library. PROTOCOL.md in the folder above specifies the bytes; ecgedge_bridge/frames.py is the same encoder in
 * Python, and decodes.
 *
 * Collect samples in microvolt. When a notification's worth has come together, send it:
 *
 *     uint8_t frame[244];
 *     size_t capacity = att_mtu - 3 < sizeof frame ? att_mtu - 3 : sizeof frame;
 *
 *     size_t n = ecg_frame_fit(samples, count, capacity);
 *     size_t length = ecg_frame_encode(frame, capacity, samples, n, ecg_frame_rate_code(250), sequence, time_ms);
 *     if (length != 0) {
 *         notify(frame, length);
 *         sequence += n;   // a uint16_t: it wraps
 *     }
 *
 * `sequence` is the number of the first of these samples since the device started. Count every sample that was
 * taken, sent or not: that is how the receiver knows exactly what is missing. `time_ms` is the device's clock
 * when the last of these samples was taken. Never let either start again while the device runs.
 *
 * On a serial line or another stream of bytes, send each frame in an envelope: ecg_frame_envelope().
 */
#ifndef ECG_FRAME_H
#define ECG_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define ECG_FRAME_FIRST_BYTE 0xE1u /* 0xE0 and version 1 */
#define ECG_FRAME_FIXED 15u        /* header 10, first sample 3, CRC 2 */
#define ECG_FRAME_MAX_SAMPLES 255u
#define ECG_FRAME_MIN_CAPACITY 20u

#define ECG_FRAME_MAX_MICROVOLT 8388607
#define ECG_FRAME_MIN_MICROVOLT (-8388607 - 1)

/* Code of a sampling rate in Hz; 0 if it has none. */
static inline uint8_t ecg_frame_rate_code(uint16_t fs)
{
    static const uint16_t rates[] = {100, 125, 128, 130, 200, 250, 256, 300, 320, 360, 400, 500, 512, 1000};
    uint8_t i;
    for (i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        if (rates[i] == fs) {
            return (uint8_t)(i + 1u);
        }
    }
    return 0;
}

/* CRC-16/IBM-3740: polynomial 0x1021, start 0xFFFF, not reflected, no final XOR. */
static inline uint16_t ecg_frame_crc(const uint8_t *data, size_t length)
{
    uint16_t crc = 0xFFFFu;
    size_t i;
    for (i = 0; i < length; i++) {
        int bit;
        crc = (uint16_t)(crc ^ (uint16_t)((uint16_t)data[i] << 8));
        for (bit = 0; bit < 8; bit++) {
            crc = (uint16_t)((crc & 0x8000u) != 0u ? ((uint32_t)crc << 1) ^ 0x1021u : (uint32_t)crc << 1);
        }
    }
    return crc;
}

/* A sample as the frame carries it: an amplifier's rail is a rail here too. */
static inline int32_t ecg_frame_clip(int32_t microvolt)
{
    if (microvolt > ECG_FRAME_MAX_MICROVOLT) {
        return ECG_FRAME_MAX_MICROVOLT;
    }
    return microvolt < ECG_FRAME_MIN_MICROVOLT ? ECG_FRAME_MIN_MICROVOLT : microvolt;
}

/* Difference of two samples modulo 2^24, in the lower 24 bits. */
static inline uint32_t ecg_frame_delta(int32_t before, int32_t after)
{
    return ((uint32_t)ecg_frame_clip(after) - (uint32_t)ecg_frame_clip(before)) & 0xFFFFFFu;
}

/* Bits that a difference needs as two's complement; 0 needs none. */
static inline uint8_t ecg_frame_width(uint32_t delta)
{
    uint32_t folded = (delta & 0x800000u) != 0u ? ~delta & 0xFFFFFFu : delta;
    uint8_t width = 1;
    if (delta == 0u) {
        return 0;
    }
    while (folded != 0u) {
        folded >>= 1;
        width++;
    }
    return width;
}

/* Bytes of a frame of `count` samples whose differences take `width` bits. */
static inline size_t ecg_frame_size(size_t count, uint8_t width)
{
    return ECG_FRAME_FIXED + ((count - 1u) * width + 7u) / 8u;
}

/* How many samples, from the first on, fit into a frame of `capacity` bytes: 0 if capacity is below 20.
 *
 * capacity is the ATT MTU less 3, 20 or more.
 */
static inline size_t ecg_frame_fit(const int32_t *microvolt, size_t count, size_t capacity)
{
    uint8_t width = 0;
    size_t n;
    if (count == 0u || capacity < ECG_FRAME_MIN_CAPACITY) {
        return 0;
    }
    for (n = 1; n < count && n < ECG_FRAME_MAX_SAMPLES; n++) {
        uint8_t needed = ecg_frame_width(ecg_frame_delta(microvolt[n - 1u], microvolt[n]));
        width = needed > width ? needed : width;
        if (ecg_frame_size(n + 1u, width) > capacity) {
            break;
        }
    }
    return n;
}

/* Write `bytes` lower bytes of a number, the lowest first. */
static inline uint8_t *ecg_frame_put(uint8_t *out, uint32_t value, int bytes)
{
    while (bytes-- > 0) {
        *out++ = (uint8_t)(value & 0xFFu);
        value >>= 8;
    }
    return out;
}

/* Pack the differences of `count` samples, `width` bits each, the lowest bit first. */
static inline uint8_t *ecg_frame_pack(uint8_t *out, const int32_t *microvolt, size_t count, uint8_t width)
{
    uint32_t mask = ((uint32_t)1 << width) - 1u;
    uint32_t waiting = 0; /* at most 7 bits wait for the 24 of the next difference */
    uint8_t bits = 0;
    size_t i;
    for (i = 1; i < count; i++) {
        waiting |= (ecg_frame_delta(microvolt[i - 1u], microvolt[i]) & mask) << bits;
        bits = (uint8_t)(bits + width);
        while (bits >= 8u) {
            *out++ = (uint8_t)(waiting & 0xFFu);
            waiting >>= 8;
            bits = (uint8_t)(bits - 8u);
        }
    }
    if (bits != 0u) {
        *out++ = (uint8_t)(waiting & 0xFFu);
    }
    return out;
}

/* Encode `count` samples in microvolt as one frame.
 *
 * Returns the number of bytes written to `out`, or 0, with nothing written, if they do not fit `capacity`, if
 * count is not 1 to 255, or if the rate has no code.
 */
static inline size_t ecg_frame_encode(uint8_t *out, size_t capacity, const int32_t *microvolt, size_t count,
                                      uint8_t rate_code, uint16_t sequence, uint32_t time_ms)
{
    uint8_t width = 0;
    uint8_t *end = out;
    size_t i;
    if (count == 0u || count > ECG_FRAME_MAX_SAMPLES || rate_code == 0u) {
        return 0;
    }
    for (i = 1; i < count; i++) {
        uint8_t needed = ecg_frame_width(ecg_frame_delta(microvolt[i - 1u], microvolt[i]));
        width = needed > width ? needed : width;
    }
    if (ecg_frame_size(count, width) > capacity) {
        return 0;
    }
    end = ecg_frame_put(end, ECG_FRAME_FIRST_BYTE, 1);
    end = ecg_frame_put(end, rate_code, 1);
    end = ecg_frame_put(end, (uint32_t)count, 1);
    end = ecg_frame_put(end, width, 1);
    end = ecg_frame_put(end, sequence, 2);
    end = ecg_frame_put(end, time_ms, 4);
    end = ecg_frame_put(end, (uint32_t)ecg_frame_clip(microvolt[0]), 3);
    end = ecg_frame_pack(end, microvolt, count, width);
    end = ecg_frame_put(end, ecg_frame_crc(out, (size_t)(end - out)), 2);
    return (size_t)(end - out);
}

/* Bytes that a frame of `length` bytes takes on a serial line or another stream of bytes, at most. */
static inline size_t ecg_frame_envelope_size(size_t length)
{
    return length + length / 254u + 3u;
}

/* Put a frame into its envelope for a stream of bytes: a zero, the frame stuffed by COBS, a zero.
 *
 * Over Bluetooth a notification has its own ends; on a serial line the zeros show them. Returns the number of
 * bytes written to `out`, or 0, with nothing written, if `capacity` is below ecg_frame_envelope_size(length).
 */
static inline size_t ecg_frame_envelope(uint8_t *out, size_t capacity, const uint8_t *frame, size_t length)
{
    size_t code_at = 1; /* where the length of the block goes that is being written */
    size_t at = 2;
    size_t i;
    if (length == 0u || capacity < ecg_frame_envelope_size(length)) {
        return 0;
    }
    out[0] = 0;
    for (i = 0; i < length; i++) {
        if (frame[i] != 0u) {
            out[at++] = frame[i];
        }
        if (frame[i] == 0u || (at - code_at == 255u && i + 1u < length)) {
            out[code_at] = (uint8_t)(at - code_at);
            code_at = at++;
        }
    }
    out[code_at] = (uint8_t)(at - code_at);
    out[at++] = 0;
    return at;
}

#endif /* ECG_FRAME_H */
