"""What does an hour of 130 Hz ECG cost in frames of 73 samples, by stage, and how long can a frame take?

CPU seconds of one thread, so that other work on the machine counts little. Beats, HRV and gate together have
0.6 s for an hour, and a frame 2 ms (99.9th percentile), on noise as well.

Run ``python benchmarks/pipeline.py``; it prints a table and writes ``benchmarks/results/pipeline.json``.
Where the recording of a Polar H10 is at hand (``$ECGEDGE_DATA/polar-h10``) it plays for the hour, else ECG
that the package makes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge import SampleBlock, read
from ecgedge.events import Event
from ecgedge.filters import FrontEnd
from ecgedge.gate import Gate, GateModel
from ecgedge.hrv.stage import HrvStage
from ecgedge.model import BUNDLED, Model
from ecgedge.monitor import GATE_WINDOW_S, Monitor
from ecgedge.pipeline import Pipeline
from ecgedge.segment import Segment
from ecgedge.stages import BeatStage, QualityStage, Stage
from ecgedge.synthetic import Segment as Part
from ecgedge.synthetic import synthesize

RESULT = Path(__file__).with_name("results") / "pipeline.json"
FS, FRAME, MODEL_FS = 130.0, 73, 100.0
SIGNAL_TARGET_S, FRAME_TARGET_MS = 0.6, 2.0


def clock_s() -> float:
    """CPU seconds that reading the clock twice takes, which on some systems is as much as a small stage."""
    took = []
    for _ in range(2000):
        begun = time.thread_time()
        took.append(time.thread_time() - begun)
    return float(np.median(took))


CLOCK_S = clock_s()


class Clocked:
    """A filter or stage that adds up the CPU time of its calls, less that of the clock."""

    def __init__(self, inner: Any, name: str) -> None:
        self._inner, self.name, self.cpu_s = inner, name, 0.0

    def start(self, segment: Segment) -> None:
        """Begin a segment."""
        self._inner.start(segment)

    def reset(self) -> None:
        """Begin a segment."""
        self._inner.reset()

    def advance(self, segment: Segment) -> list[Event]:
        """Call the stage."""
        return self._clocked(self._inner.advance, segment)

    def feed(self, x: np.ndarray) -> np.ndarray:
        """Call the filter."""
        return self._clocked(self._inner.feed, x)

    def finish(self) -> np.ndarray:
        """Flush the filter."""
        return self._clocked(self._inner.finish)

    def _clocked(self, work: Callable[..., Any], *args: Any) -> Any:
        begun = time.thread_time()
        result = work(*args)
        self.cpu_s += time.thread_time() - begun - CLOCK_S
        return result


@dataclass(frozen=True)
class Row:
    """One signal: CPU seconds for an hour of it, whole and by stage, and CPU milliseconds for a frame."""

    signal: str
    hours: float
    whole_s: float
    stages_s: dict[str, float]
    with_model_s: float
    frame_ms: dict[str, float]

    @property
    def signal_s(self) -> float:
        """Beats, HRV and gate."""
        return sum(self.stages_s[name] for name in ("beats", "gate", "hrv"))


def real_or_made(seconds: int) -> tuple[str, np.ndarray]:
    """ECG at 130 Hz with ectopic beats, repeated to ``seconds``."""
    path = Path(os.environ.get("ECGEDGE_DATA", "../shared/data")) / "polar-h10" / "h10_10min_pvc.csv.gz"
    if path.is_file():
        name, mv = "Polar H10 recording", np.concatenate([block.samples for block in read(path)])
    else:
        parts = [Part("sinus", 300.0, 70.0), Part("af", 180.0, 95.0), Part("pvc", 120.0, 70.0)]
        name, mv = "synthetic ECG", synthesize(parts, FS, seed=0).mv
    return name, np.resize(np.nan_to_num(mv), round(seconds * FS)).astype(np.float32)


def noise(seconds: int) -> np.ndarray:
    """White noise over the full range of a strap."""
    return np.random.default_rng(0).uniform(-5, 5, round(seconds * FS)).astype(np.float32)


def frames(mv: np.ndarray) -> list[SampleBlock]:
    """The signal as a strap sends it."""
    return [SampleBlock(mv[i : i + FRAME], FS, i) for i in range(0, len(mv), FRAME)]


def signal_path(clocks: list[Clocked]) -> Pipeline:
    """Everything but the rhythm model, each part on a clock."""
    gate = Gate(GateModel.load(BUNDLED / "gate" / "gate.json"), MODEL_FS)
    stages: Sequence[Stage] = [BeatStage(MODEL_FS), QualityStage(gate, MODEL_FS, GATE_WINDOW_S), HrvStage()]
    clocks += [Clocked(FrontEnd.default(MODEL_FS)(FS), "front end"), *(Clocked(s, s.name) for s in stages)]
    return Pipeline(clocks[1:], MODEL_FS, lambda fs_in: clocks[0])


def play(pipeline: Pipeline, blocks: list[SampleBlock]) -> np.ndarray:
    """CPU seconds of each frame."""
    took = np.empty(len(blocks))
    for i, block in enumerate(blocks):
        begun = time.thread_time()
        pipeline.feed(block)
        took[i] = time.thread_time() - begun - CLOCK_S
    pipeline.finish()
    return took


def measure(name: str, mv: np.ndarray, model: Model) -> Row:
    """Play a signal through the signal path, and through a monitor with the model."""
    blocks, hours = frames(mv), len(mv) / FS / 3600
    play(Monitor(model), blocks[:200])  # what is done once is not of the hour
    bare = play(signal_path([]), blocks)
    clocks: list[Clocked] = []
    play(signal_path(clocks), blocks)
    whole = play(Monitor(model), blocks)
    by_stage = {clock.name: clock.cpu_s / hours for clock in clocks}
    by_stage["rest"] = max(0.0, bare.sum() / hours - sum(by_stage.values()))
    quantiles = {f"p{q:g}": 1e3 * float(np.percentile(bare, q)) for q in (50, 99, 99.9)}
    quantiles["max"] = 1e3 * float(bare.max())
    return Row(name, hours, float(bare.sum()) / hours, by_stage, float(whole.sum()) / hours, quantiles)


def environment() -> dict[str, Any]:
    """Machine, versions and commit: what is needed to read the figures."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "command": "python benchmarks/pipeline.py",
        "cpu": models[0] if models else platform.processor(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "commit": commit.stdout.strip(),
    }


def missed(rows: list[Row]) -> list[str]:
    """Which targets were not met."""
    out = [f"{row.signal} ({row.signal_s:.2f} s/h)" for row in rows if row.signal_s > SIGNAL_TARGET_S]
    slow = [row for row in rows if row.frame_ms["p99.9"] > FRAME_TARGET_MS]
    return out + [f"{row.signal} (frame {row.frame_ms['p99.9']:.2f} ms)" for row in slow]


def show(rows: list[Row]) -> None:
    """Print the tables."""
    for row in rows:
        parts = ", ".join(f"{name} {s:.3f}" for name, s in row.stages_s.items())
        times = ", ".join(f"{name} {ms:.3f}" for name, ms in row.frame_ms.items())
        print(f"{row.signal}, {row.hours:.2f} h: CPU s/h {row.whole_s:.3f} ({parts})")
        print(f"  beats + HRV + gate {row.signal_s:.3f}; with the model {row.with_model_s:.3f}")
        print(f"  ms for a frame: {times}")


def main() -> int:
    """Measure, print, write; 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3600, help="length of each signal")
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    model = Model.load()
    signals = [real_or_made(asked.seconds), ("full-scale noise", noise(asked.seconds))]
    rows = [measure(name, mv, model) for name, mv in signals]
    show(rows)
    missing = missed(rows)
    targets = {
        "beats_hrv_gate_s_per_h": SIGNAL_TARGET_S,
        "frame_p99_9_ms": FRAME_TARGET_MS,
        "missed": missing,
    }
    result = {"environment": environment(), "targets": targets, "rows": [asdict(row) for row in rows]}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"targets missed: {', '.join(missing) or 'none'}; written to {asked.out}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
