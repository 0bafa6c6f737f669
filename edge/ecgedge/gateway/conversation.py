"""A connection to a broker that is kept up until cancelled: both ends of a ward have one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, Protocol

from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.outlets.mqtt_broker import ANSWER_S, Broker, end, enter, hang_up, raise_if_cancelled

__all__ = ["Conversation", "Talks"]

_BACK_OFF_S = 0.5


class Talks(Protocol):
    """Whose conversation it is."""

    async def begin(self, client: Any) -> None:
        """Subscribe."""

    def works(self, client: Any) -> Iterable[Coroutine[Any, Any, None]]:
        """Return what is done, side by side, until the connection breaks."""

    async def say_last(self, client: Any) -> None:
        """Say what is left to be said, before the end."""

    def went(self, error: Exception) -> None:
        """Hear that the broker is away; once, however often it is tried."""

    def came(self, *, back: bool) -> None:
        """Hear that the broker is there, and whether it was away."""


class Conversation:
    """Connects, says ``online``, works, and begins anew where the connection breaks.

    Parameters
    ----------
    broker : Broker
    status : str
        Topic of ``online`` and, by the last will, ``offline``; retained.
    back_off : float
        Longest pause in seconds before another try.
    talks : Talks
    **options
        Of the client.

    Attributes
    ----------
    up : bool
        Whether the broker is there.
    """

    def __init__(self, broker: Broker, status: str, back_off: float, talks: Talks, **options: Any) -> None:
        self.up = False
        self._broker, self._status, self._back_off, self._talks = broker, status, back_off, talks
        self._options = options
        self._is_trouble = False

    async def run(self) -> None:
        """Go on until cancelled."""
        aiomqtt, pause_s = library("aiomqtt", "mqtt"), _BACK_OFF_S
        while True:
            raise_if_cancelled()
            try:
                await self._while_connected(aiomqtt)
            except (aiomqtt.MqttError, OSError) as error:
                if self.up:
                    pause_s = _BACK_OFF_S
                self.up = False
                if not self._is_trouble:
                    self._is_trouble = True
                    self._talks.went(error)
            # Those that lost a broker together do not all come back in one moment.
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, self._back_off)

    async def _while_connected(self, aiomqtt: Any) -> None:
        client = self._broker.client(
            protocol=aiomqtt.ProtocolVersion.V5,
            will=aiomqtt.Will(self._status, "offline", qos=1, retain=True),
            **self._options,
        )
        try:
            await enter(client)
            await self._talks.begin(client)
            await client.publish(self._status, "online", qos=1, retain=True, timeout=ANSWER_S)
            raise_if_cancelled()
            back, self.up, self._is_trouble = self._is_trouble, True, False
            self._talks.came(back=back)
            await self._work(client)
        except asyncio.CancelledError:
            with suppress(aiomqtt.MqttError, OSError):
                await self._talks.say_last(client)
                await client.publish(self._status, "offline", qos=1, retain=True, timeout=1.0)
            await hang_up(client)
            raise
        except (aiomqtt.MqttError, OSError):
            await hang_up(client)
            raise

    async def _work(self, client: Any) -> None:
        works = [asyncio.create_task(work) for work in self._talks.works(client)]
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await end(works)
