"""Logarithm, exponential, sine and cosine: right, and the same bits in Python, numpy and C."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge.arithmetic import functions
from ecgedge.arithmetic.core import core
from ecgedge.arithmetic.sums import in_order

compiled = pytest.mark.skipif(core is None, reason="no compiled core here")
above_0 = st.floats(1e-300, 1e300)
exponents = st.floats(-700.0, 700.0)
angles = st.floats(-1e6, 1e6)


@given(above_0)
def test_the_logarithm_is_within_two_units_in_the_last_place(x):
    assert abs(functions.log(x) - math.log(x)) <= 2 * math.ulp(math.log(x))


@given(exponents)
def test_the_exponential_is_within_two_units_in_the_last_place(x):
    assert abs(functions.exp(x) - math.exp(x)) <= 2 * math.ulp(math.exp(x))


@given(st.floats(-1.0, 1.0))
def test_cosine_and_sine_are_right(x):
    cosine, sine = functions.turn(x)
    assert abs(cosine - math.cos(2 * math.pi * x)) < 2e-15
    assert abs(sine - math.sin(2 * math.pi * x)) < 2e-15


@pytest.mark.parametrize("x", [0.0, -1.0, math.nan, math.inf])
def test_what_has_no_logarithm_is_refused(x):
    with pytest.raises(ValueError, match="above 0"):
        functions.log(x)


def test_exponents_are_limited():
    assert functions.exp(-1e300) == functions.exp(-700.0) > 0
    assert functions.exp(1e300) == functions.exp(700.0) < math.inf


@given(st.lists(exponents, max_size=40))
def test_an_array_of_exponentials_has_the_same_bits(x):
    assert functions.exps(np.array(x)).tolist() == [functions.exp(v) for v in x]


@given(st.lists(angles, max_size=40))
def test_an_array_of_angles_has_the_same_bits(x):
    pairs = [functions.turn(v) for v in x]
    cosines, sines = functions.turns(np.array(x))
    assert list(zip(cosines.tolist(), sines.tolist(), strict=True)) == pairs


@given(st.lists(st.floats(2.3e-308, 1e308, exclude_min=True), max_size=40))
def test_an_array_of_logarithms_has_the_same_bits(x):
    assert functions.logs(np.array(x)).tolist() == [functions.log(v) for v in x]


@compiled
@given(above_0, exponents, angles)
def test_the_compiled_functions_have_the_same_bits(x, exponent, angle):
    assert core.log(x) == functions.log(x)
    assert core.exp(exponent) == functions.exp(exponent)
    assert core.turn(angle) == functions.turn(angle)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_a_sum_in_order_is_that_of_a_loop(values):
    total = values[0]
    for value in values[1:]:
        total += value
    assert in_order(np.array(values)) == total
    assert in_order(np.array([values, values]).T, axis=0).tolist() == [total, total]
