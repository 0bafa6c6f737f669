"""Other packages' beat detectors, as a process of its own in the rivals' environment.

Each is given whole recordings, which is its best case, and is called as its documentation says, with its
defaults. Where a call raises, nothing was found, and the reason is kept.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import common
from benchmarks.rivals.tasks import Call


def _detect_heartbeats() -> Call:
    detect: Call = import_module("sleepecg").detect_heartbeats
    return detect


def _ecg_peaks() -> Call:
    neurokit2 = import_module("neurokit2")

    def call(mv: np.ndarray, fs: float) -> Any:
        clean = neurokit2.ecg_clean(mv, sampling_rate=fs)
        return neurokit2.ecg_peaks(clean, sampling_rate=fs)[1]["ECG_R_Peaks"]

    return call


def _xqrs_detect() -> Call:
    processing = import_module("wfdb.processing")
    return lambda mv, fs: processing.xqrs_detect(mv, fs, verbose=False)


def _of_eight(name: str) -> Call:
    """One of the detectors of py-ecg-detectors, which takes volts."""
    detectors = import_module("ecgdetectors").Detectors
    return lambda mv, fs: getattr(detectors(fs), name)(mv / 1e3)


# By what the tables call them. Of the eight of py-ecg-detectors, the first of its list and its wavelets.
DETECTORS: dict[str, Callable[[], Call]] = {
    "sleepecg detect_heartbeats": _detect_heartbeats,
    "neurokit2 ecg_peaks": _ecg_peaks,
    "wfdb xqrs_detect": _xqrs_detect,
    "py-ecg-detectors two_average_detector": partial(_of_eight, "two_average_detector"),
    "py-ecg-detectors swt_detector": partial(_of_eight, "swt_detector"),
}


def find(name: str, folder: str, fs: str) -> dict[str, Any]:
    """Run it over every signal of a folder: positions by the file's name, and CPU seconds for an hour."""
    call, rate = DETECTORS[name](), float(fs)
    found: dict[str, list[int]] = {}
    failed: dict[str, str] = {}
    cpu_s = hours = 0.0
    for path in sorted(Path(folder).glob("*.npy")):
        mv, begun = np.load(path), time.process_time()
        try:
            found[path.stem] = np.unique(np.asarray(call(mv, rate), np.int64)).tolist()
        except Exception as error:  # each package has its own for a signal without enough beats
            found[path.stem], failed[path.stem] = [], repr(error)
        cpu_s, hours = cpu_s + time.process_time() - begun, hours + len(mv) / rate / 3600
    return {"found": found, "failed": failed, "cpu_s_per_h": cpu_s / hours}


TASKS: dict[str, Callable[..., Any]] = {"find": find}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    common.serve(TASKS)
