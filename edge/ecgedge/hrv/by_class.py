"""Which RR intervals lie between two normal beats, where a model has named each beat.

An interval is NN if both of its beats are of class N, whatever its timing: in a slow, young heart breathing
moves intervals by a quarter, and a rule on timing throws most of them away. Timing rejects only what no
breathing does: an interval in which a beat was missed, and two with a false beat between them.

The shares were chosen on MIT-BIH DS1 (22 records, monitor against annotation, RMSSD of 5 min in accepted
signal): wrong by 10 % on average and 1.6 % in the median, against 20 % and 4.0 % for Lipponen and
Tarvainen's method on the same beats (``cleaning.py``), which knows timing only. Without the timing rules it
is 22 %, since one missed beat weighs as much as hundreds of intervals. On made respiratory arrhythmia (40
to 60 a minute, 0.08 to 0.25 Hz) of 15, 20 and 25 % this keeps all intervals, timing alone 79, 66 and 59 %
of them, and RMSSD is then 21, 37 and 42 % wrong.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ecgedge.arithmetic.order import median
from ecgedge.hrv.cleaning import LONGEST_US, Interval

SHORTEST_US = 250_000  # 240 beats a minute: faster is no sinus rhythm
AHEAD = 2  # later intervals that the verdict on one waits for
MEDIAN_OF = 11  # NN intervals of the local median: as many as Lipponen and Tarvainen take
LEAST = 5  # of them that a median needs
MISSED = 1.8  # of the median, and more: a beat is missing in it. Breathing by 25 % reaches 1.3.
EXTRA = 0.5  # of the median, and less: one of its beats is false
PAIR = 1.3  # of the median, and less, for two together: the beat between them is false


class _Waiting(NamedTuple):
    """An interval without a verdict: end, length, whether both beats are N, whether it follows another."""

    end_s: float
    rr_us: int
    normal: bool
    follows: bool


class ClassCleaner:
    """Assesses intervals as named beats come, two intervals behind them.

    It stands in for :class:`ecgedge.hrv.cleaning.RrCleaner` where classes are known, and costs the median of
    11 values for a beat.

    Examples
    --------
    >>> cleaner = ClassCleaner()
    >>> out = []
    >>> for i in range(20):  # an ectopic beat, and nothing odd in its timing
    ...     out += cleaner.push(0.8 * i, normal=i != 10)
    >>> [round(i.end_s, 1) for i in out + cleaner.end_run() if not i.normal]
    [8.0, 8.8]
    """

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=MEDIAN_OF)  # outlasts a break: it is the same heart
        self._begin_run()

    def _begin_run(self) -> None:
        self._last: tuple[float, bool] | None = None
        self._waiting: deque[_Waiting] = deque()
        self._before_us: int | None = None
        self._any = False  # whether this run has had an interval

    @property
    def waiting_s(self) -> float | None:
        """End of the earliest interval not assessed yet, None where there is none."""
        return self._waiting[0].end_s if self._waiting else None

    def silent_s(self, now_s: float) -> float:
        """Seconds without a beat in this run; 0 before its first."""
        return 0.0 if self._last is None else now_s - self._last[0]

    def push(self, beat_s: float, *, normal: bool) -> list[Interval]:
        """Take a beat's time in seconds and whether it is of class N, return what can be assessed now.

        Raises
        ------
        ValueError
            The beat is not later than the one before it.
        """
        out: list[Interval] = []
        if self._last is not None:
            last_s, last_normal = self._last
            if beat_s <= last_s:
                raise ValueError(f"a beat at {beat_s} s after one at {last_s} s: beats must ascend")
            rr_us = round((beat_s - last_s) * 1e6)
            if rr_us > LONGEST_US:
                out = self.end_run()
            else:
                self._take(_Waiting(beat_s, rr_us, normal and last_normal, self._any))
        self._last = beat_s, normal
        return out + self._assess(AHEAD)

    def end_run(self) -> list[Interval]:
        """Assess what is waiting: no interval spans what comes now (a gap, noise, the end)."""
        out = self._assess(0)
        self._begin_run()
        return out

    def _take(self, interval: _Waiting) -> None:
        self._waiting.append(interval)
        self._any = True
        if interval.normal:
            self._recent.append(interval.rr_us)

    def _assess(self, ahead: int) -> list[Interval]:
        out = []
        while len(self._waiting) > ahead:
            i = self._waiting.popleft()
            normal = i.normal and i.rr_us >= SHORTEST_US and not self._miscounted(i.rr_us)
            out.append(Interval(i.end_s, i.rr_us, normal, i.follows))
            self._before_us = i.rr_us
        return out

    def _miscounted(self, rr_us: int) -> bool:
        """Whether a beat was missed in an interval, or one of its beats is false."""
        if len(self._recent) < LEAST:
            return False
        middle = median(self._recent)
        beside = [self._before_us] if self._before_us is not None else []
        beside += [self._waiting[0].rr_us] if self._waiting else []
        alone = EXTRA * middle <= rr_us <= MISSED * middle
        return not alone or any(rr_us + other < PAIR * middle for other in beside)
