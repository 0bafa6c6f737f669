"""One measurement on one connection: subscribe, start, listen, stop.

Works on anything that has the few methods of :class:`GattClient`; it knows nothing about how the link came to
be.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from .errors import FrameError, LinkError
from .polar import (
    GET_ECG_SETTINGS,
    PMD_CONTROL,
    PMD_DATA,
    START_ECG,
    STOP_ECG,
    ControlMessage,
    ControlReply,
    Measurement,
    MeasurementStopped,
    Op,
    Status,
    parse_control,
    parse_settings,
    status_text,
)
from .states import LinkTiming

# Control messages come one for each command; a device that talks more than this is not listened to.
_MAX_CONTROL = 32

_ADVICE: dict[int, str] = {
    Status.INVALID_MTU: "let the Bluetooth stack exchange an MTU of 232 or more (BlueZ 5.48 or newer does)",
    Status.NOT_SUPPORTED: "use a device that measures ECG, such as the Polar H10 or H9",
    Status.INVALID_TYPE: "use a device that measures ECG, such as the Polar H10 or H9",
    Status.INVALID_STATE: "wet the electrodes and put the strap on",
    Status.IN_CHARGER: "take the device out of its charger and put it on",
    Status.ALREADY_IN_STATE: (
        "end the other program or phone app that uses the strap; "
        "if it stays so, take the strap's battery out for a moment"
    ),
}
_OTHER_ADVICE = "update the device's firmware, or report this status with its firmware version"


class GattClient(Protocol):
    """What a session needs of a connected GATT client; ``bleak.BleakClient`` has it."""

    async def start_notify(self, char_specifier: str, callback: Callable[[Any, bytearray], None]) -> None:
        """Subscribe to a characteristic."""

    async def write_gatt_char(self, char_specifier: str, data: bytes, response: bool) -> None:
        """Write to a characteristic."""


class Inbox:
    """What came in and waits to be read: bounded, filled by callbacks, read by one task.

    The callbacks only stamp and queue. When data comes faster than it is taken, the oldest notifications go;
    the device's timestamps show that as a gap, and ``dropped`` counts them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._data: deque[tuple[bytes, float]] = deque()
        self._control: deque[bytes] = deque(maxlen=_MAX_CONTROL)
        self._wake = asyncio.Event()
        self.closed = False
        self.dropped = 0
        self.last_s = 0.0

    def on_data(self, _sender: Any, data: bytearray) -> None:
        """Take a data notification."""
        self.last_s = time.monotonic()
        if len(self._data) >= self._size:
            self._data.popleft()
            self.dropped += 1
        self._data.append((bytes(data), self.last_s))
        self._wake.set()

    def on_control(self, _sender: Any, data: bytearray) -> None:
        """Take an indication of the control point."""
        self._control.append(bytes(data))
        self._wake.set()

    def close(self) -> None:
        """Note that the connection is gone; what is queued may still be read."""
        self.closed = True
        self._wake.set()

    @property
    def has_data(self) -> bool:
        """Whether a notification waits to be taken."""
        return bool(self._data)

    def take_data(self) -> tuple[bytes, float] | None:
        """Return the oldest notification with its arrival time, or None."""
        return self._data.popleft() if self._data else None

    def take_control(self) -> ControlMessage | None:
        """Return the next control message that can be read, or None."""
        while self._control:
            try:
                return parse_control(self._control.popleft())
            except FrameError:
                # Other programs' traffic: BlueZ also delivers values that somebody read as notifications.
                continue
        return None

    async def wait(self, timeout_s: float) -> bool:
        """Wait for anything to come; False if nothing did."""
        self._wake.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            # After a stall of the event loop both happen at once: something came, and the time is up.
            return self._wake.is_set()
        return True


class PmdSession:
    """The ECG measurement of a Polar device on one connection.

    Parameters
    ----------
    client : GattClient
        Connected client.
    inbox : Inbox
        Where notifications go.
    timing : LinkTiming
        Time limits.
    """

    def __init__(self, client: GattClient, inbox: Inbox, timing: LinkTiming) -> None:
        self._client = client
        self._inbox = inbox
        self._timing = timing
        self._started = False

    async def start(self) -> None:
        """Subscribe and start the ECG.

        Raises
        ------
        LinkError
            If the device refuses; the message says why and what to do.
        TimeoutError
            If it does not answer.
        FrameError
            If it answers with settings that cannot be read.
        """
        # Both before any command, or nothing answers.
        await self._client.start_notify(PMD_CONTROL, self._inbox.on_control)
        await self._client.start_notify(PMD_DATA, self._inbox.on_data)
        settings = await self._command(GET_ECG_SETTINGS)
        _accept(settings, "to tell its ECG settings")
        parse_settings(settings.params)
        # From here on a start may have reached the strap, whatever becomes of the reply.
        self._started = True
        reply = await self._command(START_ECG)
        if reply.status == Status.ALREADY_IN_STATE:
            # A stream left over from a program that died: its settings are unknown, so begin again.
            await self._command(STOP_ECG)
            reply = await self._command(START_ECG)
        _accept(reply, "to start the ECG")

    async def stop(self) -> None:
        """Stop the ECG if it may be running: a stream left on empties the strap's battery."""
        if self._started and not self._inbox.closed:
            await self._command(STOP_ECG)
        self._started = False

    def ended_by_device(self) -> bool:
        """Whether the device has said that it ended the measurement by itself."""
        while (message := self._inbox.take_control()) is not None:
            if isinstance(message, MeasurementStopped) and Measurement.ECG in message.measurements:
                self._started = False
                return True
        return False

    async def _command(self, data: bytes) -> ControlReply:
        """Send a command and collect its reply, which may come in several parts."""
        while self._inbox.take_control() is not None:
            pass
        async with asyncio.timeout(self._timing.command_s):
            await self._client.write_gatt_char(PMD_CONTROL, data, response=True)
            reply = await self._reply(data)
            params = reply.params
            while reply.more:
                reply = await self._reply(data)
                params += reply.params
        return ControlReply(reply.op, reply.measurement, reply.status, False, params)

    async def _reply(self, data: bytes) -> ControlReply:
        while True:
            message = self._inbox.take_control()
            if isinstance(message, ControlReply) and (message.op, message.measurement) == tuple(data[:2]):
                return message
            if message is None:
                if self._inbox.closed:
                    raise TimeoutError("the connection was lost before the device answered")
                await self._inbox.wait(self._timing.command_s)


def _accept(reply: ControlReply, what: str) -> None:
    if reply.status == Status.OK:
        return
    name = Op(reply.op).name.lower()
    advice = _ADVICE.get(reply.status, _OTHER_ADVICE)
    raise LinkError(f"the device refused {what} ({name}: {status_text(reply.status)}): {advice}")
