"""When a node sends again what a gateway waits for, and how much of it.

Theory of operation
-------------------
A gateway says every two seconds which packet of a stream it waits for; it keeps what came behind that. Where
this number stands still for ``AGAIN_S`` the packets from there on are missing, a few of them or many:

1. The first ``FEW`` are sent again. Where the gateway then waits for one far behind them, they were all.
2. Where it waits for the one right behind them, more are missing: twice as many follow at once.
3. Where nothing moves, the gateway has no time or is away. It is left alone for twice as long each time, up
   to ``MOST_S``: a gateway that is late must not be sent everything again by all, which would keep it late.

Nothing here reads a clock or waits.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from ecgedge_bridge.forwarding.outflow import Outflow

__all__ = ["AGAIN_S", "FEW", "MOST_S", "Again"]

AGAIN_S = 5.0
"""Twice as long as a gateway takes to say what it has, and half a second."""
FEW = 8
"""Packets: five seconds of an H10. A broker whose queue runs over drops as many of each of 200 wearables."""
MOST_S = 60.0


class Again:
    """Has an outflow send again.

    Parameters
    ----------
    outflow : Outflow
    draw : callable
        A number from 0 to 1: nodes that wait for one gateway do not all send in one moment.

    Attributes
    ----------
    times : int
        How often something was sent again.

    Examples
    --------
    >>> outflow = Outflow()
    >>> for second in range(20):
    ...     outflow.add(bytes([second]))
    ...     outflow.flush()
    ...     _ = outflow.next_unsent()
    >>> again = Again(outflow, draw=lambda: 0.0)
    >>> again.taken(outflow.stream, 3, now_s=0.0)
    >>> again.tick(now_s=5.1)
    >>> [outflow.next_unsent().number for _ in range(8)], outflow.next_unsent()
    ([3, 4, 5, 6, 7, 8, 9, 10], None)
    """

    def __init__(self, outflow: Outflow, draw: Callable[[], float] = random.random) -> None:
        self.times = 0
        self._outflow, self._draw = outflow, draw
        self._since_s = self._patience_s = 0.0
        self._count = self._end = 0  # of what was sent again last
        self._reset(0.0)

    def connected(self, now_s: float) -> None:
        """Send all that is kept again: a broker may have lost what it was given before."""
        self._outflow.send_again()
        self._reset(now_s)

    def taken(self, stream: bytes, number: int, now_s: float) -> None:
        """Hear that the gateway has all packets of a stream before this one."""
        outflow = self._outflow
        if stream != outflow.stream:
            return
        is_new = number > outflow.oldest
        outflow.taken(stream, number)
        if not is_new:
            return
        more = 2 * self._count if self._count and number == self._end else 0
        self._reset(now_s)
        if more:
            self._send(more)

    def tick(self, now_s: float) -> None:
        """Send again where it is time; to be called each second while a gateway is there."""
        if self._outflow.oldest >= self._outflow.sent:
            self._reset(now_s)
        elif now_s - self._since_s > self._patience_s:
            self._since_s = now_s
            self._patience_s = min(2 * self._patience_s, MOST_S)
            self._send(FEW)

    def _reset(self, now_s: float) -> None:
        self._since_s, self._patience_s = now_s, AGAIN_S * (1 + self._draw() / 2)
        self._count = self._end = 0

    def _send(self, count: int) -> None:
        self.times += 1
        self._end = self._outflow.send_again(count)
        self._count = count
