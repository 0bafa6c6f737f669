/* The network of the beat detector: from a second of signal, with its surroundings, to the probability of a beat at
 * each of its samples.
 *
 * Four convolutions over time, each followed by a ReLU, the first of which halves the rate; then two logits for each
 * of its outputs, one for each sample. Its twin in Python is in ecgedge/beats/net.py. Constant after its making:
 * all streams share one.
 */
#ifndef ECG_BEAT_NET_H
#define ECG_BEAT_NET_H

#include <stdint.h>

#define ECG_BEAT_FS 100.0
#define ECG_BEAT_HOP 100     /* samples that one run speaks about */
#define ECG_BEAT_REACH 60    /* samples on either side that it looks at */
#define ECG_BEAT_LENGTH (ECG_BEAT_HOP + 2 * ECG_BEAT_REACH)
#define ECG_BEAT_TAPS 9
#define ECG_BEAT_LAYERS 4
#define ECG_BEAT_CHANNELS 20 /* at most */
#define ECG_BEAT_AROUND 8    /* half width of the stretch over which probability is summed */
#define ECG_BEAT_KERNEL (2 * ECG_BEAT_AROUND + 1)

/* Floats from one sample's channels to the next sample's: whole vectors, with zeros behind what is in use. */
#if defined(__x86_64__)
#define ECG_BEAT_WIDTH 24
#else
#define ECG_BEAT_WIDTH 20
#endif

struct ecg_beat_net {
    int32_t channels;
    float first[ECG_BEAT_TAPS][ECG_BEAT_WIDTH];
    /* A row for each tap and each channel in use. */
    float weights[ECG_BEAT_LAYERS - 1][ECG_BEAT_TAPS * ECG_BEAT_CHANNELS][ECG_BEAT_WIDTH];
    float bias[ECG_BEAT_LAYERS][ECG_BEAT_WIDTH];
    float out[ECG_BEAT_CHANNELS][2], out_bias[2];
    float kernel[ECG_BEAT_KERNEL]; /* what probability is summed with */
    float lowest;                  /* of both thresholds */
    double threshold, back;        /* of the sum: for a beat, and where a beat is overdue */
};

/* Memory that a run needs, for one after the other: streams of one thread may share it. */
struct ecg_beat_room {
    float even[106 * ECG_BEAT_WIDTH], odd[98 * ECG_BEAT_WIDTH];
    double logits[ECG_BEAT_HOP];
};

/* How many weights a network of so many channels has. */
int32_t ecg_beat_net_size(int32_t channels);

/* Make a network of 1 to ECG_BEAT_CHANNELS channels from its ecg_beat_net_size weights: layer by layer weights
 * (tap, channel in, channel out), then biases. */
void ecg_beat_net_init(struct ecg_beat_net *net, int32_t channels, const float *values, double threshold, double back);

/* The probability of a beat at each of the ECG_BEAT_HOP samples in the middle of x (ECG_BEAT_LENGTH samples, in
 * heights of a typical QRS). */
void ecg_beat_net_run(const struct ecg_beat_net *net, const float *x, struct ecg_beat_room *room, float *p);

#endif
