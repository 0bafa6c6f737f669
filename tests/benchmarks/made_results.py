"""What stands in every result, for tables that are made of made ones."""

from __future__ import annotations

from typing import Any


def environment(name: str) -> dict[str, Any]:
    """The environment of a benchmark with this name, on a machine that did nothing else."""
    return {
        "command": f"python -m benchmarks {name}",
        "quick": False,
        "cpu": "Some CPU",
        "machine": "x86_64",
        "cores": 4,
        "load_average": 0.1,
        "python": "3.11.7",
        "commit": "abc1234",
    }
