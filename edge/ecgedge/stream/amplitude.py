"""What a model sees: a right-aligned, amplitude-normalised stretch of filtered signal.

Training and live inference both call :func:`model_input`, so that they cannot drift apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core

# Long enough that nearly every piece holds a QRS, short enough that one burst of noise spoils one piece
PIECE_S = 2.0
_MOST_PIECES = 64  # that the compiled core takes; models see fewer
FLOOR_MV = 0.02  # below this the signal is flat, and dividing by it would only blow up noise


def amplitude_mv(signal: npt.NDArray[np.floating], fs: float) -> float:
    """Typical QRS height: the median over 2 s pieces of the peak-to-peak amplitude, at least 0.02 mV.

    A median, so that a motion artefact or one giant PVC does not shrink every other beat, as a standard
    deviation over the window would.
    """
    size = min(len(signal), round(PIECE_S * fs))
    if size == 0:
        return FLOOR_MV
    pieces = signal[len(signal) % size :].reshape(-1, size)
    return max(FLOOR_MV, float(np.median(pieces.max(axis=1) - pieces.min(axis=1))))


def model_input(signal: npt.NDArray[np.floating], fs: float, n: int, clip: float) -> npt.NDArray[np.float32]:
    """Return the last ``n`` samples over their typical QRS height, with zeros in front of fewer.

    Parameters
    ----------
    signal : array, shape (m,)
        Filtered signal in mV at ``fs``.
    fs : float
        Rate of ``signal`` in Hz.
    n : int
        Length the model takes, in samples.
    clip : float
        Values beyond this many QRS heights are cut; the INT8 range is spent on what is inside.

    Examples
    --------
    >>> import numpy as np
    >>> model_input(np.array([0.0, 2.0]), fs=1, n=3, clip=1.5).tolist()
    [0.0, 0.0, 1.0]
    """
    size = round(PIECE_S * fs)
    if core and signal.dtype == np.float32 and 1 <= n <= _MOST_PIECES * size:
        return np.frombuffer(
            core.model_input(np.ascontiguousarray(signal), size, FLOOR_MV, n, clip), np.float32
        )
    return scaled(signal[-n:], fs, n, clip)


def scaled(signal: npt.NDArray[np.floating], fs: float, n: int, clip: float) -> npt.NDArray[np.float32]:
    """Do the same for ``n`` samples or fewer, in numpy."""
    out = np.zeros(n, np.float32)
    if len(signal):
        over = signal / np.float32(amplitude_mv(signal, fs))
        np.clip(over, -clip, clip, out=out[n - len(signal) :])
    return out
