"""A stretch of a recording: its blocks and events alone, counted from its own start."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TypeVar

from ecgedge.events import Event, Gap, Hrv, Intervals, Quality, Rhythm, Waves
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["WHOLE", "Span", "moved"]

T = TypeVar("T", bound=SampleBlock | Acceleration | HeartRate | Event)

_BORDERS = tuple(one.name for one in fields(Waves) if one.name.endswith(("_onset", "_peak", "_end")))


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch, in seconds since the first sample of a recording.

    Parameters
    ----------
    start_s, end_s : float
        From ``start_s`` up to ``end_s``.

    Examples
    --------
    >>> import numpy as np
    >>> block = SampleBlock(np.arange(130, dtype=np.float32), fs=130.0, sample=130)
    >>> [(b.sample, len(b.samples)) for b in Span(1.5, 60.0).cut([block])]
    [(0, 65)]
    """

    start_s: float = 0.0
    end_s: float = math.inf

    def first(self, fs: float) -> int:
        """Index of the first sample inside, at a rate in Hz."""
        return math.ceil(self.start_s * fs - _HAIR)

    def end(self, fs: float) -> float:
        """Index behind the last sample inside, infinite where the stretch goes to the end."""
        return self.end_s if math.isinf(self.end_s) else math.ceil(self.end_s * fs - _HAIR)

    def cut(self, items: Iterable[T], *, lasting: bool = False) -> Iterator[T]:
        """Yield what lies inside, with indices and times from the start of the stretch.

        Blocks are cut at its borders, and gaps too; another event is inside where its place is. Nothing
        before the first block is known to be inside.

        With ``lasting`` rhythms and verdicts of the gate are cut at the borders too, so that they tell of the
        stretch and of nothing else; what was measured over a window that ends behind it is left out.
        """
        if self == WHOLE:
            yield from items
            return
        fs = 0.0
        for item in items:
            if isinstance(item, SampleBlock):
                fs = item.fs
                cut: SampleBlock | Gap | Quality | Rhythm | None = self._block(item)
            elif isinstance(item, Acceleration):
                continue  # it counts by itself
            elif isinstance(item, Gap):
                cut = self._gap(item)
            elif lasting and isinstance(item, Quality | Rhythm):
                cut = self._lasting(item, fs)
            elif lasting and isinstance(item, Hrv | Intervals) and item.end_time_s > self.end_s + _HAIR:
                continue
            else:
                cut = self._event(item, fs)  # type: ignore[assignment]
            if cut is not None:
                yield cut  # type: ignore[misc]

    def _block(self, block: SampleBlock) -> SampleBlock | None:
        first = self.first(block.fs)
        low, high = max(block.sample, first), min(block.end_sample, self.end(block.fs))
        if low >= high:
            return None
        samples = block.samples[low - block.sample : int(high) - block.sample]
        # The device's stamp is that of the block's last sample.
        stamp = block.device_time_ns if high == block.end_sample else None
        return replace(block, samples=samples, sample=low - first, device_time_ns=stamp)

    def _gap(self, gap: Gap) -> Gap | None:
        fs = gap.end_sample / gap.end_time_s if gap.end_time_s > 0 else 0.0
        first = self.first(fs)
        low, high = max(gap.sample, first), min(gap.end_sample, self.end(fs))
        if low >= high:
            return None
        low, high = low - first, int(high) - first
        return replace(
            gap, sample=low, time_s=low / fs, end_sample=high, end_time_s=high / fs, lost=high - low
        )

    def _lasting(self, event: Quality | Rhythm, fs: float) -> Quality | Rhythm | None:
        first, behind = self.first(fs), self.end(fs)
        if event.time_s < self.start_s:
            event = replace(event, sample=first, time_s=self.start_s)
        if event.end_time_s > self.end_s:
            event = replace(event, end_sample=int(behind), end_time_s=self.end_s)
        return moved(event, -first, -self.start_s) if event.time_s < event.end_time_s else None

    def _event(self, event: T, fs: float) -> T | None:
        time_s: float = event.time_s  # type: ignore[union-attr]
        if not self.start_s <= time_s < self.end_s:
            return None
        return moved(event, -self.first(fs), -self.start_s)


def moved(event: T, samples: int, seconds: float) -> T:
    """Return an event with all its indices and times moved."""
    new: dict[str, object] = {
        "sample": event.sample + samples, "time_s": max(event.time_s + seconds, 0.0)  # type: ignore[union-attr]
    }  # fmt: skip
    if hasattr(event, "end_sample"):
        new |= {"end_sample": event.end_sample + samples, "end_time_s": event.end_time_s + seconds}  # type: ignore[union-attr]
    if isinstance(event, Waves):
        at = {name: getattr(event, name) for name in _BORDERS}
        new |= {name: None if index is None else index + samples for name, index in at.items()}
    return replace(event, **new)  # type: ignore[arg-type]


WHOLE = Span()
_HAIR = 1e-6  # of a sample: 0.1 s times 130 Hz is 13.000000000000002
