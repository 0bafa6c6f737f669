"""A recording as files of this machine: where it is, or a copy that goes when it was read."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from ecgedge.recording.readers.wfdb_record import header_of
from ecgedge.recording.wfdb.header import NULL, read_header
from ecgedge.scale.places import Input, filesystem, is_remote, shown, state_of
from ecgedge_bridge.errors import ConfigError, EcgEdgeError

__all__ = ["FetchError", "Local", "beside", "files_of", "local_files"]

_CHUNK = 1 << 20
_BLOCK = 8 << 20  # of a request: a day of ECG takes some ten of them
_PAUSES_S = (
    1.0,
    4.0,
)  # before the second and the third attempt: what a store asks of those that it slows down
_LEAST_FREE = 256 << 20  # what a copy leaves of the disk that others work on


class FetchError(EcgEdgeError):
    """A remote recording that could not be copied: another time it may be."""


@dataclass(slots=True)
class Local:
    """A recording on this machine.

    Parameters
    ----------
    path : Path
        What the reader opens.
    files : dict of str to Path
        Every file of it, by where it came from.
    states : dict of str to str
        See :func:`ecgedge.scale.places.state_of`.
    """

    path: Path
    files: dict[str, Path] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)


@contextmanager
def local_files(given: Input, most_bytes: int, scratch: Path | None = None) -> Iterator[Local]:
    """Give a recording as local files; copies are removed at the end.

    Parameters
    ----------
    given : Input
    most_bytes : int
        Of all copies together.
    scratch : Path, optional
        Where copies are made.

    Raises
    ------
    FetchError
        It could not be copied.
    ConfigError
        It is no regular file, or larger than that.
    """
    if not is_remote(given.path):
        path = Path(given.path)
        if path.exists() and not path.is_file():
            raise ConfigError(f"{given.name} is no regular file: name a file")
        files = {str(file): file for file in files_of(path) if file.is_file()}
        yield Local(path, files, {name: state_of(name) for name in files})
        return
    with tempfile.TemporaryDirectory(prefix="ecgedge-", dir=scratch) as folder:
        copies = _Copies(Path(folder), most_bytes)
        yield Local(copies.take(given.path), copies.files, copies.states)


def files_of(path: Path) -> list[Path]:
    """Return all files of a local recording: of a WFDB record its signals too, of a database its journal.

    A header that cannot be read is alone; the reader says what is wrong with it.

    Examples
    --------
    >>> files_of(Path("a.csv"))
    [PosixPath('a.csv')]
    """
    try:
        header = header_of(path)
        if header is None:
            journal = path.with_name(path.name + "-wal")
            return [path, journal] if path.suffix.lower() == ".db" and journal.is_file() else [path]
        return [header, *(header.with_name(name) for name in _named_by(header))]
    except ConfigError:
        return [path]


def _named_by(header: Path, *, segments: bool = True) -> list[str]:
    """Names of the files that a header names: its signals; its segments' headers, and what these name."""
    found = read_header(header)
    names = [one.file for one in found.signals if one.file != NULL]
    parts = [f"{one.name}.hea" for one in found.segments if one.name != NULL and segments]
    for part in dict.fromkeys(parts):
        names.append(part)
        if header.with_name(part).is_file():  # a segment has none itself
            names += _named_by(header.with_name(part), segments=False)
    return list(dict.fromkeys(names))


class _Copies:
    """Copies of the files of one remote recording in a folder."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder, self._left, self._most = folder, most_bytes, most_bytes
        self.files: dict[str, Path] = {}
        self.states: dict[str, str] = {}

    def take(self, address: str) -> Path:
        """Copy a recording, and return the file that the reader opens."""
        name = PurePosixPath(urlsplit(address).path if address.startswith("http") else address)
        if name.suffix.lower() in (".dat", ".mat"):
            address = beside(address, f"{name.stem}.hea")
        main = self._copy(address)
        if main.suffix.lower() == ".db" and _exists(journal := beside(address, f"{main.name}-wal")):
            self._copy(journal)
        have = {main.name}
        # Twice: what the headers of segments name is known when these are there.
        for _ in range(2 if main.suffix.lower() == ".hea" else 0):
            for one in _named_or_none(main):
                if one not in have:
                    have.add(one)
                    self._copy(beside(address, one))
        return main

    def _copy(self, address: str) -> Path:
        for pause_s in (*_PAUSES_S, None):
            try:
                return self._copy_once(address)
            except EcgEdgeError:
                raise
            except Exception as error:  # each store's library has its own
                if _is_missing(error):
                    raise ConfigError(f"no such file: {shown(address)}: check the address") from None
                if pause_s is None or isinstance(error, PermissionError):
                    raise FetchError(
                        f"cannot fetch {shown(address)}: {_why(error, address)}: "
                        "check the network and your credentials"
                    ) from None
                time.sleep(pause_s)
        raise AssertionError

    def _copy_once(self, address: str) -> Path:
        files, path = filesystem(address)
        state = state_of(address)
        size = files.info(path).get("size")
        self._check(address, size or 0)
        # Nothing but a plain last part of its name, which readers look at for the ending.
        name = PurePosixPath(urlsplit(address).path if address.startswith("http") else path).name
        target = self._folder / (name.replace("\0", "")[-200:] or "recording")
        copied = 0
        with files.open(path, "rb", block_size=_BLOCK) as source, target.open("wb") as out:
            while chunk := source.read(_CHUNK):
                copied += len(chunk)
                self._check(address, copied)
                out.write(chunk)
        if size is not None and copied != size:
            raise OSError(f"{copied} of {size} bytes came")
        self._left -= copied
        self.files[shown(address)] = target
        self.states[shown(address)] = state
        return target

    def _check(self, address: str, size: int) -> None:
        if size > self._left:
            raise ConfigError(
                f"{shown(address)} is larger than the {self._most / 1e9:.3g} GB that are copied: "
                "allow more with --most-gb, or copy it to a disk yourself"
            )
        if shutil.disk_usage(self._folder).free < _LEAST_FREE:
            raise FetchError(f"no room for a copy of {shown(address)}: free some space for temporary files")


def _is_missing(error: Exception) -> bool:
    """Whether a store says that there is no such file; of a web server, fsspec says so of every failure."""
    cause = error.__cause__
    return isinstance(error, FileNotFoundError) and (cause is None or getattr(cause, "status", None) == 404)


def _why(error: Exception, address: str) -> str:
    """Put a failure into words, without what would open the address."""
    cause = error.__cause__ or error
    if status := getattr(cause, "status", None):  # its words have the whole address in them
        return f"the server answers {status}"
    return str(cause).replace(address, shown(address)) or type(cause).__name__


def _named_or_none(header: Path) -> list[str]:
    try:
        return _named_by(header)
    except ConfigError:  # the reader says what is wrong with it
        return []


def beside(address: str, name: str) -> str:
    """Return the address of another file in the same folder.

    Examples
    --------
    >>> beside("s3://study/mitdb/100.hea", "100.dat")
    's3://study/mitdb/100.dat'
    """
    if address.startswith("http"):
        scheme, host, path, query, _ = urlsplit(address)
        return urlunsplit((scheme, host, path.rpartition("/")[0] + "/" + name, query, ""))
    return address.rpartition("/")[0] + "/" + name


def _exists(address: str) -> bool:
    files, path = filesystem(address)
    try:
        return bool(files.exists(path))
    except Exception:  # each store's library has its own; the file itself was there
        return False
