/* Where samples belong: from stamps, counters and arrival times to the sample index. The twin, rule by rule, of
 * ecgedge_bridge/stream/timeline.py, whose theory of operation stands above its first line.
 *
 * Stamps are nanoseconds in 64 bits. Where the device's are unsigned, they are handed over less 2^63, and
 * `is_unsigned` says so: differences and order are the same.
 */
#ifndef ECG_TIMELINE_H
#define ECG_TIMELINE_H

#include <stdint.h>

#include "arrivals.h"
#include "rate.h"

#define ECG_FRAME_MOST 4096 /* samples of a frame */
#define ECG_HELD_MOST 1024
#define ECG_WAITING_MOST 64
#define ECG_KNOWN_MOST 4096
#define ECG_LATE_MOST 64
#define ECG_POOL 65536 /* samples of frames that are held, and of those that wait: seconds of any device */
#define ECG_PLACED_MOST (ECG_HELD_MOST + ECG_WAITING_MOST + 2)

/* A frame that has no place yet; `first` is the device's own count of its first sample, -1 where it has none. */
struct ecg_frame {
    const float *samples;
    int32_t count;
    int64_t time_ns;
    double host_time_s;
    int64_t first;
};

enum ecg_timeline_code { ECG_LATE_FRAME, ECG_OVERLAP, ECG_WRONG_RATE, ECG_CLOCK_STEP };

/* What is to be known of a stream; `seconds` and `lost` of a step, `rate` and `expected` of another rate. */
struct ecg_timeline_note {
    enum ecg_timeline_code code;
    int64_t sample, lost;
    int32_t times;
    double seconds, rate, expected;
};

/* Samples that have found their place, and the notes that come before them: `notes` from `note` on. */
struct ecg_placed {
    int64_t sample;
    const float *samples;
    int32_t count, note, notes;
    int64_t time_ns;
    double host_time_s;
};

/* Frames in the order in which they came, and their samples. */
struct ecg_shelf {
    struct ecg_frame *frames;
    float *pool;
    int32_t count, most, used;
};

struct ecg_known {
    int64_t time_ns;
    uint32_t crc;
};

struct ecg_timeline {
    double fs;
    int64_t modulus;
    double agreement;
    int is_unsigned;
    int64_t next_sample, lost, late, repeated, segments;
    struct ecg_rate rate;
    struct ecg_other_rate other;
    struct ecg_arrivals arrivals;
    int has_anchor, overlaps;
    int64_t anchor_ns, before_ns, gap_start, gap_end, expected;
    float newest[ECG_FRAME_MOST];
    int32_t n_newest;
    struct ecg_shelf held, waiting;
    struct ecg_frame held_frames[ECG_HELD_MOST], waiting_frames[ECG_WAITING_MOST];
    float held_pool[ECG_POOL], waiting_pool[ECG_POOL];
    struct ecg_timeline_note late_notes[ECG_LATE_MOST]; /* on frames that came late, for the next one that is placed */
    int32_t n_late_notes;
    struct ecg_known known[ECG_KNOWN_MOST];
    int32_t n_known, next_known;
    /* What the last frame led to. */
    struct ecg_placed placed[ECG_PLACED_MOST];
    int32_t n_placed;
    struct ecg_timeline_note notes[ECG_PLACED_MOST + ECG_LATE_MOST];
    int32_t n_notes;
};

void ecg_timeline_init(struct ecg_timeline *timeline, double fs, int counter_bits, int is_unsigned);

/* Give consecutive samples their index: what has found its place now stands in `placed` and `notes`, and holds until
 * the next call. */
void ecg_timeline_place(struct ecg_timeline *timeline, const struct ecg_frame *frame);

/* Later less earlier, in seconds. */
double ecg_elapsed_s(int64_t earlier_ns, int64_t later_ns);

#endif
