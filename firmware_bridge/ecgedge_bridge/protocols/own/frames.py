"""The project's own frame for authors of firmware: an encoder and a decoder; without any I/O.

A frame is one notification of 20 to 244 bytes, or whatever the connection carries: a versioned header, the
first sample, and differences packed into as few bits as the largest of them needs. From its number and its
stamp follows exactly what is lost, from a CRC-16 what is damaged. ``PROTOCOL.md`` specifies it byte by byte,
and ``firmware/ecg_frame.h`` encodes it on a microcontroller.

Examples
--------
>>> import numpy as np
>>> data = encode_frame(np.array([0, 5, 3, -2]), fs=250, sequence=7, time_ms=1000)
>>> data.hex(" ")
'e1 06 04 04 07 00 e8 03 00 00 00 00 00 e5 0b a2 d1'
>>> decode_frame(data).microvolt.tolist()
[0, 5, 3, -2]
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.bits import MILLI, Int64s, pack_bits, pack_int24, pad, signed_width, unpack_bits
from ecgedge_bridge.stream.decoder import DatedDecoder
from ecgedge_bridge.stream.timeline import Placed
from ecgedge_bridge.stream.unwrap import Unwrap

ECG_SERVICE = "2cd70001-7b0e-4af6-99ad-b3cabfd17120"
ECG_NOTIFY = "2cd70002-7b0e-4af6-99ad-b3cabfd17120"

VERSION = 1
RATES = (0, 100, 125, 128, 130, 200, 250, 256, 300, 320, 360, 400, 500, 512, 1000)
"""Sampling rate in Hz of each code; code 0 is not used."""
MAX_SAMPLES = 255
MIN_CAPACITY = 20
"""Bytes that every connection carries: an ATT MTU of 23 less 3."""
MAX_CAPACITY = 244
"""Bytes that fit one packet of the link layer with data length extension: an ATT MTU of 247 less 3."""

# The upper half marks a frame of this kind, the lower is its version.
_FIRST_BYTE = 0xE0 | VERSION
_HEADER = struct.Struct("<BBBBHI")
# The same, and the first sample: its lower two bytes, and the upper one with the sign.
_HEAD = struct.Struct("<BBBBHIHb")
_CRC = struct.Struct("<H")
# The header, the first sample, and the CRC.
_FIXED = _HEADER.size + 3 + _CRC.size
_DELTAS = _HEADER.size + 3
_WIDTH = 24
_LIMIT = 1 << (_WIDTH - 1)
_CRC_START = 0xFFFF
_NS_PER_MS = 1_000_000
_SEQUENCE_BITS, _TIME_BITS = 16, 32


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What a frame holds.

    Parameters
    ----------
    fs : int
        Sampling rate in Hz.
    sequence : int
        Number of the first sample since the device started, modulo 2**16.
    time_ms : int
        The device's clock at the **last** sample in ms, modulo 2**32.
    microvolt : ndarray of int64, shape (n,)
        The samples, oldest first, each within 24 bits.
    """

    fs: int
    sequence: int
    time_ms: int
    microvolt: Int64s


def crc16(data: bytes) -> int:
    """Checksum of a frame: CRC-16/IBM-3740 (polynomial 0x1021, start 0xFFFF, not reflected, no final XOR).

    Examples
    --------
    >>> hex(crc16(b"123456789"))
    '0x29b1'
    """
    return crc_hqx(data, _CRC_START)


def decode_frame(data: bytes) -> Frame:
    """Decode a frame.

    Parameters
    ----------
    data : bytes
        One notification.

    Returns
    -------
    Frame

    Raises
    ------
    FrameError
        On another first byte, an unknown rate or width, a length that does not fit, or a wrong CRC.
    """
    return Frame(*_parse(data))


def _parse(data: bytes) -> tuple[int, int, int, Int64s]:
    """The fields of a frame, in their order."""
    if len(data) < _FIXED:
        raise FrameError(
            f"frame of {len(data)} bytes, at least {_FIXED} are needed; the frame is lost", FrameCode.LENGTH
        )
    first_byte, code, n, width, sequence, time_ms, low, high = _HEAD.unpack_from(data)
    if first_byte != _FIRST_BYTE:
        raise FrameError(
            f"first byte 0x{first_byte:02X} is not that of version {VERSION} (0x{_FIRST_BYTE:02X}); "
            "use a firmware and an ecgedge of the same version",
            FrameCode.KIND,
        )
    if not n or width > _WIDTH or not 0 < code < len(RATES):
        raise FrameError(
            f"{n} samples of {width} bits at rate code {code} cannot be; correct the firmware's encoder",
            FrameCode.VALUE,
        )
    end = _DELTAS + ((n - 1) * width + 7) // 8
    if len(data) != end + _CRC.size:
        raise FrameError(
            f"frame of {len(data)} bytes, its header needs {end + _CRC.size}; the frame is lost",
            FrameCode.LENGTH,
        )
    if crc_hqx(data[:end], _CRC_START) != data[end] | data[end + 1] << 8:
        raise FrameError("wrong CRC; the frame is lost", FrameCode.CHECKSUM)
    return RATES[code], sequence, time_ms, _decode_samples(data, low | high << 16, n, width)


def _decode_samples(data: bytes, first: int, n: int, width: int) -> Int64s:
    if n == 1 or not width:
        return np.full(n, first, np.int64)
    deltas = unpack_bits(pad(data), _DELTAS, n - 1, width, 1)
    deltas[0] = first
    # Differences wrap at 24 bits, so that none needs more: the sum is cut to them, and its sign extended.
    samples: Int64s = np.add.accumulate(deltas)
    if abs(first) + (n << width) >= _LIMIT:
        samples <<= 64 - _WIDTH
        samples >>= 64 - _WIDTH
    return samples


def encode_frame(microvolt: npt.NDArray[np.integer], fs: int, sequence: int, time_ms: int) -> bytes:
    """Encode samples as one frame.

    Parameters
    ----------
    microvolt : ndarray of int, shape (n,)
        1 to 255 samples, each within 24 bits; see :func:`fit` for how many go into a notification.
    fs : int
        Sampling rate in Hz, one of :data:`RATES`.
    sequence : int
        Number of the first sample since the device started; it wraps at 2**16.
    time_ms : int
        The device's clock at the last sample in ms; it wraps at 2**32.

    Raises
    ------
    ValueError
        If a value does not fit, or the rate has no code.
    """
    values = _checked(microvolt)
    if len(values) > MAX_SAMPLES:
        raise ValueError(f"{len(values)} samples do not fit a frame; give {MAX_SAMPLES} or fewer")
    deltas = _deltas(values)
    width = signed_width(deltas)
    header = _HEADER.pack(
        _FIRST_BYTE, rate_code(fs), len(values), width, sequence % (1 << 16), time_ms % (1 << 32)
    )
    body = header + pack_int24(values[:1]) + pack_bits(deltas, width)
    return body + _CRC.pack(crc16(body))


def rate_code(fs: float) -> int:
    """Look up the code of a sampling rate in Hz.

    Raises
    ------
    ValueError
        If it has none.

    Examples
    --------
    >>> rate_code(130)
    4
    """
    if fs not in RATES[1:]:
        raise ValueError(f"fs={fs} has no code; use one of {', '.join(map(str, RATES[1:]))}")
    return RATES.index(int(fs))


def fit(microvolt: npt.NDArray[np.integer], capacity: int) -> int:
    """Count how many samples, from the first on, fit into one frame.

    Parameters
    ----------
    microvolt : ndarray of int, shape (n,)
        Samples that wait to be sent, each within 24 bits.
    capacity : int
        Bytes that a notification carries: the ATT MTU less 3, 20 or more.

    Raises
    ------
    ValueError
        If a value does not fit, or the capacity is below 20.

    Examples
    --------
    >>> import numpy as np
    >>> fit(np.arange(0, 3000, 10), capacity=20)
    9
    """
    if capacity < MIN_CAPACITY:
        raise ValueError(
            f"capacity={capacity} is less than every connection carries; give {MIN_CAPACITY} or more"
        )
    deltas = _deltas(_checked(microvolt)[:MAX_SAMPLES])
    folded = np.maximum.accumulate(np.where(deltas < 0, ~deltas, deltas))
    # Width that all differences up to each need: their bits and the sign; none if all are 0.
    widths = np.where(np.logical_or.accumulate(deltas != 0), np.frexp(folded)[1] + 1, 0)
    sizes = _FIXED + (np.arange(1, len(deltas) + 1) * widths + 7) // 8
    return 1 + int(np.searchsorted(sizes, capacity, side="right"))


def split_frames(
    microvolt: npt.NDArray[np.integer], fs: int, capacity: int, sequence: int = 0, time_ms: int = 0
) -> list[bytes]:
    """Encode any number of samples as frames, each as full as it can be.

    Parameters
    ----------
    microvolt, fs, capacity
        As for :func:`encode_frame` and :func:`fit`.
    sequence, time_ms : int
        Number of the first sample, and the device's clock at it.

    Examples
    --------
    >>> import numpy as np
    >>> [len(data) for data in split_frames(np.arange(20) * 10, fs=250, capacity=20)]
    [20, 20, 16]
    """
    values = _checked(microvolt)
    frames, at = [], 0
    while at < len(values):
        n = fit(values[at : at + MAX_SAMPLES], capacity)
        last_ms = time_ms + round((at + n - 1) * 1000 / fs)
        frames.append(encode_frame(values[at : at + n], fs, sequence + at, last_ms))
        at += n
    return frames


def _checked(microvolt: npt.NDArray[np.integer]) -> Int64s:
    values = np.asarray(microvolt)
    if values.ndim != 1 or not values.size or not np.issubdtype(values.dtype, np.integer):
        raise ValueError("microvolt must be a non-empty 1-D array of integers; round it first")
    if values.max() >= _LIMIT or values.min() < -_LIMIT:
        raise ValueError("a sample does not fit 24 bits of microvolt (+-8.39 V); clip it first")
    return values.astype(np.int64)


def _deltas(values: Int64s) -> Int64s:
    """Differences modulo 2**24, as numbers of 24 bits with a sign."""
    wrapped: Int64s = (np.diff(values) + _LIMIT) % (2 * _LIMIT) - _LIMIT
    return wrapped


class FrameDecoder(DatedDecoder):
    """Turn frames into :class:`~ecgedge_bridge.SampleBlock` values.

    Parameters
    ----------
    device : str
        Name that the blocks carry.
    fs : float
        Sampling rate in Hz that the device sends; a frame of another rate is refused.

    Examples
    --------
    >>> import numpy as np
    >>> decoder = FrameDecoder(fs=250)
    >>> frames = split_frames(np.arange(100), 250, capacity=20)
    >>> arrived = frames[:2] + frames[3:4]  # the third is lost
    >>> [block.sample for data in arrived for block in decoder.receive_data(data, host_time_s=0.0)]
    [0, 21, 63]
    >>> decoder.stats.lost
    21
    """

    counter_bits = _SEQUENCE_BITS

    def __init__(self, device: str = "", fs: float = 250) -> None:
        rate_code(fs)
        super().__init__(device, fs)
        self._unwrap = Unwrap(_TIME_BITS, per_s=1000.0)

    def _read(self, data: bytes, host_time_s: float) -> list[Placed]:
        fs, sequence, time_ms, microvolt = _parse(data)
        if fs != self.fs:
            raise FrameError(
                f"frame at {fs} Hz in a stream at {self.fs:g} Hz; connect with fs={fs}", FrameCode.VALUE
            )
        mv = microvolt.astype(np.float32)
        mv /= MILLI
        time_ns = self._unwrap(time_ms, host_time_s) * _NS_PER_MS
        return self._index.place(mv, time_ns, host_time_s, sequence)
