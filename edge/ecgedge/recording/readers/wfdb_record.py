"""WFDB records: which signal of them is the ECG, and its segments one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge.recording.blocks import Blocks, ReadNote, Wanted, shown
from ecgedge.recording.leads import Signal, best_ecg
from ecgedge.recording.rates import check_fs
from ecgedge.recording.source import STDIN, Source
from ecgedge.recording.units import COUNTS, PER_MV, Scale, parse_unit, scale_of
from ecgedge.recording.wfdb.header import NULL, Header, Segment, SignalLine, read_header
from ecgedge.recording.wfdb.library import library_values
from ecgedge.recording.wfdb.signal import open_signal
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["header_of", "is_wfdb", "read_wfdb"]

Float = npt.NDArray[np.float64]

_PROBE_S = 8.0  # holds several heartbeats, from which counts are scaled


def header_of(file: Path) -> Path | None:
    """Header of the record that a path names, with or without a suffix; None where it names none.

    Raises
    ------
    ConfigError
        When the name is that of a record's part and the header is not there.
    """
    if str(file) == STDIN or not file.name:
        return None
    if file.suffix.lower() in (".hea", ".dat", ".mat"):
        header = file.with_suffix(".hea")
        if not header.is_file():
            raise ConfigError(f"no such file: {header}: a WFDB record needs its header file; check the path")
        return header
    header = file.with_name(file.name + ".hea")
    return header if header.is_file() else None


def is_wfdb(source: Source) -> bool:
    """Whether this is the header of a record."""
    return source.path.suffix.lower() == ".hea"


def read_wfdb(source: Source, wanted: Wanted) -> Blocks:
    """Read one signal of a WFDB record; ``ecgedge.read`` describes it."""
    source.close()
    header = read_header(source.path)
    record = _Record(header, wanted)
    return record.blocks()


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the record that has the signal (``index``) or has not (None)."""

    header: Header | None
    index: int | None
    frames: int | None


class _Record:
    """A record with the signal that was chosen."""

    def __init__(self, header: Header, wanted: Wanted) -> None:
        self._header, self._wanted = header, wanted
        self._record = header.path.with_suffix("")
        self._notes: list[ReadNote] = []
        self._segments = self._read_segments()
        self._line = self._choose()
        self._per_frame = self._line.per_frame
        rate = header.fs * self._per_frame
        self._fs = check_fs(rate, f"{header.path} says fs") if wanted.fs is None else wanted.fs

    # --- the signal ---

    def _read_segments(self) -> list[tuple[Segment, Header | None]]:
        """Headers of the segments, each read once; a record of one piece is its own segment."""
        if not self._header.segments:
            return [(Segment(self._header.path.stem, self._header.frames or 0), self._header)]
        known: dict[str, Header | None] = {NULL: None}
        for segment in self._header.segments:
            if segment.name not in known:
                header = read_header(self._header.path.with_name(segment.name + ".hea"))
                if header.segments:
                    raise ConfigError(f"{self._record}: segment {shown(segment.name)} has segments itself")
                known[segment.name] = header
        return [(segment, known[segment.name]) for segment in self._header.segments]

    def _choose(self) -> SignalLine:
        """The signal that was asked for, or the best ECG by name and unit."""
        first = next((h for _, h in self._segments if h is not None and h.signals), None)
        if first is None:
            raise ConfigError(f"{self._header.path} describes no samples: name another record")
        lines = first.signals
        channel = self._wanted.channel
        if channel is None:
            best = best_ecg([Signal(line.name or "ECG", line.unit) for line in lines])
            if best is None:
                raise ConfigError(f"{self._record} has no ECG: choose one of {_listed(lines)} with channel")
            return lines[best]
        text = str(channel).strip().casefold()
        names = [line.name.strip().casefold() for line in lines]
        if text in names:
            return lines[names.index(text)]
        if text.isdecimal() and int(text[:6]) < len(lines):
            return lines[int(text)]
        raise ConfigError(
            f"{self._record} has no signal {shown(str(channel))}: choose one of {_listed(lines)}"
        )

    def _index_in(self, header: Header) -> int | None:
        """Place of the signal in a segment, by its name; a segment may lack it, or have it elsewhere."""
        names = [line.name for line in header.signals]
        if self._line in header.signals:
            return header.signals.index(self._line)
        return names.index(self._line.name) if self._line.name in names else None

    # --- the samples ---

    def blocks(self) -> Blocks:
        pieces = self._pieces()
        scale = self._scale(pieces)
        return Blocks(
            self._blocks(scale.pieces, scale.scale),
            self._fs,
            start=self._header.start,
            channel=self._line.name,
            unit=scale.scale.unit,
            notes=self._notes,
        )

    @dataclass(frozen=True, slots=True)
    class _Scaled:
        scale: Scale
        pieces: Iterator[tuple[int, Float]]

    def _scale(self, pieces: Iterator[tuple[int, Float]]) -> _Scaled:
        unit = self._wanted.unit or self._line.unit
        known = parse_unit(unit)
        if known is None:
            raise ConfigError(
                f"{self._record} has a signal in {shown(unit)}, not a voltage: choose another with channel, "
                "or say what it is with unit"
            )
        held: list[tuple[int, Float]] = []
        # What is probed shows early that a file cannot be read, too.
        held.extend(islice(pieces, 1))
        while known == COUNTS and sum(len(x) for _, x in held) < _PROBE_S * self._fs:
            more = next(pieces, None)
            if more is None:
                break
            held.append(more)
        values = np.concatenate([x for _, x in held]) if held else np.empty(0)
        scale = scale_of(unit, values, self._fs)
        if scale.note:
            self._notes.append(
                ReadNote(NoteCode.UNIT_ASSUMED if known == COUNTS else NoteCode.UNIT_DOUBTFUL, scale.note)
            )
        return self._Scaled(scale, chain(held, pieces))

    def _pieces(self) -> Iterator[tuple[int, Float]]:
        """Index of the first sample, and samples in the signal's unit; what is missing between is a gap."""
        start = 0
        for segment, header in self._segments:
            index = None if header is None else self._index_in(header)
            frames = segment.frames
            if header is not None and not self._header.segments:
                frames = self._frames_of(header)
            at = start
            if header is not None and index is not None and frames:
                for values in self._values(header, index, frames):
                    yield at, values
                    at += len(values)
                self._told_short(segment, start + frames * self._per_frame - at, at)
            start += frames * self._per_frame

    def _frames_of(self, header: Header) -> int:
        """Frames of a record of one piece: as its header says, else as its file holds."""
        if header.frames:
            return header.frames
        index = self._index_in(header)
        signal = None if index is None else open_signal(header, index)
        if signal is None:
            raise ConfigError(f"{header.path} says no length: add it to the header, or name another record")
        return signal.frames

    def _values(self, header: Header, index: int, frames: int) -> Iterator[Float]:
        line = header.signals[index]
        if header.fs != self._header.fs or line.per_frame != self._per_frame:
            raise ConfigError(
                f"{self._record}: the rate changes in {header.path.name}: read its segments one by one"
            )
        if line.file == NULL:
            return
        factor = self._to_units_of_first(line)
        signal = open_signal(header, index)
        if signal is not None:
            values = signal.values(frames)
        else:
            values = library_values(header.path.with_suffix(""), index, frames, line.format)
        for part in values:
            yield part * factor if factor != 1 else part

    def _to_units_of_first(self, line: SignalLine) -> float:
        """Segments may have units of their own."""
        mine, theirs = parse_unit(self._line.unit), parse_unit(line.unit)
        if mine == theirs or line.unit == self._line.unit:
            return 1.0
        if mine not in PER_MV or theirs not in PER_MV:
            raise ConfigError(
                f"{self._record}: the unit changes to {shown(line.unit)}: read its segments one by one"
            )
        return PER_MV[mine] / PER_MV[theirs]

    def _told_short(self, segment: Segment, missing: int, sample: int) -> None:
        skew = self._line.skew * self._per_frame
        if missing > skew:
            detail = f"the signal file of {segment.name} ends {missing} samples before its header says"
            self._notes.append(ReadNote(NoteCode.SHORT_FILE, detail, sample))

    def _blocks(self, pieces: Iterator[tuple[int, Float]], scale: Scale) -> Iterator[SampleBlock]:
        size = max(1, round(self._fs))
        held, begin = np.empty(0), 0
        for at, values in pieces:
            if len(held) and at != begin + len(held):
                yield from _cut(held, begin, size, self._fs, scale)
                held = np.empty(0)
            if not len(held):
                begin = at
            held = np.concatenate([held, values])
            whole = len(held) - len(held) % size
            yield from _cut(held[:whole], begin, size, self._fs, scale)
            held, begin = held[whole:], begin + whole
        yield from _cut(held, begin, size, self._fs, scale)


def _cut(values: Float, begin: int, size: int, fs: float, scale: Scale) -> Iterator[SampleBlock]:
    for at in range(0, len(values), size):
        mv = (values[at : at + size] - scale.offset) / scale.per_mv
        yield SampleBlock(mv.astype(np.float32), fs, begin + at)


def _listed(lines: tuple[SignalLine, ...]) -> str:
    return ", ".join(f"{shown(line.name)} ({shown(line.unit)[1:-1]})" for line in lines[:20])
