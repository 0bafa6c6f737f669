"""What is lost on the way comes again soon, and a gateway that is late is not sent everything again."""

from __future__ import annotations

import numpy as np
import pytest

from ecgedge_bridge.forwarding.again import AGAIN_S, FEW, MOST_S, Again
from ecgedge_bridge.forwarding.inflow import Inflow
from ecgedge_bridge.forwarding.outflow import Outflow

STEP_S, SAYS_S = 0.5, 2.0  # a packet, and how often a gateway says what it has


class Way:
    """A node, a gateway, and between them a broker that loses what is sent for the first time."""

    def __init__(self, lost: set[int]) -> None:
        self.outflow, self.inflow = Outflow(stream=bytes(8)), Inflow(0, 3600.0)
        self.again = Again(self.outflow, draw=lambda: 0.5)
        self.got: list[int] = []
        self.sent = 0
        self._lost = set(lost)

    def step(self, at: int, *, makes: bool, answers: bool = True) -> None:
        now_s = at * STEP_S
        if makes:
            self.outflow.add(bytes([at % 256]))
            self.outflow.flush()
        self.again.tick(now_s)
        while (packet := self.outflow.next_unsent()) is not None:
            self.sent += 1
            if packet.number in self._lost:
                self._lost.discard(packet.number)
            elif answers:
                self.got += [taken.number for taken in self.inflow.take(packet, now_s)]
        if answers and not now_s % SAYS_S:
            self.again.taken(self.outflow.stream, self.inflow.next, now_s)


@pytest.mark.parametrize(
    "lost",
    [{7}, set(range(5, 12)), set(range(3, 400)), set(range(0, 300, 40)), {599}, set(range(590, 600))],
    ids=["one", "few", "many", "one of forty", "the last", "the end"],
)
def test_all_comes_once_and_little_is_sent_twice(lost: set[int]) -> None:
    way = Way(lost)
    for at in range(600):
        way.step(at, makes=True)
    for at in range(600, 800):
        way.step(at, makes=False)
    assert way.got == list(range(600))
    assert not len(way.outflow)
    holes = sum(number - 1 not in lost for number in lost)
    assert way.sent <= 600 + 3 * len(lost) + 2 * FEW * holes


def test_a_long_hole_is_filled_faster_than_new_packets_come() -> None:
    way = Way(set(range(100, 400)))
    for at in range(460):
        way.step(at, makes=True)
    assert way.got == list(range(460))  # within half a minute of 150 s


def test_whatever_is_lost_all_comes() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        way = Way(set(np.flatnonzero(rng.random(300) < rng.uniform(0, 0.3)).tolist()))
        for at in range(5000):
            way.step(at, makes=at < 300)
        assert way.got == list(range(300))


def test_a_gateway_that_stands_still_is_left_alone() -> None:
    way = Way(set())
    minutes = 20
    for at in range(round(minutes * 60 / STEP_S)):
        way.step(at, makes=True, answers=False)
    made = way.outflow.packets
    assert way.sent - made <= FEW * (5 + minutes * 60 / MOST_S)
    assert way.again.times > 10


def test_after_a_connection_all_is_sent_again() -> None:
    way = Way(set(range(50)))
    for at in range(8):
        way.step(at, makes=True, answers=False)
    assert way.sent == 8
    way.again.connected(8 * STEP_S)
    way.step(8, makes=True)
    assert way.sent == 8 + 9


def test_what_is_of_another_stream_changes_nothing() -> None:
    way = Way(set(range(50)))
    for at in range(4):
        way.step(at, makes=True, answers=False)
    way.again.taken(bytes([1] * 8), 4, 0.0)
    assert len(way.outflow) == 4
    assert way.again.times == 0
    assert AGAIN_S > SAYS_S
