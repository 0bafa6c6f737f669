"""Virtual wearables of every kind over the whole way, in simulated time; several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge_bridge import (
    Acceleration,
    Battery,
    ConfigError,
    Fault,
    HeartRate,
    LinkState,
    SampleBlock,
    VirtualEcgEdge,
    VirtualGatt,
    VirtualH10,
    VirtualMovesense,
    VirtualMovesenseFirmware,
    VirtualWearable,
    connect,
    load_profile,
    run_simulated,
    virtual_wearable,
)
from ecgedge_bridge.protocols.movesense.firmware import V07
from ecgedge_bridge.protocols.movesense.sensor_data import LSB_MV
from ecgedge_bridge.simulation.h10 import virtual_milli_g
from ecgedge_bridge.simulation.tape import Tape

HOBBY = """
name = "my AD8232"
service = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
characteristic = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
fs = 250
dtype = "int16"
scale_mv = 0.001
header = "A5 ?? ?? ??"
counter = { at = 1, bits = 8, counts = "notifications" }
stamp = { at = 2, bits = 16, unit = "ms", of = "first" }
samples = 10
command = { characteristic = "6e400002-b5a3-f393-e0a9-e50e24dcca9e", start = "01", stop = "00" }
"""


def ecg(seconds: float, fs: float, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(-4000, 4000, round(seconds * fs)) / 1000


class Seen:
    def __init__(self) -> None:
        self.blocks: list[SampleBlock] = []
        self.events: list[Any] = []
        self.raw: list[tuple[str, bytes, float]] = []
        self.profile = ""
        self.lost = 0

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([block.samples for block in self.blocks])


async def listen(wearable: VirtualWearable, backend: Any, total: int, **options: Any) -> Seen:
    seen = Seen()

    def hear(*item: Any) -> None:
        seen.raw.append(item)

    link = connect(
        wearable.name, backend=backend, on_event=seen.events.append, on_notification=hear, **options
    )
    async with asyncio.timeout(3600), link as connected:
        async for block in connected:
            seen.blocks.append(block)
            if block.end_sample >= total:
                break
        seen.lost = connected.stats.lost
        assert connected.profile is not None
        seen.profile = connected.profile.name
    return seen


def stream(wearable: VirtualWearable, total: int, mtu: int = 247, **options: Any) -> Seen:
    async def main() -> Seen:
        async with virtual_wearable(wearable, mtu=mtu) as backend:
            return await listen(wearable, backend, total, **options)

    return run_simulated(main())


MAKE: dict[str, tuple[float, Callable[..., VirtualWearable], float]] = {
    "polar": (130.0, VirtualH10, 1e-6),
    "movesense": (128.0, VirtualMovesense, LSB_MV),
    "movesense 512": (512.0, lambda mv, **rest: VirtualMovesense(mv, 512, **rest), LSB_MV),
    "movesense_firmware": (250.0, VirtualMovesenseFirmware, LSB_MV),
    "movesense_firmware old": (
        125.0,
        lambda mv, **rest: VirtualMovesenseFirmware(mv, 125.0, V07, **rest),
        LSB_MV,
    ),
    "ecgedge": (250.0, VirtualEcgEdge, 1e-6),
    "healthypi": (128.0, lambda mv, **rest: VirtualGatt(mv, load_profile("healthypi"), **rest), LSB_MV),
}


@pytest.mark.parametrize("kind", MAKE)
def test_every_kind_streams_every_sample(kind: str) -> None:
    fs, make, step = MAKE[kind]
    mv = ecg(10, fs)
    wearable = make(mv)
    options = {"fs": fs} if kind == "movesense 512" else {}
    seen = stream(wearable, len(mv), **options)
    assert seen.profile == kind.split()[0]
    assert {block.fs for block in seen.blocks} == {fs}
    np.testing.assert_allclose(seen.samples, mv, rtol=0, atol=step)
    assert seen.blocks[-1].end_sample == len(mv) == wearable.ledger.sent
    assert not wearable.running


@pytest.mark.parametrize("kind", ["movesense", "ecgedge"])
def test_small_notifications_carry_the_same(kind: str) -> None:
    fs, make, step = MAKE[kind]
    mv = ecg(10, fs)
    seen = stream(make(mv), len(mv), mtu=23)
    np.testing.assert_allclose(seen.samples, mv, rtol=0, atol=step)
    assert max(len(data) for _, data, _ in seen.raw) <= 20


def test_a_described_device_streams_and_counts_what_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "hobby.toml"
    file.write_text(HOBBY)
    mv = ecg(20, 250)
    faults = [Fault(5.0, "drop_frame"), Fault(10.0, "disconnect", 2.0)]
    wearable = VirtualGatt(mv, load_profile(file), faults=faults)
    seen = stream(wearable, len(mv), profile=file)
    # What the reconnection takes longer than the 2 s is lost too.
    lost = wearable.ledger.lost_samples
    assert seen.lost == lost >= 510
    keep = np.r_[0:1250, 1260:2500, 2500 + lost - 10 : 5000]
    np.testing.assert_allclose(seen.samples, mv[keep], rtol=0, atol=1e-6)
    assert wearable.commands == [b"\x01", b"\x01", b"\x00"]


def test_ecg_heart_rate_battery_and_acceleration_at_once() -> None:
    mv = ecg(60, 130)
    strap = VirtualH10(mv, faults=[Fault(20.0, "disconnect", 5.0)], bpm=75.0)
    seen = stream(strap, len(mv), extras=("heart_rate", "battery", "acc"))
    assert seen.lost == strap.ledger.lost_samples >= 650
    rates, acc = seen.of(HeartRate), seen.of(Acceleration)
    assert {rate.bpm for rate in rates} == {75}
    assert sum(len(rate.rr_ms) for rate in rates) == pytest.approx(55 * 75 / 60, abs=2)
    assert len(seen.of(Battery)) == 2
    got = np.concatenate([block.samples for block in acc])
    assert len(got) == strap.acc_ledger.sent
    index = np.concatenate([np.arange(block.sample, block.end_sample) for block in acc])
    np.testing.assert_allclose(got, virtual_milli_g(index) / 1000, atol=1e-6)
    # Between the first and the last acceleration every sample is there or counted.
    assert index[-1] + 1 == strap.acc_ledger.sent + strap.acc_ledger.lost_samples
    places = [event.sample for event in seen.events if isinstance(event, HeartRate | Battery)]
    assert places == sorted(places)
    assert all(rate.time_s == rate.sample / 130 for rate in rates)
    assert {uuid[4:8] for uuid, _, _ in seen.raw} == {"5c81", "5c82", "2a37", "2a19"}


def test_several_wearables_at_once_reconnect_without_disturbing_each_other() -> None:
    signals = {
        "Polar H10 1": ecg(120, 130, 1),
        "Polar H10 2": ecg(120, 130, 2),
        "Movesense 3": ecg(120, 128, 3),
    }
    # All three are lost at the same moment, and all search at once.
    faults = [Fault(20.0, "disconnect", 4.0), Fault(70.0, "disconnect", 15.0)]
    wearables = [
        VirtualH10(signals["Polar H10 1"], name="Polar H10 1", address="F1:00:00:00:00:01", faults=faults),
        VirtualH10(signals["Polar H10 2"], name="Polar H10 2", address="F1:00:00:00:00:02", faults=faults),
        VirtualMovesense(
            signals["Movesense 3"], name="Movesense 3", address="F1:00:00:00:00:03", faults=faults
        ),
    ]

    async def main() -> list[Seen]:
        async with virtual_wearable(*wearables) as backend:
            return await asyncio.gather(*(listen(one, backend, len(signals[one.name])) for one in wearables))

    for wearable, seen in zip(wearables, run_simulated(main()), strict=True):
        keep = np.ones(len(signals[wearable.name]), bool)
        for gap in wearable.ledger.lost:
            keep[gap.start : gap.stop] = False
        np.testing.assert_allclose(seen.samples, signals[wearable.name][keep], rtol=0, atol=LSB_MV)
        assert seen.lost == wearable.ledger.lost_samples
        assert {block.device for block in seen.blocks} == {wearable.name}
        assert [one.state for one in seen.of(LinkState)].count("streaming") == 3


def test_bits_that_the_firmware_cannot_have_are_refused() -> None:
    with pytest.raises(ConfigError, match="no rate of 130 Hz: use one of 500"):
        VirtualMovesenseFirmware([0.0], 130.0)
    with pytest.raises(ValueError, match="no code"):
        VirtualEcgEdge([0.0], 131.0)


def test_a_movesense_knows_only_its_own_path_and_reference() -> None:
    sensor = VirtualMovesense(np.zeros(32))
    (refusal,) = sensor.write("", b"\x01\x07/Meas/Temp\0", 247)
    assert (refusal.data, sensor.running) == (b"\x01\x07\x94\x01", False)  # type: ignore[union-attr]
    (reply,) = sensor.write("", b"\x01\x07/Meas/ECG/128\0", 247)
    assert (reply.data, sensor.running) == (b"\x01\x07\xc8\x00", True)  # type: ignore[union-attr]
    assert sensor.next_action().data[:2] == b"\x02\x07"  # type: ignore[union-attr]
    assert sensor.write("", b"\x02\x01", 247) == []
    assert sensor.running
    assert sensor.write("", b"\x02\x07", 247) == []
    assert not sensor.running
    assert sensor.write("", b"", 247) == []


@pytest.mark.parametrize("cut", [1, 3, 7, 100])
def test_a_tape_may_be_taken_in_any_lengths(cut: int) -> None:
    tape = Tape(iter([1.0, np.arange(2.0, 50.0), [50.0]]))
    taken: list[float] = []
    while not tape.empty:
        taken.extend(tape.take(cut))
    assert taken == list(np.arange(1.0, 51.0))


def test_simulated_time_runs_as_fast_as_it_can_and_keeps_the_order() -> None:
    async def main() -> list[tuple[str, float]]:
        loop, seen = asyncio.get_running_loop(), []

        async def nap(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append((name, round(loop.time(), 3)))

        await asyncio.gather(nap("day", 86400.0), nap("hour", 3600.0), nap("now", 0.0))
        return seen

    assert run_simulated(main()) == [("now", 0.0), ("hour", 3600.0), ("day", 86400.0)]
