"""What sources on wires send, and how what came of it is compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecgedge_bridge.values import SampleBlock
from ecgedge_bridge.wired.decoders import ByteDecoder


def joined(events: Iterable[Any]) -> dict[int, float]:
    """Samples by their index, NaN as None."""
    found: dict[int, float] = {}
    for block in events:
        if isinstance(block, SampleBlock):
            for k, value in enumerate(block.samples.tolist()):
                assert block.sample + k not in found
                found[block.sample + k] = value
    return found


def received(pieces: Iterable[bytes], wanted: Any, host_time_s: float = 0.0) -> list[Any]:
    """What a decoder makes of a stream that is read from its beginning on."""
    decoder = ByteDecoder("board", wanted, is_whole=True)
    events = [event for piece in pieces for event in decoder.receive(piece, host_time_s)]
    return events + decoder.finish()
