"""``docs/commands.md``: what ``--help`` of every command says.

``python tests/packaging/commands_page.py`` writes it; a test keeps it fresh.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from click import Context

from ecgedge.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
_HEAD = """# Commands

Every command answers `--help`; this page is that. Exit status and output: [events](events.md).

<!-- Written by `python tests/packaging/commands_page.py`. -->
"""
_WIDTH = 100


def page() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    return _HEAD + "".join(_sections(root, Context(root, info_name="ecgedge"), ""))


def _sections(command: Any, context: Context, name: str) -> Iterator[str]:
    for child in command.commands:
        at = command.commands[child]
        inside = Context(at, info_name=child, parent=context, terminal_width=_WIDTH, max_content_width=_WIDTH)
        if hasattr(at, "commands"):
            yield from _sections(at, inside, f"{child} ")
            continue
        text = re.sub(r"[ \t]+$", "", at.get_help(inside), flags=re.MULTILINE)
        yield f"\n## {name}{child}\n\n```text\n{text.strip()}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
