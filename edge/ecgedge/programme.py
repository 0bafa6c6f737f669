"""What a virtual strap plays in a demonstration: the package's own ECG, or a recording."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ecgedge.filters import Resampler
from ecgedge.recording import read
from ecgedge.synthetic import Segment, synthesize
from ecgedge_bridge.errors import ConfigError

if TYPE_CHECKING:
    from ecgedge_bridge import Fault

__all__ = ["FS", "LOST_S", "PLAY", "Part", "Programme", "own_programme", "recorded_programme"]

FS = 130.0  # of a Polar H10
LOST_AT_S, LOST_S = 34.0, 12.0  # where in the last part the connection drops; ECG that goes by meanwhile
UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the play; ``expected`` is a label, ``"not A"``, ``"rejected"`` (by the gate) or
    unknown."""

    name: str
    start_s: float
    end_s: float
    expected: str


@dataclass(frozen=True, slots=True)
class Programme:
    """Signal in mV at 130 Hz, shape (n,), the parts it is made of, and what goes wrong on the way."""

    mv: npt.NDArray[np.float32]
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
    """A recording (WFDB, CSV), resampled to what the strap sends.

    What is missing in the recording is played as a flat line: a strap cannot send less than it measures.

    Raises
    ------
    ConfigError
        The recording cannot be read, or holds nothing.
    """
    blocks = list(read(path))
    if not blocks:
        raise ConfigError(f"{path} holds no samples: choose another recording")
    whole = np.zeros(blocks[-1].end_sample)
    for block in blocks:
        whole[block.sample : block.end_sample] = np.nan_to_num(block.samples)
    strap = Resampler(blocks[0].fs, FS, half_width_s=0.16, cutoff_hz=58.0, beta=5.0)
    mv = np.concatenate([strap.feed(whole), strap.finish()]).astype(np.float32)
    return Programme(mv, (Part(path.name, 0.0, len(mv) / FS, UNKNOWN),), ())
