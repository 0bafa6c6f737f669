"""Text: rows of numbers with or without a header, with or without time stamps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice, pairwise

import numpy as np
import numpy.typing as npt

from ecgedge.recording.blocks import Blocks, ReadNote, Wanted
from ecgedge.recording.rates import MAX_FS, MIN_FS, check_fs
from ecgedge.recording.source import Source
from ecgedge.recording.text.columns import Layout, find_layout
from ecgedge.recording.text.dialect import Row, Table, find_table, rows_of
from ecgedge.recording.text.lines import Line, find_encoding, text_lines
from ecgedge.recording.text.parse import Parsed, Parser
from ecgedge.recording.text.words import Facts, facts_in
from ecgedge.recording.timing.placement import Placed, Stamped, place
from ecgedge.recording.timing.rate import Clock, measure
from ecgedge.recording.units import Scale, guess_scale, scale_of
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["is_text", "read_text"]

_HEAD_LINES = 300  # longest preambles (OpenSignals, LabChart) have some dozen lines
_PROBE_ROWS, _MOST_PROBE_ROWS = (
    1024,
    32_768,
)  # rows that decide the rate: 8 s at 130 Hz, doubled while that is few
_SURE = 1e-4  # relative: the rate shows well enough, with a tenth of what is promised
_HARDLY = 0.02  # relative: less sure than that is no measurement
_PROBE_S = 8.0  # holds several heartbeats, from which the unit is told
_DIFFERS = (
    0.005  # relative: a given rate this far from the stamps is worth a note; clocks of straps stay within
)
_MARKUP = (b"{", b"[{", b"<", b"%PDF")  # JSON, XML, HTML, PDF


def is_text(source: Source) -> bool:
    """Whether this is text of any encoding, and no markup."""
    return find_encoding(source.head) is not None and not source.head.lstrip().startswith(_MARKUP)


def read_text(source: Source, wanted: Wanted) -> Blocks:
    """Read a text; ``ecgedge.read`` describes it. Memory does not grow with the file."""
    try:
        return _opened(source, wanted)
    except BaseException:
        source.close()
        raise


def _opened(source: Source, wanted: Wanted) -> Blocks:
    lines = text_lines(source)
    head = list(islice(lines, _HEAD_LINES))
    if not any(line.text.strip() for line in head):
        raise ConfigError(f"{source.name} is empty: record again, or name another file")
    table = find_table(head, source.name)
    if table is None:
        raise _no_table(head, source.name)
    facts = facts_in([line.text for line in head[: table.first]])
    sample_rows = list(rows_of(head[table.first :], table.separator, table.quote, source.name))
    layout = find_layout(table, _whole(sample_rows, table), wanted, source.name)
    rows = rows_of(chain(head[table.first :], lines), table.separator, table.quote, source.name)
    return _Text(source, rows, table, layout, facts, wanted).blocks()


def _whole(rows: list[Row], table: Table) -> list[Row]:
    trailing = table.width + 1
    return [
        row._replace(cells=row.cells[: table.width])
        for row in rows
        if len(row.cells) == table.width or (len(row.cells) == trailing and not row.cells[-1].strip())
    ]


def _no_table(head: list[Line], file: str) -> ConfigError:
    """Words for a text without rows of numbers, which may be a header alone."""
    lines = [line for line in head if line.text.strip()]
    if len(lines) == 1 and ("ecg" in lines[0].text.lower() or "ekg" in lines[0].text.lower()):
        return ConfigError(f"{file} has a header and no samples: record again, or name another file")
    return ConfigError(
        f"{file}, line {lines[0].number}: an ECG column is missing, and rows of numbers: "
        "name one 'ecg_uV' or 'ecg_mV'"
    )


class _Text:
    """One file, from its first row on."""

    def __init__(
        self, source: Source, rows: Iterator[Row], table: Table, layout: Layout, facts: Facts, wanted: Wanted
    ) -> None:
        self._source, self._file = source, source.name
        self._layout, self._facts, self._wanted = layout, facts, wanted
        self._table = table
        self._parser = Parser(_untailed(rows, table.width), table, layout, source.name)
        self._sample = 0
        self._notes: list[ReadNote] = []

    def blocks(self) -> Blocks:
        """Look at the first rows, then give all."""
        probe = self._probe()
        clock = self._clock(probe)
        fs = self._fs(clock)
        probe = self._longer(probe, round(_PROBE_S * fs)) if self._needs_scale() else probe
        scale = self._scale(probe, fs)
        blocks = self._blocks(probe, clock, scale, fs)
        return Blocks(
            blocks,
            fs,
            start=self._parser.start,
            channel=self._layout.channel,
            unit=scale.unit,
            notes=self._notes,
        )

    # --- the first rows ---

    def _probe(self) -> Parsed:
        """Rows until the rate shows."""
        if self._layout.time is None:
            probe = self._parser.take(_PROBE_ROWS)
        else:
            probe = self._parser.take(_PROBE_ROWS)
            while not self._is_sure(probe) and len(probe) < _MOST_PROBE_ROWS:
                longer = self._longer(probe, 2 * len(probe))
                if len(longer) == len(probe):
                    break
                probe = longer
        if not len(probe):
            raise self._parser.error or ConfigError(
                f"{self._file} has no samples: record again, or name another file"
            )
        return probe

    def _is_sure(self, probe: Parsed) -> bool:
        clock = None if probe.time_ns is None or len(probe) < 2 else measure(probe.time_ns)
        return clock is not None and clock.uncertainty <= _SURE

    def _longer(self, probe: Parsed, rows: int) -> Parsed:
        return probe if len(probe) >= rows else _joined(probe, self._parser.take(rows - len(probe)))

    def _clock(self, probe: Parsed) -> Clock | None:
        """What the stamps follow; None where there are none, or none that show it."""
        given = self._wanted.fs
        if probe.time_ns is None:
            return None
        clock = measure(probe.time_ns) if len(probe) > 1 else None
        if clock is None or (given is None and clock.uncertainty > 1.0):
            if given is None:
                raise self._no_rate()
            return None
        if given is not None and not MIN_FS <= 1e9 / clock.period_ns <= MAX_FS:
            detail = f"the stamps show {1e9 / clock.period_ns:g} Hz and were left out: no loss can be counted"
            self._notes.append(ReadNote(NoteCode.STAMPS_IGNORED, detail))
            return None
        if given is not None and clock.uncertainty > _HARDLY:
            return replace(clock, period_ns=1e9 / given, uncertainty=0.0)
        check_fs(1e9 / clock.period_ns, f"the time step of {self._file} says fs")
        if given is not None and abs(clock.period_ns * given * 1e-9 - 1) > _DIFFERS:
            detail = f"the stamps show {clock.fs:g} Hz, not the {given:g} Hz that were given"
            self._notes.append(ReadNote(NoteCode.RATE_DIFFERS, detail))
        return clock

    def _no_rate(self) -> ConfigError:
        return ConfigError(
            f"{self._file}: the rate does not show in its time stamps: give fs, e.g. fs=130 (--fs 130)"
        )

    def _fs(self, clock: Clock | None) -> float:
        if self._wanted.fs is not None:
            return self._wanted.fs
        if clock is not None:
            return clock.fs
        if self._facts.fs is not None:
            return check_fs(self._facts.fs, f"{self._file} says fs")
        names = self._table.names
        where = f"{self._file}, line {self._table.header_line}: no time column" if len(names) > 1 else (
            f"{self._file} has no time column"
        )  # fmt: skip
        raise ConfigError(f"{where}: say its sampling rate with fs, for example fs=130 (--fs 130)")

    def _needs_scale(self) -> bool:
        return (self._wanted.unit or self._layout.unit or self._facts.unit) not in ("uV", "mV", "V", "nV")

    def _scale(self, probe: Parsed, fs: float) -> Scale:
        """Unit as it was asked for, else as the file names it, else what hearts make likely."""
        named = self._wanted.unit or self._layout.unit or self._facts.unit
        if named is None and self._facts.counts_per_mv:
            return Scale("counts", self._facts.counts_per_mv, self._facts.middle)
        scale = guess_scale(probe.values, fs) if named is None else scale_of(named, probe.values, fs)
        if scale.note:
            assumed = named is None or scale.unit == "counts"
            code = NoteCode.UNIT_ASSUMED if assumed else NoteCode.UNIT_DOUBTFUL
            self._notes.append(ReadNote(code, scale.note))
        return scale

    # --- all rows ---

    def _blocks(self, probe: Parsed, clock: Clock | None, scale: Scale, fs: float) -> Iterator[SampleBlock]:
        size = max(1, round(fs))
        chunks = self._chunks(probe, scale, size)
        placed = map(Placed, chunks) if clock is None else place(chunks, clock)
        try:
            yield from self._cut_to(size, fs, placed, has_time=probe.time_ns is not None)
        finally:
            self._source.close()
        if self._parser.cut:
            detail = (
                f"{self._file}: the last line was cut while it was written; everything before it was read: "
                f"repair or remove line {self._parser.cut}"
            )
            self._notes.append(ReadNote(NoteCode.CUT_LINE, detail, self._sample))
        if self._parser.error is not None:
            raise self._parser.error

    def _cut_to(
        self, size: int, fs: float, placed: Iterator[Placed], *, has_time: bool
    ) -> Iterator[SampleBlock]:
        """Blocks of a second; a loss and a step of the clock begin a new one."""
        held: list[Stamped] = []
        for piece in placed:
            if (piece.lost or piece.step_s) and held:
                yield from self._flushed(held, fs, size, has_time, everything=True)
                held = []
            self._sample += piece.lost
            if piece.step_s:
                words = f"the clock of the file stepped by {piece.step_s:.9g} s: nothing is lost by that"
                self._notes.append(ReadNote(NoteCode.CLOCK_STEP, words, self._sample))
            held.append(piece.rows)
            yield from self._flushed(held, fs, size, has_time)
        yield from self._flushed(held, fs, size, has_time, everything=True)

    def _flushed(
        self, held: list[Stamped], fs: float, size: int, has_time: bool, *, everything: bool = False
    ) -> Iterator[SampleBlock]:
        """Blocks of exactly a second of the rows that are held; the rest too where everything has to go."""
        count = sum(map(len, held))
        if not count or (count < size and not everything):
            return
        rows = held[0]
        for more in held[1:]:
            rows = rows.joined(more)
        stop = count if everything else count - count % size
        for start, end in pairwise([*range(0, stop, size), stop]):
            part = rows.part(start, end)
            time_ns = int(part.time_ns[-1]) if has_time else None
            with np.errstate(over="ignore"):  # beyond float32 is infinite: a gap, as NaN is
                mv = part.mv.astype(np.float32)
            yield SampleBlock(mv, fs, self._sample, device_time_ns=time_ns)
            self._sample += end - start
        held[:] = [rows.part(stop)] if stop < count else []

    def _chunks(self, probe: Parsed, scale: Scale, size: int) -> Iterator[Stamped]:
        rows = probe
        while len(rows):
            mv = (rows.values - scale.offset) / scale.per_mv
            stamps = np.zeros(len(rows), np.int64) if rows.time_ns is None else rows.time_ns
            yield Stamped(mv, stamps, rows.second_ns)
            rows = self._parser.take(size)


def _joined(first: Parsed, then: Parsed) -> Parsed:
    return Parsed(
        np.concatenate([first.values, then.values]),
        _both(first.time_ns, then.time_ns),
        _both(first.second_ns, then.second_ns),
    )


def _both(
    first: npt.NDArray[np.int64] | None, then: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.int64] | None:
    return None if first is None or then is None else np.concatenate([first, then])


def _untailed(rows: Iterator[Row], width: int) -> Iterator[Row]:
    """Rows without the empty cell behind a separator at the end of the line."""
    for row in rows:
        tail = len(row.cells) == width + 1 and not row.cells[-1].strip()
        yield row._replace(cells=row.cells[:-1]) if tail else row
