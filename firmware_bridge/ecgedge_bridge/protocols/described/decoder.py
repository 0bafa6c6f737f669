"""Notifications of a device that a TOML file describes, to blocks."""

from __future__ import annotations

from ecgedge_bridge.protocols.described.profile import GattProfile, Notification
from ecgedge_bridge.stream.decoder import BlockDecoder, DatedDecoder, UndatedDecoder
from ecgedge_bridge.stream.timeline import Placed
from ecgedge_bridge.stream.unwrap import Unwrap

# Unwrapped counters are numbers of 64 bits.
_COUNTER_BITS = 64


class _Undated(UndatedDecoder):
    def __init__(self, profile: GattProfile, device: str) -> None:
        super().__init__(device, profile.fs)
        self._profile = profile

    def _read(self, data: bytes, host_time_s: float) -> list[Placed]:
        return self._index.place(self._profile.decode(data).mv, host_time_s)


class _Dated(DatedDecoder):
    counter_bits = _COUNTER_BITS

    def __init__(self, profile: GattProfile, device: str) -> None:
        super().__init__(device, profile.fs)
        self._profile = profile
        counter, stamp = profile.counter, profile.stamp
        self._count = 1 if counter is None or not counter.of_notifications else profile.samples or 1
        self._counter = None if counter is None else Unwrap(counter.bits, profile.fs / self._count)
        self._stamp = None if stamp is None else Unwrap(stamp.bits, 1e9 / stamp.unit_ns)

    def _read(self, data: bytes, host_time_s: float) -> list[Placed]:
        found = self._profile.decode(data)
        n, first = len(found.mv), None
        if self._counter is not None and found.counter is not None:
            first = self._counter(found.counter, host_time_s) * self._count
        placed = self._index.place(found.mv, self._time_ns(found, first, n, host_time_s), host_time_s, first)
        # What a counter stands for is no time of the device's.
        return placed if self._stamp is not None else [one._replace(time_ns=None) for one in placed]

    def _time_ns(self, found: Notification, first: int | None, n: int, host_time_s: float) -> int:
        stamp = self._profile.stamp
        if self._stamp is None or stamp is None or found.stamp is None:
            # The counter stands for a clock that keeps the nominal rate.
            return round(((first or 0) + n - 1) / self.fs * 1e9)
        time_ns = round(self._stamp(found.stamp, host_time_s) * stamp.unit_ns)
        return time_ns if stamp.of_last else time_ns + round((n - 1) / self.fs * 1e9)


def make_decoder(profile: GattProfile, device: str = "") -> BlockDecoder:
    """Make the decoder of a profile's notifications.

    Parameters
    ----------
    profile : GattProfile
        What the device sends.
    device : str
        Name that the blocks carry.

    Examples
    --------
    >>> from ecgedge_bridge.protocols.described.profile import load_profile
    >>> decoder = make_decoder(load_profile("healthypi"))
    >>> (block,) = decoder.receive_data(bytes(32), host_time_s=0.0)
    >>> len(block.samples)
    8
    """
    dated = profile.counter is not None or profile.stamp is not None
    return _Dated(profile, device) if dated else _Undated(profile, device)
