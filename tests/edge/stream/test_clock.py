"""Times at the rate that a device really has: monotonic, the same for every cut, and bounded."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge import Beat, ConfigError, Hrv, Models, Monitor, SampleBlock
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.stream.clock import SampleClock
from ecgedge_bridge import PolarEcgDecoder
from ecgedge_bridge.protocols.polar.frames import encode_ecg_frame
from ecgedge_bridge.values import SampleBlock as Block


@pytest.fixture(scope="module")
def models():
    return Models.load()


@given(
    pieces=st.lists(st.tuples(st.integers(1, 5000), st.floats(126.0, 134.0)), min_size=1, max_size=40),
    at=st.lists(st.floats(0, 1), min_size=2, max_size=20),
)
def test_seconds_ascend_and_have_an_inverse(pieces, at):
    clock, end = SampleClock(130.0), 0
    for n, rate in pieces:
        clock.tell(end, rate)
        end += n
    places = sorted({round(share * end) for share in at})
    seconds = [clock.seconds(place) for place in places]
    assert all(a < b for a, b in pairwise(seconds))
    assert [round(clock.sample(s)) for s in seconds] == places
    true = sum(n / rate for n, rate in pieces)
    assert clock.seconds(end) == pytest.approx(true, abs=1e-6)


def test_memory_is_bounded_and_what_is_kept_does_not_change():
    clock, end = SampleClock(130.0), 0
    for i in range(20_000):
        clock.tell(end, 128.0 + (i % 7) / 10)
        end += 73
    before = clock.seconds(end - 60_000)
    clock.tell(end, 129.0)
    assert clock.seconds(end - 60_000) == before
    assert len(clock._knots) < 2000


@pytest.mark.parametrize("rate", [100.0, 150.0, float("nan"), float("inf"), 0.0, -130.0])
def test_a_rate_that_cannot_be_is_refused(rate, models):
    with pytest.raises(ConfigError, match="fs_hat"):
        Monitor(models).feed(SampleBlock(np.zeros(10), 130.0, fs_hat=rate))


@pytest.mark.parametrize(
    ("nominal", "true"), [(130.0, 128.0), (130.0, 131.0), (250.0, 246.0), (125.0, 125.0)]
)
def test_intervals_and_times_follow_the_measured_rate(models, nominal, true):
    mv = np.zeros(round(150 * nominal), np.float32)
    mv[100 :: round(nominal)] = 1.0
    monitor = Monitor(models)
    events = monitor.feed(SampleBlock(mv, nominal, fs_hat=true)) + monitor.finish()
    beats = [e for e in events if isinstance(e, Beat)]
    rr_ms = 1e3 * round(nominal) / true
    assert np.mean([b.rr_ms for b in beats[1:]]) == pytest.approx(rr_ms, rel=1e-4)
    assert np.diff([b.time_s for b in beats]).mean() == pytest.approx(rr_ms / 1e3, rel=1e-4)
    assert [b.sample for b in beats[:3]] == [100, 100 + round(nominal), 100 + 2 * round(nominal)]
    hrv = [e for e in events if isinstance(e, Hrv)]
    assert hrv[0].mean_nn_ms == pytest.approx(rr_ms, rel=1e-3)
    assert hrv[0].end_time_s == pytest.approx(60, abs=0.01)
    assert hrv[0].end_sample == round(60 * true)


@pytest.mark.parametrize("true", [127.9, 129.0, 130.0, 131.4])
def test_the_stamps_of_a_strap_reach_the_intervals(models, true):
    x = np.zeros(130 * 120, int)
    x[100::130] = 1000
    decoder, monitor, rr = PolarEcgDecoder(), Monitor(models), []
    for k in range(len(x) // 73):
        last = (73 * k + 72) / true
        data = encode_ecg_frame(round(last * 1e9), x[73 * k : 73 * k + 73])
        for block in decoder.receive_data(data, 1000 + last):
            assert isinstance(block, Block)
            rr += [e.rr_ms for e in monitor.feed(block) if isinstance(e, Beat) and e.rr_ms]
    assert np.mean(rr[10:]) == pytest.approx(1e3 * 130 / true, abs=0.5)


@settings(max_examples=10)
@given(data=st.data())
def test_cuts_within_blocks_change_nothing(models, data):
    mv = synthesize([Segment("sinus", 70, 70.0)], 130.0, seed=2).mv
    edges = sorted({0, len(mv), *data.draw(st.lists(st.integers(0, len(mv)), max_size=12))})
    rates = data.draw(st.lists(st.floats(127, 133), min_size=len(edges), max_size=len(edges)))

    def events(cuts):
        monitor, found = Monitor(models, hrv_window_s=30.0), []
        for a, b, rate in zip(edges, edges[1:], rates, strict=False):
            inside = [a, *[c for c in cuts if a < c < b], b]
            for low, high in pairwise(inside):
                found += monitor.feed(SampleBlock(mv[low:high], 130.0, low, fs_hat=rate))
        return [e.to_json() for e in found + monitor.finish()]

    cuts = sorted(data.draw(st.sets(st.integers(1, len(mv) - 1), max_size=20)))
    assert events(cuts) == events([])
