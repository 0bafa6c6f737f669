"""Where samples belong: from stamps, counters and arrival times to the sample index; no I/O and no clock.

Theory of operation
-------------------
A timeline gives every sample of one stream its index. It is fed one frame after the other in the order of
arrival, and returns frames that have found their place, as :class:`Placed` values: mostly the one that it was
given, none if that has to wait, several if some have waited. Nothing calls back, nothing is read but the
arguments, and the same frames give the same places, however long the program paused between them.

What is known of a frame are ``n`` samples, the device's stamp of the last one, perhaps the device's count of
the first one, and the time of arrival. The rules, in the order in which they are tried:

1. *The index only grows.* What was given out is never corrected: later samples are moved, not earlier ones.
2. *What was placed is not placed again.* A frame with the stamp and the samples of one of the last 4096 is
   dropped: some devices send again after a reconnection. Two streams of one device that overlap (two programs
   started it) give each sample once.
3. *Stamps are the measure of loss.* ``missing = round(dt * fs) - n`` between two frames, where ``fs`` is the
   estimate of :class:`RateEstimate`. Two samples or more are a gap of exactly that many: the index jumps. One
   is jitter of the stamp. While the rate is not known yet, "two" grows to the 2 % that it may be off.
4. *A counter is better than a stamp.* Where the device counts its samples, the counter gives the loss from
   one sample on, and the stamp only its whole turns. If both disagree by more than 0.5 s and 5 %, the counter
   began anew.
5. *A frame may come late.* One whose samples lie wholly within the gap just seen is held until the next
   frame: if that one goes on where the newest frame ended, the held one was late, is dropped, and its samples
   stay counted as lost. If not, the newest frame had a wrong stamp: what is held is placed after all.
6. *Stamp and arrival measure one elapsed time.* A frame arrives late, never early, so arrival bounds what a
   stamp may say (``arrival.py``). Stamps that run ahead of that bound, do not grow, or are much too near
   are a clock that stepped. A frame that comes much later than its stamp says is held for a second: either
   all that waited comes at once, and nothing is missing, or frames go on at their pace, and the clock was
   set back across a silence. After a step a new segment begins, and arrival times say what was lost:
   nothing, if less than a quarter of a second. A note says that it is an estimate. Where arrivals do not
   keep pace with the stamps, only a leap of more than an hour is a step, and one sample at least is lost
   with it.
7. *A rate may be another.* Intervals that show one rate far off the expected one, time after time, are
   neither loss nor steps: a note names the rate, and it is expected from there on.

:class:`Timeline` serves every device that stamps or numbers its frames. Devices that send bare samples are
served by ``undated.py``, which shares :class:`SampleIndex`.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.stream import limits
from ecgedge_bridge.stream.arrival import DRIFT, Arrivals
from ecgedge_bridge.stream.index import (
    NO_LOSS,
    Frame,
    Loss,
    Placed,
    SampleIndex,
    Sorted,
    begins_with,
    sort_key,
)
from ecgedge_bridge.stream.rate import OtherRate, RateEstimate, is_same_rate
from ecgedge_bridge.values import Note, Samples


class Timeline(SampleIndex):
    """Place samples by the device's stamps, or by a counter of samples together with the stamps.

    Parameters
    ----------
    fs : float
        Nominal sampling rate in Hz; the true one is estimated from the stamps.
    counter_bits : int
        Width of the counter of samples that :meth:`place` is given, where there is one.

    Raises
    ------
    ValueError
        If ``fs`` is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> timeline = Timeline(100.0)
    >>> for last in (49, 99, 199):  # the 50 samples that end with number 149 are lost
    ...     (placed,) = timeline.place(np.zeros(50, np.float32), last * 10_000_000, 0.0)
    >>> placed.sample, placed.lost, timeline.lost
    (150, 50, 50)
    """

    def __init__(self, fs: float, counter_bits: int = 0) -> None:
        super().__init__(fs)
        self._rate = RateEstimate(fs)
        self._other = OtherRate()
        self._arrivals = Arrivals()
        self._modulus = 1 << counter_bits
        self._agreement = limits.COUNTER_SLACK_S * fs
        # The newest frame that was placed: time and samples, counter of the next one.
        self._anchor_ns: int | None = None
        self._newest = np.empty(0, np.float32)
        self._expected = 0
        # Of two streams that overlap: the frame before the newest one, which the next one goes on from.
        self._overlaps = 0
        self._before_ns = 0
        self._gap_ns = (0, 0)
        self._held: list[Frame] = []
        self._late_notes: tuple[Note, ...] = ()  # on frames that came late, for the next one that is placed
        self._waiting: list[Frame] = []
        self._known: deque[tuple[int, int]] = deque(maxlen=limits.KNOWN)

    @property
    def fs_hat(self) -> float:
        """Estimate of the device's true rate in Hz."""
        return self._rate.fs

    def place(
        self, samples: Samples, time_ns: int, host_time_s: float, first: int | None = None
    ) -> list[Placed]:
        """Give consecutive samples their index.

        Parameters
        ----------
        samples : ndarray of float32, shape (n,) or (n, channels)
            At least one sample.
        time_ns : int
            Device time of the last one in nanoseconds, without wraps.
        host_time_s : float
            Arrival on the host's monotonic clock in seconds.
        first : int, optional
            The device's own count of the first one.

        Returns
        -------
        list of Placed
            What has found its place now, in the order of the index.
        """
        return self._take(Frame(samples, time_ns, host_time_s, first))

    def _take(self, frame: Frame) -> list[Placed]:
        anchor_ns = self._anchor_ns
        if anchor_ns is None:
            self.segments = 1
            return self._put(frame, Loss(is_step=True))
        if self._waiting:
            return self._decide(frame)
        before: list[Placed] = []
        if self._held or frame.time_ns <= anchor_ns:
            if frame.time_ns <= anchor_ns and self._is_known(frame, anchor_ns):
                self.repeated += 1
                return []
            before, is_held = self._sort_in(frame)
            if is_held:
                return before
        elif self._has_to_wait(frame, anchor_ns):
            self._wait(frame)
            return []
        return [*before, *self._put(frame, self._loss(frame))]

    def _is_known(self, frame: Frame, anchor_ns: int) -> bool:
        """Whether the samples of a frame that is not newer than the newest one have been placed."""
        if self._overlaps and (anchor_ns - frame.time_ns) * limits.NS * self._rate.fs < len(frame.samples):
            return True
        return sort_key(frame) in self._known

    def _put(self, frame: Frame, loss: Loss) -> list[Placed]:
        """Give a frame its place after what is missing before it."""
        samples, time_ns, host_time_s, first = frame
        lost, notes, repeated, is_step = loss
        self._known.append(sort_key(frame))
        if repeated >= len(samples):
            self.repeated += 1
            return []
        if lost:
            self._jump(lost, len(samples), time_ns)
        if self._late_notes:
            notes, self._late_notes = self._late_notes + notes, ()
        if is_step:
            self._gap_ns = (0, 0)  # no stamp from before the step lies in it
            self._arrivals.restart(host_time_s)
            self._overlaps = 0
        else:
            self._arrivals.add((time_ns - (self._anchor_ns or 0)) * limits.NS, host_time_s, is_whole=not lost)
        self._before_ns = self._anchor_ns or 0
        self._anchor_ns = time_ns
        if first is not None:
            self._expected = first + len(samples)
        self._newest = samples = samples[repeated:]
        sample = self.next_sample
        self.next_sample = sample + len(samples)
        return [Placed(sample, samples, time_ns, host_time_s, lost, notes)]

    def _jump(self, lost: int, n: int, time_ns: int) -> None:
        self.lost += lost
        self.next_sample += lost
        # Where the lost samples lie in time: a late frame belongs there. Half a sample is left at its end.
        self._gap_ns = (self._anchor_ns or 0, time_ns - round((n - 1.5) * 1e9 / self._rate.fs))

    def _loss(self, frame: Frame) -> Loss:
        """Return what is missing between the newest frame and another one: rules 2 to 4, 6 and 7."""
        assert self._anchor_ns is not None
        n, first = len(frame.samples), frame.first
        elapsed_s = (frame.time_ns - self._anchor_ns) * limits.NS
        # Counter and stamp agree that nothing is missing: so it is with almost all frames.
        if (
            first is not None
            and not (first - self._expected) % self._modulus
            and elapsed_s > 0
            and abs(elapsed_s * self.fs - n) <= self._agreement
        ):
            return self._whole(n, elapsed_s)
        expected = elapsed_s * self._rate.fs
        missing = round(expected) - n
        if first is None:
            slack = max(limits.STAMP_SLACK, self._rate.tolerance * expected)
            broken = expected - n < -slack - 0.5
        else:
            by_stamps, slack, broken = missing, 1.0, False
            step = (first - self._expected) % self._modulus
            if step or abs(by_stamps) > self._agreement:
                missing = step + self._modulus * round((by_stamps - step) / self._modulus)
                doubt = max(self._agreement, limits.COUNTER_SLACK * expected)
                broken = missing < 0 or abs(missing - by_stamps) > doubt
                if abs(missing - by_stamps) <= doubt and begins_with(frame.samples, self._newest, -missing):
                    return self._overlap(-missing)
            else:
                missing = 0
        if elapsed_s > 0 and not broken and missing < slack:
            return self._whole(n, elapsed_s)
        if elapsed_s > 0 and not broken and not self._arrivals.is_ahead(elapsed_s, frame.host_time_s):
            rate = None if first is not None else self._other.seen(n, elapsed_s, self._rate.fs)
            return Loss(missing) if rate is None else self._expect(rate)
        if elapsed_s > 0 and self._overlaps and (repeated := self._repeated(frame, elapsed_s)) > 0:
            return self._overlap(repeated)
        return self._stepped(frame, elapsed_s)

    def _whole(self, n: int, elapsed_s: float) -> Loss:
        """Nothing is missing: learn the rate."""
        self._other.forget()
        self._overlaps = max(0, self._overlaps - 1)
        self._rate.add(n, elapsed_s)
        return NO_LOSS if self._rate.other is None else self._expect(self._rate.other)

    def _expect(self, rate: float) -> Loss:
        """Expect another rate from here on."""
        detail = (
            f"the device streams at {rate:g} Hz and not at {self._rate.nominal:g} Hz as expected: "
            "give its rate with fs=, or its profile"
        )
        self._rate = RateEstimate(rate)
        self._other.forget()
        return Loss(notes=(self._note(NoteCode.WRONG_RATE, detail),))

    def _stepped(self, frame: Frame, elapsed_s: float, true_s: float | None = None) -> Loss:
        """Begin a segment after a step of the device's clock; ``true_s`` is what elapsed, if known better."""
        arrivals, n = self._arrivals, len(frame.samples)
        what = f"the device's clock stepped by {elapsed_s:+.3f} s"
        if true_s is None and not arrivals.keep_pace:
            lost = self._estimate(n, arrivals.host_step_s(frame.host_time_s))
            return self._new_segment(NoteCode.CLOCK_STEP, what, lost)
        if true_s is None:
            true_s = arrivals.elapsed_s(frame.host_time_s)
        what = f"the device's clock stepped by {elapsed_s - true_s:+.3f} s"
        lost = round(true_s * self._rate.fs) - n
        least = limits.LEAST_LOSS_S * self._rate.fs
        if frame.first is not None:
            step = (frame.first - self._expected) % self._modulus
            counted = step + self._modulus * round((lost - step) / self._modulus)
            lost = counted if counted >= 0 and abs(counted - lost) < least else lost
            least = 0 if lost == counted else least
        return self._new_segment(NoteCode.CLOCK_STEP, what, lost if lost >= least else 0)

    def _overlap(self, repeated: int) -> Loss:
        """Leave out samples that came already."""
        notes = () if self._overlaps else (self._note(NoteCode.OVERLAP),)
        self._overlaps = limits.OVERLAP_FRAMES
        return Loss(0, notes, repeated)

    def _repeated(self, frame: Frame, elapsed_s: float) -> int:
        """How many first samples of a frame of one of two streams have come in the other; 0 if it is none."""
        n, since_s = len(frame.samples), (frame.time_ns - self._before_ns) * limits.NS
        # It goes on from the frame before the newest one.
        if abs(since_s * self._rate.fs - n) < limits.STAMP_SLACK:
            self._rate.add(n, since_s)
            return min(len(self._newest), n)
        return n - round(elapsed_s * self._rate.fs) if self._on_time(n, elapsed_s, frame.host_time_s) else 0

    def _on_time(self, n: int, elapsed_s: float, host_time_s: float) -> bool:
        """Whether a frame that overlaps came when its stamp says, not when its samples would be due."""
        host_s = self._arrivals.host_step_s(host_time_s)
        off_s = abs(host_s - elapsed_s)
        return not self._arrivals.keep_pace or off_s < min(limits.AGREE_S, abs(host_s - n / self._rate.fs))

    def _has_to_wait(self, frame: Frame, anchor_ns: int) -> bool:
        """Whether only the next frame can show what is missing before this one."""
        n, elapsed_s = len(frame.samples), (frame.time_ns - anchor_ns) * limits.NS
        missing = elapsed_s * self._rate.fs - n
        if frame.first is None and missing < -limits.STAMP_SLACK and self._is_short(frame, elapsed_s):
            return True
        arrivals = self._arrivals
        if not arrivals.keep_pace:
            return False
        limit_s = limits.WAIT_S if missing < n / 2 else limits.WAIT_AFTER_LOSS_S
        late_s = arrivals.late_s(elapsed_s, frame.host_time_s)
        return late_s > limit_s and late_s > limit_s + DRIFT * arrivals.host_step_s(frame.host_time_s)

    def _is_short(self, frame: Frame, elapsed_s: float) -> bool:
        """Whether a frame has more samples than time has gone by: a faster rate, an overlap, or a step."""
        n, expected = len(frame.samples), elapsed_s * self._rate.fs
        slack = max(limits.STAMP_SLACK, self._rate.tolerance * n)
        return not self._overlaps and 0.5 < expected < n - slack - 0.5

    def _wait(self, frame: Frame) -> None:
        self._waiting.append(frame)
        self.late += 1  # until it is placed

    def _released(self) -> list[Frame]:
        waiting, self._waiting = self._waiting, []
        self.late -= len(waiting)
        return waiting

    def _decide(self, frame: Frame) -> list[Placed]:
        """See from a frame what is missing before those that wait."""
        assert self._anchor_ns is not None
        held, anchor_ns, fs = self._waiting, self._anchor_ns, self._rate.fs
        n, step_s = len(frame.samples), (frame.time_ns - held[-1].time_ns) * limits.NS
        if len(held) == 1 and self._is_short(held[0], elapsed := (held[0].time_ns - anchor_ns) * limits.NS):
            (short,) = self._released()
            return [*self._put(short, self._short(short, frame, elapsed, step_s)), *self._take(frame)]
        late_s = self._lateness(frame, anchor_ns)
        host_s = frame.host_time_s - held[-1].host_time_s
        if step_s <= 0 and any(sort_key(frame) == sort_key(one) for one in held):
            self.repeated += 1
            return []
        goes_on = step_s > 0 and abs(step_s * fs - n) < max(limits.STAMP_SLACK, self._rate.tolerance * n)
        if goes_on and (late_s <= limits.WAIT_S or host_s < step_s / 2):
            return self._place_all([*self._released(), frame])
        if not goes_on and len(held) == 1:  # it shows nothing: the next ones will
            return [*self._place_all(self._released()), *self._take(frame)]
        if (
            goes_on
            and frame.host_time_s - held[0].host_time_s < limits.AT_PACE_S
            and len(held) < limits.MAX_WAITING
        ):
            self._wait(frame)
            return []
        # They go on at their pace, and as late: what seemed a delay is time that no stamp shows.
        late_s = min(self._lateness(one, anchor_ns) for one in ([*held, frame] if goes_on else held))
        first, *rest = self._released()
        elapsed_s = (first.time_ns - anchor_ns) * limits.NS
        placed = self._put(first, self._stepped(first, elapsed_s, elapsed_s + late_s))
        placed += self._place_all(rest)
        return placed + (self._place_all([frame]) if goes_on else self._take(frame))

    def _lateness(self, frame: Frame, anchor_ns: int) -> float:
        return self._arrivals.late_s((frame.time_ns - anchor_ns) * limits.NS, frame.host_time_s)

    def _place_all(self, frames: list[Frame]) -> list[Placed]:
        return [placed for frame in frames for placed in self._put(frame, self._loss(frame))]

    def _short(self, short: Frame, then: Frame, elapsed_s: float, step_s: float) -> Loss:
        """Return what lies before a frame that has more samples than time went by, seen from the next one."""
        n, fs = len(short.samples), self._rate.fs
        came = begins_with(short.samples, self._newest, repeated := n - round(elapsed_s * fs))
        since_s, m = elapsed_s + step_s, len(then.samples)
        overlaps = step_s > 0 and abs(since_s * fs - m) < limits.STAMP_SLACK
        possible = step_s > 0 and n < limits.FASTEST * fs * elapsed_s
        has_rate = possible and is_same_rate(m / step_s, n / elapsed_s)
        if has_rate and not (overlaps and came):
            return self._expect(round((n + m) / since_s, 3))
        if came and n == m and (overlaps or self._on_time(n, elapsed_s, short.host_time_s)):
            return self._overlap(repeated)
        return self._stepped(short, elapsed_s)

    def _sort_in(self, frame: Frame) -> Sorted:
        """Hold a frame that may have come late, or see from it what became of those that are held: rule 5."""
        n, time_ns, anchor_ns = len(frame.samples), frame.time_ns, self._anchor_ns
        assert anchor_ns is not None
        late = self._lies_in_gap(n, time_ns, anchor_ns)
        placed: list[Placed] = []
        if self._held:
            if abs((time_ns - anchor_ns) * limits.NS * self._rate.fs - n) < limits.STAMP_SLACK:
                self._late_notes += tuple(self._note(NoteCode.LATE_FRAME) for _ in self._held)
                self._held = []
            elif not late or time_ns <= self._held[-1].time_ns or len(self._held) >= limits.MAX_HELD:
                placed, late = self._release(), False
        if late:
            self._held.append(frame)
            self.late += 1  # until the next one shows that it was not
        return Sorted(placed, late)

    def _lies_in_gap(self, n: int, time_ns: int, anchor_ns: int) -> bool:
        """Whether samples lie wholly within the gap just found, and not long ago."""
        start, end = self._gap_ns
        if not start < time_ns <= end or anchor_ns - time_ns > limits.LATE_NS:
            return False
        return time_ns - n * 1e9 / self._rate.fs >= start - 1.5 * 1e9 / self._rate.fs

    def _release(self) -> list[Placed]:
        """Place what was held after all: the frame before it had a wrong stamp."""
        held, self._held, self._gap_ns = self._held, [], (0, 0)
        self.late -= len(held)
        return self._place_all(held)
