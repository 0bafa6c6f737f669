"""Arguments, JSON and exit status, the same for every question."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness.machine import RESULTS, environment

Arguments = Sequence[str] | None


def parser(doc: str | None, name: str) -> argparse.ArgumentParser:
    """Arguments that every question takes; a quick run is kept apart from what the pages show."""
    made = argparse.ArgumentParser(
        prog=f"python -m benchmarks {name}", description=(doc or "").splitlines()[0]
    )
    made.add_argument("--quick", action="store_true", help="short, to see that all works; figures are rough")
    made.add_argument(
        "--out", type=Path, help=f"where the JSON goes; default: benchmarks/results/{name}.json"
    )
    made.set_defaults(name=name)
    return made


def described(asked: argparse.Namespace) -> dict[str, Any]:
    """The environment of a question with these arguments."""
    return environment(f"python -m benchmarks {asked.name}{' --quick' * asked.quick}", asked.quick)


def write(asked: argparse.Namespace, found: Mapping[str, Any], measured: Mapping[str, Any]) -> Path:
    """Write what was found and the environment, described before it was measured, as JSON."""
    kept = RESULTS / "quick" if asked.quick else RESULTS
    out: Path = asked.out or kept / f"{asked.name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"environment": measured, **found}, indent=2) + "\n")
    print(f"written to {out}", file=sys.stderr)
    return out


def verdict(asked: argparse.Namespace, targets: Mapping[str, Any]) -> int:
    """Print which targets were missed; 1 if any, and it was no quick run."""
    print(f"targets missed: {', '.join(targets['missed']) or 'none'}")
    return int(bool(targets["missed"]) and not asked.quick)


def answer(
    doc: str | None,
    name: str,
    measure: Callable[[bool], dict[str, Any]],
    show: Callable[[dict[str, Any]], None],
    arguments: Arguments = None,
) -> int:
    """Measure, quickly if asked to, print and write; 1 if a target was missed, and it was no quick run."""
    asked = parser(doc, name).parse_args(arguments)
    measured = described(asked)
    found = measure(asked.quick)
    show(found)
    write(asked, found, measured)
    return verdict(asked, found["targets"]) if "targets" in found else 0
