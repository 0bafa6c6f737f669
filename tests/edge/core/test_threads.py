"""Threads: monitors of their own say what they say alone, and an object that all misuse stays whole."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from misuse import Misuse
from recipes import made

from ecgedge import Models, Monitor
from ecgedge.arithmetic.core import core
from ecgedge.beats.detector import CoreDetector
from ecgedge.beats.net import BeatNet
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.stream.ring import Ring
from ecgedge_bridge.values import SampleBlock

pytestmark = pytest.mark.skipif(core is None, reason="no compiled core here")
FS, THREADS = 130.0, 4


@pytest.fixture(autouse=True)
def _often() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """What each thread gives; an error of one is raised here."""
    gives: list[Any] = [None] * threads
    errors: list[BaseException] = []
    begin = threading.Barrier(threads)

    def one(i: int) -> None:
        try:
            begin.wait()
            gives[i] = work(i)
        except BaseException as error:
            errors.append(error)

    running = [threading.Thread(target=one, args=(i,)) for i in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]
    return gives


def test_monitors_of_two_threads_say_what_each_says_alone() -> None:
    models = Models.load("core")
    signals = [synthesize([Segment("sinus", 40), Segment("pvc", 20)], FS, seed=i).mv for i in range(2)]

    def events(i: int) -> list[dict[str, Any]]:
        monitor = Monitor(models)
        x = signals[i]
        found = [e for at in range(0, len(x), 73) for e in monitor.feed(SampleBlock(x[at : at + 73], FS, at))]
        return [e.to_json() for e in found + monitor.finish()]

    alone = [events(0), events(1)]
    assert alone[0] != alone[1]
    assert together(events, 2) == alone


def test_detectors_that_share_a_network_find_the_same_beats_in_any_thread() -> None:
    net = BeatNet.load()
    signals = [synthesize([Segment("sinus", 30)], 100.0, seed=i).mv for i in range(THREADS)]

    def beats(i: int) -> list[tuple[float, float]]:
        ring, detector = Ring(1000), CoreDetector(net)
        found = []
        for at in range(0, len(signals[i]), 100):
            ring.write(signals[i][at : at + 100])
            found += detector.advance(ring, ended=False)
        return found

    alone = [beats(i) for i in range(THREADS)]
    assert all(alone)
    assert together(beats) == alone


def test_one_network_in_many_threads_gives_the_same_probabilities() -> None:
    rng = np.random.default_rng(1)
    net, windows = made("BeatNet", rng), rng.normal(0, 1, (THREADS, 220)).astype(np.float32)
    alone = [net.run(window) for window in windows]
    assert together(lambda i: {net.run(windows[i]) for _ in range(200)}) == [{p} for p in alone]


def test_objects_that_all_threads_misuse_stay_whole() -> None:
    shared = Misuse(core, 1)

    def misuse(i: int) -> list[str]:
        mine = Misuse(core, i)
        mine.objects = shared.objects
        return mine.run(1500).problems

    assert together(misuse) == [[]] * THREADS
