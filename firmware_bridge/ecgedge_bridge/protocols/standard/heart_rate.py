"""Heart rate and battery level, as the Bluetooth SIG has laid them out: bytes to values and back.

Sources: Bluetooth SIG, Heart Rate Service 1.0 (characteristic 0x2A37) and Battery Service 1.0 (0x2A19).

Examples
--------
>>> decode_heart_rate(bytes.fromhex("10" "3d" "f003")).rr_ms
(984.375,)
"""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.values import Battery, FrameLost, HeartRate, Place

HEART_RATE_SERVICE = "0000180d-0000-1000-8000-00805f9b34fb"
HEART_RATE_MEASUREMENT = "00002a37-0000-1000-8000-00805f9b34fb"
BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"

# Flags of the Heart Rate Measurement (Heart Rate Service 1.0, 3.1.1.1).
_BPM_U16 = 0x01
_CONTACT = 0x02
_CONTACT_SUPPORTED = 0x04
_ENERGY = 0x08
_RR = 0x10
# RR intervals count 1/1024 s.
_RR_MS = 1000 / 1024


class HeartRateMeasurement(NamedTuple):
    """What one notification holds; the fields are those of :class:`~ecgedge_bridge.values.HeartRate`."""

    bpm: int
    rr_ms: tuple[float, ...] = ()
    contact: bool | None = None
    energy_kj: int | None = None


def decode_heart_rate(data: bytes) -> HeartRateMeasurement:
    """Decode a Heart Rate Measurement.

    Parameters
    ----------
    data : bytes
        Value of characteristic 0x2A37.

    Returns
    -------
    HeartRateMeasurement

    Raises
    ------
    FrameError
        If it is shorter than its flags need, or ends within an interval.
    """
    flags = data[0] if data else 0
    wide, energy = flags & _BPM_U16, flags & _ENERGY
    at = 2 + bool(wide)
    end = at + 2 * bool(energy)
    if len(data) < end:
        raise FrameError(
            f"heart rate of {len(data)} bytes, its flags need {end}; it is ignored", FrameCode.LENGTH
        )
    if (len(data) - end) % 2:
        raise FrameError(
            f"heart rate of {len(data)} bytes ends within an RR interval; it is ignored", FrameCode.LENGTH
        )
    bpm = data[1] | data[2] << 8 if wide else data[1]
    # Bytes that no flag announces are left alone: later versions of the service may append fields.
    count = (len(data) - end) // 2 if flags & _RR else 0
    intervals = struct.unpack_from(f"<{count}H", data, end)
    return HeartRateMeasurement(
        bpm,
        tuple([interval * _RR_MS for interval in intervals]),
        bool(flags & _CONTACT) if flags & _CONTACT_SUPPORTED else None,
        data[at] | data[at + 1] << 8 if energy else None,
    )


def encode_heart_rate(measurement: HeartRateMeasurement) -> bytes:
    """Encode a Heart Rate Measurement, as a sensor does.

    Parameters
    ----------
    measurement : HeartRateMeasurement
        ``rr_ms`` is rounded to 1/1024 s.

    Raises
    ------
    ValueError
        If a value does not fit its 16 bits.

    Examples
    --------
    >>> encode_heart_rate(HeartRateMeasurement(bpm=61, rr_ms=(984.375,), contact=True)).hex(" ")
    '16 3d f0 03'
    """
    contact, energy, bpm = measurement.contact, measurement.energy_kj, measurement.bpm
    flags = (_BPM_U16 if bpm > 0xFF else 0) | (_RR if measurement.rr_ms else 0)
    flags |= 0 if contact is None else _CONTACT_SUPPORTED | (_CONTACT if contact else 0)
    flags |= 0 if energy is None else _ENERGY
    rr = [round(interval / _RR_MS) for interval in measurement.rr_ms]
    layout = f"<B{'H' if bpm > 0xFF else 'B'}{'' if energy is None else 'H'}{len(rr)}H"
    try:
        return struct.pack(layout, flags, bpm, *(() if energy is None else (energy,)), *rr)
    except struct.error as error:
        raise ValueError(f"{measurement} does not fit its fields: {error}; give smaller values") from error


def decode_battery(data: bytes) -> int:
    """Decode a Battery Level in percent.

    Raises
    ------
    FrameError
        If it is not one byte from 0 to 100.

    Examples
    --------
    >>> decode_battery(b"W")
    87
    """
    if len(data) != 1 or data[0] > 100:
        raise FrameError(
            f"battery level {data.hex() or 'empty'} is no percentage; it is ignored", FrameCode.VALUE
        )
    return data[0]


def encode_battery(percent: int) -> bytes:
    """Encode a Battery Level.

    Raises
    ------
    ValueError
        If it is not from 0 to 100.
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"percent={percent} is no percentage; give 0 to 100")
    return bytes((percent,))


class _EventDecoder:
    """What both decoders share: the place in the stream, and unreadable bytes as an event."""

    def __init__(self, device: str = "") -> None:
        self.device = device
        self.frame_errors = 0
        self._first_s: float | None = None

    def receive_data(
        self, data: bytes, host_time_s: float, place: Place | None = None
    ) -> list[HeartRate | Battery | FrameLost]:
        """Take one notification.

        Parameters
        ----------
        data : bytes
            The notification.
        host_time_s : float
            Its arrival on the host's monotonic clock, in seconds.
        place : Place, optional
            Where in an ECG stream it belongs. Without it ``sample`` is 0, and ``time_s`` counts from the
            first notification.

        Returns
        -------
        list
            One value.
        """
        if self._first_s is None:
            self._first_s = host_time_s if math.isfinite(host_time_s) else 0.0
        sample, time_s = (0, host_time_s - self._first_s) if place is None else place
        try:
            return [self._event(data, sample, time_s)]
        except FrameError as error:  # counted, reported, and the run goes on
            self.frame_errors += 1
            return [FrameLost(sample, time_s, error.code, str(error), self.device)]

    def _event(self, data: bytes, sample: int, time_s: float) -> HeartRate | Battery:
        raise NotImplementedError


class HeartRateDecoder(_EventDecoder):
    """Turn notifications of 0x2A37 into :class:`~ecgedge_bridge.values.HeartRate` values.

    Parameters
    ----------
    device : str
        Name that the values carry.

    Examples
    --------
    >>> (rate,) = HeartRateDecoder().receive_data(bytes.fromhex("003d"), host_time_s=5.0)
    >>> rate.bpm, rate.time_s
    (61, 0.0)
    """

    def _event(self, data: bytes, sample: int, time_s: float) -> HeartRate:
        found = decode_heart_rate(data)
        return HeartRate(sample, time_s, found.bpm, found.rr_ms, found.contact, found.energy_kj, self.device)


class BatteryDecoder(_EventDecoder):
    """Turn values of 0x2A19, read or notified, into :class:`~ecgedge_bridge.values.Battery` values.

    Parameters
    ----------
    device : str
        Name that the values carry.

    Examples
    --------
    >>> BatteryDecoder("strap").receive_data(b"W", host_time_s=0.0)
    [Battery(sample=0, time_s=0.0, percent=87, device='strap')]
    """

    def _event(self, data: bytes, sample: int, time_s: float) -> Battery:
        return Battery(sample, time_s, decode_battery(data), self.device)
