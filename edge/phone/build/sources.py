"""What others made: Pyodide from npm, numpy's source from PyPI; by the clients of both, held to digests."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from needs import CannotRunError, Needs, call
from pins import CACHE, NUMPY, PYODIDE


def pyodide(needs: Needs) -> Path:
    """The folder of npm's package, unpacked."""
    name = f"pyodide-{PYODIDE['version']}"

    def get(folder: Path) -> Path:
        call(needs.npm, "pack", f"pyodide@{PYODIDE['version']}", "--pack-destination", folder, cwd=folder)
        return folder / f"{name}.tgz"

    return unpacked(f"{name}.tgz", PYODIDE["sha256"], get) / "package"


def numpy(python: Path) -> Path:
    """The folder of numpy's source distribution, unpacked."""
    name = f"numpy-{NUMPY['version']}"

    def get(folder: Path) -> Path:
        # pip would prepare the package's metadata, which configures all of numpy for this machine: minutes.
        index = os.environ.get("PIP_INDEX_URL")
        where = ["--index-url", index] if index else []
        call(
            python, "-m", "unearth", "--no-binary", "--download", folder, *where, f"numpy=={NUMPY['version']}"
        )
        return folder / f"{name}.tar.gz"

    return unpacked(f"{name}.tar.gz", NUMPY["sha256"], get) / name


def unpacked(name: str, sha256: str, get: Callable[[Path], Path]) -> Path:
    """A folder with an archive's content, downloaded and unpacked once.

    Raises
    ------
    CannotRunError
        It is not the archive that was expected.
    """
    target = CACHE / f"{name}-{sha256[:12]}"
    if not target.is_dir():
        sys.stderr.write(f"download: {name}\n")
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="half-", dir=CACHE) as half:
            archive = get(Path(half))
            if (found := hashlib.sha256(archive.read_bytes()).hexdigest()) != sha256:
                raise CannotRunError(
                    f"{name} has sha256 {found}, and {sha256} is pinned: somebody changed what is behind the "
                    "name. Look at it before edge/phone/build/pins.toml is changed."
                )
            with tarfile.open(archive) as file:
                file.extractall(Path(half) / "content", filter="data")
            put(Path(half) / "content", target)
    return target


def put(half: Path, target: Path) -> None:
    """Bring a finished folder to its place; another build may have been faster."""
    try:
        half.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(half)
