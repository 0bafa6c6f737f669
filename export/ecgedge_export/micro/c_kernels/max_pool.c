/* Maximum over time, of those rows of a window that exist. */
struct pool {
    int length, channels, outputs, taps, stride, pad;
};

static void max_pool(const struct pool *l, const int8_t *in, int8_t *out)
{
    int t, k, c;
    for (t = 0; t < l->outputs; t++, out += l->channels) {
        for (c = 0; c < l->channels; c++)
            out[c] = -128;
        for (k = 0; k < l->taps; k++) {
            const int at = t * l->stride - l->pad + k;
            if (at < 0 || at >= l->length)
                continue;
            for (c = 0; c < l->channels; c++) {
                const int8_t x = in[at * l->channels + c];
                out[c] = x > out[c] ? x : out[c];
            }
        }
    }
}
