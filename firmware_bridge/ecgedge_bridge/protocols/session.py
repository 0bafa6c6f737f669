"""The dialogue over one connection, without any I/O: what to subscribe to, what to write, where bytes go.

A session is driven from outside. :meth:`Session.start` and :meth:`Session.stop` are scripts: generators of
requests that ``link/conversation.py`` carries out on a GATT client. Every notification, and the answer to
every read, goes into :meth:`Session.receive`; what it meant comes out of :meth:`Session.next_event`. One
session lasts for one stream, over any number of reconnections. To replay a capture is to feed this method.

Whoever drives a session takes its events after each notification. Only while a script waits for an answer
they pile up; the driver looks at :attr:`Session.pending` and gives up on a device that sends without
answering. Nothing is dropped here: the one place that drops is the inbox of ``link/conversation.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from ecgedge_bridge.codes import LinkCode, NoteCode
from ecgedge_bridge.errors import LinkError
from ecgedge_bridge.protocols.standard.heart_rate import (
    BATTERY_LEVEL,
    HEART_RATE_MEASUREMENT,
    BatteryDecoder,
    HeartRateDecoder,
)
from ecgedge_bridge.stream.decoder import DecoderStats, Event
from ecgedge_bridge.values import Acceleration, Battery, FrameLost, HeartRate, LinkState, Note, Place

WearableEvent = LinkState | Note | FrameLost | Battery | HeartRate | Acceleration
"""What comes besides blocks of ECG."""

Extra = Literal["heart_rate", "battery", "acc", "information"]
"""What can be asked for besides the ECG; ``information`` shows only in ``on_notification``."""

INFORMATION = {
    f"0000{number:04x}-0000-1000-8000-00805f9b34fb": name
    for number, name in (
        (0x2A29, "manufacturer"),
        (0x2A24, "model"),
        (0x2A27, "hardware"),
        (0x2A26, "firmware"),
        (0x2A28, "software"),
    )
}
"""What the standard Device Information service (Bluetooth SIG, 0x180A) holds, by characteristic."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Subscribe to a characteristic, until hanging up; where ``optional``, a refusal is no trouble."""

    uuid: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """Read a characteristic; the value goes to :meth:`Session.receive` before the script goes on."""

    uuid: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """Write to a characteristic."""

    uuid: str
    data: bytes
    response: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    """Go on when something has been received, within the time limit of the last write."""


Request = Subscribe | Read | Write | Wait
Script = Generator[Request, None, None]


@dataclass(frozen=True, slots=True)
class Offered:
    """What a connected device has to offer.

    Parameters
    ----------
    characteristics : mapping of str to collection of str
        Properties ("notify", "read", ..) of each characteristic by its UUID in lower case.
    services : frozenset of str
        UUIDs of the services, in lower case.

    Examples
    --------
    >>> Offered({"2a19": ("read",)}).can("2a19", "notify")
    False
    """

    characteristics: Mapping[str, Iterable[str]] = field(default_factory=dict)
    services: frozenset[str] = frozenset()

    def can(self, uuid: str, *properties: str) -> bool:
        """Whether there is such a characteristic with one of the properties."""
        return not set(properties).isdisjoint(self.characteristics.get(uuid, ()))


class Decoder(Protocol):
    """From notifications to values; see :class:`~ecgedge_bridge.PolarEcgDecoder`."""

    device: str

    def receive_data(self, data: bytes, host_time_s: float) -> list[Event]:
        """Take one notification, return what it led to."""


class EcgDecoder(Decoder, Protocol):
    """A decoder of the main stream."""

    fs: float

    @property
    def fs_hat(self) -> float:
        """Estimate of the true rate in Hz."""

    @property
    def place(self) -> Place:
        """Where the next sample belongs."""

    @property
    def stats(self) -> DecoderStats:
        """Counts so far."""

    def link_lost(self) -> None:
        """Note that the connection broke."""


Route = Callable[[bytes, float], bool]


def checked_extras(extras: Iterable[str]) -> frozenset[str]:
    """Return the extras as a set.

    Raises
    ------
    ValueError
        If one is unknown.

    Examples
    --------
    >>> sorted(checked_extras(["battery", "acc"]))
    ['acc', 'battery']
    """
    wanted = frozenset((extras,) if isinstance(extras, str) else extras)
    if unknown := wanted - set(get_args(Extra)):
        raise ValueError(f"unknown extras {sorted(unknown)}: use some of {', '.join(get_args(Extra))}")
    return wanted


class Session(ABC):
    """One device's stream: ECG, and what was asked for besides.

    Parameters
    ----------
    ecg : EcgDecoder or None
        Decoder of the ECG; None where there is none.
    device : str
        Name that the values carry.
    extras : iterable of {"heart_rate", "battery", "acc", "information"}
        What to subscribe to besides, where the device has it.

    Attributes
    ----------
    ended : bool
        Whether the device has ended the measurement by itself.
    unread : int
        Notifications of the main stream, since the last one that could be read, that could not be read or
        only said again what had come.

    Raises
    ------
    ValueError
        If an extra is unknown.
    """

    def __init__(self, ecg: EcgDecoder | None, device: str = "", extras: Iterable[str] = ()) -> None:
        self.ended, self.unread = False, 0
        self._repeated = 0
        self._ecg = ecg
        self._extras = checked_extras(extras)
        self._events: deque[Event] = deque()
        self._heart_rate, self._battery = HeartRateDecoder(device), BatteryDecoder(device)
        self._routes: dict[str, Route] = {
            HEART_RATE_MEASUREMENT: self._to_standard(self._heart_rate),
            BATTERY_LEVEL: self._to_standard(self._battery),
        }
        self._device = device
        self._noted: set[str] = set()

    @property
    def device(self) -> str:
        """Name that the values carry."""
        return self._device

    @device.setter
    def device(self, name: str) -> None:
        self._device = name
        self._heart_rate.device = self._battery.device = name
        for decoder in self._streams():
            decoder.device = name

    def _streams(self) -> list[Decoder]:
        """Decoders of what is sampled."""
        return [self._ecg] if self._ecg is not None else []

    @property
    def stats(self) -> DecoderStats:
        """Counts of the ECG's decoder so far."""
        return self._ecg.stats if self._ecg is not None else DecoderStats()

    @property
    def fs_hat(self) -> float:
        """Estimate of the ECG's true rate in Hz; 0 without ECG."""
        return self._ecg.fs_hat if self._ecg is not None else 0.0

    @property
    def place(self) -> Place:
        """Where the next ECG sample belongs; the beginning where there is no ECG."""
        return self._ecg.place if self._ecg is not None else Place(0, 0.0)

    @property
    def pending(self) -> int:
        """How many events wait to be taken."""
        return len(self._events)

    def start(self, offered: Offered) -> Script:
        """Return the script that follows a connection.

        Parameters
        ----------
        offered : Offered
            What the device has.

        Raises
        ------
        LinkError
            From within the script: the device refuses, or lacks what is needed; the message ends with what to
            do.
        FrameError
            From within the script: an answer that cannot be read.
        """
        self.ended, self.unread = False, 0
        if self._ecg is not None:
            self._ecg.link_lost()
        yield from self._start_standard(offered)
        yield from self._start(offered)

    def stop(self) -> Script:
        """Return the script that precedes unsubscribing and hanging up; harmless where nothing runs."""
        yield from ()

    def receive(self, uuid: str, data: bytes, host_time_s: float) -> bool:
        """Take a notification or a value that was read.

        Parameters
        ----------
        uuid : str
            The characteristic, in lower case.
        data : bytes
            Its value.
        host_time_s : float
            Its arrival on the host's monotonic clock, in seconds.

        Returns
        -------
        bool
            Whether it was data of the main stream that could be read, and had not come before.
        """
        route = self._routes.get(uuid)
        return route(data, host_time_s) if route is not None else False

    def next_event(self) -> Event | None:
        """Take the next value in the order of arrival, or None if there is none yet."""
        return self._events.popleft() if self._events else None

    @abstractmethod
    def _start(self, offered: Offered) -> Script:
        """Start the main stream."""

    def _to(self, decoder: Decoder, main: bool = False) -> Route:
        """Return the route to a decoder of what is sampled."""

        def route(data: bytes, host_time_s: float) -> bool:
            events = decoder.receive_data(data, host_time_s)
            self._events.extend(events)
            if not main:
                return False
            if all(isinstance(event, FrameLost) for event in events) and not self._waits(bool(events)):
                self.unread += 1
                return False
            self.unread = 0
            return True

        return route

    def _waits(self, is_lost: bool) -> bool:
        """Whether a notification without a block is part of one to come, and no frame that came before."""
        before, self._repeated = self._repeated, self.stats.duplicates
        return not is_lost and self._repeated == before

    def _to_standard(self, decoder: HeartRateDecoder | BatteryDecoder, main: bool = False) -> Route:
        """Return the route to a decoder of single values: what comes beside an ECG has its place in it."""

        def route(data: bytes, host_time_s: float) -> bool:
            place = self._ecg.place if self._ecg is not None else None
            events = decoder.receive_data(data, host_time_s, place)
            self._events.extend(events)
            if not main:
                return False
            is_read = not all(isinstance(event, FrameLost) for event in events)
            self.unread = 0 if is_read else self.unread + 1
            return is_read

        return route

    def _note(self, code: NoteCode, detail: str) -> None:
        """Report something, once and not with each connection."""
        if detail not in self._noted:
            self._noted.add(detail)
            self._events.append(Note(*self.place, code, detail, self._device))

    def not_stopped(self, why: str) -> None:
        """Report that the device did not end its measurement, and ``why``: it empties its battery."""
        what = f"the device did not confirm the end of its measurement ({why})"
        self._note(NoteCode.NOT_STOPPED, f"{what}: take it off, or its battery goes empty")

    def _note_missing(self, extra: Extra) -> None:
        """Report that the device does not have what was asked for."""
        if extra in self._extras:
            what = {"acc": "acceleration", "heart_rate": "heart rate"}.get(extra, extra)
            detail = f"the device offers no {what}: streaming without it; nothing to do"
            self._note(NoteCode.NOT_OFFERED, detail)

    def _start_standard(self, offered: Offered) -> Script:
        """Start what the Bluetooth SIG has standardised: no trouble with it keeps the ECG from streaming."""
        if "information" in self._extras:
            readable = [uuid for uuid in INFORMATION if offered.can(uuid, "read")]
            yield from (Read(uuid, optional=True) for uuid in readable)
        if "battery" in self._extras:
            if offered.can(BATTERY_LEVEL, "read"):
                yield Read(BATTERY_LEVEL, optional=True)
            if offered.can(BATTERY_LEVEL, "notify"):
                yield Subscribe(BATTERY_LEVEL, optional=True)
        if "heart_rate" in self._extras:
            if offered.can(HEART_RATE_MEASUREMENT, "notify"):
                yield Subscribe(HEART_RATE_MEASUREMENT, optional=True)
            else:
                self._note_missing("heart_rate")


class NotOfferedError(LinkError):
    """The device lacks what is needed, or the Bluetooth stack has not noticed that it has it by now."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message, LinkCode.NOT_OFFERED)


def require(offered: Offered, uuid: str, *properties: str) -> None:
    """Refuse a device that lacks a characteristic.

    Raises
    ------
    NotOfferedError
        If there is no such characteristic, or it has none of the properties.
    """
    if not offered.can(uuid, *properties):
        raise NotOfferedError(
            f"the device has no characteristic {uuid} that can {' or '.join(properties)}: choose the profile "
            "that fits it with profile=, and see PROTOCOL.md for those there are"
        )
