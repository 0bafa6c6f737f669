"""Virtual wearables on the air, as GATT servers on bumble.

:func:`virtual_wearable` puts some beside a client in one process, with real HCI, L2CAP and ATT packets
between them; :class:`WearableServer` runs one on any bumble device, such as one behind ``/dev/vhci``. Needs
the extra ``sim``, which is imported only when it is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.simulation.engine import VirtualCharacteristic, VirtualWearable
from ecgedge_bridge.simulation.faults import Action, Drop, End, Fault, Ledger, Lost, Pause, Send
from ecgedge_bridge.simulation.h10 import VirtualH10

if TYPE_CHECKING:
    from ecgedge_bridge.link.bleak_radio import Backend

__all__ = [
    "Fault",
    "Ledger",
    "Lost",
    "VirtualH10",
    "VirtualWearable",
    "WearableServer",
    "virtual_strap",
    "virtual_wearable",
]

# Frames on their way to the other side, at most: more would only lie in the queue.
_MAX_QUEUED = 8
_ADVERTISING_MS = 20.0
# What an advertisement or a scan response holds (Bluetooth Core, Vol 6, Part B, 2.3.1).
# Linux drops longer ones.
_ADVERTISED_OCTETS = 31
MOST_NAME_OCTETS = _ADVERTISED_OCTETS - 5
"""Longest name in an advertisement, in UTF-8: beside it are three octets of flags and two of its own."""
_BASE_UUID = "-0000-1000-8000-00805f9b34fb"
_ACL_OCTETS = 251
_CENTRAL_ADDRESS = "F0:F1:F2:F3:F4:F5"


class Advertised(NamedTuple):
    """What a wearable advertises, and what it adds when it is asked."""

    advertisement: bytes
    scan_response: bytes


class WearableServer:
    """A :class:`VirtualWearable` as a GATT server on a bumble device.

    Parameters
    ----------
    wearable : VirtualWearable
        What to play.
    device : bumble.device.Device
        The radio; :meth:`start` powers it on.

    Raises
    ------
    ConfigError
        If bumble is not installed.
    """

    def __init__(self, wearable: VirtualWearable, device: Any) -> None:
        self._bumble = _import_bumble()
        self._wearable = wearable
        self._device = device
        self._pace = _Pace(wearable)
        self._player: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._characteristics: dict[str, Any] = {}
        self._away_s = 0.0
        self._return: asyncio.TimerHandle | None = None
        self._stopped = False

    async def start(self) -> None:
        """Power on, offer the services and advertise; a dropped link is advertised again."""
        self._device.add_services(self._services())
        self._device.on(self._device.EVENT_CONNECTION, self._on_connection)
        await self._device.power_on()
        await self._advertise()

    async def stop(self) -> None:
        """Stop playing and advertising, and drop the link.

        Raises
        ------
        Exception
            What an iterator of samples raised while it was played.
        """
        self._stopped = True
        player = self._halt()
        if self._return is not None:
            self._return.cancel()
        for connection in list(self._device.connections.values()):
            await connection.disconnect()
        # Not cancelled: bumble does not take it well if a command of its own is.
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._device.stop_advertising()
        await self._device.power_off()
        if player is not None and player.done() and not player.cancelled():
            player.result()

    async def _advertise(self) -> None:
        advertisement, scan_response = self._advertised()
        await self._device.start_advertising(
            advertising_data=advertisement,
            scan_response_data=scan_response,
            advertising_interval_min=_ADVERTISING_MS,
            advertising_interval_max=_ADVERTISING_MS,
        )

    def _advertised(self) -> Advertised:
        """Return the advertisement, and the scan response with the services that did not fit into it."""
        data, uuid = self._bumble.core.AdvertisingData, self._bumble.core.UUID
        kinds = (
            data.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
            data.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
        )
        # Flags: general discoverable, no BR/EDR. The name first: it is what wearables are looked for by.
        name = self._wearable.name.encode()[:MOST_NAME_OCTETS]
        first: list[tuple[int, bytes]] = [(data.FLAGS, bytes([0x06])), (data.COMPLETE_LOCAL_NAME, name)]
        rest: list[tuple[int, bytes]] = []
        for text in self._wearable.air.advertised:
            value = bytes(uuid(_shortest(text)))
            service = (kinds[len(value) > 2], value)
            fits = len(bytes(data([*first, service]))) <= _ADVERTISED_OCTETS
            (first if fits else rest).append(service)
        return Advertised(bytes(data(first)), bytes(data(rest)))

    def _services(self) -> list[Any]:
        return [
            self._bumble.gatt.Service(
                service.uuid, [self._characteristic(one) for one in service.characteristics]
            )
            for service in self._wearable.services()
        ]

    def _characteristic(self, offered: VirtualCharacteristic) -> Any:
        gatt = self._bumble.gatt
        kind, uuid = gatt.Characteristic, offered.uuid
        properties = kind.Properties(0)
        for name in offered.properties:
            properties |= kind.Properties[name.upper().replace("-", "_")]
        permissions = kind.READABLE | kind.WRITEABLE
        if self._wearable.air.needs_pairing:
            permissions |= kind.WRITE_REQUIRES_ENCRYPTION
        value = gatt.CharacteristicValue(
            read=lambda _link: offered.value,
            write=lambda link, data: self._on_write(link, uuid, data),
        )
        characteristic = kind(uuid, properties, permissions, value)
        characteristic.on(
            characteristic.EVENT_SUBSCRIPTION,
            lambda link, notify, indicate: self._on_subscription(link, uuid, notify or indicate),
        )
        self._characteristics[uuid] = characteristic
        return characteristic

    def _on_connection(self, connection: Any) -> None:
        self._device.gatt_server.max_mtu = self._wearable.connected()
        connection.on(connection.EVENT_DISCONNECTION, lambda _reason: self._on_disconnection())

    def _on_disconnection(self) -> None:
        self._halt()
        self._wearable.disconnected()
        away_s, self._away_s = self._away_s, 0.0
        if not self._stopped:
            loop = asyncio.get_running_loop()
            self._return = loop.call_later(away_s, lambda: self._spawn(self._advertise()))

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _halt(self) -> asyncio.Task[None] | None:
        """Stop the player, unless it is the player that asks."""
        player = self._player
        if player is not None and not player.done() and player is not asyncio.current_task():
            player.cancel()
        return player

    def _on_subscription(self, connection: Any, uuid: str, on: bool) -> None:
        self._wearable.subscription(uuid, on, connection.att_mtu)
        self._follow(connection, [])

    def _on_write(self, connection: Any, uuid: str, data: bytes) -> None:
        self._follow(connection, self._wearable.write(uuid, data, connection.att_mtu))

    def _follow(self, connection: Any, answers: Sequence[Action]) -> None:
        """Send the answers, then play if the stream is to run now."""
        answered = self._spawn(self._answer(connection, answers))
        playing = self._player is not None and not self._player.done()
        if self._wearable.running and not playing and not self._wearable.finished.is_set():
            self._player = asyncio.get_running_loop().create_task(self._play(connection, answered))
        elif not self._wearable.running:
            self._halt()

    async def _answer(self, connection: Any, answers: Sequence[Action]) -> None:
        # The central may be gone before it has confirmed.
        with contextlib.suppress(asyncio.CancelledError, TimeoutError, KeyError):
            for answer in answers:
                await self._act(connection, answer)

    async def _play(self, connection: Any, answered: asyncio.Task[None]) -> None:
        """Act when it is due, until stopped."""
        await asyncio.wait([answered])
        wearable, pace = self._wearable, self._pace
        pace.begin()
        while True:
            try:
                if not wearable.exhausted:
                    await pace.wait()
                action = wearable.next_action()
            except Exception:
                # No more samples can be had; stop() raises why.
                wearable.finished.set()
                raise
            if action is None:
                await self._drain(connection, 0)
                wearable.finished.set()
                return
            await self._act(connection, action)
            if isinstance(action, Pause) and not action.late:
                pace.restart()
            if isinstance(action, Drop | End):
                return

    async def _act(self, connection: Any, action: Action) -> None:
        match action:
            case Send(data, uuid, indicate):
                await self._send(connection, data, uuid, indicate)
            case Pause(seconds):
                await asyncio.sleep(seconds / self._wearable.speed)
            case End(report):
                if report is not None:
                    await self._answer(connection, [report])
            case Drop(seconds):
                await self._drain(connection, 0)
                self._away_s = seconds / self._wearable.speed
                await connection.disconnect()

    async def _send(self, connection: Any, data: bytes, uuid: str, indicate: bool) -> None:
        characteristic = self._characteristics[uuid]
        if indicate:
            await self._device.indicate_subscriber(connection, characteristic, data)
            return
        await self._device.notify_subscriber(connection, characteristic, data)
        await self._drain(connection, _MAX_QUEUED)

    async def _drain(self, connection: Any, most: int) -> None:
        """Wait until at most so many packets are queued."""
        queue = connection.data_packet_queue
        while queue is not None and queue.pending > most:
            await asyncio.sleep(0)


def _shortest(uuid: str) -> str:
    """Return the 16-bit form of a UUID that has one: what the standard services are advertised by."""
    has_short_form = uuid.startswith("0000") and uuid.endswith(_BASE_UUID)
    return uuid.removesuffix(_BASE_UUID)[4:] if has_short_form else uuid


class _Pace:
    """When the next action is due, in real time.

    In real time the ECG goes on whatever the link does, as it does in a body: a stream that begins again goes
    on where the ECG is by then. Played faster, the ECG stands still until the link is back.
    """

    def __init__(self, wearable: VirtualWearable) -> None:
        self._wearable = wearable
        self._start_s: float | None = None
        self._from = 0

    def begin(self) -> None:
        """Count from where a stream begins, for the first time or again."""
        now_s, wearable = asyncio.get_running_loop().time(), self._wearable
        if self._start_s is not None and wearable.speed <= 1:
            gone = (now_s - self._start_s) * wearable.fs_true * wearable.speed
            wearable.catch_up(self._from + math.floor(gone))
        else:
            self._start_s, self._from = now_s, wearable.ledger.played

    def restart(self) -> None:
        """Count from here and now."""
        if self._wearable.speed > 1:
            self._start_s, self._from = asyncio.get_running_loop().time(), self._wearable.ledger.played

    async def wait(self) -> None:
        """Sleep until the next action is due; where it is late already, only let others run."""
        wearable = self._wearable
        if math.isinf(wearable.speed):
            await asyncio.sleep(0)
            return
        assert self._start_s is not None
        due_s = self._start_s + (wearable.due - self._from) / (wearable.fs_true * wearable.speed)
        await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))


def _import_bumble() -> Any:
    try:
        import bumble.controller
        import bumble.core
        import bumble.device
        import bumble.gatt
        import bumble.hci
        import bumble.host
        import bumble.link
        import bumble.transport.common
    except ImportError as error:
        raise ConfigError("a virtual wearable needs bumble: pip install 'ecgedge[sim]'") from error
    return bumble


@contextlib.asynccontextmanager
async def virtual_wearable(*wearables: VirtualWearable, mtu: int = 247) -> AsyncGenerator[Backend, None]:
    """Put virtual wearables on the air and yield the Bluetooth stack that reaches them.

    Parameters
    ----------
    *wearables : VirtualWearable
        What to play; several need different addresses.
    mtu : int
        ATT MTU that the client's stack asks for.

    Yields
    ------
    Backend
        For ``connect(..., backend=...)`` and ``scan(..., backend=...)``.

    Raises
    ------
    ConfigError
        If bumble is not installed.

    Examples
    --------
    ::

        strap = VirtualH10(ecg_mv, speed=100)
        async with virtual_wearable(strap) as backend, connect(strap.name, backend=backend) as wearable:
            async for block in wearable:
                ...
    """
    bumble = _import_bumble()
    from ecgedge_bridge.simulation.bumble_backend import backend_on

    air = bumble.link.LocalLink()
    radio = _device(bumble, air, "central", _CENTRAL_ADDRESS)
    async with contextlib.AsyncExitStack() as stack:
        for wearable in wearables:
            server = WearableServer(wearable, _device(bumble, air, wearable.name, wearable.address))
            stack.push_async_callback(server.stop)
            await server.start()
        await radio.power_on()
        stack.push_async_callback(radio.power_off)
        yield backend_on(radio, mtu)


def virtual_strap(
    strap: VirtualWearable, *, mtu: int = 247
) -> contextlib.AbstractAsyncContextManager[Backend]:
    """Put one virtual strap on the air: :func:`virtual_wearable` for a single one."""
    return virtual_wearable(strap, mtu=mtu)


def _device(bumble: Any, air: Any, name: str, address: str) -> Any:
    controller = bumble.controller.Controller(name, link=air, public_address=address)
    # As controllers with the data length extension do: a notification in one packet, not in nine.
    controller.le_acl_data_packet_length = _ACL_OCTETS
    host = bumble.host.Host(controller, bumble.transport.common.AsyncPipeSink(controller))
    return bumble.device.Device(name=name, address=bumble.hci.Address(address), host=host)
