"""What every connection to an MQTT broker needs: who and where it is, TLS, a client, and an end to it."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote, urlsplit

from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.outlets.secrets import Login, login
from ecgedge.sinks.outlets.target import Target
from ecgedge.sinks.saving import expanded
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.limits import time_limit
from ecgedge_bridge.schema import converted

__all__ = [
    "ANSWER_S",
    "LOOK_S",
    "Broker",
    "BrokerOptions",
    "end",
    "enter",
    "hang_up",
    "raise_if_cancelled",
    "within",
]

T = TypeVar("T")
PASSWORD = "ECGEDGE_MQTT_PASSWORD"  # the variable's name
_PORTS = {"mqtt": 1883, "mqtts": 8883}
ANSWER_S = 5.0
"""A broker in the house answers in milliseconds, one across a mobile network within a second or two."""
BACK_OFF_MAX_S = 30.0
"""Longest pause between two attempts to reach a broker, if nothing else is said."""
LOOK_S = 0.01
"""How long a connection is looked after when there is nothing to send."""
# What matters is raised; stderr is for the user.
_SILENT = logging.Logger("ecgedge mqtt", logging.CRITICAL + 1)
# What ends says so to the broker first, and closes the connection: a second for each.
_END_S = 3.0
# The broker sends the last will after one and a half times this.
_KEEP_ALIVE_S = 20


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """What may stand behind the question mark of a broker's address.

    Parameters
    ----------
    password_file : str, optional
        Holds the password; else the variable ECGEDGE_MQTT_PASSWORD may.
    ca : str, optional
        Certificates (PEM) to trust, of a broker with one of its own.
    back_off : float
        Longest pause in seconds before another try.
    """

    password_file: str | None = None
    ca: str | None = None
    back_off: Annotated[float, converted(float)] = BACK_OFF_MAX_S


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, and how to log in; ``topic`` is what stood behind the host.

    Examples
    --------
    >>> Broker.parse(Target.parse("mqtt://me@pi/ward"), "--send").topic
    'ward'
    """

    host: str
    port: int
    login: Login
    topic: str
    name: str
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @classmethod
    def parse(
        cls, target: Target, option: str, password_file: str | None = None, ca: str | None = None
    ) -> Broker:
        """Read ``//USER:PASSWORD@HOST:PORT/TOPIC``.

        Parameters
        ----------
        target : Target
            Its scheme is ``mqtt`` or ``mqtts``.
        option : str
            What stands before an error.
        password_file, ca : str, optional
            A file that holds the password; certificates (PEM) to trust.

        Raises
        ------
        ConfigError
            It is none, or the password file or the certificates cannot be used.
        """
        try:
            url = urlsplit(target.rest, allow_fragments=False)
            host, port = url.hostname, url.port or _PORTS[target.scheme]
        except (ValueError, KeyError):
            host, port = None, 0
        if not host:
            scheme = target.scheme if target.scheme in _PORTS else "mqtt"
            raise ConfigError(f"{option} {target.scheme}: give {scheme}://USER@HOST:PORT/TOPIC")
        topic = unquote(url.path).strip("/")
        if set(topic) & set("+#\0"):
            raise ConfigError(f"{option} {target.scheme}: a topic to send to holds no + and no #: correct it")
        known = login(url.netloc.rpartition("@")[0], password_file, PASSWORD)
        return cls(host, port, known, topic, target.name, _tls(ca) if target.scheme == "mqtts" else None)

    def client(self, **options: Any) -> Any:
        """Make an ``aiomqtt.Client`` that is to be entered.

        Parameters
        ----------
        **options
            Of ``aiomqtt.Client``, beside those that follow from here.

        Raises
        ------
        ConfigError
            The extra is not installed.
        """
        return library("aiomqtt", "mqtt").Client(
            self.host,
            self.port,
            username=self.login.user,
            password=self.login.password,
            tls_context=self.tls,
            keepalive=_KEEP_ALIVE_S,
            logger=_SILENT,
            **{"timeout": ANSWER_S} | options,
        )


def _tls(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca is None else str(expanded(ca)))
    except OSError as error:
        raise ConfigError(f"certificates {ca}: {error.strerror or error}: check the file") from error


async def within(work: Awaitable[T]) -> T:
    """Await what takes no longer than a second, or raise TimeoutError."""
    async with time_limit(1.0):
        return await work


async def enter(client: Any) -> None:
    """Connect. A cancelled attempt has a second to end, so that there is something to close."""
    entering = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        with suppress(Exception):
            await within(entering)
        raise


def raise_if_cancelled() -> None:
    """Raise the cancellation of this task that a library has lost.

    Up to Python 3.11 ``asyncio.wait_for``, by which aiomqtt waits, returns as if nothing were where a
    cancellation comes in the same moment as what it waits for.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, again where that was lost, until they have ended; what they raise is passed over."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=_END_S)
        await asyncio.gather(*ended, return_exceptions=True)


async def hang_up(client: Any) -> None:
    """Close a connection that no longer works, however it objects."""
    with suppress(Exception):  # it is dead: there is nothing else to be done
        await within(client.__aexit__(None, None, None))
        return
    # What still waits to be sent to a broker that hangs keeps the library from closing the connection.
    connection = client._client.socket()
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        await asyncio.sleep(LOOK_S)
