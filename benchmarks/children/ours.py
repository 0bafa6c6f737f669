"""This package as a process of its own, where a question needs a fresh one or another runtime."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.figures import quantiles_ms
from benchmarks.harness.machine import VERSIONS, versions
from benchmarks.harness.processes import serve
from benchmarks.harness.signals import frames

# Runs before the first that counts: runtimes choose kernels and allocate during the first one or two.
WARM_UP = 10


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
    return {"ms": quantiles_ms(timed(loaded.run, windows, int(count))), "versions": versions(VERSIONS)}


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
    return {"ms": quantiles_ms(timed(run, windows, int(count))), "logits_off_by": off}


def timed(run: Callable[..., Any], windows: list[np.ndarray], count: int) -> list[float]:
    """Seconds of each run, after some that are not counted."""
    took = []
    for i in range(-WARM_UP, count):
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


def stream(path: str, fs: str) -> int:
    """Feed a signal to a monitor, in blocks as a strap sends them."""
    import ecgedge

    monitor = ecgedge.Monitor()
    return sum(len(monitor.feed(block)) for block in frames(np.load(path), float(fs)))


TASKS: dict[str, Callable[..., Any]] = {
    "model": model,
    "float_model": float_model,
    "classify": classify,
    "beats": beats,
    "stream": stream,
}

if __name__ == "__main__":
    serve(TASKS)
