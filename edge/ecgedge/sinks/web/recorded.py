"""Strips that are no longer in memory, from the recording that goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge.events import Beat
from ecgedge.recording.database.stored import StoredRecording
from ecgedge.sinks.web.kept import strip_json
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
        for path in islice(self._files(), _MOST_FILES):
            try:
                with StoredRecording(path) as stored:
                    if (found := _strip(stored, start_s, start_s + seconds)) is not None:
                        return found
            except ConfigError:  # deleted meanwhile, or damaged: another may have it
                continue
        return None


def _strip(stored: StoredRecording, start_s: float, end_s: float) -> dict[str, Any] | None:
    mv = stored.signal(start_s, end_s)
    if not np.isfinite(mv).any():
        return None
    fs = stored.sessions[0].fs
    beats = (event for event in stored.events(start_s, end_s) if isinstance(event, Beat))
    return strip_json(start_s, fs, mv, beats)
