"""Simulated time: hours of a link in seconds, with every time limit as it is in life.

An event loop whose clock jumps to the next timer as soon as there is nothing left to do. All that waits with
asyncio alone (the link, bumble and the virtual wearables in one process do) then runs as fast as the machine
allows and finds the times it would have found, the same on a slow machine as on a fast one.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# The loop rounds timers down to its clock's resolution; a jump goes a little beyond, or it would spin.
_BEYOND_S = 1e-6


class _JumpingSelector(selectors.DefaultSelector):
    """Where a selector would sleep, move the clock."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; never sleep unless there is no timer at all."""
        ready = super().select(0 if timeout is not None else None)
        if timeout is not None and timeout > 0 and not ready:
            self.now_s += timeout + _BEYOND_S
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop on simulated time, which begins at 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Simulated time in seconds."""
        return self._jumping.now_s


def run_simulated(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in simulated time, as ``asyncio.run`` does in real time.

    Parameters
    ----------
    main : coroutine
        What to run. It must not wait for anything outside of the process.

    Returns
    -------
    object
        What it returns.

    Examples
    --------
    >>> import asyncio
    >>> async def nap():
    ...     await asyncio.sleep(3600)
    ...     return round(asyncio.get_running_loop().time())
    >>> run_simulated(nap())
    3600
    """
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)
