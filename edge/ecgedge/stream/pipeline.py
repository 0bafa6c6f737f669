"""The runtime: blocks of samples in, events out; no clock, no threads, no I/O."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt

from ecgedge.events import Event, Gap, Note
from ecgedge.stream.clock import SampleClock
from ecgedge.stream.filters import Filter
from ecgedge.stream.intake import Bridges, numbers, one_lead, runs
from ecgedge.stream.plan import planned
from ecgedge.stream.ring import Ring
from ecgedge.stream.segment import Segment
from ecgedge.stream.stage import TICK_S, Stage
from ecgedge.stream.stats import MonitorStats
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

# Slower, and the QRS complex (5 to 15 Hz) is not all there; faster than any ECG front end.
FS_RANGE = (50.0, 4000.0)
# Samples are kept this much longer than what the filters made of them: their delay, and a tick.
RAW_AHEAD_S = 6.0
# Bridged samples are told at a segment's end, and each minute while there are some.
TELL_S = 60.0
LAST_SAMPLE = 2**53  # float64 counts no further, and at 4 kHz that is 71,000 years
LATENCIES = 10_000  # timings kept for each stage: an hour and more of ticks


Missing = Literal["lost", "not_finite"]


class Pipeline:
    """Filters, ring and stages behind one stream; :class:`ecgedge.Monitor` is this with the bundled models.

    Parameters
    ----------
    stages : sequence of Stage
        In the order in which they run. One pipeline owns them: they hold the state of its stream.
    fs : float
        Rate that the stages work at, in Hz.
    front : callable
        Makes the filters for a rate: ``front(fs_in)`` turns samples at ``fs_in`` into samples at ``fs``.
    fs_in : float, optional
        Rate of the blocks where it must be a certain one; else that of the first block.
    timer : callable, optional
        A clock in seconds, such as ``time.perf_counter``, to measure the stages with; the core reads none
        itself.

    Raises
    ------
    ConfigError
        The stages are in a wrong order, work at another rate, or need more signal than is ever kept.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        fs: float,
        front: Callable[[float], Filter],
        *,
        fs_in: float | None = None,
        timer: Callable[[], float] | None = None,
    ) -> None:
        if fs_in is not None:
            _check_rate(fs_in)
        self._stages, self._fs, self._front, self._asked_fs = tuple(stages), fs, front, fs_in
        self._timer = timer
        plan = planned(self._stages, fs)
        self._latency = {part: round(seconds * fs) for part, seconds in plan.latency_s.items()}
        self._ring, self._raw_s = Ring(math.ceil(plan.buffer_s * fs)), plan.raw_s
        self._tick = round(TICK_S * fs)
        self._busy = Lock()
        self.reset()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: models hold a runtime's memory, and a stream half heard is no value."""
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled or sent to another process: make one there, and feed "
            "it the blocks; its events can be pickled"
        )

    def __copy__(self) -> NoReturn:
        """Refuse to be copied: two would write to one ring."""
        raise TypeError(
            f"a {type(self).__name__} cannot be copied: make another one, which may share the models "
            "(Monitor(monitor.models)), or reset() this one"
        )

    def __deepcopy__(self, memo: object) -> NoReturn:
        """Refuse to be copied."""
        self.__copy__()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages, in the order in which they run."""
        return self._stages

    @property
    def buffer_s(self) -> float:
        """Seconds of filtered signal that are kept, as the stages' windows and latencies ask for."""
        return self._ring.capacity / self._fs

    def reset(self) -> None:
        """Start afresh: the next block begins a new stream, and no stage remembers the last one."""
        self._fs_in = self._asked_fs
        self._filters: Filter | None = None
        self._segment: Segment | None = None
        self._raw: Ring | None = None  # the segment before the filters, from its first value on
        self._next: int | None = None  # index of the sample that should come next
        self._clock_of_stream: SampleClock | None = None
        self._missing: tuple[int, Missing] | None = None  # where a gap began that has not ended yet
        self._stats = MonitorStats()
        for stage in self._stages:
            stage.reset()

    @property
    def stats(self) -> MonitorStats:
        """Counters since the start of the stream."""
        return self._stats

    def feed(self, block: SampleBlock | npt.ArrayLike) -> list[Event]:
        """Take a block, return what it led to.

        Parameters
        ----------
        block : SampleBlock or array of shape (n,)
            A block without a place goes on where the one before it ended; so does a bare array in mV, which
            is taken where the rate is known: from ``fs`` when this was made, or from a block before.

        Raises
        ------
        ConfigError
            The block's rate is impossible, not that of the stream, or not known.
        TypeError, ValueError
            The samples are no one-dimensional array of numbers.
        RuntimeError
            Another thread is feeding this one.
        """
        self._enter()
        try:
            return self._feed(block if isinstance(block, SampleBlock) else self._as_block(block))
        finally:
            self._busy.release()

    def _enter(self) -> None:
        """Refuse a second thread: blocks have an order, and two threads have none."""
        if not self._busy.acquire(blocking=False):
            raise RuntimeError(
                "another thread is feeding this monitor: feed it from one thread, or give each stream a "
                "monitor of its own (they may share Models)"
            )

    def _feed(self, block: SampleBlock) -> list[Event]:
        fs = self._rate(block)
        samples = one_lead(block.samples)
        events: list[Event] = []
        start = block.sample if block.placed else self._next or 0
        if not 0 <= start <= LAST_SAMPLE:
            raise ValueError(f"a block at sample {start}: an index lies between 0 and 2**53, the first is 0")
        if self._next is not None and start < self._next and len(samples):
            samples, start = samples[self._next - start :], self._next
            at_s = self._clock.seconds(start)
            events.append(Note(start, at_s, NoteCode.OUT_OF_ORDER, device=block.device))
        if self._next is not None and start > self._next:
            events += self._miss(self._next, start, "lost")
        if len(samples):
            self._clock.tell(start, block.fs_hat)
        if (whole := numbers(samples)) is not None:
            events += self._take(start, whole, fs)
        else:
            events += self._take_runs(start, samples, fs)
        # An empty block with an old index does not rewind the stream.
        self._next = max(start + len(samples), self._next or start)
        return events

    def finish(self) -> list[Event]:
        """Flush what is pending at the end of the stream; the next block starts a new one in the same
        numbering."""
        self._enter()
        try:
            events = self._end_segment()
            if self._missing and self._next is not None:
                events += self._end_gap(self._next)
            return events
        finally:
            self._busy.release()

    def _as_block(self, samples: npt.ArrayLike) -> SampleBlock:
        if self._fs_in is None:
            raise ConfigError(
                "samples without a rate: give it when the monitor is made, Monitor(fs=130.0), or feed a "
                "SampleBlock(samples, fs=130.0)"
            )
        return SampleBlock(np.asanyarray(samples), self._fs_in)

    def _rate(self, block: SampleBlock) -> float:
        if self._fs_in is None:
            _check_rate(block.fs)
            self._fs_in = block.fs
        if block.fs != self._fs_in:
            raise ConfigError(
                f"a block at {block.fs:g} Hz in a stream at {self._fs_in:g} Hz: "
                "call reset() before another recording, or make one Monitor for each device"
            )
        return self._fs_in

    @property
    def _clock(self) -> SampleClock:
        if self._clock_of_stream is None:
            assert self._fs_in is not None
            self._clock_of_stream = SampleClock(self._fs_in)
        return self._clock_of_stream

    def _take_runs(self, at: int, samples: npt.NDArray[Any], fs: float) -> list[Event]:
        """Take samples of which some are no numbers, or very many."""
        events: list[Event] = []
        for start, end, piece in runs(samples):
            if piece is None:
                events += self._miss(at + start, at + end, "not_finite")
            else:
                events += self._take(at + start, piece, fs)
        return events

    def _take(self, at: int, piece: npt.NDArray[np.float64], fs: float) -> list[Event]:
        """Take a run of samples."""
        events = self._end_missing(at, float(piece[0])) if self._missing else []
        if self._segment is None:
            self._start_segment(at, fs)
            # Taken off before float32: raw counts may lie far from zero.
            self._first = float(piece[0])
        self._stats.samples += len(piece)
        self._last, self._taken_to = float(piece[-1]), at + len(piece)
        return events + self._put(piece, fs)

    def _put(self, piece: npt.NDArray[np.float64], fs: float) -> list[Event]:
        """Let samples wait for the next tick, and filter when it is due."""
        events: list[Event] = []
        while len(piece):
            room = self._wanted - self._waiting
            taken, piece = piece[:room], piece[room:]
            self._input[self._waiting : self._waiting + len(taken)] = taken
            self._waiting += len(taken)
            if self._waiting == self._wanted:
                events += self._filter(fs)
        return events

    def _start_segment(self, at: int, fs: float) -> None:
        self._filters = self._filters or self._front(fs)
        self._filters.reset()
        self._ring.reset()
        self._bridges = Bridges(fs, at)
        if self._raw is None and self._raw_s:
            self._raw = Ring(math.ceil((self._raw_s + RAW_AHEAD_S) * fs))
        if self._raw is not None:
            self._raw.reset()
        self._input = np.empty(self._until_tick(fs))
        self._waiting, self._wanted = 0, len(self._input)
        self._segment = Segment(
            at,
            fs,
            self._fs,
            self._ring,
            self._latency,
            self._stats.counts,
            raw=self._raw,
            clock=self._clock,
        )
        for stage in self._stages:
            stage.start(self._segment)

    def _until_tick(self, fs: float) -> int:
        """Samples to wait for: filtering them before the next tick is due would be work for nothing."""
        return math.ceil((self._tick - self._ring.written % self._tick) * fs / self._fs)

    def _filter(self, fs: float) -> list[Event]:
        """Filter the samples that wait; how many there are does not depend on how they came."""
        assert self._filters is not None
        begun = self._now()
        taken = self._input[: self._waiting]
        if self._raw is not None:
            self._raw.write(taken, self._first)
        filtered = self._filters.feed(taken)
        if len(filtered):
            self._note_latency("filter", begun)
        events = self._write(filtered)
        self._waiting, self._wanted = 0, self._until_tick(fs)
        if self._bridges.count and self._bridged_long_ago(fs):
            events += self._tell_bridges()
        return events

    def _bridged_long_ago(self, fs: float) -> bool:
        assert self._segment is not None
        return self._segment.sample(self._ring.written) - self._bridges.first >= TELL_S * fs

    def _tell_bridges(self) -> list[Event]:
        """Say how many samples were bridged since the last time."""
        if not self._bridges.count or self._segment is None:
            return []
        first = self._bridges.first
        return [Note(first, self._segment.seconds(first), NoteCode.BRIDGED, self._bridges.told())]

    def _write(self, filtered: npt.NDArray[np.float64]) -> list[Event]:
        """Put filtered samples into the ring tick by tick, and let the stages look after each."""
        events: list[Event] = []
        while len(filtered):
            room = self._tick - self._ring.written % self._tick
            self._ring.write(filtered[:room])
            filtered = filtered[room:]
            if self._ring.written % self._tick == 0:
                events += self._advance()
        return events

    def _advance(self) -> list[Event]:
        segment = self._segment
        assert segment is not None
        events: list[Event] = []
        for stage in self._stages:
            events += self._timed(stage, segment) if self._timer else stage.advance(segment)
        segment.forget()
        return events

    def _timed(self, stage: Stage, segment: Segment) -> Sequence[Event]:
        """Let a stage look, and note how long it took.

        A tick at which it found nothing costs it next to nothing, and would only lower the figures.
        """
        begun, marks = self._now(), segment.n_beats + len(segment.verdicts)
        found = stage.advance(segment)
        if found or segment.n_beats + len(segment.verdicts) > marks:
            self._note_latency(stage.name, begun)
        return found

    def _now(self) -> float:
        return self._timer() if self._timer else 0.0

    def _note_latency(self, name: str, begun: float) -> None:
        if self._timer:
            self._stats.latency.setdefault(name, deque(maxlen=LATENCIES)).append(self._timer() - begun)

    def _end_segment(self) -> list[Event]:
        if self._segment is None or self._filters is None:
            return []
        # What the filters still hold may end a little behind the last sample: no index passes this one.
        self._segment.end_sample = self._taken_to
        events = self._filter(self._segment.fs_in)
        events += self._write(self._filters.finish())
        self._segment.ended = True
        events += self._advance() + self._tell_bridges()
        self._segment = None
        return events

    def _miss(self, start: int, end: int, reason: Missing) -> list[Event]:
        """Note that samples are missing; what cannot be bridged ends the segment."""
        began, so_far = self._missing or (start, reason)
        self._missing = (began, "not_finite" if "not_finite" in (so_far, reason) else "lost")
        bridging = self._segment is not None and self._bridges.possible(began, end)
        return [] if bridging else self._end_segment()

    def _end_missing(self, at: int, after: float) -> list[Event]:
        """Samples come again from ``at`` on: bridge what was missing, or report the gap."""
        assert self._missing is not None
        if self._segment is None:
            return self._end_gap(at)
        start, self._missing = self._missing[0], None
        self._stats.bridged += at - start
        return self._put(self._bridges.line(start, at, self._last, after), self._segment.fs_in)

    def _end_gap(self, at: int) -> list[Event]:
        assert self._missing is not None
        (start, reason), self._missing = self._missing, None
        self._stats.lost += at - start
        seconds = self._clock.seconds
        return [Gap(start, seconds(start), at, seconds(at), at - start, reason)]


def _check_rate(fs: float) -> None:
    if not FS_RANGE[0] <= fs <= FS_RANGE[1]:
        low, high = FS_RANGE
        raise ConfigError(
            f"a sampling rate of {fs:g} Hz is outside {low:g} to {high:g} Hz: give the true rate in Hz"
        )
