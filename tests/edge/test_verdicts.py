"""No verdict below its least length, a reason in its place, and honest probabilities."""

from dataclasses import replace

import numpy as np
import pytest

import ecgedge
from ecgedge import Models, Monitor, Rhythm, SampleBlock
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.rhythm.model import RhythmModel


@pytest.fixture(scope="module")
def models():
    return Models.load()


def ecg(kind, seconds, fs=130.0, bpm=72.0):
    return synthesize([Segment(kind, float(seconds), bpm)], fs, seed=5).mv.astype(np.float64)


@pytest.mark.parametrize(
    ("mv", "reason"),
    [
        (np.zeros(0), "too_short"),
        (np.zeros(3), "too_short"),
        (np.full(3, np.nan), "too_short"),
        (np.zeros(7800), "no_signal"),
        (np.full(7800, 0.7), "no_signal"),
        (np.full(7800, np.nan), "no_signal"),
        (ecg("sinus", 8), "too_short"),
        (ecg("af", 8, bpm=110.0), "too_short"),
        (ecg("noise", 40), "noise"),
        (np.random.default_rng(0).standard_normal(7800), "noise"),
        (0.008 * np.random.default_rng(0).standard_normal(7800), "noise"),
        (np.where(np.arange(7800) % 1000 < 40, np.nan, ecg("sinus", 60)), "too_short"),
    ],
)
def test_why_there_is_no_verdict(models, mv, reason):
    found = ecgedge.classify(mv, 130.0, models=models)
    assert (found.label, found.reason, found.conclusive, found.af, found.sinus) == (
        "~",
        reason,
        False,
        None,
        None,
    )
    assert sum(found.probabilities.values()) == pytest.approx(1)
    if reason != "noise":
        assert set(found.probabilities.values()) == {0.25}
    if reason == "noise":
        assert found.heart_rate_bpm is None


@pytest.mark.parametrize("fs", [100.0, 130.0, 250.0, 500.0])
@pytest.mark.parametrize(
    ("kind", "seconds", "label", "af"),
    [
        ("af", 9.5, "A", None),
        ("af", 10, "A", True),
        ("af", 30, "A", True),
        ("sinus", 9.5, "N", None),
        ("sinus", 10, "N", False),
        ("sinus", 31, "N", False),
    ],
)
def test_af_needs_ten_seconds(models, kind, seconds, label, af, fs):
    found = ecgedge.classify(ecg(kind, seconds, fs, 100.0 if kind == "af" else 70.0), fs, models=models)
    assert (found.label, found.af, found.reason) == (label, af, None)


def test_rhythm_events_keep_the_same_limits(models):
    monitor = Monitor(models)
    events = monitor.feed(SampleBlock(ecg("af", 55, bpm=100.0), 130.0)) + monitor.finish()
    for e in events:
        if isinstance(e, Rhythm):
            assert e.end_time_s - e.time_s >= 9
            assert (e.af is None) == (e.end_time_s - e.time_s < 10)


def test_short_stretches_have_limits_of_their_own(models):
    rhythm = models.rhythm
    limits = {**rhythm.thresholds, "af_absent_short": 0.0, "af_present_short": 1.0}
    strict = replace(models, rhythm=RhythmModel(replace(rhythm.manifest, thresholds=limits), rhythm.backend))
    short, whole = (ecgedge.classify(ecg("af", n, bpm=100.0), 130.0, models=strict) for n in (12, 30))
    assert (short.label, short.af) == ("A", None)
    assert (whole.label, whole.af) == ("A", True)


@pytest.mark.parametrize("seconds", [10, 15, 25, 30, 31])
def test_live_ends_with_what_classify_says(models, seconds):
    """Sinus rhythm first: the label of the first ten seconds is not held against the longer window."""
    mv = np.concatenate([ecg("sinus", 10), ecg("af", seconds, bpm=110.0)])[-seconds * 130 :]
    monitor = Monitor(models)
    events = monitor.feed(SampleBlock(mv, 130.0)) + monitor.finish()
    last = [e for e in events if isinstance(e, Rhythm)][-1]
    found = ecgedge.classify(mv, 130.0, models=models)
    assert (last.label, last.af) == (found.label, found.af)
    assert last.probabilities == pytest.approx(found.probabilities)


@pytest.mark.parametrize("pairs", [16, 17, 20])
@pytest.mark.parametrize(("period", "coupling"), [(1.7, 0.52), (1.9, 0.6)])
def test_the_heart_rate_of_bigeminy_is_that_of_all_its_beats(models, pairs, period, coupling):
    n_wave, v_wave = (
        [(0.95, 0, 0.0115), (0.25, 0.27, 0.045)],
        [(0.42, -0.05, 0.02), (1.25, 0, 0.026), (0.52, 0.05, 0.02), (-0.42, 0.29, 0.055)],
    )
    seconds = 0.3 + period * pairs
    t = np.arange(int(seconds * 130)) / 130
    mv = 0.005 * np.random.default_rng(0).standard_normal(len(t))
    for at in np.arange(0.3, seconds - 0.3, period):
        for shift, wave in ((0, n_wave), (coupling, v_wave)):
            for height, centre, width in wave:
                mv += height * np.exp(-0.5 * ((t - at - shift - centre) / width) ** 2)
    found = ecgedge.classify(mv, 130.0, models=models)
    assert found.heart_rate_bpm == pytest.approx(120 / period, rel=0.03)


def test_beats_in_refused_signal_do_not_count(models):
    mv = np.concatenate([ecg("sinus", 30, bpm=60.0), ecg("noise", 30), ecg("sinus", 30, bpm=60.0)])
    assert ecgedge.classify(mv, 130.0, models=models).heart_rate_bpm == pytest.approx(60, rel=0.03)
