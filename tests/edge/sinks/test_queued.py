"""A sink behind a queue: the stream never waits for it, nothing grows, and every item is accounted for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import numpy as np
import pytest

from ecgedge.events import Battery
from ecgedge.sinks.queued import NotDelivered, Queued
from ecgedge.sinks.sink import Item
from ecgedge_bridge.values import SampleBlock

DELAY_S = 0.05  # what an event may be delayed by a sink


def event(n: int) -> Battery:
    return Battery(n, n / 130, n % 101)


class Receiver:
    """Takes what comes while its door is open."""

    def __init__(self, *, open_: bool = True, fails: int = 0) -> None:
        self.got: list[Item] = []
        self.door = threading.Event()
        self.fails, self.closed, self.calls = fails, False, 0
        if open_:
            self.door.set()

    def take(self, items: Iterable[Item]) -> None:
        items = list(items)
        self.door.wait(30)
        if items and self.calls < self.fails:
            self.calls += 1
            raise NotDelivered("nobody there")
        self.got += items

    def close(self) -> None:
        self.closed = True


def slowest_take_s(sink: Queued, count: int) -> float:
    slowest = 0.0
    for n in range(count):
        began = time.perf_counter()
        sink.take([event(n)])
        slowest = max(slowest, time.perf_counter() - began)
    return slowest


def test_all_is_delivered_in_order_and_closed_by_the_thread() -> None:
    receiver, told = Receiver(), list[str]()
    sink = Queued(receiver, "x", tell=told.append)
    for n in range(1000):
        sink.take([event(n)])
    sink.close()
    assert [item.sample for item in receiver.got] == list(range(1000))  # type: ignore[union-attr]
    assert receiver.closed
    assert (sink.missed, told) == (0, [])


def test_a_stuck_sink_delays_nothing_and_what_it_misses_is_counted_and_told() -> None:
    receiver, told = Receiver(open_=False), list[str]()
    sink = Queued(receiver, "x", tell=told.append, most=100, close_s=0.2)
    # The best of three: a machine that is busy with other tests may stand still for longer by itself.
    assert min(slowest_take_s(sink, 20_000) for _ in range(3)) < DELAY_S
    began = time.monotonic()
    sink.close()
    assert time.monotonic() - began < 1.0
    # It holds one batch, which it never finishes; at most 100 waited at any time.
    assert sink.missed == 60_000
    assert told == ["x: missed 60000 items in all"]
    receiver.door.set()
    time.sleep(0.2)
    assert sink.missed == 60_000  # counted once, although the batch was taken in the end


def test_what_fails_after_the_end_is_counted_once() -> None:
    receiver = Receiver(open_=False, fails=1)
    sink = Queued(receiver, "x", close_s=0.1)
    sink.take([event(0), event(1)])
    time.sleep(0.05)
    sink.close()
    assert sink.missed == 2
    receiver.door.set()  # now it raises, about items that count as missed already
    time.sleep(0.2)
    assert (sink.missed, receiver.calls) == (2, 1)


def test_the_newest_items_stay_when_there_is_no_room() -> None:
    receiver = Receiver(open_=False)
    sink = Queued(receiver, "x", most=10)
    sink.take([event(-1)])
    time.sleep(0.05)  # the thread holds it now
    for n in range(100):
        sink.take([event(n)])
    receiver.door.set()
    sink.close()
    assert [item.sample for item in receiver.got] == [-1, *range(90, 100)]  # type: ignore[union-attr]
    assert sink.missed == 90


def test_trouble_is_told_once_and_its_end_too() -> None:
    receiver, told = Receiver(fails=3), list[str]()
    sink = Queued(receiver, "mqtt://pi", tell=told.append)
    for n in range(5):
        sink.take([event(n)])
        time.sleep(0.03)
    sink.close()
    assert sink.missed + len(receiver.got) == 5
    assert sink.missed == 3
    assert told == [
        "mqtt://pi: nobody there: what comes meanwhile is missed, and counted",
        "mqtt://pi: works again; missed 3 so far",
        "mqtt://pi: missed 3 items in all",
    ]


def test_any_error_of_a_sink_is_a_line_and_never_ends_the_stream() -> None:
    class Broken(Receiver):
        def take(self, items: Iterable[Item]) -> None:
            if list(items):
                raise RuntimeError("a\x1b[2Jbug")

        def close(self) -> None:
            raise OSError("gone")

    told: list[str] = []
    sink = Queued(Broken(), "x", tell=told.append)
    sink.take([event(0), event(1)])
    sink.close()
    assert sink.missed == 2
    assert told[0] == r"x: a\x1b[2Jbug: what comes meanwhile is missed, and counted"


def test_a_sink_gets_the_kinds_that_it_is_for() -> None:
    receiver = Receiver()
    block = SampleBlock(np.zeros(3, np.float32), 130.0, 0)
    sink = Queued(receiver, "x", kinds=(SampleBlock,))
    sink.take([event(0), block])
    sink.close()
    assert receiver.got == [block]


def test_a_file_waits_for_a_slow_sink_and_loses_nothing() -> None:
    class Slow(Receiver):
        def take(self, items: Iterable[Item]) -> None:
            super().take(items)
            time.sleep(0.001)

    receiver = Slow()
    sink = Queued(receiver, "x", most=10, patience_s=5.0)
    for n in range(2000):
        sink.take([event(n)])
    sink.close()
    assert (len(receiver.got), sink.missed) == (2000, 0)


def test_a_file_does_not_wait_for_ever() -> None:
    sink = Queued(Receiver(open_=False), "x", most=1, patience_s=0.2, close_s=0.1)
    began = time.monotonic()
    for n in range(40):
        sink.take([event(n)])
    assert time.monotonic() - began < 1.0
    sink.close()
    assert sink.missed == 40


def test_a_batch_larger_than_the_queue_is_accounted_for() -> None:
    receiver = Receiver(open_=False)
    sink = Queued(receiver, "x", most=10)
    sink.take([event(-1)])
    time.sleep(0.05)
    sink.take([event(n) for n in range(25)])
    receiver.door.set()
    sink.close()
    assert sink.missed + len(receiver.got) == 26


def test_it_is_called_while_nothing_comes() -> None:
    called = threading.Event()

    class Idle(Receiver):
        def take(self, items: Iterable[Item]) -> None:
            called.set()

    sink = Queued(Idle(), "x")
    assert called.wait(2)
    sink.close()


@pytest.mark.parametrize("senders", [3])
def test_several_threads_may_feed_it(senders: int) -> None:
    receiver = Receiver()
    sink = Queued(receiver, "x", most=50)
    threads = [threading.Thread(target=slowest_take_s, args=(sink, 2000)) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.close()
    assert sink.missed + len(receiver.got) == 2000 * senders


def test_a_sink_that_rests_is_given_what_came_meanwhile_together_and_all_of_it_at_the_end() -> None:
    served: list[list[Item]] = []
    began = threading.Event()

    class Served(Receiver):
        def take(self, items: Iterable[Item]) -> None:
            if items := list(items):
                served.append(items)
                began.set()

    sink = Queued(Served(), "x", rest_s=3600)
    sink.take([event(0)])
    assert began.wait(10)
    for n in range(1, 1000):
        sink.take([event(n)])
    assert len(served) == 1  # it rests
    sink.close()
    assert [item.sample for items in served for item in items] == list(range(1000))  # type: ignore[union-attr]
    assert (len(served), sink.missed) == (2, 0)
