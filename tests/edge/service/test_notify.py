"""What systemd is told, on a real socket, by a clock that the test turns."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from ecgedge.events import Rhythm
from ecgedge.service.notify import Systemd
from ecgedge_bridge.values import LinkState, SampleBlock


class Manager:
    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def told(self) -> list[str]:
        lines = []
        while True:
            try:
                lines.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return lines


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.socket.close()


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def sink(manager: Manager, tmp_path: Path, now: list[float]) -> Iterator[Systemd]:
    made = Systemd({"NOTIFY_SOCKET": str(tmp_path / "notify")}, clock=lambda: now[0])
    yield made
    made.close()


def block(sample: int) -> SampleBlock:
    return SampleBlock(np.zeros(73, np.float32), fs=130.0, sample=sample)


def rhythm(label: str, *, changed: bool = True) -> Rhythm:
    return Rhythm(0, 0.0, 1300, 10.0, label, label, {label: 1.0}, conclusive=True, changed=changed)


def step(state: str, detail: str = "") -> LinkState:
    return LinkState(0, 0.0, state, detail)


ALIVE, MORE_TIME = ["WATCHDOG=1"], ["EXTEND_TIMEOUT_USEC=120000000"]


def signs(manager: Manager) -> list[str]:
    """What it was told, but for the status."""
    return [line for line in manager.told() if not line.startswith("STATUS=")]


def test_while_it_searches_it_is_not_ready_and_asks_for_time(sink: Systemd, manager: Manager) -> None:
    sink.take([step("scanning", "looking for Polar H10")])
    assert manager.told() == [*MORE_TIME, "STATUS=looking for Polar H10"]
    for state in ("connecting", "setting_up", "waiting"):
        sink.take([step(state)])
    assert signs(manager) == MORE_TIME * 3
    sink.take([block(0)])
    assert signs(manager) == ["WATCHDOG=1", "READY=1"]


def test_a_link_that_searches_is_alive_for_as_long_as_it_takes(sink: Systemd, manager: Manager) -> None:
    sink.take([block(0)])
    manager.told()
    for _ in range(100):
        sink.take([step("backing_off", "not found"), step("scanning")])
        assert signs(manager) == ALIVE * 2


def test_a_strap_that_is_connected_and_silent_feeds_nothing(sink: Systemd, manager: Manager) -> None:
    turn = [step(state) for state in ("backing_off", "scanning", "connecting", "setting_up", "waiting")]
    sink.take([block(0), *turn])
    assert signs(manager) == ["WATCHDOG=1", "READY=1", *ALIVE * 5]
    for _ in range(10):
        sink.take(turn)
        assert signs(manager) == []
    sink.take([step("streaming")])
    assert signs(manager) == []


def test_a_start_that_meets_only_silence_asks_for_no_more_time(sink: Systemd, manager: Manager) -> None:
    turn = [step(state) for state in ("scanning", "connecting", "setting_up", "waiting", "backing_off")]
    sink.take([*turn, *turn])
    assert signs(manager) == MORE_TIME * 4


def test_samples_after_a_silence_make_the_search_count_again(
    sink: Systemd, manager: Manager, now: list[float]
) -> None:
    sink.take([block(0), step("waiting"), step("backing_off")])
    now[0] = 60.0
    sink.take([block(73), step("backing_off")])
    assert signs(manager) == ["WATCHDOG=1", "READY=1", *ALIVE, *ALIVE, *ALIVE]


def test_samples_feed_the_watchdog_once_a_second_and_nothing_else_does(
    sink: Systemd, manager: Manager, now: list[float]
) -> None:
    sink.take([block(0)])
    assert manager.told() == ["WATCHDOG=1", "READY=1"]
    for tenth in range(1, 31):
        now[0] = tenth / 10
        sink.take([block(73 * tenth)])
    assert manager.told() == ["WATCHDOG=1"] * 3
    now[0] = 1000.0
    sink.take([rhythm("N", changed=False)])
    assert manager.told() == []


def test_the_status_names_the_rhythm_and_is_one_safe_line(sink: Systemd, manager: Manager) -> None:
    sink.take([LinkState(0, 0.0, "streaming", "H10\nMAINPID=1\x1b[2J" + "x" * 500)])
    sink.take([rhythm("A")])
    status = [line for line in manager.told() if line.startswith("STATUS=")]
    assert all("\n" not in line and "\x1b" not in line and len(line) < 300 for line in status)
    sink.take([LinkState(0, 0.0, "streaming"), rhythm("A")])
    assert manager.told()[-1] == "STATUS=streaming, atrial fibrillation"


def test_stopping_is_told(sink: Systemd, manager: Manager) -> None:
    sink.close()
    assert manager.told() == ["STOPPING=1"]


def test_without_systemd_or_with_one_that_is_gone_the_stream_goes_on(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}):
        sink = Systemd(environment)
        sink.take([block(0), LinkState(0, 0.0, "streaming")])
        sink.close()


def test_an_abstract_socket(now: list[float]) -> None:
    manager = Manager("\0ecgedge-test-notify")
    sink = Systemd({"NOTIFY_SOCKET": "@ecgedge-test-notify"})
    sink.take([block(0)])
    sink.close()
    assert manager.told() == ["WATCHDOG=1", "READY=1", "STOPPING=1"]
    manager.socket.close()


def test_a_manager_that_does_not_read_blocks_nothing(sink: Systemd, now: list[float]) -> None:
    for second in range(10_000):
        now[0] = float(second)
        sink.take([block(0)])


def test_ready_is_said_again_where_the_manager_was_too_busy(manager: Manager, sink: Systemd) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                other.sendto(b"X", manager.socket.getsockname())
    sink.take([block(0)])
    assert "READY=1" not in manager.told()
    sink.take([block(73)])
    assert "READY=1" in manager.told()
