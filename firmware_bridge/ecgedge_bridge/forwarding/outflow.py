"""A node's end of a stream: records in, numbered packets out, kept until the gateway has taken them.

Theory of operation
-------------------
Records become packets as they come. A packet is kept until a gateway says that it has taken it; meanwhile it
may be sent again, after a broken connection or when the gateway waits for one that was sent long ago. The
number of packets is bounded: where nothing takes them the oldest go, and are counted; the gateway sees by the
numbers what is missing. Nothing here reads a clock or waits.
"""

from __future__ import annotations

import secrets
from collections import deque

from ecgedge_bridge.capture.layout import CaptureHeader, LinkRecord
from ecgedge_bridge.capture.records import RecordWriter
from ecgedge_bridge.forwarding.packets import MAX_RECORDS, STREAM_BYTES, Kind, Packet
from ecgedge_bridge.link.states import State

__all__ = ["MOST", "Outflow"]

MOST = 2048
"""Packets that are kept: 19 minutes of an H10, 0.6 MB."""
# Of a set-up: the answers of a strap take some hundred bytes. What a device says beyond that is left out.
_MAX_SETUP = 1 << 15


class Outflow:
    """Packs what a link says, by way of a :class:`~ecgedge_bridge.capture.recorder.Recorder`.

    Parameters
    ----------
    most : int
        Packets that are kept at most.
    stream : bytes, optional
        Eight bytes that no other stream has; by default drawn by lot.

    Attributes
    ----------
    packets : int
        Packets that were made.
    dropped : int
        Packets that made way before they were sent: they are lost.
    untaken : int
        Packets that made way after they were sent, and before a gateway had said that it has them.

    Examples
    --------
    >>> outflow = Outflow()
    >>> writer = outflow.begin(CaptureHeader("H10", "F0:F1", "polar", 0.0, 0.0))
    >>> writer.write("00002a37-0000-1000-8000-00805f9b34fb", bytes([0, 61]), host_time_s=12.5)
    >>> outflow.flush()
    >>> outflow.next_unsent().number, outflow.next_unsent()
    (0, None)
    >>> outflow.taken(outflow.stream, 1)
    >>> len(outflow)
    0
    """

    def __init__(self, most: int = MOST, stream: bytes | None = None) -> None:
        self.stream = secrets.token_bytes(STREAM_BYTES) if stream is None else stream
        self.packets = self.dropped = self.untaken = 0
        self._most = most
        self._kept: deque[bytes] = deque()  # of the packets from `_oldest` on
        self._oldest = self._unsent = 0
        self._again = self._again_end = 0  # what is sent again before the others
        self._records: list[bytes] = []
        self._header = b""
        self._setup: list[bytes] = []
        self._in_setup, self._setup_size = True, 0
        self._described = 0  # number of the packet that follows the newest set-up
        self._is_described = False

    def __len__(self) -> int:
        return len(self._kept)

    def begin(self, header: CaptureHeader) -> RecordWriter:
        """Begin: the device is known now. What the writer is given is packed."""
        return _Packing(self, header)

    def describe(self, header: bytes) -> None:
        """Take the bytes of a capture's header."""
        self._header, self._is_described = header, False

    def add(self, record: bytes, state: str = "") -> None:
        """Add a record; ``state`` is that of the link, where it is a link's record."""
        if state == State.SETTING_UP.value and not self._in_setup:
            self._setup, self._in_setup, self._setup_size = [], True, 0
        self._records.append(record)
        if not self._in_setup:
            return
        if self._setup_size + len(record) <= _MAX_SETUP:
            self._setup.append(record)
            self._setup_size += len(record)
        if state == State.WAITING.value:
            if not self.packets and len(self._setup) == len(self._records):
                self._records.clear()  # the first description holds all there is so far
            self.flush()
            self._in_setup, self._described, self._is_described = False, self.packets, False

    def flush(self) -> None:
        """Make packets of what came since the last time: what came at once stays together."""
        records, self._records = self._records, []
        while records:
            size = n = 0
            while n < len(records) and (not n or size + len(records[n]) <= MAX_RECORDS):
                size += len(records[n])
                n += 1
            self._kept.append(b"".join(records[:n]))
            self.packets += 1
            records = records[n:]
        while len(self._kept) > self._most:
            self._forget()

    def description(self) -> Packet | None:
        """Return the description, where there is one that was not sent."""
        if self._is_described or not self._header:
            return None
        self._is_described = True
        data = self._header + b"".join(self._setup)
        return Packet(Kind.DESCRIPTION, self.stream, self._described, self._oldest, data)

    def next_unsent(self) -> Packet | None:
        """Return the next packet that is to be sent, and count it as sent."""
        if self._again < self._again_end:
            number, self._again = self._again, self._again + 1
        elif self._unsent < self.packets:
            number, self._unsent = self._unsent, self._unsent + 1
        else:
            return None
        return Packet(Kind.RECORDS, self.stream, number, self._oldest, self._kept[number - self._oldest])

    def send_again(self, most: int | None = None) -> int:
        """Send what is kept again, and the description: who was to get it may not have it.

        Parameters
        ----------
        most : int, optional
            So many of those that were sent, the oldest; without it all.

        Returns
        -------
        int
            Number of the packet behind them.
        """
        self._is_described = False
        if most is None:
            self._unsent, self._again_end = self._oldest, 0
            return self.packets
        self._again, self._again_end = self._oldest, min(self._oldest + most, self._unsent)
        return self._again_end

    def taken(self, stream: bytes, number: int) -> None:
        """Note that the gateway has all packets before this one."""
        while stream == self.stream and self._kept and self._oldest < number:
            self._pop()

    @property
    def oldest(self) -> int:
        """Number of the oldest packet that is kept."""
        return self._oldest

    @property
    def sent(self) -> int:
        """Number of the packet that is to be sent next: those that are kept before it wait to be taken."""
        return self._unsent

    def _forget(self) -> None:
        """Let the oldest packet go."""
        if self._unsent <= self._oldest:
            self.dropped += 1
        else:
            self.untaken += 1
        self._pop()

    def _pop(self) -> None:
        self._kept.popleft()
        self._oldest += 1
        self._unsent = max(self._unsent, self._oldest)
        self._again = max(self._again, self._oldest)


class _Packing(RecordWriter):
    """Gives an outflow the bytes of a capture: the header first, then each record."""

    def __init__(self, outflow: Outflow, header: CaptureHeader) -> None:
        self._outflow, self._state = outflow, ""
        super().__init__(outflow.describe, header)
        self._append = lambda record: outflow.add(record, self._state)

    def write_link(self, record: LinkRecord) -> LinkRecord:
        """Append what the link reported."""
        self._state = record.state
        try:
            return super().write_link(record)
        finally:
            self._state = ""
