"""What the lead network sees, and the leads that follow from two."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ecgedge.leads.features import GUESSED, HOP, LEADS, MARGIN, N, model_input, with_derived


def test_an_input_keeps_order_and_sign_and_lies_between_minus_one_and_one():
    x = np.sort(np.random.default_rng(0).normal(0, 3, 1000)).astype(np.float32)
    seen = model_input(x, 0.5)
    assert (np.diff(seen) >= 0).all()
    assert np.abs(seen).max() < 1
    assert seen.dtype == np.float32
    np.testing.assert_allclose(0.5 * seen / (1 - np.abs(seen)), x, rtol=1e-4, atol=1e-6)  # mV come back


def test_a_p_wave_gets_steps_enough():
    assert 127 * model_input(np.array([0.1]), 0.5)[0] > 20


millivolt = arrays(np.float32, 20, elements=st.floats(-5, 5, width=16))


@given(millivolt, millivolt)
def test_four_leads_are_einthovens_and_goldbergers(one, two):
    leads = with_derived({"I": one, **dict.fromkeys(GUESSED, two)})
    assert tuple(leads) == LEADS
    np.testing.assert_array_equal(leads["III"], leads["II"] - leads["I"])
    np.testing.assert_array_equal(leads["aVR"], -(one + two) / 2)
    np.testing.assert_array_equal(leads["aVL"], one - two / 2)
    np.testing.assert_array_equal(leads["aVF"], two - one / 2)
    # Augmented leads are three views of one thing: they sum to nothing.
    np.testing.assert_allclose(leads["aVR"] + leads["aVL"] + leads["aVF"], 0, atol=2e-5)


@pytest.mark.parametrize("count", [N, HOP, MARGIN])
def test_windows_begin_where_the_network_halves_the_rate(count):
    assert count % 4 == 0
