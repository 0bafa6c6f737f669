"""How far a training is, as lines: a bar, the loss, and the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable

Log = Callable[[str], None]
WIDTH = 20


def epoch_log(
    log: Log, who: str, clock: Callable[[], float] = time.monotonic
) -> Callable[[int, int, float], None]:
    """Return a callable for (epochs done, epochs in all, mean loss), which logs a line for each.

    The time left is logged from the second epoch on, since a training may have gone on from a checkpoint.

    Examples
    --------
    >>> seconds = iter([0.0, 90.0])
    >>> log_epoch = epoch_log(print, "student 1", lambda: next(seconds))
    >>> log_epoch(1, 4, 0.7)
    student 1: [#####---------------] 1/4, loss 0.7000
    >>> log_epoch(2, 4, 0.6)
    student 1: [##########----------] 2/4, loss 0.6000, 3 min left
    """
    first: list[tuple[float, int]] = []

    def log_epoch(done: int, of: int, loss: float) -> None:
        now = clock()
        first[:] = first or [(now, done)]
        began, before = first[0]
        filled = WIDTH * done // of
        line = f"{who}: [{'#' * filled}{'-' * (WIDTH - filled)}] {done}/{of}, loss {loss:.4f}"
        if before < done < of:
            left = (now - began) / (done - before) * (of - done)
            line += f", {left / 60:.0f} min left" if left >= 90 else f", {left:.0f} s left"
        log(line)

    return log_epoch
