"""The inbox between the radio and whoever reads: waiting for what comes, with one timer for all waits."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from ecgedge_bridge import run_simulated
from ecgedge_bridge.link.conversation import Inbox
from ecgedge_bridge.simulation.time import SimulatedLoop


class Counting(SimulatedLoop):
    """A loop that counts the timers that are set."""

    timers = 0

    def call_later(self, delay: float, *args: Any, **options: Any) -> Any:
        self.timers += 1
        return super().call_later(delay, *args, **options)


def now_s() -> float:
    return round(asyncio.get_running_loop().time(), 3)


def test_a_wait_ends_with_what_comes_or_with_its_time() -> None:
    async def run() -> list[tuple[bool, float]]:
        inbox, loop = Inbox(10), asyncio.get_running_loop()
        ends = [(await inbox.wait(2.0), now_s())]
        loop.call_later(1.0, inbox.put, "it", b"")
        ends.append((await inbox.wait(2.0), now_s()))
        loop.call_later(0.5, inbox.close)
        ends.append((await inbox.wait(2.0), now_s()))
        ends.append((await inbox.wait(0.0), now_s()))
        ends.append((await inbox.wait(-1.0), now_s()))
        return ends

    assert run_simulated(run()) == [(False, 2.0), (True, 3.0), (True, 3.5), (False, 3.5), (False, 3.5)]


def test_a_shorter_wait_after_a_longer_one_ends_in_time_and_the_other_way_round() -> None:
    async def run() -> list[float]:
        inbox, loop = Inbox(10), asyncio.get_running_loop()
        ends = []
        for patience_s in (40.0, 3.0, 0.3, 5.0, 40.0, 1.0):
            loop.call_later(0.1, inbox.put, "it", b"")
            assert await inbox.wait(patience_s)
            began_s = now_s()
            assert not await inbox.wait(patience_s / 2)
            ends.append(round(now_s() - began_s, 3))
        return ends

    assert run_simulated(run()) == [20.0, 1.5, 0.15, 2.5, 20.0, 0.5]


def test_a_wait_that_was_given_up_disturbs_none_of_the_next() -> None:
    async def run() -> None:
        inbox = Inbox(10)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await inbox.wait(2.0)
        assert now_s() == 0.5
        assert not await inbox.wait(4.0)
        assert now_s() == 4.5

    run_simulated(run())


def test_a_strap_that_sends_for_an_hour_sets_few_timers() -> None:
    async def strap(inbox: Inbox) -> None:
        for _ in range(6400):
            await asyncio.sleep(0.5625)
            inbox.put("it", b"")

    async def run() -> int:
        inbox, loop = Inbox(10), asyncio.get_running_loop()
        assert isinstance(loop, Counting)
        sends = asyncio.create_task(strap(inbox))
        before = loop.timers
        while not sends.done():
            assert await inbox.wait(3.0)
            inbox.take()
        return loop.timers - before - 6400  # those of the strap itself

    with asyncio.Runner(loop_factory=Counting) as runner:
        assert runner.run(run()) < 3600 / 2
