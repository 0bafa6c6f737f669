#include "beat_net.h"

#include <string.h>

#include "numbers.h"

/* What a convolution needs: how many channels come in, floats from one output's input to the next one's (step) and
 * from one tap to the next (apart), how many outputs there are. */
struct ecg_beat_layer {
    int32_t channels, step, apart, n_out;
    const float *weights, *bias;
};

typedef float four_floats __attribute__((vector_size(16), aligned(4), may_alias));
typedef float eight_floats __attribute__((vector_size(32), aligned(4), may_alias));

/* Where processors differ in whether they have AVX2, that is asked when the network runs. */
#if defined(__x86_64__) && !defined(__AVX2__) && !defined(ECG_ONE_COPY)
#define ECG_ASK_FOR_AVX2
#endif

#if defined(__AVX2__) || defined(ECG_ASK_FOR_AVX2)
#define ROWS_VECTOR eight_floats
#define ROWS_LANES 8
#define ROWS_ACROSS 24
#define ROWS_STEPS 3
#define ROWS_NAME convolve_avx2
#define ROWS_TARGET __attribute__((target("avx2")))
#include "beat_rows.h"
#endif

#if !defined(__AVX2__)
#if defined(__SSE2__) || defined(__aarch64__) || defined(__wasm_simd128__)
#define ROWS_VECTOR four_floats
#define ROWS_LANES 4
#define ROWS_ACROSS 20
#if defined(__aarch64__)
#define ROWS_STEPS 4 /* of 32 registers */
#else
#define ROWS_STEPS 2 /* of 16 */
#endif
#else
/* A processor without vectors; that of 32-bit ARM has some, which take denormal numbers for zero. */
#define ROWS_VECTOR float
#define ROWS_LANES 1
#define ROWS_ACROSS 4
#define ROWS_STEPS 4
#endif
#define ROWS_NAME convolve_any
#define ROWS_TARGET
#include "beat_rows.h"
#endif

static void convolve(const struct ecg_beat_layer *layer, const float *x, float *out)
{
    int32_t t, i;
#if defined(__AVX2__)
    convolve_avx2(layer, x, out);
#elif defined(ECG_ASK_FOR_AVX2)
    if (__builtin_cpu_supports("avx2"))
        convolve_avx2(layer, x, out);
    else
        convolve_any(layer, x, out);
#else
    convolve_any(layer, x, out);
#endif
    for (t = 0; t < layer->n_out; t++, out += ECG_BEAT_WIDTH)
        for (i = 0; i < ECG_BEAT_CHANNELS; i++)
            out[i] = out[i] < 0.0f ? 0.0f : out[i];
}

/* Two logits for each of the last layer's outputs, and what they say of a beat. */
static void probabilities(const struct ecg_beat_net *net, const float *x, double *logits, float *p)
{
    int32_t i, channel;
    for (i = 0; i < ECG_BEAT_HOP; i++) {
        const float *at = x + i / 2 * ECG_BEAT_WIDTH;
        float sum = at[0] * net->out[0][i % 2];
        for (channel = 1; channel < net->channels; channel++)
            sum += at[channel] * net->out[channel][i % 2];
        logits[i] = -(double)(sum + net->out_bias[i % 2]);
    }
    ecg_exps(logits, ECG_BEAT_HOP);
    for (i = 0; i < ECG_BEAT_HOP; i++)
        p[i] = (float)(1.0 / (1.0 + logits[i]));
}

void ecg_beat_net_run(const struct ecg_beat_net *net, const float *x, struct ecg_beat_room *room, float *p)
{
    static const int32_t dilations[ECG_BEAT_LAYERS] = {1, 1, 2, 4};
    const struct ecg_beat_layer first = {
        1, 2, 1, (ECG_BEAT_LENGTH - ECG_BEAT_TAPS) / 2 + 1, net->first[0], net->bias[0],
    };
    struct ecg_beat_layer layer = first;
    float *from = room->odd, *to = room->even, *other;
    int32_t i;
    convolve(&first, x, to);
    layer.channels = net->channels;
    layer.step = ECG_BEAT_WIDTH;
    for (i = 1; i < ECG_BEAT_LAYERS; i++) {
        other = from, from = to, to = other;
        layer.apart = dilations[i] * ECG_BEAT_WIDTH;
        layer.n_out -= (ECG_BEAT_TAPS - 1) * dilations[i];
        layer.weights = net->weights[i - 1][0];
        layer.bias = net->bias[i];
        convolve(&layer, from, to);
    }
    probabilities(net, to, room->logits, p);
}

int32_t ecg_beat_net_size(int32_t channels)
{
    const int32_t inner = ECG_BEAT_TAPS * channels * channels + channels;
    return ECG_BEAT_TAPS * channels + channels + (ECG_BEAT_LAYERS - 1) * inner + 2 * channels + 2;
}

/* Copy rows of `count` values into rows of ECG_BEAT_WIDTH; returns what follows them. */
static const float *rows_of(float *to, int32_t rows, int32_t count, const float *values)
{
    for (; rows > 0; rows--, to += ECG_BEAT_WIDTH, values += count)
        memcpy(to, values, (size_t)count * sizeof *to);
    return values;
}

/* A Hann window without its zeros, scaled so that the sum is 1 where the network gives the very bump, of a standard
 * deviation of two samples, that it was trained to give around a beat. */
static void make_kernel(float *kernel)
{
    double sum = 0.0;
    int32_t i;
    for (i = 0; i < ECG_BEAT_KERNEL; i++) {
        const int32_t off = i - ECG_BEAT_AROUND;
        const double apart = off / 2.0;
        double cosine, sine, product;
        ecg_turn(off / (2.0 * (ECG_BEAT_AROUND + 1)), &cosine, &sine);
        kernel[i] = (float)(0.5 + 0.5 * cosine);
        product = ecg_exp(-0.5 * (apart * apart)) * kernel[i];
        sum = i ? sum + product : product;
    }
    for (i = 0; i < ECG_BEAT_KERNEL; i++)
        kernel[i] /= (float)sum;
}

void ecg_beat_net_init(struct ecg_beat_net *net, int32_t channels, const float *values, double threshold, double back)
{
    int32_t i;
    memset(net, 0, sizeof *net);
    net->channels = channels;
    values = rows_of(net->first[0], ECG_BEAT_TAPS, channels, values);
    values = rows_of(net->bias[0], 1, channels, values);
    for (i = 0; i < ECG_BEAT_LAYERS - 1; i++) {
        values = rows_of(net->weights[i][0], ECG_BEAT_TAPS * channels, channels, values);
        values = rows_of(net->bias[i + 1], 1, channels, values);
    }
    memcpy(net->out, values, (size_t)channels * sizeof net->out[0]);
    memcpy(net->out_bias, values + 2 * channels, sizeof net->out_bias);
    make_kernel(net->kernel);
    net->threshold = threshold;
    net->back = back;
    net->lowest = (float)(threshold < back ? threshold : back);
}
