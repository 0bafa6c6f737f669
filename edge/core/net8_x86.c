#include "net8_x86.h"

#ifdef ECG_NET8_X86

#include <emmintrin.h>
#include <string.h>

static int32_t blocks_of(const struct ecg_net8_layer *l)
{
    return (l->filters + ECG_NET8_TOGETHER - 1) / ECG_NET8_TOGETHER;
}

int64_t ecg_net8_packed_size(const struct ecg_net8_layer *l)
{
#if !defined(ECG_ONE_COPY)
    if (ecg_net8_has_vnni())
        return ecg_net8_vnni_size(l);
#endif
    return (int64_t)blocks_of(l) * ECG_NET8_TOGETHER * ecg_net8_width(l);
}

void ecg_net8_pack(const struct ecg_net8_layer *l, int8_t *packed)
{
    const int32_t width = ecg_net8_width(l), blocks = blocks_of(l);
    int32_t b, i, j, k;
#if !defined(ECG_ONE_COPY)
    if (ecg_net8_has_vnni()) {
        ecg_net8_vnni_pack(l, packed);
        return;
    }
#endif
    for (b = 0; b < blocks; b++)
        for (i = 0; i < width; i += 2)
            for (j = b * ECG_NET8_TOGETHER; j < (b + 1) * ECG_NET8_TOGETHER; j++)
                for (k = i; k < i + 2; k++)
                    *packed++ = j < l->filters ? l->weights[j * width + k] : 0;
}

static inline int32_t two(const int16_t *values)
{
    int32_t word;
    memcpy(&word, values, sizeof word);
    return word;
}

/* Eight filters. Each pair of values is multiplied with the weights of four filters in one instruction. */
static inline void eight(const int16_t *x, const int8_t *w, int32_t width, int rows, int32_t *sum, int32_t step)
{
    __m128i left[ECG_NET8_ROWS], right[ECG_NET8_ROWS];
    int32_t i;
    int r;
    for (r = 0; r < rows; r++)
        left[r] = right[r] = _mm_setzero_si128();
    for (i = 0; i < width; i += 2, w += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)w);
        const __m128i first = _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
        const __m128i second = _mm_srai_epi16(_mm_unpackhi_epi8(bytes, bytes), 8);
        for (r = 0; r < rows; r++) {
            const __m128i pair = _mm_set1_epi32(two(x + r * width + i));
            left[r] = _mm_add_epi32(left[r], _mm_madd_epi16(pair, first));
            right[r] = _mm_add_epi32(right[r], _mm_madd_epi16(pair, second));
        }
    }
    for (r = 0; r < rows; r++, sum += step) {
        _mm_storeu_si128((__m128i *)(void *)sum, left[r]);
        _mm_storeu_si128((__m128i *)(void *)(sum + 4), right[r]);
    }
}

static void narrow(const struct ecg_net8_layer *l, const int16_t *x, int32_t rows, int32_t *sum, int32_t step)
{
    const int32_t width = ecg_net8_width(l), blocks = blocks_of(l);
    int32_t b, r;
    for (b = 0; b < blocks; b++) {
        const int8_t *const w = l->packed + b * ECG_NET8_TOGETHER * width;
        if (rows == ECG_NET8_ROWS)
            eight(x, w, width, ECG_NET8_ROWS, sum + b * ECG_NET8_TOGETHER, step);
        else
            for (r = 0; r < rows; r++)
                eight(x + r * width, w, width, 1, sum + r * step + b * ECG_NET8_TOGETHER, step);
    }
}

#if !defined(ECG_ONE_COPY)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))

/* Sixteen filters: two blocks of eight. */
AVX2 static inline void sixteen(const int16_t *x, const int8_t *w, const int8_t *v, int32_t width, int rows,
    int32_t *sum, int32_t step)
{
    __m256i left[ECG_NET8_ROWS], right[ECG_NET8_ROWS];
    int32_t i;
    int r;
    for (r = 0; r < rows; r++)
        left[r] = right[r] = _mm256_setzero_si256();
    for (i = 0; i < width; i += 2, w += 16, v += 16) {
        const __m256i first = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)w));
        const __m256i second = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)v));
        for (r = 0; r < rows; r++) {
            const __m256i pair = _mm256_set1_epi32(two(x + r * width + i));
            left[r] = _mm256_add_epi32(left[r], _mm256_madd_epi16(pair, first));
            right[r] = _mm256_add_epi32(right[r], _mm256_madd_epi16(pair, second));
        }
    }
    for (r = 0; r < rows; r++, sum += step) {
        _mm256_storeu_si256((__m256i *)(void *)sum, left[r]);
        _mm256_storeu_si256((__m256i *)(void *)(sum + 8), right[r]);
    }
}

AVX2 static void wide(const struct ecg_net8_layer *l, const int16_t *x, int32_t rows, int32_t *sum, int32_t step)
{
    const int32_t width = ecg_net8_width(l), blocks = blocks_of(l), size = ECG_NET8_TOGETHER * width;
    int32_t b, r;
    for (b = 0; b < blocks; b += 2) {
        const int8_t *const w = l->packed + b * size, *const v = b + 1 < blocks ? w + size : w;
        int32_t *const out = sum + b * ECG_NET8_TOGETHER; /* a second block that is none fills up the row */
        if (rows == ECG_NET8_ROWS)
            sixteen(x, w, v, width, ECG_NET8_ROWS, out, step);
        else
            for (r = 0; r < rows; r++)
                sixteen(x + r * width, w, v, width, 1, out + r * step, step);
    }
}
#endif

void ecg_net8_products(const struct ecg_net8_layer *l, int16_t *x, int32_t rows, int32_t *sum, int32_t step)
{
#if !defined(ECG_ONE_COPY)
    if (ecg_net8_has_vnni()) {
        ecg_net8_vnni_products(l, x, rows, sum, step);
        return;
    }
    if (__builtin_cpu_supports("avx2")) {
        wide(l, x, rows, sum, step);
        return;
    }
#endif
    narrow(l, x, rows, sum, step);
}

#endif
