"""The client, unmodified, on Linux's own Bluetooth stack; run by run.py, in a virtual machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge_bridge import (
    Battery,
    Fault,
    HeartRate,
    LinkState,
    SampleBlock,
    VirtualEcgEdge,
    VirtualGatt,
    VirtualH10,
    VirtualHeartRate,
    VirtualMovesense,
    VirtualMovesenseFirmware,
    VirtualWearable,
    Wearable,
    connect,
    load_profile,
)
from ecgedge_bridge.protocols.movesense.firmware import V07
from ecgedge_bridge.protocols.movesense.sensor_data import LSB_MV
from ecgedge_bridge.protocols.polar.control import PMD_CONTROL, START_ECG, STOP_ECG
from ecgedge_bridge.protocols.standard.heart_rate import BATTERY_SERVICE, HEART_RATE_SERVICE
from ecgedge_bridge.simulation.h10 import FEATURES

if "ECGEDGE_BLUEZ_VM" not in os.environ:
    pytest.skip("needs a Bluetooth stack of its own: run `make test-bluez`", allow_module_level=True)

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT_S = 90.0
UP = ["connecting", "setting_up", "waiting", "streaming"]
AGAIN = ["scanning", *UP]
HOBBY = """
name = "hobby"
service = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
characteristic = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
fs = 125
dtype = "int16"
scale_mv = 0.001
header = "A5 ??"
counter = { at = 1, bits = 8, counts = "notifications" }
samples = 10
command = { characteristic = "6e400002-b5a3-f393-e0a9-e50e24dcca9e", start = "01", stop = "00" }
"""


def ecg(seconds: float, fs: float = 130.0) -> np.ndarray:
    return np.random.default_rng(5).integers(-4000, 4000, round(seconds * fs)) / 1000


class Seen:
    """What the client gave, and where each sample was said to be."""

    def __init__(self, mv: np.ndarray) -> None:
        self.mv = mv
        self.got = np.full(len(mv), np.nan)
        self.events: list[Any] = []
        self.raw: list[tuple[str, bytes]] = []
        self.link: Wearable | None = None

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def states(self) -> list[str]:
        return [event.state for event in self.of(LinkState)]

    def take(self, block: SampleBlock) -> None:
        self.got[block.sample : block.end_sample] = block.samples

    def assert_complete(self, lost: int, step: float = 1e-6) -> None:
        """Every sample is at its place, and as many are missing as the client counted."""
        here = ~np.isnan(self.got)
        np.testing.assert_allclose(self.got[here], self.mv[here], rtol=0, atol=step)
        assert self.link is not None
        assert (len(self.mv) - here.sum(), self.link.stats.lost) == (lost, lost)


async def listen(
    wearable: VirtualWearable, seen: Seen, on_block: Callable[[], Any] = lambda: None, **options: Any
) -> None:
    """Stream to the last sample."""
    options |= {"on_event": seen.events.append, "on_notification": lambda *item: seen.raw.append(item[:2])}
    async with asyncio.timeout(LIMIT_S), connect(wearable.name, **options) as seen.link:
        async for block in seen.link:
            seen.take(block)
            on_block()
            if block.end_sample >= len(seen.mv):
                break


# Different devices have different addresses: BlueZ remembers the services of each.
MAKE: dict[str, tuple[float, Callable[..., VirtualWearable], float]] = {
    "polar": (130.0, VirtualH10, 1e-6),
    "movesense": (128.0, VirtualMovesense, LSB_MV),
    "movesense_firmware": (250.0, VirtualMovesenseFirmware, LSB_MV),
    "movesense_firmware old": (
        125.0,
        lambda mv: VirtualMovesenseFirmware(mv, 125.0, V07, address="F1:00:00:00:00:01"),
        LSB_MV,
    ),
    "ecgedge": (250.0, VirtualEcgEdge, 1e-6),
    "healthypi": (128.0, lambda mv: VirtualGatt(mv, load_profile("healthypi")), LSB_MV),
    "healthypi5": (
        128.0,
        lambda mv: VirtualGatt(mv, load_profile("healthypi5"), address="F1:00:00:00:00:02"),
        LSB_MV,
    ),
}


@pytest.mark.parametrize("kind", MAKE)
async def test_every_kind_streams_every_sample(stack: Any, kind: str) -> None:
    fs, make, step = MAKE[kind]
    seen = Seen(ecg(2, fs))
    wearable = make(seen.mv)
    offered = {service.uuid for service in wearable.services()}
    extras = {
        name
        for name, uuid in (("heart_rate", HEART_RATE_SERVICE), ("battery", BATTERY_SERVICE))
        if uuid in offered
    }
    async with stack.with_wearable(wearable):
        await listen(wearable, seen, extras=extras)
    assert seen.link is not None
    assert seen.link.profile is not None
    assert seen.link.profile.name == kind.split()[0]
    assert seen.states == ["scanning", *UP, "stopped"]
    seen.assert_complete(lost=0, step=step)
    assert not wearable.running
    assert {event.percent for event in seen.of(Battery)} == ({87} if "battery" in extras else set())
    assert {event.bpm for event in seen.of(HeartRate)} == ({60} if "heart_rate" in extras else set())


async def test_a_described_device_is_started_and_stopped(stack: Any, tmp_path: Path) -> None:
    file = tmp_path / "hobby.toml"
    file.write_text(HOBBY)
    seen = Seen(ecg(2.4, 125))
    wearable = VirtualGatt(seen.mv, load_profile(file), address="F1:00:00:00:00:03")
    async with stack.with_wearable(wearable):
        await listen(wearable, seen, profile=file)
    seen.assert_complete(lost=0)
    assert wearable.commands == [b"\x01", b"\x00"]


async def test_a_heart_rate_strap_tells_its_beats(stack: Any) -> None:
    strap = VirtualHeartRate([61.0, 62.0, 63.0, 64.0])
    rates: list[HeartRate] = []
    done = asyncio.Event()

    def hear(event: Any) -> None:
        if isinstance(event, HeartRate):
            rates.append(event)
            if event.bpm == 64:
                done.set()

    async with (
        stack.with_wearable(strap),
        asyncio.timeout(LIMIT_S),
        connect(strap.name, on_event=hear) as link,
    ):
        reading = asyncio.ensure_future(anext(link))
        await done.wait()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert [rate.bpm for rate in rates] == [61, 62, 63, 64]
    assert [rate.rr_ms for rate in rates] == [
        pytest.approx((60_000 / bpm,), abs=1.0) for bpm in (61, 62, 63, 64)
    ]


async def test_a_remote_disconnect_costs_what_the_device_did_not_send(stack: Any) -> None:
    # As in life: the ECG goes on while the link is down, for the fault's second and until it is up again.
    seen = Seen(ecg(25))
    strap = VirtualH10(seen.mv, faults=[Fault(2.0, "disconnect", 1.0)])
    async with stack.with_wearable(strap):
        await listen(strap, seen)
    assert 130 <= strap.ledger.lost_samples < 15 * 130
    seen.assert_complete(lost=strap.ledger.lost_samples)
    assert seen.states == ["scanning", *UP, "backing_off", *AGAIN, "stopped"]
    assert "the connection was lost" in next(e.detail for e in seen.of(LinkState) if e.state == "backing_off")


async def test_services_from_before_a_change_of_the_firmware_are_forgotten(stack: Any) -> None:
    names = {"name": "Polar H10 2", "address": "F1:00:00:00:00:04"}
    old = VirtualHeartRate([60.0] * 60, **names)
    async with stack.with_wearable(old), asyncio.timeout(LIMIT_S), connect(names["name"]):
        pass
    seen = Seen(ecg(2))
    strap = VirtualH10(seen.mv, **names)
    async with stack.with_wearable(strap):
        await listen(strap, seen, profile="polar")
    seen.assert_complete(lost=0)
    # Without it BlueZ had noticed by itself, and there was nothing to forget.
    assert seen.states == ["scanning", *UP[:2], "backing_off", *AGAIN, "stopped"]


@contextlib.asynccontextmanager
async def streaming_then(trouble: Callable[[], Any]) -> AsyncIterator[Callable[[], None]]:
    """Yield what to call at each block: the second call begins the trouble, as somebody else would."""
    tasks: list[asyncio.Future[None]] = []
    blocks = 0

    def on_block() -> None:
        nonlocal blocks
        blocks += 1
        if blocks == 2:
            tasks.append(asyncio.ensure_future(trouble()))

    yield on_block
    assert len(tasks) == 1
    await tasks[0]


# That bluetoothd is killed and started again is in test_service.py.
async def test_it_goes_on_after_the_adapter_was_off(stack: Any) -> None:
    """Samples that were on their way are gone, and counted; what the strap sent afterwards is there."""

    async def trouble() -> None:
        await stack.control("power", "off")
        await asyncio.sleep(1)
        await stack.control("power", "on")

    # The ECG goes on meanwhile, as in life: long enough for an emulated machine to connect again.
    seen = Seen(ecg(40))
    strap = VirtualH10(seen.mv)
    async with stack.with_wearable(strap), streaming_then(trouble) as on_block:
        await listen(strap, seen, on_block)
    missing = int(np.isnan(seen.got).sum())
    seen.assert_complete(lost=missing)
    assert missing < 35 * 130
    assert not np.isnan(seen.got[-2 * 130 :]).any()
    assert seen.states[:5] == ["scanning", *UP]
    assert seen.states[5] == "backing_off"
    assert seen.states[-6:] == [*AGAIN, "stopped"]
    assert strap.commands[-1] == STOP_ECG


async def test_a_value_read_by_another_program_comes_as_a_notification_and_does_no_harm(stack: Any) -> None:
    async def trouble() -> None:
        assert await read_elsewhere(strap.address, PMD_CONTROL) == FEATURES

    seen = Seen(ecg(4))
    strap = VirtualH10(seen.mv)
    async with stack.with_wearable(strap), streaming_then(trouble) as on_block:
        await listen(strap, seen, on_block)
    # The echo is what this test is about: without it there was nothing to survive.
    assert (PMD_CONTROL, FEATURES) in seen.raw
    seen.assert_complete(lost=0)
    assert seen.states == ["scanning", *UP, "stopped"]


async def read_elsewhere(address: str, uuid: str) -> bytes:
    """Read a characteristic as another program on the bus would; BlueZ knows other devices for a while."""
    from dbus_fast import BusType, Message
    from dbus_fast.aio import MessageBus

    async def call(path: str, interface: str, member: str, signature: str = "", *body: Any) -> Any:
        message = Message("org.bluez", path, interface, member, signature=signature, body=list(body))
        reply = await bus.call(message)
        assert reply is not None
        return reply.body[0]

    characteristic = "org.bluez.GattCharacteristic1"
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        objects = await call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        (path,) = [
            path
            for path, interfaces in objects.items()
            if (has := interfaces.get(characteristic))
            and has["UUID"].value == uuid
            and address.replace(":", "_") in path
        ]
        return bytes(await call(path, characteristic, "ReadValue", "a{sv}", {}))
    finally:
        bus.disconnect()


async def test_a_program_that_is_terminated_stops_the_measurement(stack: Any, tmp_path: Path) -> None:
    strap = VirtualH10(ecg(60))
    program = "from ecgedge.cli import main; main()"
    async with stack.with_wearable(strap), asyncio.timeout(LIMIT_S):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, "capture", strap.name, str(tmp_path / "field.cap")
        )
        while strap.ledger.sent < 130:
            await asyncio.sleep(0.1)
        process.terminate()
        assert await process.wait() == 143
    assert strap.commands[-2:] == [START_ECG, STOP_ECG]
    assert not strap.running
    assert strap.ledger.sent < len(ecg(60))
