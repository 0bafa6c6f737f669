"""Files that keep what was received."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.sinks.about import NOTHING_KNOWN, About
from ecgedge.sinks.lines import JsonLines
from ecgedge.sinks.sink import Item
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["CsvSink", "JsonFile", "NewFile", "expanded", "new_file", "writing"]


def new_file(target: str | Path, *, force: bool = False, source: Path | None = None) -> Path:
    """Make an empty file that only its owner reads: it holds somebody's ECG.

    Parameters
    ----------
    target : str or Path
        Where; a leading ``~`` is somebody's home.
    force : bool
        Whether a file that is there already may be replaced.
    source : Path, optional
        A file that is being read, which is never replaced, by whatever name it is called.

    Raises
    ------
    ConfigError
        If it is there already, is the source, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = new_file(tempfile.mkdtemp() + "/ecg.csv")
    >>> new_file(path, force=True) == path
    True
    """
    with writing(target):
        path = expanded(target)
        if source is not None and path.exists() and source.exists() and path.samefile(source):
            raise ConfigError(f"{target} is what is read: save to another file")
        if force and path.exists():
            return path
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError as error:
            raise ConfigError(
                f"{target} is there already: choose another name, or replace it with --force"
            ) from error
        return path


def expanded(target: str | Path) -> Path:
    """Return a path with its ``~`` in full; ConfigError where there is no such user."""
    try:
        return Path(target).expanduser()
    except RuntimeError as error:  # ~nosuchuser
        raise ConfigError(f"{target}: no such user: check the path") from error


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turn what the system says while a file is written into one that names it."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot write {path}: {why}: choose another file") from error


class NewFile:
    """A sink that writes a new file while a stream goes on.

    Parameters
    ----------
    path : str or Path
        A new file. It is removed again if nothing comes for it.
    force, source
        See :func:`new_file`.
    about : About
        What is known of the stream.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        force: bool = False,
        source: Path | None = None,
        about: About = NOTHING_KNOWN,
    ) -> None:
        self._path = new_file(path, force=force, source=source)
        self._about = about
        with writing(path):
            self._open()

    def _open(self) -> None:
        """Open what writes it."""

    def _leave_nothing(self) -> None:
        if self._path.is_file():
            self._path.unlink()


class CsvSink(NewFile):
    """The ECG as text, which ``ecgedge replay`` reads back; see :class:`NewFile`."""

    def _open(self) -> None:
        self._any = False
        self._writer = CsvWriter(self._path)

    def take(self, items: Iterable[Item]) -> None:
        """Write the blocks of ECG."""
        for item in items:
            if isinstance(item, SampleBlock):
                with writing(self._path):
                    self._writer.write(item)
                self._any = True

    def close(self) -> None:
        """Close the file."""
        with writing(self._path):
            self._writer.close()
            if not self._any:
                self._leave_nothing()


class JsonFile(NewFile):
    """The events as JSON lines; see :class:`NewFile`."""

    def _open(self) -> None:
        self._lines = JsonLines(self._path.open("w", encoding="utf-8"), owned=True)

    def take(self, items: Iterable[Item]) -> None:
        """Write the events."""
        with writing(self._path):
            self._lines.take(items)

    def close(self) -> None:
        """Close the file."""
        with writing(self._path):
            self._lines.close()
            if self._path.is_file() and not self._path.stat().st_size:
                self._leave_nothing()
