"""One row for each recording: what a study with thirty files wants to know of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgedge.events import Ectopy, Summary
from ecgedge.monitor import Models, Monitor
from ecgedge.recording import read
from ecgedge.summary import Summarizer
from ecgedge_bridge.errors import EcgEdgeError

__all__ = ["COLUMNS", "Wish", "row_of", "rows_of"]

Row = dict[str, Any]
_LABELS = ("N", "A", "O", "~")


@dataclass(frozen=True, slots=True)
class Wish:
    """What holds for all recordings; None where each file says it itself."""

    fs: float | None = None
    channel: str | None = None
    unit: str | None = None
    backend: str = "auto"


def row_of(path: Path, wish: Wish = Wish(), models: Models | None = None) -> Row:
    """Analyse a recording from beginning to end; memory does not grow with it.

    An error is a value: its first line is in the column ``error``, beside what was found before.

    Examples
    --------
    >>> row_of(Path("none.csv"))["error"]
    'no such file: none.csv: check the path (a WFDB record needs its .hea file beside it)'
    """
    row: Row = dict.fromkeys(COLUMNS)
    row["file"] = str(path)
    summarizer = Summarizer()
    try:
        blocks = read(path, wish.fs, wish.channel, wish.unit)
        monitor = Monitor(models or Models.load(wish.backend))
        row |= {"fs": blocks.fs, "channel": blocks.channel, "unit": blocks.unit}
        row["start"] = blocks.start.isoformat() if blocks.start else None
        try:
            for block in blocks:
                summarizer.take(monitor.feed(block))
        finally:
            summarizer.take(monitor.finish())
            row |= _found(summarizer.summary(), monitor.stats.samples + monitor.stats.lost, blocks.fs)
            row["notes"] = "; ".join(note.detail for note in blocks.notes) or None
    except (EcgEdgeError, OSError) as error:
        row["error"] = (str(error).splitlines() or [type(error).__name__])[0]
    except Exception as error:  # a fault of ours, or too little memory: the other recordings are not to blame
        row["error"] = f"{path}: {type(error).__name__}: analyse it alone with 'ecgedge replay' to see more"
    return row


def rows_of(
    paths: Sequence[Path],
    wish: Wish = Wish(),
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Row]:
    """Analyse recordings, several at a time, and yield their rows in the order of ``paths``.

    Parameters
    ----------
    jobs : int, optional
        Processes; by default one for each processor core. One works in this process.
    progress : callable
        Is given (recordings done, recordings in all).
    """
    jobs = min(jobs or os.cpu_count() or 1, len(paths))
    if jobs <= 1:
        models = Models.load(wish.backend)
        for done, path in enumerate(paths, 1):
            yield row_of(path, wish, models)
            progress(done, len(paths))
        return
    with ProcessPoolExecutor(jobs) as pool:
        coming = [pool.submit(row_of, path, wish) for path in paths]
        for done, (path, row) in enumerate(zip(paths, coming, strict=True), 1):
            try:
                yield row.result()
            except BrokenProcessPool:  # one of several died, and with it all that waited
                yield _alone(path, wish)
            progress(done, len(paths))


def _alone(path: Path, wish: Wish) -> Row:
    """Analyse a recording in a process of its own, whose death says which recording killed the others."""
    with ProcessPoolExecutor(1) as pool:
        try:
            return pool.submit(row_of, path, wish).result()
        except BrokenProcessPool:
            why = "the process that analysed it was killed: is there enough memory?"
            return dict.fromkeys(COLUMNS) | {"file": str(path), "error": f"{path}: {why}"}


def _found(summary: Summary, samples: int, fs: float) -> Row:
    return {
        "duration_s": round(samples / fs, 3) if fs else 0.0,
        "usable": summary.usable,
        "lost_samples": summary.lost,
        "heart_rate_bpm": summary.heart_rate_bpm,
        "slowest_bpm": summary.slowest_bpm,
        "fastest_bpm": summary.fastest_bpm,
        **{f"rhythm_{_name(label)}": summary.rhythms.get(label, 0.0) for label in _LABELS},
        "af": summary.af,
        "af_burden": summary.af_burden,
        "longest_af_s": summary.longest_af_s,
        "beats": summary.beats,
        **_ectopy("ventricular", summary.ventricular),
        **_ectopy("supraventricular", summary.supraventricular),
        "pauses": summary.pauses,
        "longest_rr_ms": summary.longest_rr_ms,
        "rmssd_ms": summary.rmssd_ms,
        "sdnn_ms": summary.sdnn_ms,
    }


def _ectopy(name: str, found: Ectopy) -> Row:
    return {
        name: found.beats,
        f"{name}_per_hour": found.per_hour,
        f"{name}_couplets": found.couplets,
        f"{name}_runs": found.runs,
        f"{name}_longest_run": found.longest_run,
    }


def _name(label: str) -> str:
    return {"~": "noise"}.get(label, label)


# All columns in their order, and what stands in them; a recording that cannot be read has only the first and
# the last.
COLUMNS: dict[str, type] = {
    "file": str, "start": str, "fs": float, "channel": str, "unit": str,
    "duration_s": float, "usable": float, "lost_samples": int,
    "heart_rate_bpm": float, "slowest_bpm": float, "fastest_bpm": float,
    "rhythm_N": float, "rhythm_A": float, "rhythm_O": float, "rhythm_noise": float,
    "af": bool, "af_burden": float, "longest_af_s": float, "beats": int,
    "ventricular": int, "ventricular_per_hour": float, "ventricular_couplets": int, "ventricular_runs": int,
    "ventricular_longest_run": int,
    "supraventricular": int, "supraventricular_per_hour": float, "supraventricular_couplets": int,
    "supraventricular_runs": int, "supraventricular_longest_run": int,
    "pauses": int, "longest_rr_ms": float, "rmssd_ms": float, "sdnn_ms": float, "notes": str, "error": str,
}  # fmt: skip
