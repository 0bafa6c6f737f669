"""``ecgedge replay``: a recording through the same chain as a live stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.options import AsJson, Backend, Channel, Fs, Model, Unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecgedge.monitor import Monitor
    from ecgedge_bridge.values import Battery, DeviceStatus, SampleBlock

__all__ = ["replay"]


def replay(
    path: Annotated[
        Path,
        typer.Argument(help="Capture (.cap), WFDB record, or text (CSV, also .gz); - is standard input."),
    ],
    as_json: AsJson = False,
    fs: Fs = None,
    channel: Channel = None,
    unit: Unit = None,
    backend: Backend = "auto",
    model: Model = None,
) -> None:
    """Run a recording through the monitor and print what it says; of a capture also what the link said."""
    from ecgedge.cli.monitors import open_monitor
    from ecgedge.cli.output import JsonLines, TextLines
    from ecgedge_bridge.errors import ConfigError
    from ecgedge_bridge.values import SampleBlock

    sink = JsonLines() if as_json else TextLines()
    values = _values(path, fs, channel, unit)
    monitor = open_monitor(model=model, backend=backend)
    notes = _Notes(values, as_json)
    broken: ConfigError | None = None
    try:
        for value in values:
            notes.show()
            if isinstance(value, SampleBlock):
                sink.feed(value, monitor.feed(value))
            else:
                sink.take(value)
    except ConfigError as error:
        broken = error  # what came before it is analysed to its end
    notes.show()
    for event in monitor.finish():
        sink.take(event)
    if not as_json:
        print(summary(monitor))
    if broken is not None or notes.cut is not None:
        raise broken or ConfigError(notes.cut)


def _values(
    path: Path, fs: float | None, channel: str | None, unit: str | None
) -> Iterator[SampleBlock | DeviceStatus | Battery]:
    """Blocks of a recording; of a capture also what was said of the link and the device."""
    from ecgedge.recording import CAPTURE, read
    from ecgedge_bridge.capture.replay import replay as replay_capture
    from ecgedge_bridge.values import Battery, DeviceStatus, SampleBlock

    if path.suffix.lower() != CAPTURE or (fs, channel, unit) != (None,) * 3 or not path.is_file():
        return read(path, fs, channel, unit)
    told = SampleBlock | DeviceStatus | Battery
    return (value for value in replay_capture(path) if isinstance(value, told))


class _Notes:
    """Notes of a reader, shown when they come. A line that was cut is an error, for the end."""

    def __init__(self, values: object, as_json: bool) -> None:
        from ecgedge.recording import Blocks

        self._blocks = values if isinstance(values, Blocks) else None
        self._as_json = as_json
        self._shown = 0
        self.cut: str | None = None

    def show(self) -> None:
        """Print what is new."""
        from ecgedge.cli.output import print_json
        from ecgedge.sinks.screen.words import clock

        if self._blocks is None:
            return
        for note in self._blocks.notes[self._shown :]:
            self._shown += 1
            time_s = note.sample / self._blocks.fs
            if note.code == "cut_line":
                self.cut = note.detail
            elif self._as_json:
                print_json(
                    {
                        "type": "note",
                        "sample": note.sample,
                        "time_s": time_s,
                        "code": note.code,
                        "detail": note.detail,
                    }
                )
            else:
                print(f"{clock(time_s):>8}  note: {note.detail}", flush=True)


def summary(monitor: Monitor) -> str:
    """Say in one line what a run came to."""
    stats = monitor.stats
    return (
        f"     end  {stats.windows} windows: {stats.rejected} rejected as noise, "
        f"{stats.model_runs} model runs; {stats.samples} samples, {stats.lost} missing"
    )
