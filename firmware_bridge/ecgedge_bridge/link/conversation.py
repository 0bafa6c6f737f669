"""A session's scripts carried out on a connected GATT client, and the inbox that its callbacks fill.

The inbox is the one bounded queue between the radio and whoever reads the stream: behind it everything is a
return value or taken at once, and what it drops it counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ecgedge_bridge.limits import time_limit
from ecgedge_bridge.link.errors import reason
from ecgedge_bridge.link.states import LinkTiming
from ecgedge_bridge.protocols.session import Read, Request, Script, Session, Subscribe, Wait, Write

OnNotification = Callable[[str, bytes, float], None]

# Events that may pile up while a script waits for an answer: four full inboxes. Nobody takes blocks
# meanwhile, and a device that sends so much without answering never will.
_MAX_PENDING = 4096
# Measurements that a session may have running: a strap's ECG and its acceleration.
_MEASUREMENTS = 2


class Received(NamedTuple):
    """A notification, or a value that was read: characteristic, value, arrival on the host's clock."""

    uuid: str
    data: bytes
    host_time_s: float


class GattClient(Protocol):
    """What a conversation needs of a connected GATT client; ``bleak.BleakClient`` has it."""

    async def start_notify(self, char_specifier: str, callback: Callable[[Any, bytearray], None]) -> None:
        """Subscribe to a characteristic."""

    async def stop_notify(self, char_specifier: str) -> None:
        """Unsubscribe from a characteristic."""

    async def read_gatt_char(self, char_specifier: str) -> bytearray:
        """Read a characteristic."""

    async def write_gatt_char(self, char_specifier: str, data: bytes, response: bool) -> None:
        """Write to a characteristic."""


class Inbox:
    """What came in and waits to be taken: bounded, filled by callbacks, read by one task.

    The callbacks only stamp and queue. When notifications come faster than they are taken, the oldest go;
    the device's timestamps show that as a gap, and ``dropped`` counts them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._queue: deque[Received] = deque()
        self._wake = asyncio.Event()
        self._came = False
        self._due_s, self._alarm_s = 0.0, math.inf
        self._alarm: asyncio.Handle | None = None
        self.closed = False
        self.dropped = 0

    def callback(self, uuid: str) -> Callable[[Any, bytearray], None]:
        """Return the callback for a characteristic's notifications."""
        return lambda _sender, data: self.put(uuid, bytes(data))

    def put(self, uuid: str, data: bytes) -> None:
        """Take what has just come from a characteristic."""
        if len(self._queue) >= self._size:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append(Received(uuid, data, now_s()))
        self._rouse()

    def close(self) -> None:
        """Note that the connection is gone; what is queued may still be taken."""
        self.closed = True
        self._rouse()

    def take(self) -> Received | None:
        """Return the oldest notification, or None."""
        return self._queue.popleft() if self._queue else None

    @property
    def empty(self) -> bool:
        """Whether all that came was taken."""
        return not self._queue

    @property
    def crowded(self) -> bool:
        """Whether more than one waits to be taken."""
        return len(self._queue) > 1

    async def wait(self, timeout_s: float) -> bool:
        """Wait for anything to come; False if nothing did.

        There is one timer at most, which is set again when it rings too early: a strap wakes this twice a
        second, and a browser makes every timer ring, one that was cancelled too.
        """
        self._came = False
        self._wake.clear()
        self._due_s = now_s() + timeout_s
        self._set_alarm()
        await self._wake.wait()
        # After a stall of the event loop both happen at once: something came, and the time is up.
        return self._came

    def _rouse(self) -> None:
        self._came = True
        self._wake.set()

    def _set_alarm(self) -> None:
        """See that there is a timer that rings no later than it is time."""
        if self._alarm_s <= self._due_s:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_s = self._due_s
        self._alarm = asyncio.get_running_loop().call_later(max(self._due_s - now_s(), 0.0), self._ring)

    def _ring(self) -> None:
        """Wake who waits if it is time: another wait may have begun meanwhile, or none goes on."""
        self._alarm, self._alarm_s = None, math.inf
        if self._wake.is_set():
            return
        if now_s() >= self._due_s:
            self._wake.set()
        else:
            self._set_alarm()


def now_s() -> float:
    """Time on the event loop's clock, in seconds: the host's monotonic clock, or a simulated one."""
    return asyncio.get_running_loop().time()


class Conversation:
    """A session on one connection.

    Parameters
    ----------
    client : GattClient
        Connected client.
    inbox : Inbox
        Where its notifications go.
    session : Session
        What to send, and where values go.
    timing : LinkTiming
        Time limits.
    errors : tuple of exception types
        What the client raises when something optional is refused.
    on_notification : callable, optional
        Called with everything that is passed to the session, as it is: (uuid, data, host_time_s).

    Attributes
    ----------
    last_data_s : float or None
        Arrival of the newest data of the main stream that was passed on and could be read.
    last_s : float or None
        Arrival of the newest notification of any kind that was passed on.
    """

    def __init__(
        self,
        client: GattClient,
        inbox: Inbox,
        session: Session,
        timing: LinkTiming,
        errors: tuple[type[Exception], ...] = (),
        on_notification: OnNotification | None = None,
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._session = session
        self._timing = timing
        self._errors = (*errors, TimeoutError)
        self._on_notification = on_notification
        self._subscribed: list[str] = []
        self._deadline_s = 0.0
        self.last_data_s: float | None = None
        self.last_s: float | None = None

    async def run(self, script: Script) -> None:
        """Carry out a script.

        Raises
        ------
        LinkError, FrameError
            What the script raises.
        TimeoutError
            If the device does not answer, or the connection was lost meanwhile.
        """
        for request in script:
            if not isinstance(request, Wait):
                self._deadline_s = now_s() + self._timing.command_s
            # Bluetooth stacks raise anything; what is optional must not end a stream.
            optional = isinstance(request, Subscribe | Read) and request.optional
            with contextlib.suppress(*((Exception,) if optional else ())):
                async with asyncio.timeout_at(self._deadline_s):
                    await self._carry_out(request)
            while isinstance(request, Read) and self.receive_one():
                pass  # what came before the value, then the value itself

    async def _carry_out(self, request: Request) -> None:
        match request:
            case Wait():
                await self._wait()
            case Write(uuid, data, response):
                await self._client.write_gatt_char(uuid, data, response=response)
            case Read(uuid):
                self._inbox.put(uuid, bytes(await self._client.read_gatt_char(uuid)))
            case Subscribe(uuid):
                await self._client.start_notify(uuid, self._inbox.callback(uuid))
                self._subscribed.append(uuid)

    async def _wait(self) -> None:
        """Pass one notification on: the script may have its answer then, and the others stay in the inbox."""
        if self._session.pending > _MAX_PENDING:
            raise TimeoutError("the device sends data, but does not answer")
        while not self.receive_one():
            if self._inbox.closed:
                raise TimeoutError("the connection was lost before the device answered")
            await self._inbox.wait(self._timing.command_s)

    def receive_one(self) -> bool:
        """Pass the oldest notification on; False if there is none."""
        if (item := self._inbox.take()) is None:
            return False
        if self._on_notification is not None:
            self._on_notification(*item)
        self.last_s = item.host_time_s
        if self._session.receive(*item):
            self.last_data_s = item.host_time_s
        return True

    async def end(self) -> str:
        """Stop the measurement and unsubscribe, each command within its limit.

        Returns
        -------
        str
            Why the device may go on measuring; empty where it has stopped, or is no longer connected. A stack
            that is dead raises anything, and nothing of it leaves here.
        """
        why = ""
        # A command that is not answered must not keep the other measurement from being stopped.
        for _ in range(_MEASUREMENTS):
            if self._inbox.closed:
                return ""
            try:
                await self.run(self._session.stop())
            except Exception as error:
                why = reason(error).text
        with contextlib.suppress(Exception):
            async with time_limit(self._timing.command_s):
                for uuid in self._subscribed:
                    await self._client.stop_notify(uuid)
        return "" if self._inbox.closed else why
