"""MQTT, by aiomqtt: ``mqtt://USER@HOST:1883/TOPIC`` or ``mqtts://``, with Home Assistant's discovery.

Below the topic (by default ``ecgedge/NAME``):

``status``                  ``online``, or ``offline`` by the last will; retained
``heart_rate``, ``rhythm``, ``battery``, ``link``   the latest, each as plain text; retained
``events/TYPE``             every event as JSON, as it happens

While the broker is away, events are missed and counted: what it has not confirmed counts as missed, although
it may have got the last of it. What was retained is sent again when it is back, so that nobody sees an old
state for the present one. Where several wearables share the sink, each has its topics below
``TOPIC/NAME``, and ``TOPIC/status`` is that of all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

from ecgedge.events import Battery, LinkState, Quality, Rhythm
from ecgedge.sinks.lines import json_line
from ecgedge.sinks.outlets.discovery import RHYTHM_STATES, discovery, slug
from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.outlets.mqtt_broker import (
    ANSWER_S,
    LOOK_S,
    PASSWORD,
    Broker,
    BrokerOptions,
    hang_up,
    within,
)
from ecgedge.sinks.outlets.target import Opening, Target
from ecgedge.sinks.queued import EVENTS, NotDelivered
from ecgedge.sinks.sink import Item, Of
from ecgedge.sinks.words import RHYTHMS
from ecgedge_bridge.schema import choice
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["PASSWORD", "Mqtt", "MqttOptions"]

_ANSWER_S = ANSWER_S
_BACK_OFF_S = 1.0
# Events on their way at a time: across a slow network a night's recording takes minutes, not hours. The
# library lets no more than 20 wait for an answer.
_AT_ONCE = 16
_NO_EVENTS = (SampleBlock, Acceleration)


@dataclass(frozen=True, slots=True)
class MqttOptions(BrokerOptions):
    """What may stand behind the question mark, beside what every broker's address may have.

    Parameters
    ----------
    discovery : str
        Home Assistant's discovery prefix; empty for no discovery.
    events : str
        ``no`` leaves single events out.
    """

    discovery: str = "homeassistant"
    events: Annotated[str, choice("yes", "no")] = "yes"


@dataclass(slots=True)
class _Latest:
    """The figures that are retained, and which of them the broker does not have yet."""

    known: dict[str, str] = field(default_factory=dict)
    unsent: set[str] = field(default_factory=set)

    def add(self, item: Item) -> None:
        """Keep what an item says."""
        if isinstance(item, Rhythm | Quality) and "link" not in self.known:
            self.add(LinkState(item.sample, item.time_s, "streaming"))  # a recording, which has no link
        for topic, text in _figures(item):
            if (
                self.known.get(topic) != text or topic == "heart_rate"
            ):  # a rate that stays is news: it expires
                self.known[topic] = text
                self.unsent.add(topic)

    def forget_sent(self) -> None:
        """Send all of them again, to a broker that may have forgotten them."""
        self.unsent = set(self.known)


@dataclass(slots=True)
class _Wearable:
    """What is known of one wearable, and whether this connection has told of it."""

    base: str
    name: str
    latest: _Latest = field(default_factory=_Latest)
    is_announced: bool = False


def _figures(item: Item) -> Iterator[tuple[str, str]]:
    match item:
        case Rhythm():
            label = "N" if item.sinus else item.label
            yield "rhythm", RHYTHMS.get(label, RHYTHMS["~"])
            if item.heart_rate_bpm is not None:
                yield "heart_rate", f"{item.heart_rate_bpm:.0f}"
        case Quality(accepted=False):
            yield "rhythm", RHYTHM_STATES[-1]
        case HeartRate():
            yield "heart_rate", f"{item.bpm}"
        case Battery():
            yield "battery", f"{item.percent}"
        case LinkState():
            yield "link", item.state


class Mqtt:
    """The state of a wearable, retained, and its events.

    Parameters
    ----------
    target : Target
        With the fields of :class:`MqttOptions` as options.
    opening : Opening

    Raises
    ------
    ConfigError
        The extra is not installed, or the URL, the password file or a certificate cannot be used.
    """

    kinds = EVENTS

    def __init__(self, target: Target, opening: Opening) -> None:
        self._options = options = target.decoded(MqttOptions)
        self._aiomqtt = library("aiomqtt", "mqtt")
        self._broker = Broker.parse(target, "--send", options.password_file, options.ca)
        self.base = self._broker.topic or f"ecgedge/{slug(opening.device)}"
        self._alone = _Wearable(self.base, opening.device)
        self._wearables: dict[str, _Wearable] = {}
        self._client: Any = None
        self._runner: asyncio.Runner | None = None
        self._next_try_s, self._pause_s = 0.0, _BACK_OFF_S
        self._why = ""

    def take(self, items: Iterable[Item | Of]) -> None:
        """Publish the events and what has changed by them.

        Raises
        ------
        NotDelivered
            The broker is away.
        """
        events = [found for item in items if not isinstance((found := self._whose(item))[1], _NO_EVENTS)]
        for wearable, event in events:
            wearable.latest.add(event)
        left = events if self._options.events == "yes" else []
        if self._client is None and time.monotonic() < self._next_try_s:
            raise NotDelivered(self._why, len(left))
        if self._runner is None:
            self._runner = asyncio.Runner()
            # A connection that ends between two calls shows at the next one, and is told then.
            self._runner.get_loop().set_exception_handler(lambda *_: None)
        try:
            self._runner.run(self._publish(left))
        except (self._aiomqtt.MqttError, OSError) as error:
            self._lose(error)
            raise NotDelivered(self._why, len(left)) from error

    def close(self) -> None:
        """Say goodbye to the broker."""
        if self._runner is not None:
            with self._runner:
                if self._client is not None:
                    self._runner.run(self._say_goodbye())

    def _whose(self, item: Item | Of) -> tuple[_Wearable, Any]:
        if not isinstance(item, Of):
            return self._alone, item
        found = self._wearables.get(item.wearable)
        if found is None:
            found = _Wearable(f"{self.base}/{slug(item.wearable)}", item.wearable)
            self._wearables[item.wearable] = found
        return found, item.item

    @property
    def _each(self) -> Iterable[_Wearable]:
        return self._wearables.values() or (self._alone,)

    async def _publish(self, left: list[tuple[_Wearable, Any]]) -> None:
        if self._client is None:
            await self._connect()
        for wearable in self._each:
            await self._announce(wearable)
            while wearable.latest.unsent:
                topic = min(wearable.latest.unsent)
                await self._retain(f"{wearable.base}/{topic}", wearable.latest.known[topic])
                wearable.latest.unsent.discard(topic)
        while left:
            await self._send_some(left)
        # Answers to what the broker asks, and our own signs of life, are sent while the loop runs.
        await asyncio.sleep(LOOK_S)

    async def _announce(self, wearable: _Wearable) -> None:
        """Tell Home Assistant of a wearable that this connection has not told of."""
        if wearable.is_announced or not self._options.discovery:
            return
        from ecgedge import __version__

        status = f"{self.base}/status"
        prefix = self._options.discovery
        for topic, message in discovery(wearable.base, wearable.name, __version__, prefix, status):
            await self._retain(topic, message)
        wearable.is_announced = True

    async def _send_some(self, left: list[tuple[_Wearable, Any]]) -> None:
        """Send the first of them; those that the broker confirms are left no more."""
        some = left[:_AT_ONCE]
        answers = await asyncio.gather(*(self._send(*one) for one in some), return_exceptions=True)
        lost = [(event, error) for event, error in zip(some, answers, strict=True) if error is not None]
        left[: len(some)] = [event for event, _ in lost]
        if lost:
            raise lost[0][1]

    async def _send(self, wearable: _Wearable, event: Any) -> None:
        # Unconfirmed, it might lie in a buffer of this machine for a quarter of a minute, and be lost there.
        text = json_line(event.to_json()).rstrip()
        topic = f"{wearable.base}/events/{type(event).__name__.lower()}"
        await self._client.publish(topic, text, qos=1, timeout=_ANSWER_S)

    async def _connect(self) -> None:
        will = self._aiomqtt.Will(f"{self.base}/status", "offline", qos=1, retain=True)
        client = self._broker.client(timeout=_ANSWER_S, will=will)
        try:
            await client.__aenter__()
        except self._aiomqtt.MqttError:
            # A broker that takes the connection and says nothing would keep each of them.
            await hang_up(client)
            raise
        self._client, self._pause_s = client, _BACK_OFF_S
        for wearable in self._each:
            wearable.is_announced = False
            wearable.latest.forget_sent()
        await self._retain(f"{self.base}/status", "online")

    async def _retain(self, topic: str, text: str) -> None:
        await self._client.publish(topic, text, qos=1, retain=True, timeout=_ANSWER_S)

    async def _say_goodbye(self) -> None:
        """Set the status; what does not work now, the last will does."""
        client, self._client = self._client, None
        with suppress(self._aiomqtt.MqttError, OSError):
            await client.publish(f"{self.base}/status", "offline", qos=1, retain=True, timeout=1.0)
            await within(client.__aexit__(None, None, None))

    def _lose(self, error: Exception) -> None:
        """Hang up, and plan the next try."""
        assert self._runner is not None
        client, self._client = self._client, None
        if client is not None:
            self._runner.run(hang_up(client))
        self._why = f"the broker is away ({error})"
        self._next_try_s = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, self._options.back_off)
