"""axe-core, which finds faults of accessibility: got by npm once, and kept outside the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

__all__ = ["CannotHaveError", "source"]

_PACKAGE, _VERSION = "axe-core", "4.14.1"
_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
_MOST_S = 120.0


class CannotHaveError(Exception):
    """It is not here and cannot be had; the message says why."""


def source() -> str:
    """Return its code.

    Raises
    ------
    CannotHaveError
        There is no npm, or it cannot get the package.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    kept = base / "ecgedge-tests" / f"{_PACKAGE}-{_VERSION}.min.js"
    if not kept.is_file():
        _fetch(kept)
    code = kept.read_bytes()
    assert sha256(code).hexdigest() == _SHA256, f"{kept} is not {_PACKAGE} {_VERSION}: delete it"
    return code.decode()


def _fetch(kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise CannotHaveError(f"no npm to get {_PACKAGE} with")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{_PACKAGE}@{_VERSION}", "--pack-destination", folder]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=_MOST_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise CannotHaveError(f"npm did not get {_PACKAGE} within {_MOST_S:.0f} s") from None
        if done.returncode:
            raise CannotHaveError(f"npm cannot get {_PACKAGE}: {done.stderr.strip()[-200:]}")
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as packed:
            code = packed.extractfile("package/axe.min.js")
            assert code is not None
            kept.parent.mkdir(parents=True, exist_ok=True)
            # Another run may be at it too: a name is taken at once or not at all.
            fresh = kept.with_suffix(f".{os.getpid()}")
            fresh.write_bytes(code.read())
            fresh.replace(kept)
