"""Profiles from TOML: every way to store a sample, counters and stamps, and what is wrong with a file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge import FrameLost, Note, SampleBlock
from ecgedge_bridge.errors import ConfigError, FrameError
from ecgedge_bridge.protocols.described.decoder import make_decoder
from ecgedge_bridge.protocols.described.profile import (
    GattProfile,
    built_in_profiles,
    load_profile,
    parse_profile,
)
from ecgedge_bridge.stream.decoder import BlockDecoder

BASE = """
name = "mine"
service = "180D"
characteristic = "6E400003-B5A3-F393-E0A9-E50E24DCCA9E"
fs = 250
scale_mv = 0.001
"""
INTEGERS = ("int8", "uint8", "int16", "uint16", "int24", "uint24", "int32", "uint32")


def profile(more: str = 'dtype = "int16"') -> GattProfile:
    return parse_profile(BASE + more, "mine.toml")


def decode(
    decoder: BlockDecoder, data: list[bytes], period_s: float = 0.04
) -> list[SampleBlock | Note | FrameLost]:
    events: list[SampleBlock | Note | FrameLost] = []
    for i, notification in enumerate(data):
        for event in decoder.receive_data(notification, i * period_s):
            assert isinstance(event, SampleBlock | Note | FrameLost)
            events.append(event)
    return events


def limits(dtype: str) -> tuple[int, int]:
    bits = int(dtype.lstrip("uint"))
    return (0, (1 << bits) - 1) if dtype[0] == "u" else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("header", ["", "A5 ??"])
def test_every_integer_in_both_orders(dtype: str, endian: str, header: str) -> None:
    described = profile(f'dtype = "{dtype}"\nendian = "{endian}"\nheader = "{header}"\ntrailer = 1')
    low, high = limits(dtype)
    values = [low, low + 1, 0, 1, high - 1, high]
    size = int(dtype.lstrip("uint")) // 8
    body = b"".join(value.to_bytes(size, endian, signed=low < 0) for value in values)  # type: ignore[arg-type]
    data = (b"\xa5\x07" if header else b"") + body + b"\xee"
    np.testing.assert_allclose(described.decode(data).mv, np.array(values) * 0.001, rtol=1e-6)
    again = described.encode(np.array(values) * 0.001)
    assert (again[len(described.header) : -1], len(again)) == (body, len(data))


@pytest.mark.parametrize(("endian", "order"), [("little", "<"), ("big", ">")])
def test_floats_and_what_cannot_be_a_sample(endian: str, order: str) -> None:
    described = profile(f'dtype = "float32"\nendian = "{endian}"')
    data = struct.pack(f"{order}5f", 1.5, -2.0, float("nan"), float("inf"), 3e38)
    expected = [0.0015, -0.002, np.nan, np.nan, np.nan]
    assert described.decode(data).mv.tolist() == pytest.approx(expected, nan_ok=True)
    assert described.encode([0.0015]) == struct.pack(f"{order}f", 1.5)


def test_offset_scale_and_invalid() -> None:
    described = profile('dtype = "uint16"\noffset = 2048\ninvalid = 65535')
    mv = described.decode(struct.pack("<4H", 2048, 3048, 1048, 65535)).mv
    assert mv.tolist() == pytest.approx([0, 1, -1, np.nan], nan_ok=True)
    assert described.encode([0, 1, -1, np.nan]) == struct.pack("<4H", 2048, 3048, 1048, 65535)
    assert described.encode([1e6, -1e6]) == struct.pack("<2H", 65535, 0)


@given(st.binary(max_size=60))
def test_any_bytes_raise_only_frame_errors(data: bytes) -> None:
    for more in ('dtype = "float32"\nscale_mv = 1e5', 'dtype = "int24"\nheader = "A5 ??"'):
        text = BASE.replace("scale_mv = 0.001\n", "") + (more if "scale" in more else more + "\nscale_mv = 1")
        described = parse_profile(text)
        for attempt in (data, b"\xa5" + data):
            try:
                mv = described.decode(attempt).mv
            except FrameError:
                continue
            assert not np.isinf(mv).any()


@pytest.mark.parametrize(
    ("more", "data", "why"),
    [
        ('dtype = "int16"', b"", "correct the profile mine"),
        ('dtype = "int16"', b"\0\0\0", "correct the profile mine"),
        ('dtype = "int16"\ntrailer = 2', b"\0\0", "2 of trailer"),
        ('dtype = "int16"\nsamples = 2', b"\0\0", "2 samples"),
        ('dtype = "int16"\nheader = "?? A5"', b"\xa5\xa6\0\0", "byte 1 is 0xA6, not 0xA5"),
    ],
)
def test_refuses_other_notifications(more: str, data: bytes, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        profile(more).decode(data)


def test_healthypi_comes_with_the_package() -> None:
    described = load_profile("healthypi")
    assert described.characteristic == "00001424-0000-1000-8000-00805f9b34fb"
    assert described.fs == 128
    data = struct.pack("<8i", *range(-4, 4))
    events = decode(make_decoder(described, "wrist"), [data, data, data], 8 / 128)
    # Equal notifications are a flat line: nothing tells them apart from duplicates.
    assert [event.sample for event in events] == [0, 8, 16]
    assert all(isinstance(event, SampleBlock) and event.device_time_ns is None for event in events)
    assert set(built_in_profiles()) == {"healthypi", "healthypi5"}


def test_loss_of_an_undated_device_is_a_note_and_no_gap() -> None:
    described = load_profile("healthypi")
    decoder = make_decoder(described)
    data = described.encode(np.zeros(8))
    arrivals = [i * 8 / 128 + 5.0 * (i > 1000) for i in range(2000)]
    events = [event for at_s in arrivals for event in decoder.receive_data(data, at_s)]
    (note,) = [event for event in events if isinstance(event, Note)]
    assert note.code == "possible_loss"
    assert "about 640 samples may be lost" in note.detail
    assert (decoder.stats.lost, decoder.place.sample) == (0, 16_000)


COUNTERS = {
    "notifications": 'samples = 10\ncounter = { at = 1, bits = 8, counts = "notifications" }',
    "samples": 'counter = { at = 1, bits = 16, counts = "samples" }',
    "stamp": 'stamp = { at = 1, bits = 32, unit = "ms" }',
    "first": 'stamp = { at = 1, bits = 32, unit = "us", of = "first" }',
    "both": 'samples = 10\ncounter = { at = 1, bits = 8, counts = "notifications" }\n'
    'stamp = { at = 2, bits = 24, unit = "ms" }',
}


def dated(kind: str, count: int) -> tuple[GattProfile, list[bytes]]:
    described = profile(f'dtype = "int16"\nheader = "A5 ?? ?? ?? ??"\n{COUNTERS[kind]}')
    data = []
    for i in range(count):
        counter = i if kind != "samples" else 10 * i + 65_000
        stamp = 40_000 * i if kind == "first" else 40 * i + 36 + ((1 << 24) - 2000 if kind == "both" else 0)
        data.append(described.encode(np.full(10, i % 100 / 100), counter, stamp))
    return described, data


@pytest.mark.parametrize("kind", COUNTERS)
@given(lost=st.sets(st.integers(1, 398), max_size=300))
def test_whatever_is_lost_is_counted_exactly(kind: str, lost: set[int]) -> None:
    described, data = dated(kind, 400)
    decoder = make_decoder(described)
    places = []
    for i, notification in enumerate(data):
        if i not in lost:
            (event,) = decoder.receive_data(notification, i * 0.04)
            assert isinstance(event, SampleBlock)
            assert event.samples[0] == np.float32(i % 100 / 100)
            places.append((i, event.sample))
    assert places == [(i, 10 * i) for i in range(400) if i not in lost]


@pytest.mark.parametrize("kind", COUNTERS)
def test_only_a_stamp_is_the_devices_time(kind: str) -> None:
    described, data = dated(kind, 3)
    events = decode(make_decoder(described), data)
    times = [event.device_time_ns for event in events if isinstance(event, SampleBlock)]
    if kind in ("notifications", "samples"):
        assert times == [None] * 3
    else:
        assert np.diff(times).tolist() == [40_000_000] * 2  # type: ignore[arg-type]


def test_a_counter_of_samples_sees_a_single_one() -> None:
    described = profile('dtype = "int16"\nheader = "??"\ncounter = { at = 0, bits = 8, counts = "samples" }')
    data = [described.encode([0.1], i) for i in range(300)]
    events = decode(make_decoder(described), data[:100] + data[101:], 0.004)
    assert [event.sample for event in events] == [*range(100), *range(101, 300)]


def test_duplicates_and_late_frames_of_a_counter() -> None:
    described, data = dated("notifications", 8)
    decoder = make_decoder(described)
    decode(decoder, [data[i] for i in (0, 1, 1, 3, 2, 4, 5)])
    stats = decoder.stats
    assert (stats.frames, stats.duplicates, stats.late, stats.lost) == (5, 1, 1, 10)


def test_commands() -> None:
    described = profile('dtype = "int16"\n[command]\ncharacteristic = "FFE1"\nstart = "01 FF"\nstop = "00"\n')
    assert described.command_characteristic == "0000ffe1-0000-1000-8000-00805f9b34fb"
    assert (described.start, described.stop) == (b"\x01\xff", b"\0")
    assert profile().command_characteristic is None
    assert described.service == "0000180d-0000-1000-8000-00805f9b34fb"


OK = 'dtype = "int16"\n'
HEAD = OK + 'header = "A5 ??"\n'


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("", "lacks dtype"),
        ('dtype = "int12"', "dtype = 'int12' is unknown .use one of int8"),
        (OK + "sclae_mv = 1", "unknown key 'sclae_mv' .did you mean 'scale_mv'"),
        (OK + "zzz = 1", "unknown key 'zzz' .use one of header, command"),
        (OK + "offset = true", "offset = True is not a finite number"),
        (OK + "offset = nan", "offset = nan is not a finite number"),
        (OK + "invalid = inf", "invalid = inf is not a finite number"),
        (OK + 'endian = "middle"', "endian = 'middle' is unknown .use one of little, big"),
        (OK + "header = 5", "header = 5 is not a text"),
        (OK + 'header = "A5 ?"', r"header = 'A5 \?' cannot be read .give the bytes in hex"),
        (OK + "trailer = -1", "trailer = -1 is not a whole number from 0 to 512"),
        (OK + "samples = 0", "samples = 0 is not a whole number from 1"),
        (OK + "samples = 1.5", "samples = 1.5 is not a whole number"),
        (OK + 'names = "x"', "names = 'x' is not a list"),
        (OK + "counter = 3", "counter = 3 is not an object"),
        (
            OK + 'counter = { at = 0, bits = 8, counts = "samples" }',
            "counter.at = 0 with 8 bits reaches beyond",
        ),
        (HEAD + 'counter = { at = 1, bits = 16, counts = "samples" }', "counter.at = 1 with 16 bits reaches"),
        (HEAD + 'counter = { at = 1, bits = 9, counts = "samples" }', "counter.bits = 9 is no width"),
        (HEAD + 'counter = { at = 1, bits = 8, counts = "beats" }', "counter.counts = 'beats' is unknown"),
        (
            HEAD + 'counter = { at = 1, bits = 8, count = "samples" }',
            "counter lacks counts .is 'count' meant",
        ),
        (HEAD + 'counter = { at = 1, bits = 8, counts = "notifications" }', "lacks samples, which a counter"),
        (HEAD + 'stamp = { at = 1, bits = 8, unit = "min" }', "stamp.unit = 'min' is unknown"),
        (
            HEAD + 'stamp = { at = 1, bits = 8, unit = "s", off = "last" }',
            "stamp has the unknown key 'off' .did you mean 'of'",
        ),
        (OK + 'command = { start = "01" }', "command lacks characteristic"),
        (
            OK + 'command = { characteristic = "x", start = "01" }',
            "command.characteristic = 'x' cannot be read",
        ),
        (OK + 'command = { characteristic = "ffe1", start = "0" }', "command.start = '0' cannot be read"),
        (OK + "= 3", "mine.toml is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_by_its_key(more: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        profile(more)


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("fs", "0", "fs = 0 is not a number between 0"),
        ("fs", "inf", "fs = inf is not a finite number"),
        ("scale_mv", "0", "scale_mv = 0 is not a number .*, and not 0"),
        ("scale_mv", "1e9", "scale_mv"),
        ("name", '""', "name = '' is not a text that"),
        ("service", '"heart"', "service = 'heart' cannot be read .give a UUID"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(key: str, value: str, why: str) -> None:
    lines = [line for line in BASE.splitlines() if not line.startswith(f"{key} ")]
    with pytest.raises(ConfigError, match=why):
        parse_profile("\n".join([*lines, f"{key} = {value}", OK]))


def test_profiles_are_read_from_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(BASE + OK)
    assert load_profile(path) == profile()
    with pytest.raises(ConfigError, match="give a TOML file, or one of healthypi"):
        load_profile(tmp_path / "none.toml")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot read the profile"):
        load_profile(path)
