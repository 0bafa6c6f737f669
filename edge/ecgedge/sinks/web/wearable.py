"""One wearable on the page: what is shown of it now, and what is kept of it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ecgedge.events import Battery, Beat, Event, Gap, Hrv, LinkState, Quality, Rhythm
from ecgedge.sinks.news import Line, News
from ecgedge.sinks.plain import plain
from ecgedge.sinks.pulse import Pulse
from ecgedge.sinks.sink import Item
from ecgedge.sinks.web.frames import encode
from ecgedge.sinks.web.kept import Kept, strip_json
from ecgedge.sinks.web.timeline import Timeline
from ecgedge.sinks.words import STATES, reasons, verdict
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["Cursor", "Wearable"]

_LINES = 20  # of the log, on connecting
_SHOWN_S = 20.0  # of signal, on connecting: a trace as wide as a large screen, half a metre
_TICKS = 30  # frames a second
_OTHER = ", neither normal sinus nor AF"


@dataclass(slots=True)
class Cursor:
    """How far a viewer has read of one wearable; -1 reads from the start."""

    sample: int = -1
    beats: int = -1
    lines: int = -1
    timeline: int = -1
    state: int = -1
    missed: int = 0


class Wearable:
    """A sink for one stream, and what viewers ask of it; both from any thread.

    Parameters
    ----------
    number : int
        Of the wearable on the page, from 0.
    name : str
        Shown above it.
    hours : float
        Of signal that is kept in memory.
    wall_clock : callable, optional
        Seconds since 1970, of a live stream.
    start_unix_s : float, optional
        Seconds since 1970 of the first sample, of a recording. Without either, times are told from the start
        of the stream.

    Examples
    --------
    >>> import numpy as np
    >>> wearable = Wearable(0, "strap")
    >>> wearable.take([SampleBlock(np.zeros(130, np.float32), fs=130.0, sample=0)])
    >>> cursor = Cursor()
    >>> [message["type"] for message in wearable.messages(cursor)], len(wearable.frame(cursor))
    (['state', 'log', 'timeline'], 288)
    """

    def __init__(
        self,
        number: int,
        name: str,
        *,
        hours: float = 1.0,
        wall_clock: Callable[[], float] | None = time.time,
        start_unix_s: float | None = None,
    ) -> None:
        self.number, self.name = number, plain(name)
        self._clock = wall_clock
        self._lock = threading.Lock()
        self._changes = 0
        self._kept = Kept(hours)
        self._pulse, self._news, self._timeline = Pulse(), News(), Timeline()
        self._lines: deque[Line] = deque(maxlen=_LINES)
        self._lines_seen = 0
        self._start_unix_s = start_unix_s
        self._latest: dict[type, Any] = {}
        self._lost = self._device_bpm = 0
        self._drift_ppm: float | None = None
        self._ended = False

    def take(self, items: Iterable[Item]) -> None:
        """Take what came, in the order of the stream."""
        with self._lock:
            for item in items:
                self._changes += 1
                if isinstance(item, SampleBlock):
                    self._take_block(item)
                elif isinstance(item, HeartRate):
                    self._device_bpm = item.bpm
                elif not isinstance(item, Acceleration):
                    self._take_event(item)

    def close(self) -> None:
        """Tell that the stream is over; viewers may go on looking."""
        with self._lock:
            self._ended = True
            self._changes += 1

    def caught_up(self, cursor: Cursor) -> bool:
        """Whether nothing came since a viewer read last."""
        return cursor.state == self._changes

    def messages(self, cursor: Cursor, *, state: bool = True) -> list[dict[str, Any]]:
        """Return what changed since the viewer read last, and move its cursor.

        Parameters
        ----------
        cursor : Cursor
        state : bool
            Whether it is time for figures again; changes of log and timeline are told at once.
        """
        found: list[dict[str, Any]] = []
        with self._lock:
            if state and cursor.state != self._changes:
                cursor.state = self._changes
                found.append(self._state() | {"missed": cursor.missed})
            if cursor.lines != self._lines_seen:
                new = min(self._lines_seen - max(cursor.lines, 0), len(self._lines))
                cursor.lines = self._lines_seen
                lines = [self._line(self._lines[i]) for i in range(-new, 0)]
                found.append({"type": "log", "wearable": self.number, "lines": lines})
            if cursor.timeline != self._timeline.version:
                whole = cursor.timeline < 0
                changed = self._timeline.since(max(cursor.timeline, 0))
                cursor.timeline = self._timeline.version
                found.append({"type": "timeline", "wearable": self.number, "whole": whole, **changed})
        return found

    def frame(self, cursor: Cursor) -> bytes | None:
        """Return the signal and the beats since the viewer read last, None where none came."""
        with self._lock:
            kept, end = self._kept, self._kept.end_sample
            if not kept.fs or (cursor.sample == end and cursor.beats == kept.beats_seen):
                return None
            oldest = max(end - round(_SHOWN_S * kept.fs), 0)
            if not 0 <= cursor.sample <= end:
                cursor.sample, cursor.beats = oldest, -1
            elif cursor.sample < oldest:
                cursor.missed += round((oldest - cursor.sample) / kept.fs * _TICKS)
                cursor.sample = oldest
            beats = kept.beats_since(cursor.beats) if cursor.beats >= 0 else kept.beats(oldest, end)
            mv = kept.signal(cursor.sample, end)
            frame = encode(self.number, cursor.sample, kept.fs, mv, beats)
            cursor.sample, cursor.beats = end, kept.beats_seen
            return frame

    def strip(self, start_s: float, seconds: float) -> dict[str, Any] | None:
        """Return a stretch of signal that is kept, None where it is not.

        Parameters
        ----------
        start_s, seconds : float
            From where on, and how long.
        """
        with self._lock:
            fs = self._kept.fs
            first, end = round(start_s * fs), min(round((start_s + seconds) * fs), self._kept.end_sample)
            if not fs or end <= first or not self._kept.holds(first, end):
                return None
            mv, beats = self._kept.signal(first, end), self._kept.beats(first, end)
        return strip_json(start_s, fs, mv, beats)

    def _take_block(self, block: SampleBlock) -> None:
        self._kept.add(block)
        if self._clock:
            self._start_unix_s = self._clock() - block.end_sample / block.fs
        if block.fs_hat:
            self._drift_ppm = 1e6 * (block.fs_hat / block.fs - 1)

    def _take_event(self, event: Event) -> None:
        self._pulse.take(event)
        self._timeline.take(event)
        self._latest[type(event)] = event
        if isinstance(event, Beat):
            self._kept.add_beat(event)
        if isinstance(event, Gap):
            self._lost += event.lost
        if (line := self._news.of(event)) is not None:
            self._lines.append(line)
            self._lines_seen += 1

    def _state(self) -> dict[str, Any]:
        fs = self._kept.fs
        now_s = self._kept.end_sample / fs if fs else 0.0
        rate = self._pulse.bpm(now_s) if fs else self._device_rate()
        return {
            "type": "state",
            "wearable": self.number,
            "now_s": round(now_s, 3),
            "start_unix_s": self._start_unix_s,
            "heart_rate": None if rate is None else round(rate),
            "rhythm": self._rhythm(),
            "quality": self._quality(),
            "hrv": self._hrv(),
            "link": self._link(),
            "ended": self._ended,
        }

    def _device_rate(self) -> int | None:
        """Heart rate of a strap that sends no ECG, as the strap has found it."""
        link: LinkState | None = self._latest.get(LinkState)
        streams = not self._ended and (link is None or link.state == "streaming")
        return self._device_bpm or None if streams else None

    def _rhythm(self) -> dict[str, Any] | None:
        event: Rhythm | None = self._latest.get(Rhythm)
        if event is None:
            return None
        other = _OTHER if event.label == "O" and not event.sinus else ""
        return {
            "label": event.label,
            "sinus": event.sinus,
            "words": plain(verdict(event) + other),
            "sure": round(event.probabilities.get(event.label, 0.0), 3),
            "at_s": round(event.end_time_s, 3),
        }

    def _quality(self) -> dict[str, Any] | None:
        event: Quality | None = self._latest.get(Quality)
        if event is None:
            return None
        words = "usable" if event.accepted else f"too noisy, because of {reasons(event)}"
        return {"accepted": event.accepted, "score": round(event.score, 3), "words": plain(words)}

    def _hrv(self) -> dict[str, Any] | None:
        event: Hrv | None = self._latest.get(Hrv)
        if event is None or event.rmssd_ms is None:
            return None
        minutes = (event.end_time_s - event.time_s) / 60
        return {"rmssd_ms": event.rmssd_ms, "sdnn_ms": event.sdnn_ms, "minutes": round(minutes, 1)}

    def _link(self) -> dict[str, Any]:
        event: LinkState | None = self._latest.get(LinkState)
        battery: Battery | None = self._latest.get(Battery)
        state = event.state if event else ""
        return {
            "state": state,
            "words": plain(STATES.get(state, state)),
            "lost": self._lost,
            "battery": battery.percent if battery else None,
            "drift_ppm": None if self._drift_ppm is None else round(self._drift_ppm, 1),
        }

    @staticmethod
    def _line(line: Line) -> dict[str, Any]:
        return {"at_s": round(line.at_s, 3), "kind": line.kind, "words": line.words}
