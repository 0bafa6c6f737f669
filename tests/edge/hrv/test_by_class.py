"""NN intervals where classes are known: the class decides, and timing only what no breathing does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ecgedge
from ecgedge import Beat, Hrv, Models, Monitor, SampleBlock
from ecgedge.hrv.by_class import AHEAD, ClassCleaner


def cleaned(times, ectopic=()):
    cleaner = ClassCleaner()
    out = [i for k, t in enumerate(times) for i in cleaner.push(float(t), normal=k not in ectopic)]
    return out + cleaner.end_run()


def left_out(times, ectopic=()):
    return [k + 1 for k, interval in enumerate(cleaned(times, ectopic)) if not interval.normal]


def breathing(bpm, depth, hz, seconds=300.0, seed=0):
    rng, times = np.random.default_rng(seed), [0.5]
    while times[-1] < seconds:
        slow = 1 + depth * np.sin(2 * np.pi * hz * times[-1])
        times.append(times[-1] + 60 / bpm * slow * (1 + 0.01 * rng.standard_normal()))
    return np.array(times)


@pytest.mark.parametrize("bpm", [40, 50, 60, 75])
@pytest.mark.parametrize("depth", [0.15, 0.2, 0.25])
@pytest.mark.parametrize("hz", [0.08, 0.15, 0.25])
def test_deep_breathing_at_a_slow_pulse_keeps_every_interval(bpm, depth, hz):
    assert left_out(breathing(bpm, depth, hz)) == []


@pytest.mark.parametrize("depth", [0.0, 0.1, 0.2])
def test_a_missed_beat_and_a_false_one_are_left_out(depth):
    times = breathing(55, depth, 0.12)
    assert left_out(np.delete(times, 40)) == [40]
    for where in (0.3, 0.5, 0.7):
        extra = times[40] + where * (times[41] - times[40])
        assert left_out(np.insert(times, 41, extra)) == [41, 42]


@given(ectopic=st.sets(st.integers(0, 79)))
def test_exactly_the_intervals_at_an_ectopic_beat_are_left_out(ectopic):
    times = np.arange(80) * 0.9
    assert left_out(times, ectopic) == [k for k in range(1, 80) if {k, k - 1} & ectopic]


@given(rr=st.lists(st.floats(0.002, 4.0), max_size=100))
def test_whatever_comes_every_interval_comes_out_once_and_in_order(rr):
    times = np.cumsum([1.0, *rr])
    out = cleaned(times)
    assert len(out) == int(np.sum(np.round(np.diff(times) * 1e6) <= 3_000_000))
    assert [i.end_s for i in out] == sorted({i.end_s for i in out})
    assert not any(i.normal for i in out if i.rr_us < 250_000)


def test_verdicts_come_two_intervals_behind_and_a_break_joins_nothing():
    cleaner = ClassCleaner()
    given_out = [len(cleaner.push(0.8 * k, normal=True)) for k in range(20)]
    assert sum(given_out) == 19 - AHEAD
    assert cleaner.waiting_s == pytest.approx(0.8 * 18)
    assert len(cleaner.end_run()) == AHEAD
    assert [
        i.follows
        for i in [*cleaner.push(60.0, normal=True), *cleaner.push(60.8, normal=True), *cleaner.end_run()]
    ] == [False]
    with pytest.raises(ValueError, match="ascend"):
        [cleaner.push(at, normal=True) for at in (70.0, 70.0)]


WAVES = {
    "N": [(-0.08, -0.03, 0.0085), (0.95, 0, 0.0115), (-0.17, 0.03, 0.01), (0.25, 0.27, 0.045)],
    "V": [(0.42, -0.05, 0.02), (1.25, 0, 0.026), (0.52, 0.05, 0.02), (-0.42, 0.29, 0.055)],
}


def drawn(beats, seconds, fs):
    t = np.arange(round(seconds * fs)) / fs
    x = 0.005 * np.random.default_rng(0).standard_normal(len(t))
    for at, kind in beats:
        for height, shift, width in WAVES[kind]:
            x += height * np.exp(-0.5 * ((t - at - shift) / width) ** 2)
    return x.astype(np.float32)


@pytest.mark.parametrize(
    ("fs", "v_rr", "nn"), [(130.0, 0.40, 0.85), (250.0, 0.44, 0.95), (130.0, 0.36, 0.75)]
)
def test_a_run_of_ventricular_beats_for_minutes_is_no_part_of_nn(fs, v_rr, nn):
    beats = [(t, "N") for t in np.arange(0.6, 100, nn)]
    beats += [(t, "V") for t in np.arange(100.3, 240, v_rr)]
    beats += [(t, "N") for t in np.arange(241, 329, nn)]
    monitor = Monitor(Models.load())
    events = monitor.feed(SampleBlock(drawn(beats, 330, fs), fs)) + monitor.finish()
    last = [e for e in events if isinstance(e, Hrv)][-1]
    assert sum(e.symbol == "V" for e in events if isinstance(e, Beat)) > 0.97 * 139.7 / v_rr
    assert last.mean_nn_ms == pytest.approx(1e3 * nn, abs=5)
    assert last.rmssd_ms < 25
    assert ecgedge.summarize(drawn(beats, 330, fs), fs).ventricular.longest_run > 300
