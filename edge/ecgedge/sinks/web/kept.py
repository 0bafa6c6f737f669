"""The last hours of signal and beats, in memory."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge.events import Beat
from ecgedge_bridge.values import SampleBlock

__all__ = ["Kept", "strip_json"]

_MINUTE_S = 60
_FASTEST = 300  # beats a minute: more cannot be kept than a heart makes


def strip_json(
    start_s: float, fs: float, mv: npt.NDArray[np.float32], beats: Iterable[Beat]
) -> dict[str, Any]:
    """Return a stretch of signal as the page takes it, None where a sample is missing.

    Examples
    --------
    >>> strip_json(2.0, 1.0, np.array([0.5, np.nan], np.float32), [Beat(3, 3.0, None, "N")])
    {'start_s': 2.0, 'fs': 1.0, 'mv': [0.5, None], 'beats': [{'at_s': 3.0, 'symbol': 'N'}]}
    """
    return {
        "start_s": start_s,
        "fs": fs,
        "mv": [round(value, 4) if math.isfinite(value) else None for value in mv.tolist()],
        "beats": [{"at_s": beat.sample / fs, "symbol": beat.symbol} for beat in beats],
    }


class Kept:
    """Signal and beats of the last hours, a minute a piece.

    Parameters
    ----------
    hours : float
        An hour at 500 Hz takes 7 MB.

    Attributes
    ----------
    fs : float
        Rate in Hz, 0 before the first block.
    end_sample : int
        Index behind the last sample.
    beats_seen : int
        Beats that were taken so far.

    Examples
    --------
    >>> kept = Kept(hours=1.0)
    >>> kept.add(SampleBlock(np.ones(130, np.float32), fs=130.0, sample=0))
    >>> kept.signal(120, 140)[[0, 9, 10]].tolist()
    [1.0, 1.0, nan]
    """

    def __init__(self, hours: float) -> None:
        self.fs = 0.0
        self.end_sample = 0
        self.beats_seen = 0
        self._most = max(round(hours * 60), 1)
        self._minutes: OrderedDict[int, npt.NDArray[np.float32]] = OrderedDict()
        self._beats: deque[Beat] = deque(maxlen=self._most * _FASTEST)

    def add(self, block: SampleBlock) -> None:
        """Keep a block; one of another rate begins anew."""
        if block.fs != self.fs:
            self.fs = block.fs
            self._minutes.clear()
            self._beats.clear()
        size, at, end = self._size, block.sample, block.end_sample
        while at < end:
            minute, offset = divmod(at, size)
            n = min(size - offset, end - at)
            new = block.samples[at - block.sample :][:n]
            self._minute(minute)[offset : offset + n] = new
            at += n
        self.end_sample = end

    def add_beat(self, beat: Beat) -> None:
        """Keep a beat."""
        self._beats.append(beat)
        self.beats_seen += 1

    def signal(self, first: int, end: int) -> npt.NDArray[np.float32]:
        """Return the samples from ``first`` up to ``end``, NaN where there are none; shape (end - first,)."""
        mv = np.full(max(end - first, 0), np.nan, np.float32)
        for minute in range(first // self._size, -(-end // self._size)):
            piece = self._minutes.get(minute)
            if piece is not None:
                start = minute * self._size
                low, high = max(first, start), min(end, start + self._size)
                mv[low - first : high - first] = piece[low - start : high - start]
        return mv

    def holds(self, first: int, end: int) -> bool:
        """Whether any minute between two samples is kept."""
        return any(minute in self._minutes for minute in range(first // self._size, -(-end // self._size)))

    def beats(self, first: int, end: int) -> list[Beat]:
        """Return the beats between two samples."""
        return [beat for beat in self._beats if first <= beat.sample < end]

    def beats_since(self, seen: int) -> list[Beat]:
        """Return those that were taken after the first ``seen`` ones."""
        n = min(self.beats_seen - seen, len(self._beats))
        return [self._beats[i] for i in range(-n, 0)]

    @property
    def _size(self) -> int:
        return max(round(_MINUTE_S * self.fs), 1)

    def _minute(self, minute: int) -> npt.NDArray[np.float32]:
        if minute not in self._minutes:
            self._minutes[minute] = np.full(self._size, np.nan, np.float32)
            while len(self._minutes) > self._most:
                self._minutes.popitem(last=False)
            # Their number alone would let a slow heart's beats fill four hours.
            oldest = next(iter(self._minutes)) * self._size
            while self._beats and self._beats[0].sample < oldest:
                self._beats.popleft()
        return self._minutes[minute]
