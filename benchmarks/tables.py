"""Writes the README's tables of figures from the JSON files of the benchmarks.

They stand between ``<!-- bench:NAME -->`` and ``<!-- /bench -->``. Run ``python benchmarks/tables.py`` after
the benchmarks; with ``--check`` it writes nothing, and ends with 1 where the README is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

import tables_of_beats
import tables_of_costs
import tables_of_quantization
import tables_of_rhythm

HERE = Path(__file__).parent
README, RESULTS = HERE.parent / "README.md", HERE / "results"
_BLOCK = re.compile(r"(<!-- bench:(\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)

# In the order of the README
TABLES: dict[str, Callable[[Path], str]] = {
    "latency": tables_of_costs.latency,
    "memory": tables_of_costs.memory,
    "throughput": tables_of_costs.throughput,
    "beats": tables_of_beats.beats,
    "beat_classes": tables_of_beats.beat_classes,
    "quantization": tables_of_quantization.quantization,
    "rhythm": tables_of_rhythm.rhythm,
    "robustness": tables_of_rhythm.robustness,
    "boards": tables_of_costs.boards,
}


def fill(text: str, results: Path) -> str:
    """The text with every table made anew.

    Raises
    ------
    KeyError
        A marker with a name that no table has.
    """
    return _BLOCK.sub(lambda m: f"{m[1]}{TABLES[m[2]](results)}{m[3]}", text)


def write() -> None:
    """Fill the README's tables."""
    README.write_text(fill(README.read_text(), RESULTS))


def main() -> int:
    """Write or check the README."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, end with 1 where it is stale")
    if not parser.parse_args().check:
        write()
        return 0
    old = README.read_text()
    stale = fill(old, RESULTS) != old
    if stale:
        print("the README's tables are stale: run python benchmarks/tables.py", file=sys.stderr)
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
