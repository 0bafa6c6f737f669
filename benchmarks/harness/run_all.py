"""Runs every benchmark, then fills the README's tables.

What is timed has the machine to itself; the others, which count beats and rhythms, go two at a time, and so
does everything in a quick run, whose figures are rough. Run ``python benchmarks/run_all.py [--quick]``; it
ends with 1 where a target was missed or a benchmark failed, which is said at the end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from benchmarks.harness import common
from benchmarks.tables import pages as tables

TIMED = ("decode", "gatt", "faults", "soak", "latency", "memory", "throughput", "quantization")
COUNTED = ("rhythm", "beats", "robustness")  # the longest first
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Done:
    """How a benchmark ended."""

    name: str
    seconds: float
    status: int


def run(name: str, *, quick: bool) -> Done:
    """Run one benchmark, and print what it printed once it has ended."""
    command = [sys.executable, str(common.HERE / f"{name}.py"), *(["--quick"] if quick else [])]
    begun = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    ended = Done(name, time.monotonic() - begun, done.returncode)
    print(f"== {name}, {ended.seconds:.0f} s\n{done.stdout}", flush=True)
    return ended


def run_some(names: Sequence[str], at_once: int, *, quick: bool) -> list[Done]:
    """Run benchmarks in this order, some at a time."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(partial(run, quick=quick), names))


def run_all(*, quick: bool) -> list[Done]:
    """Run every benchmark."""
    if quick:
        return run_some(TIMED + COUNTED, AT_ONCE, quick=True)
    return run_some(TIMED, 1, quick=False) + run_some(COUNTED, AT_ONCE, quick=False)


def main() -> int:
    """Run, fill the tables, and say how long it took; 1 if something failed or a target was missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="to see that all works; leaves the tables alone")
    asked = parser.parse_args()
    begun = time.monotonic()
    ended = run_all(quick=asked.quick)
    if not asked.quick:
        tables.write()
    bad = [done.name for done in ended if done.status]
    print(f"{len(ended)} benchmarks in {(time.monotonic() - begun) / 60:.1f} min; ", end="")
    print(f"failed, or with a target missed: {', '.join(bad)}" if bad else "all ended well")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
