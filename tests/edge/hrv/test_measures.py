"""HRV measures against hand-checked values, against recomputation after a million beats, and against
neurokit2 and scipy."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lombscargle

from ecgedge.hrv import Interval, NnWindow, band_powers
from ecgedge.hrv.spectrum import lomb_scargle


def filled(rr_us, window_s=1e9, odd=()):
    """A window with these intervals, the ``odd`` ones not normal, and the time of the last beat."""
    window, at = NnWindow(window_s), 0
    for i, rr in enumerate(rr_us):
        at += int(rr)
        window.add(Interval(at * 1e-6, int(rr), i not in odd, i > 0))
        window.forget(at * 1e-6 - window_s)
    return window, at * 1e-6


def heart(n, seed=0):
    """RR intervals in µs: breathing, slow waves, noise."""
    rng = np.random.default_rng(seed)
    i = np.arange(n)
    rr = 850 + 40 * np.sin(i / 4.1) + 30 * np.sin(i / 14.0) + rng.normal(0, 15, n)
    return np.rint(1e3 * rr).astype(np.int64)


def test_by_hand():
    window, end = filled([800_000, 810_000, 870_000, 780_000])  # steps 10 60 -90, sums 1610 1680 1650
    m = window.measures(0.0, end)
    assert (m.n_rr, m.n_nn) == (4, 4)
    assert m.usable == pytest.approx(1)
    assert m.mean_nn_ms == pytest.approx(815)
    assert m.sdnn_ms == pytest.approx(sqrt((225 + 25 + 3025 + 1225) / 3))
    assert m.rmssd_ms == pytest.approx(sqrt((100 + 3600 + 8100) / 3))
    assert m.sdsd_ms == pytest.approx(sqrt((11800 - 400 / 3) / 2))  # the mean step is -20 / 3
    assert (m.pnn20, m.pnn50) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert m.cvnn == pytest.approx(m.sdnn_ms / 815)
    assert m.cvsd == pytest.approx(m.rmssd_ms / 815)
    assert m.median_nn_ms == pytest.approx(805)
    assert m.mad_nn_ms == pytest.approx(15)  # distances 5 5 25 65
    assert m.iqr_nn_ms == pytest.approx(825 - 795)
    assert m.sd1_ms == pytest.approx(m.sdsd_ms / sqrt(2))
    assert m.sd2_ms == pytest.approx(np.std([1610, 1680, 1650], ddof=1) / sqrt(2))
    assert m.sample_entropy is m.lf_ms2 is m.hf_ms2 is m.lf_hf is None


def test_no_difference_spans_an_interval_left_out():
    window, end = filled([800_000, 810_000, 400_000, 1_200_000, 830_000, 835_000], odd={2, 3})
    m = window.measures(0.0, end)
    assert (m.n_rr, m.n_nn) == (6, 4)
    assert m.usable == pytest.approx((800 + 810 + 830 + 835) / (800 + 810 + 1600 + 830 + 835))
    assert m.rmssd_ms == pytest.approx(sqrt((100 + 25) / 2))
    assert m.mean_nn_ms == pytest.approx(818.75)


@pytest.mark.parametrize(("n", "some"), [(0, set()), (1, {"mean_nn_ms", "median_nn_ms"}), (2, {"rmssd_ms"})])
def test_what_cannot_be_computed_is_none_and_never_nan(n, some):
    window, end = filled([800_000] * n)
    m = window.measures(0.0, end)
    known = {name for name in m.__slots__ if getattr(m, name) is not None}
    assert some <= known
    assert all(np.isfinite(getattr(m, name)) for name in known)
    assert "sdsd_ms" not in known
    assert ("sdnn_ms" in known) == (n > 1)


def test_a_rhythm_without_any_variation_has_no_ratios_of_zero_by_zero():
    window, end = filled([800_000] * 400)
    m = window.measures(0.0, end)
    assert (m.sdnn_ms, m.rmssd_ms, m.mad_nn_ms, m.sd1_ms, m.sd2_ms) == (0, 0, 0, 0, 0)
    assert m.sample_entropy is None
    assert m.lf_hf is None


@settings(max_examples=60, deadline=None)
@given(
    rr=st.lists(st.integers(240_000, 3_000_000), max_size=60),
    odd=st.sets(st.integers(0, 60)),
    window_s=st.floats(1, 30),
)
def test_a_sliding_window_is_the_window_made_anew(rr, odd, window_s):
    slid, end = filled(rr, window_s, odd)
    edges = np.concatenate([[0], np.cumsum(np.array(rr, np.int64))])
    inside = [i for i in range(len(rr)) if edges[i] * 1e-6 >= end - window_s - 5e-7]
    fresh, _ = filled([rr[i] for i in inside], odd={inside.index(i) for i in odd if i in inside})
    start = max(0.0, end - window_s)
    assert slid.measures(start, end) == fresh.measures(start, end)


@pytest.mark.slow
def test_after_a_million_beats_nothing_has_drifted():
    rr = heart(1_000_000)
    rr[::1000] += 600_000
    slid, end = filled(rr, window_s=300.0)
    edges = np.concatenate([[0], np.cumsum(rr)]) * 1e-6
    first = int(np.searchsorted(edges, end - 300.0 - 5e-7))
    x, step = rr[first:] / 1e3, np.diff(rr[first:]) / 1e3
    m = slid.measures(end - 300.0, end)
    assert m.n_nn == len(x)
    assert m.mean_nn_ms == pytest.approx(x.mean(), rel=1e-14)
    assert m.sdnn_ms == pytest.approx(x.std(ddof=1), rel=1e-12)
    assert m.rmssd_ms == pytest.approx(sqrt(np.mean(step**2)), rel=1e-12)
    assert m.sdsd_ms == pytest.approx(step.std(ddof=1), rel=1e-12)
    assert m.pnn50 == pytest.approx(np.mean(np.abs(step) > 50), rel=1e-14)
    assert m.iqr_nn_ms == pytest.approx(np.subtract(*np.percentile(x, [75, 25])), rel=1e-12)


def entropy_by_definition(x, r):
    """Count pairs one by one (Richman and Moorman)."""
    n, alike, longer = len(x), 0, 0
    for i in range(n - 2):
        for j in range(i + 1, n - 2):
            if max(abs(x[i] - x[j]), abs(x[i + 1] - x[j + 1])) <= r:
                alike += 1
                longer += abs(x[i + 2] - x[j + 2]) <= r
    return log(alike / longer)


def test_sample_entropy_by_its_definition():
    rr = heart(150)
    window, end = filled(rr)
    expected = entropy_by_definition(rr.tolist(), 0.2 * rr.std(ddof=1))
    assert window.measures(0.0, end).sample_entropy == pytest.approx(expected, rel=1e-12)


def test_a_wild_rhythm_has_more_entropy_than_a_smooth_one():
    rng = np.random.default_rng(0)
    wild, smooth = rng.integers(400_000, 1_200_000, 300), 800_000 + 50_000 * np.sin(np.arange(300) / 5)
    entropies = [w.measures(0.0, end).sample_entropy for w, end in (filled(wild), filled(smooth))]
    assert entropies[0] > 1.5 > 0.5 > entropies[1]


def test_periodogram_equals_scipy():
    rng = np.random.default_rng(1)
    t = np.cumsum(rng.uniform(0.5, 1.3, 200))
    x = rng.normal(0, 30, 200)
    x -= x.mean()
    f = np.arange(1, 90) / (t[-1] - t[0])
    ours = lomb_scargle(t, x, f[0], len(f))
    np.testing.assert_allclose(ours, lombscargle(t, x, 2 * np.pi * f), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("f_hz", [0.06, 0.1, 0.2234, 0.31])
@pytest.mark.parametrize("share_lost", [0.0, 0.15])
def test_a_sine_has_half_its_squared_amplitude_in_its_band(f_hz, share_lost):
    rng = np.random.default_rng(2)
    t = np.cumsum(rng.uniform(0.7, 0.9, 380))
    x = 800 + 0.05 * t + 40 * np.sin(2 * np.pi * f_hz * t)
    kept = rng.random(380) >= share_lost
    powers = band_powers(t[kept], x[kept])
    inside, outside = powers if f_hz < 0.15 else powers[::-1]
    assert inside == pytest.approx(800, rel=0.1)
    assert outside < 800 * (0.03 + share_lost)  # holes spread a little of the power over all frequencies


def test_spectrum_only_of_five_usable_minutes():
    rr = np.full(400, 800_000) + (20_000 * np.sin(np.arange(400) * 0.8 * 2 * np.pi * 0.25)).astype(int)
    window, end = filled(rr)
    m = window.measures(0.0, end)
    assert m.hf_ms2 == pytest.approx(200, rel=0.1)
    assert m.lf_hf == pytest.approx(m.lf_ms2 / m.hf_ms2)
    assert window.measures(end - 299.0, end).lf_ms2 is None
    patchy, end = filled(rr, odd=set(range(0, 400, 4)))
    assert patchy.measures(0.0, end).lf_ms2 is None


@pytest.mark.parametrize("n", [0, 2, 25])
def test_too_few_intervals_have_no_spectrum(n):
    with pytest.raises(ValueError, match="five minutes"):
        band_powers(np.arange(n), np.full(n, 1000.0))


def test_equal_to_neurokit2_where_definitions_agree():
    nk = pytest.importorskip("neurokit2", reason="pip install neurokit2==0.2.13 to compare with it")
    rr = heart(350)
    window, end = filled(rr)
    m = window.measures(0.0, end)
    peaks = {"RRI": rr / 1e3, "RRI_Time": np.cumsum(rr) / 1e6}
    theirs = nk.hrv_time(peaks).iloc[0]
    same = {
        "MeanNN": m.mean_nn_ms,
        "SDNN": m.sdnn_ms,
        "RMSSD": m.rmssd_ms,
        "SDSD": m.sdsd_ms,
        "CVNN": m.cvnn,
        "CVSD": m.cvsd,
        "MedianNN": m.median_nn_ms,
        "IQRNN": m.iqr_nn_ms,
        "MadNN": 1.4826 * m.mad_nn_ms,
        "pNN20": 100 * m.pnn20 * 349 / 350,
        "pNN50": 100 * m.pnn50 * 349 / 350,
    }
    for name, value in same.items():
        assert value == pytest.approx(theirs[f"HRV_{name}"], rel=1e-4 if name == "MadNN" else 1e-9), name
    nonlinear = nk.hrv_nonlinear(peaks).iloc[0]
    assert m.sd1_ms == pytest.approx(nonlinear["HRV_SD1"], rel=1e-9)
    assert m.sd2_ms == pytest.approx(nonlinear["HRV_SD2"], rel=1e-9)
    assert m.sample_entropy == pytest.approx(nonlinear["HRV_SampEn"], rel=1e-9)
