"""A demonstration without hardware, data set or network: a virtual strap plays a programme.

The signal takes the way that a real strap's takes: scan, connection, GATT notifications, decoder, monitor.
What the monitor finds is compared with what was played. That shows that the chain works; on synthetic ECG it
is no measure of accuracy.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgedge.demo.programme import FS, UNKNOWN, Part, Programme, own_programme
from ecgedge.demo.virtual_link import received
from ecgedge.events import Event, Gap, Quality, Rhythm
from ecgedge.monitor import Monitor
from ecgedge.sinks.sink import Item, Sink
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

if TYPE_CHECKING:
    from ecgedge.stream.stats import MonitorStats
    from ecgedge_bridge import VirtualH10

__all__ = ["DemoReport", "PartReport", "Percentiles", "play"]

NAME = "Polar H10 DEC0DE01"
_PATIENCE_S = 30.0  # a virtual strap that stays away longer will not come back


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Median, 99th percentile and largest of ``count`` measured times, in ms."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    count: int

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Percentiles:
        """Sum up measured times; all zero when there are none."""
        measured = list(seconds)
        p50, p99, top = (1e3 * np.percentile(measured or [0.0], [50, 99, 100])).round(4).tolist()
        return cls(p50, p99, top, len(measured))


@dataclass(frozen=True, slots=True)
class PartReport:
    """What the monitor found in windows that lie entirely in one part.

    ``labels`` counts the rhythm labels, ``window_labels`` those of the windows alone, before the
    hysteresis; ``gate_accepted`` and ``gate_rejected`` count the gate's verdicts, ``model_runs`` the windows
    that the model saw.
    """

    name: str
    start_s: float
    end_s: float
    expected: str
    labels: dict[str, int]
    window_labels: dict[str, int]
    gate_accepted: int
    gate_rejected: int
    model_runs: int

    @property
    def as_expected(self) -> bool:
        """Whether what was found fits what was played; True where nobody knows what it was."""
        if self.expected == UNKNOWN:
            return True
        if self.expected == "rejected":
            return self.gate_rejected > 0 and self.gate_accepted == 0 and self.model_runs == 0
        if self.expected == "not A":
            return self.model_runs > 0 and "A" not in self.labels
        return 2 * self.labels.get(self.expected, 0) > self.model_runs > 0


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demonstration came to: times in seconds of ECG, but ``wall_s`` in those of the clock on the
    wall.

    ``recovered_after_s`` is the time from the end of the gap to the end of the first rhythm window after it,
    None when there was none; ``latency`` is per stage of the monitor, ``notification_to_event`` from the
    arrival of a notification to the events it led to.
    """

    parts: tuple[PartReport, ...]
    speed: float
    samples: int
    lost_expected: int
    lost_reported: int
    windows: int
    gate_rejected: int
    model_runs: int
    recovered_after_s: float | None
    latency: dict[str, Percentiles]
    notification_to_event: Percentiles
    peak_memory_mb: float
    wall_s: float

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-serialisable dictionary with ``"type": "summary"``."""
        flat = asdict(self)
        flat["parts"] = [flat_part | {"as_expected": part.as_expected}
                         for flat_part, part in zip(flat["parts"], self.parts, strict=True)]  # fmt: skip
        return {"type": "summary", **flat}


@dataclass(slots=True)
class _Witness:
    """A sink that keeps the events and measures how long they took, before it passes all on."""

    sink: Sink
    events: list[Event] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)

    def take(self, items: Iterable[Item]) -> None:
        """Keep what came; a block comes before what it led to."""
        items = list(items)
        events = [item for item in items if isinstance(item, Event)]
        arrivals = [item.host_time_s for item in items if isinstance(item, SampleBlock)]
        if events and arrivals and arrivals[0] is not None:
            self.waits_s.append(time.monotonic() - arrivals[0])
        self.events += events
        self.sink.take(items)


async def play(
    sink: Sink,
    *,
    programme: Programme | None = None,
    speed: float = 12.0,
    monitor: Monitor | None = None,
) -> DemoReport:
    """Play a programme through the whole chain.

    Parameters
    ----------
    sink : Sink
        Takes each block and event as it comes; it is not closed here.
    speed : float
        How many times as fast as real time, 1 to 1000.
    programme : Programme, optional
        What to play; the package's own ECG by default.
    monitor : Monitor, optional
        One made with a timer, to measure the stages.

    Raises
    ------
    ConfigError
        When the extra ``sim`` is not installed, or the speed makes no sense.
    LinkError
        When the virtual strap stays away.
    """
    if not 1 <= speed <= 1000:
        raise ConfigError(f"a speed of {speed:g} cannot be played: give 1 (real time) to 1000")
    from ecgedge_bridge import VirtualH10

    began_s = time.monotonic()
    monitor = monitor or Monitor(timer=time.perf_counter)
    programme = programme or own_programme()
    strap = VirtualH10(programme.mv, fs=FS, speed=speed, name=NAME, faults=programme.faults)
    witness = _Witness(sink)
    stream = received(strap, on_status=lambda event: witness.take([event]), find_timeout_s=_PATIENCE_S)
    async with aclosing(stream) as blocks:
        async for block in blocks:
            witness.take([block, *monitor.feed(block)])
    witness.take(monitor.finish())
    return _report(programme.parts, strap, witness, monitor.stats, speed, time.monotonic() - began_s)


def _report(
    parts: tuple[Part, ...],
    strap: VirtualH10,
    witness: _Witness,
    stats: MonitorStats,
    speed: float,
    wall_s: float,
) -> DemoReport:
    gaps = [event for event in witness.events if isinstance(event, Gap)]
    return DemoReport(
        parts=tuple(_part(part, witness.events, strap.ledger.played / FS) for part in parts),
        speed=speed,
        samples=stats.samples,
        lost_expected=strap.ledger.lost_samples,
        lost_reported=sum(gap.lost for gap in gaps),
        windows=stats.windows,
        gate_rejected=stats.rejected,
        model_runs=stats.model_runs,
        recovered_after_s=_recovery(gaps, witness.events),
        latency={stage: Percentiles.of(seconds) for stage, seconds in stats.latency.items()},
        notification_to_event=Percentiles.of(witness.waits_s),
        peak_memory_mb=_peak_memory_mb(),
        wall_s=round(wall_s, 2),
    )


def _part(part: Part, events: list[Event], played_s: float) -> PartReport:
    """Count what was found in windows inside the part."""
    inside = [
        e
        for e in events
        if isinstance(e, Rhythm | Quality) and part.start_s <= e.time_s and e.end_time_s <= part.end_s
    ]
    rhythms = [event for event in inside if isinstance(event, Rhythm)]
    verdicts = Counter(event.accepted for event in inside if isinstance(event, Quality))
    return PartReport(
        name=part.name,
        start_s=part.start_s,
        end_s=min(part.end_s, played_s),
        expected=part.expected,
        labels=dict(Counter(event.label for event in rhythms)),
        window_labels=dict(Counter(event.window_label for event in rhythms)),
        gate_accepted=verdicts[True],
        gate_rejected=verdicts[False],
        model_runs=len(rhythms),
    )


def _recovery(gaps: list[Gap], events: list[Event]) -> float | None:
    """Seconds of ECG from the end of the last gap to the first rhythm whose window begins after it."""
    if not gaps:
        return None
    end_s = gaps[-1].end_time_s
    after = [event.end_time_s for event in events if isinstance(event, Rhythm) and event.time_s >= end_s]
    return round(min(after) - end_s, 3) if after else None


def _peak_memory_mb() -> float:
    """Largest resident size of this process so far.

    From /proc where there is one: ``getrusage`` of a child counts the parent that started it.
    """
    import resource

    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return round(int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
