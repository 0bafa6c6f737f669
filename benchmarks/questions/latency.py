"""How long from a notification of a strap to the event that it leads to, and what does that take elsewhere?

The GATT payloads of a Polar H10 go through decoder and monitor, by wall time. Beside it: the models in
each runtime, the time from starting Python to a first result, and what people do today, which is to run
a whole analysis again each second over the last ten.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness import command, processes
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import in_turn, line, quantiles_ms, ratio, targets
from benchmarks.harness.machine import trained
from benchmarks.harness.not_measured import or_skipped, skipped
from benchmarks.harness.signals import FRAME, FS, notifications, real_or_made
from benchmarks.rivals import ask
from ecgedge import Monitor, SampleBlock
from ecgedge.artefacts.backends import BACKENDS
from ecgedge.events import Event
from ecgedge_bridge.protocols.polar.decoder import PolarEcgDecoder

MODELS = ("rhythm", "beat_classes")
# Tasks of ``children/ours.py`` that are timed from the start of Python, and the helpers that they call
FIRST = {"classify": ask.CLASSIFY, "beats": ask.DETECT_BEATS}
# HRV comes every minute: by then every stage has run once.
WARM_UP_S = 60.0
# From a notification to the event that it leads to, at most
TARGETS = {"event_p99_ms": 3.0}


class Chain:
    """Decoder and monitor, fed with payloads as a link does."""

    def __init__(self, timer: Callable[[], float] | None = None) -> None:
        self.decoder, self.monitor = PolarEcgDecoder(), Monitor(timer=timer)
        self.decoded_s: list[float] = []
        self._host_s = 0.0

    def take(self, payload: bytes) -> Outcome:
        """Decode a payload, and feed what it holds."""
        self._host_s += FRAME / FS
        begun = time.perf_counter()
        (block,) = self.decoder.receive_data(payload, self._host_s)
        self.decoded_s.append(time.perf_counter() - begun)
        if not isinstance(block, SampleBlock):
            raise RuntimeError(f"the stream is meant to be without faults, but: {block}")
        return Outcome(self.monitor.feed(block), block.end_sample)


class Outcome(NamedTuple):
    """The events that a notification led to, and the number of the sample after it."""

    events: list[Event]
    end: int


class Played(NamedTuple):
    """Wall and CPU seconds of each notification, and its outcome."""

    wall_s: list[float]
    cpu_s: list[float]
    outcomes: list[Outcome]


def chain(payloads: list[bytes]) -> dict[str, Any]:
    """Time of each notification, by what it led to and by stage, and how old the news is by then.

    Wall time is what a wearer waits; the CPU time beside it tells how much of that was other work's.
    """
    play(Chain(), payloads[: round(WARM_UP_S * FS / FRAME)])  # what is done once
    played = play(Chain(), payloads)
    timed = Chain(time.perf_counter)
    play(timed, payloads)
    stages = {"decode": timed.decoded_s, **timed.monitor.stats.latency}
    return {
        "frames": len(payloads),
        "frame_ms": quantiles_ms(played.wall_s),
        "event_ms": by_event(played.wall_s, played.outcomes),
        "event_cpu_ms": by_event(played.cpu_s, played.outcomes),
        "stage_ms": {name: quantiles_ms(some) for name, some in stages.items()},
        "signal_delay_s": delays(played.outcomes),
    }


def play(chained: Chain, payloads: list[bytes]) -> Played:
    """Give a chain its notifications one by one."""
    played = Played([], [], [])
    for payload in payloads:
        begun, cpu_begun = time.perf_counter(), time.thread_time()
        outcome = chained.take(payload)
        played.cpu_s.append(time.thread_time() - cpu_begun)
        played.wall_s.append(time.perf_counter() - begun)
        played.outcomes.append(outcome)
    return played


def by_event(seconds: list[float], outcomes: list[Outcome]) -> dict[str, dict[str, float]]:
    """Quantiles of the notifications that led to each kind of event, and to any."""
    found: dict[str, list[float]] = {}
    for took, outcome in zip(seconds, outcomes, strict=True):
        kinds = {kind(event) for event in outcome.events}
        for name in kinds | ({"any"} if kinds else set()):
            found.setdefault(name, []).append(took)
    return {name: quantiles_ms(some) for name, some in sorted(found.items())}


def delays(outcomes: list[Outcome]) -> dict[str, dict[str, float]]:
    """Seconds of signal between the last sample of what an event is about and the notification."""
    found: dict[str, list[float]] = {}
    for events, end in outcomes:
        for event in events:
            last = int(getattr(event, "end_sample", event.sample))
            found.setdefault(kind(event), []).append((end - last) / FS)
    return {
        name: {f"p{q:g}": float(np.percentile(some, q)) for q in (50, 99)}
        for name, some in sorted(found.items())
    }


def kind(event: Event) -> str:
    """Name of an event in the tables."""
    return type(event).__name__.lower()


def runtimes(count: int) -> dict[str, Any]:
    """Latency of each model in each runtime, every one in a process of its own, and of the float networks."""
    found = {}
    for name in MODELS:
        rows = {backend: or_skipped(int8_model, backend, name, count) for backend in BACKENDS}
        rows["onnx float"] = or_skipped(float_model, name, count)
        rows["litert float"] = {"skipped": "the exporter writes no float file for LiteRT"}
        found[name] = rows
    return found


def int8_model(backend: str, name: str, count: int) -> Any:
    """Latency of a bundled model in one runtime."""
    return processes.child("children.ours", "model", backend, name, count, python=ask.python_for(backend))


def float_model(name: str, count: int) -> Any:
    """Latency of the float network that a bundled model was made of.

    Raises
    ------
    NotMeasuredError
        It is not in the training cache.
    """
    path = trained(name, "float.onnx")
    return processes.child("children.ours", "float_model", path, name, count)


def again(path: Path) -> dict[str, Any]:
    """What people do today: the whole analysis again each second over the last ten."""
    return {
        call: or_skipped(ask.ask, "stream", rival, call, path, FS) for rival, call in ask.calls("analyses")
    }


def cold(path: Path, rounds: int) -> dict[str, Any]:
    """Seconds from starting Python to a result about 30 s of ECG, ours and theirs in turn."""
    tasks: dict[str, Callable[[], float]] = {"python alone": partial(processes.wall_s, "children.imports")}
    for task, helper in FIRST.items():
        tasks[helper] = partial(processes.wall_s, "children.ours", task, path, FS)
    for rival, call in ask.calls("analyses"):
        tasks[call] = partial(ask.wall_s, "first", rival, call, path, FS)
    return in_turn(tasks, rounds)


def ratios(found: dict[str, Any]) -> dict[str, Any]:
    """Theirs over ours: how many times as long."""
    ours, cold_s = found["chain"]["event_ms"].get("any", {}), found["cold_start_s"]
    rivals = {
        name: {q: ratio(row.get("ms", {}).get(q), ours.get(q)) for q in ("p50", "p99", "p99.9")}
        for name, row in found["again_each_second"].items()
    }
    cold_ratios = {
        named.call: ratio(cold_s[named.call].get("median"), cold_s[ask.counterpart(named)].get("median"))
        for named in ask.calls("analyses")
    }
    floats = {
        name: ratio(rows["onnx float"].get("ms", {}).get("p50"), rows["onnx"].get("ms", {}).get("p50"))
        for name, rows in found["models"].items()
    }
    return {"again_each_second": rivals, "cold_start": cold_ratios, "onnx_float_over_int8": floats}


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    seconds, again_s = (300, 20) if quick else (3600, 300)
    name, mv = real_or_made(seconds)
    with TemporaryDirectory() as folder:
        short, half_minute = Path(folder) / "again.npy", Path(folder) / "first.npy"
        np.save(short, mv[: round(again_s * FS)])
        np.save(half_minute, mv[: round(30 * FS)])
        found: dict[str, Any] = {
            "signal": name,
            "chain": chain(list(notifications(mv))),
            "models": runtimes(200 if quick else 3000),
            "again_each_second": again(short),
            "cold_start_s": cold(half_minute, 1 if quick else 9),
            "rivals": ask.versions(),
        }
    p99 = found["chain"]["event_ms"].get("any", {}).get("p99")
    return {"targets": targets({"event_p99_ms": p99}, TARGETS), **found, "ratios": ratios(found)}


def show(found: dict[str, Any]) -> None:
    """Print the figures that matter."""
    chained = found["chain"]
    print(f"{found['signal']}: {chained['frames']} notifications, ms at p50, p99, p99.9")
    rows = {"notification": chained["frame_ms"]}
    rows |= {f"  with {kind}, CPU time": row for kind, row in chained["event_cpu_ms"].items()}
    rows |= {f"  with {kind}": row for kind, row in chained["event_ms"].items()}
    rows |= {f"  stage {name}": row for name, row in chained["stage_ms"].items()}
    for model, by_runtime in found["models"].items():
        rows |= {f"model {model}, {name}": row.get("ms", row) for name, row in by_runtime.items()}
    rows |= {f"again: {name}": row.get("ms", row) for name, row in found["again_each_second"].items()}
    for name, row in rows.items():
        print(f"{name:36}" + (row["skipped"] if skipped(row) else line(row)))
    for name, row in found["cold_start_s"].items():
        print(f"cold: {name:30}" + (row["skipped"] if skipped(row) else f"{row['median']:.2f} s"))


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "latency", measure, show, arguments)
