"""Recordings of a folder, of any form that :func:`ecgedge.read` knows, to be embedded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge.recording.load import load
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.external import records

_MOST_FILES = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A recording of a folder: its path from there (without suffix where it is a WFDB record)."""

    id: str
    mv: npt.NDArray[np.float32]
    fs: float


def found(folder: Path, log: Callable[[str], None], channel: str | int | None = None) -> Iterator[Found]:
    """Read what can be read in a folder and below, or one file; what cannot is told, and left out.

    Raises
    ------
    ConfigError
        There is no such folder, or nothing in it can be read.
    """
    if not folder.exists():
        raise ConfigError(f"no such folder or data set: {folder}; see 'ecgedge-export data list'")
    read = 0
    for name, path in _candidates(folder):
        try:
            recording = load(path, channel=channel)
        except ConfigError as error:
            log(f"left out: {error}")
            continue
        read += 1
        yield Found(name, recording.mv, recording.fs)
    if not read:
        raise ConfigError(f"nothing in {folder} can be read: name a folder with recordings")


def _candidates(folder: Path) -> Iterator[tuple[str, Path]]:
    if folder.is_file():
        yield folder.stem if folder.suffix == ".hea" else folder.name, folder
        return
    files = []
    for path in folder.rglob("*"):
        if path.is_file():
            files.append(path)
        if len(files) > _MOST_FILES:
            raise ConfigError(f"{folder} holds more than {_MOST_FILES:,} files: name a folder below it")
    headers = {path for path in files if path.suffix == ".hea"}
    if headers:
        for name in records.names(folder):
            yield name, folder / f"{name}.hea"
    # Beside a header lie its signal and annotations, which belong to it.
    stems = {path.with_suffix("") for path in headers}
    for path in sorted(set(files) - headers):
        if path.with_suffix("") not in stems and not path.name.startswith("."):
            yield path.relative_to(folder).as_posix(), path
