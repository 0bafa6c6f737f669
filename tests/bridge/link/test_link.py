"""The link end to end: the real client, over real ATT packets, to a virtual strap that loses data."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from ecgedge_bridge import (
    Battery,
    Fault,
    LinkTiming,
    SampleBlock,
    VirtualH10,
    Wearable,
    connect,
    scan,
    virtual_strap,
)
from ecgedge_bridge.link.states import State
from ecgedge_bridge.protocols.polar.control import GET_ECG_SETTINGS, START_ECG, STOP_ECG
from ecgedge_bridge.values import FrameLost, LinkState, Note, Status

FAST = LinkTiming(
    first_find_s=5.0,
    find_s=0.5,
    first_frame_s=5.0,
    no_data_s=0.4,
    back_off_s=0.01,
    back_off_max_s=0.05,
    disconnect_s=1.0,
)


def ecg(seconds: float) -> np.ndarray:
    return np.random.default_rng(5).integers(-4000, 4000, round(seconds * 130)) / 1000


async def take(wearable: Wearable, until: int) -> list[SampleBlock]:
    """Blocks up to sample ``until``; a link that hangs ends the test."""
    blocks = []
    async with asyncio.timeout(20):
        async for block in wearable:
            blocks.append(block)
            if block.end_sample >= until:
                break
    return blocks


async def stream(
    strap: VirtualH10, until: int, timing: LinkTiming = FAST
) -> tuple[list[SampleBlock], list[Status], Wearable]:
    statuses: list[Status] = []
    async with (
        virtual_strap(strap) as backend,
        connect(strap.name, backend=backend, timing=timing, on_status=statuses.append) as wearable,
    ):
        blocks = await take(wearable, until)
    return blocks, statuses, wearable


def assert_true_to(blocks: list[SampleBlock], mv: np.ndarray, strap: VirtualH10) -> None:
    """Every sample at its place, bit for bit, and what is missing is what the ledger says."""
    got = np.full(len(mv), np.nan, np.float32)
    for block in blocks:
        got[block.sample : block.end_sample] = block.samples
    expected = mv.astype(np.float32)
    for gap in strap.ledger.lost:
        expected[gap.start : gap.stop] = np.nan
    np.testing.assert_array_equal(got, expected)


def states(statuses: list[Status]) -> list[str]:
    return [status.state for status in statuses if isinstance(status, LinkState)]


UP = ["connecting", "setting_up", "waiting", "streaming"]


async def test_every_sample_arrives_bit_exact() -> None:
    mv = ecg(60)
    strap = VirtualH10(mv, speed=math.inf)
    blocks, statuses, wearable = await stream(strap, len(mv))
    assert_true_to(blocks, mv, strap)
    assert [len(block.samples) for block in blocks] == [73] * 106 + [62]
    assert states(statuses) == ["scanning", *UP, "stopped"]
    assert [(item.sample, item.percent) for item in statuses if isinstance(item, Battery)] == [(0, 87)]
    assert strap.commands == [GET_ECG_SETTINGS, START_ECG, STOP_ECG]
    assert wearable.state is State.STOPPED
    assert (wearable.stats.samples, wearable.stats.lost, wearable.dropped) == (7800, 0, 0)
    assert blocks[0].device == "Polar H10 0A1B2C3D"


async def test_faults_cost_exactly_what_the_ledger_says() -> None:
    mv = ecg(120)
    faults = [
        Fault(10.0, "disconnect", 3.0),
        Fault(30.0, "drop_frame"),
        Fault(40.0, "corrupt"),
        Fault(50.0, "silence", 10.0),
        Fault(70.0, "end", 2.0),
        Fault(90.0, "disconnect", 7.5),
    ]
    strap = VirtualH10(mv, speed=200, faults=faults)
    blocks, statuses, wearable = await stream(strap, len(mv))
    assert_true_to(blocks, mv, strap)
    assert strap.ledger.lost_samples == wearable.stats.lost == 390 + 73 + 73 + 1300 + 260 + 975
    down = ["backing_off", "scanning", *UP]
    assert states(statuses) == ["scanning", *UP, *down, *down, *down, "stopped"]
    away = [item for item in statuses if isinstance(item, LinkState) and item.state == "backing_off"]
    assert [(item.code, item.detail) for item in away] == [
        ("lost", "the connection was lost"),
        ("ended", "the device ended the measurement"),
        ("lost", "the connection was lost"),
    ]
    assert all(item.retry_s is not None and 0 < item.retry_s < 0.1 for item in away)
    (lost,) = [item for item in statuses if isinstance(item, FrameLost)]
    assert lost.code == "kind"
    places = [item.sample for item in statuses]
    assert places == sorted(places)
    assert len([item for item in statuses if isinstance(item, Battery)]) == 4


async def test_silence_trips_the_watchdog_and_the_link_comes_back() -> None:
    mv = ecg(400)
    strap = VirtualH10(mv, speed=200, faults=[Fault(5.0, "silence", 300.0)])
    blocks, statuses, _ = await stream(strap, len(mv))
    assert_true_to(blocks, mv, strap)
    assert strap.ledger.lost_samples == 39_000
    assert states(statuses).count("backing_off") == 1
    (away,) = [item for item in statuses if isinstance(item, LinkState) and item.state == "backing_off"]
    assert (away.code, away.detail) == ("no_data", "no data for 0.4 s")
    # The strap was still connected: it is stopped before the link is given up.
    assert strap.commands == [GET_ECG_SETTINGS, START_ECG, STOP_ECG] * 2


async def test_a_stalled_event_loop_is_neither_silence_nor_loss() -> None:
    mv = ecg(40)
    strap = VirtualH10(mv, speed=50)
    statuses: list[Status] = []
    async with (
        virtual_strap(strap) as backend,
        connect(strap.name, backend=backend, timing=FAST, on_status=statuses.append) as wearable,
    ):
        blocks = await take(wearable, 1000)
        time.sleep(2 * FAST.no_data_s)
        blocks += await take(wearable, len(mv))
    assert_true_to(blocks, mv, strap)
    assert states(statuses) == ["scanning", *UP, "stopped"]


async def test_a_long_gap_is_counted_at_the_straps_own_rate() -> None:
    mv = ecg(90)
    strap = VirtualH10(mv, speed=math.inf, fs_true=131.7, faults=[Fault(65.0, "disconnect", 10.0)])
    _, _, wearable = await stream(strap, len(mv) - 1)
    assert abs(wearable.stats.lost - 1300) <= 1
    assert wearable.fs_hat == pytest.approx(131.7, rel=1e-4)


async def test_a_link_dropped_by_hand_comes_back() -> None:
    mv = ecg(60)
    strap = VirtualH10(mv, speed=100)
    async with (
        virtual_strap(strap) as backend,
        connect("Polar H10", backend=backend, timing=FAST) as wearable,
    ):
        blocks = await take(wearable, 1000)
        strap.drop_link(lost_s=4.0)
        blocks += await take(wearable, len(mv))
        async with asyncio.timeout(5):
            await strap.finished.wait()
    assert_true_to(blocks, mv, strap)
    assert strap.ledger.lost_samples == wearable.stats.lost == 520


async def test_a_stream_left_over_is_stopped_and_started_again() -> None:
    strap = VirtualH10(ecg(5), speed=math.inf, already_running=True)
    await stream(strap, 650)
    assert strap.commands == [GET_ECG_SETTINGS, START_ECG, STOP_ECG, START_ECG, STOP_ECG]


async def test_the_strap_is_stopped_when_the_caller_fails() -> None:
    strap = VirtualH10(ecg(60), speed=10)

    async def fail() -> None:
        async with virtual_strap(strap) as backend, connect(strap.name, backend=backend) as wearable:
            async for block in wearable:
                block.samples[len(block.samples)] = 0.0

    with pytest.raises(IndexError):
        await fail()
    assert strap.commands[-1] == STOP_ECG
    assert not strap.running


async def test_the_strap_is_stopped_when_a_status_callback_fails() -> None:
    def on_status(status: Status) -> None:
        if isinstance(status, LinkState) and status.state == "streaming":
            raise BrokenPipeError

    strap = VirtualH10(ecg(60), speed=10)
    async with virtual_strap(strap) as backend:
        with pytest.raises(BrokenPipeError):
            async with connect(strap.name, backend=backend, on_status=on_status) as wearable:
                await take(wearable, 10_000)
    assert strap.commands[-1] == STOP_ECG


async def test_the_strap_is_stopped_on_cancellation() -> None:
    strap = VirtualH10(ecg(600), speed=10)
    running = asyncio.Event()

    async def listen(backend: Any) -> None:
        async with connect(strap.name, backend=backend) as wearable:
            async for _ in wearable:
                running.set()

    async with virtual_strap(strap) as backend:
        task = asyncio.create_task(listen(backend))
        async with asyncio.timeout(10):
            await running.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert strap.commands[-1] == STOP_ECG
        assert not strap.running
        # Nobody holds the strap any more: it can be found.
        assert [device.name for device in await scan(0.1, backend=backend)] == [strap.name]


async def test_a_caller_with_short_patience_does_not_undo_a_reconnection() -> None:
    mv = ecg(20)
    strap = VirtualH10(mv, speed=100, faults=[Fault(5.0, "disconnect", 1.0)])
    blocks: list[SampleBlock] = []
    async with (
        asyncio.timeout(20),
        virtual_strap(strap) as backend,
        connect(strap.name, backend=backend, timing=FAST) as wearable,
    ):
        while not blocks or blocks[-1].end_sample < len(mv):
            try:
                blocks.append(await asyncio.wait_for(anext(wearable), 0.02))
            except TimeoutError:
                continue
    assert_true_to(blocks, mv, strap)


async def test_closing_in_the_middle_of_a_connection_leaves_nothing_behind() -> None:
    strap = VirtualH10(ecg(20), speed=100, faults=[Fault(5.0, "disconnect", 1.0)])
    async with virtual_strap(strap) as backend:
        async with connect(strap.name, backend=backend, timing=FAST) as wearable:
            while wearable.state.value != "connecting":
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(anext(wearable), 0.005)
        assert wearable.state.value == "stopped"
        assert [device.name for device in await scan(0.1, backend=backend)] == [strap.name]


async def test_blocks_that_nobody_takes_are_dropped_and_show_as_a_gap() -> None:
    mv = ecg(700)
    strap = VirtualH10(mv, speed=math.inf)
    statuses: list[Status] = []
    async with (
        virtual_strap(strap) as backend,
        connect(strap.name, backend=backend, timing=FAST, on_status=statuses.append) as wearable,
    ):
        first = await anext(wearable)
        async with asyncio.timeout(20):
            await strap.finished.wait()
        await asyncio.sleep(0.05)
        rest = await take(wearable, len(mv))
    assert first.sample == 0
    frames = math.ceil(len(mv) / 73)
    assert len(rest) == 1024
    assert wearable.dropped == frames - 1024 - 1 == wearable.stats.lost // 73
    (note,) = [item for item in statuses if isinstance(item, Note)]
    assert (note.code, note.sample, note.device) == ("dropped", 73, strap.name)
    assert note.detail.startswith(f"{wearable.dropped} notifications were dropped")
    got = np.concatenate([block.samples for block in rest])
    np.testing.assert_array_equal(got, mv[rest[0].sample :].astype(np.float32))


async def test_iteration_ends_after_the_connection_is_closed() -> None:
    strap = VirtualH10(ecg(5), speed=math.inf)
    async with virtual_strap(strap) as backend, connect(strap.name, backend=backend) as wearable:
        await take(wearable, 100)
    assert [block async for block in wearable] == []


async def test_a_refusal_after_the_link_was_up_is_tried_again() -> None:
    mv = ecg(20)
    faults = [Fault(5.0, "disconnect", 1.0), Fault(5.0, "refuse", code=0x0C)]
    strap = VirtualH10(mv, speed=100, faults=faults)
    blocks, statuses, _ = await stream(strap, len(mv))
    assert_true_to(blocks, mv, strap)
    (refused,) = [item for item in statuses if isinstance(item, LinkState) and item.code == "refused"]
    assert "electrodes" in refused.detail


async def test_an_iterator_of_samples_that_fails_is_reported() -> None:
    def pieces() -> Iterator[np.ndarray]:
        yield np.zeros(200)
        raise ZeroDivisionError

    strap = VirtualH10(pieces(), speed=math.inf)

    async def play() -> None:
        async with virtual_strap(strap) as backend, connect(strap.name, backend=backend) as wearable:
            await take(wearable, 73)
            await asyncio.sleep(0.05)

    with pytest.raises(ZeroDivisionError):
        await play()
