"""Nodes and a gateway over a real broker: the same values, whatever the broker does meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from broker import Broker, needs_mosquitto
from forwarded import all_same
from warded import Heard, Kept, Ward, as_heard, exchange, node, running, straps, until

from ecgedge.sinks.queued import Queued
from ecgedge.sinks.sink import Item
from ecgedge_bridge import LinkState, SampleBlock, virtual_wearable
from ecgedge_bridge.values import Battery

pytestmark = needs_mosquitto
OF_LINK = (SampleBlock, LinkState, Battery)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that are for networks, for a broker on this machine."""
    monkeypatch.setattr("ecgedge_bridge.forwarding.again.AGAIN_S", 1.0)
    monkeypatch.setattr("ecgedge.gateway.node.ANSWER_S", 1.0)
    monkeypatch.setattr("ecgedge.gateway.conversation._BACK_OFF_S", 0.1)
    monkeypatch.setattr("ecgedge.gateway.exchange.TAKEN_S", 0.2)


def from_link(items: list[Any]) -> list[Any]:
    return [item for item in items if isinstance(item, OF_LINK)]


def signal(items: list[Any]) -> np.ndarray:
    return np.concatenate([item.samples for item in items if isinstance(item, SampleBlock)])


async def test_a_forwarded_strap_is_decoded_as_by_its_own_link(broker: Broker) -> None:
    [strap] = straps(1, 30.0, speed=6.0)
    ward, heard = Ward([strap.name]), Heard()
    met = exchange(broker.port, ward)
    async with virtual_wearable(strap) as backend, running(met):
        await until(lambda: met.up)
        async with running(node(broker.port, strap.name, backend, heard)):
            await until(lambda: strap.ledger.played > 10 * 130)
            strap.drop_link(3.0)
            await asyncio.wait_for(strap.finished.wait(), 120)
        arrivals = ward.members[strap.name].arrivals
        await until(lambda: arrivals.stats is not None and arrivals.stats.samples >= strap.ledger.sent)
        got = ward.sinks[strap.name].items
        await until(lambda: len(from_link(got)) == len(heard.items))
    assert all_same(from_link(got), heard.items)
    assert arrivals.stats.lost == strap.ledger.lost_samples
    assert arrivals.heard.packets.lost == arrivals.heard.refused == 0
    assert got[-1].state == "stopped"


@pytest.mark.parametrize("persistent", [True, pytest.param(False, marks=pytest.mark.slow)])
async def test_thirty_straps_while_the_broker_is_restarted_twice(tmp_path: Path, persistent: bool) -> None:
    """One consumer is slow; nothing that the broker or the gateway took is lost, and all is counted."""
    settings = ("persistence true", f"persistence_location {tmp_path}/") if persistent else ()
    broker = Broker(tmp_path, *settings)
    every = straps(30 if persistent else 5, 24.0, speed=1.0 if persistent else 3.0)
    inner = {strap.name: Kept(slow_s=0.2 if k == 0 else 0.0) for k, strap in enumerate(every)}
    queued: list[Queued] = []

    class Each:
        """All that came, and a queue to a consumer, as sinks that do I/O have it."""

        def __init__(self, name: str) -> None:
            self.items: list[Any] = []
            self.outlet = Queued(inner[name], name, most=20)
            queued.append(self.outlet)

        def take(self, items: list[Item]) -> None:
            self.items += items
            self.outlet.take(items)

        def close(self) -> None:
            """Closed by the test."""

    ward = Ward([strap.name for strap in every], Each)
    heard = {strap.name: Heard() for strap in every}
    try:
        met = exchange(broker.port, ward)
        async with virtual_wearable(*every) as backend, running(met):
            await until(lambda: met.up)
            nodes = [
                node(broker.port, strap.name, backend, heard[strap.name], f"pi {k % 5}")
                for k, strap in enumerate(every)
            ]
            async with AsyncExitStack() as opened:
                for strap, one in zip(every, nodes, strict=True):
                    await opened.enter_async_context(running(one))
                    # The simulated radio is lost when two of many connect in one moment.
                    await until(lambda: strap.ledger.played > 0)  # noqa: B023
                for at_s in (8, 14):
                    await until(lambda: all(strap.ledger.played > at_s * 130 for strap in every), 150)  # noqa: B023
                    await asyncio.to_thread(broker.stop)
                    await asyncio.sleep(1.0)
                    await asyncio.to_thread(broker.start)
                async with asyncio.timeout(150):
                    await asyncio.gather(*(strap.finished.wait() for strap in every))
                await until(lambda: all(len(one.outflow) == 0 for one in nodes))
            await until(
                lambda: all(
                    len(from_link(ward.sinks[name].items)) == len(heard[name].items) for name in heard
                )
            )
    finally:
        broker.stop()
        for outlet in queued:
            outlet.close()
    for name, direct in heard.items():
        assert all_same(from_link(ward.sinks[name].items), direct.items)
        counts = ward.members[name].arrivals.heard
        assert (counts.packets.lost, counts.refused, counts.handovers) == (0, 0, 0)
    assert not any(one.outflow.dropped or one.outflow.untaken for one in nodes)
    assert sum("the broker is away" in line for line in ward.told) >= 2
    # The slow one missed what is counted, and nobody waited for it.
    for name, outlet in zip(heard, queued, strict=True):
        events = [item for item in ward.sinks[name].items if not isinstance(item, SampleBlock)]
        assert len(inner[name].items) + outlet.missed == len(events)


@pytest.mark.parametrize("how", [pytest.param("stopped", marks=pytest.mark.slow), "frozen"])
async def test_a_broker_that_is_away_never_stops_the_link(
    how: str, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    [strap] = straps(1, 60.0, speed=8.0)
    ward, heard, told = Ward([strap.name]), Heard(), []
    met = exchange(broker.port, ward)
    async with virtual_wearable(strap) as backend, running(met):
        await until(lambda: met.up)
        forwarding = node(broker.port, strap.name, backend, heard, told=told)
        forwarding.outflow._most = 30
        async with running(forwarding):
            await until(lambda: strap.ledger.played > 8 * 130)
            broker.stop() if how == "stopped" else broker.freeze()
            began_s, longest_s = time.monotonic(), 0.0
            while time.monotonic() - began_s < 3.5:  # 28 s of ECG, of which 17 have room
                before_s = time.monotonic()
                await asyncio.sleep(0.01)
                longest_s = max(longest_s, time.monotonic() - before_s)
            broker.start() if how == "stopped" else broker.thaw()
            await asyncio.wait_for(strap.finished.wait(), 120)
            await until(lambda: len(forwarding.outflow) == 0)
    assert longest_s < 1.0  # with room for a busy machine: a send that waits takes longer
    assert strap.ledger.lost_samples == 0  # the link stood
    direct = signal(heard.items)
    assert len(direct) == strap.ledger.sent
    arrivals = ward.members[strap.name].arrivals
    out = forwarding.outflow
    assert out.dropped + out.untaken > 0
    assert 0 < arrivals.heard.packets.lost <= out.dropped + out.untaken
    assert arrivals.heard.packets.lost >= out.dropped
    got = ward.sinks[strap.name].items
    found = [item for item in got if isinstance(item, SampleBlock)]
    assert all(np.array_equal(direct[b.sample : b.end_sample], b.samples) for b in found)
    assert arrivals.stats is not None
    assert arrivals.stats.lost + arrivals.stats.samples == len(direct)
    assert "the broker is away" in told[0]
    # Told when the broker is back; what is dropped until all is sent is in the count at the end.
    assert "packets had to be dropped so far" in told[-1]


@pytest.mark.slow
async def test_two_nodes_forward_one_strap_and_one_goes_away(broker: Broker) -> None:
    """An H10 takes two connections: here two straps play the same ECG under one name."""
    [one], [two] = straps(1, 60.0, speed=4.0), straps(1, 60.0, speed=4.0)
    ward = Ward([one.name])
    met = exchange(broker.port, ward)
    async with virtual_wearable(one) as backend, virtual_wearable(two) as other, running(met):
        await until(lambda: met.up)
        async with running(node(broker.port, two.name, other, Heard(), "pi 2")):
            async with running(node(broker.port, one.name, backend, Heard(), "pi 1")):
                await until(lambda: one.ledger.played > 10 * 130)
            arrivals = ward.members[one.name].arrivals
            first = arrivals.node
            await until(lambda: two.ledger.played > 30 * 130)
    assert arrivals.node == "pi_2/polar_h10_00000000"
    assert arrivals.heard.handovers == (1 if first.startswith("pi_1") else 0)
    assert arrivals.heard.not_taken > 0
    found = [item for item in ward.sinks[one.name].items if isinstance(item, SampleBlock)]
    assert all(a.end_sample <= b.sample for a, b in itertools.pairwise(found))
    index = np.arange(60 * 130)
    played = (((index * 7) % 4001 - 2000) / 1000).astype(np.float32)
    assert all(np.array_equal(played[b.sample : b.end_sample], b.samples) for b in found)


async def test_a_gateway_that_is_started_later_hears_what_is_retained(broker: Broker) -> None:
    [strap] = straps(1, 40.0, speed=4.0)
    heard = Heard()
    async with virtual_wearable(strap) as backend, running(node(broker.port, strap.name, backend, heard)):
        await until(lambda: strap.ledger.played > 8 * 130)
        ward = Ward([strap.name])
        async with running(exchange(broker.port, ward)):
            got = ward.sinks[strap.name].items
            await until(lambda: sum(isinstance(item, SampleBlock) for item in got) > 10)
    samples = signal(got)
    direct = signal(heard.items)
    assert any(np.array_equal(direct[at : at + len(samples)], samples) for at in range(0, len(direct), 73))
    assert ward.members[strap.name].arrivals.heard.packets.lost == 0


async def test_what_is_none_of_the_wards_is_told_once_and_counted(broker: Broker) -> None:
    import aiomqtt

    [strap] = straps(1, 20.0, speed=4.0)
    ward = Ward(["bed 1"])
    met = exchange(broker.port, ward)
    async with virtual_wearable(strap) as backend, running(met):
        await until(lambda: met.up)
        async with running(node(broker.port, strap.name, backend, Heard())):
            async with aiomqtt.Client("127.0.0.1", broker.port) as client:
                await client.publish("ward/pi/x/about", b"\x89ECF and then nothing", qos=1)
                await client.publish("ward/pi/x/data", b"", qos=1)
                await client.publish("ward/pi/x/and/more", b"?" * 40, qos=1)
            await asyncio.wait_for(strap.finished.wait(), 60)
            await until(lambda: met.refused > 20)
    assert sum("not in the ward" in line for line in ward.told) == 1
    assert any("no packet" in line for line in ward.told)


@pytest.mark.slow
async def test_of_nodes_that_roam_who_hears_it_best_connects_and_another_takes_over(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecgedge.gateway.node._ASK_S", 0.3)
    [strap] = straps(1, 90.0)
    ward, far, near = Ward([strap.name]), Heard(), Heard()
    met = exchange(broker.port, ward)
    async with virtual_wearable(strap) as backend, running(met):
        await until(lambda: met.up)
        bad, good = as_heard(backend, -85), as_heard(backend, -50)
        async with running(node(broker.port, strap.name, bad, far, "room 1", roam=True)):
            async with running(node(broker.port, strap.name, good, near, "room 2", roam=True)):
                arrivals = ward.members[strap.name].arrivals
                await until(lambda: arrivals.stats is not None and arrivals.stats.samples > 400)
                assert arrivals.node.startswith("room_2")
                assert not any(isinstance(item, SampleBlock) for item in far.items)
            # It is gone: the one that hears it worse is better than none.
            await until(lambda: any(isinstance(item, SampleBlock) for item in far.items), 40)
            await until(lambda: arrivals.node.startswith("room_1"))
            seen = arrivals.stats.samples
            await until(lambda: arrivals.stats.samples > seen + 200)
    assert arrivals.heard.handovers == 1
    found = [item for item in ward.sinks[strap.name].items if isinstance(item, SampleBlock)]
    played = (((np.arange(90 * 130) * 7) % 4001 - 2000) / 1000).astype(np.float32)
    assert all(np.array_equal(played[b.sample : b.end_sample], b.samples) for b in found)
    assert arrivals.stats.lost == found[-1].end_sample - arrivals.stats.samples > 0


async def test_a_node_that_roams_connects_by_itself_where_there_is_no_gateway(broker: Broker) -> None:
    [strap] = straps(1, 20.0, speed=4.0)
    heard = Heard()
    async with (
        virtual_wearable(strap) as backend,
        running(node(broker.port, strap.name, backend, heard, roam=True)),
    ):
        await until(lambda: any(isinstance(item, SampleBlock) for item in heard.items))
