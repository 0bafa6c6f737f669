"""EDF, EDF+ and BDF, by edfio; the gaps of EDF+D from its time-keeping annotations.

Kemp and Olivan, Clinical Neurophysiology 114(9), 2003: each data record begins, in its first annotation
signal, with ``+onset`` in seconds. edfio joins discontinuous records as if nothing lay between them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge.recording.blocks import Blocks, ReadNote, Wanted
from ecgedge.recording.held import Held, Piece, blocks_of
from ecgedge.recording.source import Source
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError

__all__ = ["MISSING", "is_edf", "read_edf"]

_EDF, _BDF = b"0       ", b"\xffBIOSEMI"
_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
_ONSET = re.compile(rb"^([+-]\d{1,12}(?:\.\d{1,12})?)\x14")
_MOST_SIGNALS = 512
_AT_A_TIME_S = 600.0
# How ``ecgedge save`` begins the annotation of samples that are missing and have the lowest number.
MISSING = "gap"


def is_edf(source: Source) -> bool:
    """Whether this is EDF or BDF."""
    return source.head.startswith((_EDF, _BDF)) and len(source.head) >= 256


def read_edf(source: Source, wanted: Wanted) -> Blocks:
    """Read one signal."""
    is_bdf, where = source.head.startswith(_BDF), source.name
    header, source_path = source.head[:256], source.path
    source.close()
    try:
        import edfio
    except ImportError as error:
        raise ConfigError(f"{where} is EDF, which takes edfio: pip install 'ecgedge[edf]'") from error
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            read = edfio.read_bdf if is_bdf else partial(edfio.read_edf, lazy_load_data=True)
            edf: Any = read(source_path)
        words = "the file is not as long as its header says"
        notes = [ReadNote(NoteCode.SHORT_FILE, words)] if told else []
        signals = [one for one in edf.signals if one.label not in _ANNOTATIONS]
        fs = [float(one.sampling_frequency) for one in signals]
        starts = _onsets(source_path, header, 3 if is_bdf else 2)
        held = [
            Held(one.label, one.physical_dimension, rate, partial(_pieces, edf, one, rate, starts))
            for one, rate in zip(signals, fs, strict=True)
        ]
        began = _start(edf)
        return blocks_of(held, wanted, where, began, notes)
    except (ValueError, TypeError, OSError, IndexError, KeyError, OverflowError, ZeroDivisionError) as error:
        why = " ".join(str(error).split())[:100]
        raise ConfigError(f"{where} is damaged EDF ({why}): copy or export it again") from error


class _Record:
    """Length of the data records, and where in seconds each begins; None where nothing lies between them."""

    __slots__ = ("length_s", "onsets_s")

    def __init__(self, length_s: float, onsets_s: npt.NDArray[np.float64] | None) -> None:
        self.length_s, self.onsets_s = length_s, onsets_s


def _pieces(edf: Any, signal: Any, fs: float, records: _Record) -> Iterator[Piece]:
    """Read some minutes at a time, so that a day takes no more memory than an hour."""
    size, n = signal.samples_per_data_record, edf.num_data_records
    if records.onsets_s is None:
        gaps = _gaps(edf, fs)
        at_a_time = max(1, round(_AT_A_TIME_S / records.length_s)) if records.length_s else n
        for place in range(0, n, at_a_time):
            first, end = size * place, size * min(place + at_a_time, n)
            yield from _measured(signal, fs, first, end, gaps)
        return
    starts = np.rint((records.onsets_s - records.onsets_s[0]) * fs).astype(np.int64).tolist()
    at = 0
    for place, start in enumerate(starts[:n]):
        # Onsets are written with few digits: a sample more or less is no gap.
        at = start if abs(start - at) > 1 else at
        part = signal.get_data_slice(size * place / fs, size * (place + 1) / fs)
        yield Piece(at, part)
        at += len(part)


def _gaps(edf: Any, fs: float) -> list[tuple[int, int]]:
    """Samples that an annotation calls missing: first, and the one behind the last."""
    return [
        (round(note.onset * fs), round((note.onset + note.duration) * fs))
        for note in edf.annotations
        if note.duration and note.text.startswith(f"{MISSING} of ")
    ]


def _measured(signal: Any, fs: float, first: int, end: int, gaps: list[tuple[int, int]]) -> Iterator[Piece]:
    """Yield what was measured: what is called a gap, and is at the lowest number throughout, was not."""
    values = signal.get_data_slice(first / fs, end / fs)
    missing = np.zeros(len(values), np.bool_)
    for start, stop in ((max(start - first, 0), stop - first) for start, stop in gaps):
        if stop > start and start < len(values):
            lowest = signal.get_digital_slice(first / fs, end / fs)[start:stop] == signal.digital_min
            missing[start:stop] = lowest.all()
    edges = np.flatnonzero(np.diff(np.concatenate([[True], missing, [True]]).astype(np.int8)))
    for begin, behind in edges.reshape(-1, 2).tolist():
        yield Piece(first + begin, values[begin:behind])


def _onsets(path: Path, header: bytes, width: int) -> _Record:
    """Read when each data record begins, where the file says that they do not follow each other."""
    size, n_records, length_s, n_signals = (
        int(header[184:192]), int(header[236:244]), float(header[244:252]), int(header[252:256])
    )  # fmt: skip
    if header[192:197] not in (b"EDF+D", b"BDF+D"):
        return _Record(length_s, None)
    if not 0 < n_signals <= _MOST_SIGNALS:
        raise ValueError("an impossible number of signals")
    with path.open("rb") as file:
        file.seek(256)
        fields = file.read(256 * n_signals)
        labels = [fields[16 * i : 16 * (i + 1)].decode("latin-1").strip() for i in range(n_signals)]
        at = 216 * n_signals
        counts = [int(fields[at + 8 * i : at + 8 * (i + 1)]) for i in range(n_signals)]
        which = next((i for i, label in enumerate(labels) if label in _ANNOTATIONS), None)
        if which is None or min(counts) < 0:
            raise ValueError("it is discontinuous and has no annotations")
        before, record = width * sum(counts[:which]), width * sum(counts)
        onsets = []
        for number in range(n_records):
            file.seek(size + number * record + before)
            found = _ONSET.match(file.read(width * counts[which]))
            if found is None:
                raise ValueError(f"its data record {number + 1} has no time")
            onsets.append(float(found[1]))
    if (np.diff(onsets) < 0).any():
        raise ValueError("its data records go back in time")
    return _Record(length_s, np.array(onsets))


def _start(edf: Any) -> datetime | None:
    try:
        return datetime.combine(edf.startdate, edf.starttime)
    except (ValueError, TypeError, AttributeError):  # anonymized
        return None
