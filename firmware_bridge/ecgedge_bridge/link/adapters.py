"""Several adapters as one radio: those of this computer and remote ones, by habluetooth.

habluetooth scans on all of them, knows who hears a device how well, and connects over the one that does best;
whose turn it is says ``turns.py``. Everything of habluetooth is imported when it is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.errors import ConfigError, LinkError
from ecgedge_bridge.link.bleak_radio import radio_errors
from ecgedge_bridge.link.conversation import now_s
from ecgedge_bridge.link.options import ConnectOptions, Listeners
from ecgedge_bridge.link.radio import Client, Found
from ecgedge_bridge.link.states import LinkTiming
from ecgedge_bridge.link.turns import LINKS, STAGGER_S, Path, Turns
from ecgedge_bridge.link.wearable import Wearable

__all__ = ["Adapters", "connect_over"]

# How often the row is looked through; a strap advertises several times a second.
_LOOK_S = 0.2
# What advertised longer ago is not there any more, or is connected by somebody.
_FRESH_S = 5.0
# Who waits for a turn and is not heard for so long is looked for anew.
_LOST_S = 15.0
# Attempts of one turn: more would keep the others waiting.
_ATTEMPTS = 2
_DEFAULT_TIMING = LinkTiming()


def _library() -> Any:
    try:
        import habluetooth
    except ImportError as error:
        raise ConfigError("this needs habluetooth: pip install 'ecgedge[gateway]'") from error
    return habluetooth


class Adapters:
    """Adapters that many links share; an asynchronous context manager.

    Parameters
    ----------
    local : tuple of str, optional
        Adapters of this computer, such as ``hci0``; empty for all there are, None for none.
    links : int
        Links that an adapter holds at a time.
    stagger_s : float
        Least time between two attempts of an adapter, in seconds.

    Raises
    ------
    ConfigError
        The extra ``gateway`` is not installed.
    LinkError
        An adapter of this computer cannot be used.
    """

    def __init__(
        self, local: tuple[str, ...] | None = (), links: int = LINKS, stagger_s: float = STAGGER_S
    ) -> None:
        self._ha = _library()
        self._local, self._links = local, links
        self._turns = Turns(links, stagger_s)
        self._turn: dict[str, asyncio.Future[None]] = {}
        self._wanted: dict[str, str] = {}
        self._closing = contextlib.AsyncExitStack()
        self.manager: Any = None

    @property
    def held(self) -> dict[str, int]:
        """How many links each adapter holds."""
        names = [scanner.name for scanner in self.manager.async_current_scanners()] if self.manager else []
        return dict.fromkeys(names, 0) | dict(self._turns.held)

    async def __aenter__(self) -> Adapters:
        """Begin to scan on the adapters of this computer."""
        from habluetooth.usage import uninstall_multiple_bleak_catcher

        self.manager = self._ha.BluetoothManager()
        self._ha.set_manager(self.manager)
        try:
            await self.manager.async_setup()
            # It puts its own classes in bleak's place; those who want them here name them.
            uninstall_multiple_bleak_catcher()
            self._closing.callback(self.manager.async_stop)
            if self._local is not None:
                await self._scan_locally(self._local)
            looking = asyncio.create_task(self._look_for_ever())
            self._closing.callback(looking.cancel)
        except BaseException:
            await self._closing.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the scans."""
        await self._closing.aclose()

    async def _scan_locally(self, wanted: tuple[str, ...]) -> None:
        from bluetooth_adapters import get_adapters

        found = get_adapters()
        try:
            await found.refresh()
        except radio_errors() as error:
            raise LinkError(f"Bluetooth cannot be used ({error}): is bluetoothd running?") from error
        for name in wanted or tuple(found.adapters):
            if name not in found.adapters:
                known = ", ".join(found.adapters) or "none"
                raise LinkError(
                    f"there is no adapter {name}: there are {known}; see `bluetoothctl list`",
                    LinkCode.NO_ADAPTER,
                )
            mode = self._ha.BluetoothScanningMode.ACTIVE
            scanner = self._ha.HaScanner(mode, name, found.adapters[name]["address"])
            self._closing.callback(scanner.async_setup())
            try:
                await scanner.async_start()
            except self._ha.ScannerStartError as error:
                raise LinkError(f"adapter {name} cannot scan ({error}): check `bluetoothctl show`") from error
            self._closing.push_async_callback(scanner.async_stop)
            self._closing.callback(self.manager.async_register_scanner(scanner, connection_slots=self._links))

    def find(self, matches: Callable[[Found], bool]) -> Found | None:
        """Return the device that matches and is heard now, None if none does."""
        since_s = time.monotonic() - _FRESH_S
        for seen in self.manager.async_discovered_service_info(True):
            if seen.time >= since_s:
                services = tuple(uuid.lower() for uuid in seen.service_uuids)
                name = "" if seen.name == seen.address else seen.name
                found = Found(name, seen.address, seen.rssi, services, seen.device)
                if matches(found):
                    return found
        return None

    async def turn(self, who: str, address: str) -> bool:
        """Wait for a turn; False if the device is not heard any more meanwhile."""
        self._wanted[who] = address
        self._turns.wait(who, now_s())
        turn = self._turn[who] = asyncio.get_running_loop().create_future()
        heard_s = now_s()
        try:
            while not turn.done():
                await asyncio.wait([turn], timeout=1.0)
                if self._heard(who):
                    heard_s = now_s()
                elif now_s() - heard_s > _LOST_S and not turn.done():
                    self._turns.leave(who)
                    return False
            return True
        except BaseException:
            self._turns.leave(who)
            raise
        finally:
            self._turn.pop(who, None)

    async def connect(self, who: str, device: Found, on_disconnect: Callable[[], None]) -> Client:
        """Connect over the best adapter that has room; the turn ends with it."""
        import bleak_retry_connector

        def lost(_client: Any) -> None:
            self._turns.leave(who)
            on_disconnect()

        try:
            client: Any = await bleak_retry_connector.establish_connection(
                self._ha.HaBleakClientWrapper,
                device.handle,
                device.name or device.address,
                disconnected_callback=lost,
                max_attempts=_ATTEMPTS,
            )
        except BaseException:
            self._turns.failed(who, now_s())
            raise
        scanner = client._connected_scanner
        self._turns.connected(who, "" if scanner is None else scanner.name)
        made: Client = client
        return made

    def leave(self, who: str) -> None:
        """Give back what a link held."""
        self._turns.leave(who)

    def _heard(self, who: str) -> list[Path]:
        """Return the adapters that hear it; none where it was silent for a while."""
        address = self._wanted[who]
        last = self.manager.async_last_service_info(address, True)
        if last is None or last.time < time.monotonic() - _FRESH_S:
            return []
        return [
            Path(seen.scanner.name, seen.advertisement.rssi, _has_room(seen.scanner))
            for seen in self.manager.async_scanner_devices_by_address(address, True)
        ]

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._turn:
                for who, _ in self._turns.next(now_s(), self._heard):
                    if (turn := self._turn.get(who)) is not None and not turn.done():
                        turn.set_result(None)


def _has_room(scanner: Any) -> bool:
    """Whether a remote adapter says that it can take a link; of those of this computer the row knows."""
    return scanner.connector is None or bool(scanner.connector.can_connect())


class _Radio:
    """One link's share of the adapters, as the ``Radio`` that ``wearable.py`` drives."""

    errors = (*radio_errors(), TimeoutError)

    def __init__(self, adapters: Adapters, who: str) -> None:
        self._adapters, self._who = adapters, who

    async def find(self, matches: Callable[[Found], bool], timeout_s: float, address: str) -> Found | None:
        """Listen until a device matches, then wait for a turn."""
        end_s = now_s() + timeout_s
        while (found := self._adapters.find(matches)) is None:
            if now_s() >= end_s:
                return None
            await asyncio.sleep(_LOOK_S)
        if not await self._adapters.turn(self._who, found.address):
            return None
        return self._adapters.find(matches) or found

    async def connect(self, device: Found, on_disconnect: Callable[[], None]) -> Client:
        """Connect, now that it is its turn."""
        return await self._adapters.connect(self._who, device, on_disconnect)

    async def clear_cache(self, address: str) -> bool:
        """Have BlueZ forget the services of a device; a proxy remembers none."""
        import bleak_retry_connector

        with contextlib.suppress(*self.errors):
            return await bleak_retry_connector.clear_cache(address)
        return False


@contextlib.asynccontextmanager
async def connect_over(
    adapters: Adapters,
    options: ConnectOptions,
    listeners: Listeners,
    timing: LinkTiming = _DEFAULT_TIMING,
) -> AsyncGenerator[Wearable, None]:
    """Connect to a wearable over whichever adapter hears it best; see :func:`~ecgedge_bridge.connect`.

    Raises
    ------
    LinkError
        No such device, or it refuses.
    """
    wearable = Wearable(options, listeners, timing, _Radio(adapters, options.name))
    try:
        await wearable.open()
        yield wearable
    finally:
        await wearable.close()
        adapters.leave(options.name)
