"""Items of a stream, as a monitor gives them, and a broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from broker import Broker

from ecgedge.events import Battery, Beat, FrameLost, Gap, Hrv, LinkState, Note, Quality, Rhythm
from ecgedge.sinks.sink import Item
from ecgedge_bridge.codes import FrameCode, LinkCode, NoteCode
from ecgedge_bridge.values import HeartRate, SampleBlock


def rhythm(label: str = "N", bpm: float | None = 61.4, af: bool | None = False) -> Rhythm:
    sinus = None if label == "~" else label == "N"
    return Rhythm(0, 0.0, 1300, 10.0, label, label, {label: 0.9}, True, True, af, bpm, None, sinus)


HRV = dict.fromkeys(Hrv.__dataclass_fields__) | {  # type: ignore[var-annotated]
    "sample": 0, "time_s": 0.0, "end_sample": 39_000, "end_time_s": 300.0, "usable": 1.0,
    "n_rr": 300, "n_nn": 290, "rmssd_ms": 31.5, "sdnn_ms": 44.0,
}  # fmt: skip


@pytest.fixture
def items() -> list[Item]:
    return [
        LinkState(0, 0.0, "streaming", device="strap"),
        SampleBlock(np.arange(73, dtype=np.float32) / 100, fs=130.0, sample=0),
        Battery(0, 0.0, 87, "strap"),
        Beat(20, 0.15, None, "N"),
        Beat(150, 1.15, 1000.0, "V"),
        Quality(0, 0.0, 1300, 10.0, True, 0.97),
        rhythm(),
        HeartRate(130, 1.0, 62),
        Hrv(**HRV),  # type: ignore[arg-type]
        Gap(1300, 10.0, 1430, 11.0, 130),
        Note(1430, 11.0, NoteCode.DROPPED),
        FrameLost(1430, 11.0, FrameCode.CHECKSUM, "wrong CRC\x1b[2J"),
        LinkState(1430, 11.0, "backing_off", "gone", "strap", LinkCode.LOST, 1.0),
    ]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    try:
        yield running
    finally:
        running.thaw()
        running.stop()
