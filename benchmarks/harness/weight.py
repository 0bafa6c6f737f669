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
        if name in weights:
            continue
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            weights[name] = 0
            continue
        files = (Path(str(found.locate_file(file))) for file in found.files or [])
        weights[name] = sum(f.stat().st_size for f in files if f.suffix != ".pyc" and f.is_file())
        todo += _needs(found.requires or [])
    return weights


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
