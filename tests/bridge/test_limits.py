"""A limit of time holds also for what a cancelled task does at its end."""

from __future__ import annotations

import asyncio

import pytest

from ecgedge_bridge.limits import time_limit


async def ended(tidy: bool) -> list[str]:
    """What a task came to that waits for ever, is cancelled, and tidies up what takes too long."""
    told: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            if tidy:
                try:
                    async with time_limit(0.01):
                        await asyncio.sleep(3600)
                except TimeoutError:
                    told.append("late")
                told.append("the rest")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    return told


async def test_it_holds_in_a_task_that_was_cancelled() -> None:
    assert await ended(tidy=True) == ["late", "the rest"]
    assert await ended(tidy=False) == []


async def test_who_is_cancelled_within_it_is_cancelled() -> None:
    async def work() -> None:
        async with time_limit(3600):
            await asyncio.sleep(3600)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_is_in_time_is_as_without() -> None:
    async with time_limit(3600):
        await asyncio.sleep(0)
    with pytest.raises(KeyError):
        async with time_limit(3600):
            raise KeyError("x")
    with pytest.raises(TimeoutError):
        async with time_limit(0):
            await asyncio.sleep(1)
