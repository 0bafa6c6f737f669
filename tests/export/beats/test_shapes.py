"""Made shapes to train on: what is promised stands in the signal, and beats are where they are said to be."""

import numpy as np
import pytest

from ecgedge.beats.net import FS
from ecgedge_export.beats import shapes
from ecgedge_export.beats.augment import Augmenter
from ecgedge_export.beats.shapes import FS_MADE, add, made_sources, narrow, paced, peak_s, tall_t, wide

RR_S = 0.9


def drawn(kind, seed):
    """One beat of a kind in two seconds, at one second, and its waves."""
    shape = kind(np.random.default_rng(seed), RR_S)
    x = np.zeros(round(2 * FS_MADE))
    add(x, FS_MADE, 1.0, shape)
    return x, shape


def width_s(shape):
    """Time in which the QRS alone is above a twentieth of its height."""
    t = np.arange(-0.3, 0.3, 0.001)
    qrs = [w for w in shape if abs(w.at_s) < shapes.QRS_S and w.sd_s > shapes.SPIKE_S]
    x = np.abs(sum(w.mv * np.exp(-0.5 * ((t - w.at_s) / w.sd_s) ** 2) for w in qrs))
    above = t[x > 0.05 * x.max()]
    return above[-1] - above[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_wide_qrs_is_wider_than_a_narrow_one_ever_is(seed):
    assert width_s(drawn(narrow, seed)[1]) < 0.13
    assert 0.1 < width_s(drawn(wide, seed)[1]) < 0.32


def test_some_qrs_are_wider_than_200_ms():
    assert max(width_s(drawn(wide, seed)[1]) for seed in range(40)) > 0.2


@pytest.mark.parametrize("seed", range(20))
def test_a_tall_t_is_at_least_as_tall_as_r(seed):
    shape = drawn(tall_t, seed)[1]
    t, r = shape[-1], max(w.mv for w in shape if w.at_s == 0.0)
    assert 1.0 <= t.mv / r <= 2.5


@pytest.mark.parametrize("seed", range(20))
def test_a_spike_stands_before_a_paced_qrs_and_is_no_peak_of_it(seed):
    shape = drawn(paced, seed)[1]
    assert shape[0].sd_s < shapes.SPIKE_S
    assert -0.1 <= shape[0].at_s <= -0.04
    assert peak_s(shape) == peak_s(shape[1:])


@pytest.mark.parametrize("kind", [narrow, wide])
def test_the_peak_is_the_extreme_of_the_signal(kind):
    for seed in range(10):
        x, shape = drawn(kind, seed)
        near = slice(round(0.9 * FS_MADE), round(1.1 * FS_MADE))
        extreme = near.start + int(np.abs(x[near]).argmax())
        assert abs(x[extreme]) == pytest.approx(abs(x[round((1 + peak_s(shape)) * FS_MADE)]), rel=0.1)


def test_recordings_are_finite_ordered_and_the_same_for_a_seed():
    first, again = made_sources(6, 3), made_sources(6, 3)
    for source, twin in zip(first, again, strict=True):
        assert np.isfinite(source.leads).all()
        assert source.long_enough
        assert (np.diff(source.beats) > 0).all()
        assert source.beats[0] >= 0
        assert source.beats[-1] < source.leads.shape[1]
        np.testing.assert_array_equal(source.leads, twin.leads)
    assert not np.array_equal(first[0].leads[:, :100], made_sources(6, 4)[0].leads[:, :100])


def test_examples_can_be_drawn_from_them():
    augmenter, rng = Augmenter([], 0.5, (0.0, 10.0)), np.random.default_rng(2)
    sources = made_sources(5, 8)
    assert FS == 100.0
    targets = [augmenter.draw(sources[i % 5], rng).target.max() for i in range(100)]
    assert np.mean(np.array(targets) > 0.5) > 0.4  # beats in most seconds, none in pauses and beyond edges
