"""What an installation weighs: a distribution and all that it needs, in the environment that runs this."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from pathlib import Path


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
    try:
        from packaging.requirements import Requirement
    except ImportError:  # pip has a copy of its own
        from pip._vendor.packaging.requirements import Requirement  # type: ignore[assignment]
    parsed = map(Requirement, requirements)
    return [r.name for r in parsed if r.marker is None or r.marker.evaluate({"extra": ""})]
