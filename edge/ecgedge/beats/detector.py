"""Streaming R-peak detector: causal, bounded, the same beats however the stream is cut.

A small network says for every sample how probable a beat is there (``net.py``); the probability that
lies around a place is summed up, and where it is highest is a candidate. A candidate that is sure enough is a
beat; where one is overdue, a less sure one will do. The R peak is the extreme of the signal close by.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np
import numpy.typing as npt

from ecgedge.beats.net import FS, HOP, REACH, BeatNet, Runner
from ecgedge.rhythm.model import BUNDLED
from ecgedge.stream.amplitude import FLOOR_MV
from ecgedge.stream.filters import Resampler
from ecgedge.stream.ring import Ring

Floats = npt.NDArray[np.float32]

REFRACTORY_S = 0.22  # of two candidates this close, one is the other's shoulder or T wave
AROUND_S = 0.08  # half width of the stretch over which probability is summed up
SEARCH_S = 0.02  # the R peak lies this close to the candidate
HEIGHTS = 8  # seconds that the usual height of a QRS is taken from
TALLER = 0.3  # share of these seconds that may hold something taller: an artefact, an ectopic beat
# While no beat comes, the usual height sinks to this share of what it was with the last one, no further: a
# pause is not filled with noise. After FORGET_S the electrode was moved, or another person wears it.
SINK = 0.2
FORGET_S = 15.0
SHORTEST_S = 0.5  # a segment shorter than this has no beats
CLIP = 3.0  # QRS heights that the network sees at most
_CLIP, _MINUS_CLIP = np.array(CLIP, np.float32), np.array(-CLIP, np.float32)
WIDTH = 2.0  # standard deviation, in samples, of what the network was taught to say around a beat
LATE = 1.6  # a beat is overdue after this many usual RR intervals
NEAR_S = (0.36, 0.3)  # an overdue beat is at least so far from the beats before and after it
LONGEST_RR_S = 3.0  # what takes longer is a pause, and says nothing about the rhythm


@dataclass(frozen=True, slots=True)
class Detection:
    """A beat: its R peak in samples since the segment's start, and how sure it is, from 0 to 1."""

    at: float
    confidence: float


@cache
def bundled() -> BeatNet:
    """Read the network in the package."""
    return BeatNet.load(BUNDLED / "beats" / "beats.json")


class BeatDetector:
    """Finds R peaks in the filtered signal of one segment.

    Parameters
    ----------
    fs : float
        Rate of the filtered signal in Hz.
    net : BeatNet, optional
        Other weights than those in the package.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.convolve(np.arange(1000) % 80 == 50, np.hanning(9), "same")
    >>> d = BeatDetector(fs=100)
    >>> beats = d.feed(x) + d.finish()
    >>> [round(b.at) for b in beats[:3]]
    [50, 130, 210]
    """

    def __init__(self, fs: float, net: BeatNet | None = None) -> None:
        self._candidates = _Candidates(net or bundled())
        self._resampler = None if fs == FS else Resampler(fs, FS, half_width_s=0.16, cutoff_hz=41, beta=5)
        self._scale = fs / FS
        self._signal = Ring(round(4 * HEIGHTS * FS))
        self._peaks = _Peaks(self._signal)
        net = self._candidates.net
        self._chooser = _Chooser(net.threshold, net.back)

    @property
    def delay_s(self) -> float:
        """Longest time from an R peak to its beat, unless only a search for a missed one finds it."""
        return (REACH + HOP) / FS + AROUND_S + REFRACTORY_S

    def reset(self) -> None:
        """Start a new segment."""
        if self._resampler:
            self._resampler.reset()
        for part in (self._signal, self._candidates, self._chooser, self._peaks):
            part.reset()

    def feed(self, x: npt.NDArray[np.floating]) -> list[Detection]:
        """Take filtered samples, return the beats found, in their order."""
        return self._take(self._resampler.feed(x) if self._resampler else x)

    def finish(self) -> list[Detection]:
        """Return the beats still held back at the end of the segment."""
        found = self._take(self._resampler.finish()) if self._resampler else []
        end = self._signal.written
        if end < SHORTEST_S * FS:  # no beat can be told from so little: signal in shreds must not cost much
            self.reset()
            return []
        # The last value stands for what never came, long enough for the last sample to be looked at.
        hops = -(-(end + REACH + self._candidates.delay) // HOP)
        last = self._signal.view(end - 1, end)
        found += self._take(np.repeat(last, hops * HOP - end))
        self.reset()
        return [b for b in found if b.at < end * self._scale]

    def _take(self, x: npt.NDArray[np.floating]) -> list[Detection]:
        found: list[Detection] = []
        while len(x):
            room = HOP - self._signal.written % HOP
            self._signal.write(x[:room])
            x = x[room:]
            if self._signal.written % HOP == 0:
                found += self._advance(self._signal.written - REACH)
        return found

    def _advance(self, end: int) -> list[Detection]:
        """Look at the hop that ends at ``end``."""
        low = end - HOP - REACH
        x = self._signal.view(max(0, low), end + REACH)
        if low < 0:
            x = np.concatenate([np.repeat(x[:1], -low), x])
        found, done = self._candidates.feed(x, end)
        beats = self._chooser.feed(found, done)
        if beats:
            self._candidates.hold(end)
        return [Detection(self._scale * at, c) for at, c in map(self._peaks.refine, beats) if at is not None]


class _Candidates:
    """Where the probability of a beat is highest, with the sum of it around there."""

    def __init__(self, net: BeatNet) -> None:
        self.net = net
        self._run = Runner(net)
        self._least = min(net.threshold, net.back)
        self._around = round(AROUND_S * FS)
        self._apart = round(REFRACTORY_S * FS)
        self._kernel = np.hanning(2 * self._around + 3)[1:-1].astype(np.float32)
        ideal = np.exp(-0.5 * (np.arange(-self._around, self._around + 1) / WIDTH) ** 2)
        self._kernel /= np.float32(ideal @ self._kernel)
        self.reset()

    def reset(self) -> None:
        self._heights: deque[float] = deque(maxlen=HEIGHTS)
        self._usual = self._held = 0.0
        self._held_until = 0
        self._p = np.zeros(2 * self._around, np.float32)  # the last probabilities of the hop before
        self._sums = np.zeros(2 * self._apart + 1, np.float32)  # the last sums

    @property
    def delay(self) -> int:
        """Samples of a hop's end that the next hop may still change."""
        return self._around + self._apart

    def feed(self, x: Floats, end: int) -> tuple[list[tuple[int, float]], int]:
        """Take the signal around the hop that ends at ``end``.

        Returns
        -------
        candidates : list of (position, sum)
        done : int
            There will be no others before this position.
        """
        p = np.concatenate([self._p, self._run(self._in_heights(x, end))])
        self._p = p[HOP:]
        sums = np.concatenate([self._sums, np.convolve(p, self._kernel, "valid")])
        self._sums = sums[HOP:]
        done = end - self.delay
        first = done - HOP - self._apart - 1  # position of sums[0]
        return [(first + i, float(sums[i])) for i in self._highest(sums)], done

    def hold(self, end: int) -> None:
        """Note that there was a beat in the hop that ends at ``end``."""
        self._held, self._held_until = SINK * self._usual, end + round(FORGET_S * FS)

    def _in_heights(self, x: Floats, end: int) -> Floats:
        """Divide by the usual height of a QRS, which follows the last seconds."""
        known = x[REACH:-REACH] if self._heights else x  # the first second may hold no beat
        self._heights.append(max(float(np.maximum.reduce(known)), -float(np.minimum.reduce(known))))
        tallest = sorted(self._heights, reverse=True)
        held = self._held if end <= self._held_until else 0.0
        self._usual = max(tallest[int(TALLER * len(tallest))], held, FLOOR_MV)
        heights: Floats = x / np.float32(self._usual)
        np.minimum(heights, _CLIP, out=heights)
        np.maximum(heights, _MINUS_CLIP, out=heights)
        return heights

    def _highest(self, sums: Floats) -> list[int]:
        """Places that are higher than all within a refractory period on both sides."""
        low, high = self._apart + 1, self._apart + 1 + HOP
        here = sums[low:high]
        peaks = (here > self._least) & (here >= sums[low - 1 : high - 1]) & (here > sums[low + 1 : high + 1])
        return [
            low + i
            for i in peaks.nonzero()[0].tolist()
            if here[i] >= np.maximum.reduce(sums[low + i - self._apart : low + i + self._apart + 1])
        ]


class _Chooser:
    """Which candidates are beats."""

    def __init__(self, threshold: float, back: float) -> None:
        self._threshold, self._back = threshold, back
        self.reset()

    def reset(self) -> None:
        self._last: int | None = None
        self._rr: deque[int] = deque(maxlen=8)
        self._passed_over: deque[tuple[int, float]] = deque(maxlen=64)

    def feed(self, candidates: list[tuple[int, float]], done: int) -> list[tuple[int, float]]:
        """Take candidates in their order, return the beats among them."""
        beats: list[tuple[int, float]] = []
        for at, sure in candidates:
            if sure > self._threshold:
                beats += self._overdue(at)
                beats.append(self._accept(at, sure))
            else:
                self._passed_over.append((at, sure))
        return beats + self._overdue(done)

    def _overdue(self, now: int) -> list[tuple[int, float]]:
        """Beats that are overdue ``now``: the surest of those passed over, while there are any."""
        beats = []
        while self._last is not None and self._rr and now - self._last > LATE * median(self._rr):
            after, before = self._last + NEAR_S[0] * FS, now - NEAR_S[1] * FS
            hopeful = [c for c in self._passed_over if after < c[0] < before and c[1] > self._back]
            if not hopeful:
                break
            beats.append(self._accept(*max(hopeful, key=lambda c: c[1])))
        return beats

    def _accept(self, at: int, sure: float) -> tuple[int, float]:
        if self._last is not None and at - self._last < LONGEST_RR_S * FS:
            self._rr.append(at - self._last)
        self._last = at
        while self._passed_over and self._passed_over[0][0] <= at:
            self._passed_over.popleft()
        return at, min(1.0, sure)


class _Peaks:
    """The R peak near a candidate: the extreme of the signal, between samples by a parabola."""

    def __init__(self, signal: Ring) -> None:
        self._signal = signal
        self._search = round(SEARCH_S * FS)
        self.reset()

    def reset(self) -> None:
        self._up = 0.0  # how much the beats so far pointed up rather than down
        self._last = -1.0

    def refine(self, beat: tuple[int, float]) -> tuple[float | None, float]:
        """Position and confidence; no position if this peak has been given out, or is not kept any more."""
        at, confidence = beat
        low = max(self._signal.oldest, at - self._search)
        y = self._signal.view(low, max(low, min(self._signal.written, at + self._search + 1))).tolist()
        if not y:
            return None, confidence
        top, bottom = max(y), -min(y)
        self._up += 0.1 * ((top - bottom) / max(abs(top) + abs(bottom), 1e-9) - self._up)
        if top * (1 + self._up) < bottom * (1 - self._up):
            y = [-value for value in y]
        i = y.index(max(y))
        r = low + i + (_parabola(*y[i - 1 : i + 2]) if 0 < i < len(y) - 1 else 0.0)
        if r <= self._last:
            return None, confidence
        self._last = r
        return r, confidence


def _parabola(a: float, b: float, c: float) -> float:
    """Offset of the vertex through three equally spaced points, the middle one the highest."""
    bend = a - 2 * b + c
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, 0.5 * (a - c) / bend))
