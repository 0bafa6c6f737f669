"""One module a question; it measures, prints, and writes ``results/NAME.json``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from benchmarks.harness.command import Arguments


def names() -> list[str]:
    """Every module here."""
    return [module.name for module in iter_modules([str(Path(__file__).parent)])]


def get(name: str) -> Callable[[Arguments], int]:
    """What asks a question, with its arguments; 1 where a target was missed."""
    main: Callable[[Arguments], int] = import_module(f"benchmarks.questions.{name}").main
    return main
