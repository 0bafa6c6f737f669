"""The folder of results, held by one run at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecgedge.recording.database.store import hold
from ecgedge.scale.manifest import MANIFEST
from ecgedge.scale.parts import OutError, make_folders
from ecgedge.scale.receipts import FOLDER
from ecgedge_bridge.errors import ConfigError

__all__ = ["check_folder", "held_folder"]

_LOCK = ".lock"


@contextmanager
def held_folder(out: Path) -> Iterator[Path]:
    """Make the folder, or take one that was checked, and let no other run write to it meanwhile.

    Raises
    ------
    ConfigError
        Another run writes to it, or it cannot be made.
    """
    try:
        make_folders(out)
        handle = os.open(out / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except (OutError, OSError) as error:
        raise ConfigError(f"cannot write to {out}: {error}: choose another folder") from error
    try:
        try:
            hold(handle)
        except OSError as error:
            raise ConfigError(
                f"another run writes to {out}: wait for it, or choose another folder"
            ) from error
        _sweep(out)
        yield out
    finally:
        os.close(handle)


def check_folder(out: Path, *, resume: bool) -> None:
    """Refuse a folder that a run must not write to.

    Parameters
    ----------
    out : Path
    resume : bool
        Whether it may hold results already.

    Raises
    ------
    ConfigError
        It is a file, or holds something else.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out} is a file: give a folder")
    inside = {path.name for path in out.iterdir()} - {_LOCK} if out.is_dir() else set()
    if inside and not inside & {MANIFEST, FOLDER}:
        raise ConfigError(f"{out} holds something else: choose another folder")
    if inside and not resume:
        raise ConfigError(f"{out} holds results already: go on with --resume, or choose another folder")


def _sweep(out: Path) -> None:
    """Remove what was being written when a worker or a driver was killed."""
    for pattern in (".*.part", "*/.*.part"):
        for left in out.glob(pattern):
            left.unlink(missing_ok=True)
