"""What a recipe's ``task`` key chooses: a folder of this package with a module ``task`` in it.

A new network is such a folder and one line in :data:`TASKS`. Its module has three functions, and the command
line knows no more about it (:class:`Task`). Modules are imported when they are chosen, since torch takes
seconds.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import install_folder
from ecgedge_bridge.schema import hint
from ecgedge_export import recipe as recipes

Log = Callable[[str], None]

TASKS: Mapping[str, str] = {
    "rhythm": "ecgedge_export.rhythm.task",
    "beats": "ecgedge_export.beats.task",
    "beat_classes": "ecgedge_export.beat_classes.task",
    "beat_segments": "ecgedge_export.beat_classes.segment_task",
    "gate": "ecgedge_export.gate.task",
    "waves": "ecgedge_export.waves.task",
    "tokens": "ecgedge_export.tokens.task",
    "leads": "ecgedge_export.leads.task",
}
# What a folder has to hold so that a new model may replace it: nobody's other files are ever deleted.
_MARKS = ("manifest.json",)


@dataclass(frozen=True, slots=True)
class Job:
    """One training that was asked for.

    Parameters
    ----------
    recipe : Path
    work : Path
        Checkpoints and intermediate files; a training that was stopped goes on from there.
    out : Path
        Where the finished model folder goes.
    command : str
        What was typed, for the model's report.
    say : callable
        Takes lines about the progress.
    quick : bool
        Two epochs on few records.
    compared : Path, optional
        A table of ``distill``, for the card.
    """

    recipe: Path
    work: Path
    out: Path
    command: str
    log: Log
    quick: bool = False
    compared: Path | None = None

    @property
    def made(self) -> Path:
        """Folder in ``work`` in which the model is made and measured; of the same name as ``out``."""
        return self.work / "made" / self.out.name


@dataclass(frozen=True, slots=True)
class Trials:
    """How ways to learn are compared: with so many seeds each, for so many epochs (None: the recipe's)."""

    seeds: int = 3
    epochs: int | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What of a package is measured: a model folder (None: the bundled one), a backend, kinds of noise."""

    model: Path | None = None
    backend: str = "litert"
    noise: tuple[str, ...] = ()
    log: Log = print


class Task(Protocol):
    """Module ``task`` of a network's folder."""

    def make(self, job: Job) -> str:
        """Train, quantize and measure into ``job.made``; return a line about the result."""
        ...

    def compare(self, job: Job, trials: Trials) -> object:
        """Train students with and without teachers and return what each way to learn is worth, for JSON."""
        ...

    def evaluate(self, how: Evaluation) -> object:
        """Measure a model through the public API, for JSON."""
        ...


def task(name: str) -> Task:
    """Import the module of a task.

    Raises
    ------
    ConfigError
        There is no such task; the message has the nearest one.
    """
    if name not in TASKS:
        raise ConfigError(f"no task is called {name!r}: {hint(name, TASKS)}")
    return cast(Task, importlib.import_module(TASKS[name]))


def of_recipe(path: Path) -> Task:
    """Task of a recipe, by its key ``task``; the name of the file says nothing."""
    name = recipes.heading(path).task
    if name not in TASKS:
        raise ConfigError(f"{path}: task = {name!r} is unknown: {hint(name, TASKS)}")
    return task(name)


def train(job: Job) -> str:
    """Make a model and put it in place, as one step at the very end; return a line about it.

    Whatever ends the training before leaves ``job.out`` as it was.

    Raises
    ------
    ConfigError
        ``job.out`` is a folder of something else.
    """
    chosen = of_recipe(job.recipe)
    _check_replaceable(job.out)
    line = chosen.make(job)
    _check_replaceable(job.out)
    install_folder(job.made, job.out)
    return line


def _check_replaceable(out: Path) -> None:
    ours = out.is_dir() and (any((out / mark).is_file() for mark in _MARKS) or not any(out.iterdir()))
    if out.exists() and not ours:
        raise ConfigError(f"{out} is there and is no model folder: choose another --out")
