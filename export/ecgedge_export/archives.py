"""Archives of strangers: nothing outside the folder, no links, no more files or bytes than were agreed on.

Sizes are counted while bytes come, never believed: half a megabyte can unpack to gigabytes. Members are
checked here, and not by ``tarfile``'s filter, which Python 3.11.3 and older lack.
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from ecgedge_bridge.errors import ConfigError, EcgEdgeError, ModelError
from ecgedge_bridge.files import open_file

_BLOCK = 1 << 18  # bytes between two looks at the limits
# What zipfile, tarfile, lzma, zlib and numpy raise over a broken file, and nothing that is a mistake here.
_BROKEN = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, OverflowError, KeyError,
    zipfile.BadZipFile, zipfile.LargeZipFile, tarfile.TarError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """Most files, and most bytes in all of them."""

    files: int
    n_bytes: int


# A bundle of the models in the package has 190 files and 6.4 MB.
BUNDLE = Limits(10_000, 512 << 20)
# A data set that says nothing of its size.
DATA = Limits(200_000, 4 << 30)


class _Budget:
    """Counts what an archive gives, and refuses what goes beyond, or leads elsewhere."""

    def __init__(self, source: Path, folder: Path, limits: Limits) -> None:
        self._source, self._folder = source, folder
        self._files, self._bytes = limits.files, limits.n_bytes
        self._limits = limits
        self._seen: set[str] = set()

    def place(self, name: str) -> Path:
        """Where a member goes."""
        path = PurePosixPath(name)
        # A backslash and a colon lead elsewhere on Windows.
        if path.is_absolute() or ".." in path.parts or not path.parts or set(name) & set("\\:\0"):
            raise ValueError(f"the name {name[:60]!r} leads out of the folder")
        if str(path) in self._seen:
            raise ValueError(f"{name[:60]!r} is there twice")
        self._seen.add(str(path))
        self._files -= 1
        if self._files < 0:
            raise ValueError(f"it holds more than {self._limits.files} files")
        return self._folder / path

    def copy(self, source: IO[bytes], target: Path) -> None:
        """Write a member, as long as there is something left of what was agreed on."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            while block := source.read(_BLOCK):
                self._bytes -= len(block)
                if self._bytes < 0:
                    raise ValueError(f"it holds more than {self._limits.n_bytes >> 20} MiB")
                file.write(block)


def unpack_zip(source: Path, folder: Path, limits: Limits = BUNDLE) -> None:
    """Unpack a zip into an empty folder.

    Raises
    ------
    ModelError
        It cannot be read, leads out of the folder, or holds more than the limits.
    """
    with _readable(source, "a folder nor a zip", ModelError), zipfile.ZipFile(source) as archive:
        budget = _Budget(source, folder, limits)
        for entry in archive.infolist():
            place = budget.place(entry.filename)
            if not entry.is_dir():
                with archive.open(entry) as member:
                    budget.copy(member, place)


def unpack_tar(source: Path, folder: Path, limits: Limits = DATA) -> None:
    """Unpack a tar, compressed or not, into an empty folder; links and devices are refused.

    Raises
    ------
    ConfigError
        As :func:`unpack_zip`.
    """
    with _readable(source, "a folder nor a tar", ConfigError), tarfile.open(source, "r|*") as archive:
        budget = _Budget(source, folder, limits)
        for entry in archive:
            if entry.isdir() and PurePosixPath(entry.name) == PurePosixPath("."):
                continue
            place = budget.place(entry.name)
            if entry.isfile():
                member = archive.extractfile(entry)
                assert member is not None
                budget.copy(member, place)
            elif not entry.isdir():
                raise ValueError(f"{entry.name[:60]!r} is neither a file nor a folder")


@contextmanager
def npz(path: Path, remedy: str) -> Iterator[np.lib.npyio.NpzFile]:
    """Open a ``.npz`` file of plain arrays; whatever is wrong with it is a ConfigError.

    Raises
    ------
    ConfigError
        It is damaged, or lacks an array.
    """
    try:
        # By our own handle: numpy leaves its own open where the archive is broken.
        with open_file(path) as file, np.load(file, allow_pickle=False) as arrays:
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise ValueError("it is no archive of arrays")
            yield arrays
    except (*_BROKEN, AttributeError, TypeError, MemoryError) as error:
        raise ConfigError(f"{path} cannot be read ({_short(error)}): {remedy}") from error


@contextmanager
def _readable(source: Path, kind: str, raised: type[EcgEdgeError]) -> Iterator[None]:
    try:
        if source.exists() and not source.is_file():  # a pipe is waited for, a device never ends
            raise ValueError("not a regular file")
        yield
    except Exception as error:  # zlib and lzma have errors of their own, and there is no list of them
        raise raised(
            f"{source} is neither {kind} that can be read ({_short(error)}): get it again"
        ) from error


def _short(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
