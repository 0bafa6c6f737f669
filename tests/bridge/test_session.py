"""One measurement on one connection: replies in parts, foreign traffic, refusals, a full inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ecgedge_bridge import FrameError, LinkError, LinkTiming, VirtualH10
from ecgedge_bridge.polar import PMD_CONTROL, PMD_DATA, START_ECG, STOP_ECG, MeasurementStopped
from ecgedge_bridge.session import Inbox, PmdSession

Answer = Callable[[bytes], list[bytes]]
TIMING = LinkTiming(command_s=0.2)


class Wire:
    """A GATT client whose other end answers each command with the given indications, a moment later."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.subscribed: dict[str, Callable[[Any, bytearray], None]] = {}
        self.written: list[bytes] = []

    async def start_notify(self, char_specifier: str, callback: Callable[[Any, bytearray], None]) -> None:
        self.subscribed[char_specifier] = callback

    async def write_gatt_char(self, char_specifier: str, data: bytes, response: bool) -> None:
        assert response
        assert set(self.subscribed) == {PMD_CONTROL, PMD_DATA}
        self.written.append(data)
        for indication in self._answer(data):
            asyncio.get_running_loop().call_soon(self.subscribed[char_specifier], None, bytearray(indication))


def strap_behind(change: Callable[[bytes], list[bytes]], **strap: Any) -> Wire:
    device = VirtualH10(np.zeros(73), **strap)
    return Wire(lambda data: change(device.command(data, 247)))


async def test_replies_in_parts_and_foreign_traffic_are_understood() -> None:
    def in_parts(reply: bytes) -> list[bytes]:
        head, params = bytearray(reply[:5]), reply[5:]
        foreign = [bytes.fromhex(text) for text in ("0F05", "F0030200 00", "77", "")]
        first = head[:4] + b"\x01" + params[:3]
        return [*foreign, bytes(first), bytes(head + params[3:])]

    wire = strap_behind(in_parts)
    session = PmdSession(wire, Inbox(4), TIMING)
    await session.start()
    await session.stop()
    await session.stop()
    assert wire.written == [b"\x01\x00", START_ECG, STOP_ECG]


async def test_a_stream_left_over_is_stopped_and_started_again() -> None:
    wire = strap_behind(lambda reply: [reply], already_running=True)
    await PmdSession(wire, Inbox(4), TIMING).start()
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
    session = PmdSession(wire, Inbox(4), TIMING)
    with pytest.raises(LinkError, match=advice):
        await session.start()
    # The start may have been carried out all the same: stop it.
    await session.stop()
    assert wire.written[-1] == STOP_ECG


@pytest.mark.parametrize("answer", [[], [b"\xf0\x01\x00\x00\x01"]])
async def test_a_device_that_does_not_answer_runs_into_the_limit(answer: list[bytes]) -> None:
    with pytest.raises(TimeoutError):
        await PmdSession(Wire(lambda _data: answer), Inbox(4), TIMING).start()


async def test_a_connection_lost_during_a_command_ends_the_wait() -> None:
    inbox = Inbox(4)

    def hang_up(_data: bytes) -> list[bytes]:
        asyncio.get_running_loop().call_soon(inbox.close)
        return []

    wire = Wire(hang_up)
    with pytest.raises(TimeoutError, match="lost"):
        await PmdSession(wire, inbox, LinkTiming()).start()


async def test_settings_that_cannot_be_read_are_the_devices_fault() -> None:
    wire = Wire(lambda data: [bytes([0xF0, *data[:2], 0, 0, 0x00, 0x01])])
    with pytest.raises(FrameError):
        await PmdSession(wire, Inbox(4), TIMING).start()


async def test_the_device_may_end_the_measurement() -> None:
    wire, inbox = strap_behind(lambda reply: [reply]), Inbox(4)
    session = PmdSession(wire, inbox, TIMING)
    await session.start()
    inbox.on_control(None, bytearray(b"\x01\x02"))
    assert not session.ended_by_device()
    inbox.on_control(None, bytearray(b"\x01\x02\x00"))
    assert session.ended_by_device()
    await session.stop()
    assert wire.written[-1] == START_ECG


async def test_a_full_inbox_drops_the_oldest_and_counts() -> None:
    inbox = Inbox(3)
    for value in range(5):
        inbox.on_data(None, bytearray([value]))
    taken = []
    while (item := inbox.take_data()) is not None:
        taken.append(item[0][0])
    assert taken == [2, 3, 4]
    assert inbox.dropped == 2


async def test_control_messages_are_bounded_too() -> None:
    inbox = Inbox(3)
    for kind in range(100):
        inbox.on_control(None, bytearray([1, kind % 8]))
    taken = []
    while (message := inbox.take_control()) is not None:
        taken.append(message)
    assert len(taken) == 32
    assert taken[-1] == MeasurementStopped((99 % 8,))
