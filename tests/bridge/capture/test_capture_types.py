"""Captures whose checksums are right and whose contents are not: refused or left out, never a traceback."""

from __future__ import annotations

import json
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from ecgedge_bridge.capture.file import CaptureHeader, CaptureWriter, LinkRecord, read_capture
from ecgedge_bridge.capture.layout import MAGIC, MAX_VALUE
from ecgedge_bridge.capture.replay import replay
from ecgedge_bridge.errors import EcgEdgeError
from ecgedge_bridge.protocols.polar.control import PMD_CONTROL, PMD_DATA

HEADER = {
    "name": "a",
    "address": "b",
    "profile": "polar",
    "started_unix_s": 1.0,
    "host_time_s": 2.0,
    "extras": ["battery"],
    "fs": None,
    "profile_toml": "",
    "characteristics": {},
    "services": [],
}
LINK = {"state": "setting_up", "detail": "", "device": "x", "code": "lost", "retry_s": 1.0}
WRONG: list[Any] = [
    *(None, True, 0, -1, 1e308, 5e-324, -130.0, 1 << 62, 10**25, "", "x", "\ud800", "\x1b[2J"),
    *([], [1], ["x"], ["acc"], {}, {"a": 1}, {"x": "y"}, [[[]]], "name = 1", 'name = "x"\nfs = 0'),
    {PMD_CONTROL: ["write"], PMD_DATA: ["notify"]},
]
PROFILES = ["polar", "movesense", "heart_rate", "ecgedge", "healthypi"]


def spoilt(values: dict[str, Any], chance: random.Random, most: int) -> bytes:
    values = dict(values)
    for _ in range(chance.randrange(most + 1)):
        values[chance.choice(list(values))] = chance.choice(WRONG)
    return json.dumps(values).encode()


def capture(chance: random.Random) -> bytes:
    header = spoilt(HEADER | {"profile": chance.choice(PROFILES)}, chance, 2)
    body = struct.pack("<HI", 1, len(header)) + header
    made = MAGIC + body + struct.pack("<I", zlib.crc32(body))
    for _ in range(chance.randrange(8)):
        value, uuid = chance.randbytes(chance.randrange(40)), bytes(range(16))
        if chance.random() < 0.5:
            value, uuid = spoilt(LINK, chance, 1)[:MAX_VALUE], bytes(16)
        at_s = chance.choice([0.0, 1.0, -1e300, float("nan"), float("inf")])
        record = struct.pack("<Hd16s", len(value), at_s, uuid) + value
        made += record + struct.pack("<I", zlib.crc32(record))
    return made


@pytest.mark.parametrize("seed", range(4))
def test_wrong_types_are_refused_in_words(tmp_path: Path, seed: int) -> None:
    chance, read = random.Random(seed), 0
    for _ in range(300):
        (tmp_path / "a.cap").write_bytes(capture(chance))
        try:
            events = list(replay(tmp_path / "a.cap"))
        except EcgEdgeError:
            continue
        read += 1
        for event in events:
            if hasattr(event, "to_json"):
                json.dumps(event.to_json(), allow_nan=False)
    assert read > 30


def written(path: Path, header: dict[str, Any], *links: dict[str, Any]) -> Path:
    """Write a capture with right checksums, of a header and records of the link."""
    data = json.dumps(header).encode()
    body = struct.pack("<HI", 1, len(data)) + data
    made = MAGIC + body + struct.pack("<I", zlib.crc32(body))
    for link in links:
        value = json.dumps(link).encode()
        record = struct.pack("<Hd16s", len(value), 1.0, bytes(16)) + value
        made += record + struct.pack("<I", zlib.crc32(record))
    path.write_bytes(made)
    return path


def is_read_or_refused(path: Path) -> bool:
    try:
        for event in replay(path):
            if hasattr(event, "to_json"):
                json.dumps(event.to_json(), allow_nan=False)
    except EcgEdgeError:
        return False
    return True


@pytest.mark.parametrize("key", [*HEADER, "unknown"])
def test_each_field_of_the_header_may_hold_anything(tmp_path: Path, key: str) -> None:
    read = [is_read_or_refused(written(tmp_path / "a.cap", HEADER | {key: wrong}, LINK)) for wrong in WRONG]
    assert not all(read)


@pytest.mark.parametrize("key", [*LINK, "unknown"])
def test_each_field_of_a_record_of_the_link_may_hold_anything(tmp_path: Path, key: str) -> None:
    for wrong in WRONG:
        assert is_read_or_refused(written(tmp_path / "a.cap", HEADER, LINK, LINK | {key: wrong}, LINK))


@pytest.mark.parametrize("key", list(HEADER))
def test_a_header_without_a_field_is_read_or_refused(tmp_path: Path, key: str) -> None:
    is_read_or_refused(written(tmp_path / "a.cap", {k: v for k, v in HEADER.items() if k != key}, LINK))


@pytest.mark.parametrize("letter", ["\U0001f600", "\u4e2d", "\x00", '"', "a", "\ud800"])
@pytest.mark.parametrize("length", [1, 41, 64, 248, 5000])
def test_names_of_any_letters_are_recorded_and_end_at_a_whole_letter(
    tmp_path: Path, letter: str, length: int
) -> None:
    name = letter * length
    with CaptureWriter(tmp_path / "a.cap", CaptureHeader("a", "b", "polar", 0.0, 0.0)) as writer:
        writer.write_link(LinkRecord("scanning", f"looking for {name}", name, 1.0))
    (record,) = read_capture(tmp_path / "a.cap")
    assert isinstance(record, LinkRecord)
    assert name.replace("\ud800", "?").startswith(record.device)


def test_a_capture_is_its_owners_alone(tmp_path: Path) -> None:
    CaptureWriter(tmp_path / "a.cap", CaptureHeader("a", "b", "polar", 0.0, 0.0)).close()
    assert (tmp_path / "a.cap").stat().st_mode & 0o777 == 0o600


def test_a_second_of_data_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    with CaptureWriter(tmp_path / "a.cap", CaptureHeader("a", "b", "polar", 0.0, 0.0)) as writer:
        for k in range(50):
            writer.write(PMD_DATA, b"x", 0.5 * k)
            if writer._syncing is not None:
                writer._syncing.result()
        assert len(synced) == 25
