"""Run on each processor: the logits of a model folder for some windows, in each runtime.

Usage: python agree.py MODEL_FOLDER WINDOWS.npy LOGITS.npz
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from ecgedge.artefacts.backends import load_backend

RUNTIMES = ("litert", "onnx", "core")


def main(arguments: Sequence[str]) -> None:
    """Windows are float32 of shape (n, samples), logits of shape (n, classes) by name of the runtime."""
    folder, windows, target = arguments
    inputs = np.load(windows)[:, None, None]
    backends = {name: load_backend(folder, name) for name in RUNTIMES}
    logits = {name: np.stack([b.run(window) for window in inputs]) for name, b in backends.items()}
    np.savez(target, **logits)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1:])
