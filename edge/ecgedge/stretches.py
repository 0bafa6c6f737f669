"""Beats in uninterrupted, accepted signal: what counts for a heart rate, ectopic beats and pauses."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from ecgedge.events import Beat, Event, Gap, Quality

# Beats and verdicts that wait for each other at most: minutes of them. A stream without a gate hands on nothing.
_MOST_WAITING = 1000


class AcceptedBeats:
    """Hands on each beat once the gate has accepted its signal, and says where a stretch of them begins.

    A beat is named one interval after it is found, and the gate's verdict on its signal comes up to ten
    seconds later: until then it waits here. What waits is bounded by the gate's window.

    Examples
    --------
    >>> accepted = AcceptedBeats()
    >>> beats = [Beat(100, 1.0, None, "N"), Beat(180, 1.8, 800.0, "N")]
    >>> verdict = Quality(0, 0.0, 1000, 10.0, accepted=True, score=0.99)
    >>> [(beat.sample, first) for beat, first in accepted.take([*beats, verdict])]
    [(100, True), (180, False)]
    """

    def __init__(self) -> None:
        self._waiting: deque[Beat] = deque(maxlen=_MOST_WAITING)
        self._verdicts: deque[Quality] = deque(maxlen=_MOST_WAITING)
        self._broken = True  # whether refused signal or a gap lies behind the last beat handed on

    def take(self, events: Iterable[Event]) -> Iterator[tuple[Beat, bool]]:
        """Take events in their order; yield the beats that count now, with whether each begins a stretch."""
        for event in events:
            match event:
                case Beat():
                    self._waiting.append(event)
                case Quality():
                    self._verdicts.append(event)
                case Gap():  # all verdicts on its segment came before it: what has none now gets none
                    self._waiting.clear()
                    self._verdicts.clear()
                    self._broken = True
                case _:
                    continue
            yield from self._ready()

    def _ready(self) -> Iterator[tuple[Beat, bool]]:
        verdicts = self._verdicts
        while self._waiting and verdicts and self._waiting[0].sample < verdicts[-1].end_sample:
            beat = self._waiting.popleft()
            while verdicts[0].end_sample <= beat.sample:
                self._broken |= not verdicts.popleft().accepted
            if verdicts[0].accepted:
                yield beat, self._broken
            self._broken = not verdicts[0].accepted
