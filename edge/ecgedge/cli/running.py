"""Running what is asynchronous until it ends or is stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer

__all__ = ["run_until_stopped"]

T = TypeVar("T")
_SIGTERM_STATUS = 128 + signal.SIGTERM


def run_until_stopped(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine; SIGTERM cancels it as Ctrl-C does, so that the measurement is stopped.

    Raises
    ------
    typer.Exit
        Status 143 after SIGTERM.
    """

    async def guarded() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await main

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise typer.Exit(_SIGTERM_STATUS) from None
