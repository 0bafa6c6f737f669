"""Recordings through the monitor on the phone: shown on the page, or as the lines of the command line."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, closing, suppress
from typing import Any

from ecgedge.monitor import Models, Monitor
from ecgedge.phone.screen import Screen
from ecgedge.sinks.ending import Ending
from ecgedge.sinks.lines import JsonLines
from ecgedge.sinks.plain import plain
from ecgedge.sinks.replayed import capture_values, in_pieces, replayed
from ecgedge.sinks.sink import Several, Sink
from ecgedge_bridge.capture.file import Capture
from ecgedge_bridge.capture.replay import replay
from ecgedge_bridge.values import Acceleration

__all__ = ["Replay", "event_lines"]

# Then others have their turn: a page feels what takes longer.
_TURN_S = 0.02
_END = object()


async def event_lines(capture: Capture, models: Models) -> str:
    """Return what ``ecgedge replay FILE --json`` prints."""
    out, ending, monitor = io.StringIO(), Ending(), Monitor(models)
    sink = Several([JsonLines(out), ending])
    await _run(replayed(capture_values(capture), monitor, sink))
    sink.close()
    return out.getvalue() + ending.line(monitor.stats)


class Replay:
    """A recording that is shown on the page; its task is done when all of it was, or after :meth:`stop`.

    Parameters
    ----------
    opened : asynchronous context manager of Capture
        The recording.
    screen : Screen
    models : Models
    speed : float, optional
        Times real time; None as fast as it goes.
    """

    def __init__(
        self,
        opened: AbstractAsyncContextManager[Capture],
        screen: Screen,
        models: Models,
        speed: float | None = None,
    ) -> None:
        self._opened, self._screen, self._models, self._speed = opened, screen, models, speed
        self._begun = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run(), name="replay")

    async def opened(self) -> None:
        """Wait until it is shown.

        Raises
        ------
        ConfigError, StorageError
            It cannot be read.
        """
        await asyncio.wait([self.task, self._begun], return_when=asyncio.FIRST_COMPLETED)
        if not self.is_open and not self.task.cancelled():
            await self.task

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return self._begun.done()

    async def stop(self) -> None:
        """Stop it; what was shown stays."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait([self.task])

    async def _run(self) -> None:
        async with self._opened as capture:
            values = (value for value in replay(capture) if not isinstance(value, Acceleration))
            sink = self._screen.show(
                plain(capture.header.name), start_unix_s=capture.header.started_unix_s, speed=self._speed
            )
            self._begun.set_result(None)
            with closing(sink):
                await self._play(values, sink)

    async def _play(self, values: Iterable[Any], sink: Sink) -> None:
        monitor = Monitor(self._models)
        if self._speed is None:
            await _run(replayed(values, monitor, sink))
        else:
            pieces = _Ahead(in_pieces(values))
            await _run(replayed(pieces, monitor, sink), pieces, self._speed)


class _Ahead(Iterator[Any]):
    """Values, and when the next one is due."""

    def __init__(self, pieces: Iterable[tuple[float | None, Any]]) -> None:
        self._pieces = iter(pieces)
        self._next = next(self._pieces, None)

    @property
    def due_s(self) -> float | None:
        """Second of the stream at which the next value ends; None for at once."""
        return None if self._next is None else self._next[0]

    def __next__(self) -> Any:
        if self._next is None:
            raise StopIteration
        value, self._next = self._next[1], next(self._pieces, None)
        return value


async def _run(steps: Generator[None, None, None], pieces: _Ahead | None = None, speed: float = 1.0) -> None:
    """Go through all steps, each no sooner than its time, and give others their turn."""
    loop = asyncio.get_running_loop()
    turn_s = loop.time()
    began_s: float | None = None
    with closing(steps):
        while True:
            wait_s = 0.0
            if pieces is not None and (due_s := pieces.due_s) is not None:
                began_s = loop.time() - due_s / speed if began_s is None else began_s
                wait_s = began_s + due_s / speed - loop.time()
            if wait_s > 0 or loop.time() - turn_s > _TURN_S:
                await asyncio.sleep(max(wait_s, 0.0))
                turn_s = loop.time()
            if next(steps, _END) is _END:
                return
