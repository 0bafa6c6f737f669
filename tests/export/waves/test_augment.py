"""What the wave network is shown, and what it is told about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgedge.waves.features import BEFORE, FS, N, model_input
from ecgedge_export.data.record import Record, Wave
from ecgedge_export.waves import gather
from ecgedge_export.waves.augment import Augment, WaveAugmenter, cut
from ecgedge_export.waves.gather import RATE, WAVES, Marked

MARK_FS = 500.0
STILL = Augment(p_noise=0, p_flip=0, p_stretch=0, p_fast=0, p_without_p=0, jitter_s=0)


def wave(kind, onset_s, peak_s, end_s):
    onset, peak, end = (None if s is None else round(s * MARK_FS) for s in (onset_s, peak_s, end_s))
    return Wave(kind, onset, peak, end)


def beat(at_s, p=True):
    waves = [wave("P", at_s - 0.16, at_s - 0.1, at_s - 0.06)] if p else []
    return [
        *waves,
        wave("QRS", at_s - 0.04, at_s, at_s + 0.05),
        wave("T", at_s + 0.2, at_s + 0.3, at_s + 0.36),
    ]


def shape(at_s):
    """A signal whose value says where in a beat it is: a bump on P, QRS and T each."""
    t = np.arange(round(10 * RATE)) / RATE
    x = np.zeros(len(t))
    for peak in at_s:
        for offset, width, height in ((-0.11, 0.02, 0.15), (0.0, 0.012, 1.0), (0.28, 0.03, 0.3)):
            x += height * np.exp(-0.5 * ((t - peak - offset) / width) ** 2)
    return x.astype(np.float32)


def marked(waves, at_s):
    """One lead with these waves."""
    signal = shape(at_s)
    beats = [(i, w) for i, w in enumerate(waves) if w.kind == "QRS"]
    return Marked(
        signals=signal[None],
        lengths=np.array([len(signal)]),
        sums=gather._sums(waves, 5000, MARK_FS)[None],
        fs=MARK_FS,
        lead=np.zeros(len(beats), np.int64),
        peak_s=np.array([w.peak / MARK_FS for _, w in beats]),
        tp_s=np.array([gather._tp_segments(waves, i, MARK_FS) for i, _ in beats]),
        records=("1",),
    )


AT_S = (1.0, 2.1, 3.2, 4.3)
WAVES_OF_FOUR = [w for at in AT_S for w in beat(at)]
ONE = np.array([1])


def plain(one, chosen=ONE, moved=0.0, factor=1.0, tp=1.0):
    k = len(chosen)
    return cut(one, chosen, *(np.full(k, value) for value in (moved, factor, tp)))


def borders_s(shares, kind):
    """Onset and end of a wave from shares, in seconds from the peak, for waves that lie in the window."""
    share = shares[WAVES.index(kind)]
    places = (np.arange(N) - BEFORE) / FS
    return places[share > 0].min(), places[share > 0].max(), share.sum() / FS


def test_a_sample_has_its_share_of_every_wave():
    x, shares = plain(marked(WAVES_OF_FOUR, AT_S))
    assert x.shape == (1, N)
    assert int(x[0].argmax()) == BEFORE
    assert borders_s(shares[0], "QRS") == pytest.approx((-0.04, 0.05, 0.09), abs=0.0051)
    assert borders_s(shares[0], "P") == pytest.approx((-0.16, -0.06, 0.1), abs=0.0051)
    assert shares[0, :3].sum(axis=0).max() == pytest.approx(1.0)
    assert (shares[0, 3] == 1).all()


def test_outside_of_the_marks_nothing_is_taught():
    one = marked(WAVES_OF_FOUR, AT_S)
    first, last = plain(one, np.array([0])).shares[0], plain(one, np.array([3])).shares[0]
    places = (np.arange(N) - BEFORE) / FS
    assert first[3, places < -0.16 - gather.KNOWN_S - 0.006].max() == 0
    assert first[3, places > -0.16 - gather.KNOWN_S + 0.006].min() == 1
    assert last[3, places > 0.36 + gather.KNOWN_S + 0.006].max() == 0


def test_around_a_border_without_a_mark_nothing_is_taught():
    waves = list(WAVES_OF_FOUR)
    waves[4] = Wave("QRS", None, waves[4].peak, waves[4].end)
    shares = plain(marked(waves, AT_S)).shares[0]
    places = (np.arange(N) - BEFORE) / FS
    assert shares[3, (places > -0.19) & (places < -0.01)].max() == 0
    assert shares[3, places > 0.01].min() == 1


def test_stretched_time_stretches_waves_and_marks_alike():
    x, shares = plain(marked(WAVES_OF_FOUR, AT_S), factor=0.8)  # a sample is 8 ms of the recording
    assert borders_s(shares[0], "QRS")[2] == pytest.approx(0.09 / 0.8, abs=1e-3)
    as_it_is = plain(marked(WAVES_OF_FOUR, AT_S)).windows[0]
    assert (x[0] > 0.1).sum() == pytest.approx((as_it_is > 0.1).sum() / 0.8, abs=4)


def test_a_shorter_tp_segment_brings_the_neighbours_nearer_and_leaves_the_waves_as_they_are():
    one = marked(WAVES_OF_FOUR, AT_S)
    assert one.tp_s[1].ravel().tolist() == pytest.approx([-0.74, -0.16, 0.36, 0.94])
    assert one.tp_s[0, 0].tolist() == [0, 0]  # nobody marked what comes before the first P
    x, shares = plain(one, tp=0.1)
    own = shares.copy()
    own[..., np.abs(np.arange(N) - BEFORE) > 30] = 0
    assert borders_s(own[0], "QRS") == pytest.approx((-0.04, 0.05, 0.09), abs=0.0051)
    p, places = shares[0, WAVES.index("P")], (np.arange(N) - BEFORE) / FS
    after = p[places > 0.1]
    assert after.sum() / FS == pytest.approx(0.1, abs=2e-3)  # the next P, whole
    assert places[places > 0.1][after > 0].min() == pytest.approx(0.36 + 0.1 * 0.58, abs=0.011)
    t = places[(places < -0.1) & (shares[0, WAVES.index("T")] > 0)]
    assert t.max() == pytest.approx(-0.16 - 0.1 * 0.58, abs=0.011)
    next_r = int(x[0, BEFORE + 20 :].argmax()) + 20
    assert next_r / FS == pytest.approx(1.1 - 0.9 * 0.58, abs=0.011)


def test_an_erased_p_wave_is_gone_from_signal_and_marks():
    one = marked(WAVES_OF_FOUR, AT_S)
    how = Augment(p_noise=0, p_flip=0, p_stretch=0, p_fast=0, p_without_p=1, jitter_s=0)
    x, *shares = WaveAugmenter(how, [], 0.2).draw(one, ONE, np.random.default_rng(0))[0]
    assert shares[WAVES.index("P")].max() == 0
    assert shares[WAVES.index("QRS")].sum() == pytest.approx(9, abs=0.1)
    p = slice(BEFORE - 16, BEFORE - 6)
    assert np.abs(x[p]).max() < 0.2 * np.abs(WaveAugmenter(STILL, [], 0.2).plain(one, ONE)[0, p]).max()


def test_a_drawn_example_is_an_input_and_its_shares():
    one, rng = marked(WAVES_OF_FOUR, AT_S), np.random.default_rng(0)
    still = WaveAugmenter(STILL, [], 0.2)
    drawn = still.draw(one, np.array([1, 2]), rng)
    assert drawn.shape == (2, 6, N)
    assert drawn.dtype == np.float32
    assert np.abs(drawn[:, 0] - still.plain(one, np.array([1, 2]))).max() < 0.2  # half a sample either way
    noisy = Augment(p_noise=1, snr_db=(6, 6), p_flip=1, p_stretch=0, p_fast=0, p_without_p=0, jitter_s=0)
    hum = np.sin(np.arange(1000)).astype(np.float32)
    other = WaveAugmenter(noisy, [hum], 0.2).draw(one, np.array([1, 2]), rng)
    assert (other[:, 0, BEFORE] < -0.7).all()
    assert np.abs(other[:, 0, :20]).mean() > 2 * np.abs(drawn[:, 0, :20]).mean()


def test_inputs_are_those_of_the_runtime():
    one = marked(WAVES_OF_FOUR, AT_S)
    x = plain(one).windows
    assert np.array_equal(WaveAugmenter(STILL, [], 0.2).plain(one, ONE), model_input(x, 0.2))


def test_leads_are_gathered_with_their_people(monkeypatch):
    def record(name, fs=500.0):
        waves = {"i": tuple(WAVES_OF_FOUR), "v1": (), "ii": tuple(WAVES_OF_FOUR[3:])}
        return Record("ludb", name, Path("nowhere"), fs, 5000, tuple(waves), name, waves=waves)

    monkeypatch.setattr(
        Record, "lead", lambda self, which: np.interp(np.arange(5000) / 2.5, np.arange(2000), shape(AT_S))
    )
    found = gather.gathered([record("3"), record("7")])
    assert found.records == ("3", "3", "7", "7")  # nobody marked v1
    assert len(found) == 14
    assert found.peak_s[:4].tolist() == list(AT_S)
    assert found.signals.shape == (4, 2000)
