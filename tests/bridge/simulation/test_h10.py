"""The virtual strap without a radio: what it answers, what it sends, and what it loses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from ecgedge_bridge.protocols.polar.control import (
    PMD_CONTROL,
    PMD_DATA,
    START_ECG,
    STOP_ECG,
    Setting,
    parse_control,
    parse_settings,
)
from ecgedge_bridge.protocols.polar.frames import decode_ecg_frame
from ecgedge_bridge.simulation.faults import Drop, End, Fault, Lost, Pause, Send
from ecgedge_bridge.simulation.h10 import FEATURES, START_NS, VirtualH10

START = START_ECG.hex()


def play(strap: VirtualH10) -> list[object]:
    actions: list[object] = []
    while (action := strap.next_action()) is not None:
        actions.append(action)
    return actions


@pytest.mark.parametrize(
    ("command", "mtu", "status"),
    [
        ("0100", 23, 0x00),
        (START, 247, 0x00),
        (START, 232, 0x00),
        (START, 231, 0x0A),
        ("0300", 247, 0x06),
        ("", 247, 0x04),
        ("02", 247, 0x04),
        ("0400", 247, 0x01),
        ("0204", 247, 0x02),
        ("0101", 247, 0x03),
        ("0500", 247, 0x03),
        ("0200", 247, 0x05),
        ("020000018200", 247, 0x05),
        ("02000001820001", 247, 0x05),
        ("0200 0001C800 01010E00", 247, 0x08),
        ("0200 00018200 01011000", 247, 0x07),
        ("0200 00018200 01010E00 02010800", 247, 0x09),
        ("0200 00018200 01010E00 040101", 247, 0x0B),
    ],
)
def test_answers_with_the_right_status(command: str, mtu: int, status: int) -> None:
    strap = VirtualH10(np.zeros(73))
    reply = strap.command(bytes.fromhex(command), mtu)
    assert reply[0] == 0xF0
    assert reply[1:3] == (bytes.fromhex(command) + b"\0\0")[:2]
    assert reply[3] == status
    assert strap.running == (command == START and status == 0)


def test_tells_its_settings_and_features() -> None:
    reply = VirtualH10(np.zeros(1)).command(bytes.fromhex("0100"), 247)
    assert reply == bytes.fromhex("F0 01 00 00 00 00 01 82 00 01 01 0E 00")
    assert parse_settings(reply[5:])[Setting.RESOLUTION] == (14,)
    assert bytes.fromhex("0F 05" + " 00" * 15) == FEATURES


def test_start_and_stop_change_its_state_once() -> None:
    strap = VirtualH10(np.zeros(73), already_running=True)
    for uuid in (PMD_CONTROL, PMD_DATA):
        strap.subscription(uuid, True, 247)
    replies = [
        strap.write(PMD_CONTROL, data, 247) for data in (START_ECG, STOP_ECG, STOP_ECG, START_ECG, START_ECG)
    ]
    assert [reply[0].data[3] for reply in replies if isinstance(reply[0], Send)] == [6, 0, 6, 0, 6]
    assert strap.commands == [START_ECG, STOP_ECG, STOP_ECG, START_ECG, START_ECG]


@pytest.mark.parametrize("speed_up", [False, True])
def test_frames_carry_the_signal_and_the_stamp_of_the_last_sample(speed_up: bool) -> None:
    mv = np.random.default_rng(1).uniform(-3, 3, 200)
    strap = VirtualH10(mv, fs_true=131.3 if speed_up else None)
    sent = [decode_ecg_frame(action.data) for action in play(strap) if isinstance(action, Send)]
    assert [len(frame.microvolt) for frame in sent] == [73, 73, 54]
    np.testing.assert_array_equal(np.concatenate([frame.microvolt for frame in sent]), np.rint(mv * 1000))
    fs = 131.3 if speed_up else 130.0
    assert [frame.time_ns for frame in sent] == [START_NS + round(last / fs * 1e9) for last in (72, 145, 199)]


def test_plays_an_endless_iterator_of_any_pieces() -> None:
    def pieces() -> Iterator[float | np.ndarray]:
        value = 0
        while True:
            yield value / 1000
            yield np.arange(value + 1, value + 50) / 1000
            value += 50

    strap = VirtualH10(pieces())
    sent = [action for _ in range(10) if isinstance(action := strap.next_action(), Send)]
    values = np.concatenate([decode_ecg_frame(action.data).microvolt for action in sent])
    np.testing.assert_array_equal(values, np.arange(730))


def test_an_amplifier_saturates() -> None:
    (action,) = play(VirtualH10([9000.0, -9000.0]))
    assert isinstance(action, Send)
    assert decode_ecg_frame(action.data).microvolt.tolist() == [8_388_607, -8_388_608]


def test_faults_lose_exactly_what_they_say() -> None:
    faults = [
        Fault(6.0, "corrupt"),
        Fault(1.0, "disconnect", 2.5),
        Fault(5.0, "drop_frame"),
        Fault(8.0, "silence", 1.0),
        Fault(10.0, "end", 0.5),
    ]
    strap = VirtualH10(np.arange(2000) / 1000, faults=faults)
    strap.running = True
    actions = play(strap)
    assert strap.ledger.lost == [
        Lost(146, 471, "disconnect"),
        Lost(690, 763, "drop_frame"),
        Lost(836, 909, "corrupt"),
        Lost(1055, 1185, "silence"),
        Lost(1331, 1396, "end"),
    ]
    others = [action for action in actions if not isinstance(action, Send)]
    stopped = Send(b"\x01\x00", PMD_CONTROL, indicate=True)
    assert others == [Drop(2.5), Pause(0.0, late=True), Pause(1.0), End(stopped)]
    assert not strap.running
    assert strap.ledger.played == strap.ledger.sent + strap.ledger.lost_samples == 2000


def test_a_link_dropped_by_hand_drops_at_the_next_frame() -> None:
    strap = VirtualH10(np.zeros(1000))
    strap.next_action()
    strap.drop_link(lost_s=1.0)
    assert strap.next_action() == Drop(1.0)
    assert strap.ledger.lost == [Lost(73, 203, "disconnect")]


def test_a_loss_beyond_the_end_is_counted_as_far_as_there_is_ecg() -> None:
    strap = VirtualH10(np.zeros(100), faults=[Fault(0.5, "disconnect", 60.0)])
    assert [type(action) for action in play(strap)] == [Send, Drop]
    assert strap.ledger.lost == [Lost(73, 100, "disconnect")]


@pytest.mark.parametrize(
    "arguments",
    [(-1.0, "silence", 1.0), (0.0, "silence", -1.0), (float("nan"), "end", 0.0), (0.0, "fire", 0.0)],
)
def test_faults_that_cannot_happen_are_refused(arguments: tuple[float, str, float]) -> None:
    with pytest.raises(ValueError, match="fault"):
        Fault(*arguments)  # type: ignore[arg-type]


def test_samples_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        play(VirtualH10(np.array([0.0, np.nan])))


@pytest.mark.parametrize("arguments", [{"fs": 0.0}, {"fs_true": -1.0}, {"speed": 0.0}])
def test_rates_that_are_none_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        VirtualH10(np.zeros(1), **arguments)  # type: ignore[arg-type]


def test_the_virtual_control_point_speaks_the_parsers_language() -> None:
    message = parse_control(VirtualH10(np.zeros(1)).command(START_ECG, 247))
    assert (message.op, message.status) == (2, 0)  # type: ignore[union-attr]
