"""Sessions of devices that stream to whoever subscribes, with a start and a stop command at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ecgedge_bridge.protocols.session import EcgDecoder, Offered, Script, Session, Subscribe, Write, require
from ecgedge_bridge.protocols.standard.heart_rate import HEART_RATE_MEASUREMENT


class NotifySession(Session):
    """ECG in the notifications of one characteristic.

    Parameters
    ----------
    decoders : mapping of str to EcgDecoder
        Characteristics on which the ECG may come, each with its decoder. The first that the device has is the
        one.
    device : str
        Name that the values carry.
    extras : iterable of {"heart_rate", "battery", "acc", "information"}
        What to subscribe to besides.
    command_uuid : str
        Characteristic that ``begin`` and ``end`` are written to.
    begin, end : bytes
        What to write after subscribing, and before unsubscribing; empty for nothing.
    """

    def __init__(
        self,
        decoders: Mapping[str, EcgDecoder],
        device: str = "",
        extras: Iterable[str] = (),
        command_uuid: str = "",
        begin: bytes = b"",
        end: bytes = b"",
    ) -> None:
        super().__init__(next(iter(decoders.values())), device, extras)
        self._choice = dict(decoders)
        self._command_uuid = command_uuid
        self._begin, self._end = begin, end
        self._begun = self._response = False
        for uuid, decoder in decoders.items():
            self._routes[uuid] = self._to(decoder, main=True)

    def receive(self, uuid: str, data: bytes, host_time_s: float) -> bool:
        """Take a notification; see :meth:`Session.receive`."""
        if uuid in self._choice:
            self._ecg = self._choice[uuid]
        return super().receive(uuid, data, host_time_s)

    def _start(self, offered: Offered) -> Script:
        self._begun = False
        self._note_missing("acc")
        uuid = next((one for one in self._choice if offered.can(one, "notify", "indicate")), "")
        require(offered, uuid or next(iter(self._choice)), "notify", "indicate")
        yield Subscribe(uuid)
        # From here on it may have begun, whatever becomes of the command.
        self._begun = True
        if self._begin:
            require(offered, self._command_uuid, "write", "write-without-response")
            self._response = offered.can(self._command_uuid, "write")
            yield Write(self._command_uuid, self._begin, self._response)

    def stop(self) -> Script:
        """Return what to write before unsubscribing."""
        if self._begun and self._end:
            yield Write(self._command_uuid, self._end, self._response)
        self._begun = False


class HeartRateSession(Session):
    """A sensor of nothing but heart rate: there is no ECG, only :class:`~ecgedge_bridge.HeartRate` values.

    Examples
    --------
    >>> session = HeartRateSession("strap")
    >>> session.receive(HEART_RATE_MEASUREMENT, bytes.fromhex("003d"), host_time_s=5.0)
    True
    >>> session.next_event().bpm
    61
    """

    def __init__(self, device: str = "", extras: Iterable[str] = ()) -> None:
        super().__init__(None, device, frozenset(extras) - {"heart_rate"})
        self._routes[HEART_RATE_MEASUREMENT] = self._to_standard(self._heart_rate, main=True)

    def _start(self, offered: Offered) -> Script:
        self._note_missing("acc")
        require(offered, HEART_RATE_MEASUREMENT, "notify")
        yield Subscribe(HEART_RATE_MEASUREMENT)
