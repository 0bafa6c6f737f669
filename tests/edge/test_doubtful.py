"""A short recording whose only window is doubtful gets an answer, and the doubt is in it."""

from dataclasses import replace

import numpy as np
import pytest

import ecgedge
from ecgedge import Models, Monitor, Rhythm, SampleBlock
from ecgedge.demo.synthetic import Segment, synthesize

FS = 130.0


@pytest.fixture(scope="module")
def models():
    return Models.load()


def strict(models, usable=0.8):
    """A gate that refuses all, and says of everything that it is usable with the same probability."""
    gate = models.gate
    log_odds = float(np.log(usable / (1 - usable)))
    return replace(models, gate=replace(gate, threshold=0.999999, slope=1e-12, offset=log_odds))


def ecg(kind, seconds, bpm=72.0):
    return synthesize([Segment(kind, float(seconds), bpm)], FS, seed=5).mv.astype(np.float64)


@pytest.mark.parametrize("seconds", [9.5, 10, 11.5, 12.5, 19.5])
@pytest.mark.parametrize("kind", ["sinus", "af"])
def test_a_doubtful_recording_is_named_with_less_confidence(models, kind, seconds):
    mv = ecg(kind, seconds)
    sure, doubtful = (ecgedge.classify(mv, FS, models=m) for m in (models, strict(models)))
    assert (doubtful.label, doubtful.reason) == ("N" if kind == "sinus" else "A", None)
    assert doubtful.probabilities[doubtful.label] < 0.8
    assert doubtful.probabilities["~"] >= 0.2
    assert sum(doubtful.probabilities.values()) == pytest.approx(1)
    assert doubtful.usable_fraction == 0
    if seconds < 12:  # one window, in both
        for label in "NAO":
            assert doubtful.probabilities[label] == pytest.approx(0.8 * sure.probabilities[label])


@pytest.mark.parametrize(
    ("seconds", "usable"),
    [(10, 0.4), (30, 0.8), (20, 0.8), (8, 0.8)],
)
def test_it_stays_without_a_name(models, seconds, usable):
    """More probably noise; long enough to have had a clean window; too short for any name."""
    found = ecgedge.classify(ecg("sinus", seconds), FS, models=strict(models, usable))
    assert (found.label, found.conclusive, found.af) == ("~", False, None)
    assert found.reason == ("too_short" if seconds == 8 else "noise")


def test_noise_stays_noise(models):
    for seed in range(5):
        noise = synthesize([Segment("noise", 10.0)], FS, seed=seed).mv
        assert ecgedge.classify(noise, FS, models=models).reason == "noise"


def test_a_clean_part_is_named_alone(models):
    """Nothing is doubtful where something was named."""
    monitor = Monitor(models)
    mv = np.concatenate([ecg("sinus", 10), ecg("noise", 9)])
    rhythms = [e for e in monitor.feed(SampleBlock(mv, FS, 0)) + monitor.finish() if isinstance(e, Rhythm)]
    assert len(rhythms) == 1
    assert rhythms[0].end_time_s == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("size", [1, 130, 997])
def test_however_it_is_cut(models, size):
    mv, doubting = ecg("af", 12.5), strict(models)
    whole = Monitor(doubting)
    expected = whole.feed(SampleBlock(mv, FS, 0)) + whole.finish()
    monitor, events = Monitor(doubting), []
    for start in range(0, len(mv), size):
        events += monitor.feed(SampleBlock(mv[start : start + size], FS, start))
    events += monitor.finish()
    assert [e.to_json() for e in events] == [e.to_json() for e in expected]
    stats = monitor.stats
    assert stats.windows == stats.rejected + stats.model_runs
