"""The stage that guesses seven leads from lead I, window by window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecgedge.events import Event
from ecgedge.leads.features import FS, HOP, MARGIN, Floats, N
from ecgedge.leads.model import LeadModel
from ecgedge.stream.segment import Part, Segment

# Of less there is no whole beat in sight, and a network that sees none makes one up.
SHORTEST_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Samples of the stage at 100 Hz, in a row behind those of the piece before.

    ``values`` (8, k) are I, as it is behind the filters, and the seven guessed leads, in mV;
    ``first_sample`` is where their segment begins in the caller's rate ``fs_in``, ``end_sample`` where it
    ends, None while it goes on.
    """

    values: Floats
    first_sample: int
    fs_in: float
    end_sample: int | None


class LeadStage:
    """Guesses leads as signal comes; what it made is kept until :meth:`drain` takes it.

    Samples are no events: no sink should have to look at eight hundred numbers a second.

    Parameters
    ----------
    model : LeadModel
    """

    name = "leads"
    fs = FS
    latency_s = (HOP + MARGIN) / FS
    window_s = N / FS
    reads: tuple[Part, ...] = ()
    writes: tuple[Part, ...] = ()

    def __init__(self, model: LeadModel) -> None:
        self._model = model
        self.reset()

    def start(self, segment: Segment) -> None:
        """Begin a new segment."""
        self._next = 0

    def reset(self) -> None:
        """Forget everything."""
        self._next = 0  # position of the first sample that has no leads yet
        self._pieces: list[Piece] = []

    def drain(self) -> list[Piece]:
        """Take what was made since the last call."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def advance(self, segment: Segment) -> list[Event]:
        """Guess the leads of each hop whose margin has come; at the end, of what is left."""
        written = segment.ring.written
        if segment.ended:
            if written >= SHORTEST_S * FS:
                while written - self._next > HOP:
                    self._guess(segment, HOP)
                self._guess(segment, written - self._next)
            return []
        while self._next + HOP + MARGIN <= written:
            self._guess(segment, HOP)
        return []

    def _guess(self, segment: Segment, count: int) -> None:
        """Guess the next ``count`` samples, at most a hop."""
        first = self._next - MARGIN
        window = segment.ring.extended(first, first + N)
        guessed = self._model.guess(window)
        values = np.concatenate([window[None], guessed])[:, MARGIN : MARGIN + count]
        self._next += count
        ends = segment.ended and self._next == segment.ring.written
        end = segment.end_sample if ends else None
        self._pieces.append(Piece(values, segment.first_sample, segment.fs_in, end))
