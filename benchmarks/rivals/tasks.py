"""A rival's calls in a process of its own, in the rival's environment; ``ask.py`` starts it.

Live use of a package that takes whole recordings is to run it again each second over the last ten, and that
is how it is measured. A call that raises counts as a call, and as failed.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import rivals
from benchmarks.harness import figures, machine, weight
from benchmarks.harness.processes import serve
from benchmarks.harness.resident import peak_kb, rss_kb
from benchmarks.rivals.adapter import Call

# As long as a window of ecgedge's gate and of OpenECG's codec; a step is as often as a display is renewed.
WINDOW_S, STEP_S = 10.0, 1.0


def load(rival: str, name: str) -> Call:
    """One of its calls, ready."""
    made = rivals.get(rival)
    return {**made.analyses(), **made.beats(), **made.af()}[name]()


def stream(rival: str, name: str, path: str, fs: str) -> dict[str, Any]:
    """Run it again each second over the last ten of a signal: wall time of a call, CPU time of an hour."""
    call, mv, rate = load(rival, name), np.load(path), float(fs)
    n, step = round(WINDOW_S * rate), round(STEP_S * rate)
    works(call, mv[:n], rate)  # what is done once is not of the hour
    took, failed, begun = [], 0, time.process_time()
    for end in range(n, len(mv) + 1, step):
        wall = time.perf_counter()
        failed += not works(call, mv[end - n : end], rate)
        took.append(time.perf_counter() - wall)
    cpu_s = time.process_time() - begun
    hours = len(took) * STEP_S / 3600
    return {
        "calls": len(took),
        "failed": failed,
        "ms": figures.quantiles_ms(took),
        "cpu_s_per_h": cpu_s / hours,
        "measured_s": len(took) * STEP_S,
    }


def whole(rival: str, name: str, path: str, fs: str) -> dict[str, Any]:
    """Run it once over a whole recording: CPU seconds for an hour."""
    call, mv, rate = load(rival, name), np.load(path), float(fs)
    works(call, mv[: round(WINDOW_S * rate)], rate)
    begun = time.process_time()
    worked = works(call, mv, rate)
    cpu_s = time.process_time() - begun
    if not worked:
        return {"skipped": "it fails on this recording as a whole"}
    return {"failed": False, "cpu_s_per_h": cpu_s / (len(mv) / rate / 3600)}


def first(rival: str, name: str, path: str, fs: str) -> bool:
    """Run it once: the parent measures how long this takes from the start of the process."""
    return works(load(rival, name), np.load(path), float(fs))


def after_use(rival: str, name: str, path: str, fs: str) -> dict[str, float]:
    """Memory once a call has been made."""
    first(rival, name, path, fs)
    return {"rss_kb": rss_kb(), "peak_kb": peak_kb()}


def works(call: Call, mv: np.ndarray, fs: float) -> bool:
    """Make a call; whether it gave something."""
    try:
        call(mv, fs)
    except Exception:  # each package has its own for a signal without enough beats
        return False
    return True


def find(rival: str, name: str, folder: str, fs: str) -> dict[str, Any]:
    """Beats of every signal of a folder: positions by the file's name, and CPU seconds for an hour.

    Each signal is a whole recording, which is the package's best case. Where a call raises, nothing was
    found, and the reason is kept.
    """
    call, rate = load(rival, name), float(fs)
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


def af(rival: str, name: str, path: str, fs: str, count: str) -> list[bool]:
    """Whether each of the first recordings of a file is atrial fibrillation."""
    with np.load(path) as kept:
        signals = np.split(kept["signal"], np.cumsum(kept["length"])[:-1])
    call = load(rival, name)
    return [bool(call(mv, float(fs))) for mv in signals[: int(count)]]


def installed(rival: str) -> dict[str, int]:
    """Bytes on disk of what its requirements name, with all that they need."""
    return weight.installed_bytes(*distributions(rival))


def versions(rival: str) -> dict[str, str]:
    """Versions of what its requirements name."""
    return machine.versions(distributions(rival))


def distributions(rival: str) -> list[str]:
    """Names in its requirements file."""
    lines = rivals.requirements(rival).read_text().splitlines()
    return [line.split("==")[0] for line in lines if "==" in line]


TASKS: dict[str, Callable[..., Any]] = {
    "stream": stream,
    "whole": whole,
    "first": first,
    "after_use": after_use,
    "find": find,
    "af": af,
    "installed": installed,
    "versions": versions,
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve(TASKS)
