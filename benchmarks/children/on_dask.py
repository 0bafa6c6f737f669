"""A rival on a Dask cluster of this machine, as somebody would put it there: one file is one task.

It runs in an environment with the rival and Dask. Signals are read with numpy, which is the least that a
rival's user can pay for reading.
"""

from __future__ import annotations

import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.processes import serve
from benchmarks.rivals.tasks import load, works

# Files of the question: WFDB in format 16, counts of 1/1000 mV
PER_MV, MISSING = 1000.0, -32_768


def one(rival: str, name: str, path: str, fs: float) -> tuple[float, bool]:
    """Analyse a file whole, which is a rival's best case: hours of ECG, and whether it gave something."""
    warnings.simplefilter("ignore")
    counts = np.fromfile(path, "<i2")
    mv = counts[counts != MISSING] / PER_MV
    return len(mv) / fs / 3600, works(load(rival, name), mv, fs)


def on_cluster(rival: str, name: str, folder: str, fs: str, workers: str, files: str) -> dict[str, Any]:
    """Analyse the first files of a folder on so many workers: hours, wall seconds, failures."""
    from benchmarks.children.on_dask import one  # by its module's name, which workers can import

    dask: Any = import_module("distributed")

    paths = sorted(map(str, Path(folder).glob("*.dat")))[: int(files)]
    options = {"n_workers": int(workers), "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    begun = time.perf_counter()
    with (
        dask.LocalCluster(host="127.0.0.1", silence_logs=50, **options) as cluster,
        dask.Client(cluster) as client,
    ):
        found = client.gather([client.submit(one, rival, name, path, float(fs)) for path in paths])
    return {
        "files": len(paths),
        "hours": sum(hours for hours, _ in found),
        "wall_s": time.perf_counter() - begun,
        "failed": sum(not worked for _, worked in found),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve({"on_cluster": on_cluster})
