"""``ecgedge replay``: a recording through the same chain as a live stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.options import AsJson, Backend, Channel, Fs, Model

if TYPE_CHECKING:
    from ecgedge.monitor import Monitor

__all__ = ["replay"]


def replay(
    path: Annotated[Path, typer.Argument(help="WFDB record, or CSV file (also .gz).")],
    as_json: AsJson = False,
    fs: Fs = None,
    channel: Channel = None,
    backend: Backend = "auto",
    model: Model = None,
) -> None:
    """Run a recording through the monitor and print what it says."""
    from ecgedge.cli.monitors import open_monitor
    from ecgedge.cli.output import JsonLines, TextLines
    from ecgedge.recording import read

    sink = JsonLines() if as_json else TextLines()
    blocks = read(path, fs, channel)
    monitor = open_monitor(model=model, backend=backend)
    for block in blocks:
        sink.feed(block, monitor.feed(block))
    for event in monitor.finish():
        sink.take(event)
    if not as_json:
        print(summary(monitor))


def summary(monitor: Monitor) -> str:
    """Say in one line what a run came to."""
    stats = monitor.stats
    return (
        f"     end  {stats.windows} windows: {stats.rejected} rejected as noise, "
        f"{stats.model_runs} model runs; {stats.samples} samples, {stats.lost} missing"
    )
