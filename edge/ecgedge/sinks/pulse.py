"""The heart rate now: what the terminal, the page and home automation show large."""

from __future__ import annotations

from collections import deque

from ecgedge.events import Beat, Event, Gap, Quality
from ecgedge.stream.rate import heart_rate_bpm

__all__ = ["Pulse"]

_BEATS = 9  # the rate is that of their intervals, up to eight
_STALE_S = 5.0  # without a beat for so long, 12 a minute, there is no rate


class Pulse:
    """The heart rate of the last beats in uninterrupted, accepted signal.

    Examples
    --------
    >>> pulse = Pulse()
    >>> for second in range(4):
    ...     pulse.take(Beat(130 * second, float(second), 1000.0 if second else None))
    >>> pulse.bpm(3.2), pulse.bpm(60.0)
    (60.0, None)
    """

    def __init__(self) -> None:
        self._beats_s: deque[float] = deque(maxlen=_BEATS)
        self._refused_until = 0
        self._accepted = True

    def take(self, event: Event) -> None:
        """Take an event, in the order of the stream."""
        match event:
            case Beat():
                if event.rr_ms is None:
                    self._beats_s.clear()
                if event.sample >= self._refused_until:
                    self._beats_s.append(event.time_s)
            case Quality():
                self._accepted = event.accepted
                if not event.accepted:
                    self._refused_until = event.end_sample
                    self._beats_s.clear()
            case Gap():
                self._beats_s.clear()
            case _:
                pass

    def bpm(self, now_s: float) -> float | None:
        """Return beats per minute, None where none can be told now.

        Parameters
        ----------
        now_s : float
            End of what was received, in seconds since the start of the stream.
        """
        if not self._accepted or not self._beats_s or now_s - self._beats_s[-1] > _STALE_S:
            return None
        return heart_rate_bpm([list(self._beats_s)])
