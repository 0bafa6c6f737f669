"""The native link places the same samples as the decoders, and says the same of what is wrong with them."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from phone_twin import OWN, POLAR, Block, PhoneLibrary, decoder, phone_library

from ecgedge.sinks.lines import json_line
from ecgedge_bridge.protocols.own.frames import encode_frame, fit
from ecgedge_bridge.protocols.polar.frames import encode_ecg_frame
from ecgedge_bridge.values import JsonEvent, SampleBlock

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
SANITIZED = ("-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all")
STREAMS = 150
MOST_BYTES = 514
DEVICE = 'Gürt"l\n'
Notification = tuple[bytes, float]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> PhoneLibrary:
    return phone_library(tmp_path_factory.mktemp("link"), [130.0, 250.0], *SANITIZED)


class Device:
    """A wearable that does whatever goes wrong with one."""

    def __init__(self, kind: int, rng: np.random.Generator) -> None:
        self.kind, self.rng = kind, rng
        self.fs = 130.0 if kind == POLAR else 250.0
        self._true = self.fs * (1 + rng.choice([0, 0.004, -0.018, 0.024, 0.06, -0.12]))
        self._pace = rng.choice([1.0, 1.0, 1.0, 0.0, 3.0])  # of arrivals: in real time, all at once, slower
        self._clock_ns = int(rng.choice([0, 10**9, 6 * 10**17, 2**63 - 10**11, 2**64 - 10**12]))
        self._first, self._late_s, self.samples = int(rng.integers(2**16)), 0.0, 0

    def frame(self) -> Notification:
        """The next frame; before it something may be lost, or the clock may step, or everything stalls."""
        rng, chance = self.rng, self.rng.random()
        n = int(rng.choice([73, 73, 73, 36, 20, 1, 160])) if self.kind == POLAR else int(rng.integers(1, 60))
        microvolt = rng.integers(-2000, 2000, n) if rng.random() < 0.95 else np.zeros(n, np.int64)
        if self.kind == OWN:
            microvolt = microvolt[: fit(microvolt, 244)]
        if chance < 0.05:
            self.samples += int(rng.choice([1, 2, 3, 73, 500, 2000, n]))
        elif chance > 0.985:
            self._clock_ns += int(rng.choice([1, -1, 5, -5, 10_800, -100]) * 1e9 * rng.uniform(0.2, 1.5))
        elif chance > 0.97:
            self._late_s = rng.uniform(0.2, 4)
        self.samples += len(microvolt)
        arrival_s = 50 + self.samples / self._true * self._pace + abs(rng.normal(0, 0.02)) + self._late_s
        self._late_s = max(0.0, self._late_s - n / self.fs)
        return self._encoded(microvolt), float(arrival_s)

    def _encoded(self, microvolt: np.ndarray) -> bytes:
        jitter_ns = int(self.rng.normal(0, 3e6)) if self.rng.random() < 0.3 else 0
        stamp_ns = self._clock_ns + round(self.samples / self._true * 1e9) + jitter_ns
        if self.kind == POLAR:
            return encode_ecg_frame(stamp_ns % 2**64, microvolt, delta=bool(self.rng.random() < 0.3))
        fs = 250 if self.rng.random() < 0.995 else 130
        first = (self._first + self.samples - len(microvolt)) % 2**16
        return encode_frame(microvolt, fs, first, stamp_ns // 10**6 % 2**32)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """A bit flipped, cut off, with bytes behind it, or other bytes altogether."""
    bits = bytearray(data)
    bits[int(rng.integers(len(bits)))] ^= 1 << int(rng.integers(8))
    cut, more = int(rng.integers(len(data))), rng.bytes(int(rng.integers(1, 60)))
    return (bytes(bits), data[:cut], data + more, more)[int(rng.integers(4))]


def stream(device: Device, frames: int) -> list[Notification]:
    """Notifications of which some come twice, in another order, or broken."""
    out: list[Notification] = []
    rng = device.rng
    for _ in range(frames):
        out.append(device.frame())
        arrival_s, chance = out[-1][1], rng.random()
        if chance < 0.02:
            out.append((out[-int(rng.integers(1, min(4, len(out)) + 1))][0], arrival_s + 0.01))
        elif chance < 0.04:
            out.append((out.pop(-int(rng.integers(1, min(5, len(out)) + 1)))[0], arrival_s + 0.02))
        elif chance < 0.07:
            out.append((damaged(out[-1][0], rng), arrival_s + 0.005))
    return out


def overlapping(kind: int, rng: np.random.Generator, frames: int) -> list[Notification]:
    """Two streams of one device, as when two programs have started it."""
    fs, size = (130.0, 73) if kind == POLAR else (250.0, 40)
    microvolt = rng.integers(-2000, 2000, (frames + 2) * size)
    other = range(int(rng.integers(1, size)) + size * int(rng.integers(2, 20)), frames * size, size)
    out = []
    for start in sorted([*range(0, frames * size, size), *other]):
        piece, end_s = microvolt[start : start + size], (start + size) / fs
        if rng.random() < 0.02:
            continue
        if kind == POLAR:
            data = encode_ecg_frame(10**12 + round(end_s * 1e9), piece)
        else:
            data = encode_frame(piece, 250, start % 2**16, round(end_s * 1000))
        out.append((data, 5 + end_s + abs(float(rng.normal(0, 0.01)))))
    return out


class Said(NamedTuple):
    blocks: list[Block]
    lines: list[str]
    stats: dict[str, int]


def wanted(kind: int, fs: float, data: list[Notification]) -> Said:
    """What the runtime's decoder makes of notifications."""
    link = decoder(kind, fs, DEVICE)
    found = Said([], [], {})
    for one in data:
        for value in link.receive_data(*one):
            if isinstance(value, SampleBlock):
                measured, arrival_s = value.fs_hat or 0.0, value.host_time_s or 0.0
                found.blocks.append(Block(value.sample, tuple(value.samples.tolist()), measured, arrival_s))
            else:
                assert isinstance(value, JsonEvent)
                found.lines.append(json_line(value.to_json()))
    s = link.stats
    return found._replace(stats={name: getattr(s, name) for name in s.__slots__})


def said(library: PhoneLibrary, kind: int, fs: float, data: list[Notification]) -> Said:
    """The same of the library; lines of the monitor behind it carry no name of a device."""
    assert library.begin(fs, kind, DEVICE)
    for one in data:
        library.receive(*one)
    mine = [line for line in library.lines if json.loads(line).get("device")]
    return Said(library.blocks, mine, library.stats())


def is_ecg(kind: int, data: bytes) -> bool:
    """Acceleration on the same characteristic goes to another decoder."""
    return len(data) <= MOST_BYTES and not (kind == POLAR and data and data[0] & 0x3F == 2)


def test_whatever_goes_wrong(library: PhoneLibrary) -> None:
    codes: Counter[str] = Counter()
    for seed in range(STREAMS):
        rng = np.random.default_rng(seed)
        device = Device(POLAR if rng.random() < 0.6 else OWN, rng)
        frames = int(rng.integers(5, 300))
        data = stream(device, frames) if seed % 5 else overlapping(device.kind, rng, frames)
        data = [one for one in data if is_ecg(device.kind, one[0])]
        found, right = said(library, device.kind, device.fs, data), wanted(device.kind, device.fs, data)
        assert found.lines == right.lines, seed
        assert (found.blocks, found.stats) == (right.blocks, right.stats), seed
        codes.update(json.loads(line)["code"] for line in right.lines)
    assert codes.keys() >= {"overlap", "wrong_rate", "late_frame", "clock_step"}
    assert codes.keys() >= {"checksum", "kind", "length", "value"}


def test_bytes_that_mean_nothing(library: PhoneLibrary) -> None:
    rng = np.random.default_rng(1)
    for kind, fs in ((POLAR, 130.0), (OWN, 250.0)):
        heads = [b"", b"\0" * 9 + b"\x80", b"\0" * 10, b"\xe1\x06", b"\xe1\x04\xff\x18", b"\x80" * 10]
        data = [(heads[i % 6] + rng.bytes(int(rng.integers(0, 80))), i / 10) for i in range(3000)]
        data = [one for one in data if is_ecg(kind, one[0])]
        assert said(library, kind, fs, data) == wanted(kind, fs, data)


def test_more_bytes_than_bluetooth_carries_are_a_lost_frame(library: PhoneLibrary) -> None:
    assert library.begin(130.0, POLAR, "strap")
    library.receive(bytes(MOST_BYTES + 1), 0.0)
    (line,) = library.lines
    assert json.loads(line)["code"] == "length"
    assert library.blocks == []


def test_a_name_of_any_length_is_told_as_far_as_there_is_room(library: PhoneLibrary) -> None:
    for name, told in (
        ("n" * 248, "n" * 248),
        ("ü" * 200, "ü" * 127 + "\ufffd"),
        ("\x7f\x1f🫀", "\x7f\x1f🫀"),
    ):
        assert library.begin(130.0, POLAR, name)
        library.receive(b"", 0.0)
        assert json.loads(library.lines[0])["device"] == told


def test_acceleration_beside_the_ecg_is_passed_over(library: PhoneLibrary) -> None:
    assert library.begin(130.0, POLAR, "strap")
    library.receive(bytes.fromhex("0201000000000000000 1f4ff0c00e803".replace(" ", "")), 0.0)
    assert (library.lines, library.blocks) == ([], [])


def test_a_rate_that_is_another_one_is_told(library: PhoneLibrary, tmp_path: Path) -> None:
    """Samples of a device at 100 Hz in a stream at 130 Hz are not analysed as if it were one at 130."""
    assert library.begin(130.0, POLAR, "strap")
    answers = [
        library.receive(encode_ecg_frame(10**9 * k * 73 // 100, np.arange(73) % 7 * 10), k * 0.73)
        for k in range(1, 60)
    ]
    assert answers[0] == 0
    assert answers[-1] == -1
    assert "wrong_rate" in "".join(library.lines)
