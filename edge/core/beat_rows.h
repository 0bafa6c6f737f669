/* Convolution over time by a layer of the beat network, for one width of vector; included once for each.
 *
 * ROWS_VECTOR is a float or a vector of ROWS_LANES floats, ROWS_ACROSS and ROWS_STEPS the outputs of one sample and
 * the samples whose sums are held in registers at once, ROWS_NAME the function, ROWS_TARGET its attributes. Written
 * with vectors and not with loops over floats: compilers differ too much in what they make of those, by a factor of
 * five. Whatever the width, every output is one sum over tap and channel, first to last, in which each product is
 * rounded before it is added.
 */

#if defined(__GNUC__) && !defined(__clang__)
#define ROWS_UNROLLED _Pragma("GCC unroll 8") /* or sums lie in memory: -O2 would be slower by three times */
#else
#define ROWS_UNROLLED
#endif

ROWS_TARGET static void ROWS_NAME(const struct ecg_beat_layer *layer, const float *x, float *out)
{
    const int32_t last = layer->n_out - ROWS_STEPS;
    int32_t t, across;
    for (t = 0; t < layer->n_out; t += ROWS_STEPS) {
        /* The last block begins early, and gives some samples a second time: the same values. */
        const int32_t from = t < last ? t : last;
        for (across = 0; across < ECG_BEAT_CHANNELS; across += ROWS_ACROSS) {
            ROWS_VECTOR sum[ROWS_STEPS][ROWS_ACROSS / ROWS_LANES];
            const float *weights = layer->weights + across;
            float *to = out + from * ECG_BEAT_WIDTH + across;
            int32_t tap, channel;
            int i, j;
            memset(sum, 0, sizeof sum);
            for (tap = 0; tap < ECG_BEAT_TAPS; tap++) {
                const float *at = x + from * layer->step + tap * layer->apart;
                for (channel = 0; channel < layer->channels; channel++, at++, weights += ECG_BEAT_WIDTH)
                    ROWS_UNROLLED
                    for (j = 0; j < ROWS_ACROSS / ROWS_LANES; j++) {
                        const ROWS_VECTOR weight = *(const ROWS_VECTOR *)(weights + j * ROWS_LANES);
                        ROWS_UNROLLED
                        for (i = 0; i < ROWS_STEPS; i++)
                            sum[i][j] += at[i * layer->step] * weight;
                    }
            }
            ROWS_UNROLLED
            for (i = 0; i < ROWS_STEPS; i++)
                ROWS_UNROLLED
                for (j = 0; j < ROWS_ACROSS / ROWS_LANES; j++)
                    *(ROWS_VECTOR *)(to + i * ECG_BEAT_WIDTH + j * ROWS_LANES) =
                        sum[i][j] + *(const ROWS_VECTOR *)(layer->bias + across + j * ROWS_LANES);
        }
    }
}

#undef ROWS_UNROLLED
#undef ROWS_VECTOR
#undef ROWS_LANES
#undef ROWS_ACROSS
#undef ROWS_STEPS
#undef ROWS_NAME
#undef ROWS_TARGET
