"""What forms share whose head is known at the end alone: signal on disk, labels in mind, files at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ecgedge.recording.span import moved
from ecgedge.sinks.about import NOTHING_KNOWN, About
from ecgedge.sinks.forms.fresh import FreshFiles, FreshSink
from ecgedge.sinks.forms.labels import Labels
from ecgedge.sinks.forms.spool import Spool
from ecgedge.sinks.saving import expanded, writing
from ecgedge.sinks.sink import Item
from ecgedge_bridge.values import Acceleration, SampleBlock

__all__ = ["WholeFile"]


class WholeFile(FreshSink):
    """A sink that writes when the stream has ended.

    Parameters
    ----------
    path : str or Path
        A new file.
    force : bool
        Whether it may be replaced if it is there already.
    source : Path, optional
        What is read meanwhile, which is never replaced.
    about : About
        What is known of the stream.

    Raises
    ------
    ConfigError
        If it cannot be written. Files that were there are then as they were.
    """

    endings: Sequence[str] = ()  # of further files, in the order in which they are put in their places

    def __init__(
        self,
        path: str | Path,
        *,
        force: bool = False,
        source: Path | None = None,
        about: About = NOTHING_KNOWN,
    ) -> None:
        self.path, self.about, self.start = expanded(path), about, about.start
        self._check()
        beside = [self.path.with_suffix(ending) for ending in self.endings]
        files = FreshFiles([*beside, self.path], force=force, sources=_of_source(source))
        super().__init__(self.path, files)
        try:
            with writing(self.path):
                self.spool = Spool(self.path.parent)
        except BaseException:
            files.drop()
            raise
        self.labels = Labels(all_events=bool(about.events))
        self._origin: int | None = None

    def told(self) -> tuple[dict[str, object], str]:
        """Return what is to be known of the file, for programs and in words."""
        return {}, ""

    def _check(self) -> None:
        """Refuse a name that the form cannot have."""

    def _came(self) -> bool:
        return bool(self.spool.end)

    def _let_go(self) -> None:
        self.spool.close()

    def _take(self, item: Item) -> None:
        if isinstance(item, Acceleration):
            return
        if isinstance(item, SampleBlock):
            item = self._placed(item)
            self.spool.add(item)
            return
        if self._origin and self.spool.fs:
            item = moved(item, -self._origin, -self._origin / self.spool.fs)
        if not self.about.signal_alone:
            self._label(item)

    def _label(self, item: Item) -> None:
        self.labels.take(item)

    def _placed(self, block: SampleBlock) -> SampleBlock:
        """A live stream begins with its first block, whatever its recorder has counted before."""
        if self._origin is None:
            live = block.host_time_s is not None
            self._origin = block.sample if live else 0
            if self.start is None and live:
                self.start = datetime.now(UTC) - timedelta(seconds=len(block.samples) / block.fs)
        return replace(block, sample=block.sample - self._origin) if self._origin else block


def _of_source(source: Path | None) -> list[Path]:
    """Files that a name may stand for: a WFDB record is named without its endings."""
    if source is None:
        return []
    names = [source, source.with_name(source.name + ".hea")] if source.name else [source]
    stem = source.with_suffix("") if source.suffix in (".hea", ".dat") else source
    return [*names, *(stem.with_name(stem.name + end) for end in (".hea", ".dat", ".atr") if stem.name)]
