"""``ecgedge replay``: a recording through the same chain as a live stream."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    from ecgedge.monitor import Monitor
    from ecgedge.sinks.ending import Ending
    from ecgedge.sinks.sink import Sink

__all__ = ["replay"]


@with_options(recording=RecordOptions, sending=SendOptions)
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
    as_json: AsJson = False,
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
    from ecgedge.cli.monitors import open_monitor
    from ecgedge.cli.output import open_lines, open_outlets, print_ending
    from ecgedge.cli.recorders import open_recorder
    from ecgedge.cli.sources import ReadNotes, values_of
    from ecgedge.recording.database.store import is_recording
    from ecgedge.sinks.ending import Ending
    from ecgedge.sinks.sink import Several
    from ecgedge_bridge.errors import ConfigError
    from ecgedge_bridge.values import SampleBlock

    ending = Ending()
    values = values_of(path, fs, channel, unit)
    monitor = open_monitor(model=model, backend=backend, waves=waves, tokens=tokens, age=age, sex=sex)
    if is_recording(path) and recording == RecordOptions():
        _replay_recording(
            path,
            monitor,
            Several([*open_outlets(sending, path.name, live=False), open_lines(as_json), ending]),
            ending,
            as_json,
        )
        return
    facts = {"source": path.name, "waves": waves, "tokens": tokens, "age": age, "sex": sex}
    recorder = open_recorder(recording, monitor, facts)
    outlets = open_outlets(sending, path.name, live=False)
    notes = ReadNotes(values)
    broken: ConfigError | None = None
    try:
        with closing(Several([recorder, *outlets, open_lines(as_json), ending])) as sink:
            try:
                for value in values:
                    sink.take(notes.new())
                    placed = recorder.place(value)
                    found = monitor.feed(placed) if isinstance(placed, SampleBlock) else []
                    sink.take([placed, *found])
            except ConfigError as error:
                broken = error  # what came before it is analysed to its end
            finally:  # after Ctrl-C too
                sink.take(notes.new())
                sink.take(monitor.finish())
    finally:
        if broken is None or monitor.stats.windows:
            print_ending(ending, monitor.stats, as_json)
    if broken is not None or notes.cut is not None:
        raise broken or ConfigError(notes.cut)


def _replay_recording(path: Path, monitor: Monitor, sink: Sink, ending: Ending, as_json: bool) -> None:
    """Analyse a recording again, each of its sessions as it was, and say whether the same is found."""
    from ecgedge.cli.output import print_ending, warn
    from ecgedge.recording.database.again import Again
    from ecgedge.recording.database.stored import StoredRecording

    with StoredRecording(path) as stored, closing(sink):
        again = Again(stored, monitor.models)
        for item in again:
            sink.take([item])
    print_ending(ending, again.stats, as_json)
    warn(again.verdict())
