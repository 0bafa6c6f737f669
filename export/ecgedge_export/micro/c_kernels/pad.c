/* Rows and channels of zeros around what there is. */
struct padding {
    int length, channels, before, after, left, right, zero;
};

static void pad(const struct padding *l, const int8_t *in, int8_t *out)
{
    const int width = l->left + l->channels + l->right;
    int t, c;
    for (t = -l->before; t < l->length + l->after; t++)
        for (c = 0; c < width; c++) {
            const int at = c - l->left;
            const int inside = t >= 0 && t < l->length && at >= 0 && at < l->channels;
            *out++ = inside ? in[t * l->channels + at] : (int8_t)l->zero;
        }
}
