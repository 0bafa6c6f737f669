"""``ecgedge run`` and ``ecgedge scan``: a wearable over Bluetooth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.options import Adapter, AsJson, Backend, Model

if TYPE_CHECKING:
    from ecgedge.cli.output import Sink
    from ecgedge.monitor import Monitor

__all__ = ["run", "scan"]


def run(
    device: Annotated[str, typer.Argument(help="Name or address of the wearable, for example 'Polar H10'.")],
    as_json: AsJson = False,
    model: Model = None,
    backend: Backend = "auto",
    adapter: Adapter = None,
) -> None:
    """Connect to a wearable and say what its ECG shows, until Ctrl-C."""
    from ecgedge.cli.monitors import open_monitor
    from ecgedge.cli.output import open_sink
    from ecgedge.cli.replay import summary
    from ecgedge.cli.running import run_until_told

    monitor = open_monitor(model=model, backend=backend)
    sink = open_sink(as_json, device)
    try:
        with sink.shown():
            run_until_told(_stream(device, adapter, monitor, sink))
    finally:
        if not as_json and monitor.stats.samples:
            print(summary(monitor))


async def _stream(device: str, adapter: str | None, monitor: Monitor, sink: Sink) -> None:
    from ecgedge_bridge import connect

    try:
        async with connect(device, on_status=sink.take, adapter=adapter) as wearable:
            async for block in wearable:
                sink.feed(block, monitor.feed(block))
    finally:
        for event in monitor.finish():
            sink.take(event)


def scan(
    as_json: AsJson = False,
    adapter: Adapter = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, max=120, help="How long to listen.")] = 5.0,
) -> None:
    """List the Bluetooth LE devices that are near, the strongest first."""
    from ecgedge.cli.output import print_json
    from ecgedge.cli.running import run_until_told
    from ecgedge_bridge import scan as scan_devices

    for found in run_until_told(scan_devices(seconds, adapter=adapter)):
        if as_json:
            print_json({"type": "found", "name": found.name, "address": found.address, "rssi": found.rssi})
        else:
            print(f"{found.rssi:5d} dBm  {found.address:17}  {found.name or '(no name)'}")
