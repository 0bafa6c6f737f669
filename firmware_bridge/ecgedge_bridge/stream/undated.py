"""Where samples belong that carry neither a stamp nor a counter."""

from __future__ import annotations

import math

from ecgedge_bridge.stream.timeline import Emit, SampleIndex, Tell, bounded
from ecgedge_bridge.values import Samples

# Arrival times are compared over this long, and by how much they may come apart: a rate that is 2 % off makes
# 0.2 s in 10 s.
_BLOCK_S = 10.0
_SLACK_S = 0.35


class UndatedTimeline(SampleIndex):
    """Place samples that carry neither stamp nor counter: one after another.

    Loss is seen only as arrival times that run away from the count of samples. It is reported as a status and
    not as a jump of the index, because when within some seconds it happened is not known. A broken connection
    is certain loss: the index jumps by what the arrival times say.

    Parameters
    ----------
    fs, emit, tell
        As for :class:`Timeline`; the rate is not estimated.

    Examples
    --------
    >>> import numpy as np
    >>> told = []
    >>> timeline = UndatedTimeline(100.0, lambda *block: None, lambda *status: told.append(status))
    >>> for i in range(60):  # a second each, and 2 s are lost after 30 s
    ...     timeline.place(np.zeros(100, np.float32), host_time_s=i + 2 * (i >= 30))
    >>> len(told), "about 200 samples" in told[0][1]
    (1, True)
    """

    def __init__(self, fs: float, emit: Emit, tell: Tell) -> None:
        super().__init__(fs, emit, tell)
        self._host_s = self._origin_s = 0.0
        self._broken = False
        self._count = self._block_start = 0
        self._least_s = math.inf
        self._before_s: float | None = None

    def link_lost(self) -> None:
        """Note that the connection broke: what was sent meanwhile is lost."""
        self._broken = self.segments > 0

    def place(self, samples: Samples, host_time_s: float) -> None:
        """Give the next samples their index; the parameters are those of :meth:`Timeline.place`."""
        n = len(samples)
        if not self.segments or self._broken:
            self._begin(n, host_time_s)
        self._host_s = host_time_s
        self._count += n
        self._least_s = min(self._least_s, host_time_s - self._origin_s - self._count / self.fs)
        if self._count - self._block_start >= _BLOCK_S * self.fs:
            self._compare()
        sample = self.next_sample
        self.next_sample = sample + n
        self._emit(sample, samples, None, host_time_s)

    def _begin(self, n: int, host_time_s: float) -> None:
        if self._broken:
            self._jump(self._new_segment("the connection was lost", n, host_time_s - self._host_s))
        self.segments = max(self.segments, 1)
        self._broken = False
        self._start_over(host_time_s)

    def _start_over(self, host_time_s: float) -> None:
        self._origin_s = host_time_s
        self._count = self._block_start = 0
        self._least_s = math.inf
        self._before_s = None

    def _compare(self) -> None:
        """Compare the least delay of the last seconds with that of the seconds before: a stall is no loss."""
        before_s, self._before_s = self._before_s, self._least_s
        self._block_start, self._least_s = self._count, math.inf
        if before_s is None or not self._before_s - before_s > _SLACK_S:
            return
        about = round(bounded(self._before_s - before_s) * self.fs)
        self._tell(
            "streaming",
            f"about {about} samples may be lost: more time went by than samples came, and this device "
            "does not number them; move closer, and do not count on intervals here",
        )
