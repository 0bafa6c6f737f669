/* Sums of a dense layer on x86, where compilers make less of the plain loops: the same integers. */
#ifndef ECG_NET8_X86_H
#define ECG_NET8_X86_H

#include "net8.h"

#if defined(__SSE2__) && defined(__GNUC__)
#define ECG_NET8_X86

/* Filters of which the weights lie together: [eight filters][two values][filter][value]. With VNNI the order is
 * another one; which one it is depends on the processor alone. */
#define ECG_NET8_TOGETHER 8

/* Bytes of a layer's weights in that order. */
int64_t ecg_net8_packed_size(const struct ecg_net8_layer *l);

/* Bring the weights of a dense layer into that order; filters that are missing get zeros. */
void ecg_net8_pack(const struct ecg_net8_layer *l, int8_t *packed);

/* Sums of all filters on 1 to ECG_NET8_ROWS patches, into rows of `step` sums; the patches are used up. */
void ecg_net8_products(const struct ecg_net8_layer *l, int16_t *x, int32_t rows, int32_t *sum, int32_t step);

#if !defined(ECG_ONE_COPY)
/* The same for processors with VNNI. */
int ecg_net8_has_vnni(void);
int64_t ecg_net8_vnni_size(const struct ecg_net8_layer *l);
void ecg_net8_vnni_pack(const struct ecg_net8_layer *l, int8_t *packed);
void ecg_net8_vnni_products(const struct ecg_net8_layer *l, int16_t *x, int32_t rows, int32_t *sum, int32_t step);
#endif

#endif
#endif
