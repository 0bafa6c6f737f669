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
2. *Stamps are the measure of loss.* ``missing = round(dt * fs) - n`` between two frames, where ``fs`` is the
   estimate of :class:`RateEstimate`. Two samples or more are a gap of exactly that many: the index jumps. One
   is jitter of the stamp. While the rate is not known yet, "two" grows to the 2 % that it may be off.
3. *A counter is better than a stamp.* Where the device counts its samples, the counter gives the loss from
   one sample on, and the stamp only its whole turns. If both disagree by more than 0.5 s and 5 %, the counter
   began anew.
4. *A frame may come late.* One whose samples lie wholly within the gap just seen is held until the next
   frame: if that one goes on where the newest frame ended, the held one was late, is dropped, and its samples
   stay counted as lost. If not, the newest frame had a wrong stamp: what is held is placed after all.
5. *A clock may step.* Stamps that do not grow, are much too near, or leap by more than an hour say nothing of
   what was lost. Then it is taken from arrival times, at least one sample, and a note tells that it is an
   estimate.

:class:`Timeline` serves every device that stamps or numbers its frames. Devices that send bare samples are
served by ``undated.py``, which shares :class:`SampleIndex`. ``PROTOCOL.md`` has the same rules as a table.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.stream.rate import RateEstimate
from ecgedge_bridge.stream.unwrap import bounded
from ecgedge_bridge.values import Note, Samples

_NS = 1e-9
# A forward step of the device clock above this is a set or reset clock, not a loss.
_MAX_GAP_S = 3600.0
# A frame this far behind is no late frame but a clock that was set back.
_LATE_NS = 3_000_000_000
# Frames that may have come late are held until the next one shows it; a device that only sends such is
# believed.
_MAX_HELD = 1024
# A counter is believed if the stamps agree within half a second or 5 %: firmware stamps are coarse.
_COUNTER_SLACK_S = 0.5
_COUNTER_SLACK = 0.05
# Loss of less than this is jitter of the stamps.
_STAMP_SLACK = 2.0


class Placed(NamedTuple):
    """Samples that have found their place.

    ``sample`` is the index of the first one, ``time_ns`` the device's stamp of the last one (None where there
    is none), ``host_time_s`` their arrival, ``lost`` how many are missing before them, and ``notes`` what is
    to be known of that.
    """

    sample: int
    samples: Samples
    time_ns: int | None
    host_time_s: float
    lost: int = 0
    notes: tuple[Note, ...] = ()


class Frame(NamedTuple):
    """A frame that has no place yet; the fields are the arguments of :meth:`Timeline.place`."""

    samples: Samples
    time_ns: int
    host_time_s: float
    first: int | None


class Loss(NamedTuple):
    """What is missing before a frame."""

    samples: int = 0
    notes: tuple[Note, ...] = ()


NO_LOSS = Loss()


class Sorted(NamedTuple):
    """Held frames that have found their place after all, and whether the new frame is held in their stead."""

    placed: list[Placed]
    is_held: bool


class SampleIndex:
    """What all timelines share: the index, the counts, and the estimate where nothing else gives the loss.

    Attributes
    ----------
    fs : float
        Nominal sampling rate in Hz.
    next_sample : int
        Index that the next sample gets if nothing is lost before it.
    lost, late, segments : int
        Samples counted as lost, frames dropped because they came late, stretches without a clock step.
    """

    def __init__(self, fs: float) -> None:
        if not (math.isfinite(fs) and fs > 0):
            raise ValueError(f"fs must be a positive rate in Hz, not {fs}")
        self.fs = fs
        self.next_sample = 0
        self.lost = self.late = self.segments = 0

    @property
    def fs_hat(self) -> float:
        """Estimate of the device's true rate in Hz."""
        return self.fs

    def link_lost(self) -> None:
        """Note that the connection broke here."""

    def _note(self, code: NoteCode, detail: str = "") -> Note:
        return Note(self.next_sample, self.next_sample / self.fs, code, detail)

    def _new_segment(self, code: NoteCode, what: str, n: int, host_elapsed_s: float) -> Loss:
        """Estimate from arrival times what was lost before the next ``n`` samples: at least one sample."""
        lost = max(1, round(bounded(host_elapsed_s) * self.fs_hat) - n)
        self.segments += 1
        detail = (
            f"{what}: new segment, about {lost} samples lost (estimated from arrival times); nothing to do"
        )
        return Loss(lost, (self._note(code, detail),))


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
        self._modulus = 1 << counter_bits
        self._agreement = _COUNTER_SLACK_S * fs
        # The newest frame that was placed: time and arrival of its last sample, counter of the next one.
        self._anchor_ns: int | None = None
        self._host_s = 0.0
        self._expected = 0
        self._gap_ns = (0, 0)
        self._held: list[Frame] = []
        self._late_notes: tuple[Note, ...] = ()  # on frames that came late, for the next one that is placed

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
        anchor_ns, n = self._anchor_ns, len(samples)
        before: list[Placed] | None = None
        if anchor_ns is None:
            self.segments = 1
            lost, notes = NO_LOSS
        else:
            if self._held or time_ns <= anchor_ns:
                before, is_held = self._sort_in(Frame(samples, time_ns, host_time_s, first))
                if is_held:
                    return before
            lost, notes = self._loss(n, time_ns, host_time_s, first)
            if lost:
                self._jump(lost, n, time_ns)
            if self._late_notes:
                notes, self._late_notes = self._late_notes + notes, ()
        self._anchor_ns, self._host_s = time_ns, host_time_s
        sample = self.next_sample
        self.next_sample = sample + n
        if first is not None:
            self._expected = first + n
        placed = Placed(sample, samples, time_ns, host_time_s, lost, notes)
        return [*before, placed] if before else [placed]

    def _jump(self, lost: int, n: int, time_ns: int) -> None:
        self.lost += lost
        self.next_sample += lost
        # Where the lost samples lie in time: a late frame belongs there. Half a sample is left at its end.
        self._gap_ns = (self._anchor_ns or 0, time_ns - round((n - 1.5) * 1e9 / self._rate.fs))

    def _loss(self, n: int, time_ns: int, host_time_s: float, first: int | None) -> Loss:
        """Return what is missing between the newest frame and one of ``n`` samples: rules 2, 3 and 5."""
        assert self._anchor_ns is not None
        elapsed_s = (time_ns - self._anchor_ns) * _NS
        # Counter and stamp agree that nothing is missing: so it is with almost all frames.
        if (
            first is not None
            and not (first - self._expected) % self._modulus
            and elapsed_s > 0
            and abs(elapsed_s * self.fs - n) <= self._agreement
        ):
            self._rate.add(n, elapsed_s)
            return NO_LOSS
        expected = elapsed_s * self._rate.fs
        missing = round(expected) - n
        if first is None and -_STAMP_SLACK < missing < _STAMP_SLACK and 0 < elapsed_s <= _MAX_GAP_S:
            self._rate.add(n, elapsed_s)
            return NO_LOSS
        if first is None:
            slack = max(_STAMP_SLACK, self._rate.tolerance * expected)
            broken = missing <= -slack
        else:
            slack, broken = 1.0, False
            step = (first - self._expected) % self._modulus
            if step or abs(missing) > self._agreement:
                by_stamps = missing
                missing = step + self._modulus * round((by_stamps - step) / self._modulus)
                doubt = max(self._agreement, _COUNTER_SLACK * expected)
                broken = missing < 0 or abs(missing - by_stamps) > doubt
            else:
                missing = 0
        if broken or not 0 < elapsed_s <= _MAX_GAP_S:
            what = f"the device's clock stepped by {elapsed_s:+.3f} s"
            return self._new_segment(NoteCode.CLOCK_STEP, what, n, host_time_s - self._host_s)
        if missing >= slack:
            return Loss(missing)
        self._rate.add(n, elapsed_s)
        return NO_LOSS

    def _sort_in(self, frame: Frame) -> Sorted:
        """Hold a frame that may have come late, or see from it what became of those that are held: rule 4."""
        n, time_ns, anchor_ns = len(frame.samples), frame.time_ns, self._anchor_ns
        assert anchor_ns is not None
        late = self._lies_in_gap(n, time_ns, anchor_ns)
        placed: list[Placed] = []
        if self._held:
            if abs((time_ns - anchor_ns) * _NS * self._rate.fs - n) < _STAMP_SLACK:
                self._late_notes += tuple(self._note(NoteCode.LATE_FRAME) for _ in self._held)
                self._held = []
            elif not late or time_ns <= self._held[-1].time_ns or len(self._held) >= _MAX_HELD:
                placed, late = self._release(), False
        if late:
            self._held.append(frame)
            self.late += 1  # until the next one shows that it was not
        return Sorted(placed, late)

    def _lies_in_gap(self, n: int, time_ns: int, anchor_ns: int) -> bool:
        """Whether samples lie wholly within the gap just found, and not long ago."""
        start, end = self._gap_ns
        if not start < time_ns <= end or anchor_ns - time_ns > _LATE_NS:
            return False
        return time_ns - n * 1e9 / self._rate.fs >= start - 1.5 * 1e9 / self._rate.fs

    def _release(self) -> list[Placed]:
        """Place what was held after all: the frame before it had a wrong stamp."""
        held, self._held, self._gap_ns = self._held, [], (0, 0)
        self.late -= len(held)
        return [placed for frame in held for placed in self.place(*frame)]
