static void depthwise(const struct convolution *l, const int8_t *in, int8_t *out, int32_t *restrict sum)
{
    const int channels = l->channels;
    const int16_t zero = (int16_t)l->zero_in;
    int t, k, c;
    for (t = 0; t < l->outputs; t++, out += channels) {
        for (c = 0; c < channels; c++)
            sum[c] = l->bias[c];
        for (k = 0; k < l->taps; k++) {
            const int at = t * l->stride - l->pad + k * l->dilation;
            const int8_t *restrict weights = l->weights + k * channels;
            const int8_t *restrict x = in + (at < 0 ? 0 : at) * channels;
            if (at < 0 || at >= l->length)
                continue;
            for (c = 0; c < channels; c++)
                sum[c] += (int16_t)(x[c] - zero) * (int16_t)weights[c];
        }
        finish(l, sum, out);
    }
}
