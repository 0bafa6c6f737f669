"""bleak on bumble: a scanner and a client for bleak whose radio is a bumble device.

With it the client code that runs on a Raspberry Pi talks real ATT packets to a virtual wearable in the same
process. Needs the extra ``sim`` (bumble).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any, ClassVar, cast

from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble.att import ATT_Error
from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.hci import HCI_Error

from ecgedge_bridge.link.bleak_radio import Backend

# Bluetooth Core, Vol 3, Part G, 3.3.1.1: bits of the characteristic properties, lowest first.
# bleak's names of the properties of a characteristic, by bumble's.
_PROPERTIES = (
    "broadcast",
    "read",
    "write-without-response",
    "write",
    "notify",
    "indicate",
    "authenticated-signed-writes",
    "extended-properties",
)
_NAMES = (AdvertisingData.COMPLETE_LOCAL_NAME, AdvertisingData.SHORTENED_LOCAL_NAME)
_UUIDS = (
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
)


def backend_on(radio: Device, mtu: int = 247) -> Backend:
    """Return what ``connect(..., backend=...)`` takes, with ``radio`` as the Bluetooth adapter.

    Parameters
    ----------
    radio : bumble.device.Device
        A powered-on device.
    mtu : int
        ATT MTU that the client asks for; 23 asks for none.
    """
    scanner = type("BumbleScanner", (BumbleScanner,), {"radio": radio})
    client = type("BumbleClient", (BumbleClient,), {"radio": radio, "mtu": mtu})
    return Backend(scanner=scanner, client=client)


class BumbleScanner(BaseBleakScanner):
    """bleak's scanner on a bumble device; made by :func:`backend_on`."""

    radio: ClassVar[Device]

    def __init__(
        self,
        detection_callback: Any,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **_options: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        """Start scanning, passively: bumble's link has no scan responses."""
        self.seen_devices = {}
        self.radio.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        await self.radio.start_scanning(active=False)
        if _is_cancelled():  # bumble waits by asyncio.wait_for, which up to Python 3.11 may lose that
            await self.stop()
            raise asyncio.CancelledError

    async def stop(self) -> None:
        """Stop scanning."""
        self.radio.remove_listener(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        await self.radio.stop_scanning()

    def _on_advertisement(self, seen: Advertisement) -> None:
        data = _advertisement_data(seen)
        if not self.is_allowed_uuid(data.service_uuids):
            return
        address = seen.address.to_string(False)
        device = self.create_or_update_device(address, address, data.local_name, seen.address, data)
        self.call_detection_callbacks(device, data)


def _advertisement_data(seen: Advertisement) -> AdvertisementData:
    names = [name for kind in _NAMES if isinstance(name := seen.data.get(kind), str)]
    uuids = [_text(uuid) for kind in _UUIDS for uuid in cast("list[UUID]", seen.data.get(kind) or [])]
    return AdvertisementData(
        local_name=names[0] if names else None,
        manufacturer_data={},
        service_data={},
        service_uuids=uuids,
        tx_power=None,
        rssi=seen.rssi,
        platform_data=(seen,),
    )


def _text(uuid: UUID) -> str:
    """Return the 128-bit form that bleak uses."""
    return normalize_uuid_str(uuid.to_hex_str("-"))


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextlib.asynccontextmanager
async def _bleak_errors() -> AsyncGenerator[None, None]:
    """Turn bumble's errors into bleak's."""
    try:
        yield
    except ATT_Error as error:
        raise BleakGATTProtocolError(error.error_code) from error
    except (BaseBumbleError, HCI_Error) as error:
        raise BleakError(str(error) or type(error).__name__) from error
    except asyncio.CancelledError as error:
        # bumble cancels the future of a request whose link went away; nobody cancelled this task.
        if _is_cancelled():
            raise
        raise BleakError("disconnected") from error


class BumbleClient(BaseBleakClient):
    """bleak's client on a bumble device; made by :func:`backend_on`."""

    radio: ClassVar[Device]
    mtu: ClassVar[int]

    def __init__(self, address_or_ble_device: BLEDevice | str, **options: Any) -> None:
        super().__init__(
            address_or_ble_device,
            disconnected_callback=options.get("disconnected_callback"),
            timeout=options.get("timeout", 10.0),
        )
        self._peer_name = getattr(address_or_ble_device, "name", None)
        self._peer_address = getattr(address_or_ble_device, "details", None) or self.address
        self._connection: Connection | None = None
        self._callbacks: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """Name that the peripheral advertised, or its address."""
        return self._peer_name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """ATT MTU of the connection."""
        return int(self._link.att_mtu)

    @property
    def is_connected(self) -> bool:
        """Whether the connection is there."""
        return self._connection is not None

    @property
    def _link(self) -> Connection:
        if self._connection is None:
            raise BleakError("not connected")
        return self._connection

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connect, exchange the MTU and discover the services."""
        async with _bleak_errors():
            self._connection = await self.radio.connect(
                self._peer_address, timeout=kwargs.get("timeout", self._timeout)
            )
            self._connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
            try:
                if pair:
                    await self._connection.pair()
                await self._discover(Peer(self._connection))
            except BaseException:
                await self.disconnect()
                raise

    async def _discover(self, peer: Peer) -> None:
        if self.mtu > 23:
            await peer.request_mtu(self.mtu)
        collection = BleakGATTServiceCollection()
        for service in await peer.discover_services():
            bleak_service = BleakGATTService(service, service.handle, _text(service.uuid))
            collection.add_service(bleak_service)
            for characteristic in await service.discover_characteristics():
                collection.add_characteristic(self._characteristic(characteristic, bleak_service))
                await self._add_descriptors(collection, characteristic)
        self.services = collection

    def _characteristic(self, characteristic: Any, service: BleakGATTService) -> BleakGATTCharacteristic:
        names = [name for bit, name in enumerate(_PROPERTIES) if characteristic.properties >> bit & 1]
        return BleakGATTCharacteristic(
            characteristic,
            characteristic.handle,
            _text(characteristic.uuid),
            cast("list[CharacteristicPropertyName]", names),
            lambda: self.mtu_size - 3,
            service,
        )

    async def _add_descriptors(self, collection: BleakGATTServiceCollection, characteristic: Any) -> None:
        owner = collection.characteristics[characteristic.handle]
        for descriptor in await characteristic.discover_descriptors():
            collection.add_descriptor(
                BleakGATTDescriptor(descriptor, descriptor.handle, _text(descriptor.type), owner)
            )

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None
        self._callbacks.clear()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        """Hang up; a connection that is gone already is fine."""
        if self._connection is not None:
            async with _bleak_errors():
                await self._connection.disconnect()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        """Pair with the peripheral."""
        async with _bleak_errors():
            await self._link.pair()

    async def unpair(self) -> None:
        """Refuse: this radio keeps no bonds."""
        raise BleakError("this radio keeps no bonds: there is nothing to unpair")

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """Read a characteristic."""
        return await self._read(characteristic.handle)

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """Read a descriptor."""
        return await self._read(descriptor.handle)

    async def _read(self, handle: int) -> bytearray:
        async with _bleak_errors():
            return bytearray(await self._link.gatt_client.read_value(handle))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        """Write a characteristic."""
        await self._write(characteristic.handle, data, response)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor."""
        await self._write(descriptor.handle, data, True)

    async def _write(self, handle: int, data: SizedBuffer, response: bool) -> None:
        async with _bleak_errors():
            await self._link.gatt_client.write_value(handle, bytes(data), with_response=response)

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        """Subscribe; notifications are preferred over indications."""
        if characteristic.handle in self._callbacks:
            raise BleakError(f"{characteristic.uuid} is subscribed to already")

        def subscriber(value: bytes) -> None:
            callback(bytearray(value))

        async with _bleak_errors():
            await self._link.gatt_client.subscribe(characteristic.obj, subscriber)
        self._callbacks[characteristic.handle] = subscriber

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        subscriber = self._callbacks.pop(characteristic.handle, None)
        async with _bleak_errors():
            await self._link.gatt_client.unsubscribe(characteristic.obj, subscriber)
