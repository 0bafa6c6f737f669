"""ISHNE Holter files (Badilini et al., Annals of Noninvasive Electrocardiology 3(3), 1998; version 1.0).

Magic, a CRC over the header, a header of fixed and one of variable length, then int16 samples of all leads in
turn; the resolution is in nV. The header holds the patient's name, which is never read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime
from functools import partial

import numpy as np

from ecgedge.recording.blocks import Blocks, ReadNote, Wanted
from ecgedge.recording.held import Held, Piece, blocks_of
from ecgedge.recording.source import Source
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError

__all__ = ["is_ishne", "read_ishne"]

_MAGIC = (b"ISHNE1.0", b"ANN  1.0")
_FIXED, _BEFORE = 512, 10  # bytes of the fixed header, and of magic and CRC before it
_LEADS = (
    "Unknown", "Bipolar", "X", "Y", "Z", "I", "II", "III", "aVR", "aVL", "aVF",
    "V1", "V2", "V3", "V4", "V5", "V6", "ES", "AS", "AI",
)  # fmt: skip


def is_ishne(source: Source) -> bool:
    """Whether this is an ISHNE file."""
    return source.head.startswith(_MAGIC)


def read_ishne(source: Source, wanted: Wanted) -> Blocks:
    """Read one lead of a Holter recording."""
    head, where = source.head, source.name
    source.close()
    if head.startswith(_MAGIC[1]):
        raise ConfigError(f"{where} holds annotations alone: name the .ecg file beside it")
    if len(head) < _BEFORE + _FIXED:
        raise ConfigError(f"{where} is cut off in its header: copy the file again")
    (per_lead,) = struct.unpack_from("<i", head, 14)
    (offset,) = struct.unpack_from("<i", head, 22)
    (n_leads,) = struct.unpack_from("<h", head, 156)
    specs = struct.unpack_from("<12h", head, 158)
    resolution = struct.unpack_from("<12h", head, 206)
    (fs,) = struct.unpack_from("<h", head, 272)
    if not 1 <= n_leads <= 12 or not _BEFORE + _FIXED <= offset < 1 << 30 or fs <= 0 or per_lead < 0:
        raise ConfigError(f"{where} has a header that makes no sense: copy the file again")
    names = [_name(code, place) for place, code in enumerate(specs[:n_leads])]
    signals = [
        Held(name, "nV", float(fs), partial(_values, source, offset, n_leads, place, resolution[place]))
        for place, name in enumerate(names)
    ]
    size = (source.path.stat().st_size - offset) // 2
    notes = []
    # Makers fill the number of samples with that of all leads, or of one.
    if size < per_lead:
        words = f"the file ends {per_lead - size} samples before its header says"
        notes = [ReadNote(NoteCode.SHORT_FILE, words, max(size // n_leads, 0))]
    return blocks_of(signals, wanted, where, _start(head), notes)


def _name(code: int, place: int) -> str:
    return _LEADS[code] if 0 < code < len(_LEADS) else f"ECG {place + 1}"


def _values(source: Source, offset: int, n_leads: int, place: int, resolution: int) -> Iterator[Piece]:
    scale = float(resolution) if resolution > 0 else 1.0
    at, frame = 0, 2 * n_leads
    with source.errors(), source.path.open("rb") as file:
        file.seek(offset)
        while data := file.read(frame << 16):
            whole = np.frombuffer(data[: len(data) // frame * frame], "<i2").reshape(-1, n_leads)
            yield Piece(at, whole[:, place] * scale)
            at += len(whole)


def _start(head: bytes) -> datetime | None:
    day, month, year = struct.unpack_from("<3h", head, 138)
    hour, minute, second = struct.unpack_from("<3h", head, 150)
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
