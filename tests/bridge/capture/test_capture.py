"""Capture files: what is written is read back, whatever is cut off or damaged, and after a kill."""

from __future__ import annotations

import json
import random
import signal
import tracemalloc
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge.capture.file import (
    MAGIC,
    CaptureHeader,
    CaptureWriter,
    Damaged,
    LinkRecord,
    Notification,
    read_capture,
)
from ecgedge_bridge.errors import ConfigError

HEADER = CaptureHeader(
    "Polar H10 Ä", "F0:F1:F2:0A:1B:2C", "polar", 1.7e9, 5000.25, ("battery",), 250.0, "# a profile"
)
UUID_A = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
UUID_B = "00002a37-0000-1000-8000-00805f9b34fb"
NOBODY = "00000000-0000-0000-0000-000000000000"
NOTIFICATIONS = [
    Notification(UUID_A, bytes(range(229)), 5000.5),
    Notification(UUID_B, b"", 5000.1 + 0.2),  # a time that is no whole number of ns
    Notification(UUID_A, b"\xff" * 512, 5001.0),
    Notification(UUID_B, b"\x00\x3d", 5001.25),
]


def write(path: Path, notifications: list[Notification]) -> list[int]:
    """Write a capture; return the file's length after the header and after each record."""
    lengths = []
    with CaptureWriter(path, HEADER) as writer:
        lengths.append(path.stat().st_size)
        for item in notifications:
            writer.write(item.uuid, item.data, item.host_time_s)
            lengths.append(path.stat().st_size)  # nothing is kept back in a buffer
        assert writer.notifications == len(notifications)
    return lengths


@given(
    st.lists(
        st.builds(
            Notification,
            st.uuids().map(str).filter(lambda uuid: uuid != NOBODY),
            st.binary(max_size=512),
            st.floats(allow_nan=False, allow_infinity=False),  # other times are read as damage
        ),
        max_size=20,
    )
)
def test_what_is_written_is_read_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, notifications: list[Notification]
) -> None:
    path = tmp_path_factory.mktemp("captures") / "any.cap"
    write(path, notifications)
    capture = read_capture(path)
    assert capture.header == HEADER
    assert list(capture) == notifications
    assert list(capture) == notifications  # as often as one likes


def test_a_status_of_the_link_is_kept_and_a_long_one_shortened(tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    known = [
        LinkRecord("backing_off", "the connection was lost", "Gürtel", 12.5, "lost", 1.25),
        LinkRecord("waiting", "", "Gürtel", 12.6),
        LinkRecord("", "7 notifications were dropped", "Gürtel", 12.7, "dropped"),
    ]
    with CaptureWriter(path, HEADER) as writer:
        for record in known:
            writer.write_link(record)
        writer.write_link(LinkRecord("scanning", "x" * 2000, "strap", 13.5))
        assert writer.notifications == 0
    *first, second = read_capture(path)
    assert first == known
    assert isinstance(second, LinkRecord)
    assert set(second.detail) == {"x"}
    assert len(second.detail) > 200


@pytest.mark.parametrize("name", ["y" * 5000, "\U0001f4aa" * 64, "\x00" * 600])
def test_no_name_of_a_device_is_too_long_for_a_record(tmp_path: Path, name: str) -> None:
    with CaptureWriter(tmp_path / "a.cap", HEADER) as writer:
        writer.write_link(LinkRecord("streaming", "why" * 400, name, 1.0))
    (record,) = read_capture(tmp_path / "a.cap")
    assert isinstance(record, LinkRecord)
    assert record.state == "streaming"
    assert name.startswith(record.device)
    assert len(record.device) > 8


@pytest.mark.parametrize(
    "value",
    [
        {"state": 5, "detail": "", "device": ""},
        {"state": "streaming", "detail": None, "device": ""},
        {"state": "streaming", "detail": "", "device": "", "code": ["lost"]},
        {"state": "streaming", "detail": "", "device": "", "retry_s": "soon"},
        {"state": "streaming"},
        ["streaming"],
        7,
    ],
)
def test_a_record_of_the_link_with_other_types_is_damage(tmp_path: Path, value: object) -> None:
    with CaptureWriter(tmp_path / "a.cap", HEADER) as writer:
        writer._record(bytes(16), json.dumps(value).encode(), 1.0)
        writer.write_link(LinkRecord("stopped", "", "strap", 2.0))
    damaged, good = read_capture(tmp_path / "a.cap")
    assert isinstance(damaged, Damaged)
    assert isinstance(good, LinkRecord)


def test_the_file_is_as_the_table_says(tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    start, *ends = write(path, NOTIFICATIONS)
    data = path.read_bytes()
    assert data[:10] == MAGIC + b"\x01\x00"
    assert start == 14 + int.from_bytes(data[10:14], "little") + 4
    assert data[start : start + 2] == b"\xe5\x00"
    assert data[start + 10 : start + 26] == UUID(UUID_A).bytes
    assert data[start + 26 : start + 255] == bytes(range(229))
    assert [stop - start for start, stop in zip([start, *ends], ends, strict=False)] == [259, 30, 542, 32]


def test_cut_off_anywhere_it_gives_every_whole_record_and_tells_the_rest(tmp_path: Path) -> None:
    path, cut = tmp_path / "a.cap", tmp_path / "cut.cap"
    start, *ends = write(path, NOTIFICATIONS)
    data = path.read_bytes()
    for length in range(start, len(data)):
        cut.write_bytes(data[:length])
        whole = [end for end in ends if end <= length]
        rest = length - (whole[-1] if whole else start)
        told = [Damaged(length - rest, rest, torn=True)] if rest else []
        assert list(read_capture(cut)) == [*NOTIFICATIONS[: len(whole)], *told]


def test_cut_off_in_the_header_nothing_was_recorded(tmp_path: Path) -> None:
    path, cut = tmp_path / "a.cap", tmp_path / "cut.cap"
    start, *_ = write(path, NOTIFICATIONS)
    data = path.read_bytes()
    for length in range(start):
        cut.write_bytes(data[:length])
        with pytest.raises(ConfigError, match="nothing was recorded in it: record again"):
            read_capture(cut)


@pytest.mark.parametrize("seed", range(20))
def test_damage_costs_the_records_it_hits_and_no_others(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.cap"
    start, *ends = write(path, NOTIFICATIONS * 5)
    data = bytearray(path.read_bytes())
    hit = random.Random(seed).randrange(len(ends))
    first = (ends[hit - 1] if hit else start) + random.Random(seed).randrange(26)
    data[first] ^= 0x5A
    path.write_bytes(data)
    got = list(read_capture(path))
    expected: list[Notification | Damaged] = list(NOTIFICATIONS * 5)
    begins = ends[hit - 1] if hit else start
    expected[hit] = Damaged(begins, ends[hit] - begins, torn=hit == len(ends) - 1)
    assert got == expected


def test_a_file_that_ends_in_zeros_after_a_power_cut_is_read_up_to_them(tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    *_, end = write(path, NOTIFICATIONS)
    with path.open("ab") as file:
        file.write(bytes(4096))
    assert list(read_capture(path)) == [*NOTIFICATIONS, Damaged(end, 4096, torn=False)]


KILLED = """
import sys
from pathlib import Path
from ecgedge_bridge.capture.file import CaptureHeader, CaptureWriter
writer = CaptureWriter(Path(sys.argv[1]), CaptureHeader("H10", "F0", "polar", 0.0, 0.0))
print("begun", flush=True)
number = 0
while True:
    writer.write("fb005c82-02e7-f387-1cad-8acd2d8df0c8", number.to_bytes(8, "little") * 20, number / 7)
    number += 1
"""


def test_a_program_that_is_killed_leaves_a_good_file(program: Any, tmp_path: Path) -> None:
    path = tmp_path / "killed.cap"
    with program(KILLED).start(str(path)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while path.stat().st_size < 200_000:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
    items = list(read_capture(path))
    if isinstance(items[-1], Damaged):
        torn = items.pop()
        assert torn == Damaged(path.stat().st_size - torn.length, torn.length, torn=True)
    assert len(items) > 900
    assert items == [
        Notification(UUID_A, number.to_bytes(8, "little") * 20, number / 7) for number in range(len(items))
    ]


def test_a_large_file_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.cap"
    with CaptureWriter(path, HEADER) as writer:
        for number in range(20_000):
            writer.write(UUID_A, bytes(229), float(number))
    tracemalloc.start()
    assert sum(1 for _ in read_capture(path)) == 20_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 5_000_000
    assert peak < 200_000


def test_a_capture_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    write(path, NOTIFICATIONS)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="choose another file"):
        CaptureWriter(path, HEADER)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory: choose another file"):
        CaptureWriter(tmp_path / "no" / "a.cap", HEADER)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.cap"
    with CaptureWriter(path, HEADER) as writer, Path("/dev/full").open("wb", buffering=0) as full:
        writer._file.close()
        writer._file = full
        with pytest.raises(ConfigError, match="free some space; what was recorded is kept"):
            writer.write(UUID_A, b"1", 0.0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"time_ns,ecg_uV\n1,2\n", "is no capture"),
        (MAGIC + b"\x02\x00\x00\x00\x00\x00" + bytes(4), "version 2: update ecgedge"),
        (MAGIC + b"\x01\x00\xff\xff\xff\xff" + bytes(400), "record again"),
    ],
)
def test_what_is_no_capture_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.cap"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        read_capture(path)
    with pytest.raises(ConfigError, match="check the path"):
        read_capture(tmp_path / "none.cap")


FLAT_HEADER = json.dumps({**asdict(HEADER), "characteristics": 5}).encode()


@pytest.mark.parametrize("text", [b"{}", b"[]", b"\xff", b'{"name": 1', FLAT_HEADER])
def test_a_description_that_is_none_is_refused(tmp_path: Path, text: bytes) -> None:
    body = b"\x01\x00" + len(text).to_bytes(4, "little") + text
    path = tmp_path / "a.cap"
    path.write_bytes(MAGIC + body + zlib.crc32(body).to_bytes(4, "little"))
    with pytest.raises(ConfigError, match="record again"):
        read_capture(path)


def test_misuse_is_refused(tmp_path: Path) -> None:
    with CaptureWriter(tmp_path / "a.cap", HEADER) as writer:
        with pytest.raises(ValueError, match="512"):
            writer.write(UUID_A, bytes(513), 0.0)
        with pytest.raises(ValueError, match="UUID"):
            writer.write("2a37", b"", 0.0)
        with pytest.raises(ValueError, match="no characteristic"):
            writer.write(NOBODY, b"", 0.0)
    assert list(read_capture(tmp_path / "a.cap")) == []
