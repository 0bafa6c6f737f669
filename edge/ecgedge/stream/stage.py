"""What every stage behind the filters is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ecgedge.events import Event
from ecgedge.stream.segment import Segment


class Stage(Protocol):
    """Called once a tick, in order; ``segment.ended`` is True in the last call, which flushes."""

    name: str

    def start(self, segment: Segment) -> None: ...
    def advance(self, segment: Segment) -> Sequence[Event]: ...
