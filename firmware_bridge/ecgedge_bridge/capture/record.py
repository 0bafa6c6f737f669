"""Recording a wearable into a capture."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ecgedge_bridge.capture.file import CaptureHeader, CaptureWriter, LinkRecord
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import read_text
from ecgedge_bridge.link.conversation import now_s
from ecgedge_bridge.values import LinkState, Note

if TYPE_CHECKING:
    from ecgedge_bridge.link.wearable import Wearable
    from ecgedge_bridge.stream.decoder import Event

__all__ = ["record"]

# Notes of the link. All others are a decoder's, which a replay makes anew.
_NOTES_OF_LINK = (NoteCode.DROPPED, NoteCode.NOT_STOPPED, NoteCode.FOUND_BY_NAME)


async def record(
    name_or_address: str,
    path: str | Path,
    *,
    seconds: float | None = None,
    on_event: Callable[[Event], None] | None = None,
    **options: Any,
) -> int:
    """Record everything that a wearable sends, until cancelled or for some seconds.

    Parameters
    ----------
    name_or_address : str
        As for :func:`~ecgedge_bridge.connect`.
    path : str or Path
        A file that is not there yet. It is good at every moment, also if this program is killed.
    seconds : float, optional
        How long to record from the connection on; without it until cancelled.
    on_event : callable, optional
        Called with everything decoded meanwhile, blocks of ECG too.
    **options
        Those of :func:`~ecgedge_bridge.connect`.

    Returns
    -------
    int
        How many notifications were recorded.

    Raises
    ------
    LinkError
        As for :func:`~ecgedge_bridge.connect`.
    ConfigError
        If the file is there already, or cannot be written.

    Examples
    --------
    ::

        await record("Polar H10", "strap.cap", seconds=60, extras=["heart_rate", "acc"])
        for event in replay("strap.cap"):
            ...
    """
    from ecgedge_bridge.link.bleak_radio import connect

    options.setdefault("extras", ("battery",))
    with _Recorder(Path(path), options) as recorder:

        def take(event: Event) -> None:
            recorder.on_event(event)
            if on_event is not None:
                on_event(event)

        link = connect(name_or_address, on_event=take, on_notification=recorder.on_notification, **options)
        async with link as wearable:
            recorder.begin(wearable)
            try:
                async with nullcontext() if seconds is None else asyncio.timeout(seconds):
                    async for block in wearable:
                        if on_event is not None:
                            on_event(block)
            except TimeoutError:
                if seconds is None:
                    raise
    return recorder.notifications


class _Recorder:
    """Writes what comes; what comes before the device is known is kept until then: some set-up traffic."""

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        if path.exists():
            raise ConfigError(
                f"{path} is there already, and a capture is not overwritten: choose another file"
            )
        self._path = path
        self._options = options
        self._early: list[Callable[[CaptureWriter], None]] = []
        self._writer: CaptureWriter | None = None

    @property
    def notifications(self) -> int:
        """How many were written."""
        return 0 if self._writer is None else self._writer.notifications

    def begin(self, wearable: Wearable) -> None:
        """Begin the file: the device is known now."""
        profile = wearable.profile
        chosen = self._options.get("profile")
        toml = read_text(str(chosen)) if str(chosen).endswith(".toml") else ""
        header = CaptureHeader(
            name=wearable.name,
            address=wearable.address,
            profile="" if profile is None else profile.name,
            started_unix_s=time.time(),
            host_time_s=now_s(),
            extras=tuple(self._options["extras"]),
            fs=self._options.get("fs"),
            profile_toml=toml,
            characteristics={uuid: tuple(can) for uuid, can in wearable.offered.characteristics.items()},
            services=tuple(sorted(wearable.offered.services)),
        )
        self._writer = CaptureWriter(self._path, header)
        for write in self._early:
            write(self._writer)
        self._early.clear()

    def on_notification(self, uuid: str, data: bytes, host_time_s: float) -> None:
        """Record what the device sent."""
        self._write(lambda writer: writer.write(uuid, data, host_time_s))

    def on_event(self, event: Event) -> None:
        """Record what the link reports."""
        match event:
            case LinkState():
                record = LinkRecord(
                    event.state, event.detail, event.device, now_s(), event.code or "", event.retry_s
                )
            case Note(code=code) if code in _NOTES_OF_LINK:
                record = LinkRecord("", event.detail, event.device, now_s(), code)
            case _:
                return
        self._write(lambda writer: writer.write_link(record))

    def _write(self, write: Callable[[CaptureWriter], None]) -> None:
        if self._writer is None:
            self._early.append(write)
        else:
            write(self._writer)

    def __enter__(self) -> _Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
