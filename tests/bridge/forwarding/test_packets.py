"""Packets: there and back, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge import FrameError
from ecgedge_bridge.forwarding.packets import (
    MOST_STREAMS,
    Kind,
    Packet,
    description,
    pack_taken,
    parse_taken,
)

numbers = st.integers(0, 2**32 - 1)
packets = st.builds(
    Packet, st.sampled_from(Kind), st.binary(min_size=8, max_size=8), numbers, numbers, st.binary(max_size=99)
)


@given(packets)
def test_a_packet_comes_back_as_it_was(packet: Packet) -> None:
    assert Packet.parse(packet.encode()) == packet


@given(packets, st.data())
def test_a_changed_packet_is_refused(packet: Packet, data: st.DataObject) -> None:
    raw = bytearray(packet.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FrameError):
        Packet.parse(bytes(raw))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_refused(data: bytes) -> None:
    for raw in (data, b"\x89ECF\x01\x00" + data):
        with pytest.raises(FrameError):
            Packet.parse(raw)


def test_what_is_too_long_is_refused_before_it_is_summed() -> None:
    with pytest.raises(FrameError, match="left out"):
        Packet.parse(b"\x89ECF" + bytes(1 << 22))


def test_a_description_that_is_none_is_refused() -> None:
    with pytest.raises(FrameError, match="cannot be read"):
        description(Packet(Kind.DESCRIPTION, b"stream 1", 0, 0, b"?"), "pi/strap")


@given(st.dictionaries(st.binary(min_size=8, max_size=8), numbers, max_size=20))
def test_what_is_taken_comes_back(waits_for: dict[bytes, int]) -> None:
    assert dict(parse_taken(pack_taken(waits_for))) == waits_for


def test_an_answer_that_is_none_means_nothing() -> None:
    assert list(parse_taken(b"12345")) == []
    assert list(parse_taken(bytes(12 * MOST_STREAMS + 12))) == []
