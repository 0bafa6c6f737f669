"""Recordings on the phone: captures where the browser keeps files, one being written and those there are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ecgedge.phone.storage import Files, OpenFile, StorageError
from ecgedge.sinks.plain import plain
from ecgedge_bridge.capture.file import Capture, Sliced, read_capture
from ecgedge_bridge.capture.layout import CaptureHeader
from ecgedge_bridge.capture.recorder import Recorder
from ecgedge_bridge.capture.records import RecordWriter
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.stream.decoder import Event

__all__ = ["Recording", "Recordings"]

SUFFIX = ".cap"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,90}\.cap", re.ASCII)
_LONGEST_STEM = 70
# Names that differ by their last number: more are made in a minute by nobody.
_MOST_ALIKE = 1000
# A picture of the page: what comes within it is shown together too.
_SOON_S = 1 / 30
# Read at a time: some minutes of an H10.
_PIECE = 1 << 16


class Recording:
    """A capture that is being written. When it cannot go on it ends, and whoever records goes on without it.

    What comes goes to the disk together with what comes shortly after: a disk that is waited for each time is
    most of the work where a link hands over what it had kept. :meth:`flush` puts it there at once, and comes
    before anything is shown.

    Parameters
    ----------
    name : str
        Of the file.
    file : OpenFile
        Open, and empty.
    tell : callable
        Is told why it has ended by itself.
    """

    def __init__(self, name: str, file: OpenFile, tell: Callable[[str], None]) -> None:
        self.name = name
        self._file: OpenFile | None = file
        self._tell = tell
        self._recorder = Recorder()
        self._pending = bytearray()

    @property
    def begun(self) -> bool:
        """Whether it has a header."""
        return self._recorder.writer is not None

    @property
    def file(self) -> OpenFile | None:
        """The file, while it is written."""
        return self._file

    def begin(self, header: CaptureHeader) -> None:
        """Write the header, and what came before the device was known."""
        self._recorder.begin(RecordWriter(self._append, header))
        self.flush()

    def on_notification(self, uuid: str, data: bytes, host_time_s: float) -> None:
        """Write what the device sent."""
        if self._file is not None:
            self._recorder.on_notification(uuid, data, host_time_s)

    def on_event(self, event: Event) -> None:
        """Write what the link reports."""
        if self._file is not None:
            self._recorder.on_event(event)

    def mark(self, text: str, device: str, host_time_s: float) -> str:
        """Write a mark, to the disk; return as much of its text as is kept."""
        if self._file is not None and (writer := self._recorder.writer) is not None:
            text = writer.write_mark(text, device, host_time_s)
            self.flush()
        return text

    def flush(self) -> None:
        """Put on the disk what came since the last time."""
        if self._file is None or not self._pending:
            return
        pending, self._pending = bytes(self._pending), bytearray()
        try:
            self._file.append(pending)
        except StorageError as error:
            self.close()
            self._tell(f"the recording ends here, and what was recorded is kept: {error}")

    def close(self) -> None:
        """Close the file, with all that came; what fails now was written before."""
        self.flush()
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(StorageError):
                file.close()

    def _append(self, data: bytes) -> None:
        if not self._pending:
            asyncio.get_running_loop().call_later(_SOON_S, self.flush)
        self._pending += data


class _Window:
    """Bytes of an open file, of which a piece is in memory."""

    def __init__(self, file: OpenFile) -> None:
        self._file = file
        self._size = file.size()
        self._at, self._piece = 0, b""

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, piece: slice, /) -> bytes:
        start, stop = piece.start, min(piece.stop, self._size)
        if not (self._at <= start and stop <= self._at + len(self._piece)):
            wanted = max(_PIECE, stop - start)
            self._at, self._piece = start, bytes(self._file.read(start, min(wanted, self._size - start)))
        return self._piece[start - self._at : stop - self._at]


class _Kept:
    """An open file as the source of a capture."""

    def __init__(self, name: str, file: OpenFile) -> None:
        self.path = Path(name)
        self._file = file

    @contextmanager
    def open(self) -> Iterator[Sliced]:
        """Give access to the bytes that are there now."""
        yield _Window(self._file)


class Recordings:
    """The recordings that there are.

    Parameters
    ----------
    files : Files
        Where they are.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._writing: Recording | None = None

    async def new(self, device: str, tell: Callable[[str], None]) -> Recording:
        """Begin a recording of a device, named by the time and by what it is called.

        Raises
        ------
        StorageError
            There is no room, or no storage.
        """
        name = await self._free(f"{datetime.now():%Y-%m-%dT%H%M}-{_safe(device) or 'wearable'}")
        self._writing = Recording(name, await self._files.create(name), tell)
        return self._writing

    async def done(self, recording: Recording) -> None:
        """Close a recording; one in which there is nothing goes."""
        recording.close()
        if not recording.begun:
            await self._files.remove(recording.name)

    async def tidy(self) -> None:
        """Delete what was begun and never written to: the page was closed while it connected."""
        for name, size in await self._files.names():
            if not size and not self._is_open(name):
                with suppress(StorageError):  # another window has just made it
                    await self._files.remove(name)

    async def listed(self) -> list[dict[str, Any]]:
        """Return what is known of each, the newest first."""
        self._settle()
        found = [await self._about(name, size) for name, size in await self._files.names() if size]
        return sorted(found, key=lambda one: (one["start_unix_s"] or 0.0, one["name"]), reverse=True)

    @asynccontextmanager
    async def opened(self, name: str) -> AsyncIterator[Capture]:
        """Open a recording to be read; of one that is being written what is there now.

        Raises
        ------
        ConfigError
            It is no name of one, or there is nothing in it that can be read.
        StorageError
            It is not there.
        """
        name = _checked(name)
        self._settle()
        if self._writing is not None and self._is_open(name):
            assert self._writing.file is not None
            yield read_capture(_Kept(name, self._writing.file))
            return
        file = await self._files.open(name)
        try:
            yield read_capture(_Kept(name, file))
        finally:
            file.close()

    async def take(self, name: str) -> Any:
        """Return a recording as a file of the browser's."""
        self._settle()
        return await self._files.take(_checked(name))

    async def add(self, name: str, file: Any) -> str:
        """Keep a capture from elsewhere; return its name here.

        Raises
        ------
        ConfigError
            It is no capture.
        """
        kept = await self._free(_safe(name.removesuffix(SUFFIX)) or "recording")
        await self._files.put(kept, file)
        try:
            async with self.opened(kept):
                return kept
        except (ConfigError, StorageError):
            await self._files.remove(kept)
            raise

    async def remove(self, name: str) -> None:
        """Delete a recording.

        Raises
        ------
        ConfigError
            It is being written.
        """
        if self._is_open(name := _checked(name)):
            raise ConfigError(f"{name} is being recorded: disconnect first")
        await self._files.remove(name)

    async def remove_all(self) -> int:
        """Delete all of them but one that is being written; return how many."""
        names = [name for name, _ in await self._files.names() if not self._is_open(name)]
        for name in names:
            await self._files.remove(name)
        return len(names)

    def _settle(self) -> None:
        """Have all that came in the file that is written."""
        if self._writing is not None:
            self._writing.flush()

    def _is_open(self, name: str) -> bool:
        writing = self._writing
        return writing is not None and writing.file is not None and writing.name == name

    async def _about(self, name: str, size: int) -> dict[str, Any]:
        about = {"name": name, "bytes": size, "open": self._is_open(name)}
        try:
            async with self.opened(name) as capture:
                header = capture.header
                return {
                    **about,
                    "start_unix_s": header.started_unix_s,
                    "seconds": round(capture.seconds(), 1),
                    "device": plain(header.name),
                    "words": None,
                }
        except (ConfigError, StorageError) as error:
            return {**about, "start_unix_s": None, "seconds": 0.0, "device": "", "words": plain(str(error))}

    async def _free(self, stem: str) -> str:
        """Return a name that no file has yet."""
        taken = {name for name, _ in await self._files.names()}
        for number in range(1, _MOST_ALIKE):
            name = f"{stem}{'' if number == 1 else f'-{number}'}{SUFFIX}"
            if name not in taken:
                return name
        raise ConfigError(f"there are too many recordings named {stem}: delete some")


def _safe(text: str) -> str:
    """Return as much of a text as a file's name may have."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold(), flags=re.ASCII).strip("-")[:_LONGEST_STEM].strip("-")


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{plain(name)[:60]!r} is no name of a recording: look at the list")
    return name
