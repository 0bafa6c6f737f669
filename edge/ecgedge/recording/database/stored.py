"""Reading a recording: sessions, any stretch of signal, events, and everything in its order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge.events import Event
from ecgedge.recording.database.events import Stored
from ecgedge.recording.database.journal import Journal, decode, decode_events, decode_signal
from ecgedge.recording.database.store import connect, errors
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import Place, parse_json
from ecgedge_bridge.values import HeartRate, SampleBlock

__all__ = ["Session", "StoredRecording"]

_MOST_FACTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Session:
    """What one recorder kept, from its start to its end.

    Parameters
    ----------
    started, ended : datetime
        In UTC, by the recorder's wall clock.
    first, end : int
        Samples of the file: from ``first`` up to ``end``.
    fs : float
        Rate in Hz.
    facts : dict
        What was known of the stream: device, versions.
    """

    id: int
    started: datetime
    ended: datetime
    first: int
    end: int
    fs: float
    facts: dict[str, Any]


class StoredRecording:
    """A recording in a file, also one that is being written.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    ConfigError
        It is no recording, damaged, or cannot be read.

    Examples
    --------
    >>> import tempfile, numpy as np, ecgedge
    >>> path = tempfile.mkdtemp() + "/ecg.db"
    >>> with ecgedge.Recorder(path) as recorder:
    ...     recorder.take([ecgedge.SampleBlock(np.zeros(1300, np.float32), fs=130.0, sample=0)])
    >>> with StoredRecording(path) as stored:
    ...     len(stored.signal(2.0, 5.0)), len(stored.sessions)
    (390, 1)
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(fspath(path)).expanduser()
        self._db = connect(self.path)

    def __enter__(self) -> StoredRecording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @property
    def sessions(self) -> list[Session]:
        """Sessions in the order in which they were recorded."""
        return [self._session(row) for row in self._rows("SELECT * FROM session ORDER BY id")]

    def blocks(self, start_s: float = 0.0, end_s: float = float("inf")) -> Iterator[SampleBlock]:
        """Yield the blocks of ECG that lie in a stretch, those at its borders whole."""
        for piece in self._pieces(start_s, end_s):
            for block in decode_signal(piece, str(self.path)):
                if block.end_sample / block.fs > start_s and block.sample / block.fs < end_s:
                    yield block

    def signal(self, start_s: float, end_s: float) -> npt.NDArray[np.float32]:
        """Return a stretch of ECG in mV, NaN where samples are missing, shape (n,)."""
        blocks = list(self.blocks(start_s, end_s))
        if not blocks:
            return np.zeros(0, np.float32)
        fs = blocks[0].fs
        origin, end = blocks[0].sample, blocks[-1].end_sample
        mv = np.full(end - origin, np.nan, np.float32)
        for block in blocks:
            mv[block.sample - origin : block.end_sample - origin] = block.samples
        first = round(start_s * fs)
        before = np.full(max(origin - first, 0), np.nan, np.float32)
        return np.concatenate([before, mv[max(first - origin, 0) :]])[: max(round(end_s * fs) - first, 0)]

    def events(self, start_s: float = 0.0, end_s: float = float("inf")) -> Iterator[Event | HeartRate]:
        """Yield the events whose place lies in a stretch.

        An event is told behind its place: a window of HRV by five minutes. Pieces that may hold it are read.
        """
        for piece in self._pieces(start_s, end_s + _TOLD_LATER_S):
            for event in decode_events(piece, str(self.path)):
                if start_s <= event.time_s < end_s:
                    yield event

    def stream(self, start_s: float = 0.0, end_s: float = float("inf")) -> Iterator[Stored]:
        """Yield everything that may lie in a stretch, in the order in which it came, with some around it."""
        for piece in self._pieces(start_s, end_s + _TOLD_LATER_S):
            yield from decode(piece, str(self.path))

    def items(self, session: Session) -> Iterator[Stored]:
        """Yield everything of a session, in the order in which it came."""
        for piece in self._pieces(session=session.id):
            yield from decode(piece, str(self.path))

    def _pieces(
        self, start_s: float = 0.0, end_s: float = float("inf"), session: int | None = None
    ) -> Iterator[Journal]:
        fs = self._rate()
        low, high = start_s * fs, min(end_s * fs, 2.0**62)
        where, values = ("session = ?", [session]) if session else ("end >= ? AND first < ?", [low, high])
        query = f"SELECT signal, events FROM piece WHERE {where} ORDER BY id"
        # A statement that is stepped through sees the file as it was at its start, whoever writes meanwhile.
        with errors(self.path):
            for signal, events in self._db.execute(query, values):
                yield Journal(signal, events)

    def _rate(self) -> float:
        rows = self._rows("SELECT max(fs) FROM session")
        return float(rows[0][0] or 0.0)

    def _rows(self, query: str, values: list[Any] | None = None) -> list[Any]:
        with errors(self.path):
            return self._db.execute(query, values or []).fetchall()

    def _session(self, row: sqlite3.Row | tuple[Any, ...]) -> Session:
        place = Place(f"{self.path}: session", remedy="take the file from a backup")
        try:
            number, started, last, first, end, fs, facts = row
            return Session(
                int(number),
                datetime.fromtimestamp(float(started), UTC),
                datetime.fromtimestamp(float(last), UTC),
                int(first),
                int(end),
                float(fs),
                parse_json(facts, place, _MOST_FACTS),
            )
        except (TypeError, ValueError, OverflowError, OSError) as error:
            raise ConfigError(f"{place.name} is damaged ({error}): {place.remedy}") from error


# The longest window that an event is made of, HRV's, and what is held back for it.
_TOLD_LATER_S = 660.0
