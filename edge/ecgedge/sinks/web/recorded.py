"""Strips that are no longer in memory, from the recording that goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

from ecgedge.events import Beat
from ecgedge.recording.database.stored import StoredRecording
from ecgedge_bridge.errors import ConfigError

__all__ = ["Recorded"]

# Files that are opened for one strip: a week of days.
_MOST_FILES = 7


class Recorded:
    """Strips of a recording.

    Parameters
    ----------
    files : callable
        Names the files, the newest first.

    Examples
    --------
    >>> import tempfile, numpy as np, ecgedge
    >>> path = Path(tempfile.mkdtemp()) / "ecg.db"
    >>> with ecgedge.Recorder(path) as recorder:
    ...     recorder.take([ecgedge.SampleBlock(np.zeros(1300, np.float32), fs=130.0, sample=0)])
    >>> len(Recorded(lambda: [path])(2.0, 5.0)["mv"])
    650
    """

    def __init__(self, files: Callable[[], Iterable[Path]]) -> None:
        self._files = files

    def __call__(self, start_s: float, seconds: float) -> dict[str, Any] | None:
        """Return a strip, None where no file has it."""
        for _, path in takewhile(lambda one: one[0] < _MOST_FILES, enumerate(self._files())):
            try:
                with StoredRecording(path) as stored:
                    if (found := _strip(stored, start_s, start_s + seconds)) is not None:
                        return found
            except ConfigError:  # deleted meanwhile, or damaged: another may have it
                continue
        return None


def _strip(stored: StoredRecording, start_s: float, end_s: float) -> dict[str, Any] | None:
    mv = stored.signal(start_s, end_s)
    fs = next((session.fs for session in stored.sessions), 0.0)
    values = [round(value, 4) if math.isfinite(value) else None for value in mv.tolist()]
    if not any(value is not None for value in values):
        return None
    beats = [event for event in stored.events(start_s, end_s) if isinstance(event, Beat)]
    return {
        "start_s": start_s,
        "fs": fs,
        "mv": values,
        "beats": [{"at_s": beat.time_s, "symbol": beat.symbol} for beat in beats],
    }
