#include "net8.h"
#include "net8_x86.h"

#include "numbers.h"

#include <string.h>

/* Fails to compile where >> of a negative number does not keep its sign: C99 leaves that to the compiler. */
typedef char ecg_needs_arithmetic_shift[(-1 >> 1) == -1 ? 1 : -1];

/* The nearest whole number, of two the even one, for less than 2^22: above 1.5 * 2^23 floats have no fractions. */
static inline int32_t nearest(float x)
{
    union {
        float number;
        uint32_t bits;
    } sum;
    sum.number = x + 12582912.0f;
    return (int32_t)(sum.bits - 0x4b400000u);
}

static inline int32_t limited(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Sums in a row: those of all filters, filled up to whole vectors. */
static inline int32_t step_of(const struct ecg_net8_layer *l)
{
    return (l->filters + ECG_NET8_VECTOR - 1) / ECG_NET8_VECTOR * ECG_NET8_VECTOR;
}

/* Codes of the sums of one row. Limits are applied before the rounding, which gives the same and fits into a float. */
ECG_WIDE static void finish(const struct ecg_net8_layer *l, const int32_t *restrict sum, int8_t *restrict out)
{
    const int32_t *restrict bias = l->bias;
    const float *restrict factors = l->factors;
    const float low = (float)(l->low - l->zero_out), high = (float)(l->high - l->zero_out);
    const int32_t filters = l->filters, zero = l->zero_out;
    int32_t c;
    for (c = 0; c < filters; c++) {
        float x = (float)(sum[c] + bias[c]) * factors[c];
        x = x < low ? low : x;
        x = x > high ? high : x;
        out[c] = (int8_t)(nearest(x) + zero);
    }
}

static int16_t *zeros(int16_t *row, int32_t n)
{
    int32_t i;
    for (i = 0; i < n; i++)
        row[i] = 0;
    return row + n;
}

ECG_WIDE static void widen(const int8_t *restrict in, int32_t n, int32_t zero, int16_t *restrict row)
{
    int32_t i;
    for (i = 0; i < n; i++)
        row[i] = (int16_t)(in[i] - (int16_t)zero);
}

/* What output t of a convolution sees, without the zero point: then padding is 0. */
static void gather(const struct ecg_net8_layer *l, const int8_t *in, int32_t t, int16_t *row)
{
    const int32_t joined = l->dilation == 1 ? l->taps : 1; /* rows that lie one after the other */
    int32_t k, at = t * l->stride - l->pad;
    for (k = 0; k < l->taps; k += joined, at += l->dilation) {
        const int32_t first = limited(-at, 0, joined), last = limited(l->length - at, first, joined);
        row = zeros(row, first * l->channels);
        if (last > first) {
            widen(in + (at + first) * l->channels, (last - first) * l->channels, l->zero_in, row);
            row += (last - first) * l->channels;
        }
        row = zeros(row, (joined - last) * l->channels);
    }
    zeros(row, ecg_net8_width(l) - l->taps * l->channels);
}

#if defined(__ARM_FEATURE_SIMD32) && !defined(__ARM_NEON)
#include <arm_acle.h>

static inline int32_t four(const void *values)
{
    int32_t word;
    memcpy(&word, values, sizeof word);
    return word;
}

/* Four filters on one patch, two products at a time: weights 0 and 2, then 1 and 3. */
static void line(const int16_t *x, const int8_t *const w[4], int32_t width, int32_t *sum)
{
    int32_t a[4] = {0, 0, 0, 0}, i, j;
    for (i = 0; i < width; i += 4) {
        const int32_t left = four(x + i), right = four(x + i + 2);
        const int16x2_t even = (int16x2_t)((left & 0xffff) | (int32_t)((uint32_t)right << 16));
        const int16x2_t odd = (int16x2_t)((int32_t)((uint32_t)left >> 16) | (right & ~0xffff));
        for (j = 0; j < 4; j++) {
            const uint32_t weights = (uint32_t)four(w[j] + i);
            a[j] = __smlad(even, __sxtb16((int8x4_t)weights), a[j]);
            a[j] = __smlad(odd, __sxtb16((int8x4_t)(weights >> 8 | weights << 24)), a[j]);
        }
    }
    for (j = 0; j < 4; j++)
        sum[j] = a[j];
}

static void tile(const int16_t *x, const int8_t *const w[4], int32_t width, int32_t *sum, int32_t step)
{
    int32_t r;
    for (r = 0; r < ECG_NET8_ROWS; r++)
        line(x + r * width, w, width, sum + r * step);
}
#elif defined(__wasm_simd128__)
#include "net8_wasm.h"
#else
/* Four filters on four patches: each value that is read serves four sums. Compilers make pairwise products of it
 * (pmaddwd, smlal). */
ECG_WIDE static void tile(const int16_t *restrict x, const int8_t *const w[4], int32_t width, int32_t *restrict sum,
    int32_t step)
{
    const int16_t *restrict x0 = x, *restrict x1 = x0 + width, *restrict x2 = x1 + width, *restrict x3 = x2 + width;
    const int8_t *restrict w0 = w[0], *restrict w1 = w[1], *restrict w2 = w[2], *restrict w3 = w[3];
    int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
    int32_t c0 = 0, c1 = 0, c2 = 0, c3 = 0, d0 = 0, d1 = 0, d2 = 0, d3 = 0;
    const int32_t n = width / ECG_NET8_VECTOR * ECG_NET8_VECTOR; /* says to the compiler that nothing is left over */
    int32_t i;
    for (i = 0; i < n; i++) {
        a0 += x0[i] * w0[i], a1 += x0[i] * w1[i], a2 += x0[i] * w2[i], a3 += x0[i] * w3[i];
        b0 += x1[i] * w0[i], b1 += x1[i] * w1[i], b2 += x1[i] * w2[i], b3 += x1[i] * w3[i];
        c0 += x2[i] * w0[i], c1 += x2[i] * w1[i], c2 += x2[i] * w2[i], c3 += x2[i] * w3[i];
        d0 += x3[i] * w0[i], d1 += x3[i] * w1[i], d2 += x3[i] * w2[i], d3 += x3[i] * w3[i];
    }
    sum[0] = a0, sum[1] = a1, sum[2] = a2, sum[3] = a3, sum += step;
    sum[0] = b0, sum[1] = b1, sum[2] = b2, sum[3] = b3, sum += step;
    sum[0] = c0, sum[1] = c1, sum[2] = c2, sum[3] = c3, sum += step;
    sum[0] = d0, sum[1] = d1, sum[2] = d2, sum[3] = d3;
}

/* Four filters on one patch. */
ECG_WIDE static void line(const int16_t *restrict x, const int8_t *const w[4], int32_t width, int32_t *restrict sum)
{
    const int8_t *restrict w0 = w[0], *restrict w1 = w[1], *restrict w2 = w[2], *restrict w3 = w[3];
    const int32_t n = width / ECG_NET8_VECTOR * ECG_NET8_VECTOR;
    int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, i;
    for (i = 0; i < n; i++)
        a0 += x[i] * w0[i], a1 += x[i] * w1[i], a2 += x[i] * w2[i], a3 += x[i] * w3[i];
    sum[0] = a0, sum[1] = a1, sum[2] = a2, sum[3] = a3;
}
#endif

/* Sums of all filters on some patches. */
static void products(const struct ecg_net8_layer *l, int16_t *x, int32_t rows, int32_t *sum)
{
    const int32_t width = ecg_net8_width(l), step = step_of(l), last = l->filters - 1;
    int32_t f, r, j;
#ifdef ECG_NET8_X86
    if (l->packed != NULL) {
        ecg_net8_products(l, x, rows, sum, step);
        return;
    }
#endif
    for (f = 0; f < l->filters; f += 4) {
        const int8_t *w[4]; /* beyond the last filter: the last once more */
        for (j = 0; j < 4; j++)
            w[j] = l->weights + (f + j < last ? f + j : last) * width;
        if (rows == ECG_NET8_ROWS)
            tile(x, w, width, sum + f, step);
        else
            for (r = 0; r < rows; r++)
                line(x + r * width, w, width, sum + r * step + f);
    }
}

static void dense(const struct ecg_net8_layer *l, const int8_t *in, int8_t *out, int32_t *sum, int16_t *x)
{
    const int32_t width = ecg_net8_width(l), step = step_of(l);
    int32_t t, r;
    for (t = 0; t < l->outputs; t += ECG_NET8_ROWS) {
        const int32_t left = l->outputs - t, rows = left < ECG_NET8_ROWS ? left : ECG_NET8_ROWS;
        for (r = 0; r < rows; r++)
            gather(l, in, t + r, x + r * width);
        products(l, x, rows, sum);
        for (r = 0; r < rows; r++, out += l->filters)
            finish(l, sum + r * step, out);
    }
}

/* Sixteen channels, whose sums stay in registers. A product of a code without its zero point and a weight fits into
 * 16 bits. */
ECG_WIDE static void sixteen_channels(const struct ecg_net8_layer *l, const int8_t *restrict x,
    const int8_t *restrict weights, int32_t taps, int32_t *restrict sum)
{
    const int16_t zero = (int16_t)l->zero_in;
    const int32_t down = l->dilation * l->channels;
    int32_t s[ECG_NET8_VECTOR] = {0}, k, c;
    for (k = 0; k < taps; k++, x += down, weights += l->channels)
        for (c = 0; c < ECG_NET8_VECTOR; c++)
            s[c] += (int16_t)((int16_t)(x[c] - zero) * weights[c]);
    for (c = 0; c < ECG_NET8_VECTOR; c++)
        sum[c] = s[c];
}

static int32_t one_channel(const struct ecg_net8_layer *l, const int8_t *x, const int8_t *weights, int32_t taps)
{
    int32_t sum = 0, k;
    for (k = 0; k < taps; k++)
        sum += (x[k * l->dilation * l->channels] - l->zero_in) * weights[k * l->channels];
    return sum;
}

static void depthwise(const struct ecg_net8_layer *l, const int8_t *in, int8_t *out, int32_t *sum)
{
    const int32_t channels = l->channels, whole = channels / ECG_NET8_VECTOR * ECG_NET8_VECTOR;
    int32_t t, c;
    for (t = 0; t < l->outputs; t++, out += channels) {
        /* Taps on rows that exist: from `first` to before `last`. */
        const int32_t at = t * l->stride - l->pad, up = l->dilation - 1;
        const int32_t first = limited((up - at) / l->dilation, 0, l->taps);
        const int32_t last = limited((l->length - at + up) / l->dilation, first, l->taps), taps = last - first;
        const int8_t *const x = taps ? in + (at + first * l->dilation) * channels : in;
        const int8_t *const weights = l->weights + (taps ? first * channels : 0);
        for (c = 0; c < whole; c += ECG_NET8_VECTOR)
            sixteen_channels(l, x + c, weights + c, taps, sum + c);
        for (; c < channels; c++)
            sum[c] = one_channel(l, x + c, weights + c, taps);
        finish(l, sum, out);
    }
}

/* XNNPACK's addition: factors of 21 bits, halves up. */
ECG_WIDE static void add(const struct ecg_net8_layer *l, const int8_t *a, const int8_t *b, int8_t *out)
{
    const int32_t size = l->length * l->channels, first = l->first, second = l->second, shift = l->shift;
    const int32_t bias = (int32_t)((uint32_t)1 << shift >> 1) - first * l->zero_in - second * l->zero_other;
    const int32_t low = l->low, high = l->high, zero = l->zero_out;
    int32_t i;
    for (i = 0; i < size; i++) {
        int32_t x = ((bias + a[i] * first + b[i] * second) >> shift) + zero;
        x = x < low ? low : x;
        x = x > high ? high : x;
        out[i] = (int8_t)x;
    }
}

/* x * multiplier / 2^31 / 2^shift, both times rounded to the nearest integer: first halves up, then halves away from
 * zero, as TFLite does it. */
static inline int32_t rescaled(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t high = (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << 30)) >> 31);
    const int32_t half = (int32_t)(((uint32_t)1 << shift) >> 1);
    return (high + half - ((high < 0) & (shift > 0))) >> shift;
}

/* Another scale, and nothing outside of low to high. There are 256 codes: each is worked out once. */
static void relu(const struct ecg_net8_layer *l, const int8_t *in, int8_t *out, int32_t *sum)
{
    const int32_t size = l->length * l->channels;
    int8_t *const table = (int8_t *)sum + 128;
    int32_t i;
    for (i = -128; i < 128; i++)
        table[i] = (int8_t)limited(
            rescaled((i - l->zero_in) * (1 << l->first), l->second, l->shift) + l->zero_out, l->low, l->high);
    for (i = 0; i < size; i++)
        out[i] = table[in[i]];
}

ECG_WIDE static void highest(const int8_t *restrict x, int32_t n, int8_t *restrict out)
{
    int32_t c;
    for (c = 0; c < n; c++)
        out[c] = x[c] > out[c] ? x[c] : out[c];
}

/* Maximum over time, of those rows of a window that exist. */
static void max_pool(const struct ecg_net8_layer *l, const int8_t *in, int8_t *out)
{
    int32_t t, k, c;
    for (t = 0; t < l->outputs; t++, out += l->channels) {
        for (c = 0; c < l->channels; c++)
            out[c] = -128;
        for (k = 0; k < l->taps; k++) {
            const int32_t at = t * l->stride - l->pad + k;
            if (at >= 0 && at < l->length)
                highest(in + at * l->channels, l->channels, out);
        }
    }
}

/* Rows and channels of zeros around what there is. */
static void pad(const struct ecg_net8_layer *l, const int8_t *in, int8_t *out)
{
    int32_t t, c;
    for (t = -l->pad; t < l->outputs - l->pad; t++)
        for (c = -l->left; c < l->filters - l->left; c++) {
            const int inside = t >= 0 && t < l->length && c >= 0 && c < l->channels;
            *out++ = inside ? in[t * l->channels + c] : (int8_t)l->zero_out;
        }
}

static void run_layer(const struct ecg_net8_layer *l, const int8_t *in, const int8_t *other, int8_t *out,
    int32_t *sum, int16_t *patch)
{
    switch (l->kind) {
    case ECG_NET8_DENSE:
        dense(l, in, out, sum, patch);
        break;
    case ECG_NET8_DEPTHWISE:
        depthwise(l, in, out, sum);
        break;
    case ECG_NET8_ADD:
        add(l, in, other, out);
        break;
    case ECG_NET8_RELU:
        relu(l, in, out, sum);
        break;
    case ECG_NET8_MAX_POOL:
        max_pool(l, in, out);
        break;
    default:
        pad(l, in, out);
    }
}

static const int8_t *found(int32_t place, const int8_t *input, const int8_t *output, const int8_t *memory)
{
    return place == ECG_NET8_INPUT ? input : place == ECG_NET8_OUTPUT ? output : memory + place;
}

void ecg_net8_run(const struct ecg_net8 *net, const int8_t *input, int8_t *output, int32_t *arena)
{
    int16_t *const patch = (int16_t *)(arena + net->sums / 4);
    int8_t *const memory = (int8_t *)arena + net->sums + net->patches;
    int32_t i;
    for (i = 0; i < net->n_layers; i++) {
        const struct ecg_net8_layer *const l = &net->layers[i];
        const int8_t *const in = found(l->source, input, output, memory);
        const int8_t *const other = found(l->other, input, output, memory);
        run_layer(l, in, other, l->target == ECG_NET8_OUTPUT ? output : memory + l->target, arena, patch);
    }
}

void ecg_net8_codes(const struct ecg_net8 *net, const float *values, int8_t *codes)
{
    const float zero = (float)net->zero_in, scale = net->scale_in;
    const float low = scale * (-128.0f - zero), high = scale * (127.0f - zero);
    int32_t i;
    for (i = 0; i < net->n_inputs; i++) {
        float x = values[i] < high ? values[i] : high; /* not a number: the limit */
        x = x < low ? low : x;
        codes[i] = (int8_t)(nearest(x / scale) + net->zero_in);
    }
}

void ecg_net8_values(const struct ecg_net8 *net, const int8_t *codes, float *values)
{
    int32_t i;
    for (i = 0; i < net->n_outputs; i++)
        values[i] = (float)(codes[i] - net->zero_out) * net->scale_out;
}
