"""MQTT, by aiomqtt: ``mqtt://USER@HOST:1883/TOPIC`` or ``mqtts://``, with Home Assistant's discovery.

Below the topic (by default ``ecgedge/NAME``):

``status``                  ``online``, or ``offline`` by the last will; retained
``heart_rate``, ``rhythm``, ``battery``, ``link``   the latest, each as plain text; retained
``events/TYPE``             every event as JSON, as it happens

While the broker is away, events are missed and counted: what it has not confirmed counts as missed, although
it may have got the last of it. What was retained is sent again when it is back, so that nobody sees an old
state for the present one.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote, urlsplit

from ecgedge.events import Battery, LinkState, Quality, Rhythm
from ecgedge.sinks.lines import json_line
from ecgedge.sinks.outlets.discovery import RHYTHM_STATES, discovery, slug
from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.outlets.secrets import Login, login
from ecgedge.sinks.outlets.target import Opening, Target
from ecgedge.sinks.queued import EVENTS, NotDelivered
from ecgedge.sinks.saving import expanded
from ecgedge.sinks.sink import Item
from ecgedge.sinks.words import RHYTHMS
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import choice, converted
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["Mqtt", "MqttOptions"]

T = TypeVar("T")
PASSWORD = "ECGEDGE_MQTT_PASSWORD"  # the variable's name
_PORTS = {"mqtt": 1883, "mqtts": 8883}
# A broker in the house answers in milliseconds, one across a mobile network within a second or two.
_ANSWER_S = 5.0
_BACK_OFF_S, _BACK_OFF_MAX_S = 1.0, 30.0
# What matters is raised; stderr is for the user.
_SILENT = logging.Logger("ecgedge mqtt", logging.CRITICAL + 1)
# The broker sends the last will after one and a half times this.
_KEEP_ALIVE_S = 20
# Events on their way at a time: across a slow network a night's recording takes minutes, not hours. The
# library lets no more than 20 wait for an answer.
_AT_ONCE = 16
# How long the connection is looked after when there is nothing to send.
_LOOK_S = 0.01


@dataclass(frozen=True, slots=True)
class MqttOptions:
    """What may stand behind the question mark.

    Parameters
    ----------
    password_file : str, optional
        Holds the password; else the variable ECGEDGE_MQTT_PASSWORD may.
    ca : str, optional
        Certificates (PEM) to trust, of a broker with one of its own.
    discovery : str
        Home Assistant's discovery prefix; empty for no discovery.
    events : str
        ``no`` leaves single events out.
    back_off : float
        Longest pause in seconds before another try.
    """

    password_file: str | None = None
    ca: str | None = None
    discovery: str = "homeassistant"
    events: Annotated[str, choice("yes", "no")] = "yes"
    back_off: Annotated[float, converted(float)] = _BACK_OFF_MAX_S


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
        self._host, self._port, self._login, topic = _parsed(target, options)
        self.base = topic or f"ecgedge/{slug(opening.device)}"
        self._device = opening.device
        self._tls = _tls(options.ca) if target.scheme == "mqtts" else None
        self._latest = _Latest()
        self._client: Any = None
        self._runner: asyncio.Runner | None = None
        self._next_try_s, self._pause_s = 0.0, _BACK_OFF_S
        self._why = ""

    def take(self, items: Iterable[Item]) -> None:
        """Publish the events and what has changed by them.

        Raises
        ------
        NotDelivered
            The broker is away.
        """
        events = [item for item in items if not isinstance(item, SampleBlock | Acceleration)]
        for event in events:
            self._latest.add(event)
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

    async def _publish(self, left: list[Any]) -> None:
        if self._client is None:
            await self._connect()
        while self._latest.unsent:
            topic = min(self._latest.unsent)
            await self._retain(f"{self.base}/{topic}", self._latest.known[topic])
            self._latest.unsent.discard(topic)
        while left:
            await self._send_some(left)
        # Answers to what the broker asks, and our own signs of life, are sent while the loop runs.
        await asyncio.sleep(_LOOK_S)

    async def _send_some(self, left: list[Any]) -> None:
        """Send the first of them; those that the broker confirms are left no more."""
        some = left[:_AT_ONCE]
        answers = await asyncio.gather(*map(self._send, some), return_exceptions=True)
        lost = [(event, error) for event, error in zip(some, answers, strict=True) if error is not None]
        left[: len(some)] = [event for event, _ in lost]
        if lost:
            raise lost[0][1]

    async def _send(self, event: Any) -> None:
        # Unconfirmed, it might lie in a buffer of this machine for a quarter of a minute, and be lost there.
        text = json_line(event.to_json()).rstrip()
        topic = f"{self.base}/events/{type(event).__name__.lower()}"
        await self._client.publish(topic, text, qos=1, timeout=_ANSWER_S)

    async def _connect(self) -> None:
        aiomqtt = self._aiomqtt
        client = aiomqtt.Client(
            self._host,
            self._port,
            username=self._login.user,
            password=self._login.password,
            tls_context=self._tls,
            keepalive=_KEEP_ALIVE_S,
            timeout=_ANSWER_S,
            logger=_SILENT,
            will=aiomqtt.Will(f"{self.base}/status", "offline", qos=1, retain=True),
        )
        try:
            await client.__aenter__()
        except self._aiomqtt.MqttError:
            await _hang_up(
                client
            )  # a broker that takes the connection and says nothing would keep each of them
            raise
        self._client, self._pause_s = client, _BACK_OFF_S
        if self._options.discovery:
            from ecgedge import __version__

            for topic, message in discovery(self.base, self._device, __version__, self._options.discovery):
                await self._retain(topic, message)
        self._latest.forget_sent()
        await self._retain(f"{self.base}/status", "online")

    async def _retain(self, topic: str, text: str) -> None:
        await self._client.publish(topic, text, qos=1, retain=True, timeout=_ANSWER_S)

    async def _say_goodbye(self) -> None:
        """Set the status; what does not work now, the last will does."""
        client, self._client = self._client, None
        with suppress(self._aiomqtt.MqttError, OSError):
            await client.publish(f"{self.base}/status", "offline", qos=1, retain=True, timeout=1.0)
            await _within(client.__aexit__(None, None, None))

    def _lose(self, error: Exception) -> None:
        """Hang up, and plan the next try."""
        assert self._runner is not None
        client, self._client = self._client, None
        if client is not None:
            self._runner.run(_hang_up(client))
        self._why = f"the broker is away ({error})"
        self._next_try_s = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, self._options.back_off)


async def _within(work: Awaitable[T]) -> T:
    async with asyncio.timeout(1.0):
        return await work


async def _hang_up(client: Any) -> None:
    """Close a connection that no longer works, however it objects."""
    with suppress(Exception):  # it is dead: there is nothing else to be done
        await _within(client.__aexit__(None, None, None))
        return
    # What still waits to be sent to a broker that hangs keeps the library from closing the connection.
    connection = client._client.socket()
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        await asyncio.sleep(_LOOK_S)


def _parsed(target: Target, options: MqttOptions) -> tuple[str, int, Login, str]:
    """Host, port, login and topic of ``//USER:PASSWORD@HOST:PORT/TOPIC``."""
    try:
        url = urlsplit(target.rest, allow_fragments=False)
        host, port = url.hostname, url.port or _PORTS[target.scheme]
    except ValueError:
        host, port = None, 0
    if not host:
        raise ConfigError(f"--send {target.scheme}: give {target.scheme}://USER@HOST:PORT/TOPIC")
    topic = unquote(url.path).strip("/")
    if set(topic) & set("+#\0"):
        raise ConfigError(f"--send {target.scheme}: a topic to send to holds no + and no #: correct it")
    given = url.netloc.rpartition("@")[0]
    return host, port, login(given, options.password_file, PASSWORD), topic


def _tls(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca is None else str(expanded(ca)))
    except OSError as error:
        raise ConfigError(f"certificates {ca}: {error.strerror or error}: check the file") from error
