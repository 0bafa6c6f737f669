"""Words in bytes: what goes in comes out, hostile bytes are refused, packets stand for themselves."""

from __future__ import annotations

import tracemalloc
import zlib
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge import ConfigError, Word
from ecgedge.tokens import Sentence

MODEL = "0123abcd"
START = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)


@st.composite
def sentences(draw):
    n = draw(st.integers(0, 40))
    ticks, begins, now = [], [], 0
    for i in range(n):
        begin = i == 0 or draw(st.booleans())
        # Long pauses and gaps beside plain intervals; a gap may be of any length.
        step = st.integers(0, 1 << 40) if begin else st.integers(32, 2500)
        now += draw(step)
        ticks.append(now)
        begins.append(begin)
    codes = draw(st.lists(st.integers(0, 255), min_size=n, max_size=n))
    levels = draw(st.lists(st.integers(0, 63), min_size=n, max_size=n))
    return Sentence(
        np.array(ticks, np.int64),
        np.array(codes, np.uint8),
        np.array(levels, np.uint8),
        np.array(begins, np.bool_),
        now + draw(st.integers(0, 1 << 40)),
        MODEL,
        draw(st.sampled_from([None, START])),
    )


def columns(sentence):
    parts = (sentence.ticks, sentence.codes, sentence.levels, sentence.begins)
    return [part.tolist() for part in parts], sentence.length, sentence.model, sentence.start


def sealed(data):
    """Bytes with a sum that is right, whatever they say."""
    return data + zlib.crc32(data).to_bytes(4, "little")


def words(n, rr_ms=800.0, gain_mv=1.0):
    return [Word(i, 0.8 * (i + 1), i % 256, None if i == 0 else rr_ms, gain_mv) for i in range(n)]


@given(sentences())
def test_what_was_written_is_read(sentence):
    again = Sentence.from_bytes(sentence.to_bytes())
    assert columns(again) == columns(sentence)
    assert again.to_bytes() == sentence.to_bytes()


def test_the_layout_is_the_one_that_is_described():
    found = Sentence.of([Word(0, 0.5, 7, None, 0.02), Word(0, 1.3, 255, 800.0, 20.0)], 2.0, MODEL, START)
    data = found.to_bytes()
    started = int(START.timestamp() * 1000) + 1
    body = bytes.fromhex("454347540123abcd01")  # in the order of the fields below
    assert body[:4] == b"ECGT"
    assert data[:4] == b"ECGT"
    assert data[4] == 1
    assert data[5:9] == bytes.fromhex(MODEL)
    varints = data[9:18]
    assert sum((b & 0x7F) << 7 * i for i, b in enumerate(varints[:6])) == started
    assert varints[6:] == bytes([500 & 0x7F | 0x80, 500 >> 7, 2])
    assert data[18:24] == bytes([7, 0, 0]) + (255 | 63 << 8 | 200 << 14).to_bytes(3, "little")
    assert data[24:25] == bytes([125])  # 0.5 s since the start
    assert data[25:] == zlib.crc32(data[:25]).to_bytes(4, "little")


def test_a_day_takes_three_bytes_a_beat():
    day = Sentence.of(words(108_000), 86_400.0, MODEL)
    assert len(day.to_bytes()) < 3 * 108_000 + 40


def test_rounded_intervals_do_not_add_up():
    # 801.3 ms are 200.325 ticks: rounded one by one, the last of 1,000 beats would lie 1.3 s early.
    many = Sentence.of(words(1000, rr_ms=801.3), 900.0, MODEL)
    assert abs(many.ticks[-1] / 250 - (0.8 + 999 * 0.8013)) <= 0.002


@pytest.mark.parametrize("gain_mv", [0.02, 0.3, 1.0, 4.7, 20.0])
def test_a_gain_comes_back_within_six_percent(gain_mv):
    found = Sentence.of(words(1, gain_mv=gain_mv), 2.0, MODEL).gains_mv[0]
    assert found == pytest.approx(gain_mv, rel=0.06)


@given(sentences(), st.data())
def test_a_changed_byte_is_found(sentence, data):
    raw = bytearray(sentence.to_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ConfigError):
        Sentence.from_bytes(bytes(raw))


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_any_bytes_are_refused_or_a_sentence(junk):
    head = b"ECGT\x01" + bytes.fromhex(MODEL)
    for data in (junk, head + junk, sealed(head + junk)):
        try:
            found = Sentence.from_bytes(data)
        except ConfigError:
            continue
        assert found.to_bytes() == Sentence.from_bytes(found.to_bytes()).to_bytes()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\x00\x00\xff\xff\xff\xff\x7f", "promise more"),  # 34 billion words
        (b"\x00\x00\x01" + (10 << 14).to_bytes(3, "little"), "means nothing"),
        (b"\x00\x00\x01\x00\x00\x00" + b"\xff" * 10, "more bytes than any"),
        (b"\x00\x00\x01\x00\x00\x00" + b"\xff" * 8 + b"\x7f", "longer than anything"),
        (b"\x00\x00\x01\x00\x00\x00\x05", "within its length"),
        (b"\x00\x00\x00\x00", "left over"),
        (b"\x00\x64\x01" + (40 << 14).to_bytes(3, "little"), "begins a stretch"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00\x00", "promise more"),  # a start beyond every calendar
        (b"\x00", "end too early"),
    ],
)
def test_what_means_nothing_is_refused(body, says):
    with pytest.raises(ConfigError, match=says):
        Sentence.from_bytes(sealed(b"ECGT\x01" + bytes.fromhex(MODEL) + body))


def test_a_later_version_asks_for_an_update():
    with pytest.raises(ConfigError, match="update ecgedge"):
        Sentence.from_bytes(sealed(b"ECGT\x02" + bytes(7)))


def test_a_file_of_nothing_but_long_intervals_is_read_at_once():
    # A reader that looked for each of them anew would need minutes.
    n = 200_000
    data = b"ECGT\x01" + bytes.fromhex(MODEL) + b"\x00" + b"\xff\xff\xff\xff\xff\x7f" + b"\xc0\x9a\x0c"
    data += bytes(3 * n) + b"\x01" * n
    tracemalloc.start()
    found = Sentence.from_bytes(sealed(data))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == n
    assert peak < 200 * n


@pytest.mark.parametrize(
    "change",
    [
        {"codes": np.zeros(2, np.uint8)},
        {"model": "xyz"},
        {"length": -1},
        {"ticks": np.array([5, 20, 100])},
        {"levels": np.array([0, 64, 0], np.uint8)},
        {"begins": np.zeros(3, np.bool_)},
        {"length": 50},
    ],
)
def test_parts_that_do_not_fit_are_refused(change):
    parts = {
        "ticks": np.array([5, 200, 400]),
        "codes": np.zeros(3, np.uint8),
        "levels": np.zeros(3, np.uint8),
        "begins": np.array([True, False, False]),
        "length": 500,
        "model": MODEL,
    }
    Sentence(**parts)
    with pytest.raises(ValueError, match=r"."):
        Sentence(**(parts | change))


@given(sentences(), st.integers(48, 300))
def test_packets_fit_and_hold_every_word(sentence, n_bytes):
    packets = list(sentence.packets(n_bytes))
    assert all(len(one.to_bytes()) <= n_bytes for one in packets)
    read = [Sentence.from_bytes(one.to_bytes()) for one in packets]
    for part in ("ticks", "codes", "levels"):
        whole = [x for one in read for x in getattr(one, part).tolist()]
        assert whole == getattr(sentence, part).tolist()
    assert all(one.begins[0] for one in read)


def test_a_packet_has_room_for_something():
    with pytest.raises(ValueError, match="48 at least"):
        list(Sentence.of(words(3), 3.0, MODEL).packets(20))
