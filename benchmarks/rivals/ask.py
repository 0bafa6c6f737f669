"""How questions ask rivals: by listing the folders, each rival in its environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from benchmarks import rivals
from benchmarks.harness import processes, venvs
from benchmarks.harness.not_measured import NotMeasuredError, or_skipped

# What ecgedge is compared with, by what a call does
CLASSIFY, DETECT_BEATS = "ecgedge classify", "ecgedge detect_beats"


class Named(NamedTuple):
    """A call: the rival's folder, and the name in the tables."""

    rival: str
    call: str


def calls(*methods: Literal["analyses", "beats"]) -> Iterator[Named]:
    """Every call that these methods of the rivals name, once."""
    for rival, made in rivals.every().items():
        named = {name: None for method in methods for name in getattr(made, method)()}
        yield from (Named(rival, name) for name in named)


def counterpart(named: Named) -> str:
    """The helper of ecgedge that does the same: it finds beats, or analyses all."""
    return DETECT_BEATS if named.call in rivals.get(named.rival).beats() else CLASSIFY


def python_of(rival: str) -> Path | None:
    """Interpreter with a rival, whose environment is made at its first use; None is this one.

    Raises
    ------
    NotMeasuredError
        It cannot be installed, or is not meant to be.
    """
    environment = rivals.get(rival).environment
    if environment == "none":
        raise NotMeasuredError(f"{rival} is only weighed")
    if environment == "ours":
        return None
    shared = [name for name, made in rivals.every().items() if made.environment == "shared"]
    return venvs.python_with(*map(rivals.requirements, shared if environment == "shared" else [rival]))


def python_for(backend: str) -> Path | None:
    """Interpreter that runs a backend of ecgedge: a rival's where one has it, else this one.

    Raises
    ------
    NotMeasuredError
        It cannot be installed.
    """
    having = (name for name, made in rivals.every().items() if made.runtime == backend)
    return next(map(python_of, having), None)


def ask(task: str, rival: str, *arguments: object) -> Any:
    """Run a task of ``tasks.py`` in a rival's environment.

    Raises
    ------
    NotMeasuredError
        There is none, or it failed.
    """
    python = python_of(rival)
    return processes.child("rivals.tasks", task, rival, *arguments, python=python, ours=False)


def wall_s(task: str, rival: str, *arguments: object) -> float:
    """Seconds from the start of a task's process to its end.

    Raises
    ------
    NotMeasuredError
        There is no environment, or it failed.
    """
    python = python_of(rival)
    return processes.wall_s("rivals.tasks", task, rival, *arguments, python=python, ours=False)


def versions() -> dict[str, Any]:
    """Versions of what every rival needs."""
    return {name: or_skipped(ask, "versions", name) for name in rivals.names()}
