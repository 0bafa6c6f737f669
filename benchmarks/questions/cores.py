"""What does the compiled core change: live, cold, for many wearables, for archives, at the start?

Each figure is of a fresh process, for the compiled core and for the numpy code in its place, in turn. Beside
the live figures, in the same run, stand the others' analyses run again each second. "Cold" has notifications
at a strap's pace, 0.56 s apart, so that the processor's caches have gone cold by the next one; "warm" has
them one after the other.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import rivals
from benchmarks.harness import command, processes
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import ratio, targets
from benchmarks.harness.not_measured import or_skipped, skipped
from benchmarks.harness.signals import FRAME, FS, real_or_made
from benchmarks.rivals import ask
from ecgedge.artefacts.backends import installed_backends

CORES = ("c", "numpy")
# The rhythm model's own time is a good part of the whole: each runtime that is here has a row.
TARGETS = {
    "live_s_per_h": 0.5,
    "cold_p99_ms": 2.0,
    "warm_p99_ms": 1.0,
    "fleet_cores": 0.15,
    "fleet_mb": 150.0,
    "archive_s": 5.0,
    "archive_growth_mb": 40.0,
    "ready_s": 0.15,
}
WEARABLES, ARCHIVE_H, ARCHIVE_FS = 1000, 24.0, 250.0


def on(core: str, task: str, *arguments: object) -> Any:
    """A task of the child on one core."""
    return processes.child("children.cores", task, *arguments, variables={"ECGEDGE_CORE": core})


def live(path: Path, backends: tuple[str, ...], rounds: int) -> dict[str, Any]:
    """CPU seconds for an hour, by core and runtime, all in turn: medians, and every value."""
    found: dict[str, Any] = {}
    for _ in range(rounds):
        for core in CORES:
            for backend in backends:
                if core == "numpy" and backend == "core":
                    continue
                row = or_skipped(on, core, "live", backend, path)
                found.setdefault(f"{core}, {backend}", []).append(row)
    return {name: _median(rows, "cpu_s_per_h") for name, rows in found.items()}


def _median(rows: list[Any], key: str) -> Any:
    if any(skipped(row) for row in rows):
        return next(row for row in rows if skipped(row))
    return {
        **rows[-1],
        key: float(np.median([row[key] for row in rows])),
        "values": [row[key] for row in rows],
    }


def others(path: Path) -> dict[str, Any]:
    """The calls of rivals that the whole monitor has to be cheaper than, again each second."""
    return {
        call: or_skipped(ask.ask, "stream", rival, call, path, FS)
        for rival, call in ask.calls("analyses")
        if call in rivals.get(rival).cheaper_by
    }


def paced(path: Path, backend: str, in_numpy: str) -> dict[str, Any]:
    """Notification to event, cold and warm; the numpy code warm alone, which says enough of it."""
    cold = or_skipped(on, "c", "pace", backend, path, FRAME / FS)
    warm = or_skipped(on, "c", "pace", backend, path, 0.0)
    return {
        "c": {"cold": cold, "warm": warm},
        "numpy": {"warm": or_skipped(on, "numpy", "pace", in_numpy, path, 0.0)},
    }


def ready(backends: tuple[str, ...], rounds: int) -> dict[str, Any]:
    """CPU seconds until a strap could be connected to, by runtime; and what numpy and asyncio take of it."""
    tasks: dict[str, Any] = {name: partial(on, "c", "ready", name) for name in backends}
    tasks["numpy and asyncio alone"] = partial(on, "c", "nothing")
    rows: dict[str, list[Any]] = {name: [] for name in tasks}
    for turn in range(rounds + 1):
        for name, task in tasks.items():
            row = or_skipped(task)
            if turn:  # the first writes the bytecode
                rows[name].append(row)
    return {name: _median(some, "cpu_s") for name, some in rows.items()}


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    backends = installed_backends()
    best = "core" if "core" in backends else backends[0]
    with TemporaryDirectory() as folder:
        paths = {}
        for name, seconds in (("hour", 60 if quick else 3600), ("minutes", 10 if quick else 300)):
            paths[name] = Path(folder) / f"{name}.npy"
            np.save(paths[name], real_or_made(seconds)[1])
        found: dict[str, Any] = {
            "signal": real_or_made(1.0)[0],
            "live": live(paths["hour"], backends, 1 if quick else 5),
            "again_each_second": others(paths["minutes"]),
            "paced": paced(paths["minutes"], best, next((b for b in backends if b != "core"), best)),
            "fleet": {
                core: or_skipped(on, core, "fleet", best, paths["minutes"], 10 if quick else WEARABLES)
                for core in CORES[: 2 if quick else 1]
            },
            "archive": {
                f"{core}, {backend}": or_skipped(
                    on, core, "archive", backend, 0.1 if quick else ARCHIVE_H, ARCHIVE_FS
                )
                for core in CORES
                for backend in backends
                if (core, backend) != ("numpy", "core")
            },
            "ready": ready(backends, 1 if quick else 7),
        }
    return {"targets": held(found, best, quick), "runtime": best, **found}


def held(found: dict[str, Any], best: str, quick: bool) -> dict[str, Any]:
    """The targets with those that were missed."""

    def of(row: Any, *keys: str) -> float | None:
        for key in keys:
            if row is None or skipped(row):
                return None
            row = row.get(key)
        return None if row is None or isinstance(row, dict) else float(row)

    fast = [s for n, r in found["live"].items() if n.startswith("c,") and (s := of(r, "cpu_s_per_h"))]
    cheaper = {
        f"times_cheaper_than_{call}": (times, of(found["again_each_second"].get(call), "cpu_s_per_h"))
        for rival in rivals.every().values()
        for call, times in rival.cheaper_by.items()
    }
    whole = [s for n, r in found["archive"].items() if n.startswith("c,") and (s := of(r, "cpu_s"))]
    grown, resident = of(found["archive"].get(f"c, {best}"), "growth_kb"), of(found["fleet"]["c"], "rss_kb")
    return targets(
        {
            "live_s_per_h": min(fast, default=None),
            "cold_p99_ms": of(found["paced"]["c"]["cold"], "wall_ms", "p99"),
            "warm_p99_ms": of(found["paced"]["c"]["warm"], "wall_ms", "p99"),
            "fleet_cores": of(found["fleet"]["c"], "cores_for_all"),
            "fleet_mb": resident and 1.024e-3 * resident,
            "archive_s": min(whole, default=None),
            "archive_growth_mb": grown and 1.024e-3 * grown,
            "ready_s": of(found["ready"].get(best), "cpu_s"),
            **{name: ratio(theirs, min(fast, default=None)) for name, (_, theirs) in cheaper.items()},
        },
        TARGETS,
        {name: times for name, (times, _) in cheaper.items()},
    )


def show(found: dict[str, Any]) -> None:
    """Print every figure."""
    for what in ("live", "again_each_second", "archive", "fleet", "ready"):
        for name, row in found[what].items():
            figures = row["skipped"] if skipped(row) else {k: v for k, v in row.items() if k != "values"}
            print(f"{what}, {name}: {figures}")
    for core, rows in found["paced"].items():
        for how, row in rows.items():
            print(f"notification to event, {core}, {how}: {row}")


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "cores", measure, show, arguments)
