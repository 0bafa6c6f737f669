"""Rate and rhythm apart: sinus rhythm is told at any rate, and nothing else is taken for it."""

import numpy as np
import pytest

import ecgedge
from ecgedge import Models, Monitor, Rhythm, SampleBlock
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.rhythm.sinus import rate_word
from ecgedge.sinks.words import describe


@pytest.fixture(scope="module")
def models():
    return Models.load()


@pytest.mark.parametrize("fs", [130.0, 250.0])
@pytest.mark.parametrize("bpm", [38, 42, 48, 60, 75, 95, 100, 110, 125, 132])
def test_sinus_rhythm_is_told_with_its_rate_named_beside_it(models, bpm, fs):
    found = ecgedge.classify(
        synthesize([Segment("sinus", 60.0, float(bpm))], fs, seed=1).mv, fs, models=models
    )
    assert found.sinus is True
    assert found.heart_rate_bpm == pytest.approx(bpm, rel=0.01)
    assert found.rate == rate_word(found.heart_rate_bpm)
    assert found.label == ("N" if found.rate is None else found.label)


def test_where_p_lies_on_t_nothing_is_claimed(models):
    found = ecgedge.classify(
        synthesize([Segment("sinus", 60.0, 160.0)], 130.0, seed=1).mv, 130.0, models=models
    )
    assert (found.sinus, found.rate) == (None, "tachycardia")


@pytest.mark.parametrize("bpm", [110.0, 130.0])
@pytest.mark.parametrize("kind", ["af", "pvc"])
def test_a_fast_rhythm_that_is_none_is_not_taken_for_sinus_rhythm(models, kind, bpm):
    found = ecgedge.classify(synthesize([Segment(kind, 60.0, bpm)], 130.0, seed=3).mv, 130.0, models=models)
    assert found.sinus is not True


def test_a_regular_rhythm_without_p_waves_is_not_taken_for_sinus_rhythm(models):
    t = np.arange(130 * 60) / 130
    mv = np.zeros(len(t))
    for at in np.arange(0.5, 60, 60 / 120):
        for height, shift, width in ((0.95, 0, 0.0115), (-0.17, 0.03, 0.01), (0.25, 0.2, 0.03)):
            mv += height * np.exp(-0.5 * ((t - at - shift) / width) ** 2)
    found = ecgedge.classify(
        mv + 0.005 * np.random.default_rng(0).standard_normal(len(t)), 130.0, models=models
    )
    assert found.label == "O"
    assert (found.sinus, found.rate) == (False, "tachycardia")


def test_words_name_rhythm_and_rate(models):
    monitor = Monitor(models)
    mv = synthesize([Segment("sinus", 60.0, 44.0)], 130.0, seed=1).mv
    events = monitor.feed(SampleBlock(mv, 130.0)) + monitor.finish()
    words = {describe(e) for e in events if isinstance(e, Rhythm)}
    assert "sinus rhythm, bradycardia 44/min" in words
    assert not any("another" in line for line in words)


@pytest.mark.parametrize(
    ("bpm", "word"),
    [
        (None, None),
        (30, "bradycardia"),
        (49.9, "bradycardia"),
        (50, None),
        (99.9, None),
        (100, "tachycardia"),
    ],
)
def test_rate_words(bpm, word):
    assert rate_word(bpm) == word
