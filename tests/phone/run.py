"""Build the phone app, and run the tests in this folder in a headless Chromium with emulated Bluetooth.

What is tested is what was built just now. The first build takes minutes, each other one seconds.

Usage: python tests/phone/run.py [--install] [--require] [OPTIONS OF PYTEST]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
sys.path.insert(0, str(REPOSITORY / "tests" / "browser"))
from chromium_package import CannotRunError, have_chromium  # noqa: E402

BUILD = REPOSITORY / "edge" / "phone" / "build" / "build.py"
BUILT = REPOSITORY / "build" / "phone"
SKIPPED_BUT_REQUIRED = 77


def main(arguments: Sequence[str]) -> int:
    """Run the tests and return pytest's status; 0 where they cannot be run, unless that is required."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--install", action="store_true", help="get what is missing with apt-get, as root")
    parser.add_argument("--require", action="store_true", help="fail where the tests cannot be run")
    options, for_pytest = parser.parse_known_args(arguments)
    try:
        have_chromium(may_install=options.install)
        build(may_install=options.install)
    except CannotRunError as reason:
        bar = "=" * 100
        sys.stderr.write(f"{bar}\nSKIPPED: the tests of the phone app. {reason}\n{bar}\n")
        return SKIPPED_BUT_REQUIRED if options.require else 0
    command = [sys.executable, "-m", "pytest", "-q", str(FOLDER), *for_pytest]
    environment = os.environ | {"ECGEDGE_PHONE_APP": str(BUILT)}
    return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode


def build(*, may_install: bool) -> None:
    """Build the app anew.

    Raises
    ------
    CannotRunError
        It cannot be built here.
    """
    command = [sys.executable, str(BUILD), "--require", *(["--install"] if may_install else [])]
    status = subprocess.run(command, cwd=REPOSITORY, check=False).returncode
    if status == SKIPPED_BUT_REQUIRED:
        raise CannotRunError("The app cannot be built here: why stands above.")
    if status:
        sys.exit(f"the phone app was not built: {BUILD.relative_to(REPOSITORY)} ended with {status}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
