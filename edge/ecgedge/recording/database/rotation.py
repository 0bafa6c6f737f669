"""A file for each day, and old ones deleted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ecgedge.events import Mark
from ecgedge.recording.database.events import Stored
from ecgedge.recording.database.recorder import COMMIT_S, P, Recorder
from ecgedge.recording.database.store import SUFFIX, errors

__all__ = ["DailyRecorder", "base_of"]

# What SQLite and the lock leave beside a recording.
_BESIDE = ("", "-wal", "-shm", ".lock")


def base_of(path: Path) -> Path:
    """Return the name that ``--record`` was given, of a day's file or of itself.

    Examples
    --------
    >>> base_of(Path("ecg-2026-11-29.db")).name, base_of(Path("ecg.db")).name
    ('ecg.db', 'ecg.db')
    """
    stem = re.sub(r"-\d{4}-\d\d-\d\d$", "", path.name.removesuffix(SUFFIX))
    return path.with_name(stem + SUFFIX)


class DailyRecorder:
    """A :class:`ecgedge.Recorder` that begins a new file at each midnight of the wearer's time zone.

    Of ``ecg.db`` the files are ``ecg-2026-11-29.db`` and so on. The stream goes on from file to file, its
    count too.

    Parameters
    ----------
    path : str or path-like
        The name without the day.
    facts, wall_clock, commit_s
        As for the recorder.
    keep_days : int, optional
        Files of days before the last so many are deleted; None keeps all.
    keep_mb : float, optional
        The oldest files are deleted while all take more than that; the newest stays.

    Raises
    ------
    ConfigError
        As the recorder does.

    Examples
    --------
    >>> import tempfile
    >>> with DailyRecorder(tempfile.mkdtemp() + "/ecg.db", wall_clock=lambda: 1_800_000_000.0) as recorder:
    ...     recorder.path.name
    'ecg-2027-01-15.db'
    """

    def __init__(
        self,
        path: str | PathLike[str],
        facts: Mapping[str, Any] | None = None,
        *,
        keep_days: int | None = None,
        keep_mb: float | None = None,
        wall_clock: Callable[[], float] = time.time,
        commit_s: float = COMMIT_S,
    ) -> None:
        self._path, self._commit_s = Path(fspath(path)).expanduser(), commit_s
        self._facts = dict(facts or {})
        self._keep_days, self._keep_mb = keep_days, keep_mb
        self._clock = wall_clock
        self._day = self._today()
        self._recorder = self._open()

    def __enter__(self) -> DailyRecorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The file of today."""
        return self._recorder.path

    @property
    def paths(self) -> list[Path]:
        """The files of all days, the newest first."""
        return [path for _, path in sorted(self._files(), reverse=True)]

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written at the moment."""
        return self._recorder.trouble

    def place(self, item: P) -> P:
        """See :meth:`ecgedge.Recorder.place`."""
        return self._recorder.place(item)

    def take(self, items: Iterable[Stored]) -> None:
        """Keep what came, in the file of the day on which it came."""
        if self._today() != self._day and not self._recorder.trouble:
            self._day = self._today()
            self._recorder.close()
            self._recorder = self._open(self._recorder)
        self._recorder.take(items)

    def mark(self, text: str = "") -> Mark:
        """See :meth:`ecgedge.Recorder.mark`."""
        return self._recorder.mark(text)

    def close(self) -> None:
        """Close the file of today."""
        self._recorder.close()

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock()).date()

    def _open(self, before: Recorder | None = None) -> Recorder:
        path = self._path.with_name(f"{self._stem}-{self._day.isoformat()}{SUFFIX}")
        facts = self._facts | ({"goes_on_from": before.path.name} if before else {})
        recorder = Recorder(path, facts, after=before, wall_clock=self._clock, commit_s=self._commit_s)
        self._delete_old()
        return recorder

    @property
    def _stem(self) -> str:
        return self._path.name.removesuffix(SUFFIX)

    def _delete_old(self) -> None:
        """Delete what is too old or too much; never the file of today, nor one that is not ours by name."""
        files = list(self._files())
        old = [] if self._keep_days is None else self._before(files, self._keep_days)
        if self._keep_mb is not None:
            kept = [path for _, path in sorted(files, reverse=True) if path not in old]
            total = 0.0
            for place, path in enumerate(kept):
                total += path.stat().st_size / 1e6
                if place and total > self._keep_mb:
                    old.append(path)
        for path in old:
            for ending in _BESIDE:
                with errors(path):
                    path.with_name(path.name + ending).unlink(missing_ok=True)

    def _before(self, files: list[tuple[date, Path]], days: int) -> list[Path]:
        oldest = self._day - timedelta(days=days)
        return [path for day, path in files if day <= oldest]

    def _files(self) -> Iterator[tuple[date, Path]]:
        form = re.compile(re.escape(self._stem) + r"-(\d{4}-\d\d-\d\d)" + re.escape(SUFFIX))
        for path in self._path.parent.iterdir():
            if (found := form.fullmatch(path.name)) and path.is_file():
                try:
                    yield date.fromisoformat(found[1]), path
                except ValueError:  # of the 31st of February: not ours
                    continue
