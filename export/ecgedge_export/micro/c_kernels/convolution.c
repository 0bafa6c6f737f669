/* A convolution over time of rows of channels. Weights lie as [tap][input channel][filter], or as
 * [tap][channel] where each channel has its own filter. Sums start at the bias. */
struct convolution {
    const int8_t *weights;
    const int32_t *bias, *multiplier;
    const uint8_t *shift;
    int length, channels, outputs, filters, taps, stride, dilation, pad, zero_in, zero_out;
};

static void finish(const struct convolution *l, const int32_t *restrict sum, int8_t *restrict out)
{
    const int32_t *restrict multiplier = l->multiplier;
    const uint8_t *restrict shift = l->shift;
    const int filters = l->filters, zero = l->zero_out;
    int c;
    for (c = 0; c < filters; c++)
        out[c] = clamp(rescale(sum[c], multiplier[c], shift[c]) + zero);
}
