"""What a user would pick instead: a folder each, with an adapter of three methods and its requirements."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from benchmarks.rivals.adapter import Rival

HERE = Path(__file__).parent


def names() -> list[str]:
    """Every folder here."""
    return [module.name for module in iter_modules([str(HERE)]) if module.ispkg]


def get(name: str) -> Rival:
    """The adapter in a folder."""
    rival: Rival = import_module(f"benchmarks.rivals.{name}").RIVAL
    return rival


def every() -> dict[str, Rival]:
    """All adapters by the names of their folders."""
    return {name: get(name) for name in names()}


def requirements(name: str) -> Path:
    """What has to be installed to use it."""
    return HERE / name / "requirements.txt"
