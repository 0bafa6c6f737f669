"""Opening a monitor for a command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecgedge.monitor import Monitor

__all__ = ["open_monitor"]


def open_monitor(model: Path | None = None, backend: str = "auto", **options: Any) -> Monitor:
    """Make an :class:`ecgedge.Monitor` without the notes that LiteRT's C++ side writes to stderr as it loads.

    They would stand across the live view, and LiteRT has no switch for them. What goes wrong is raised, not
    written.
    """
    from ecgedge.monitor import Models, Monitor

    with _stderr_closed():
        return Monitor(Models.load(backend, rhythm=model), **options)


@contextmanager
def _stderr_closed() -> Iterator[None]:
    """Send the process's stderr nowhere; a command may do that to its own process, a library may not."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
