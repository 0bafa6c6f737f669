"""``ecgedge replay``: a recording through the same chain as a live stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.options import AsJson, Backend, Channel, Fs, Model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecgedge.monitor import Monitor
    from ecgedge_bridge.values import SampleBlock, Status

__all__ = ["replay"]


def replay(
    path: Annotated[Path, typer.Argument(help="Capture (.cap), WFDB record, or CSV file (also .gz).")],
    as_json: AsJson = False,
    fs: Fs = None,
    channel: Channel = None,
    backend: Backend = "auto",
    model: Model = None,
) -> None:
    """Run a recording through the monitor and print its events; of a capture also those of the link."""
    from ecgedge.cli.monitors import open_monitor
    from ecgedge.cli.output import open_lines
    from ecgedge_bridge.values import SampleBlock

    sink = open_lines(as_json)
    values = _values(path, fs, channel)
    monitor = open_monitor(model=model, backend=backend)
    for value in values:
        sink.take([value, *monitor.feed(value)] if isinstance(value, SampleBlock) else [value])
    sink.take(monitor.finish())
    if not as_json:
        print(summary(monitor))


def _values(path: Path, fs: float | None, channel: str | None) -> Iterator[SampleBlock | Status]:
    """Blocks of a recording; of a capture also what the link and the device reported."""
    from ecgedge.recording import CAPTURE, read
    from ecgedge_bridge.capture.replay import replay as replay_capture
    from ecgedge_bridge.values import SampleBlock, Status

    if path.suffix.lower() != CAPTURE or fs is not None or channel is not None or not path.is_file():
        return read(path, fs, channel)
    return (value for value in replay_capture(path) if isinstance(value, SampleBlock | Status))


def summary(monitor: Monitor) -> str:
    """Return in one line what a run came to."""
    stats = monitor.stats
    return (
        f"     end  {stats.windows} windows: {stats.rejected} rejected as noise, "
        f"{stats.model_runs} model runs; {stats.samples} samples, {stats.lost} missing"
    )
