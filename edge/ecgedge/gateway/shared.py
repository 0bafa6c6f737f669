"""Sinks that all wearables of a ward share: one queue and one thread each, however many share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, Generic, Protocol, TypeVar

from ecgedge.sinks.outlets.target import Opening, Target
from ecgedge.sinks.queued import EVENTS, Queued, Tell
from ecgedge.sinks.sink import Item, Of, Sink
from ecgedge_bridge.errors import ConfigError

__all__ = ["REST_S", "EachOwn", "Front", "Takes", "open_shared"]

S = TypeVar("S", bound=Sink)
# In a ward of hundreds, half a minute of events with what comes at once after an outage.
MOST = 40_000
REST_S = 0.05
"""How long what is shared rests between two servings: nobody sees it, and it saves a tenth of the CPU."""


class Takes(Protocol):
    """What takes items of several wearables."""

    def take(self, items: Iterable[Any]) -> None:
        """Take what came."""


class Front:
    """One wearable's way into a shared sink: marks each item with whose it is.

    Parameters
    ----------
    shared : Takes
    wearable : str
    kinds : tuple of type
        The items that the sink is for.

    Examples
    --------
    >>> from ecgedge.events import Mark
    >>> class Printed:
    ...     def take(self, items):
    ...         print(*(f"{one.wearable}: {one.item.text}" for one in items))
    >>> Front(Printed(), "bed 1", (Mark,)).take([Mark(0, 0.0, "stairs")])
    bed 1: stairs
    """

    def __init__(self, shared: Takes, wearable: str, kinds: tuple[type, ...] = (object,)) -> None:
        self._shared, self._wearable, self._kinds = shared, wearable, kinds

    def take(self, items: Iterable[Item]) -> None:
        """Pass on what the sink is for."""
        if mine := [Of(self._wearable, item) for item in items if isinstance(item, self._kinds)]:
            self._shared.take(mine)

    def close(self) -> None:
        """Do nothing: the others go on."""


class EachOwn(Generic[S]):
    """A shared sink that holds one of its own for each wearable; all are served by one thread.

    Parameters
    ----------
    make : callable
        Makes the sink of a wearable, when something of it comes first; without it each is put there.
    """

    def __init__(self, make: Callable[[str], S] | None = None) -> None:
        self._make = make
        self._sinks: dict[str, S] = {}

    def put(self, wearable: str, sink: S) -> None:
        """Give a wearable a sink that is there already."""
        self._sinks[wearable] = sink

    def take(self, items: Iterable[Any]) -> None:
        """Give each wearable's sink what is its own; all get theirs, also where one fails."""
        first: Exception | None = None
        for wearable, own in groupby(items, key=lambda one: one.wearable):
            try:
                self.of(wearable).take([one.item for one in own])
            except Exception as error:
                first = first or error
        if first is not None:
            raise first

    def of(self, wearable: str) -> S:
        """Return the sink of a wearable."""
        if wearable not in self._sinks and self._make is not None:
            self._sinks[wearable] = self._make(wearable)
        return self._sinks[wearable]

    def close(self) -> None:
        """Close all of them, also where one fails."""
        first: Exception | None = None
        for sink in self._sinks.values():
            try:
                sink.close()
            except Exception as error:
                first = first or error
        if first is not None:
            raise first


class Outlet:
    """What ``send`` names, shared by all wearables.

    Parameters
    ----------
    sink : Sink
        Takes an :class:`~ecgedge.sinks.sink.Of` for each item.
    name : str
        What may be shown of it.
    tell : callable
        Takes a sentence for the user.

    Attributes
    ----------
    name : str
        What may be shown of it.
    sink : Sink
        What sends; a :class:`~ecgedge.sinks.outlets.metrics.Metrics` has a registry to add to.
    """

    def __init__(self, sink: Any, name: str, tell: Tell) -> None:
        self.sink, self.name = sink, name
        self._kinds = getattr(sink, "kinds", EVENTS)
        self._queued = Queued(sink, name, tell=tell, kinds=(Of,), most=MOST, rest_s=REST_S)

    def front(self, wearable: str) -> Sink:
        """Return a wearable's way into it."""
        return Front(self._queued, wearable, self._kinds)

    @property
    def missed(self) -> int:
        """Items that its receiver did not get."""
        return self._queued.missed

    def close(self) -> None:
        """Send what is left."""
        self._queued.close()


def open_shared(text: str, title: str, tell: Tell) -> Outlet:
    """Open what ``send`` names; see :func:`ecgedge.sinks.registry.open_outlet`.

    Raises
    ------
    ConfigError
        There is no such scheme, or it serves one wearable alone; its extra is not installed; it cannot be
        opened.
    """
    from importlib import import_module

    from ecgedge.sinks.registry import OUTLETS
    from ecgedge_bridge.schema import hint

    target = Target.parse(text)
    if target.scheme == "lsl":
        raise ConfigError("send lsl: is of one wearable: use 'ecgedge run' for it, or tcp: for a ward")
    if target.scheme not in OUTLETS:
        known = hint(target.scheme, OUTLETS)
        raise ConfigError(f"send {target.scheme}: nothing sends there ({known}): correct it")
    module, name = OUTLETS[target.scheme].split(":")
    return Outlet(getattr(import_module(module), name)(target, Opening(title, tell)), target.name, tell)
