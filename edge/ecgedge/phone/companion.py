"""The page's calls, each answered: see ``__init__.py`` for the way of the data."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ecgedge.phone.recordings import Recordings
from ecgedge.phone.screen import Post, Screen
from ecgedge.phone.storage import Files, StorageError
from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import ConfigError, EcgEdgeError
from ecgedge_bridge.link.errors import explain
from ecgedge_bridge.link.web_radio import Page, WebError

if TYPE_CHECKING:
    from ecgedge.monitor import Models
    from ecgedge.phone.connection import Connection
    from ecgedge.phone.replaying import Replay
    from ecgedge_bridge.protocols.profiles import Profile

__all__ = ["Companion", "sentence"]

R = TypeVar("R", bound="Connection | Replay")

# As the live page has it.
_LONGEST_STRIP_S = 60.0
_UNNAMED = "wearable"
_LONGEST_NAME = 120
_SPEEDS = (0.1, 1000.0)
# Descriptions of devices; each is a filter of the chooser.
_MOST_PROFILES = 20


def sentence(error: BaseException) -> str:
    """Return an error as a sentence for a person, which ends with what to do.

    Examples
    --------
    >>> sentence(ConfigError("nothing is connected: connect first"))
    'nothing is connected: connect first'
    >>> sentence(KeyError("fs"))
    "something went wrong here (KeyError: 'fs'): reload the page, and report it if it comes again"
    """
    if isinstance(error, asyncio.CancelledError):
        return "that was given up: connect again"
    if isinstance(error, EcgEdgeError | StorageError):
        return plain(str(error))
    what = plain(f"{type(error).__name__}: {error}")[:200]
    return f"something went wrong here ({what}): reload the page, and report it if it comes again"


class Companion:
    """What the page's worker runs.

    Parameters
    ----------
    page : Page
        Whom to ask for Bluetooth.
    files : Files
        Where recordings are kept.
    post : callable
        Sends the page a text in JSON, or a frame of signal.

    Examples
    --------
    ::

        companion = Companion(page, files, post)
        await companion.call("start", {})
        await companion.call("connect", {"name": "Polar H10 12345678"})
    """

    def __init__(self, page: Page, files: Files, post: Post) -> None:
        self._page = page
        self._recordings = Recordings(files)
        self._screen = Screen(post)
        self._models: Models | None = None
        self._profiles: dict[str, tuple[Profile, str]] = {}
        self._running: Connection | Replay | None = None
        self._turn = asyncio.Lock()
        self._calls: dict[str, tuple[Callable[..., Awaitable[Any]], str]] = {
            "start": (self._start, ""),
            "chooser": (self._chooser, ""),
            "explain": (self._explain, ""),
            "addProfile": (self._add_profile, "text"),
            "connect": (self._connect, ""),
            "disconnect": (self._disconnect, ""),
            "mark": (self._mark, "text"),
            "strip": (self._strip, ""),
            "now": (self._now, ""),
            "recordings": (self._listed, ""),
            "take": (self._take, "name"),
            "open": (self._open, ""),
            "events": (self._events, "name"),
            "replay": (self._replay, "name"),
            "remove": (self._remove, "name"),
            "removeAll": (self._remove_all, ""),
        }

    async def call(self, name: str, args: Any = None) -> Any:
        """Answer a call.

        Parameters
        ----------
        name : str
            Which one; ``__init__.py`` lists them.
        args : mapping, optional
            By name; the one of a call that has one may be bare.

        Returns
        -------
        object
            Ready for JSON, but a file, which is the browser's.

        Raises
        ------
        Exception
            For :func:`sentence`.
        """
        if name not in self._calls:
            raise ConfigError(f"the page asks for {plain(name)[:40]!r}, which this version lacks: reload it")
        answer, only = self._calls[name]
        given = dict(args) if isinstance(args, Mapping) else {only: args} if only and args is not None else {}
        try:
            return await answer(**given)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                raise ConfigError(f"the page asks {name} in another way: reload it") from error
            raise

    def notified(self, uuid: str, data: bytes) -> None:
        """Take a notification from the page."""
        if (connection := self._connection) is not None:
            connection.notified(uuid, data)

    def disconnected(self) -> None:
        """Take it from the page that the connection is gone."""
        if (connection := self._connection) is not None:
            connection.disconnected()

    @property
    def _connection(self) -> Connection | None:
        from ecgedge.phone.connection import Connection

        return self._running if isinstance(self._running, Connection) else None

    @property
    def _loaded(self) -> Models:
        if self._models is None:
            raise ConfigError("the models are not loaded yet: wait a moment")
        return self._models

    async def _start(self) -> dict[str, Any]:
        """Load the models, and put away what a page that was closed left behind."""
        from numpy import __version__ as numpy_version

        from ecgedge import __version__
        from ecgedge.monitor import Models

        if self._models is None:
            self._models = Models.load("core")
            try:
                await self._recordings.tidy()
            except StorageError as error:
                self._screen.tell(type="recording", name=None, words=str(error))
        python = ".".join(map(str, sys.version_info[:3]))
        return {"version": __version__, "python": python, "numpy": numpy_version}

    async def _chooser(self, everything: bool = False) -> dict[str, Any]:
        from ecgedge_bridge.link.chooser import chooser
        from ecgedge_bridge.protocols.profiles import PROFILES

        own = [profile for profile, _ in self._profiles.values()]
        return chooser([*own, *PROFILES.values()], everything=everything)

    async def _explain(self, name: str = "", message: str = "") -> str:
        return sentence(explain(WebError(str(name), str(message))))

    async def _add_profile(self, text: str) -> dict[str, Any]:
        from ecgedge_bridge.protocols.described.profile import parse_profile
        from ecgedge_bridge.protocols.profiles import described_profile

        profile = described_profile(parse_profile(text, "the description"))
        if len(self._profiles) >= _MOST_PROFILES and profile.name not in self._profiles:
            raise ConfigError(f"{_MOST_PROFILES} devices are described already: reload the page for others")
        self._profiles[profile.name] = profile, text
        return {"name": profile.name, "fs": profile.fs}

    async def _connect(
        self, name: str = "", record: bool = True, extras: Iterable[str] = ("battery",)
    ) -> dict[str, Any]:
        from ecgedge.phone.connection import Asked, Connection

        asked = Asked(plain(name)[:_LONGEST_NAME] or _UNNAMED, tuple(extras), tuple(self._profiles.values()))
        recordings = self._recordings if record else None

        def connect(models: Models) -> Connection:
            return Connection(asked, self._page, self._screen, models, recordings)

        connection = await self._begin(connect)
        recording = connection.recording
        return {"name": asked.name, "recording": None if recording is None else recording.name}

    async def _replay(self, name: str, speed: float | None = None) -> None:
        from ecgedge.phone.replaying import Replay

        if speed is not None and not _SPEEDS[0] <= speed <= _SPEEDS[1]:
            raise ConfigError(f"a speed of {speed!r}: choose one from {_SPEEDS[0]:g} to {_SPEEDS[1]:g}")
        await self._begin(lambda models: Replay(self._recordings.opened(name), self._screen, models, speed))

    async def _begin(self, make: Callable[[Models], R]) -> R:
        """Begin what is shown, and wait until it is; what is connected is not ended by it."""
        async with self._turn:
            models = self._loaded
            if self._connection is not None:
                raise ConfigError("a wearable is connected already: disconnect first")
            if self._running is not None:
                await self._running.stop()
            self._running = running = make(models)
            running.task.add_done_callback(lambda task: self._ended(running, task))
        await running.opened()
        return running

    def _ended(self, running: Connection | Replay, task: asyncio.Task[None]) -> None:
        """Tell the page that it is over, and why if it was to go on."""
        if self._running is running:
            self._running = None
        error = None if task.cancelled() else task.exception()
        # What did not even begin is the answer to the call.
        words = sentence(error) if error is not None and running.is_open else None
        self._screen.tell(type="ended", words=words)

    async def _disconnect(self) -> None:
        if self._running is not None:
            await self._running.stop()

    async def _mark(self, text: str = "") -> None:
        if not self._screen.mark(str(text)):
            raise ConfigError("nothing is connected: connect first")

    async def _strip(self, start_s: float, seconds: float, wearable: int = 0) -> dict[str, Any] | None:
        # Written so that NaN is refused too.
        if not (0 <= start_s < 1e9 and 0 < seconds <= _LONGEST_STRIP_S):
            raise ConfigError(f"a strip takes up to {_LONGEST_STRIP_S:.0f} s: choose a shorter one")
        return self._screen.strip(wearable, start_s, seconds)

    async def _now(self) -> None:
        self._screen.now()

    async def _listed(self) -> list[dict[str, Any]]:
        return await self._recordings.listed()

    async def _take(self, name: str) -> Any:
        return await self._recordings.take(name)

    async def _open(self, name: str, file: Any) -> str:
        return await self._recordings.add(name, file)

    async def _events(self, name: str) -> str:
        from ecgedge.phone.replaying import event_lines

        async with self._recordings.opened(name) as capture:
            return await event_lines(capture, self._loaded)

    async def _remove(self, name: str) -> None:
        await self._recordings.remove(name)

    async def _remove_all(self) -> int:
        return await self._recordings.remove_all()
