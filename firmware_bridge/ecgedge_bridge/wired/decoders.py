"""From a stream of bytes to blocks: our own frames or lines of numbers, whichever comes; without any I/O.

Call ``receive`` with each piece of bytes and its time of arrival. The same bytes give the same blocks,
however they are cut. Memory is bounded, whatever comes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.own.frames import FrameDecoder, decode_frame
from ecgedge_bridge.stream.decoder import DecoderStats, Event
from ecgedge_bridge.values import FrameLost, Place
from ecgedge_bridge.wired.cobs import LONGEST, FrameSplitter, uncobs
from ecgedge_bridge.wired.lines import LineSplitter, read_line
from ecgedge_bridge.wired.numbers import NumberDecoder, Scaling
from ecgedge_bridge.wired.pace import PAUSE_S
from ecgedge_bridge.wired.table import Layout, find_layout, rows_needed, unwrapped

__all__ = ["ByteDecoder", "Wanted"]

_NAN = float("nan")
_BATCH_S = 0.05
# So many lines in a row that cannot be read were samples; more are something else.
_MOST_DAMAGED = 3
# A board says what it is within some kilobytes: its start-up messages, and a frame.
_MOST_UNKNOWN = 1 << 16
_LINES_SHOW = 3
_MOST_KEPT = 2 * LONGEST
_ENDS = re.compile(rb"[\0\n]")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user said of a source; None where the source says it.

    Parameters
    ----------
    fs : float, optional
        Rate in Hz.
    channel : str, optional
        Name or number (from 0) of a column.
    scaling : Scaling, optional
        How bare numbers become mV; None: they are.
    """

    fs: float | None = None
    channel: str | None = None
    scaling: Scaling | None = None


class _Trouble:
    """What could not be read since the last thing that could: one event for all of it."""

    def __init__(self) -> None:
        self._count = self._bytes = 0
        self._error: FrameError | None = None

    def add(self, error: FrameError, size: int) -> None:
        self._count += 1
        self._bytes += size
        self._error = self._error or error

    def told(self, place: Place, device: str) -> list[Event]:
        error, count, size = self._error, self._count, self._bytes
        self._error, self._count, self._bytes = None, 0, 0
        if error is None:
            return []
        more = f", and {count - 1} like it" if count > 1 else ""
        words = f"{error}{more} ({size} bytes in all)"
        return [FrameLost(*place, error.code, words, device)]


D = TypeVar("D", FrameDecoder, NumberDecoder)


class _Found(Generic[D]):
    """What is known of a source whose decoder is made once its bytes tell which it needs."""

    _decoder: D | None = None
    readable = 0

    @property
    def place(self) -> Place:
        return self._decoder.place if self._decoder else Place(0, 0.0)

    @property
    def fs_hat(self) -> float:
        return self._decoder.fs_hat if self._decoder else 0.0

    @property
    def stats(self) -> DecoderStats:
        return self._decoder.stats if self._decoder else DecoderStats()


class _Frames(_Found[FrameDecoder]):
    """Our own frames."""

    def __init__(self, device: str, wanted: Wanted) -> None:
        self._device, self._fs = device, wanted.fs
        self._splitter = FrameSplitter()
        self._trouble = _Trouble()

    def receive(self, data: bytes, host_time_s: float) -> list[Event]:
        events: list[Event] = []
        for frame, error, size in self._splitter.split(data):
            if error is not None:
                self._trouble.add(error, size)
                continue
            if self._decoder is None:
                self._decoder = FrameDecoder(self._device, self._fs or decode_frame(frame).fs)
            events += self._trouble.told(self.place, self._device)
            found = self._decoder.receive_data(frame, host_time_s)
            self.readable += not all(isinstance(event, FrameLost) for event in found)
            events += found
        return events

    def link_lost(self) -> list[Event]:
        self._splitter.reset()
        if self._decoder:
            self._decoder.link_lost()
        return []

    def finish(self) -> list[Event]:
        return self._trouble.told(self.place, self._device)


class _Row(NamedTuple):
    numbers: tuple[float, ...]
    host_time_s: float


class _Lines(_Found[NumberDecoder]):
    """Lines of numbers."""

    def __init__(self, device: str, wanted: Wanted, is_whole: bool) -> None:
        self._device, self._wanted = device, wanted
        self._splitter = LineSplitter()
        self._trouble = _Trouble()
        self._is_whole = is_whole
        # The first line may be the end of one.
        self._may_be_cut = not is_whole
        self._names: tuple[str, ...] = ()
        self._rows: list[_Row] = []
        self._layout: Layout | None = None
        self._batch: list[tuple[float, float]] = []
        self._size, self._damaged = 1, 0
        self._last_tick, self._host_s = -1.0, 0.0

    def receive(self, data: bytes, host_time_s: float) -> list[Event]:
        paused = host_time_s - self._host_s > PAUSE_S
        events = self._flushed() if paused else []
        self._host_s = host_time_s
        for line in self._splitter.split(data):
            events += self._line(line, host_time_s)
        return events

    def link_lost(self) -> list[Event]:
        self._splitter.rest()
        self._may_be_cut = not self._is_whole
        events = self._flushed()
        if self._decoder:
            self._decoder.link_lost()
        return events

    def finish(self) -> list[Event]:
        events = self._line(self._splitter.rest(), self._host_s) if self._is_whole else []
        if self._layout is None and self._rows:
            events += self._start()
        events += self._flushed()
        if self._decoder:
            events += self._decoder.finish()
        return events + self._trouble.told(self.place, self._device)

    def _line(self, line: bytes, host_time_s: float) -> list[Event]:
        numbers, names, is_bad = read_line(line)
        if names and not self._rows and self._layout is None:
            self._names = names
        if not numbers and not is_bad:
            return []
        if self._may_be_cut:
            self._may_be_cut = False
            return []
        if is_bad:
            self._damaged += 1
            error = FrameError("a line that is no number; correct what the board prints", FrameCode.VALUE)
            self._trouble.add(error, len(line))
            return []
        events = self._row(_Row(numbers, host_time_s))
        self.readable += 1
        return events

    def _row(self, row: _Row) -> list[Event]:
        damaged, self._damaged = self._damaged, 0
        if self._layout is not None:
            events: list[Event] = []
            for _ in range(damaged if damaged <= _MOST_DAMAGED else 0):
                events += self._put(_Row((), row.host_time_s))
            return events + self._put(row)
        if not self._rows and all(map(np.isnan, row.numbers)):
            return []
        self._rows.append(row)
        columns = max(len(one.numbers) for one in [*self._rows[:2], row])
        return self._start() if len(self._rows) >= rows_needed(columns, self._wanted.fs) else []

    def _start(self) -> list[Event]:
        """Find the layout from the first rows, and take them."""
        wanted, rows = self._wanted, self._rows
        found = find_layout(
            [one.numbers for one in rows], self._names, wanted.fs, wanted.channel, self._device
        )
        self._layout, self._rows = found, []
        self._size = max(1, round(_BATCH_S * found.fs))
        self._decoder = NumberDecoder(
            self._device, found.fs, stamped=found.time is not None, scaling=wanted.scaling
        )
        return [event for row in rows for event in self._put(row)]

    def _put(self, row: _Row) -> list[Event]:
        assert self._layout is not None
        columns, value, _, time, tick_s = self._layout
        numbers = row.numbers if len(row.numbers) == columns else (_NAN,) * columns
        stamp_s = 0.0
        if time is not None:
            if np.isnan(numbers[time]):
                return []  # the next stamp shows that it is missing
            self._last_tick = unwrapped(numbers[time], self._last_tick)
            stamp_s = self._last_tick * tick_s
        self._batch.append((numbers[value], stamp_s))
        return self._flushed() if len(self._batch) >= self._size else []

    def _flushed(self) -> list[Event]:
        batch, self._batch = self._batch, []
        if not batch or self._decoder is None or self._layout is None:
            return []
        events = self._trouble.told(self.place, self._device)
        values, stamps_s = np.array(batch, np.float64).T
        stamped = stamps_s if self._layout.time is not None else None
        return events + self._decoder.take(values, stamped, self._host_s)


class ByteDecoder:
    """Turn a stream of bytes into blocks and what is to be known of it.

    Parameters
    ----------
    device : str
        Name that they carry.
    wanted : Wanted
        What the user said.
    is_whole : bool
        Whether the stream is read from its beginning on; else its first line may be the end of one.

    Attributes
    ----------
    readable : int
        Frames and lines that could be read so far.

    Raises
    ------
    ConfigError
        From :meth:`receive`: the source says neither its rate, nor does the user.

    Examples
    --------
    >>> decoder = ByteDecoder("board", Wanted(fs=250.0), is_whole=True)
    >>> blocks = decoder.receive(b"0.1\\n0.2\\n0.3\\n", 0.0) + decoder.finish()
    >>> [block.samples.round(1).tolist() for block in blocks]
    [[0.10000000149011612, 0.20000000298023224, 0.30000001192092896]]
    """

    def __init__(self, device: str, wanted: Wanted, *, is_whole: bool) -> None:
        self._frames = _Frames(device, wanted)
        self._lines = _Lines(device, wanted, is_whole)
        self._chosen: _Frames | _Lines | None = None
        self._head: list[tuple[bytes, float]] = []
        self._head_size = self._numbers = 0
        self._frame, self._line = bytearray(), bytearray()

    @property
    def _now(self) -> _Frames | _Lines:
        return self._chosen or self._lines

    @property
    def readable(self) -> int:
        """Frames and lines that could be read so far."""
        return self._now.readable

    @property
    def place(self) -> Place:
        """Where the next sample belongs if nothing is lost before it."""
        return self._now.place

    @property
    def fs_hat(self) -> float:
        """Estimate of the true rate in Hz; 0 while nothing is known."""
        return self._now.fs_hat

    @property
    def stats(self) -> DecoderStats:
        """Counts so far."""
        return self._now.stats

    def receive(self, data: bytes, host_time_s: float) -> list[Event]:
        """Take the next bytes, and return what they led to."""
        if self._chosen is not None:
            return self._chosen.receive(data, host_time_s)
        self._head.append((data, host_time_s))
        self._head_size += len(data)
        self._chosen = self._shown(data)
        if self._chosen is not None:
            return self._replayed(self._chosen)
        while self._head_size > _MOST_UNKNOWN:
            self._head_size -= len(self._head.pop(0)[0])
        return []

    def link_lost(self) -> list[Event]:
        """Note that the connection broke: what was begun is no more gone on with."""
        self._head, self._head_size, self._numbers = [], 0, 0
        self._frame.clear()
        self._line.clear()
        return self._now.link_lost()

    def finish(self) -> list[Event]:
        """Return what waited for more."""
        events = self._replayed(self._lines) if self._chosen is None else []
        return events + self._now.finish()

    def _replayed(self, chosen: _Frames | _Lines) -> list[Event]:
        head, self._head = self._head, []
        self._frame.clear()
        self._line.clear()
        return [event for data, host_s in head for event in chosen.receive(data, host_s)]

    def _shown(self, data: bytes) -> _Frames | _Lines | None:
        """What the bytes so far show: a frame with its CRC, or some lines of numbers in a row."""
        start = 0
        for end in _ENDS.finditer(data):
            self._begin(data[start : end.end()])
            start = end.end()
            if end[0] == b"\0":
                is_frame = _is_frame(bytes(self._frame[:-1]))
                self._frame.clear()
                self._line.clear()
                self._numbers = 0
                if is_frame:
                    return self._frames
            elif self._is_third():
                return self._lines
        self._begin(data[start:])
        return None

    def _begin(self, data: bytes) -> None:
        """Keep what came of a frame, which may hold line ends, and of a line."""
        for kept in (self._frame, self._line):
            kept += data[: _MOST_KEPT + 1 - len(kept)]

    def _is_third(self) -> bool:
        """Whether the line that has ended is one of numbers, as some before it."""
        line = read_line(bytes(self._line.strip(b"\r\n")))
        self._line.clear()
        if line.numbers or line.is_bad:
            self._numbers = self._numbers + 1 if line.numbers else 0
        return self._numbers >= _LINES_SHOW


def _is_frame(segment: bytes) -> bool:
    if not segment or len(segment) > LONGEST:
        return False
    try:
        decode_frame(uncobs(segment))
    except FrameError:
        return False
    return True
