/* Finds R peaks in the filtered signal of one segment: causal, bounded, the same beats however the stream is cut.
 *
 * Its twin in Python, with the reasons for each rule and number, is in ecgedge/beats (reference.py, settings.py).
 */
#ifndef ECG_DETECTOR_H
#define ECG_DETECTOR_H

#include <stdint.h>

#include "beat_net.h"
#include "kept.h"

#define ECG_BEAT_APART 22 /* of two candidates this close, in samples, one is the other's shoulder or T wave */
#define ECG_MOST_BEATS 128 /* that one hop may give: half of its samples, and all that were passed over */

#define ECG_DETECTOR_HEIGHTS 8
#define ECG_DETECTOR_RR 8
#define ECG_DETECTOR_PASSED 64
#define ECG_DETECTOR_SUMS (2 * ECG_BEAT_APART + 1)

/* A place that may be a beat, and the sum of probability around it. */
struct ecg_candidate {
    int64_t position;
    double score;
};

/* An R peak, between samples, and how sure it is: 0 to 1. */
struct ecg_found_beat {
    double position, confidence;
};

struct ecg_detector {
    const struct ecg_beat_net *net;
    int64_t done; /* samples of the segment that have been there when the network ran */
    /* Typical height of a QRS, that of the last seconds, and of the beats so far. */
    double heights[ECG_DETECTOR_HEIGHTS], height, held, level;
    int64_t held_until;
    int32_t n_heights;
    /* The last probabilities and sums of the hop before. */
    float p[2 * ECG_BEAT_AROUND], sums[ECG_DETECTOR_SUMS];
    /* Which candidates are beats: the last one, the intervals before it, what was passed over since. */
    int32_t has_last, n_rr, n_passed;
    int64_t last, rr[ECG_DETECTOR_RR];
    struct ecg_candidate passed[ECG_DETECTOR_PASSED];
    /* Where their R peaks are. */
    double up, last_peak;
};

/* Memory that a hop needs, for one after the other: detectors of one thread may share it. */
struct ecg_detector_room {
    struct ecg_beat_room net;
    float x[ECG_BEAT_LENGTH], p[2 * ECG_BEAT_AROUND + ECG_BEAT_HOP], sums[ECG_DETECTOR_SUMS + ECG_BEAT_HOP];
    struct ecg_candidate chosen[ECG_MOST_BEATS];
};

/* Begin with the weights of a network, which have to stay where they are. */
void ecg_detector_init(struct ecg_detector *detector, const struct ecg_beat_net *net);

/* Start a new segment. */
void ecg_detector_reset(struct ecg_detector *detector);

/* Whether there is signal enough for another hop; `ended` says that nothing more will come. */
int ecg_detector_due(const struct ecg_detector *detector, const struct ecg_kept *kept, int ended);

/* Look at the next hop. Returns how many beats were written to `beats`, which has room for ECG_MOST_BEATS, or -1
 * where signal that it needs is not kept any more. */
int32_t ecg_detector_look(struct ecg_detector *detector, const struct ecg_kept *kept, struct ecg_detector_room *room,
    struct ecg_found_beat *beats);

#endif
