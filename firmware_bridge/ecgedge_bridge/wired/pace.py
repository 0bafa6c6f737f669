"""Where bare numbers belong, by the pace at which they arrive: no stamp, no counter; no I/O and no clock.

The rules, in their order:

1. Numbers follow each other without a gap.
2. A pause of more than a second is looked at: what comes in the half second after it is counted. If all
   that was due comes at once, something between stalled, and nothing is lost. Else what is missing is a gap
   of that length, and a note tells that it is an estimate. So it is after a broken connection, however
   short.
3. The rate is measured by the least delay of arrivals in each 10 s. Where two in a row are off by more than
   2 %, a note tells it, and it stretches times from there on. What comes faster than any ECG is sampled is
   a file.
"""

from __future__ import annotations

import math

from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.stream.index import NO_LOSS, Loss, Placed, SampleIndex
from ecgedge_bridge.stream.unwrap import bounded
from ecgedge_bridge.values import Note, Samples

__all__ = ["PAUSE_S", "PacedTimeline"]

# USB bridges hold bytes back for 16 ms, radio modems and busy hosts for some hundred.
PAUSE_S = 1.0
_SETTLE_S = 0.5
# Less than this is jitter of arrivals.
_LEAST_LOSS_S = 0.25
_WINDOW_S = 10.0
_OFF = 0.02
# Arrivals that scatter by 0.1 s from one 10 s to the next make so much.
_AGREE = 0.01
_FASTEST_HZ = 4000.0
# A rate so far off is told, and no time is stretched by it: the monitor believes 10 %.
_STRETCH = 0.09


class PacedTimeline(SampleIndex):
    """Place bare numbers.

    Parameters
    ----------
    fs : float
        Rate in Hz, as the user gave it.

    Examples
    --------
    >>> import numpy as np
    >>> timeline = PacedTimeline(100.0)
    >>> second = np.zeros(100, np.float32)
    >>> came_s = [1, 2, 3, 8, 9, 10]  # the numbers of four seconds are lost
    >>> [one.sample for at_s in came_s for one in timeline.place(second, at_s)]
    [0, 100, 200, 700, 800, 900]
    """

    def __init__(self, fs: float) -> None:
        super().__init__(fs)
        self.measured: float | None = None
        self._host_s: float | None = None
        self._broken = False
        self._resumed_s = self._before_s = 0.0
        self._waiting: list[tuple[Samples, float]] = []
        self._restart_pace(0.0)

    def link_lost(self) -> None:
        """Note that the connection broke: at least one sample is lost."""
        self._broken = self._host_s is not None

    def place(self, samples: Samples, host_time_s: float) -> list[Placed]:
        """Give the next samples their index, or let them wait until it shows what is missing before them."""
        before_s, self._host_s = self._host_s, host_time_s
        if before_s is None:
            self.segments = 1
            self._restart_pace(host_time_s)
            return [self._put(samples, host_time_s)]
        placed: list[Placed] = []
        if self._waiting and (host_time_s - self._resumed_s >= _SETTLE_S or self._broken):
            placed = self.finish()
        if not self._waiting and (self._broken or host_time_s - before_s > PAUSE_S):
            self._before_s, self._resumed_s = before_s, host_time_s
            self._waiting, self._lost_link, self._broken = [(samples, host_time_s)], self._broken, False
        elif self._waiting:
            self._waiting.append((samples, host_time_s))
        else:
            placed.append(self._put(samples, host_time_s, Loss(0, self._measure(len(samples), host_time_s))))
        return placed

    def finish(self) -> list[Placed]:
        """Place what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return []
        loss = self._missing(sum(len(samples) for samples, _ in waiting), waiting[-1][1])
        self.lost += loss.samples
        self.next_sample += loss.samples
        self._restart_pace(waiting[-1][1])
        first, *rest = waiting
        return [self._put(*first, loss), *(self._put(*one) for one in rest)]

    def _missing(self, came: int, until_s: float) -> Loss:
        pause_s = bounded(until_s - self._before_s)
        lost = round(pause_s * (self.measured or self.fs)) - came
        if self._lost_link:
            return self._new_segment(NoteCode.ESTIMATED_LOSS, "the connection was lost", max(lost, 1))
        if lost < _LEAST_LOSS_S * self.fs:
            return NO_LOSS
        silent_s = self._resumed_s - self._before_s
        return self._new_segment(NoteCode.ESTIMATED_LOSS, f"nothing came for {silent_s:.1f} s", lost)

    def _put(self, samples: Samples, host_time_s: float, loss: Loss = NO_LOSS) -> Placed:
        sample = self.next_sample
        self.next_sample += len(samples)
        return Placed(sample, samples, None, host_time_s, loss.samples, loss.notes)

    # --- the rate ---

    def _restart_pace(self, host_time_s: float) -> None:
        self._begin_s, self._count, self._window_end_s = host_time_s, 0, host_time_s + _WINDOW_S
        self._least: tuple[float, float] = (math.inf, 0.0)
        self._last_least: tuple[float, float] | None = None
        self._last_rate: float | None = None
        self._lost_link = False

    def _measure(self, n: int, host_time_s: float) -> tuple[Note, ...]:
        """Count arrivals; at the end of each window compare its least delay with that of the one before."""
        self._count += n
        late_s = host_time_s - self._begin_s - self._count / self.fs
        self._least = min(self._least, (late_s, host_time_s))
        if host_time_s < self._window_end_s:
            return ()
        before, self._last_least = self._last_least, self._least
        self._least, self._window_end_s = (math.inf, 0.0), host_time_s + _WINDOW_S
        if before is None or self._last_least[1] <= before[1]:
            return ()
        slope = (self._last_least[0] - before[0]) / (self._last_least[1] - before[1])
        return self._judge(self.fs * (1 - slope))

    def _judge(self, rate: float) -> tuple[Note, ...]:
        last, self._last_rate = self._last_rate, rate
        if last is None or abs(rate - last) > _AGREE * self.fs or not 0 < rate <= _FASTEST_HZ:
            return ()
        if abs(rate - (self.measured or self.fs)) <= _OFF * self.fs:
            return ()
        self.measured = rate
        words = f"{rate:.1f} numbers come in a second, not {self.fs:g}: give the true rate with --fs"
        return (self._note(NoteCode.WRONG_RATE, words),)

    @property
    def fs_hat(self) -> float:
        """The measured rate, where it is off and can be believed."""
        near = self.measured is not None and abs(self.measured - self.fs) <= _STRETCH * self.fs
        return self.measured if near and self.measured is not None else self.fs
