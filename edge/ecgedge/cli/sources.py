"""What commands read, at its own pace or at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ecgedge_bridge.values import SampleBlock

__all__ = ["paced"]

T = TypeVar("T")


def paced(values: Iterable[T], speed: float | None) -> Iterator[T | SampleBlock]:
    """Yield the same, blocks in pieces, each no sooner than its time.

    Parameters
    ----------
    values : iterable
        Blocks, and what came between them.
    speed : float, optional
        Times real time; None waits for nothing.
    """
    from ecgedge.sinks.replayed import in_pieces

    if speed is None:
        yield from values
        return
    began: float | None = None
    for at_s, value in in_pieces(values):
        if at_s is not None:
            due_s = at_s / speed
            began = time.monotonic() - due_s if began is None else began
            time.sleep(max(began + due_s - time.monotonic(), 0.0))
        yield value
