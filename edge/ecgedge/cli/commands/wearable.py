"""``ecgedge run`` and ``ecgedge scan``: a wearable over Bluetooth, or a source on a wire."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.config import Config
from ecgedge.cli.options import (
    Adapter,
    Age,
    AsJson,
    Backend,
    Force,
    LinkOptions,
    LiveChannel,
    LiveUnit,
    Model,
    RecordOptions,
    Save,
    SendOptions,
    Sex,
    Source,
    WithTokens,
    WithWaves,
    with_options,
)
from ecgedge.cli.web import WebOptions

if TYPE_CHECKING:
    from ecgedge.cli.recorders import OpenRecorder
    from ecgedge.cli.wires import Door
    from ecgedge.monitor import Monitor
    from ecgedge.sinks.sink import Sink
    from ecgedge_bridge.values import Acceleration, HeartRate, Status

__all__ = ["mark", "run", "scan"]


@with_options(link=LinkOptions, recording=RecordOptions, sending=SendOptions, web=WebOptions)
def run(
    device: Source,
    link: LinkOptions,
    recording: RecordOptions,
    sending: SendOptions,
    web: WebOptions,
    as_json: AsJson = False,
    save: Save = None,
    force: Force = False,
    model: Model = None,
    backend: Backend = "auto",
    waves: WithWaves = False,
    age: Age = None,
    sex: Sex = None,
    tokens: WithTokens = False,
    unit: LiveUnit = None,
    channel: LiveChannel = None,
    config: Config = None,
) -> None:
    """Connect to a wearable or another source and show what its ECG holds, until Ctrl-C."""
    from ecgedge.cli.marks import Marked, Marks
    from ecgedge.cli.monitors import open_monitor, wants_words
    from ecgedge.cli.output import open_outlets, open_savers, open_terminal, print_ending
    from ecgedge.cli.recorders import open_recorder
    from ecgedge.cli.running import run_until_stopped
    from ecgedge.cli.web import open_page
    from ecgedge.cli.wires import find_door, keys_are_free
    from ecgedge.service.notify import Systemd
    from ecgedge.sinks.ending import Ending
    from ecgedge.sinks.sink import Several

    door = find_door(device, link, unit, channel)
    tokens = tokens or wants_words(save)
    monitor = open_monitor(model=model, backend=backend, waves=waves, tokens=tokens, age=age, sex=sex)
    facts = {"device": device, "waves": waves, "tokens": tokens, "age": age, "sex": sex}
    recorder = open_recorder(recording, monitor, facts)
    savers = [*open_savers(save, force=force), *open_outlets(sending, device)]
    ending = Ending()
    marks = Marks(recording.record, keyboard=not as_json and keys_are_free(device))
    try:
        with open_page(web, device) as page:
            shown = page.add(device, mark=marks.post, recorder=recorder)
            hint = " · ".join(filter(None, [marks.hint, page.hint]))
            terminal = open_terminal(as_json, device, hint)
            sinks = Several([Systemd(), recorder, *savers, *shown, ending, terminal])
            with closing(Marked(sinks, marks)) as sink:
                run_until_stopped(_stream(door, monitor, recorder, sink))
    finally:
        marks.close()
        print_ending(ending, monitor.stats, as_json)


async def _stream(
    door: Door,
    monitor: Monitor,
    recorder: OpenRecorder,
    sink: Sink,
) -> None:
    def told(event: Status | HeartRate | Acceleration) -> None:
        sink.take([recorder.place(event)])

    try:
        async with door(on_event=told) as wearable:
            async for block in wearable:
                placed = recorder.place(block)
                sink.take([placed, *monitor.feed(placed)])
    finally:
        sink.take(monitor.finish())


def mark(
    recording: Annotated[Path, typer.Argument(help="The file that 'ecgedge run --record' writes.")],
    text: Annotated[str, typer.Argument(help="What was felt or done.")] = "",
) -> None:
    """Mark this moment in a recording that goes on, from another terminal or a button."""
    from ecgedge.cli.output import say
    from ecgedge.recording.database.marks_folder import post

    post(recording.expanduser(), text)
    say("marked")


def scan(
    as_json: AsJson = False,
    adapter: Adapter = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, max=120, help="How long to listen.")] = 5.0,
) -> None:
    """List the Bluetooth LE devices that are near, the strongest first."""
    from ecgedge.cli.output import print_json, say
    from ecgedge.cli.running import run_until_stopped
    from ecgedge_bridge import scan as scan_devices

    for found in run_until_stopped(scan_devices(seconds, adapter=adapter)):
        if as_json:
            print_json({"type": "found", "name": found.name, "address": found.address, "rssi": found.rssi})
        else:
            say(f"{found.rssi:5d} dBm  {found.address:17}  {found.name or '(no name)'}")
