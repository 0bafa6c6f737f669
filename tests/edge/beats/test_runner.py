"""One runner of the network for all monitors: threads that use it at once get what each would get alone."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ecgedge.beats.net import LENGTH, BeatNet, Runner, runner

NET = BeatNet.load()
THREADS, RUNS = 4, 300


@pytest.fixture
def restless():
    """Threads that take turns after every few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_monitors_share_the_runner_of_their_network():
    assert runner(NET) is runner(BeatNet.load())


def test_threads_that_share_a_runner_do_not_mix_their_signals(restless):
    signals = np.random.default_rng(0).normal(size=(THREADS, LENGTH)).astype(np.float32)
    alone = [Runner(NET)(x) for x in signals]
    shared = runner(NET)
    assert not np.array_equal(alone[0], alone[1])

    def wrong(i):
        return sum(not np.array_equal(shared(signals[i]), alone[i]) for _ in range(RUNS))

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(wrong, range(THREADS))) == 0


def test_what_a_run_gave_stays_as_it_was():
    first = runner(NET)(np.full(LENGTH, 0.5, np.float32))
    kept = first.copy()
    runner(NET)(np.linspace(-1, 1, LENGTH, dtype=np.float32))
    assert np.array_equal(first, kept)
