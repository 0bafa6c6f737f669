#ifndef ECG_NET8_CHECK_H
#define ECG_NET8_CHECK_H

#include "net8.h"

/* 1 where a network reads and writes within its input, its output, an arena of sums + patches + memory bytes, and
 * the weights, biases and factors that the sizes of its layers ask for (those are the caller's to check); else 0. */
int ecg_net8_fits(const struct ecg_net8 *net);

#endif
