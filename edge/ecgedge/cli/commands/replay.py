"""``ecgedge replay``: a recording through the same chain as a live stream."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.live.web import WebOptions
from ecgedge.cli.options import (
    Age,
    AsJson,
    Backend,
    Channel,
    Fs,
    Model,
    RecordOptions,
    SendOptions,
    Sex,
    Unit,
    WithTokens,
    WithWaves,
    with_options,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecgedge.cli.live.recorders import OpenRecorder
    from ecgedge.monitor import Monitor
    from ecgedge.recording import Blocks
    from ecgedge.sinks.ending import Ending
    from ecgedge.sinks.sink import Sink
    from ecgedge_bridge.values import Mark, SampleBlock, Status

__all__ = ["replay"]

# Of signal that the page of a file can show: a day at 250 Hz takes 86 MB.
_PAGE_HOURS = 24.0


@with_options(recording=RecordOptions, sending=SendOptions, web=WebOptions)
def replay(
    path: Annotated[
        Path,
        typer.Argument(
            help="Recording (.db), capture (.cap), WFDB record, EDF and others, words (.ecgt), or text (CSV, "
            "also .gz); - is standard input."
        ),
    ],
    recording: RecordOptions,
    sending: SendOptions,
    web: WebOptions,
    as_json: AsJson = False,
    speed: Annotated[
        float | None,
        typer.Option("--speed", min=0.1, max=1000, help="Times real time; without it as fast as it goes."),
    ] = None,
    fs: Fs = None,
    channel: Channel = None,
    unit: Unit = None,
    backend: Backend = "auto",
    model: Model = None,
    waves: WithWaves = False,
    age: Age = None,
    sex: Sex = None,
    tokens: WithTokens = False,
) -> None:
    """Run a recording through the monitor and print its events; of a capture also those of the link.

    Of a recording of ours (.db), whose events are in it, it says whether they are found again.
    """
    from ecgedge.cli.live.recorders import open_recorder
    from ecgedge.cli.live.web import open_page
    from ecgedge.cli.monitors import open_monitor
    from ecgedge.cli.output import FILE_PATIENCE_S, open_lines, open_outlets
    from ecgedge.recording.database.store import is_recording
    from ecgedge.sinks.ending import Ending
    from ecgedge.sinks.replayed import values_of
    from ecgedge.sinks.sink import Several

    ending = Ending()
    values = values_of(path, fs, channel, unit)
    monitor = open_monitor(model=model, backend=backend, waves=waves, tokens=tokens, age=age, sex=sex)
    with open_page(web, f"ecgedge replay: {path.name}", speed=speed or 1.0) as page:
        start = getattr(values, "start", None)
        shown = page.add(
            path.name,
            hours=_PAGE_HOURS,
            wall_clock=None,
            start_unix_s=start and start.timestamp(),
            patience_s=FILE_PATIENCE_S,
        )
        others = [*open_outlets(sending, path.name, live=False), *shown, open_lines(as_json), ending]
        if is_recording(path) and recording == RecordOptions():
            _replay_recording(path, monitor, speed, Several(others), ending, as_json)
        else:
            facts = {"source": path.name, "waves": waves, "tokens": tokens, "age": age, "sex": sex}
            recorder = open_recorder(recording, monitor, facts)
            _replay_file(values, speed, monitor, recorder, Several([recorder, *others]), ending, as_json)
        page.stay(as_json)


def _replay_file(
    values: Blocks | Iterator[SampleBlock | Status | Mark],
    speed: float | None,
    monitor: Monitor,
    recorder: OpenRecorder,
    sink: Sink,
    ending: Ending,
    as_json: bool,
) -> None:
    from ecgedge.cli.output import print_ending
    from ecgedge.cli.sources import paced
    from ecgedge.sinks.replayed import ReadNotes, replayed
    from ecgedge_bridge.errors import ConfigError

    notes = ReadNotes(values)
    steps = replayed(paced(values, speed), monitor, sink, place=recorder.place, notes=notes.new)
    broken: ConfigError | None = None
    try:
        with closing(sink):
            try:
                with closing(steps):  # after Ctrl-C too what came is analysed to its end
                    for _ in steps:
                        pass
            except ConfigError as error:
                broken = error
    finally:
        if broken is None or monitor.stats.windows:
            print_ending(ending, monitor.stats, as_json)
    if broken is not None or notes.cut is not None:
        raise broken or ConfigError(notes.cut)


def _replay_recording(
    path: Path, monitor: Monitor, speed: float | None, sink: Sink, ending: Ending, as_json: bool
) -> None:
    """Analyse a recording again, each of its sessions as it was, and say whether the same is found."""
    from ecgedge.cli.output import print_ending, warn
    from ecgedge.cli.sources import paced
    from ecgedge.recording.database.again import Again
    from ecgedge.recording.database.stored import StoredRecording

    with StoredRecording(path) as stored, closing(sink):
        again = Again(stored, monitor.models)
        for item in paced(again, speed):
            sink.take([item])
    print_ending(ending, again.stats, as_json)
    warn(again.verdict())
