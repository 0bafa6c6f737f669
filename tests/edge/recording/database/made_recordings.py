"""Signals as a strap counts them, their blocks, and a program that records until it is killed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecgedge_bridge.values import SampleBlock

FS = 130.0


def ecg(seconds: float, seed: int = 0) -> np.ndarray:
    counts = np.cumsum(np.random.default_rng(seed).integers(-30, 31, round(seconds * FS)))
    return (counts / 1000).astype(np.float32)


def blocks(mv: np.ndarray, size: int = 73, first: int = 0) -> Iterator[SampleBlock]:
    for at in range(0, len(mv), size):
        yield SampleBlock(mv[at : at + size], fs=FS, sample=first + at, host_time_s=at / FS, device="H10")


CHILD = """
import sys, time
import numpy as np
from ecgedge_bridge.values import SampleBlock
from ecgedge.recording.database.recorder import Recorder

rng = np.random.default_rng(0)
mv = (np.cumsum(rng.integers(-30, 31, 130 * 3600)) / 1000).astype(np.float32)
with Recorder(sys.argv[1]) as recorder:
    for at in range(0, len(mv), 26):  # 0.2 s
        recorder.take([recorder.place(SampleBlock(mv[at : at + 26], fs=130.0, sample=at))])
        print(at + 26, flush=True)
        time.sleep(0.002)  # a hundred times real time
"""
