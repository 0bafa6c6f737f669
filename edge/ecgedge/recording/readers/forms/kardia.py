"""Kardia ``.atc`` files: blocks of a name, a length, data and a sum of bytes (AliveCor's published layout).

``fmt`` has the sampling rate and the resolution, ``ecg`` lead I; ``info`` holds who was recorded, and is
skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ecgedge.recording.blocks import Blocks, ReadNote, Wanted
from ecgedge.recording.held import Held, blocks_of
from ecgedge.recording.readers.forms.whole import everything
from ecgedge.recording.source import Source
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError

__all__ = ["is_kardia", "read_kardia"]

_MAGIC = b"ALIVE\x00\x00\x00"
_HEADER = struct.Struct("<4sI")
_SUM = struct.Struct("<I")
_FORMAT = struct.Struct("<BHHBH")  # kind of ECG, rate in Hz, resolution in nV, flags, reserved
_LEADS = {b"ecg ": "I", b"ecg2": "II", b"ecg3": "III", b"ecg4": "aVR", b"ecg5": "aVL", b"ecg6": "aVF"}
_MOST_BYTES = 64 << 20  # five minutes of six leads have 1 MB


class _Part(NamedTuple):
    name: bytes
    data: bytes
    whole: bool


def is_kardia(source: Source) -> bool:
    """Whether this is an ``.atc`` file."""
    return source.head.startswith(_MAGIC)


def read_kardia(source: Source, wanted: Wanted) -> Blocks:
    """Read one lead."""
    data, where = everything(source, _MOST_BYTES), source.name
    notes, signals = [], []
    fs, step_nv = 300.0, 500
    for part in _parts(data):
        if part.name == b"fmt " and len(part.data) >= _FORMAT.size:
            _, rate, step_nv, _, _ = _FORMAT.unpack_from(part.data)
            fs = float(rate)
        elif part.name in _LEADS:
            counts = np.frombuffer(part.data[: len(part.data) // 2 * 2], "<i2")
            signals.append(Held.of(_LEADS[part.name], "nV", fs, counts * float(step_nv)))
        if not part.whole:
            words = f"its part {part.name.decode('ascii', 'replace').strip()!r} is cut off or damaged"
            notes.append(ReadNote(NoteCode.SHORT_FILE, words))
    if not signals:
        raise ConfigError(f"{where} holds no ECG: export it again")
    return blocks_of(signals, wanted, where, notes=notes)


def _parts(data: bytes) -> Iterator[_Part]:
    at = len(_MAGIC) + 4  # behind the version
    while at + _HEADER.size <= len(data):
        name, length = _HEADER.unpack_from(data, at)
        end = at + _HEADER.size + length
        body = data[at + _HEADER.size : end]
        has_sum = end + _SUM.size <= len(data)
        # The sum is over the block's name, length and data.
        whole = has_sum and _SUM.unpack_from(data, end)[0] == sum(data[at:end]) & 0xFFFFFFFF
        yield _Part(name, body, whole)
        at = end + _SUM.size
