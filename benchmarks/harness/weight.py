"""What an installation weighs: a distribution and all that it needs, in the environment that runs this."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any


def installed_bytes(*distributions: str) -> dict[str, int]:
    """Bytes of distributions and of all that they need, without bytecode, which differs by use."""
    weights: dict[str, int] = {}
    todo = list(distributions)
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name not in weights:
            weights[name], needs = _weigh(name)
            todo += needs
    return weights


def _weigh(name: str) -> tuple[int, list[str]]:
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return 0, []
    files = [Path(str(found.locate_file(file))) for file in found.files or []]
    return _bytes(files), _needs(found.requires or [])


def _bytes(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc" and file.is_file())


def _needs(requirements: Iterable[str]) -> list[str]:
    """Names of the requirements that hold here, without extras."""
    parsed = map(packaging("requirements").Requirement, requirements)
    return [r.name for r in parsed if r.marker is None or r.marker.evaluate({"extra": ""})]


def packaging(module: str) -> Any:
    """A module of ``packaging``, of which pip has a copy where it is not installed."""
    try:
        return import_module(f"packaging.{module}")
    except ImportError:
        return import_module(f"pip._vendor.packaging.{module}")
