"""An outlet of the Lab Streaming Layer, by pylsl: the ECG, and a second stream with the events as markers.

LSL stamps a sample with its own clock, that of the computer that sends. What a wearable sends arrives late
and in bursts; :class:`~ecgedge_bridge.HostClock` says when each sample was taken: that is sent.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ecgedge.sinks.lines import json_line
from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.outlets.target import NoOptions, Opening, Target
from ecgedge.sinks.queued import EVENTS
from ecgedge.sinks.sink import Item
from ecgedge_bridge.stream.clock import HostClock
from ecgedge_bridge.values import Acceleration, SampleBlock
from ecgedge_bridge.wired.lsl import hush

__all__ = ["LslOutlet"]

# For each consumer that does not read: liblsl drops the oldest beyond it.
_BUFFER_S = 60
_READINGS = 9


class LslOutlet:
    """The ECG in mV at its nominal rate, and the events as JSON strings.

    Parameters
    ----------
    target : Target
        ``lsl:``, or ``lsl:NAME`` for another name than ``ecgedge``. The events are in ``NAME events``.
    opening : Opening

    Raises
    ------
    ConfigError
        The extra is not installed.
    """

    kinds = (*EVENTS, SampleBlock)

    def __init__(self, target: Target, opening: Opening) -> None:
        target.decoded(NoOptions)
        self._pylsl = library("pylsl", "lsl")
        hush(self._pylsl)
        self._name, self._device = target.rest or "ecgedge", opening.device
        self._clock = HostClock()
        self._apart_s = _apart_s(self._pylsl)
        # A recording has no arrival times: its first sample is taken for now.
        self._start_s: float | None = None
        self._fs = 0.0
        self._ecg: Any = None
        self._markers = self._outlet(f"{self._name} events", "Markers", 0.0)

    def take(self, items: Iterable[Item]) -> None:
        """Send blocks and events."""
        for item in items:
            if isinstance(item, SampleBlock):
                self._take_block(item)
            elif not isinstance(item, Acceleration):
                text = json_line(item.to_json()).rstrip()
                self._markers.push_sample([text], self._time_s(item.sample))

    def close(self) -> None:
        """End both streams: outlets end when they are let go."""
        self._ecg = self._markers = None

    def _take_block(self, block: SampleBlock) -> None:
        if not len(block.samples):
            return
        if self._ecg is None or block.fs != self._fs:
            self._fs, self._clock = block.fs, HostClock()
            self._ecg = self._outlet(self._name, "ECG", block.fs)
        if block.host_time_s is not None:
            self._clock.add(block)
        elif self._start_s is None:
            self._start_s = self._pylsl.local_clock() - block.sample / block.fs
        # LSL's stamp of a chunk is that of its last sample; the others follow from the rate.
        self._ecg.push_chunk(block.samples.reshape(-1, 1), self._time_s(block.end_sample - 1))

    def _time_s(self, sample: int) -> float:
        """When a sample was taken, on LSL's clock."""
        if self._clock.segments:
            return self._clock.host_time_s(sample) + self._apart_s
        if self._start_s is None:
            return float(self._pylsl.local_clock())
        return self._start_s + sample / self._fs

    def _outlet(self, name: str, kind: str, fs: float) -> Any:
        pylsl = self._pylsl
        format_ = pylsl.cf_float32 if fs else pylsl.cf_string
        # The same source again after a restart: consumers take the stream up where it went away.
        info = pylsl.StreamInfo(name, kind, 1, fs or pylsl.IRREGULAR_RATE, format_, f"{name} {self._device}")
        description = info.desc()
        description.append_child_value("manufacturer", "ecgedge")
        if fs:
            channel = description.append_child("channels").append_child("channel")
            for key, value in (("label", "I"), ("unit", "millivolts"), ("type", "ECG")):
                channel.append_child_value(key, value)
        return pylsl.StreamOutlet(info, 0, _BUFFER_S)


def _apart_s(pylsl: Any) -> float:
    """How far LSL's clock is ahead of the one that blocks arrive by.

    Both are clocks of this computer that never step; they may differ in where they began. Another program may
    run between two readings, for half a second: the closest of several is taken, once.
    """
    readings = [(time.monotonic(), float(pylsl.local_clock()), time.monotonic()) for _ in range(_READINGS)]
    before_s, lsl_s, after_s = min(readings, key=lambda one: one[2] - one[0])
    return lsl_s - (before_s + after_s) / 2
