"""Figures: quantiles, ratios, targets, and tasks that are timed in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.harness.not_measured import or_skipped, skipped

# A thousand notifications come in ten minutes: the 99.9th percentile is what a wearer meets that often.
QUANTILES = (50.0, 99.0, 99.9)


def targets(
    found: Mapping[str, float | None], most: Mapping[str, float], least: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """What figures may be at most, or must be at least, and which missed that: none that was not measured."""
    least = least or {}
    over = [name for name, limit in most.items() if (value := found[name]) is not None and value > limit]
    under = [name for name, limit in least.items() if (value := found[name]) is not None and value < limit]
    return {**most, **least, "missed": [f"{name} ({found[name]:.3g})" for name in over + under]}


def quantiles_ms(seconds: npt.ArrayLike) -> dict[str, float]:
    """Median, 99th and 99.9th percentile and maximum, in milliseconds; of nothing, nothing."""
    took = 1e3 * np.asarray(seconds, np.float64)
    if not len(took):
        return {}
    out = {f"p{q:g}": float(np.percentile(took, q)) for q in QUANTILES}
    return {**out, "max": float(took.max())}


def line(row: Mapping[str, float]) -> str:
    """Three quantiles in columns."""
    return "".join(f"{row[f'p{q:g}']:10.3f}" for q in QUANTILES) if row else "nothing"


def in_turn(tasks: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Any]:
    """Run tasks in turn, so that what the machine does meanwhile meets all of them: median and all values.

    Each is run once before, so that files and bytecode are in place; one that is skipped then stays so.
    """
    found: dict[str, Any] = {name: or_skipped(task) for name, task in tasks.items()}
    alive = [name for name, first in found.items() if not skipped(first)]
    values: dict[str, list[float]] = {name: [] for name in alive}
    for _ in range(rounds):
        for name in alive:
            values[name].append(tasks[name]())
    return {**found, **{n: {"median": float(np.median(v)), "values": v} for n, v in values.items()}}


def ratio(theirs: float | None, ours: float | None) -> float | None:
    """How many times as much theirs is; None where one was not measured."""
    return theirs / ours if theirs is not None and ours else None


def clock_s() -> float:
    """CPU seconds that reading the clock twice takes, which on some systems is as much as a small stage."""
    took = []
    for _ in range(2000):
        begun = time.thread_time()
        took.append(time.thread_time() - begun)
    return float(np.median(took))
