"""A recording through the monitor again: the events that were found then, or what differs.

Each session had a monitor of its own, so each gets one again. What the link and the wearer told is passed on
as it was recorded; what the monitor finds now is compared with what it found then, event by event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ecgedge.events import Beat, Event, Gap, Hrv, Intervals, Quality, Rhythm, Waves, Word
from ecgedge.monitor import Models, Monitor
from ecgedge.recording.database.events import Stored
from ecgedge.recording.database.stored import Session, StoredRecording
from ecgedge.rhythm.wearer import Wearer
from ecgedge.stream.stats import MonitorStats
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import Note, SampleBlock

__all__ = ["Again"]

_OF_MONITOR = (Beat, Waves, Word, Quality, Rhythm, Hrv, Intervals)
_NOTES_OF_MONITOR = (NoteCode.BRIDGED, NoteCode.UNITS)


@dataclass(slots=True)
class Again:
    """A recording that is analysed again.

    Parameters
    ----------
    stored : StoredRecording
    models : Models
        Of the monitors; whether they find waves, and the wearer's age and sex, are those of then.

    Attributes
    ----------
    compared, differing : int
        Events of the recording that were compared, and those that are not found again.
    why : list of str
        What is not as it was: models, by name.
    stats : MonitorStats
        Of all sessions together.
    """

    stored: StoredRecording
    models: Models
    compared: int = 0
    differing: int = 0
    why: list[str] = field(default_factory=list)
    stats: MonitorStats = field(default_factory=MonitorStats)

    def __iter__(self) -> Iterator[Stored]:
        """Yield blocks, events of then that no monitor made, and events of now."""
        for session in self.stored.sessions:
            yield from self._session(session)

    def verdict(self) -> str:
        """Say how the events of now and then compare."""
        if not self.compared:
            return "no events were recorded that could be compared"
        if not self.differing:
            return f"the same events as recorded, all {self.compared}"
        why = f": {', '.join(self.why)} differ{'s' * (len(self.why) == 1)}" if self.why else ""
        return f"{self.differing} of {self.compared} recorded events are found otherwise now{why}"

    def _session(self, session: Session) -> Iterator[Stored]:
        monitor = self._monitor(session)
        self._compare_models(session)
        then: deque[Event] = deque()
        now: deque[Event] = deque()
        # A file of a new day begins in the middle of a stream: what was known before it is not in it.
        comparable = "goes_on_from" not in session.facts
        for item in self.stored.items(session):
            if isinstance(item, SampleBlock):
                events = monitor.feed(item)
                now += events
                yield item
                yield from events
            elif _is_of_monitor(item):
                then.append(item)  # type: ignore[arg-type]
            else:
                yield item
            if comparable:
                self._compare(then, now)
            else:
                then.clear()
                now.clear()
        events = monitor.finish()
        now += events
        yield from events
        self._count(monitor.stats)
        if comparable:
            self._compare(then, now)
            self.compared += len(then)
            self.differing += len(then)

    def _compare(self, then: deque[Event], now: deque[Event]) -> None:
        while then and now:
            self.compared += 1
            self.differing += then.popleft() != now.popleft()

    def _count(self, stats: MonitorStats) -> None:
        self.stats.samples += stats.samples
        self.stats.lost += stats.lost
        for name in ("windows", "rejected", "model_runs"):
            setattr(self.stats.counts, name, getattr(self.stats.counts, name) + getattr(stats.counts, name))

    def _monitor(self, session: Session) -> Monitor:
        """Make a monitor as the session had it."""
        age, sex = session.facts.get("age"), session.facts.get("sex")
        try:
            wearer = None if age is None else Wearer(age, sex)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{self.stored.path}: age or sex make no sense ({error})") from error
        waves, tokens = (session.facts.get(name) is True for name in ("waves", "tokens"))
        return Monitor(self.models, wearer=wearer, waves=waves, tokens=tokens)

    def _compare_models(self, session: Session) -> None:
        recorded = session.facts.get("models")
        here = self.models.digests()
        if isinstance(recorded, dict):
            names = {"beats": "the beat detector", "beat_classes": "the beat classes"}
            self.why += [
                word
                for name, digest in here.items()
                if recorded.get(name, digest) != digest
                and (word := names.get(name, f"the {name} model")) not in self.why
            ]


def _is_of_monitor(item: Stored) -> bool:
    if isinstance(item, Note):
        return item.code in _NOTES_OF_MONITOR
    return isinstance(item, _OF_MONITOR) or (isinstance(item, Gap) and item.reason != "interrupted")
