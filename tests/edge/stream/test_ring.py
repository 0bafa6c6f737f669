"""The ring against a list that keeps everything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.stream.ring import Ring


@settings(deadline=None)
@given(capacity=st.integers(1, 50), sizes=st.lists(st.integers(0, 120), max_size=30))
def test_keeps_the_last_samples_in_order(capacity, sizes):
    ring = Ring(capacity)
    everything = np.arange(sum(sizes), dtype=np.float32)
    done = 0
    for size in sizes:
        ring.write(everything[done : done + size])
        done += size
        assert ring.written == done
        assert ring.oldest == max(0, done - capacity)
        np.testing.assert_array_equal(ring.view(ring.oldest, done), everything[ring.oldest : done])


def test_a_view_is_no_copy_and_cannot_be_written():
    ring = Ring(8)
    ring.write(np.arange(12))
    view = ring.view(5, 12)
    assert view.base is not None
    assert view.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1


@pytest.mark.parametrize(("start", "end"), [(0, 3), (5, 11), (7, 6), (-1, 2)])
def test_what_is_not_there_is_refused(start, end):
    ring = Ring(4)
    ring.write(np.arange(10))
    with pytest.raises(IndexError, match="kept"):
        ring.view(start, end)


def test_no_room_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Ring(0)
