"""Numbers as few bytes, and back to the last bit.

Neighbours are alike, so differences are stored, sign last, split into planes of bytes (all the low ones, then
all the next), each compressed by itself. A strap counts in whole microvolts, which floats in mV do not show:
:func:`pack_samples` finds the step that all samples are multiples of, proves that it gives every one back,
and else keeps the floats as they are. Ten minutes of a Polar H10 take 0.84 bytes a sample, 4 as floats.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.recording.steps import guessed_steps
from ecgedge_bridge.schema import Place, as_integer, as_number

__all__ = ["Packed", "pack_ints", "pack_samples", "unpack_ints", "unpack_samples"]

# Of one column: a minute at 4 kHz with three axes is a sixth of it. Damage and malice may claim more.
MOST_VALUES = 1 << 22
_RAW_DEFLATE = -15
_MEMORY = 9
# Steps that makers count in, in mV: whole uV, a tenth and a hundredth of one, and whole mV.
_USUAL_STEPS = (1e-3, 1e-4, 1e-5, 1.0)
_LARGEST = 1 << 31  # multiples beyond it are no counts of a converter

Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


class Packed(NamedTuple):
    """A column: what is needed to read it, as JSON knows it, and its bytes."""

    how: dict[str, Any]
    parts: list[bytes]


def pack_ints(values: Int64, order: int = 1) -> Packed:
    """Pack integers.

    Parameters
    ----------
    values : ndarray of int64, shape (n,)
    order : int
        Times that differences are taken: 1 for what drifts, 2 for what rises steadily.

    Examples
    --------
    >>> how, parts = pack_ints(np.array([5, 6, 7, 9]))
    >>> unpack_ints(how, parts, 4, Place("column")).tolist()
    [5, 6, 7, 9]
    """
    with np.errstate(over="ignore"):
        for _ in range(order):
            values = np.diff(values, prepend=np.int64(0))
        zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    width = (int(zigzag.max(initial=0)).bit_length() + 7) // 8
    planes = [((zigzag >> np.uint64(8 * i)) & np.uint64(255)).astype(np.uint8) for i in range(width)]
    return Packed({"order": order}, [_deflated(plane.tobytes()) for plane in planes])


def unpack_ints(how: dict[str, Any], parts: list[bytes], n: int, place: Place) -> Int64:
    """Return the ``n`` integers that were packed.

    Raises
    ------
    EcgEdgeError
        The place's error: the bytes are damaged.
    """
    order = as_integer(how.get("order"), place.key("order"))
    if not 0 <= order <= 2 or len(parts) > 8 or not 0 <= n <= MOST_VALUES:
        place.refuse("is not a column of numbers")
    zigzag = np.zeros(n, np.uint64)
    for i, part in enumerate(parts):
        plane = np.frombuffer(_inflated(part, n, place), np.uint8).astype(np.uint64)
        zigzag |= plane << np.uint64(8 * i)
    values = (zigzag >> np.uint64(1)).view(np.int64) ^ -(zigzag & np.uint64(1)).view(np.int64)
    with np.errstate(over="ignore"):
        for _ in range(order):
            values = np.cumsum(values)
    return values


def pack_samples(values: Float32) -> Packed:
    """Pack samples in mV."""
    for step in dict.fromkeys((*guessed_steps(values), *_USUAL_STEPS)):
        for form in _FORMS:
            counts = _counts(values, step, form)
            if counts is not None:
                how, parts = pack_ints(counts)
                return Packed({"step": step, "form": form, **how}, parts)
    how, parts = pack_ints(values.view(np.int32).astype(np.int64))
    return Packed({"step": 0.0, "form": "bits", **how}, parts)


def unpack_samples(how: dict[str, Any], parts: list[bytes], n: int, place: Place) -> Float32:
    """Return the ``n`` samples that were packed; errors as in :func:`unpack_ints`."""
    step, form = as_number(how.get("step"), place.key("step")), str(how.get("form"))
    counts = unpack_ints(how, parts, n, place)
    if form == "bits" and not (n and (counts.min() < -_LARGEST or counts.max() >= _LARGEST)):
        return counts.astype(np.int32).view(np.float32)
    if form not in _FORMS or not 0 < step <= _LARGEST:
        place.refuse("is not a column of samples")
    return _FORMS[form](counts, step)


# How decoders make millivolts of counts; 3 * 0.001 is not 3 / 1000, and float32 rounds once more.
_FORMS: Mapping[str, Callable[[Int64, float], Float32]] = {
    "divided": lambda counts, step: (counts / (1 / step)).astype(np.float32),
    "multiplied": lambda counts, step: (counts * step).astype(np.float32),
    "single": lambda counts, step: counts.astype(np.float32) * np.float32(step),
}


def _counts(values: Float32, step: float, form: str) -> Int64 | None:
    """Return the multiples of ``step`` that give exactly these samples, None where there are none such."""
    with np.errstate(all="ignore"):
        ratio = values.astype(np.float64) / step
        if not np.all(np.abs(ratio) < _LARGEST):  # NaN too
            return None
        counts = np.rint(ratio).astype(np.int64)
        # Bit by bit: a negative zero is not zero.
        same = np.array_equal(_FORMS[form](counts, step).view(np.int32), values.view(np.int32))
    return counts if same else None


def _deflated(data: bytes) -> bytes:
    press = zlib.compressobj(6, zlib.DEFLATED, _RAW_DEFLATE, _MEMORY, zlib.Z_FILTERED)
    return press.compress(data) + press.flush()


def _inflated(data: bytes, n: int, place: Place) -> bytes:
    press = zlib.decompressobj(_RAW_DEFLATE)
    try:
        plain = press.decompress(data, n + 1)
    except zlib.error as error:
        raise place.error(f"{place.name} is damaged ({error}): {place.remedy}") from error
    if len(plain) != n or not press.eof:
        place.refuse("is damaged")
    return plain
