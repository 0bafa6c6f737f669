"""What an hour of ECG costs in the phone app's Python; ``edge/phone/build/run.mjs`` runs this.

Its arguments are an array of samples (.npy) and its rate.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

import numpy as np

FRAME = 73  # as many as a Polar H10 sends at once


def cost(file: str, fs: float) -> dict[str, Any]:
    """CPU seconds of the start, step by step, and of an hour; megabytes of WebAssembly's memory."""
    node: Any = import_module("node")  # what run.mjs knows of the process
    steps = {name: at for name, at in json.loads(node.steps()).items() if isinstance(at, float)}
    import ecgedge

    monitor = ecgedge.Monitor()
    steps["ecgedge"] = node.seconds()
    ready_mb = node.heap_mb()
    mv = np.load(file)
    blocks = [
        ecgedge.SampleBlock(samples=mv[at : at + FRAME], fs=fs, sample=at) for at in range(0, len(mv), FRAME)
    ]
    begun, events = node.seconds(), 0
    for block in blocks:
        events += len(list(monitor.feed(block)))
    took = node.seconds() - begun
    return {
        "start_s": steps,
        "ready_mb": ready_mb,
        "hour_s": took * 3600 * fs / len(mv),
        "hour_mb": node.heap_mb(),
        "events": events,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(cost(sys.argv[1], float(sys.argv[2]))) + "\n")
