/* Another scale, and nothing outside of low to high. */
struct relu {
    int size, zero_in, zero_out, left, shift, low, high;
    int32_t multiplier;
};

static void relu(const struct relu *l, const int8_t *in, int8_t *out)
{
    int i;
    for (i = 0; i < l->size; i++) {
        const int32_t x = rescale((in[i] - l->zero_in) * (1 << l->left), l->multiplier, l->shift) + l->zero_out;
        out[i] = (int8_t)(x < l->low ? l->low : x > l->high ? l->high : x);
    }
}
