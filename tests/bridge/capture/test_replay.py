"""A capture of a live run, replayed: the same values, in the same order, to the last bit."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge_bridge import (
    Fault,
    FrameLost,
    LinkState,
    LinkTiming,
    Note,
    SampleBlock,
    VirtualH10,
    virtual_strap,
)
from ecgedge_bridge.capture.file import CaptureWriter, LinkRecord, Notification, read_capture
from ecgedge_bridge.capture.record import record
from ecgedge_bridge.capture.recorder import NOTES_OF_LINK, Recorder
from ecgedge_bridge.capture.replay import replay
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError, LinkError
from ecgedge_bridge.protocols.described.profile import load_profile
from ecgedge_bridge.simulation.movesense import VirtualMovesense, VirtualMovesenseFirmware
from ecgedge_bridge.simulation.sensors import VirtualEcgEdge, VirtualGatt

pytest.importorskip("bumble", reason="the extra sim is not installed")

FAST = LinkTiming(
    first_find_s=5.0, find_s=0.5, first_frame_s=5.0, no_data_s=0.4, back_off_s=0.01, back_off_max_s=0.05
)
FAULTS = [
    Fault(10.0, "drop_frame"),
    Fault(20.0, "corrupt"),
    Fault(30.0, "disconnect", 3.0),
    Fault(45.0, "end", 2.0),
    Fault(50.0, "disconnect", 20.0),
]


def plain(event: Any) -> tuple[Any, ...]:
    """Everything in a value, in a form that compares; floats and samples to the bit."""
    values = (
        {
            name: getattr(event, name)
            for kind in type(event).__mro__
            for name in getattr(kind, "__slots__", ())
        }
        if hasattr(event, "samples")
        else asdict(event)
    )
    samples = values.pop("samples", np.empty(0, np.float32))
    assert values  # nothing compares equal because nothing of it is looked at
    return type(event).__name__, samples.dtype, samples.shape, samples.tobytes(), values


def assert_same(again: list[Any], said: list[Any]) -> None:
    """All that was said live, with what came while the link was being closed."""
    assert said[-1].state == "stopped"
    assert [plain(event) for event in again] == [plain(event) for event in said]


async def live(strap: Any, path: Path, until: int, **options: Any) -> list[Any]:
    """Record a virtual strap up to a sample; return what the live link said."""
    said: list[Any] = []
    done = asyncio.Event()

    def take(event: Any) -> None:
        said.append(event)
        if isinstance(event, SampleBlock) and event.end_sample >= until:
            done.set()

    async with asyncio.timeout(30), virtual_strap(strap) as backend:
        task = asyncio.create_task(
            record(strap.name, path, backend=backend, timing=FAST, on_event=take, **options)
        )
        await asyncio.wait([task, asyncio.create_task(done.wait())], return_when=asyncio.FIRST_COMPLETED)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    return said


@pytest.mark.parametrize("extras", [(), ("battery",), ("battery", "heart_rate", "acc", "information")])
async def test_what_was_live_comes_again_to_the_bit(tmp_path: Path, extras: tuple[str, ...]) -> None:
    mv = np.random.default_rng(5).integers(-4000, 4000, 90 * 130) / 1000
    strap = VirtualH10(mv, speed=math.inf, faults=FAULTS)
    said = await live(strap, tmp_path / "a.cap", len(mv), extras=extras)
    again = list(replay(tmp_path / "a.cap"))
    assert_same(again, said)
    blocks = [event for event in again if isinstance(event, SampleBlock)]
    assert sum(len(block.samples) for block in blocks) == len(mv) - strap.ledger.lost_samples
    states = {event.state for event in again if isinstance(event, LinkState)}
    assert {"scanning", "waiting", "streaming", "backing_off", "stopped"} <= states
    assert {event.code for event in again if isinstance(event, LinkState)} == {None, "lost", "ended"}
    assert [event.code for event in again if isinstance(event, FrameLost)] == ["kind"]


async def test_only_notes_of_the_link_are_recorded_a_decoders_come_anew(tmp_path: Path) -> None:
    strap = VirtualH10(np.zeros(1300), speed=math.inf)
    await live(strap, tmp_path / "a.cap", 1300)
    capture = read_capture(tmp_path / "a.cap")
    notes = [Note(0, 0.0, code, f"about {code}", "strap") for code in NoteCode]
    with CaptureWriter(tmp_path / "b.cap", capture.header) as writer:
        recorder = Recorder()
        recorder.begin(writer)
        for item in capture:
            match item:
                case LinkRecord():
                    writer.write_link(item)
                case Notification(uuid, data, host_time_s):
                    writer.write(uuid, data, host_time_s)
        for note in notes:
            recorder.on_event(note)
    before, after = (list(replay(tmp_path / name)) for name in ("a.cap", "b.cap"))
    place = max(event.end_sample for event in before if isinstance(event, SampleBlock))
    of_link = [code for code in NoteCode if code in NOTES_OF_LINK]
    assert [plain(event) for event in after[: len(before)]] == [plain(event) for event in before]
    assert after[len(before) :] == [
        Note(place, place / 130, code, f"about {code}", "strap") for code in of_link
    ]


async def test_the_file_says_what_it_is_of(tmp_path: Path) -> None:
    strap = VirtualH10(np.zeros(1300), speed=math.inf)
    await live(strap, tmp_path / "a.cap", 1300, extras=("heart_rate",))
    header = read_capture(tmp_path / "a.cap").header
    assert (header.name, header.address, header.profile) == (strap.name, strap.address, "polar")
    assert header.extras == ("heart_rate",)
    assert "notify" in header.characteristics["fb005c82-02e7-f387-1cad-8acd2d8df0c8"]
    assert header.started_unix_s > 1.7e9


async def test_it_ends_by_itself_after_some_seconds(tmp_path: Path) -> None:
    strap = VirtualH10(np.zeros(13_000), speed=20)
    async with asyncio.timeout(20), virtual_strap(strap) as backend:
        count = await record(strap.name, tmp_path / "a.cap", seconds=0.3, backend=backend)
    items = [item for item in read_capture(tmp_path / "a.cap") if isinstance(item, Notification)]
    assert len(items) == count > 5
    assert not strap.running


async def test_what_still_came_when_the_time_was_up_is_told_as_it_is_recorded(tmp_path: Path) -> None:
    """Frames wait behind a slow listener: the last of them are taken while the strap is being stopped."""
    said: list[Any] = []

    def take_slowly(event: Any) -> None:
        said.append(event)
        if isinstance(event, SampleBlock):
            time.sleep(0.02)

    strap = VirtualH10(np.zeros(130_000), speed=100)
    async with asyncio.timeout(20), virtual_strap(strap) as backend:
        await record(strap.name, tmp_path / "a.cap", seconds=0.3, backend=backend, on_event=take_slowly)
    assert_same(list(replay(tmp_path / "a.cap")), said)


async def test_a_torn_end_is_told_and_the_rest_is_good(tmp_path: Path) -> None:
    strap = VirtualH10(np.zeros(1300), speed=math.inf)
    said = await live(strap, tmp_path / "a.cap", 1300)
    data = (tmp_path / "a.cap").read_bytes()
    whole = [event for event in said if isinstance(event, SampleBlock)]
    # The last records are the link's "stopped" and the last block.
    (tmp_path / "torn.cap").write_bytes(data[: -len(data) // 20])
    *before, last = replay(tmp_path / "torn.cap")
    assert isinstance(last, FrameLost)
    assert (last.code, last.device) == ("damaged", strap.name)
    assert "its end is torn" in last.detail
    blocks = [plain(event) for event in before if isinstance(event, SampleBlock)]
    assert blocks == [plain(event) for event in whole[: len(blocks)]]
    assert len(blocks) >= len(whole) - 4


async def test_damage_in_the_middle_is_told_in_its_place(tmp_path: Path) -> None:
    mv = np.arange(40 * 73) / 1000
    await live(VirtualH10(mv, speed=math.inf), tmp_path / "a.cap", len(mv))
    data = bytearray((tmp_path / "a.cap").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.cap").write_bytes(data)
    events = list(replay(tmp_path / "a.cap"))
    (damage,) = [e for e in events if isinstance(e, FrameLost) and "damaged from byte" in e.detail]
    blocks = [event for event in events if isinstance(event, SampleBlock)]
    got = np.concatenate([block.samples for block in blocks])
    assert len(got) == len(mv) - 73
    (gap,) = [b for a, b in pairwise(blocks) if b.sample > a.end_sample]
    assert (damage.sample, gap.sample) == (gap.sample - 73, gap.sample)


async def test_no_device_leaves_no_file(tmp_path: Path) -> None:
    async with virtual_strap(VirtualH10(np.zeros(10))) as backend:
        with pytest.raises(LinkError, match="was not found"):
            await record("Polar H9", tmp_path / "a.cap", backend=backend, find_timeout_s=0.1)
    assert not (tmp_path / "a.cap").exists()


async def test_an_old_capture_is_told_of_before_anything_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "a.cap").write_bytes(b"precious")
    with pytest.raises(ConfigError, match="choose another file"):
        await record("Polar H10", tmp_path / "a.cap")
    assert (tmp_path / "a.cap").read_bytes() == b"precious"


async def test_a_device_of_unknown_kind_is_refused_by_the_call(tmp_path: Path) -> None:
    await live(VirtualH10(np.zeros(1300), speed=math.inf), tmp_path / "a.cap", 1300)
    capture = read_capture(tmp_path / "a.cap")
    with CaptureWriter(tmp_path / "b.cap", replace(capture.header, profile="abacus")) as writer:
        for item in capture:
            match item:
                case Notification(uuid, data, host_time_s):
                    writer.write(uuid, data, host_time_s)
                case LinkRecord():
                    writer.write_link(item)
    with pytest.raises(ConfigError, match=r"'abacus': update ecgedge, or give its profile"):
        replay(tmp_path / "b.cap")
    again = [plain(event) for event in replay(tmp_path / "b.cap", profile="polar")]
    assert again == [plain(event) for event in replay(tmp_path / "a.cap")]


VIRTUAL: dict[str, Any] = {
    "polar": VirtualH10,
    "movesense": VirtualMovesense,
    "movesense_firmware": VirtualMovesenseFirmware,
    "ecgedge": VirtualEcgEdge,
    "healthypi": lambda ecg, **options: VirtualGatt(ecg, load_profile("healthypi"), **options),
}


@pytest.mark.parametrize("profile", VIRTUAL)
async def test_every_profile_comes_again_to_the_bit(tmp_path: Path, profile: str) -> None:
    mv = np.random.default_rng(6).integers(-4000, 4000, 5000) / 1000
    faults = [Fault(2.0, "drop_frame"), Fault(4.0, "disconnect", 1.0), Fault(6.0, "duplicate")]
    wearable = VIRTUAL[profile](mv, speed=math.inf, faults=faults)
    said = await live(wearable, tmp_path / "a.cap", 4000)
    assert read_capture(tmp_path / "a.cap").header.profile == profile
    assert_same(list(replay(tmp_path / "a.cap")), said)


CAPTURES = Path(__file__).parents[2] / "captures"


@pytest.mark.parametrize("profile", ["polar", "movesense", "healthypi"])
def test_captures_of_old_are_read_as_ever(profile: str) -> None:
    """10 s of a virtual wearable that plays a ramp of 1 uV a sample; one link lost for a second after 4 s."""
    blocks = [event for event in replay(CAPTURES / f"{profile}.cap") if isinstance(event, SampleBlock)]
    fs = blocks[0].fs
    gaps = [after.sample - before.end_sample for before, after in pairwise(blocks)]
    assert sum(gap > 0 for gap in gaps) == 1
    if profile != "healthypi":  # without stamps, what was lost is an estimate
        assert sum(gaps) == fs
        for block in blocks:
            ramp_mv = np.arange(block.sample, block.end_sample) / 1000
            np.testing.assert_allclose(block.samples, ramp_mv, atol=0.0006)
