"""The dialogue over a connection: replies in parts, foreign traffic, refusals, extras, a full inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ecgedge_bridge import (
    Acceleration,
    Battery,
    FrameError,
    FrameLost,
    HeartRate,
    LinkError,
    LinkTiming,
    Note,
    SampleBlock,
    VirtualH10,
)
from ecgedge_bridge.link.conversation import Conversation, Inbox
from ecgedge_bridge.protocols.polar.control import (
    PMD_CONTROL,
    PMD_DATA,
    START_ECG,
    STOP_ACC,
    STOP_ECG,
    start_acc,
)
from ecgedge_bridge.protocols.polar.frames import encode_acc_frame, encode_ecg_frame
from ecgedge_bridge.protocols.polar.session import PolarSession
from ecgedge_bridge.protocols.session import INFORMATION, Offered, Read, Session, Subscribe, Wait, Write
from ecgedge_bridge.protocols.standard.heart_rate import BATTERY_LEVEL, HEART_RATE_MEASUREMENT

Answer = Callable[[bytes], list[bytes]]
TIMING = LinkTiming(command_s=0.2)
PMD = {PMD_CONTROL: ("read", "write", "indicate"), PMD_DATA: ("notify",)}
STANDARD = {HEART_RATE_MEASUREMENT: ("notify",), BATTERY_LEVEL: ("read", "notify")}


class Wire:
    """A GATT client whose other end answers each command with the given indications, a moment later."""

    def __init__(self, answer: Answer, refuses: tuple[str, ...] = ()) -> None:
        self._answer = answer
        self._refuses = refuses
        self.subscribed: dict[str, Callable[[Any, bytearray], None]] = {}
        self.written: list[bytes] = []

    async def start_notify(self, char_specifier: str, callback: Callable[[Any, bytearray], None]) -> None:
        if char_specifier in self._refuses:
            raise OSError("refused")
        self.subscribed[char_specifier] = callback

    async def stop_notify(self, char_specifier: str) -> None:
        del self.subscribed[char_specifier]

    async def read_gatt_char(self, char_specifier: str) -> bytearray:
        if char_specifier in self._refuses:
            await asyncio.sleep(60)
        return bytearray(b"W" if char_specifier == BATTERY_LEVEL else b"5.0.0")

    async def write_gatt_char(self, char_specifier: str, data: bytes, response: bool) -> None:
        assert response
        assert {PMD_CONTROL, PMD_DATA} <= set(self.subscribed)
        self.written.append(data)
        for indication in self._answer(data):
            asyncio.get_running_loop().call_soon(self.subscribed[char_specifier], None, bytearray(indication))


class Talk:
    """A session on such a client."""

    def __init__(self, wire: Wire, session: Session | None = None, timing: LinkTiming = TIMING) -> None:
        self.inbox = Inbox(100)
        self.session = PolarSession() if session is None else session
        self.heard: list[tuple[str, bytes]] = []
        self._conversation = Conversation(wire, self.inbox, self.session, timing, (OSError,), self._hear)

    def _hear(self, uuid: str, data: bytes, _host_time_s: float) -> None:
        self.heard.append((uuid, data))

    async def start(self, offered: dict[str, tuple[str, ...]] = PMD) -> None:
        await self._conversation.run(self.session.start(Offered(offered)))

    async def stop(self) -> None:
        await self._conversation.end()

    def events(self) -> list[Any]:
        while self._conversation.receive_one():
            pass
        taken = []
        while (event := self.session.next_event()) is not None:
            taken.append(event)
        return taken


def strap_behind(change: Callable[[bytes], list[bytes]], **strap: Any) -> Wire:
    device = VirtualH10(np.zeros(73), **strap)
    return Wire(lambda data: change(device.command(data, 247)))


def plain(reply: bytes) -> list[bytes]:
    return [reply]


async def test_replies_in_parts_and_foreign_traffic_are_understood() -> None:
    def in_parts(reply: bytes) -> list[bytes]:
        head, params = bytearray(reply[:5]), reply[5:]
        foreign = [bytes.fromhex(text) for text in ("0F05", "F0030200 00", "77", "")]
        first = head[:4] + b"\x01" + params[:3]
        return [*foreign, bytes(first), bytes(head + params[3:])]

    wire = strap_behind(in_parts)
    talk = Talk(wire)
    await talk.start()
    await talk.stop()
    assert wire.written == [b"\x01\x00", START_ECG, STOP_ECG]
    assert not wire.subscribed


async def test_a_stream_left_over_is_stopped_and_started_again() -> None:
    wire = strap_behind(plain, already_running=True)
    await Talk(wire).start()
    assert wire.written == [b"\x01\x00", START_ECG, STOP_ECG, START_ECG]


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (0x03, "Polar H10"),
        (0x06, "end the other program"),
        (0x0A, "MTU of 232"),
        (0x0C, "electrodes"),
        (0x0D, "charger"),
        (0x0E, "firmware"),
        (0xF7, "unknown status 0xF7"),
    ],
)
async def test_a_refusal_says_what_to_do(status: int, advice: str) -> None:
    wire = Wire(lambda data: [bytes([0xF0, *data[:2], status if data[0] == 2 else 0, 0])])
    talk = Talk(wire)
    with pytest.raises(LinkError, match=advice):
        await talk.start()
    # The start may have been carried out all the same: stop it.
    await talk.stop()
    assert wire.written[-1] == STOP_ECG


@pytest.mark.parametrize("answer", [[], [b"\xf0\x01\x00\x00\x01"]])
async def test_a_device_that_does_not_answer_runs_into_the_limit(answer: list[bytes]) -> None:
    with pytest.raises(TimeoutError):
        await Talk(Wire(lambda _data: answer)).start()


async def test_a_connection_lost_during_a_command_ends_the_wait() -> None:
    def hang_up(_data: bytes) -> list[bytes]:
        asyncio.get_running_loop().call_soon(talk.inbox.close)
        return []

    talk = Talk(Wire(hang_up), timing=LinkTiming())
    with pytest.raises(TimeoutError, match="lost"):
        await talk.start()
    # There is nobody left to say it to.
    await talk.stop()


async def test_settings_that_cannot_be_read_are_the_devices_fault() -> None:
    wire = Wire(lambda data: [bytes([0xF0, *data[:2], 0, 0, 0x00, 0x01])])
    with pytest.raises(FrameError):
        await Talk(wire).start()


async def test_a_device_without_the_characteristics_is_refused() -> None:
    with pytest.raises(LinkError, match=r"no characteristic fb005c82.*profile="):
        await Talk(strap_behind(plain)).start({PMD_CONTROL: ("write",)})


async def test_the_device_may_end_the_measurement() -> None:
    talk = Talk(wire := strap_behind(plain))
    await talk.start()
    assert not talk.session.receive(PMD_CONTROL, b"\x01\x02", 0.0)
    assert not talk.session.ended
    talk.session.receive(PMD_CONTROL, b"\x01\x02\x00", 0.0)
    assert talk.session.ended
    await talk.stop()
    assert wire.written[-1] == START_ECG


async def test_everything_at_once_comes_in_the_order_of_the_stream() -> None:
    wire = strap_behind(plain)
    talk = Talk(wire, PolarSession("strap", extras=("heart_rate", "battery", "acc", "information")))
    model = next(uuid for uuid, what in INFORMATION.items() if what == "model")
    await talk.start(PMD | STANDARD | {model: ("read",)})
    assert wire.written == [start_acc(), b"\x01\x00", START_ECG]
    assert set(wire.subscribed) == {*PMD, *STANDARD}
    assert talk.heard[:2] == [(model, b"5.0.0"), (BATTERY_LEVEL, b"W")]
    wire.subscribed[PMD_DATA](None, bytearray(encode_ecg_frame(10**9, np.arange(130))))
    wire.subscribed[HEART_RATE_MEASUREMENT](None, bytearray(b"\x00\x3d"))
    wire.subscribed[PMD_DATA](None, bytearray(encode_acc_frame(10**9, np.array([[0, 0, 1000]]))))
    wire.subscribed[BATTERY_LEVEL](None, bytearray(b"V"))
    level, block, rate, acc, lower = talk.events()
    assert level == Battery(0, 0.0, 87, "strap")
    assert (block.sample, len(block.samples)) == (0, 130)
    assert rate == HeartRate(130, 1.0, 61, device="strap")
    assert isinstance(acc, Acceleration)
    assert acc.samples.tolist() == [[0.0, 0.0, 1.0]]
    assert lower == Battery(130, 1.0, 86, "strap")
    await talk.stop()
    assert wire.written[3:] == [STOP_ECG, STOP_ACC]
    assert not wire.subscribed


async def test_what_is_optional_does_not_keep_the_ecg_from_streaming() -> None:
    def no_acc(reply: bytes) -> list[bytes]:
        return [reply[:3] + b"\x03" + reply[4:] if reply[1:3] == b"\x02\x02" else reply]

    wire = strap_behind(no_acc)
    wire._refuses = tuple(STANDARD)
    talk = Talk(wire, PolarSession(extras=("heart_rate", "battery", "acc")))
    await talk.start(PMD | STANDARD)
    await talk.start(PMD | STANDARD)
    (status,) = talk.events()
    assert isinstance(status, Note)
    assert status.code == "not_started"
    assert status.detail == "no acceleration: the measurement is not supported; streaming without it"
    assert START_ECG in wire.written


async def test_what_the_device_lacks_is_said_once() -> None:
    talk = Talk(strap_behind(plain), PolarSession(extras=("heart_rate", "battery")))
    await talk.start(PMD)
    await talk.start(PMD)
    assert [(event.code, event.detail) for event in talk.events()] == [
        ("not_offered", "the device offers no heart rate: streaming without it; nothing to do")
    ]


def test_a_session_needs_no_client() -> None:
    session = PolarSession(extras=("battery",))
    script = session.start(Offered(PMD | STANDARD))
    asked = [next(script) for _ in range(5)]
    assert asked[:2] == [Read(BATTERY_LEVEL, optional=True), Subscribe(BATTERY_LEVEL, optional=True)]
    assert asked[2:4] == [Subscribe(PMD_CONTROL), Subscribe(PMD_DATA)]
    assert asked[4] == Write(PMD_CONTROL, b"\x01\x00")
    assert not session.receive("0000", b"what nobody asked for", 0.0)


def test_ecg_and_acceleration_of_one_characteristic_go_apart() -> None:
    session = PolarSession("strap")
    main = []
    for i in range(4):
        ecg = encode_ecg_frame(10**18 + round(73 * i / 130 * 1e9), np.full(73, i))
        acc = encode_acc_frame(10**18 + i * 180_000_000, np.full((36, 3), 1000 * i))
        main += [session.receive(PMD_DATA, data, 0.18 * i) for data in (ecg, acc)]
    main += [session.receive(PMD_DATA, data, 3.0) for data in (b"\x05" + bytes(20), b"")]
    # Only the ECG counts as the main stream: bytes that nobody can read are no sign of life.
    assert main == [True, False] * 4 + [False, False]
    events = []
    while (event := session.next_event()) is not None:
        events.append(event)
    blocks = [event for event in events if isinstance(event, SampleBlock)]
    assert [block.sample for block in blocks] == [0, 73, 146, 219]
    accs = [event for event in events if isinstance(event, Acceleration)]
    assert [block.sample for block in accs] == [0, 36, 72, 108]
    assert [block.samples[0].tolist() for block in accs] == [[i, i, i] for i in range(4)]
    assert (accs[0].fs, accs[0].device, accs[0].samples.shape) == (200, "strap", (36, 3))
    lost = [event for event in events if isinstance(event, FrameLost)]
    assert [event.code for event in lost] == ["kind", "length"]
    assert "measurement 5" in lost[0].detail


def test_unknown_extras_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\['ppg'\]: use some of heart_rate, battery, acc"):
        PolarSession(extras=("ppg",))


async def test_a_full_inbox_drops_the_oldest_and_counts() -> None:
    inbox = Inbox(3)
    take = inbox.callback("2a37")
    for value in range(5):
        take(None, bytearray([value]))
    taken = []
    while (item := inbox.take()) is not None:
        taken.append(item[:2])
    assert taken == [("2a37", bytes([value])) for value in (2, 3, 4)]
    assert inbox.dropped == 2


def test_replies_that_nobody_asked_for_are_not_kept() -> None:
    session = PolarSession()
    for _ in range(100):
        session.receive(PMD_CONTROL, b"\xf0\x02\x00\x00\x00", 0.0)
    script = session.start(Offered(PMD))
    assert [type(next(script)) for _ in range(4)] == [Subscribe, Subscribe, Write, Wait]


async def test_a_device_that_sends_without_answering_is_given_up() -> None:
    wire = Wire(lambda _command: [])
    talk = Talk(wire, timing=LinkTiming(command_s=60))

    async def flood() -> None:
        while True:
            await asyncio.sleep(0)
            for _ in range(50 if PMD_DATA in wire.subscribed else 0):
                wire.subscribed[PMD_DATA](None, bytearray(5))

    flooding = asyncio.create_task(flood())
    with pytest.raises(TimeoutError, match="does not answer"):
        await talk.start()
    flooding.cancel()
    assert talk.session.pending == 4097
