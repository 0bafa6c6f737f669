"""Polar Measurement Data (PMD): data frames of ECG and acceleration to values and back, without any I/O.

The layouts are those of Polar's published "Measurement Data" specification for the H10 and H9 and, for
delta-compressed frames, of the SDK's sources; every table is in ``PROTOCOL.md``. Bytes that do not follow
them raise :class:`~ecgedge_bridge.errors.FrameError` and nothing else.

Examples
--------
>>> frame = decode_ecg_frame(bytes.fromhex("00" "0100000000000000" "00" "e80300" "18fcff"))
>>> frame.time_ns, frame.microvolt.tolist()
(1, [1000, -1000])
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.bits import (
    MAX_WIDTH,
    Int32s,
    Int64s,
    int24,
    pack_bits,
    pack_int24,
    pad,
    signed_width,
    unpack_bits,
)
from ecgedge_bridge.protocols.polar.control import TYPE_MASK, Measurement

FRAME_SAMPLES = 73
"""Samples of an H10 notification: 10 + 3 * 73 = 229 bytes."""
MTU_NEEDED = 232
"""Smallest ATT MTU that carries a full frame: 229 bytes and 3 of ATT header."""

# Measurement, ns since 2000-01-01 of the last sample, frame type.
_HEADER = struct.Struct("<BQB")
_BODY = _HEADER.size
_DELTA = 0x80
_AXES = 3
# Frame types of acceleration: bytes for each axis. Raw type 1 is what an H10 sends.
_RAW_ACC_BYTES = {0: 1, 1: 2, 2: 3}
_DELTA_ACC_BYTES = 2
# Factor from what a delta frame holds to mG: type 0 counts in G, type 1 in mG.
_DELTA_ACC_MILLI = {0: 1000.0, 1: 1.0}
# The count of a delta block is one byte.
_MAX_BLOCK = 255


class EcgFrame(NamedTuple):
    """One ECG notification.

    Parameters
    ----------
    time_ns : int
        Device clock at the **last** sample: nanoseconds since 2000-01-01 as the device believes it.
    microvolt : ndarray of int32, shape (n,)
        The samples in microvolt, oldest first.
    """

    time_ns: int
    microvolt: Int32s


class AccFrame(NamedTuple):
    """One notification of acceleration.

    Parameters
    ----------
    time_ns : int
        Device clock at the **last** sample, as in :class:`EcgFrame`.
    milli_g : ndarray of float32, shape (n, 3)
        x, y and z in thousandths of g, oldest first.
    """

    time_ns: int
    milli_g: npt.NDArray[np.float32]


def _parse_header(data: bytes, measurement: Measurement) -> tuple[int, int]:
    """Time and frame type of a data frame, once it is sure that it is one of that measurement."""
    if len(data) < _BODY:
        raise FrameError(
            f"data frame of {len(data)} bytes, its header has {_BODY}; the frame is lost", FrameCode.LENGTH
        )
    kind, time_ns, frame_type = _HEADER.unpack_from(data)
    if kind & TYPE_MASK != measurement:
        raise FrameError(
            f"data frame of measurement {kind & TYPE_MASK}, not {measurement.name}; stop that measurement",
            FrameCode.KIND,
        )
    return time_ns, frame_type


def _unknown(measurement: Measurement, frame_type: int) -> FrameError:
    what = "delta-compressed frame" if frame_type & _DELTA else "frame"
    return FrameError(
        f"{measurement.name} {what} of unknown type {frame_type & ~_DELTA}; report this firmware version",
        FrameCode.KIND,
    )


def decode_ecg_frame(data: bytes) -> EcgFrame:
    """Decode an ECG notification of frame type 0: 24-bit signed microvolt, raw or delta-compressed.

    Parameters
    ----------
    data : bytes
        Value of characteristic ``FB005C82``.

    Returns
    -------
    EcgFrame

    Raises
    ------
    FrameError
        On another measurement, an unknown frame type, or a length that does not fit.
    """
    time_ns, frame_type = _parse_header(data, Measurement.ECG)
    if frame_type == _DELTA:
        return EcgFrame(time_ns, _decode_delta(data, 1, 3, np.int32)[:, 0])
    if frame_type:
        raise _unknown(Measurement.ECG, frame_type)
    size = len(data) - _BODY
    if not size or size % 3:
        raise FrameError(
            f"ECG payload of {size} bytes is not made of 3-byte samples; the frame is lost", FrameCode.LENGTH
        )
    return EcgFrame(time_ns, int24(data, _BODY, size // 3))


def decode_acc_frame(data: bytes, factor: float = 1.0) -> AccFrame:
    """Decode a notification of acceleration: raw types 0, 1 and 2, delta-compressed types 0 and 1.

    Parameters
    ----------
    data : bytes
        Value of characteristic ``FB005C82``.
    factor : float
        ``Setting.FACTOR`` of the reply to the start command, if there was one; only delta-compressed frames
        are multiplied by it.

    Returns
    -------
    AccFrame

    Raises
    ------
    FrameError
        On another measurement, an unknown frame type, or a length that does not fit.

    Examples
    --------
    >>> frame = decode_acc_frame(bytes.fromhex("02" "0100000000000000" "01" "f4ff" "0c00" "e803"))
    >>> frame.milli_g.tolist()
    [[-12.0, 12.0, 1000.0]]
    """
    time_ns, frame_type = _parse_header(data, Measurement.ACC)
    if frame_type & _DELTA:
        milli = _DELTA_ACC_MILLI.get(frame_type & ~_DELTA)
        if milli is None:
            raise _unknown(Measurement.ACC, frame_type)
        milli_g = _decode_delta(data, _AXES, _DELTA_ACC_BYTES, np.float32)
        milli_g *= milli * factor
        return AccFrame(time_ns, milli_g)
    width = _RAW_ACC_BYTES.get(frame_type)
    if width is None:
        raise _unknown(Measurement.ACC, frame_type)
    size = len(data) - _BODY
    if not size or size % (_AXES * width):
        raise FrameError(
            f"ACC payload of {size} bytes is not made of {_AXES} axes of {width} bytes; the frame is lost",
            FrameCode.LENGTH,
        )
    return AccFrame(time_ns, _raw_axes(data, width, size // width).astype(np.float32).reshape(-1, _AXES))


def _raw_axes(data: bytes, width: int, count: int) -> npt.NDArray[np.signedinteger]:
    if width == 3:
        return int24(data, _BODY, count)
    return np.frombuffer(data, f"<i{width}", count, _BODY)


def _decode_delta(data: bytes, channels: int, width: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Samples of a delta-compressed frame, shape (n, channels).

    A reference sample of ``width`` bytes for each channel, then blocks of deltas: bits (u8), count (u8), and
    ``count * channels`` numbers of that many bits.
    """
    body = _BODY + channels * width
    if body > len(data):
        raise FrameError("delta frame without its reference sample; the frame is lost", FrameCode.LENGTH)
    reference = [
        int.from_bytes(data[at : at + width], "little", signed=True) for at in range(_BODY, body, width)
    ]
    deltas, reach = _deltas(data, body, channels)
    deltas[:channels] = reference
    rows = deltas.reshape(-1, channels)
    limit = 1 << (8 * width - 1)
    # Most frames cannot leave the width of their samples, whatever their deltas are; others are added up
    # with room first.
    if reach + max(map(abs, reference)) >= limit:
        samples = rows.cumsum(0)
        if samples.min() < -limit or samples.max() >= limit:
            raise FrameError(
                f"delta frame leaves the {8 * width} bits of its samples; the frame is lost", FrameCode.VALUE
            )
    return np.add.accumulate(rows, 0, dtype)


def _deltas(data: bytes, at: int, channels: int) -> tuple[Int64s, int]:
    """The deltas of all blocks after room for the reference sample, and how far they can lead from it."""
    parts: list[Int64s] = []
    reach, padded = 0, pad(data)
    while at < len(data):
        if at + 2 > len(data):
            raise FrameError(
                "delta frame ends within the header of a block; the frame is lost", FrameCode.LENGTH
            )
        bits, count = data[at], data[at + 1] * channels
        end = at + 2 + (bits * count + 7) // 8
        if not 0 < bits <= MAX_WIDTH or end > len(data):
            raise FrameError(
                f"delta block of {count} numbers of {bits} bits does not fit its frame; the frame is lost",
                FrameCode.LENGTH,
            )
        parts.append(unpack_bits(padded, at + 2, count, bits, 0 if parts else channels))
        reach += data[at + 1] << (bits - 1)
        at = end
    if len(parts) == 1:
        return parts[0], reach
    return (np.concatenate(parts) if parts else np.zeros(channels, np.int64)), reach


def encode_ecg_frame(time_ns: int, microvolt: npt.NDArray[np.integer], delta: bool = False) -> bytes:
    """Encode an ECG notification of frame type 0, as a strap does.

    Parameters
    ----------
    time_ns : int
        Device clock at the last sample, 0 to 2**64 - 1.
    microvolt : ndarray of int, shape (n,)
        At least one sample, each within 24 bits.
    delta : bool
        Whether to compress: a reference sample, then differences.

    Raises
    ------
    ValueError
        If a value does not fit.
    """
    values = _checked("microvolt", microvolt, 1, 24)
    body = pack_int24(values[:1] if delta else values)
    if delta:
        body += _encode_delta(values[:, None])
    return _header(Measurement.ECG, time_ns, _DELTA if delta else 0) + body


def encode_acc_frame(time_ns: int, milli_g: npt.NDArray[np.integer], delta: bool = False) -> bytes:
    """Encode a notification of acceleration of frame type 1, as a strap does.

    Parameters
    ----------
    time_ns : int
        Device clock at the last sample, 0 to 2**64 - 1.
    milli_g : ndarray of int, shape (n, 3)
        At least one sample of x, y and z, each within 16 bits, in thousandths of g.
    delta : bool
        Whether to compress: a reference sample, then differences.

    Raises
    ------
    ValueError
        If a value does not fit.
    """
    values = _checked("milli_g", milli_g, 2, 16)
    if values.shape[1] != _AXES:
        raise ValueError(f"milli_g has shape {values.shape}; give three columns: x, y and z")
    raw = values.astype("<i2")
    body = raw[:1].tobytes() + _encode_delta(values) if delta else raw.tobytes()
    return _header(Measurement.ACC, time_ns, 1 | (_DELTA if delta else 0)) + body


def _checked(name: str, given: npt.NDArray[np.integer], ndim: int, bits: int) -> Int64s:
    values = np.asarray(given)
    if values.ndim != ndim or not values.size or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{name} must be a non-empty {ndim}-D array of integers; round it first")
    if values.max() >= 1 << (bits - 1) or values.min() < -(1 << (bits - 1)):
        raise ValueError(f"a sample of {name} does not fit {bits} bits; clip it first")
    return values.astype(np.int64)


def _header(measurement: Measurement, time_ns: int, frame_type: int) -> bytes:
    if not 0 <= time_ns < 1 << 64:
        raise ValueError(f"time_ns={time_ns} does not fit 64 bits; use nanoseconds since 2000-01-01")
    return _HEADER.pack(measurement, time_ns, frame_type)


def _encode_delta(values: Int64s) -> bytes:
    """All after the reference sample, in blocks as long as they can be."""
    deltas = np.diff(values, axis=0)
    edges = [*range(0, len(deltas), _MAX_BLOCK), len(deltas)]
    out = bytearray()
    for start, stop in pairwise(edges):
        block = deltas[start:stop]
        # A block of no bits is not defined: equal samples take one.
        width = max(1, signed_width(block))
        out += bytes((width, len(block))) + pack_bits(block.ravel(), width)
    return bytes(out)
