"""A Bluetooth stack that remembers services from before the device's firmware was changed, as BlueZ does."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ecgedge_bridge import (
    Backend,
    Fault,
    LinkError,
    LinkState,
    LinkTiming,
    VirtualH10,
    VirtualService,
    Wearable,
    connect,
    virtual_strap,
)
from ecgedge_bridge.protocols.polar.control import GET_ECG_SETTINGS, START_ECG, STOP_ECG

FAST = LinkTiming(no_data_s=0.4, back_off_s=0.01, back_off_max_s=0.05, disconnect_s=1.0)
MV = np.random.default_rng(5).integers(-4000, 4000, 2600) / 1000


class OldFirmware(VirtualH10):
    """The strap before its update, without the measurement of ECG."""

    kept = slice(1, None)

    def services(self) -> Sequence[VirtualService]:
        return super().services()[self.kept]


class OlderFirmware(OldFirmware):
    """Nothing at all."""

    kept = slice(0, 0)


class Memory:
    """What a stack remembers: services by address, from the first connection until it is told to forget."""

    def __init__(self) -> None:
        self.services: dict[str, Any] = {}
        self.connections = self.cleared = 0

    def of(self, backend: Backend) -> Backend:
        """Return the stack with this memory."""
        memory = self

        class Remembering(backend.client):  # type: ignore[name-defined,misc]
            async def _discover(self, peer: Any) -> None:
                await super()._discover(peer)
                memory.connections += 1
                self.services = memory.services.setdefault(self.address, self.services)

        return Backend(backend.scanner, Remembering, self.clear)

    async def clear(self, address: str) -> bool:
        self.cleared += 1
        return self.services.pop(address, None) is not None

    async def learn(self, strap: VirtualH10) -> None:
        """Connect once to a strap, whatever comes of it."""
        async with virtual_strap(strap) as backend:
            client = self.of(backend).client(strap.address)
            await client.connect(pair=False)
            await client.disconnect()
        self.connections = 0


async def take_all(wearable: Wearable) -> np.ndarray:
    blocks = []
    async with asyncio.timeout(20):
        async for block in wearable:
            blocks.append(block)
            if block.end_sample >= len(MV):
                break
    return np.concatenate([block.samples for block in blocks])


# With heart rate alone and no profile asked for, the old firmware is a heart-rate strap, and streams as one.
@pytest.mark.parametrize(
    ("old", "profile"), [(OldFirmware, "polar"), (OlderFirmware, "polar"), (OlderFirmware, None)]
)
async def test_services_that_changed_since_the_last_connection_are_found(
    old: type[VirtualH10], profile: str | None
) -> None:
    memory, statuses = Memory(), []
    await memory.learn(old(MV, name="Polar H10 1"))
    strap = VirtualH10(MV, name="Polar H10 1", speed=math.inf)
    async with (
        virtual_strap(strap) as backend,
        connect(
            strap.name, profile=profile, backend=memory.of(backend), timing=FAST, on_status=statuses.append
        ) as wearable,
    ):
        np.testing.assert_array_equal(await take_all(wearable), MV.astype(np.float32))
    assert (memory.connections, memory.cleared) == (2, 1)
    assert wearable.profile is not None
    assert wearable.profile.name == "polar"
    assert strap.commands == [GET_ECG_SETTINGS, START_ECG, STOP_ECG]
    (away,) = [item for item in statuses if isinstance(item, LinkState) and item.state == "backing_off"]
    assert away.code == "not_offered"


async def test_services_that_change_while_a_link_that_was_up_is_away_are_found() -> None:
    memory = Memory()
    strap = VirtualH10(MV, speed=100, faults=[Fault(5.0, "disconnect", 1.0), Fault(12.0, "disconnect", 1.0)])
    old = Memory()
    await old.learn(OldFirmware(MV))

    def on_status(status: Any) -> None:
        if isinstance(status, LinkState) and status.code == "lost":
            memory.services |= old.services

    async with (
        virtual_strap(strap) as backend,
        connect(strap.name, backend=memory.of(backend), timing=FAST, on_status=on_status) as wearable,
    ):
        got = await take_all(wearable)
    # Each time anew: the first update says nothing about the second.
    assert (memory.connections, memory.cleared) == (5, 2)
    missing = np.concatenate([np.arange(gap.start, gap.stop) for gap in strap.ledger.lost])
    np.testing.assert_array_equal(got, np.delete(MV, missing).astype(np.float32))
    assert wearable.stats.lost == strap.ledger.lost_samples == 260


@pytest.mark.parametrize(
    ("options", "message"),
    [({}, "no service that is known"), ({"profile": "polar"}, "no characteristic fb005c81")],
)
async def test_what_the_device_truly_lacks_is_an_error_after_one_more_connection(
    options: dict[str, Any], message: str
) -> None:
    class Bare(OldFirmware):
        kept = slice(2, None)

    memory = Memory()
    async with virtual_strap(Bare(MV)) as backend:
        with pytest.raises(LinkError, match=message):
            async with connect("Polar H10", backend=memory.of(backend), timing=FAST, **options):
                pass
    assert (memory.connections, memory.cleared) == (2, 1)


async def test_a_stack_that_remembers_nothing_is_not_asked_again() -> None:
    memory = Memory()
    async with virtual_strap(OldFirmware(MV)) as backend:
        forgetful = memory.of(backend)
        with pytest.raises(LinkError, match="no characteristic fb005c81"):
            async with connect(
                "Polar H10",
                profile="polar",
                backend=Backend(forgetful.scanner, forgetful.client),
                timing=FAST,
            ):
                pass
    assert memory.connections == 1
