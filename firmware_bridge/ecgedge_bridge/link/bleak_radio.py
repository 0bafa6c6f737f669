"""The radio link on bleak: ``connect`` to a wearable, or ``scan`` for what is near.

The only file that uses bleak as a client; the state machine is in ``wearable.py`` and ``states.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from typing import Any
from weakref import WeakKeyDictionary

import bleak_retry_connector
from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakError

from ecgedge_bridge.limits import time_limit
from ecgedge_bridge.link.conversation import OnNotification, now_s
from ecgedge_bridge.link.errors import explain
from ecgedge_bridge.link.options import ConnectOptions, Listeners, OnBlock, OnEvent, OnStatus
from ecgedge_bridge.link.radio import Client, Found
from ecgedge_bridge.link.states import LinkTiming
from ecgedge_bridge.link.wearable import Wearable
from ecgedge_bridge.protocols.profiles import Profile, find_profile

__all__ = ["Backend", "Found", "LinkTiming", "Wearable", "connect", "radio_errors", "scan"]

MayConnect = Callable[[Found], Awaitable[bool]]

_DEFAULT_TIMING = LinkTiming()
# Which of bleak's options go to BleakScanner, to BleakClient, or to both (bleak 3.1); others are refused.
_SCANNER_ONLY = {"scanning_mode", "service_uuids", "cb"}
_CLIENT_ONLY = {"pair", "winrt", "services"}
_BOTH = {"bluez"}
# BlueZ answers "in progress" to a second scan of one program: scans of one event loop queue up.
_scans: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def radio_errors() -> tuple[type[Exception], ...]:
    """Return what bleak raises for trouble with the radio; a dead D-Bus socket is an OSError or EOFError."""
    try:
        from dbus_fast.errors import DBusFastError
    except ImportError:  # not Linux
        return (BleakError, OSError, EOFError)
    return (BleakError, OSError, EOFError, DBusFastError)


@dataclass(frozen=True, slots=True)
class Backend:
    """A Bluetooth stack other than the system's.

    Parameters
    ----------
    scanner, client : type
        bleak's scanner and client classes for it.
    clear_cache : callable, optional
        Forgets the services that it remembers of an address, and returns whether there were any; for a stack
        that remembers services from one connection to the next, as BlueZ does.
    """

    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]
    clear_cache: Callable[[str], Awaitable[bool]] | None = None


class _BleakRadio:
    """bleak with the caller's options, as the ``Radio`` that ``wearable.py`` drives."""

    errors = radio_errors()

    def __init__(
        self,
        backend: Backend | None,
        adapter: str | None,
        options: dict[str, Any],
        stack_s: float,
        may_connect: MayConnect | None = None,
    ) -> None:
        self._may_connect = may_connect
        unknown = set(options) - _SCANNER_ONLY - _CLIENT_ONLY - _BOTH
        if unknown:
            raise TypeError(f"unknown options {sorted(unknown)}: see bleak's BleakScanner and BleakClient")
        if adapter is not None:
            options = options | {"bluez": {"adapter": adapter} | options.get("bluez", {})}
        self._scanner = {key: value for key, value in options.items() if key not in _CLIENT_ONLY}
        self._client = {key: value for key, value in options.items() if key not in _SCANNER_ONLY}
        self._stack_s = stack_s
        self._system = backend is None
        self._clear_cache = bleak_retry_connector.clear_cache if backend is None else backend.clear_cache
        if backend is not None:
            self._scanner["backend"] = backend.scanner
            self._client["backend"] = backend.client

    async def find(self, matches: Callable[[Found], bool], timeout_s: float, address: str) -> Found | None:
        """Scan until a device matches, and again until it may be connected to."""
        end_s = now_s() + timeout_s
        found = await self._find_once(matches, timeout_s, address)
        while found is not None and self._may_connect is not None and not await self._may_connect(found):
            if (left_s := end_s - now_s()) <= 0:
                return None
            found = await self._find_once(matches, left_s, address)
        return found

    async def _find_once(
        self, matches: Callable[[Found], bool], timeout_s: float, address: str
    ) -> Found | None:
        if self._system and address:
            # BlueZ keeps the connection of a program that was killed, and a connected device does not
            # advertise.
            with contextlib.suppress(*self.errors):
                await bleak_retry_connector.close_stale_connections_by_address(address)
        hit: list[Found] = []

        def is_wanted(device: BLEDevice, seen: AdvertisementData) -> bool:
            found = _found(device, seen)
            if matches(found):
                hit.append(found)
            return bool(hit)

        async with self._scanning(timeout_s):
            await BleakScanner.find_device_by_filter(is_wanted, timeout=timeout_s, **self._scanner)
        return hit[0] if hit else None

    async def connect(self, device: Found, on_disconnect: Callable[[], None]) -> Client:
        """Connect with bleak-retry-connector's retries."""
        return await bleak_retry_connector.establish_connection(
            bleak_retry_connector.BleakClientWithServiceCache,
            device.handle,
            device.name,
            disconnected_callback=lambda _client: on_disconnect(),
            **self._client,
        )

    async def clear_cache(self, address: str) -> bool:
        """Have the stack forget the services of a device: BlueZ keeps them on disk."""
        if self._clear_cache is None:
            return False
        async with time_limit(self._stack_s):
            return await self._clear_cache(address)

    async def discover(self, timeout_s: float) -> list[Found]:
        """List what is near."""
        async with self._scanning(timeout_s):
            seen = await BleakScanner.discover(timeout_s, return_adv=True, **self._scanner)
        return [_found(device, data) for device, data in seen.values()]

    @contextlib.asynccontextmanager
    async def _scanning(self, timeout_s: float) -> AsyncGenerator[None, None]:
        """Wait for other scans to end, then limit this one: a stack that hangs raises nothing."""
        lock = _scans.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock, time_limit(timeout_s + self._stack_s):
            yield


def _found(device: BLEDevice, seen: AdvertisementData) -> Found:
    services = tuple(uuid.lower() for uuid in seen.service_uuids)
    return Found(seen.local_name or device.name or "", device.address, seen.rssi, services, device)


@contextlib.asynccontextmanager
async def connect(
    name_or_address: str,
    *,
    profile: Profile | str | PathLike[str] | None = None,
    extras: Iterable[str] = ("battery",),
    on_status: OnStatus | None = None,
    on_event: OnEvent | None = None,
    on_notification: OnNotification | None = None,
    on_rest: OnBlock | None = None,
    timing: LinkTiming = _DEFAULT_TIMING,
    fs: float | None = None,
    find_timeout_s: float | None = None,
    backend: Backend | None = None,
    adapter: str | None = None,
    pair: bool = False,
    may_connect: MayConnect | None = None,
    **bleak_kwargs: Any,
) -> AsyncGenerator[Wearable, None]:
    """Connect to a wearable and stream its ECG, and what else it measures.

    Several wearables at once are several ``connect`` side by side in one event loop.

    Parameters
    ----------
    name_or_address : str
        Bluetooth name or address, or the beginning of a name up to a blank: ``"Polar H10"`` takes the first
        one seen.
    profile : Profile, str or path, optional
        How the device is spoken to: a name out of :data:`~ecgedge_bridge.PROFILES`, or a TOML file that
        describes a device of your own. By default what fits the services that the device has.
    extras : iterable of {"heart_rate", "battery", "acc", "information"}
        What to subscribe to besides the ECG, where the device has it.
    on_status : callable, optional
        Called with each :class:`LinkState`, :class:`Note`, :class:`FrameLost` and :class:`Battery`, in the
        order of the stream.
    on_event : callable, optional
        Called with everything that is no :class:`SampleBlock`, in the order of the stream: the same, and
        each :class:`HeartRate` and :class:`Acceleration`.
    on_notification : callable, optional
        Called with everything that the device sends, before it is decoded: ``(uuid, data, host_time_s)``.
    on_rest : callable, optional
        Called with each block that still came while the connection was being closed: nobody iterates any
        more. Without it they are left out.
    timing : LinkTiming
        Time limits.
    fs : float, optional
        Nominal sampling rate in Hz where the device leaves a choice; by default the profile's.
    find_timeout_s : float, optional
        How long the wearable may stay away, at first and after it was lost. By default the first search ends
        after ``timing.first_find_s`` and a lost wearable is searched for ever.
    backend : Backend, optional
        Another Bluetooth stack than the system's, such as that of :func:`virtual_wearable`.
    adapter : str, optional
        Name of the adapter on Linux, such as ``"hci1"``.
    pair : bool
        Pair with the device: for those that refuse to stream otherwise.
    may_connect : callable, optional
        Asked and awaited with each :class:`Found` that is the wanted one; False looks again. It may take its
        time: nothing is connected to meanwhile.
    **bleak_kwargs
        Options of ``bleak.BleakScanner`` and ``bleak.BleakClient``.

    Yields
    ------
    Wearable
        Iterate over it for blocks in mV. The measurement is always stopped on the way out.

    Raises
    ------
    LinkError
        No adapter, no such device, or refused: ``code`` names which, the message ends with what to do.
    ConfigError
        If a profile's file cannot be used.
    ValueError
        If a profile or an extra is unknown.

    Examples
    --------
    ::

        async with connect("Polar H10", extras=["heart_rate"], on_event=print) as wearable:
            async for block in wearable:
                print(block.sample, block.samples.mean())
    """
    radio = _BleakRadio(backend, adapter, bleak_kwargs | {"pair": pair}, timing.stack_s, may_connect)
    chosen = None if profile is None else find_profile(profile)
    asked = ConnectOptions(name_or_address, chosen, tuple(extras), fs, find_timeout_s)
    wearable = Wearable(asked, Listeners(on_status, on_event, on_notification, on_rest), timing, radio)
    try:
        await wearable.open()
        yield wearable
    finally:
        await wearable.close()


async def scan(
    timeout_s: float = 5.0, *, backend: Backend | None = None, adapter: str | None = None, **bleak_kwargs: Any
) -> list[Found]:
    """List the Bluetooth LE devices that are near, the strongest first.

    Parameters
    ----------
    timeout_s : float
        How long to listen, in seconds.
    backend, adapter, **bleak_kwargs
        As for :func:`connect`.

    Returns
    -------
    list of Found

    Raises
    ------
    LinkError
        No adapter, or no Bluetooth stack; the message ends with what to do.
    """
    radio = _BleakRadio(backend, adapter, bleak_kwargs, _DEFAULT_TIMING.stack_s)
    try:
        found = await radio.discover(timeout_s)
    except radio.errors as error:
        raise explain(error) from error
    return sorted(found, key=lambda device: device.rssi, reverse=True)
