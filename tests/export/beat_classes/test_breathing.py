"""Respiratory sinus arrhythmia: how it is made, and how little of it the shipped network calls ectopic."""

import numpy as np
import pytest

import ecgedge
from ecgedge.beat_classes.layout import FS
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import prepare
from ecgedge_export.beat_classes import breathing
from ecgedge_export.beat_classes import gather as data
from ecgedge_export.beat_classes.long_recordings import BeatSequence, at_rest, in_sinus_arrhythmia


@pytest.mark.parametrize("hz", [0.1, 0.25])
def test_breathing_moves_intervals_as_often_and_as_far_as_it_should(hz) -> None:
    still = BeatSequence(np.ones((400, 100), np.float32), np.full(400, 0.5), np.full(400, "N"))
    made = in_sinus_arrhythmia(still, 0.2, hz, np.random.default_rng(3))
    assert made.symbols is still.symbols
    assert made.waves is still.waves
    ratio = made.rr_s / 0.5
    assert 0.15 < np.sort(1 - ratio)[-40] < 0.3
    assert 0.15 < np.sort(ratio - 1)[-40] < 0.3
    breaths = np.sum((ratio[:-1] >= 1) & (ratio[1:] < 1))
    assert breaths / made.rr_s.sum() == pytest.approx(hz, rel=0.15)


def test_what_is_early_stays_early() -> None:
    rr_s = np.where(np.arange(200) % 9 == 5, 0.5, 1.0)
    beats = BeatSequence(np.ones((200, 100), np.float32), rr_s, np.where(rr_s < 1, "S", "N"))
    made = in_sinus_arrhythmia(beats, 0.1, 0.2, np.random.default_rng(4))
    assert made.rr_s[rr_s < 1].max() < made.rr_s[rr_s == 1].min()


def test_beats_are_named_as_the_stage_names_them() -> None:
    ecg = synthesize([Segment("pvc", 90.0, 70.0)], FS, seed=8)
    signal = prepare.filtered(ecg.mv, FS, FS)
    peaks = data.detect(signal)
    seen = data.observe(signal, peaks, ["N"] * len(peaks), "breathing", "made")
    beats = BeatSequence(seen.waves, np.append(0.0, np.diff(peaks) / FS), seen.symbols)
    names = breathing.called(BeatClassModel.load(), beats)
    assert "V" in names
    # The last one apart: after it the stage waits for the end of the signal.
    assert names[:-1] == ecgedge.classify_beats(ecg.mv, FS).symbol.tolist()[:-1]


def test_the_shipped_network_calls_little_of_it_ectopic() -> None:
    try:
        some = list(breathing.cases(every=5))
    except ConfigError as missing:
        pytest.skip(str(missing))
    share = breathing.shares(BeatClassModel.load(), some)
    assert share["recordings"] >= 20
    assert share["S"] < 3.0
    assert share["by_depth"]["25"] < 5.0


class Says:
    """A model that calls every beat the same."""

    form = (1.5,)

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol

    def symbol(self, row: object) -> str:
        return self._symbol


def test_a_network_that_calls_everything_s_gets_the_worst_figures() -> None:
    beats = BeatSequence(np.zeros((50, 100), np.float32), np.full(50, 1.0), np.full(50, "N"))
    early = np.where(np.arange(50) % 3 == 0, 0.7, 1.0)
    those = [
        breathing.Breathing(0.1, 60, 0.2, "a", beats),
        breathing.Breathing(0.3, 60, 0.2, "b", BeatSequence(beats.waves, early, beats.symbols)),
    ]
    none = breathing.shares(Says("N"), those)
    assert (none["S"], none["worst"], none["beats"], none["recordings"]) == (0.0, 0.0, 100, 2)
    every = breathing.shares(Says("S"), those)
    assert every["worst"] == every["by_depth"]["30"] > every["by_depth"]["10"]
    assert every["S_95"][0] < every["S"] < every["S_95"][1]


def test_a_resting_heart_is_slow_and_breathes_and_keeps_its_labels() -> None:
    busy = BeatSequence(np.ones((90, 100), np.float32), np.full(90, 0.5), np.full(90, "N"))
    means = []
    for seed in range(20):
        made = at_rest(busy, np.random.default_rng(seed))
        assert made.waves is busy.waves
        assert made.symbols is busy.symbols
        assert np.ptp(made.rr_s) > 0.03 * made.rr_s.mean()
        means.append(60 / made.rr_s.mean())
    assert 40 < min(means) < 50
    assert 78 < max(means) < 90


def test_what_teaches_sinus_arrhythmia_is_the_same_recording_at_rest() -> None:
    signal = prepare.filtered(synthesize([Segment("sinus", 30.0, 90.0)], FS, seed=2).mv, FS, FS)
    peaks = data.detect(signal)
    short = data.observe(signal, peaks, ["N"] * len(peaks), "cinc2017", "a")
    (made,) = data.looped_beats([short], "breathing", np.random.default_rng(2), at_rest, 1.0)
    np.testing.assert_array_equal(made.waves, short.waves)
    assert set(made.source.tolist()) == {"breathing"}
    assert made.rr_s.std() > 2 * short.rr_s[1:].std()
