"""Running what is asynchronous until it ends or is stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

__all__ = ["run_until_stopped"]

T = TypeVar("T")
# A service manager's way to end a program, and a terminal's that goes away: a closed window or ssh session.
_ENDINGS = (signal.SIGTERM, signal.SIGHUP)


def run_until_stopped(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine; SIGTERM and SIGHUP cancel it as Ctrl-C does, so that the measurement is stopped.

    A SIGHUP that is ignored, as under ``nohup``, stays ignored.

    Raises
    ------
    typer.Exit
        Status 143 after SIGTERM, 129 after SIGHUP.
    """
    told: list[int] = []

    async def guarded() -> T:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def end(number: int) -> None:
            # A second one, which shells send, must not cut short the stopping.
            if not told:
                task.cancel()
            told.append(number)

        for number in _ENDINGS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, end, number)
        return await main

    try:
        return asyncio.run(guarded())
    except (asyncio.CancelledError, OSError):
        # After SIGHUP there may be no terminal to write to: OSError.
        if not told:
            raise
        raise typer.Exit(128 + told[0]) from None
