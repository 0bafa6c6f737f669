"""A connected wearable as an asynchronous iterator, driven by the table in ``states.py``.

What is said over a connection is in ``session.py``, what the bytes mean in ``polar.py`` and ``decoder.py``;
the Bluetooth stack behind :class:`Radio` is in ``link.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from .decoder import DecoderStats, PolarEcgDecoder
from .errors import FrameError, LinkError
from .polar import BATTERY_LEVEL, PMD_CONTROL, PMD_DATA
from .radio_errors import explain, in_words, needs_pairing
from .session import GattClient, Inbox, PmdSession
from .states import TRANSITIONS, LinkTiming, Outcome, State
from .types import Battery, DeviceStatus, SampleBlock

OnStatus = Callable[[DeviceStatus | Battery], None]

# Tries of the first connection before it is an error; a link that worked once is tried for ever.
_FIRST_TRIES = 3
# 1024 notifications of an H10 are 9.6 minutes and 250 kB.
_QUEUE = 1024
_UP = (State.WAITING, State.STREAMING)


@dataclass(frozen=True, slots=True)
class Found:
    """A device seen in a scan; ``rssi`` is the signal strength in dBm, nearer 0 is stronger."""

    name: str
    address: str
    rssi: int
    handle: Any = field(default=None, repr=False, compare=False)


class Client(GattClient, Protocol):
    """A connected GATT client; ``bleak.BleakClient`` is one."""

    @property
    def services(self) -> Any:
        """The services found, with ``get_characteristic(uuid)``."""

    async def read_gatt_char(self, char_specifier: str) -> bytearray:
        """Read a characteristic."""

    async def disconnect(self) -> None:
        """Hang up."""


class Radio(Protocol):
    """A Bluetooth stack: finding and connecting.

    ``errors`` are the exceptions that mean trouble with the radio, not with the program.
    """

    errors: tuple[type[Exception], ...]

    async def find(self, matches: Callable[[Found], bool], timeout_s: float, address: str) -> Found | None:
        """Scan until a device matches; None if none did in time. ``address`` is what to expect, if known."""

    async def connect(self, device: Found, on_disconnect: Callable[[], None]) -> Client:
        """Connect and discover the services."""


class Wearable:
    """A connected wearable: iterate over it for :class:`SampleBlock` values.

    Made by :func:`~ecgedge_bridge.connect`. The link is driven by the iteration: nothing runs behind the
    caller's back, statuses come in the order of the stream, and while nobody iterates only the bounded queue
    fills.

    Attributes
    ----------
    name, address : str
        What was found; the name asked for until then.
    """

    def __init__(
        self,
        wanted: str,
        on_status: OnStatus | None,
        timing: LinkTiming,
        fs: float,
        find_timeout_s: float | None,
        radio: Radio,
    ) -> None:
        self.name = wanted
        self.address = ""
        self._wanted = wanted
        self._on_status = on_status
        self._timing = timing
        self._find_timeout_s = find_timeout_s
        self._radio = radio
        self._decoder = PolarEcgDecoder(device=wanted, fs=fs)
        self._state = State.SCANNING
        self._entered_s = self._down_since_s = time.monotonic()
        self._device: Found | None = None
        self._client: Client | None = None
        self._inbox = Inbox(_QUEUE)
        self._session: PmdSession | None = None
        self._reason = ""
        self._attempt = 0
        self._pause_s = 0.0
        self._dropped = 0
        self._was_up = False
        self._battery: Battery | None = None
        self._errors: tuple[type[Exception], ...] = (*radio.errors, FrameError)
        self._step: asyncio.Task[Outcome] | None = None
        self._steps: dict[State, Callable[[], Coroutine[Any, Any, Outcome]]] = {
            State.SCANNING: self._scan,
            State.CONNECTING: self._connect,
            State.SETTING_UP: self._set_up,
            State.BACKING_OFF: self._back_off,
        }

    @property
    def state(self) -> State:
        """Where the link is now."""
        return self._state

    @property
    def stats(self) -> DecoderStats:
        """Counts of the decoder so far."""
        return self._decoder.stats

    @property
    def fs_hat(self) -> float:
        """Estimate of the device's true sampling rate in Hz."""
        return self._decoder.fs_hat

    @property
    def dropped(self) -> int:
        """Notifications that were dropped because nobody took them; their samples count as lost."""
        return self._dropped + self._inbox.dropped

    def __aiter__(self) -> AsyncIterator[SampleBlock]:
        """Iterate over the blocks as they come."""
        return self

    async def __anext__(self) -> SampleBlock:
        """Return the next block, reconnecting as often as it takes.

        Raises
        ------
        LinkError
            If the wearable stays away longer than ``find_timeout_s``.
        StopAsyncIteration
            After the connection was closed.
        """
        while self._state is not State.STOPPED:
            if (block := self._next_block()) is not None:
                return block
            await self._advance()
        raise StopAsyncIteration

    def _next_block(self) -> SampleBlock | None:
        """Tell what the decoder has to say, up to its next block."""
        while (event := self._decoder.next_event()) is not None:
            if isinstance(event, SampleBlock):
                return event
            self._tell(event)
        return None

    async def open(self) -> None:
        """Find, connect and start; returns when the measurement is started.

        Raises
        ------
        LinkError
            No adapter, no such device, or refused; the message says what to do.
        """
        self._say()
        while self._state not in _UP:
            await self._advance()

    async def close(self) -> None:
        """Stop the measurement and hang up; never raises for a link that is dead already."""
        if self._state is not State.STOPPED:
            try:
                await self._abandon_step()
                await self._hang_up()
            finally:
                self._enter(State.STOPPED)

    async def _abandon_step(self) -> None:
        step, self._step = self._step, None
        if step is not None:
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)

    async def _advance(self) -> None:
        """Run the current state's step; when it ends, look up the next state."""
        before = self._state
        try:
            outcome = await self._finish_step()
        except self._errors as error:
            outcome = self._failed(error)
        if outcome is not None:
            self._enter(TRANSITIONS[before, outcome])

    async def _finish_step(self) -> Outcome | None:
        """Await the state's step. A caller that waits with a time limit does not undo half a connection."""
        if self._state in _UP:
            return await self._listen()
        if self._step is None:
            self._step = asyncio.get_running_loop().create_task(self._steps[self._state]())
        try:
            return await asyncio.shield(self._step)
        finally:
            if self._step.done():
                self._step = None

    def _failed(self, error: Exception) -> Outcome:
        """Decide whether an error of the radio is worth another try."""
        if needs_pairing(error):
            raise LinkError(f"{self.name} wants to be paired: connect with pair=True") from error
        if not self._was_up and self._state is State.SCANNING:
            raise explain(error) from error
        self._reason = in_words(error)
        return Outcome.LOST

    def _enter(self, state: State) -> None:
        if state is State.BACKING_OFF:
            self._plan_pause()
        self._state = state
        self._entered_s = time.monotonic()
        self._say()
        if self._battery is not None:
            level, self._battery = self._battery, None
            self._tell(level)

    def _plan_pause(self) -> None:
        if not self._was_up and self._attempt + 1 >= _FIRST_TRIES:
            raise LinkError(
                f"could not connect to {self.name} in {_FIRST_TRIES} tries ({self._reason}): move closer, "
                "wet the electrodes, and end any phone app that holds the connection"
            )
        self._pause_s = self._timing.back_off(self._attempt, random.uniform(-1, 1))
        self._attempt += 1

    def _say(self) -> None:
        details = {
            State.SCANNING: f"looking for {self._wanted}",
            State.BACKING_OFF: f"{self._reason}; next try in {self._pause_s:.1f} s",
        }
        at, detail = self._decoder.next_sample, details.get(self._state, "")
        self._tell(DeviceStatus(at, at / self._decoder.fs, self._state.value, detail, self.name))

    def _tell(self, status: DeviceStatus | Battery) -> None:
        if self._on_status is not None:
            self._on_status(status)

    async def _scan(self) -> Outcome:
        limit = self._search_limit()
        async with asyncio.timeout(limit + self._timing.stack_s):
            device = await self._radio.find(self._matches, limit, self.address or self._wanted)
        if device is None and not self._was_up and not self._attempt:
            raise LinkError(
                f"{self._wanted} was not found in {limit:g} s: put the strap on with wet electrodes, "
                "move closer, end any phone app that holds it, and see `ecgedge scan` for what is near"
            )
        if device is None:
            self._reason = "not found"
            return Outcome.LOST
        self._device = device
        # From now on this very device, whatever else has the same name.
        self.name, self.address = device.name or self._wanted, device.address
        self._decoder.device = self.name
        return Outcome.DONE

    def _search_limit(self) -> float:
        """How long to search now: a lost device is searched in turns, until the caller's patience ends."""
        patience_s = self._find_timeout_s
        if not self._was_up:
            return self._timing.first_find_s if patience_s is None else patience_s
        if patience_s is None:
            return self._timing.find_s
        away_s = time.monotonic() - self._down_since_s
        if away_s >= patience_s:
            raise LinkError(
                f"{self.name} stayed away for {away_s:.0f} s ({self._reason}): put it on, move closer, "
                "and start again"
            )
        return min(self._timing.find_s, patience_s - away_s)

    def _matches(self, device: Found) -> bool:
        address, name = device.address.casefold(), device.name.casefold()
        if self.address:
            return address == self.address.casefold()
        wanted = self._wanted.casefold()
        return wanted in (address, name) or name.startswith(wanted + " ")

    async def _connect(self) -> Outcome:
        assert self._device is not None
        self._dropped += self._inbox.dropped
        self._inbox = inbox = Inbox(_QUEUE)
        async with asyncio.timeout(self._timing.connect_s):
            self._client = await self._radio.connect(self._device, inbox.close)
        return Outcome.DONE

    async def _set_up(self) -> Outcome:
        client = self._client
        assert client is not None
        for uuid in (PMD_CONTROL, PMD_DATA):
            if client.services.get_characteristic(uuid) is None:
                raise LinkError(f"{self.name} has no Polar measurement service: use a Polar H10 or H9")
        await self._read_battery(client)
        self._session = PmdSession(client, self._inbox, self._timing)
        try:
            await self._session.start()
        except LinkError as error:
            if not self._was_up:
                raise
            # The same command worked before: a refusal now passes, such as a strap in its charger.
            self._reason = str(error)
            return Outcome.LOST
        self._was_up = True
        return Outcome.DONE

    async def _read_battery(self, client: Client) -> None:
        if client.services.get_characteristic(BATTERY_LEVEL) is None:
            return
        # A battery that cannot be read is no reason not to stream.
        with contextlib.suppress(*self._radio.errors):
            async with asyncio.timeout(self._timing.command_s):
                level = await client.read_gatt_char(BATTERY_LEVEL)
            at = self._decoder.next_sample
            if len(level) == 1 and level[0] <= 100:
                self._battery = Battery(at, at / self._decoder.fs, level[0], self.name)

    async def _listen(self) -> Outcome | None:
        """Decode one of what is queued; when nothing is, wait for more as long as the state allows."""
        if self._state is State.WAITING and self._inbox.has_data:
            self._attempt = 0
            return Outcome.DONE
        if (item := self._inbox.take_data()) is not None:
            self._decoder.receive_data(*item)
            return None
        if self._inbox.closed:
            return self._lose("the connection was lost")
        if self._session is not None and self._session.ended_by_device():
            return self._lose("the device ended the measurement")
        return await self._wait_for_data()

    async def _wait_for_data(self) -> Outcome | None:
        waiting = self._state is State.WAITING
        limit = self._timing.first_frame_s if waiting else self._timing.no_data_s
        since = self._entered_s if waiting else max(self._entered_s, self._inbox.last_s)
        # After a stall of the event loop what came meanwhile is still to be delivered: wait a little more.
        if await self._inbox.wait(since + limit - time.monotonic()) or await self._inbox.wait(limit / 10):
            return None
        return self._lose(f"no {'first frame' if waiting else 'data'} for {limit:.1f} s")

    def _lose(self, reason: str) -> Outcome:
        self._reason = reason
        self._down_since_s = time.monotonic()
        return Outcome.LOST

    async def _back_off(self) -> Outcome:
        await self._hang_up()
        await asyncio.sleep(self._pause_s)
        return Outcome.DONE

    async def _hang_up(self) -> None:
        """Stop the measurement and disconnect, each within its limit; on a dead stack both raise anything."""
        if self._session is not None:
            with contextlib.suppress(Exception):
                await self._session.stop()
            self._session = None
        if self._client is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(self._timing.disconnect_s):
                    await self._client.disconnect()
            self._client = None
