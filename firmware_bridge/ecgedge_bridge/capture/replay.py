"""A capture through the session that was live then: the same values again, to the last bit.

The session is driven as ``link/wearable.py`` drives it: its script begins where the link reported that it set
up, goes on with what came, and every notification is received in its order and with its arrival time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ecgedge_bridge.capture.file import (
    Capture,
    CaptureHeader,
    Damaged,
    LinkRecord,
    Notification,
    read_capture,
)
from ecgedge_bridge.codes import FrameCode, LinkCode, NoteCode
from ecgedge_bridge.errors import ConfigError, FrameError, LinkError
from ecgedge_bridge.link.states import State
from ecgedge_bridge.protocols.described.profile import parse_profile
from ecgedge_bridge.protocols.profiles import Profile, described_profile, find_profile
from ecgedge_bridge.protocols.session import Offered, Script, Session, Wait
from ecgedge_bridge.values import FrameLost, LinkState, Note, Place, SampleBlock

if TYPE_CHECKING:
    from os import PathLike

    from ecgedge_bridge.stream.decoder import Event

__all__ = ["replay"]

# A live wearable reports these before it hands out what the first notifications meant.
_BEFORE_VALUES = (State.WAITING.value, State.STREAMING.value)


def replay(path: str | Path, profile: Profile | str | PathLike[str] | None = None) -> Iterator[Event]:
    """Decode a capture.

    Parameters
    ----------
    path : str or Path
        A file that ``ecgedge capture`` or :class:`~ecgedge_bridge.capture.file.CaptureWriter` has written.
    profile : Profile, str or path, optional
        Read it as a device of this kind; by default as the one it was recorded of.

    Yields
    ------
    Event
        What the live wearable gave, in the same order, and at the end what still came while it was being
        stopped. A part of the file that is damaged, or torn by a crash, is a :class:`FrameLost` with the code
        ``damaged``.

    Raises
    ------
    ConfigError
        If the file is no capture, or of a device of unknown kind; raised by the call itself.

    Examples
    --------
    ::

        for event in replay("strap.cap"):
            print(event)
    """
    capture = read_capture(path)
    header = capture.header
    kind = _profile(capture, profile)
    try:
        session = kind.make_session(device=header.name, fs=header.fs, extras=header.extras)
    except ValueError as error:
        raise ConfigError(f"{capture.path} says what no such device does: {error}: record again") from error
    return _Replay(capture, session).run()


def _profile(capture: Capture, wanted: Profile | str | PathLike[str] | None) -> Profile:
    header = capture.header
    if wanted is None and header.profile_toml:
        return described_profile(parse_profile(header.profile_toml, f"the profile in {capture.path}"))
    try:
        return find_profile(header.profile if wanted is None else wanted)
    except ValueError as error:
        raise ConfigError(
            f"{capture.path} was recorded of a device of the kind {header.profile!r}: "
            f"update ecgedge, or give its profile with profile= ({error})"
        ) from error


class _Replay:
    def __init__(self, capture: Capture, session: Session) -> None:
        self._capture = capture
        self._session = session
        self._offered = _offered(capture.header)
        self._script: Script | None = None
        self._place = Place(0, 0.0)
        self._setting_up = False

    def run(self) -> Iterator[Event]:
        for record in self._capture:
            match record:
                case Notification():
                    if not self._setting_up:
                        yield from self._values()
                    self._session.receive(record.uuid, record.data, record.host_time_s)
                    self._go_on()
                case LinkRecord():
                    if record.state not in _BEFORE_VALUES:
                        yield from self._values()
                    yield self._link(record)
                case Damaged():
                    yield from self._values()
                    yield self._damage(record)
        yield from self._values()

    def _values(self) -> Iterator[Event]:
        while (event := self._session.next_event()) is not None:
            if isinstance(event, SampleBlock):
                self._place = Place(event.end_sample, event.end_sample / event.fs)
            yield event

    def _link(self, record: LinkRecord) -> LinkState | Note:
        if not record.state:
            return Note(*self._place, NoteCode.of(record.code), record.detail, record.device)
        self._setting_up = record.state == State.SETTING_UP.value
        if self._setting_up:
            self._script = self._session.start(self._offered)
            self._go_on()
        code = LinkCode.of(record.code) if record.code else None
        return LinkState(*self._place, record.state, record.detail, record.device, code, record.retry_s)

    def _go_on(self) -> None:
        """Carry the script on, up to where it waits: what it asked for was done when it was live."""
        if self._script is None:
            return
        try:
            for request in self._script:
                if isinstance(request, Wait):
                    return
        except (LinkError, FrameError):
            pass  # what became of it is in a record of the link
        self._script = None

    def _damage(self, damaged: Damaged) -> FrameLost:
        where = "its end is torn" if damaged.torn else f"it is damaged from byte {damaged.offset} on"
        detail = (
            f"the capture was cut off or changed on disk: {where}, {damaged.length} bytes are left out; "
            "what is before and after is good, nothing to do"
        )
        return FrameLost(*self._place, FrameCode.DAMAGED, detail, self._capture.header.name)


def _offered(header: CaptureHeader) -> Offered:
    return Offered(header.characteristics, frozenset(header.services))
