"""A gateway's end of a stream: packets in, in any order and as often as they come; each once, in order out.

Theory of operation
-------------------
A packet that is expected is given out. One from before is a duplicate, and counted. One from beyond is held,
because what is missing may be on its way: it comes again when its node hears what the gateway waits for. It
is given up when the node says that it no longer has it (``oldest``), when it was waited for too long, or when
too much is held; then it is counted as lost, and the stream goes on. What was in it shows as a gap where the
decoder finds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ecgedge_bridge.forwarding.packets import Packet

__all__ = ["MOST_HELD", "PATIENCE_S", "Counts", "Inflow", "Taken"]

MOST_HELD = 1024
"""Packets that are held at most: ten minutes of an H10, 0.3 MB."""
PATIENCE_S = 30.0
"""How long a packet is waited for: three times that a node takes to send it again."""
# A number that is so far off belongs to no packet of this stream that could still be wanted.
_FAR = 1 << 31


@dataclass(slots=True)
class Counts:
    """What became of a stream's packets: ``taken`` in order, ``lost``, ``duplicated``, ``reordered``."""

    taken: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0


class Taken(NamedTuple):
    """Records of a packet, and how many packets before it were lost."""

    records: bytes
    number: int
    lost: int


class Inflow:
    """Puts the packets of one stream in order.

    Parameters
    ----------
    number : int
        Of the first packet that is wanted.
    patience_s : float
        How long a packet is waited for, in seconds.

    Attributes
    ----------
    counts : Counts
    next : int
        Number of the packet that is waited for.

    Examples
    --------
    >>> from ecgedge_bridge.forwarding.packets import Kind
    >>> inflow = Inflow(5)
    >>> packets = [Packet(Kind.RECORDS, b"stream 1", n, 0, b"%d" % n) for n in (6, 5, 5)]
    >>> [[taken.records for taken in inflow.take(packet, now_s=0.0)] for packet in packets]
    [[], [b'5', b'6'], []]
    >>> inflow.counts
    Counts(taken=2, lost=0, duplicated=1, reordered=1)
    """

    def __init__(self, number: int, patience_s: float = PATIENCE_S) -> None:
        self.counts = Counts()
        self.next = number
        self._patience_s = patience_s
        self._held: dict[int, bytes] = {}
        self._waits_since_s: float | None = None

    def take(self, packet: Packet, now_s: float) -> list[Taken]:
        """Take a packet; return what is in order now.

        Parameters
        ----------
        packet : Packet
            Of this stream.
        now_s : float
            Of a monotonic clock.
        """
        ahead = packet.number - self.next
        if ahead < 0 or packet.number in self._held or ahead >= _FAR:
            self.counts.duplicated += 1
            return []
        if ahead:
            self.counts.reordered += 1
            if self._waits_since_s is None:
                self._waits_since_s = now_s
        self._held[packet.number] = packet.data
        lost = self._given_up(packet.oldest)
        return self._in_order(lost, now_s)

    def tick(self, now_s: float) -> list[Taken]:
        """Return what is in order once what was waited for too long is given up."""
        since_s = self._waits_since_s
        if since_s is None or now_s - since_s < self._patience_s:
            return []
        return self._in_order(self._skip(min(self._held)), now_s)

    def _given_up(self, oldest: int) -> int:
        """Give up what cannot come any more, and what is too much to hold; return how many packets."""
        first = min(self._held)
        lost = self._skip(min(oldest, first)) if oldest > self.next else 0
        if len(self._held) > MOST_HELD:
            lost += self._skip(first)
        return lost

    def _skip(self, number: int) -> int:
        lost = max(number - self.next, 0)
        self.next += lost
        self.counts.lost += lost
        return lost

    def _in_order(self, lost: int, now_s: float) -> list[Taken]:
        found: list[Taken] = []
        while (data := self._held.pop(self.next, None)) is not None:
            found.append(Taken(data, self.next, lost))
            lost = 0
            self.next += 1
        self.counts.taken += len(found)
        if found:
            self._waits_since_s = now_s if self._held else None
        return found
