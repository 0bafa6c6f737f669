"""What the wave network sees: the signal around one R peak, in heights of its QRS, the small waves enlarged.

Training and live inference both call :func:`model_input`, so that they cannot drift apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecgedge.stream.amplitude import FLOOR_MV

Floats = npt.NDArray[np.float32]

FS = 100.0
# Samples around the R peak. In LUDB, leads I and II, 99 % of P waves begin at most 0.28 s before it (the
# longest 0.42 s) and 99 % of T waves end at most 0.49 s behind it (the longest 0.80 s).
BEFORE, AFTER = 56, 88
N = BEFORE + AFTER
QRS = 10  # the height is taken from so many samples on either side of the R peak: 0.2 s hold a wide QRS


def model_input(window: npt.NDArray[np.floating], knee: float) -> Floats:
    """Prepare windows of filtered signal for the network.

    A value of ``x`` QRS heights becomes ``x / (|x| + knee)``, which lies between -1 and 1. INT8 has 255
    steps: in plain heights a P wave of a twentieth of the QRS would get four of them, and so it gets 25.

    Parameters
    ----------
    window : array, shape (..., 144)
        Filtered signal in mV at 100 Hz, the R peak at place 56.
    knee : float
        QRS heights that become one half.

    Examples
    --------
    >>> x = np.zeros(N)
    >>> x[BEFORE] = 2.0
    >>> round(float(model_input(x, knee=0.25)[BEFORE]), 2)
    0.8
    """
    x = np.asarray(window, np.float32)
    qrs = x[..., BEFORE - QRS : BEFORE + QRS + 1]
    x = x / np.maximum(np.ptp(qrs, axis=-1, keepdims=True), np.float32(FLOOR_MV))
    out: Floats = np.asarray(x / (np.abs(x) + np.float32(knee)), np.float32)
    return out
