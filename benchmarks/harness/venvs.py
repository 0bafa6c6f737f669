"""Environments with other people's packages, made in the user's cache at their first use."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness.machine import cache_dir
from benchmarks.harness.not_measured import NotMeasuredError
from benchmarks.harness.processes import last_line, run

# A first installation downloads some hundred MB.
_INSTALL_S = 1200


def python_with(*requirements: Path) -> Path:
    """Python of an environment with these requirements files, all of them together.

    Raises
    ------
    NotMeasuredError
        They cannot be installed: no network, or no files for this Python or machine.
    """
    wanted = b"".join(path.read_bytes() for path in requirements)
    key = f"{platform.python_version()} {platform.machine()}\n".encode() + wanted
    folder = cache_dir() / "bench-env" / hashlib.sha256(key).hexdigest()[:16]
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.is_file():
        print(f"installing {_names(requirements)} into {folder}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        install(folder, python, requirements)
        ready.touch()
    return python


def install(folder: Path, python: Path, requirements: Sequence[Path]) -> None:
    """Make an environment, whole or not at all.

    Raises
    ------
    NotMeasuredError
        It cannot be made.
    """
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "--retries", "1", "install"]
    files = [part for path in requirements for part in ("--requirement", path)]
    try:
        venv.create(folder, with_pip=True)
        run([*pip, "--prefer-binary", *files], dict(os.environ), _INSTALL_S)
    except (NotMeasuredError, OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        why = last_line(str(error))
        raise NotMeasuredError(f"{_names(requirements)} could not be installed: {why}") from error


def _names(requirements: Sequence[Path]) -> str:
    """Files of one name lie in folders that tell what they are for."""
    return ", ".join(f"{path.parent.name}/{path.name}" for path in requirements)
