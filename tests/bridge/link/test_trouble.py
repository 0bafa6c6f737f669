"""What devices and Bluetooth stacks do wrong while a stream runs, and that it is told and survived."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from bleak.exc import BleakError
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge import (
    Backend,
    Fault,
    LinkTiming,
    SampleBlock,
    VirtualEcgEdge,
    VirtualH10,
    VirtualHeartRate,
    VirtualMovesense,
    VirtualMovesenseFirmware,
    VirtualService,
    VirtualWearable,
    Wearable,
    connect,
    virtual_wearable,
)
from ecgedge_bridge.link.radio import Found
from ecgedge_bridge.link.search import is_again
from ecgedge_bridge.protocols.polar.control import ControlReply, encode_reply
from ecgedge_bridge.protocols.session import INFORMATION
from ecgedge_bridge.protocols.standard.heart_rate import BATTERY_LEVEL, HEART_RATE_MEASUREMENT
from ecgedge_bridge.simulation.engine import VirtualCharacteristic
from ecgedge_bridge.simulation.faults import Send
from ecgedge_bridge.values import LinkState, Note, Status

FAST = LinkTiming(
    first_find_s=5.0,
    find_s=0.3,
    command_s=1.0,
    first_frame_s=5.0,
    no_data_s=0.4,
    back_off_s=0.01,
    back_off_max_s=0.05,
    disconnect_s=1.0,
)


def ecg(seconds: float, fs: float = 130) -> np.ndarray:
    return np.random.default_rng(5).integers(-4000, 4000, round(seconds * fs)) / 1000


MAKERS: dict[str, tuple[type[VirtualWearable], float, dict[str, Any]]] = {
    "polar": (VirtualH10, 130, {}),
    "movesense": (VirtualMovesense, 128, {}),
    "movesense firmware": (VirtualMovesenseFirmware, 250, {}),
    "ecgedge": (VirtualEcgEdge, 250, {}),
}


@dataclass
class Told:
    """Everything that a stream has given: its samples at their places, and what was reported."""

    blocks: list[SampleBlock] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    wearable: Wearable | None = None

    @property
    def states(self) -> list[str]:
        return [item.state for item in self.statuses if isinstance(item, LinkState)]

    @property
    def lost(self) -> list[str]:
        """Why the link went down, each time."""
        return [
            item.code for item in self.statuses if isinstance(item, LinkState) and item.state == "backing_off"
        ]

    def notes(self, code: str) -> list[Note]:
        return [item for item in self.statuses if isinstance(item, Note) and item.code == code]

    def at_their_places(self, n: int) -> np.ndarray:
        got = np.full(n, np.nan, np.float32)
        for block in self.blocks:
            assert np.isnan(got[block.sample : block.end_sample]).all(), "a sample came twice"
            got[block.sample : block.end_sample] = block.samples
        return got


def sent(strap: VirtualWearable, mv: np.ndarray) -> np.ndarray:
    """What the ledger says that was sent, and NaN for what was lost."""
    expected = mv.astype(np.float32)
    for gap in strap.ledger.lost:
        expected[gap.start : gap.stop] = np.nan
    return expected


async def listen(
    *straps: VirtualWearable,
    until: int,
    wanted: str = "",
    through: Callable[[Backend], Backend] = lambda backend: backend,
    timing: LinkTiming = FAST,
    **options: Any,
) -> Told:
    """Stream up to sample ``until``; a link that hangs ends the test."""
    told = Told()
    async with (
        asyncio.timeout(30),
        virtual_wearable(*straps) as backend,
        connect(
            wanted or straps[0].name,
            backend=through(backend),
            timing=timing,
            on_status=told.statuses.append,
            **options,
        ) as told.wearable,
    ):
        async for block in told.wearable:
            told.blocks.append(block)
            if block.end_sample >= until:
                break
    return told


class Informed(VirtualH10):
    """A strap with the Device Information service."""

    def services(self) -> Sequence[VirtualService]:
        what = tuple(VirtualCharacteristic(uuid, ("read",), b"x") for uuid in INFORMATION)
        return (*super().services(), VirtualService("180A", what))


def failing(*uuids: str, error: BaseException | None) -> Callable[[Backend], Backend]:
    """Return a stack that fails at these characteristics with an error; with None, it never answers."""

    async def fail() -> None:
        if error is not None:
            raise error
        await asyncio.Event().wait()

    def make(backend: Backend) -> Backend:
        class Failing(backend.client):  # type: ignore[name-defined,misc]
            async def read_gatt_char(self, characteristic: Any, **options: Any) -> Any:
                if characteristic.uuid in uuids:
                    await fail()
                return await super().read_gatt_char(characteristic, **options)

            async def start_notify(self, characteristic: Any, callback: Any, **options: Any) -> None:
                if characteristic.uuid in uuids:
                    await fail()
                await super().start_notify(characteristic, callback, **options)

        return Backend(backend.scanner, Failing)

    return make


OPTIONAL = [*INFORMATION, BATTERY_LEVEL, HEART_RATE_MEASUREMENT]
# What bleak, dbus-fast and their callbacks were seen to raise, and what nobody expects.
ERRORS: list[Exception | None] = [
    *(BleakError("x"), OSError(5, "x"), EOFError(), KeyError("x"), AttributeError("x"), AssertionError()),
    *(TypeError("x"), ValueError("x"), RuntimeError("x"), asyncio.InvalidStateError(), ZeroDivisionError()),
    None,
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_whatever_an_optional_read_raises_the_ecg_streams(error: Exception | None) -> None:
    mv = ecg(10)
    # A link that is lost in between: what is optional is asked for again, and fails again.
    strap = Informed(mv, speed=200, faults=[Fault(4.0, "disconnect", 1.0)])
    # Where nothing answers, each question lasts as long as this; elsewhere a busy machine gets its time.
    command_s = 0.3 if error is None else 5.0
    told = await listen(
        strap,
        until=len(mv),
        through=failing(*OPTIONAL, error=error),
        timing=LinkTiming(command_s=command_s, back_off_s=0.01),
        extras=["battery", "heart_rate", "information"],
    )
    np.testing.assert_array_equal(told.at_their_places(len(mv)), sent(strap, mv))
    assert told.lost == ["lost"]


@pytest.mark.parametrize("uuid", OPTIONAL)
async def test_one_optional_characteristic_that_fails_keeps_none_of_the_others(uuid: str) -> None:
    mv = ecg(10)
    strap = Informed(mv, speed=100)
    heard: set[str] = set()
    told = await listen(
        strap,
        until=len(mv),
        through=failing(uuid, error=RuntimeError("x")),
        extras=["battery", "heart_rate", "information"],
        on_notification=lambda uuid, data, at_s: heard.add(uuid),
    )
    np.testing.assert_array_equal(told.at_their_places(len(mv)), mv.astype(np.float32))
    assert set(OPTIONAL) - heard == {uuid}


class Spoilt(VirtualH10):
    """A strap whose frames mean nothing from second 4 to second 14, with everything else as it was."""

    spoil: Callable[[bytes], bytes]

    def _encode(self, samples: Any) -> list[bytes]:
        at_s = self.ledger.played / self.fs
        if not 4 < at_s < 14:
            return super()._encode(samples)
        # The encoder is asked after the frame was counted as sent.
        self.ledger.sent -= len(samples)
        self.ledger.played -= len(samples)
        self.ledger.lose(len(samples), "corrupt")
        return [type(self).spoil(data) for data in super()._encode(samples)]


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "unknown frame type": lambda data: data[:9] + b"\x55" + data[10:],
    "another measurement": lambda data: b"\x03" + data[1:],
    "cut": lambda data: data[:7],
    "one byte": lambda _data: b"\0",
    "half a sample": lambda data: data[:-1],
    "ones": lambda data: b"\xff" * len(data),
}


@pytest.mark.parametrize("spoil", SPOILT)
@pytest.mark.parametrize("extras", [(), ("heart_rate", "acc")])
async def test_frames_that_cannot_be_read_end_the_state_of_streaming_and_are_a_gap(
    spoil: str, extras: tuple[str, ...]
) -> None:
    class Strap(Spoilt):
        pass

    Strap.spoil = staticmethod(SPOILT[spoil])
    mv = ecg(25)
    strap = Strap(mv, speed=10)
    told = await listen(strap, until=len(mv), extras=extras)
    assert "unreadable" in told.lost
    # Streaming is told again only when frames are read again.
    away = told.states.index("backing_off")
    assert told.states[:away].count("streaming") == 1
    assert told.states[-2:] == ["streaming", "stopped"]
    np.testing.assert_array_equal(told.at_their_places(len(mv)), sent(strap, mv))
    assert told.wearable is not None
    assert told.wearable.stats.lost == strap.ledger.lost_samples > 8 * 130


@pytest.mark.parametrize("maker", ["polar", "movesense", "movesense firmware", "ecgedge"])
async def test_a_device_that_sends_one_frame_over_and_over_is_not_streaming(maker: str) -> None:
    base, fs, _ = MAKERS[maker]

    class Stuck(base):  # type: ignore[misc,valid-type]
        def _frame(self, lost: Any = None) -> list[Any]:
            if 4 < self.ledger.played / self.fs < 14:
                super()._frame("corrupt")
                return list(self.last)
            self.last = super()._frame(lost)
            return self.last

    mv = ecg(25, fs)
    strap = Stuck(mv, speed=10)
    told = await listen(strap, until=len(mv) - 1)
    assert len(told.lost) >= 1
    assert set(told.lost) <= {"unreadable", "no_data"}
    got, expected = told.at_their_places(len(mv)), sent(strap, mv)
    assert np.array_equal(np.isnan(got), np.isnan(expected))


async def test_a_heart_rate_that_cannot_be_read_is_not_streaming() -> None:
    told, heard = Told(), list[int]()

    class Spoilt(VirtualHeartRate):
        def _encode(self, samples: Any) -> list[bytes]:
            spoilt = self.ledger.played > 10 and "unreadable" not in told.lost
            return [b"\x01"] if spoilt else super()._encode(samples)

    # Minutes of numbers: however slow the machine is, some are left when it is connected again.
    strap = Spoilt([60.0] * 5000, speed=20)

    def hear(*_: Any) -> None:
        heard.append(len(told.lost))

    async with (
        virtual_wearable(strap) as backend,
        connect(
            strap.name, backend=backend, timing=FAST, on_status=told.statuses.append, on_notification=hear
        ) as wearable,
        asyncio.timeout(60),
    ):
        while not ("unreadable" in told.lost and told.states[-1] == "streaming"):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(anext(wearable), 0.1)
    assert told.states[-2:] == ["streaming", "stopped"]
    assert heard[0] == 0  # before it was lost
    assert heard[-1] == len(told.lost)  # and after


class Stubborn(VirtualH10):
    """A strap that answers a stop of the measurement ``kind`` with ``answer``; with None, not at all."""

    kind = 0
    answer: int | None = None

    def _on_write(self, uuid: str, data: bytes, mtu: int) -> Sequence[Send]:
        if data[0] != 3 or data[1] != self.kind:
            return super()._on_write(uuid, data, mtu)
        if self.answer is None:
            return ()
        return (self._reply(encode_reply(ControlReply(data[0], data[1], self.answer))),)


@pytest.mark.parametrize(
    ("answer", "words"), [(None, "no answer in time"), (0x0B, "refused"), (0x0C, "refused"), (1, "refused")]
)
@pytest.mark.parametrize("kind", [0, 2])
async def test_a_stop_that_is_refused_or_not_answered_is_told_and_the_others_are_stopped(
    kind: int, answer: int | None, words: str
) -> None:
    class Strap(Stubborn):
        pass

    Strap.kind, Strap.answer = kind, answer
    strap = Strap(ecg(10), speed=100)
    told = await listen(strap, until=300, extras=["acc"], timing=LinkTiming(command_s=0.2))
    (note,) = told.notes("not_stopped")
    assert words in note.detail
    assert note.detail.endswith("take it off, or its battery goes empty")
    assert told.states[-1] == "stopped"
    assert [command[1] for command in strap.commands if command[0] == 3] == [0, 2]


@pytest.mark.parametrize("answer", [0, 6])
async def test_a_stop_that_is_carried_out_or_was_needless_is_not_told(answer: int) -> None:
    class Strap(Stubborn):
        pass

    Strap.answer = answer
    told = await listen(Strap(ecg(10), speed=100), until=300)
    assert told.notes("not_stopped") == []


async def test_a_stack_that_fails_at_the_stop_is_told() -> None:
    def make(backend: Backend) -> Backend:
        class Failing(backend.client):  # type: ignore[name-defined,misc]
            async def write_gatt_char(self, characteristic: Any, data: Any, response: bool) -> None:
                if data[0] == 3:
                    raise BleakError("the stack has lost its head")
                await super().write_gatt_char(characteristic, data, response)

        return Backend(backend.scanner, Failing)

    told = await listen(VirtualH10(ecg(10), speed=100), until=300, through=make)
    (note,) = told.notes("not_stopped")
    assert "lost its head" in note.detail


async def test_a_strap_that_is_gone_when_it_is_to_be_stopped_is_not_said_to_measure_on() -> None:
    strap = VirtualH10(ecg(20), speed=100, faults=[Fault(5.0, "disconnect", 1e6)])
    told = Told()
    async with (
        virtual_wearable(strap) as backend,
        connect(strap.name, backend=backend, timing=FAST, on_status=told.statuses.append) as wearable,
    ):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                told.blocks = [block async for block in wearable]
    assert told.notes("not_stopped") == []
    assert told.states[-1] == "stopped"


A, B = "F0:F1:F2:0A:1B:2C", "E1:22:33:44:55:66"
GONE = [Fault(5.0, "disconnect", 1e6)]


@pytest.mark.parametrize("wanted", [A, "Polar H10 1"])
async def test_a_wearable_that_has_another_address_after_a_loss_is_found_by_its_name(wanted: str) -> None:
    # The same strap before and after: what advertises under B comes on the air when A is gone.
    before = VirtualH10(ecg(10), speed=100, name="Polar H10 1", address=A, faults=GONE)
    after = VirtualH10(ecg(10), speed=100, name="Polar H10 1", address=B, start_ns=before.start_ns + 10**10)
    told = await listen(before, after, until=1500, wanted=A)
    (note,) = told.notes("found_by_name")
    assert "Polar H10 1 has another address now" in note.detail
    assert told.wearable is not None
    assert told.wearable.address == B
    assert told.states.count("streaming") == 2
    # It was missed once under its old address first.
    assert told.lost[:2] == ["lost", "not_found"]


@pytest.mark.parametrize("other", ["Polar H10 2", "Polar H10", "Polar H10 11"])
async def test_another_wearable_of_the_kind_is_never_taken_for_the_lost_one(other: str) -> None:
    before = VirtualH10(ecg(10), speed=100, name="Polar H10 1", address=A, faults=GONE)
    after = VirtualH10(ecg(10), speed=100, name=other, address=B)
    told = Told()
    async with (
        virtual_wearable(before, after) as backend,
        connect(A, backend=backend, timing=FAST, on_status=told.statuses.append) as wearable,
    ):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                told.blocks = [block async for block in wearable]
    assert told.lost.count("not_found") >= 2
    assert after.commands == []


@given(st.text(max_size=8), st.text(max_size=8), st.booleans(), st.booleans())
def test_who_is_known_again(name: str, other: str, same: bool, missed: bool) -> None:
    address = A if same else B
    known = is_again(Found(other, address.lower(), -50), A, name, missed=missed)
    assert known == (same or (missed and name.casefold() == other.casefold() != ""))


class Repeating:
    """Sends its last frames again when the stream begins anew, as some devices do after a reconnection."""

    repeats = repeated = 0
    _sent: list[Any]
    _again = False

    def disconnected(self) -> None:
        super().disconnected()  # type: ignore[misc]
        self._again = True

    def _frame(self, lost: Any = None) -> list[Any]:
        frame = super()._frame(lost)  # type: ignore[misc]
        self.__dict__.setdefault("_sent", []).append(frame)
        return frame  # type: ignore[no-any-return]

    def _in_turn(self) -> list[Any]:
        if not self._again:
            return super()._in_turn()  # type: ignore[misc,no-any-return]
        self._again = False
        self.repeated = min(self.repeats, len(self._sent))
        return [part for frame in self._sent[-self.repeats :] for part in frame]


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("repeats", [1, 8, 9, 40, 300])
async def test_frames_that_are_sent_again_after_a_reconnection_are_taken_once(
    maker: str, repeats: int
) -> None:
    base, fs, options = MAKERS[maker]

    class Strap(Repeating, base):  # type: ignore[misc,valid-type]
        pass

    Strap.repeats = repeats
    mv = ecg(60, fs)
    strap = Strap(mv, speed=200, faults=[Fault(40.0, "disconnect", 3.0)], **options)
    told = await listen(strap, until=len(mv) - 1)
    got, expected = told.at_their_places(len(mv)), sent(strap, mv)
    assert np.array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got, expected, atol=0.001)
    assert told.wearable is not None
    assert told.wearable.stats.lost == strap.ledger.lost_samples
    assert told.wearable.stats.duplicates == strap.repeated > 0
