"""A :class:`~ecgedge_bridge.link.radio.Radio` on Web Bluetooth, by way of the page that has it.

A browser gives Bluetooth to windows alone, so the page is asked for each step, and passes notifications on.
Nothing is searched for: the device is the one that its wearer chose. Within a page it may be connected to
again without another choice; a browser takes as long over that as it likes, and is told to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ecgedge_bridge.limits import time_limit
from ecgedge_bridge.link.radio import Client, Found

__all__ = ["Page", "WebError", "WebRadio"]

# To end an attempt that was given up: the page does no more than say so.
_GIVE_UP_S = 2.0

_Callback = Callable[[Any, bytearray], None]


class WebError(Exception):
    """A DOMException of the browser.

    Parameters
    ----------
    name : str
        Its name, such as ``NetworkError``.
    message : str
        The browser's words.
    """

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(message or name)
        self.dom_name = name


class Page(Protocol):
    """The page that the browser gives Bluetooth to."""

    async def ask(self, do: str, **what: Any) -> Any:
        """Have something done with the chosen device.

        Parameters
        ----------
        do : str
            ``connect``: returns the services, ``[{uuid, characteristics: [{uuid, properties}]}]``;
            ``disconnect``, at once, whatever else is going on; ``subscribe``, ``unsubscribe`` and ``read``
            of a ``uuid``, ``read`` returns the value; ``write`` of ``data`` to a ``uuid``, with a
            ``response`` or without.

        Raises
        ------
        WebError
            The browser refuses, or the device.
        """


class _Characteristic(NamedTuple):
    uuid: str
    properties: tuple[str, ...]


class _Service(NamedTuple):
    uuid: str
    characteristics: tuple[_Characteristic, ...]


class _Client:
    """A connected GATT client."""

    def __init__(self, page: Page, services: tuple[_Service, ...]) -> None:
        self.services = services
        self._page = page
        self._callbacks: dict[str, _Callback] = {}

    def notified(self, uuid: str, data: bytes) -> None:
        """Pass a notification on to whom it is for."""
        if (callback := self._callbacks.get(uuid.lower())) is not None:
            callback(None, bytearray(data))

    async def start_notify(self, char_specifier: str, callback: _Callback) -> None:
        # Before the page answers: a notification may overtake the answer.
        self._callbacks[char_specifier] = callback
        try:
            await self._page.ask("subscribe", uuid=char_specifier)
        except BaseException:
            self._callbacks.pop(char_specifier, None)
            raise

    async def stop_notify(self, char_specifier: str) -> None:
        self._callbacks.pop(char_specifier, None)
        await self._page.ask("unsubscribe", uuid=char_specifier)

    async def read_gatt_char(self, char_specifier: str) -> bytearray:
        return bytearray(await self._page.ask("read", uuid=char_specifier))

    async def write_gatt_char(self, char_specifier: str, data: bytes, response: bool) -> None:
        await self._page.ask("write", uuid=char_specifier, data=bytes(data), response=response)

    async def disconnect(self) -> None:
        self._callbacks.clear()
        await self._page.ask("disconnect")


class WebRadio:
    """The device that was chosen in a page, as what a :class:`~ecgedge_bridge.Wearable` drives.

    Parameters
    ----------
    page : Page
        Whom to ask.
    name : str
        What the chosen device is called; may be empty.

    Examples
    --------
    >>> class Nobody:
    ...     async def ask(self, do, **what):
    ...         raise WebError("NetworkError", "Bluetooth Device is no longer in range.")
    >>> radio = WebRadio(Nobody(), "Polar H10 0A1B2C3D")
    >>> asyncio.run(radio.find(lambda found: found.name.startswith("Polar"), 1.0, "")).name
    'Polar H10 0A1B2C3D'
    """

    errors: tuple[type[Exception], ...] = (WebError, TimeoutError)

    def __init__(self, page: Page, name: str) -> None:
        self._page = page
        self._name = name
        self._client: _Client | None = None
        self._on_disconnect: Callable[[], None] | None = None

    async def find(self, matches: Callable[[Found], bool], timeout_s: float, address: str) -> Found | None:
        """Return the chosen device: a page can neither search nor see addresses."""
        found = Found(self._name, "", 0)
        return found if matches(found) else None

    async def connect(self, device: Found, on_disconnect: Callable[[], None]) -> Client:
        """Connect and discover the services."""
        self._client = self._on_disconnect = None
        try:
            offered = await self._page.ask("connect")
        except asyncio.CancelledError:
            # The browser would go on trying, and then hold a connection of which nobody knows.
            with contextlib.suppress(Exception):
                async with time_limit(_GIVE_UP_S):
                    await self._page.ask("disconnect")
            raise
        self._client, self._on_disconnect = _Client(self._page, _services(offered)), on_disconnect
        return self._client

    async def clear_cache(self, address: str) -> bool:
        """Return False: a page cannot have a browser forget."""
        return False

    def notified(self, uuid: str, data: bytes) -> None:
        """Take a notification, as the page passes it on."""
        if self._client is not None:
            self._client.notified(uuid, data)

    def disconnected(self) -> None:
        """Take it from the page that the connection is gone."""
        self._client = None
        if (told := self._on_disconnect) is not None:
            self._on_disconnect = None
            told()


def _services(offered: Any) -> tuple[_Service, ...]:
    return tuple(
        _Service(
            str(service["uuid"]).lower(),
            tuple(
                _Characteristic(str(one["uuid"]).lower(), tuple(map(str, one["properties"])))
                for one in service["characteristics"]
            ),
        )
        for service in offered
    )
