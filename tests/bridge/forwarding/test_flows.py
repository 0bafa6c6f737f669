"""Both ends of a stream: whatever is lost, repeated or reordered between them, it adds up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge.capture.layout import CaptureHeader, LinkRecord
from ecgedge_bridge.forwarding.inflow import MOST_HELD, PATIENCE_S, Counts, Inflow
from ecgedge_bridge.forwarding.outflow import Outflow
from ecgedge_bridge.forwarding.packets import MAX_RECORDS, Kind, Packet

HEADER = CaptureHeader("H10", "F0:F1", "polar", 0.0, 0.0)
HEART_RATE = "00002a37-0000-1000-8000-00805f9b34fb"


def packet(number: int, oldest: int = 0) -> Packet:
    return Packet(Kind.RECORDS, b"stream 1", number, oldest, b"%d" % number)


@given(st.lists(st.integers(0, 30), max_size=80))
def test_each_packet_once_in_order_and_all_is_counted(order: list[int]) -> None:
    inflow, got = Inflow(0), []
    for number in order:
        got += inflow.take(packet(number), 0.0)
    for hole in range(1, 32):  # one at a time
        got += inflow.tick(hole * PATIENCE_S)
    taken = [one.number for one in got]
    assert taken == sorted(set(order))
    assert [one.records for one in got] == [b"%d" % number for number in taken]
    counts = inflow.counts
    assert counts.taken == len(taken)
    assert counts.duplicated == len(order) - len(taken)
    assert counts.taken + counts.lost == inflow.next == (max(order) + 1 if order else 0)
    assert sum(one.lost for one in got) == counts.lost


def test_what_the_node_no_longer_has_is_not_waited_for() -> None:
    inflow = Inflow(0)
    assert [one.number for one in inflow.take(packet(0), 0.0)] == [0]
    assert inflow.take(packet(5), 1.0) == []
    found = inflow.take(packet(6, oldest=4), 1.0)  # 1 to 3 are gone, 4 may still come
    assert (found, inflow.next, inflow.counts.lost) == ([], 4, 3)
    assert [one.number for one in inflow.take(packet(4, oldest=4), 1.0)] == [4, 5, 6]
    assert inflow.counts == Counts(taken=4, lost=3, duplicated=0, reordered=2)


def test_no_more_is_held_than_may_be() -> None:
    inflow = Inflow(0)
    for number in range(1, MOST_HELD + 1):
        assert inflow.take(packet(number), 0.0) == []
    assert len(inflow.take(packet(MOST_HELD + 1), 0.0)) == MOST_HELD + 1
    assert inflow.counts.lost == 1


def filled(most: int = 2048, n: int = 0) -> Outflow:
    outflow = Outflow(most, b"stream 1")
    writer = outflow.begin(HEADER)
    for number in range(n):
        writer.write(HEART_RATE, b"\0%c" % (number % 250), host_time_s=number)
        outflow.flush()
    return outflow


def sent(outflow: Outflow) -> list[int]:
    found = []
    while (one := outflow.next_unsent()) is not None:
        found.append(one.number)
    return found


def test_what_was_not_taken_is_sent_again() -> None:
    outflow = filled(n=5)
    assert sent(outflow) == [0, 1, 2, 3, 4]
    outflow.taken(b"another.", 4)
    outflow.taken(outflow.stream, 2)
    assert (sent(outflow), len(outflow)) == ([], 3)
    outflow.send_again()
    assert sent(outflow) == [2, 3, 4]
    outflow.taken(outflow.stream, 1 << 31)
    assert (len(outflow), outflow.oldest, outflow.sent) == (0, 5, 5)


def test_the_oldest_make_way_and_are_counted() -> None:
    outflow = filled(most=10, n=6)
    assert sent(outflow) == [0, 1, 2, 3, 4, 5]
    writer = outflow.begin(HEADER)
    for number in range(20):
        writer.write(HEART_RATE, b"\0\0", host_time_s=number)
        outflow.flush()
    assert (len(outflow), outflow.untaken, outflow.dropped) == (10, 6, 10)
    first = outflow.next_unsent()
    assert first is not None
    assert (first.number, first.oldest) == (16, 16)


def test_a_stall_of_the_node_makes_packets_that_are_not_too_long() -> None:
    outflow = Outflow()
    writer = outflow.begin(HEADER)
    for _ in range(400):
        writer.write(HEART_RATE, bytes(500), host_time_s=0.0)
    outflow.flush()
    sizes = []
    while (one := outflow.next_unsent()) is not None:
        sizes.append(len(one.data))
    assert max(sizes) <= MAX_RECORDS
    assert sum(sizes) == 400 * (500 + 26 + 4)


def test_a_description_holds_the_newest_set_up_and_no_more() -> None:
    outflow = Outflow()
    writer = outflow.begin(HEADER)

    def link(*states: str) -> None:
        for state in states:
            writer.write_link(LinkRecord(state, "", "H10", 0.0))
            outflow.flush()

    link("scanning", "connecting", "setting_up", "waiting")
    first = outflow.description()
    assert first is not None
    assert (first.number, outflow.packets) == (4, 4)
    assert outflow.description() is None
    link("streaming", "backing_off", "scanning", "connecting", "setting_up", "waiting", "streaming")
    second = outflow.description()
    assert second is not None
    assert second.number == 10
    assert len(second.data) < len(first.data)
    for _ in range(1000):  # a device that says a great deal while it is set up
        writer.write(HEART_RATE, bytes(400), host_time_s=0.0)
    link("backing_off", "setting_up")
    for _ in range(1000):
        writer.write(HEART_RATE, bytes(400), host_time_s=0.0)
    link("waiting")
    third = outflow.description()
    assert third is not None
    assert len(third.data) < 1 << 16
