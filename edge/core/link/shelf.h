/* Frames that are put aside until another one shows where they belong. */
#ifndef ECG_SHELF_H
#define ECG_SHELF_H

#include "timeline.h"

/* Begin with nothing. */
void ecg_shelf_init(struct ecg_shelf *shelf, struct ecg_frame *frames, int32_t most, float *pool);

/* Whether a frame of so many samples fits. */
int ecg_shelf_fits(const struct ecg_shelf *shelf, int32_t samples);

/* Put a copy of a frame behind the others. */
void ecg_shelf_put(struct ecg_shelf *shelf, const struct ecg_frame *frame);

/* Use the room of samples again, unless there are frames. */
void ecg_shelf_tidy(struct ecg_shelf *shelf);

/* What a frame is known by when it comes again. */
struct ecg_known ecg_sort_key(const struct ecg_frame *frame);
int ecg_is_same(struct ecg_known one, struct ecg_known other);

/* CRC-32 as of zlib. */
uint32_t ecg_crc32(const void *data, uint32_t bytes);

#endif
