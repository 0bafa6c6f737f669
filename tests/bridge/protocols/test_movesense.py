"""Movesense: commands, packets in one or more notifications, and a clock that wraps."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge import FrameLost, SampleBlock
from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.movesense.sensor_data import (
    LSB_MV,
    MovesenseDecoder,
    Reply,
    decode_ecg_packet,
    ecg_path,
    encode_ecg_packet,
    encode_reply,
    encode_subscribe,
    encode_unsubscribe,
    parse_reply,
)


def decode(decoder: MovesenseDecoder, parts: list[bytes]) -> tuple[list[SampleBlock], list[FrameLost]]:
    blocks: list[SampleBlock] = []
    statuses: list[FrameLost] = []
    for i, part in enumerate(parts):
        for event in decoder.receive_data(part, i * 0.05):
            (blocks if isinstance(event, SampleBlock) else statuses).append(event)  # type: ignore[arg-type]
    return blocks, statuses


def packets(count: int, mtu: int = 247, millivolt: bool = False, start_ms: int = 0) -> list[list[bytes]]:
    raw = np.random.default_rng(1).integers(-20_000, 20_000, (count, 16))
    return [encode_ecg_packet(start_ms + 80 * i, row, millivolt, mtu=mtu) for i, row in enumerate(raw)]


def test_commands_are_the_documented_bytes() -> None:
    assert encode_subscribe(99, ecg_path(128, millivolt=True)) == b"\x01\x63/Meas/ECG/128/mV\x00"
    assert encode_unsubscribe(99) == b"\x02\x63"
    with pytest.raises(ValueError, match="use one of 125, 128"):
        ecg_path(130)


def test_replies() -> None:
    assert parse_reply(bytes.fromhex("01 63 c8 00 aa")) == Reply(99, 200, b"\xaa")
    assert encode_reply(Reply(99, 404)) == bytes.fromhex("01 63 94 01")
    for text in ("", "01 63 c8", "02 63 00 00 00"):
        with pytest.raises(FrameError, match="ignored"):
            parse_reply(bytes.fromhex(text))


def test_decodes_packets_of_literal_bytes() -> None:
    packet = decode_ecg_packet(bytes.fromhex("e8 03 00 00 40 0a 00 00 ff ff ff ff"))
    assert packet.time_ms == 1000
    assert packet.mv.tolist() == pytest.approx([2624 * LSB_MV, -LSB_MV], rel=1e-6)
    packet = decode_ecg_packet(bytes.fromhex("e8 03 00 00 e8 03 18 fc"), millivolt=True)
    assert packet.mv.tolist() == pytest.approx([1.0, -1.0])


@pytest.mark.parametrize(("size", "millivolt"), [(0, False), (4, False), (6, False), (4, True), (7, True)])
def test_refuses_other_lengths(size: int, millivolt: bool) -> None:
    with pytest.raises(FrameError, match="it is lost"):
        decode_ecg_packet(bytes(size), millivolt)


@pytest.mark.parametrize("millivolt", [False, True])
@given(st.lists(st.integers(-32768, 32767), min_size=16, max_size=16), st.integers(23, 100))
def test_packets_survive_any_mtu(millivolt: bool, raw: list[int], mtu: int) -> None:
    parts = encode_ecg_packet(5, np.array(raw), millivolt, mtu=mtu)
    assert all(len(part) <= mtu - 3 for part in parts)
    blocks, statuses = decode(MovesenseDecoder(millivolt=millivolt), parts)
    assert not statuses
    scale = 0.001 if millivolt else LSB_MV
    np.testing.assert_allclose(blocks[0].samples, np.array(raw) * scale, rtol=1e-6)


def test_an_int32_packet_needs_an_mtu_of_73() -> None:
    assert [len(packets(1, mtu=mtu)[0]) for mtu in (73, 72)] == [1, 2]


def test_the_stamp_is_that_of_the_first_sample_and_may_wrap() -> None:
    parts = [part for packet in packets(100, start_ms=(1 << 32) - 4000) for part in packet]
    decoder = MovesenseDecoder(fs=200)
    blocks, statuses = decode(decoder, parts)
    assert not statuses
    assert [block.sample for block in blocks] == [16 * i for i in range(100)]
    assert blocks[0].device_time_ns == ((1 << 32) - 4000 + 75) * 1_000_000
    assert blocks[-1].device_time_ns == ((1 << 32) - 4000 + 99 * 80 + 75) * 1_000_000
    assert decoder.fs_hat == pytest.approx(200, rel=1e-4)


@pytest.mark.parametrize("mtu", [23, 247])
def test_lost_packets_are_counted(mtu: int) -> None:
    made = packets(60, mtu=mtu)
    decoder = MovesenseDecoder()
    blocks, _ = decode(
        decoder, [part for i, packet in enumerate(made) if i not in (7, 8, 30) for part in packet]
    )
    assert decoder.stats.lost == 48
    assert blocks[-1].end_sample == 960


def test_a_lost_continuation_costs_one_packet_and_is_reported() -> None:
    made = packets(20, mtu=60)
    parts = [part for packet in made for part in packet]
    del parts[11]
    decoder = MovesenseDecoder()
    blocks, statuses = decode(decoder, parts)
    assert len(blocks) == 19
    assert decoder.stats.lost == 16
    assert ["MTU of 73" in status.detail for status in statuses] == [True]


def test_a_lost_beginning_costs_one_packet_and_is_reported() -> None:
    parts = [part for packet in packets(20, mtu=60) for part in packet]
    del parts[10]
    decoder = MovesenseDecoder()
    blocks, statuses = decode(decoder, parts)
    assert (len(blocks), decoder.stats.lost) == (19, 16)
    assert ["beginning was lost" in status.detail for status in statuses] == [True]


def test_equal_continuations_are_no_duplicates() -> None:
    parts = [part for i in range(20) for part in encode_ecg_packet(80 * i, np.zeros(16, int), mtu=23)]
    blocks, statuses = decode(MovesenseDecoder(), parts)
    assert (len(blocks), statuses) == (20, [])


def test_duplicates_replies_and_other_subscriptions_are_left_out() -> None:
    (first,), (second,) = packets(2)
    decoder = MovesenseDecoder("chest", 200)
    other = first[:1] + b"\x07" + first[2:]
    blocks, statuses = decode(
        decoder, [first, first, encode_reply(Reply(1, 200)), other, b"\x05\x01", second]
    )
    assert [block.sample for block in blocks] == [0, 16]
    assert blocks[0].device == "chest"
    assert decoder.stats.duplicates == 1
    assert ["no subscription" in status.detail for status in statuses] == [True, True]


def test_refuses_to_encode_what_does_not_fit() -> None:
    for raw in (np.array([40_000]), np.array([], int), np.zeros((2, 2), int)):
        with pytest.raises(ValueError, match="clip it"):
            encode_ecg_packet(0, raw, millivolt=True)


@given(st.lists(st.binary(max_size=80), max_size=30))
def test_any_bytes_raise_only_frame_errors(parts: list[bytes]) -> None:
    decoder = MovesenseDecoder()
    for part in parts:
        decoder.receive_data(part, 0.0)
        decoder.receive_data(b"\x02\x01" + part, 0.0)
        decoder.receive_data(b"\x03\x01" + part, 0.0)
        for parse in (parse_reply, decode_ecg_packet):
            with contextlib.suppress(FrameError):
                parse(part)
