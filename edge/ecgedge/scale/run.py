"""The driver: hands recordings to workers, a few at a time, and takes what became of them."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

from ecgedge.scale.parts import OutError
from ecgedge.scale.places import Input
from ecgedge.scale.plan import Plan
from ecgedge.scale.receipts import Failure
from ecgedge.scale.task import Outcome, do, fail
from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import EcgEdgeError

__all__ = ["RunError", "outcomes"]

# For each thread of a worker: one that it works on, and one that waits.
_AHEAD = 2
# Without workers yet, so that a cluster that grows with its work does.
_LEAST = 4
# For a result of some hundred bytes. One whose worker has died is not waited for, but computed again.
_ANSWER_S = 30
_LOOK_S = 1.0  # between looks whether the scheduler is still there
_ALONE = 2  # deaths after which a recording is analysed with nothing beside it
_COUNT_S = 5.0  # between counts of the workers, which may come and go


class RunError(EcgEdgeError):
    """The run cannot go on; what was done is kept."""


def outcomes(
    client: Any, plan: Plan, inputs: Sequence[Input], tell: Callable[[str], None] = lambda _: None
) -> Iterator[Outcome]:
    """Have recordings analysed, and yield what became of each, in the order in which they end.

    A worker that dies takes its recordings with it. They are handed out again among the others, and after a
    second death alone, so that only the one that kills its workers is blamed.

    Parameters
    ----------
    client : distributed.Client
    plan : Plan
    inputs : sequence of Input
    tell : callable
        Is given sentences for the user.

    Raises
    ------
    RunError
        No recording of the run can be done: the folder cannot be written, the scheduler went away.
    """
    waiting, suspects = deque(inputs), deque[Input]()
    deaths: Counter[Input] = Counter()
    flight = _Flight(client, plan, tell)
    try:
        while waiting or suspects or len(flight):
            while waiting and len(flight) < flight.room():
                flight.start(waiting.popleft())
            if suspects and not len(flight):
                flight.start(suspects.popleft())
            for given, outcome in flight.landed():
                if outcome is not None:
                    yield _checked(outcome)
                    continue
                deaths[given] += 1
                if deaths[given] > _ALONE:
                    yield _checked(fail(given, plan, _killed(given)))
                else:
                    (waiting if deaths[given] < _ALONE else suspects).append(given)
    except OutError as error:
        raise RunError(f"{error}: make room, and go on with --resume") from error
    finally:
        flight.cancel()


def _checked(outcome: Outcome) -> Outcome:
    if outcome.stop:
        raise RunError(outcome.stop)
    return outcome


def _killed(given: Input) -> Failure:
    why = "its worker died three times, at last with nothing beside it"
    return Failure("killed", f"{given.name}: {why}: give it more memory, or look at it with 'ecgedge replay'")


class _Flight:
    """The tasks that the scheduler knows of."""

    def __init__(self, client: Any, plan: Plan, tell: Callable[[str], None]) -> None:
        self._client, self._plan, self._tell = client, plan, tell
        self._wait = library("distributed", "scale").wait
        self._tasks: dict[Any, Input] = {}
        self._threads, self._counted_s, self._told = 0, float("-inf"), False
        # Dask takes two tasks of one key for the same, of other runs on its cluster too.
        self._run, self._number = uuid4().hex[:12], 0

    def __len__(self) -> int:
        return len(self._tasks)

    def room(self) -> int:
        """How many tasks may be there at a time."""
        if time.monotonic() - self._counted_s > _COUNT_S:
            with _asking():
                self._threads = sum(self._client.nthreads().values())
            self._counted_s = time.monotonic()
            if not self._threads and not self._told:
                self._told = True
                self._tell("the cluster has no workers: waiting for them")
        return max(_AHEAD * self._threads, _LEAST)

    def start(self, given: Input) -> None:
        """Hand a recording over."""
        self._number += 1
        key = f"ecgedge-{self._run}-{self._number}"
        with _asking():
            self._tasks[self._client.submit(do, given, self._plan, key=key, pure=False)] = given

    def landed(self) -> Iterator[tuple[Input, Outcome | None]]:
        """Wait for tasks to end, for a moment; yield each with its outcome, None where its worker died."""
        with _asking(), suppress(TimeoutError):
            self._wait(list(self._tasks), timeout=_LOOK_S, return_when="FIRST_COMPLETED")
        if self._client.status != "running":
            raise RunError(_GONE)
        ended = [task for task in self._tasks if task.done()]
        while ended:  # the scheduler forgets a task when nobody holds it
            task = ended.pop()
            try:
                outcome = _outcome(task)
            except _LostError:
                continue
            yield self._tasks.pop(task), outcome

    def cancel(self) -> None:
        """Take back what did not end."""
        if self._tasks and self._client.status == "running":
            with suppress(Exception):  # the scheduler may be going away
                self._client.cancel(list(self._tasks), force=True)
        self._tasks.clear()


class _LostError(Exception):
    """A worker died with what it had found: the scheduler has it computed again."""


def _outcome(task: Any) -> Outcome | None:
    """Return what became of a task, None where its worker died.

    Raises
    ------
    _LostError
        It was done, and is not any more.
    RunError
        The scheduler is away, or workers cannot do it.
    """
    from distributed.comm.core import CommClosedError

    if task.status in ("pending", "lost"):
        raise _LostError
    try:
        if task.status != "error":
            outcome: Outcome = task.result(timeout=_ANSWER_S)
            return outcome
        error = task.exception(timeout=_ANSWER_S)
    except TimeoutError as slow:
        raise _LostError from slow
    except (CommClosedError, CancelledError, RuntimeError) as gone:
        raise RunError(_GONE) from gone
    except Exception as raised:  # it was lost meanwhile, and failed when it was done again
        error = raised
    if type(error).__name__ == "KilledWorker":
        return None
    # A task returns its errors; this one could not be started.
    what = f"{type(error).__name__}: {plain(str(error))}"
    raise RunError(f"a worker cannot run it ({what}): install the same ecgedge[scale] everywhere")


@contextmanager
def _asking() -> Iterator[None]:
    """Turn what Dask raises when its scheduler is away into an error of the run."""
    from distributed.comm.core import CommClosedError

    try:
        yield
    except (CommClosedError, CancelledError, TimeoutError, RuntimeError) as error:
        raise RunError(_GONE) from error


_GONE = "the scheduler went away: start one again, and go on with --resume"
