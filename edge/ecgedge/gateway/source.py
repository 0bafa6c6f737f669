"""A link whose bytes are packed as they come: for a broker, or for the gateway in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from ecgedge.gateway.member import Member
from ecgedge.sinks.outlets.mqtt_broker import raise_if_cancelled
from ecgedge.sinks.plain import plain
from ecgedge_bridge.capture.recorder import Recorder, describe
from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.errors import LinkError
from ecgedge_bridge.forwarding.outflow import Outflow

__all__ = ["Door", "Here", "Source", "Tell"]

Door = Callable[..., AbstractAsyncContextManager[Any]]
Tell = Callable[[str], None]


class Source:
    """Connects to one wearable, for ever, and packs what its link says.

    Parameters
    ----------
    device : str
        As ``connect`` takes it.
    door : callable
        ``connect`` with its options, but for the hooks.
    tell : callable
        Takes a sentence for the user.
    about : mapping
        What was asked of the link, for its description: ``extras``, ``fs``, ``profile_toml``.

    Attributes
    ----------
    outflow : Outflow
        Where it is packed.
    """

    # For a person to cure, before anything can come of another try.
    final: tuple[LinkCode, ...] = (LinkCode.NO_ADAPTER, LinkCode.DENIED, LinkCode.NO_STACK)
    # Not worth a word.
    expected: tuple[LinkCode, ...] = ()
    # Pause before a wearable that is not there is looked for anew; the search itself takes half a minute.
    look_again_s = 5.0

    def __init__(self, device: str, door: Door, tell: Tell, **about: Any) -> None:
        self.device, self.outflow = device, Outflow()
        self._door, self._tell, self._about = door, tell, about
        self._recorder = Recorder()
        self._is_flushing = False

    async def run(self) -> None:
        """Connect, and again, until cancelled; a wearable that is not there is looked for, for ever.

        Raises
        ------
        LinkError
            There is no Bluetooth that could be used.
        ConfigError
            An option cannot be used with this wearable.
        """
        told = ""
        try:
            while True:
                raise_if_cancelled()
                try:
                    await self._link()
                except LinkError as error:
                    if error.code in self.final and self._recorder.writer is None:
                        raise
                    if str(error) != told and error.code not in self.expected:
                        told = str(error)
                        self.say(f"{told}; looking for it again")
                await asyncio.sleep(self.look_again_s)
        finally:
            self._flush()

    def packed(self) -> None:
        """Take it that there are new packets."""

    def hooks(self) -> dict[str, Any]:
        """Return more options for the door."""
        return {}

    def say(self, what: str) -> None:
        """Tell the user."""
        self._tell(plain(f"{self.device}: {what}"))

    async def _link(self) -> None:
        hooks = {"on_event": self._on_event, "on_notification": self._on_notification, **self.hooks()}
        async with self._door(self.device, on_rest=lambda _: None, **hooks) as wearable:
            raise_if_cancelled()  # a remote adapter's library may have lost it
            if self._recorder.writer is None:
                self._recorder.begin(self.outflow.begin(describe(wearable, **self._about)))
            async for _ in wearable:
                pass  # what was decoded is for the link alone, which sees by it that data come

    def _on_notification(self, uuid: str, data: bytes, host_time_s: float) -> None:
        self._recorder.on_notification(uuid, data, host_time_s)
        self._flush_soon()

    def _on_event(self, event: Any) -> None:
        self._recorder.on_event(event)
        self._flush_soon()

    def _flush_soon(self) -> None:
        """Pack what comes in this turn of the loop together: a notification and what the link says of it."""
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        self.outflow.flush()
        self.packed()


class Here(Source):
    """A link of the gateway itself: one more node, without a broker between.

    Parameters
    ----------
    member : Member
        Whose link it is.
    device, door, tell, about
        See :class:`Source`.
    """

    NAME = "this computer"
    final = ()  # what is wrong here must not end what others forward

    def __init__(self, member: Member, device: str, door: Door, tell: Tell, **about: Any) -> None:
        super().__init__(device, door, tell, **about)
        self._member = member

    def packed(self) -> None:
        """Give it to the wearable at once."""
        out, arrivals = self.outflow, self._member.arrivals
        now_s = asyncio.get_running_loop().time()
        if (about := out.description()) is not None:
            arrivals.describe(self.NAME, about)
        while (packet := out.next_unsent()) is not None:
            self._member.take(arrivals.take(self.NAME, packet, now_s))
            out.taken(out.stream, packet.number + 1)
