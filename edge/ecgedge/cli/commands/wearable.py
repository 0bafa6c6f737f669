"""``ecgedge run`` and ``ecgedge scan``: a wearable over Bluetooth, or a source on a wire."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from ecgedge.cli.config import Config
from ecgedge.cli.live.web import WebOptions
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

__all__ = ["mark", "run", "scan"]

Beside = Annotated[
    list[str] | None,
    typer.Option(
        "--beside",
        metavar="DEVICE",
        help="Another wearable beside it, with the same options; may be repeated. {device} in the name of a "
        "file is each one's.",
    ),
]


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
    beside: Beside = None,
    config: Config = None,
) -> None:
    """Connect to a wearable or another source and show what its ECG holds, until Ctrl-C."""
    from ecgedge.cli.live.running import run_until_stopped
    from ecgedge.cli.live.streams import Outputs, Stream, named, open_stream, stream_all
    from ecgedge.cli.live.web import open_page
    from ecgedge.cli.live.wires import find_door
    from ecgedge.cli.monitors import open_monitor, wants_words
    from ecgedge.cli.output import print_ending

    devices = named(device, beside)
    doors = [find_door(one, link, unit, channel) for one in devices]
    outputs = Outputs(recording, sending, save, force)
    each = [outputs.of(one, several=len(devices) > 1) for one in devices]
    how: dict[str, Any] = {"waves": waves, "tokens": tokens or wants_words(save), "age": age, "sex": sex}
    monitor = open_monitor(model=model, backend=backend, **how)
    streams: list[Stream] = []
    try:
        with ExitStack() as opened:
            page = opened.enter_context(open_page(web, ", ".join(devices)))
            for one, door, to in zip(devices, doors, each, strict=True):
                own = open_monitor(models=monitor.models, **how) if streams else monitor
                streams.append(
                    open_stream(
                        opened, one, door, own, to, page, how, as_json=as_json, alone=len(devices) == 1
                    )
                )
            run_until_stopped(stream_all(streams))
    finally:
        for stream in streams:
            wearable = stream.device if len(devices) > 1 else None
            print_ending(stream.ending, stream.monitor.stats, as_json, wearable)


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
    from ecgedge.cli.live.running import run_until_stopped
    from ecgedge.cli.output import print_json, say
    from ecgedge_bridge import scan as scan_devices

    for found in run_until_stopped(scan_devices(seconds, adapter=adapter)):
        if as_json:
            print_json({"type": "found", "name": found.name, "address": found.address, "rssi": found.rssi})
        else:
            say(f"{found.rssi:5d} dBm  {found.address:17}  {found.name or '(no name)'}")
