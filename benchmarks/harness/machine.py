"""The machine that a figure was measured on, the versions, and the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.harness.not_measured import NotMeasuredError

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
# What changes the figures of the base install
VERSIONS = ("ecgedge", "numpy", "ai-edge-litert", "onnxruntime", "tflite-runtime", "bleak")


def environment(command: str, quick: bool = False) -> dict[str, Any]:
    """Machine, versions and commit: what is needed to read the figures."""
    return {
        "command": command,
        "quick": quick,
        "cpu": cpu(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": versions(VERSIONS),
        "commit": commit(),
    }


def cpu() -> str:
    """Name of the board where there is one, else of the processor."""
    board = "".join(lines_of("/proc/device-tree/model")).strip("\0 ")
    models = (
        line.split(":")[1].strip() for line in lines_of("/proc/cpuinfo") if line.startswith("model name")
    )
    return board or next(models, platform.processor())


def lines_of(path: str) -> list[str]:
    """Lines of a file of the kernel; none where the system has no such file."""
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def commit() -> str:
    """The commit that was measured, with ``-dirty`` where code differs from it; empty outside of git.

    What benchmarks write themselves, results and tables, is no difference.
    """
    written = [f":!{path}" for path in ("benchmarks/results", "*.md")]

    def git(*asked: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["git", "-C", str(ROOT), *asked], capture_output=True, text=True, check=False)

    try:
        name = git("describe", "--always").stdout.strip()
        same = git("diff", "--quiet", "HEAD", "--", ".", *written).returncode == 0
    except OSError:  # no git on this machine
        return ""
    return name if same or not name else f"{name}-dirty"


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def cache_dir() -> Path:
    """The user's cache, by the XDG convention; as ``ecgedge_export`` has it, which a rival cannot import."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "ecgedge"


def trained(name: str, *files: str) -> Path:
    """The first of these files that the training cache has of a model.

    Raises
    ------
    NotMeasuredError
        It has none.
    """
    for file in files:
        if (path := cache_dir() / "runs" / name / file).is_file():
            return path
    raise NotMeasuredError(f"the training cache has no {files[0]} of {name}: ecgedge-export train makes it")
