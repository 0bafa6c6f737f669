"""The project's own frame: literal bytes, round trips, damage, and loss counted exactly."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge_bridge import FrameLost, SampleBlock
from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.own.frames import (
    MAX_SAMPLES,
    RATES,
    FrameDecoder,
    crc16,
    decode_frame,
    encode_frame,
    fit,
    rate_code,
    split_frames,
)

INT24 = st.integers(-(1 << 23), (1 << 23) - 1)
# Small steps as an ECG has them, and any.
SIGNALS = st.one_of(
    st.lists(INT24, min_size=1, max_size=MAX_SAMPLES),
    st.lists(st.integers(-300, 300), min_size=1, max_size=MAX_SAMPLES),
    st.tuples(INT24, st.integers(1, MAX_SAMPLES)).map(lambda flat: [flat[0]] * flat[1]),
)


@pytest.mark.parametrize(
    ("microvolt", "expected"),
    [
        # version 1 | 250 Hz | n | bits | number | ms | first | differences
        ([0, 5, 3, -2], "e1 06 04 04 07 00 e8 03 00 00 00 00 00 e5 0b"),
        ([-1], "e1 06 01 00 07 00 e8 03 00 00 ff ff ff"),
        ([9, 9, 9], "e1 06 03 00 07 00 e8 03 00 00 09 00 00"),
        ([8388607, -8388608], "e1 06 02 02 07 00 e8 03 00 00 ff ff 7f 01"),  # +1, modulo 2**24
        ([0, -8388608], "e1 06 02 18 07 00 e8 03 00 00 00 00 00 00 00 80"),
    ],
)
def test_encodes_the_specified_bytes(microvolt: list[int], expected: str) -> None:
    data = encode_frame(np.array(microvolt), 250, sequence=7, time_ms=1000)
    body = bytes.fromhex(expected)
    assert data[:-2] == body
    assert int.from_bytes(data[-2:], "little") == crc16(body)


def test_the_checksum_is_the_one_that_is_named() -> None:
    assert crc16(b"123456789") == 0x29B1


@given(SIGNALS, st.sampled_from(RATES[1:]), st.integers(0, 65535), st.integers(0, (1 << 32) - 1))
def test_frames_survive_the_round_trip(microvolt: list[int], fs: int, sequence: int, time_ms: int) -> None:
    frame = decode_frame(encode_frame(np.array(microvolt), fs, sequence, time_ms))
    assert (frame.fs, frame.sequence, frame.time_ms) == (fs, sequence, time_ms)
    assert frame.microvolt.tolist() == microvolt


@given(SIGNALS, st.integers(20, 520))
def test_fit_gives_the_longest_frame_that_fits(microvolt: list[int], capacity: int) -> None:
    values = np.array(microvolt)
    n = fit(values, capacity)
    assert 1 <= n <= len(values)
    assert len(encode_frame(values[:n], 250, 0, 0)) <= capacity
    if n < len(values):
        assert len(encode_frame(values[: n + 1], 250, 0, 0)) > capacity


@given(st.lists(st.integers(-4000, 4000), min_size=1, max_size=2000), st.sampled_from([20, 61, 182, 244]))
@settings(max_examples=50)
def test_a_split_stream_comes_out_whole(microvolt: list[int], capacity: int) -> None:
    data = split_frames(np.array(microvolt), 250, capacity, sequence=65_500)
    assert all(len(frame) <= capacity for frame in data)
    blocks, statuses = decode(data)
    assert not statuses
    assert np.concatenate([block.samples for block in blocks]).tolist() == (
        (np.array(microvolt) / 1000).astype(np.float32).tolist()
    )
    assert sum(len(block.samples) for block in blocks) == blocks[-1].end_sample


def decode(data: list[bytes], fs: float = 250) -> tuple[list[SampleBlock], list[FrameLost]]:
    decoder = FrameDecoder("mine", fs)
    blocks: list[SampleBlock] = []
    statuses: list[FrameLost] = []
    for i, frame in enumerate(data):
        for event in decoder.receive_data(frame, i * 0.05):
            (blocks if isinstance(event, SampleBlock) else statuses).append(event)  # type: ignore[arg-type]
    return blocks, statuses


def stream(n: int, capacity: int = 20) -> list[bytes]:
    steps = np.random.default_rng(2).integers(-30, 30, n)
    return split_frames(np.cumsum(steps), 250, capacity, sequence=65_000, time_ms=(1 << 32) - 1000)


@given(st.sets(st.integers(1, 198), max_size=150))
@settings(max_examples=60, deadline=None)
def test_whatever_is_lost_is_counted_exactly(lost: set[int]) -> None:
    # 20 bytes hold a few samples each: one lost frame may be 2 samples, less than a stamp could tell.
    data = stream(2000)[:200]
    starts = np.cumsum([0, *(data[i][2] for i in range(200))])
    blocks, statuses = decode([frame for i, frame in enumerate(data) if i not in lost])
    assert not statuses
    assert [block.sample for block in blocks] == [int(starts[i]) for i in range(200) if i not in lost]


def test_an_outage_longer_than_the_counter_is_counted_by_the_stamps() -> None:
    # 10 minutes at 250 Hz are 150,000 samples: the number wraps twice.
    first = split_frames(np.arange(500) % 50, 250, 244)
    later = split_frames(np.arange(500) % 50, 250, 244, sequence=150_500, time_ms=602_000)
    blocks, statuses = decode([*first, *later])
    assert not statuses
    assert blocks[len(first)].sample - blocks[len(first) - 1].end_sample == 150_000


def test_a_device_that_restarts_begins_a_new_segment() -> None:
    data = split_frames(np.arange(5000) % 50, 250, 244)
    blocks, statuses = decode([*data[5:], *data[:5]])
    assert len(blocks) == len(data)
    assert ["new segment" in status.detail for status in statuses] == [True]


def test_a_single_lost_sample_is_seen() -> None:
    one = [encode_frame(np.array([i]), 250, i, 4 * i) for i in range(100)]
    blocks, statuses = decode(one[:40] + one[41:])
    assert not statuses
    assert [block.sample for block in blocks] == [*range(40), *range(41, 100)]


def test_stamps_may_be_coarse() -> None:
    rng = np.random.default_rng(4)
    data = [
        encode_frame(np.zeros(20, int), 250, i * 20, 80 * i + int(rng.integers(0, 40))) for i in range(300)
    ]
    blocks, statuses = decode(data)
    assert not statuses
    assert [block.sample for block in blocks] == [20 * i for i in range(300)]


def test_frames_that_come_twice_or_late_are_dropped() -> None:
    data = stream(400, 61)
    decoder = FrameDecoder(fs=250)
    for i in (0, 1, 1, 3, 2, 4, 5):
        decoder.receive_data(data[i], 0.0)
    assert (decoder.stats.frames, decoder.stats.duplicates, decoder.stats.late) == (5, 1, 1)
    assert decoder.stats.lost == data[2][2]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: b"", "at least 15"),
        (lambda data: data[:14], "at least 15"),
        (lambda data: data[:-1], "its header needs"),
        (lambda data: data + b"\0", "its header needs"),
        (lambda data: b"\xe2" + data[1:], "first byte 0xE2 is not that of version 1"),
        (lambda data: data[:1] + b"\0" + data[2:], "cannot be"),
        (lambda data: data[:1] + bytes((len(RATES),)) + data[2:], "cannot be"),
        (lambda data: data[:2] + b"\0" + data[3:], "cannot be"),
        (lambda data: data[:3] + b"\x19" + data[4:], "cannot be"),
        (lambda data: data[:5] + bytes((data[5] ^ 1,)) + data[6:], "wrong CRC"),
    ],
)
def test_damaged_frames_are_refused(change: object, why: str) -> None:
    data = encode_frame(np.arange(20), 250, 7, 1000)
    with pytest.raises(FrameError, match=why):
        decode_frame(change(data))  # type: ignore[operator]


@given(st.integers(0, 60), st.integers(1, 255))
def test_every_changed_byte_is_noticed(at: int, flip: int) -> None:
    data = bytearray(encode_frame(np.arange(40) * 7, 250, 7, 1000))
    data[at % len(data)] ^= flip
    with pytest.raises(FrameError):
        decode_frame(bytes(data))


@given(st.binary(max_size=300))
def test_any_bytes_raise_only_frame_errors(data: bytes) -> None:
    for attempt in (data, b"\xe1\x06" + data):
        with contextlib.suppress(FrameError):
            decode_frame(attempt)


def test_another_rate_is_refused_with_the_one_to_use() -> None:
    _, statuses = decode([encode_frame(np.arange(5), 130, 0, 0)])
    assert "connect with fs=130" in statuses[0].detail


@pytest.mark.parametrize(
    "call",
    [
        lambda: encode_frame(np.zeros(256, int), 250, 0, 0),
        lambda: encode_frame(np.array([1 << 23]), 250, 0, 0),
        lambda: encode_frame(np.array([0.5]), 250, 0, 0),
        lambda: encode_frame(np.array([], int), 250, 0, 0),
        lambda: encode_frame(np.array([1]), 251, 0, 0),
        lambda: fit(np.array([1]), 19),
        lambda: rate_code(0),
        lambda: FrameDecoder(fs=99),
    ],
)
def test_refuses_to_encode_what_does_not_fit(call: object) -> None:
    with pytest.raises(ValueError, match=r";"):
        call()  # type: ignore[operator]
