"""An ESP32 with ESPHome's Bluetooth proxy as a remote adapter, by aioesphomeapi and bleak-esphome."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.link.adapters import Adapters

__all__ = ["Proxy"]

_PORT = 6053


class Proxy:
    """A proxy, connected to for ever; an asynchronous context manager.

    Parameters
    ----------
    adapters : Adapters
        Its links are theirs while it is there.
    host : str
    port : int
    key : str, optional
        ESPHome's encryption key, in base 64.
    tell : callable
        Takes a sentence for the user.

    Raises
    ------
    ConfigError
        The extra ``gateway`` is not installed, or the key is none.

    Attributes
    ----------
    up : bool
        Whether it is there.
    """

    def __init__(
        self,
        adapters: Adapters,
        host: str,
        port: int = _PORT,
        key: str | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        try:
            import aioesphomeapi
            import bleak_esphome
        except ImportError as error:
            raise ConfigError("a proxy needs aioesphomeapi: pip install 'ecgedge[gateway]'") from error
        self._api: Any = aioesphomeapi
        self._bleak: Any = bleak_esphome
        self._adapters, self._host, self._port, self._key, self._tell = adapters, host, port, key, tell
        self._client: Any = None
        self._again: Any = None
        self._scanner = contextlib.ExitStack()
        self._told: type[Exception] | None = None
        self.up = False

    async def __aenter__(self) -> Proxy:
        """Begin to connect; it may come later, and go, and come again."""
        self._client = self._api.APIClient(self._host, self._port, None, noise_psk=self._key)
        self._again = self._api.ReconnectLogic(
            client=self._client,
            on_connect=self._on_connect,
            on_disconnect=self._on_disconnect,
            on_connect_error=self._on_error,
            name=self._host,
        )
        await self._again.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        await self._again.stop()
        self._scanner.close()
        await self._client.disconnect()

    async def _on_connect(self) -> None:
        about = await self._client.device_info()
        data = self._bleak.connect_scanner(self._client, about, True)
        scanner = data.scanner
        with contextlib.ExitStack() as opened:
            opened.callback(lambda: [gone() for gone in list(data.disconnect_callbacks)])
            opened.callback(data.bluetooth_device.async_set_unavailable)
            opened.callback(scanner.async_setup())
            opened.callback(self._adapters.manager.async_register_scanner(scanner))
            self._scanner = opened.pop_all()
        self.up, self._told = True, None
        self._tell(f"proxy {about.name} ({self._host}) is there")

    async def _on_disconnect(self, expected: bool) -> None:
        self._scanner.close()
        if self.up and not expected:
            self._tell(f"proxy {self._host} went away: trying again")
        self.up = False

    async def _on_error(self, error: Exception) -> None:
        # Each try would tell the same again.
        if type(error) is not self._told:
            self._told = type(error)
            self._tell(f"proxy {self._host} cannot be reached ({error}): trying again")
