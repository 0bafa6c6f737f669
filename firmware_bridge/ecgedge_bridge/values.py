"""The values that pass from the wearable's side to the runtime. All are immutable."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.codes import FrameCode, LinkCode, NoteCode

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Samples = npt.NDArray[np.float32]


class Place(NamedTuple):
    """A place in a stream: the index of a sample, and the same in seconds at the nominal rate."""

    sample: int
    time_s: float


class ByFields:
    """Base of frozen dataclasses that are equal, hashed and shown field by field.

    As ``@dataclass`` has it, which writes these methods anew for every class: for twenty classes of events
    that takes as long as loading the models.
    """

    __slots__ = ()

    def __repr__(self: DataclassInstance) -> str:
        """Show every field by its name."""
        shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self))
        return f"{type(self).__qualname__}({shown})"

    def __eq__(self, other: object) -> bool:
        """Whether the other one is of the same class, with the same values."""
        return _content(self) == _content(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        """Hash of the values."""
        return hash(_content(self))


def _content(value: Any) -> tuple[Any, ...]:
    return tuple(getattr(value, each.name) for each in fields(value))


class JsonEvent(ByFields):
    """Mixin of every event: a JSON-ready dictionary of its fields.

    Events have slots and no ``__dict__``: ``vars(event)`` is a TypeError, ``event.to_json()`` or
    ``dataclasses.asdict(event)`` is what was meant.
    """

    __slots__ = ()

    def to_json(self: DataclassInstance) -> dict[str, Any]:
        """Return a JSON-serialisable dictionary; ``"type"`` is the class name in lower case."""
        return {"type": type(self).__name__.lower(), **asdict(self)}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Block:
    """Samples in a row and their place in a stream; see :class:`SampleBlock`."""

    samples: Samples
    fs: float
    sample: int = None  # type: ignore[assignment]  # taken for "what comes next", and never left so
    device_time_ns: int | None = None
    host_time_s: float | None = None
    device: str = ""
    fs_hat: float | None = None
    placed: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        if self.sample is None:
            object.__setattr__(self, "sample", 0)
            object.__setattr__(self, "placed", False)
        elif type(self.sample) is not int:  # numpy's integers are no JSON
            object.__setattr__(self, "sample", index(self.sample))
        if type(self.fs) is not float:
            object.__setattr__(self, "fs", float(self.fs))

    def __repr__(self) -> str:
        place = f"sample={self.sample}" if self.placed else "sample=None"
        device = f", device={self.device!r}" if self.device else ""
        return f"{type(self).__name__}({len(self.samples)} samples at {self.fs:g} Hz, {place}{device})"

    @property
    def end_sample(self) -> int:
        """Index of the first sample after this block."""
        return self.sample + len(self.samples)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SampleBlock(_Block):
    """A run of consecutive ECG samples from one device.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        The signal in mV.
    fs : float
        Nominal sampling rate in Hz.
    sample : int, optional
        Index of the first sample since the start of the stream, in the device's own rate. Samples that were
        lost on the way are counted: an index larger than the end of the block before it is a gap of exactly
        that many samples. None (the default): this block goes on where the one before it ended; it then
        reads 0, and ``placed`` is False.
    device_time_ns : int, optional
        The device's own clock at the **last** sample, in nanoseconds.
    host_time_s : float, optional
        Arrival time on the host's monotonic clock, in seconds.
    device : str
        Name or address of the device.
    fs_hat : float, optional
        The true rate that was measured so far, in Hz. It stretches times and intervals, not indices; None:
        only the nominal one is known.

    Attributes
    ----------
    placed : bool
        Whether ``sample`` was given.

    Examples
    --------
    >>> import numpy as np
    >>> block = SampleBlock(samples=np.zeros(73, np.float32), fs=130.0, sample=0)
    >>> block.end_sample
    73
    >>> block
    SampleBlock(73 samples at 130 Hz, sample=0)
    """


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinkState(JsonEvent):
    """The link came to a state.

    Parameters
    ----------
    sample, time_s
        Where in the ECG stream it happened.
    state : str
        ``scanning``, ``connecting``, ``setting_up``, ``waiting`` (for the first frame), ``streaming``,
        ``backing_off`` (the link is down until the next try) or ``stopped``.
    detail : str
        What is looked for, or why the link is down, in words.
    device : str
        Name or address of the device.
    code : LinkCode, optional
        Why the link is down.
    retry_s : float, optional
        Seconds until the next try.

    Examples
    --------
    >>> LinkState(650, 5.0, "backing_off", "the connection was lost", code=LinkCode.LOST).code == "lost"
    True
    """

    sample: int
    time_s: float
    state: str
    detail: str = ""
    device: str = ""
    code: LinkCode | None = None
    retry_s: float | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Note(JsonEvent):
    """Something to be known of a stream that goes on.

    Parameters
    ----------
    sample, time_s
        Where in the ECG stream it belongs.
    code : NoteCode
        What it is about.
    detail : str
        The same in words, with the figures of the case; empty where the code's ``sentence`` is all.
    device : str
        Name or address of the device.
    """

    sample: int
    time_s: float
    code: NoteCode
    detail: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FrameLost(JsonEvent):
    """A frame that could not be read; the stream goes on, and what was in it shows as a gap.

    Parameters
    ----------
    sample, time_s
        Where in the ECG stream it came.
    code : FrameCode
        Why it could not be read.
    detail : str
        The same in words.
    device : str
        Name or address of the device.
    """

    sample: int
    time_s: float
    code: FrameCode
    detail: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Battery(JsonEvent):
    """Battery level of the device in percent (0 to 100)."""

    sample: int
    time_s: float
    percent: int
    device: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mark(JsonEvent):
    """A moment that the wearer or an observer marked, with what was felt or done.

    Examples
    --------
    >>> Mark(1300, 10.0, "palpitations").to_json()["type"]
    'mark'
    """

    sample: int
    time_s: float
    text: str = ""


Status = LinkState | Note | FrameLost | Battery
"""What is to be known of the link and the device, beside what it measures."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeartRate(JsonEvent):
    """Heart rate as the device itself has found it.

    Parameters
    ----------
    sample : int
        Index in the ECG stream at which it came; 0 where the device sends no ECG.
    time_s : float
        The same in seconds; without ECG the time since the first measurement.
    bpm : int
        Beats per minute.
    rr_ms : tuple of float
        Intervals between the beats since the last measurement, oldest first, in ms.
    contact : bool or None
        Whether the skin is in contact with the sensor; None if the device does not measure it.
    energy_kj : int or None
        Energy expended since the last reset, in kilojoule; None if not sent.
    device : str
        Name or address of the device.

    Examples
    --------
    >>> HeartRate(sample=130, time_s=1.0, bpm=61, rr_ms=(984.375,)).to_json()["type"]
    'heartrate'
    """

    sample: int
    time_s: float
    bpm: int
    rr_ms: tuple[float, ...] = ()
    contact: bool | None = None
    energy_kj: int | None = None
    device: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Acceleration(_Block):
    """A run of consecutive acceleration samples from one device.

    Parameters
    ----------
    samples : ndarray of float32, shape (n, 3)
        x, y and z in g (9.81 m/s2).
    fs : float
        Nominal sampling rate in Hz.
    sample : int
        Index of the first sample since the start of this stream, lost samples counted; see
        :class:`SampleBlock`. It counts acceleration samples, not ECG samples.
    device_time_ns : int, optional
        The device's own clock at the **last** sample, in nanoseconds.
    host_time_s : float, optional
        Arrival time on the host's monotonic clock, in seconds.
    device : str
        Name or address of the device.

    Examples
    --------
    >>> import numpy as np
    >>> Acceleration(samples=np.zeros((36, 3), np.float32), fs=200.0, sample=36).end_sample
    72
    """
