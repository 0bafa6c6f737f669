"""The designs of the filters against numpy and scipy, whose last digits depend on the machine."""

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal, special

from ecgedge.arithmetic.design import EDGE_S, _ratio, baseline_removal_taps, resampler_design
from ecgedge.arithmetic.sums import in_order, rows_in_order
from ecgedge.arithmetic.symmetric import eigen

RATES = [50.0, 60.0, 64.0, 99.7, 100.0, 119.9, 120.0, 125.0, 128.0, 130.0, 250.0, 497.3, 500.0, 1000.0]
# Digests of the very bits: on every processor they are the same, and with them are the events.
BITS = {130.0: "c892afc11af45d14", 497.3: "5d4a3cabc9ffbfb6"}


def designed(fs):
    return resampler_design(fs, 100.0, 0.16, 41.0, 5.0)


@pytest.mark.parametrize("fs", RATES)
def test_level_and_hum_go_on_as_least_squares_has_them(fs):
    design = designed(fs)
    t = np.arange(-design.half, max(1, round(EDGE_S * fs))) / fs
    waves = [f(2 * np.pi * hz * t) for hz in (50.0, 60.0) for f in (np.cos, np.sin)]
    basis = np.stack([np.ones_like(t), *waves], axis=1)
    wanted = basis[: design.half] @ np.linalg.pinv(basis[design.half :], rcond=0.1)
    np.testing.assert_allclose(design.beyond, wanted, atol=1e-12)


@pytest.mark.parametrize("fs", RATES)
def test_kernels_are_a_sinc_in_a_kaiser_window(fs):
    design = designed(fs)
    offset = np.arange(1 - design.half, design.half + 1) - np.arange(design.up)[:, None] / design.up
    window = special.i0(5.0 * np.sqrt(np.clip(1 - (offset / design.half) ** 2, 0, None)))
    wanted = np.sinc(2 * min(41.0, 0.45 * min(fs, 100.0)) / fs * offset) * window
    np.testing.assert_allclose(design.kernels, wanted / wanted.sum(axis=1, keepdims=True), atol=1e-14)


@pytest.mark.parametrize("fs", [50.0, 100.0, 125.0, 130.5])
def test_taps_are_a_hann_window_and_symmetric_to_the_last_bit(fs):
    taps = baseline_removal_taps(fs)
    hann = signal.windows.hann(len(taps) + 2)[1:-1]
    wanted = -hann / hann.sum()
    wanted[len(taps) // 2] += 1
    np.testing.assert_allclose(taps, wanted, atol=1e-16)
    assert taps.tolist() == taps[::-1].tolist()


@pytest.mark.parametrize("fs", sorted(BITS))
def test_all_processors_have_the_same_design(fs):
    design = designed(fs)
    both = design.kernels.astype("<f8").tobytes() + design.beyond.astype("<f8").tobytes()
    assert hashlib.sha256(both).hexdigest()[:16] == BITS[fs]
    taps = baseline_removal_taps(100.0).astype("<f8").tobytes()
    assert hashlib.sha256(taps).hexdigest()[:16] == "f31f17f69c992a0d"


def test_a_design_is_made_once_and_cannot_be_written_to():
    assert designed(130.0) is designed(130.0)
    for array in designed(130.0)[3:]:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_eigenvectors_of_a_symmetric_matrix(n):
    rng = np.random.default_rng(n)
    for _ in range(20):
        a = rng.standard_normal((n, n))
        a = a @ a.T
        values, vectors = eigen(a.tolist())
        np.testing.assert_allclose(sorted(values), np.linalg.eigvalsh(a), atol=1e-12 * np.abs(a).max() * n)
        np.testing.assert_allclose(np.array(vectors) @ np.array(vectors).T, np.eye(n), atol=1e-13)
        np.testing.assert_allclose(
            np.array(vectors).T @ np.diag(values) @ np.array(vectors), a, atol=1e-12 * n * n
        )


@pytest.mark.parametrize("rows", [0, 1, 2, 9, 101, 1000])
@pytest.mark.parametrize("columns", [1, 2, 7, 100, 300])
def test_a_sum_of_rows_is_in_order(rows, columns):
    rng = np.random.default_rng(rows + columns)
    x = rng.standard_normal((rows, columns)) * 10.0 ** rng.integers(-9, 9, (rows, columns))
    x[x > 1e8] = -0.0
    for matrix in (x, np.asfortranarray(x)):
        assert rows_in_order(matrix).tobytes() == in_order(x, axis=0).tobytes()


@given(st.sampled_from([50.0, 100.0, 250.0, 360.5]), st.integers(1, 40_000) | st.floats(1, 40_000))
def test_up_and_down_are_the_ratio_of_the_rates_in_lowest_terms(fs_out: float, fs_in: float) -> None:
    out, into = (Fraction(rate).limit_denominator(10_000) for rate in (fs_out, fs_in))
    ratio = (out / into).limit_denominator(10_000)
    assert _ratio(fs_out, fs_in) == (ratio.numerator, ratio.denominator)
