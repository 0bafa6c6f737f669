"""How many wearables does a core carry, how does that grow, and what would others cost?

CPU seconds for an hour of ECG: in all and by stage (measured as in ``pipeline.py``), at other rates, with
more wearables, with another step between rhythm windows; instructions where valgrind is installed; the models
against what their multiplications alone would take. Beside it NeuroKit2, sleepecg and the INT8 codec of
OpenECG, run again each second over the last ten, which is extrapolated to an hour from some minutes, and the
first two once over a whole recording.

Run ``python benchmarks/throughput.py``; it prints what it found and writes ``results/throughput.json``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.harness import common
from benchmarks.harness.common import FS, NotMeasuredError, Signal, frames, or_skipped, ratio
from benchmarks.questions import pipeline
from benchmarks.questions.pipeline import play
from ecgedge import Models, Monitor, classify, detect_beats
from ecgedge.rhythm.model import RhythmModel
from ecgedge.stream.pipeline import Pipeline

RATES, WEARABLES, HOPS_S = (130.0, 250.0, 500.0), (1, 4, 16), (10.0, 5.0, 2.0, 1.0)
NEUROKIT = "neurokit2 peaks + quality"
AGAIN = ("neurokit2 ecg_process", NEUROKIT, "sleepecg detect_heartbeats", "openecg encode")
AT_ONCE = {"neurokit2 ecg_process": "ecgedge classify", "sleepecg detect_heartbeats": "ecgedge detect_beats"}
CALLGRIND_S = (60, 660)
FLOORED = ("onnx", "litert")
# CPU seconds for an hour of the whole monitor, at most, and how many times that NeuroKit2 takes, at least
WHOLE_S, TIMES = 1.0, 50.0


def cost(monitors: Sequence[Pipeline], mv: Signal, fs: float) -> float:
    """CPU seconds for an hour of each of some wearables that send the same, in turn."""
    blocks = frames(mv, fs)
    for monitor in monitors:
        play(monitor, blocks[:100])
        monitor.reset()
    begun = time.thread_time()
    for block in blocks:
        for monitor in monitors:
            monitor.feed(block)
    return (time.thread_time() - begun) / len(monitors) / (len(mv) / fs / 3600)


def growth(seconds: float, models: Models) -> dict[str, Any]:
    """CPU seconds for an hour of one wearable, by its rate, by how many there are, by the model's hop."""
    at_rate = {f"{fs:g}": cost([Monitor(models)], common.made(seconds, fs), fs) for fs in RATES}
    mv = common.real_or_made(seconds)[1]
    by_count = {str(n): cost([Monitor(models) for _ in range(n)], mv, FS) for n in WEARABLES}
    by_hop = {
        f"{hop:g}": cost([Monitor(replace(models, rhythm=_hopping(models.rhythm, hop)))], mv, FS)
        for hop in HOPS_S
    }
    return {
        "measured_s": seconds,
        "by_rate_hz": at_rate,
        "by_wearables": by_count,
        "by_hop_s": by_hop,
        "wearables_per_core": {n: 3600 / cpu_s for n, cpu_s in by_count.items()},
    }


def _hopping(model: RhythmModel, hop_s: float) -> RhythmModel:
    return RhythmModel(replace(model.manifest, hop_s=hop_s), model.backend)


def at_once(mv: Signal) -> dict[str, float]:
    """CPU seconds for an hour when the whole recording is there: the helpers, through the streaming path."""
    helpers: dict[str, Callable[..., Any]] = {
        "ecgedge classify": classify,
        "ecgedge detect_beats": detect_beats,
    }
    found, hours = {}, len(mv) / FS / 3600
    for name, helper in helpers.items():
        helper(mv[: round(20 * FS)], FS)
        begun = time.process_time()
        helper(mv, FS)
        found[name] = (time.process_time() - begun) / hours
    return found


def rivals(again_s: float, once_s: float) -> dict[str, Any]:
    """The others on the same signal: again each second, and once over the whole."""
    with TemporaryDirectory() as folder:
        short, long = Path(folder) / "short.npy", Path(folder) / "long.npy"
        np.save(short, common.real_or_made(again_s)[1])
        np.save(long, common.real_or_made(once_s)[1])
        return {
            "again_each_second": {
                name: or_skipped(common.rival, "stream", name, short, FS) for name in AGAIN
            },
            "at_once": {name: or_skipped(common.rival, "whole", name, long, FS) for name in AT_ONCE},
            "at_once_measured_s": once_s,
            "versions": or_skipped(common.rival, "versions"),
        }


def instructions(quick: bool) -> dict[str, Any]:
    """Instructions for a second of ECG: two lengths are run, so that what is done once falls out."""
    if quick:
        raise NotMeasuredError("left out of a quick run")
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise NotMeasuredError("valgrind is not installed")
    counts = []
    with TemporaryDirectory() as folder:
        for length in CALLGRIND_S:
            path = Path(folder) / f"{length}.npy"
            np.save(path, common.real_or_made(length)[1])
            counts.append(_callgrind(valgrind, path))
    each = (counts[1] - counts[0]) / (CALLGRIND_S[1] - CALLGRIND_S[0])
    return {
        "per_second_of_ecg": round(each),
        "counted": dict(zip(map(str, CALLGRIND_S), counts, strict=True)),
    }


def _callgrind(valgrind: str, path: Path) -> int:
    tool = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command = [*tool, sys.executable, str(common.HERE / "ours.py"), "stream", str(path), str(FS)]
    always_the_same = {**common.surroundings(), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=always_the_same, check=False)
    said = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or said is None:
        raise NotMeasuredError(
            "valgrind could not run the monitor: it may lack an instruction of this processor"
        )
    return int(said[1])


def floor(count: int) -> dict[str, Any]:
    """Time of each model, and how many times that is what its multiplications alone take at the best rate."""
    found: dict[str, Any] = common.child("floor.py", "floors")
    for name, row in found["models"].items():
        ran = {b: or_skipped(common.child, "ours.py", "model", b, name, count) for b in FLOORED}
        row["ms"] = {b: r if "skipped" in r else r["ms"]["p50"] for b, r in ran.items()}
        row["over_floor"] = {b: ms / row["floor_ms"] for b, ms in row["ms"].items() if isinstance(ms, float)}
    return found


def held(found: dict[str, Any], of_stages: dict[str, Any]) -> dict[str, Any]:
    """The targets with those that were missed, after those of ``pipeline.py``."""
    times = found["ratios"]["again_each_second"][NEUROKIT]
    figures = {"whole_s_per_h": found["rows"][0]["whole_s"], "times_cheaper_than_neurokit2": times}
    more = common.targets(figures, {"whole_s_per_h": WHOLE_S}, {"times_cheaper_than_neurokit2": TIMES})
    return {**of_stages, **more, "missed": of_stages["missed"] + more["missed"]}


def ratios(found: dict[str, Any]) -> dict[str, Any]:
    """Theirs over ours in CPU seconds for an hour: over the whole monitor, or the helper that compares."""
    live, theirs = found["rows"][0]["whole_s"], found["rivals"]
    return {
        "again_each_second": {
            name: ratio(row.get("cpu_s_per_h"), live) for name, row in theirs["again_each_second"].items()
        },
        "at_once": {
            name: ratio(row.get("cpu_s_per_h"), found["at_once"][AT_ONCE[name]])
            for name, row in theirs["at_once"].items()
        },
    }


def show(found: dict[str, Any]) -> None:
    """Print how it grows, and the others."""
    for what in ("by_rate_hz", "by_wearables", "by_hop_s"):
        print(f"CPU s/h {what}: " + ", ".join(f"{n}: {s:.3f}" for n, s in found["growth"][what].items()))
    for how in ("again_each_second", "at_once"):
        for name, row in found["rivals"][how].items():
            told = row.get("skipped") or f"{row['cpu_s_per_h']:.1f} CPU s/h"
            print(f"{how}, {name}: {told}")
    print("at once: " + ", ".join(f"{name} {s:.3f} CPU s/h" for name, s in found["at_once"].items()))
    print(f"floor of the models: {found['floor']}")
    print(f"instructions: {found['instructions']}")


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    models = Models.load()
    rows, targets = pipeline.measure(120 if quick else 3600, models)
    pipeline.show(rows)
    found: dict[str, Any] = {
        "rows": [asdict(row) for row in rows],
        "growth": growth(30 if quick else 600, models),
        "at_once": at_once(common.real_or_made(120 if quick else 3600)[1]),
        "rivals": rivals(*((20, 120) if quick else (180, 3600))),
        "floor": or_skipped(floor, 100 if quick else 1000),
        "instructions": or_skipped(instructions, quick),
    }
    found["ratios"] = ratios(found)
    return {"targets": held(found, targets), **found}


if __name__ == "__main__":
    sys.exit(common.main(__doc__, "throughput", measure, show))
