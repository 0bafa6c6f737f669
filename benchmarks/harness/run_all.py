"""Asks every question, then fills the pages' tables.

What is timed has the machine to itself; the others, which count beats and rhythms, go two at a time, and so
does everything in a quick run, whose figures are rough. It ends with 1 where a target was missed or a
question failed, which is printed at the end.
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

from benchmarks.harness.command import Arguments
from benchmarks.harness.machine import ROOT
from benchmarks.tables import pages

TIMED = (
    "decode", "gatt", "faults", "soak", "latency", "memory", "throughput", "cores", "firmware",
    "quantization", "report", "batch", "phone",
)  # fmt: skip
COUNTED = ("rhythm", "beats", "robustness")  # the longest first
# Throughput has the rows of pipeline. The others take a quarter of an hour or more, whatever the machine.
LEFT_OUT = ("pipeline", "sinks", "day", "gateway", "fleet")
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Done:
    """How a question ended."""

    name: str
    seconds: float
    status: int


def run(name: str, *, quick: bool) -> Done:
    """Ask one question in a process of its own, and print what it printed once it has ended."""
    asking = [sys.executable, "-m", "benchmarks", name, *(["--quick"] if quick else [])]
    begun = time.monotonic()
    done = subprocess.run(
        asking, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=ROOT
    )
    ended = Done(name, time.monotonic() - begun, done.returncode)
    print(f"== {name}, {ended.seconds:.0f} s\n{done.stdout}", flush=True)
    return ended


def run_some(names: Sequence[str], at_once: int, *, quick: bool) -> list[Done]:
    """Ask questions in this order, some at a time."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(partial(run, quick=quick), names))


def run_all(*, quick: bool) -> list[Done]:
    """Ask every question."""
    if quick:
        return run_some(TIMED + COUNTED, AT_ONCE, quick=True)
    return run_some(TIMED, 1, quick=False) + run_some(COUNTED, AT_ONCE, quick=False)


def main(arguments: Arguments = None) -> int:
    """Ask, fill the tables, and print how long it took; 1 if something failed or a target was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks all", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="to see that all works; leaves the tables alone")
    asked = parser.parse_args(arguments)
    begun = time.monotonic()
    ended = run_all(quick=asked.quick)
    if not asked.quick:
        pages.write()
    bad = [done.name for done in ended if done.status]
    print(f"{len(ended)} questions in {(time.monotonic() - begun) / 60:.1f} min; ", end="")
    print(f"failed, or with a target missed: {', '.join(bad)}" if bad else "all ended well")
    return 1 if bad else 0
