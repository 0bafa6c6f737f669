"""How many hours of ECG a second does ``ecgedge batch`` analyse, how does that grow with workers, and does
its memory stay flat? Beside it, other packages on a cluster of the same size.

Files of an hour are made of the records of MIT-BIH where these are at hand, else of synthetic ECG, and
analysed by the command as a user types it, by one worker and by two. Seconds are those of the whole command,
workers that start included. Others analyse a part of the files, each as a whole.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import rivals
from benchmarks.harness import command, processes, venvs
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import ratio, targets
from benchmarks.harness.not_measured import NotMeasuredError, at_hand, or_skipped
from benchmarks.harness.signals import FS, Signal, made
from benchmarks.rivals.ask import Named

WORKERS = (1, 2)
# Files and their length: in full, and quick
FILES, HOURS = (1000, 8), (1.0, 0.25)
# Rivals are asked about so many of them: one takes a minute for an hour
THEIRS = (4, 2)
# So many, those with the smallest digests, are replayed too
REPLAYED = (10, 2)
PER_MV, MISSING = 1000, -32_768
GAP_S = 5.0
LEAST_SPEEDUP, LEAST_SPEED, MOST_GROWTH_MB = 1.8, 4000.0, 30.0
_COMMAND = "from ecgedge.cli import main; main()"


def pieces() -> tuple[str, Iterator[Signal]]:
    """Signals at the rate of the files, without end, and what they are."""
    from benchmarks.questions.report import pieces as records

    try:
        return "MIT-BIH Arrhythmia Database", cycle(at_hand("mitdb", lambda: list(records())))
    except NotMeasuredError:
        return "synthetic ECG", cycle([made(1800.0, FS)])


def make_files(folder: Path, signals: Iterator[Signal], files: int, hours: float) -> float:
    """Write WFDB records, pieces with gaps between them; return the hours of them all."""
    n = round(hours * 3600 * FS)
    gap = np.full(round(GAP_S * FS), MISSING, "<i2")
    for number in range(files):
        parts: list[Any] = []
        while sum(map(len, parts)) < n:
            mv = next(signals)
            parts += [np.clip(np.round(mv * PER_MV), -32_000, 32_000).astype("<i2"), gap]
        name = f"{number:03}"
        np.concatenate(parts)[:n].tofile(folder / f"{name}.dat")
        signal = f"{name}.dat 16 {PER_MV}/mV 16 0 0 0 0 ECG"
        (folder / f"{name}.hea").write_text(f"{name} 1 {FS:g} {n}\n{signal}\n")
    return files * n / FS / 3600


def run(folder: Path, out: Path, workers: int) -> dict[str, Any]:
    """Analyse a folder by the command: seconds, and memory after each quarter of the files.

    Raises
    ------
    NotMeasuredError
        It failed, or could not analyse all.
    """
    asked = ["batch", str(folder), "--out", str(out), "--workers", str(workers), "--json"]
    started = [sys.executable, "-c", _COMMAND, *asked]
    files = len(list(folder.glob("*.hea")))
    memory: list[dict[str, float]] = []
    begun = time.perf_counter()
    with subprocess.Popen(
        started, stdout=subprocess.PIPE, text=True, env=processes.surroundings()
    ) as running:
        assert running.stdout is not None
        for done, line in enumerate(running.stdout, 1):
            end = json.loads(line)
            if done in {round(quarter * files / 4) for quarter in (1, 2, 3, 4)}:
                memory.append(_memory(running.pid))
    seconds = time.perf_counter() - begun
    if running.returncode or end["errors"] or end["recordings"] != files:
        raise NotMeasuredError(f"ecgedge batch ended with status {running.returncode}")
    hours = end["hours_of_ecg"]
    return {
        "workers": workers,
        "hours": hours,
        "wall_s": seconds,
        "hours_per_s": hours / seconds,
        "times_real_time_per_core": 3600 * hours / seconds / workers,
        "memory_after_quarters": memory,
        "rows": end["in_all"]["rows"],
    }


def _memory(pid: int) -> dict[str, float]:
    """Resident MB of the largest worker, and of the driver with its scheduler."""
    import psutil

    driver = psutil.Process(pid)
    children = [one.memory_info().rss for one in driver.children(recursive=True)]
    return {"worker_mb": max(children, default=0) / 1e6, "driver_mb": driver.memory_info().rss / 1e6}


def digests(out: Path) -> dict[str, dict[str, str]]:
    """Digests of all parts, by recording."""
    manifest = json.loads((out / "manifest.json").read_text())
    return {
        one["input"]: {table: part["sha256"] for table, part in one["parts"].items()}
        for one in manifest["recordings"]
    }


def ours(folder: Path, scratch: Path) -> dict[str, Any]:
    """Run it with each number of workers."""
    found = {str(n): run(folder, scratch / str(n), n) for n in WORKERS}
    same = [digests(scratch / str(n)) for n in WORKERS]
    return {"workers": found, "same_results": all(one == same[0] for one in same)}


def unlike_replay(folder: Path, out: Path, files: int) -> list[str]:
    """Replay files chosen by their digests; return those of which the tables say otherwise."""
    from ecgedge.scale.parts import lines_of

    chosen = sorted(folder.glob("*.dat"), key=lambda path: sha256(path.read_bytes()).digest())[:files]
    return [path.stem for path in chosen if lines_of(out, str(path.with_suffix(".hea"))) != replayed(path)]


def replayed(path: Path) -> list[str]:
    """Return what ``ecgedge replay --json`` prints of a record."""
    asked = [sys.executable, "-c", _COMMAND, "replay", str(path.with_suffix(".hea")), "--json"]
    done = subprocess.run(asked, env=processes.surroundings(), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def on_cluster() -> Iterator[Named]:
    """Every call of a rival that somebody would run over an archive."""
    for rival, adapter in rivals.every().items():
        yield from (Named(rival, call) for call in sorted(adapter.on_cluster))


def theirs(rival: str, name: str, folder: Path, files: int) -> dict[str, Any]:
    """Run a rival on a cluster with the largest number of workers.

    Raises
    ------
    NotMeasuredError
        It cannot be installed, or failed.
    """
    needed = [rivals.requirements(rival), Path(__file__).with_name("requirements.txt")]
    arguments = ("on_cluster", rival, name, folder, FS, max(WORKERS), files)
    found: dict[str, Any] = processes.child(
        "children.on_dask", *arguments, python=venvs.python_with(*needed), ours=False
    )
    return {**found, "hours_per_s": found["hours"] / found["wall_s"]}


def measure(quick: bool) -> dict[str, Any]:
    """Make the files, and have everybody analyse them."""
    signal, signals = pieces()
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "files"
        folder.mkdir()
        hours = make_files(folder, signals, FILES[quick], HOURS[quick])
        found = ours(folder, Path(temporary))
        found |= {
            "replayed": REPLAYED[quick],
            "unlike_replay": unlike_replay(folder, Path(temporary) / str(WORKERS[-1]), REPLAYED[quick]),
        }
        others = {named.call: or_skipped(theirs, *named, folder, THEIRS[quick]) for named in on_cluster()}
    return {"signal": signal, "files": FILES[quick], "hours": hours, **found, "rivals": others} | judged(
        found, others
    )


def judged(found: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Ratios, and targets that were missed."""
    one, most = (found["workers"][str(n)] for n in (WORKERS[0], WORKERS[-1]))
    memory = [row["worker_mb"] for row in most["memory_after_quarters"]]
    figures: dict[str, float | None] = {
        "times_real_time_per_core": most["times_real_time_per_core"],
        "unlike_replay": float(len(found["unlike_replay"])),
        "speedup": ratio(most["hours_per_s"], one["hours_per_s"]),
        "worker_growth_mb": memory[-1] - memory[0],
        "same_results": float(found["same_results"]),
    }
    judgement = targets(
        figures,
        {"worker_growth_mb": MOST_GROWTH_MB, "unlike_replay": 0.0},
        {"speedup": LEAST_SPEEDUP, "times_real_time_per_core": LEAST_SPEED, "same_results": 1.0},
    )
    faster = {name: ratio(most["hours_per_s"], row.get("hours_per_s")) for name, row in others.items()}
    return {"figures": figures, "times_as_fast_as": faster, "targets": judgement}


def show(found: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"{found['hours']:.1f} h in {found['files']} files, {found['signal']}")
    for row in found["workers"].values():
        memory = ", ".join(f"{quarter['worker_mb']:.0f}" for quarter in row["memory_after_quarters"])
        print(
            f"{row['workers']} worker(s): {row['wall_s']:.1f} s, {row['hours_per_s']:.2f} h a second, "
            f"{row['times_real_time_per_core']:,.0f} times real time a core; MB after each quarter: {memory}"
        )
    print(f"{found['figures']['speedup']:.2f} times as fast; the same results: {found['same_results']}")
    print(
        f"{found['replayed']} files as replay has them, but for {', '.join(found['unlike_replay']) or 'none'}"
    )
    for name, row in found["rivals"].items():
        said = row.get("skipped") or f"{row['hours_per_s']:.3f} h a second, {row['failed']} failed"
        print(f"{name}: {said}")


def main(arguments: Arguments = None) -> int:
    """Measure, print and write."""
    return command.answer(__doc__, "batch", measure, show, arguments)
