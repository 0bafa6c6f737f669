"""The heart rate: beats over the time that they take."""

import pytest

from ecgedge.hrv import heart_rate_bpm


@pytest.mark.parametrize(
    ("stretches", "bpm"),
    [
        ([[0.0, 1.0, 2.0]], 60.0),
        ([[0.0, 0.5, 1.6, 2.1, 3.2]], 75.0),  # bigeminy: the median interval would say 109 or 120
        ([[0.0, 1.0], [30.0, 30.5]], 80.0),  # nothing is counted over the break
        ([[0.0, 0.5, 1.0, 3.0]], 60.0),  # a pause counts
        ([[1.0]], None),
        ([[1.0], [9.0]], None),
        ([], None),
    ],
)
def test_intervals_over_their_time(stretches, bpm):
    assert heart_rate_bpm(stretches) == (None if bpm is None else pytest.approx(bpm))
