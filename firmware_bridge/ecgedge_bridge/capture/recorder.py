"""What a link says, written to a capture as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ecgedge_bridge.capture.layout import CaptureHeader, LinkRecord
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.link.conversation import now_s
from ecgedge_bridge.values import LinkState, Note

if TYPE_CHECKING:
    from ecgedge_bridge.capture.records import RecordWriter
    from ecgedge_bridge.link.wearable import Wearable
    from ecgedge_bridge.stream.decoder import Event

__all__ = ["NOTES_OF_LINK", "Recorder", "describe"]

# All other notes are a decoder's, which a replay makes anew.
NOTES_OF_LINK = (NoteCode.DROPPED, NoteCode.NOT_STOPPED, NoteCode.FOUND_BY_NAME)


def describe(
    wearable: Wearable, extras: tuple[str, ...] = (), fs: float | None = None, profile_toml: str = ""
) -> CaptureHeader:
    """Describe a connected wearable, as a capture of it that begins now.

    Parameters
    ----------
    wearable : Wearable
        What it offers is known.
    extras, fs
        What was asked of it, see :func:`~ecgedge_bridge.connect`.
    profile_toml : str
        The profile itself, where a file describes it.
    """
    return CaptureHeader(
        name=wearable.name,
        address=wearable.address,
        profile="" if wearable.profile is None else wearable.profile.name,
        started_unix_s=time.time(),
        host_time_s=now_s(),
        extras=extras,
        fs=fs,
        profile_toml=profile_toml,
        characteristics={uuid: tuple(can) for uuid, can in wearable.offered.characteristics.items()},
        services=tuple(sorted(wearable.offered.services)),
    )


class Recorder:
    """Writes what comes; what comes before the device is known is kept until then: some set-up traffic.

    ``on_notification`` and ``on_event`` fit :func:`~ecgedge_bridge.connect`. What the writer raises, they
    raise.
    """

    def __init__(self) -> None:
        self._early: list[Callable[[RecordWriter], object]] = []
        self.writer: RecordWriter | None = None

    @property
    def notifications(self) -> int:
        """How many were written."""
        return 0 if self.writer is None else self.writer.notifications

    def begin(self, writer: RecordWriter) -> None:
        """Begin to write: the device is known now."""
        self.writer = writer
        for write in self._early:
            write(writer)
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
            case Note(code=code) if code in NOTES_OF_LINK:
                record = LinkRecord("", event.detail, event.device, now_s(), code)
            case _:
                return
        self._write(lambda writer: writer.write_link(record))

    def _write(self, write: Callable[[RecordWriter], object]) -> None:
        if self.writer is None:
            self._early.append(write)
        else:
            write(self.writer)
