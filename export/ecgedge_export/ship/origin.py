"""What a model was made with."""

from __future__ import annotations

import importlib.metadata
import subprocess


def commit() -> str:
    """The repository's commit, "" outside of one."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def versions(*made_by: str) -> dict[str, str]:
    """Versions of the packages that make the files; by default those that make a network's."""
    packages = made_by or ("torch", "onnx", "onnxruntime", "ai-edge-litert", "numpy")
    return {name: importlib.metadata.version(name) for name in packages}
