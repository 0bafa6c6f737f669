"""Where samples belong that carry neither a stamp nor a counter.

The rules differ from those of ``timeline.py``, because only arrival times are left, and these are late by
delays that nobody knows:

1. Frames follow each other without a gap. A stall of the radio delays them, and loses nothing.
2. Every 10 s the least delay of arrivals against the count is compared with that of the 10 s before. A growth
   of more than 0.35 s is loss, but its place within these seconds is not known: a note reports it, the index
   does not jump.
3. A broken connection is certain loss at a certain place: the index jumps by what follows from the arrival
   times, at least one sample, and a note tells that it is an estimate.
"""

from __future__ import annotations

import math

from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.stream.timeline import NO_LOSS, Loss, Placed, SampleIndex
from ecgedge_bridge.stream.unwrap import bounded
from ecgedge_bridge.values import Note, Samples

# Arrival times are compared over this long, and by how much they may come apart: a rate that is 2 % off makes
# 0.2 s in 10 s.
_BLOCK_S = 10.0
_SLACK_S = 0.35


class UndatedTimeline(SampleIndex):
    """Place samples that carry neither stamp nor counter: one after another.

    Parameters
    ----------
    fs : float
        Nominal sampling rate in Hz; it is not estimated.

    Raises
    ------
    ValueError
        If ``fs`` is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> timeline = UndatedTimeline(100.0)
    >>> notes = []
    >>> for i in range(60):  # a second each, and 2 s are lost after 30 s
    ...     (placed,) = timeline.place(np.zeros(100, np.float32), host_time_s=i + 2 * (i >= 30))
    ...     notes += placed.notes
    >>> [(note.code.value, note.detail[:17]) for note in notes]
    [('possible_loss', 'about 200 samples')]
    """

    def __init__(self, fs: float) -> None:
        super().__init__(fs)
        self._host_s = self._begin_s = 0.0
        self._broken = False
        self._block = _BLOCK_S * fs
        self._count = self._block_start = 0
        self._least_s = math.inf
        self._before_s: float | None = None

    def link_lost(self) -> None:
        """Note that the connection broke: what was sent meanwhile is lost."""
        self._broken = self.segments > 0

    def place(self, samples: Samples, host_time_s: float) -> list[Placed]:
        """Give the next samples their index; parameters and result are those of :meth:`Timeline.place`."""
        n, lost = len(samples), 0
        notes: tuple[Note, ...] = ()
        if not self.segments or self._broken:
            lost, notes = self._begin(n, host_time_s)
            self.lost += lost
            self.next_sample += lost
        self._host_s = host_time_s
        self._count = count = self._count + n
        late_s = host_time_s - self._begin_s - count / self.fs
        if late_s < self._least_s:
            self._least_s = late_s
        if count - self._block_start >= self._block:
            notes += self._compare()
        sample = self.next_sample
        self.next_sample = sample + n
        return [Placed(sample, samples, None, host_time_s, lost, notes)]

    def _begin(self, n: int, host_time_s: float) -> Loss:
        """Begin to count, at first and after a broken connection."""
        loss = NO_LOSS
        if self._broken:
            what = "the connection was lost"
            loss = self._new_segment(NoteCode.ESTIMATED_LOSS, what, n, host_time_s - self._host_s)
        self.segments = max(self.segments, 1)
        self._broken = False
        self._begin_s = host_time_s
        self._count = self._block_start = 0
        self._least_s = math.inf
        self._before_s = None
        return loss

    def _compare(self) -> tuple[Note, ...]:
        """Compare the least delay of the last seconds with that of the seconds before: a stall is no loss."""
        before_s, self._before_s = self._before_s, self._least_s
        self._block_start, self._least_s = self._count, math.inf
        if before_s is None or not self._before_s - before_s > _SLACK_S:
            return ()
        about = round(bounded(self._before_s - before_s) * self.fs)
        return (
            self._note(
                NoteCode.POSSIBLE_LOSS,
                f"about {about} samples may be lost: more time went by than samples came, and this device "
                "does not number them; move closer, and do not count on intervals here",
            ),
        )
