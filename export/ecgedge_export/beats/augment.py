"""What the beat detector is trained on: seconds of ECG as other leads and days would have shown them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.beats.net import HOP, LENGTH, REACH, WIDTH
from ecgedge.beats.settings import CLIP, HEIGHTS, TALLER
from ecgedge.stream.amplitude import FLOOR_MV

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.float64]

N = HEIGHTS * HOP + 2 * REACH
"""Samples of a stretch before its end is cut out: the seconds its height is taken from, and a margin."""
STRETCH = 0.3  # log of the largest change of tempo: 60 bpm becomes 44 to 81


@dataclass(frozen=True, slots=True)
class Source:
    """A recording.

    Parameters
    ----------
    leads : ndarray of float32, shape (leads, n)
        Simultaneous leads, each with a standard deviation of 1.
    beats : ndarray of float64, shape (k,)
        R peaks in samples, ascending.
    rare : ndarray of float64
        Those of the beats that are drawn more often than they come.
    """

    leads: Floats
    beats: Places
    rare: Places

    @property
    def long_enough(self) -> bool:
        """Whether a stretch fits, at the slowest tempo."""
        return bool(self.leads.shape[1] > N * math.exp(STRETCH) + 2)


class Example(NamedTuple):
    """A signal, float32 of shape (LENGTH,), and the target of its middle, of shape (HOP,)."""

    signal: Floats
    target: Floats


class _Stretch(NamedTuple):
    """Signal of shape (N,) and the places of its beats."""

    signal: Floats
    beats: Places


class Augmenter:
    """Draws examples: ``draw(source, rng)`` is an input of the network and its target."""

    def __init__(self, noise: list[Floats], rare: float, snr_db: tuple[float, float]) -> None:
        self._noise, self._rare, self._snr_db = noise, rare, snr_db

    def draw(self, source: Source, rng: np.random.Generator) -> Example:
        """Return one example of a recording."""
        x, beats = self._crop(source, rng)
        # In the order of the world: the recorder's band, a moved electrode, a lost one, then noise.
        x = _other_band(x, rng)
        x = _step(x, rng)
        x, beats = _lead_off(x, beats, rng)
        x = self._noisy(x, rng)
        x, beats, first = _cut(x, beats, rng)
        sign = _sign(rng)
        gain = np.float32(sign * np.exp(rng.normal(0, 0.15)) / _height(x, first))
        return Example(np.clip(gain * x[-LENGTH:], -CLIP, CLIP), target(beats - (N - REACH - HOP)))

    def _crop(self, source: Source, rng: np.random.Generator) -> _Stretch:
        """A stretch of a lead, or of one that lies between two, at another heart rate."""
        factor = float(np.exp(rng.uniform(-STRETCH, STRETCH))) if rng.random() < 0.4 else 1.0
        n = int(N * factor) + 2
        start = self._start(source, n, factor, rng)
        piece = _direction(len(source.leads), rng) @ source.leads[:, start : start + n]
        x = piece[:N] if factor == 1 else np.interp(np.arange(N) * factor, np.arange(n), piece)
        return _Stretch(x.astype(np.float32, copy=False), (source.beats - start) / factor)

    def _start(self, source: Source, n: int, factor: float, rng: np.random.Generator) -> int:
        last = source.leads.shape[1] - n
        if len(source.rare) and rng.random() < self._rare:
            place = (N - REACH - rng.integers(0, HOP)) * factor
            return int(np.clip(rng.choice(source.rare) - place, 0, last))
        return int(rng.integers(0, last + 1))

    def _noisy(self, x: Floats, rng: np.random.Generator) -> Floats:
        spread = max(float(x.std()), 1e-3)
        # Recorded noise in most stretches, sometimes of two kinds; white noise and mains hum in some.
        if self._noise and rng.random() < 0.6:
            for _ in range(1 + (rng.random() < 0.3)):
                x = x + self._piece(spread, rng)
        if rng.random() < 0.2:
            x = x + spread * np.exp(rng.uniform(-4, 0)) * rng.standard_normal(N)
        if rng.random() < 0.1:
            phase = 2 * np.pi * (rng.uniform(10, 50) * np.arange(N) / HOP + rng.random())
            x = x + spread * np.exp(rng.uniform(-3, 0.3)) * np.sin(phase)
        return x.astype(np.float32)

    def _piece(self, spread: float, rng: np.random.Generator) -> Floats:
        noise = self._noise[rng.integers(len(self._noise))]
        start = rng.integers(0, len(noise) - N)
        piece = noise[start : start + N]
        ratio = 10 ** (-rng.uniform(*self._snr_db) / 20)
        return piece * np.float32(_sign(rng) * ratio * spread / max(float(piece.std()), 1e-6))


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def target(beats: Places) -> Floats:
    """Target of :data:`HOP` samples: a bell around each beat (position in them)."""
    near = beats[(beats > -5 * WIDTH) & (beats < HOP + 5 * WIDTH)]
    bells = np.exp(-0.5 * ((np.arange(HOP) - near[:, None]) / WIDTH) ** 2)
    out: Floats = bells.max(axis=0, initial=0.0).astype(np.float32)
    return out


def _direction(leads: int, rng: np.random.Generator) -> Floats:
    """Weights of the leads: mostly one of them, else a lead that lies between the first two."""
    kind = rng.random()
    angle = 0.0 if kind < 0.4 or leads == 1 else np.pi / 2 if kind < 0.55 else rng.uniform(0, np.pi)
    return np.array([np.cos(angle), np.sin(angle)][:leads], np.float32)


def _other_band(x: Floats, rng: np.random.Generator) -> Floats:
    """As a device with another low pass or high pass would have recorded it."""
    kind = rng.random()
    if kind < 0.1:
        width = int(rng.integers(2, 5))
        return np.asarray(np.convolve(x, np.ones(width) / width, "same"), np.float32)
    if kind < 0.2:
        slow = np.convolve(x, np.ones(61, np.float32) / 61, "same")
        return np.asarray(x - np.float32(rng.uniform(0.3, 1)) * slow, np.float32)
    return x


def _step(x: Floats, rng: np.random.Generator) -> Floats:
    """The electrode moved: from here on everything is higher or lower."""
    if rng.random() < 0.3:
        x = x.copy()
        x[rng.integers(0, N) :] *= np.float32(np.exp(rng.uniform(-1.5, 1.5)))
    return x


def _lead_off(x: Floats, beats: Places, rng: np.random.Generator) -> _Stretch:
    """Nothing at all for some seconds, and no beat there."""
    if rng.random() < 0.1:
        start = int(rng.integers(0, N))
        end = start + int(rng.integers(HOP, 7 * HOP))
        x = x.copy()
        x[start:end] = 0
        beats = beats[(beats < start) | (beats >= end)]
    return _Stretch(x, beats)


class _Segment(NamedTuple):
    """A stretch, the beats that the segment holds, and where the segment begins in the stretch."""

    signal: Floats
    beats: Places
    first: int


def _cut(x: Floats, beats: Places, rng: np.random.Generator) -> _Segment:
    """A segment that begins or ends here: the detector sees its outermost value go on beyond it."""
    kind = rng.random()
    if kind < 0.06:
        first = int(rng.integers(N - LENGTH - 2 * HOP, N - REACH))
        x = np.concatenate([np.full(first, x[first]), x[first:]])
        return _Segment(x, beats[beats >= first], first)
    if kind < 0.12:
        end = int(rng.integers(N - LENGTH + REACH, N))
        x = np.concatenate([x[:end], np.full(N - end, x[end - 1])])
        return _Segment(x, beats[beats < end], 0)
    return _Segment(x, beats, 0)


def _height(x: Floats, first: int) -> float:
    """The reference height, as the detector takes it from the seconds of the segment before.

    In the segment's first second, which may hold no beat, what it sees of the next one counts too.
    """
    seconds = np.abs(x[REACH:-REACH]).reshape(HEIGHTS, HOP).max(axis=1)
    since = min((first - REACH) // HOP, HEIGHTS - 1) if first else 0
    tallest = np.sort(seconds[since:])[::-1]
    height = float(np.abs(x[-LENGTH:]).max() if len(tallest) == 1 else tallest[int(TALLER * len(tallest))])
    return max(height, FLOOR_MV)
