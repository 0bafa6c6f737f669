"""Beats in uninterrupted, accepted signal: what counts for a heart rate, ectopic beats and pauses."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from ecgedge.events import Beat, Event, Gap, Quality
from ecgedge.stream.rate import heart_rate_bpm

# Beats and verdicts that wait for each other at most: minutes of them. Without a gate nothing is handed on.
_MOST_WAITING = 1000
# Longer without an accepted beat, and a display shows no rate: the gate has refused two windows of 10 s.
_STALE_S = 30.0


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


class RecentRate:
    """The heart rate of the last beats in accepted signal, for a display.

    Parameters
    ----------
    over_s : float
        Beats of so many seconds are counted.

    Examples
    --------
    >>> rate = RecentRate()
    >>> beats = [Beat(80 * i, 0.8 * i, 800.0 if i else None, "N") for i in range(12)]
    >>> rate.take([*beats, Quality(0, 0.0, 1000, 10.0, accepted=True, score=0.99)])
    >>> rate.bpm(now_s=10.0), rate.bpm(now_s=60.0)
    (75.0, None)
    """

    def __init__(self, over_s: float = 10.0) -> None:
        self._over_s = over_s
        self._accepted = AcceptedBeats()
        self._stretches: deque[list[float]] = deque()

    def take(self, events: Iterable[Event]) -> None:
        """Take the monitor's events in their order."""
        for beat, begins in self._accepted.take(events):
            if begins or not self._stretches:
                self._stretches.append([])
            self._stretches[-1].append(beat.time_s)
            oldest_s = beat.time_s - self._over_s
            while self._stretches[0][-1] < oldest_s:
                self._stretches.popleft()
            self._stretches[0] = [at for at in self._stretches[0] if at >= oldest_s]

    def bpm(self, now_s: float) -> float | None:
        """Beats per minute; None where there were no two beats in the last 30 s.

        The gate's verdict on a beat comes up to 10 s after it, and the beats before that are counted.
        """
        if not self._stretches or now_s - self._stretches[-1][-1] > _STALE_S:
            return None
        return heart_rate_bpm(self._stretches)
