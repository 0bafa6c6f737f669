"""What a virtual strap plays in a demonstration: the package's own ECG, or a recording."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.playback import playback

if TYPE_CHECKING:
    from ecgedge_bridge import Fault

__all__ = ["FS", "LOST_S", "PLAY", "Part", "Programme", "own_programme", "recorded_programme"]

FS = 130.0  # of a Polar H10
LOST_AT_S, LOST_S = 34.0, 12.0  # where in the last part the connection drops; ECG that goes by meanwhile
UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the play; ``expected`` is a label, ``"not A"``, ``"rejected"`` (by the gate) or
    unknown. One that lasts until the play is over has no ``end_s`` but infinity."""

    name: str
    start_s: float
    end_s: float
    expected: str


@dataclass(frozen=True, slots=True)
class Programme:
    """Signal in mV at 130 Hz, whole or in pieces, the parts it is made of, and what goes wrong on the way."""

    mv: npt.NDArray[np.floating] | Iterator[npt.NDArray[np.floating]]
    parts: tuple[Part, ...]
    faults: tuple[Fault, ...]


PLAY = (
    ("sinus rhythm", Segment("sinus", 75.0, 66.0), "N"),
    ("atrial fibrillation", Segment("af", 90.0, 98.0), "A"),
    ("sinus rhythm with PVCs", Segment("pvc", 90.0, 70.0), "not A"),
    ("motion noise", Segment("noise", 45.0, 70.0), "rejected"),
    ("lost connection", Segment("sinus", 80.0, 64.0), "N"),
)


def own_programme(seed: int = 0) -> Programme:
    """The package's own ECG, made anew for each ``seed``, with a lost connection in the last part."""
    from ecgedge_bridge import Fault

    ecg = synthesize([segment for _, segment, _ in PLAY], FS, seed)
    parts = tuple(
        Part(name, start, end, expected)
        for (name, _, expected), (start, end) in zip(PLAY, ecg.bounds_s, strict=True)
    )
    return Programme(ecg.mv, parts, (Fault(parts[-1].start_s + LOST_AT_S, "disconnect", LOST_S),))


def recorded_programme(path: Path) -> Programme:
    """A recording, played once; see :func:`ecgedge.recording.playback.playback`, also for the errors."""
    return Programme(playback(path, FS), (Part(path.name, 0.0, math.inf, UNKNOWN),), ())
