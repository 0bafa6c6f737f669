"""A connected wearable as an asynchronous iterator, driven by the table in ``states.py``.

The dialogue over a connection is in ``protocols``, which session fits a device in
``protocols/profiles.py``; the Bluetooth stack behind :class:`~ecgedge_bridge.link.radio.Radio` is in
``bleak_radio.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

from ecgedge_bridge.codes import LinkCode, NoteCode
from ecgedge_bridge.errors import ConfigError, FrameError, LinkError
from ecgedge_bridge.limits import time_limit
from ecgedge_bridge.link.conversation import Conversation, Inbox, now_s
from ecgedge_bridge.link.errors import Reason, explain, is_final, needs_pairing, reason
from ecgedge_bridge.link.options import ConnectOptions, Listeners, OnEvent, OnStatus
from ecgedge_bridge.link.radio import Client, Found, Radio, offered_by
from ecgedge_bridge.link.search import is_again, is_wanted, not_found, search_limit_s, unreachable
from ecgedge_bridge.link.states import TRANSITIONS, LinkTiming, Outcome, State
from ecgedge_bridge.protocols.profiles import profile_for
from ecgedge_bridge.protocols.session import NotOfferedError, Offered, Session
from ecgedge_bridge.stream.decoder import DecoderStats
from ecgedge_bridge.values import LinkState, Note, Place, SampleBlock

__all__ = ["OnEvent", "OnStatus", "Wearable"]

# Tries of the first connection before it is an error; a link that worked once is tried for ever.
_FIRST_TRIES = 3
# 1024 notifications of an H10 are 9.6 minutes and 250 kB.
_QUEUE = 1024
# The states in which notifications are passed on as they come.
_UP = (State.WAITING, State.STREAMING)


class Wearable:
    """A connected wearable: iterate over it for :class:`SampleBlock` values.

    Made by :func:`~ecgedge_bridge.connect`. The link is driven by the iteration: nothing runs behind the
    caller's back, statuses come in the order of the stream, and while nobody iterates only the bounded queue
    fills.

    Attributes
    ----------
    name, address : str
        What was found; the name asked for until then.
    profile : Profile or None
        How the device is spoken to; None until that is known.
    offered : Offered
        What the device has to offer; nothing until that is known.
    """

    def __init__(
        self, options: ConnectOptions, listeners: Listeners, timing: LinkTiming, radio: Radio
    ) -> None:
        self.name = options.name
        self.address = ""
        self.profile = options.profile
        self.offered = Offered()
        self._options = options
        self._listeners = listeners
        self._timing = timing
        self._radio = radio
        self._state = State.SCANNING
        self._entered_s = self._down_since_s = now_s()
        self._device: Found | None = None
        self._client: Client | None = None
        self._inbox = Inbox(_QUEUE)
        self._session: Session | None = None
        self._conversation: Conversation | None = None
        self._place = Place(0, 0.0)
        self._reason = Reason(LinkCode.OTHER, "")
        self._attempt = 0
        self._pause_s = 0.0
        self._dropped = self._noted_drops = 0
        self._taken = _QUEUE
        self._was_up = self._forgot = False
        self._unread_since_s: float | None = None
        self._missed = 0  # searches for the address of a device that was up
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
        """Counts of the ECG's decoder so far."""
        return DecoderStats() if self._session is None else self._session.stats

    @property
    def fs_hat(self) -> float:
        """Estimate of the device's true sampling rate in Hz; 0 without ECG."""
        return 0.0 if self._session is None else self._session.fs_hat

    @property
    def dropped(self) -> int:
        """Notifications that were dropped because they were not taken in time; their samples are lost."""
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
        """Report what the session has found, up to its next block."""
        while self._session is not None and (event := self._session.next_event()) is not None:
            if isinstance(event, SampleBlock):
                self._place = Place(event.end_sample, event.end_sample / event.fs)
                return event
            self._listeners.report(event)
        return None

    async def open(self) -> None:
        """Find, connect and start; returns when the measurement is started.

        Raises
        ------
        LinkError
            No adapter, no such device, or refused; the message ends with what to do.
        """
        self._report_state()
        while self._state not in _UP:
            await self._advance()

    async def close(self) -> None:
        """Stop the measurement and hang up; never raises for a link that is dead already."""
        if self._state is not State.STOPPED:
            try:
                if (step := self._step) is not None:
                    self._step = None
                    step.cancel()
                    await asyncio.gather(step, return_exceptions=True)
                self._report_stop(await self._hang_up())
            finally:
                self._enter(State.STOPPED)

    def _report_stop(self, why: str) -> None:
        """Report a stop that the device has refused or not answered: it goes on measuring."""
        if self._session is not None and why:
            self._session.not_stopped(why)
        while self._session is not None and (event := self._session.next_event()) is not None:
            if isinstance(event, SampleBlock) and self._listeners.on_rest is not None:
                self._place = Place(event.end_sample, event.end_sample / event.fs)
            self._listeners.report_rest(event)

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
            message = f"{self.name} wants to be paired: connect with pair=True"
            raise LinkError(message, LinkCode.NEEDS_PAIRING) from error
        if is_final(error) or (not self._was_up and self._state is State.SCANNING):
            raise explain(error) from error
        self._reason = reason(error)
        return Outcome.LOST

    def _enter(self, state: State) -> None:
        if state is State.BACKING_OFF:
            self._plan_pause()
        self._state = state
        self._entered_s = now_s()
        self._report_state()

    def _plan_pause(self) -> None:
        if not self._was_up and self._attempt + 1 >= _FIRST_TRIES:
            raise unreachable(self.name, _FIRST_TRIES, self._reason)
        self._pause_s = self._timing.back_off(self._attempt, random.uniform(-1, 1))
        self._attempt += 1

    def _report_state(self) -> None:
        state = LinkState(*self._place, self._state.value, "", self.name)
        if self._state is State.SCANNING:
            state = replace(state, detail=f"looking for {self._options.name}")
        elif self._state is State.BACKING_OFF:
            code, text = self._reason
            state = replace(state, detail=text, code=code, retry_s=round(self._pause_s, 3))
        self._listeners.report(state)

    def _report_drops(self) -> None:
        """Report what the inbox has dropped, at most once in the time in which it fills."""
        self._taken += 1
        if self.dropped > self._noted_drops and self._taken > _QUEUE:
            new, self._noted_drops, self._taken = self.dropped - self._noted_drops, self.dropped, 0
            detail = f"{new} notifications were dropped: this program is too slow; give it more time"
            self._listeners.report(Note(*self._place, NoteCode.DROPPED, detail, self.name))

    async def _scan(self) -> Outcome:
        away_s = now_s() - self._down_since_s if self._was_up else None
        limit = search_limit_s(self._options.find_timeout_s, self._timing, away_s, self.name, self._reason)
        device = await self._radio.find(self._matches, limit, self.address or self._options.name)
        if device is None and not self._was_up and not self._attempt:
            raise not_found(self._options.name, limit)
        if device is None:
            self._missed, self._reason = self._missed + 1, Reason(LinkCode.NOT_FOUND, "not found")
            return Outcome.LOST
        if self.address and device.address.casefold() != self.address.casefold():
            detail = f"{self.name} has another address now: it was found by its name; nothing to do"
            self._listeners.report(Note(*self._place, NoteCode.FOUND_BY_NAME, detail, self.name))
        self._missed = 0
        self._device = device
        # From now on this very device, whatever else has the same name.
        self.name, self.address = device.name or self._options.name, device.address
        if self._session is not None:
            self._session.device = self.name
        return Outcome.DONE

    def _matches(self, device: Found) -> bool:
        if self.address:
            return is_again(device, self.address, self.name, missed=self._missed > 0)
        return is_wanted(device, self._options.name)

    async def _connect(self) -> Outcome:
        assert self._device is not None
        self._dropped += self._inbox.dropped
        self._inbox = inbox = Inbox(_QUEUE)
        async with time_limit(self._timing.connect_s):
            self._client = await self._radio.connect(self._device, inbox.close)
        return Outcome.DONE

    async def _set_up(self) -> Outcome:
        try:
            await self._start_session()
        except LinkError as error:
            if not await self._may_pass(error):
                raise
            self._reason = reason(error)
            return Outcome.LOST
        self._was_up, self._forgot = True, False
        return Outcome.DONE

    async def _start_session(self) -> None:
        client = self._client
        assert client is not None
        self.offered = offered_by(client)
        if self._session is None:
            options = self._options
            if self.profile is None:
                services = self.offered.services
                self.profile = profile_for(self.name, services, connected=True, more=options.more)
            try:
                self._session = self.profile.make_session(
                    device=self.name, fs=options.fs, extras=options.extras
                )
            except ValueError as error:  # a rate that only this kind of device does not have
                raise ConfigError(str(error)) from error
        self._conversation = Conversation(
            client,
            self._inbox,
            self._session,
            self._timing,
            self._radio.errors,
            self._listeners.on_notification,
        )
        await self._conversation.run(self._session.start(self.offered))

    async def _may_pass(self, refusal: LinkError) -> bool:
        """Whether another connection may go better."""
        if not isinstance(refusal, NotOfferedError):
            # The same command worked before: a refusal now passes, such as a strap in its charger.
            return self._was_up
        if self._forgot:
            return False
        # The stack may remember services from before an update of the device.
        self._forgot = True
        await self._hang_up()
        if not self._was_up:
            # These services have chosen it.
            self.profile, self._session = self._options.profile, None
        return await self._radio.clear_cache(self.address)

    async def _listen(self) -> Outcome | None:
        """Decode one of what is queued; when nothing is, wait for more as long as the state allows."""
        assert self._conversation is not None
        assert self._session is not None
        self._report_drops()
        if self._inbox.crowded:
            await asyncio.sleep(0)  # a backlog must not keep others from their turn
        received = self._conversation.receive_one()
        if self._state is State.WAITING and self._conversation.last_data_s is not None:
            self._attempt = 0
            return Outcome.DONE
        if self._session.ended:
            return self._lose(LinkCode.ENDED)
        if received:
            return self._check_readable()
        if self._inbox.closed:
            return self._lose(LinkCode.LOST)
        return await self._wait_for_data(self._conversation.last_data_s)

    def _patience(self) -> tuple[LinkCode, float]:
        """How long there may be no data of the main stream now, and what it means then."""
        if self._state is not State.STREAMING:
            return LinkCode.NO_FIRST_FRAME, self._timing.first_frame_s
        # More where the notifications of the main stream are rarer than an H10's.
        rarity = self.profile.rarity if self.profile is not None else 1.0
        return LinkCode.NO_DATA, self._timing.no_data_s * rarity

    def _check_readable(self) -> Outcome | None:
        """Give up a stream of which something comes all the time, but nothing that is ECG and can be read."""
        assert self._conversation is not None
        _, limit = self._patience()
        since = max(self._entered_s, self._conversation.last_data_s or 0.0)
        late_s = (self._conversation.last_s or 0.0) - since - limit
        if late_s <= 0 or not self._inbox.empty:
            self._unread_since_s = None
            return None
        # After a stall of the event loop the ECG may be what comes next: wait a little more.
        if self._unread_since_s is None:
            self._unread_since_s = now_s()
        if now_s() - self._unread_since_s < limit / 10:
            return None
        self._unread_since_s = None
        return self._give_up()

    async def _wait_for_data(self, last_data_s: float | None) -> Outcome | None:
        _, limit = self._patience()
        since = max(self._entered_s, last_data_s or 0.0)
        # After a stall of the event loop what came meanwhile is still to be delivered: wait a little more.
        if await self._inbox.wait(since + limit - now_s()) or await self._inbox.wait(limit / 10):
            return None
        return self._give_up()

    def _give_up(self) -> Outcome:
        code, limit = self._patience()
        if self._session is not None and self._session.unread:
            return self._lose(LinkCode.UNREADABLE, f"nothing that came could be read for {limit:.1f} s")
        what = "no first frame" if code is LinkCode.NO_FIRST_FRAME else "no data"
        return self._lose(code, f"{what} for {limit:.1f} s")

    def _lose(self, code: LinkCode, text: str = "") -> Outcome:
        self._reason = Reason(code, text or code.sentence)
        self._down_since_s = now_s()
        return Outcome.LOST

    async def _back_off(self) -> Outcome:
        await self._hang_up()
        await asyncio.sleep(self._pause_s)
        return Outcome.DONE

    async def _hang_up(self) -> str:
        """Stop the measurement and disconnect, each within its limit; return why it may go on."""
        why = "" if self._conversation is None else await self._conversation.end()
        self._conversation = None
        if self._client is not None:
            with contextlib.suppress(Exception):
                async with time_limit(self._timing.disconnect_s):
                    await self._client.disconnect()
            self._client = None
        return why
