"""Limits of time that hold also for what is done at the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

__all__ = ["time_limit"]


@contextlib.asynccontextmanager
async def time_limit(seconds: float) -> AsyncGenerator[None, None]:
    """Raise TimeoutError after so many seconds, also in a task that was cancelled and tidies up.

    ``asyncio.timeout`` raises CancelledError there up to Python 3.11.2, which Debian 12 has; the rest of what
    has to be tidied up would be left out.

    Raises
    ------
    TimeoutError

    Examples
    --------
    >>> async def main():
    ...     async with time_limit(0.01):
    ...         await asyncio.sleep(10)
    >>> asyncio.run(main())
    Traceback (most recent call last):
    ...
    TimeoutError
    """
    task = asyncio.current_task()
    assert task is not None
    before, timeout = task.cancelling(), asyncio.timeout(seconds)
    try:
        async with timeout:
            yield
    except asyncio.CancelledError as error:
        if timeout.expired() and task.cancelling() <= before:
            raise TimeoutError from error
        raise
