"""What strangers feed: single losses, masks, raw counts, absurd values and indices."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge.beats.stage import BeatStage
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.events import Beat, Gap, Note
from ecgedge.monitor import Models
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.stream.intake import PIECE, runs
from ecgedge.stream.pipeline import Pipeline

MODELS = Models.load()


def ecg(fs, seconds=40.0):
    return synthesize([Segment("sinus", seconds, 70.0)], fs, 1).mv.astype(np.float64)


def fed(x, fs, cuts=(), models=MODELS):
    monitor, events = ecgedge.Monitor(models), []
    for a, b in zip([0, *cuts], [*cuts, len(x)], strict=True):
        events += monitor.feed(ecgedge.SampleBlock(x[a:b], fs, a))
    return events + monitor.finish(), monitor.stats


@pytest.mark.parametrize("fs", [50.0, 130.0, 1000.0])
@pytest.mark.parametrize("every_s", [0.5, 2.0, 7.7])
@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1e300])
def test_single_missing_samples_are_bridged_and_counted(fs, every_s, missing, value):
    if missing > 0.02 * fs:
        pytest.skip("longer than 20 ms")
    x = ecg(fs)
    whole = [e.sample for e in fed(x, fs)[0] if isinstance(e, Beat)]
    holes = np.arange(round(fs * every_s), len(x) - 5, round(fs * every_s))
    for k in range(missing):
        x[holes + k] = value
    events, stats = fed(x, fs)
    assert (stats.bridged, stats.lost) == (missing * len(holes), 0)
    assert not [e for e in events if isinstance(e, Gap)]
    notes = [e for e in events if isinstance(e, Note)]
    assert [n.code for n in notes] == ["bridged"]
    assert str(stats.bridged) in notes[0].detail
    beats = [e.sample for e in events if isinstance(e, Beat)]
    assert len(beats) == len(whole)
    assert np.abs(np.subtract(beats, whole)).max() <= max(3, 0.02 * fs)


def test_lost_by_index_is_bridged_like_nan():
    x, fs = ecg(130.0), 130.0
    monitor = ecgedge.Monitor(MODELS)
    events = monitor.feed(ecgedge.SampleBlock(x[:2000], fs, 0))
    events += monitor.feed(ecgedge.SampleBlock(x[2002:], fs, 2002)) + monitor.finish()
    with_nan = x.copy()
    with_nan[2000:2002] = np.nan
    assert events == fed(with_nan, fs)[0]


def test_many_bridges_are_told_once_a_minute():
    x = ecg(130.0, 200.0)
    x[100::130] = np.nan
    events, stats = fed(x, 130.0)
    notes = [e for e in events if isinstance(e, Note)]
    assert 3 <= len(notes) <= 4
    assert sum(int(n.detail.split()[0]) for n in notes) == stats.bridged == 200


@settings(deadline=None, max_examples=30)
@given(
    holes=st.lists(st.tuples(st.integers(0, 1299), st.integers(1, 4)), max_size=12),
    cuts=st.lists(st.integers(0, 1300), max_size=12).map(sorted),
)
def test_bridges_do_not_depend_on_the_cut(holes, cuts):
    x = ecg(130.0, 10.0)
    for at, n in holes:
        x[at : at + n] = np.nan
    events, stats = fed(x, 130.0)
    assert fed(x, 130.0, cuts) == (events, stats)
    assert stats.samples + stats.lost + stats.bridged == len(x)


def test_masked_samples_are_missing():
    x = ecg(130.0)
    masked = np.ma.array(x, mask=False)
    masked[1000:1500] = np.ma.masked
    gaps = [e for e in fed(masked, 130.0)[0] if isinstance(e, Gap)]
    assert [(g.sample, g.end_sample, g.reason) for g in gaps] == [(1000, 1500, "not_finite")]


@pytest.mark.parametrize("gain", [20_000.0, 8e6, 1e9])
@pytest.mark.parametrize("offset", [0.0, 2.0**20, -(2.0**23), 1e9])
@pytest.mark.parametrize("whole", [True, False])
def test_raw_counts_are_signal_with_a_note(gain, offset, whole):
    x = ecg(130.0)
    counts = gain * x + offset
    events, stats = fed(np.round(counts).astype(np.int64) if whole else counts, 130.0)
    beats, expected = (
        [e.sample for e in found if isinstance(e, Beat)] for found in (events, fed(x, 130.0)[0])
    )
    assert np.abs(np.subtract(beats, expected)).max() <= 1
    assert [e.code for e in events if isinstance(e, Note)] == ["units"]
    assert stats.lost == 0
    assert ecgedge.classify(counts, 130.0).label == ecgedge.classify(x, 130.0).label == "N"


@pytest.mark.parametrize("gain", [0.3, 1.0, 5.0])
def test_millivolts_get_no_note(gain):
    assert not [e for e in fed(gain * ecg(130.0), 130.0)[0] if isinstance(e, Note)]


def test_volts_get_a_note_and_noise_none():
    assert [e.code for e in fed(1e-3 * ecg(130.0), 130.0)[0] if isinstance(e, Note)] == ["units"]
    noise = 1e-3 * np.random.default_rng(0).standard_normal(5200)
    assert not [e for e in fed(noise, 130.0)[0] if isinstance(e, Note)]


@pytest.mark.parametrize("index", [-1, 2**53 + 1, 2**70])
def test_an_index_without_meaning_is_refused(index):
    with pytest.raises(ValueError, match="index"):
        ecgedge.Monitor(MODELS).feed(ecgedge.SampleBlock(np.zeros(100), 130.0, index))


def test_a_jump_of_millennia_takes_no_time():
    monitor = ecgedge.Monitor(MODELS)
    events = monitor.feed(ecgedge.SampleBlock(ecg(130.0), 130.0, 0))
    events += monitor.feed(ecgedge.SampleBlock(ecg(130.0), 130.0, 2**53 - 10**6)) + monitor.finish()
    json.dumps([e.to_json() for e in events], allow_nan=False)


@pytest.mark.parametrize("helper", [ecgedge.classify, ecgedge.classify_beats, ecgedge.detect_beats])
def test_masked_samples_are_missing_for_every_helper(helper):
    # What lies under a mask is anything: here a rhythm that nobody may hear.
    x = np.ma.array(ecg(130.0), mask=True)
    found = helper(x, 130.0)
    assert getattr(found, "reason", "no_signal") == "no_signal"
    assert not len(getattr(found, "sample", [] if hasattr(found, "label") else found))


def test_masked_samples_are_missing_in_arrays_that_are_fed_and_in_files(tmp_path):
    x = np.ma.array(ecg(130.0), mask=False)
    x[1000:1500] = np.ma.masked
    monitor = ecgedge.Monitor(MODELS, fs=130.0)
    gaps = [e for e in monitor.feed(x) + monitor.finish() if isinstance(e, Gap)]
    assert [(g.sample, g.end_sample) for g in gaps] == [(1000, 1500)]
    with CsvWriter(tmp_path / "a.csv") as writer:
        writer.write(ecgedge.SampleBlock(x, 130.0))
    read = ecgedge.load(tmp_path / "a.csv").mv
    np.testing.assert_array_equal(np.isnan(read), x.mask)


@pytest.mark.parametrize("fs", [np.nan, np.inf, -np.inf, 0.0, -130.0, 1e300])
def test_a_rate_without_meaning_is_refused(fs):
    with pytest.raises(ecgedge.ConfigError, match="Hz"):
        ecgedge.Monitor(MODELS).feed(ecgedge.SampleBlock(np.zeros(100), fs, 0))


def test_values_at_the_limit_stay_bounded():
    rng = np.random.default_rng(0)
    with np.errstate(all="raise"):
        x = 1e12 * np.sign(rng.standard_normal(130 * 60)) * rng.random(130 * 60)
        events, _ = fed(x, 130.0)
    json.dumps([e.to_json() for e in events], allow_nan=False)


def test_beats_alone_run_on_counts():
    pipeline = Pipeline((BeatStage(MODELS.beats),), MODELS.beats.fs, MODELS.beats.front_end)
    x = 1e6 * ecg(250.0) + 1e8
    found = pipeline.feed(ecgedge.SampleBlock(x, 250.0, 0)) + pipeline.finish()
    assert len([e for e in found if isinstance(e, Beat)]) > 40


def test_a_whole_recording_is_taken_in_pieces_of_float64():
    x = np.ones(2_000_000, np.float32)
    tracemalloc.start()
    try:
        found = sum(run.end - run.start for run in runs(x))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == len(x)
    assert peak < x.nbytes / 10


@pytest.mark.parametrize("missing", [1, 2, 3, 400])
@pytest.mark.parametrize("masked", [False, True])
def test_what_is_missing_where_pieces_meet_is_told_as_in_blocks(missing, masked):
    x = ecg(130.0, seconds=2.5 * PIECE / 130)
    x[[2 * PIECE, 2 * PIECE + 1]] = np.inf
    hole = slice(PIECE - missing // 2 - 1, PIECE - missing // 2 - 1 + missing)
    if masked:
        x = np.ma.masked_array(x)
        x[hole] = np.ma.masked
    else:
        x[hole] = np.nan
    (whole, stats), (cut, cut_stats) = fed(x, 130.0), fed(x, 130.0, (5000, 9000, 16_000))
    assert [e.to_json() for e in whole] == [e.to_json() for e in cut]
    assert (stats.bridged, stats.lost) == (cut_stats.bridged, cut_stats.lost)
    assert stats.bridged + stats.lost == missing + 2
