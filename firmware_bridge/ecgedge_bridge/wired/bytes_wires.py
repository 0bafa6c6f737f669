"""Wires that carry bytes: a serial port, a TCP connection, standard input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from abc import ABC, abstractmethod
from importlib import import_module
from pathlib import Path
from typing import Any

from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.errors import ConfigError, LinkError
from ecgedge_bridge.link.conversation import now_s
from ecgedge_bridge.stream.decoder import Event
from ecgedge_bridge.wired.address import Address
from ecgedge_bridge.wired.decoders import ByteDecoder, Wanted
from ecgedge_bridge.wired.wire import AT_ONCE, read_ready

__all__ = ["SerialWire", "StdinWire", "TcpWire"]


class ByteWire(ABC):
    """What they share: the decoder."""

    ends = False
    unreadable = "send numbers, one a line, or our own frames (firmware_bridge/PROTOCOL.md)"
    _is_whole = False

    def __init__(self, address: Address, wanted: Wanted) -> None:
        self._address = address
        self.decoder = ByteDecoder(address.name, wanted, is_whole=self._is_whole)

    async def read(self) -> list[Event] | None:
        """Wait for the next bytes, and decode them."""
        data = await self._bytes()
        return self.decoder.receive(data, now_s()) if data else None

    @abstractmethod
    async def _bytes(self) -> bytes:
        """Wait for the next bytes; empty at the end."""


class SerialWire(ByteWire):
    """A serial port, by pyserial; unplugged, it is waited for.

    Raises
    ------
    ConfigError
        The extra is not installed.
    """

    unreadable = (
        "give the board's baud rate as serial:PORT?baud=9600, and let it print one number a line or send "
        "our own frames (firmware_bridge/PROTOCOL.md)"
    )

    def __init__(self, address: Address, wanted: Wanted) -> None:
        super().__init__(address, wanted)
        try:
            self._serial = import_module("serial")
        except ImportError as error:
            raise ConfigError("serial ports need pyserial: pip install 'ecgedge[serial]'") from error
        self._port: Any = None

    async def find(self) -> bool:
        """Whether the port is there: one on USB comes and goes."""
        return Path(self._address.place).exists()

    async def open(self) -> None:
        """Open the port, for this program alone."""
        path, baud = self._address.place, self._address.baud
        try:
            self._port = self._serial.Serial(path, baud, timeout=0, exclusive=True)
        except (self._serial.SerialException, ValueError, OSError) as error:
            raise _no_port(path, error) from error

    async def _bytes(self) -> bytes:
        try:
            return await read_ready(self._port.fileno())
        except (self._serial.SerialException, OSError):  # EIO: it was pulled out
            return b""

    async def close(self) -> None:
        """Close the port."""
        port, self._port = self._port, None
        if port is not None:
            with contextlib.suppress(OSError, self._serial.SerialException):
                port.close()


def _no_port(path: str, error: Exception) -> LinkError:
    number = getattr(error, "errno", None)
    if number == 13:
        advice = "add the user to the group `dialout` and log in again"
        return LinkError(f"{path} may not be opened by this user: {advice}", LinkCode.DENIED)
    if number in (11, 16):
        return LinkError(f"{path} is in use: close the other program, such as a monitor", LinkCode.BUSY)
    what = os.strerror(number) if number else str(error)
    return LinkError(
        f"{path} cannot be opened ({what}): check that it is a serial port", LinkCode.UNREACHABLE
    )


class TcpWire(ByteWire):
    """A TCP connection to a server that sends."""

    def __init__(self, address: Address, wanted: Wanted) -> None:
        super().__init__(address, wanted)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def find(self) -> bool:
        """Connect: that alone shows whether anybody listens."""
        host, port = self._address.place, self._address.port
        try:
            self._streams = await asyncio.open_connection(host, port, limit=AT_ONCE)
        except socket.gaierror as error:
            raise LinkError(
                f"{host} has no address ({error.strerror}): check its name", LinkCode.UNREACHABLE
            ) from error
        except UnicodeError as error:
            raise LinkError(f"{host} is no name of a host: correct it", LinkCode.UNREACHABLE) from error
        except OSError:
            return False
        return True

    async def open(self) -> None:
        """Nothing: finding it was connecting to it."""

    async def _bytes(self) -> bytes:
        assert self._streams is not None
        try:
            return await self._streams[0].read(AT_ONCE)
        except OSError:
            return b""

    async def close(self) -> None:
        """Hang up."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
            with contextlib.suppress(OSError):
                await streams[1].wait_closed()


class StdinWire(ByteWire):
    """Standard input, to its end."""

    ends = True
    _is_whole = True

    async def find(self) -> bool:
        """It is there."""
        return True

    async def open(self) -> None:
        """It is open."""

    async def _bytes(self) -> bytes:
        try:
            return await read_ready(sys.stdin.fileno())
        except OSError as error:
            raise ConfigError(
                f"cannot read standard input ({error.strerror}): pipe something into it"
            ) from error

    async def close(self) -> None:
        """It stays open."""
