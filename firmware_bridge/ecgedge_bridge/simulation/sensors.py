"""Virtual wearables that stream to whoever subscribes: own firmware, described devices, heart-rate straps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy.typing as npt

from ecgedge_bridge.protocols.described.profile import GattProfile
from ecgedge_bridge.protocols.own.frames import ECG_NOTIFY, ECG_SERVICE, rate_code, split_frames
from ecgedge_bridge.protocols.standard.heart_rate import (
    HEART_RATE_MEASUREMENT,
    HEART_RATE_SERVICE,
    HeartRateMeasurement,
    encode_heart_rate,
)
from ecgedge_bridge.simulation.engine import (
    Air,
    VirtualCharacteristic,
    VirtualService,
    VirtualWearable,
    battery_service,
    heart_rate_service,
)
from ecgedge_bridge.simulation.faults import Send
from ecgedge_bridge.simulation.tape import Signal, whole_microvolt

# Opcode and handle of a notification (Core specification, Vol 3, Part F, 3.4.7.1).
_ATT_HEADER = 3
# Fits 244 bytes whatever the samples are: 15 + 60 * 3.
_OWN_FRAME = 60
# A HealthyPi's notification.
_SAMPLES = 8


class VirtualEcgEdge(VirtualWearable):
    """A wearable with firmware of one's own that sends the frame of ``own/frames.py``.

    Parameters
    ----------
    samples_mv : ndarray of float, shape (n,), or iterator
        The ECG in mV, at ``fs``.
    fs : float
        Rate in Hz, one that the frame has a code for.
    name, address : str
        What it advertises.
    battery : int
        Battery level in percent.
    **options
        ``speed``, ``fs_true`` and ``faults``, as for :class:`VirtualWearable`.

    Raises
    ------
    ValueError
        If the frame has no code for the rate.
    """

    def __init__(
        self,
        samples_mv: npt.ArrayLike | Iterable[npt.ArrayLike],
        fs: float = 250.0,
        *,
        name: str = "ecgedge 01",
        address: str = "F0:F1:F2:0A:1B:5C",
        battery: int = 87,
        **options: Any,
    ) -> None:
        rate_code(fs)
        air = Air(name, address, (ECG_SERVICE,))
        super().__init__(samples_mv, air, ECG_NOTIFY, fs=fs, frame_samples=_OWN_FRAME, **options)
        self._battery = battery

    def services(self) -> Sequence[VirtualService]:
        """Return what it offers."""
        data = VirtualCharacteristic(ECG_NOTIFY, ("notify",))
        return (VirtualService(ECG_SERVICE, (data,)), battery_service(self._battery))

    def _encode(self, samples: Signal) -> list[bytes]:
        first = self.ledger.played - len(samples)
        time_ms = round(self._clock_s(first) * 1000)
        return split_frames(whole_microvolt(samples), int(self.fs), self.mtu - _ATT_HEADER, first, time_ms)

    def _damage(self, data: bytes) -> bytes:
        # A single bit, in the samples: only the CRC shows it.
        return data[:-4] + bytes((data[-4] ^ 1,)) + data[-3:]


class VirtualGatt(VirtualWearable):
    """A device that a TOML profile describes, such as a HealthyPi or a hobby project.

    Parameters
    ----------
    samples_mv : ndarray of float, shape (n,), or iterator
        The ECG in mV, at the profile's rate.
    profile : GattProfile
        What it sends; see :func:`~ecgedge_bridge.protocols.described.profile.load_profile`.
    name, address : str
        What it advertises; by default the profile's name.
    **options
        ``speed``, ``fs_true`` and ``faults``, as for :class:`VirtualWearable`.

    Examples
    --------
    >>> import numpy as np
    >>> from ecgedge_bridge.protocols.described.profile import load_profile
    >>> len(VirtualGatt(np.zeros(8), load_profile("healthypi")).next_action().data)
    32
    """

    def __init__(
        self,
        samples_mv: npt.ArrayLike | Iterable[npt.ArrayLike],
        profile: GattProfile,
        *,
        name: str = "",
        address: str = "F0:F1:F2:0A:1B:7C",
        **options: Any,
    ) -> None:
        air = Air(name or profile.name, address, (profile.service,))
        super().__init__(
            samples_mv,
            air,
            profile.characteristic,
            fs=profile.fs,
            frame_samples=profile.samples or _SAMPLES,
            **options,
        )
        self._profile = profile

    def services(self) -> Sequence[VirtualService]:
        """Return what it offers."""
        offered = [VirtualCharacteristic(self._profile.characteristic, ("notify",))]
        if self._profile.command_characteristic is not None:
            offered.append(VirtualCharacteristic(self._profile.command_characteristic, ("write",)))
        return (VirtualService(self._profile.service, tuple(offered)),)

    def _on_subscription(self) -> None:
        if not self._profile.start:
            super()._on_subscription()

    def _starts(self, data: bytes) -> bool:
        return bool(data) and data == self._profile.start

    def _on_write(self, uuid: str, data: bytes, mtu: int) -> Sequence[Send]:
        if data in (self._profile.start, self._profile.stop):
            self.running = data == self._profile.start
        return ()

    def _encode(self, samples: Signal) -> list[bytes]:
        counter, stamp = self._profile.counter, self._profile.stamp
        first = self.ledger.played - len(samples)
        count = first // self.frame_samples if counter is not None and counter.of_notifications else first
        ticks = 0
        if stamp is not None:
            place = self.ledger.played - 1 if stamp.of_last else first
            ticks = round(self._clock_s(place) * 1e9 / stamp.unit_ns)
        return [self._profile.encode(samples, counter=count, stamp=ticks)]


class VirtualHeartRate(VirtualWearable):
    """A plain heart-rate strap: one measurement a second, no ECG.

    Parameters
    ----------
    bpm : ndarray of float, shape (n,), or iterator
        Heart rate of each second. Its ledger counts seconds.
    name, address : str
        What it advertises.
    battery : int
        Battery level in percent.
    **options
        ``speed`` and ``faults``, as for :class:`VirtualWearable`.
    """

    def __init__(
        self,
        bpm: npt.ArrayLike | Iterable[npt.ArrayLike],
        *,
        name: str = "HRM 01",
        address: str = "F0:F1:F2:0A:1B:6C",
        battery: int = 87,
        **options: Any,
    ) -> None:
        air = Air(name, address, (HEART_RATE_SERVICE,))
        super().__init__(bpm, air, HEART_RATE_MEASUREMENT, fs=1.0, frame_samples=1, **options)
        self._battery = battery

    def services(self) -> Sequence[VirtualService]:
        """Return what it offers."""
        return (heart_rate_service(), battery_service(self._battery))

    def _encode(self, samples: Signal) -> list[bytes]:
        bpm = float(samples[0])
        rr_ms = (60_000 / bpm,) if bpm > 0 else ()
        return [encode_heart_rate(HeartRateMeasurement(round(bpm), rr_ms, contact=bpm > 0))]
