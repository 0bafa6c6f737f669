"""Packets as a node makes them, with what its own link decoded from the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecgedge_bridge import Fault, VirtualH10, connect, run_simulated, virtual_wearable
from ecgedge_bridge.capture.recorder import Recorder, describe
from ecgedge_bridge.forwarding.outflow import Outflow
from ecgedge_bridge.forwarding.packets import Packet

EXTRAS = ("battery", "heart_rate")


@dataclass
class Run:
    """What one node sent, when, and what it decoded itself."""

    packets: list[tuple[float, Packet]] = field(default_factory=list)
    abouts: list[tuple[float, Packet]] = field(default_factory=list)
    direct: list[Any] = field(default_factory=list)


def strap_of(seconds: float, faults: tuple[Fault, ...] = (), first: int = 0, **options: Any) -> VirtualH10:
    index = np.arange(first, first + round(seconds * 130))
    return VirtualH10((index * 7 % 4001 - 2000) / 1000, faults=faults, **options)


def run_of(strap: VirtualH10, stream: bytes = b"stream 1") -> Run:
    """Play a strap to its end in simulated time, and forward it."""
    run, outflow = Run(), Outflow(stream=stream)

    def send(now_s: float) -> None:
        outflow.flush()
        if (about := outflow.description()) is not None:
            run.abouts.append((now_s, about))
        while (packet := outflow.next_unsent()) is not None:
            run.packets.append((now_s, packet))

    async def forward() -> None:
        import asyncio

        now = asyncio.get_running_loop().time
        recorder = Recorder()

        def on_event(event: Any) -> None:
            run.direct.append(event)
            recorder.on_event(event)

        async with virtual_wearable(strap) as backend:
            link = connect(
                strap.name,
                backend=backend,
                extras=EXTRAS,
                on_event=on_event,
                on_notification=recorder.on_notification,
                on_rest=run.direct.append,
            )
            async with link as wearable:
                recorder.begin(outflow.begin(describe(wearable, EXTRAS)))
                async for block in wearable:
                    run.direct.append(block)
                    send(now())
                    if strap.exhausted and block.end_sample >= strap.ledger.played:
                        break
        send(now())

    run_simulated(forward())
    return run


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same to the last bit."""
    if type(a) is not type(b):
        return False
    return all(
        np.array_equal(x, y) if isinstance(x, np.ndarray) else x == y
        for x, y in ((getattr(a, name), getattr(b, name)) for name in a.__dataclass_fields__)
    )


def all_same(got: list[Any], wanted: list[Any]) -> bool:
    return len(got) == len(wanted) and all(map(same, got, wanted))
