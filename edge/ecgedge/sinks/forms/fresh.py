"""New files that take their places together, or leave nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from ecgedge.sinks.saving import new_file, writing
from ecgedge.sinks.sink import Item
from ecgedge_bridge.files import atomic_file

__all__ = ["FreshFiles", "FreshSink"]

_MODE = 0o600  # somebody's heart


class FreshFiles:
    """Files that belong together.

    Their names are taken at once, so that an hour's work does not end with "is there already".

    Parameters
    ----------
    paths : sequence of Path
        The one that says that all are there comes last: a record's header.
    force : bool
        Whether files that are there already may be replaced.
    sources : sequence of Path
        What is read meanwhile, which is never replaced.

    Raises
    ------
    ConfigError
        If one cannot be written, is there already, or is a source.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.edf"
    >>> files = FreshFiles([path])
    >>> _ = files.open(path).write(b"0")
    >>> path.read_bytes()
    b''
    >>> _ = files.keep()
    >>> path.read_bytes()
    b'0'
    """

    def __init__(self, paths: Sequence[Path], *, force: bool = False, sources: Sequence[Path] = ()) -> None:
        self._paths = paths
        self._taken: list[Path] = []  # names that stand for nothing yet
        self._opened: dict[Path, ExitStack] = {}
        try:
            for path in paths:
                fresh = not path.exists()
                same = (one for one in sources if not fresh and one.exists() and path.samefile(one))
                new_file(path, force=force, source=next(same, None))
                self._taken += [path] * fresh
        except BaseException:
            self.drop()
            raise

    def open(self, path: Path) -> IO[bytes]:
        """Open one of them; what is written has its place after :meth:`keep`."""
        stack = self._opened.setdefault(path, ExitStack())
        with writing(path):
            return stack.enter_context(atomic_file(path, _MODE))

    def keep(self) -> list[Path]:
        """Put all that were opened in their places, and take away the others, which are of another stream."""
        written = [path for path in self._paths if path in self._opened]
        for path in self._paths:
            with writing(path):
                if stack := self._opened.pop(path, None):
                    stack.close()
                else:
                    path.unlink(missing_ok=True)
        self._taken.clear()
        return written

    def drop(self) -> None:
        """Leave everything as it was."""
        for stack in self._opened.values():
            with suppress(_DropError, OSError), stack:
                raise _DropError
        self._opened.clear()
        for path in self._taken:
            with suppress(OSError):
                if not path.stat().st_size:
                    path.unlink()
        self._taken.clear()


class FreshSink:
    """A sink whose files take their places once the stream has ended and all was kept, or leave nothing.

    Parameters
    ----------
    path : Path
        The file that errors name.
    files : FreshFiles

    Attributes
    ----------
    written : list of Path
        Files that are in their places.
    """

    def __init__(self, path: Path, files: FreshFiles) -> None:
        self.path, self._files = path, files
        self.written: list[Path] = []
        self._broken = self._closed = False

    def take(self, items: Iterable[Item]) -> None:
        """Keep what came."""
        try:
            with writing(self.path):
                for item in items:
                    self._take(item)
        except BaseException:
            self._broken = True
            raise

    def close(self) -> None:
        """Put the files in their places, or none where nothing came or not all of it could be kept."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._broken and self._came():
                with writing(self.path):
                    self._write(self._files)
                self.written = self._files.keep()
        finally:
            self._let_go()
            self._files.drop()

    def _take(self, item: Item) -> None:
        raise NotImplementedError

    def _came(self) -> bool:
        """Whether there is anything to be written."""
        return True

    def _write(self, files: FreshFiles) -> None:
        """Write what is left."""
        raise NotImplementedError

    def _let_go(self) -> None:
        """Give back what was opened besides the files."""


class _DropError(Exception):
    """Tells a file that it is not wanted."""
