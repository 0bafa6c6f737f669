"""Files and folders that are whole or not there: written beside their place, synced to the disk, renamed.

The order follows from what a crash may leave behind. The content is synced before the rename, or a file could
be in its place and empty after a power cut; the folder is synced after it, or the rename itself could be lost
(Pillai et al., OSDI 2014, found both in programs that skip a step).

What writes needs modules that take as long to import as all the rest, so they are imported when it does.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

FILE_MODE, FOLDER_MODE = 0o644, 0o755  # tempfile makes what only its owner can read
MOST_TEXT = 1 << 20  # descriptions of devices and recipes have some kB


def open_file(path: str | Path) -> IO[bytes]:
    """Open a file for reading; never a pipe or a device, which may block for ever or never end.

    Raises
    ------
    OSError
        There is no such file, or it is none; ``strerror`` says so.

    Examples
    --------
    >>> open_file("/dev/null")
    Traceback (most recent call last):
    OSError: [Errno 22] not a regular file: '/dev/null'
    """
    file = Path(path)
    if file.exists() and not file.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(file))
    return file.open("rb")


def read_text(path: str | Path, most: int = MOST_TEXT, encoding: str = "utf-8") -> str:
    """Read a text of at most ``most`` bytes.

    Raises
    ------
    OSError
        As :func:`open_file`, or there is more of it.
    UnicodeDecodeError
        It is in another encoding.
    """
    with open_file(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"more than {most} bytes", str(path))
    return data.decode(encoding)


def write_atomically(path: str | Path, data: bytes | str, mode: int = FILE_MODE) -> None:
    """Write a file, whole or not at all; text becomes UTF-8.

    Raises
    ------
    OSError
        It cannot be written; what was there before still is.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "a.json", "{}")
    ...     Path(folder, "a.json").read_text(), os.listdir(folder)
    ('{}', ['a.json'])
    """
    with atomic_file(path, mode) as file:
        file.write(data.encode() if isinstance(data, str) else data)


@contextmanager
def atomic_file(path: str | Path, mode: int = FILE_MODE) -> Iterator[IO[bytes]]:
    """Open a file that takes its place when the block ends, and never does if the block raises."""
    import tempfile

    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two programs that write the same file do not write into each other's.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
        Path(name).chmod(mode)
        publish(Path(name), target)
    finally:
        Path(name).unlink(missing_ok=True)


def publish(fresh: Path, target: Path) -> None:
    """Rename a finished file or folder to its place on the same disk, and wait until the disk has both.

    A folder replaces one that is there: the old one stands aside until the new one is in place, comes back if
    that fails, and no Ctrl-C falls between the two steps.
    """
    for path in [*sorted(fresh.rglob("*")), fresh] if fresh.is_dir() else [fresh]:
        _sync(path)
    with _undisturbed():
        if fresh.is_dir() and target.is_dir():
            _exchange(fresh, target)
        else:
            fresh.replace(target)
    _sync(target.parent)


def install_folder(made: Path, target: Path) -> None:
    """Copy a finished folder to its place, whole or not at all; a folder that is there is replaced.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made, target = Path(folder, "made"), Path(folder, "package", "gate")
    ...     made.mkdir()
    ...     _ = (made / "gate.json").write_text("{}")
    ...     install_folder(made, target)
    ...     [path.name for path in target.iterdir()]
    ['gate.json']
    """
    import shutil
    import tempfile

    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
        fresh = Path(shutil.copytree(made, Path(beside) / target.name))
        fresh.chmod(FOLDER_MODE)
        publish(fresh, target)


def _exchange(fresh: Path, target: Path) -> None:
    import shutil
    import tempfile

    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent)) / target.name
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Put Ctrl-C and SIGTERM off until the block ends.

    By Python's handlers, not by a mask of the thread: a masked signal goes to another thread, and Python then
    raises KeyboardInterrupt here all the same.
    """
    if threading.current_thread() is not threading.main_thread():  # signals never interrupt another one
        yield
        return
    came: list[int] = []
    put_off = signal.SIGINT, signal.SIGTERM
    before = {number: signal.signal(number, lambda came_now, _: came.append(came_now)) for number in put_off}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for each in came:
            signal.raise_signal(each)


def _sync(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, is on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows opens no folders, and writes names through
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
