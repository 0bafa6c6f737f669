"""A file, a FIFO or standard input as a stream of bytes with a head to look at; gzip is unpacked."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ecgedge_bridge.errors import ConfigError

__all__ = ["STDIN", "Source"]

STDIN = "-"
_HEAD = 4096  # bytes that show what a file is; a strap's logger writes them in two seconds
_GZIP = b"\x1f\x8b"


class Source:
    """An opened recording.

    Parameters
    ----------
    path : Path
        A file, a FIFO, or ``-`` for standard input.

    Attributes
    ----------
    name : str
        For messages.
    head : bytes
        The first bytes, unpacked.
    stream : BinaryIO
        All bytes, unpacked, the head included; it need not be seekable.

    Raises
    ------
    ConfigError
        There is no such file, or it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = "standard input" if str(path) == STDIN else str(path)
        self._raw = _open(path, self.name)
        try:
            with self.errors():
                self.stream: BinaryIO = io.BufferedReader(_Rejoined(_peeked(self._raw), self._raw))
                if self.stream.peek(2)[:2] == _GZIP:
                    self.stream = gzip.GzipFile(fileobj=self.stream)  # type: ignore[assignment]
                    self.stream = io.BufferedReader(_Rejoined(_peeked(self.stream), self.stream))
                self.head = bytes(self.stream.peek(_HEAD)[:_HEAD])
        except ConfigError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._raw is not sys.stdin.buffer:
            self._raw.close()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn errors of reading into ConfigError."""
        try:
            yield
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ConfigError(f"{self.name}: damaged gzip ({error}): copy the file again") from error
        except OSError as error:
            raise ConfigError(
                f"cannot read {self.name}: {error.strerror or error}: check its permissions"
            ) from error


def _open(path: Path, name: str) -> BinaryIO:
    if str(path) == STDIN:
        return sys.stdin.buffer
    try:
        if path.is_dir():
            raise ConfigError(f"{name} is a folder: name one recording in it")
        return path.open("rb")
    except FileNotFoundError as error:
        raise ConfigError(
            f"no such file: {name}: check the path (a WFDB record needs its .hea file beside it)"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot read {name}: {why}: check its permissions") from error


def _peeked(raw: BinaryIO) -> bytes:
    """Read the beginning; a pipe may give it in small portions."""
    head = b""
    while len(head) < _HEAD and (more := raw.read(_HEAD - len(head))):
        head += more
    return head


class _Rejoined(io.RawIOBase):
    """A stream with its beginning put back."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._head:
            part, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        elif hasattr(self._rest, "read1"):
            part = self._rest.read1(len(buffer))
        else:
            part = self._rest.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)
