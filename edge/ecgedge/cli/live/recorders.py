"""Recording what a command shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ecgedge.cli.options import RecordOptions
from ecgedge.cli.output import warn
from ecgedge_bridge.errors import ConfigError

if TYPE_CHECKING:
    from ecgedge.monitor import Monitor
    from ecgedge.recording.database.recorder import P, Recorder
    from ecgedge.recording.database.rotation import DailyRecorder
    from ecgedge.sinks.sink import Item

__all__ = ["OpenRecorder", "open_recorder"]


class OpenRecorder:
    """A sink that records where that was asked for, and says on stderr when it cannot."""

    def __init__(self, recorder: Recorder | DailyRecorder | None) -> None:
        self._recorder = recorder
        self._told: str | None = None

    def paths(self) -> list[Path]:
        """Return the files that are recorded to, the newest first."""
        return self._recorder.paths if self._recorder else []

    def place(self, item: P) -> P:
        """Return a block or an event in the count of the file that is gone on with."""
        return self._recorder.place(item) if self._recorder else item

    def take(self, items: Iterable[Item]) -> None:
        """Record what came."""
        if self._recorder:
            self._recorder.take(items)
            self._tell(self._recorder.trouble)

    def close(self) -> None:
        """Write what is left."""
        if self._recorder:
            self._recorder.close()

    def _tell(self, trouble: str | None) -> None:
        if trouble != self._told:
            self._told = trouble
            warn(trouble or "recording again")


def open_recorder(
    options: RecordOptions,
    monitor: Monitor,
    facts: Mapping[str, Any],
    *,
    new: bool = False,
    commit_s: float | None = None,
) -> OpenRecorder:
    """Open what ``--record`` and its like name; ``new`` refuses to go on with a recording,
    ``commit_s`` is how often it is committed.

    Raises
    ------
    ConfigError
        The file cannot be written, is no recording, or another program records to it.
    typer.BadParameter
        Options that go with others.
    """
    if options.record is None:
        if options.daily:
            raise typer.BadParameter("name the file with --record", param_hint="--daily")
        return OpenRecorder(None)
    keeps = {"keep_days": options.keep_days, "keep_mb": options.keep_mb}
    if not options.daily and any(keeps.values()):
        raise typer.BadParameter("old files are deleted with --daily alone", param_hint="--keep-days")
    if new and options.record.exists():
        raise ConfigError(f"{options.record} is there already: choose another name")
    from ecgedge import __version__
    from ecgedge.recording.database.recorder import COMMIT_S, Recorder
    from ecgedge.recording.database.rotation import DailyRecorder

    often = COMMIT_S if commit_s is None else commit_s
    known = {"ecgedge": __version__, "models": monitor.models.digests(), **facts}
    if options.daily:
        return OpenRecorder(DailyRecorder(options.record, known, commit_s=often, **keeps))  # type: ignore[arg-type]
    return OpenRecorder(Recorder(options.record, known, commit_s=often))
