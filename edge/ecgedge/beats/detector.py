"""Streaming R-peak detector: causal, bounded, the same beats however the stream is cut.

The compiled core finds them where there is one, else the numpy code that says how (``reference.py``): both
give the same beats, bit for bit.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ecgedge.arithmetic.core import core
from ecgedge.beats.net import CORE_CHANNELS, FS, HOP, BeatNet
from ecgedge.beats.reference import NumpyDetector
from ecgedge.stream.ring import Ring
from ecgedge.stream.segment import DetectedBeat, Segment


@cache
def bundled_net() -> BeatNet:
    """The network in the package, read once."""
    return BeatNet.load()


def find_beats(signal: npt.NDArray[np.floating], net: BeatNet | None = None) -> list[DetectedBeat]:
    """Find the R peaks of a whole array of filtered signal.

    Parameters
    ----------
    signal : array, shape (n,)
        Filtered signal in mV at 100 Hz.
    net : BeatNet, optional
        Other weights than those in the package.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.convolve(np.arange(1000) % 80 == 50, np.hanning(9), "same")
    >>> [round(beat.position) for beat in find_beats(x)[:3]]
    [50, 130, 210]
    """
    detector, segment = BeatDetector(net or bundled_net()), Segment(0, FS, FS, Ring(max(1, len(signal))))
    found: list[DetectedBeat] = []
    for start in range(0, len(signal), HOP):
        segment.ring.write(signal[start : start + HOP])
        found += detector.advance(segment)
    segment.ended = True
    return found + detector.advance(segment)


class Finder(Protocol):
    """What finds the beats of one segment in its ring."""

    def reset(self) -> None:
        """Start a new segment."""

    def advance(self, ring: Ring, ended: bool) -> list[tuple[float, float]]:
        """Position and confidence of the beats in the signal that has come since."""


class CoreDetector:
    """The compiled twin of :class:`~ecgedge.beats.reference.NumpyDetector`.

    All detectors of a network share its weights; each has 1.6 kB of its own.
    """

    def __init__(self, net: BeatNet) -> None:
        self._detector = core.Detector(_in_core(net))  # type: ignore[union-attr]

    def reset(self) -> None:
        """Start a new segment."""
        self._detector.reset()

    def advance(self, ring: Ring, ended: bool) -> list[tuple[float, float]]:
        """Position and confidence of the beats in the signal that has come since."""
        found: list[tuple[float, float]] = self._detector.advance(ring.mirrored, ring.written, ended)
        return found


@lru_cache(maxsize=8)  # a process has one network; whoever compares some makes 100 kB for each
def _in_core(net: BeatNet) -> Any:
    """The weights of a network in the compiled core."""
    return core.BeatNet(net.channels, net.values(), net.threshold, net.back)  # type: ignore[union-attr]


class BeatDetector:
    """Finds R peaks in the filtered signal of one segment, and puts them on it.

    Parameters
    ----------
    net : BeatNet
        Weights and thresholds.
    """

    def __init__(self, net: BeatNet) -> None:
        compiled = core is not None and net.channels <= CORE_CHANNELS
        self._finder: Finder = CoreDetector(net) if compiled else NumpyDetector(net)

    def reset(self) -> None:
        """Start a new segment."""
        self._finder.reset()

    def advance(self, segment: Segment) -> list[DetectedBeat]:
        """Look at the signal that has come since, return the beats found in it."""
        found = self._finder.advance(segment.ring, segment.ended)
        return [segment.add_beat(position, confidence) for position, confidence in found]
