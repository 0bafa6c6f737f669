#include "shelf.h"

#include <string.h>

void ecg_shelf_init(struct ecg_shelf *shelf, struct ecg_frame *frames, int32_t most, float *pool)
{
    shelf->frames = frames;
    shelf->pool = pool;
    shelf->most = most;
    shelf->count = shelf->used = 0;
}

int ecg_shelf_fits(const struct ecg_shelf *shelf, int32_t samples)
{
    return shelf->count < shelf->most && shelf->used + samples <= ECG_POOL;
}

void ecg_shelf_put(struct ecg_shelf *shelf, const struct ecg_frame *frame)
{
    struct ecg_frame *const kept = &shelf->frames[shelf->count++];
    *kept = *frame;
    kept->samples = shelf->pool + shelf->used;
    memcpy(shelf->pool + shelf->used, frame->samples, (size_t)frame->count * sizeof(float));
    shelf->used += frame->count;
}

void ecg_shelf_tidy(struct ecg_shelf *shelf)
{
    if (shelf->count == 0)
        shelf->used = 0;
}

uint32_t ecg_crc32(const void *data, uint32_t bytes)
{
    static const uint32_t table[16] = {0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u,
        0x4db26158u, 0x5005713cu, 0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u,
        0xa00ae278u, 0xbdbdf21cu};
    const unsigned char *byte = data;
    uint32_t crc = 0xffffffffu;
    for (; bytes > 0; bytes--, byte++) {
        crc = crc >> 4 ^ table[(crc ^ *byte) & 15u];
        crc = crc >> 4 ^ table[(crc ^ *byte >> 4) & 15u];
    }
    return ~crc;
}

struct ecg_known ecg_sort_key(const struct ecg_frame *frame)
{
    const struct ecg_known key = {frame->time_ns,
        ecg_crc32(frame->samples, (uint32_t)((size_t)frame->count * sizeof(float)))};
    return key;
}

int ecg_is_same(struct ecg_known one, struct ecg_known other)
{
    return one.time_ns == other.time_ns && one.crc == other.crc;
}
