"""Opening a monitor for a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecgedge.monitor import Monitor

__all__ = ["open_monitor"]


def open_monitor(model: Path | None = None, backend: str = "auto", **options: Any) -> Monitor:
    """Make an :class:`ecgedge.Monitor`, with the rhythm model of a folder where one is given."""
    from ecgedge.monitor import Models, Monitor

    return Monitor(Models.load(backend, rhythm=model), **options)
