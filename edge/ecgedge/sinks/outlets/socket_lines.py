"""JSON lines for whoever connects: ``tcp:PORT``, ``tcp:HOST:PORT`` or ``unix:/path``; any number of readers.

A reader sees the events from the moment on that it connects. One that does not read keeps 256 kB waiting;
what does not fit there is left out in whole lines, counted, and nobody else notices. What still waits when it
hangs up, or at the end, is counted too. A line that two readers miss counts twice.
"""

from __future__ import annotations

import socket
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ecgedge.sinks.lines import json_line
from ecgedge.sinks.outlets.target import NoOptions, Opening, Target
from ecgedge.sinks.queued import EVENTS, NotDelivered
from ecgedge.sinks.saving import expanded
from ecgedge.sinks.sink import Item
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import Acceleration, SampleBlock

__all__ = ["SocketLines", "open_tcp", "open_unix"]

# Of one reader: half an hour of beats. The system's own buffer comes on top, which Linux lets grow to MBs.
_MOST_BYTES = 256 << 10
_SYSTEM_BYTES = 64 << 10
# Readers at a time. More are hung up on: somebody who only connects must not fill the memory.
_MOST_READERS = 32
_BACKLOG = 8
_FLUSH_S = 1.0  # at the end, for readers that still read


def open_tcp(target: Target, opening: Opening) -> SocketLines:
    """Listen on a port; without a host on this machine alone."""
    target.decoded(NoOptions)
    host, port = target.address()
    target.told_of_readers(opening, host)
    try:
        place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return SocketLines(socket.create_server(place[4][:2], family=place[0], backlog=_BACKLOG))
    except OSError as error:
        raise ConfigError(f"cannot listen on {target.name}: {error.strerror}: choose another one") from error


def open_unix(target: Target, opening: Opening) -> SocketLines:
    """Listen on a socket file of its owner alone; one that nobody listens on any more is replaced."""
    target.decoded(NoOptions)
    path = expanded(target.rest)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_dead(path)
        listener.bind(str(path))
        path.chmod(0o600)  # before anybody can connect: it does not listen yet
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        raise ConfigError(f"cannot listen on {target.name}: {why}: choose another one") from error
    return SocketLines(listener, path)


def _remove_dead(path: Path) -> None:
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return  # of another file `bind` says that it is in use
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


class _Reader:
    """One connection, and what waits for it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SYSTEM_BYTES)
        self.connection = connection
        self.waiting = bytearray()
        self.gone = False

    def offer(self, line: bytes) -> bool:
        """Queue a whole line; return whether there was room."""
        if len(self.waiting) + len(line) > _MOST_BYTES:
            return False
        self.waiting += line
        return True

    @property
    def lines(self) -> int:
        """Lines that wait; one of which a part was sent is among them."""
        return self.waiting.count(b"\n")

    def send(self) -> None:
        """Send what the system takes now."""
        try:
            # Whoever has hung up shows here, also while nothing is sent; what readers say is left unread.
            if not self.connection.recv(4096):
                self.gone = True
        except BlockingIOError:
            pass
        except OSError:
            self.gone = True
        try:
            while self.waiting and not self.gone:
                del self.waiting[: self.connection.send(self.waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self.gone = True


class SocketLines:
    """One JSON object a line for each event, to everybody who is connected.

    Parameters
    ----------
    listener : socket
        It listens already.
    path : Path, optional
        Of a Unix socket, to be removed at the end.
    """

    kinds = EVENTS

    def __init__(self, listener: socket.socket, path: Path | None = None) -> None:
        listener.setblocking(False)
        self._listener, self._path = listener, path
        self._readers: list[_Reader] = []

    @property
    def address(self) -> object:
        """Where it listens."""
        return self._listener.getsockname()

    def take(self, items: Iterable[Item]) -> None:
        """Send the events; what does not fit a reader's share counts as missed."""
        self._accept()
        missed = self._send()  # nothing is offered to who has gone
        for item in items:
            if self._readers and not isinstance(item, SampleBlock | Acceleration):
                line = json_line(item.to_json()).encode()
                missed += sum(not reader.offer(line) for reader in self._readers)
        missed += self._send()
        if missed:
            raise NotDelivered("a reader does not keep up", missed)

    def close(self) -> None:
        """Send what is left to those who read, and hang up.

        Raises
        ------
        NotDelivered
            Somebody did not read to the end.
        """
        end_s = time.monotonic() + _FLUSH_S
        missed = 0
        while any(reader.waiting for reader in self._readers) and time.monotonic() < end_s:
            missed += self._send()
            time.sleep(0.01)
        missed += sum(reader.lines for reader in self._readers)
        for reader in self._readers:
            reader.connection.close()
        self._listener.close()
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()
        if missed:
            raise NotDelivered("a reader did not read to the end", missed)

    def _accept(self) -> None:
        with suppress(OSError):  # BlockingIOError: nobody else is waiting
            while True:
                connection, _ = self._listener.accept()
                if len(self._readers) < _MOST_READERS:
                    self._readers.append(_Reader(connection))
                else:
                    connection.close()

    def _send(self) -> int:
        """Send what goes; return the lines that readers which hung up did not wait for."""
        for reader in self._readers:
            reader.send()
            if reader.gone:
                reader.connection.close()
        missed = sum(reader.lines for reader in self._readers if reader.gone)
        self._readers = [reader for reader in self._readers if not reader.gone]
        return missed
