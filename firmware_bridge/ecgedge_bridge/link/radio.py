"""What the link needs of a Bluetooth stack; ``bleak_radio.py`` has it on bleak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ecgedge_bridge.link.conversation import GattClient
from ecgedge_bridge.protocols.session import Offered


@dataclass(frozen=True, slots=True)
class Found:
    """A device seen in a scan.

    Parameters
    ----------
    name, address : str
        What it advertises; the name may be empty.
    rssi : int
        Signal strength in dBm, nearer 0 is stronger.
    services : tuple of str
        UUIDs of the services that it advertises, which need not be all that it has.
    handle
        The Bluetooth stack's own.
    """

    name: str
    address: str
    rssi: int
    services: tuple[str, ...] = ()
    handle: Any = field(default=None, repr=False, compare=False)


class Client(GattClient, Protocol):
    """A connected GATT client; ``bleak.BleakClient`` is one."""

    @property
    def services(self) -> Any:
        """The services found, each with ``uuid`` and ``characteristics``."""

    async def disconnect(self) -> None:
        """Hang up."""


def offered_by(client: Client) -> Offered:
    """Return what a connected device has to offer."""
    services = list(client.services)
    return Offered(
        {one.uuid.lower(): tuple(one.properties) for service in services for one in service.characteristics},
        frozenset(service.uuid.lower() for service in services),
    )


class Radio(Protocol):
    """A Bluetooth stack: finding and connecting.

    ``errors`` are the exceptions that mean trouble with the radio, not with the program.
    """

    errors: tuple[type[Exception], ...]

    async def find(self, matches: Callable[[Found], bool], timeout_s: float, address: str) -> Found | None:
        """Scan until a device matches; None if none did in time.

        ``address`` is what to expect, if known. A stack that hangs raises TimeoutError. Scans wait for one
        another: a Bluetooth adapter does one at a time.
        """

    async def connect(self, device: Found, on_disconnect: Callable[[], None]) -> Client:
        """Connect and discover the services."""

    async def clear_cache(self, address: str) -> bool:
        """Forget the services that are remembered of a device; False if none were.

        The connection to it may be lost, and its pairing.
        """
