"""What an outlet was given is what its receivers got and what counts as missed, whatever went wrong."""

from __future__ import annotations

import errno
import json
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from broker import Broker, Listener, needs_mosquitto

from ecgedge.events import Battery
from ecgedge.sinks.outlets import mqtt
from ecgedge.sinks.outlets.rotating import RotatingLines
from ecgedge.sinks.outlets.socket_lines import SocketLines, open_tcp, open_unix
from ecgedge.sinks.outlets.target import Opening, Target
from ecgedge.sinks.queued import Queued
from ecgedge.sinks.registry import open_outlet

LONG = "x" * 200
PATIENCE_S = 60.0  # no limit on the time of anything: after it, what is waited for will not come


def event(n: int) -> Battery:
    return Battery(n, 0.0, 1, LONG)


def until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def offered(sink: Queued, first: int, count: int) -> int:
    """Offer events one by one, and no faster than the queue holds them; return the number after the last."""
    for n in range(first, first + count):
        until(lambda: len(sink._items) < 1000)
        sink.take([event(n)])
    return first + count


class Reader:
    """One that connects, and reads when it is asked to."""

    def __init__(self, address: Any) -> None:
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        self.socket.connect(address)

    def rest(self) -> list[int]:
        """Read whole lines to the end."""
        with self.socket, self.socket.makefile("rb") as file:
            return [json.loads(line)["sample"] for line in file if line.endswith(b"\n")]


@pytest.fixture(params=["tcp", "unix"])
def lines(request: pytest.FixtureRequest, tmp_path: Path) -> SocketLines:
    opening = Opening("strap", print)
    if request.param == "tcp":
        return open_tcp(Target.parse("tcp:0"), opening)
    return open_unix(Target.parse(f"unix:{tmp_path}/s"), opening)


def test_a_reader_that_is_frozen_gets_the_rest_when_it_wakes(lines: SocketLines) -> None:
    sink = Queued(lines, "lines")
    frozen = Reader(lines.address)
    until(lambda: len(lines._readers) == 1)
    count = offered(sink, 0, 20_000)  # 5 MB: more than it keeps, and the system
    sink.close()
    got = frozen.rest()
    assert len(got) + sink.missed == count
    assert 0 < len(got) < count
    assert got == sorted(set(got))


def test_of_readers_each_is_accounted_for(lines: SocketLines) -> None:
    sink = Queued(lines, "lines")
    frozen, reading = Reader(lines.address), Reader(lines.address)
    until(lambda: len(lines._readers) == 2)
    data = bytearray()
    for n in range(20_000):
        sink.take([event(n)])
        while n % 100 == 99 and data.count(b"\n") <= n:
            data += reading.socket.recv(1 << 16)
    sink.close()
    assert data.count(b"\n") + len(reading.rest()) == 20_000
    assert len(frozen.rest()) + sink.missed == 20_000


def test_what_waits_for_a_reader_that_hangs_up_is_missed(lines: SocketLines) -> None:
    sink = Queued(lines, "lines")
    hasty = Reader(lines.address)
    until(lambda: len(lines._readers) == 1)
    offered(sink, 0, 20_000)
    until(lambda: not sink._items and not sink._held)
    before = sink.missed
    waiting = lines._readers[0].lines
    assert waiting > 100
    hasty.socket.close()
    until(lambda: not lines._readers)
    until(lambda: sink.missed == before + waiting)
    offered(sink, 20_000, 10)  # to nobody
    sink.close()
    assert sink.missed == before + waiting


def test_of_a_disk_that_fills_up_within_a_batch_what_was_written_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "e.jsonl"
    inner = RotatingLines(Target.parse(f"{path}?mb=1000"), Opening("strap", print))
    sink = Queued(inner, "file")
    count = offered(sink, 0, 100)
    until(lambda: not sink._items and not sink._held)
    write, full = inner._write, [len(json.dumps(event(0).to_json())) * 300]

    def limited(line: bytes) -> None:
        if path.stat().st_size + len(line) > full[0]:
            raise OSError(errno.ENOSPC, "the disk is full")
        write(line)

    monkeypatch.setattr(inner, "_write", limited)
    sink.take([event(n) for n in range(count, count + 500)])
    until(lambda: sink.missed > 0)
    full[0] = 1 << 30
    count = offered(sink, count + 500, 100)
    sink.close()
    got = [json.loads(line)["sample"] for line in path.read_text().splitlines()]
    assert len(got) + sink.missed == count
    assert (got[:200], got[-100:]) == (list(range(200)), list(range(600, 700)))


def test_a_folder_that_cannot_take_a_new_file_for_a_while_costs_nothing_and_moves_nothing_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "e.jsonl"
    full = 8.5 * len(json.dumps(event(0).to_json())) / 1e6
    sink = RotatingLines(Target.parse(f"{path}?mb={full}&keep=3"), Opening("strap", print))
    queued = Queued(sink, "file")
    offered(queued, 0, 8)
    until(lambda: not queued._items and not queued._held)
    assert not path.with_name("e.jsonl.1").exists()
    real = sink._open

    def refused() -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(sink, "_open", refused)
    for n in range(8, 20):
        queued.take([event(n)])
        until(lambda n=n: queued.missed + 8 > n)  # type: ignore[misc]
    monkeypatch.setattr(sink, "_open", real)
    offered(queued, 20, 5)
    queued.close()
    files = [path.with_name(f"e.jsonl{end}") for end in (".1", "")]
    got = [json.loads(line)["sample"] for file in files for line in file.read_text().splitlines()]
    assert got == [*range(8), *range(20, 25)]
    assert len(got) + queued.missed == 25


class Ward:
    """A sink for a broker, and somebody who listens there; both find it again when it was away."""

    def __init__(self, broker: Broker, options: str = "") -> None:
        url = f"mqtt://127.0.0.1:{broker.port}/ward?back_off=0.1{options}"
        self.sink = open_outlet(url, device="strap", tell=lambda _: None)
        self._broker, self._listener = broker, Listener(broker.port, "ward/events/#")

    def got(self) -> Counter[int]:
        return Counter(json.loads(text)["sample"] for _, text, _ in list(self._listener.got))

    def again(self) -> None:
        """Listen to a broker that was started again, before anything is sent to it."""
        earlier, got = self._listener, self._listener.got
        earlier.close()
        self._listener = Listener(self._broker.port, "ward/events/#")
        self._listener.got[:0] = got

    def close(self) -> None:
        self.sink.close()
        until(lambda: not self.sink._thread.is_alive())
        self._listener.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "_ANSWER_S", 2.0)
    monkeypatch.setattr(mqtt, "_BACK_OFF_S", 0.05)


@needs_mosquitto
@pytest.mark.parametrize("how", ["stopped", "frozen, then killed"])
def test_what_a_broker_that_goes_away_does_not_get_is_missed(how: str, broker: Broker) -> None:
    ward = Ward(broker)
    count = offered(ward.sink, 0, 200)
    until(lambda: len(ward.got()) == count)
    broker.stop() if how == "stopped" else broker.freeze()
    offered(ward.sink, count, 300)
    until(lambda: ward.sink.missed == 300)
    if how != "stopped":
        assert broker._process is not None
        broker._process.send_signal(signal.SIGKILL)  # what lies in its buffers is lost with it
        broker._process.wait()
    # Its listener is back before the sink looks again: who comes later does not hear what was said.
    ward.sink._sink._next_try_s = time.monotonic() + 1e6  # type: ignore[attr-defined]
    broker.start()
    ward.again()
    ward.sink._sink._next_try_s = 0.0  # type: ignore[attr-defined]
    count = offered(ward.sink, count + 300, 200)
    until(lambda: len(ward.got()) == 400)
    ward.close()
    assert set(ward.got().values()) == {1}
    assert len(ward.got()) + ward.sink.missed == count


@needs_mosquitto
def test_what_a_broker_gets_late_counts_as_missed_all_the_same(broker: Broker) -> None:
    ward = Ward(broker)
    broker.freeze()
    count = offered(ward.sink, 0, 300)
    until(lambda: ward.sink.missed == count)
    broker.thaw()  # and reads what was left in its buffers
    until(lambda: not ward.sink._sink._next_try_s > time.monotonic())  # type: ignore[attr-defined]
    offered(ward.sink, count, 100)
    until(lambda: set(range(count, count + 100)) <= set(ward.got()) or ward.sink.missed > count)
    ward.close()
    assert len(ward.got()) + ward.sink.missed >= count + 100
    assert ward.sink.missed <= count + 100


@needs_mosquitto
def test_where_no_events_are_sent_none_is_missed(broker: Broker) -> None:
    ward = Ward(broker, "&events=no")
    broker.stop()
    told: list[str] = []
    ward.sink._tell = told.append
    offered(ward.sink, 0, 50)
    until(lambda: bool(told))
    ward.close()
    assert ward.sink.missed == 0  # the state is sent when the broker is back
    assert ward.got() == Counter()


def test_someone_who_hears_no_news_ends_nothing() -> None:
    """stderr is a pipe whose reader went away."""

    class Away:
        fails = True
        got = 0

        def take(self, items: Any) -> None:
            items = list(items)
            if items and self.fails:
                raise OSError("away")
            self.got += len(items)

        def close(self) -> None:
            """Nothing to be closed."""

    def broken(_: str) -> None:
        raise BrokenPipeError

    inner = Away()
    sink = Queued(inner, "x", tell=broken)
    count = offered(sink, 0, 10)
    until(lambda: sink.missed == count)
    inner.fails = False
    offered(sink, count, 10)
    sink.close()
    assert (inner.got, sink.missed) == (10, 10)
