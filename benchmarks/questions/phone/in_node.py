"""The app's Python in Node: CPU seconds of the whole process, megabytes of WebAssembly's memory."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.machine import ROOT
from benchmarks.harness.not_measured import NotMeasuredError, or_skipped
from benchmarks.harness.processes import run
from benchmarks.harness.signals import FS, Signal, real_or_made

APP = ROOT / "build" / "phone"
RUN = ROOT / "edge" / "phone" / "build" / "run.mjs"
SCRIPT = ROOT / "benchmarks" / "children" / "on_phone.py"
STARTS = 5  # the median counts


def measure(quick: bool) -> dict[str, Any]:
    """Starts, and hours at two rates."""
    seconds = 300.0 if quick else 3600.0
    name, mv = real_or_made(seconds)
    return {
        "start": or_skipped(starts, 1 if quick else STARTS),
        "hours": {
            name: or_skipped(in_node, mv, FS),
            "made, 360 Hz": or_skipped(in_node, at_360(seconds), 360.0),
        },
    }


def in_node(mv: Signal, fs: float) -> dict[str, Any]:
    """What the app's Python takes for a signal.

    Raises
    ------
    NotMeasuredError
        There is no Node, or no app.
    """
    node = shutil.which("node")
    if node is None or not APP.is_dir():
        raise NotMeasuredError("no Node here: apt-get install nodejs" if node is None else "make phone")
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "signal.npy", mv)
        said = run([node, RUN, APP, SCRIPT, f"{folder}/signal.npy", fs], os.environ, 900, cwd=Path(folder))
    found: dict[str, Any] = json.loads(said)
    return found


def starts(count: int) -> dict[str, Any]:
    """Medians of some starts."""
    silence = np.zeros(round(FS), np.float32)
    all_of = [in_node(silence, FS) for _ in range(count)]
    steps = {
        name: float(np.median([one["start_s"][name] for one in all_of])) for name in all_of[0]["start_s"]
    }
    return {"steps_s": steps, "ready_mb": all_of[0]["ready_mb"]}


def at_360(seconds: float) -> Signal:
    """ECG at the rate of MIT-BIH: sinus rhythm, fibrillation, extrasystoles and noise in turn."""
    from ecgedge.demo.synthetic import Segment, synthesize

    each = seconds / 4
    kinds = [("sinus", 66.0), ("af", 95.0), ("pvc", 72.0), ("noise", 70.0)]
    return synthesize([Segment(kind, each, bpm) for kind, bpm in kinds], 360.0, seed=3).mv
