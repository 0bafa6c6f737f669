"""Whatever is published below the topic: a gateway goes on, and counts what it could not read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from forwarded import run_of, strap_of
from hypothesis import given, settings
from hypothesis import strategies as st
from warded import Kept, Ward, exchange

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.forwarding.packets import Kind, Packet
from ecgedge_bridge.values import SampleBlock

pytest.importorskip("aiomqtt", reason="the extra mqtt is not installed")

RUN = run_of(strap_of(10, name="bed 1"))
ABOUT = RUN.abouts[0][1]

topics = st.builds(
    lambda parts: "/".join(["ward", *parts]),
    st.lists(
        st.sampled_from(["pi", "x", "", "about", "data", "status", "heard", "taken", "a" * 300]), max_size=5
    ),
)
packets = st.builds(
    lambda kind, stream, number, oldest, data: Packet(kind, stream, number, oldest, data).encode(),
    st.sampled_from(Kind),
    st.sampled_from([ABOUT.stream, b"another."]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.one_of(st.binary(max_size=80), st.just(ABOUT.data), st.just(RUN.packets[3][1].data)),
)
heard = st.dictionaries(
    st.sampled_from(["name", "address", "rssi", "more"]),
    st.one_of(st.text(max_size=9), st.integers(), st.none()),
)
payloads = st.one_of(st.binary(max_size=60), packets, heard.map(lambda one: json.dumps(one).encode()))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(topics, payloads), max_size=30))
def test_nothing_that_is_published_ends_it(messages: list[tuple[str, bytes]]) -> None:
    ward = Ward(["bed 1"])
    met = exchange(1, ward)
    for at, (topic, payload) in enumerate(messages):
        met.take(topic, payload, float(at))
    for at in range(100):
        for member in ward.members.values():
            member.take(member.arrivals.tick(1000.0 + at))
    # And a strap that is forwarded as it should be is taken all the same, by another node.
    before = len(messages) + 2000.0
    met.take("ward/good/bed_1/about", replace(ABOUT, stream=b"good one").encode(), before)
    for at_s, packet in RUN.packets:
        met.take("ward/good/bed_1/data", replace(packet, stream=b"good one").encode(), before + at_s)
    blocks = [item for item in ward.sinks["bed 1"].items if isinstance(item, SampleBlock)]
    assert sum(len(block.samples) for block in blocks) > 4 * 73
    assert not ward.members["bed 1"].failed


def test_one_that_cannot_join_is_told_once_and_the_others_go_on() -> None:
    class Full(Ward):
        def find(self, name: str, address: str) -> Any:
            if name == "bed 1":
                return super().find(name, address)
            raise ConfigError("cannot write it: free some space")

    ward = Full(["bed 1"], lambda _: Kept())
    met = exchange(1, ward)
    other = run_of(strap_of(3, name="bed 2"), b"stream 2")
    for _ in range(5):
        met.take("ward/pi/bed_2/about", other.abouts[0][1].encode(), 0.0)
    met.take("ward/pi/bed_1/about", ABOUT.encode(), 0.0)
    for at_s, packet in RUN.packets:
        met.take("ward/pi/bed_1/data", packet.encode(), at_s)
    assert met.refused == 5
    assert sum("cannot join" in line for line in ward.told) == 1
    assert met.nodes == {"pi"}
    assert sum(isinstance(item, SampleBlock) for item in ward.sinks["bed 1"].items) > 10
