"""What a caller asks of a connection, and who receives what comes besides the ECG."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.link.conversation import OnNotification
from ecgedge_bridge.protocols.profiles import Profile
from ecgedge_bridge.protocols.session import WearableEvent, checked_extras
from ecgedge_bridge.values import Note, SampleBlock, Status

OnStatus = Callable[[Status], None]
OnEvent = Callable[[WearableEvent], None]
OnBlock = Callable[[SampleBlock], None]


class Listeners(NamedTuple):
    """Callbacks, each of which may be missing; see :func:`~ecgedge_bridge.connect`.

    ``on_rest`` is called with each block that still came while the connection was being closed: nobody
    iterates any more. Without it they are left out, and all else that came then but what is to be known.
    """

    on_status: OnStatus | None = None
    on_event: OnEvent | None = None
    on_notification: OnNotification | None = None
    on_rest: OnBlock | None = None

    def report(self, event: WearableEvent) -> None:
        """Pass an event to whom it concerns."""
        if self.on_status is not None and isinstance(event, Status):
            self.on_status(event)
        if self.on_event is not None:
            self.on_event(event)

    def report_rest(self, event: SampleBlock | WearableEvent) -> None:
        """Pass on what came while the connection was being closed."""
        if isinstance(event, SampleBlock):
            if self.on_rest is not None:
                self.on_rest(event)
        elif self.on_rest is not None or (isinstance(event, Note) and event.code is NoteCode.NOT_STOPPED):
            self.report(event)


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """Which wearable, and how to connect to it; see :func:`~ecgedge_bridge.connect`.

    ``more`` are kinds of wearable beside those in the table, looked at first.

    Raises
    ------
    ValueError
        If an extra is unknown.
    """

    name: str
    profile: Profile | None = None
    extras: Iterable[str] = ()
    fs: float | None = None
    find_timeout_s: float | None = None
    more: tuple[Profile, ...] = ()

    def __post_init__(self) -> None:
        """Refuse unknown extras before anything is looked for."""
        checked_extras(self.extras)
