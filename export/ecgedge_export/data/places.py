"""Where data sets are: folders and archives in the data roots, and the user's cache."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.archives import DATA, Limits, unpack_tar


def cache_dir() -> Path:
    """Folder for unpacked archives and prepared signals, where the system keeps caches of users."""
    return platformdirs.user_cache_path("ecgedge")


def data_roots() -> list[Path]:
    """Where data sets are looked for, in order: ``$ECGEDGE_DATA``, ``../shared/data``, the user's cache."""
    named = os.environ.get("ECGEDGE_DATA")
    return [*([Path(named)] if named else []), Path("../shared/data"), cache_dir() / "data"]


def locate(archive: str, *folders: str) -> Path | None:
    """Path of the first of ``folders``, or of ``archive.tar.xz``, in the first root that has one."""
    for root in data_roots():
        for path in (*(root / folder for folder in folders), root / f"{archive}.tar.xz"):
            if path.is_dir() or path.is_file():
                return path
    return None


def find(archive: str, *folders: str, limits: Limits = DATA) -> Path:
    """Return the folder of a data set, unpacking its archive into the cache the first time.

    Parameters
    ----------
    archive : str
        Name of a ``.tar.xz`` without its suffix; inside is one folder, the first of ``folders``.
    *folders : str
        Names under which the data set may lie in a root.
    limits : Limits
        Most that the archive may unpack to.

    Raises
    ------
    ConfigError
        The data set is in none of the roots, or its archive is damaged or holds more than that.
    """
    path = locate(archive, *folders)
    if path is None:
        raise ConfigError(
            f"data set {archive!r} is not in {', '.join(map(str, data_roots()))}: see "
            "'ecgedge-export data list' and fetch it, or point ECGEDGE_DATA at the folder that holds it"
        )
    return path if path.is_dir() else _unpacked(path, folders[0], limits)


def _unpacked(archive: Path, folder: str, limits: Limits) -> Path:
    target = cache_dir() / "data" / folder
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as part:
            unpack_tar(archive, Path(part), limits)
            if not (Path(part) / folder).is_dir():
                raise ConfigError(f"{archive} holds no folder {folder!r}: get it again")
            # Whole or not at all; not synced file by file, since the archive is still there.
            (Path(part) / folder).rename(target)
    return target
