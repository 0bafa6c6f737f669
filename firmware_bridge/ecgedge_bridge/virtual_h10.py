"""A virtual Polar H10 without a radio: answers commands, cuts ECG into frames, loses what it is told.

The Bluetooth side is in ``peripheral.py``. Everything that is lost is lost by count of samples, never by
time, so that a test or a demo can compare what a client reports with the :class:`Ledger` to the sample.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from .errors import FrameError
from .polar import (
    ECG_BITS,
    ECG_FS,
    FRAME_SAMPLES,
    MTU_NEEDED,
    ControlReply,
    Measurement,
    Op,
    Setting,
    Status,
    encode_ecg_frame,
    encode_features,
    encode_reply,
    encode_settings,
    encode_stopped,
    parse_settings,
)

FEATURES = encode_features((Measurement.ECG, Measurement.ACC))
OFFERED: dict[Setting, tuple[float, ...]] = {
    Setting.SAMPLE_RATE: (int(ECG_FS),),
    Setting.RESOLUTION: (ECG_BITS,),
}
START_NS = 599_616_000 * 10**9
"""2019-01-01 in nanoseconds since 2000-01-01: where the clock of an H10 starts that was never set."""

_REFUSALS = {
    Setting.SAMPLE_RATE: Status.INVALID_SAMPLE_RATE,
    Setting.RESOLUTION: Status.INVALID_RESOLUTION,
    Setting.RANGE: Status.INVALID_RANGE,
    Setting.RANGE_MILLI: Status.INVALID_RANGE,
    Setting.CHANNELS: Status.INVALID_CHANNELS,
    Setting.FACTOR: Status.INVALID_PARAMETER,
}
_UNKNOWN_FRAME_TYPE = 0x55

FaultKind = Literal["disconnect", "silence", "end", "drop_frame", "corrupt"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong at a given place of the ECG.

    Parameters
    ----------
    at_s : float
        Place in the ECG, in seconds; the fault comes at the first frame boundary there or after it.
    kind : {"disconnect", "silence", "end", "drop_frame", "corrupt"}
        ``disconnect``: the link drops, and the ECG goes on for ``seconds`` while it is gone. ``silence``: the
        link stays, but nothing is sent for ``seconds``. ``end``: the strap ends the measurement by itself,
        and ``seconds`` go by. ``drop_frame``: one frame is not sent. ``corrupt``: one frame is sent with an
        unknown frame type.
    seconds : float
        How much ECG a disconnect, a silence or an end costs: exactly ``round(seconds * fs)`` samples, however
        long the reconnection takes.
    """

    at_s: float
    kind: FaultKind
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot happen."""
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"unknown fault {self.kind!r}; use one of {', '.join(get_args(FaultKind))}")
        if not (math.isfinite(self.at_s) and math.isfinite(self.seconds) and self.at_s >= 0 <= self.seconds):
            raise ValueError("a fault's at_s and seconds are seconds, 0 or more; correct them")


@dataclass(frozen=True, slots=True)
class Lost:
    """Samples ``start`` up to ``stop`` (excluded) of the ECG that were not sent in a readable frame."""

    start: int
    stop: int
    kind: FaultKind


@dataclass(slots=True)
class Ledger:
    """The truth, to compare with what a client says: samples played = sent + lost."""

    played: int = 0
    sent: int = 0
    lost: list[Lost] = field(default_factory=list)

    @property
    def lost_samples(self) -> int:
        """Number of samples lost."""
        return sum(gap.stop - gap.start for gap in self.lost)


@dataclass(frozen=True, slots=True)
class Send:
    """Send this notification."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for this many seconds of ECG time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """Drop the link."""


@dataclass(frozen=True, slots=True)
class End:
    """End the measurement and say so: indicate this on the control point."""

    data: bytes


Action = Send | Pause | Drop | End


class _Tape:
    """Samples in microvolt from an array or from any iterator of numbers or arrays, taken in any lengths."""

    def __init__(self, samples_mv: npt.ArrayLike | Iterable[npt.ArrayLike]) -> None:
        parts = (samples_mv,) if isinstance(samples_mv, np.ndarray | list | tuple) else samples_mv
        self._parts: Iterator[npt.ArrayLike] = iter(parts)  # type: ignore[arg-type]
        self._rest = np.empty(0, np.int64)

    def take(self, n: int) -> npt.NDArray[np.int64]:
        """Return the next ``n`` samples; fewer at the end."""
        pieces = [self._rest]
        have = len(self._rest)
        while have < n and (part := next(self._parts, None)) is not None:
            pieces.append(_microvolt(part))
            have += len(pieces[-1])
        ready = np.concatenate(pieces)
        self._rest = ready[n:]
        return ready[:n]

    @property
    def empty(self) -> bool:
        """Whether all samples are taken."""
        while not len(self._rest) and (part := next(self._parts, None)) is not None:
            self._rest = _microvolt(part)
        return not len(self._rest)


def _microvolt(samples_mv: npt.ArrayLike) -> npt.NDArray[np.int64]:
    mv = np.atleast_1d(np.asarray(samples_mv, np.float64))
    if mv.ndim != 1 or not np.isfinite(mv).all():
        raise ValueError("samples_mv must be finite numbers in one dimension; cut out what is missing")
    # An amplifier saturates: what does not fit 24 bits is clipped.
    return np.clip(np.rint(mv * 1000), -(1 << 23), (1 << 23) - 1).astype(np.int64)


class VirtualH10:
    """A Polar H10 that plays ECG.

    Parameters
    ----------
    samples_mv : ndarray of float, shape (n,), or iterator
        The ECG in mV; an iterator may give numbers or arrays, and may be endless.
    fs : float
        Nominal rate in Hz: turns the seconds of faults into samples.
    speed : float
        How many times faster than real time; ``math.inf`` for as fast as it goes.
    name, address : str
        What it advertises.
    start_ns : int
        Device clock at sample 0, in nanoseconds since 2000-01-01.
    fs_true : float, optional
        Rate of the device's own clock in Hz; the same as ``fs`` by default. A real strap is off by up to 2 %.
    faults : iterable of Fault
        What goes wrong, and where.
    battery : int
        Battery level in percent.
    already_running : bool
        Whether a stream of an earlier program still runs: start is refused with status 6 until a stop.

    Attributes
    ----------
    ledger : Ledger
        What was played, sent and lost so far.
    finished : asyncio.Event
        Set when the samples have run out and the last frame is sent.
    commands : list of bytes
        Every command received, oldest first.

    Examples
    --------
    >>> import numpy as np
    >>> strap = VirtualH10(np.zeros(100))
    >>> strap.command(bytes.fromhex("0200000182000101 0e00"), mtu=247).hex()
    'f002000000'
    >>> [len(strap.next_action().data) for _ in range(2)], strap.next_action(), strap.ledger.sent
    ([229, 91], None, 100)
    """

    def __init__(
        self,
        samples_mv: npt.ArrayLike | Iterable[npt.ArrayLike],
        fs: float = ECG_FS,
        speed: float = 1.0,
        name: str = "Polar H10 0A1B2C3D",
        start_ns: int = START_NS,
        *,
        fs_true: float | None = None,
        faults: Iterable[Fault] = (),
        address: str = "F0:F1:F2:0A:1B:2C",
        battery: int = 87,
        already_running: bool = False,
    ) -> None:
        self.fs_true = fs if fs_true is None else fs_true
        if not (0 < fs < math.inf and 0 < self.fs_true < math.inf and speed > 0):
            raise ValueError("fs, fs_true and speed must be positive; give rates in Hz")
        self.fs, self.speed, self.name, self.address = fs, speed, name, address
        self.start_ns, self.battery = start_ns, battery
        self.running = already_running
        self.ledger = Ledger()
        self.finished = asyncio.Event()
        self.commands: list[bytes] = []
        self._tape = _Tape(samples_mv)
        self._faults = sorted(faults, key=lambda fault: fault.at_s)

    @property
    def exhausted(self) -> bool:
        """Whether all samples are played."""
        return self._tape.empty

    def drop_link(self, lost_s: float) -> None:
        """Drop the link at the next frame boundary; ``lost_s`` seconds of ECG go by meanwhile."""
        self.inject(Fault(0.0, "disconnect", lost_s))

    def inject(self, fault: Fault) -> None:
        """Add a fault to the script; one whose place has passed comes at the next frame boundary."""
        self._faults = sorted([*self._faults, fault], key=lambda item: item.at_s)

    def command(self, data: bytes, mtu: int) -> bytes:
        """Carry out a command of the control point and return the reply that is to be indicated.

        Parameters
        ----------
        data : bytes
            What was written to the control point.
        mtu : int
            ATT MTU of the connection.
        """
        self.commands.append(bytes(data))
        op, kind = (*data[:2], 0, 0)[:2]
        status, params = self._carry_out(data, mtu)
        return encode_reply(ControlReply(op, kind, status, False, params))

    def _carry_out(self, data: bytes, mtu: int) -> tuple[Status, bytes]:
        if len(data) < 2:
            return Status.INVALID_LENGTH, b""
        if data[0] not in tuple(Op):
            return Status.INVALID_OP, b""
        if data[1] not in tuple(Measurement):
            return Status.INVALID_TYPE, b""
        if data[1] != Measurement.ECG or data[0] == Op.STATUS:
            return Status.NOT_SUPPORTED, b""
        if data[0] == Op.SETTINGS:
            return Status.OK, encode_settings(OFFERED)
        return (self._start(data[2:], mtu) if data[0] == Op.START else self._stop()), b""

    def _start(self, params: bytes, mtu: int) -> Status:
        if self.running:
            return Status.ALREADY_IN_STATE
        try:
            wanted = parse_settings(params)
        except FrameError:
            return Status.INVALID_PARAMETER
        for setting, values in wanted.items():
            if values != OFFERED.get(setting):
                return _REFUSALS[setting]
        if set(wanted) != set(OFFERED):
            return Status.INVALID_PARAMETER
        if mtu < MTU_NEEDED:
            return Status.INVALID_MTU
        self.running = True
        return Status.OK

    def _stop(self) -> Status:
        was_running, self.running = self.running, False
        return Status.OK if was_running else Status.ALREADY_IN_STATE

    def next_action(self) -> Action | None:
        """Return what to do next, and count it as done; ``None`` when the samples have run out."""
        fault = self._due_fault()
        if fault is None:
            return self._frame()
        if fault.kind == "corrupt":
            return self._corrupt_frame()
        if fault.kind == "drop_frame":
            self._lose(FRAME_SAMPLES, fault.kind)
            return Pause(0.0)
        self._lose(round(fault.seconds * self.fs), fault.kind)
        if fault.kind == "end":
            self.running = False
            return End(encode_stopped((Measurement.ECG,)))
        return Drop() if fault.kind == "disconnect" else Pause(fault.seconds)

    def _due_fault(self) -> Fault | None:
        if self._faults and round(self._faults[0].at_s * self.fs) <= self.ledger.played:
            return self._faults.pop(0)
        return None

    def _lose(self, n: int, kind: FaultKind) -> npt.NDArray[np.int64]:
        samples = self._tape.take(n)
        start = self.ledger.played
        self.ledger.played += len(samples)
        if len(samples):
            self.ledger.lost.append(Lost(start, self.ledger.played, kind))
        return samples

    def _frame(self) -> Send | None:
        samples = self._tape.take(FRAME_SAMPLES)
        if not len(samples):
            return None
        self.ledger.played += len(samples)
        self.ledger.sent += len(samples)
        return Send(self._encode(samples))

    def _corrupt_frame(self) -> Send | None:
        samples = self._lose(FRAME_SAMPLES, "corrupt")
        if not len(samples):
            return None
        data = bytearray(self._encode(samples))
        data[9] = _UNKNOWN_FRAME_TYPE
        return Send(bytes(data))

    def _encode(self, samples: npt.NDArray[np.int64]) -> bytes:
        """Encode samples that end where the ledger stands; the stamp is that of the last one."""
        last = self.ledger.played - 1
        return encode_ecg_frame(self.start_ns + round(last / self.fs_true * 1e9), samples)
