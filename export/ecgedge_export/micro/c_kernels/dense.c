static void dense(const struct convolution *l, const int8_t *in, int8_t *out, int32_t *restrict sum)
{
    const int filters = l->filters;
    int t, k, i, c;
    for (t = 0; t < l->outputs; t++, out += filters) {
        for (c = 0; c < filters; c++)
            sum[c] = l->bias[c];
        for (k = 0; k < l->taps; k++) {
            const int at = t * l->stride - l->pad + k * l->dilation;
            if (at < 0 || at >= l->length)
                continue;
            for (i = 0; i < l->channels; i++) {
                const int8_t *restrict weights = l->weights + (k * l->channels + i) * filters;
                const int16_t x = (int16_t)(in[at * l->channels + i] - l->zero_in);
                if (x == 0) /* often, behind a ReLU */
                    continue;
                for (c = 0; c < filters; c++)
                    sum[c] += x * (int16_t)weights[c];
            }
        }
        finish(l, sum, out);
    }
}
