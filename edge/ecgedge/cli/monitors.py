"""Opening a monitor for a command."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

if TYPE_CHECKING:
    from ecgedge.monitor import Models, Monitor
    from ecgedge.rhythm.wearer import Wearer

__all__ = ["open_monitor", "wants_words"]


def wants_words(targets: Iterable[str] | None) -> bool:
    """Whether one of the files of ``--save`` keeps words."""
    return any(target.lower().endswith(".ecgt") for target in targets or ())


def open_monitor(
    model: Path | None = None,
    backend: str = "auto",
    age: float | None = None,
    sex: str | None = None,
    models: Models | None = None,
    **options: Any,
) -> Monitor:
    """Make an :class:`ecgedge.Monitor`, with the rhythm model of a folder where one is given, or with models
    that are loaded already.

    Raises
    ------
    typer.BadParameter
        An impossible age or sex, or a sex without an age, which would change nothing.
    """
    from ecgedge.monitor import Models, Monitor

    models = models or Models.load(backend, rhythm=model)
    return Monitor(models, wearer=_wearer(age, sex), **options)


def _wearer(age: float | None, sex: str | None) -> Wearer | None:
    from ecgedge.rhythm.wearer import Wearer

    if age is None and sex is None:
        return None
    if age is None:
        raise typer.BadParameter("without --age it changes nothing: give both", param_hint="--sex")
    try:
        return Wearer(age, cast(Any, sex))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
