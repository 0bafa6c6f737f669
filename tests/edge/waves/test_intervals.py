"""Intervals of a minute: which beats count, where a minute ends, what is corrected."""

import numpy as np
import pytest

from ecgedge.stream.ring import Ring
from ecgedge.stream.segment import Segment, Verdict
from ecgedge.waves.intervals import BAZETT, FRIDERICIA, IntervalMeter, Measured, agreed, corrected

FS = 100.0


def segment(seconds, **latency):
    made = Segment(0, 250.0, FS, Ring(10_000), latency={k: round(v * FS) for k, v in latency.items()})
    made.ring.write(np.zeros(round(seconds * FS), np.float32))
    return made


def beats(made, meter, until_s, rr_s=1.0, pr=160.0, qrs=90.0, qt=400.0, role="normal"):
    first = (made.beats[-1].position / FS + rr_s) if made.beats else 0.5
    for at in np.arange(first, until_s, rr_s):
        beat = made.add_beat(float(at * FS), 1.0)
        beat.role = role
        meter.add(Measured(beat, pr, qrs, qt))


def test_a_minute_has_its_medians_and_how_many_agree():
    made, meter = segment(70), IntervalMeter(by_class=False)
    beats(made, meter, 50)
    beats(made, meter, 65, pr=None, qt=500.0)
    (minute,) = meter.advance(made, 6500)
    assert (minute.sample, minute.end_sample, minute.end_time_s, minute.beats) == (0, 15_000, 60.0, 60)
    assert (minute.pr_ms, minute.pr_beats) == (160.0, 50)
    assert (minute.qrs_ms, minute.qrs_beats) == (90.0, 60)
    assert (minute.qt_ms, minute.qt_beats) == (400.0, 50)
    assert (minute.rr_ms, minute.qtc_bazett_ms, minute.qtc_fridericia_ms) == pytest.approx((1000, 400, 400))


def test_a_median_that_most_beats_do_not_agree_with_is_none():
    assert agreed([160.0] * 5 + [None] * 5, 20.0) == (160.0, 5)
    assert agreed([160.0] * 5 + [None] * 6, 20.0) == (None, 5)
    assert agreed([160.0] * 4, 20.0) == (None, 4)
    assert agreed([100.0, 150.0, 200.0, 250.0, 300.0] * 10, 20.0) == (None, 10)
    assert agreed([], 20.0) == (None, 0)


def test_qt_is_corrected_by_the_interval_between_beats():
    assert corrected(360.0, 810.0, BAZETT) == pytest.approx(400.0)
    assert corrected(360.0, 729.0, FRIDERICIA) == pytest.approx(400.0)
    assert corrected(None, 729.0, BAZETT) is None
    assert corrected(360.0, None, BAZETT) is None


def test_minutes_without_a_beat_make_no_event_and_later_ones_keep_their_place():
    made, meter = segment(200), IntervalMeter(by_class=False)
    beats(made, meter, 10)
    made.add_beat(130.0 * FS, 1.0)
    beats(made, meter, 150)
    events = meter.advance(made, 19_000)
    assert [(e.time_s, e.end_time_s, e.beats) for e in events] == [(0.0, 60.0, 10), (120.0, 180.0, 19)]


@pytest.mark.parametrize(
    ("seconds", "ends"), [(69.9, [60.0]), (71.0, [60.0, 71.0]), (9.0, []), (30.0, [30.0])]
)
def test_what_is_left_at_the_end_counts_if_it_is_long_enough(seconds, ends):
    made, meter = segment(seconds), IntervalMeter(by_class=False)
    beats(made, meter, seconds)
    made.ended = True
    assert [e.end_time_s for e in meter.advance(made, made.ring.written)] == ends


def test_only_normal_beats_in_trusted_stretches_count_where_both_are_known():
    made, meter = segment(100, classes=3.0), IntervalMeter(by_class=True)
    beats(made, meter, 20)
    beats(made, meter, 40, role="ventricular")
    beats(made, meter, 80)
    made.verdicts.extend(
        Verdict(start, start + 1000, accepted=start != 4000, morphology=start != 5000)
        for start in range(0, 7000, 1000)
    )
    (minute,) = meter.advance(made, 9000)
    assert minute.beats == 20


def test_a_minute_waits_for_the_verdict_and_the_classes_of_its_beats():
    made, meter = segment(66, classes=3.0), IntervalMeter(by_class=True)
    beats(made, meter, 66)
    made.verdicts.extend(Verdict(s, s + 1000, accepted=True, morphology=True) for s in range(0, 5000, 1000))
    assert meter.advance(made, 6600) == []
    made.verdicts.append(Verdict(5000, 6300, accepted=True, morphology=True))
    assert len(meter.advance(made, 6600)) == 1  # beats are named up to 63 s
