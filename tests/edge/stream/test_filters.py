"""The streaming filters against scipy, and against themselves under every way of cutting the stream."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from ecgedge.arithmetic.design import baseline_removal_taps
from ecgedge.stream.filters import Chain, Fir, FrontEnd, Resampler

RATES = [100.0, 125.0, 128.0, 130.0, 250.0, 300.0, 360.0, 497.3, 500.0, 1000.0]
DESIGN = {"half_width_s": 0.16, "cutoff_hz": 41.0, "beta": 5.0}


def in_pieces(filters, x, cuts):
    """Everything a filter gives for ``x`` cut at ``cuts``."""
    edges = [0, *sorted(cuts), len(x)]
    parts = [filters.feed(x[a:b]) for a, b in pairwise(edges)]
    return np.concatenate([*parts, filters.finish()])


@pytest.mark.parametrize("fs", RATES)
def test_length_and_timing_follow_the_ratio(fs):
    t = np.arange(round(fs * 10)) / fs
    y = in_pieces(Resampler(fs, 100, **DESIGN), np.sin(2 * np.pi * 7 * t), [])
    assert len(y) == -(-len(t) * 100 // fs)
    inside = slice(50, -50)  # the edges are extended by constants, which no sine is
    np.testing.assert_allclose(y[inside], np.sin(2 * np.pi * 7 * np.arange(len(y)) / 100)[inside], atol=1e-3)


def test_equals_scipy_upfirdn():
    x = np.random.default_rng(0).standard_normal(2600)
    r = Resampler(130, 100, **DESIGN)
    y = in_pieces(r, x, [])
    half = round(0.16 * 130)
    # The same kernel on the grid of 10 x 130 Hz, phases interleaved as upfirdn wants them.
    up, down = 10, 13
    taps = np.zeros(up * 2 * half)
    for phase in range(up):
        taps[phase::up] = r._kernels[phase][::-1]
    padded = np.concatenate([_before(x, half), x, _before(x[::-1], half)[::-1]])
    full = signal.upfirdn(taps, padded, up, 1)
    first = up * (2 * half)  # centre of the first sample in the upsampled stream
    np.testing.assert_allclose(y, full[first : first + len(y) * down : down], atol=1e-9)


def _before(x, n):
    """Level and mains hum of the first 0.2 s, fitted by least squares, continued ``n`` samples to before."""
    t = np.arange(-n, 26) / 130
    waves = [f(2 * np.pi * hz * t) for hz in (50, 60) for f in (np.cos, np.sin)]
    basis = np.column_stack([np.ones(len(t)), *waves])
    return basis[:n] @ np.linalg.lstsq(basis[n:], x[:26], rcond=None)[0]


@pytest.mark.parametrize("fs", [100.0, 125.0, 128.0, 130.0, 200.0, 250.0, 500.0])
@pytest.mark.parametrize("hz", [50.0, 60.0])
@pytest.mark.parametrize("phase", [0.0, 0.8, 1.6])
def test_mains_hum_leaves_no_trace_at_edges(fs, hz, phase):
    x = 2.0 * np.sin(2 * np.pi * hz * np.arange(int(5 * fs)) / fs + phase) + 3.0
    y = in_pieces(FrontEnd.default(100)(fs), x, [])
    # Above half the rate hum looks like 40 Hz, which passes; it must not grow.
    assert np.abs(y).max() < (0.02 if 2 * hz < fs else 2.2)


def test_mains_and_baseline_are_gone():
    fs = 500.0
    t = np.arange(10_000) / fs
    for hz, most in ((50.0, 0.01), (60.0, 0.01), (0.15, 0.05)):
        y = in_pieces(FrontEnd.default(100)(fs), np.sin(2 * np.pi * hz * t), [])
        assert np.abs(y[200:-200]).max() < most, hz


def test_a_step_leaves_no_trace_after_a_second():
    x = np.concatenate([np.zeros(500), np.full(500, 5.0)])
    y = in_pieces(Fir(baseline_removal_taps(100)), x, [])
    assert np.abs(y[560:]).max() < 1e-9


@pytest.mark.parametrize("fs", [125.0, 130.0, 360.0, 497.3])
@settings(deadline=None)
@given(data=st.data())
def test_same_output_however_cut(fs, data):
    n = round(fs * 3)
    x = np.random.default_rng(1).standard_normal(n)
    cuts = data.draw(st.lists(st.integers(0, n), max_size=40))
    whole = in_pieces(FrontEnd.default(100)(fs), x, [])
    np.testing.assert_array_equal(in_pieces(FrontEnd.default(100)(fs), x, cuts), whole)


def test_one_sample_at_a_time():
    x = np.random.default_rng(2).standard_normal(400)
    whole = in_pieces(FrontEnd.default(100)(130), x, [])
    np.testing.assert_array_equal(in_pieces(FrontEnd.default(100)(130), x, range(1, 400)), whole)


def test_reset_forgets():
    chain = FrontEnd.default(100)(130)
    x = np.random.default_rng(3).standard_normal(500)
    once = in_pieces(chain, x, [])
    chain.feed(x + 100)
    chain.reset()
    np.testing.assert_array_equal(in_pieces(chain, x, [73]), once)


def test_nothing_in_nothing_out():
    chain = Chain(Fir([1.0]))
    assert len(chain.feed([])) == len(chain.finish()) == 0


def test_shorter_than_the_filter():
    y = in_pieces(FrontEnd.default(100)(130), np.ones(3), [])
    assert len(y) == 3  # ceil(3 * 10 / 13)
    np.testing.assert_allclose(y, 0, atol=1e-12)


@pytest.mark.parametrize("taps", [[], [0.5, 0.5], [[1.0]]])
def test_taps_without_a_middle_are_refused(taps):
    with pytest.raises(ValueError, match="odd number"):
        Fir(taps)
