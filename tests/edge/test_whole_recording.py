"""Whole recordings through the public helpers."""

import numpy as np
import pytest

import ecgedge
from ecgedge import Models
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.whole_recording import classify


@pytest.fixture(scope="module")
def models():
    return Models.load()


@pytest.mark.parametrize(("kind", "label"), [("sinus", "N"), ("af", "A"), ("pvc", "O"), ("noise", "~")])
@pytest.mark.parametrize("fs", [130.0, 250.0])
def test_synthetic_rhythms_get_their_names(models, kind, label, fs):
    said = classify(synthesize([Segment(kind, 60)], fs=fs, seed=5).mv, fs, models=models)
    assert said.label == label
    assert set(said.probabilities) == {"N", "A", "O", "~"}
    assert sum(said.probabilities.values()) == pytest.approx(1)
    assert said.conclusive == (label != "~")
    if label != "~":
        assert said.usable_fraction > 0.7
        assert 40 < said.heart_rate_bpm < 140


@pytest.mark.parametrize("gain", [0.05, 20.0])
def test_gain_does_not_change_the_rhythm(models, gain):
    mv = synthesize([Segment("sinus", 40)], fs=130, seed=6).mv
    assert classify(mv * gain, 130.0, models=models).label == "N"


@pytest.mark.parametrize("n", [0, 5, 300])
def test_too_little_is_too_noisy_rather_than_an_error(n):
    said = ecgedge.classify(np.zeros(n), 130.0)
    assert (said.label, said.conclusive, said.heart_rate_bpm) == ("~", False, None)


def test_a_used_monitor_gives_the_same_answer(models):
    mv = synthesize([Segment("af", 45)], fs=130, seed=7).mv
    first = classify(mv, 130.0, models=models)
    classify(mv[::-1].copy(), 300.0, models=models)
    assert classify(mv, 130.0, models=models) == first == ecgedge.classify(mv, 130.0)


def test_quality_says_where_the_noise_is():
    ecg = synthesize([Segment("sinus", 30), Segment("noise", 30), Segment("sinus", 30)], fs=130, seed=8)
    quality = ecgedge.assess_quality(ecg.mv, 130.0)
    assert [(q.start_s, q.end_s) for q in quality] == [(10.0 * i, 10.0 * (i + 1)) for i in range(9)]
    assert [q.accepted for q in quality] == [True] * 3 + [False] * 3 + [True] * 3
    for q in quality:
        assert 0 <= q.score <= 1
        assert bool(q.reasons) == (not q.accepted)


@pytest.mark.parametrize("window_s", [4.9, 31, float("nan")])
def test_an_odd_window_is_refused(window_s):
    with pytest.raises(ValueError, match="5 to 30"):
        ecgedge.assess_quality(np.zeros(1000), 100.0, window_s)


@pytest.mark.parametrize("helper", [ecgedge.classify, ecgedge.detect_beats, ecgedge.assess_quality])
def test_every_helper_refuses_what_is_no_signal(helper):
    with pytest.raises(ecgedge.ConfigError):
        helper(np.zeros(100), 0.0)
    with pytest.raises(ValueError, match="one-dimensional"):
        helper(np.zeros((2, 100)), 130.0)
    with pytest.raises(TypeError):
        helper(["x"], 130.0)
