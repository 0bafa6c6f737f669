"""Which files go to the phone: all below a folder but those that ``contents.toml`` names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pins import FOLDER

LEFT_OUT = tomllib.loads((FOLDER / "contents.toml").read_text(encoding="utf-8"))


def kept(folder: Path, what: str) -> Iterator[Path]:
    """Files below a folder that go to the phone, in order; ``what`` is a table of ``contents.toml``."""
    patterns = [pattern for some in LEFT_OUT[what].values() for pattern in some]
    for path in sorted(folder.rglob("*")):
        known = path.is_file() and "__pycache__" not in path.parts
        if known and not _matches(path.relative_to(folder), patterns):
            yield path


def _matches(path: Path, patterns: Sequence[str]) -> bool:
    """Whether a pattern names the file or a folder that it is in."""
    names = [part.as_posix() for part in (path, *path.parents)]
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)
