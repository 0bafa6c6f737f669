"""Writing a capture to a file: see ``file.py`` for the layout and for what a crash may leave."""

from __future__ import annotations

import errno
import math
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from ecgedge_bridge.capture.layout import CaptureHeader
from ecgedge_bridge.capture.records import RecordWriter
from ecgedge_bridge.errors import ConfigError

__all__ = ["CaptureWriter"]

_MODE = 0o600
# What a power cut may cost.
_SYNC_S = 1.0


class CaptureWriter(RecordWriter):
    """Write a capture to a file; use it as a context manager.

    Parameters
    ----------
    path : Path
        A file that is not there yet: a capture is never overwritten.
    header : CaptureHeader
        Its description.

    Raises
    ------
    ConfigError
        If the file is there already, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from ecgedge_bridge.capture.file import read_capture
    >>> path = Path(tempfile.mkdtemp()) / "strap.cap"
    >>> heart_rate = "00002a37-0000-1000-8000-00805f9b34fb"
    >>> with CaptureWriter(path, CaptureHeader("H10", "F0:F1", "polar", 0.0, 0.0)) as writer:
    ...     writer.write(heart_rate, bytes([0, 61]), host_time_s=12.5)
    >>> list(read_capture(path))
    [Notification(uuid='00002a37-0000-1000-8000-00805f9b34fb', data=b'\\x00=', host_time_s=12.5)]
    """

    def __init__(self, path: Path, header: CaptureHeader) -> None:
        self.path = path
        try:
            # Unbuffered: what was written is the system's, whatever becomes of this program.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), _MODE)
            self._file = os.fdopen(handle, "wb", buffering=0)
        except FileExistsError:
            raise ConfigError(
                f"{path} is there already, and a capture is not overwritten: choose another file"
            ) from None
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}: choose another file") from error
        # A disk may take long: it is waited for beside the radio, whose notifications are stamped meanwhile.
        self._syncing: Future[None] | None = None
        self._beside = ThreadPoolExecutor(1, "capture-sync")
        self._synced_s = -math.inf
        super().__init__(self._write_all, header)

    def _record(self, uuid: bytes, value: bytes, host_time_s: float) -> None:
        super()._record(uuid, value, host_time_s)
        if not abs(host_time_s - self._synced_s) < _SYNC_S:
            self._synced_s = host_time_s
            self._sync()

    def _sync(self) -> None:
        """Have the disk take what was written, unless it is still at it."""
        if self._syncing is None or self._syncing.done():
            self._check_synced()
            self._syncing = self._beside.submit(_to_disk, self._file.fileno())

    def _check_synced(self) -> None:
        failed = self._syncing.exception() if self._syncing is not None else None
        self._syncing = None
        if isinstance(failed, OSError):
            raise self._full(str(failed.strerror)) from failed

    def _write_all(self, data: bytes) -> None:
        try:
            written = self._file.write(data)
        except OSError as error:
            raise self._full(str(error.strerror)) from error
        if written != len(data):
            raise self._full("the disk took only a part")

    def _full(self, why: str) -> ConfigError:
        return ConfigError(f"cannot write {self.path}: {why}: free some space; what was recorded is kept")

    def close(self) -> None:
        """Close the file, when the disk has it.

        Raises
        ------
        ConfigError
            If the disk does not take it.
        """
        if self._file.closed:
            return
        try:
            self._beside.shutdown()
            self._check_synced()
            _to_disk(self._file.fileno())
        except OSError as error:
            raise self._full(str(error.strerror)) from error
        finally:
            self._file.close()

    def __enter__(self) -> CaptureWriter:
        """Write inside the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def _to_disk(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # nothing that has a disk behind it
            raise
