"""What does an hour of 130 Hz ECG cost in frames of 73 samples, by stage, and how long can a frame take?

CPU seconds of one thread, so that other work on the machine counts little. Beats, HRV and gate together have
0.6 s for an hour, and a frame without the models 2 ms (99.9th percentile), on noise as well.

Where the recording of a Polar H10 is at hand (``$ECGEDGE_DATA/polar-h10``) it plays for the hour, else ECG
that the package makes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import clock_s, line, quantiles_ms
from benchmarks.harness.signals import FS, Signal, frames, real_or_made
from ecgedge import Models, Monitor
from ecgedge.beats.stage import BeatStage
from ecgedge.demo.synthetic import Segment as Stretch
from ecgedge.demo.synthetic import synthesize
from ecgedge.gate.stage import QualityStage
from ecgedge.hrv.stage import HrvStage
from ecgedge.monitor import default_stages
from ecgedge.stream.filters import FrontEnd
from ecgedge.stream.pipeline import Pipeline
from ecgedge.stream.segment import Segment

MODEL_FS = 100.0
# At most: CPU seconds an hour of beats, HRV and gate, and CPU milliseconds a frame, 99.9th percentile
SIGNAL_TARGET_S, FRAME_TARGET_MS = 0.6, 2.0
CLOCK_S = clock_s()
SINUS = "synthetic sinus rhythm"


class Clocked:
    """A filter or stage that adds up the CPU time of its calls, less that of the clock."""

    def __init__(self, inner: Any, name: str) -> None:
        self._inner, self.name, self.cpu_s = inner, name, 0.0

    def __getattr__(self, name: str) -> Any:
        """What a stage declares of itself."""
        return getattr(self._inner, name)

    def start(self, segment: Segment) -> None:
        """Begin a segment."""
        self._inner.start(segment)

    def reset(self) -> None:
        """Begin a segment."""
        self._inner.reset()

    def advance(self, segment: Segment) -> Any:
        """Call the stage."""
        return self._clocked(self._inner.advance, segment)

    def feed(self, x: npt.ArrayLike) -> Any:
        """Call the filter."""
        return self._clocked(self._inner.feed, x)

    def finish(self) -> Any:
        """Flush the filter."""
        return self._clocked(self._inner.finish)

    def _clocked(self, work: Callable[..., Any], *args: Any) -> Any:
        begun = time.thread_time()
        result = work(*args)
        self.cpu_s += time.thread_time() - begun - CLOCK_S
        return result


@dataclass(frozen=True)
class Row:
    """One signal: CPU seconds for an hour of it, whole and by stage, and CPU milliseconds for a frame.

    ``frame_ms`` is without the two models, ``whole_frame_ms`` with them.
    """

    signal: str
    hours: float
    whole_s: float
    stages_s: dict[str, float]
    frame_ms: dict[str, float]
    whole_frame_ms: dict[str, float]

    @property
    def signal_s(self) -> float:
        """Beats, HRV and gate."""
        return sum(self.stages_s[name] for name in ("beats", "gate", "hrv"))


def sinus(seconds: float) -> Signal:
    """Nothing but sinus rhythm, as most wearers have most of the time."""
    return synthesize([Stretch("sinus", seconds, 70.0)], FS, seed=0).mv


def noise(seconds: float) -> Signal:
    """White noise over the full range of a strap."""
    return np.random.default_rng(0).uniform(-5, 5, round(seconds * FS)).astype(np.float32)


def signal_path(models: Models, clocks: list[Clocked]) -> Pipeline:
    """Everything but the two networks that name, each part on a clock."""
    stages = BeatStage(models.beats), QualityStage(models.gate), HrvStage()
    clocks += [Clocked(FrontEnd.default(MODEL_FS)(FS), "front end")]
    clocks += [Clocked(stage, stage.name) for stage in stages]
    return Pipeline(clocks[1:], MODEL_FS, lambda fs_in: clocks[0])


def whole_path(models: Models, clocks: list[Clocked]) -> Pipeline:
    """What a monitor is made of, each part on a clock."""
    clocks += [Clocked(models.rhythm.front_end(FS), "front end")]
    clocks += [Clocked(stage, stage.name) for stage in default_stages(models)]
    return Pipeline(clocks[1:], MODEL_FS, lambda fs_in: clocks[0])


class Played(NamedTuple):
    """CPU seconds of each frame, and how many events there were."""

    cpu_s: npt.NDArray[np.float64]
    events: int


def play(pipeline: Pipeline, blocks: Sequence[Any]) -> Played:
    """Feed a pipeline block by block."""
    took, events = np.empty(len(blocks)), 0
    for i, block in enumerate(blocks):
        begun = time.thread_time()
        events += len(pipeline.feed(block))
        took[i] = time.thread_time() - begun - CLOCK_S
    return Played(took, events + len(pipeline.finish()))


def measure_signal(name: str, mv: Signal, models: Models) -> Row:
    """Play a signal through a monitor, through its parts on clocks, and through all but the models."""
    blocks, hours = frames(mv), len(mv) / FS / 3600
    play(Monitor(models), blocks[:200])  # what is done once is not of the hour
    bare = play(signal_path(models, []), blocks)
    whole = play(Monitor(models), blocks)
    clocks: list[Clocked] = []
    parts = play(whole_path(models, clocks), blocks)
    if whole.events != parts.events:
        raise RuntimeError(
            f"{whole.events} events of a monitor, {parts.events} of its parts: they are not the same chain"
        )
    whole_s = float(whole.cpu_s.sum())
    cpu_s = {clock.name: clock.cpu_s for clock in clocks}
    cpu_s["rest"] = max(0.0, whole_s - sum(cpu_s.values()))  # the ring, and what passes between the stages
    return Row(
        name,
        hours,
        whole_s / hours,
        {stage: seconds / hours for stage, seconds in cpu_s.items()},
        quantiles_ms(bare.cpu_s),
        quantiles_ms(whole.cpu_s),
    )


def show(rows: list[Row]) -> None:
    """Print the stages."""
    for row in rows:
        parts = ", ".join(f"{name} {s:.3f}" for name, s in row.stages_s.items())
        print(f"{row.signal}, {row.hours:.2f} h: CPU s/h {row.whole_s:.3f} ({parts})")
        print(f"  beats + HRV + gate {row.signal_s:.3f}")
        for what, times in (("without models", row.frame_ms), ("whole", row.whole_frame_ms)):
            print(f"  ms for a frame, {what:15}" + line(times))


def measure(seconds: float, models: Models) -> list[Row]:
    """Rows for ECG and for noise."""
    signals = [real_or_made(seconds), (SINUS, sinus(seconds)), ("full-scale noise", noise(seconds))]
    return [measure_signal(name, mv, models) for name, mv in signals]


def held(rows: list[Row]) -> dict[str, Any]:
    """The targets, and which were missed."""
    slow = [f"{row.signal} ({row.signal_s:.2f} s/h)" for row in rows if row.signal_s > SIGNAL_TARGET_S]
    slow += [
        f"{row.signal} (frame {row.frame_ms['p99.9']:.2f} ms)"
        for row in rows
        if row.frame_ms["p99.9"] > FRAME_TARGET_MS
    ]
    return {"beats_hrv_gate_s_per_h": SIGNAL_TARGET_S, "frame_p99_9_ms": FRAME_TARGET_MS, "missed": slow}


def main(arguments: Arguments = None) -> int:
    """Measure, print, write; 1 if a target was missed, and it was no quick run."""
    parser = command.parser(__doc__, "pipeline")
    parser.add_argument(
        "--seconds", type=int, help="length of each signal; an hour, or five minutes if quick"
    )
    asked = parser.parse_args(arguments)
    measured = command.described(asked)
    rows = measure(asked.seconds or (300 if asked.quick else 3600), Models.load())
    targets = held(rows)
    show(rows)
    command.write(asked, {"targets": targets, "rows": [asdict(row) for row in rows]}, measured)
    return command.verdict(asked, targets)
