"""Progress on a terminal's stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ecgedge.sinks.plain import plain

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

__all__ = ["open_bar", "say_above"]


@contextmanager
def open_bar(*columns: str | ProgressColumn) -> Iterator[Progress]:
    """Open a bar, which is removed at its end; ask first whether stderr is a terminal.

    The bar moves the cursor, and what commands write to stderr else must not: it is written past the guard
    that makes foreign text harmless.

    Parameters
    ----------
    columns : str or ProgressColumn
        See :class:`rich.progress.Progress`.
    """
    from rich.console import Console
    from rich.progress import Progress

    encoding = sys.stderr.encoding
    with open(  # a descriptor has no path
        sys.stderr.fileno(), "w", encoding=encoding, errors="backslashreplace", closefd=False
    ) as bare:
        console = Console(file=bare, highlight=False, markup=False, emoji=False)
        with Progress(*columns, console=console, transient=True, redirect_stderr=False) as progress:
            yield progress


def say_above(progress: Progress, text: str) -> None:
    """Print a line above the bar, with foreign text in it made safe."""
    from rich.text import Text

    progress.console.print(Text(f"ecgedge: {plain(text)}"), soft_wrap=True)
