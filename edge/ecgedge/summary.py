"""What a recording or a stream came to, in one value: the end of ``replay``, ``run`` and ``demo``."""

from __future__ import annotations

import copy
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import fsum

from ecgedge.details import CountedBeat, Detail, Episode, LongInterval, Minute, Named
from ecgedge.ectopy import EctopicBeats
from ecgedge.events import Beat, Event, Gap, Hrv, Quality, Rhythm, Summary
from ecgedge.stretches import AcceptedBeats

_Known = Beat | Gap | Hrv | Quality | Rhythm

PAUSE_S = 2.0  # no beat for longer is a pause: the usual limit of Holter reports
MINUTE_S = 60.0
LEAST_BEATS = 10  # beats without interruption that a minute's rate needs, to be the slowest or the fastest
BRIEF = 4  # intervals in a row whose rate is the slowest or the fastest within a minute


class Summarizer:
    """Takes the events of a stream in their order; :meth:`summary` tells what they come to, at any time.

    :meth:`take` returns what it counted, each with its time, for whoever lists it. Memory does not grow with
    the stream.

    Examples
    --------
    >>> summarizer = Summarizer()
    >>> beats = [Beat(80 * i, 0.8 * i, 800.0 if i else None, "V" if i == 5 else "N") for i in range(12)]
    >>> found = summarizer.take([*beats, Quality(0, 0.0, 1000, 10.0, accepted=True, score=0.99)])
    >>> found = summarizer.summary()
    >>> found.beats, found.heart_rate_bpm, found.ventricular.beats
    (12, 75.0, 1)
    """

    def __init__(self) -> None:
        self._accepted = AcceptedBeats()
        self._last: Beat | None = None  # accepted beat, whose follower may lie in the same stretch
        self._beats = self._lost = self._pauses = 0
        self._longest_rr_s = 0.0
        self._rate = _Rate()
        self._minute = _Minute(0)
        self._slowest: float | None = None
        self._fastest: float | None = None
        self._ectopic = EctopicBeats()
        self._usable_s = self._assessed_s = 0.0
        self._named_s: defaultdict[str, float] = defaultdict(float)
        self._af = _Episodes()
        self._hrv = {"rmssd_ms": _Mean(), "sdnn_ms": _Mean()}
        self._span: tuple[int, float, int, float] | None = None

    def take(self, events: Iterable[Event]) -> list[Detail]:
        """Take events, and return what ended; what is no event of the monitor is passed over."""
        found: list[Detail] = []
        for event in events:
            if not isinstance(event, Beat | Gap | Hrv | Quality | Rhythm):
                continue
            self._widen(event)
            match event:
                case Quality():
                    self._assessed_s += event.end_time_s - event.time_s
                    self._usable_s += (event.end_time_s - event.time_s) * event.accepted
                case Rhythm():
                    found += self._name(event)
                case Gap():
                    self._lost += event.lost
                    found += self._af.end()
                case Hrv():
                    for name, mean in self._hrv.items():
                        mean.add(getattr(event, name))
                case _:
                    pass
            for beat, begins in self._accepted.take([event]):
                found += self._count(beat, begins)
        return found

    def rest(self) -> list[Detail]:
        """Return what has not ended yet, as if the stream ended now; changes nothing."""
        return [*self._minute.detail(), *self._ectopic.rest(), *copy.copy(self._af).end()]

    def summary(self) -> Summary:
        """What the events so far come to."""
        start, start_s, end, end_s = self._span or (0, 0.0, 0, 0.0)
        # Not sum(), which adds floats in another way from Python 3.12 on.
        named_s = fsum(self._named_s.values())
        no_af_s = max(0.0, self._usable_s - self._af.seconds[True])
        slowest, fastest = self._with_minute()
        return Summary(
            sample=start,
            time_s=start_s,
            end_sample=end,
            end_time_s=end_s,
            usable=self._usable_s / self._assessed_s if self._assessed_s else None,
            lost=self._lost,
            heart_rate_bpm=self._rate.bpm,
            slowest_bpm=slowest,
            fastest_bpm=fastest,
            rhythms={label: seconds / named_s for label, seconds in sorted(self._named_s.items())},
            af=self._af.present,
            af_burden=self._af.burden,
            longest_af_s=self._af.longest_s,
            beats=self._beats,
            ventricular=self._ectopic.ventricular(self._usable_s),
            supraventricular=self._ectopic.supraventricular(no_af_s),
            pauses=self._pauses,
            longest_rr_ms=1e3 * self._longest_rr_s or None,
            **{name: mean.value for name, mean in self._hrv.items()},
        )

    def _widen(self, event: _Known) -> None:
        last, last_s = (
            (event.sample, event.time_s) if isinstance(event, Beat) else (event.end_sample, event.end_time_s)
        )
        start, start_s, end, end_s = self._span or (event.sample, event.time_s, last, last_s)
        if event.sample < start:
            start, start_s = event.sample, event.time_s
        if last > end:
            end, end_s = last, last_s
        self._span = start, start_s, end, end_s

    def _count(self, beat: Beat, begins: bool) -> list[Detail]:
        self._beats += 1
        found: list[Detail] = [CountedBeat(beat, begins)]
        found += self._ectopic.add(beat.time_s, beat.symbol or "Q", begins=begins)
        if begins:
            self._minute.broken()
        if self._last is not None and not begins:
            rr_s = beat.time_s - self._last.time_s
            self._rate.add(rr_s)
            if rr_s > min(self._longest_rr_s, PAUSE_S):
                found.append(LongInterval(self._last.time_s, beat.time_s, pause=rr_s > PAUSE_S))
            self._longest_rr_s = max(self._longest_rr_s, rr_s)
            self._pauses += rr_s > PAUSE_S
            if beat.time_s // MINUTE_S != self._minute.at:
                found += self._minute.detail()
                self._slowest, self._fastest = self._with_minute()
                self._minute = _Minute(int(beat.time_s // MINUTE_S))
            self._minute.add(rr_s)
        self._last = beat
        return found

    def _with_minute(self) -> tuple[float | None, float | None]:
        """Rates of the slowest and the fastest minute, the one that is on among them."""
        bpm = self._minute.rate.bpm
        if bpm is None or not self._minute.counts:
            return self._slowest, self._fastest
        slowest = bpm if self._slowest is None else min(self._slowest, bpm)
        return slowest, bpm if self._fastest is None else max(self._fastest, bpm)

    def _name(self, event: Rhythm) -> list[Detail]:
        """Count the seconds that this window is the first to speak for."""
        found: list[Detail] = [*self._af.end()] if self._af.is_over(event) else []
        adds_s = self._af.take(event)
        start_s = event.end_time_s - adds_s
        self._named_s[event.label] += adds_s
        found.append(Named(start_s, event.end_time_s, event))
        return found + self._ectopic.settle(start_s, event.end_time_s, af=event.af is True)


@dataclass(slots=True)
class _Rate:
    intervals: int = 0
    seconds: float = 0.0

    def add(self, rr_s: float) -> None:
        self.intervals, self.seconds = self.intervals + 1, self.seconds + rr_s

    @property
    def bpm(self) -> float | None:
        return 60 * self.intervals / self.seconds if self.seconds > 0 else None


class _Minute:
    """The rate of a minute, and its slowest and fastest intervals."""

    def __init__(self, at: int) -> None:
        self.at, self.rate = at, _Rate()
        self._low_bpm: float | None = None
        self._high_bpm: float | None = None
        self._last: deque[float] = deque(maxlen=BRIEF)

    def add(self, rr_s: float) -> None:
        self.rate.add(rr_s)
        self._last.append(rr_s)
        if len(self._last) == BRIEF:
            bpm = 60 * BRIEF / fsum(self._last)
            self._low_bpm = min(self._low_bpm or bpm, bpm)
            self._high_bpm = max(self._high_bpm or bpm, bpm)

    def broken(self) -> None:
        """The next interval follows no other."""
        self._last.clear()

    @property
    def counts(self) -> bool:
        return self.rate.intervals >= LEAST_BEATS

    def detail(self) -> list[Minute]:
        bpm = self.rate.bpm
        if bpm is None:
            return []
        return [Minute(self.at * MINUTE_S, bpm, self._low_bpm, self._high_bpm, self.counts)]


@dataclass(slots=True)
class _Mean:
    n: int = 0
    total: float = 0.0

    def add(self, value: float | None) -> None:
        if value is not None:
            self.n, self.total = self.n + 1, self.total + value

    @property
    def value(self) -> float | None:
        return self.total / self.n if self.n else None


@dataclass(slots=True)
class _Episodes:
    """Time with and without atrial fibrillation, and its longest episode."""

    end_s: float | None = None  # up to where time was counted
    seconds: dict[bool, float] = field(default_factory=lambda: {True: 0.0, False: 0.0})
    start_s: float = 0.0  # of the episode that is on
    episode_s: float = 0.0
    beating: _Mean = field(default_factory=_Mean)
    longest_s: float = 0.0

    def is_over(self, event: Rhythm) -> bool:
        """Whether a window ends the episode: it is another rhythm, or nothing was named in between."""
        return not event.af or (self.end_s is not None and event.time_s > self.end_s)

    def take(self, event: Rhythm) -> float:
        """Take a window; return the seconds that it adds to what earlier windows covered."""
        begins_s = event.time_s if self.end_s is None else max(event.time_s, self.end_s)
        adds_s = max(0.0, event.end_time_s - begins_s)
        self.end_s = event.end_time_s
        if event.af is not None:
            self.seconds[event.af] += adds_s
        if event.af:
            if not self.episode_s:
                self.start_s = event.end_time_s - adds_s
            self.episode_s += adds_s
            self.beating.add(event.heart_rate_bpm)
            self.longest_s = max(self.longest_s, self.episode_s)
        return adds_s

    def end(self) -> list[Episode]:
        """End the episode: a gap or another rhythm follows."""
        found = []
        if self.episode_s:
            found.append(Episode(self.start_s, self.start_s + self.episode_s, self.beating.value))
        self.episode_s, self.beating = 0.0, _Mean()
        return found

    @property
    def burden(self) -> float | None:
        told = fsum(self.seconds.values())
        return self.seconds[True] / told if told else None

    @property
    def present(self) -> bool | None:
        return self.longest_s > 0 if any(self.seconds.values()) else None
