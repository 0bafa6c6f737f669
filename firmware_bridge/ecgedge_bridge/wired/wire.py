"""What the door needs of a source, and what serial ports and standard input share: a file descriptor."""

from __future__ import annotations

import asyncio
import os
from typing import Protocol

from ecgedge_bridge.stream.decoder import DecoderStats, Event
from ecgedge_bridge.values import Place

__all__ = ["AT_ONCE", "Decoder", "Wire", "read_ready"]

# More than a second of any ECG; a flood is taken in such pieces, so that everything else gets its turn.
AT_ONCE = 1 << 16


class Decoder(Protocol):
    """From what a wire carries to events."""

    @property
    def readable(self) -> int:
        """What could be read so far, in pieces of any size."""

    @property
    def place(self) -> Place:
        """Where the next sample belongs."""

    @property
    def stats(self) -> DecoderStats:
        """Counts so far."""

    @property
    def fs_hat(self) -> float:
        """Estimate of the true rate in Hz."""

    def link_lost(self) -> list[Event]:
        """Note that the connection broke."""

    def finish(self) -> list[Event]:
        """Return what waited for more."""


class Wire(Protocol):
    """A source. Its methods raise OSError or :class:`~ecgedge_bridge.LinkError` where it fails.

    ``ends`` says that its end is the end of the run; ``unreadable`` what to do where nothing it sends can be
    read.
    """

    ends: bool
    unreadable: str

    async def find(self) -> bool:
        """Whether it is there now."""

    async def open(self) -> None:
        """Open it."""

    async def read(self) -> list[Event] | None:
        """Wait for what comes next, and return what it led to; None at its end. It may be cancelled."""

    @property
    def decoder(self) -> Decoder:
        """What decodes it, over any number of reconnections."""

    async def close(self) -> None:
        """Close it; harmless where it is not open."""


async def read_ready(fd: int) -> bytes:
    """Wait until a file descriptor has something, and return it; empty at its end.

    The descriptor stays as it is: standard input may be a terminal that others write to, which must not
    become non-blocking. What no event loop can wait for, such as a file, never makes one wait.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    try:
        loop.add_reader(fd, wake)
    except PermissionError:  # epoll's answer to a regular file
        await asyncio.sleep(0)
        return os.read(fd, AT_ONCE)
    try:
        await ready
    finally:
        loop.remove_reader(fd)
    return os.read(fd, AT_ONCE)
