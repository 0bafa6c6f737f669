"""The built app as it is handed out: every file in memory, and the very bytes that were checked.

A folder that is built anew, or damaged, while it is served changes nothing of what a phone gets.
"""

from __future__ import annotations

import errno
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import open_file

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SUMS", "Asset", "BuiltApp", "read_app"]

SUMS = "SHA256SUMS"
# The app has some 20 MB in a hundred files; a zip that says more is none of ours.
_MOST_BYTES = 256 << 20
_MOST_FILES = 10_000
_MOST_SUMS = 1 << 20
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)", re.ASCII)
_GZIP = 16 + zlib.MAX_WBITS
# Broken structure, data, or numbers; a method that is not there; encryption.
_SPOILT = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError, RuntimeError, EOFError,
    ValueError, OverflowError,
)  # fmt: skip
_AGAIN = "build it anew with `make phone`, or get it again"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the app.

    Parameters
    ----------
    data : bytes
        What it holds.
    sha256 : str
        The digest of that.
    gzipped : bytes or None
        The same, compressed when the app was built.
    """

    data: bytes
    sha256: str
    gzipped: bytes | None = None


@dataclass(frozen=True, slots=True)
class BuiltApp:
    """A built app, checked.

    Parameters
    ----------
    place : Path
        The folder or zip that it came from.
    files : mapping of str to Asset
        By their names below the app's root.
    """

    place: Path
    files: Mapping[str, Asset]


class _Source(Protocol):
    """Where files are read from; ``read`` gives None where there is none of that name."""

    def read(self, name: str, most: int) -> bytes | None: ...


def read_app(place: Path) -> BuiltApp:
    """Read a built app and check every file of it.

    Parameters
    ----------
    place : Path
        A folder, or a zip of one.

    Raises
    ------
    ConfigError
        It is not the app, or a file is missing, damaged or too large; the message names it.
    OSError
        It cannot be read.
    """
    with _source(place) as source:
        sums = source.read(SUMS, _MOST_SUMS)
        if sums is None:
            raise ConfigError(f"{place} is not the phone app, it has no {SUMS}: {_AGAIN}")
        files: dict[str, Asset] = {}
        left = _MOST_BYTES
        for name, digest in _listed(place, sums).items():
            files[name] = asset = _checked(place, source, name, digest, left)
            left -= len(asset.data) + len(asset.gzipped or b"")
    if "index.html" not in files:
        raise ConfigError(f"{place} is not the phone app, it lists no index.html: {_AGAIN}")
    files[SUMS] = Asset(sums, sha256(sums).hexdigest())
    return BuiltApp(place, files)


def _listed(place: Path, sums: bytes) -> dict[str, str]:
    """Return the digest of each listed file."""
    found: dict[str, str] = {}
    for number, line in enumerate(sums.decode("utf-8", "replace").splitlines(), 1):
        parts = _LINE.fullmatch(line)
        if parts is None or not _is_inside(parts[2]) or len(found) >= _MOST_FILES:
            raise ConfigError(f"{place / SUMS}, line {number} is damaged: {_AGAIN}")
        found[parts[2].removeprefix("./")] = parts[1]
    return found


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name


def _checked(place: Path, source: _Source, name: str, digest: str, most: int) -> Asset:
    data = source.read(name, most)
    if data is None:
        raise ConfigError(f"{place / name} is missing: {_AGAIN}")
    if sha256(data).hexdigest() != digest:
        raise ConfigError(f"{place / name} is damaged: {_AGAIN}")
    gzipped = None if name.endswith(".gz") else source.read(f"{name}.gz", most - len(data))
    if gzipped is not None and not _holds(gzipped, data):
        raise ConfigError(f"{place / name}.gz is damaged: {_AGAIN}")
    return Asset(data, digest, gzipped)


def _holds(gzipped: bytes, data: bytes) -> bool:
    """Whether these bytes, unpacked, are the data; never unpacks more than that."""
    unpacking = zlib.decompressobj(_GZIP)
    try:
        found = unpacking.decompress(gzipped, len(data) + 1)
    except zlib.error:
        return False
    # An empty file: a limit of one byte is reached by none.
    return found == data and unpacking.eof


@contextmanager
def _source(place: Path) -> Iterator[_Source]:
    if place.is_dir():
        yield _Folder(place)
    elif zipfile.is_zipfile(place):
        with _spoilt(place), zipfile.ZipFile(place) as archive:
            yield _Zip(place, archive)
    else:
        raise ConfigError(f"{place} is neither a folder nor a zip: give what `make phone` has built")


class _Folder:
    def __init__(self, place: Path) -> None:
        self._place = place

    def read(self, name: str, most: int) -> bytes | None:
        """Return what a file holds."""
        try:
            with open_file(self._place / name) as file:
                data = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _bounded(self._place / name, data, most)


class _Zip:
    def __init__(self, place: Path, archive: zipfile.ZipFile) -> None:
        self._place, self._archive = place, archive
        # A folder that was packed with its own name has all one level deeper.
        lists = [name for name in archive.namelist() if PurePosixPath(name).name == SUMS]
        self._root = min(lists, key=len, default=SUMS).removesuffix(SUMS)

    def read(self, name: str, most: int) -> bytes | None:
        """Return what a file holds."""
        with _spoilt(self._place / name):
            try:
                with self._archive.open(self._root + name) as file:
                    data = file.read(most + 1)
            except KeyError:
                return None
        return _bounded(self._place / name, data, most)


@contextmanager
def _spoilt(what: Path) -> Iterator[None]:
    """Say which file is damaged; zipfile, and what unpacks, have an error for each way."""
    try:
        yield
    except _SPOILT as error:
        raise ConfigError(f"{what} is damaged: {_AGAIN}") from error
    except OSError as error:
        # Those of the disk are told as they are; bz2's have no number, and a place before the file is EINVAL.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise ConfigError(f"{what} is damaged: {_AGAIN}") from error


def _bounded(file: Path, data: bytes, most: int) -> bytes:
    if len(data) > most:
        raise ConfigError(f"{file} is too large to be of the phone app: {_AGAIN}")
    return data
