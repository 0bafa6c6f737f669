"""Marks from another program, while a recording goes on.

One program writes to a recording. So a mark from elsewhere is a small file in a folder beside it, named
FILE.db-marks, which the recording program takes in with its next block. It holds the folder locked, so that a
mark for nobody is refused.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ecgedge.recording.database.rotation import base_of
from ecgedge.recording.database.store import hold
from ecgedge_bridge.capture.marks import LONGEST_TEXT, safe_text
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import write_atomically

__all__ = ["LONGEST_TEXT", "Felt", "MarksFolder", "post"]

_LARGEST = 4096  # bytes of a file: 200 characters, each escaped
_MOST = 20  # taken in with a block; the others come with the next
_ENDING = ".json"


class Felt(NamedTuple):
    """When something was felt, in seconds since 1970 by the machine's clock, and what."""

    utc_s: float
    text: str


class MarksFolder:
    """The folder, as the recording program holds it.

    Parameters
    ----------
    recording : Path
        What ``--record`` names.

    Raises
    ------
    ConfigError
        The folder cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> recording = Path(tempfile.mkdtemp()) / "night.db"
    >>> folder = MarksFolder(recording)
    >>> post(recording, "palpitations")
    >>> [felt.text for felt in folder.taken()]
    ['palpitations']
    >>> folder.close()
    """

    def __init__(self, recording: Path) -> None:
        self.path = _folder(recording)
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            self._fd = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise ConfigError(
                f"cannot make {self.path}: {error.strerror}: record to another folder"
            ) from error
        with suppress(OSError):  # a file system without locks: marks are taken in all the same
            hold(self._fd)

    def taken(self) -> Iterator[Felt]:
        """Yield what was marked since the last time, the earliest first."""
        try:
            # For each block of each wearable: a Path of each entry would cost thrice as much.
            with os.scandir(self.path) as found:
                names = sorted(one.name for one in found if one.name.endswith(_ENDING))
        except OSError:  # deleted meanwhile
            return
        for path in map(self.path.joinpath, names[:_MOST]):
            felt = _read(path)
            with suppress(OSError):
                path.unlink()
            if felt is not None:
                yield felt

    def close(self) -> None:
        """Let go, and remove the folder where nothing is left in it."""
        os.close(self._fd)
        with suppress(OSError):
            self.path.rmdir()


def post(recording: Path, text: str = "") -> None:
    """Mark this moment in a recording that another program makes.

    Raises
    ------
    ConfigError
        Nobody records to it, or its folder cannot be written to.
    """
    for folder in dict.fromkeys((_folder(recording), _folder(base_of(recording)))):
        if _is_held(folder):
            break
    else:
        raise ConfigError(f"nobody records to {recording}: start 'ecgedge run' with --record {recording}")
    now_s = time.time()
    data = json.dumps({"utc_s": now_s, "text": safe_text(text)})
    try:
        write_atomically(folder / f"{now_s:.6f}-{os.getpid()}{_ENDING}", data, 0o600)
    except OSError as error:
        raise ConfigError(f"cannot mark in {recording}: {error.strerror}: record as the same user") from error


def _folder(recording: Path) -> Path:
    return recording.with_name(f"{recording.name}-marks")


def _is_held(folder: Path) -> bool:
    """Whether a recording program holds the folder locked."""
    try:
        fd = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        hold(fd)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _read(path: Path) -> Felt | None:
    """Read a mark; what is none, or is not ours, is None."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(fd, "rb") as file:
            raw = json.loads(file.read(_LARGEST))
        return Felt(float(raw["utc_s"]), safe_text(str(raw["text"])))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
