"""What the page keeps is bounded by the time that it keeps, signal and beats alike."""

from __future__ import annotations

import numpy as np

from ecgedge.events import Beat
from ecgedge.sinks.web.kept import Kept
from ecgedge_bridge.values import SampleBlock

FS = 10.0
MINUTE = 600  # samples


def kept(minutes: int, first: int = 0) -> Kept:
    """Five minutes are kept, of so many: a beat each second."""
    one = Kept(hours=5 / 60)
    for minute in range(first, first + minutes):
        one.add(SampleBlock(np.full(MINUTE, minute, np.float32), FS, minute * MINUTE))
        for second in range(60):
            sample = minute * MINUTE + 10 * second
            one.add_beat(Beat(sample, sample / FS, 1000.0, "N"))
    return one


def test_beats_go_with_the_signal_that_they_are_of() -> None:
    one = kept(30)
    assert len(one.beats(0, 30 * MINUTE)) == 5 * 60
    assert one.beats(0, 25 * MINUTE) == []
    assert np.isnan(one.signal(24 * MINUTE, 25 * MINUTE)).all()
    assert one.signal(25 * MINUTE, 25 * MINUTE + 1).tolist() == [25.0]


def test_who_reads_on_gets_the_beats_that_came_since_and_no_others() -> None:
    one = kept(30)
    assert [beat.sample for beat in one.beats_since(one.beats_seen - 2)] == [
        29 * MINUTE + 580,
        29 * MINUTE + 590,
    ]
    assert one.beats_since(one.beats_seen) == []
    assert len(one.beats_since(0)) == 5 * 60  # all that is kept
