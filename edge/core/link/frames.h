/* Notifications to samples: Polar's ECG frames and ecgedge's own. Twins: ecgedge_bridge/protocols/polar/frames.py and
 * own/frames.py; PROTOCOL.md has every byte. */
#ifndef ECG_FRAMES_H
#define ECG_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "timeline.h"

/* Why a notification cannot be read: a code of ecgedge_bridge.FrameCode, and the same in words. */
struct ecg_frame_error {
    const char *code;
    char words[160];
};

struct ecg_read_frame {
    float millivolt[ECG_FRAME_MOST];
    int32_t count;
    uint64_t time_ns; /* of Polar's: since 2000-01-01, at the last sample */
    int32_t fs;       /* of the own frame */
    uint16_t sequence;
    uint32_t time_ms;
};

/* Both return 0, or -1 with the error filled in. */
int ecg_read_polar(const uint8_t *data, size_t bytes, struct ecg_read_frame *frame, struct ecg_frame_error *error);
int ecg_read_own(const uint8_t *data, size_t bytes, struct ecg_read_frame *frame, struct ecg_frame_error *error);

/* What a Polar notification measures: 0 is ECG, 2 acceleration; 0 of nothing. */
int ecg_polar_kind(const uint8_t *data, size_t bytes);

#endif
