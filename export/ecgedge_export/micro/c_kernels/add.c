/* Both addends are brought to twice the larger of their scales, 20 bits up, and the sum to its own scale. There
 * are 256 values of each addend: they are brought there once. */
struct addition {
    int size, zero_a, zero_b, zero_out;
    int32_t multiplier_a, multiplier_b, multiplier_out;
    int shift_a, shift_b, shift_out;
};

static void add(const struct addition *l, const int8_t *a, const int8_t *b, int8_t *out, int32_t *table)
{
    int32_t *const left = table + 128, *const right = table + 384;
    int i;
    for (i = -128; i < 128; i++) {
        left[i] = rescale((i - l->zero_a) * (1 << 20), l->multiplier_a, l->shift_a);
        right[i] = rescale((i - l->zero_b) * (1 << 20), l->multiplier_b, l->shift_b);
    }
    for (i = 0; i < l->size; i++)
        out[i] = clamp(rescale(left[a[i]] + right[b[i]], l->multiplier_out, l->shift_out) + l->zero_out);
}
