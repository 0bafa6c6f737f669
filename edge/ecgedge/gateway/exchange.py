"""A gateway's end of MQTT: hears what nodes forward, gives it to its wearable, and says what it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ecgedge.gateway.conversation import Conversation
from ecgedge.gateway.member import Member
from ecgedge.gateway.node import TOPIC
from ecgedge.sinks.outlets.mqtt_broker import ANSWER_S, Broker, BrokerOptions
from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import ConfigError, FrameError
from ecgedge_bridge.forwarding.packets import MOST_STREAMS, Kind, Packet, description, pack_taken
from ecgedge_bridge.forwarding.roaming import Roaming
from ecgedge_bridge.schema import Place, build, parse_json

__all__ = ["Exchange", "Members"]

Tell = Callable[[str], None]

_CHOOSE_S = 0.5
_MOST_HEARD = 4096  # bytes
TAKEN_S = 2.0
"""How often nodes are told what was taken."""
# What waits to be read, at most: some seconds of a thousand wearables. Beyond that, packets are left out, and
# come again when their node hears that they are waited for.
_MOST_WAITING = 10_000
# Nodes' streams that are known: what anybody may publish must not fill memory.
_MOST_ROUTES = 4 * MOST_STREAMS
_MOST_PART = 200  # characters of a node's name


class Members(Protocol):
    """Who is in the ward."""

    def find(self, name: str, address: str) -> Member | None:
        """Return the wearable that is described so, None where it is not one of them."""


class _Route(NamedTuple):
    node: str
    member: Member
    source: str  # node and topic: one node may forward by two programs


@dataclass(frozen=True, slots=True)
class _Heard:
    """How well a node hears a wearable that is free."""

    name: str
    address: str
    rssi: int


class Exchange:
    """Takes packets from a broker, for ever.

    Parameters
    ----------
    broker : Broker
    options : BrokerOptions
    members : Members
    tell : callable
        Takes a sentence for the user.

    Attributes
    ----------
    refused : int
        Messages that could not be read, or are of no wearable of this ward.
    """

    def __init__(self, broker: Broker, options: BrokerOptions, members: Members, tell: Tell) -> None:
        self.refused = 0
        self._broker, self._members, self._tell = broker, members, tell
        self._topic = broker.topic or TOPIC
        self._parts = self._topic.count("/") + 1
        self._routes: dict[tuple[str, str], _Route] = {}
        self._roaming: dict[Member, Roaming] = {}
        self._told: set[str] = set()
        self._conversation = Conversation(
            broker, f"{self._topic}/gateway", options.back_off, self,
            max_queued_incoming_messages=_MOST_WAITING,
        )  # fmt: skip

    @property
    def nodes(self) -> set[str]:
        """Nodes that forward a wearable of this ward now."""
        routes = list(self._routes.values())
        return {route.node for route in routes if route.member.arrivals.is_here(route.source)}

    @property
    def up(self) -> bool:
        """Whether the broker is there."""
        return self._conversation.up

    async def run(self) -> None:
        """Take what comes until cancelled; a broker that is away is waited for."""
        await self._conversation.run()

    async def begin(self, client: Any) -> None:
        """Subscribe: what is retained of each wearable comes before anything else of it."""
        for what in ("about", "data", "status", "heard"):
            await client.subscribe(f"{self._topic}/+/+/{what}", qos=1, timeout=ANSWER_S)

    def works(self, client: Any) -> Iterable[Coroutine[Any, Any, None]]:
        """Return what is done while there is a connection."""
        return self._listen(client), self._answer(client), self._choose_nodes(client)

    async def say_last(self, client: Any) -> None:
        """Tell nodes what they need not send again."""
        await self._say_taken(client)

    def went(self, error: Exception) -> None:
        """Tell that the broker is away."""
        self._tell(f"{self._broker.name}: the broker is away ({error}): trying again")

    def came(self, *, back: bool) -> None:
        """Tell that it is back."""
        if back:
            self._tell(f"{self._broker.name}: the broker is back")

    async def _listen(self, client: Any) -> None:
        async for message in client.messages:
            self.take(str(message.topic), bytes(message.payload or b""), self._now())

    async def _answer(self, client: Any) -> None:
        while True:
            await asyncio.sleep(TAKEN_S)
            await self._say_taken(client)

    async def _choose_nodes(self, client: Any) -> None:
        """Tell nodes that ask before they connect which of them may."""
        while True:
            await asyncio.sleep(_CHOOSE_S)
            for member, roaming in list(self._roaming.items()):  # others are heard of meanwhile
                if member.is_live:
                    roaming.connected()
                elif (source := roaming.choice(self._now())) is not None:
                    await client.publish(f"{self._topic}/{source}/take", "", timeout=ANSWER_S)

    async def _say_taken(self, client: Any) -> None:
        by_node: dict[str, dict[bytes, int]] = {}
        for route in self._routes.values():
            if (waits := route.member.arrivals.waits_for(route.source)) is not None:
                by_node.setdefault(route.node, {})[waits[0]] = waits[1]
        for node, waits_for in by_node.items():
            await client.publish(f"{self._topic}/{node}/taken", pack_taken(waits_for), timeout=ANSWER_S)

    def take(self, topic: str, payload: bytes, now_s: float) -> None:
        """Take a message: what is no good is counted, and told once of each node."""
        parts = topic.split("/")[self._parts :]
        if len(parts) != 3 or not all(0 < len(part) <= _MOST_PART for part in parts):
            self.refused += 1
            return
        node, key, what = parts
        try:
            if what == "status":
                self._take_status(node, key, payload)
            elif what == "heard":
                self._take_heard(f"{node}/{key}", payload, now_s)
            else:
                self._take_packet(node, key, Packet.parse(payload), now_s)
        except FrameError as error:
            self.refused += 1
            self._tell_once(f"{node}/{key}: {error}")

    def _take_status(self, node: str, key: str, payload: bytes) -> None:
        route = self._routes.get((node, key))
        if route is not None and payload == b"offline":
            route.member.arrivals.away(route.source)

    def _take_heard(self, source: str, payload: bytes, now_s: float) -> None:
        try:
            place = Place("heard")
            heard = build(_Heard, parse_json(payload, place, _MOST_HEARD), place)
        except ConfigError as error:
            raise FrameError(str(error)) from error
        if (member := self._find(heard.name, heard.address)) is not None:
            self._roaming.setdefault(member, Roaming()).heard(source, heard.rssi, now_s)

    def _take_packet(self, node: str, key: str, packet: Packet, now_s: float) -> None:
        route = self._routes.get((node, key))
        if packet.kind is Kind.DESCRIPTION:
            if route is None and (route := self._new_route(node, key, packet)) is None:
                return
            route.member.arrivals.describe(route.source, packet)
        elif route is not None:
            route.member.take(route.member.arrivals.take(route.source, packet, now_s))
        else:
            self.refused += 1

    def _find(self, name: str, address: str) -> Member | None:
        """Return the wearable that is described so; what keeps one from joining must not end the others."""
        if len(name) > _MOST_PART:
            raise FrameError(f"a name of {len(name)} characters: give the wearable a shorter one")
        try:
            return self._members.find(name, address)
        except (ConfigError, OSError) as error:
            raise FrameError(f"{name} cannot join: {error}") from error

    def _new_route(self, node: str, key: str, packet: Packet) -> _Route | None:
        if len(self._routes) >= _MOST_ROUTES:
            raise FrameError("too many nodes forward here: end some")
        header = description(packet, f"{node}/{key}").header
        member = self._find(header.name, header.address)
        if member is None:
            self.refused += 1
            self._tell_once(
                f"{node} forwards {header.name} ({header.address}), which is not in the ward's file"
            )
            return None
        route = self._routes[node, key] = _Route(node, member, f"{node}/{key}")
        self._tell(plain(f"{member.name}: forwarded by {node}"))
        return route

    def _tell_once(self, what: str) -> None:
        if what not in self._told and len(self._told) < _MOST_ROUTES:
            self._told.add(what)
            self._tell(plain(what))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
