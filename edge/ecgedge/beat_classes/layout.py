"""Where what lies in a beat's wave and in the inputs of the network, and the numbers of the rules."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

FS = 100.0
BEFORE, AFTER = 36, 44  # samples of a wave around its R peak: from the P wave to the T wave
N_WAVE = BEFORE + AFTER
MOST_MV = 1e30  # of a wave, or its fourth powers would not be finite
# What takes longer is a pause, however much longer; what takes less time is no interval.
LONGEST_RR_S, SHORTEST_RR_S = 2.0, 0.001
# Means forget with these time constants: on folds of DS1, the F1 of S is 0.84 to 0.90 with them, and 0.69
# with medians and quantiles of the last 8, 32 and 128 intervals.
MINUTE_S, MINUTES_S = 60.0, 300.0
EARLY = 0.9  # of a mean interval: a beat that comes sooner is early, and no template beat
STEADY = 0.06  # of the mean interval: intervals that differ by less are about the same
MOST_CHANGE = 0.25  # of the mean interval: a change of intervals counts as no more
# A beat is plainly the template beat if it comes within these factors of the mean interval of a minute, and
# the next one no earlier; no earlier than that against five minutes either; if this share of intervals
# repeats one of the two before it; and if no sample is further from the template than this share of its
# height.
PLAIN_EARLY, PLAIN_LATE, PLAIN_STEADY, PLAIN_UNLIKE = 0.95, 1.1, 0.5, 0.35
PLAIN_BEATS = 8  # that come before; means of fewer say little
FOLLOW = 0.1  # weight of a new beat in the template
STEP = 0.25  # share of its height that a sample of the template moves at most, or artefacts would count

QRS, P_WAVE, T_WAVE = (slice(BEFORE + a, BEFORE + b) for a, b in ((-8, 9), (-26, -8), (10, 42)))
BROAD_QRS = slice(BEFORE - 14, BEFORE + 17)
P_BASE = 3  # samples at the end of the P window whose mean is its zero line
N_WAVES, N_RHYTHM, N_SIMILARITIES, N_P_WAVE = 3, 11, 16, 5
N_FIGURES = N_RHYTHM + N_SIMILARITIES + N_P_WAVE
N_INPUTS = N_WAVES * N_WAVE + N_FIGURES
POWER_FLOOR = 1e-4  # of a wave over its height: a hundredth of it
P_FLOOR = 0.01  # RMS of a P window over the height of the QRS
LEAST_RATIO = 1e-12  # of powers
MOST_P_DIFFERENCE = 1.5  # a difference of P waves counts as no more, in the unit of its mean
