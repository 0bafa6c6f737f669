"""What a user would pick instead, as a process of its own: run by the benchmarks, in the rivals' environment.

Live use of a package that takes whole recordings is to run it again each second over the last ten, and that
is how it is measured. A call that raises counts as a call, and as failed.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.harness import common, weight
from benchmarks.harness.resident import peak_kb, rss_kb

WINDOW_S, STEP_S = 10.0, 1.0
Call = Callable[[np.ndarray, float], Any]


def _ecg_process() -> Call:
    neurokit2 = import_module("neurokit2")
    return lambda mv, fs: neurokit2.ecg_process(mv, sampling_rate=fs)


def _peaks_and_quality() -> Call:
    neurokit2 = import_module("neurokit2")

    def call(mv: np.ndarray, fs: float) -> Any:
        clean = neurokit2.ecg_clean(mv, sampling_rate=fs)
        _, found = neurokit2.ecg_peaks(clean, sampling_rate=fs)
        return neurokit2.ecg_quality(clean, rpeaks=found["ECG_R_Peaks"], sampling_rate=fs)

    return call


def _detect_heartbeats() -> Call:
    detect: Call = import_module("sleepecg").detect_heartbeats
    return detect


def _heartpy() -> Call:
    heartpy = import_module("heartpy")
    return lambda mv, fs: heartpy.process(mv, fs)


def _openecg() -> Call:
    """Its INT8 codec, which reads ten seconds at 500 Hz; one thread, as all others here."""
    onnxruntime: Any = import_module("onnxruntime")
    openecg = import_module("openecg")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # The codec takes no options, and would spread over all cores.
    onnxruntime.InferenceSession = partial(onnxruntime.InferenceSession, sess_options=options)
    codec = openecg.load_codec_onnx()
    return lambda mv, fs: openecg.encode(_resampled(mv, fs, 500), fs=500, model=codec)


def _resampled(mv: np.ndarray, fs: float, wanted: int) -> np.ndarray:
    n = round(len(mv) * wanted / fs)
    there: np.ndarray = np.interp(np.arange(n) / wanted, np.arange(len(mv)) / fs, mv)
    return there


# By what the tables call them
CALLS = {
    "neurokit2 ecg_process": _ecg_process,
    "neurokit2 peaks + quality": _peaks_and_quality,
    "sleepecg detect_heartbeats": _detect_heartbeats,
    "heartpy process": _heartpy,
    "openecg encode": _openecg,
}


def stream(name: str, path: str, fs: str) -> dict[str, Any]:
    """Run it again each second over the last ten of a signal: wall time of a call, CPU time of an hour."""
    call, mv, rate = CALLS[name](), np.load(path), float(fs)
    n, step = round(WINDOW_S * rate), round(STEP_S * rate)
    _once(call, mv[:n], rate)  # what is done once is not of the hour
    took, failed, begun = [], 0, time.process_time()
    for end in range(n, len(mv) + 1, step):
        wall = time.perf_counter()
        failed += not _once(call, mv[end - n : end], rate)
        took.append(time.perf_counter() - wall)
    cpu_s = time.process_time() - begun
    hours = len(took) * STEP_S / 3600
    return {
        "calls": len(took),
        "failed": failed,
        "ms": common.quantiles_ms(took),
        "cpu_s_per_h": cpu_s / hours,
        "measured_s": len(took) * STEP_S,
    }


def whole(name: str, path: str, fs: str) -> dict[str, Any]:
    """Run it once over a whole recording: CPU seconds for an hour."""
    call, mv, rate = CALLS[name](), np.load(path), float(fs)
    _once(call, mv[: round(WINDOW_S * rate)], rate)
    begun = time.process_time()
    worked = _once(call, mv, rate)
    cpu_s = time.process_time() - begun
    return {"failed": not worked, "cpu_s_per_h": cpu_s / (len(mv) / rate / 3600)}


def first(name: str, path: str, fs: str) -> bool:
    """Run it once: the parent measures how long this takes from the start of the process."""
    return _once(CALLS[name](), np.load(path), float(fs))


def after_use(name: str, path: str, fs: str) -> dict[str, float]:
    """Memory once a call has been made."""
    first(name, path, fs)
    return {"rss_kb": rss_kb(), "peak_kb": peak_kb()}


def _once(call: Call, mv: np.ndarray, fs: float) -> bool:
    try:
        call(mv, fs)
    except Exception:  # each package has its own for a signal without enough beats
        return False
    return True


def versions() -> dict[str, str]:
    """Versions of what is pinned."""
    lines = common.RIVALS.read_text().splitlines()
    return common.versions(line.split("==")[0] for line in lines if "==" in line)


TASKS: dict[str, Callable[..., Any]] = {
    "stream": stream,
    "whole": whole,
    "first": first,
    "after_use": after_use,
    "installed": weight.installed_bytes,
    "versions": versions,
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    common.serve(TASKS)
