"""Writing a stream to a file that survives whatever happens to the program."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeVar

from ecgedge.events import Gap, Mark
from ecgedge.recording.database.events import Stored
from ecgedge.recording.database.journal import Journal, decode, encode
from ecgedge.recording.database.store import Lock, connect, errors
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock, Status

__all__ = ["COMMIT_S", "Recorder"]

P = TypeVar("P", bound=SampleBlock | Acceleration | HeartRate | Status)

COMMIT_S = 1.0
"""Of signal: what a crash may lose."""
_PACK_S = 60.0
# While the disk is full: 10 min of a strap with its events are some 20,000 items and 10 MB.
_MOST_WAITING = 20_000
# A longer interruption is a wall clock that was wrong on one side of it, and counts as none.
_LONGEST_S = 366 * 86_400.0

_ADD_SESSION = "INSERT INTO session (started_utc, last_utc, first, end, fs, facts) VALUES (?, ?, ?, ?, ?, ?)"
_ADD_PIECE = (
    "INSERT INTO piece (id, session, first, end, packed, signal, events) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


class Recorder:
    """A sink that keeps a stream: signal as it came, events, marks.

    What it takes is committed each second. A program that is killed, or a machine that loses power, loses no
    more than that; the next recorder of the same file goes on behind the last sample, and the time between is
    a :class:`ecgedge.Gap` with the reason ``interrupted``. While the disk is full, ten minutes are kept in
    memory and written when there is room.

    Parameters
    ----------
    path : str or path-like
        A new file, or a recording to go on with.
    facts : mapping, optional
        What is known of the stream and of those who look at it: device, firmware, versions. JSON values.
    after : Recorder, optional
        One of another file, closed, whose stream goes on in this new one.
    wall_clock : callable
        Seconds since 1970, for the time between two sessions.
    commit_s : float
        How often it is committed, in seconds of signal: what a crash may lose.

    Attributes
    ----------
    trouble : str or None
        Why nothing can be written at the moment.
    dropped : int
        Items that found no room.

    Raises
    ------
    ConfigError
        The file cannot be written, is no recording, or another program records to it.

    Examples
    --------
    >>> import tempfile, numpy as np, ecgedge
    >>> path = tempfile.mkdtemp() + "/ecg.db"
    >>> with Recorder(path) as recorder:
    ...     block = ecgedge.SampleBlock(np.zeros(130, np.float32), fs=130.0, sample=0)
    ...     recorder.take([recorder.place(block)])
    ...     recorder.mark("lay down").sample
    130
    >>> [block.end_sample for block in ecgedge.read(path)]
    [130]
    """

    def __init__(
        self,
        path: str | PathLike[str],
        facts: Mapping[str, Any] | None = None,
        *,
        after: Recorder | None = None,
        wall_clock: Callable[[], float] = time.time,
        commit_s: float = COMMIT_S,
    ) -> None:
        self.path, self._commit_s = Path(fspath(path)).expanduser(), commit_s
        self._facts = json.dumps(dict(facts or {}), sort_keys=True)
        self._clock = wall_clock
        self._lock = Lock(self.path)
        try:
            self._db = connect(self.path, write=True)
            with errors(self.path):
                self._file = self.path.stat()
                last = self._db.execute(
                    "SELECT last_utc, end, fs FROM session ORDER BY id DESC LIMIT 1"
                ).fetchone()
                self._pack_all()
        except BaseException:
            self._lock.release()
            raise
        self._last: tuple[float, int, float] | None = last
        self._session: int | None = None
        # What is added to the count of the stream that began with this recorder; None before its first block.
        self._shift: int | None = after._shift if after and last is None else None
        self._fs, self._end = 0.0, 0 if last is None else last[1]
        self._waiting: list[Stored] = []
        self._written_to = self._end  # index behind the last sample that was committed
        self._tried_at = self._end
        self._packed_to = self._end
        self.trouble: str | None = None
        self.dropped = 0

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def end_sample(self) -> int:
        """Index behind the last sample of the file, in the file's own count."""
        return self._end

    @property
    def paths(self) -> list[Path]:
        """The file, as a list: a day's recorder has several."""
        return [self.path]

    def place(self, item: P) -> P:
        """Return an item of a stream that began anew with this recorder, in the file's own count.

        In a new file it is the same. In one that is gone on with, all is shifted behind what is there, by the
        time that went by. Feed blocks that come out of here to the monitor, so that its events fit the file.

        Parameters
        ----------
        item : SampleBlock, or an event of the link or the device
        """
        if isinstance(item, SampleBlock):
            if self._shift is None:
                self._shift = self._resumed_at(item) - item.sample
            return replace(item, sample=item.sample + self._shift) if self._shift else item
        if isinstance(item, Acceleration):  # counts by itself
            return item
        fs = self._fs or (self._last[2] if self._last else 0.0)
        shift = self._end if self._shift is None else self._shift
        return replace(item, sample=item.sample + shift, time_s=item.time_s + shift / fs) if shift else item

    def take(self, items: Iterable[Stored]) -> None:
        """Keep what came, in the order of the stream.

        Raises
        ------
        ValueError
            The first block lies before what the file holds: it has to come through :meth:`place`.
        """
        for item in items:
            if isinstance(item, SampleBlock):
                self._begin(item)
                self._end = max(self._end, item.end_sample)
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.append(item)
            else:
                self.dropped += 1
        if self._fs and self._end - self._tried_at >= self._commit_s * self._fs:
            self._write()

    def mark(self, text: str = "") -> Mark:
        """Mark this moment, with what was felt or done; returns the event."""
        event = Mark(self._end, self._end / self._fs if self._fs else 0.0, text)
        self._waiting.append(event)
        return event

    def close(self) -> None:
        """Write what is left and let others write.

        Raises
        ------
        ConfigError
            It cannot be written: how much is lost is said.
        """
        if self._lock is None:
            return
        try:
            if self._waiting and self._session is not None:
                self._write()
            if self.trouble:
                lost = len(self._waiting) + self.dropped
                raise ConfigError(f"{self.trouble} ({lost} items of the end are lost)")
            # All is written; what cannot be packed on a disk this full is packed by the next recorder.
            with suppress(ConfigError), errors(self.path):
                self._pack_all()
        finally:
            self._db.close()
            self._lock.release()
            self._lock = None  # type: ignore[assignment]

    def _resumed_at(self, block: SampleBlock) -> int:
        """Index at which a stream goes on, from the time that went by since the last commit."""
        if self._last is None:
            return block.sample
        last_utc, end, _ = self._last
        away_s = self._clock() - len(block.samples) / block.fs - last_utc
        return end + (round(away_s * block.fs) if 0 < away_s < _LONGEST_S else 0)

    def _begin(self, block: SampleBlock) -> None:
        """Begin a session with its first block."""
        if self._fs:
            return
        if block.sample < self._end:
            raise ValueError(
                f"the first block is at sample {block.sample} of a recording that goes to {self._end}: "
                "take recorder.place(block)"
            )
        self._fs = block.fs
        self._tried_at = block.sample
        if self._last and block.sample > self._end:
            end, at = self._end, block.sample
            gap = Gap(end, end / block.fs, at, at / block.fs, at - end, "interrupted")
            self._waiting.insert(0, gap)

    def _write(self) -> None:
        """Commit what waits; where that fails it goes on waiting."""
        self._tried_at = self._end
        try:
            with errors(self.path):
                self._find_file()
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    self._insert(encode(self._waiting))
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
        except ConfigError as error:
            self.trouble = str(error)
            return
        self.trouble = None
        self._waiting.clear()
        self._written_to = self._end
        if self._end - self._packed_to >= _PACK_S * self._fs:
            self._packed_to = self._end
            try:
                with errors(self.path):
                    self._pack_all()
            except ConfigError as error:
                self.trouble = str(error)

    def _find_file(self) -> None:
        """Begin the file again where somebody deleted it: SQLite would write on into what has no name."""
        try:
            same = os.path.samestat(self.path.stat(), self._file)
        except FileNotFoundError:
            self._db.close()
            self._lock.release()
            self._lock = Lock(self.path)
            self._db = connect(self.path, write=True)
            self._file = self.path.stat()
            self._session = None
            return
        if not same:
            raise ConfigError(
                f"{self.path} was replaced by another file: put it back, or record to another one"
            )

    def _insert(self, stretch: Journal) -> None:
        now = self._clock()
        first = min((i.sample for i in self._waiting if isinstance(i, SampleBlock)), default=self._written_to)
        if self._session is None:
            # The first sample came before this commit.
            started = now - (self._end - first) / self._fs
            row = (started, now, first, self._end, self._fs, self._facts)
            self._session = self._db.execute(_ADD_SESSION, row).lastrowid
        self._db.execute(
            "UPDATE session SET last_utc = ?, end = ? WHERE id = ?", (now, self._end, self._session)
        )
        self._db.execute(_ADD_PIECE, (None, self._session, first, self._end, 0, *stretch))

    def _pack_all(self) -> None:
        """Pack the seconds that were committed into one piece for each session and minute."""
        rows = self._db.execute(
            "SELECT id, session, first, end, signal, events FROM piece WHERE packed = 0 ORDER BY id"
        ).fetchall()
        for session in dict.fromkeys(row[1] for row in rows):
            self._pack([row for row in rows if row[1] == session])

    def _pack(self, rows: list[tuple[Any, ...]]) -> None:
        """Pack pieces of one session into one; where one is damaged, they stay as they are."""
        try:
            items = [item for row in rows for item in decode(Journal(*row[4:]), str(self.path))]
        except ConfigError:
            ids = [row[0] for row in rows]
            self._db.executemany("UPDATE piece SET packed = 1 WHERE id = ?", [(i,) for i in ids])
            return
        packed = encode(items)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("DELETE FROM piece WHERE id = ?", [(row[0],) for row in rows])
            first, end = min(row[2] for row in rows), max(row[3] for row in rows)
            self._db.execute(_ADD_PIECE, (rows[0][0], rows[0][1], first, end, 1, *packed))
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
