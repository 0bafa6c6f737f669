"""How fast are notifications turned into blocks of samples, on one core?

For every profile: ``receive_data`` of one decoder, called for each notification of a
stream without faults, as a link does. Targets: 3 million samples a second for the 73-sample frames of a Polar
H10, and 100,000 notifications a second for every profile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.signals import FRAME, FS, START_NS
from ecgedge_bridge.protocols.described.decoder import make_decoder
from ecgedge_bridge.protocols.described.profile import load_profile
from ecgedge_bridge.protocols.movesense.firmware import (
    V07,
    V08,
    Layout,
    MovesenseFirmwareDecoder,
    encode_packet,
)
from ecgedge_bridge.protocols.movesense.sensor_data import MovesenseDecoder, encode_ecg_packet
from ecgedge_bridge.protocols.own.frames import FrameDecoder, split_frames
from ecgedge_bridge.protocols.polar.decoder import PolarAccDecoder, PolarEcgDecoder
from ecgedge_bridge.protocols.polar.frames import encode_acc_frame, encode_ecg_frame
from ecgedge_bridge.protocols.standard.heart_rate import (
    HeartRateDecoder,
    HeartRateMeasurement,
    encode_heart_rate,
)
from ecgedge_bridge.values import FrameLost, Note

# At least, on one core: see above
SAMPLES_TARGET = 3e6
NOTIFICATIONS_TARGET = 1e5


@dataclass(frozen=True)
class Case:
    """A decoder, and the stream that it is given."""

    name: str
    make: Callable[[], Any]
    notifications: list[bytes]
    # Delta frames of a Polar device are understood, but an H10 does not send them.
    is_profile: bool = True


@dataclass(frozen=True)
class Row:
    """What was measured for one case: the best of some runs."""

    name: str
    notifications_per_s: float
    samples_per_s: float
    microseconds: float
    samples_per_notification: float
    is_profile: bool


def _ecg(n: int) -> np.ndarray:
    """Microvolt with the slopes of an ECG: noise, and a spike each 100 samples."""
    rng = np.random.default_rng(5)
    beats = np.where(np.arange(n) % 100 < 8, np.hanning(8)[np.arange(n) % 100 % 8] * 1200, 0)
    return np.rint(beats + rng.normal(0, 15, n)).astype(np.int64)


def _polar_ecg(count: int, delta: bool) -> list[bytes]:
    rows = _ecg(count * FRAME).reshape(count, FRAME)
    return [
        encode_ecg_frame(START_NS + round((i + 1) * FRAME / FS * 1e9), row, delta)
        for i, row in enumerate(rows)
    ]


def _polar_acc(count: int, delta: bool) -> list[bytes]:
    rows = np.random.default_rng(6).normal((0, 0, 1000), 20, (count, 36, 3)).astype(np.int64)
    return [
        encode_acc_frame(START_NS + round((i + 1) * 36 / 200 * 1e9), row, delta) for i, row in enumerate(rows)
    ]


def _movesense(count: int, millivolt: bool, mtu: int = 247) -> list[bytes]:
    rows = _ecg(count * 16).reshape(count, 16)
    packets = [encode_ecg_packet(i * 80, row, millivolt, mtu=mtu) for i, row in enumerate(rows)]
    return [part for packet in packets for part in packet]


def _firmware(count: int, layout: Layout) -> list[bytes]:
    rows = _ecg(count * 16).reshape(count, 16) / 1000
    return [encode_packet(layout, i * 64_000_000 // layout.unit_ns, row) for i, row in enumerate(rows)]


def _own(count: int, capacity: int) -> list[bytes]:
    return split_frames(_ecg(count * 4 if capacity < 100 else count * 100), 250, capacity)[:count]


def _healthypi(count: int) -> list[bytes]:
    profile = load_profile("healthypi")
    return [profile.encode(row) for row in _ecg(count * 8).reshape(count, 8) / 1000]


def _heart_rate(count: int) -> list[bytes]:
    return [encode_heart_rate(HeartRateMeasurement(60 + i % 40, (900 + i % 100, 950))) for i in range(count)]


def cases(count: int) -> list[Case]:
    """Every profile with streams of about ``count`` notifications."""
    return [
        Case("polar ECG, 73 samples", PolarEcgDecoder, _polar_ecg(count, delta=False)),
        Case("polar ACC, 36 x 3", PolarAccDecoder, _polar_acc(count, delta=False)),
        Case("polar ECG, delta", PolarEcgDecoder, _polar_ecg(count, delta=True), is_profile=False),
        Case("polar ACC, delta", PolarAccDecoder, _polar_acc(count, delta=True), is_profile=False),
        Case("movesense, int32", MovesenseDecoder, _movesense(count, millivolt=False)),
        Case("movesense, split at MTU 23", MovesenseDecoder, _movesense(count // 4, False, 23)),
        Case("movesense, mV", lambda: MovesenseDecoder(millivolt=True), _movesense(count, millivolt=True)),
        Case("movesense firmware 0.7", lambda: MovesenseFirmwareDecoder(V07), _firmware(count, V07)),
        Case("movesense firmware 0.8", lambda: MovesenseFirmwareDecoder(V08), _firmware(count, V08)),
        Case("ecgedge frame, 20 bytes", FrameDecoder, _own(count, 20)),
        Case("ecgedge frame, 244 bytes", FrameDecoder, _own(count, 244)),
        Case("healthypi", lambda: make_decoder(load_profile("healthypi")), _healthypi(count)),
        Case("heart rate", HeartRateDecoder, _heart_rate(count)),
    ]


def measure(case: Case, runs: int) -> Row:
    """Time one case; its fastest run is what the code takes when nothing else wants the core."""
    samples = _samples(case)
    best = min(_once(case) for _ in range(runs))
    n = len(case.notifications)
    return Row(case.name, n / best, samples / best, best / n * 1e6, samples / n, case.is_profile)


def _once(case: Case) -> float:
    """Seconds for one stream: each notification is given, and its events are taken."""
    decoder = case.make()
    receive, host_s = decoder.receive_data, 0.0
    began = time.perf_counter()
    for data in case.notifications:
        host_s += 0.05
        for _ in receive(data, host_s):
            pass
    return time.perf_counter() - began


def _samples(case: Case) -> int:
    """Samples of the stream, which is checked to be without faults."""
    decoder, samples = case.make(), 0
    for i, data in enumerate(case.notifications):
        samples += sum(_size(event) for event in decoder.receive_data(data, 0.05 * (i + 1)))
    return samples


def _size(event: Any) -> int:
    if isinstance(event, Note | FrameLost):
        raise RuntimeError(f"the stream is meant to be without faults, but: {event.detail}")
    return len(event.samples) if hasattr(event, "samples") else 1


def missed(rows: list[Row]) -> list[str]:
    """Which targets were not met."""
    out = [row.name for row in rows if row.is_profile and row.notifications_per_s < NOTIFICATIONS_TARGET]
    return out + [f"{row.name} (samples)" for row in rows[:1] if row.samples_per_s < SAMPLES_TARGET]


def main(arguments: Arguments = None) -> int:
    """Measure, print, write; 1 if a target was missed, and it was no quick run."""
    parser = command.parser(__doc__, "decode")
    parser.add_argument("--count", type=int, help="notifications of a stream; 20,000, or 2,000 if quick")
    parser.add_argument("--runs", type=int, default=7, help="times each stream is decoded; the best counts")
    asked = parser.parse_args(arguments)
    measured = command.described(asked)
    rows = [measure(case, asked.runs) for case in cases(asked.count or (2_000 if asked.quick else 20_000))]
    print(f"{'stream':28}{'us each':>9}{'notifications/s':>17}{'samples/s':>14}")
    for row in rows:
        print(
            f"{row.name:28}{row.microseconds:9.2f}{row.notifications_per_s:17,.0f}{row.samples_per_s:14,.0f}"
        )
    targets = {
        "samples_per_s": SAMPLES_TARGET,
        "notifications_per_s": NOTIFICATIONS_TARGET,
        "missed": missed(rows),
    }
    command.write(asked, {"targets": targets, "rows": [asdict(row) for row in rows]}, measured)
    return command.verdict(asked, targets)
