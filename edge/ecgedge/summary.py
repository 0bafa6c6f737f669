"""What a recording or a stream came to, in one value: the end of ``replay``, ``run`` and ``demo``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ecgedge.ectopy import EctopicBeats
from ecgedge.events import Beat, Event, Gap, Hrv, Quality, Rhythm, Summary
from ecgedge.stretches import AcceptedBeats

_Known = Beat | Gap | Hrv | Quality | Rhythm

PAUSE_S = 2.0  # no beat for longer is a pause: the usual limit of Holter reports
MINUTE_S = 60.0
LEAST_BEATS = 10  # beats without interruption that a minute's rate needs, to be the slowest or the fastest


class Summarizer:
    """Takes the events of a stream in their order; :meth:`summary` tells what they come to, at any time.

    Memory does not grow with the stream.

    Examples
    --------
    >>> summarizer = Summarizer()
    >>> beats = [Beat(80 * i, 0.8 * i, 800.0 if i else None, "V" if i == 5 else "N") for i in range(12)]
    >>> summarizer.take([*beats, Quality(0, 0.0, 1000, 10.0, accepted=True, score=0.99)])
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
        self._minute, self._minute_at = _Rate(), 0
        self._slowest: float | None = None
        self._fastest: float | None = None
        self._ectopic = EctopicBeats()
        self._usable_s = self._assessed_s = 0.0
        self._named_s: defaultdict[str, float] = defaultdict(float)
        self._af = _Episodes()
        self._hrv = {"rmssd_ms": _Mean(), "sdnn_ms": _Mean()}
        self._span: tuple[int, float, int, float] | None = None

    def take(self, events: Iterable[Event]) -> None:
        """Take events; what is no event of the monitor is passed over."""
        for event in events:
            if not isinstance(event, Beat | Gap | Hrv | Quality | Rhythm):
                continue
            self._widen(event)
            match event:
                case Quality():
                    self._assessed_s += event.end_time_s - event.time_s
                    self._usable_s += (event.end_time_s - event.time_s) * event.accepted
                case Rhythm():
                    self._name(event)
                case Gap():
                    self._lost += event.lost
                    self._af.end()
                case Hrv():
                    for name, mean in self._hrv.items():
                        mean.add(getattr(event, name))
                case _:
                    pass
            for beat, begins in self._accepted.take([event]):
                self._count(beat, begins)

    def summary(self) -> Summary:
        """What the events so far come to."""
        start, start_s, end, end_s = self._span or (0, 0.0, 0, 0.0)
        named_s = sum(self._named_s.values())
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

    def _count(self, beat: Beat, begins: bool) -> None:
        self._beats += 1
        self._ectopic.add(beat.time_s, beat.symbol or "Q", begins=begins)
        if self._last is not None and not begins:
            rr_s = beat.time_s - self._last.time_s
            self._rate.add(rr_s)
            self._longest_rr_s = max(self._longest_rr_s, rr_s)
            self._pauses += rr_s > PAUSE_S
            if beat.time_s // MINUTE_S != self._minute_at:
                self._slowest, self._fastest = self._with_minute()
                self._minute, self._minute_at = _Rate(), int(beat.time_s // MINUTE_S)
            self._minute.add(rr_s)
        self._last = beat

    def _with_minute(self) -> tuple[float | None, float | None]:
        """Rates of the slowest and the fastest minute, the one that is on among them."""
        bpm = self._minute.bpm
        if bpm is None or self._minute.intervals < LEAST_BEATS:
            return self._slowest, self._fastest
        slowest = bpm if self._slowest is None else min(self._slowest, bpm)
        return slowest, bpm if self._fastest is None else max(self._fastest, bpm)

    def _name(self, event: Rhythm) -> None:
        """Count the seconds that this window is the first to speak for."""
        adds_s = self._af.take(event)
        self._named_s[event.label] += adds_s
        self._ectopic.settle(event.end_time_s - adds_s, event.end_time_s, af=event.af is True)


@dataclass(slots=True)
class _Rate:
    intervals: int = 0
    seconds: float = 0.0

    def add(self, rr_s: float) -> None:
        self.intervals, self.seconds = self.intervals + 1, self.seconds + rr_s

    @property
    def bpm(self) -> float | None:
        return 60 * self.intervals / self.seconds if self.seconds > 0 else None


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
    episode_s: float = 0.0
    longest_s: float = 0.0

    def take(self, event: Rhythm) -> float:
        """Take a window; return the seconds that it adds to what earlier windows covered."""
        begins_s = event.time_s if self.end_s is None else max(event.time_s, self.end_s)
        adds_s = max(0.0, event.end_time_s - begins_s)
        if self.end_s is not None and event.time_s > self.end_s:
            self.episode_s = 0.0  # nothing was named in between
        self.end_s = event.end_time_s
        if event.af is not None:
            self.seconds[event.af] += adds_s
        self.episode_s = self.episode_s + adds_s if event.af else 0.0
        self.longest_s = max(self.longest_s, self.episode_s)
        return adds_s

    def end(self) -> None:
        """End the episode: a gap follows."""
        self.episode_s = 0.0

    @property
    def burden(self) -> float | None:
        told = sum(self.seconds.values())
        return self.seconds[True] / told if told else None

    @property
    def present(self) -> bool | None:
        return self.longest_s > 0 if sum(self.seconds.values()) else None
