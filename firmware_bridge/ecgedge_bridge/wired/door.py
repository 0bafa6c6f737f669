"""The door of wires: the same blocks and statuses as a wearable's, with the same states and back-off.

Theory of operation
-------------------
The table of ``link/states.py`` holds, but that nothing is set up: a wire that is open sends. A source that is
not there is looked for, at first for ``first_find_s``, then for ever, with pauses that grow. What was never
readable three times over is an error; a wire that worked once is tried for ever. Silence of ``no_data_s``
closes a wire and opens it again: a board that hangs starts anew when its port is opened. Standard input alone
has an end, may be silent for ever, and ends the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.errors import LinkError
from ecgedge_bridge.limits import time_limit
from ecgedge_bridge.link.conversation import now_s
from ecgedge_bridge.link.errors import Reason
from ecgedge_bridge.link.options import Listeners, OnEvent, OnStatus
from ecgedge_bridge.link.states import TRANSITIONS, LinkTiming, Outcome, State
from ecgedge_bridge.stream.decoder import DecoderStats, Event
from ecgedge_bridge.values import LinkState, Place, SampleBlock
from ecgedge_bridge.wired.address import STDIN, Address
from ecgedge_bridge.wired.decoders import Wanted
from ecgedge_bridge.wired.numbers import Scaling
from ecgedge_bridge.wired.wire import Wire

__all__ = ["Wired", "attach"]

_NEXT = TRANSITIONS | {(State.CONNECTING, Outcome.DONE): State.WAITING}
_DEFAULT_TIMING = LinkTiming()
_FIRST_TRIES = 3
# How often a place is looked at where a source may appear.
_LOOK_S = 0.25
# A board's start-up messages are over by then, and a wrong baud rate shows.
_UNREADABLE_S = 8.0
_UP = (State.WAITING, State.STREAMING)


class Wired:
    """A source on a wire: iterate over it for :class:`SampleBlock` values.

    Made by :func:`attach`. Nothing runs behind the caller's back.

    Attributes
    ----------
    name : str
        The source, as it was written.
    """

    def __init__(
        self, address: Address, wire: Wire, listeners: Listeners, timing: LinkTiming, patience_s: float | None
    ) -> None:
        self.name = address.name
        self._wire, self._listeners, self._timing, self._patience_s = wire, listeners, timing, patience_s
        self._state = State.SCANNING
        self._events: deque[Event] = deque()
        self._entered_s = self._data_s = self._down_since_s = now_s()
        self._reason = Reason(LinkCode.OTHER, "")
        self._attempt, self._pause_s = 0, 0.0
        self._was_up = False
        self._place = Place(0, 0.0)
        self._readable = 0
        self._unread_since_s: float | None = None
        self._steps: dict[State, Callable[[], Coroutine[Any, Any, Outcome | None]]] = {
            State.SCANNING: self._find,
            State.CONNECTING: self._open,
            State.WAITING: self._listen,
            State.STREAMING: self._listen,
            State.BACKING_OFF: self._back_off,
        }

    @property
    def state(self) -> State:
        """Where the link is now."""
        return self._state

    @property
    def stats(self) -> DecoderStats:
        """Counts so far."""
        return self._wire.decoder.stats

    @property
    def fs_hat(self) -> float:
        """Estimate of the true rate in Hz; 0 while nothing is known."""
        return self._wire.decoder.fs_hat

    def __aiter__(self) -> AsyncIterator[SampleBlock]:
        """Iterate over the blocks as they come."""
        return self

    async def __anext__(self) -> SampleBlock:
        """Return the next block, reconnecting as often as it takes.

        Raises
        ------
        ConfigError
            Something has to be said of the source that it does not say itself.
        LinkError
            Nothing that it sends can be read, or it stays away longer than ``find_timeout_s``.
        StopAsyncIteration
            At its end, and after it was closed.
        """
        while True:
            if (block := self._next_block()) is not None:
                return block
            if self._state is State.STOPPED:
                raise StopAsyncIteration
            await self._advance()

    def _next_block(self) -> SampleBlock | None:
        while self._events:
            event = self._events.popleft()
            if isinstance(event, SampleBlock):
                self._place = Place(event.end_sample, event.end_sample / event.fs)
                return event
            self._listeners.report(event)
        return None

    async def open(self) -> None:
        """Find and open the source."""
        self._report_state()
        while self._state not in (*_UP, State.STOPPED):
            await self._advance()

    async def close(self) -> None:
        """Close the source; never raises for one that is gone."""
        if self._state is not State.STOPPED:
            try:
                await self._hang_up()
            finally:
                self._enter(State.STOPPED)

    async def _advance(self) -> None:
        before = self._state
        try:
            outcome = await self._steps[before]()
        except LinkError as error:
            if not self._was_up and (before is State.SCANNING or self._attempt + 1 >= _FIRST_TRIES):
                raise
            outcome = self._lose(error.code, str(error))
        if outcome is not None:
            self._enter(_NEXT[before, outcome])

    def _enter(self, state: State) -> None:
        if state is State.BACKING_OFF:
            self._plan_pause()
        self._state, self._entered_s = state, now_s()
        self._report_state()

    def _plan_pause(self) -> None:
        if not self._was_up and self._attempt + 1 >= _FIRST_TRIES:
            raise LinkError(f"{self.name}: {self._reason.text}", self._reason.code)
        self._pause_s = self._timing.back_off(self._attempt, random.uniform(-1, 1))
        self._attempt += 1

    def _report_state(self) -> None:
        state = LinkState(*self._place, self._state.value, "", self.name)
        if self._state is State.SCANNING:
            state = replace(state, detail=f"looking for {self.name}")
        elif self._state is State.BACKING_OFF:
            code, text = self._reason
            state = replace(state, detail=text, code=code, retry_s=round(self._pause_s, 3))
        self._listeners.report(state)

    def _lose(self, code: LinkCode, text: str = "") -> Outcome:
        self._reason = Reason(code, text or code.sentence)
        if self._state in _UP:
            self._down_since_s = now_s()
            self._events.extend(self._wire.decoder.link_lost())
        return Outcome.LOST

    async def _find(self) -> Outcome:
        patience_s, began_s = self._find_s(), now_s()
        with contextlib.suppress(TimeoutError):
            async with time_limit(patience_s):
                while not await self._wire.find():
                    await asyncio.sleep(_LOOK_S)
                return Outcome.DONE
        if not self._was_up and not self._attempt:
            waited_s = now_s() - began_s
            raise LinkError(
                f"{self.name} was not found in {waited_s:.0f} s: plug it in or start what sends, "
                "and check how it is written",
                LinkCode.NOT_FOUND,
            )
        return self._lose(LinkCode.NOT_FOUND, "not found")

    def _find_s(self) -> float:
        """How long to look now."""
        if not self._was_up:
            return self._timing.first_find_s if self._patience_s is None else self._patience_s
        if self._patience_s is None:
            return self._timing.find_s
        away_s = now_s() - self._down_since_s
        if away_s >= self._patience_s:
            raise LinkError(
                f"{self.name} stayed away for {away_s:.0f} s ({self._reason.text}): plug it in, start again",
                self._reason.code,
            )
        return min(self._timing.find_s, self._patience_s - away_s)

    async def _open(self) -> Outcome:
        await self._wire.open()
        self._data_s, self._unread_since_s = now_s(), None
        self._readable = self._wire.decoder.readable
        return Outcome.DONE

    async def _listen(self) -> Outcome | None:
        limit_s = self._timing.no_data_s if self._state is State.STREAMING else self._timing.first_frame_s
        try:
            events = await self._read(limit_s)
        except TimeoutError:
            code = LinkCode.NO_DATA if self._state is State.STREAMING else LinkCode.NO_FIRST_FRAME
            return self._lose(code, f"nothing came for {limit_s:.1f} s")
        if events is None:
            return self._ended()
        self._events.extend(events)
        return self._judge()

    async def _read(self, limit_s: float) -> list[Event] | None:
        if self._wire.ends:
            return await self._wire.read()
        with contextlib.suppress(TimeoutError):
            async with time_limit(self._data_s + limit_s - now_s()):
                return await self._wire.read()
        # After a stall of the event loop what came meanwhile is still to be taken: wait a little more.
        async with time_limit(limit_s / 10):
            return await self._wire.read()

    def _ended(self) -> Outcome | None:
        if not self._wire.ends:
            return self._lose(LinkCode.LOST)
        self._events.extend(self._wire.decoder.finish())
        self._entered_s, self._state = now_s(), State.STOPPED
        self._report_later()
        return None

    def _report_later(self) -> None:
        """Report the end behind the last block."""
        place = self._wire.decoder.place
        self._events.append(LinkState(*place, State.STOPPED.value, "", self.name))

    def _judge(self) -> Outcome | None:
        """See whether what came can be read; bytes that cannot are no data."""
        readable = self._wire.decoder.readable
        if readable > self._readable:
            self._readable, self._unread_since_s, self._data_s = readable, None, now_s()
            self._was_up, self._attempt = True, 0
            return Outcome.DONE if self._state is State.WAITING else None
        if self._unread_since_s is None:
            self._unread_since_s = now_s()
        self._data_s = now_s()
        if not self._wire.ends and now_s() - self._unread_since_s > _UNREADABLE_S:
            words = f"nothing that came could be read for {_UNREADABLE_S:g} s: {self._wire.unreadable}"
            return self._lose(LinkCode.UNREADABLE, words)
        return None

    async def _back_off(self) -> Outcome:
        await self._hang_up()
        await asyncio.sleep(self._pause_s)
        return Outcome.DONE

    async def _hang_up(self) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with time_limit(self._timing.disconnect_s):
                await self._wire.close()


def _wire(address: Address, wanted: Wanted) -> Wire:
    if address.scheme == "lsl":
        from ecgedge_bridge.wired.lsl import LslWire

        return LslWire(address, wanted)
    from ecgedge_bridge.wired.bytes_wires import SerialWire, StdinWire, TcpWire

    kinds: dict[str, type[SerialWire] | type[TcpWire] | type[StdinWire]]
    kinds = {"serial": SerialWire, "tcp": TcpWire, STDIN: StdinWire}
    return kinds[address.scheme](address, wanted)


@contextlib.asynccontextmanager
async def attach(
    source: str,
    *,
    fs: float | None = None,
    channel: str | None = None,
    scaling: Scaling | None = None,
    on_status: OnStatus | None = None,
    on_event: OnEvent | None = None,
    timing: LinkTiming = _DEFAULT_TIMING,
    find_timeout_s: float | None = None,
) -> AsyncGenerator[Wired, None]:
    """Stream the ECG of a source that is no Bluetooth device; the counterpart of :func:`connect`.

    Parameters
    ----------
    source : str
        ``serial:/dev/ttyUSB0`` or ``serial:/dev/ttyUSB0?baud=9600``, ``tcp:HOST:PORT``, ``lsl:NAME``, or
        ``-`` for standard input. Over the first two and the last come numbers, one a line, or our own frames.
    fs : float, optional
        Rate in Hz; needed for bare numbers, which do not say it.
    channel : str, optional
        Name or number (from 0) of the column, or of the channel of an LSL stream.
    scaling : Scaling, optional
        How numbers become mV; by default they are.
    on_status, on_event, timing, find_timeout_s
        As for :func:`connect`.

    Yields
    ------
    Wired
        Iterate over it for blocks in mV.

    Raises
    ------
    ConfigError
        The source is not written as it should be, or something has to be said of it; an extra is missing.
    LinkError
        It is not there, or may not be opened.

    Examples
    --------
    ::

        async with attach("serial:/dev/ttyUSB0", fs=250) as board:
            async for block in board:
                print(block.sample, block.samples.mean())
    """
    address = Address.parse(source)
    wire = _wire(address, Wanted(fs, channel, scaling))
    wired = Wired(address, wire, Listeners(on_status, on_event), timing, find_timeout_s)
    try:
        await wired.open()
        yield wired
    finally:
        await wired.close()
