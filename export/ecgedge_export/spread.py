"""Work on recordings: one after the other, or on the workers of a cluster; the results are in their order.

The cluster is the one of ``ecgedge batch``: processes of this machine, or a Dask scheduler that runs already,
whose workers see the same files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ecgedge.monitor import Models, Monitor
from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import ConfigError, EcgEdgeError

__all__ = ["Chosen", "Spread", "here", "spread"]

T = TypeVar("T")
R = TypeVar("R")

# For each thread of a worker: one that it works on, and one that waits.
_AHEAD = 2
# A worker may be killed for what another one did to its machine; who kills three is to blame.
_TRIES = 3


class Spread(Protocol):
    """Does work for each item, and yields what comes of it in the order of the items.

    Work and items are sent to other processes: a function of a module, or a ``partial`` of one.
    """

    def __call__(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        """Yield ``work(item)`` for each item; raise what it raises."""
        ...


class Chosen(NamedTuple):
    """Which models work on the recordings: a backend, and model folders by their tasks.

    Examples
    --------
    >>> Chosen("litert").monitor().reset()
    """

    backend: str
    folders: tuple[tuple[str, Path], ...] = ()

    def models(self) -> Models:
        """Load them."""
        return Models.load(self.backend, **dict(self.folders))

    def monitor(self) -> Monitor:
        """Give this process's monitor of them; who takes it resets it.

        A model that was written anew meanwhile is loaded anew.
        """
        files = sorted(file for _, folder in self.folders for file in folder.glob("*"))
        return _monitor(self, tuple((str(file), file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=1)
def _monitor(chosen: Chosen, _state: tuple[tuple[str, int], ...]) -> Monitor:
    return Monitor(chosen.models())


def here(work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
    """Do it in this process, one after the other.

    Examples
    --------
    >>> list(here(abs, [-1, 2]))
    [1, 2]
    """
    return map(work, items)


@contextmanager
def spread(workers: int | None = None, scheduler: str | None = None) -> Iterator[Spread]:
    """Give what does the work: this process, own workers, or a cluster's.

    Parameters
    ----------
    workers : int, optional
        Processes of this machine.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://HOST:PORT``.

    Raises
    ------
    ConfigError
        The extra ``scale`` is not installed, both are given, or no scheduler answers.

    Examples
    --------
    ::

        with spread(workers=8) as each:
            for found in each(analysed, paths):
                ...
    """
    if workers is not None and scheduler is not None:
        raise ConfigError("a cluster has its own workers: give a scheduler or a number of workers, not both")
    if scheduler is None and (workers is None or workers == 1):
        yield here
        return
    from ecgedge.scale.cluster import open_cluster

    with open_cluster(workers or 1, scheduler) as client:
        yield _Cluster(client)


class _Done(NamedTuple, Generic[R]):
    """What a worker sends back: a result, or the error without what led to it, which may be endless."""

    result: R | None
    error: EcgEdgeError | None = None


def _safely(work: Callable[[T], R], item: T) -> _Done[R]:
    try:
        return _Done(work(item))
    except EcgEdgeError as error:
        return _Done(None, error.with_traceback(None))
    except Exception as error:
        raise RuntimeError(f"{type(error).__name__}: {plain(str(error))[:300]}") from None


class _Cluster:
    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        waiting: deque[tuple[T, Any]] = deque()
        rest = iter(items)
        try:
            while True:
                room = max(_AHEAD * sum(self._client.nthreads().values()), _AHEAD)
                while len(waiting) < room:
                    try:
                        item = next(rest)
                    except StopIteration:
                        break
                    waiting.append((item, self._start(work, item)))
                if not waiting:
                    return
                item, task = waiting.popleft()
                yield self._result(work, item, task)
        finally:
            if waiting and self._client.status == "running":
                self._client.cancel([task for _, task in waiting], force=True)

    def _start(self, work: Callable[[T], R], item: T) -> Any:
        return self._client.submit(_safely, work, item, pure=False)

    def _result(self, work: Callable[[T], R], item: T, task: Any) -> R:
        from distributed import KilledWorker

        for tried in range(1, _TRIES + 1):
            try:
                done: _Done[R] = task.result()
                break
            except KilledWorker:
                if tried == _TRIES:
                    raise ConfigError(
                        f"three workers died at {plain(str(item))[:100]}: give them more memory"
                    ) from None
                task = self._start(work, item)
            except RuntimeError as error:
                raise ConfigError(
                    f"a worker cannot do it ({plain(str(error))[:300]}): "
                    "install the same ecgedge[scale,export] everywhere"
                ) from None
        if done.error is not None:
            raise done.error
        return done.result  # type: ignore[return-value]  # the error stands for it
