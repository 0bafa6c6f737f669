"""A capture without a file: the same bytes go to whatever takes them, and are read from whatever has them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ecgedge_bridge.capture.file import (
    CaptureHeader,
    CaptureWriter,
    Damaged,
    LinkRecord,
    RecordWriter,
    Sliced,
    read_capture,
)
from ecgedge_bridge.capture.replay import replay
from ecgedge_bridge.errors import ConfigError

HEADER = CaptureHeader("Polar H10 Ä", "", "polar", 1.7e9, 5000.25, ("battery",), None, "")
UUID = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
CAPTURES = Path(__file__).parents[2] / "captures"


class Held:
    """Bytes that are no file, as a source; they may fail."""

    def __init__(self, data: bytes, error: OSError | None = None) -> None:
        self.path = Path("held.cap")
        self._data, self._error = data, error

    @contextmanager
    def open(self) -> Iterator[Sliced]:
        if self._error is not None:
            raise self._error
        yield self._data


def fill(writer: RecordWriter) -> None:
    rng = random.Random(7)
    for number in range(200):
        writer.write(UUID, rng.randbytes(rng.randrange(513)), 5001.0 + number / 3)
        if number % 50 == 0:
            writer.write_link(LinkRecord("streaming", "why", "Gürtel", 5001.0 + number / 3, "lost", 1.5))
            writer.write_mark("stairs", "Gürtel", 5001.0 + number / 3)


def test_the_bytes_are_those_of_the_file(tmp_path: Path) -> None:
    pieces: list[bytes] = []
    fill(RecordWriter(pieces.append, HEADER))
    with CaptureWriter(tmp_path / "a.cap", HEADER) as writer:
        fill(writer)
    assert b"".join(pieces) == (tmp_path / "a.cap").read_bytes()
    assert len(pieces) == 1 + 200 + 2 * 4  # each record is one piece: whole, or not there
    held = read_capture(Held(b"".join(pieces)))
    assert list(held) == list(read_capture(tmp_path / "a.cap"))
    assert held.header == HEADER


@pytest.mark.parametrize("name", ["polar", "movesense", "healthypi"])
def test_a_replay_of_bytes_is_that_of_the_file(name: str) -> None:
    file = CAPTURES / f"{name}.cap"
    held = read_capture(Held(file.read_bytes()))
    assert list(map(repr, replay(held))) == list(map(repr, replay(file)))


def test_what_cannot_be_read_is_told_with_its_name() -> None:
    with pytest.raises(ConfigError, match=r"cannot read held.cap: gone: check the path"):
        read_capture(Held(b"", OSError(5, "gone")))
    with pytest.raises(ConfigError, match=r"held.cap has no whole header"):
        read_capture(Held(b""))
    with pytest.raises(ConfigError, match=r"held.cap is no capture"):
        read_capture(Held(b"%PDF-1.7"))


def test_how_long_it_lasts_is_read_from_its_end() -> None:
    pieces: list[bytes] = []
    writer = RecordWriter(pieces.append, HEADER)
    assert read_capture(Held(b"".join(pieces))).seconds() == 0.0
    fill(writer)
    data = b"".join(pieces)
    last_s = 5001.0 + 199 / 3
    assert read_capture(Held(data)).seconds() == last_s - 5000.25
    torn = read_capture(Held(data[:-7]))
    assert torn.seconds() == 5001.0 + 198 / 3 - 5000.25
    assert isinstance(list(torn)[-1], Damaged)
    zeros = read_capture(Held(data + bytes(100)))
    assert zeros.seconds() == last_s - 5000.25
    # Nothing at the end can be read: nothing is known of it.
    assert read_capture(Held(data + bytes(10_000))).seconds() == 0.0
