"""What a gateway decodes of what nodes forward: the same values as their own links, whoever forwards."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from forwarded import Run, all_same, run_of, strap_of

from ecgedge_bridge import Fault, FrameError, LinkState, SampleBlock
from ecgedge_bridge.forwarding.arrivals import Arrivals
from ecgedge_bridge.forwarding.packets import Packet


@pytest.fixture(scope="module")
def run() -> Run:
    """Two minutes with a lost link, lost frames and a frame that comes late."""
    faults = (
        Fault(20, "disconnect", 7.0),
        Fault(50, "drop_frame"),
        Fault(70, "reorder"),
        Fault(90, "corrupt"),
    )
    return run_of(strap_of(120, faults))


def messages(run: Run) -> list[tuple[float, bool, Packet]]:
    """In the order in which they were sent: descriptions before the packets of the same moment."""
    both = [(at, 0, packet) for at, packet in run.abouts] + [(at, 1, packet) for at, packet in run.packets]
    return [(at, not kind, packet) for at, kind, packet in sorted(both, key=lambda one: one[:2])]


def played(arrivals: Arrivals, sent: list[tuple[float, bool, Packet]], node: str = "pi", shift: float = 0.0):
    got: list[Any] = []
    for at, is_about, packet in sent:
        if is_about:
            arrivals.describe(node, packet)
        else:
            got += arrivals.take(node, packet, at + shift)
    return got


def blocks(items: list[Any]) -> list[SampleBlock]:
    return [item for item in items if isinstance(item, SampleBlock)]


def test_values_are_those_of_a_direct_link_to_the_last_bit(run: Run) -> None:
    arrivals = Arrivals()
    got = played(arrivals, messages(run))
    assert all_same(got, run.direct)
    assert arrivals.heard.packets.taken == len(run.packets)
    assert arrivals.stats is not None
    assert arrivals.stats.lost > 7 * 130


@pytest.mark.parametrize("seed", range(5))
def test_whatever_order_packets_come_in_and_however_often(run: Run, seed: int) -> None:
    chance = random.Random(seed)
    sent = messages(run)
    # Each packet up to ten places late, some twice.
    late = [(place + chance.uniform(0, 10), one) for place, one in enumerate(sent) if not one[1]]
    late += [(place + chance.uniform(0, 40), one) for place, one in late if chance.random() < 0.2]
    abouts = [(place - 10.0, one) for place, one in enumerate(sent) if one[1]]
    # The first is waited for by number 0, so it comes first.
    order = [one for _, one in sorted(abouts[:1] + late, key=lambda one: one[0])]
    first = next(one for one in sent if not one[1])
    arrivals = Arrivals()
    got = played(arrivals, [order[0], first, *order[1:]])
    assert all_same(got, run.direct)
    heard = arrivals.heard.packets
    assert heard.taken == len(run.packets)
    assert heard.lost == 0
    assert heard.duplicated == len(late) + 1 - len(run.packets)
    assert heard.reordered > 0


def test_lost_packets_are_gaps_at_the_right_samples(run: Run) -> None:
    sent = messages(run)
    away = {10, 11, 12, 80, 150}
    arrivals = Arrivals()
    got = played(arrivals, [one for one in sent if one[1] or one[2].number not in away])
    for hole in range(1, 10):  # one at a time
        got += arrivals.tick(1e6 * hole)
    assert arrivals.heard.packets.lost == len(away)
    direct = {block.sample: block for block in blocks(run.direct)}
    found = blocks(got)
    assert all(np.array_equal(block.samples, direct[block.sample].samples) for block in found)
    missing = sorted(set(direct) - {block.sample for block in found})
    assert 0 < len(missing) <= len(away)
    assert arrivals.stats is not None
    assert arrivals.stats.lost == found[-1].end_sample - sum(len(block.samples) for block in found)


def test_a_gateway_that_comes_later_begins_with_what_comes_now(run: Run) -> None:
    sent = messages(run)
    retained = [one for one in sent[:150] if one[1]][-1]
    arrivals = Arrivals()
    got = played(arrivals, [retained, *sent[150:]])
    samples = np.concatenate([block.samples for block in blocks(got)])
    direct = np.concatenate([block.samples for block in blocks(run.direct)])
    assert np.array_equal(samples, direct[-len(samples) :])
    assert blocks(got)[0].sample == 0
    assert (arrivals.heard.refused, arrivals.heard.packets.lost) == (0, 0)


def two_nodes() -> tuple[Run, Run]:
    """One strap, first at one node, then at another whose clock is off by an hour; 5 s are lost between."""
    first = strap_of(30)
    before = run_of(first)
    after = run_of(strap_of(30, first=35 * 130, start_ns=first.start_ns + round(35e9)), b"stream 2")
    return before, after


def test_a_handover_is_the_gap_that_it_is() -> None:
    before, after = two_nodes()
    arrivals = Arrivals()
    got = played(arrivals, messages(before)[:-1], "pi 1")  # it had no time to say that it stops
    # The second node's clock began when its program did; the gateway's goes on.
    arrivals.away("pi 1")
    got += arrivals.tick(before.packets[-1][0] + 3.5)
    assert got[-1].state == "backing_off"
    second = played(arrivals, messages(after), "pi 2", before.packets[-1][0] + 5.0)
    assert arrivals.heard.handovers == 1
    assert arrivals.node == "pi 2"
    assert blocks(second)[0].sample == 35 * 130
    assert arrivals.stats is not None
    assert arrivals.stats.lost == 5 * 130
    assert arrivals.stats.segments == 1  # no step of the device's clock was made up
    played_all = np.concatenate([block.samples for block in blocks([*got, *second])])
    direct = np.concatenate([block.samples for block in blocks([*before.direct, *after.direct])])
    assert np.array_equal(played_all, direct)
    states = [item.state for item in [*got, *second] if isinstance(item, LinkState)]
    assert states[-7:] == ["backing_off", *states[:5], "stopped"]


def test_a_node_that_is_silent_for_a_while_is_told_of_once(run: Run) -> None:
    sent, arrivals, told = messages(run), Arrivals(), []
    played(arrivals, sent[:15])
    last_s = sent[14][0]
    for second in range(1, 20):
        told += arrivals.tick(last_s + second)
    assert [(one.state, one.code, one.detail) for one in told] == [
        ("backing_off", "no_data", "nothing comes from pi")
    ]
    got = played(arrivals, sent[15:25])
    assert [item.state for item in got if isinstance(item, LinkState)] == ["streaming"]
    assert list(arrivals.tick(sent[24][0] + 1.0)) == []


def test_of_two_nodes_that_forward_one_strap_one_is_taken(run: Run) -> None:
    arrivals, got = Arrivals(), []
    for at, is_about, packet in messages(run):
        for node in ("pi 1", "pi 2"):
            mine = replace(packet, stream=b"%8b" % node.encode())
            if is_about:
                arrivals.describe(node, mine)
            else:
                got += arrivals.take(node, mine, at)
    heard = arrivals.heard
    direct = {block.sample: block.samples for block in blocks(run.direct)}
    found = blocks(got)
    assert len({block.sample for block in found}) == len(found)
    assert all(np.array_equal(direct[block.sample], block.samples) for block in found)
    assert heard.not_taken + heard.packets.lost > 0.9 * len(run.packets)
    assert len(found) == len(direct)


def test_silence_hands_over_too(run: Run) -> None:
    sent = messages(run)
    arrivals = Arrivals()
    for node in ("pi 1", "pi 2"):
        arrivals.describe(node, replace(sent[0][2], stream=b"%8b" % node.encode()))
    half, got = 60, []
    for place, (at, is_about, packet) in enumerate(sent):
        for node in ("pi 1", "pi 2"):
            if not is_about and (node == "pi 2" or place < half):
                got += arrivals.take(node, replace(packet, stream=b"%8b" % node.encode()), at)
    assert arrivals.node == "pi 2"
    assert arrivals.heard.handovers == 1
    assert arrivals.stats is not None
    direct = blocks(run.direct)
    lost = direct[-1].end_sample - sum(len(block.samples) for block in direct)
    # What the second one had while the first one was still thought to be there: 3 s, and a frame.
    assert lost < arrivals.stats.lost <= lost + 4 * 130


def test_a_program_that_was_started_again_is_no_handover() -> None:
    before, after = two_nodes()
    arrivals = Arrivals()
    played(arrivals, messages(before), "pi 1")
    second = played(arrivals, messages(after), "pi 1", before.packets[-1][0] + 5.0)
    assert blocks(second)[0].sample == 35 * 130
    assert (arrivals.heard.handovers, arrivals.heard.packets.lost) == (0, 0)


def test_another_kind_of_device_under_the_same_name_is_refused(run: Run) -> None:
    arrivals = Arrivals()
    played(arrivals, messages(run)[:30])
    about = run.abouts[0][1]
    other = replace(about, stream=b"another.", data=_as(about.data, "heart_rate"))
    with pytest.raises(FrameError, match="a name of its own"):
        arrivals.describe("pi 2", other)
    with pytest.raises(FrameError, match="update ecgedge"):
        arrivals.describe("pi 2", replace(about, data=_as(about.data, "unheard of")))
    assert arrivals.heard.refused == 2


def test_what_no_such_device_does_is_refused_before_anything_of_it_is_decoded(run: Run) -> None:
    arrivals = Arrivals()
    about = run.abouts[0][1]
    with pytest.raises(FrameError, match="no rate of 77 Hz"):
        arrivals.describe("pi", replace(about, data=_as(about.data, "polar", fs=77.0)))
    assert (arrivals.heard.refused, arrivals.is_here("pi")) == (1, False)
    played(arrivals, messages(run)[:20])
    assert arrivals.is_here("pi")


def test_a_first_frame_may_take_its_time(run: Run) -> None:
    arrivals = Arrivals()
    sent = messages(run)
    arrivals.describe("pi", sent[0][2])
    waits = replace(sent[1][2], data=sent[1][2].data[:0])
    came = [item.state for item in arrivals.take("pi", waits, 0.0) if isinstance(item, LinkState)]
    assert came[-1] == "waiting"
    assert list(arrivals.tick(30.0)) == []
    assert [item.detail for item in arrivals.tick(60.0)] == ["nothing comes from pi"]


def _as(data: bytes, profile: str, fs: float | None = None) -> bytes:
    """A description of another kind of device."""
    from pathlib import Path

    from ecgedge_bridge.capture.file import read_capture
    from ecgedge_bridge.capture.records import RecordWriter
    from ecgedge_bridge.forwarding.packets import _Bytes

    header = read_capture(_Bytes(Path("x"), data)).header
    pieces: list[bytes] = []
    RecordWriter(pieces.append, replace(header, profile=profile, fs=fs))
    return pieces[0]


def test_packets_before_their_description_are_counted_and_wanted_again(run: Run) -> None:
    arrivals = Arrivals()
    assert list(arrivals.take("pi", run.packets[0][1], 0.0)) == []
    assert (arrivals.heard.refused, arrivals.waits_for("pi")) == (1, None)


def test_records_that_cannot_be_read_are_counted(run: Run) -> None:
    arrivals = Arrivals()
    sent = messages(run)[:20]
    broken = [
        (at, about, packet if about else replace(packet, data=packet.data + b"?"))
        for at, about, packet in sent
    ]
    got = played(arrivals, broken)
    assert arrivals.heard.refused == sum(not about for _, about, _ in sent)
    assert len(blocks(got)) > 10
