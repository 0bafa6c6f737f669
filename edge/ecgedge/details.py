"""What a summary is made of, each with its time: minutes, pauses, episodes, rows of ectopic beats.

:class:`ecgedge.summary.Summarizer` counts them and hands them out as they end, so that who lists them and who
counts them cannot disagree. Times are seconds since the start of the stream.
"""

from __future__ import annotations

from dataclasses import dataclass

from ecgedge.events import Beat, Rhythm

__all__ = [
    "CountedBeat",
    "Detail",
    "EctopicDetail",
    "EctopicPattern",
    "EctopicRow",
    "Episode",
    "LongInterval",
    "Minute",
    "Named",
]


@dataclass(frozen=True, slots=True)
class CountedBeat:
    """A beat in accepted signal; ``begins``: refused signal or a gap lies before it."""

    beat: Beat
    begins: bool


@dataclass(frozen=True, slots=True)
class LongInterval:
    """Two neighbouring beats that are further apart than any before them, or a pause."""

    start_s: float
    end_s: float
    pause: bool

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Minute:
    """The heart rate of a minute.

    ``low_bpm`` and ``high_bpm`` are the slowest and the fastest four intervals in a row, None where there are
    none; ``counts``: it has beats enough to be the slowest or the fastest minute.
    """

    start_s: float
    bpm: float
    low_bpm: float | None
    high_bpm: float | None
    counts: bool


@dataclass(frozen=True, slots=True)
class Named:
    """The stretch that a rhythm window was the first to speak for."""

    start_s: float
    end_s: float
    event: Rhythm


@dataclass(frozen=True, slots=True)
class Episode:
    """Atrial fibrillation without interruption; ``bpm`` is its mean heart rate."""

    start_s: float
    end_s: float
    bpm: float | None


@dataclass(frozen=True, slots=True)
class EctopicRow:
    """Ectopic beats of one class in a row: 1 is a single one, 2 a couplet, 3 and more a run."""

    symbol: str
    start_s: float
    end_s: float
    beats: int


@dataclass(frozen=True, slots=True)
class EctopicPattern:
    """Ectopic beats that are every second (bigeminy) or every third beat (trigeminy), three times or more."""

    symbol: str
    every: int
    start_s: float
    end_s: float
    beats: int


EctopicDetail = EctopicRow | EctopicPattern
Detail = CountedBeat | LongInterval | Minute | Named | Episode | EctopicDetail
