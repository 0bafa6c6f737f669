"""One virtual wearable of each kind that the app knows, and what is asked of their recordings."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_bridge.capture.file import Notification, read_capture
from ecgedge_bridge.protocols.described.profile import load_profile, parse_profile
from ecgedge_bridge.simulation.engine import VirtualWearable
from ecgedge_bridge.simulation.h10 import VirtualH10
from ecgedge_bridge.simulation.movesense import VirtualMovesense, VirtualMovesenseFirmware
from ecgedge_bridge.simulation.sensors import VirtualEcgEdge, VirtualGatt, VirtualHeartRate

__all__ = ["BOARD", "STRAPS", "ecg", "notified", "records"]

BOARD = """
name = "my board"
names = ["board"]
service = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
characteristic = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
fs = 250
dtype = "int16"
scale_mv = 0.001

[command]
characteristic = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
start = "01"
stop = "00"
"""
# Kinds of rhythm, their seconds and beats a minute.
_PARTS = (("sinus", 40.0, 66.0), ("af", 60.0, 100.0), ("pvc", 20.0, 70.0))


def ecg(fs: float, seed: int = 1) -> npt.NDArray[np.float64]:
    """Two minutes of made ECG in whole microvolts."""
    mv = synthesize([Segment(*part) for part in _PARTS], fs, seed).mv
    return np.round(mv.astype(np.float64), 3)


STRAPS: dict[str, Callable[[], VirtualWearable]] = {
    "polar": lambda: VirtualH10(ecg(130.0)),
    "movesense": lambda: VirtualMovesense(ecg(128.0)),
    "movesense_firmware": lambda: VirtualMovesenseFirmware(ecg(125.0), 125.0),
    "ecgedge": lambda: VirtualEcgEdge(ecg(250.0)),
    # Eight samples a notification: a minute of them is enough.
    "healthypi": lambda: VirtualGatt(ecg(128.0)[: 60 * 128], load_profile("healthypi")),
    "my board": lambda: VirtualGatt(ecg(250.0)[: 60 * 250], parse_profile(BOARD), name="Board 7"),
    "heart_rate": lambda: VirtualHeartRate(np.resize([60.0, 62.0, 65.0], 120)),
}


def records(data: bytes) -> list[object]:
    """The records of a capture that is a phone's."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "phone.cap"
        file.write_bytes(data)
        return list(read_capture(file))


def notified(data: bytes, uuid: str) -> list[bytes]:
    """The values of a characteristic in a capture."""
    return [one.data for one in records(data) if isinstance(one, Notification) and one.uuid == uuid]
