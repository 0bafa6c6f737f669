"""The free movesense-ble-ecg-firmware, both of its generations: packets to values and back; without any I/O.

Source: the firmware's README, https://github.com/JonasPrimbs/movesense-ble-ecg-firmware. The layouts are in
``PROTOCOL.md``.

Examples
--------
>>> import numpy as np
>>> data = encode_packet(V07, 1000, np.array([0.5, np.nan]))
>>> decode_packet(V07, data).mv.round(3).tolist()
[0.5, nan]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.movesense.sensor_data import LSB_MV, PACKET_SAMPLES
from ecgedge_bridge.stream.decoder import DatedDecoder
from ecgedge_bridge.stream.timeline import Placed
from ecgedge_bridge.stream.unwrap import Unwrap
from ecgedge_bridge.values import Samples

ACTIVITY_SERVICE = "00001859-0000-1000-8000-00805f9b34fb"
DEFAULT_FS = 250.0
"""Rate in Hz that the firmware starts with."""
INTERVAL_FS = {2: 500.0, 4: 250.0, 8: 125.0, 10: 100.0}
"""Measurement intervals in ms that the firmware offers, and their rates in Hz."""

# What the firmware sends where it has no sample; its README names the value.
_INVALID = -32768
_INVALID_BYTES = _INVALID.to_bytes(2, "little", signed=True)
_STEP_MV = np.array(LSB_MV, np.float32)


@dataclass(frozen=True, slots=True)
class Layout:
    """What differs between the generations.

    Parameters
    ----------
    characteristic : str
        UUID that notifies the ECG.
    interval : str
        UUID whose first byte, when read, is the measurement interval in ms.
    stamp_bits : int
        Width of the stamp that begins a packet.
    unit_ns : int
        Unit of the stamp in ns.
    of_last : bool
        Whether it is that of the last sample, not of the first.
    """

    characteristic: str
    interval: str
    stamp_bits: int
    unit_ns: int
    of_last: bool


V07 = Layout(
    "00002bdd-0000-1000-8000-00805f9b34fb",
    "00002be3-0000-1000-8000-00805f9b34fb",
    stamp_bits=32,
    unit_ns=1_000_000,
    of_last=False,
)
"""Versions up to 0.7: milliseconds in 32 bits."""
V08 = Layout(
    "00002bf1-0000-1000-8000-00805f9b34fb",
    "00002bf3-0000-1000-8000-00805f9b34fb",
    stamp_bits=64,
    unit_ns=1_000,
    of_last=True,
)
"""Versions from 0.8 on: microseconds in 64 bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """One notification.

    Parameters
    ----------
    stamp : int
        The sensor's clock, in the layout's unit.
    mv : ndarray of float32, shape (n,)
        The samples in mV, oldest first; NaN where the firmware sends "invalid".
    """

    stamp: int
    mv: Samples


def decode_packet(layout: Layout, data: bytes) -> Packet:
    """Decode a notification.

    Raises
    ------
    FrameError
        If its length does not fit.
    """
    head = layout.stamp_bits // 8
    size = len(data) - head
    if size <= 0 or size % 2:
        raise FrameError(
            f"packet of {len(data)} bytes is not a stamp and 2-byte samples; it is lost", FrameCode.LENGTH
        )
    raw = np.frombuffer(data, "<i2", size // 2, head)
    mv = raw.astype(np.float32)
    mv *= _STEP_MV
    # Looking for the bytes is a tenth of looking at the numbers.
    if _INVALID_BYTES in data:
        mv[raw == _INVALID] = np.nan
    return Packet(int.from_bytes(data[:head], "little"), mv)


def encode_packet(layout: Layout, stamp: int, mv: npt.ArrayLike) -> bytes:
    """Encode a notification, as the firmware does.

    Parameters
    ----------
    layout : Layout
        Generation of the firmware.
    stamp : int
        The sensor's clock; it wraps.
    mv : ndarray of float, shape (n,)
        The samples in mV; NaN is sent as "invalid", what does not fit is clipped.
    """
    steps = np.clip(np.rint(np.asarray(mv, np.float64) / LSB_MV), _INVALID + 1, -_INVALID - 1)
    raw = np.where(np.isnan(steps), _INVALID, steps).astype("<i2")
    head = layout.stamp_bits // 8
    return (stamp % (1 << layout.stamp_bits)).to_bytes(head, "little") + raw.tobytes()


def decode_interval(data: bytes) -> float:
    """Decode the sampling rate in Hz from what the layout's ``interval`` characteristic gives when read.

    Raises
    ------
    FrameError
        If it is not one of the intervals that the firmware knows.

    Examples
    --------
    >>> decode_interval(bytes.fromhex("0400"))
    250.0
    """
    fs = INTERVAL_FS.get(data[0]) if data else None
    if fs is None:
        raise FrameError(
            f"measurement interval {data[:8].hex() or 'empty'} is unknown; update the firmware",
            FrameCode.VALUE,
        )
    return fs


class MovesenseFirmwareDecoder(DatedDecoder):
    """Turn notifications of the firmware into :class:`~ecgedge_bridge.SampleBlock` values.

    Parameters
    ----------
    layout : Layout
        Generation of the firmware: :data:`V07` or :data:`V08`.
    device : str
        Name that the blocks carry.
    fs : float
        Sampling rate in Hz, see :func:`decode_interval`.

    Examples
    --------
    >>> import numpy as np
    >>> decoder = MovesenseFirmwareDecoder(V08)
    >>> (block,) = decoder.receive_data(encode_packet(V08, 10**6, np.zeros(16)), host_time_s=0.0)
    >>> block.device_time_ns
    1000000000
    """

    def __init__(self, layout: Layout, device: str = "", fs: float = DEFAULT_FS) -> None:
        super().__init__(device, fs)
        self.layout = layout
        self._unwrap = Unwrap(layout.stamp_bits, 1e9 / layout.unit_ns)

    def _read(self, data: bytes, host_time_s: float) -> list[Placed]:
        layout = self.layout
        packet = decode_packet(layout, data)
        time_ns = self._unwrap(packet.stamp, host_time_s) * layout.unit_ns
        if not layout.of_last:
            time_ns += round((len(packet.mv) - 1) / self.fs * 1e9)
        return self._index.place(packet.mv, time_ns, host_time_s)


__all__ = [
    "ACTIVITY_SERVICE",
    "DEFAULT_FS",
    "INTERVAL_FS",
    "PACKET_SAMPLES",
    "V07",
    "V08",
    "Layout",
    "MovesenseFirmwareDecoder",
    "Packet",
    "decode_interval",
    "decode_packet",
    "encode_packet",
]
