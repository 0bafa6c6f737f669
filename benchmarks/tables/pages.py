"""Writes the tables of figures, in README.md and benchmarks/README.md, from the JSON files of the benchmarks.

They stand between ``<!-- bench:NAME -->`` and ``<!-- /bench -->``. Run ``python benchmarks/tables.py`` after
the benchmarks; with ``--check`` it writes nothing, and ends with 1 where a page is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.tables import beats as tables_of_beats
from benchmarks.tables import costs as tables_of_costs
from benchmarks.tables import quantization as tables_of_quantization
from benchmarks.tables import rhythm as tables_of_rhythm

HERE = Path(__file__).parent
PAGES, RESULTS = (HERE.parent / "README.md", HERE / "README.md"), HERE / "results"
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


def stale() -> list[Path]:
    """Pages whose tables are not those of the JSON files."""
    return [page for page in PAGES if fill(page.read_text(), RESULTS) != page.read_text()]


def write() -> None:
    """Fill the tables of every page."""
    for page in PAGES:
        page.write_text(fill(page.read_text(), RESULTS))


def main() -> int:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, end with 1 where one is stale")
    if not parser.parse_args().check:
        write()
        return 0
    old = stale()
    for page in old:
        print(f"the tables of {page} are stale: run python benchmarks/tables.py", file=sys.stderr)
    return int(bool(old))


if __name__ == "__main__":
    sys.exit(main())
