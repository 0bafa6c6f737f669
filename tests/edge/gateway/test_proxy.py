"""Straps behind simulated ESPHome proxies: the native API over TCP, and the whole way from there.

Nothing here was ever near an ESP32: the proxy is ``esphome_proxy.py``.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from warded import Kept, member, running, straps, until

pytest.importorskip("bleak_esphome", reason="the extra gateway is not installed")
from esphome_proxy import Proxy as Simulated

from ecgedge.gateway.reach import links_of, open_adapters
from ecgedge.gateway.ward import Bed, Bluetooth, Ward
from ecgedge.gateway.ward import Proxy as Named
from ecgedge_bridge import LinkState, SampleBlock, virtual_wearable

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def blocks(items: list[Any]) -> list[SampleBlock]:
    return [item for item in items if isinstance(item, SampleBlock)]


def played(k: int, n: int) -> np.ndarray:
    return (((np.arange(n) * 7 + 13 * k) % 4001 - 2000) / 1000).astype(np.float32)


class Hall:
    """Straps, proxies that hear them, and a gateway's links."""

    def __init__(self, every: list[Any]) -> None:
        self.every, self.told = every, []
        self.kept = {strap.name: Kept() for strap in every}
        self.beds = [
            (Bed(strap.name, strap.name), member(strap.name, self.kept[strap.name], self.told.append))
            for strap in every
        ]
        self.adapters: Any = None
        self._opened = AsyncExitStack()

    async def open(self, *proxies: Simulated) -> None:
        named = [
            Named("127.0.0.1", (await self._opened.enter_async_context(one.listening())).port)
            for one in proxies
        ]
        ward = Ward(tuple(bed for bed, _ in self.beds), proxy=tuple(named))
        self.adapters = await self._opened.enter_async_context(open_adapters(ward, self.told.append))
        links = links_of(self.beds, self.adapters, self.told.append)
        await self._opened.enter_async_context(running(*links))

    async def __aenter__(self) -> Hall:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()


async def test_ecg_arrives_through_a_remote_adapter() -> None:
    [strap] = straps(1, 30.0, speed=6.0)
    async with virtual_wearable(strap) as backend, Hall([strap]) as hall:
        proxy = Simulated(backend)
        await hall.open(proxy)
        await asyncio.wait_for(strap.finished.wait(), 90)
        got = hall.kept[strap.name].items
        await until(lambda: len(blocks(got)) > 0 and blocks(got)[-1].end_sample == 3900)
        assert set(hall.adapters.held.values()) == {1}
    assert np.array_equal(np.concatenate([block.samples for block in blocks(got)]), played(0, 3900))
    assert any("proxy ward-esp (127.0.0.1) is there" in line for line in hall.told)
    assert proxy.connections == 1
    assert got[-1].state == "stopped"
    assert strap.commands[-1] == bytes((3, 0))  # the measurement was stopped over the proxy too


@pytest.mark.slow
async def test_links_go_to_the_proxy_that_hears_best_as_long_as_it_has_room() -> None:
    every = straps(3, 60.0)
    async with virtual_wearable(*every) as backend, Hall(every) as hall:
        near = Simulated(backend, rssi=-45, links=2)
        await hall.open(near)
        await until(lambda: sum(bool(blocks(kept.items)) for kept in hall.kept.values()) == 2)
        # The third waits: it is nobody's fault, and the two others go on.
        await asyncio.sleep(3.0)
        assert sum(bool(blocks(kept.items)) for kept in hall.kept.values()) == 2
        assert (near.most_at_once, near.connections) == (2, 2)
        first = next(strap for strap in every if blocks(hall.kept[strap.name].items))
        first.drop_link(1.0)
        await until(lambda: all(blocks(kept.items) for kept in hall.kept.values()))
        assert near.most_at_once == 2


@pytest.mark.slow
async def test_another_proxy_takes_over_and_what_was_missed_is_the_gap_that_it_is() -> None:
    [strap] = straps(1, 120.0)
    async with virtual_wearable(strap) as backend, Hall([strap]) as hall, AsyncExitStack() as going:
        near = Simulated(backend, rssi=-45, mac="A0:B0:C0:00:00:01")
        far = Simulated(backend, rssi=-80, mac="A0:B0:C0:00:00:02")
        await going.enter_async_context(near.listening())
        ward = Ward((hall.beds[0][0],), proxy=(Named("127.0.0.1", near.port),))
        async with far.listening():
            both = Ward(ward.wearable, proxy=(*ward.proxy, Named("127.0.0.1", far.port)))
            async with open_adapters(both, hall.told.append) as adapters:
                await until(lambda: len(adapters.held) == 2)
                await asyncio.sleep(1.0)  # both have heard it
                async with running(*links_of(hall.beds, adapters, hall.told.append)):
                    got = hall.kept[strap.name].items
                    await until(lambda: len(blocks(got)) > 4)
                    assert (near.connections, far.connections) == (1, 0)
                    before = len(blocks(got))
                    await going.aclose()  # its power is cut
                    await until(lambda: len(blocks(got)) > before + 4, 90)
                    assert far.connections == 1
    found = blocks(got)
    truth = played(0, found[-1].end_sample)
    assert all(np.array_equal(truth[b.sample : b.end_sample], b.samples) for b in found)
    stats = hall.beds[0][1].arrivals.stats
    assert stats is not None
    assert stats.lost == found[-1].end_sample - sum(len(b.samples) for b in found) > 0
    assert "backing_off" in [item.state for item in got if isinstance(item, LinkState)]


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    from ecgedge.gateway.reach import _key
    from ecgedge_bridge.errors import ConfigError

    with pytest.raises(ConfigError, match="check the path"):
        _key(Named("esp", key_file=str(tmp_path / "none")))


async def test_an_adapter_that_is_not_there_says_so() -> None:
    from ecgedge_bridge.errors import LinkError

    ward = Ward(bluetooth=Bluetooth(("hci77",)))
    with pytest.raises(LinkError, match=r"no adapter hci77|cannot be used"):
        async with open_adapters(ward, print):
            pass
