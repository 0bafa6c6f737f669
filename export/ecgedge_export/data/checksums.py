"""PhysioNet's ``SHA256SUMS.txt``: which files a release has, and whether those at hand are the ones."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data.dataset import Dataset

SUMS = "SHA256SUMS.txt"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found: names of files that are right, different, and not there."""

    good: tuple[str, ...]
    wrong: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every file is there and right."""
        return not self.wrong and not self.missing


def parse_sums(text: str) -> dict[str, str]:
    """Read lines of ``<sha256> <path>``: path to digest, in their order.

    Raises
    ------
    ConfigError
        A line is no such line, or its path leads out of the folder.

    Examples
    --------
    >>> list(parse_sums("a" * 64 + "  100.dat"))
    ['100.dat']
    """
    sums = {}
    for line in filter(str.strip, text.splitlines()):
        digest, _, name = line.strip().partition(" ")
        name = name.lstrip(" *")
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef") or not _stays_inside(name):
            raise ConfigError(f"{SUMS} has the line {line[:90]!r}, which is no checksum: fetch it again")
        sums[name] = digest
    return sums


def wanted(sums: Mapping[str, str], patterns: Sequence[str]) -> dict[str, str]:
    """Return the entries whose path matches one of the shell patterns (``*`` also matches a slash)."""
    return {n: d for n, d in sums.items() if any(fnmatch.fnmatchcase(n, p) for p in patterns)}


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(
    dataset: Dataset, only: Sequence[str] = (), step: Callable[[int, int], None] | None = None
) -> Verdict:
    """Compare the files at hand with the release's checksums.

    Parameters
    ----------
    dataset : Dataset
        One that is at hand.
    only : sequence of str
        Shell patterns of the files to look at; those that the adapter needs without any.
    step : callable, optional
        Called with (files done, files in all).

    Raises
    ------
    ConfigError
        The data set or its list of checksums is not at hand.
    """
    folder = dataset.folder()
    lists = sorted(folder.rglob(SUMS), key=lambda p: len(p.parts))
    if not lists:
        raise ConfigError(
            f"no {SUMS} in {folder}, so there is nothing to compare with: "
            f"'ecgedge-export data fetch {dataset.name}' brings it, or take it from {dataset.page}"
        )
    sums = wanted(parse_sums(_text(lists[0])), only or dataset.files)
    return _compared(lists[0].parent, sums, step)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no text ({error.reason}): fetch it again") from error


def _compared(root: Path, sums: Mapping[str, str], step: Callable[[int, int], None] | None) -> Verdict:
    found: dict[str, list[str]] = {"good": [], "wrong": [], "missing": []}
    for done, (name, state) in enumerate(_states(root, sums), 1):
        found[state].append(name)
        if step:
            step(done, len(sums))
    return Verdict(*(tuple(names) for names in found.values()))


def _states(root: Path, sums: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, digest in sums.items():
        path = root / name
        yield name, "missing" if not path.is_file() else "good" if sha256(path) == digest else "wrong"


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
