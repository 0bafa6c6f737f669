/* What a phone computes beside beats, quality and rhythm: heart rate variability, and whether a signal is one in
 * millivolts. The twin of ecgedge/hrv/stage.py and ecgedge/gate/units.py. */
#ifndef ECG_FURTHER_H
#define ECG_FURTHER_H

#include "setup.h"

extern const struct ecg_further ecg_hrv_and_units;

#endif
