"""Many wearables in one process: the events of each are those of a monitor of its own."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ecgedge
from ecgedge.demo.synthetic import Segment, synthesize

FS = 130.0
KINDS = {"sinus": 64.0, "af": 100.0, "pvc": 75.0}


@pytest.fixture(scope="module")
def models():
    return ecgedge.Models.load()


@pytest.fixture(scope="module")
def signals():
    return {kind: synthesize([Segment(kind, 45.0, bpm)], FS, seed=3).mv for kind, bpm in KINDS.items()}


def alone(models, mv):
    monitor = ecgedge.Monitor(models)
    return monitor.feed(ecgedge.SampleBlock(mv, FS)) + monitor.finish()


def test_wearables_do_not_touch_each_other(models, signals):
    fleet = ecgedge.Fleet(models)
    found = {kind: [] for kind in signals}
    for at in range(0, 5850, 73):
        for kind, mv in signals.items():
            found[kind] += fleet.feed(kind, ecgedge.SampleBlock(mv[at : at + 73], FS))
    for kind, last in fleet.finish_all():
        found[kind] += last
    assert len(fleet) == 0
    for kind, mv in signals.items():
        assert found[kind] == alone(models, mv)
        assert any(isinstance(event, ecgedge.Beat) for event in found[kind])


def test_threads_may_feed_different_wearables(models, signals):
    fleet = ecgedge.Fleet(models)

    def run(kind):
        events = []
        for at in range(0, 5850, 73):
            events += fleet.feed(kind, ecgedge.SampleBlock(signals[kind][at : at + 73], FS))
        return events + fleet.finish(kind)

    with ThreadPoolExecutor(3) as pool:
        for kind, events in zip(signals, pool.map(run, signals), strict=True):
            assert events == alone(models, signals[kind])


def test_models_are_shared(models):
    fleet = ecgedge.Fleet(models)
    assert fleet.models is models
    fleet.feed("a", ecgedge.SampleBlock(np.zeros(10, np.float32), FS))
    assert fleet.stats("a").samples == 10
    assert "a" in fleet
    assert list(fleet) == ["a"]


def test_more_wearables_than_allowed_are_refused_until_one_has_gone(models):
    fleet = ecgedge.Fleet(models, most=2)
    block = ecgedge.SampleBlock(np.zeros(10, np.float32), FS)
    for name in ("a", "b", "a"):
        fleet.feed(name, block)
    with pytest.raises(ecgedge.ConfigError, match="2 wearables already"):
        fleet.feed("c", block)
    fleet.finish("a")
    fleet.feed("c", block)
    assert sorted(fleet) == ["b", "c"]


@pytest.mark.parametrize(("name", "error"), [("", ValueError), ("x" * 201, ValueError), (3, TypeError)])
def test_what_is_no_name_is_refused(models, name, error):
    with pytest.raises(error, match="name"):
        ecgedge.Fleet(models).feed(name, ecgedge.SampleBlock(np.zeros(10, np.float32), FS))


def test_wrong_options_show_when_the_fleet_is_made(models):
    with pytest.raises(ValueError, match="most"):
        ecgedge.Fleet(models, most=0)
    with pytest.raises(ValueError, match="HRV"):
        ecgedge.Fleet(models, hrv_window_s=1.0)


def test_who_was_never_fed_cannot_be_finished(models):
    with pytest.raises(KeyError):
        ecgedge.Fleet(models).finish("nobody")
