"""This package as a process of its own, where a benchmark needs a fresh one or another runtime."""

from __future__ import annotations

import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import common
from benchmarks.harness.resident import peak_kb, rss_kb


def model(backend: str, folder: str, count: str) -> dict[str, Any]:
    """Latency of a bundled model in a runtime, on its golden windows."""
    from ecgedge.artefacts.backends import load_backend
    from ecgedge.artefacts.folder import BUNDLED
    from ecgedge.artefacts.golden import load_golden
    from ecgedge.artefacts.manifest import Manifest

    manifest = Manifest.load(BUNDLED / folder)
    loaded = load_backend(BUNDLED / folder, backend, manifest=manifest)
    cases = load_golden(BUNDLED / folder, manifest)
    windows = [case.preprocessed.reshape(1, 1, -1) for case in cases]
    packages = common.versions(common.VERSIONS)
    return {"ms": common.quantiles_ms(_timed(loaded.run, windows, int(count))), "versions": packages}


def float_model(path: str, folder: str, count: str) -> dict[str, Any]:
    """Latency of the float network in ONNX Runtime, and how far its logits are from the bundled model's."""
    from ecgedge.artefacts.backends.onnx import open_session
    from ecgedge.artefacts.folder import BUNDLED
    from ecgedge.artefacts.golden import load_golden
    from ecgedge.artefacts.manifest import Manifest

    session = open_session(Path(path).read_bytes())
    cases = load_golden(BUNDLED / folder, Manifest.load(BUNDLED / folder))
    windows = [case.preprocessed.reshape(1, 1, -1) for case in cases]
    read, name = session.get_inputs()[0].shape, session.get_inputs()[0].name
    if tuple(read) != windows[0].shape:
        sys.exit(f"the float network in the cache reads {read}: it is not the parent of the bundled one")

    def run(window: np.ndarray) -> np.ndarray:
        logits: np.ndarray = session.run(None, {name: window})[0][0]
        return logits

    off = max(float(np.abs(run(w) - c.logits["onnx"]).max()) for w, c in zip(windows, cases, strict=True))
    return {"ms": common.quantiles_ms(_timed(run, windows, int(count))), "logits_off_by": off}


def _timed(run: Any, windows: list[np.ndarray], count: int) -> list[float]:
    """Seconds of each run, after some that are not counted."""
    took = []
    for i in range(-10, count):
        window = windows[i % len(windows)]
        begun = time.perf_counter()
        run(window)
        if i >= 0:
            took.append(time.perf_counter() - begun)
    return took


def classify(path: str, fs: str) -> str:
    """Name the rhythm of a recording: the parent measures how long this takes from the start."""
    import ecgedge

    return ecgedge.classify(np.load(path), float(fs)).label


def beats(path: str, fs: str) -> int:
    """Find the beats of a recording."""
    import ecgedge

    return len(ecgedge.detect_beats(np.load(path), float(fs)))


def eager(recipe: str) -> dict[str, Any]:
    """Memory of PyTorch that has run the float rhythm network once; the weights are random."""
    import torch

    from ecgedge_export.nets import RhythmNet

    made = tomllib.loads(Path(recipe).read_text())
    torch.set_num_threads(1)
    alone_kb = rss_kb()
    net = RhythmNet(len(made["classes"]), **made["net"]).eval()
    with torch.inference_mode():
        net(torch.zeros(1, 1, round(made["fs"] * made["window_s"])))
    return {"imported_kb": alone_kb, "rss_kb": rss_kb(), "peak_kb": peak_kb()}


def stream(path: str, fs: str) -> int:
    """Feed a signal to a monitor, in blocks as a strap sends them."""
    import ecgedge

    monitor = ecgedge.Monitor()
    return sum(len(monitor.feed(block)) for block in common.frames(np.load(path), float(fs)))


TASKS: dict[str, Callable[..., Any]] = {
    "model": model,
    "float_model": float_model,
    "classify": classify,
    "beats": beats,
    "eager": eager,
    "stream": stream,
}

if __name__ == "__main__":
    common.serve(TASKS)
