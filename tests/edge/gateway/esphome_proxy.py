"""A simulated ESP32 with ESPHome's Bluetooth proxy: the native API on TCP, a virtual radio behind it.

It speaks aioesphomeapi's own protobuf messages in the plain framing of ESPHome's native API (a zero byte, the
length and the type as varints, the message). No ESP32 was ever near it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from aioesphomeapi import BluetoothProxyFeature, api_pb2
from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO

from ecgedge_bridge import Backend

_TYPES = {proto: number for number, proto in MESSAGE_TYPE_TO_PROTO.items()}
_FEATURES = (
    BluetoothProxyFeature.PASSIVE_SCAN
    | BluetoothProxyFeature.ACTIVE_CONNECTIONS
    | BluetoothProxyFeature.RAW_ADVERTISEMENTS
    | BluetoothProxyFeature.REMOTE_CACHING
)
_CONNECT = (0, 4, 5)  # with and without cached services
_DISCONNECT = 1
# Bits of the characteristic properties (Bluetooth Core, Vol 3, Part G, 3.3.1.1).
_BITS = {
    name: 1 << bit
    for bit, name in enumerate(("broadcast", "read", "write-without-response", "write", "notify", "indicate"))
}


def varint(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


async def read_varint(reader: asyncio.StreamReader) -> int:
    number = shift = 0
    while True:
        [byte] = await reader.readexactly(1)
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return number


def as_int(address: str) -> int:
    return int(address.replace(":", ""), 16)


def halves(uuid: str) -> list[int]:
    number = UUID(uuid).int
    return [number >> 64, number & (1 << 64) - 1]


class Proxy:
    """One proxy with some links, near what its backend hears.

    Parameters
    ----------
    backend : Backend
        Scanner and client of the virtual radio.
    rssi : int
        How well it hears everything.
    links : int
        Connections that it holds.
    mac : str
        Its own address.
    """

    def __init__(
        self, backend: Backend, rssi: int = -60, links: int = 3, mac: str = "A0:B0:C0:00:00:01"
    ) -> None:
        self.backend, self.rssi, self.links, self.mac = backend, rssi, links, mac
        self.port = 0
        self.connections = 0
        self.most_at_once = 0
        self._sessions: set[_Session] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Proxy]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for session in list(self._sessions):
                await session.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, writer)
        self._sessions.add(session)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while not session.over:
                    assert await reader.readexactly(1) == b"\0"
                    size, kind = await read_varint(reader), await read_varint(reader)
                    message = MESSAGE_TYPE_TO_PROTO[kind]()
                    message.ParseFromString(await reader.readexactly(size))
                    session.take(message)
        finally:
            await session.end()
            self._sessions.discard(session)


class _Session:
    """One client of a proxy."""

    def __init__(self, proxy: Proxy, writer: asyncio.StreamWriter) -> None:
        self.over = False
        self._proxy, self._writer = proxy, writer
        self._scanner: Any = None
        self._clients: dict[int, Any] = {}
        self._seen: dict[int, Any] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def send(self, message: Any) -> None:
        if self._writer.is_closing():
            return
        data = message.SerializeToString()
        self._writer.write(b"\0" + varint(len(data)) + varint(_TYPES[type(message)]) + data)

    def take(self, message: Any) -> None:
        handle = getattr(self, f"on_{type(message).__name__}", None)
        if handle is None:
            return
        task = asyncio.ensure_future(self._carry_out(handle, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, handle: Any, message: Any) -> None:
        from bleak.exc import BleakError

        try:
            await handle(message)
        except (BleakError, KeyError):  # the link went away meanwhile
            gone = api_pb2.BluetoothGATTErrorResponse(error=-1, address=message.address)
            gone.handle = getattr(message, "handle", 0)
            self.send(gone)

    async def end(self) -> None:
        if self.over:
            return
        self.over = True
        for task in list(self._tasks):
            if task is not asyncio.current_task():
                task.cancel()
        if self._scanner is not None:
            await self._scanner.stop()
        for client in list(self._clients.values()):
            with contextlib.suppress(Exception):
                await client.disconnect()
        self._writer.close()

    async def on_HelloRequest(self, _: Any) -> None:  # noqa: N802
        self.send(api_pb2.HelloResponse(api_version_major=1, api_version_minor=10, name="ward-esp"))

    async def on_AuthenticationRequest(self, _: Any) -> None:  # noqa: N802
        self.send(api_pb2.AuthenticationResponse())

    async def on_PingRequest(self, _: Any) -> None:  # noqa: N802
        self.send(api_pb2.PingResponse())

    async def on_DisconnectRequest(self, _: Any) -> None:  # noqa: N802
        self.send(api_pb2.DisconnectResponse())
        await self.end()

    async def on_DeviceInfoRequest(self, _: Any) -> None:  # noqa: N802
        self.send(
            api_pb2.DeviceInfoResponse(
                name="ward-esp",
                mac_address=self._proxy.mac,
                bluetooth_mac_address=self._proxy.mac,
                esphome_version="2026.1.0",
                bluetooth_proxy_feature_flags=int(_FEATURES),
            )
        )

    async def on_SubscribeBluetoothConnectionsFreeRequest(self, _: Any) -> None:  # noqa: N802
        self._tell_free()

    def _tell_free(self) -> None:
        limit = self._proxy.links
        taken = list(self._clients)
        free = api_pb2.BluetoothConnectionsFreeResponse(free=limit - len(taken), limit=limit, allocated=taken)
        self.send(free)

    async def on_SubscribeBluetoothLEAdvertisementsRequest(self, _: Any) -> None:  # noqa: N802
        if self._scanner is None:
            self._scanner = self._proxy.backend.scanner(None, None, "passive")
            self._scanner.register_detection_callback(self._on_seen)
            await self._scanner.start()

    def _on_seen(self, device: Any, data: Any) -> None:
        address = as_int(device.address)
        self._seen[address] = device
        raw = bytes(data.platform_data[0].data)
        seen = api_pb2.BluetoothLERawAdvertisement(
            address=address, rssi=self._proxy.rssi, address_type=1, data=raw
        )
        self.send(api_pb2.BluetoothLERawAdvertisementsResponse(advertisements=[seen]))

    async def on_BluetoothDeviceRequest(self, asked: Any) -> None:  # noqa: N802
        address = asked.address
        if asked.request_type in _CONNECT:
            await self._connect(address)
        elif asked.request_type == _DISCONNECT:
            if (client := self._clients.get(address)) is not None:
                await client.disconnect()
            self._gone(address)

    async def _connect(self, address: int) -> None:
        from bleak.exc import BleakError

        if len(self._clients) >= self._proxy.links or address not in self._seen:
            self.send(api_pb2.BluetoothDeviceConnectionResponse(address=address, connected=False, error=1))
            return
        client = self._proxy.backend.client(
            self._seen[address], disconnected_callback=lambda: self._gone(address)
        )
        self._clients[address] = client
        self._tell_free()
        try:
            await client.connect(False)
        except (BleakError, TimeoutError):
            self._gone(address, 1)
            return
        self._proxy.connections += 1
        self._proxy.most_at_once = max(self._proxy.most_at_once, len(self._clients))
        self.send(
            api_pb2.BluetoothDeviceConnectionResponse(address=address, connected=True, mtu=client.mtu_size)
        )

    def _gone(self, address: int, error: int = 0) -> None:
        if self._clients.pop(address, None) is not None:
            self.send(
                api_pb2.BluetoothDeviceConnectionResponse(address=address, connected=False, error=error)
            )
            self._tell_free()

    async def on_BluetoothGATTGetServicesRequest(self, asked: Any) -> None:  # noqa: N802
        client = self._clients[asked.address]
        services = [
            api_pb2.BluetoothGATTService(
                uuid=halves(service.uuid),
                handle=service.handle,
                characteristics=[
                    api_pb2.BluetoothGATTCharacteristic(
                        uuid=halves(one.uuid),
                        handle=one.handle,
                        properties=sum(_BITS.get(name, 0) for name in one.properties),
                        descriptors=[
                            api_pb2.BluetoothGATTDescriptor(uuid=halves(each.uuid), handle=each.handle)
                            for each in one.descriptors
                        ],
                    )
                    for one in service.characteristics
                ],
            )
            for service in client.services
        ]
        self.send(api_pb2.BluetoothGATTGetServicesResponse(address=asked.address, services=services))
        self.send(api_pb2.BluetoothGATTGetServicesDoneResponse(address=asked.address))

    def _characteristic(self, asked: Any) -> Any:
        return self._clients[asked.address].services.characteristics[asked.handle]

    async def on_BluetoothGATTReadRequest(self, asked: Any) -> None:  # noqa: N802
        data = await self._clients[asked.address].read_gatt_char(self._characteristic(asked))
        self.send(
            api_pb2.BluetoothGATTReadResponse(address=asked.address, handle=asked.handle, data=bytes(data))
        )

    async def on_BluetoothGATTWriteRequest(self, asked: Any) -> None:  # noqa: N802
        client = self._clients[asked.address]
        await client.write_gatt_char(self._characteristic(asked), asked.data, asked.response)
        if asked.response:
            self.send(api_pb2.BluetoothGATTWriteResponse(address=asked.address, handle=asked.handle))

    async def on_BluetoothGATTWriteDescriptorRequest(self, asked: Any) -> None:  # noqa: N802
        # What switches notifications on; the virtual radio has done so with the request for them.
        self.send(api_pb2.BluetoothGATTWriteResponse(address=asked.address, handle=asked.handle))

    async def on_BluetoothGATTNotifyRequest(self, asked: Any) -> None:  # noqa: N802
        client, characteristic = self._clients[asked.address], self._characteristic(asked)
        if asked.enable:

            def passed_on(data: bytearray) -> None:
                self.send(
                    api_pb2.BluetoothGATTNotifyDataResponse(
                        address=asked.address, handle=asked.handle, data=bytes(data)
                    )
                )

            await client.start_notify(characteristic, passed_on)
        else:
            await client.stop_notify(characteristic)
        self.send(api_pb2.BluetoothGATTNotifyResponse(address=asked.address, handle=asked.handle))
