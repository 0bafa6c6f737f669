"""The rules that find beats, in numpy and Python: what runs where there is no compiled core.

A small network gives for every sample the probability of a beat there (``net.py``); it is summed over a short
stretch, and where the sum is highest is a candidate. A candidate above the threshold is a beat; where one is
overdue, search-back takes the best of those passed over, above a lower threshold. The R peak is the extreme
of the signal close by.

``edge/core/detector.c`` does the same, operation by operation, with the same bits: what is changed here is
changed there.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic import functions
from ecgedge.arithmetic.order import median
from ecgedge.arithmetic.sums import rows_in_order
from ecgedge.beats.net import AROUND, FS, HOP, REACH, BeatNet, kernel, runner
from ecgedge.beats.settings import (
    APART,
    CLIP,
    DELAY,
    DROP,
    FOLLOW,
    FOLLOW_OTHER,
    FORGET_S,
    HEIGHTS,
    LATE,
    LONGEST_RR_S,
    NEAR_S,
    SEARCH,
    SHORTEST_S,
    SIMILAR,
    SINK,
    TALLER,
)
from ecgedge.stream.amplitude import FLOOR_MV
from ecgedge.stream.ring import Ring

Floats = npt.NDArray[np.float32]

_CLIP, _MINUS_CLIP = np.array(CLIP, np.float32), np.array(-CLIP, np.float32)
_LOG_SIMILAR = functions.log(SIMILAR)


class Candidate(NamedTuple):
    """A place that may be a beat: its position, and the sum of probability around it."""

    position: int
    score: float


class Candidates(NamedTuple):
    """Candidates in their order; there will be no others before the position ``done``."""

    found: list[Candidate]
    done: int


class NumpyDetector:
    """Finds R peaks in the filtered signal of one segment.

    Parameters
    ----------
    net : BeatNet
        Weights and thresholds.

    Examples
    --------
    >>> ring = Ring(1000)
    >>> ring.write(np.arange(1000) % 80 == 50)
    >>> beats = NumpyDetector(BeatNet.load()).advance(ring, ended=True)
    >>> [position for position, confidence in beats[:3]]
    [50.0, 130.0, 210.0]
    """

    def __init__(self, net: BeatNet) -> None:
        self._candidates, self._chooser, self._peaks = _Candidates(net), _Chooser(net), _Peaks()
        self._done = 0  # samples of the segment that have been in the ring when the network ran

    def reset(self) -> None:
        """Start a new segment."""
        self._done = 0
        for part in (self._candidates, self._chooser, self._peaks):
            part.reset()

    def advance(self, ring: Ring, ended: bool) -> list[tuple[float, float]]:
        """Position and confidence of the beats in the signal that has come since."""
        found: list[tuple[float, float]] = []
        while self._due(ring.written, ended):
            found += self._look(ring)
        return found

    def _due(self, written: int, ended: bool) -> bool:
        """Whether there is signal enough for another hop."""
        # Once it has ended, the last value stands for what never came, long enough for the last sample to be
        # looked at. Signal in shreds must not cost much, and no beat can be found in so little.
        return self._done + HOP <= written or (
            ended and written >= SHORTEST_S * FS and self._done < written + REACH + DELAY
        )

    def _look(self, ring: Ring) -> list[tuple[float, float]]:
        """Run the network once more, on the hop that ends REACH before the next multiple of HOP."""
        self._done += HOP
        end = self._done - REACH
        candidates = self._candidates.feed(ring.extended(end - HOP - REACH, end + REACH), end)
        chosen = self._chooser.feed(candidates)
        places = [(self._peaks.near(ring, c.position), c.score) for c in chosen]
        kept = [(at, score) for at, score in places if at is not None]
        if chosen:
            self._candidates.hold(end, [_height(ring, round(at)) for at, _ in kept])
        return [(at, min(1.0, score)) for at, score in kept]


def _height(ring: Ring, at: int) -> float:
    """How far a peak is from zero; a parabola's vertex may round to just behind the last sample."""
    at = min(at, ring.written - 1)
    return abs(float(ring.view(at, at + 1)[0]))


class _Candidates:
    """Where the sum of probability is highest."""

    def __init__(self, net: BeatNet) -> None:
        self._run = runner(net)
        self._lowest = np.float32(min(net.threshold, net.back))
        self._kernel = kernel()[:, np.newaxis]
        self.reset()

    def reset(self) -> None:
        self._heights: deque[float] = deque(maxlen=HEIGHTS)
        self._height = self._held = 0.0
        self._held_until = 0
        self._level = 0.0  # typical height of the beats so far; 0 before there is one
        self._p = np.zeros(2 * AROUND, np.float32)  # the last probabilities of the hop before
        self._sums = np.zeros(2 * APART + 1, np.float32)  # the last sums

    def feed(self, x: Floats, end: int) -> Candidates:
        """Take the signal around the hop that ends at ``end``."""
        p = np.concatenate([self._p, self._run(self._in_heights(x, end))])
        self._p = p[HOP:]
        around = np.lib.stride_tricks.sliding_window_view(p, HOP)
        sums = np.concatenate([self._sums, rows_in_order(around * self._kernel)])
        self._sums = sums[HOP:]
        done = end - DELAY
        first = done - HOP - APART - 1  # position of sums[0]
        return Candidates([Candidate(first + i, float(sums[i])) for i in self._highest(sums)], done)

    def hold(self, end: int, heights: list[float]) -> None:
        """Note that there were beats of these heights in the hop that ends at ``end``."""
        self._held, self._held_until = SINK * self._height, end + round(FORGET_S * FS)
        for height in heights:
            self._level = self._level or max(height, FLOOR_MV)
            step = functions.log(max(height, FLOOR_MV) / self._level)
            near = abs(step) <= _LOG_SIMILAR
            self._level *= functions.exp(FOLLOW * step if near else math.copysign(FOLLOW_OTHER, step))

    def _in_heights(self, x: Floats, end: int) -> Floats:
        """Divide by the typical height of a QRS, which follows the last seconds."""
        known = x[REACH:-REACH] if self._heights else x  # the first second may hold no beat
        self._heights.append(max(float(np.maximum.reduce(known)), -float(np.minimum.reduce(known))))
        tallest = sorted(self._heights, reverse=True)
        held = self._held if end <= self._held_until else 0.0
        self._height = max(self._back_to_level(max(tallest[int(TALLER * len(tallest))], held)), FLOOR_MV)
        heights: Floats = x / np.float32(self._height)
        np.minimum(heights, _CLIP, out=heights)
        np.maximum(heights, _MINUS_CLIP, out=heights)
        return heights

    def _back_to_level(self, height: float) -> float:
        """The height, unless it is that of an artefact, or of silence, that has just ended."""
        now = self._heights[-1]
        as_beats = not self._level or self._level / SIMILAR <= now <= self._level * SIMILAR
        if height <= DROP * now or not as_beats or now <= FLOOR_MV:
            return height
        self._heights = deque((h for h in self._heights if h <= SIMILAR * now), HEIGHTS)
        self._held = 0.0
        return now

    def _highest(self, sums: Floats) -> list[int]:
        """Places that are higher than all within a refractory period on both sides."""
        low, high = APART + 1, APART + 1 + HOP
        here = sums[low:high]
        peaks = (here > self._lowest) & (here >= sums[low - 1 : high - 1]) & (here > sums[low + 1 : high + 1])
        return [
            low + i
            for i in peaks.nonzero()[0].tolist()
            if here[i] >= np.maximum.reduce(sums[low + i - APART : low + i + APART + 1])
        ]


class _Chooser:
    """Which candidates are beats."""

    def __init__(self, net: BeatNet) -> None:
        self._threshold, self._back = net.threshold, net.back
        self.reset()

    def reset(self) -> None:
        self._last: int | None = None
        # The median of eight outvotes three ectopic intervals.
        self._rr: deque[int] = deque(maxlen=8)
        self._passed_over: deque[Candidate] = deque(maxlen=64)

    def feed(self, candidates: Candidates) -> list[Candidate]:
        """Return the beats among candidates."""
        beats: list[Candidate] = []
        for candidate in candidates.found:
            if candidate.score > self._threshold:
                beats += self._search_back(candidate.position)
                beats.append(self._accept(candidate))
            else:
                self._passed_over.append(candidate)
        return beats + self._search_back(candidates.done)

    def _search_back(self, now: int) -> list[Candidate]:
        """Beats that are overdue ``now``: the best of those passed over, while there are any."""
        beats = []
        while self._last is not None and self._rr and now - self._last > LATE * median(self._rr):
            after, before = self._last + NEAR_S[0] * FS, now - NEAR_S[1] * FS
            hopeful = [c for c in self._passed_over if after < c.position < before and c.score > self._back]
            if not hopeful:
                break
            beats.append(self._accept(max(hopeful, key=lambda c: c.score)))
        return beats

    def _accept(self, beat: Candidate) -> Candidate:
        if self._last is not None and beat.position - self._last < LONGEST_RR_S * FS:
            self._rr.append(beat.position - self._last)
        self._last = beat.position
        while self._passed_over and self._passed_over[0].position <= beat.position:
            self._passed_over.popleft()
        return beat


class _Peaks:
    """The R peak near a candidate: the extreme of the signal, between samples by a parabola."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._up = 0.0  # how much the beats so far pointed up rather than down
        self._last = -1.0

    def near(self, ring: Ring, at: int) -> float | None:
        """R peak near ``at``; None where it lies outside of the segment, or was that of the beat before."""
        low, high = max(0, at - SEARCH), at + SEARCH + 1
        if not low < min(high, ring.written):
            return None
        y = ring.extended(low, high).tolist()
        top, bottom = max(y), -min(y)
        # A tenth of the way: a lead's polarity lasts, and one ectopic beat must not turn it.
        self._up += 0.1 * ((top - bottom) / max(abs(top) + abs(bottom), 1e-9) - self._up)
        if top * (1 + self._up) < bottom * (1 - self._up):
            y = [-value for value in y]
        i = y.index(max(y))
        peak: float = low + i + (_parabola(*y[i - 1 : i + 2]) if 0 < i < len(y) - 1 else 0.0)
        if not self._last < peak < ring.written:
            return None
        self._last = peak
        return peak


def _parabola(a: float, b: float, c: float) -> float:
    """Offset of the vertex through three equally spaced points, the middle one the highest."""
    bend = a - 2 * b + c
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, 0.5 * (a - c) / bend))
