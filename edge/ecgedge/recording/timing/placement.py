"""Where each row of a recording belongs in the stream: what was lost before it, and where the clock stepped.

A stamp is compared with the one that the count of samples predicts. It may be late or early for four reasons:

* noise: rounding, jitter, a stall of the program that wrote it. Later stamps come back to the prediction.
* a loss: this stamp and all later ones are late by a whole number of samples. The smallest lateness of the
  seconds that follow is what counts, since a stall comes back and a loss does not.
* a step of the clock: all later stamps are early, or late by an hour and more. Nothing is lost; the stamps
  count from there on afresh. An hour and more is what daylight saving time, a set clock or a wrong year
  do, and nobody wears a strap for an hour that does not answer. Where the file has a second clock (a
  phone's beside the sensor's), it decides: what both show is a loss, however long; what one shows is a
  step of that clock.
* drift, which a slow correction of the prediction follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ecgedge.recording.timing.observations import Observations, observe
from ecgedge.recording.timing.rate import Clock

__all__ = ["Placed", "Stamped", "place"]

Float = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Shorter than an hour by more than the noise of any stamp: daylight saving time steps by exactly an hour.
_LONGEST_LOSS_S = 3590.0
# A second clock that shows the same within two seconds or five percent confirms a loss (a phone's stamp is
# that of the frame's arrival).
_AGREE_S, _AGREE = 2.0, 0.05
_LOOK_S = 10.0  # how long a stall may last: Android holds notifications back for up to that
_LOOK_GROUPS = 24
_MOST_ROWS = 65_536
_SMALL_STEP_S = 0.05  # steps that no analysis of heartbeats notices need no note
_CONFIRM = 3  # stamps that have to be early before the clock has stepped back
# Running medians of this many stamps leave noise of a twelfth of a sample: (1.25 * sigma / (p / 12)) ** 2.
_MEDIAN_STAMPS, _MEDIAN_MOST = 15.0, 512
_HIDDEN = 0.25  # of the width of jitter: smaller losses do not show, and what looks like one is correlation
_OVERLAP = (
    8  # running medians begin an eighth of their width apart: a whole second of them costs as much as one row
)
_FEW = 8  # stamps: fewer tell nothing among jitter
_SURE = 5.0  # times sigma of the mean: four times that of a median
_SIGMA = 5.6  # widths of the noise (1 to 99 %, and a fifth) in standard deviations
_SETTLE = 4.0  # stamps over which the prediction follows drift, at least
_MARGIN = 0.05  # of a sample, for drift


@dataclass(frozen=True, slots=True, eq=False)
class Stamped:
    """Rows with their stamps, each array of shape (n,); ``second_ns`` is a second clock, or None."""

    mv: Float
    time_ns: Int64
    second_ns: Int64 | None = None

    def __len__(self) -> int:
        return len(self.mv)

    def part(self, start: int, stop: int | None = None) -> Stamped:
        """Give some of the rows."""
        second = None if self.second_ns is None else self.second_ns[start:stop]
        return Stamped(self.mv[start:stop], self.time_ns[start:stop], second)

    def joined(self, other: Stamped) -> Stamped:
        """Give these rows and others behind them."""
        second = None
        if self.second_ns is not None and other.second_ns is not None:
            second = np.concatenate([self.second_ns, other.second_ns])
        return Stamped(
            np.concatenate([self.mv, other.mv]), np.concatenate([self.time_ns, other.time_ns]), second
        )


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Consecutive rows; before the first ``lost`` samples are missing and the clock stepped by ``step_s``."""

    rows: Stamped
    lost: int = 0
    step_s: float = 0.0


def place(chunks: Iterator[Stamped], clock: Clock) -> Iterator[Placed]:
    """Say for all rows what was lost before them.

    Parameters
    ----------
    chunks : iterator of Stamped
        The rows of a recording, in any portions.
    clock : Clock
        What their stamps follow.

    Yields
    ------
    Placed
        Every row, in its order. At most the rows of ten seconds are held back, and only at a stamp that noise
        does not explain.

    Examples
    --------
    >>> from ecgedge.recording.timing.rate import measure
    >>> stamps = np.delete(np.arange(1000) * 8_000_000, slice(300, 340))
    >>> placed = place(iter([Stamped(np.zeros(960), stamps)]), measure(stamps))
    >>> [(len(piece.rows), piece.lost) for piece in placed]
    [(300, 0), (1, 40), (659, 0)]
    """
    return _Placing(chunks, clock).run()


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a stamp that noise does not explain stands for; ``skip`` observations share it."""

    skip: int
    late: float = 0.0  # in samples, for good
    lost: int = 0
    step_s: float = 0.0


class _Placing:
    """Rows that are not placed yet, and the prediction of their stamps."""

    def __init__(self, chunks: Iterator[Stamped], clock: Clock) -> None:
        self._chunks = chunks
        self._clock = clock
        spread = clock.spread_ns / clock.period_ns
        self._look = int(min(max(_LOOK_S * 1e9 / clock.period_ns, _LOOK_GROUPS * clock.frame), _MOST_ROWS))
        stamps = int(np.clip(np.ceil((_MEDIAN_STAMPS * spread / _SIGMA) ** 2), 1, _MEDIAN_MOST))
        # Noise narrower than a sample needs no mean, and a mean would mix losses that follow each other.
        self._stamps = 1 if spread < 1 else min(stamps, max(_LOOK_GROUPS, self._look // clock.frame)) | 1
        self._settle = max(_SETTLE, float(self._stamps))
        # Halfway between noise and the smallest loss that noise does not hide.
        self._most_late = 0.5 * (1 + spread) + _MARGIN * (1 + 2 * spread)
        self._rows = Stamped(np.empty(0), np.empty(0, np.int64))
        self._ended = False
        self._rows_of_first = 0  # rows that share a first stamp with rows before the recording
        self._done = 0  # rows placed so far
        self._origin_ns = 0  # first stamp; differences to it keep their ns in a float
        self._level_ns: float | None = None  # predicted stamp of row 0, behind the first
        self._before_ns: int | None = None
        self._second_before_ns: int | None = None

    def run(self) -> Iterator[Placed]:
        while self._fetch(1):
            yield from self._advance()

    def _fetch(self, rows: int) -> bool:
        """Hold at least so many rows, if there are as many; True where there is one."""
        while len(self._rows) < rows and not self._ended:
            more = next(self._chunks, None)
            if more is None:
                self._ended = True
            else:
                self._rows = self._rows.joined(more) if len(self._rows) else more
        return len(self._rows) > 0

    def _advance(self) -> Iterator[Placed]:
        """Place rows up to a stamp that noise does not explain, or else what that one stands for."""
        if self._level_ns is None:
            self._start()
        seen = self._observed()
        if not len(seen) and not self._ended and len(self._rows) < _MOST_ROWS:
            self._fetch(len(self._rows) + 1)
            return
        late = self._late(seen)
        odd = np.flatnonzero(np.abs(late) > self._most_late)
        until = int(odd[0]) if len(odd) else len(seen)
        rows = seen.first(until).rows if len(seen) else len(self._rows)
        if rows or not len(odd):
            self._follow(late[:until])
            if rows:
                yield self._take(rows)
            return
        if len(self._rows) < self._look and not self._ended:
            self._fetch(self._look)
            seen = self._observed()
            late = self._late(seen)
        verdict = self._verdict_on_late(late) if late[0] > 0 else self._verdict_on_early(late)
        assert self._level_ns is not None
        self._level_ns += verdict.late * self._clock.period_ns
        yield self._take(max(1, seen.first(verdict.skip).rows), verdict)

    def _start(self) -> None:
        """Predict from the first stamps; the first of all only where its group is known to be whole."""
        self._fetch(self._look)
        self._origin_ns = int(self._rows.time_ns[0])
        self._level_ns = 0.0
        seen = self._observed()
        sizes = np.diff(seen.start)
        whole = self._clock.frame > 1 and sizes[:1] == self._clock.frame
        if len(sizes) > 1 and np.max(sizes) > 1 and not whole:
            self._rows_of_first = int(sizes[0])
            seen = self._observed()
        if len(seen):
            self._level_ns = float(np.median(self._late(seen)[: self._stamps])) * self._clock.period_ns

    def _observed(self) -> Observations:
        seen = observe(self._rows.time_ns, self._clock.grouping, before_ns=self._before_ns, whole=self._ended)
        if self._done < self._rows_of_first:
            seen = seen.without_first()
        if self._ended and self._clock.grouping.last and len(seen):
            # A recording that was cut inside a frame has that frame's stamp on too few rows.
            cut = seen.rows - int(seen.start[-1]) < self._clock.frame
            return replace(seen.first(len(seen) - 1), rows=seen.rows) if cut else seen
        return seen

    def _late(self, seen: Observations) -> Float:
        """How much later than predicted stamps are, in samples."""
        assert self._level_ns is not None
        time = (seen.time_ns - self._origin_ns).astype(np.float64) - self._level_ns
        return time / self._clock.period_ns - (self._done + seen.row)

    def _follow(self, late: Float) -> None:
        """Let the prediction follow drift."""
        if len(late) and self._level_ns is not None:
            gain = min(1.0, len(late) / self._settle)
            self._level_ns += gain * float(np.median(late)) * self._clock.period_ns

    def _take(self, count: int, verdict: _Verdict | None = None) -> Placed:
        """Hand out rows, with what was found before the first of them."""
        rows, self._rows = self._rows.part(0, count), self._rows.part(count)
        self._done += count
        self._before_ns = int(rows.time_ns[-1])
        if rows.second_ns is not None:
            self._second_before_ns = int(rows.second_ns[-1])
        return Placed(rows) if verdict is None else Placed(rows, verdict.lost, verdict.step_s)

    def _verdict_on_late(self, late: Float) -> _Verdict:
        """The least lateness of what follows stays; where it is none, the stamp was late by itself."""
        early = np.flatnonzero(late < -self._most_late)
        late = late[: early[0]] if len(early) else late
        if (len(early) and len(late) < _CONFIRM) or len(late) < min(self._stamps // 4, _FEW):
            return _Verdict(skip=len(late))  # too few to tell
        steady = _running_median(late, self._stamps)
        spread = self._clock.spread_ns / self._clock.period_ns
        noise = min(0.5 * spread, _SURE * spread / _SIGMA / np.sqrt(min(self._stamps, len(late))))
        noise = max(noise, _HIDDEN * spread) if self._stamps > 1 else noise
        back = np.flatnonzero(steady < 0.5 + noise)
        if len(back):
            return _Verdict(skip=max(1, int(back[0]) * max(1, self._stamps // _OVERLAP)))
        least = float(np.min(steady))
        noise = max(1.0, self._clock.spread_ns / self._clock.period_ns)
        return self._explained(float(steady[0]) if steady[0] - least <= noise else least)

    def _verdict_on_early(self, late: Float) -> _Verdict:
        """Stamps that stay early: the clock stepped back. Those that come back were early by themselves."""
        back = np.flatnonzero(late >= -self._most_late)
        count = int(back[0]) if len(back) else len(late)
        if count < _CONFIRM or (len(back) and late[count] <= self._most_late):
            return _Verdict(skip=count)
        return self._explained(float(_running_median(late[:count], self._stamps)[0]))

    def _explained(self, late: float) -> _Verdict:
        """A loss, a step of the clock, or both where a second clock tells them apart."""
        seconds = late * self._clock.period_ns * 1e-9
        second = self._second_s()
        if second is None:
            missing_s = seconds if 0 < seconds < _LONGEST_LOSS_S else 0.0
        elif abs(second - seconds) <= max(_AGREE_S, _AGREE * abs(seconds)):
            missing_s = max(seconds, 0.0)
        else:
            missing_s = second if second > _AGREE_S else 0.0
        lost, step_s = self._samples(missing_s), seconds - missing_s
        return _Verdict(1, late, lost, step_s if abs(step_s) >= _SMALL_STEP_S else 0.0)

    def _second_s(self) -> float | None:
        """How far the second clock went from the row before to this one."""
        if self._rows.second_ns is None or self._second_before_ns is None:
            return None
        return (int(self._rows.second_ns[0]) - self._second_before_ns) * 1e-9

    def _samples(self, seconds: float) -> int:
        """Samples of a loss; whole frames where the stamps of frames are noisy, since radios lose those."""
        exact = seconds * 1e9 / self._clock.period_ns
        noise = self._clock.spread_ns / self._clock.period_ns
        if self._clock.frame == 1 or noise < _MARGIN:
            return round(exact)
        frames = round(exact / self._clock.frame) * self._clock.frame
        return frames if abs(frames - exact) <= max(0.5, noise) else round(exact)


def _running_median(x: Float, width: int) -> Float:
    """Medians of ``width`` values from every eighth of a width on; one median where there are fewer."""
    if width == 1:
        return x
    if len(x) <= width:
        return np.array([np.median(x)])
    windows = np.lib.stride_tricks.sliding_window_view(x, width)[:: max(1, width // _OVERLAP)]
    return np.asarray(np.median(windows, axis=-1))
