"""How long from a notification of a strap to the event that it leads to, and what does that take elsewhere?

The GATT payloads of a Polar H10 go through decoder and monitor, by wall time. Beside it: the models in
each runtime, the time from starting Python to a first result, and what people do today, which is to run
NeuroKit2, sleepecg or the INT8 codec of OpenECG again each second over the last ten.

Run ``python benchmarks/latency.py``; it prints what it found and writes ``results/latency.json``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import common
import numpy as np
from common import FS, TFLITE, NotMeasuredError, or_skipped, quantiles_ms, ratio
from live import notifications

from ecgedge import Monitor, SampleBlock
from ecgedge.artefacts.backends import BACKENDS
from ecgedge.events import Event
from ecgedge_bridge.protocols.polar.decoder import PolarEcgDecoder

MODELS = ("rhythm", "beat_classes")
AGAIN = ("neurokit2 ecg_process", "sleepecg detect_heartbeats", "openecg encode")
# What is started, the tasks that do the same work: the rhythm or a full analysis, and the beats alone
FIRST = {"classify": "neurokit2 ecg_process", "beats": "sleepecg detect_heartbeats"}
WARM_UP_S = 60.0
TARGETS = {"event_p99_ms": 3.0}  # from a notification to the event that it leads to, at most


class Chain:
    """Decoder and monitor, fed with payloads as a link does."""

    def __init__(self, timer: Callable[[], float] | None = None) -> None:
        self.decoder, self.monitor = PolarEcgDecoder(), Monitor(timer=timer)
        self.decoded_s: list[float] = []
        self._host_s = 0.0

    def take(self, payload: bytes) -> tuple[list[Event], int]:
        """Everything that a payload leads to, and the number of the sample after it."""
        self._host_s += common.FRAME / FS
        begun = time.perf_counter()
        (block,) = self.decoder.receive_data(payload, self._host_s)
        self.decoded_s.append(time.perf_counter() - begun)
        if not isinstance(block, SampleBlock):
            raise RuntimeError(f"the stream is meant to be without faults, but: {block}")
        return self.monitor.feed(block), block.end_sample


Said = list[tuple[list[Event], int]]


def chain(payloads: list[bytes]) -> dict[str, Any]:
    """Time of each notification, by what it led to and by stage, and how old the news is by then.

    Wall time is what a wearer waits; the CPU time beside it tells how much of that was other work's.
    """
    _play(Chain(), payloads[: round(WARM_UP_S * FS / common.FRAME)])  # what is done once
    took, cpu_s, said = _play(Chain(), payloads)
    timed = Chain(time.perf_counter)
    _play(timed, payloads)
    stages = {"decode": timed.decoded_s, **timed.monitor.stats.latency}
    return {
        "frames": len(payloads),
        "frame_ms": quantiles_ms(took),
        "event_ms": _by_event(took, said),
        "event_cpu_ms": _by_event(cpu_s, said),
        "stage_ms": {name: quantiles_ms(some) for name, some in stages.items()},
        "signal_delay_s": _delays(said),
    }


def _play(chained: Chain, payloads: list[bytes]) -> tuple[list[float], list[float], Said]:
    """Wall and CPU seconds of each notification, and what it led to."""
    took, cpu_s, said = [], [], []
    for payload in payloads:
        begun, cpu_begun = time.perf_counter(), time.thread_time()
        result = chained.take(payload)
        cpu_s.append(time.thread_time() - cpu_begun)
        took.append(time.perf_counter() - begun)
        said.append(result)
    return took, cpu_s, said


def _by_event(seconds: list[float], said: Said) -> dict[str, dict[str, float]]:
    """Quantiles of the notifications that led to each kind of event, and to any."""
    found: dict[str, list[float]] = {}
    for took, (events, _) in zip(seconds, said, strict=True):
        for kind in {_kind(event) for event in events} | ({"any"} if events else set()):
            found.setdefault(kind, []).append(took)
    return {kind: quantiles_ms(some) for kind, some in sorted(found.items())}


def _delays(said: Said) -> dict[str, dict[str, float]]:
    """Seconds of signal that had come after what an event speaks of."""
    found: dict[str, list[float]] = {}
    for events, end in said:
        for event in events:
            found.setdefault(_kind(event), []).append((end - _place(event)) / FS)
    return {
        kind: {f"p{q:g}": float(np.percentile(some, q)) for q in (50, 99)}
        for kind, some in sorted(found.items())
    }


def _kind(event: Event) -> str:
    return type(event).__name__.lower()


def _place(event: Event) -> int:
    """Last sample that an event speaks of."""
    return int(getattr(event, "end_sample", event.sample))


def runtimes(count: int) -> dict[str, Any]:
    """Latency of each model in each runtime, every one in a process of its own, and of the float networks."""
    found = {}
    for name in MODELS:
        rows = {backend: or_skipped(_int8, backend, name, count) for backend in BACKENDS}
        rows["onnx float"] = or_skipped(_float, name, count)
        rows["litert float"] = {"skipped": "the exporter writes no float file for LiteRT"}
        found[name] = rows
    return found


def _int8(backend: str, name: str, count: int) -> Any:
    python = common.rival_python(TFLITE) if backend == "tflite" else None
    return common.child("ours.py", "model", backend, name, count, python=python)


def _float(name: str, count: int) -> Any:
    path = common.cache_dir() / "runs" / name / "float.onnx"
    if not path.is_file():
        raise NotMeasuredError("the training cache has no float network: ecgedge-export train makes it")
    return common.child("ours.py", "float_model", path, name, count)


def again(path: Path) -> dict[str, Any]:
    """What people do today: the whole analysis again each second over the last ten."""
    return {name: or_skipped(common.rival, "stream", name, path, FS) for name in AGAIN}


def cold(path: Path, rounds: int) -> dict[str, Any]:
    """Seconds from starting Python to a result about 30 s of ECG, ours and theirs in turn."""
    tasks: dict[str, Callable[[], float]] = {"python -c pass": _bare_python}
    for mine, theirs in FIRST.items():
        tasks[f"ecgedge {mine}"] = partial(common.wall_s, "ours.py", mine, path, FS)
        tasks[theirs] = partial(_their_wall_s, theirs, path)
    return common.in_turn(tasks, rounds)


def _bare_python() -> float:
    begun = time.perf_counter()
    common.imported("pass")
    return time.perf_counter() - begun


def _their_wall_s(name: str, path: Path) -> float:
    return common.wall_s("rivals.py", "first", name, path, FS, python=common.rival_python())


def ratios(found: dict[str, Any]) -> dict[str, Any]:
    """Theirs over ours: how many times as long."""
    ours, cold_s = found["chain"]["event_ms"].get("any", {}), found["cold_start_s"]
    rivals = {
        name: {q: ratio(row.get("ms", {}).get(q), ours.get(q)) for q in ("p50", "p99", "p99.9")}
        for name, row in found["again_each_second"].items()
    }
    cold_ratios = {
        theirs: ratio(cold_s[theirs].get("median"), cold_s[f"ecgedge {mine}"].get("median"))
        for mine, theirs in FIRST.items()
    }
    floats = {
        name: ratio(rows["onnx float"].get("ms", {}).get("p50"), rows["onnx"].get("ms", {}).get("p50"))
        for name, rows in found["models"].items()
    }
    return {"again_each_second": rivals, "cold_start": cold_ratios, "onnx_float_over_int8": floats}


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    seconds, again_s = (300, 20) if quick else (3600, 300)
    name, mv = common.real_or_made(seconds)
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
            "rivals": or_skipped(common.rival, "versions"),
        }
    p99 = found["chain"]["event_ms"].get("any", {}).get("p99")
    return {"targets": common.targets({"event_p99_ms": p99}, TARGETS), **found, "ratios": ratios(found)}


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
        print(f"{name:36}" + (row["skipped"] if "skipped" in row else common.line(row)))
    for name, row in found["cold_start_s"].items():
        print(f"cold: {name:30}" + (row["skipped"] if "skipped" in row else f"{row['median']:.2f} s"))


if __name__ == "__main__":
    sys.exit(common.main(__doc__, "latency", measure, show))
