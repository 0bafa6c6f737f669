"""How long does the report of a day take, how large is it, and how much memory?

The day is made of the records of the MIT-BIH Arrhythmia Database, one after the other with gaps between them,
at the rate of a Polar H10. It is reported twice: as a WFDB record, whose events are found then, and as a
recording of ours, whose events are in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.not_measured import at_hand
from benchmarks.harness.signals import FS, Signal
from ecgedge.stream.filters import Resampler

DAY_S, GAP_S, QUICK_S = 86_400.0, 40.0, 3600.0
LIMIT_S, LIMIT_MB = 60.0, 3.0
MISSING, PER_MV = -32_768, 1000


def pieces() -> Iterator[Signal]:
    """The records of MIT-BIH at the rate of the day."""
    from ecgedge_export import data

    for record in data.mitdb():
        resampler = Resampler(record.fs, FS, half_width_s=0.16, cutoff_hz=0.45 * FS, beta=5.0)
        resampled = np.concatenate((resampler.feed(record.mv.astype(np.float64)), resampler.finish()))
        yield resampled.astype(np.float32)


def make_day(path: Path, seconds: float = DAY_S) -> Path:
    """Write a WFDB record of so many seconds, which begins at 22:15; return its header."""
    most, written = round(seconds * FS), 0
    with path.with_suffix(".dat").open("wb") as file:
        for mv in pieces():
            counts = np.clip(np.round(mv * PER_MV), -32_000, 32_000).astype("<i2")
            gap = np.full(round(GAP_S * FS), MISSING, "<i2")
            part = np.concatenate((counts, gap))[: most - written]
            file.write(part.tobytes())
            written += len(part)
            if written >= most:
                break
    header = path.with_suffix(".hea")
    header.write_text(
        f"{path.stem} 1 {FS:g} {written} 22:15:00 28/11/2026\n{path.stem}.dat 16 {PER_MV}/mV 16 0 0 0 0 ECG\n"
    )
    return header


def record(header: Path, db: Path) -> None:
    """Analyse the day, and keep signal and events as ``replay --record`` does."""
    _run("replay", str(header), "--record", str(db), "--json")


def report(source: Path, page: Path) -> dict[str, Any]:
    """Report a recording in a process of its own: seconds, megabytes, and what it says it found."""
    begun = time.perf_counter()
    told = _run("report", str(source), "-o", str(page), "--json", "--force")
    seconds = time.perf_counter() - begun
    said = json.loads(told.stdout.splitlines()[-1])
    return {
        "seconds": round(seconds, 1),
        "page_mb": round(page.stat().st_size / 1e6, 3),
        "resident_mb": round(int(told.stderr.split()[-1]) / 1000),
        "beats": said["beats"],
        "episodes": said["episodes"],
    }


def measure(quick: bool) -> dict[str, Any]:
    """Make the day, record it, and report both."""
    with TemporaryDirectory() as folder:
        day, db = Path(folder) / "day", Path(folder) / "day.db"
        header = at_hand("mitdb", make_day, day, QUICK_S if quick else DAY_S)
        record(header, db)
        rows = {
            "WFDB, events found now": report(header, day.with_suffix(".html")),
            "recording, events in it": report(db, day.with_suffix(".html")),
        }
    missed = [name for name, row in rows.items() if row["seconds"] > LIMIT_S or row["page_mb"] > LIMIT_MB]
    return {"targets": {"seconds": LIMIT_S, "page_mb": LIMIT_MB, "missed": missed}, "rows": rows}


def show(found: dict[str, Any]) -> None:
    """Print the figures."""
    for name, row in found["rows"].items():
        print(f"{name}: {row['seconds']} s, page {row['page_mb']} MB, memory {row['resident_mb']} MB")


def main(arguments: Arguments = None) -> int:
    """Measure, print and write."""
    return command.answer(__doc__, "report", measure, show, arguments)


# The command, and how much memory it took at most.
_COMMAND = """
import atexit, sys
from benchmarks.harness.resident import peak_kb
atexit.register(lambda: print(peak_kb(), file=sys.stderr))
from ecgedge.cli import main
main()
"""


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _COMMAND, *arguments], check=True, capture_output=True, text=True
    )
