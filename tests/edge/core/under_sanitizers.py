"""The compiled core with sanitizers: misused, fed with adversarial signal, and through its own tests.

Usage: python tests/edge/core/under_sanitizers.py [--samples N] [--calls N] [--tests]

Ends with status 1 where AddressSanitizer or UndefinedBehaviorSanitizer has found something, an error came up,
or the events are not those of the core without sanitizers, bit for bit; 0 where nothing can be sanitized.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sanitized import absent, build, run

EDGE = Path(__file__).resolve().parents[1]
ROOMS = ("arithmetic", "artefacts", "beat_classes", "beats", "gate", "hrv", "stream")
FINDINGS = 6000  # characters: a finding with where it came from


def steps(asked: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """What is run: a name and arguments for Python."""
    here = EDGE / "core"
    yield "every function", [str(here / "misuse.py"), "--count", str(asked.calls), "--seed", "1"]
    yield (
        "networks",
        [str(here / "misuse.py"), "--only", "Net8", "--count", str(asked.calls // 20), "--seed", "2"],
    )
    if asked.tests:
        rooms = [str(EDGE / room) for room in ROOMS]
        yield "tests", ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *rooms]


def monitor(samples: int) -> list[str]:
    """Arguments for adversarial signal through a monitor that runs in C as far as that goes."""
    return [str(EDGE / "fuzz.py"), "--count", str(samples), "--backend", "core"]


def digest(output: str) -> str:
    """Of the events, from what fuzz.py says."""
    return output.strip().rpartition(" ")[2]


def main() -> int:
    """Run all, print what each said; 1 for a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000_000, help="of adversarial signal")
    parser.add_argument("--calls", type=int, default=1_000_000, help="of functions")
    parser.add_argument("--tests", action="store_true", help="the tests of the rooms that run in C, too")
    asked = parser.parse_args()
    if reason := absent():
        sys.stdout.write(f"sanitizers: left out ({reason})\n")
        return 0
    failed = 0
    with tempfile.TemporaryDirectory() as work:
        folder = build(Path(work))
        for name, arguments in steps(asked):
            failed |= said(name, run(folder, *arguments))
        # New memory holds something else than before: whoever reads what nobody wrote finds other events.
        sanitized = run(folder, *monitor(asked.samples), fill=0xFF)
        failed |= said("monitor", sanitized)
    # Python's own memory, whose free lists malloc would count as leaks.
    failed |= said("leaks", ordinary(str(EDGE / "core" / "misuse.py"), "--count", "1000", "--leaks", "2000"))
    plain = ordinary(*monitor(asked.samples))
    failed |= said("monitor without sanitizers", plain)
    if digest(plain.stdout) != digest(sanitized.stdout):
        sys.stdout.write("the events differ\n")
        failed = 1
    return failed


def ordinary(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The same on the core as it is installed."""
    return subprocess.run(
        [sys.executable, *arguments], env=os.environ | {"ECGEDGE_CORE": "c"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def said(name: str, ended: subprocess.CompletedProcess[str]) -> int:
    """Print what a step said; 1 where it failed."""
    found = ended.stderr[:FINDINGS] if ended.returncode else ""
    sys.stdout.write(
        f"{time.strftime('%H:%M')} {name}: status {ended.returncode}\n{ended.stdout[-FINDINGS:]}{found}\n"
    )
    sys.stdout.flush()
    return int(ended.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
