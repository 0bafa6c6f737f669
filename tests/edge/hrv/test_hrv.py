"""The heart rate of a whole recording."""

import pytest

from ecgedge.hrv import heart_rate_bpm


def test_heart_rate():
    assert heart_rate_bpm([0.0, 0.5, 1.0, 3.0]) == pytest.approx(120)
    assert heart_rate_bpm([1.0]) is None
