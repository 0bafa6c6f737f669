"""The step of a converter, found in floats."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge.recording.steps import Levels, exact_gain
from ecgedge.recording.wfdb.encode import scaling_for


def levels(*parts: npt.ArrayLike) -> Levels:
    made = Levels()
    for part in parts:
        made.add(np.asarray(part).astype(np.float32))
    return made


COUNTS = np.unique(np.rint(np.random.default_rng(1).normal(size=9000) * 300)).astype(np.int64)


@pytest.mark.parametrize(
    ("values", "gain"),
    [
        (COUNTS / 1000, 1000.0),  # a Polar H10: whole microvolts
        (COUNTS.astype(np.float32) * np.float32(0.001), 1000.0),  # the same, as its decoder makes them
        (COUNTS / 200, 200.0),  # MIT-BIH
        (COUNTS / 204.7, 204.7),
        (COUNTS * 5 / 1000, 200.0),
        (-10 + (COUNTS + 32_768) * 20 / 65_535, 6553.5),  # EDF: half a step beside zero
        (COUNTS * 0.0001, 10_000.0),
    ],
)
def test_the_step_is_found(values: npt.NDArray[np.float64], gain: float) -> None:
    assert exact_gain(levels(values)) == gain


@given(st.floats(1e-4, 20), st.integers(0, 3), st.integers(2, 4000))
def test_whole_numbers_of_any_step_come_back(step_uv: float, quarter: int, most: int) -> None:
    counts = np.arange(-most, most + 1) + quarter / 4
    scaling = scaling_for(levels(counts * step_uv / 1000))
    if scaling.exact:
        mv = (counts * step_uv / 1000).astype(np.float32)
        back = (scaling.counts(mv) - scaling.baseline) / scaling.gain
        np.testing.assert_allclose(back, mv, rtol=2.5e-7)


def test_noise_has_no_step_and_is_held_within_half_a_tenth_of_a_microvolt() -> None:
    mv = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    scaling = scaling_for(levels(mv))
    assert (scaling.exact, scaling.gain, scaling.bits) == (False, 10_000.0, 24)
    back = (scaling.counts(mv) - scaling.baseline) / scaling.gain
    assert np.abs(back - mv).max() <= 0.5e-4


@pytest.mark.parametrize(("offset", "bits"), [(0, 16), (60_000, 16)])
def test_an_offset_costs_no_bits_where_a_baseline_takes_it(offset: int, bits: int) -> None:
    scaling = scaling_for(levels((COUNTS + offset) / 1000))
    assert scaling.bits == bits
    numbers = scaling.counts(((COUNTS + offset) / 1000).astype(np.float32))
    assert np.abs(numbers).max() < 1 << (bits - 1)


def test_volts_upon_volts_are_held_too() -> None:
    scaling = scaling_for(levels([-3e9, 2e9]))
    assert not scaling.exact
    assert np.abs(scaling.counts(np.array([-3e9, 2e9], np.float32))).max() < 1 << 31


def test_missing_and_infinite_values_are_no_levels() -> None:
    made = levels([np.nan, np.inf, -np.inf])
    assert (made.low, made.high, len(made.values)) == (0.0, 0.0, 0)
    assert scaling_for(made).counts(np.array([np.nan, np.inf], np.float32)).tolist() == [-32_768] * 2
