"""Rubbish through every decoder: nothing may be raised, and no valid frame after it may be lost.

The engine behind ``make fuzz``: run it as a script for a million notifications through each decoder;
``test_fuzz.py`` runs a share of it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.described.decoder import make_decoder
from ecgedge_bridge.protocols.described.profile import GattProfile, load_profile, parse_profile
from ecgedge_bridge.protocols.movesense.firmware import (
    V07,
    V08,
    Layout,
    MovesenseFirmwareDecoder,
    decode_interval,
    encode_packet,
)
from ecgedge_bridge.protocols.movesense.sensor_data import (
    LSB_MV,
    MovesenseDecoder,
    Reply,
    encode_ecg_packet,
    encode_reply,
    parse_reply,
)
from ecgedge_bridge.protocols.own.frames import FrameDecoder, encode_frame, fit
from ecgedge_bridge.protocols.polar import control
from ecgedge_bridge.protocols.polar.frames import encode_acc_frame, encode_ecg_frame
from ecgedge_bridge.protocols.polar.session import PolarSession
from ecgedge_bridge.protocols.standard.heart_rate import (
    BatteryDecoder,
    HeartRateDecoder,
    HeartRateMeasurement,
    encode_battery,
    encode_heart_rate,
)
from ecgedge_bridge.values import Battery, FrameLost, HeartRate, Note, Place

# Longest run of rubbish between two valid notifications.
_LONGEST = 12
# Valid frames at the end, without rubbish between them: by then every frame that was kept back is out.
_CLEAN = 50
_KEPT_FRAMES = 64
_MAX_LENGTH = 260


class Decoder(Protocol):
    """What every decoder can do."""

    def receive_data(self, data: bytes, host_time_s: float) -> list[Any]:
        """Take one notification, return what it led to."""


@dataclass(frozen=True)
class Valid:
    """Notifications that make one whole frame, what must come of them, and how long they took."""

    parts: list[bytes]
    expected: Any
    seconds: float


@dataclass(frozen=True)
class Subject:
    """A decoder under test, and an endless stream of valid frames for it."""

    name: str
    make: Callable[[], Decoder]
    frames: Callable[[np.random.Generator], Iterator[Valid]]


@dataclass
class Report:
    """What a run has seen."""

    name: str
    notifications: int = 0
    valid: int = 0
    lost: int = 0
    statuses: int = 0
    read: int = 0
    seconds: float = 0.0


def rubbish(rng: random.Random, known: deque[bytes]) -> bytes:
    """One notification that no device has sent: random, or a valid one that was damaged."""
    kind = rng.randrange(7)
    base = rng.choice(known) if known else b""
    if kind == 0 or not base:
        return rng.randbytes(rng.randrange(_MAX_LENGTH))
    if kind == 1:  # a true beginning, then noise
        return base[: rng.randrange(len(base) + 1)] + rng.randbytes(rng.randrange(_MAX_LENGTH // 2))
    if kind == 2:  # cut, or gone on with
        return (
            base[: rng.randrange(len(base))]
            if rng.random() < 0.7
            else base + rng.randbytes(rng.randrange(1, 9))
        )
    if kind == 3:  # two frames in one
        other = rng.choice(known)
        return base[: rng.randrange(len(base) + 1)] + other[rng.randrange(len(other) + 1) :]
    if kind == 4:  # said once more, long after
        return base
    damaged = bytearray(base)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(damaged)) if kind == 5 else rng.randrange(min(len(damaged), 16))
        damaged[at] = rng.randrange(256) if rng.random() < 0.5 else damaged[at] ^ 1 << rng.randrange(8)
    return bytes(damaged)


class Run:
    """One decoder, fed with valid frames and with rubbish between them."""

    def __init__(self, subject: Subject, seed: int) -> None:
        self.report = Report(subject.name)
        self._now = 0.0
        self._rng = random.Random(seed)
        self._decoder = subject.make()
        self._frames = subject.frames(np.random.default_rng(seed))
        self._known: deque[bytes] = deque(maxlen=_KEPT_FRAMES)
        self._waiting: dict[float, Any] = {}

    def go(self, notifications: int) -> Report:
        """Send as many notifications of rubbish; raise if a decoder does, or spoils a valid frame."""
        began = time.perf_counter()
        while self.report.notifications < notifications:
            frame = next(self._frames)
            for _ in range(self._rng.randrange(_LONGEST)):
                self._send_rubbish(frame)
            self._send_valid(frame)
        for _ in range(_CLEAN):
            self._send_valid(next(self._frames))
        self.report.lost = len(self._waiting)
        self.report.seconds = time.perf_counter() - began
        return self.report

    def _send_rubbish(self, coming: Valid) -> None:
        data = rubbish(self._rng, self._known)
        # The true frame itself, a moment early, would make the true one a duplicate.
        if data in coming.parts:
            return
        self._now += self._rng.random() * 1e-3
        self.report.notifications += 1
        self._take(self._decoder.receive_data(data, self._now))

    def _send_valid(self, frame: Valid) -> None:
        self._now += frame.seconds
        self.report.valid += 1
        self._waiting[self._now] = frame.expected
        self._known.extend(frame.parts)
        for part in frame.parts:
            self._take(self._decoder.receive_data(part, self._now))

    def _take(self, events: list[Any]) -> None:
        for event in events:
            if isinstance(event, FrameLost | Note):
                self.report.statuses += 1
                continue
            found, at = _content(event)
            expected = self._waiting.pop(at, None)
            if expected is None:
                self.report.read += 1  # rubbish that reads like a frame
            else:
                np.testing.assert_array_equal(found, expected)


def _content(event: Any) -> tuple[Any, float]:
    """What an event says, and the arrival that it belongs to."""
    if isinstance(event, HeartRate):
        return (event.bpm, *event.rr_ms), event.time_s
    if isinstance(event, Battery):
        return event.percent, event.time_s
    return event.samples, event.host_time_s


def _ecg(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(-3000, 3000, n)


def _polar(delta: bool) -> Callable[[np.random.Generator], Iterator[Valid]]:
    def frames(rng: np.random.Generator) -> Iterator[Valid]:
        ecg = acc = 0
        while True:
            ecg, uv = ecg + 73, _ecg(rng, 73)
            data = encode_ecg_frame(10**18 + round(ecg / 130 * 1e9), uv, delta)
            yield Valid([data], uv.astype(np.float32) / np.float32(1000), 73 / 130)
            acc, mg = acc + 36, rng.integers(-4000, 4000, (36, 3))
            data = encode_acc_frame(10**18 + round(acc / 200 * 1e9), mg, delta)
            yield Valid([data], mg.astype(np.float32) / np.float32(1000), 1e-3)

    return frames


class PolarStream:
    """ECG and acceleration, which come on one characteristic, told apart by the session."""

    def __init__(self) -> None:
        self._session = PolarSession()

    def receive_data(self, data: bytes, host_time_s: float) -> list[Any]:
        """Take one notification."""
        self._session.receive(control.PMD_DATA, data, host_time_s)
        return list(iter(self._session.next_event, None))


def _movesense(millivolt: bool, mtu: int) -> Callable[[np.random.Generator], Iterator[Valid]]:
    def frames(rng: np.random.Generator) -> Iterator[Valid]:
        at_ms = (1 << 32) - 20_000  # the stamp wraps after 20 s
        while True:
            raw = _ecg(rng, 16)
            mv = raw.astype(np.float32) * np.float32(0.001 if millivolt else LSB_MV)
            yield Valid(encode_ecg_packet(at_ms, raw, millivolt, mtu=mtu), mv, 0.08)
            at_ms += 80

    return frames


def _firmware(layout: Layout) -> Callable[[np.random.Generator], Iterator[Valid]]:
    def frames(rng: np.random.Generator) -> Iterator[Valid]:
        at_s = 0.0
        while True:
            raw = rng.integers(-3000, 3000, 16)
            mv = np.where(raw < -2900, np.float32(np.nan), raw.astype(np.float32) * np.float32(LSB_MV))
            yield Valid([encode_packet(layout, round(at_s * 1e9 / layout.unit_ns), mv)], mv, 0.064)
            at_s += 0.064

    return frames


def _own(capacity: int) -> Callable[[np.random.Generator], Iterator[Valid]]:
    def frames(rng: np.random.Generator) -> Iterator[Valid]:
        at = 65_000
        while True:
            uv = np.cumsum(rng.integers(-40, 40, 200))
            n = fit(uv, capacity)
            data = encode_frame(uv[:n], 250, at, round((at + n - 1) * 4))
            yield Valid([data], uv[:n].astype(np.float32) / np.float32(1000), n / 250)
            at += n

    return frames


def _described(profile: GattProfile) -> Callable[[np.random.Generator], Iterator[Valid]]:
    def frames(rng: np.random.Generator) -> Iterator[Valid]:
        count = at = 0
        n = profile.samples or 8
        while True:
            mv = np.round(rng.uniform(-2, 2, n) / profile.scale_mv) * profile.scale_mv
            stamp = round((at + n - 1) / profile.fs * 1000)
            yield Valid([profile.encode(mv, count, stamp)], mv.astype(np.float32), n / profile.fs)
            count, at = count + 1, at + n

    return frames


def _heart_rate(rng: np.random.Generator) -> Iterator[Valid]:
    while True:
        rr = tuple((rng.integers(300, 2000, rng.integers(0, 4)) * 1000 / 1024).tolist())
        bpm = int(rng.integers(30, 300))
        yield Valid([encode_heart_rate(HeartRateMeasurement(bpm, rr, True, 5))], (bpm, *rr), 1.0)


def _battery(rng: np.random.Generator) -> Iterator[Valid]:
    while True:
        percent = int(rng.integers(0, 101))
        yield Valid([encode_battery(percent)], percent, 60.0)


COUNTED = parse_profile("""
name = "counted"
service = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
characteristic = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
fs = 250
dtype = "int24"
endian = "big"
scale_mv = 0.0001
header = "A5 ?? ?? ?? ?? ?? ??"
samples = 10
counter = { at = 1, bits = 16, counts = "notifications" }
stamp = { at = 3, bits = 32, unit = "ms" }
""")


@dataclass(frozen=True)
class Params:
    """The parameters of a reply, as numbers."""

    samples: tuple[int, ...]
    host_time_s: float


class Beside:
    """A decoder of what comes beside an ECG, whose place here is the time of arrival."""

    def __init__(self, decoder: HeartRateDecoder | BatteryDecoder) -> None:
        self._decoder = decoder

    def receive_data(self, data: bytes, host_time_s: float) -> list[Any]:
        """Take one notification."""
        return [*self._decoder.receive_data(data, host_time_s, Place(0, host_time_s))]


class ControlDecoder:
    """The control points: functions, each of which may raise FrameError and nothing else."""

    def receive_data(self, data: bytes, host_time_s: float) -> list[Params | FrameLost]:
        """Read it in every way there is; return what was read, and what was refused."""
        for parse in (control.parse_settings, control.parse_running, decode_interval):
            with contextlib.suppress(FrameError):
                parse(data)
        events: list[Params | FrameLost] = []
        for reply in (control.parse_control, parse_reply):
            try:
                events += self._params(reply(data), host_time_s)
            except FrameError as error:
                events.append(FrameLost(0, host_time_s, error.code, str(error)))
        return events

    def _params(self, message: object, host_time_s: float) -> list[Params]:
        if isinstance(message, control.ControlReply):
            with contextlib.suppress(FrameError):
                control.parse_settings(message.params)
            return [Params(tuple(message.params), host_time_s)]
        return [Params(tuple(message.data), host_time_s)] if isinstance(message, Reply) else []


def _control(rng: np.random.Generator) -> Iterator[Valid]:
    while True:
        params = control.encode_settings({control.Setting.SAMPLE_RATE: (int(rng.integers(1, 500)),)})
        yield Valid([control.encode_reply(control.ControlReply(2, 0, 0, False, params))], tuple(params), 1.0)
        yield Valid([encode_reply(Reply(1, int(rng.integers(200, 600)), params))], tuple(params), 1.0)


SUBJECTS = (
    Subject("polar", PolarStream, _polar(delta=False)),
    Subject("polar_delta", PolarStream, _polar(delta=True)),
    Subject("movesense_int32", MovesenseDecoder, _movesense(False, 247)),
    Subject("movesense_split", MovesenseDecoder, _movesense(False, 23)),
    Subject("movesense_mv", lambda: MovesenseDecoder(millivolt=True), _movesense(True, 247)),
    Subject("movesense_firmware_07", lambda: MovesenseFirmwareDecoder(V07), _firmware(V07)),
    Subject("movesense_firmware_08", lambda: MovesenseFirmwareDecoder(V08), _firmware(V08)),
    Subject("ecgedge_20", lambda: FrameDecoder(fs=250), _own(20)),
    Subject("ecgedge_244", lambda: FrameDecoder(fs=250), _own(244)),
    Subject(
        "healthypi", lambda: make_decoder(load_profile("healthypi")), _described(load_profile("healthypi"))
    ),
    Subject("custom", lambda: make_decoder(COUNTED), _described(COUNTED)),
    Subject("heart_rate", lambda: Beside(HeartRateDecoder()), _heart_rate),
    Subject("battery", lambda: Beside(BatteryDecoder()), _battery),
    Subject("control", ControlDecoder, _control),
)


def fuzz(subject: Subject, notifications: int, seed: int = 0) -> Report:
    """Send rubbish through one decoder; the same seed sends the same bytes."""
    return Run(subject, seed).go(notifications)


def _resident_kib() -> int:
    """Memory of this process, in KiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def main() -> int:
    """Fuzz every decoder and print a table; 1 if a valid frame was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="notifications through each decoder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[subject.name for subject in SUBJECTS])
    asked = parser.parse_args()
    out = sys.stdout.write
    heads = ("rubbish", "valid", "lost", "statuses", "read", "MiB", "s")
    out(f"{'decoder':22}" + "".join(f"{head:>10}" for head in heads) + "\n")
    lost = 0
    for subject in SUBJECTS:
        if asked.only in (None, subject.name):
            before = _resident_kib()
            seen = fuzz(subject, asked.count, asked.seed)
            grown = (_resident_kib() - before) / 1024
            lost += seen.lost
            counts = (seen.notifications, seen.valid, seen.lost, seen.statuses, seen.read)
            out(f"{seen.name:22}" + "".join(f"{count:10}" for count in counts))
            out(f"{grown:+10.1f}{seen.seconds:10.1f}\n")
            sys.stdout.flush()
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
