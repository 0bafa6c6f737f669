"""A recording, or a stretch of it, as ``save`` takes it: its blocks, and its events recorded or found now."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ecgedge.cli.spans import parse_span
from ecgedge.recording.span import Span
from ecgedge.sinks.replayed import ReadNotes, values_of
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ecgedge.monitor import Models
    from ecgedge.sinks.sink import Item
    from ecgedge.stream.pipeline import Pipeline

__all__ = ["Read", "Stored", "chosen_events"]


class Read:
    """A file of any form; its events are found now, those of a capture's link beside them.

    Parameters
    ----------
    path, fs, channel, unit
        As :func:`ecgedge.read` takes them.
    from_, to
        As :func:`ecgedge.cli.spans.parse_span` takes them.
    analysis : callable, optional
        Makes the pipeline; without it there are no events but those of a capture.

    Attributes
    ----------
    start : datetime or None
        Time of the first sample of the stretch.
    channel : str
        Name of the lead.
    broken : ConfigError or None
        Why the file could not be read to its end; what came before it is good.
    """

    def __init__(
        self,
        path: Path,
        fs: float | None,
        channel: str | None,
        unit: str | None,
        from_: str | None,
        to: str | None,
        analysis: Callable[[], Pipeline] | None = None,
    ) -> None:
        self._values: Iterator[Any] = values_of(path, fs, channel, unit)
        start = getattr(self._values, "start", None)
        self._span = parse_span(from_, to, start)
        self._analysis = analysis
        self.start = _moved(start, self._span.start_s)
        self.channel: str = getattr(self._values, "channel", "")
        self.broken: ConfigError | None = None

    def items(self) -> Iterator[Item]:
        """Yield blocks and events, with indices and times from the start of the stretch."""
        notes = ReadNotes(self._values)
        pipeline = self._analysis() if self._analysis else None
        try:
            for value in self._span.cut(takewhile(self._is_not_behind, self._values)):
                yield value
                if pipeline is not None and isinstance(value, SampleBlock):
                    yield from pipeline.feed(value)
                yield from self._span.cut(notes.new())
        except ConfigError as error:
            self.broken = error
        yield from self._span.cut(notes.new())
        if pipeline is not None:
            yield from pipeline.finish()
        if notes.cut is not None:
            self.broken = self.broken or ConfigError(notes.cut)

    def close(self) -> None:
        """Close the file, of which the end may not have been read."""
        if close := getattr(self._values, "close", None):
            close()

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """Return nothing: a file knows of no sessions."""
        return []

    @property
    def seconds(self) -> float | None:
        """Return None: how long it is shows at its end."""
        return None

    def _is_not_behind(self, value: object) -> bool:
        return not isinstance(value, SampleBlock) or value.sample < self._span.end(value.fs)


class Stored:
    """A recording of ours with the events that were recorded; attributes as of :class:`Read`.

    Parameters
    ----------
    path : Path
    from_, to
        As :func:`ecgedge.cli.spans.parse_span` takes them.
    models : callable, optional
        Loads models that find the events anew.
    lasting : bool
        Whether rhythms and verdicts are cut at the borders, see :meth:`ecgedge.recording.span.Span.cut`.
    """

    def __init__(
        self, path: Path, from_: str | None, to: str | None, models: Callable[[], Models] | None = None,
        *, lasting: bool = False,
    ) -> None:  # fmt: skip
        from ecgedge.recording.database.stored import StoredRecording

        self.channel, self.broken, self._models, self._lasting = "", None, models, lasting
        self._stored = StoredRecording(path)
        try:
            sessions = self._stored.sessions
            if not sessions:
                raise ConfigError(f"{path} holds nothing yet: record something first")
            first = sessions[0]
            span = parse_span(from_, to, first.started)
            self.start = _moved(first.started, span.start_s)
            # A file of a second day counts on from the first.
            origin_s = first.first / first.fs
            self._span = Span(origin_s + span.start_s, origin_s + span.end_s)
        except BaseException:
            self._stored.close()
            raise

    def items(self) -> Iterator[Item]:
        """Yield blocks and events, with indices and times from the start of the stretch."""
        from ecgedge.recording.database.again import Again

        if self._models is None:
            items = self._stored.stream(self._span.start_s, self._span.end_s)
            yield from self._span.cut(items, lasting=self._lasting)
        else:
            yield from self._span.cut(Again(self._stored, self._models()), lasting=self._lasting)

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """What each session says of itself: device, versions, models."""
        return [session.facts for session in self._stored.sessions]

    @property
    def seconds(self) -> float | None:
        """Length of the stretch."""
        last = self._stored.sessions[-1]
        return min(last.end / last.fs, self._span.end_s) - self._span.start_s

    def close(self) -> None:
        """Close the recording."""
        self._stored.close()


def _moved(start: datetime | None, seconds: float) -> datetime | None:
    return None if start is None else start + timedelta(seconds=seconds)


def chosen_events(text: str | None) -> frozenset[str] | None:
    """Read ``--events``: names of types, or ``none``, or ``all``; None where nothing was said.

    Raises
    ------
    ConfigError
        There is no such type; the message names those there are.

    Examples
    --------
    >>> sorted(chosen_events("beat, rhythm"))
    ['beat', 'rhythm']
    """
    from ecgedge.events import Event

    known = sorted({one.__name__.lower() for one in get_args(Event)} - {"summary"})
    if text is None:
        return None
    names = {name.strip().lower() for name in text.split(",") if name.strip()}
    if names == {"none"}:
        return frozenset()
    if names == {"all"}:
        return frozenset(known)
    if not names or not names <= {*known}:
        wrong = ", ".join(sorted(names - {*known})) or "nothing"
        raise ConfigError(f"--events {wrong[:60]}: give none, all, or some of {','.join(known)}")
    return frozenset(names)
