"""A node near a wearable: its link passes on what comes, over MQTT 5, and never waits for the broker.

Below the topic (by default ``ecgedge/ward``) a node has, for each wearable:

``NODE/WEARABLE/about``    the description of the wearable and of its connection; retained
``NODE/WEARABLE/data``     packets of records (``ecgedge_bridge/forwarding/packets.py``), QoS 1
``NODE/WEARABLE/status``   ``online``, or ``offline`` by the last will; retained
``NODE/WEARABLE/heard``    of a node that roams: who is heard how well, JSON
``NODE/WEARABLE/take``     from the gateway: connect, you hear it best
``NODE/taken``             what the gateway has: packets are kept until then

and ``gateway`` (retained) says whether there is one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any

from ecgedge.gateway.conversation import Conversation
from ecgedge.gateway.source import Door, Source, Tell
from ecgedge.sinks.outlets.discovery import slug
from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.outlets.mqtt_broker import ANSWER_S, Broker, BrokerOptions, end
from ecgedge.sinks.outlets.target import Target
from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.forwarding.again import Again
from ecgedge_bridge.forwarding.packets import Packet, parse_taken
from ecgedge_bridge.link.radio import Found

__all__ = ["TOPIC", "Node", "node_broker"]

TOPIC = "ecgedge/ward"
"""Where nodes and a gateway meet, if nothing else is said."""
# Packets on their way at a time; the library lets no more than 20 wait for an answer.
_AT_ONCE = 16
# A gateway says every two seconds what it has; one that was silent for so long is not there.
_GATEWAY_S = 30.0
# Between two reports of how well a wearable is heard.
_ASK_S = 1.0
# For what is left at the end.
_CLOSE_S = 3.0


def node_broker(url: str, option: str) -> tuple[Broker, BrokerOptions]:
    """Read ``mqtt://USER@HOST:PORT/TOPIC?KEY=VALUE``.

    Raises
    ------
    ConfigError
        It is none, or what it names cannot be used; the extra is not installed.
    """
    target = Target.parse(url)
    options = target.decoded(BrokerOptions)
    library("aiomqtt", "mqtt")
    return Broker.parse(target, option, options.password_file, options.ca), options


class Node(Source):
    """Forwards one wearable.

    Parameters
    ----------
    device, door, tell, about
        See :class:`~ecgedge.gateway.source.Source`.
    broker : Broker
    options : BrokerOptions
    name : str
        Of this node.
    roam : bool
        Whether the gateway is asked before the wearable is connected to: it chooses who hears it best. Where
        there is no gateway, the node connects by itself.

    Attributes
    ----------
    has_gateway : bool
        Whether a gateway has said that it is there.
    """

    def __init__(
        self,
        device: str,
        door: Door,
        broker: Broker,
        options: BrokerOptions,
        name: str,
        tell: Tell,
        *,
        roam: bool = False,
        **about: Any,
    ) -> None:
        super().__init__(device, door, tell, **about)
        self._roams = roam
        if roam:  # a wearable that is not heard is at another node
            self.expected, self.look_again_s = (LinkCode.NOT_FOUND,), 0.1
        self._found: Found | None = None
        self._may = asyncio.Event()
        self.has_gateway = False
        self._node = f"{broker.topic or TOPIC}/{slug(name)}"
        self._topic = f"{self._node}/{slug(device)}"
        self._gateway = f"{broker.topic or TOPIC}/gateway"
        self._new = asyncio.Event()
        self._is_sending = False
        self._gateway_s = float("-inf")
        self._again = Again(self.outflow)
        self._conversation = Conversation(
            broker, f"{self._topic}/status", options.back_off, self,
            identifier=f"ecgedge-{self.outflow.stream.hex()}",
        )  # fmt: skip

    async def run(self) -> None:
        """Forward until cancelled; what is left is sent then, for as long as it takes a broker that is there.

        Raises
        ------
        LinkError
            There is no Bluetooth that could be used.
        ConfigError
            An option cannot be used with this wearable.
        """
        sending = asyncio.create_task(self._conversation.run())
        try:
            await super().run()
        finally:
            await self._send_rest()
            await end([sending])

    def packed(self) -> None:
        """Have it sent."""
        self._new.set()

    def hooks(self) -> dict[str, Any]:
        """Return more options for the door."""
        return {"may_connect": self._may_connect} if self._roams else {}

    async def _may_connect(self, found: Found) -> bool:
        """Tell the gateway how well it is heard, and wait a moment for its word."""
        self._found = found
        self._new.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(_ASK_S):
                await self._may.wait()
        may = self._may.is_set() or not (self._conversation.up and self.has_gateway)
        self._may.clear()
        return may

    async def _send_rest(self) -> None:
        """Give a broker that is there a little time for what is left."""
        end_s = self._now() + _CLOSE_S
        while self._conversation.up and self._now() < end_s:
            if not self._is_sending and self.outflow.sent >= self.outflow.packets:
                return
            await asyncio.sleep(0.02)

    async def begin(self, client: Any) -> None:
        """Subscribe to what the gateway says."""
        for topic in (f"{self._node}/taken", f"{self._topic}/take", self._gateway):
            await client.subscribe(topic, timeout=ANSWER_S)

    def works(self, client: Any) -> Iterable[Coroutine[Any, Any, None]]:
        """Return what is done while there is a connection."""
        return self._pump(client), self._listen(client)

    async def say_last(self, client: Any) -> None:
        """Say nothing: what was left was sent before."""

    def went(self, error: Exception) -> None:
        """Tell that the broker is away."""
        self.say(f"the broker is away ({error}): what comes meanwhile is kept, and sent later")

    def came(self, *, back: bool) -> None:
        """Send again what a broker may have lost."""
        self._again.connected(self._now())
        if back:
            self.say(f"the broker is back; {self.outflow.dropped} packets had to be dropped so far")

    async def _listen(self, client: Any) -> None:
        async for message in client.messages:
            topic, payload = str(message.topic), bytes(message.payload or b"")
            if topic == self._gateway:
                self.has_gateway = payload == b"online"
            elif topic == f"{self._topic}/take":
                self._may.set()
            else:
                self._take_answer(payload)

    def _take_answer(self, payload: bytes) -> None:
        self._gateway_s = self._now()
        for stream, number in parse_taken(payload):
            self._again.taken(stream, number, self._gateway_s)
        self._new.set()  # something may be to be sent again

    async def _pump(self, client: Any) -> None:
        while True:
            self._new.clear()
            self._is_sending = True
            if (found := self._found) is not None:
                self._found = None
                heard = {"name": found.name, "address": found.address, "rssi": found.rssi}
                await client.publish(f"{self._topic}/heard", json.dumps(heard), timeout=ANSWER_S)
            if (about := self.outflow.description()) is not None:
                await self._publish(client, "about", about, retain=True)
            some = [one for _ in range(_AT_ONCE) if (one := self.outflow.next_unsent()) is not None]
            self._is_sending = bool(some)
            if some:
                await asyncio.gather(*(self._publish(client, "data", one) for one in some))
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._new.wait()
            if self._now() - self._gateway_s < _GATEWAY_S:
                self._again.tick(self._now())

    async def _publish(self, client: Any, what: str, packet: Packet, *, retain: bool = False) -> None:
        topic = f"{self._topic}/{what}"
        await client.publish(topic, packet.encode(), qos=1, retain=retain, timeout=ANSWER_S)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
