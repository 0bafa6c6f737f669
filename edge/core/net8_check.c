/* Whether a network can be run: nothing that ecg_net8_run does goes outside of what it was given. */
#include "net8_check.h"

#define MOST (1 << 20)          /* rows, channels, offsets in rows; products of two fit into 64 bits */
#define MOST_REACH (1 << 15)    /* values that a sum has: 255 * 128 * 2^15 is 2^30 */
#define MOST_BYTES (1 << 26)    /* of one activation */
#define LARGEST_BIAS (1 << 30)  /* beside such a sum */
#define LARGEST_FACTOR (1 << 21)

static int within(int32_t x, int32_t low, int32_t high)
{
    return x >= low && x <= high;
}

static int is_code(int32_t x)
{
    return within(x, -128, 127);
}

/* Whether rows * channels bytes lie at a place. */
static int lies(const struct ecg_net8 *net, int32_t place, int32_t rows, int32_t channels, int writes)
{
    const int64_t size = (int64_t)rows * channels;
    if (size > MOST_BYTES)
        return 0;
    if (place == ECG_NET8_INPUT)
        return !writes && size == net->n_inputs;
    if (place == ECG_NET8_OUTPUT)
        return size == net->n_outputs;
    return place >= 0 && place + size <= net->memory;
}

static int has_sizes(const struct ecg_net8_layer *l)
{
    return within(l->length, 1, MOST) && within(l->channels, 1, MOST) && within(l->outputs, 1, MOST) &&
        within(l->filters, 1, MOST) && within(l->taps, 1, MOST_REACH) && within(l->stride, 1, 1 << 10) &&
        within(l->dilation, 1, 1 << 10) && within(l->pad, 0, MOST) && within(l->left, 0, MOST) &&
        is_code(l->zero_in) && is_code(l->zero_other) && is_code(l->zero_out) && is_code(l->low) &&
        is_code(l->high) && l->low <= l->high;
}

static int convolves(const struct ecg_net8_layer *l)
{
    const int depthwise = l->kind == ECG_NET8_DEPTHWISE;
    int32_t f;
    if (depthwise ? l->filters != l->channels : (int64_t)l->taps * l->channels > MOST_REACH)
        return 0;
    for (f = 0; f < l->filters; f++)
        if (!within(l->bias[f], -LARGEST_BIAS, LARGEST_BIAS) || !(l->factors[f] >= 0.0f && l->factors[f] <= 256.0f))
            return 0;
    return 1;
}

static int adds(const struct ecg_net8_layer *l)
{
    return l->outputs == l->length && l->filters == l->channels && within(l->first, 0, LARGEST_FACTOR) &&
        within(l->second, 0, LARGEST_FACTOR) && within(l->shift, 0, 30);
}

static int rectifies(const struct ecg_net8_layer *l)
{
    return l->outputs == l->length && l->filters == l->channels && within(l->first, 0, 20) && l->second >= 0 &&
        within(l->shift, 0, 30);
}

static int is_possible(const struct ecg_net8 *net, const struct ecg_net8_layer *l)
{
    switch (l->kind) {
    case ECG_NET8_DENSE:
    case ECG_NET8_DEPTHWISE:
        return convolves(l);
    case ECG_NET8_ADD:
        return adds(l) && lies(net, l->other, l->length, l->channels, 0);
    case ECG_NET8_RELU:
        return rectifies(l);
    case ECG_NET8_MAX_POOL:
        return l->filters == l->channels;
    case ECG_NET8_PAD:
        return 1;
    default:
        return 0;
    }
}

/* Bytes of sums and of patches that a layer needs. */
static int32_t sums_of(const struct ecg_net8_layer *l)
{
    const int32_t rows = l->outputs < ECG_NET8_ROWS ? l->outputs : ECG_NET8_ROWS;
    const int32_t bytes = l->kind == ECG_NET8_DENSE ? rows * 4 * ((l->filters + 15) / 16 * 16) :
        l->kind == ECG_NET8_DEPTHWISE ? 4 * l->filters : l->kind == ECG_NET8_RELU ? 256 : 0;
    return (bytes + 15) / 16 * 16;
}

static int32_t patches_of(const struct ecg_net8_layer *l)
{
    const int32_t rows = l->outputs < ECG_NET8_ROWS ? l->outputs : ECG_NET8_ROWS;
    return l->kind == ECG_NET8_DENSE ? rows * 2 * ecg_net8_width(l) : 0;
}

static int fits(const struct ecg_net8 *net, const struct ecg_net8_layer *l)
{
    return has_sizes(l) && within(l->other, ECG_NET8_OUTPUT, net->memory) && is_possible(net, l) && lies(net, l->source, l->length, l->channels, 0) &&
        lies(net, l->target, l->outputs, l->filters, 1) && sums_of(l) <= net->sums &&
        patches_of(l) <= net->patches;
}

int ecg_net8_fits(const struct ecg_net8 *net)
{
    int32_t i;
    if (!within(net->n_inputs, 1, MOST_BYTES) || !within(net->n_outputs, 1, MOST_BYTES) ||
        !within(net->sums, 0, MOST_BYTES) || !within(net->patches, 0, MOST_BYTES) ||
        !within(net->memory, 0, MOST_BYTES) || net->sums % 16 || net->patches % 16)
        return 0;
    if (!(net->scale_in > 1e-30f && net->scale_in < 1e30f && net->scale_out > 1e-30f && net->scale_out < 1e30f) ||
        !is_code(net->zero_in) || !is_code(net->zero_out))
        return 0;
    for (i = 0; i < net->n_layers; i++)
        if (!fits(net, &net->layers[i]))
            return 0;
    return 1;
}
