"""A gateway's own counters for Prometheus, read when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ecgedge.sinks.outlets.extras import library

if TYPE_CHECKING:
    from ecgedge.gateway.exchange import Exchange
    from ecgedge.gateway.member import Member

__all__ = ["Tally"]

_PACKETS = ("taken", "lost", "duplicated", "reordered")


class Tally:
    """What a ``prometheus_client`` registry collects of a gateway.

    Parameters
    ----------
    members : callable
        Gives the wearables there are.
    exchange : Exchange, optional
        Where nodes forward.
    missed : callable, optional
        Gives the items that shared sinks have missed, by the sink's name.
    links : callable, optional
        Gives the links that each adapter holds.
    """

    def __init__(
        self,
        members: Callable[[], Iterable[Member]],
        exchange: Exchange | None = None,
        missed: Callable[[], dict[str, int]] = dict,
        links: Callable[[], dict[str, int]] = dict,
    ) -> None:
        self._members, self._exchange, self._missed, self._links = members, exchange, missed, links
        self._core = library("prometheus_client.core", "metrics")

    def collect(self) -> Iterator[Any]:
        """Yield every figure, as the library asks for them."""
        members = list(self._members())
        yield from self._of_packets(members)
        yield self._gauge("wearables", "Wearables of the ward.", {(): len(members)})
        yield self._gauge(
            "wearables_streaming",
            "Wearables whose ECG comes.",
            {(): sum(member.is_live for member in members)},
        )
        if self._exchange is not None:
            yield self._gauge("nodes", "Nodes that forward a wearable.", {(): len(self._exchange.nodes)})
            yield self._gauge("broker_up", "1 while the broker is there.", {(): int(self._exchange.up)})
            yield self._counter(
                "messages_refused", "Messages that nobody could read.", {(): self._exchange.refused}
            )
        links = {(adapter,): count for adapter, count in self._links().items()}
        yield self._gauge("links", "Links that an adapter holds.", links, "adapter")
        missed = {(sink,): count for sink, count in self._missed().items()}
        yield self._counter("sink_missed", "Items that a receiver did not get.", missed, "sink")

    def _of_packets(self, members: list[Member]) -> Iterator[Any]:
        heard = {member.name: member.arrivals.heard for member in members}
        for what in _PACKETS:
            counts = {(name,): getattr(one.packets, what) for name, one in heard.items()}
            yield self._counter(f"packets_{what}", f"Forwarded packets {what}.", counts, "device")
        for what, words in (
            ("not_taken", "Packets of a node that was not listened to."),
            ("refused", "Packets that could not be read, or came before their description."),
        ):
            counts = {(name,): getattr(one, what) for name, one in heard.items()}
            yield self._counter(f"packets_{what}", words, counts, "device")
        counts = {(name,): one.handovers for name, one in heard.items()}
        yield self._counter("handovers", "Times that another node took over.", counts, "device")

    def _gauge(self, name: str, words: str, values: Mapping[Any, float], *labels: str) -> Any:
        return self._family(self._core.GaugeMetricFamily, name, words, values, labels)

    def _counter(self, name: str, words: str, values: Mapping[Any, float], *labels: str) -> Any:
        return self._family(self._core.CounterMetricFamily, name, words, values, labels)

    @staticmethod
    def _family(
        kind: Any, name: str, words: str, values: Mapping[Any, float], labels: tuple[str, ...]
    ) -> Any:
        family = kind(f"ecgedge_gateway_{name}", words, labels=labels)
        for of, value in values.items():
            family.add_metric(of, value)
        return family
