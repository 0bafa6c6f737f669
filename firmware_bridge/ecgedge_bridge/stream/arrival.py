"""What arrival times know about the stamps of a stream: whether they keep pace, and how late a frame is.

A frame arrives after its last sample was taken: late by the radio, by queues, by an event loop that stalls
for seconds, but never early. So the delay (arrival minus stamp) has a floor, which only moves when one of
the two clocks does. A frame below the floor would hold samples from the future: its stamp stepped ahead. A
frame above it came late, or samples are missing that the stamps do not show; which of them, the next frames
say, because after a stall all that waited comes at once.

Arrival times are worth that only while they keep pace with the stamps. They do not where a simulation plays
faster than real time or a test gives one arrival time to all frames; then nothing is concluded from them.
Nothing here reads a clock.
"""

from __future__ import annotations

import math

from ecgedge_bridge.stream.limits import MAX_GAP_S
from ecgedge_bridge.stream.unwrap import bounded

# The floor is the least delay of the last one to two of these: crystals drift by 1 ms in that time.
_BUCKET_S = 10.0
# Pace is judged over this long: a stall of seconds is in it with the burst that follows.
_MEMORY_S = 30.0
_LEAST_S = 1.0
# How far arrivals and stamps may come apart while they keep pace: jitter at both ends, and 5 % that lies
# above the 2 % of a strap's clock and far below any speed that a simulation is played at.
_PACE_SLACK_S = 0.25
_PACE_SLACK = 0.05
# Below the floor: the least delay seen so far is not the least there is. What is expected of the next one is
# of the size of the mean lateness over the number of frames.
_FLOOR_S = 0.02
_FLOOR_SHARE = 4.0
_MOST_FRAMES = 32
# Over a long silence both clocks drift.
DRIFT = 0.01


class Arrivals:
    """Delays of one stream's frames against their floor.

    Examples
    --------
    >>> arrivals = Arrivals()
    >>> for k in range(10):
    ...     arrivals.restart(0.0) if k == 0 else arrivals.add(0.5, 0.5 * k)
    >>> arrivals.keep_pace, arrivals.late_s(0.5, 5.0), arrivals.late_s(2.5, 5.0)
    (True, 0.0, -2.0)
    """

    def __init__(self) -> None:
        self._host_sum = self._device_sum = self._mean = 0.0
        self.restart(math.nan)

    def restart(self, host_time_s: float) -> None:
        """Take the first frame, or the first one after a clock has moved: its delay is the floor."""
        self._host_s = host_time_s
        self._delay = self._floor = self._least = self._before = self._bucket_s = 0.0
        self._frames = 1

    @property
    def keep_pace(self) -> bool:
        """Whether arrival times may be asked."""
        device = self._device_sum
        return device >= _LEAST_S and abs(self._host_sum - device) <= _PACE_SLACK_S + _PACE_SLACK * device

    @property
    def slack_s(self) -> float:
        """How far below the floor a frame may still come by chance."""
        return _FLOOR_S + _FLOOR_SHARE * self._mean / min(self._frames, _MOST_FRAMES)

    def host_step_s(self, host_time_s: float) -> float:
        """Time since the newest frame arrived."""
        return bounded(host_time_s - self._host_s)

    def is_ahead(self, elapsed_s: float, host_time_s: float) -> bool:
        """Whether a frame whose stamp says ``elapsed_s`` would hold samples from the future."""
        if not self.keep_pace:
            return elapsed_s > MAX_GAP_S
        slack_s = self.slack_s + DRIFT * self.host_step_s(host_time_s)
        return self.late_s(elapsed_s, host_time_s) < -slack_s

    def late_s(self, device_step_s: float, host_time_s: float) -> float:
        """How late a frame is against the floor, whose stamp is so much after the newest one's."""
        return self._delay + self.host_step_s(host_time_s) - device_step_s - self._floor

    def elapsed_s(self, host_time_s: float) -> float:
        """Time between the last samples of the newest frame and of one that arrives now."""
        return max(0.0, self.host_step_s(host_time_s) + self._delay - self._floor - self._mean)

    def add(self, device_step_s: float, host_time_s: float, is_whole: bool = True) -> None:
        """Take a frame that is placed; where nothing is missing before it, pace is measured."""
        step_s = self.host_step_s(host_time_s)
        if is_whole:
            self._host_sum += step_s
            self._device_sum += device_step_s
            if self._device_sum > _MEMORY_S:
                self._host_sum /= 2
                self._device_sum /= 2
        self._delay += step_s - device_step_s
        self._host_s = host_time_s
        if not self.keep_pace:
            self._least = self._before = self._delay
            self._frames, self._bucket_s = 1, 0.0
        self._bucket_s += device_step_s
        if self._bucket_s >= _BUCKET_S:
            self._bucket_s, self._before = 0.0, self._least
            self._least = self._delay
        self._least = min(self._least, self._delay)
        self._floor = min(self._least, self._before)
        self._frames += 1
        self._mean += (self._delay - self._floor - self._mean) / min(self._frames, _MOST_FRAMES)
