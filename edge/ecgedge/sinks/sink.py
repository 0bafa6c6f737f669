"""What every sink can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ecgedge.events import Event
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["Item", "Of", "Several", "Sink"]

Item = SampleBlock | Acceleration | HeartRate | Event
"""All that a stream gives: blocks of signal, what the link and the device report, what the monitor found."""


@dataclass(frozen=True, slots=True)
class Of:
    """An item, and whose it is: what a sink takes that several wearables share.

    Parameters
    ----------
    wearable : str
        What a person calls it.
    item : Item

    Examples
    --------
    >>> from ecgedge.events import Mark
    >>> Of("bed 1", Mark(0, 0.0)).to_json()
    {'type': 'mark', 'sample': 0, 'time_s': 0.0, 'text': '', 'wearable': 'bed 1'}
    """

    wearable: str
    item: Any

    def to_json(self) -> dict[str, Any]:
        """Return the event, with the wearable beside it."""
        made: dict[str, Any] = self.item.to_json()
        return made | {"wearable": self.wearable}


class Sink(Protocol):
    """Where a stream goes; each sink takes the kinds of item that it is for, and leaves the others.

    A block comes before the events that it led to. A sink that does I/O bounds what it keeps.
    """

    def take(self, items: Iterable[Item]) -> None:
        """Take what came, in the order of the stream."""

    def close(self) -> None:
        """Write what is left and give back what was opened; nothing is taken after it."""


class Several:
    """Several sinks as one.

    Parameters
    ----------
    sinks : sequence of Sink
        In the order in which they are served.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def take(self, items: Iterable[Item]) -> None:
        """Give every sink the same."""
        same = list(items)
        for sink in self._sinks:
            sink.take(same)

    def close(self) -> None:
        """Close all of them, the last first, also where one fails."""
        first: Exception | None = None
        for sink in reversed(self._sinks):
            try:
                sink.close()
            except Exception as error:
                first = first or error
        if first is not None:
            raise first
