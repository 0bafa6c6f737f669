"""``ecgedge forward`` and ``ecgedge gateway``: nodes near the wearables, and one process for the ward."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from ecgedge.cli.options import AsJson, Device, LinkOptions, with_options

__all__ = ["forward", "gateway"]


@with_options(link=LinkOptions)
def forward(
    device: Device,
    broker: Annotated[
        str,
        typer.Argument(
            metavar="mqtt://USER@HOST:PORT/TOPIC",
            help="Where to; mqtts:// with TLS, ?password_file= and ?ca= as for --send (docs/gateway.md).",
        ),
    ],
    link: LinkOptions,
    beside: Annotated[
        list[str] | None,
        typer.Option("--beside", metavar="DEVICE", help="Another wearable beside it; may be repeated."),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option("--node", help="Name of this node; by default that of this computer."),
    ] = None,
    roam: Annotated[
        bool,
        typer.Option(
            "--roam", help="Ask the gateway before connecting: of several nodes who hears it best connects."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Connect to a wearable and pass on what it sends to a gateway, until Ctrl-C."""
    from functools import partial

    from ecgedge.cli.live.running import run_until_stopped
    from ecgedge.cli.live.streams import named
    from ecgedge.cli.live.wires import refuse_wire
    from ecgedge.cli.output import warn
    from ecgedge.cli.ward.forwarding import forward_all, profile_text
    from ecgedge.gateway.node import Node, node_broker
    from ecgedge_bridge import connect

    devices = named(device, beside)
    for one in devices:
        refuse_wire(one)
    options = link.checked()
    where, how = node_broker(broker, "forward")
    about: dict[str, Any] = {
        "extras": options["extras"],
        "fs": link.fs,
        "profile_toml": profile_text(link.profile),
    }
    name = node or socket.gethostname()
    nodes = [
        Node(one, partial(connect, **options), where, how, name, warn, roam=roam, **about) for one in devices
    ]
    run_until_stopped(forward_all(nodes, as_json))


def gateway(
    config: Annotated[
        Path, typer.Option("--config", metavar="WARD.toml", help="The ward: see docs/gateway.md.")
    ],
    as_json: AsJson = False,
) -> None:
    """Take many wearables in one process, forwarded or over Bluetooth, until Ctrl-C."""
    from ecgedge.cli.live.running import run_until_stopped
    from ecgedge.cli.output import print_ending, warn
    from ecgedge.cli.ward.files import allow_open_files
    from ecgedge.cli.ward.opened import open_ward, run_ward
    from ecgedge.gateway.exchange import Exchange
    from ecgedge.gateway.node import node_broker
    from ecgedge.gateway.ward import read_ward

    ward = read_ward(config)
    allow_open_files(len(ward.wearable) if ward.record else 0)
    met = node_broker(ward.mqtt, "mqtt") if ward.mqtt else None
    opened_ward = None
    try:
        with ExitStack() as opened:
            opened_ward, outlets = open_ward(ward, opened, as_json=as_json)
            exchange = Exchange(*met, opened_ward, warn) if met else None
            run_until_stopped(run_ward(ward, opened_ward, exchange, outlets))
    finally:
        for _, member in opened_ward.members if opened_ward else ():
            print_ending(member.ending, member.monitor.stats, as_json, member.name)
