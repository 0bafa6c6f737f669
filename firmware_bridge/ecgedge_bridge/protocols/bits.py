"""Integers of odd widths in bytes, both ways, without a Python loop over them.

Everything is little-endian. A run of ``width``-bit numbers is packed without gaps, the lowest bit of the
first number in the lowest bit of the first byte, as Polar's delta frames and the frame of
``own/frames.py`` have it.

Examples
--------
>>> import numpy as np
>>> pack_bits(np.array([-3, 2, 1]), 3).hex()
'5500'
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

MAX_WIDTH = 32
"""Widest number that is packed here, in bits: with 7 bits of offset it fits the 64 that are read at once."""

MILLI = np.array(1000, np.float32)
"""For dividing by 1000 in place: numpy takes twice as long to take in a number that is no array."""

_I4 = np.dtype("<i4")
_I8 = np.dtype("<i8")
_PAD = b"\0" * 8


def int24(data: bytes, offset: int, count: int) -> Int32s:
    """Read signed 24-bit numbers.

    Parameters
    ----------
    data : bytes
        Where to read; it holds ``offset + 3 * count`` bytes or more.
    offset : int
        First byte of the first number, 1 or more.
    count : int
        How many to read.

    Returns
    -------
    ndarray of int32, shape (count,)

    Examples
    --------
    >>> int24(bytes.fromhex("00e80318fcff00"), 1, 1).tolist()
    [1573864]
    """
    # Each number lies in the upper three bytes of the 32 bits that begin one byte before it: the shift drops
    # the byte that is not its own and extends the sign.
    numbers: Int32s = np.ndarray((count,), _I4, data, offset - 1, (3,)) >> 8
    return numbers


def pack_int24(values: npt.NDArray[np.integer]) -> bytes:
    """Write numbers as signed 24 bit; what lies above is cut off.

    Examples
    --------
    >>> import numpy as np
    >>> pack_int24(np.array([1, -1])).hex()
    '010000ffffff'
    """
    return np.ascontiguousarray(values, dtype=_I4).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


@lru_cache(maxsize=1024)
def _layout(count: int, width: int, lead: int) -> tuple[Int64s, Int64s, Int64s]:
    """First byte of each number, its shift to the top of 64 bits, and from there to the bottom."""
    bit = np.concatenate([np.zeros(lead, np.int64), np.arange(count) * width])
    # An array without dimensions: numpy takes twice as long to take in a Python number.
    return bit >> 3, 64 - width - (bit & 7), np.array(64 - width)


def pad(data: bytes) -> bytes:
    """Append what :func:`unpack_bits` may read, and does not use, after the last number."""
    return data + _PAD


def unpack_bits(padded: bytes, offset: int, count: int, width: int, lead: int = 0) -> Int64s:
    """Read two's complement numbers of ``width`` bits.

    Parameters
    ----------
    padded : bytes
        Where to read: from :func:`pad`.
    offset : int
        First byte of the run.
    count, width : int
        How many numbers, of 1 to 32 bits.
    lead : int
        Places to leave before them for the caller to fill, such as with what differences start from.

    Returns
    -------
    ndarray of int64, shape (lead + count,)

    Examples
    --------
    >>> unpack_bits(pad(bytes.fromhex("5500")), 0, 3, 3).tolist()
    [-3, 2, 1]
    """
    first, up, down = _layout(count, width, lead)
    # One overlapping 64-bit word for each byte of the run.
    words = np.ndarray((len(padded) - 7 - offset,), _I8, padded, offset, (1,))
    numbers: Int64s = words[first]
    numbers <<= up
    numbers >>= down
    return numbers


def pack_bits(values: npt.NDArray[np.integer], width: int) -> bytes:
    """Write numbers as two's complement of ``width`` bits each; unused bits of the last byte are 0.

    Parameters
    ----------
    values : ndarray of int, shape (n,)
        The numbers; bits above ``width`` are cut off.
    width : int
        0 to 32.
    """
    bits = (np.asarray(values, np.int64)[:, None] >> np.arange(width)) & 1
    return np.packbits(bits.astype(np.uint8).ravel(), bitorder="little").tobytes()


def signed_width(values: npt.NDArray[np.integer]) -> int:
    """Fewest bits that hold every value as two's complement; 0 if all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> [signed_width(np.array([value])) for value in (0, -1, 1, -128, 128)]
    [0, 1, 2, 8, 9]
    """
    if not values.size or not values.any():
        return 0
    # -1 needs no bits beside its sign, like 0: fold the negatives over.
    folded = int(max(values.max(), ~values.min(), 0))
    return folded.bit_length() + 1
