"""Every index that leaves lies in its segment, in the caller's rate, whatever lengths, rates and gaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge import Beat, Gap, Hrv, Models, Monitor, Quality, Rhythm, SampleBlock


@pytest.fixture(scope="module")
def models():
    return Models.load()


def pulses(n, fs, rr_s, last):
    """R peaks, the last one ``last`` samples before the end."""
    t, end = np.arange(n), n - last
    peaks = end - np.arange(0, max(end, 1), rr_s * fs)
    return np.exp(-0.5 * ((t[:, None] - peaks[None, :]) / (0.012 * fs)) ** 2).sum(axis=1)


signals = st.tuples(
    st.floats(1.0, 70.0),
    st.sampled_from(
        [50.0, 100.0, 125.0, 128.0, 130.0, 180.0, 200.0, 250.0, 256.0, 300.0, 360.0, 499.31, 500.0, 1000.0]
    ),
    st.floats(0.4, 1.4),
    st.floats(-1.0, 3.0),
)


def check(events, segments, fs):
    """``segments`` are (start, end) of signal; each event lies in one of them, or is a gap between them."""
    for event in events:
        if isinstance(event, Beat):
            assert any(a <= event.sample < b for a, b in segments), event
            continue
        assert event.sample <= event.end_sample
        if isinstance(event, Hrv):  # its window spans gaps; it ends within signal
            assert any(a <= event.end_sample <= b for a, b in segments), event
        elif isinstance(event, Quality | Rhythm):
            assert any(a <= event.sample and event.end_sample <= b for a, b in segments), event
        elif isinstance(event, Gap):
            assert not any(a < event.end_sample and event.sample < b for a, b in segments), event
        assert event.time_s == pytest.approx(event.sample / fs)
        assert event.end_time_s == pytest.approx(event.end_sample / fs)


@settings(max_examples=60)
@given(signal=signals, data=st.data())
def test_indices_lie_in_their_segment(models, signal, data):
    seconds, fs, rr_s, last = signal
    n = round(seconds * fs)
    mv = pulses(n, fs, rr_s, last)
    holes = data.draw(st.lists(st.tuples(st.floats(0, 1), st.integers(5, 2000)), max_size=3))
    for at, length in holes:
        mv[int(at * n) : int(at * n) + length] = np.nan
    good = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(mv), [False]]).astype(int)))
    segments = [(int(a), int(b)) for a, b in zip(good[::2], good[1::2], strict=True)]
    monitor = Monitor(models, hrv_window_s=10.0)
    check(monitor.feed(SampleBlock(mv, fs, 0)) + monitor.finish(), segments, fs)


@pytest.mark.parametrize("fs", [100.0, 128.0, 130.0, 250.0, 360.0, 500.0, 1000.0])
@pytest.mark.parametrize("length", [400, 528, 997, 5999, 6001])
def test_an_r_peak_on_the_very_end_can_be_looked_up(fs, length):
    for last in (0, 0.5, 1, 2):
        mv = pulses(length, fs, 0.8, last)
        beats = ecgedge.detect_beats(mv, fs)
        assert len(beats) == len(mv[beats])
        assert all(q.end_sample <= length for q in ecgedge.assess_quality(mv, fs))
        assert np.all(ecgedge.classify_beats(mv, fs).sample < length)
