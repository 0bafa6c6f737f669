"""The radio link on bleak: ``connect`` to a wearable, or ``scan`` for what is near.

The only file that uses bleak as a client; the state machine is in ``wearable.py`` and ``states.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

import bleak_retry_connector
from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakError

from .polar import ECG_FS
from .radio_errors import explain
from .states import LinkTiming
from .wearable import Client, Found, OnStatus, Wearable

__all__ = ["Backend", "Found", "LinkTiming", "Wearable", "connect", "scan"]

_DEFAULT_TIMING = LinkTiming()
_SCANNER_ONLY = {"scanning_mode", "service_uuids", "cb"}
_CLIENT_ONLY = {"pair", "winrt", "services"}
_BOTH = {"bluez"}


def _radio_errors() -> tuple[type[Exception], ...]:
    """Return what bleak raises for trouble with the radio; a dead D-Bus socket is an OSError or EOFError."""
    try:
        from dbus_fast.errors import DBusFastError
    except ImportError:  # not Linux
        return (BleakError, OSError, EOFError)
    return (BleakError, OSError, EOFError, DBusFastError)


@dataclass(frozen=True, slots=True)
class Backend:
    """A Bluetooth stack other than the system's: bleak's scanner and client classes for it."""

    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]


class _BleakRadio:
    """bleak with the caller's options, as the ``Radio`` that ``wearable.py`` drives."""

    errors = _radio_errors()

    def __init__(self, backend: Backend | None, adapter: str | None, options: dict[str, Any]) -> None:
        unknown = set(options) - _SCANNER_ONLY - _CLIENT_ONLY - _BOTH
        if unknown:
            raise TypeError(f"unknown options {sorted(unknown)}: see bleak's BleakScanner and BleakClient")
        if adapter is not None:
            options = options | {"bluez": {"adapter": adapter} | options.get("bluez", {})}
        self._scanner = {key: value for key, value in options.items() if key not in _CLIENT_ONLY}
        self._client = {key: value for key, value in options.items() if key not in _SCANNER_ONLY}
        self._system = backend is None
        if backend is not None:
            self._scanner["backend"] = backend.scanner
            self._client["backend"] = backend.client

    async def find(self, matches: Callable[[Found], bool], timeout_s: float, address: str) -> Found | None:
        """Scan until a device matches."""
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

    async def discover(self, timeout_s: float) -> list[Found]:
        """List what is near."""
        seen = await BleakScanner.discover(timeout_s, return_adv=True, **self._scanner)
        return [_found(device, data) for device, data in seen.values()]


def _found(device: BLEDevice, seen: AdvertisementData) -> Found:
    return Found(seen.local_name or device.name or "", device.address, seen.rssi, device)


@contextlib.asynccontextmanager
async def connect(
    name_or_address: str,
    *,
    on_status: OnStatus | None = None,
    timing: LinkTiming = _DEFAULT_TIMING,
    fs: float = ECG_FS,
    find_timeout_s: float | None = None,
    backend: Backend | None = None,
    adapter: str | None = None,
    **bleak_kwargs: Any,
) -> AsyncGenerator[Wearable, None]:
    """Connect to a wearable and stream its ECG.

    Parameters
    ----------
    name_or_address : str
        Bluetooth name or address, or the beginning of a name up to a blank: ``"Polar H10"`` takes the first
        one seen.
    on_status : callable, optional
        Called with each :class:`DeviceStatus` and :class:`Battery`, in the order of the stream.
    timing : LinkTiming
        Time limits.
    fs : float
        Nominal sampling rate in Hz.
    find_timeout_s : float, optional
        How long the wearable may stay away, at first and after it was lost. By default the first search ends
        after ``timing.first_find_s`` and a lost wearable is searched for ever.
    backend : Backend, optional
        Another Bluetooth stack than the system's, such as that of :func:`virtual_strap`.
    adapter : str, optional
        Name of the adapter on Linux, such as ``"hci1"``.
    **bleak_kwargs
        Options of ``bleak.BleakScanner`` and ``bleak.BleakClient``, such as ``pair=True``.

    Yields
    ------
    Wearable
        Iterate over it for blocks in mV. The measurement is always stopped on the way out.

    Raises
    ------
    LinkError
        No adapter, no such device, or refused; the message says what to do.

    Examples
    --------
    ::

        async with connect("Polar H10") as wearable:
            async for block in wearable:
                print(block.sample, block.samples.mean())
    """
    radio = _BleakRadio(backend, adapter, bleak_kwargs)
    wearable = Wearable(name_or_address, on_status, timing, fs, find_timeout_s, radio)
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
        No adapter, or no Bluetooth stack; the message says what to do.
    """
    radio = _BleakRadio(backend, adapter, bleak_kwargs)
    try:
        async with asyncio.timeout(timeout_s + _DEFAULT_TIMING.stack_s):
            found = await radio.discover(timeout_s)
    except radio.errors as error:
        raise explain(error) from error
    return sorted(found, key=lambda device: device.rssi, reverse=True)
