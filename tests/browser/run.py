"""Run the tests in this folder in a headless Chromium: Debian's package, or any that is in the path.

Usage: python tests/browser/run.py [--install] [--require] [OPTIONS OF PYTEST]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from chromium_package import CannotRunError, have_chromium

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
SKIPPED_BUT_REQUIRED = 77


def main(arguments: Sequence[str]) -> int:
    """Run the tests and return pytest's status; 0 where they cannot be run, unless that is required."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--install", action="store_true", help="get Chromium with apt-get, as root")
    parser.add_argument("--require", action="store_true", help="fail where the tests cannot be run")
    options, for_pytest = parser.parse_known_args(arguments)
    try:
        have_chromium(may_install=options.install)
    except CannotRunError as reason:
        bar = "=" * 100
        sys.stderr.write(f"{bar}\nSKIPPED: the tests in a browser. {reason}\n{bar}\n")
        return SKIPPED_BUT_REQUIRED if options.require else 0
    tests = [FOLDER, REPOSITORY / "tests" / "edge" / "report"]
    command = [sys.executable, "-m", "pytest", "-q", *map(str, tests), *for_pytest]
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
