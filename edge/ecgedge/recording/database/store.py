"""The SQLite file: its tables, who may write to it, and errors in words.

A stream is kept as *pieces*: each second of it is committed as one, and each full minute is packed into one,
which takes a third of the space. So a crash loses a second at most, and what was committed stays whole:
SQLite writes ahead to a log beside the file (``-wal``) and syncs it at each commit. The writer holds a lock
on another file beside it (``.lock``), which the system lets go when the process ends, however it ends;
readers need none.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import open_file

__all__ = ["APPLICATION", "MAGIC", "SUFFIX", "Lock", "connect", "errors", "is_recording"]

SUFFIX = ".db"
MAGIC = b"SQLite format 3\x00"
APPLICATION = 0x45434745  # "ECGE": in the header of each of our files
VERSION = 1
# What takes a file from each version to the next. Add to the end; never change what was released.
_MIGRATIONS = (
    """
    CREATE TABLE session (
        id INTEGER PRIMARY KEY,
        started_utc REAL NOT NULL,   -- wall clock at the first block
        last_utc REAL NOT NULL,      -- the same at the last commit
        first INTEGER NOT NULL,      -- index of the first sample, in the file's own count
        end INTEGER NOT NULL,        -- index behind the last one
        fs REAL NOT NULL,
        facts TEXT NOT NULL          -- JSON: device, versions of package and models, what it goes on from
    );
    CREATE TABLE piece (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES session (id),
        first INTEGER NOT NULL,
        end INTEGER NOT NULL,
        packed INTEGER NOT NULL,     -- 0: a second, 1: a minute
        signal BLOB NOT NULL,        -- see journal.py
        events BLOB NOT NULL
    );
    CREATE INDEX piece_by_sample ON piece (first, end);
    CREATE INDEX piece_to_pack ON piece (id) WHERE packed = 0;
    """,
)
_BUSY_S = 5.0  # a reader may hold a page for as long as a backup takes


def is_recording(path: Path) -> bool:
    """Whether a file is of SQLite: by its first bytes."""
    try:
        with open_file(path) as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


class Lock:
    """The right to write to a file.

    Raises
    ------
    ConfigError
        Another program holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.lock")
        with errors(path):
            self._file: IO[bytes] | None = os.fdopen(
                os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b"
            )
        try:
            hold(self._file)
        except OSError as error:
            self._file.close()
            raise ConfigError(
                f"{path} is being recorded by another program: stop it, or choose another file"
            ) from error

    def release(self) -> None:
        """Let go; the file stays, so that nobody locks one that is just being deleted."""
        if self._file is not None:
            self._file.close()
            self._file = None


def hold(file: IO[bytes] | int) -> None:
    """Lock an open file or folder for this program; OSError: another one holds it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file if isinstance(file, int) else file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def connect(path: Path, *, write: bool = False) -> sqlite3.Connection:
    """Open a recording.

    Parameters
    ----------
    path : Path
    write : bool
        Make it where it is not there, for its owner alone, and bring it to the newest version.

    Raises
    ------
    ConfigError
        It is no recording, of a later version, damaged, or cannot be read or written.
    """
    with errors(path):
        if write:
            with suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        elif not path.is_file():
            raise ConfigError(f"no such recording: {path}: check the path")
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'rw' if write else 'ro'}",
            uri=True,
            timeout=_BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )
    try:
        with errors(path):
            _prepare(db, path, write=write)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: Path, *, write: bool) -> None:
    (application,), (version,) = (
        db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    fresh = version == 0 and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not fresh and application != APPLICATION:
        raise ConfigError(f"{path} is a database, but no recording of ecgedge: choose another file")
    if version > VERSION:
        raise ConfigError(f"{path} is of a later version ({version}): update ecgedge")
    if not write:
        if fresh:
            raise ConfigError(f"{path} holds nothing yet: record something first")
        return
    db.execute("PRAGMA journal_mode = WAL")
    # A commit waits for the disk: a power cut loses no more than a crash of this program does.
    db.execute("PRAGMA synchronous = FULL")
    # A second takes three pages of the log, so it goes into the file each minute or so: on a disk that is
    # nearly full, a log of the usual four megabytes would be what fills it.
    db.execute("PRAGMA wal_autocheckpoint = 200")
    db.execute("PRAGMA journal_size_limit = 1048576")
    # In kB. A recorder reads again what it wrote in the last minute; the usual two megabytes fill with all
    # that it wrote in the last hour, which in a ward of 200 is 400 MB.
    db.execute("PRAGMA cache_size = -128")
    for number, statements in enumerate(_MIGRATIONS[version:], version + 1):
        marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {number};"
        db.executescript(f"BEGIN; {statements} {marks} COMMIT;")


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say into ConfigError."""
    try:
        yield
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: {_words(error)}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot open {path}: {why}: check the folder and its permissions") from error


def _words(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return "the disk is full: make room; what could not be written yet is kept for a while"
    if "not a database" in text or "malformed" in text:
        return f"it is damaged ({text}): take it from a backup, or record to another file"
    if "locked" in text:
        return "another program holds it: close that one"
    return f"{text}: check the disk and the permissions of the folder"
