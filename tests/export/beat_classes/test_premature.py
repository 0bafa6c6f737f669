"""Made premature beats: what moves, what stays, and by how much."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_export import prepare
from ecgedge_export.beat_classes.premature import PATTERNS, SHORTEST, premature


@pytest.fixture(scope="module")
def sinus():
    """Filtered sinus rhythm and its R peaks at 100 Hz."""
    made = synthesize([Segment("sinus", 60.0, 70.0)], 100.0, seed=2)
    return prepare.filtered(made.mv, 100.0, 100.0), made.beats.astype(float)


@given(seed=st.integers(0, 10_000))
def test_ectopic_beats_come_early_and_look_the_same(sinus, seed) -> None:
    signal, peaks = sinus
    moved, places, ectopic = premature(signal, peaks, np.random.default_rng(seed))
    before, after = np.diff(peaks), np.diff(places)
    assert np.all(after[ectopic[1:]] <= 0.95 * before[ectopic[1:]])
    assert np.all(after[~ectopic[1:]] >= before[~ectopic[1:]] - 1)
    assert after.min() >= SHORTEST - 1
    assert np.isfinite(moved).all()
    # Every R peak is where it is said to be, as high as it was; beyond the cut nothing has changed.
    inside = [k for k in range(2, len(peaks) - 2) if places[k] + 8 < len(moved)]
    for k in inside:
        a, b = round(peaks[k]), round(places[k])
        error = min(np.abs(signal[a - 4 : a + 20] - moved[b + d - 4 : b + d + 20]).max() for d in (-1, 0, 1))
        assert error < 0.35 * np.ptp(signal), (k, error)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_is_what_it_is_called(sinus, monkeypatch, pattern) -> None:
    monkeypatch.setattr("ecgedge_export.beat_classes.premature.PATTERNS", {pattern: 1.0})
    made = [premature(*sinus, np.random.default_rng(seed)) for seed in range(20)]
    share = np.mean([ectopic.mean() for _, _, ectopic in made])
    usual = np.median(np.diff(sinus[1]))
    late = np.mean([np.mean(np.diff(places)[~ectopic[1:]] > 1.25 * usual) for _, places, ectopic in made])
    assert (share == 0) == (pattern == "pauses")
    assert (share > 0.5) == (pattern in ("mostly", "slow sinus", "run")), share
    assert (late > 0.5) == (pattern == "slow sinus"), late
    if pattern == "pauses":
        assert 0.1 < late < 0.4


def test_what_is_given_is_left_as_it_was(sinus) -> None:
    signal, peaks = sinus
    kept = signal.copy(), peaks.copy()
    premature(signal, peaks, np.random.default_rng(0))
    np.testing.assert_array_equal(signal, kept[0])
    np.testing.assert_array_equal(peaks, kept[1])
