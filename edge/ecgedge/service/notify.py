"""What systemd is told: ready, alive, and what goes on.

A message is one datagram, ``KEY=value``, to the socket that ``$NOTIFY_SOCKET`` names (man sd_notify).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from ecgedge.events import Rhythm
from ecgedge.sinks.plain import plain
from ecgedge.sinks.sink import Item
from ecgedge.sinks.words import name
from ecgedge_bridge.values import LinkState, SampleBlock

__all__ = ["Systemd"]

_LONGEST = 200  # characters of a status, which `systemctl status` shows on a line
_EVERY_S = 1.0  # a watchdog is fed no more often
# How long a start may go on from each step of the link: the longest of them, a connection with its retries,
# has 60 s (LinkTiming.connect_s).
_STEP_S = 120.0


class Systemd:
    """A sink that tells systemd that the service lives.

    It is ready once samples arrive. Its watchdog is fed by samples, and by a link that goes on searching: a
    strap that lies in a drawer is no reason to start the service again, a program that hangs is. So is a
    strap that is connected and sends nothing: from then on only samples count. Where no systemd listens,
    nothing is sent.

    Parameters
    ----------
    environment : mapping
        Where ``NOTIFY_SOCKET`` is looked for.
    clock : callable
        Seconds, to feed the watchdog once each second.

    Examples
    --------
    >>> sink = Systemd({})
    >>> sink.take([LinkState(0, 0.0, "scanning", "Polar H10")])
    >>> sink.close()
    """

    def __init__(
        self, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # An abstract socket's name begins with a NUL, which systemd writes as @.
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        self._clock = clock
        self._ready = self._owes_samples = False
        self._fed_s = float("-inf")
        self._link = self._rhythm = ""

    def take(self, items: Iterable[Item]) -> None:
        """Tell what came."""
        for item in items:
            if isinstance(item, SampleBlock):
                self._take_samples()
            elif isinstance(item, LinkState):
                self._take_step(item.state)
                self._link = item.detail or item.state.replace("_", " ")
                self._rhythm = ""
                self._say_status()
            elif isinstance(item, Rhythm) and item.changed:
                self._rhythm = f", {name(item.label)}"
                self._say_status()

    def alive(self, status: str) -> None:
        """Tell that a service of many streams is up and goes on, whatever each of them does."""
        if not self._ready:
            self._ready = self._send("READY=1")
        self._send("WATCHDOG=1")
        if status != self._link:
            self._link, self._rhythm = status, ""
            self._say_status()

    def close(self) -> None:
        """Tell that the service ends."""
        self._send("STOPPING=1")
        if self._socket:
            self._socket.close()
            self._socket = None

    def _take_samples(self) -> None:
        self._owes_samples = False
        at_s = self._clock()
        if at_s - self._fed_s >= _EVERY_S:
            self._fed_s = at_s
            self._send("WATCHDOG=1")
        if not self._ready:
            self._ready = self._send("READY=1")

    def _take_step(self, state: str) -> None:
        if not self._owes_samples:
            self._send("WATCHDOG=1" if self._ready else f"EXTEND_TIMEOUT_USEC={_STEP_S * 1e6:.0f}")
        self._owes_samples |= state == "waiting"

    def _say_status(self) -> None:
        self._send(f"STATUS={plain(self._link + self._rhythm)[:_LONGEST]}")

    def _send(self, line: str) -> bool:
        """Send a line and return whether it left: a manager that is busy or gone must not stop the stream."""
        if self._socket:
            with suppress(OSError):
                self._socket.sendto(line.encode(), self._address)
                return True
        return False
