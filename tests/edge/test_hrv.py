"""HRV: what counts as an interval, values worked out by hand, other people's implementations as oracles."""

import numpy as np
import pytest
from scipy import signal

from ecgedge.events import Hrv
from ecgedge.hrv import FEWEST, Interval, RrCleaner, band_powers, heart_rate_bpm, measure, sample_entropy
from ecgedge.ring import Ring
from ecgedge.segment import Judged, Segment
from ecgedge.stages import HrvStage


def intervals(rr_ms):
    """Intervals that all count, without a cut."""
    times = np.cumsum(np.asarray(rr_ms, float)) / 1e3
    return [
        Interval(float(t), float(rr), True, i > 0) for i, (t, rr) in enumerate(zip(times, rr_ms, strict=True))
    ]


def breathing(minutes, lf=20.0, hf=30.0, mean=800.0):
    """RR intervals with one slow and one fast rhythm of known amplitude, in ms."""
    rr, t = [], 0.0
    while t < 60 * minutes:
        rr.append(mean + lf * np.sin(2 * np.pi * 0.1 * t) + hf * np.sin(2 * np.pi * 0.25 * t))
        t += rr[-1] / 1e3
    return rr


def test_by_hand():
    m = measure(intervals([800, 800, 900, 800]))  # steps 0 100 -100, sums 1600 1700 1700
    assert (m.n_nn, m.nn_share) == (4, 1.0)
    assert m.mean_nn_ms == pytest.approx(825)
    assert m.sdnn_ms == pytest.approx(50)
    assert m.rmssd_ms == pytest.approx(np.sqrt(20000 / 3))
    assert m.sdsd_ms == pytest.approx(100)
    assert m.sd1_ms == pytest.approx(100 / np.sqrt(2))
    assert m.sd2_ms == pytest.approx(100 / np.sqrt(3) / np.sqrt(2))
    assert m.pnn20 == m.pnn50 == pytest.approx(200 / 3)
    assert (m.median_nn_ms, m.mad_nn_ms, m.iqr_nn_ms) == (800, 0, 25)
    assert m.cvnn == pytest.approx(50 / 825)
    assert m.cvsd == pytest.approx(np.sqrt(20000 / 3) / 825)
    assert m.lf_hf is None


def test_differences_do_not_span_what_is_left_out():
    joined = intervals([800, 810, 820, 830, 1000, 1010])
    cut = [*joined[:4], Interval(4.26, 1000, True, False), *joined[5:]]
    assert measure(joined).rmssd_ms == pytest.approx(np.sqrt((3 * 100 + 170**2 + 100) / 5))
    assert measure(cut).rmssd_ms == pytest.approx(10)
    assert measure(cut).sdnn_ms == measure(joined).sdnn_ms


@pytest.mark.parametrize("n", range(FEWEST))
def test_too_few_intervals_tell_nothing(n):
    m = measure(intervals([800] * n))
    assert m.n_nn == n
    assert {m.mean_nn_ms, m.rmssd_ms, m.sample_entropy, m.lf_ms2} == {None}


@pytest.mark.parametrize(
    ("times", "counts"),
    [
        ([0, 0.8, 1.6, 2.4, 3.2, 4.0], [1, 1, 1, 1, 1]),
        ([0, 0.8, 1.6, 2.4, 2.9, 4.0, 4.8], [1, 1, 1, 0, 0, 1]),  # one comes early
        ([0, 0.8, 1.6, 2.4, 4.0, 4.8], [1, 1, 1, 0, 1]),  # one is missed
        ([0, 0.8, 1.6, 2.4, 2.8, 3.2, 4.0], [1, 1, 1, 0, 0, 1]),  # one too many
        ([0, 0.8, 1.6, 2.4, 12.4, 13.2], [1, 1, 1, 0, 1]),  # a pause
    ],
)
def test_what_counts(times, counts):
    cleaner = RrCleaner()
    found = [i for i in map(cleaner.beat, times) if i]
    assert [int(i.nn) for i in found] == counts
    assert [i.follows for i in found] == [bool(a and b) for a, b in zip([0, *counts], counts, strict=False)]


def test_a_changing_rate_is_followed():
    rr = np.geomspace(1.2, 0.4, 200)
    cleaner = RrCleaner()
    found = [i for i in map(cleaner.beat, np.cumsum(rr).tolist()) if i]
    assert all(i.nn for i in found)


def test_nothing_is_measured_over_a_cut():
    cleaner = RrCleaner()
    assert cleaner.beat(0.0) is None
    assert cleaner.beat(0.8).follows is False
    assert cleaner.beat(1.6).follows is True
    cleaner.cut()
    assert cleaner.beat(2.4) is None
    assert cleaner.beat(3.2).follows is False


def test_a_million_beats_do_not_blur_the_window():
    """Nothing is summed up over the stream: the last window measures what it measures alone."""
    cleaner = RrCleaner()
    rr = 0.8 + 0.05 * np.random.default_rng(0).standard_normal(1_000_000)
    for t in np.cumsum(rr)[:-400].tolist():
        cleaner.beat(t)
    late = [i for i in map(cleaner.beat, np.cumsum(rr)[-400:].tolist()) if i]
    m = measure(late)
    kept = np.array([i.rr_ms for i in late if i.nn])
    assert m.sdnn_ms == pytest.approx(kept.std(ddof=1), rel=1e-9)
    assert kept.mean() == pytest.approx(800, rel=0.02)


def test_powers_of_known_rhythms():
    rr = breathing(5.1, lf=20, hf=30)
    lf, hf = band_powers(np.cumsum(rr) / 1e3, np.array(rr))
    assert lf == pytest.approx(20**2 / 2, rel=0.1)
    # Interpolating linearly between beats damps the fast rhythm somewhat.
    assert 0.7 * 30**2 / 2 < hf < 1.05 * 30**2 / 2


def test_powers_are_those_of_scipy():
    rr = np.array(breathing(5.2)) + np.random.default_rng(1).normal(0, 10, len(breathing(5.2)))
    t = np.cumsum(rr) / 1e3
    grid = np.arange(t[0], t[-1], 0.25)
    x = np.interp(grid, t, rr)
    f, p = signal.welch(x, 4.0, "hann", nperseg=600, noverlap=300, detrend="constant")
    lf, hf = band_powers(t, rr)
    assert lf == pytest.approx(p[(f >= 0.04) & (f < 0.15)].sum() * f[1], rel=1e-6)
    assert hf == pytest.approx(p[(f >= 0.15) & (f < 0.4)].sum() * f[1], rel=1e-6)


def test_sample_entropy_by_counting():
    x = np.random.default_rng(2).normal(0, 1, 60)
    r, n = 0.3, 60
    runs = [(i, j) for i in range(n - 2) for j in range(i + 1, n - 2)]
    two = [(i, j) for i, j in runs if max(abs(x[i] - x[j]), abs(x[i + 1] - x[j + 1])) <= r]
    three = [(i, j) for i, j in two if abs(x[i + 2] - x[j + 2]) <= r]
    assert sample_entropy(x, r) == pytest.approx(np.log(len(two) / len(three)))
    assert sample_entropy(np.arange(9.0), 0.1) is None


def test_equal_to_neurokit2():
    neurokit2 = pytest.importorskip("neurokit2", reason="compares with neurokit2, which is not installed")
    rng = np.random.default_rng(3)
    rr = np.array(breathing(5.2)) + rng.normal(0, 15, len(breathing(5.2)))
    theirs = neurokit2.hrv({"RRI": rr, "RRI_Time": np.cumsum(rr) / 1e3}, sampling_rate=1000).iloc[0]
    ours = measure(intervals(rr))
    for name, key in {
        "mean_nn_ms": "MeanNN", "sdnn_ms": "SDNN", "rmssd_ms": "RMSSD", "sdsd_ms": "SDSD", "cvnn": "CVNN",
        "cvsd": "CVSD", "median_nn_ms": "MedianNN", "mad_nn_ms": "MadNN", "iqr_nn_ms": "IQRNN",
        "sd1_ms": "SD1",
        "sd2_ms": "SD2", "sample_entropy": "SampEn",
    }.items():  # fmt: skip
        assert getattr(ours, name) == pytest.approx(theirs[f"HRV_{key}"], rel=1e-6), name
    n = len(rr)
    assert ours.pnn50 == pytest.approx(theirs["HRV_pNN50"] * n / (n - 1))
    assert ours.pnn20 == pytest.approx(theirs["HRV_pNN20"] * n / (n - 1))
    assert ours.lf_hf == pytest.approx(theirs["HRV_LFHF"], rel=0.25)  # other sections, cubic interpolation


def played(rr_s, refused=(), fs_in=130.0, seconds=None):
    """Give beats to the stage in ten-second stretches, as the gate does; return its events."""
    stage = HrvStage()
    segment = Segment(0, fs_in, 100.0, Ring(6400))
    stage.start(segment)
    beats = 100 * np.cumsum(rr_s)
    events = []
    n = int((seconds or beats[-1] / 100) // 10)
    for k in range(n):
        segment.beats.extend(beats[(beats >= 1000 * k) & (beats < 1000 * (k + 1))].tolist())
        segment.judged.append(Judged(1000 * k, 1000 * (k + 1), k not in refused))
        segment.ended = k == n - 1
        events += stage.advance(segment)
    return events


def test_events_come_every_minute_and_at_the_end():
    events = played([0.8] * 200)
    assert [e.end_time_s for e in events] == [60, 120, 150] or [e.end_time_s for e in events] == [
        60,
        120,
        160,
    ]
    assert all(isinstance(e, Hrv) and e.mean_nn_ms == pytest.approx(800) for e in events)
    assert events[0].sample == 0
    assert events[0].end_sample == 60 * 130
    assert events[0].to_json()["type"] == "hrv"


def test_a_window_holds_five_minutes():
    events = played([0.8] * 300 + [0.6] * 900)
    assert events[-1].time_s == pytest.approx(events[-1].end_time_s - 300)
    assert events[-1].mean_nn_ms == pytest.approx(600)
    assert events[-1].lf_ms2 is not None


def test_beats_in_refused_signal_do_not_count():
    rr = np.full(150, 0.8)
    rr[40:49] = 0.3  # what the detector makes of the noise from 30 s on
    with_noise, refused = played(rr)[0], played(rr, refused={3})[0]
    assert refused.sdnn_ms == pytest.approx(0, abs=1e-6)
    assert refused.nn_share == 1.0
    assert refused.n_nn < with_noise.n_nn + 9


def test_heart_rate():
    assert heart_rate_bpm([0.0, 0.5, 1.0, 3.0]) == pytest.approx(120)
    assert heart_rate_bpm([1.0]) is None
