"""Signal as the page takes it: a binary frame of 16-bit steps and beats.

Little endian: ``u8`` version, ``u8`` wearable, ``u16`` number of beats, ``u32`` number of samples, ``f64``
index of the first sample, ``f32`` rate in Hz, ``f32`` mV per step; the samples as ``i16``, -32768 where there
is none, padded with zeros to a multiple of 8 bytes; an ``f64`` sample index for each beat; a ``u8`` for each
beat: its class as an ASCII letter, 0 where no model named it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ecgedge.events import Beat

__all__ = ["encode"]

VERSION = 1
_HEAD = struct.Struct("<BBHIdff")
_MISSING = -32768
_MOST_STEP = 32767
# A fortieth of a millimetre at 10 mm/mV: finer than a screen shows. Larger signals take larger steps.
_LEAST_STEP_MV = 0.0025
_MOST_BEATS = (1 << 16) - 1


def encode(
    wearable: int, first: int, fs: float, mv: npt.NDArray[np.float32], beats: Sequence[Beat] = ()
) -> bytes:
    """Make a frame.

    Parameters
    ----------
    wearable : int
        Number of the wearable on this page, 0 to 255.
    first : int
        Index of the first sample.
    fs : float
        Rate in Hz.
    mv : ndarray of float32, shape (n,)
        NaN where there is no sample.
    beats : sequence of Beat
        Those that were found since the frame before.

    Examples
    --------
    >>> len(encode(0, 1300, 130.0, np.zeros(5, np.float32), [Beat(1200, 9.23, None, "V")]))
    49
    """
    beats = beats[-_MOST_BEATS:]
    known = np.isfinite(mv)
    shown = np.where(known, mv, np.float32(0))
    step = max(_LEAST_STEP_MV, float(np.abs(shown).max(initial=0.0)) / _MOST_STEP)
    steps = np.clip(np.rint(shown / step), -_MOST_STEP, _MOST_STEP).astype("<i2")
    steps[~known] = _MISSING
    head = _HEAD.pack(VERSION, wearable, len(beats), len(mv), first, fs, step)
    places = np.array([beat.sample for beat in beats], "<f8").tobytes()
    letters = bytes(ord(beat.symbol[0]) & 0x7F if beat.symbol else 0 for beat in beats)
    return head + steps.tobytes() + bytes(-2 * len(mv) % 8) + places + letters
