"""This package as a process of its own, where a benchmark needs a fresh one or another runtime."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import common
import numpy as np

from ecgedge_bridge.polar import encode_ecg_frame

_START_NS = 599_616_000 * 10**9
QUARTER_S = 900.0


def notifications(mv: np.ndarray, first: int = 0) -> Iterator[bytes]:
    """GATT payloads of a Polar H10 with this signal, whose first sample is number ``first``."""
    whole = np.rint(1e3 * mv[: len(mv) // common.FRAME * common.FRAME]).astype(np.int64)
    for i, row in enumerate(whole.reshape(-1, common.FRAME)):
        last = first + (i + 1) * common.FRAME
        yield encode_ecg_frame(_START_NS + round(last / common.FS * 1e9), row)


def model(backend: str, folder: str, count: str) -> dict[str, Any]:
    """Latency of a bundled model in a runtime, on its golden windows."""
    from ecgedge.backends import load_backend
    from ecgedge.backends.golden import load_golden
    from ecgedge.manifest import Manifest
    from ecgedge.model import BUNDLED

    manifest = Manifest.load(BUNDLED / folder)
    loaded = load_backend(BUNDLED / folder, backend, manifest=manifest)
    cases = load_golden(BUNDLED / folder, manifest)
    windows = [case.preprocessed.reshape(1, 1, -1) for case in cases]
    packages = common.versions(common.VERSIONS)
    return {"ms": common.quantiles_ms(_timed(loaded.run, windows, int(count))), "versions": packages}


def float_model(path: str, folder: str, count: str) -> dict[str, Any]:
    """Latency of the float network in ONNX Runtime, and how far its logits are from the bundled model's."""
    from ecgedge.backends.golden import load_golden
    from ecgedge.backends.onnx import open_session
    from ecgedge.manifest import Manifest
    from ecgedge.model import BUNDLED

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


def live(backend: str, path: str, seconds: str) -> dict[str, Any]:
    """Memory while a signal is streamed, over and over: after each quarter of an hour, and at most.

    The Bluetooth client is imported, as in a process that listens to a strap.
    """
    import ecgedge
    from ecgedge_bridge.decoder import PolarEcgDecoder

    assert ecgedge.connect is not None  # imports bleak
    monitor, decoder, events = ecgedge.Monitor(backend=backend), PolarEcgDecoder(), 0
    quarters: list[int] = []
    for done, payload in _endless(np.load(path), float(seconds)):
        decoder.receive_data(payload, done / common.FS)
        while (item := decoder.next_event()) is not None:
            events += len(monitor.feed(item)) if isinstance(item, ecgedge.SampleBlock) else 1
        if done // round(QUARTER_S * common.FS) > len(quarters):
            quarters.append(common.rss_kb())
    last = common.rss_kb()
    return {
        "streamed_s": float(seconds),
        "events": events,
        "lost_samples": monitor.stats.lost,
        "rss_kb": last,
        "peak_kb": common.peak_kb(),
        "quarters_kb": quarters,
        "growth_kb": last - quarters[0] if quarters else 0,
    }


def _endless(mv: np.ndarray, seconds: float) -> Iterator[tuple[int, bytes]]:
    """Notifications of a signal that begins anew at its end, each with the number of samples until then."""
    done = 0
    mv = mv[: len(mv) // common.FRAME * common.FRAME]
    while True:
        for payload in notifications(mv, done):
            if done >= seconds * common.FS:
                return
            done += common.FRAME
            yield done, payload


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
    "live": live,
    "stream": stream,
}

if __name__ == "__main__":
    common.serve(TASKS)
