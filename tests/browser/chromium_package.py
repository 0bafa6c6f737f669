"""Chromium, from Debian's package."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess

from ecgedge.report.pdf import find_chromium

__all__ = ["CannotRunError", "have_chromium"]

PACKAGES = ("chromium", "fonts-dejavu-core")
# Another apt-get may be at work, that of the nightly upgrade for example.
WAIT = ("-o", "DPkg::Lock::Timeout=300")


class CannotRunError(Exception):
    """Something is missing; the message says what, and how to get it."""


def have_chromium(*, may_install: bool) -> None:
    """Get Chromium with apt-get, unless it is there.

    Raises
    ------
    CannotRunError
        If it may not, or it cannot be had.
    """
    if find_chromium() is not None:
        return
    packages = " ".join(PACKAGES)
    if not may_install:
        raise CannotRunError(
            f"Needed here, on Debian or one of its kin: apt-get install {packages}. "
            "--install does it, as root."
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
