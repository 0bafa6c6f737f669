"""Files that are read as whole signals: the ECG among them, its unit, and blocks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from ecgedge.recording.blocks import Blocks, ReadNote, Wanted, shown
from ecgedge.recording.leads import Signal, best_ecg
from ecgedge.recording.rates import check_fs
from ecgedge.recording.timing.placement import Stamped, place
from ecgedge.recording.timing.rate import measure
from ecgedge.recording.units import COUNTS, Scale, guess_scale, parse_unit, scale_of
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["Held", "Piece", "blocks_of", "chosen"]

Float = npt.NDArray[np.float64]
_HARDLY = 0.02  # relative: stamps that show the rate less surely measure nothing
_PROBE_S = 8.0  # holds several heartbeats, from which counts are scaled


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples in a row, in the signal's unit, from an index on."""

    sample: int
    values: Float


@dataclass(frozen=True, slots=True)
class Held:
    """A signal of a file.

    Parameters
    ----------
    name, unit : str
        As the file spells them; a unit that it does not name is "".
    fs : float
        Rate in Hz.
    pieces : callable
        Gives the samples, in order; what lies between two pieces is missing. Called for the chosen signal.
    """

    name: str
    unit: str
    fs: float
    pieces: Callable[[], Iterator[Piece]] = field(compare=False)

    @classmethod
    def stamped(cls, name: str, unit: str, values: npt.ArrayLike, time_ns: npt.ArrayLike, where: str) -> Held:
        """Make a signal of samples with time stamps, one for each or one for all of a batch.

        Raises
        ------
        ConfigError
            The stamps show no rate.
        """
        array, stamps = np.asarray(values, np.float64), np.asarray(time_ns, np.int64)
        clock = measure(stamps) if len(stamps) > 1 else None
        if clock is None or clock.uncertainty > _HARDLY:
            raise ConfigError(f"{where}: no rate shows in its time stamps: give fs, for example fs=130")

        def pieces() -> Iterator[Piece]:
            at = 0
            for placed in place(iter([Stamped(array, stamps)]), clock):
                at += placed.lost
                yield Piece(at, placed.rows.mv)
                at += len(placed.rows)

        return cls(name, unit, clock.fs, pieces)

    @classmethod
    def of(cls, name: str, unit: str, fs: float, values: npt.ArrayLike) -> Held:
        """Make a signal of one array."""
        array = np.asarray(values, np.float64).ravel()
        return cls(name, unit, fs, lambda: iter([Piece(0, array)]))


def chosen(signals: Sequence[Held], channel: str | int | None, where: str) -> Held:
    """Return the signal that was asked for, or the best ECG by name and unit.

    Raises
    ------
    ConfigError
        There is none such; the message lists what there is.
    """
    listed = ", ".join(f"{shown(one.name)} ({shown(one.unit)[1:-1] or 'no unit'})" for one in signals[:20])
    if channel is None:
        best = best_ecg([Signal(one.name or "ECG", one.unit) for one in signals])
        if best is None:
            raise ConfigError(f"{where} has no ECG: choose one of {listed or 'no signals'} with channel")
        return signals[best]
    text = str(channel).strip().casefold()
    names = [one.name.strip().casefold() for one in signals]
    if text in names:
        return signals[names.index(text)]
    if text.isdecimal() and int(text[:6]) < len(signals):
        return signals[int(text)]
    raise ConfigError(f"{where} has no signal {shown(str(channel))}: choose one of {listed or 'none'}")


def blocks_of(
    signals: Sequence[Held],
    wanted: Wanted,
    where: str,
    start: datetime | None = None,
    notes: Sequence[ReadNote] = (),
) -> Blocks:
    """Choose the ECG among signals, scale it to mV and cut it into blocks of a second.

    Parameters
    ----------
    signals : sequence of Held
    wanted : Wanted
        Overrides rate, signal and unit.
    where : str
        Name of the file, for messages.
    start : datetime, optional
    notes : sequence of ReadNote
        What the reader has found already.

    Raises
    ------
    ConfigError
        No ECG, an impossible rate, or a unit that is no voltage.
    """
    signal = chosen(signals, wanted.channel, where)
    fs = check_fs(signal.fs, f"{where} says fs") if wanted.fs is None else wanted.fs
    pieces = signal.pieces()
    first = next(pieces, Piece(0, np.empty(0)))
    scale = _scale(signal, wanted, first.values[: round(_PROBE_S * fs)], fs, where)
    every = list(notes)
    if scale.note:
        known = parse_unit(wanted.unit or signal.unit)
        assumed = known in (None, COUNTS)
        every.append(ReadNote(NoteCode.UNIT_ASSUMED if assumed else NoteCode.UNIT_DOUBTFUL, scale.note))
    return Blocks(
        _cut(first, pieces, fs, scale), fs, start=start, channel=signal.name, unit=scale.unit, notes=every
    )


def _scale(signal: Held, wanted: Wanted, values: Float, fs: float, where: str) -> Scale:
    unit = wanted.unit or signal.unit
    if not unit:
        return guess_scale(values, fs)
    if parse_unit(unit) is None:
        raise ConfigError(
            f"{where} has a signal in {shown(unit)}, not a voltage: choose another with channel, "
            "or say what it is with unit"
        )
    return scale_of(unit, values, fs)


def _cut(first: Piece, rest: Iterator[Piece], fs: float, scale: Scale) -> Iterator[SampleBlock]:
    size = max(1, round(fs))
    piece: Piece | None = first
    while piece is not None:
        for at in range(0, len(piece.values), size):
            mv = (piece.values[at : at + size] - scale.offset) / scale.per_mv
            yield SampleBlock(mv.astype(np.float32), fs, piece.sample + at)
        piece = next(rest, None)
