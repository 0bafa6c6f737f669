"""A virtual wearable without a radio: what every one of them does, whatever its protocol.

It cuts what it plays into frames, sends them in their turn with what comes beside them, and lets go wrong
what it is commanded. What it offers and how it encodes is for its subclasses in ``h10.py``, ``movesense.py``
and ``sensors.py``; the Bluetooth side is in ``on_air.py``.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy.typing as npt

from ecgedge_bridge.protocols.standard.heart_rate import (
    BATTERY_LEVEL,
    BATTERY_SERVICE,
    HEART_RATE_MEASUREMENT,
    HEART_RATE_SERVICE,
    HeartRateMeasurement,
    encode_battery,
    encode_heart_rate,
)
from ecgedge_bridge.simulation.faults import (
    FRAME_FAULTS,
    LINK_FAULTS,
    SETUP_FAULTS,
    Action,
    Drop,
    End,
    Fault,
    FaultKind,
    Ledger,
    Pause,
    Send,
)
from ecgedge_bridge.simulation.tape import Side, Signal, Tape

# Largest and smallest ATT MTU of Bluetooth LE (Core specification, Vol 3, Part F, 3.2.8).
_ANY_MTU = 517
_LEAST_MTU = 23
# No first byte of any protocol here, and too short for every one of them.
_GARBAGE = b"\xff" * 5


@dataclass(frozen=True, slots=True)
class VirtualCharacteristic:
    """A characteristic: its UUID, its properties ("read", "notify", ..), and its value when it is read."""

    uuid: str
    properties: tuple[str, ...]
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class VirtualService:
    """A service with its characteristics."""

    uuid: str
    characteristics: tuple[VirtualCharacteristic, ...]


@dataclass(frozen=True, slots=True)
class Air:
    """How a virtual wearable appears on the air.

    Parameters
    ----------
    name, address : str
        What it advertises.
    advertised : tuple of str
        UUIDs of services in its advertisement.
    needs_pairing : bool
        Whether it refuses to be written to until it is paired.
    """

    name: str
    address: str = "F0:F1:F2:0A:1B:2C"
    advertised: tuple[str, ...] = ()
    needs_pairing: bool = False


class VirtualWearable(ABC):
    """A wearable that plays a signal.

    Parameters
    ----------
    samples : ndarray of float, shape (n,), or iterator
        What it plays, ECG in mV; an iterator may give numbers or arrays, and may be endless.
    air : Air
        How it appears.
    data_uuid : str
        Characteristic on which the frames go.
    fs : float
        Nominal rate in Hz: turns the seconds of faults into samples.
    frame_samples : int
        Samples of a frame.
    speed : float
        How many times faster than real time; ``math.inf`` for as fast as it goes.
    fs_true : float, optional
        Rate of the device's own clock in Hz; the same as ``fs`` by default.
    faults : iterable of Fault
        What goes wrong, and where.

    Attributes
    ----------
    ledger : Ledger
        What was played, sent and lost so far.
    finished : asyncio.Event
        Set when the samples have run out and the last frame is sent, or when no more samples can be had.
    commands : list of bytes
        Everything that was written to it, oldest first.
    running : bool
        Whether the stream runs.
    mtu : int
        ATT MTU of the connection.

    Raises
    ------
    ValueError
        If a rate or the speed is not positive.
    """

    def __init__(
        self,
        samples: npt.ArrayLike | Iterable[npt.ArrayLike],
        air: Air,
        data_uuid: str,
        *,
        fs: float,
        frame_samples: int,
        speed: float = 1.0,
        fs_true: float | None = None,
        faults: Iterable[Fault] = (),
    ) -> None:
        self.fs_true = fs if fs_true is None else fs_true
        if not (0 < fs < math.inf and 0 < self.fs_true < math.inf and speed > 0):
            raise ValueError("fs, fs_true and speed must be positive; give rates in Hz")
        self.air, self.fs, self.speed = air, fs, speed
        self.frame_samples = frame_samples
        self.running = False
        self.ledger = Ledger()
        self.finished = asyncio.Event()
        self.commands: list[bytes] = []
        self.clock_step_s = 0.0
        self.mtu = _LEAST_MTU
        self._data_uuid = data_uuid
        self._tape = Tape(samples)
        self._faults = sorted(faults, key=lambda fault: fault.at_s)
        self._sides: list[Side] = []
        self._queue: deque[Action] = deque()
        self._subscribed: set[str] = set()

    @property
    def name(self) -> str:
        """Name that it advertises."""
        return self.air.name

    @property
    def address(self) -> str:
        """Its Bluetooth address."""
        return self.air.address

    @property
    def script(self) -> tuple[Fault, ...]:
        """What is still to go wrong, in the order of the ECG."""
        return tuple(self._faults)

    @property
    def exhausted(self) -> bool:
        """Whether all samples are played."""
        return not self._queue and self._tape.empty

    @property
    def due(self) -> float:
        """Place in the signal, in samples, at which the next action falls due."""
        if self._queue:
            return float(self.ledger.played)
        return min([self._frame_due, *(side.due for side in self._sides if side.is_asked())])

    @property
    def _frame_due(self) -> float:
        """A frame is due at the time of its last sample."""
        return float(self.ledger.played + self.frame_samples)

    @abstractmethod
    def services(self) -> Sequence[VirtualService]:
        """Return what it offers."""

    def drop_link(self, lost_s: float) -> None:
        """Drop the link at the next frame boundary; ``lost_s`` seconds of ECG go by meanwhile."""
        self.inject(Fault(0.0, "disconnect", lost_s))

    def inject(self, fault: Fault) -> None:
        """Add a fault to the script; one whose place has passed comes at the next frame boundary."""
        self._faults = sorted([*self._faults, fault], key=lambda item: item.at_s)

    def catch_up(self, place: int) -> None:
        """Lose what the ECG has gone on by, to sample ``place`` and the next whole frame."""
        if (n := place - self.ledger.played) > 0:
            self._skip(-(-n // self.frame_samples) * self.frame_samples, "disconnect")

    def connected(self) -> int:
        """Note a new connection and return the largest ATT MTU that it may have."""
        fault = self._take_due(frozenset({"mtu"}))
        return _ANY_MTU if fault is None else fault.code

    def disconnected(self) -> None:
        """Note that the connection is gone: a stream does not survive it."""
        self.running = False
        self._subscribed.clear()
        self._queue.clear()

    def subscription(self, uuid: str, on: bool, mtu: int = _LEAST_MTU) -> None:
        """Note that the client has subscribed to a characteristic, or no longer is."""
        self.mtu = mtu
        (self._subscribed.add if on else self._subscribed.discard)(uuid)
        self._on_subscription()

    def write(self, uuid: str, data: bytes, mtu: int) -> list[Action]:
        """Take what was written to a characteristic and return what is to be done about it.

        Parameters
        ----------
        uuid : str
            The characteristic.
        data : bytes
            What was written.
        mtu : int
            ATT MTU of the connection.
        """
        self.commands.append(bytes(data))
        fault = self._take_due(SETUP_FAULTS - {"mtu"}) if self._starts(data) else None
        if fault is None:
            return list(self._on_write(uuid, bytes(data), mtu))
        if fault.kind == "refuse":
            return list(self._refuse(data, fault.code))
        return [Drop()] if fault.kind == "hang_up" else []

    def next_action(self) -> Action | None:
        """Return what to do next, and count it as done; ``None`` when the samples have run out."""
        if not self._queue:
            # What goes wrong with a frame does so when it is due: nothing is sent before it was measured.
            is_frame = self.due >= self._frame_due
            fault = self._take_due(LINK_FAULTS | FRAME_FAULTS if is_frame else LINK_FAULTS)
            self._queue.extend(self._in_turn() if fault is None else self._happen(fault))
        return self._queue.popleft() if self._queue else None

    def _on_subscription(self) -> None:
        """By default the stream runs while there is a subscriber."""
        self.running = self._data_uuid in self._subscribed

    def _starts(self, data: bytes) -> bool:
        """Whether a command starts the measurement."""
        return False

    def _on_write(self, uuid: str, data: bytes, mtu: int) -> Sequence[Send]:
        """Carry out what was written."""
        return ()

    def _refuse(self, data: bytes, code: int) -> Sequence[Send]:
        """Return the refusal of a command."""
        return ()

    def _ended(self) -> Send | None:
        """Return how the device reports that it has ended the measurement."""
        return None

    @abstractmethod
    def _encode(self, samples: Signal) -> list[bytes]:
        """Encode samples that end where the ledger stands, as one notification or several."""

    def _damage(self, data: bytes) -> bytes:
        """Damage a notification such that the receiver can notice."""
        return data + b"\0"

    def _clock_s(self, last: float) -> float:
        """Return the device's clock at sample ``last``, in seconds since sample 0."""
        return last / self.fs_true + self.clock_step_s

    def _take_due(self, kinds: frozenset[str]) -> Fault | None:
        for fault in self._faults:
            if round(fault.at_s * self.fs) > self.ledger.played:
                return None
            if fault.kind in kinds:
                self._faults.remove(fault)
                return fault
        return None

    def _in_turn(self) -> list[Action]:
        """Return the frame that is due first, of the ECG or of what comes beside it."""
        while not self._tape.empty:
            side = min(self._sides, key=lambda one: one.due, default=None)
            if side is None or side.due > self._frame_due:
                return list(self._frame())
            if frames := side.next_frame():
                return list(frames)
        return []

    def _happen(self, fault: Fault) -> list[Action]:
        """Return what a fault does."""
        if fault.kind in FRAME_FAULTS:
            return self._bad_frame(fault.kind)
        if fault.kind == "stall":
            return [Pause(fault.seconds, late=True)]
        if fault.kind == "garbage":
            return [Send(_GARBAGE, self._data_uuid)]
        if fault.kind == "clock":
            self.clock_step_s += fault.seconds
            return self._in_turn()
        self._skip(round(fault.seconds * self.fs), fault.kind)
        if fault.kind == "end":
            self.running = False
            return [End(self._ended())]
        return [(Drop if fault.kind == "disconnect" else Pause)(fault.seconds)]

    def _skip(self, n: int, kind: FaultKind) -> None:
        """Lose ``n`` samples, and what comes beside them."""
        self.ledger.lose(len(self._tape.take(n)), kind)
        for side in self._sides:
            side.skip(self.ledger.played, kind)

    def _bad_frame(self, kind: FaultKind) -> list[Action]:
        """Return what comes instead of the next frame."""
        if kind == "drop_frame":
            self.ledger.lose(len(self._tape.take(self.frame_samples)), kind)
            return [Pause(0.0, late=True)]
        if kind == "duplicate":
            frame = self._frame()
            return [*frame, *frame]
        frame = self._frame(lost=kind)
        if kind == "reorder":
            return [Pause(self.frame_samples / self.fs_true, late=True), *self._frame(), *frame]
        if kind == "drop_part":
            return [*frame[:-1], Pause(0.0, late=True)]
        change = self._damage if kind == "corrupt" else _without_last_byte
        return [Send(change(part.data), part.uuid) for part in frame]

    def _frame(self, lost: FaultKind | None = None) -> list[Send]:
        """Encode the next frame; where it will be ``lost``, count it so."""
        samples = self._tape.take(self.frame_samples)
        if not len(samples):
            return []
        if lost is not None:
            self.ledger.lose(len(samples), lost)
        else:
            self.ledger.played += len(samples)
            self.ledger.sent += len(samples)
        return [Send(data, self._data_uuid) for data in self._encode(samples)]

    def _add_heart_rate(self, bpm: float) -> Side:
        """Send a heart rate once a second while there is a subscriber, with the beats since the last."""

        def make(last: int) -> Send | None:
            if HEART_RATE_MEASUREMENT not in self._subscribed:
                return None
            beats = math.floor((last + 1) * bpm / 60) - math.floor(last * bpm / 60)
            value = HeartRateMeasurement(round(bpm), (60_000 / bpm,) * beats, contact=True)
            return Send(encode_heart_rate(value), HEART_RATE_MEASUREMENT)

        self._sides.append(Side(self.fs, 1, make, lambda: HEART_RATE_MEASUREMENT in self._subscribed))
        return self._sides[-1]


def _without_last_byte(data: bytes) -> bytes:
    return data[:-1]


def heart_rate_service() -> VirtualService:
    """Return the standard service of a heart-rate sensor."""
    return VirtualService(HEART_RATE_SERVICE, (VirtualCharacteristic(HEART_RATE_MEASUREMENT, ("notify",)),))


def battery_service(percent: int) -> VirtualService:
    """Return the standard battery service."""
    level = VirtualCharacteristic(BATTERY_LEVEL, ("read", "notify"), encode_battery(percent))
    return VirtualService(BATTERY_SERVICE, (level,))
