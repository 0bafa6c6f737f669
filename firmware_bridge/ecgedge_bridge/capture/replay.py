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
    MarkRecord,
    Notification,
    read_capture,
)
from ecgedge_bridge.capture.layout import Record
from ecgedge_bridge.capture.marks import Marks
from ecgedge_bridge.codes import FrameCode, LinkCode, NoteCode
from ecgedge_bridge.errors import ConfigError, FrameError, LinkError
from ecgedge_bridge.link.states import State
from ecgedge_bridge.protocols.described.profile import parse_profile
from ecgedge_bridge.protocols.profiles import Profile, described_profile, find_profile
from ecgedge_bridge.protocols.session import Offered, Script, Wait
from ecgedge_bridge.stream.decoder import DecoderStats
from ecgedge_bridge.values import FrameLost, LinkState, Mark, Note, Place, SampleBlock

if TYPE_CHECKING:
    from os import PathLike

    from ecgedge_bridge.stream.decoder import Event

__all__ = ["Replayer", "profile_of", "replay"]

# A live wearable reports these before it hands out what the first notifications meant.
_BEFORE_VALUES = (State.WAITING.value, State.STREAMING.value)


def replay(
    source: str | Path | Capture, profile: Profile | str | PathLike[str] | None = None
) -> Iterator[Event | Mark]:
    """Decode a capture.

    Parameters
    ----------
    source : str, Path or Capture
        A file that ``ecgedge capture`` or :class:`~ecgedge_bridge.capture.file.CaptureWriter` has written.
    profile : Profile, str or path, optional
        Read it as a device of this kind; by default as the one it was recorded of.

    Yields
    ------
    Event or Mark
        What the live wearable gave, in the same order, and at the end what still came while it was being
        stopped; a :class:`Mark` behind the first block that arrived after it. A part of the file that is
        damaged, or torn by a crash, is a :class:`FrameLost` with the code ``damaged``.

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
    capture = source if isinstance(source, Capture) else read_capture(source)
    return _replayed(capture, Replayer(capture, profile))


def _replayed(capture: Capture, replayer: Replayer) -> Iterator[Event | Mark]:
    for record in capture:
        yield from replayer.take(record)
    yield from replayer.rest()


def profile_of(capture: Capture, wanted: Profile | str | PathLike[str] | None = None) -> Profile:
    """Return the profile that a capture is read with; see :func:`replay`.

    Raises
    ------
    ConfigError
        It is of a device of unknown kind.
    """
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


class Replayer:
    """The session of a capture's device, driven by its records: in whatever pieces they come.

    Parameters
    ----------
    capture : Capture
        Its header says what the device is; its records are not read.
    profile : Profile, str or path, optional
        See :func:`replay`.

    Raises
    ------
    ConfigError
        The device is of unknown kind, or the capture says what none does.
    """

    def __init__(self, capture: Capture, profile: Profile | str | PathLike[str] | None = None) -> None:
        header = capture.header
        self.profile = profile_of(capture, profile)
        try:
            self._session = self.profile.make_session(device=header.name, fs=header.fs, extras=header.extras)
        except ValueError as error:
            raise ConfigError(
                f"{capture.path} says what no such device does: {error}: record again"
            ) from error
        self._marks = Marks() if self.profile.fs else Marks(header.host_time_s)
        self._name = header.name
        self._offered = _offered(header)
        self._script: Script | None = None
        self._place = Place(0, 0.0)
        self._setting_up = False

    @property
    def stats(self) -> DecoderStats:
        """Counts of the ECG's decoder so far."""
        return self._session.stats

    def go_on(self, header: CaptureHeader) -> None:
        """Go on with the same device as another computer's link has found it."""
        self._offered, self._session.device = _offered(header), header.name

    def take(self, record: Record | Damaged) -> Iterator[Event | Mark]:
        """Take a record; yield what came before it, in the order in which a live wearable reports it."""
        match record:
            case Notification():
                if not self._setting_up:
                    yield from self.values()
                self._session.receive(record.uuid, record.data, record.host_time_s)
                self._go_on()
            case LinkRecord():
                if record.state not in _BEFORE_VALUES:
                    yield from self.values()
                yield self._link(record)
            case MarkRecord():
                if not self._setting_up:
                    yield from self.values()
                yield from self._marks.add(record.text, record.host_time_s)
            case Damaged():
                yield from self.values()
                yield self._damage(record)

    def rest(self) -> Iterator[Event | Mark]:
        """Yield what is left at the end."""
        yield from self.values()
        yield from self._marks.rest(self._place)

    def due(self) -> Iterator[Event | Mark]:
        """Yield what a live wearable would have given by now, before the next record."""
        if not self._setting_up:
            yield from self.values()

    def values(self) -> Iterator[Event | Mark]:
        """Yield what the records taken so far have led to."""
        while (event := self._session.next_event()) is not None:
            if isinstance(event, SampleBlock):
                self._place = Place(event.end_sample, event.end_sample / event.fs)
                yield event
                yield from self._marks.due(event)
            else:
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
        return FrameLost(*self._place, FrameCode.DAMAGED, detail, self._name)


def _offered(header: CaptureHeader) -> Offered:
    return Offered(header.characteristics, frozenset(header.services))
