"""The stage that finds beats."""

from __future__ import annotations

from ecgedge.beats.detector import BeatDetector, Detection
from ecgedge.events import Beat
from ecgedge.stream.ring import Reader
from ecgedge.stream.segment import Segment


class BeatStage:
    """Finds beats and puts them on the segment."""

    name = "beats"

    def __init__(self, fs: float) -> None:
        self._detector = BeatDetector(fs)

    def start(self, segment: Segment) -> None:
        """Begin a new segment."""
        self._detector.reset()
        self._reader: Reader = segment.ring.reader()

    def advance(self, segment: Segment) -> list[Beat]:
        """Read what is unread, return the beats found."""
        x, _ = self._reader.take(self._reader.unread)
        found = self._detector.feed(x) if x is not None and len(x) else []
        if segment.ended:
            found += self._detector.finish()
        return [self._beat(segment, beat) for beat in found]

    def _beat(self, segment: Segment, beat: Detection) -> Beat:
        rr = 1e3 * (beat.at - segment.beats[-1].at) / segment.fs if segment.beats else None
        segment.beats.append(beat)
        sample = segment.sample(beat.at)
        return Beat(sample, segment.seconds(sample), rr)
