"""Where a browser keeps files, as the recordings need it, and its errors as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

__all__ = ["Files", "OpenFile", "StorageError"]

# Names of DOMExceptions of the File System standard (WHATWG), and of quotas.
_WORDS = {
    "QuotaExceededError": "there is no more room for recordings: delete some, or free space on the phone",
    "NotFoundError": "there is no such recording: look at the list again",
    "NoModificationAllowedError": "another window holds this recording: close it there",
    "NotReadableError": "the recording was changed or deleted meanwhile: look at the list again",
    "InvalidStateError": "the recording is closed already: reload the page",
    "SecurityError": "the browser gives this page no storage: open it in a window that is not private",
    "NotAllowedError": "the browser gives this page no storage: open it in a window that is not private",
}


class StorageError(Exception):
    """A DOMException of a browser's storage.

    Parameters
    ----------
    name : str
        Its name, such as ``QuotaExceededError``.
    message : str
        The browser's words.

    Examples
    --------
    >>> print(str(StorageError("QuotaExceededError"))[:37])
    there is no more room for recordings:
    """

    def __init__(self, name: str, message: str = "") -> None:
        known = f"the phone's storage failed ({message or name}): reload the page"
        super().__init__(_WORDS.get(name, known))
        self.dom_name = name


class OpenFile(Protocol):
    """A file that is open, to be written or to be read; what fails is a :class:`StorageError`."""

    def append(self, data: bytes) -> None:
        """Write at the end; the disk has all of it when this returns, or nothing."""

    def size(self) -> int:
        """Length in bytes."""

    def read(self, at: int, n: int) -> bytes:
        """Return ``n`` bytes from ``at`` on, fewer at the end."""

    def close(self) -> None:
        """Give the file back."""


class Files(Protocol):
    """A flat folder of files; what fails is a :class:`StorageError`."""

    async def names(self) -> Sequence[tuple[str, int]]:
        """Names and lengths in bytes."""

    async def create(self, name: str) -> OpenFile:
        """Make a file that is empty, and open it to be written."""

    async def open(self, name: str) -> OpenFile:
        """Open a file to be read."""

    async def take(self, name: str) -> Any:
        """Return a file as the browser has it, for the page."""

    async def put(self, name: str, file: Any) -> None:
        """Keep a file of the browser's, whole or not at all."""

    async def remove(self, name: str) -> None:
        """Delete a file."""
