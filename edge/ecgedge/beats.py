"""Streaming R-peak detector: causal, bounded, the same beats however the stream is cut.

The signal is filtered to the band of the QRS and turned into an envelope. Local maxima of the envelope are
candidates; a candidate is a beat where it exceeds a share of the usual beat height, which follows the signal
and sinks when beats stay away. A pause longer than usual is searched again with a lower threshold. In the
spirit of Pan and Tompkins (IEEE Trans Biomed Eng 32(3), 1985); the thresholds were chosen on MIT-BIH DS1.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from ecgedge.filters import Chain, Fir
from ecgedge.ring import Ring

Array = npt.NDArray[np.float64]

REFRACTORY_S = 0.2  # no heart repolarises faster
T_WAVE_S = 0.36  # up to here a lower hump after a beat is its T wave
SEARCH_S = 0.08  # the R peak lies this close to the peak of the envelope
HISTORY_S = 8.0
NOISE_S = 4.0
QRS_S = 0.06  # half lengths of the two filters
SMOOTH_S = 0.08
# After such a pause the old height says nothing: the electrode was moved, or another person wears it
FORGET_S = 15.0
TICK_S = 0.5  # thresholds move at these steps, counted from the segment's start, whatever the chunks


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares of the usual envelope height."""

    beat: float = 0.35
    back: float = 0.18  # when searching a long pause again
    t_wave: float = 0.5  # within T_WAVE_S of a beat
    above_noise: float = 2.5  # a beat is at least this many times the noise, however long none came
    late: float = 1.6  # a pause is long after this many usual RR intervals
    follow: float = 0.15
    sink_per_s: float = 0.55
    sink_to: float = 0.2  # so that an asystole is not filled with noise; a fall to a tenth is still followed


class BeatDetector:
    """Finds R peaks in the filtered signal of one segment.

    Parameters
    ----------
    fs : float
        Rate of the filtered signal in Hz.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.zeros(1000); x[50::80] = 1.0
    >>> d = BeatDetector(fs=100)
    >>> beats = d.feed(x) + d.finish()
    >>> [round(b) for b in beats[:3]]
    [50, 130, 210]
    """

    def __init__(self, fs: float, thresholds: Thresholds | None = None) -> None:
        self._fs = fs
        self._t = thresholds or Thresholds()
        self._signal = Ring(round(HISTORY_S * fs))
        self._envelope = Ring(round(HISTORY_S * fs))
        self._filter = Chain(Fir(_qrs_taps(fs)), _Rectify(), Fir(_smooth_taps(fs)))
        self._refractory = round(REFRACTORY_S * fs)
        self._search = round(SEARCH_S * fs)
        self._tick = round(TICK_S * fs)
        self.reset()

    @property
    def delay_s(self) -> float:
        """Longest time from an R peak to its beat, unless only a search for a missed one finds it."""
        return QRS_S + SMOOTH_S + REFRACTORY_S + TICK_S

    def reset(self) -> None:
        """Start a new segment."""
        self._filter.reset()
        self._signal.reset()
        self._envelope.reset()
        self._checked = 0  # envelope samples that were looked at for maxima
        self._candidates: deque[tuple[int, float]] = deque(maxlen=64)  # since the last beat, not yet beats
        self._level: float | None = None
        self._noise = 0.0
        self._last = -(10**9)
        self._last_r = -1.0
        self._last_height = 0.0
        self._level_at_beat = 0.0
        self._sunk = 0  # up to where the usual height has sunk for want of beats
        self._rr: deque[int] = deque(maxlen=8)
        self._usual_rr = self._fs  # 60 bpm until there is a beat to go by
        self._up = 0.0  # how much the beats so far pointed up rather than down
        self._learned_until = round(2.0 * self._fs)

    def feed(self, x: npt.NDArray[np.floating]) -> list[float]:
        """Take filtered samples, return the R peaks found: positions in the segment, with fractions."""
        found: list[float] = []
        while len(x):
            room = self._tick - self._signal.written % self._tick
            self._signal.write(x[:room])
            self._envelope.write(self._filter.feed(x[:room]))
            x = x[room:]
            if self._signal.written % self._tick == 0:
                found += self._advance(self._envelope.written - self._refractory)
        return found

    def finish(self) -> list[float]:
        """Return the beats still held back at the end of the segment."""
        self._envelope.write(self._filter.finish())
        beats = self._advance(self._envelope.written)
        self.reset()
        return beats

    def _advance(self, end: int) -> list[float]:
        """Look at the envelope up to ``end``, where each maximum has its refractory period after it."""
        if self._level is None:
            if end < self._learned_until and end < self._envelope.written:
                return []
            self._learn()
        self._hear_noise()
        found: list[float] = []
        for at, height in self._maxima(self._checked, end):
            found += self._judge(at, height)
        self._checked = max(self._checked, end)
        found += self._search_back(self._checked)
        return found

    def _learn(self) -> None:
        """First idea of the usual height, from the maxima of half-second pieces: most hold a beat."""
        z = self._envelope.view(self._envelope.oldest, self._envelope.written)
        tops = [float(z[i : i + self._tick].max()) for i in range(0, len(z), self._tick)] or [0.0]
        self._level = self._level_at_beat = float(np.percentile(tops, 70))

    def _maxima(self, start: int, end: int) -> list[tuple[int, float]]:
        """Positions and heights of samples that are the highest within a refractory period on both sides."""
        low = max(self._envelope.oldest, start - self._refractory)
        z = self._envelope.view(low, min(self._envelope.written, end + self._refractory))
        inner = np.flatnonzero((z[1:-1] >= z[:-2]) & (z[1:-1] > z[2:])) + 1
        inner = inner[(inner + low >= start) & (inner + low < end)]
        return [(int(i) + low, float(z[i])) for i in inner if z[i] >= self._around(z, int(i)).max()]

    def _around(self, z: npt.NDArray[np.float32], i: int) -> npt.NDArray[np.float32]:
        return z[max(0, i - self._refractory) : i + self._refractory + 1]

    def _judge(self, at: int, height: float) -> list[float]:
        found = self._search_back(at)
        since = at - self._last
        if height > self._threshold(self._t.beat * (self._level or 0.0)) and not (
            since < T_WAVE_S * self._fs and height < self._t.t_wave * self._last_height
        ):
            return found + self._accept(at, height)
        self._candidates.append((at, height))
        return found

    def _threshold(self, height: float) -> float:
        return max(height, self._t.above_noise * self._noise, 1e-6)

    def _hear_noise(self) -> None:
        """Take the median of the envelope: beats, which fill less than half of the time, do not count."""
        end = self._envelope.written
        z = self._envelope.view(max(self._envelope.oldest, end - round(NOISE_S * self._fs)), end)
        # Partitioning is three times as fast as np.median, and the two middle values lie close together.
        self._noise = float(np.partition(z, len(z) // 2)[len(z) // 2]) if len(z) else 0.0

    def _search_back(self, now: int) -> list[float]:
        """Where a beat is overdue, take the best candidate there is; else let the usual height sink."""
        overdue = max(self._t.late * self._usual_rr, 0.5 * self._fs)
        if now - self._last <= overdue or self._level is None:
            return []
        kept = max(self._last + round(T_WAVE_S * self._fs), self._signal.oldest + self._search)
        hopeful = [c for c in self._candidates if c[0] > kept]
        best = max(hopeful, key=lambda c: c[1], default=None)
        if best and best[1] > self._threshold(self._t.back * self._level_at_beat):
            return self._accept(*best)
        self._sink(now)
        return []

    def _sink(self, now: int) -> None:
        """Lower the usual height by the time that passed without a beat, step by step of half a second."""
        step = round(0.5 * self._fs)
        start = max(self._last + round(1.5 * self._fs), self._sunk)
        steps = max(0, (now - start) // step)
        if steps and self._level is not None:
            sunk = self._level * self._t.sink_per_s ** (0.5 * steps)
            forgotten = now - self._last > FORGET_S * self._fs
            self._level = sunk if forgotten else max(sunk, self._t.sink_to * self._level_at_beat)
            self._sunk = start + steps * step

    def _accept(self, at: int, height: float) -> list[float]:
        level = self._level or height
        self._level = level + self._t.follow * (min(height, 2 * level) - level)
        self._level_at_beat = self._level  # which does not sink while none comes
        if 0 < at - self._last < 3 * self._fs:
            self._rr.append(at - self._last)
            self._usual_rr = float(median(self._rr))
        self._last, self._last_height = at, height
        later = [c for c in self._candidates if c[0] > at]
        self._candidates.clear()
        self._candidates.extend(later)
        r = self._r_peak(at)
        if r <= self._last_r:
            return []
        self._last_r = r
        return [r]

    def _r_peak(self, at: int) -> float:
        """Refine to the extreme of the signal near the envelope's peak, between samples by a parabola."""
        low = max(self._signal.oldest, at - self._search)
        x = self._signal.view(low, min(self._signal.written, at + self._search + 1))
        top, bottom = float(x.max()), float(-x.min())
        self._up += 0.1 * ((top - bottom) / max(top + bottom, 1e-9) - self._up)
        upright = top * (1 + self._up) >= bottom * (1 - self._up)
        y = x if upright else -x
        i = int(np.argmax(y))
        return low + i + (_parabola(*map(float, y[i - 1 : i + 2])) if 0 < i < len(y) - 1 else 0.0)


class _Rectify:
    """Absolute value as a filter."""

    def feed(self, x: npt.ArrayLike) -> Array:
        return np.abs(np.asarray(x, np.float64))

    def finish(self) -> Array:
        return np.empty(0)

    def reset(self) -> None:
        pass


def _parabola(a: float, b: float, c: float) -> float:
    """Offset of the vertex through three equally spaced points, the middle one the highest."""
    bend = a - 2 * b + c
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, 0.5 * (a - c) / bend))


def _qrs_taps(fs: float) -> Array:
    """Band of the QRS, about 10 to 25 Hz: the difference of two Hann windows (no gain at 0 Hz).

    A lower band (6 to 18 Hz) takes tall T waves for beats: 98.3 instead of 99.9 % positive predictivity on
    DS1.
    """
    t = np.arange(-round(QRS_S * fs), round(QRS_S * fs) + 1) / fs
    taps: Array = _hann(t, 0.025) - _hann(t, QRS_S)
    return taps


def _smooth_taps(fs: float) -> Array:
    t = np.arange(-round(SMOOTH_S * fs), round(SMOOTH_S * fs) + 1) / fs
    return _hann(t, SMOOTH_S + 0.005)


def _hann(t: Array, half_width: float) -> Array:
    w: Array = np.where(np.abs(t) < half_width, np.cos(np.pi * t / (2 * half_width)) ** 2, 0.0)
    w /= w.sum()
    return w
