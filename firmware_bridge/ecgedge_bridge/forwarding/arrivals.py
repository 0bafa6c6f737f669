"""One wearable at a gateway: what nodes forward of it, decoded by one session, whoever forwards.

Rules of the file
-----------------
1. One node at a time is listened to. Another one's packets are taken and left out (``not_taken``) while the
   first one's data come; when they cease for ``HANDOVER_S``, or its link is lost, or it goes away, the next
   packet of another node makes that one the source. This is a handover.
2. A handover is a new connection of the same device: the session goes on, its set-up is played from the new
   node's description, and what was missed meanwhile is the gap that the device's stamps or counters show.
3. Every node has a clock of its own. The first one's arrival times are used as they are, so that the values
   are those of a direct link to the last bit. Those of later nodes are moved by the difference of the
   shortest delays to the gateway, which is what two clocks differ by, up to some milliseconds of network.
4. Nothing here waits or reads a clock. What is kept is bounded: nodes, packets, bytes of a set-up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ecgedge_bridge.capture.file import Capture, Damaged, LinkRecord, Notification, records_in
from ecgedge_bridge.capture.replay import Replayer, profile_of
from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.errors import ConfigError, FrameError
from ecgedge_bridge.forwarding.inflow import PATIENCE_S, Counts, Inflow, Taken
from ecgedge_bridge.forwarding.packets import Packet, description
from ecgedge_bridge.link.states import State
from ecgedge_bridge.values import LinkState, Place, SampleBlock

if TYPE_CHECKING:
    from ecgedge_bridge.capture.layout import Record
    from ecgedge_bridge.stream.decoder import DecoderStats, Event
    from ecgedge_bridge.values import Mark

__all__ = ["FIRST_S", "HANDOVER_S", "MOST_NODES", "SILENT_S", "Arrivals", "Heard"]

HANDOVER_S = 3.0
"""Silence after which another node is listened to: that after which a link counts as dead."""
SILENT_S = 10.0
"""Silence after which it is told that a node is silent: sooner, where it said goodbye."""
FIRST_S = 45.0
"""The same while a first frame is waited for: an H10 takes up to half a minute."""
MOST_NODES = 32
"""Nodes that forward one wearable at a time; more are refused."""
_DOWN = (State.BACKING_OFF.value, State.SCANNING.value, State.STOPPED.value)


@dataclass(slots=True)
class Heard:
    """What became of a wearable's packets at the gateway.

    ``not_taken`` were forwarded by a node that was not listened to, ``refused`` could not be read or came
    before their description, ``handovers`` went from one node to another.
    """

    packets: Counts = field(default_factory=Counts)
    not_taken: int = 0
    refused: int = 0
    handovers: int = 0


@dataclass(slots=True)
class _Stream:
    """What one node forwards."""

    stream: bytes
    about: Capture
    setup_before: int  # number of the packet that follows the set-up of the description
    inflow: Inflow | None = None
    data_s: float = -math.inf  # when a notification came last, on the gateway's clock
    is_down: bool = False  # its link, as it says itself
    is_away: bool = False  # the node
    is_waiting: bool = False  # its link, for a first frame
    delay_s: float = math.inf  # the shortest there was, up to a constant


class Arrivals:
    """Decodes what nodes forward of one wearable.

    Parameters
    ----------
    patience_s : float
        How long a packet that is missing is waited for, in seconds.

    Attributes
    ----------
    heard : Heard
        Counts.
    node : str
        Who is listened to; empty before the first.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self.heard = Heard()
        self.node = self._last = ""
        self._patience_s = patience_s
        self._streams: dict[str, _Stream] = {}
        self._replayer: Replayer | None = None
        self._shift_s = 0.0
        self._delay_s = math.inf  # the shortest to the gateway, of the clock that the session was given
        self._place = Place(0, 0.0)
        self._is_silent = False

    @property
    def stats(self) -> DecoderStats | None:
        """Counts of the ECG's decoder, None before there is one."""
        return None if self._replayer is None else self._replayer.stats

    def waits_for(self, node: str) -> tuple[bytes, int] | None:
        """Return the stream of a node and the number of the packet that is waited for."""
        found = self._streams.get(node)
        return None if found is None or found.inflow is None else (found.stream, found.inflow.next)

    def is_here(self, node: str) -> bool:
        """Whether a node forwards now, as far as anybody knows."""
        found = self._streams.get(node)
        return found is not None and found.inflow is not None and not found.is_away

    def describe(self, node: str, packet: Packet) -> None:
        """Take a description.

        Raises
        ------
        FrameError
            It cannot be read, or is of another kind of device than the one that was decoded so far.
        """
        try:
            about = self._checked(node, packet)
        except (FrameError, ConfigError) as error:
            self.heard.refused += 1
            raise error if isinstance(error, FrameError) else FrameError(str(error)) from error
        known = self._streams.get(node)
        if known is None or known.stream != packet.stream:
            if known is None and len(self._streams) >= MOST_NODES:
                raise FrameError(f"{MOST_NODES} nodes forward {about.header.name} already: end some")
            self._streams[node] = _Stream(packet.stream, about, packet.number)
            if node == self.node:
                self.node = ""  # its program was started again: the next packet is a new connection
        else:
            known.about, known.setup_before = about, packet.number

    def _checked(self, node: str, packet: Packet) -> Capture:
        about = description(packet, node)
        profile = profile_of(about)
        if self._replayer is None:
            Replayer(about)  # what cannot be is refused here, and not when its data come
        if self._replayer is not None and profile.name != self._replayer.profile.name:
            raise FrameError(
                f"{node} forwards a {profile.name}, and this wearable is a {self._replayer.profile.name}: "
                "give each wearable a name of its own"
            )
        return about

    def take(self, node: str, packet: Packet, now_s: float) -> Iterator[Event | Mark]:
        """Take a packet of records; yield what it led to.

        Parameters
        ----------
        node : str
            Who forwards it.
        packet : Packet
        now_s : float
            Of the gateway's monotonic clock.
        """
        found = self._streams.get(node)
        if found is None or found.stream != packet.stream:
            self.heard.refused += 1  # it comes again, when its description is there
            return
        if found.inflow is None:
            found.inflow = Inflow(max(packet.number, found.setup_before), self._patience_s)
            found.inflow.counts = self.heard.packets
        yield from self._records(node, found, found.inflow.take(packet, now_s), now_s)

    def tick(self, now_s: float) -> Iterator[Event | Mark]:
        """Give up what was waited for too long, tell of a node that is silent; to be called each second."""
        for node, found in list(self._streams.items()):
            if found.inflow is not None:
                yield from self._records(node, found, found.inflow.tick(now_s), now_s)
        current = self._streams.get(self.node)
        if current is None or current.is_down or self._is_silent:
            return
        patience_s = HANDOVER_S if current.is_away else FIRST_S if current.is_waiting else SILENT_S
        if now_s - current.data_s > patience_s:
            self._is_silent = True
            yield self._link(State.BACKING_OFF, f"nothing comes from {self.node}", LinkCode.NO_DATA)

    def away(self, node: str) -> None:
        """Take it that a node has gone: its program ended, or its network broke."""
        if (found := self._streams.get(node)) is not None:
            found.is_away = True

    def _link(self, state: State, detail: str = "", code: LinkCode | None = None) -> LinkState:
        name = self._streams[self.node].about.header.name
        return LinkState(*self._place, state.value, detail, name, code)

    def rest(self) -> Iterator[Event | Mark]:
        """Yield what is left at the end."""
        if self._replayer is not None:
            yield from self._kept(self._replayer.rest())

    def _records(
        self, node: str, found: _Stream, every: Iterable[Taken], now_s: float
    ) -> Iterator[Event | Mark]:
        for taken in every:
            records = list(records_in(taken.records))
            self._note(found, records, now_s)
            if not self._listens(node, found, now_s):
                self.heard.not_taken += 1
                continue
            if self.node != node:
                found.data_s, found.is_waiting = max(found.data_s, now_s), True
                yield from self._hand_over(node, found)
            elif taken.lost and taken.number - taken.lost < found.setup_before <= taken.number:
                yield from self._play(found.about)  # the set-up was in what is lost
            if self._is_silent:
                self._is_silent = False
                yield self._link(State.STREAMING)
            self._delay_s = min(self._delay_s, found.delay_s - self._shift_s)
            yield from self._play(records)
            assert self._replayer is not None
            yield from self._kept(self._replayer.due())

    def _note(self, found: _Stream, records: list[Record | Damaged], now_s: float) -> None:
        """Note what a node's records say of its link and of its clock."""
        found.is_away = False
        for record in records:
            if isinstance(record, Damaged):
                self.heard.refused += 1
                continue
            found.delay_s = min(found.delay_s, now_s - record.host_time_s)
            if isinstance(record, Notification):
                found.data_s, found.is_down = now_s, False
            elif isinstance(record, LinkRecord) and record.state:
                found.is_down = record.state in _DOWN
                found.is_waiting = record.state == State.WAITING.value

    def _listens(self, node: str, found: _Stream, now_s: float) -> bool:
        """Whether this node is, or becomes, the one that is listened to."""
        current = self._streams.get(self.node)
        if node == self.node or current is None:
            return True
        if found.is_down:
            return False
        return current.is_down or current.is_away or now_s - current.data_s > HANDOVER_S

    def _hand_over(self, node: str, found: _Stream) -> Iterator[Event | Mark]:
        """Go on with another node's stream."""
        if self._replayer is None:
            self._replayer = Replayer(found.about)
        else:
            self._shift_s = found.delay_s - self._delay_s
            yield from self._kept(self._replayer.values())
            self._replayer.go_on(found.about.header)
            self.heard.handovers += node != self._last
        self.node = self._last = node
        self._is_silent = False
        yield from self._play(found.about)

    def _play(self, records: Iterable[Record | Damaged]) -> Iterator[Event | Mark]:
        assert self._replayer is not None
        for record in records:
            if self._shift_s and not isinstance(record, Damaged):
                record = replace(record, host_time_s=record.host_time_s + self._shift_s)
            yield from self._kept(self._replayer.take(record))

    def _kept(self, events: Iterable[Event | Mark]) -> Iterator[Event | Mark]:
        for event in events:
            if isinstance(event, SampleBlock):
                self._place = Place(event.end_sample, event.end_sample / event.fs)
                if (current := self._streams.get(self.node)) is not None:
                    current.is_waiting = False
            yield event
