"""A recording through the runtime, block by block: of a day its beats and changes of rhythm are kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge.events import Event, Rhythm
from ecgedge.stream.pipeline import Pipeline
from ecgedge.stretches import AcceptedBeats
from ecgedge.summary import Summarizer
from ecgedge_bridge.files import atomic_file
from ecgedge_bridge.values import SampleBlock
from ecgedge_export.archives import npz
from ecgedge_export.data import Episode, Record
from ecgedge_export.data.build import episodes
from ecgedge_export.ec57.annotations import AF, NO_AF, AfChanges


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the runtime made of a recording.

    Parameters
    ----------
    rhythms : tuple of Episode
        AFIB and N, over the whole recording.
    beats : array of int64, shape (k,)
        Beats in signal that the gate accepted, in samples.
    begins : array of bool, shape (k,)
        Which of them come after a gap or after refused signal.
    usable : float
        Share of the signal that the gate accepted; NaN where it saw none.
    burden : float
        Share of the time that could be told which the summary calls AF, as ``ecgedge report`` tells it; NaN
        where nothing could be told.
    """

    rhythms: tuple[Episode, ...]
    beats: npt.NDArray[np.int64]
    begins: npt.NDArray[np.bool_]
    usable: float
    burden: float

    def save(self, path: Path) -> None:
        """Write it to a ``.npz`` file, whole or not at all."""
        spans = np.array([(e.start, e.end, e.name == AF) for e in self.rhythms], np.int64).reshape(-1, 3)
        figures = np.array([self.usable, self.burden])
        with atomic_file(path) as file:
            np.savez(file, rhythms=spans, beats=self.beats, begins=self.begins, figures=figures)

    @classmethod
    def load(cls, path: Path) -> Seen:
        """Read what :meth:`save` wrote."""
        with npz(path, "delete it, it is made again") as z:
            rhythms = tuple(Episode(a, b, AF if af else NO_AF) for a, b, af in z["rhythms"].tolist())
            usable, burden = z["figures"].tolist()
            return cls(rhythms, z["beats"], z["begins"], usable, burden)


def observe(record: Record, monitor: Pipeline, lead: int | str = 0) -> Seen:
    """Feed one lead of a recording to the monitor, ten minutes at a time."""
    monitor.reset()
    taken = _Taken()
    for mv in record.blocks(lead):
        taken.take(monitor.feed(SampleBlock(samples=mv, fs=record.fs)))
    taken.take(monitor.finish())
    return taken.seen(record.n_samples)


class _Taken:
    """Takes events, and keeps no more of them than it says."""

    def __init__(self) -> None:
        self._changes, self._accepted, self._summarizer = AfChanges(), AcceptedBeats(), Summarizer()
        self._beats: list[int] = []
        self._begins: list[bool] = []

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Rhythm):
                self._changes.take(event)
            self._summarizer.take([event])
            for beat, begins in self._accepted.take([event]):
                self._beats.append(beat.sample)
                self._begins.append(begins)

    def seen(self, n_samples: int) -> Seen:
        summary = self._summarizer.summary()
        usable, burden = (float("nan") if x is None else x for x in (summary.usable, summary.af_burden))
        rhythms = episodes(self._changes.made, n_samples)
        beats, begins = np.array(self._beats, np.int64), np.array(self._begins, np.bool_)
        return Seen(rhythms, beats, begins, usable, burden)
