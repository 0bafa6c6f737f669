"""Signals that are played, and the blocks and notifications of a Polar H10 that carry them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# A Polar H10 sends 73 samples in each notification, at 130 Hz: firmware_bridge/PROTOCOL.md
FS, FRAME = 130.0, 73
# 2019-01-01 in nanoseconds since 2000: the clock of a Polar device that was never set, see PROTOCOL.md
START_NS = 599_616_000 * 10**9

Signal = npt.NDArray[np.float32]


def real_or_made(seconds: float) -> tuple[str, Signal]:
    """ECG at 130 Hz with ectopic beats, repeated to ``seconds``: a recording if it is at hand, else made."""
    from ecgedge import read

    path = Path(os.environ.get("ECGEDGE_DATA", "../shared/data")) / "polar-h10" / "h10_10min_pvc.csv.gz"
    if path.is_file():
        name, mv = "Polar H10 recording with PVCs", np.concatenate([block.samples for block in read(path)])
    else:
        name, mv = "synthetic ECG", made(600.0, FS)
    return name, np.resize(np.nan_to_num(mv), round(seconds * FS)).astype(np.float32)


def made(seconds: float, fs: float) -> Signal:
    """ECG that the package makes: sinus rhythm, atrial fibrillation, premature beats."""
    from ecgedge.demo.synthetic import Segment, synthesize

    parts = [("sinus", 0.5, 70.0), ("af", 0.3, 95.0), ("pvc", 0.2, 70.0)]
    return synthesize([Segment(kind, part * seconds, bpm) for kind, part, bpm in parts], fs, seed=0).mv


def frames(mv: Signal, fs: float = FS) -> list[Any]:
    """The signal in blocks as long as a Polar H10's frames."""
    from ecgedge import SampleBlock

    n = round(FRAME * fs / FS)
    return [SampleBlock(mv[i : i + n], fs, i) for i in range(0, len(mv), n)]


def notifications(mv: Signal, first: int = 0) -> Iterator[bytes]:
    """GATT payloads of a Polar H10 with this signal, whose first sample is number ``first``."""
    from ecgedge_bridge.protocols.polar.frames import encode_ecg_frame

    for begun in range(0, len(mv) - FRAME + 1, FRAME):
        end = begun + FRAME
        microvolts = np.rint(1e3 * mv[begun:end]).astype(np.int64)
        yield encode_ecg_frame(START_NS + round((first + end) / FS * 1e9), microvolts)
