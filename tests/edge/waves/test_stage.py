"""The stage for waves: made ECG with known intervals, gaps, and the laws of every stage."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge import Beat, Gap, Intervals, Models, Monitor, SampleBlock, Waves
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.monitor import default_stages

BORDERS = ("p_onset", "p_peak", "p_end", "qrs_onset", "qrs_end", "t_onset", "t_peak", "t_end")


@pytest.fixture(scope="module")
def models():
    return Models.load()


def bump(t, start, end, height):
    """A raised cosine from start to end: its borders are known."""
    inside = (t > start) & (t < end)
    return np.where(inside, 0.5 * height * (1 - np.cos(2 * np.pi * (t - start) / (end - start))), 0.0)


def made_ecg(fs, seconds, rr_s, pr_s=0.16, qrs_s=0.09, qt_s=0.38, p_mv=0.12, noise_mv=0.005):
    """ECG of bumps; intervals run from where one begins to where the last one ends."""
    t = np.arange(round(seconds * fs)) / fs
    x = noise_mv * np.random.default_rng(1).standard_normal(len(t))
    for onset in np.arange(0.6, seconds, rr_s):  # of QRS
        x += bump(t, onset - pr_s, onset - pr_s + 0.1, p_mv)
        # Straight lines: a QRS begins and ends abruptly.
        x += np.interp((t - onset) / qrs_s, [0, 0.15, 0.45, 0.75, 1], [0, -0.15, 1, -0.4, 0])
        x += bump(t, onset + qt_s - 0.18, onset + qt_s, 0.3)
    return x


def intervals(models, mv, fs):
    monitor = Monitor(models, waves=True)
    (found,) = (
        e for e in [*monitor.feed(SampleBlock(mv, fs)), *monitor.finish()] if isinstance(e, Intervals)
    )
    return found


@pytest.mark.parametrize("fs", [100.0, 130.0, 250.0, 360.0, 512.0, 1000.0])
@pytest.mark.parametrize("rr_s", [1.2, 0.85, 0.6])
def test_known_intervals_come_out_at_every_rate(models, fs, rr_s):
    found = intervals(models, made_ecg(fs, 30.0, rr_s), fs)
    assert found.beats > 0.8 * 30 / rr_s - 4
    assert min(found.pr_beats, found.qrs_beats, found.qt_beats) > 0.8 * found.beats
    # A raised cosine starts so flatly that nobody would mark its onset there.
    assert found.pr_ms == pytest.approx(160, abs=20)
    assert found.qrs_ms == pytest.approx(90, abs=20)
    assert found.qt_ms == pytest.approx(380, abs=30)
    assert found.rr_ms == pytest.approx(1e3 * rr_s, abs=2)
    assert found.qtc_bazett_ms == pytest.approx(found.qt_ms / np.sqrt(found.rr_ms / 1e3))
    assert found.qtc_fridericia_ms == pytest.approx(found.qt_ms / np.cbrt(found.rr_ms / 1e3))


@pytest.mark.parametrize(
    ("name", "change", "least", "most"),
    # Of a wide QRS the network sees about half of what it is wider: in LUDB few are.
    [("pr", {"pr_s": 0.22}, 50, 70), ("qrs", {"qrs_s": 0.15}, 20, 65), ("qt", {"qt_s": 0.44}, 50, 70)],
)
def test_a_longer_interval_is_measured_longer(models, name, change, least, most):
    plain, longer = (intervals(models, made_ecg(250.0, 30.0, 1.0, **more), 250.0) for more in ({}, change))
    assert least < getattr(longer, f"{name}_ms") - getattr(plain, f"{name}_ms") < most


def test_without_p_waves_there_is_no_pr(models):
    found = intervals(models, made_ecg(250.0, 30.0, 0.8, p_mv=0.0), 250.0)
    assert (found.pr_ms, found.qtc_fridericia_ms is None) == (None, False)


def test_in_atrial_fibrillation_most_beats_have_no_p(models):
    mv = synthesize([Segment("af", 60.0, 80.0)], 250.0, seed=2).mv
    waves = ecgedge.delineate(mv, 250.0)
    kinds = [wave.kind for wave in waves]
    assert kinds.count("QRS") > 60
    assert kinds.count("P") < 0.2 * kinds.count("QRS")
    assert kinds.count("T") > 0.8 * kinds.count("QRS")


def test_waves_come_in_the_order_of_a_beat(models):
    waves = ecgedge.delineate(made_ecg(250.0, 12.0, 0.8), 250.0)
    assert [wave.kind for wave in waves][3:33] == ["P", "QRS", "T"] * 10
    whole = [wave for wave in waves if None not in (wave.onset, wave.end)]
    assert all(wave.onset < wave.peak < wave.end for wave in whole)
    assert all(a.end <= b.onset for a, b in pairwise(whole))


def test_every_beat_has_one_qrs_and_it_is_the_detectors(models):
    mv = synthesize([Segment("pvc", 30.0, 70.0)], 130.0, seed=3).mv
    peaks = [wave.peak for wave in ecgedge.delineate(mv, 130.0) if wave.kind == "QRS"]
    assert peaks == ecgedge.detect_beats(mv, 130.0).tolist()


def test_a_recording_is_taken_as_it_is(tmp_path):
    path = tmp_path / "ecg.csv"
    mv = made_ecg(250.0, 12.0, 0.8).astype(np.float32)
    np.savetxt(path, mv, header="ecg_mv", comments="", fmt="%.6f")
    recording = ecgedge.load(path, fs=250.0)
    assert ecgedge.delineate(recording) == ecgedge.delineate(recording.mv, 250.0)


def test_a_flat_line_has_no_waves():
    assert ecgedge.delineate(np.zeros(3000), 100.0) == []


def run(models, blocks):
    monitor = Monitor(models, waves=True)
    events = [event for block in blocks for event in monitor.feed(block)]
    return events + monitor.finish()


@settings(max_examples=12)
@given(data=st.data(), fs=st.sampled_from([130.0, 250.0, 499.31]))
def test_events_are_the_same_however_the_signal_is_cut(models, data, fs):
    mv = synthesize([Segment("sinus", 24.0, 75.0), Segment("af", 10.0, 90.0)], fs, seed=4).mv
    n = len(mv)
    cuts = sorted(data.draw(st.lists(st.integers(1, n - 1), max_size=60)))
    edges = [0, *cuts, n]
    pieces = [SampleBlock(mv[a:b], fs, a) for a, b in pairwise(edges) if b > a]
    assert run(models, pieces) == run(models, [SampleBlock(mv, fs, 0)])


def test_one_sample_at_a_time_is_the_same_too(models):
    mv = synthesize([Segment("sinus", 14.0, 75.0)], 100.0, seed=4).mv
    one_by_one = [SampleBlock(mv[i : i + 1], 100.0, i) for i in range(len(mv))]
    assert run(models, one_by_one) == run(models, [SampleBlock(mv, 100.0, 0)])


@settings(max_examples=25)
@given(
    fs=st.sampled_from([50.0, 100.0, 130.0, 250.0, 499.31, 1000.0]),
    seconds=st.floats(1.0, 30.0),
    holes=st.lists(st.tuples(st.floats(0, 1), st.integers(5, 2000)), max_size=3),
)
def test_no_wave_leaves_its_segment(models, fs, seconds, holes):
    mv = made_ecg(fs, seconds, 0.7)
    n = len(mv)
    for at, length in holes:
        mv[int(at * n) : int(at * n) + length] = np.nan
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(mv), [False]]).astype(int)))
    segments = list(zip(edges[::2], edges[1::2], strict=True))
    for event in run(models, [SampleBlock(mv, fs, 0)]):
        if isinstance(event, Waves):
            places = [event.sample, *(getattr(event, name) for name in BORDERS)]
            known = [place for place in places if place is not None]
            assert any(a <= min(known) and max(known) < b for a, b in segments), event
            p_qrs_t = [place for name in BORDERS if (place := getattr(event, name)) is not None]
            assert p_qrs_t == sorted(p_qrs_t)
        elif isinstance(event, Intervals):
            assert any(a <= event.sample < event.end_sample <= b for a, b in segments), event


def test_a_gap_ends_the_minute_and_the_next_one_begins_behind_it(models):
    fs, mv = 250.0, made_ecg(250.0, 60.0, 0.8)
    mv[round(25 * fs) : round(27 * fs)] = np.nan
    events = run(models, [SampleBlock(mv, fs, 0)])
    (gap,) = (e for e in events if isinstance(e, Gap))
    first, second = (e for e in events if isinstance(e, Intervals))
    assert (first.sample, second.sample, second.end_sample) == (0, gap.end_sample, len(mv))
    assert first.end_sample <= gap.sample


def test_waves_are_off_by_default_and_change_no_other_event(models):
    assert [stage.name for stage in default_stages(models, waves=True)] == [
        *(stage.name for stage in default_stages(models)),
        "waves",
    ]
    mv = synthesize([Segment("sinus", 40.0, 70.0)], 130.0, seed=5).mv
    plain = Monitor(models)
    without = plain.feed(SampleBlock(mv, 130.0)) + plain.finish()
    events = run(models, [SampleBlock(mv, 130.0)])
    assert not any(isinstance(e, Waves | Intervals) for e in without)
    others = [e for e in events if not isinstance(e, Waves | Intervals)]
    assert others == without
    assert Monitor(models, waves=True).buffer_s == plain.buffer_s
    beats = [e.sample for e in events if isinstance(e, Beat)]
    assert [e.sample for e in events if isinstance(e, Waves)] == beats


def test_reset_forgets_the_stream(models):
    monitor = Monitor(models, waves=True)
    mv = synthesize([Segment("sinus", 20.0, 70.0)], 130.0, seed=5).mv
    first = monitor.feed(SampleBlock(mv, 130.0)) + monitor.finish()
    monitor.feed(SampleBlock(mv[:1000], 130.0, len(mv)))
    monitor.reset()
    assert monitor.feed(SampleBlock(mv, 130.0)) + monitor.finish() == first
