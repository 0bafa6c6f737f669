"""Many wearables in one process: a monitor for each, and all that has no memory shared between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy.typing as npt

from ecgedge.events import Event
from ecgedge.monitor import Models, Monitor
from ecgedge.stream.stats import MonitorStats
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

MOST = 10_000  # a process of 1 GB: each wearable takes some 100 kB
LONGEST_NAME = 200


class Fleet:
    """Monitors by name. Models and filter designs are there once; each wearable adds its own state.

    A wearable is known from its first block on, until :meth:`finish`. Several threads may feed a fleet, each
    wearable from one at a time.

    Parameters
    ----------
    models : Models, optional
        None loads those in the package.
    backend : str
        For models in the package, see :class:`ecgedge.Monitor`.
    most : int
        Wearables at most, 1 or more: so many names that are never finished must not fill memory.
    **options
        Of each :class:`ecgedge.Monitor`: ``hrv_window_s``, ``waves``, ``tokens``.

    Raises
    ------
    ModelError, ConfigError, ValueError
        As :class:`ecgedge.Monitor` does; ``most`` below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ecgedge import SampleBlock
    >>> fleet = Fleet()
    >>> flat = SampleBlock(np.zeros(1430, np.float32), 130.0)
    >>> [event.reasons for event in fleet.feed("bed 1", flat) + fleet.feed("bed 2", flat)]
    []
    >>> len(fleet), [event.reasons for event in fleet.finish("bed 1")], len(fleet)
    (2, [('flat',)], 1)
    """

    def __init__(
        self, models: Models | None = None, backend: str = "auto", *, most: int = MOST, **options: Any
    ) -> None:
        if most < 1:
            raise ValueError(f"most is {most}: give 1 or more wearables")
        self.models = models or Models.load(backend)
        self._most, self._options = most, options
        self._monitors: dict[str, Monitor] = {}
        Monitor(self.models, **options)  # what is wrong with the options shows here, not at the first block

    def __len__(self) -> int:
        return len(self._monitors)

    def __contains__(self, wearable: str) -> bool:
        return wearable in self._monitors

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._monitors))

    def feed(self, wearable: str, block: SampleBlock | npt.ArrayLike) -> list[Event]:
        """Take a block of one wearable, return what it led to; see :meth:`ecgedge.Monitor.feed`.

        Raises
        ------
        ConfigError
            There are as many wearables as may be, or the block's rate is impossible or another one.
        TypeError, ValueError
            The samples are no one-dimensional array of numbers, or the name is none.
        RuntimeError
            Another thread is feeding this wearable.
        """
        monitor = self._monitors.get(wearable)
        return (monitor or self._new(wearable)).feed(block)

    def finish(self, wearable: str) -> list[Event]:
        """Flush what is pending of one wearable, and forget it.

        Raises
        ------
        KeyError
            No block of it has come.
        """
        return self._monitors.pop(wearable).finish()

    def finish_all(self) -> Iterator[tuple[str, list[Event]]]:
        """Flush and forget all, one after the other: names with their last events."""
        for wearable in self:
            yield wearable, self.finish(wearable)

    def stats(self, wearable: str) -> MonitorStats:
        """Counters of one wearable.

        Raises
        ------
        KeyError
            No block of it has come.
        """
        return self._monitors[wearable].stats

    def _new(self, wearable: str) -> Monitor:
        if not isinstance(wearable, str):
            raise TypeError(f"a wearable's name is text, not {type(wearable).__name__}")
        if not 0 < len(wearable) <= LONGEST_NAME:
            raise ValueError(f"a wearable's name has 1 to {LONGEST_NAME} characters, not {len(wearable)}")
        if len(self._monitors) >= self._most:
            raise ConfigError(
                f"there are {self._most} wearables already: finish() those that have gone, or make the fleet "
                "with a larger most"
            )
        # Two threads with the same new name get one monitor.
        return self._monitors.setdefault(wearable, Monitor(self.models, **self._options))
