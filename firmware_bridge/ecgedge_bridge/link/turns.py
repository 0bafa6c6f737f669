"""Whose turn it is to connect, and over which adapter: no I/O, no clock.

An adapter holds few links at a time (a Raspberry Pi's own seven), makes one connection at a time, and takes
it ill when attempts follow each other at once. Whoever has waited longest connects next, over the adapter
that hears it best among those that have room; one that nobody hears, or only full adapters do, keeps no other
waiting. A failed attempt goes to the end of the row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

__all__ = ["LINKS", "STAGGER_S", "Path", "Turn", "Turns"]

LINKS = 7
"""Links of an adapter, where nothing else is said: those of a Raspberry Pi's own."""
STAGGER_S = 1.0
"""From the beginning of one attempt of an adapter to that of the next, in seconds."""


class Path(NamedTuple):
    """An adapter that hears a wearable: how well in dBm, and whether it says itself that it has room."""

    adapter: str
    rssi: int
    has_room: bool = True


class Turn(NamedTuple):
    """Who may connect now, and the adapter that was chosen for it."""

    who: str
    adapter: str


class Turns:
    """Keeps the row.

    Parameters
    ----------
    links : int
        Links that an adapter holds at a time.
    stagger_s : float
        Least time between the beginnings of two attempts of one adapter, in seconds.

    Examples
    --------
    >>> turns = Turns(links=1)
    >>> for at, who in enumerate(["bed 1", "bed 2"]):
    ...     turns.wait(who, now_s=at)
    >>> heard = lambda who: [Path("hci0", -60), Path("hci1", -80)]
    >>> turns.next(10.0, heard)
    [Turn(who='bed 1', adapter='hci0'), Turn(who='bed 2', adapter='hci1')]
    """

    def __init__(self, links: int = LINKS, stagger_s: float = STAGGER_S) -> None:
        self._links, self._stagger_s = links, stagger_s
        self._waiting: dict[str, float] = {}
        self._attempts: dict[str, str] = {}
        self._held: dict[str, str] = {}
        self._begun_s: dict[str, float] = {}

    @property
    def waiting(self) -> Iterable[str]:
        """Who waits for a turn, the longest first."""
        idle = [who for who in self._waiting if who not in self._attempts]
        return sorted(idle, key=lambda who: self._waiting[who])

    @property
    def held(self) -> Counter[str]:
        """How many links each adapter holds."""
        return Counter(self._held.values())

    def wait(self, who: str, now_s: float) -> None:
        """Join the row; who waits already keeps its place."""
        self._held.pop(who, None)
        self._waiting.setdefault(who, now_s)

    def next(self, now_s: float, heard: Callable[[str], Iterable[Path]]) -> list[Turn]:
        """Return whose turn it is now; each of them connects, or fails, or leaves."""
        turns = []
        for who in self.waiting:
            paths = [path for path in heard(who) if self._may(path, now_s)]
            if paths:
                best = max(paths, key=lambda path: path.rssi).adapter
                self._attempts[who], self._begun_s[best] = best, now_s
                turns.append(Turn(who, best))
        return turns

    def connected(self, who: str, adapter: str) -> None:
        """Note that it holds a link now, over this adapter."""
        self._waiting.pop(who, None)
        self._attempts.pop(who, None)
        self._held[who] = adapter

    def failed(self, who: str, now_s: float) -> None:
        """Note that an attempt failed: the others come first now."""
        if self._attempts.pop(who, None) is not None:
            self._waiting.pop(who, None)
            self._waiting[who] = now_s

    def leave(self, who: str) -> None:
        """Note that it neither waits nor holds a link any more."""
        for row in (self._waiting, self._attempts, self._held):
            row.pop(who, None)

    def _may(self, path: Path, now_s: float) -> bool:
        taken = self.held[path.adapter]
        busy = path.adapter in self._attempts.values()
        begun_s = self._begun_s.get(path.adapter)
        rested = begun_s is None or now_s - begun_s >= self._stagger_s
        return path.has_room and taken < self._links and not busy and rested
