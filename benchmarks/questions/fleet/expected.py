"""Which packet of a strap brings which event: what a gateway's lines are compared with."""

from __future__ import annotations

from typing import Any

from benchmarks.children.fleet import signals
from benchmarks.children.ward import Strap
from ecgedge_bridge.forwarding.arrivals import Arrivals
from ecgedge_bridge.values import SampleBlock

Key = tuple[str, int]  # type and sample of an event


def expected(frames: int) -> list[dict[Key, int]]:
    """For each signal of the fleet, the frame after which each event is there.

    What a gateway does with one strap is done here alone: the same packets, decoder and monitor.
    """
    from ecgedge.monitor import Models, Monitor

    models = Models.load()
    return [_of(Monitor(models), payloads) for payloads in signals(frames)]


def _of(monitor: Any, payloads: list[bytes]) -> dict[Key, int]:
    strap, arrivals = Strap(0, payloads, len(payloads)), Arrivals()
    about = strap.outflow.description()
    assert about is not None
    arrivals.describe("node", about)
    found: dict[Key, int] = {}
    for frame in range(len(payloads)):
        strap.pack(float(frame))
        while (packet := strap.outflow.next_unsent()) is not None:
            for item in arrivals.take("node", packet, float(frame)):
                for event in monitor.feed(item) if isinstance(item, SampleBlock) else ():
                    found.setdefault(key(event.to_json()), frame)
    return found


def key(event: dict[str, Any]) -> Key:
    """What an event is known by."""
    return str(event["type"]), int(event["sample"])
