"""Nodes of a ward with many straps, made cheaply: frames that were encoded before, packed and sent in time.

Each strap has an H10's frames of one recording from a place of its own, packed as ``ecgedge forward`` packs
them. Ten straps share a connection to the broker. What the gateway has taken is heard, as a node hears it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

from benchmarks.harness.signals import FRAME, FS, notifications, real_or_made
from ecgedge_bridge.capture.layout import CaptureHeader, LinkRecord
from ecgedge_bridge.forwarding.again import Again
from ecgedge_bridge.forwarding.outflow import Outflow
from ecgedge_bridge.forwarding.packets import parse_taken
from ecgedge_bridge.protocols.polar.control import PMD_CONTROL, PMD_DATA

_A_CONNECTION = 10
_CHARACTERISTICS = {PMD_CONTROL: ("write", "indicate"), PMD_DATA: ("notify",)}
_END_S = 30.0  # for the gateway to take the last of it


class Strap:
    """One strap's stream, and how far it is."""

    def __init__(self, number: int, payloads: list[bytes], count: int) -> None:
        self.name, self.outflow = f"bench {number:03d}", Outflow()
        self.key, self.samples = f"bench_{number:03d}", 0
        self._again = Again(self.outflow)
        header = CaptureHeader(self.name, "", "polar", time.time(), 0.0, (), None, "", _CHARACTERISTICS)
        self._writer = self.outflow.begin(header)
        for state in ("setting_up", "waiting"):
            self._writer.write_link(LinkRecord(state, "", self.name, 0.0))
        self._payloads = payloads
        self._place, self._left = 0, count

    @property
    def over(self) -> bool:
        """Whether all was sent."""
        return not self._left

    def taken(self, stream: bytes, number: int) -> None:
        """Hear what the gateway waits for."""
        self._again.taken(stream, number, time.monotonic())

    def unsent(self) -> Iterator[bytes]:
        """Yield what is to be sent now, or again."""
        self._again.tick(time.monotonic())
        while (packet := self.outflow.next_unsent()) is not None:
            yield packet.encode()

    @property
    def again(self) -> int:
        """How often something was sent again."""
        return self._again.times

    def pack(self, host_time_s: float) -> None:
        """Pack the next frame."""
        self._writer.write(PMD_DATA, self._payloads[self._place], host_time_s)
        if not self._place:
            self._writer.write_link(LinkRecord("streaming", "", self.name, host_time_s))
        self.outflow.flush()
        self._place, self._left = self._place + 1, self._left - 1
        self.samples += FRAME


def _straps(n: int, seconds: float) -> Iterator[Strap]:
    count = int(seconds * FS / FRAME)
    _, mv = real_or_made(seconds + n)
    for number in range(n):
        begun = number * round(FS)
        payloads = list(notifications(mv[begun : begun + count * FRAME]))
        yield Strap(number, payloads, count)


async def _serve(client: Any, node: str, straps: list[Strap], begun_s: float, speed: float) -> None:
    """Send each strap's frames when they are due: none falls together with another's."""
    step_s = FRAME / FS / speed
    due = [(begun_s + step_s * (k + 1) / len(straps), strap) for k, strap in enumerate(straps)]

    async def hear() -> None:
        async for message in client.messages:
            for stream, number in parse_taken(bytes(message.payload)):
                for strap in straps:
                    strap.taken(stream, number)

    async def send(strap: Strap) -> None:
        for packet in strap.unsent():
            await client.publish(f"ward/{node}/{strap.key}/data", packet, qos=1)

    hearing = asyncio.create_task(hear())
    await client.subscribe(f"ward/{node}/taken")
    for strap in straps:
        about = strap.outflow.description()
        assert about is not None
        await client.publish(f"ward/{node}/{strap.key}/about", about.encode(), qos=1, retain=True)
    while due:
        at_s, strap = due.pop(0)
        await asyncio.sleep(max(at_s - time.monotonic(), 0.0))
        strap.pack((at_s - begun_s) * speed)
        await send(strap)
        if not strap.over:
            due.append((at_s + step_s, strap))
    end_s = time.monotonic() + _END_S
    while any(len(strap.outflow) for strap in straps) and time.monotonic() < end_s:
        await asyncio.sleep(0.5)
        for strap in straps:
            await send(strap)
    hearing.cancel()


async def _run(port: int, n: int, seconds: float, speed: float) -> dict[str, Any]:
    import aiomqtt

    straps = list(_straps(n, seconds))
    groups = [straps[at : at + _A_CONNECTION] for at in range(0, n, _A_CONNECTION)]
    async with AsyncExitStack() as opened:
        clients = [
            await opened.enter_async_context(
                aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5)
            )
            for _ in groups
        ]
        print("ready", flush=True)
        sys.stdin.readline()
        begun_s = time.monotonic()
        await asyncio.gather(
            *(
                _serve(client, f"node{k}", group, begun_s + k * FRAME / FS / speed / len(groups), speed)
                for k, (client, group) in enumerate(zip(clients, groups, strict=True))
            )
        )
        took_s = time.monotonic() - begun_s
    return {
        "wall_s": took_s,
        "samples": {strap.name: strap.samples for strap in straps},
        "packets": sum(strap.outflow.packets for strap in straps),
        "not_taken": sum(len(strap.outflow) for strap in straps),
        "sent_again": sum(strap.again for strap in straps),
        "dropped": sum(strap.outflow.dropped for strap in straps),
    }


if __name__ == "__main__":
    port, n, seconds, speed = sys.argv[1:]
    print(json.dumps(asyncio.run(_run(int(port), int(n), float(seconds), float(speed)))), flush=True)
