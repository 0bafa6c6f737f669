"""The stage for words: the laws of every stage, gaps, and what a whole recording comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecgedge
from ecgedge import Beat, ConfigError, Gap, ModelError, Models, Monitor, SampleBlock, Word
from ecgedge.artefacts.manifest import Normalisation
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.monitor import default_stages
from ecgedge.tokens import Sentence, WordModel, decode, encode
from ecgedge.tokens.coding import stated
from ecgedge.tokens.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def models():
    return Models.load()


@pytest.fixture(scope="module")
def model():
    return WordModel.load()


def sinus(fs=130.0, seconds=20.0, seed=5):
    return synthesize([Segment("sinus", seconds, 70.0)], fs, seed=seed).mv


def run(models, blocks):
    monitor = Monitor(models, tokens=True)
    events = [event for block in blocks for event in monitor.feed(block)]
    return events + monitor.finish()


def words(events):
    return [event for event in events if isinstance(event, Word)]


@settings(max_examples=12)
@given(data=st.data(), fs=st.sampled_from([130.0, 250.0, 499.31]))
def test_words_are_the_same_however_the_signal_is_cut(models, data, fs):
    mv = synthesize([Segment("sinus", 24.0, 75.0), Segment("af", 10.0, 90.0)], fs, seed=4).mv
    n = len(mv)
    cuts = sorted(data.draw(st.lists(st.integers(1, n - 1), max_size=60)))
    blocks = [SampleBlock(mv[a:b], fs, a) for a, b in pairwise([0, *cuts, n]) if b > a]
    whole = run(models, [SampleBlock(mv, fs, 0)])
    assert len(words(whole)) > 35
    assert run(models, blocks) == whole


@pytest.mark.parametrize("size", [1, 36, 500])
def test_words_are_the_same_for_blocks_of_any_size(models, size):
    mv = synthesize([Segment("sinus", 16.0, 75.0)], 130.0, seed=4).mv
    blocks = [SampleBlock(mv[i : i + size], 130.0, i) for i in range(0, len(mv), size)]
    whole = run(models, [SampleBlock(mv, 130.0, 0)])
    assert len(words(whole)) > 15
    assert run(models, blocks) == whole


def test_each_beat_has_its_word_and_nothing_else_changes(models):
    assert [stage.name for stage in default_stages(models, tokens=True)] == [
        *(stage.name for stage in default_stages(models)),
        "tokens",
    ]
    mv = sinus(seconds=40.0)
    plain = Monitor(models)
    without = plain.feed(SampleBlock(mv, 130.0)) + plain.finish()
    events = run(models, [SampleBlock(mv, 130.0)])
    assert not words(without)
    assert [e for e in events if not isinstance(e, Word)] == without
    beats = [(e.sample, e.rr_ms) for e in events if isinstance(e, Beat)]
    assert [(e.sample, e.rr_ms) for e in words(events)] == beats
    assert Monitor(models, tokens=True).buffer_s == plain.buffer_s


def test_a_gap_begins_a_stretch(models):
    mv = sinus(seconds=30.0).copy()
    mv[1300:1700] = np.nan
    events = run(models, [SampleBlock(mv, 130.0, 0)])
    (gap,) = (e for e in events if isinstance(e, Gap))
    begin = [e for e in words(events) if e.rr_ms is None]
    assert len(begin) == 2
    assert begin[1].sample >= gap.end_sample
    sentence = encode(mv, 130.0)
    assert int(sentence.begins.sum()) == 2
    decoded = decode(sentence, 130.0).mv
    assert np.isnan(decoded[1400:1600]).all()
    assert np.isfinite(decoded[200:1200]).all()


def test_reset_forgets_the_stream(models):
    monitor, mv = Monitor(models, tokens=True), sinus()
    first = monitor.feed(SampleBlock(mv, 130.0)) + monitor.finish()
    monitor.feed(SampleBlock(mv[:1000], 130.0, len(mv)))
    monitor.reset()
    assert monitor.feed(SampleBlock(mv, 130.0)) + monitor.finish() == first


@pytest.mark.parametrize("fs", [100.0, 130.0, 250.0, 360.0, 1000.0])
def test_a_recording_comes_back_about_as_it_was(fs):
    mv = sinus(fs, 30.0)
    sentence = encode(mv, fs)
    again = Sentence.from_bytes(sentence.to_bytes())
    decoded = decode(again, fs)
    assert (len(decoded.mv), decoded.fs) == (len(mv), fs)
    known = np.isfinite(decoded.mv)
    assert known.mean() > 0.95
    assert np.corrcoef(decoded.mv[known], mv[known])[0, 1] > 0.75
    # Its beats are those of the recording: a decoded waveform is a signal like any other.
    found, wanted = ecgedge.detect_beats(decoded), ecgedge.detect_beats(mv, fs)
    near = [at for at in wanted if np.abs(found - at).min() < 0.03 * fs]
    assert len(near) >= 0.95 * len(wanted)


def test_the_place_in_time_is_kept(tmp_path):
    mv = sinus(seconds=10.0)
    start = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
    assert Sentence.from_bytes(encode(mv, 130.0, start=start).to_bytes()).start == start
    assert decode(encode(mv, 130.0, start=datetime(2026, 5, 1, 8, 0))).start == start
    assert encode(mv, 130.0, start=datetime(1950, 1, 1, tzinfo=UTC)).start is None


def test_nothing_is_made_of_nothing():
    sentence = encode(np.zeros(3000), 100.0)
    assert (len(sentence), sentence.duration_s) == (0, 30.0)
    assert np.isnan(decode(sentence).mv).all()


@pytest.mark.parametrize("fs", [10.0, 1e5, float("nan")])
def test_no_waveform_at_a_rate_that_none_has(fs):
    with pytest.raises(ConfigError, match="choose a rate"):
        decode(encode(sinus(seconds=5.0), 130.0), fs)


def test_words_of_another_vocabulary_are_refused():
    sentence = replace(encode(sinus(seconds=5.0), 130.0), model="00000000")
    with pytest.raises(ModelError, match="vocabulary 00000000"):
        decode(sentence)


def test_what_this_version_does_not_know_is_refused(model):
    other = replace(model.manifest, normalisation=Normalisation("height", {"places": 32}))
    with pytest.raises(ModelError, match="update ecgedge"):
        WordModel(other, model.backend, model.vocabulary)
    narrow = Vocabulary(model.vocabulary.codes[:, :8], model.vocabulary.waves)
    with pytest.raises(ModelError, match="gives 32 values, and codes have 8"):
        WordModel(model.manifest, model.backend, narrow)


def test_the_model_states_its_error(model):
    found = stated(model)
    assert 0 < found.prd < 100
    assert 0 < found.correlation < 1
    silent = WordModel(replace(model.manifest, metrics={"command": ""}), model.backend, model.vocabulary)
    with pytest.raises(ModelError, match="does not state its error"):
        stated(silent)


def test_both_runtimes_speak_the_same():
    mv = synthesize([Segment("sinus", 20.0, 75.0), Segment("af", 20.0, 90.0)], 130.0, seed=4).mv
    one, other = (encode(mv, 130.0, model=WordModel.load(None, name)) for name in ("litert", "onnx"))
    assert one.to_bytes() == other.to_bytes()
