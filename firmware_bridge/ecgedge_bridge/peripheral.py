"""A virtual Polar H10 on the air: :class:`VirtualH10` as a GATT server on bumble.

:func:`virtual_strap` puts it beside a client in one process, with real HCI, L2CAP and ATT packets between
them; :class:`StrapServer` runs it on any bumble device, such as one behind ``/dev/vhci``. Needs the extra
``sim``, which is imported only when it is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from .errors import ConfigError
from .polar import BATTERY_LEVEL, BATTERY_SERVICE, FRAME_SAMPLES, PMD_CONTROL, PMD_DATA, PMD_SERVICE
from .virtual_h10 import FEATURES, Drop, End, Fault, Ledger, Lost, Pause, Send, VirtualH10

if TYPE_CHECKING:
    from .link import Backend

__all__ = ["Fault", "Ledger", "Lost", "StrapServer", "VirtualH10", "virtual_strap"]

# Frames on their way to the other side, at most: more would only lie in the queue.
_MAX_QUEUED = 8
_ADVERTISING_MS = 20.0
_ACL_OCTETS = 251
_CENTRAL_ADDRESS = "F0:F1:F2:F3:F4:F5"


class StrapServer:
    """A :class:`VirtualH10` as a GATT server on a bumble device.

    Parameters
    ----------
    strap : VirtualH10
        What to play.
    device : bumble.device.Device
        The radio; :meth:`start` powers it on.

    Raises
    ------
    ConfigError
        If bumble is not installed.
    """

    def __init__(self, strap: VirtualH10, device: Any) -> None:
        self._bumble = _import_bumble()
        self._strap = strap
        self._device = device
        self._player: asyncio.Task[None] | None = None
        self._replies: set[asyncio.Task[None]] = set()
        self._subscribed = [False, False]
        self._control: Any = None
        self._data: Any = None

    async def start(self) -> None:
        """Power on, offer the services and advertise; a dropped link is advertised again."""
        self._device.add_services(self._services())
        self._device.on(self._device.EVENT_CONNECTION, self._on_connection)
        await self._device.power_on()
        await self._device.start_advertising(
            auto_restart=True,
            advertising_data=self._advertisement(),
            advertising_interval_min=_ADVERTISING_MS,
            advertising_interval_max=_ADVERTISING_MS,
        )

    async def stop(self) -> None:
        """Stop playing and advertising, and drop the link.

        Raises
        ------
        Exception
            What an iterator of samples raised while it was played.
        """
        player = self._halt()
        for connection in list(self._device.connections.values()):
            await connection.disconnect()
        await self._device.stop_advertising()
        await self._device.power_off()
        if player is not None and player.done() and not player.cancelled():
            player.result()

    def _advertisement(self) -> bytes:
        data, uuid = self._bumble.core.AdvertisingData, self._bumble.core.UUID
        # All in the advertisement: flags (general discoverable, no BR/EDR), heart rate service, name.
        fields = [
            (data.FLAGS, bytes([0x06])),
            (data.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, bytes(uuid.from_16_bits(0x180D))),
            (data.COMPLETE_LOCAL_NAME, self._strap.name.encode()),
        ]
        return bytes(data(fields))

    def _services(self) -> list[Any]:
        gatt = self._bumble.gatt
        kind, may = gatt.Characteristic, gatt.Characteristic.Properties
        self._control = kind(
            PMD_CONTROL,
            may.READ | may.WRITE | may.INDICATE,
            kind.READABLE | kind.WRITEABLE,
            gatt.CharacteristicValue(read=lambda _link: FEATURES, write=self._on_command),
        )
        self._data = kind(PMD_DATA, may.NOTIFY, kind.READABLE)
        battery = kind(BATTERY_LEVEL, may.READ | may.NOTIFY, kind.READABLE, bytes([self._strap.battery]))
        for index, characteristic in enumerate((self._control, self._data)):
            characteristic.on(characteristic.EVENT_SUBSCRIPTION, self._subscriber(index))
        return [
            gatt.Service(PMD_SERVICE, [self._control, self._data]),
            gatt.Service(BATTERY_SERVICE, [battery]),
        ]

    def _subscriber(self, index: int) -> Any:
        def on_subscription(_link: Any, notify: bool, indicate: bool) -> None:
            self._subscribed[index] = notify or indicate

        return on_subscription

    def _on_connection(self, connection: Any) -> None:
        connection.on(connection.EVENT_DISCONNECTION, lambda _reason: self._on_disconnection())

    def _on_disconnection(self) -> None:
        # A stream does not survive its connection.
        self._halt()
        self._strap.running = False
        self._subscribed = [False, False]

    def _halt(self) -> asyncio.Task[None] | None:
        """Stop the player, unless it is the player that asks."""
        player = self._player
        if player is not None and not player.done() and player is not asyncio.current_task():
            player.cancel()
        return player

    def _on_command(self, connection: Any, value: bytes) -> None:
        if not all(self._subscribed):
            return  # as the real one: no answer before both characteristics are subscribed to
        was_running = self._strap.running
        reply = self._strap.command(value, connection.att_mtu)
        task = asyncio.get_running_loop().create_task(self._answer(connection, reply))
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)
        if self._strap.running and not was_running:
            self._player = asyncio.get_running_loop().create_task(self._play(connection, task))
        elif not self._strap.running:
            self._halt()

    async def _answer(self, connection: Any, reply: bytes) -> None:
        # The central may be gone before it has confirmed.
        with contextlib.suppress(asyncio.CancelledError, TimeoutError, KeyError):
            await self._device.indicate_subscriber(connection, self._control, reply)

    async def _play(self, connection: Any, answered: asyncio.Task[None]) -> None:
        """Send frames at their time until told otherwise."""
        await asyncio.wait([answered])
        strap, pace = self._strap, _Pace(self._strap)
        while True:
            if not strap.exhausted:
                await pace.wait()
            match strap.next_action():
                case Send(data):
                    await self._device.notify_subscriber(connection, self._data, data)
                    await self._drain(connection, _MAX_QUEUED)
                case Pause(seconds):
                    await asyncio.sleep(seconds / strap.speed)
                    pace.restart()
                case End(data):
                    await self._answer(connection, data)
                    return
                case Drop():
                    await self._drain(connection, 0)
                    await connection.disconnect()
                    return
                case None:
                    await self._drain(connection, 0)
                    strap.finished.set()
                    return

    async def _drain(self, connection: Any, most: int) -> None:
        """Wait until at most so many packets are queued."""
        queue = connection.data_packet_queue
        while queue is not None and queue.pending > most:
            await asyncio.sleep(0)


class _Pace:
    """When the next frame is due: at the time of its last sample."""

    def __init__(self, strap: VirtualH10) -> None:
        self._strap = strap
        self.restart()

    def restart(self) -> None:
        """Count from here and now."""
        self._start_s = asyncio.get_running_loop().time()
        self._from = self._strap.ledger.played

    async def wait(self) -> None:
        """Sleep until the next frame is due; where it is late already, only let others run."""
        if math.isinf(self._strap.speed):
            await asyncio.sleep(0)
            return
        samples = self._strap.ledger.played + FRAME_SAMPLES - self._from
        due_s = self._start_s + samples / (self._strap.fs_true * self._strap.speed)
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
async def virtual_strap(strap: VirtualH10, *, mtu: int = 247) -> AsyncGenerator[Backend, None]:
    """Put a virtual strap on the air and yield the Bluetooth stack that reaches it.

    Parameters
    ----------
    strap : VirtualH10
        What to play.
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
        async with virtual_strap(strap) as backend, connect(strap.name, backend=backend) as wearable:
            async for block in wearable:
                ...
    """
    bumble = _import_bumble()
    from .bumble_backend import backend_on

    air = bumble.link.LocalLink()
    server = StrapServer(strap, _device(bumble, air, "strap", strap.address))
    radio = _device(bumble, air, "central", _CENTRAL_ADDRESS)
    await server.start()
    try:
        await radio.power_on()
        yield backend_on(radio, mtu)
    finally:
        await server.stop()
        await radio.power_off()


def _device(bumble: Any, air: Any, name: str, address: str) -> Any:
    controller = bumble.controller.Controller(name, link=air, public_address=address)
    # As controllers with the data length extension do: a notification in one packet, not in nine.
    controller.le_acl_data_packet_length = _ACL_OCTETS
    host = bumble.host.Host(controller, bumble.transport.common.AsyncPipeSink(controller))
    return bumble.device.Device(name=name, address=bumble.hci.Address(address), host=host)
