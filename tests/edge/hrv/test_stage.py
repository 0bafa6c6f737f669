"""Hrv events of a whole monitor: when they come, what they rest on, and that cuts do not change them."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge import Beat, Hrv, Models, Monitor, Quality, SampleBlock
from ecgedge.demo.synthetic import Segment as Part
from ecgedge.demo.synthetic import synthesize
from ecgedge.hrv.stage import HrvStage
from ecgedge.sinks.words import describe
from ecgedge.stream.ring import Ring
from ecgedge.stream.segment import Segment, Verdict

FS = 100.0


def beats_of(seconds, seed=0):
    rng = np.random.default_rng(seed)
    n = int(seconds / 0.7)
    times = np.cumsum(0.85 + 0.03 * np.sin(np.arange(n) * 0.85 * 2 * np.pi * 0.25) + rng.normal(0, 0.004, n))
    return times[times < seconds]


def run(stage, beats_s, verdicts, first_sample=0, fs_in=130.0):
    """Take a segment through the stage: a verdict for each 10 s."""
    segment = Segment(first_sample, fs_in, FS, Ring(16))
    stage.start(segment)
    events = []
    for i, accepted in enumerate(verdicts):
        for beat_s in beats_s[(beats_s >= 10 * i) & (beats_s < 10 * (i + 1))]:
            segment.add_beat(float(beat_s * FS), 1.0)
        segment.verdicts.append(Verdict(round(10 * i * FS), round(10 * (i + 1) * FS), accepted))
        events += stage.advance(segment)
        segment.ring.written += round(10 * FS)
        segment.forget()
    segment.ended = True
    return events + stage.advance(segment)


def test_an_event_every_minute_and_the_rest_at_the_end():
    events = run(HrvStage(), beats_of(400), [True] * 40)
    assert [(round(e.time_s), round(e.end_time_s)) for e in events] == [
        (0, 60), (0, 120), (0, 180), (0, 240), (0, 300), (60, 360), (100, 400),
    ]  # fmt: skip
    assert [e.lf_hf is not None for e in events] == [False] * 4 + [True] * 3
    for e in events:
        assert e.sample == round(e.time_s * 130)
        assert e.end_sample == round(e.end_time_s * 130)


def test_what_an_event_says_is_what_its_beats_say():
    beats = beats_of(400)
    last = run(HrvStage(), beats, [True] * 40)[-1]
    inside = beats[(beats >= 100)]
    rr = 1e3 * np.diff(inside)
    assert last.n_rr == last.n_nn == len(rr)
    assert last.usable == pytest.approx(rr.sum() / 300e3, abs=1e-3)
    assert last.mean_nn_ms == pytest.approx(rr.mean(), abs=1e-3)
    assert last.sdnn_ms == pytest.approx(rr.std(ddof=1), abs=1e-3)
    assert last.rmssd_ms == pytest.approx(np.sqrt(np.mean(np.diff(rr) ** 2)), abs=1e-3)
    assert last.hf_ms2 == pytest.approx(450, rel=0.25)
    assert last.hf_ms2 > 5 * last.lf_ms2


def test_refused_stretches_give_no_interval_and_nothing_spans_them():
    beats = beats_of(60)
    verdicts = [True, True, False, False, True, True]
    (event,) = run(HrvStage(), beats, verdicts)
    left, right = beats[beats < 20], beats[beats >= 40]
    rr = np.concatenate([np.diff(left), np.diff(right)])
    assert event.n_nn == len(rr)
    assert event.mean_nn_ms == pytest.approx(1e3 * rr.mean(), abs=1e-3)
    steps = np.concatenate([np.diff(np.diff(left)), np.diff(np.diff(right))])
    assert event.rmssd_ms == pytest.approx(1e3 * np.sqrt(np.mean(steps**2)), abs=1e-3)


def test_nothing_usable_gives_no_event():
    assert run(HrvStage(), beats_of(300), [False] * 30) == []
    assert run(HrvStage(), np.array([]), [True] * 30) == []


def test_a_window_without_usable_intervals_ends_the_events():
    events = run(HrvStage(over_s=60.0), beats_of(300), [True] * 6 + [False] * 24)
    assert [round(e.end_time_s) for e in events] == [60]


def test_beats_that_stop_do_not_hold_an_event_back():
    stage, beats = HrvStage(), beats_of(55)
    segment = Segment(0, FS, FS, Ring(16))
    stage.start(segment)
    for beat_s in beats:
        segment.add_beat(float(beat_s * FS), 1.0)
    events = []
    for i in range(7):
        segment.verdicts.append(Verdict(1000 * i, 1000 * (i + 1), accepted=True))
        events += stage.advance(segment)
    assert [e.end_time_s for e in events] == [60.0]


def test_the_window_spans_a_gap_and_no_interval_does():
    stage, beats = HrvStage(), beats_of(60)
    run(stage, beats, [True] * 6)
    events = run(stage, beats, [True] * 6, first_sample=75 * 130)
    assert [round(e.end_time_s) for e in events] == [120, 135]
    rr = np.diff(beats)
    assert events[-1].n_rr == 2 * len(rr)
    assert events[-1].mean_nn_ms == pytest.approx(1e3 * rr.mean(), abs=1e-2)


def test_an_hour_without_signal_makes_no_events():
    stage, beats = HrvStage(), beats_of(60)
    run(stage, beats, [True] * 6)
    events = run(stage, beats, [True] * 6, first_sample=3600 * 130)
    assert [round(e.end_time_s) for e in events] == [3660]
    assert events[0].n_rr == len(beats) - 1


def test_many_short_segments_do_not_make_an_event_each():
    stage, beats = HrvStage(), beats_of(5)
    events = []
    for i in range(60):
        events += run(stage, beats, [True], first_sample=round(11 * 130 * i))
    assert len(events) <= 60 + 11
    assert all(b.end_time_s > a.end_time_s for a, b in pairwise(events))


@pytest.mark.parametrize(("over_s", "hop_s"), [(9.9, 60), (300, 5), (601, 60), (float("nan"), 60)])
def test_a_window_too_short_or_too_long_is_refused(over_s, hop_s):
    with pytest.raises(ValueError, match="10 to 600 s"):
        HrvStage(over_s, hop_s)


@pytest.fixture(scope="module")
def models():
    return Models.load()


@pytest.fixture(scope="module")
def ecg():
    return synthesize([Part("sinus", 70), Part("noise", 30), Part("pvc", 70)], fs=130, seed=2)


def events_of(models, mv, cuts, **options):
    monitor = Monitor(models, **options)
    edges = [0, *sorted(cuts), len(mv)]
    events = [e for a, b in pairwise(edges) for e in monitor.feed(SampleBlock(mv[a:b], 130.0, a))]
    return events + monitor.finish()


def test_a_monitor_measures_the_true_intervals(models):
    true = synthesize([Part("sinus", 125)], fs=130, seed=4)
    found = [e for e in events_of(models, true.mv, []) if isinstance(e, Hrv)]
    assert len(found) >= 2
    rr = 1e3 * np.diff([b / 130 for b in true.beats if b / 130 < found[-1].end_time_s])
    assert found[-1].mean_nn_ms == pytest.approx(rr.mean(), rel=0.01)
    assert found[-1].sdnn_ms == pytest.approx(rr.std(ddof=1), rel=0.1)
    assert found[-1].usable > 0.9


def test_noise_and_ectopy_do_not_count(models, ecg):
    events = events_of(models, ecg.mv, [])
    refused = [q for q in events if isinstance(q, Quality) and not q.accepted]
    assert refused
    last = [e for e in events if isinstance(e, Hrv)][-1]
    beats = [e for e in events if isinstance(e, Beat)]
    assert last.n_nn < last.n_rr < len(beats) - 1
    assert last.rmssd_ms < 60, "premature beats leaked into RMSSD"


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_cuts_and_gaps_give_identical_events(models, ecg, data):
    mv = ecg.mv.copy()
    for at, n in data.draw(st.lists(st.tuples(st.integers(0, len(mv)), st.integers(1, 3000)), max_size=3)):
        mv[at : at + n] = np.nan
    cuts = data.draw(st.lists(st.integers(0, len(mv)), max_size=20))
    whole = [e.to_json() for e in events_of(models, mv, [], hrv_window_s=40.0)]
    assert [e.to_json() for e in events_of(models, mv, cuts, hrv_window_s=40.0)] == whole


def test_it_says_itself_in_json_and_in_words(models, ecg):
    event = next(e for e in events_of(models, ecg.mv, []) if isinstance(e, ecgedge.Hrv))
    said = json.loads(json.dumps(event.to_json(), allow_nan=False))
    assert said["type"] == "hrv"
    assert said["lf_hf"] is None
    assert {"sample", "time_s", "end_sample", "end_time_s", "rmssd_ms", "sdnn_ms", "usable"} <= said.keys()
    assert describe(event).startswith("HRV over 1.0 min: RMSSD ")
