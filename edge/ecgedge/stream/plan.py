"""What a sequence of stages needs, and whether it fits together: laws 3 and 4 of ``stage.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ecgedge.stream.segment import Part
from ecgedge.stream.stage import TICK_S, Stage
from ecgedge_bridge.errors import ConfigError

# At most so much signal is kept: half a megabyte at 100 Hz. What asks for more is a mistake in a manifest.
LONGEST_BUFFER_S = 600.0
RAW: Part = "raw"  # what no stage writes: it is there at once


class Plan(NamedTuple):
    """What a sequence of stages needs: how late each part is complete, and how much signal is kept."""

    latency_s: Mapping[Part, float]
    buffer_s: float
    raw_s: float = 0.0  # of the samples before the filters: 0 where no stage reads them


def planned(stages: Sequence[Stage], fs: float) -> Plan:
    """Check the order of stages and derive latencies and buffer from what they declare.

    Raises
    ------
    ConfigError
        A stage reads a part that none before it writes, two write the same one, a stage works at another rate
        than ``fs``, or one needs more signal than is ever kept.
    """
    latency: dict[Part, float] = {}
    buffer_s, raw_s = TICK_S, 0.0
    for stage in stages:
        _check_place(stage, fs, latency)
        behind = max((latency[part] for part in stage.reads if part != RAW), default=0.0)
        # Between two ticks a window waits up to a tick more than its parts do.
        needed = stage.window_s + behind + TICK_S
        if not TICK_S <= needed <= LONGEST_BUFFER_S:
            raise ConfigError(
                f"the stage {stage.name} needs the last {needed:g} s of signal at once, at most "
                f"{LONGEST_BUFFER_S:g} s are kept: give it a shorter window"
            )
        buffer_s, raw_s = max(buffer_s, needed), max(raw_s, needed if RAW in stage.reads else 0.0)
        latency |= dict.fromkeys(stage.writes, behind + stage.latency_s)
    return Plan(latency, buffer_s, raw_s)


def _check_place(stage: Stage, fs: float, written: Mapping[Part, float]) -> None:
    """Refuse a stage that does not fit behind those that write ``written``."""
    if stage.fs is not None and stage.fs != fs:
        raise ConfigError(
            f"the stage {stage.name} works at {stage.fs:g} Hz, the pipeline at {fs:g} Hz: "
            "give stages and models of one rate"
        )
    for part in stage.reads:
        if part not in written and part != RAW:
            raise ConfigError(
                f"the stage {stage.name} reads {part}, which no stage before it writes: "
                "put the stage that does in front of it"
            )
    for part in stage.writes:
        if part in written or part == RAW:
            raise ConfigError(
                f"the stage {stage.name} writes {part}, and so does one before it: leave one out"
            )
