"""What commands write to: the terminal, JSON lines, files."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ecgedge.sinks.lines import JsonLines, TextLines, json_line

if TYPE_CHECKING:
    from ecgedge.sinks.sink import Sink

__all__ = ["open_lines", "open_savers", "open_terminal", "print_json"]


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON line, at once."""
    print(json_line(value), end="", flush=True)


def open_lines(as_json: bool) -> JsonLines | TextLines:
    """Choose between JSON and words."""
    return JsonLines(sys.stdout) if as_json else TextLines(sys.stdout)


def open_terminal(as_json: bool, title: str) -> Sink:
    """Choose the sink: JSON when asked for, the view on a terminal that can show it, else words."""
    if as_json or not sys.stdout.isatty() or not (sys.stdout.encoding or "").lower().startswith("utf"):
        return open_lines(as_json)
    from ecgedge.sinks.screen import Screen

    return Screen(title)


def open_savers(targets: Iterable[str] | None) -> list[Sink]:
    """Open what ``--save`` names."""
    from ecgedge.sinks.registry import open_saver

    return [open_saver(target) for target in targets or ()]
