"""JSON lines over real sockets: all readers, slow ones, ones that hang up."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from ecgedge.events import Battery
from ecgedge.sinks.outlets.socket_lines import SocketLines, open_tcp, open_unix
from ecgedge.sinks.outlets.target import Opening, Target
from ecgedge.sinks.queued import NotDelivered, Queued
from ecgedge.sinks.registry import open_outlet
from ecgedge.sinks.sink import Item
from ecgedge_bridge.errors import ConfigError


def opened(text: str, told: list[str] | None = None) -> SocketLines:
    target, opening = Target.parse(text), Opening("strap", (told if told is not None else []).append)
    return open_tcp(target, opening) if target.scheme == "tcp" else open_unix(target, opening)


def connected(sink: SocketLines) -> socket.socket:
    address = sink.address
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    reader = socket.socket(family, socket.SOCK_STREAM)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    reader.connect(address)  # type: ignore[arg-type]
    reader.settimeout(5)
    sink.take([])
    return reader


def lines(reader: socket.socket) -> list[dict[str, object]]:
    with reader, reader.makefile("r", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_every_reader_gets_every_event_from_when_it_comes(
    kind: str, tmp_path: Path, items: list[Item]
) -> None:
    sink = opened("tcp:0" if kind == "tcp" else f"unix:{tmp_path}/s")
    first = connected(sink)
    sink.take(items)
    second = connected(sink)
    sink.take([Battery(7, 0.0, 1)])
    sink.close()
    expected = [item.to_json()["type"] for item in items if hasattr(item, "to_json")]
    assert [line["type"] for line in lines(first)] == [*expected, "battery"]
    assert [line["sample"] for line in lines(second)] == [7]


def test_a_reader_that_does_not_read_misses_whole_lines_and_the_others_none() -> None:
    sink = opened("tcp:0")
    stuck, fast = connected(sink), connected(sink)
    missed = 0
    data = b""
    count = 20_000
    for n in range(count):
        try:
            sink.take([Battery(n, 0.0, 1, "x" * 100)])
        except NotDelivered as error:
            missed += error.count or 0
        if n % 50 == 0:
            data += fast.recv(1 << 20)
    held = sum(len(reader.waiting) for reader in sink._readers)
    assert held < 1 << 20  # bounded, whatever was sent
    with pytest.raises(NotDelivered) as left:
        sink.close()
    missed += left.value.count or 0
    with fast:
        while chunk := fast.recv(1 << 20):
            data += chunk
    got = len([json.loads(line) for line in data.splitlines()])
    assert got == count
    with stuck:
        rest = b""
        while chunk := stuck.recv(1 << 20):
            rest += chunk
    whole = rest[: rest.rfind(b"\n")].splitlines()
    stuck_got = [json.loads(line)["sample"] for line in whole]
    assert stuck_got == sorted(stuck_got)
    assert missed > 0
    assert count - len(stuck_got) == missed > count / 4


def test_a_reader_that_hangs_up_is_forgotten() -> None:
    sink = opened("tcp:0")
    reader = connected(sink)
    assert len(sink._readers) == 1
    reader.close()
    for _ in range(3):
        sink.take([Battery(0, 0.0, 1)])
        time.sleep(0.02)
    assert not sink._readers
    sink.close()


def test_a_crowd_of_readers_is_bounded() -> None:
    sink = opened("tcp:0")
    crowd = [connected(sink) for _ in range(40)]
    assert len(sink._readers) == 32
    sink.close()
    for one in crowd:
        one.close()


def test_a_unix_socket_is_its_owners_and_goes_away(tmp_path: Path) -> None:
    path = tmp_path / "s"
    sink = opened(f"unix:{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="choose another one"):
        opened(f"unix:{path}")  # somebody listens there
    sink.close()
    assert not path.exists()


def test_a_dead_socket_is_replaced_and_a_file_never(tmp_path: Path) -> None:
    path = tmp_path / "s"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    opened(f"unix:{path}").close()
    path.write_text("precious")
    with pytest.raises(ConfigError):
        opened(f"unix:{path}")
    assert path.read_text() == "precious"


def test_a_port_that_is_open_to_others_is_told_and_one_that_is_taken_refused() -> None:
    told: list[str] = []
    opened("tcp:0", told).close()
    assert not told
    sink = opened("tcp:0.0.0.0:0", told)
    assert "whoever reaches this machine" in told[0]
    port = sink.address[1]  # type: ignore[index]
    with pytest.raises(ConfigError, match="choose another one"):
        opened(f"tcp:0.0.0.0:{port}")
    sink.close()


def test_a_reader_that_does_not_read_delays_no_event() -> None:
    inner, told = opened("tcp:0"), list[str]()
    reader = connected(inner)
    sink = Queued(inner, "tcp:0", tell=told.append)
    times = []
    for n in range(40_000):
        began = time.perf_counter()
        sink.take([Battery(n, 0.0, 1, "x" * 100)])
        times.append(time.perf_counter() - began)
    sink.close()
    # A full pipe would hold every event up from then on; stand-stills of a busy machine are few.
    assert sum(took > 0.05 for took in times) < 40
    assert sink.missed > 0
    assert any("does not keep up" in line or "missed" in line for line in told)
    reader.close()


def test_the_registry_opens_it() -> None:
    sink = open_outlet("tcp:0", device="strap", tell=print)
    sink.take([Battery(0, 0.0, 1)])
    sink.close()
    assert sink.missed == 0  # nobody was there who could have missed it
