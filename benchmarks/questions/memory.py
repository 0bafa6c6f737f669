"""How much memory, disk and time to import does it take, and does it grow over a day?

Each figure is of a fresh process: a live one for each runtime (decoder, Bluetooth client, monitor, models),
one that streams a day, and imports and use of the packages that a user would pick instead, PyTorch with the
float network among them. Sizes on disk are of a package with all that it needs, without bytecode; sizes of
downloads are of its wheels, from the package index.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import rivals
from benchmarks.harness import command, download, processes, weight
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import ratio, targets
from benchmarks.harness.machine import ROOT
from benchmarks.harness.not_measured import NotMeasuredError, or_skipped, skipped
from benchmarks.harness.signals import FS, real_or_made
from benchmarks.rivals import ask
from ecgedge.artefacts.backends import AUTO

PACKAGES = ("edge/ecgedge", "export/ecgedge_export", "firmware_bridge/ecgedge_bridge")
# What is imported, as ``children/imports.py`` takes it
OURS = {
    "python alone": (),
    "numpy": ("numpy",),
    "import ecgedge": ("ecgedge",),
    "ecgedge, ready to work": ("ready",),
}
# The recording that is streamed over and over, so that a day needs no file of a day
PIECE_S = 600.0
# Millions of bytes and seconds, at most: a live process with either runtime, and the import
TARGETS = {
    "live_core_peak_mb": 60.0,
    "live_litert_peak_mb": 64.0,
    "live_onnx_peak_mb": 85.0,
    "import_s": 0.25,
}


def live(path: Path, seconds: float) -> dict[str, Any]:
    """Memory of a process that streams, for each runtime."""

    def streamed(backend: str) -> Any:
        return processes.child("children.live", backend, path, seconds, python=ask.python_for(backend))

    return {name: or_skipped(streamed, name) for name in AUTO}


def imports(rounds: int) -> dict[str, Any]:
    """Seconds and memory of imports, ours and theirs in turn."""
    tasks = {name: partial(imported, modules) for name, modules in OURS.items()}
    tasks |= {
        name: partial(imported, rival.imports, name)
        for name, rival in rivals.every().items()
        if rival.imports
    }
    found = {name: or_skipped(task) for name, task in tasks.items()}  # writes the bytecode, too
    alive = [name for name, first in found.items() if not skipped(first)]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in alive}
    for _ in range(rounds):
        for name in alive:
            runs[name].append(tasks[name]())
    return {**found, **{name: medians(some) for name, some in runs.items() if some}}


def imported(modules: Iterable[str], rival: str | None = None) -> dict[str, float]:
    """Seconds and memory of an import in a fresh process, in a rival's environment if one is named."""
    python = None if rival is None else ask.python_of(rival)
    found: dict[str, float] = processes.child("children.imports", *modules, python=python, ours=False)
    return found


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure."""
    return {key: float(np.median([run[key] for run in runs])) for key in ("seconds", "rss_kb")}


def used(path: Path) -> dict[str, Any]:
    """Memory of the others once the first of their analyses has looked at one window."""
    first = dict(reversed(list(ask.calls("analyses"))))
    names = (name for name in rivals.names() if name in first)
    return {name: or_skipped(ask.ask, "after_use", name, first[name], path, FS) for name in names}


def sizes() -> dict[str, Any]:
    """Bytes on disk of installations, with their parts; of ours only what the base install brings."""
    ours = weight.installed_bytes("ecgedge") | {"ecgedge": own_bytes()}
    installed = (name for name, rival in rivals.every().items() if rival.environment == "shared")
    return {"ecgedge": summed(ours), **{name: or_skipped(their_size, name) for name in installed}}


def their_size(rival: str) -> dict[str, Any]:
    """Bytes of what a rival's requirements name, with all that they need."""
    return summed(ask.ask("installed", rival))


def summed(parts: Mapping[str, int]) -> dict[str, Any]:
    """All bytes, and whose they are."""
    return {"bytes": sum(parts.values()), "parts": parts}


def own_bytes() -> int:
    """The packages as a wheel would lay them down: a development install has only a pointer to them."""
    files: Iterable[Path] = (file for folder in PACKAGES for file in (ROOT / folder).rglob("*"))
    return sum(f.stat().st_size for f in files if f.is_file() and "__pycache__" not in f.parts)


def wheel() -> dict[str, Any]:
    """Size of the wheel, where one can be built: its builder is not among the requirements."""
    with TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--retries", "1"]
        building = [*pip, "wheel", "--no-deps", "--wheel-dir", folder, str(ROOT)]
        done = subprocess.run(building, capture_output=True, text=True, check=False)
        built = list(Path(folder).glob("*.whl"))
        if done.returncode or not built:
            raise NotMeasuredError(f"the wheel could not be built: {processes.last_line(done.stderr)}")
        return {"name": built[0].name, "bytes": built[0].stat().st_size}


def downloads() -> dict[str, Any]:
    """Bytes of the wheels that an installation brings: ours, and those of rivals that are only weighed."""

    def weighed(requirements: str) -> dict[str, Any]:
        return summed(download.wheel_bytes(requirements))

    wanted = {"ecgedge": download.base_requirements()} | {
        name: rivals.requirements(name).read_text()
        for name, rival in rivals.every().items()
        if rival.environment == "none"
    }
    return {name: or_skipped(weighed, requirements) for name, requirements in wanted.items()}


def held(found: dict[str, Any]) -> dict[str, Any]:
    """The targets, and which were missed."""
    live_mb = {name: row["peak_kb"] * 1024 / 1e6 for name, row in found["live"].items() if "peak_kb" in row}
    figures = {
        "live_core_peak_mb": live_mb.get("core"),
        "live_litert_peak_mb": live_mb.get("litert"),
        "live_onnx_peak_mb": live_mb.get("onnx"),
        "import_s": found["imports"]["import ecgedge"]["seconds"],
    }
    return targets(figures, TARGETS)


def ratios(found: dict[str, Any]) -> dict[str, Any]:
    """Theirs over ours: memory of a live process against one that has made a call, disk, imports."""
    ours = next((row["peak_kb"] for row in found["live"].values() if "peak_kb" in row), None)
    ready = found["imports"]["ecgedge, ready to work"]
    theirs = {name: row for name, row in found["imports"].items() if name not in OURS}

    def over_ours(part: str) -> dict[str, float | None]:
        base = found[part]["ecgedge"].get("bytes")
        others = {name: row for name, row in found[part].items() if name != "ecgedge"}
        return {name: ratio(row.get("bytes"), base) for name, row in others.items()}

    return {
        "rss_in_use": {n: ratio(row.get("peak_kb"), ours) for n, row in found["in_use"].items()},
        "installed": over_ours("installed"),
        "download": over_ours("download"),
        "import_seconds": {n: ratio(row.get("seconds"), ready["seconds"]) for n, row in theirs.items()},
        "import_rss": {n: ratio(row.get("rss_kb"), ready["rss_kb"]) for n, row in theirs.items()},
    }


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    live_s, day_s = (120, 1800) if quick else (1800, 86400)
    name, mv = real_or_made(PIECE_S)
    with TemporaryDirectory() as folder:
        long, short = Path(folder) / "long.npy", Path(folder) / "short.npy"
        np.save(long, mv)
        np.save(short, mv[: round(10 * FS)])
        found: dict[str, Any] = {
            "signal": name,
            "live": live(long, live_s),
            "day": or_skipped(processes.child, "children.live", "auto", long, day_s),
            "imports": imports(0 if quick else 7),
            "in_use": used(short),
            "installed": sizes(),
            "download": downloads(),
            "wheel": or_skipped(wheel),
            "rivals": ask.versions(),
        }
    return {"targets": held(found), **found, "ratios": ratios(found)}


def show(found: dict[str, Any]) -> None:
    """Print the figures that matter."""

    def row_of(row: dict[str, Any], text: str) -> str:
        return str(row["skipped"]) if skipped(row) else text.format(**row)

    for name, row in found["live"].items():
        print(f"live, {name:24}" + row_of(row, "{peak_kb:,} kB at most, {rss_kb:,} kB at the end"))
    day = found["day"]
    print("streamed" + row_of(day, " {streamed_s:,} s: {growth_kb:+,} kB since the first quarter of an hour"))
    for name, row in found["imports"].items():
        print(f"import, {name:22}" + row_of(row, "{seconds:.2f} s, {rss_kb:,.0f} kB"))
    for name, row in found["in_use"].items():
        print(f"in use, {name:22}" + row_of(row, "{peak_kb:,} kB at most"))
    for part, called in (("installed", "on disk"), ("download", "download")):
        for name, row in found[part].items():
            print(f"{called + ', ' + name:30}" + row_of(row, "{bytes:,} bytes"))
    print(f"{'wheel':30}" + row_of(found["wheel"], "{bytes:,} bytes"))


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "memory", measure, show, arguments)
