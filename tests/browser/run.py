"""Run the tests in this folder in a headless Chromium: Debian's package, or any that is in the path.

Usage: python tests/browser/run.py [--install] [--require] [OPTIONS OF PYTEST]
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ecgedge.report.pdf import find_chromium

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
PACKAGES = ("chromium", "fonts-dejavu-core")
# Another apt-get may be at work, that of the nightly upgrade for example.
WAIT = ("-o", "DPkg::Lock::Timeout=300")
SKIPPED_BUT_REQUIRED = 77


class CannotRunError(Exception):
    """Something is missing; the message says what, and how to get it."""


def main(arguments: Sequence[str]) -> int:
    """Run the tests and return pytest's status; 0 where they cannot be run, unless that is required."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--install", action="store_true", help="get Chromium with apt-get, as root")
    parser.add_argument("--require", action="store_true", help="fail where the tests cannot be run")
    options, for_pytest = parser.parse_known_args(arguments)
    try:
        if find_chromium() is None:
            install(allowed=options.install)
    except CannotRunError as reason:
        bar = "=" * 100
        sys.stderr.write(f"{bar}\nSKIPPED: the tests in a browser. {reason}\n{bar}\n")
        return SKIPPED_BUT_REQUIRED if options.require else 0
    tests = [FOLDER, REPOSITORY / "tests" / "edge" / "report"]
    command = [sys.executable, "-m", "pytest", "-q", *map(str, tests), *for_pytest]
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode


def install(*, allowed: bool) -> None:
    """Get Chromium with apt-get.

    Raises
    ------
    CannotRunError
        If it may not, or it cannot be had.
    """
    packages = " ".join(PACKAGES)
    if not allowed:
        raise CannotRunError(
            f"Needed here, on Debian or one of its kin: apt-get install {packages}. "
            f"`{Path(__file__).name} --install` does it, as root."
        )
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotRunError("--install needs apt-get and root.")
    _apt("apt-get", "update", "-qq")
    _apt("apt-get", "install", *WAIT, "-qq", "--yes", "--no-install-recommends", *PACKAGES)
    if find_chromium() is None:
        raise CannotRunError(f"After apt-get install {packages} there still is no Chromium in the path.")


def _apt(*command: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRunError(f"`{shlex.join(command)}` failed: {done.stderr.strip()[-500:]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
