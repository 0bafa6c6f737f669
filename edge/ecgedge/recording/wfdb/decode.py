"""Bytes of WFDB signal files to samples, as signal(5) lays the formats out.

A packed format repeats a group of samples in a group of bytes; the last group of a file may be cut. In every
format but 8 the most negative value stands for a sample that is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FORMATS", "Format"]

Int64 = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Format:
    """``group`` samples lie in ``size`` bytes; ``missing`` is the value of a missing sample, None for none.

    ``decode`` takes whole groups. A cut last group is filled with zeros, and :meth:`samples_in` says
    how many of its samples are whole.
    """

    group: int
    size: int
    missing: int | None
    decode: Callable[[Bytes], Int64]

    def samples_in(self, size: int) -> int:
        """Count the whole samples in so many bytes.

        Examples
        --------
        >>> FORMATS[212].samples_in(5), FORMATS[16].samples_in(5)
        (3, 2)
        """
        whole, rest = divmod(size, self.size)
        if self.group == 1 or not rest:
            return whole * self.group
        # 212: two bytes hold the first sample. 310 and 311: two hold one, three hold one and two.
        cut = {2: (0, 0, 1), 3: _CUT_THREE.get(self.size, (0, 0, 1, 2))}[self.group]
        return whole * self.group + cut[rest]

    def bytes_of(self, samples: int) -> int:
        """Bytes of so many samples that begin at a group.

        Examples
        --------
        >>> FORMATS[212].bytes_of(3), FORMATS[310].bytes_of(6)
        (5, 8)
        """
        whole, rest = divmod(samples, self.group)
        need = next(n for n in range(self.size + 1) if self.samples_in(n) >= rest)
        return whole * self.size + need


_CUT_THREE = {4: (0, 0, 1, 2)}


def _fixed(dtype: str, shift: int = 0) -> Callable[[Bytes], Int64]:
    return lambda data: data.view(dtype).astype(np.int64) - shift


def _signed(values: Int64, bits: int) -> Int64:
    half = 1 << (bits - 1)
    return ((values & (2 * half - 1)) ^ half) - half


def _format_24(data: Bytes) -> Int64:
    parts = data.reshape(-1, 3).astype(np.int64)
    return _signed(parts[:, 0] | parts[:, 1] << 8 | parts[:, 2] << 16, 24)


def _format_212(data: Bytes) -> Int64:
    """Two of 12 bits in three bytes: the middle byte holds the high nibbles, the first sample's below."""
    parts = data.reshape(-1, 3).astype(np.int64)
    first = parts[:, 0] | (parts[:, 1] & 0x0F) << 8
    second = parts[:, 2] | (parts[:, 1] & 0xF0) << 4
    return _signed(np.stack([first, second], axis=1).ravel(), 12)


def _format_310(data: Bytes) -> Int64:
    """Three of 10 bits in two pairs of bytes: bits 1 to 10 of each pair, then the top fives of both."""
    pairs = data.view("<u2").astype(np.int64).reshape(-1, 2)
    low, high = pairs[:, 0], pairs[:, 1]
    third = low >> 11 | high >> 11 << 5
    return _signed(np.stack([low >> 1, high >> 1, third], axis=1).ravel(), 10)


def _format_311(data: Bytes) -> Int64:
    """Three of 10 bits in four bytes, from the lowest bit on; the top two bits are not used."""
    whole = data.view("<u4").astype(np.int64)
    return _signed(np.stack([whole, whole >> 10, whole >> 20], axis=1).ravel(), 10)


FORMATS = {
    8: Format(1, 1, None, _fixed("<i1")),  # first differences: the reader sums them up
    16: Format(1, 2, -(1 << 15), _fixed("<i2")),
    24: Format(1, 3, -(1 << 23), _format_24),
    32: Format(1, 4, -(1 << 31), _fixed("<i4")),
    61: Format(1, 2, -(1 << 15), _fixed(">i2")),
    80: Format(1, 1, -(1 << 7), _fixed("<u1", 1 << 7)),
    160: Format(1, 2, -(1 << 15), _fixed("<u2", 1 << 15)),
    212: Format(2, 3, -(1 << 11), _format_212),
    310: Format(3, 4, -(1 << 9), _format_310),
    311: Format(3, 4, -(1 << 9), _format_311),
}
