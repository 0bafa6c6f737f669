"""Writes the tables of figures, in docs/ and benchmarks/README.md, from the JSON files of the questions.

They stand between ``<!-- bench:NAME -->`` and ``<!-- /bench -->``. ``python -m benchmarks tables`` writes
them; with ``--check`` it writes nothing, and ends with 1 where a page is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness.command import Arguments
from benchmarks.harness.machine import RESULTS, ROOT
from benchmarks.tables import beats, cores, costs, endurance, firmware, phone, quantization, rhythm, scale

PAGES = (
    ROOT / "docs" / "performance.md",
    ROOT / "docs" / "accuracy.md",
    ROOT / "docs" / "phone.md",
    ROOT / "docs" / "batch.md",
    ROOT / "docs" / "gateway.md",
    ROOT / "docs" / "more-machines.md",
    ROOT / "benchmarks" / "README.md",
)
BLOCK = re.compile(r"(<!-- bench:(\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)

# In the order of the pages
TABLES: dict[str, Callable[[Path], str]] = {
    "latency": costs.latency,
    "memory": costs.memory,
    "throughput": costs.throughput,
    "cores": cores.cores,
    "firmware": firmware.firmware,
    "sinks": endurance.sinks,
    "day": endurance.day,
    "phone": phone.phone,
    "batch": scale.batch,
    "gateway": scale.gateway,
    "fleet": scale.fleet,
    "beats": beats.beats,
    "beat_classes": beats.beat_classes,
    "quantization": quantization.quantization,
    "rhythm": rhythm.rhythm,
    "robustness": rhythm.robustness,
    "boards": costs.boards,
}


def fill(text: str, results: Path) -> str:
    """The text with every table made anew.

    Raises
    ------
    KeyError
        A marker with a name that no table has.
    """
    return BLOCK.sub(lambda m: f"{m[1]}{TABLES[m[2]](results)}{m[3]}", text)


def stale() -> list[Path]:
    """Pages whose tables are not those of the JSON files."""
    return [page for page in PAGES if fill(page.read_text(), RESULTS) != page.read_text()]


def write() -> None:
    """Fill the tables of every page."""
    for page in PAGES:
        page.write_text(fill(page.read_text(), RESULTS))


def main(arguments: Arguments = None) -> int:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks tables", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing, end with 1 where one is stale")
    if not parser.parse_args(arguments).check:
        write()
        return 0
    old = stale()
    for page in old:
        print(f"the tables of {page} are stale: run python -m benchmarks tables", file=sys.stderr)
    return int(bool(old))
