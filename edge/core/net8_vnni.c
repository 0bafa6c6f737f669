/* Sums of a dense layer where a processor has VNNI (Intel and AMD servers from 2019 on): 64 products and their sums in
 * one instruction, of codes without a sign and weights with one. */
#include "net8_x86.h"

#if defined(ECG_NET8_X86) && !defined(ECG_ONE_COPY)

#include <immintrin.h>
#include <string.h>

#define VNNI __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vnni")))

enum { TOGETHER = 16, DEEP = 4 }; /* filters and values that lie together */

int ecg_net8_has_vnni(void)
{
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl");
}

static int32_t blocks_of(const struct ecg_net8_layer *l)
{
    return (l->filters + TOGETHER - 1) / TOGETHER;
}

static int64_t block_size(const struct ecg_net8_layer *l)
{
    return (int64_t)TOGETHER * ecg_net8_width(l);
}

/* Behind the weights of all blocks: what the sums of each filter begin at. */
int64_t ecg_net8_vnni_size(const struct ecg_net8_layer *l)
{
    return blocks_of(l) * (block_size(l) + (int64_t)(TOGETHER * sizeof(int32_t)));
}

void ecg_net8_vnni_pack(const struct ecg_net8_layer *l, int8_t *packed)
{
    const int32_t width = ecg_net8_width(l), filters = blocks_of(l) * TOGETHER, more = l->zero_in + 128;
    int8_t *begins = packed + blocks_of(l) * block_size(l);
    int32_t b, i, j, k;
    for (b = 0; b < filters; b += TOGETHER)
        for (i = 0; i < width; i += DEEP)
            for (j = b; j < b + TOGETHER; j++)
                for (k = i; k < i + DEEP; k++)
                    *packed++ = j < l->filters ? l->weights[j * width + k] : 0;
    for (j = 0; j < filters; j++, begins += sizeof b) {
        int32_t sum = 0;
        for (k = 0; k < width && j < l->filters; k++)
            sum -= more * l->weights[j * width + k];
        memcpy(begins, &sum, sizeof sum);
    }
}

/* Values of 9 bits become codes without a sign, in the place where they lie. */
VNNI static void shorten(int16_t *x, int32_t width, int16_t more)
{
    const __m256i up = _mm256_set1_epi16(more);
    int8_t *const codes = (int8_t *)x;
    int32_t i;
    for (i = 0; i < width; i += 16) {
        const __m256i values = _mm256_loadu_si256((const __m256i *)(const void *)(x + i));
        _mm_storeu_si128((__m128i *)(void *)(codes + i), _mm256_cvtepi16_epi8(_mm256_add_epi16(values, up)));
    }
}

static inline int32_t four(const int8_t *codes)
{
    int32_t word;
    memcpy(&word, codes, sizeof word);
    return word;
}

/* All filters of `blocks` blocks, 1 or 2, on some patches. */
VNNI static inline void some(const int16_t *x, const int8_t *w, const int8_t *begins, int32_t width, int rows,
    int blocks, int32_t *sum, int32_t step)
{
    __m512i sums[2][ECG_NET8_ROWS];
    int32_t i;
    int r, b;
    for (b = 0; b < blocks; b++)
        for (r = 0; r < rows; r++)
            sums[b][r] = _mm512_loadu_si512(begins + b * 64);
    for (i = 0; i < width; i += DEEP, w += 64) {
        __m512i weights[2];
        for (b = 0; b < blocks; b++)
            weights[b] = _mm512_loadu_si512(w + (int64_t)b * TOGETHER * width);
        for (r = 0; r < rows; r++) {
            const __m512i codes = _mm512_set1_epi32(four((const int8_t *)(x + r * width) + i));
            for (b = 0; b < blocks; b++)
                sums[b][r] = _mm512_dpbusd_epi32(sums[b][r], codes, weights[b]);
        }
    }
    for (r = 0; r < rows; r++)
        for (b = 0; b < blocks; b++)
            _mm512_storeu_si512(sum + r * step + b * TOGETHER, sums[b][r]);
}

VNNI void ecg_net8_vnni_products(const struct ecg_net8_layer *l, int16_t *x, int32_t rows, int32_t *sum, int32_t step)
{
    const int32_t width = ecg_net8_width(l), blocks = blocks_of(l);
    const int8_t *w = l->packed, *begins = w + blocks * block_size(l);
    int32_t r, b;
    for (r = 0; r < rows; r++)
        shorten(x + r * width, width, (int16_t)(l->zero_in + 128));
    for (b = 0; b < blocks; b += 2, w += 2 * block_size(l), begins += 128, sum += 2 * TOGETHER) {
        const int both = b + 1 < blocks;
        if (rows < ECG_NET8_ROWS)
            for (r = 0; r < rows; r++)
                some(x + r * width, w, begins, width, 1, both ? 2 : 1, sum + r * step, step);
        else if (both)
            some(x, w, begins, width, ECG_NET8_ROWS, 2, sum, step);
        else
            some(x, w, begins, width, ECG_NET8_ROWS, 1, sum, step);
    }
}

#endif
