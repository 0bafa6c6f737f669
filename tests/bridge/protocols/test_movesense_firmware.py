"""The free Movesense firmware, both generations."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge import SampleBlock
from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.movesense.firmware import (
    V07,
    V08,
    Layout,
    MovesenseFirmwareDecoder,
    decode_interval,
    decode_packet,
    encode_packet,
)
from ecgedge_bridge.protocols.movesense.sensor_data import LSB_MV

BOTH = pytest.mark.parametrize("layout", [V07, V08], ids=["0.7", "0.8"])


@pytest.mark.parametrize(
    ("layout", "text", "stamp"),
    [(V07, "e8 03 00 00", 1000), (V08, "40 42 0f 00 00 00 00 00", 1_000_000)],
)
def test_decodes_literal_bytes(layout: Layout, text: str, stamp: int) -> None:
    packet = decode_packet(layout, bytes.fromhex(text + "40 0a 00 80 ff ff"))
    assert packet.stamp == stamp
    assert packet.mv.tolist() == pytest.approx([2624 * LSB_MV, np.nan, -LSB_MV], rel=1e-6, nan_ok=True)


def test_bytes_that_look_invalid_across_two_samples_are_not() -> None:
    packet = decode_packet(V07, bytes.fromhex("00 00 00 80 01 00 80 00"))
    assert packet.mv.tolist() == pytest.approx([LSB_MV, 128 * LSB_MV], rel=1e-6)


@BOTH
@given(raw=st.lists(st.one_of(st.none(), st.integers(-32767, 32767)), min_size=1, max_size=40))
def test_packets_survive_the_round_trip(layout: Layout, raw: list[int | None]) -> None:
    mv = np.array([np.nan if step is None else step * LSB_MV for step in raw])
    packet = decode_packet(layout, encode_packet(layout, 77, mv))
    assert packet.stamp == 77
    np.testing.assert_allclose(packet.mv, mv, rtol=1e-6)


def test_what_does_not_fit_is_clipped_and_never_invalid() -> None:
    mv = decode_packet(V07, encode_packet(V07, 0, [1e3, -1e3])).mv
    assert mv.tolist() == pytest.approx([32767 * LSB_MV, -32767 * LSB_MV], rel=1e-6)


@BOTH
@pytest.mark.parametrize("extra", [-1, 0, 1, 3])
def test_refuses_other_lengths(layout: Layout, extra: int) -> None:
    with pytest.raises(FrameError, match="it is lost"):
        decode_packet(layout, bytes(layout.stamp_bits // 8 + extra))


@BOTH
def test_a_stream_with_loss_and_a_wrap(layout: Layout) -> None:
    decoder = MovesenseFirmwareDecoder(layout, "chest", fs=250)
    start = (1 << layout.stamp_bits) - 30 * 64_000_000 // layout.unit_ns
    mv = np.random.default_rng(3).uniform(-2, 2, (100, 16))
    events = []
    for i in range(100):
        if i not in (40, 41):
            stamp = start + i * 64_000_000 // layout.unit_ns
            events += decoder.receive_data(encode_packet(layout, stamp, mv[i]), i * 0.064)
    blocks = [event for event in events if isinstance(event, SampleBlock)]
    assert len(blocks) == len(events)
    assert [block.sample for block in blocks] == [16 * i for i in range(100) if i not in (40, 41)]
    assert decoder.stats.lost == 32
    np.testing.assert_allclose(blocks[50].samples, mv[52], atol=LSB_MV)
    assert decoder.fs_hat == pytest.approx(250, rel=1e-3)


@BOTH
def test_the_block_carries_the_time_of_its_last_sample(layout: Layout) -> None:
    decoder = MovesenseFirmwareDecoder(layout)
    (block,) = decoder.receive_data(encode_packet(layout, 10**9 // layout.unit_ns, np.zeros(16)), 0.0)
    later_ns = 0 if layout.of_last else 60_000_000
    assert isinstance(block, SampleBlock)
    assert block.device_time_ns == 10**9 + later_ns


def test_the_interval_is_the_rate() -> None:
    assert [decode_interval(bytes((ms, 0))) for ms in (2, 4, 8, 10)] == [500, 250, 125, 100]
    for data in (b"", b"\x03"):
        with pytest.raises(FrameError, match="unknown"):
            decode_interval(data)


@BOTH
@given(data=st.binary(max_size=60))
def test_any_bytes_raise_only_frame_errors(layout: Layout, data: bytes) -> None:
    with contextlib.suppress(FrameError):
        decode_packet(layout, data)
