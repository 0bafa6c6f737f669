"""The companion as JavaScript calls it: texts in JSON, and bytes.

The only place that touches JavaScript's objects, and it needs nothing but what they are: no module of
Pyodide's is imported. So no proxy is left over on either side: what crosses is a number, a text, bytes, or a
file that is the browser's and only passed on. ``edge/phone/app/worker.js`` is the other side.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ecgedge.phone.companion import Companion, sentence
from ecgedge.phone.storage import OpenFile, StorageError
from ecgedge_bridge.link.web_radio import WebError

__all__ = ["App"]


class App:
    """What the worker holds.

    Parameters
    ----------
    side : object
        JavaScript's side: ``ask(do, what, data)`` resolves to a text in JSON, ``{result}`` or
        ``{error, name}``, or to the bytes that were read; ``post(text)`` and ``send(bytes)``; ``files``, see
        ``recordings.js``.
    """

    def __init__(self, side: Any) -> None:
        self._side = side
        self._companion = Companion(self, _Files(side.files), self._post)

    async def call(self, name: str, args: str, file: Any = None) -> Any:
        """Answer a call of the page.

        Parameters
        ----------
        name, args : str
            Which one, and what with, in JSON.
        file : object, optional
            A file of the browser's that goes with it.

        Returns
        -------
        str or object
            JSON, ``{result}`` or ``{error}``; or a file of the browser's.
        """
        try:
            _be_patient(asyncio.get_running_loop())
            given = json.loads(args)
            result = await self._companion.call(name, given if file is None else {**given, "file": file})
            return json.dumps({"result": result}) if name != "take" else result
        except (Exception, asyncio.CancelledError) as error:
            return json.dumps({"error": sentence(error)})

    def notified(self, uuid: str, data: Any) -> None:
        """Pass a notification on; ``data`` is a Uint8Array."""
        self._companion.notified(uuid, data.to_bytes())

    def disconnected(self) -> None:
        """Pass on that the connection is gone."""
        self._companion.disconnected()

    async def ask(self, do: str, *, data: bytes | None = None, **what: Any) -> Any:
        """Ask the page, see :class:`~ecgedge_bridge.link.web_radio.Page`."""
        answer = await self._side.ask(do, json.dumps(what), data)
        if not isinstance(answer, str):
            return answer.to_bytes()
        said = json.loads(answer)
        if "error" in said:
            raise WebError(str(said.get("name", "")), str(said["error"]))
        return said.get("result")

    def _post(self, message: str | bytes) -> None:
        (self._side.post if isinstance(message, str) else self._side.send)(message)


def _be_patient(loop: Any) -> None:
    """Have a browser's event loop take what is due already.

    Pyodide's refuses a time that has passed. asyncio looks at the clock, decides that a time limit is still
    to come, and sets it a moment later: then it has.
    """
    if "call_later" in vars(loop):
        return
    call_later = loop.call_later

    def later(delay: float, *args: Any, **options: Any) -> Any:
        return call_later(max(delay, 0.0), *args, **options)

    loop.call_later = later


@contextmanager
def _storage() -> Iterator[None]:
    """A DOMException of the storage as what it is here."""
    try:
        yield
    except Exception as error:
        name, words = getattr(error, "name", type(error).__name__), getattr(error, "message", str(error))
        raise StorageError(str(name), str(words)) from error


class _OpenFile:
    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def append(self, data: bytes) -> None:
        with _storage():
            self._handle.append(data)

    def size(self) -> int:
        with _storage():
            return int(self._handle.size())

    def read(self, at: int, n: int) -> bytes:
        with _storage():
            return bytes(self._handle.read(at, n).to_bytes())

    def close(self) -> None:
        with _storage():
            self._handle.close()


class _Files:
    def __init__(self, files: Any) -> None:
        self._files = files

    async def names(self) -> Sequence[tuple[str, int]]:
        with _storage():
            return [(str(name), int(size)) for name, size in json.loads(await self._files.names())]

    async def create(self, name: str) -> OpenFile:
        with _storage():
            return _OpenFile(await self._files.create(name))

    async def open(self, name: str) -> OpenFile:
        with _storage():
            return _OpenFile(await self._files.open(name))

    async def take(self, name: str) -> Any:
        with _storage():
            return await self._files.take(name)

    async def put(self, name: str, file: Any) -> None:
        with _storage():
            await self._files.put(name, file)

    async def remove(self, name: str) -> None:
        with _storage():
            await self._files.remove(name)
