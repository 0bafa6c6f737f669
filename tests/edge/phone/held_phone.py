"""A phone without a phone: the companion, a virtual wearable, files in memory, and what the page was sent."""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from virtual_browser import VirtualBrowser

from ecgedge.phone.companion import Companion
from ecgedge.phone.storage import StorageError
from ecgedge.sinks.ending import Ending
from ecgedge.sinks.lines import JsonLines
from ecgedge.sinks.sink import Several, Sink
from ecgedge_bridge.simulation.engine import VirtualWearable


class HeldFile:
    """A file in memory that is open; ``room`` is for so many bytes more."""

    def __init__(self, files: HeldFiles, name: str, writing: bool) -> None:
        self._files, self._name = files, name
        self.writing, self.closed = writing, False

    def append(self, data: bytes) -> None:
        assert self.writing
        assert not self.closed
        if self._files.room < len(data):
            raise StorageError("QuotaExceededError", "no space")
        self._files.room -= len(data)
        self._files.held[self._name] += bytes(data)
        self._files.appended(data)

    def size(self) -> int:
        return len(self._files.held[self._name])

    def read(self, at: int, n: int) -> bytes:
        assert not self.closed
        self._files.reads += 1
        return bytes(self._files.held[self._name][at : at + n])

    def close(self) -> None:
        self.closed = True
        if self.writing:
            self._files.locked.discard(self._name)


class HeldFiles:
    """Files in memory, as a browser has them: one that is written to is locked."""

    def __init__(self) -> None:
        self.held: dict[str, bytearray] = {}
        self.locked: set[str] = set()
        self.opened: list[HeldFile] = []
        self.room = 1 << 30
        self.reads = 0
        self.fails: StorageError | None = None
        self.appended: Callable[[bytes], None] = lambda data: None

    async def names(self) -> Sequence[tuple[str, int]]:
        return [(name, len(data)) for name, data in self.held.items()]

    async def create(self, name: str) -> HeldFile:
        if self.fails is not None:
            raise self.fails
        assert name not in self.held
        self.held[name] = bytearray()
        self.locked.add(name)
        return self._open(name, writing=True)

    async def open(self, name: str) -> HeldFile:
        self._there(name)
        return self._open(name, writing=False)

    async def take(self, name: str) -> bytes:
        self._there(name)
        return bytes(self.held[name])

    async def put(self, name: str, file: bytes) -> None:
        self.held[name] = bytearray(file)

    async def remove(self, name: str) -> None:
        self._there(name)
        if name in self.locked:
            raise StorageError("NoModificationAllowedError")
        del self.held[name]

    def _there(self, name: str) -> None:
        if name not in self.held:
            raise StorageError("NotFoundError")

    def _open(self, name: str, writing: bool) -> HeldFile:
        self.opened.append(HeldFile(self, name, writing))
        return self.opened[-1]

    @property
    def all_closed(self) -> bool:
        """Whether every file was given back."""
        return not self.locked and all(file.closed for file in self.opened)


class Phone:
    """The companion and all that it meets.

    Attributes
    ----------
    browser : VirtualBrowser
    files : HeldFiles
    posted : list
        What the page was sent: messages as values, frames as bytes.
    """

    def __init__(self, wearable: VirtualWearable | None = None) -> None:
        self.posted: list[Any] = []
        self.files = HeldFiles()
        self.browser = VirtualBrowser(wearable) if wearable is not None else None
        page: Any = self.browser or _Nothing()
        self.companion = Companion(page, self.files, self._post)
        self._lines = io.StringIO()
        self._ending = Ending()
        self._tee()
        if self.browser is not None:
            self.browser.notified = self.companion.notified
            self.browser.disconnected = self.companion.disconnected

    def _post(self, message: str | bytes) -> None:
        self.posted.append(json.loads(message) if isinstance(message, str) else message)

    def _tee(self) -> None:
        """Write down the events of what is shown, as the command line prints them."""
        screen = self.companion._screen
        show = screen.show

        def shown(*args: Any, **options: Any) -> Sink:
            self._lines, self._ending = io.StringIO(), Ending()
            return Several([show(*args, **options), JsonLines(self._lines), self._ending])

        screen.show = shown  # type: ignore[method-assign]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Events of what was shown last; those of a strap's own heart rate are in no replay."""
        told = [json.loads(line) for line in self._lines.getvalue().splitlines()]
        return [line for line in told if line["type"] != "heartrate"]

    def text(self) -> str:
        """The same as text, byte for byte, with the summary of what was measured."""
        lines = self._lines.getvalue().splitlines(keepends=True)
        events = [line for line in lines if json.loads(line)["type"] != "heartrate"]
        has_ecg = any(isinstance(one, bytes) for one in self.posted)
        return "".join(events) + (json.dumps(self._ending.summary().to_json()) + "\n" if has_ecg else "")

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Messages of a kind."""
        return [one for one in self.posted if not isinstance(one, bytes) and one["type"] == kind]

    async def call(self, call: str, /, **args: Any) -> Any:
        """Call as the page does."""
        return await self.companion.call(call, args)


class _Nothing:
    def ask(self, do: str, **what: Any) -> Awaitable[Any]:
        raise AssertionError(f"nobody asks for {do}")
