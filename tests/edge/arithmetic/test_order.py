"""Order statistics against Python's own."""

from __future__ import annotations

import statistics

from hypothesis import given
from hypothesis import strategies as st

from ecgedge.arithmetic.order import median

NUMBERS = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_the_median_is_the_one_of_statistics(values: list[float]) -> None:
    assert median(values) == statistics.median(values)
