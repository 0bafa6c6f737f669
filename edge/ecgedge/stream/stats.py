"""Counters of a monitor."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ecgedge.stream.segment import Counts


@dataclass(slots=True)
class MonitorStats:
    """Counters of a monitor since its start.

    ``samples`` were taken, ``lost`` are missing, ``bridged`` are missing one or two at a time, so that a
    straight line stands for them; of the rhythm ``windows``, ``rejected`` never reached the
    model, which ran ``model_runs`` times. Where the monitor was given a timer, ``latency`` holds for each
    stage the seconds of its last calls that found something.
    """

    samples: int = 0
    lost: int = 0
    bridged: int = 0
    counts: Counts = field(default_factory=Counts)
    latency: dict[str, deque[float]] = field(default_factory=dict)

    @property
    def windows(self) -> int:
        """Rhythm windows that became complete."""
        return self.counts.windows

    @property
    def rejected(self) -> int:
        """Rhythm windows that the gate kept from the model."""
        return self.counts.rejected

    @property
    def model_runs(self) -> int:
        """Rhythm windows that the model saw."""
        return self.counts.model_runs
