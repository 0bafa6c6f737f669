"""What of a list is done already."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ecgedge.scale.places import Input
from ecgedge.scale.plan import Plan
from ecgedge.scale.receipts import done_before
from ecgedge.scale.task import Outcome

__all__ = ["sorted_out"]

_AT_ONCE = 16  # questions to a store, each of which takes some tens of milliseconds


def sorted_out(inputs: Sequence[Input], plan: Plan) -> tuple[list[Outcome], list[Input]]:
    """Return what became of the recordings that are done and unchanged, and the others."""
    done: list[Outcome] = []
    left: list[Input] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        receipts = pool.map(lambda given: done_before(given, plan), inputs)
        for given, receipt in zip(inputs, receipts, strict=True):
            if receipt is None:
                left.append(given)
            else:
                done.append(Outcome.of(receipt))
    return done, left
