"""From words back to a waveform: places, heights, gaps, and the rate that is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from ecgedge import Word
from ecgedge.stream.ring import Ring
from ecgedge.tokens.decoder import waveform
from ecgedge.tokens.features import HALF, Bounds, N, bounds, model_input, read_at, word
from ecgedge.tokens.sentence import Sentence
from ecgedge.tokens.vocabulary import Vocabulary, gains

MODEL = "0123abcd"


def bump(width=4.0):
    return np.exp(-0.5 * ((np.arange(N) - HALF) / width) ** 2).astype(np.float32)


@pytest.fixture
def vocabulary():
    return Vocabulary.rounded(np.eye(2, 4, dtype=np.float32), np.stack([bump(), -bump()]))


def said(*beats, length_s=10.0):
    """Beats as (seconds, code, rr_ms or None)."""
    return Sentence.of([Word(0, at, code, rr, 1.0) for at, code, rr in beats], length_s, MODEL)


@pytest.mark.parametrize("fs", [50.0, 100.0, 130.0, 360.0, 1000.0])
def test_r_peaks_stand_where_they_were_at_every_rate(vocabulary, fs):
    mv = waveform(said((1.0, 0, None), (2.0, 0, 1000.0), (3.2, 0, 1200.0)), vocabulary, fs)
    assert len(mv) == 10 * fs
    for at in (1.0, 2.0, 3.2):
        near = mv[round((at - 0.2) * fs) : round((at + 0.2) * fs)]
        assert round((at - 0.2) * fs) + int(near.argmax()) == pytest.approx(at * fs, abs=1)
        assert near.max() == pytest.approx(1.0, rel=0.1)


def test_codes_choose_the_wave(vocabulary):
    mv = waveform(said((1.0, 0, None), (2.0, 1, 1000.0)), vocabulary, 100.0)
    assert mv[100] > 0.9
    assert mv[200] < -0.9


def test_a_pause_is_flat_and_a_gap_is_nothing(vocabulary):
    mv = waveform(said((1.0, 0, None), (4.0, 0, 3000.0), (8.0, 0, None)), vocabulary, 100.0)
    assert mv[250] == 0.0  # between two beats of one stretch
    assert np.isnan(mv[600])  # between two stretches
    assert np.isnan(mv[:50]).all()
    assert np.isnan(mv[-100:]).all()
    assert np.isfinite(mv[60:440]).all()


def test_no_words_are_no_waveform(vocabulary):
    assert np.isnan(waveform(said(), vocabulary, 100.0)).all()


def test_pieces_join_without_a_seam(vocabulary):
    beats = [(0.8 * (i + 1), i % 2, 800.0 if i else None) for i in range(1500)]
    whole = waveform(said(*beats, length_s=1300.0), vocabulary, 100.0)
    assert len(whole) > 1 << 16
    # The same stretch of signal, later in a longer recording: other pieces, the same values.
    later = [(at + 301.0, code, rr) for at, code, rr in beats]
    moved = waveform(said(*later, length_s=1700.0), vocabulary, 100.0)
    np.testing.assert_allclose(moved[30_100 : 30_100 + 120_000], whole[:120_000], atol=1e-4)


def test_more_than_memory_is_refused(vocabulary):
    with pytest.raises(ValueError, match="too many for one array"):
        waveform(said((1.0, 0, None), length_s=1e9), vocabulary, 100.0)


def test_a_cubic_reads_a_parabola_exactly():
    x = np.arange(20.0)
    place = np.linspace(1.0, 16.9, 50)
    np.testing.assert_allclose(read_at(x**2, place), place**2, rtol=1e-5)


def test_a_word_is_cut_between_samples_and_silent_beyond_its_bounds():
    ring = Ring(400)
    t = np.arange(400)
    ring.write(np.exp(-0.5 * ((t - 200.4) / 3) ** 2) + 0.1)
    cut = word(ring, 200.4, Bounds(-20.0, 30.0))
    assert int(cut.argmax()) == HALF
    assert cut[HALF] == pytest.approx(1.1, abs=2e-3)  # between samples the top is lower
    own = np.flatnonzero(cut)
    assert (own[0], own[-1]) == (HALF - 20, HALF + 29)


@pytest.mark.parametrize(
    ("previous", "following", "wanted"),
    [
        (120.0, 280.0, (-40.0, 40.0)),
        (None, 280.0, (-48.0, 40.0)),
        (20.0, 390.0, (-48.0, 48.0)),  # 0.96 s at most
        (170.0, None, (-15.0, 48.0)),
    ],
)
def test_bounds_are_midpoints_within_a_word(previous, following, wanted):
    assert bounds(previous, 200.0, following, 0, 400) == wanted


def test_the_gain_is_that_of_the_part_that_is_there():
    wave = bump()[None]
    half = np.where(np.arange(N) < HALF, 2.5 * wave, 0).astype(np.float32)
    assert gains(half, wave)[0] == pytest.approx(2.5)
    assert gains(np.zeros((1, N), np.float32), wave)[0] == 0.0


def test_the_size_of_a_word_does_not_matter_to_the_network():
    np.testing.assert_allclose(model_input(3 * bump()), model_input(bump()), rtol=1e-6)
    assert np.isfinite(model_input(np.zeros(N))).all()


def test_a_vocabulary_comes_back_as_it_was(vocabulary):
    from ecgedge.tokens.vocabulary import VocabularyFile
    from ecgedge_bridge.schema import Place, build, parse_json

    place = Place("weights:")
    again = Vocabulary.read(build(VocabularyFile, parse_json(vocabulary.encoded(), place), place))
    np.testing.assert_array_equal(again.codes, vocabulary.codes)
    np.testing.assert_array_equal(again.waves, vocabulary.waves)
    assert np.ptp(vocabulary.waves, axis=1) == pytest.approx([1.0, 1.0], abs=0.01)


def test_the_last_code_is_read_to_its_end():
    edge = np.zeros(N, np.float32)
    edge[-1], edge[HALF] = 0.5, 1.0
    last = Vocabulary.rounded(np.eye(2, 4, dtype=np.float32), np.stack([bump(), edge]))
    mv = waveform(said((1.0, 1, None), (3.0, 1, 2000.0)), last, 360.0)
    assert mv[round(1.47 * 360)] == pytest.approx(0.5, abs=0.05)
    assert abs(mv[round(1.485 * 360)]) < 0.1
