"""How many wearables does a core carry, how does that grow, and what would others cost?

CPU seconds for an hour of ECG: in all and by stage (measured as the question ``pipeline`` does), at other
rates, with more wearables, with another step between rhythm windows; instructions where valgrind is
installed; the models against what their multiplications alone would take. Beside it the others' analyses, run
again each second over the last ten, which is extrapolated to an hour from some minutes, and all their calls
once over a whole recording.
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

from benchmarks import rivals
from benchmarks.harness import command, processes
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import ratio, targets
from benchmarks.harness.not_measured import NotMeasuredError, or_skipped, skipped
from benchmarks.harness.signals import FS, Signal, frames, made, real_or_made
from benchmarks.questions import pipeline
from benchmarks.questions.pipeline import play
from benchmarks.rivals import ask
from ecgedge import Models, Monitor, classify, detect_beats
from ecgedge.rhythm.model import RhythmModel
from ecgedge.stream.pipeline import Pipeline

# Rates of the wearables in PROTOCOL.md, and twice the highest; the manifest's hop and shorter ones
RATES, WEARABLES, HOPS_S = (130.0, 250.0, 500.0), (1, 4, 16), (10.0, 5.0, 2.0, 1.0)
# Two lengths of signal whose difference is ten minutes: what is done once falls out.
CALLGRIND_S = (60, 660)
FLOORED = ("core", "onnx", "litert")
# CPU seconds for an hour of the whole monitor, at most
WHOLE_S = 1.0


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
    at_rate = {f"{fs:g}": cost([Monitor(models)], made(seconds, fs), fs) for fs in RATES}
    mv = real_or_made(seconds)[1]
    by_count = {str(n): cost([Monitor(models) for _ in range(n)], mv, FS) for n in WEARABLES}
    by_hop = {
        f"{hop:g}": cost([Monitor(replace(models, rhythm=hopping(models.rhythm, hop)))], mv, FS)
        for hop in HOPS_S
    }
    return {
        "measured_s": seconds,
        "by_rate_hz": at_rate,
        "by_wearables": by_count,
        "by_hop_s": by_hop,
        "wearables_per_core": {n: 3600 / cpu_s for n, cpu_s in by_count.items()},
    }


def hopping(model: RhythmModel, hop_s: float) -> RhythmModel:
    """A model with another step between its windows."""
    return RhythmModel(replace(model.manifest, hop_s=hop_s), model.backend)


def at_once(mv: Signal) -> dict[str, float]:
    """CPU seconds for an hour when the whole recording is there: the helpers, through the streaming path."""
    helpers: dict[str, Callable[..., Any]] = {ask.CLASSIFY: classify, ask.DETECT_BEATS: detect_beats}
    found, hours = {}, len(mv) / FS / 3600
    for name, helper in helpers.items():
        helper(mv[: round(20 * FS)], FS)
        begun = time.process_time()
        helper(mv, FS)
        found[name] = (time.process_time() - begun) / hours
    return found


def others(again_s: float, once_s: float) -> dict[str, Any]:
    """The rivals on the same signal: again each second, and once over the whole."""
    with TemporaryDirectory() as folder:
        short, long = Path(folder) / "short.npy", Path(folder) / "long.npy"
        np.save(short, real_or_made(again_s)[1])
        np.save(long, real_or_made(once_s)[1])
        return {
            "again_each_second": {
                call: or_skipped(ask.ask, "stream", rival, call, short, FS)
                for rival, call in ask.calls("analyses")
            },
            "at_once": {
                call: or_skipped(ask.ask, "whole", rival, call, long, FS)
                for rival, call in ask.calls("analyses", "beats")
                if call not in rivals.get(rival).windows_only
            },
            "at_once_measured_s": once_s,
            "versions": ask.versions(),
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
            np.save(path, real_or_made(length)[1])
            counts.append(callgrind(valgrind, path))
    each = (counts[1] - counts[0]) / (CALLGRIND_S[1] - CALLGRIND_S[0])
    return {
        "per_second_of_ecg": round(each),
        "counted": dict(zip(map(str, CALLGRIND_S), counts, strict=True)),
    }


def callgrind(valgrind: str, path: Path) -> int:
    """Instructions of a process that streams a signal.

    Raises
    ------
    NotMeasuredError
        Valgrind cannot run it.
    """
    tool = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    streaming = [sys.executable, "-m", "benchmarks.children.ours", "stream", str(path), str(FS)]
    always_the_same = {**processes.surroundings(), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [*tool, *streaming], capture_output=True, text=True, env=always_the_same, check=False
    )
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or counted is None:
        raise NotMeasuredError(
            "valgrind could not run the monitor: it may lack an instruction of this processor"
        )
    return int(counted[1])


def floor(count: int) -> dict[str, Any]:
    """Time of each model, and how many times that is what its multiplications alone take at the best rate."""
    found: dict[str, Any] = processes.child("children.floor", "floors")
    for name, row in found["models"].items():
        ran = {b: or_skipped(processes.child, "children.ours", "model", b, name, count) for b in FLOORED}
        row["ms"] = {b: r if skipped(r) else r["ms"]["p50"] for b, r in ran.items()}
        row["over_floor"] = {b: ms / row["floor_ms"] for b, ms in row["ms"].items() if isinstance(ms, float)}
    return found


def held(found: dict[str, Any], of_stages: dict[str, Any]) -> dict[str, Any]:
    """The targets with those that were missed, after those of the question ``pipeline``."""
    figures, least = {"whole_s_per_h": found["rows"][0]["whole_s"]}, {}
    for rival, adapter in rivals.every().items():
        for call, times in adapter.cheaper_by.items():
            least[f"times_cheaper_than_{rival}"] = times
            figures[f"times_cheaper_than_{rival}"] = found["ratios"]["again_each_second"][call]
    more = targets(figures, {"whole_s_per_h": WHOLE_S}, least)
    return {**of_stages, **more, "missed": of_stages["missed"] + more["missed"]}


def ratios(found: dict[str, Any]) -> dict[str, Any]:
    """Theirs over ours in CPU seconds for an hour: over the whole monitor, or the helper that compares."""
    live, theirs = found["rows"][0]["whole_s"], found["rivals"]
    compared = {named.call: ask.counterpart(named) for named in ask.calls("analyses", "beats")}
    return {
        "again_each_second": {
            name: ratio(row.get("cpu_s_per_h"), live) for name, row in theirs["again_each_second"].items()
        },
        "at_once": {
            name: ratio(row.get("cpu_s_per_h"), found["at_once"][compared[name]])
            for name, row in theirs["at_once"].items()
        },
    }


def show(found: dict[str, Any]) -> None:
    """Print how it grows, and the others."""
    for what in ("by_rate_hz", "by_wearables", "by_hop_s"):
        print(f"CPU s/h {what}: " + ", ".join(f"{n}: {s:.3f}" for n, s in found["growth"][what].items()))
    for how in ("again_each_second", "at_once"):
        for name, row in found["rivals"][how].items():
            figure = row["skipped"] if skipped(row) else f"{row['cpu_s_per_h']:.1f} CPU s/h"
            print(f"{how}, {name}: {figure}")
    print("at once: " + ", ".join(f"{name} {s:.3f} CPU s/h" for name, s in found["at_once"].items()))
    print(f"floor of the models: {found['floor']}")
    print(f"instructions: {found['instructions']}")


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    models = Models.load()
    rows = pipeline.measure(120 if quick else 3600, models)
    pipeline.show(rows)
    found: dict[str, Any] = {
        "rows": [asdict(row) for row in rows],
        "growth": growth(30 if quick else 600, models),
        "at_once": at_once(real_or_made(120 if quick else 3600)[1]),
        "rivals": others(*((20, 120) if quick else (180, 3600))),
        "floor": or_skipped(floor, 100 if quick else 1000),
        "instructions": or_skipped(instructions, quick),
    }
    found["ratios"] = ratios(found)
    return {"targets": held(found, pipeline.held(rows)), **found}


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "throughput", measure, show, arguments)
