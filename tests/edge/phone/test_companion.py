"""The phone's Python against a virtual browser: every kind of wearable, in simulated time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from held_phone import Phone

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_bridge import (
    ConfigError,
    Fault,
    LinkError,
    VirtualEcgEdge,
    VirtualGatt,
    VirtualH10,
    VirtualHeartRate,
    VirtualMovesense,
    VirtualWearable,
    run_simulated,
)
from ecgedge_bridge.protocols.described.profile import parse_profile
from ecgedge_bridge.protocols.polar.control import PMD_DATA, STOP_ECG

HOBBY = """
name = "my AD8232"
service = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
characteristic = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
fs = 250
dtype = "int16"
scale_mv = 0.001
header = "A5 ??"
counter = { at = 1, bits = 8, counts = "notifications" }
samples = 10
names = ["Hobby"]
command = { characteristic = "6e400002-b5a3-f393-e0a9-e50e24dcca9e", start = "01", stop = "00" }
"""


def ecg(seconds: float, fs: float = 130.0) -> np.ndarray:
    kinds = ("sinus", "af", "pvc", "noise")
    return synthesize([Segment(kind, seconds / 4) for kind in kinds], fs, seed=3).mv.astype(np.float64)


WEARABLES: dict[str, Callable[..., VirtualWearable]] = {
    "polar": lambda s, **more: VirtualH10(ecg(s), **more),
    "movesense": lambda s, **more: VirtualMovesense(ecg(s, 128.0), **more),
    "ecgedge": lambda s, **more: VirtualEcgEdge(ecg(s, 250.0), **more),
    "my AD8232": lambda s, **more: VirtualGatt(ecg(s, 250.0), parse_profile(HOBBY), name="Hobby 7", **more),
    "heart_rate": lambda s, **more: VirtualHeartRate(np.full(round(s), 72.0), **more),
}
_COMMAND = "from ecgedge.cli import main; main()"


def natively(phone: Phone, name: str, folder: Path) -> str:
    """What ``ecgedge replay NAME --json`` prints, in a process of its own."""
    path = folder / name
    path.write_bytes(phone.files.held[name])
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, "replay", str(path), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def with_phone(
    wearable: VirtualWearable, use: Callable[[Phone], Awaitable[None]], described: str = ""
) -> Phone:
    """Use a phone whose models are loaded, in simulated time."""

    async def run() -> Phone:
        phone = Phone(wearable)
        await phone.call("start")
        if described:
            await phone.call("addProfile", text=described)
        await use(phone)
        await phone.call("disconnect")
        await asyncio.sleep(0.3)  # figures wait for their time
        return phone

    return run_simulated(run())


@pytest.mark.parametrize("profile", WEARABLES)
def test_five_minutes_of_every_wearable_are_replayed_byte_for_byte(profile: str, tmp_path: Path) -> None:
    faults = [Fault(60.0, "disconnect", 7.0), Fault(100.0, "drop_frame"), Fault(200.0, "disconnect", 50.0)]
    wearable = WEARABLES[profile](300, faults=faults)

    async def use(phone: Phone) -> None:
        answer = await phone.call("connect", name=wearable.name)
        assert answer["name"] == wearable.name
        for at_s in (20.0, 63.0, 130.0):  # one of them while the link is down
            await asyncio.sleep(at_s - asyncio.get_running_loop().time())
            await phone.call("mark", text=f"at {at_s:g}")
        await wearable.finished.wait()
        await asyncio.sleep(1.0)

    phone = with_phone(wearable, use, HOBBY if profile == "my AD8232" else "")
    (listed,) = run_simulated(phone.call("recordings"))
    assert (listed["device"], listed["open"], listed["words"]) == (wearable.name, False, None)
    assert listed["seconds"] == pytest.approx(302, abs=4)
    assert listed["bytes"] == len(phone.files.held[listed["name"]])
    again = run_simulated(phone.call("events", name=listed["name"]))
    assert again == phone.text()
    assert again == natively(phone, listed["name"], tmp_path)
    kinds = {line["type"] for line in phone.lines}
    assert {"linkstate", "mark"} <= kinds
    assert ("battery" in kinds) == (profile != "my AD8232")
    assert [line["text"] for line in phone.lines if line["type"] == "mark"] == ["at 20", "at 63", "at 130"]
    states = [line["state"] for line in phone.lines if line["type"] == "linkstate"]
    assert (states[0], states[-1]) == ("scanning", "stopped")
    assert states.count("streaming") == 3
    if profile != "heart_rate":
        assert {"beat", "rhythm", "quality", "hrv", "gap"} <= kinds
        assert {line["label"] for line in phone.lines if line["type"] == "rhythm"} >= {"N", "A"}
    assert phone.files.all_closed
    assert phone.told("ended") == [{"type": "ended", "words": None}]
    assert [one["name"] for one in phone.told("recording")] == [listed["name"], None]


def test_the_page_is_sent_what_the_live_page_is() -> None:
    wearable = VirtualH10(ecg(60))

    async def use(phone: Phone) -> None:
        await phone.call("connect", name=wearable.name)
        await asyncio.sleep(30.0)
        state = phone.told("state")[-1]
        assert state["link"]["battery"] == 87
        assert state["link"]["words"]
        assert state["now_s"] == pytest.approx(30, abs=1.5)
        assert 50 < state["heart_rate"] < 130
        assert not state["ended"]
        strip = await phone.call("strip", start_s=10.0, seconds=10.0)
        assert len(strip["mv"]) == 1300
        assert await phone.call("strip", start_s=4000.0, seconds=10.0) is None
        await wearable.finished.wait()
        await asyncio.sleep(1.0)

    phone = with_phone(wearable, use)
    assert phone.told("hello")[-1]["wearables"] == [{"id": 0, "name": wearable.name}]
    assert phone.told("hello")[-1]["can_mark"]
    assert phone.told("state")[-1]["ended"]
    frames = [one for one in phone.posted if isinstance(one, bytes)]
    assert sum(int.from_bytes(frame[4:8], "little") for frame in frames) == 60 * 130
    # Nothing is polled: a frame of an H10 every 0.56 s is no more than some messages each.
    assert len(phone.posted) < 60 / 0.56 * 4


def test_a_heart_rate_strap_shows_its_own_rate() -> None:
    wearable = VirtualHeartRate(np.full(30, 72.0))

    async def use(phone: Phone) -> None:
        await phone.call("connect", name=wearable.name)
        await asyncio.sleep(10.0)
        assert phone.told("state")[-1]["heart_rate"] == 72

    phone = with_phone(wearable, use)
    assert phone.told("state")[-1]["heart_rate"] is None


def test_what_is_shown_is_on_the_disk() -> None:
    wearable = VirtualH10(ecg(20))

    async def use(phone: Phone) -> None:
        sent, shown = list[bytes](), list[tuple[int, int]]()
        post, notified = phone.companion._screen._post, phone.companion.notified

        def posted(message: str | bytes) -> None:
            if isinstance(message, bytes):
                (held,) = phone.files.held.values()
                shown.append((int.from_bytes(message[4:8], "little"), len(held)))
            post(message)

        def arrived(uuid: str, data: bytes) -> None:
            if uuid == PMD_DATA:
                sent.append(data)
            notified(uuid, data)

        assert phone.browser is not None
        phone.companion._screen._post, phone.browser.notified = posted, arrived
        await phone.call("connect", name=wearable.name)
        await wearable.finished.wait()
        await asyncio.sleep(1.0)
        (held,) = phone.files.held.values()
        ends, at = list[int](), 0
        for data in sent:
            at = held.index(data, at) + len(data) + 4
            ends.append(at)
        samples = 0
        for count, size in shown:
            samples += count
            assert size >= ends[-(-samples // 73) - 1]
        assert samples > 30 * 73

    with_phone(wearable, use)


def test_what_comes_together_is_flushed_together_and_a_mark_at_once() -> None:
    wearable = VirtualH10(ecg(20))

    async def use(phone: Phone) -> None:
        await phone.call("connect", name=wearable.name)
        await asyncio.sleep(5.0)
        appended = list[bytes]()
        phone.files.appended = appended.append
        uuid, data = PMD_DATA, bytes(232)
        for _ in range(50):
            phone.companion.notified(uuid, data)
        await asyncio.sleep(0.05)
        assert len(appended) <= 3  # before they are shown, and soon after what came last
        assert b"".join(appended).count(data) == 50
        (listed,) = await phone.call("recordings")
        (held,) = phone.files.held.values()
        assert listed["bytes"] == len(held)
        await phone.call("mark", text="stairs")
        assert b"stairs" in appended[-1]

    with_phone(wearable, use)


def test_a_recording_that_a_kill_has_torn_opens() -> None:
    wearable = VirtualH10(ecg(60))

    async def use(phone: Phone) -> None:
        await phone.call("connect", name=wearable.name)
        await asyncio.sleep(40.0)
        (name,) = phone.files.held
        torn = Phone()
        torn.files.held["torn.cap"] = phone.files.held[name][:-100]
        torn.files.held["nothing.cap"] = bytearray()
        await torn.call("start")
        (listed,) = await torn.call("recordings")
        assert (listed["name"], listed["words"]) == ("torn.cap", None)
        assert listed["seconds"] == pytest.approx(40, abs=2)
        text = await torn.call("events", name="torn.cap")
        assert '"code": "damaged"' in text
        assert text.count('"type": "beat"') > 25
        await torn.call("replay", name="torn.cap")
        await asyncio.sleep(1.0)
        assert torn.told("ended") == [{"type": "ended", "words": None}]
        assert torn.told("state")[-1]["now_s"] == pytest.approx(40, abs=2)

    with_phone(wearable, use)


def test_a_full_disk_ends_the_recording_and_not_the_stream(tmp_path: Path) -> None:
    wearable = VirtualH10(ecg(120))

    async def use(phone: Phone) -> None:
        await phone.call("connect", name=wearable.name)
        await asyncio.sleep(60.0)
        phone.files.room = 500
        await asyncio.sleep(5.0)
        assert [one["words"] for one in phone.told("recording")] == [
            None,
            "the recording ends here, and what was recorded is kept: there is no more room for recordings: "
            "delete some, or free space on the phone",
        ]
        assert phone.files.all_closed
        await phone.call("mark", text="stairs")
        await wearable.finished.wait()
        await asyncio.sleep(1.0)

    phone = with_phone(wearable, use)
    assert len(phone.told("recording")) == 2
    (name,) = phone.files.held
    text = natively(phone, name, tmp_path)
    assert "damaged" not in text  # it ends with a whole record
    assert phone.lines[-2]["type"] != "framelost"
    beats = [line["time_s"] for line in phone.lines if line["type"] == "beat"]
    assert beats[-1] > 80
    assert [line["text"] for line in phone.lines if line["type"] == "mark"] == ["stairs"]


@pytest.mark.parametrize("record", [True, False])
def test_without_storage_there_is_a_stream_all_the_same(record: bool) -> None:
    from ecgedge.phone.storage import StorageError

    wearable = VirtualH10(ecg(20))

    async def use(phone: Phone) -> None:
        phone.files.fails = StorageError("SecurityError")
        answer = await phone.call("connect", name=wearable.name, record=record)
        assert answer["recording"] is None
        await asyncio.sleep(10.0)
        await phone.call("mark")
        await asyncio.sleep(2.0)

    phone = with_phone(wearable, use)
    words = [one["words"] for one in phone.told("recording")]
    private = "the browser gives this page no storage: open it in a window that is not private"
    assert words == ([f"nothing is recorded: {private}"] if record else [])
    assert [line["text"] for line in phone.lines if line["type"] == "mark"] == [""]
    assert not phone.files.held


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(0.0, "refuse", code=0x0C), "electrodes"),
        (Fault(0.0, "refuse", code=0x0D), "charger"),
        (Fault(0.0, "mtu", code=100), "MTU of 232"),
    ],
)
def test_a_refusal_is_a_sentence_and_leaves_nothing_behind(fault: Fault, says: str) -> None:
    wearable = VirtualH10(ecg(20), faults=[fault])

    async def use(phone: Phone) -> None:
        with pytest.raises(LinkError, match=says):
            await phone.call("connect", name=wearable.name)
        await asyncio.sleep(0.1)
        assert phone.files.all_closed
        assert phone.told("ended") == [{"type": "ended", "words": None}]
        # And again, now that it may.
        await phone.call("connect", name=wearable.name)
        await asyncio.sleep(5.0)

    phone = with_phone(wearable, use)
    assert len(phone.told("hello")) == 2


def test_a_permission_that_was_taken_back_is_told_and_ends_the_connection() -> None:
    from ecgedge_bridge.link.web_radio import WebError

    wearable = VirtualH10(ecg(60), faults=[Fault(10.0, "disconnect", 1.0)])

    async def use(phone: Phone) -> None:
        await phone.call("connect", name=wearable.name)
        assert phone.browser is not None
        phone.browser.refuses["connect"] = WebError("SecurityError", "The device was forgotten.")
        await asyncio.sleep(20.0)
        (ended,) = phone.told("ended")
        assert "(The device was forgotten): confirm the pairing" in ended["words"]
        assert phone.files.all_closed
        with pytest.raises(ConfigError, match="nothing streams now"):
            await phone.call("mark")

    phone = with_phone(wearable, use)
    assert phone.told("state")[-1]["ended"]
    assert len(phone.told("ended")) == 1


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.05, 0.12, 0.2, 0.3, 0.9, 10.2, 11.0, 12.5, 14.0, 30.0])
def test_stopping_is_possible_at_any_time(after_s: float, tmp_path: Path) -> None:
    """While connecting, setting up, waiting, streaming, backing off and reconnecting."""
    wearable = VirtualH10(ecg(60), faults=[Fault(10.0, "disconnect", 3.0)])

    async def use(phone: Phone) -> None:
        connecting = asyncio.ensure_future(phone.call("connect", name=wearable.name))
        await asyncio.sleep(after_s)
        await asyncio.gather(phone.call("disconnect"), phone.call("disconnect"))
        if connecting.done() and connecting.exception() is None:
            (name,) = phone.files.held
            assert await phone.call("events", name=name) == phone.text()
            assert natively(phone, name, tmp_path) == phone.text()
        else:
            with pytest.raises(ConfigError, match="was given up: connect again"):
                await connecting
        assert phone.files.all_closed
        assert phone.browser is not None
        assert not phone.browser.connected
        assert not wearable.running
        assert STOP_ECG in wearable.commands or after_s != 30.0
        assert len(phone.told("ended")) == 1

    with_phone(wearable, use)


def test_what_comes_while_it_is_being_stopped_is_shown_and_recorded(tmp_path: Path) -> None:
    """The strap hears the stop late: its frames of the seconds until then belong to both."""
    wearable = VirtualH10(ecg(60))

    async def use(phone: Phone) -> None:
        await phone.call("connect", name=wearable.name)
        await asyncio.sleep(30.0)
        browser = phone.browser
        assert browser is not None
        ask = browser.ask

        async def late(do: str, **what: Any) -> Any:
            await asyncio.sleep(3.0)
            return await ask(do, **what)

        browser.ask = late  # type: ignore[method-assign]
        before = phone.told("state")[-1]["now_s"]
        await phone.call("disconnect")
        await asyncio.sleep(0.3)
        assert phone.told("state")[-1]["now_s"] > before + 2.5
        (name,) = phone.files.held
        assert await phone.call("events", name=name) == phone.text()
        assert natively(phone, name, tmp_path) == phone.text()

    with_phone(wearable, use)


def test_there_is_one_connection_at_a_time() -> None:
    wearable = VirtualH10(ecg(60))

    async def use(phone: Phone) -> None:
        first = asyncio.ensure_future(phone.call("connect", name=wearable.name))
        second = asyncio.ensure_future(phone.call("connect", name=wearable.name))
        with pytest.raises(ConfigError, match="connected already: disconnect first"):
            await second
        await first
        with pytest.raises(ConfigError, match="connected already: disconnect first"):
            await phone.call("replay", name=next(iter(phone.files.held)))
        await asyncio.sleep(5.0)

    phone = with_phone(wearable, use)
    assert len(phone.told("hello")) == 1


def test_a_recording_that_goes_on_is_listed_and_read() -> None:
    wearable = VirtualH10(ecg(60))

    async def use(phone: Phone) -> None:
        await phone.call("connect", name=wearable.name)
        await asyncio.sleep(30.0)
        (listed,) = await phone.call("recordings")
        assert listed["open"]
        assert listed["seconds"] == pytest.approx(30, abs=2)
        text = await phone.call("events", name=listed["name"])
        assert text.count('"type": "beat"') > 20
        with pytest.raises(ConfigError, match="is being recorded: disconnect first"):
            await phone.call("remove", name=listed["name"])
        assert await phone.call("removeAll") == 0

    phone = with_phone(wearable, use)
    assert run_simulated(phone.call("removeAll")) == 1


def test_what_a_described_device_is_stands_in_its_recording() -> None:
    wearable = WEARABLES["my AD8232"](20)

    async def use(phone: Phone) -> None:
        given = await phone.call("chooser")
        assert {"namePrefix": "Hobby"} in given["filters"]
        await phone.call("connect", name=wearable.name)
        await asyncio.sleep(10.0)

    phone = with_phone(wearable, use, HOBBY)
    (data,) = phone.files.held.values()
    assert b"dtype = " in data
