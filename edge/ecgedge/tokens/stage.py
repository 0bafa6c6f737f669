"""The stage that makes a word of each beat."""

from __future__ import annotations

from collections import deque

from ecgedge.beats.settings import LOOK_BACK_S
from ecgedge.events import Word
from ecgedge.stream.segment import DetectedBeat, Part, Segment
from ecgedge.tokens.features import FS, HALF, N, bounds, word
from ecgedge.tokens.model import WordModel


class WordStage:
    """Speaks each beat once the next one has come, or once it cannot come within the word any more.

    The beats are the detector's own: where the stream has none, it says nothing.

    Parameters
    ----------
    model : WordModel
    """

    name = "tokens"
    fs = FS
    latency_s = N / FS
    # A beat of search-back may be as old as that goes back, and its word begins before it.
    window_s = LOOK_BACK_S + N / FS
    reads: tuple[Part, ...] = ("beats",)
    writes: tuple[Part, ...] = ()

    def __init__(self, model: WordModel) -> None:
        self._model = model
        self.reset()

    def start(self, segment: Segment) -> None:
        """Begin a new segment."""
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._waiting: deque[DetectedBeat] = deque()  # for the beat behind them
        self._taken = 0  # beats of the segment that came up to the last of them
        self._last: float | None = None  # position of the beat that was spoken last

    def advance(self, segment: Segment) -> list[Word]:
        """Speak the beats whose words are complete."""
        self._waiting.extend(segment.beats_after(self._taken))
        self._taken = segment.n_beats
        words = []
        while self._waiting and self._is_complete(segment):
            beat = self._waiting.popleft()
            words.append(self._word(segment, beat))
            self._last = beat.position
        return words

    def _is_complete(self, segment: Segment) -> bool:
        """Whether it is known where the word of the first waiting beat ends."""
        # A beat that is a whole word away has its midpoint at the word's end: it does not matter any more.
        waited = segment.settled("beats") - self._waiting[0].position
        return len(self._waiting) > 1 or segment.ended or waited >= N

    def _word(self, segment: Segment, beat: DetectedBeat) -> Word:
        following = self._waiting[0].position if self._waiting else None
        ring = segment.ring
        # The first sample is looked for no further than a word reaches: how much older signal is still kept
        # depends on when the beat was found.
        first = 0 if beat.position <= HALF else beat.position - HALF
        at = bounds(self._last, beat.position, following, first, ring.written)
        code, gain_mv = self._model.speak(word(ring, beat.position, at))
        return Word(beat.sample, segment.seconds(beat.sample), code, beat.rr_ms, gain_mv)
