"""The stage that finds beats."""

from __future__ import annotations

from ecgedge.beats.detector import BeatDetector
from ecgedge.beats.net import FS, BeatNet
from ecgedge.beats.settings import LATENCY_S, LOOK_BACK_S
from ecgedge.events import Beat
from ecgedge.stream.segment import Part, Segment


class BeatStage:
    """Finds beats and puts them on the segment.

    Parameters
    ----------
    net : BeatNet
        The network that finds them.
    events : bool
        Whether it makes their events too; else a later stage does, which knows more about each beat.
    """

    name = "beats"
    fs = FS
    latency_s, window_s = LATENCY_S, LOOK_BACK_S
    reads: tuple[Part, ...] = ()
    writes: tuple[Part, ...] = ("beats",)

    def __init__(self, net: BeatNet, *, events: bool = True) -> None:
        self._detector, self._events = BeatDetector(net), events

    def start(self, segment: Segment) -> None:
        """Begin a new segment."""
        self._detector.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._detector.reset()

    def advance(self, segment: Segment) -> list[Beat]:
        """Find the beats in the signal that has come since."""
        found = self._detector.advance(segment)
        return [segment.event(beat) for beat in found] if self._events else []
