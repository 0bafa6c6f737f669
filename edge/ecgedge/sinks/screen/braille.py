"""A waveform in Unicode braille: two by four dots in each character cell."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

__all__ = ["braille"]

# Unicode, block "Braille Patterns": U+2800 plus one bit for each dot; rows and columns of a cell.
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.int64)
_BLANK = 0x2800
_LEAST_MV = (-0.5, 1.3)  # shown at least, so that a quiet line looks quiet


def braille(mv: npt.NDArray[np.float32], width: int, height: int) -> list[str]:
    """Draw a signal.

    Parameters
    ----------
    mv : ndarray of float32, shape (n,)
        The signal in mV; NaN where there is none, which stays blank.
    width, height : int
        Size in characters.

    Returns
    -------
    list of str
        ``height`` lines of ``width`` characters. The scale holds -0.5 to 1.3 mV around the baseline at
        least, and grows with the signal.

    Examples
    --------
    >>> import numpy as np
    >>> braille(np.zeros(100, np.float32), width=8, height=1)
    ['⠤⠤⠤⠤⠤⠤⠤⠤']
    """
    low, high = _columns(mv, width * 2)
    known = ~np.isnan(low)
    if not known.any():
        return [chr(_BLANK) * width] * height
    base = float(np.nanmedian(mv))
    bottom = min(base + _LEAST_MV[0], float(np.nanmin(low)))
    top = max(base + _LEAST_MV[1], float(np.nanmax(high)))
    rows = height * 4 - 1
    first = np.rint((top - np.where(known, high, bottom)) / (top - bottom) * rows)
    last = np.rint((top - np.where(known, low, bottom)) / (top - bottom) * rows)
    y = np.arange(height * 4)[:, None]
    dots = (y >= first) & (y <= last) & known
    cells = (dots.reshape(height, 4, width, 2) * _DOTS[:, None, :]).sum(axis=(1, 3)) + _BLANK
    return ["".join(map(chr, line)) for line in cells.tolist()]


def _columns(
    mv: npt.NDArray[np.float32], count: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lowest and highest value of each column of dots; neighbours touch, so a steep edge has no holes."""
    edges = np.linspace(0, len(mv) - 1, count + 1)
    wide = -(-len(mv) // count) + 1
    index = np.minimum(
        edges[:-1].astype(np.int64)[:, None] + np.arange(wide), edges[1:].astype(np.int64)[:, None]
    )
    values = mv[index].astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column that is all NaN is NaN, as it should be
        return np.nanmin(values, axis=1), np.nanmax(values, axis=1)
