"""RR features against values worked out by hand."""

import numpy as np
import pytest

from ecgedge.hrv import heart_rate_bpm, rr_features


def test_by_hand():
    f = rr_features([0.0, 0.8, 1.6, 2.5, 3.3])  # RR 800 800 900 800 ms, steps 0 100 -100
    assert f.n_beats == 5
    assert f.mean_ms == pytest.approx(825)
    assert f.sdnn_ms == pytest.approx(50)
    assert f.rmssd_ms == pytest.approx(np.sqrt(20000 / 3))
    assert f.pnn50 == pytest.approx(2 / 3)
    assert (f.median_ms, f.mad_ms) == (pytest.approx(800), pytest.approx(0, abs=1e-9))
    assert (f.min_ms, f.max_ms) == (pytest.approx(800), pytest.approx(900))
    assert f.cvnn == pytest.approx(50 / 825)


@pytest.mark.parametrize("beats", [[], [1.0], [1.0, 2.0]])
def test_too_few_beats_give_zeros(beats):
    f = rr_features(beats)
    assert f.n_beats == len(beats)
    assert f.mean_ms == f.rmssd_ms == f.cvnn == f.cvsd == 0.0


def test_heart_rate():
    assert heart_rate_bpm([0.0, 0.5, 1.0, 3.0]) == pytest.approx(120)
    assert heart_rate_bpm([1.0]) is None
