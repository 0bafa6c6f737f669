"""The findings of a recording: what a Holter report lists, with times in seconds since its start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from ecgedge.details import EctopicPattern, EctopicRow, Episode, LongInterval, Minute
from ecgedge.events import Intervals, Mark, Note, Summary
from ecgedge.hrv.totals import NnTotals
from ecgedge.report.drawing.charts import Span

__all__ = ["Battery", "Beats", "Ectopics", "Findings", "Hour", "HrvFindings", "Link", "Refused"]


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour by the clock, or of the recording where it has none.

    Rates are of minutes; shares are seconds: ``assessed_s`` was looked at by the gate, ``usable_s`` accepted,
    ``missing_s`` is not there.
    """

    start_s: float
    beats: int
    bpm: float | None
    slowest_bpm: float | None
    fastest_bpm: float | None
    ventricular: int
    supraventricular: int
    pauses: int
    af_s: float
    assessed_s: float
    usable_s: float
    missing_s: float

    @property
    def usable(self) -> float | None:
        """Share of what the gate saw that it accepted."""
        return self.usable_s / self.assessed_s if self.assessed_s else None


@dataclass(frozen=True, slots=True)
class Refused:
    """Signal that the gate refused for one reason: a stretch may have several."""

    reason: str
    seconds: float
    worst_hour_s: float  # start of the hour with most of it


@dataclass(frozen=True, slots=True)
class Ectopics:
    """Ectopic beats of one class, beyond what :class:`ecgedge.events.Ectopy` counts."""

    singles: int
    single: EctopicRow | None  # the first of each
    couplet: EctopicRow | None
    longest_run: EctopicRow | None
    runs: tuple[EctopicRow, ...]  # the longest ones, in the order of time
    bigeminy: int  # episodes
    trigeminy: int
    longest_pattern: EctopicPattern | None


@dataclass(frozen=True, slots=True)
class Beats:
    """All beats found, for the marks on strips: times in s, and classes as bytes (``?`` where unnamed)."""

    time_s: npt.NDArray[np.float64]
    symbol: bytes


@dataclass(frozen=True, slots=True)
class HrvFindings:
    """HRV of the windows of five minutes, one each minute, and of the whole; see :mod:`ecgedge.hrv`."""

    windows: dict[str, tuple[float, float, float, int]]  # lowest, mean, highest, windows that have it
    sdann_ms: float | None
    sdnn_index_ms: float | None
    whole: NnTotals


@dataclass(frozen=True, slots=True)
class Battery:
    """Charge of the wearable, first and last."""

    first_percent: int
    last_percent: int


@dataclass(frozen=True, slots=True)
class Link:
    """What happened on the radio: connections lost, frames that could not be read."""

    lost: int
    frames_lost: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What a report tells; ``summary`` is the same as of ``ecgedge.summarize``."""

    summary: Summary
    start: datetime | None
    seconds: float
    signal_s: float
    fs: float
    devices: tuple[str, ...]
    minutes: tuple[Minute, ...]
    slowest: Minute | None
    fastest: Minute | None
    hours: tuple[Hour, ...]
    rhythms: tuple[Span, ...]
    off_rate_s: float  # named O, and sinus rhythm: slow or fast
    refused: tuple[Span, ...]
    reasons: tuple[Refused, ...]
    gaps: tuple[Span, ...]
    gap_count: int
    episodes: tuple[Episode, ...]
    ventricular: Ectopics
    supraventricular: Ectopics
    pauses: tuple[LongInterval, ...]
    longest: LongInterval | None
    hrv: HrvFindings
    intervals: tuple[Intervals, ...]
    marks: tuple[Mark, ...]
    mark_count: int
    notes: tuple[tuple[Note, int], ...]
    battery: Battery | None
    link: Link
    beats: Beats
