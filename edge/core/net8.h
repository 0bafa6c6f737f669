/* Quantized networks: 8-bit activations and weights, 32-bit sums, the same integers on every processor.
 *
 * A network is a list of layers over time: rows of channels in, rows of channels out. Python reads it from
 * model.tflite, the exporter writes it as model.c; both hand it to ecg_net8_run. The integers are those of LiteRT
 * (XNNPACK) and of ONNX Runtime: sums are exact, a sum is scaled by one product in float32, and rounded to the
 * nearest code, of two the even one.
 */
#ifndef ECG_NET8_H
#define ECG_NET8_H

#include <stdint.h>

#ifndef ECG_NET8_API
#define ECG_NET8_API /* static, where a model carries this code in its own file */
#endif

/* Places of a layer's input and output that do not lie in the working memory. */
#define ECG_NET8_INPUT (-1)
#define ECG_NET8_OUTPUT (-2)

/* Rows of weights are filled up with zeros to whole vectors. */
#define ECG_NET8_VECTOR 16

/* Outputs that a dense convolution computes at a time. */
#define ECG_NET8_ROWS 4

enum ecg_net8_kind {
    ECG_NET8_DENSE,     /* each filter sees all channels */
    ECG_NET8_DEPTHWISE, /* each channel has its own filter */
    ECG_NET8_ADD,
    ECG_NET8_RELU,
    ECG_NET8_MAX_POOL,
    ECG_NET8_PAD
};

struct ecg_net8_layer {
    int32_t kind;
    int32_t source, other, target; /* byte in the working memory, or one of the places above; `other` of an addition */
    int32_t length, channels;      /* rows and channels of the input */
    int32_t outputs, filters;      /* rows and channels of the output */
    int32_t taps, stride, dilation;
    int32_t pad;  /* rows of zeros before the first row */
    int32_t left; /* channels of zeros before the first channel (PAD) */
    int32_t zero_in, zero_other, zero_out;
    int32_t low, high; /* limits of the output's codes */
    /* Addition: integer factors of both inputs, and the bits that their sum is shifted down by. ReLU: the bits that
     * a code is shifted up by, the multiplier, and the bits that the product is shifted down by. */
    int32_t first, second, shift;
    const int8_t *weights; /* dense: [filter][tap][channel], rows of ecg_net8_width; depthwise: [tap][channel] */
    const int32_t *bias;   /* of each filter */
    const float *factors;  /* of each filter: from a sum to steps of the output */
    const int8_t *packed;  /* the weights once more in another order, for processors that want it; or NULL */
};

struct ecg_net8 {
    const struct ecg_net8_layer *layers;
    int32_t n_layers, n_inputs, n_outputs;
    int32_t sums, patches, memory; /* bytes of the arena, one after the other: of one layer, of one layer, of all */
    float scale_in, scale_out;
    int32_t zero_in, zero_out; /* real = scale * (code - zero) */
};

/* Run the network once. The arena has (sums + patches + memory) / 4 words, of which nothing is kept. */
ECG_NET8_API void ecg_net8_run(const struct ecg_net8 *net, const int8_t *input, int8_t *output, int32_t *arena);

/* Codes of an input: scaled, rounded to the nearest, of two the even one, limited to what there is. */
ECG_NET8_API void ecg_net8_codes(const struct ecg_net8 *net, const float *values, int8_t *codes);

/* Real numbers of an output. */
ECG_NET8_API void ecg_net8_values(const struct ecg_net8 *net, const int8_t *codes, float *values);

/* Values in a row of a dense layer's weights, or in a patch of its input. */
static inline int32_t ecg_net8_width(const struct ecg_net8_layer *l)
{
    return (l->taps * l->channels + ECG_NET8_VECTOR - 1) / ECG_NET8_VECTOR * ECG_NET8_VECTOR;
}

#endif
