"""Files of words: written whole, read back as a recording, refused where they are damaged."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import ecgedge
from ecgedge import ConfigError, Gap, ModelError, SampleBlock, Word
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.sinks.registry import open_saver
from ecgedge.sinks.words_file import EVERY
from ecgedge.tokens import Sentence, encode
from ecgedge.tokens.coding import bundled


def word(i, at_s=None):
    return Word(i * 104, 0.8 * (i + 1) if at_s is None else at_s, 7, 800.0 if i else None, 1.0)


def block(seconds, fs=130.0, **more):
    return SampleBlock(np.zeros(round(seconds * fs), np.float32), fs, 0, **more)


@pytest.fixture
def night(tmp_path):
    """A minute of ECG with a hole, as words."""
    mv = synthesize([Segment("sinus", 60.0, 70.0)], 130.0, seed=1).mv.copy()
    mv[3000:3900] = np.nan
    sentence = encode(mv, 130.0, start=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    path = tmp_path / "night.ecgt"
    path.write_bytes(sentence.to_bytes())
    return path, mv, sentence


def test_a_file_of_words_is_read_as_a_recording(night):
    path, mv, sentence = night
    found = ecgedge.load(path, fs=130.0)
    assert (found.fs, found.start) == (130.0, sentence.start)
    assert [note.code for note in found.notes] == ["decoded"]
    assert len(found.mv) == pytest.approx(len(mv), abs=130)
    assert np.isnan(found.mv[3100:3800]).all()
    known = np.isfinite(found.mv) & np.isfinite(mv[: len(found.mv)])
    assert np.corrcoef(found.mv[known], mv[: len(found.mv)][known])[0, 1] > 0.75
    blocks = list(ecgedge.read(path))
    assert {b.fs for b in blocks} == {100.0}
    assert max(len(b.samples) for b in blocks) <= 100
    monitor = ecgedge.Monitor()
    events = [event for b in blocks for event in monitor.feed(b)]
    assert sum(isinstance(event, Gap) for event in events) >= 1


@pytest.mark.parametrize("ask", [{"channel": 0}, {"unit": "mV"}, {"fs": 5.0}])
def test_what_words_do_not_have_is_refused(night, ask):
    with pytest.raises(ConfigError):
        ecgedge.read(night[0], **ask)


def test_a_damaged_file_is_refused_by_its_name(night):
    path, _, sentence = night
    data = sentence.to_bytes()
    for broken in (data[:-5], data[:30] + b"\x00" + data[31:], b"ECGT", b""):
        path.write_bytes(broken)
        with pytest.raises(ConfigError, match=r"night\.ecgt"):
            ecgedge.load(path)


def test_words_of_another_vocabulary_are_not_decoded(night):
    path, _, sentence = night
    data = sentence.to_bytes()
    import zlib

    other = data[:5] + bytes(4) + data[9:-4]
    path.write_bytes(other + zlib.crc32(other).to_bytes(4, "little"))
    with pytest.raises(ModelError, match="give the model folder"):
        ecgedge.load(path)


def test_a_stream_is_written_while_it_goes_on(tmp_path):
    path = tmp_path / "live.ecgt"
    sink = open_saver(str(path))
    sink.take([block(10.0)])
    sink.take([word(i) for i in range(EVERY - 1)])
    assert path.stat().st_size == 0
    sink.take([word(EVERY - 1)])
    assert len(Sentence.from_bytes(path.read_bytes())) == EVERY
    sink.take([word(EVERY)])
    sink.close()
    found = Sentence.from_bytes(path.read_bytes())
    assert (len(found), found.model, found.start) == (EVERY + 1, bundled().id, None)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_live_stream_knows_when_it_began(tmp_path):
    sink = open_saver(str(tmp_path / "live.ecgt"))
    sink.take([block(10.0, host_time_s=123.0), word(0)])
    sink.close()
    found = Sentence.from_bytes((tmp_path / "live.ecgt").read_bytes())
    assert abs(datetime.now(UTC) - timedelta(seconds=10) - found.start) < timedelta(seconds=60)
    assert found.duration_s == 10.0


def test_without_a_beat_there_is_no_file(tmp_path):
    path = tmp_path / "flat.ecgt"
    sink = open_saver(str(path))
    sink.take([block(10.0)])
    sink.close()
    assert not path.exists()
