"""Recordings on the phone: names, the list, what is taken in from elsewhere, and the errors of a storage."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from held_phone import Phone

from ecgedge.phone.recordings import Recordings
from ecgedge.phone.storage import StorageError
from ecgedge_bridge import ConfigError, run_simulated
from ecgedge_bridge.capture.file import CaptureHeader, RecordWriter

CAPTURES = Path(__file__).parents[2] / "captures"
POLAR = (CAPTURES / "polar.cap").read_bytes()
UUID = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"


def call(phone: Phone, call: str, /, **args: Any) -> Any:
    return run_simulated(phone.call(call, **args))


def capture(started_unix_s: float, name: str = "H10") -> bytes:
    pieces: list[bytes] = []
    writer = RecordWriter(pieces.append, CaptureHeader(name, "", "polar", started_unix_s, 100.0))
    writer.write(UUID, b"\x00", 160.25)
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("device", "stem"),
    [
        ("Polar H10 0A1B2C3D", "polar-h10-0a1b2c3d"),
        ("", "wearable"),
        ("../../etc/passwd", "etc-passwd"),
        ("Gürtel \u202e\x00\n%2e", "g-rtel-2e"),
        ("x" * 500, "x" * 70),
    ],
)
def test_a_name_is_safe_whatever_a_device_is_called(device: str, stem: str) -> None:
    phone = Phone()

    async def twice() -> list[str]:
        recordings = Recordings(phone.files)
        made = [await recordings.new(device, print) for _ in range(2)]
        return [one.name for one in made]

    first, second = run_simulated(twice())
    assert first[15:] == f"-{stem}.cap"
    assert second == first.removesuffix(".cap") + "-2.cap"
    assert len(second) < 96
    for name in (first, second):  # and every call takes it
        call(phone, "take", name=name)


@pytest.mark.parametrize(
    "name", ["../a.cap", "a", "", "a/b.cap", ".cap", "a.cap\n", "x" * 200 + ".cap", "\u0130.cap"]
)
@pytest.mark.parametrize("what", ["take", "events", "remove", "replay"])
def test_a_name_that_is_none_is_refused(name: str, what: str) -> None:
    async def ask() -> None:
        phone = Phone()
        await phone.call("start")
        await phone.call(what, name=name)

    with pytest.raises(ConfigError, match="is no name of a recording: look at the list"):
        run_simulated(ask())


def test_the_list_is_by_time_and_tells_of_what_cannot_be_read() -> None:
    phone = Phone()
    files = {
        "old.cap": capture(1.7e9),
        "new.cap": capture(1.8e9, "Gürtel\x1b[2J"),
        "no.cap": b"%PDF-1.7",
        "empty.cap": b"",
        "cut.cap": POLAR[:30],
    }
    phone.files.held.update({name: bytearray(data) for name, data in files.items()})
    listed = call(phone, "recordings")
    assert [one["name"] for one in listed] == ["new.cap", "old.cap", "no.cap", "cut.cap"]
    assert (listed[1]["start_unix_s"], listed[1]["seconds"], listed[1]["device"]) == (1.7e9, 60.2, "H10")
    assert "\x1b" not in listed[0]["device"]
    assert listed[2]["words"].startswith("no.cap is no capture")
    assert listed[3]["words"] == "cut.cap has no whole header, so nothing was recorded in it: record again"
    assert phone.files.all_closed


def test_a_long_recording_is_listed_without_reading_it() -> None:
    phone = Phone()
    phone.files.held["long.cap"] = bytearray(capture(1.7e9) + capture(1.7e9)[-31:] * 100_000)
    (listed,) = call(phone, "recordings")
    assert listed["seconds"] == 60.2
    assert phone.files.reads <= 3


def test_a_capture_from_elsewhere_is_taken_in_and_nothing_else() -> None:
    phone = Phone()
    assert call(phone, "open", name="Night of J.cap", file=POLAR) == "night-of-j.cap"
    assert call(phone, "open", name="Night of J.cap", file=POLAR) == "night-of-j-2.cap"
    assert call(phone, "open", name="\u202e.cap", file=POLAR) == "recording.cap"
    with pytest.raises(ConfigError, match="is no capture"):
        call(phone, "open", name="a.pdf", file=b"%PDF-1.7")
    with pytest.raises(ConfigError, match="nothing was recorded"):
        call(phone, "open", name="a.cap", file=POLAR[:20])
    assert sorted(phone.files.held) == ["night-of-j-2.cap", "night-of-j.cap", "recording.cap"]
    assert call(phone, "take", name="recording.cap") == POLAR
    call(phone, "remove", name="recording.cap")
    assert call(phone, "removeAll") == 2
    assert not phone.files.held
    with pytest.raises(StorageError, match="no such recording: look at the list again"):
        call(phone, "take", name="recording.cap")
    assert phone.files.all_closed


def test_what_was_begun_and_never_written_to_goes_with_the_next_start() -> None:
    phone = Phone()
    phone.files.held |= {"empty.cap": bytearray(), "held.cap": bytearray(), "good.cap": bytearray(POLAR)}
    phone.files.locked.add("held.cap")  # another window has just made it
    call(phone, "start")
    assert sorted(phone.files.held) == ["good.cap", "held.cap"]


NAMES = (
    "QuotaExceededError NotFoundError NoModificationAllowedError NotReadableError InvalidStateError "
    "SecurityError NotAllowedError UnknownError"
).split()


@pytest.mark.parametrize("name", NAMES)
def test_every_error_of_a_storage_says_what_to_do(name: str) -> None:
    what, advice = str(StorageError(name, "The browser's words.")).split(": ", 1)
    assert len(what) > 10
    assert len(advice) > 10


@pytest.mark.parametrize("name", ["polar", "movesense", "healthypi"])
@pytest.mark.parametrize("speed", [None, 2.0])
def test_a_replay_shows_the_same_at_any_pace(name: str, speed: float | None) -> None:
    async def shown() -> tuple[list[dict[str, Any]], str, float, Phone]:
        phone = Phone()
        await phone.call("start")
        phone.files.held["it.cap"] = bytearray((CAPTURES / f"{name}.cap").read_bytes())
        await phone.call("replay", name="it.cap", speed=speed)
        began_s = asyncio.get_running_loop().time()
        while not phone.told("ended"):
            await asyncio.sleep(0.05)
        took_s = asyncio.get_running_loop().time() - began_s
        await asyncio.sleep(0.3)  # figures wait for their time
        return phone.lines, await phone.call("events", name="it.cap"), took_s, phone

    lines, text, took_s, phone = run_simulated(shown())
    assert phone.text() == text
    assert lines
    assert took_s < 0.2 if speed is None else 4.0 < took_s < 5.5
    assert phone.told("hello")[-1]["speed"] == (speed or 1.0)
    assert not phone.told("hello")[-1]["can_mark"]
    assert phone.told("state")[-1]["ended"]
    assert phone.told("state")[-1]["start_unix_s"] > 1.6e9
    assert phone.files.all_closed


def test_a_replay_can_be_stopped_and_another_one_begun() -> None:
    async def run() -> Phone:
        phone = Phone()
        await phone.call("start")
        phone.files.held["it.cap"] = bytearray(POLAR)
        await phone.call("replay", name="it.cap", speed=1.0)
        await asyncio.sleep(3.0)
        await phone.call("replay", name="it.cap", speed=1.0)
        await asyncio.sleep(3.0)
        await phone.call("disconnect")
        assert phone.told("state")[-1]["now_s"] == pytest.approx(3.0, abs=0.7)
        with pytest.raises(ConfigError, match="nothing is connected: connect first"):
            await phone.call("mark")
        return phone

    phone = run_simulated(run())
    assert len(phone.told("hello")) == len(phone.told("ended")) == 2
    assert phone.files.all_closed


def test_a_speed_that_is_none_is_refused() -> None:
    async def run() -> None:
        phone = Phone()
        await phone.call("start")
        await phone.call("replay", name="it.cap", speed=0.0)

    with pytest.raises(ConfigError, match=r"choose one from 0.1 to 1000"):
        run_simulated(run())
