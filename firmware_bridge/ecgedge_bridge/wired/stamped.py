"""Where stamped numbers belong: those of an LSL stream, and of boards that print their clock; without I/O.

The stamp of each sample is known. A step of two samples too many, or more, is a gap of exactly that many,
unless stamps have been seen to scatter as much: programs that stamp what comes over a radio when it comes do
so by tens of milliseconds. A step back, or of more than an hour, is a clock that was set: a new segment.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.stream.index import NO_LOSS, Loss, Placed, SampleIndex
from ecgedge_bridge.stream.limits import MAX_GAP_S
from ecgedge_bridge.stream.rate import RateEstimate
from ecgedge_bridge.stream.unwrap import bounded
from ecgedge_bridge.values import Samples

__all__ = ["StampedTimeline"]

Float64s = npt.NDArray[np.float64]
# Stamps in whole milliseconds are off by one sample at 1000 Hz.
_SLACK = 2.0
# Twice what has been seen is still scatter; what was seen once is forgotten by half each minute.
_SCATTER = 2.0
_HALF_S = 60.0
_BACK_S = 1.0


class _Step(NamedTuple):
    """Before which of the samples at hand something is missing."""

    at: int
    loss: Loss


class StampedTimeline(SampleIndex):
    """Place samples by a stamp of each.

    Parameters
    ----------
    fs : float
        Nominal rate in Hz.

    Examples
    --------
    >>> import numpy as np
    >>> timeline = StampedTimeline(100.0)
    >>> stamps = np.array([0.0, 0.01, 0.02, 0.53, 0.54])  # 50 are missing
    >>> [(one.sample, len(one.samples)) for one in timeline.place(np.zeros(5, np.float32), stamps, 0.0)]
    [(0, 3), (53, 2)]
    """

    def __init__(self, fs: float) -> None:
        super().__init__(fs)
        self._rate = RateEstimate(fs)
        self._last_s = math.nan
        self._scatter = 0.0
        self._scatter_at = 0
        self._host_s = math.nan

    @property
    def fs_hat(self) -> float:
        """Estimate of the true rate in Hz, by the stamps."""
        return self._rate.fs

    def place(self, samples: Samples, stamps_s: Float64s, host_time_s: float) -> list[Placed]:
        """Give consecutive samples their index: one piece for each run without a gap."""
        self.segments = max(self.segments, 1)
        steps = (np.diff(stamps_s, prepend=self._last_s) * self.fs) - 1.0
        before_s, self._host_s = self._host_s, host_time_s
        # What arrivals say is missing, where stamps cannot: less than a second is their jitter.
        due = round(bounded(host_time_s - before_s) * self.fs) - len(samples)
        due = due if due > _BACK_S * self.fs else 0
        placed, start, loss = [], 0, NO_LOSS
        for at in np.flatnonzero(~(np.abs(steps) <= 0.5)).tolist():
            found = self._step(float(steps[at]), self.next_sample + at - start, due)
            if found is None:
                continue
            if at > start:
                placed.append(self._put(samples[start:at], stamps_s[start:at], loss))
            start, loss = at, found
        placed.append(self._put(samples[start:], stamps_s[start:], loss))
        return placed

    def _step(self, extra: float, sample: int, due: int) -> Loss | None:
        """What a step of so many samples too many means; None: nothing is missing."""
        if math.isnan(extra):  # the first sample of all
            return None
        if extra < -_BACK_S * self.fs or extra > MAX_GAP_S * self.fs:
            what = f"the clock of the stamps stepped by {extra / self.fs:+.3f} s"
            return self._new_segment(NoteCode.CLOCK_STEP, what, due)
        scatter = self._scatter * 0.5 ** ((sample - self._scatter_at) / (_HALF_S * self.fs))
        if extra >= max(_SLACK, _SCATTER * scatter) - 0.5:
            return Loss(round(extra))
        if abs(extra) > scatter:
            self._scatter, self._scatter_at = abs(extra), sample
        return None

    def _put(self, samples: Samples, stamps_s: Float64s, loss: Loss) -> Placed:
        if loss is NO_LOSS and not math.isnan(self._last_s):
            seconds = float(stamps_s[-1]) - self._last_s
            if seconds > 0:
                self._rate.add(len(samples), seconds)
        elif len(samples) > 1 and stamps_s[-1] > stamps_s[0]:
            self._rate.add(len(samples) - 1, float(stamps_s[-1] - stamps_s[0]))
        self.lost += loss.samples
        sample = self.next_sample = self.next_sample + loss.samples
        self.next_sample += len(samples)
        self._last_s = float(stamps_s[-1])
        return Placed(sample, samples, round(self._last_s * 1e9), self._host_s, loss.samples, loss.notes)
