"""What a test of a published idea gives, and the file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from ecgedge.artefacts.sealed import plain
from ecgedge_bridge.files import read_text, write_atomically
from ecgedge_bridge.schema import Place, build, choice, parse_json

Log = Callable[[str], None]
# How an idea stands in the package: switched on, to be switched on, or without a gain and so left off.
VERDICTS = ("on by default", "available", "no gain")


@dataclass(frozen=True, slots=True)
class Job:
    """One test that was asked for.

    Parameters
    ----------
    work : Path
        Checkpoints and intermediate results; a test that was stopped goes on from there.
    log : callable
        Takes lines about the progress.
    quick : bool
        Little data, few steps: to see that everything works. The figures are rough.
    """

    work: Path
    log: Log
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the page; cells are text (:func:`figure` writes numbers)."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two arms that differ in one thing alone: the paired difference and its 95 % interval.

    ``what`` names both arms and the measure, such as "CLEF against InfoNCE, macro-AUROC".
    """

    what: str
    gain: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What a test gave.

    Parameters
    ----------
    data : str
        Recordings that taught and recordings that tested.
    budget : str
        Parameters, steps, time.
    seeds : int
        Times that each arm was trained.
    tables : tuple of Table
    comparisons : tuple of Comparison
    verdict : str
        One of :data:`VERDICTS`.
    finding : str
        One to three sentences, with figures from this very test.
    """

    data: str
    budget: str
    seeds: int
    tables: tuple[Table, ...]
    comparisons: tuple[Comparison, ...]
    verdict: Annotated[str, choice(*VERDICTS)]
    finding: str


def figure(value: float, low: float | None = None, high: float | None = None, digits: int = 3) -> str:
    """Write a figure, with its interval where there is one.

    Examples
    --------
    >>> figure(0.8123), figure(0.8123, 0.79, 0.83)
    ('0.812', '0.812 [0.790, 0.830]')
    """
    if low is None or high is None:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def save(measured: Measured, path: Path) -> None:
    """Write a result as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(asdict(measured), indent=1, ensure_ascii=False, default=plain) + "\n")


def load(path: Path) -> Measured:
    """Read a result.

    Raises
    ------
    ConfigError
        It is no result of this version.
    """
    place = Place(f"{path.name}:", remedy="measure it again")
    return build(Measured, parse_json(read_text(path), place), place)
