"""One wearable, from the moment that it was chosen until it is let go: link, recording, monitor, screen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from ecgedge.monitor import Models, Monitor
from ecgedge.phone.recordings import Recording, Recordings
from ecgedge.phone.screen import Screen
from ecgedge.phone.storage import StorageError
from ecgedge.sinks.sink import Item
from ecgedge_bridge.capture.layout import CaptureHeader
from ecgedge_bridge.capture.marks import Marks, safe_text
from ecgedge_bridge.capture.recorder import describe
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.link.conversation import now_s
from ecgedge_bridge.link.options import ConnectOptions, Listeners
from ecgedge_bridge.link.states import LinkTiming
from ecgedge_bridge.link.wearable import Wearable
from ecgedge_bridge.link.web_radio import Page, WebRadio
from ecgedge_bridge.protocols.profiles import Profile
from ecgedge_bridge.protocols.session import WearableEvent
from ecgedge_bridge.values import Place, SampleBlock

__all__ = ["Asked", "Connection"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page asks for.

    Parameters
    ----------
    name : str
        What the chosen device is called.
    extras : tuple of str
        What to subscribe to besides the ECG.
    more : tuple of (Profile, str)
        Kinds of wearable that were described here, each with its description.
    """

    name: str
    extras: tuple[str, ...] = ("battery",)
    more: tuple[tuple[Profile, str], ...] = ()


class Connection:
    """A wearable that is connected, or being connected; its task is done when all of it is over.

    Parameters
    ----------
    asked : Asked
    page : Page
        Whom to ask for Bluetooth.
    screen : Screen
        Where it is shown.
    models : Models
    recordings : Recordings, optional
        Where to record; None records nothing.

    Attributes
    ----------
    recording : Recording or None
        What is recorded to.
    task : asyncio.Task
        Raises why the link failed for good.
    """

    def __init__(
        self,
        asked: Asked,
        page: Page,
        screen: Screen,
        models: Models,
        recordings: Recordings | None = None,
    ) -> None:
        self.recording: Recording | None = None
        self._asked, self._screen, self._recordings = asked, screen, recordings
        self._radio = WebRadio(page, asked.name)
        self._monitor = Monitor(models)
        self._sink = screen.show(asked.name, mark=self.mark, first=self._keep)
        self._link: Wearable | None = None
        self._header: CaptureHeader | None = None
        self._marks = Marks()
        self._place = Place(0, 0.0)
        self._is_over = False
        self._opened = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run(), name=f"connection to {asked.name}")

    async def opened(self) -> None:
        """Wait until the measurement is started.

        Raises
        ------
        LinkError
            The device cannot be connected to, or refuses.
        ConfigError
            It was given up meanwhile.
        """
        await asyncio.wait([self.task, self._opened], return_when=asyncio.FIRST_COMPLETED)
        if not self.is_open:
            if self.task.cancelled():
                raise ConfigError("the connection was given up: connect again")
            await self.task

    @property
    def is_open(self) -> bool:
        """Whether the measurement was started."""
        return self._opened.done()

    async def stop(self) -> None:
        """Stop the measurement, hang up, and bring everything to its end; never raises."""
        if not self._is_over:
            self._is_over = True
            self.task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait([self.task])

    def notified(self, uuid: str, data: bytes) -> None:
        """Take a notification from the page."""
        self._radio.notified(uuid, data)

    def disconnected(self) -> None:
        """Take it from the page that the connection is gone."""
        self._radio.disconnected()

    def mark(self, text: str = "") -> None:
        """Mark this moment.

        Raises
        ------
        ConfigError
            Nothing streams yet.
        """
        if self._header is None or self._link is None or self._is_over:
            raise ConfigError("nothing streams now: mark when the trace runs")
        felt_s, kept = now_s(), safe_text(text)
        if self.recording is not None:
            kept = self.recording.mark(kept, self._link.name, felt_s)
        self._sink.take(self._marks.add(kept, felt_s))

    async def _run(self) -> None:
        options = ConnectOptions(
            self._asked.name,
            extras=self._asked.extras,
            more=tuple(profile for profile, _ in self._asked.more),
        )
        heard = Listeners(None, self._on_event, self._on_notification, self._take)
        try:
            await self._open_recording()
            self._link = Wearable(options, heard, LinkTiming(), self._radio)
            try:
                await self._link.open()
                self._begin()
                self._opened.set_result(None)
                async for block in self._link:
                    self._take(block)
            finally:
                await self._link.close()
        finally:
            self._is_over = True
            try:
                self._end()
            finally:
                await self._close_recording()

    async def _open_recording(self) -> None:
        """Open the file before the device is asked for anything; without one the stream goes on."""
        if self._recordings is None:
            return
        try:
            self.recording = await self._recordings.new(self._asked.name, self._tell)
        except (StorageError, ConfigError) as error:
            self._tell(f"nothing is recorded: {error}")

    async def _close_recording(self) -> None:
        if self._recordings is None or self.recording is None:
            return
        self.recording.flush()
        if self.recording.file is not None:
            self._tell(None)
        with suppress(StorageError):  # what is left behind is put away when the page starts again
            await self._recordings.done(self.recording)

    def _keep(self) -> None:
        """Have on the disk what is about to be shown."""
        if self.recording is not None:
            self.recording.flush()

    def _tell(self, words: str | None) -> None:
        """Tell that nothing is recorded any more."""
        self._screen.tell(type="recording", name=None, words=words)

    def _begin(self) -> None:
        """Note what the device is, once that is known; with its first notification at the latest."""
        if self._header is not None:
            return
        assert self._link is not None
        profile = self._link.profile
        toml = next((text for one, text in self._asked.more if one is profile), "")
        self._header = describe(self._link, self._asked.extras, None, toml)
        if profile is not None and not profile.fs:
            self._marks = Marks(self._header.host_time_s)
        if self.recording is not None:
            self.recording.begin(self._header)
            if self.recording.file is not None:
                self._screen.tell(type="recording", name=self.recording.name, words=None)

    def _on_notification(self, uuid: str, data: bytes, host_time_s: float) -> None:
        self._begin()
        if self.recording is not None:
            self.recording.on_notification(uuid, data, host_time_s)

    def _on_event(self, event: WearableEvent) -> None:
        if self.recording is not None:
            self.recording.on_event(event)
        self._sink.take([event])

    def _take(self, block: SampleBlock) -> None:
        self._place = Place(block.end_sample, block.end_sample / block.fs)
        items: Iterable[Item] = [block, *self._monitor.feed(block), *self._marks.due(block)]
        self._sink.take(items)

    def _end(self) -> None:
        try:
            self._sink.take(self._marks.rest(self._place))
            self._sink.take(self._monitor.finish())
        finally:
            self._sink.close()
