"""Nodes of ``ecgedge forward``, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecgedge.gateway.node import Node
    from ecgedge.service.notify import Systemd

__all__ = ["forward_all", "profile_text"]

_TICK_S = 1.0


async def forward_all(nodes: Sequence[Node], as_json: bool) -> None:
    """Forward until cancelled, and tell at the end what became of it.

    Raises
    ------
    EcgEdgeError
        What ends every node: no Bluetooth, or an option that cannot be used.
    """
    from ecgedge.cli.output import print_json, say
    from ecgedge.service.notify import Systemd

    systemd = Systemd()
    try:
        async with asyncio.TaskGroup() as running:
            running.create_task(_tell(nodes, systemd))
            for node in nodes:
                running.create_task(node.run())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    finally:
        systemd.close()
        for node in nodes:
            out = node.outflow
            if as_json:
                counts = {"packets": out.packets, "dropped": out.dropped, "waiting": out.packets - out.sent}
                print_json({"type": "forwarded", "wearable": node.device, **counts})
            elif out.packets:
                left = out.packets - out.sent
                waits = f", {left} could not be sent any more" if left else ""
                say(f"{node.device}: {out.packets} packets, {out.dropped} dropped{waits}")


async def _tell(nodes: Sequence[Node], systemd: Systemd) -> None:
    """Tell the service manager each second that this goes on, and how far."""
    while True:
        packets = sum(node.outflow.packets for node in nodes)
        waiting = sum(len(node.outflow) for node in nodes)
        systemd.alive(f"{packets} packets, of them {waiting} not taken yet")
        await asyncio.sleep(_TICK_S)


def profile_text(profile: str | None) -> str:
    """Return the text of a profile that a TOML file describes: a gateway has no such file."""
    from ecgedge_bridge.files import read_text

    return read_text(profile) if profile is not None and profile.endswith(".toml") else ""
