"""``python -m benchmarks NAME [--quick]`` asks one question, ``all`` all of them, ``tables`` fills pages."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks import questions
from benchmarks.harness import run_all
from benchmarks.tables import pages


def main(arguments: Sequence[str]) -> int:
    """Do what the first argument names, with the others as its own; its exit status."""
    commands = {"all": run_all.main, "tables": pages.main}
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if name in commands:
        return commands[name](rest)
    if name in questions.names():
        return questions.get(name)(rest)
    known = ", ".join([*questions.names(), *commands])
    print(
        f"usage: python -m benchmarks NAME [--quick] [--help], where NAME is one of {known}", file=sys.stderr
    )
    return 0 if name in ("-h", "--help") else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
