"""Twelve leads from one, of a stream or of a whole recording, and the warning that belongs to them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from ecgedge.leads.features import FS, GUESSED, LEADS, with_derived
from ecgedge.leads.model import LeadModel
from ecgedge.leads.stage import LeadStage, Piece
from ecgedge.stream.filters import resampler
from ecgedge.stream.pipeline import Pipeline
from ecgedge.stream.whole import Recorded, as_block
from ecgedge_bridge.values import SampleBlock

Floats = npt.NDArray[np.float32]

# Back to the caller's rate: what the front end let through (up to 41 Hz) stays, its images (from 59 Hz) go.
_RISE = {"half_width_s": 0.16, "cutoff_hz": 45.0, "beta": 5.0}


class ReconstructionWarning(UserWarning):
    """Leads were guessed, and nobody measured them."""


def warning_of(model: LeadModel) -> str:
    """What the leads of a model are worth, in words, with the figures of its manifest."""
    return (
        "Eleven of these twelve leads were never measured: a network guessed them from lead I."
        f"{_figures(model)} What lead I does not show is not in them: infarction, ischaemia and the true "
        "size of chest leads cannot be read from them. For looking at, and never for a diagnosis."
    )


def _figures(model: LeadModel) -> str:
    """How near the guesses came, for the best and the worst lead."""
    rows = model.manifest.metrics.get("test", {}).get("leads", {})
    known = {name: row for name, row in rows.items() if name in GUESSED}
    if not known:
        return ""
    best, worst = (pick(known, key=lambda name: known[name]["correlation"]) for pick in (max, min))
    told = ", ".join(f"{known[name]['correlation']:.2f} in {name}" for name in (worst, best))
    return f" In people whom it had never seen the median correlation with the true lead was {told}."


@dataclass(frozen=True, slots=True, eq=False)
class LeadBlock:
    """Twelve leads of some samples in a row.

    ``sample`` is the index of the first one in the caller's rate ``fs``; ``leads`` maps each name, in the
    usual order, to float32 values in mV.
    """

    sample: int
    fs: float
    leads: Mapping[str, Floats]


class LeadReconstructor:
    """Guesses twelve leads of a stream of lead I, with bounded memory: blocks in, blocks out.

    The same samples give the same leads, however they are cut into blocks. They come 1.8 to 2.8 s late, at
    the rate of the stream. Lead I is what the filters leave of the measured one (about 1 to 41 Hz), and the
    others are of the same band, so that the identities of Einthoven and Goldberger hold. Missing samples,
    and stretches of less than a second between them, get no leads; one or two missing samples are bridged.

    Parameters
    ----------
    model : LeadModel, optional
        None takes the one in the package.
    fs : float, optional
        Rate that blocks must have, in Hz; None takes the first block's.

    Attributes
    ----------
    warning : str
        What the leads are worth. Show it wherever they are shown.

    Raises
    ------
    ConfigError
        An impossible rate.

    Examples
    --------
    >>> from ecgedge.demo.synthetic import Segment, synthesize
    >>> mv = synthesize([Segment("sinus", 10.0, 70.0)], 130.0, seed=1).mv
    >>> stream = LeadReconstructor(fs=130.0)
    >>> blocks = stream.feed(mv[:1000]) + stream.feed(mv[1000:]) + stream.finish()
    >>> sum(len(block.leads["V2"]) for block in blocks)
    1300
    """

    def __init__(self, model: LeadModel | None = None, fs: float | None = None) -> None:
        model = model or _bundled()
        self.warning = warning_of(model)
        self._stage = LeadStage(model)
        self._pipeline = Pipeline((self._stage,), model.manifest.fs, model.front_end, fs_in=fs)
        self._rising: _Rising | None = None

    def feed(self, block: SampleBlock | npt.ArrayLike) -> list[LeadBlock]:
        """Take a block of lead I in mV, return the leads that have become known.

        Raises
        ------
        ConfigError, TypeError, ValueError
            As :meth:`ecgedge.Monitor.feed`.
        """
        self._pipeline.feed(block)
        return self._drained()

    def finish(self) -> list[LeadBlock]:
        """Return the leads that are still held back, at the end of the stream."""
        self._pipeline.finish()
        return self._drained()

    def reset(self) -> None:
        """Start afresh: another stream comes."""
        self._pipeline.reset()
        self._rising = None

    def _drained(self) -> list[LeadBlock]:
        return [block for piece in self._stage.drain() if (block := self._risen(piece)) is not None]

    def _risen(self, piece: Piece) -> LeadBlock | None:
        rising = self._rising = self._rising or _Rising(piece)
        block = rising.take(piece)
        if piece.end_sample is not None:
            self._rising = None
        return block


class _Rising:
    """The pieces of one segment, at the caller's rate."""

    def __init__(self, piece: Piece) -> None:
        self._next = piece.first_sample
        self._rise = [resampler(FS, piece.fs_in, **_RISE) for _ in piece.values]

    def take(self, piece: Piece) -> LeadBlock | None:
        rows = [rise.feed(row) for rise, row in zip(self._rise, piece.values, strict=True)]
        if piece.end_sample is not None:
            # The filters give whole samples at their own rate, which end behind the last of the caller's.
            left = piece.end_sample - self._next
            rows = [np.concatenate([y, r.finish()])[:left] for y, r in zip(rows, self._rise, strict=True)]
        if not len(rows[0]):
            return None
        measured = zip(("I", *GUESSED), (row.astype(np.float32) for row in rows), strict=True)
        block = LeadBlock(self._next, piece.fs_in, with_derived(dict(measured)))
        self._next += len(rows[0])
        return block


def reconstruct_leads(
    mv: npt.ArrayLike | Recorded, fs: float | None = None, *, model: LeadModel | None = None
) -> dict[str, Floats]:
    """Guess twelve leads from lead I, and warn of them.

    Eleven of them nobody measured. Lead I is what the filters leave of the measured one, about 1 to 41 Hz;
    the others are of the same band. For long recordings :class:`ecgedge.LeadReconstructor` gives the same
    block by block.

    Parameters
    ----------
    mv : array, shape (n,), or Recording
        Lead I in mV, NaN where samples are missing; or what :func:`ecgedge.load` gives. Its size counts:
        raw counts have to be mV first.
    fs : float
        Rate in Hz, 50 to 4000; a Recording has its own.
    model : LeadModel, optional
        Another than that in the package.

    Returns
    -------
    dict of str to ndarray of float32, shape (n,)
        I, II, III, aVR, aVL, aVF, V1 to V6 in mV, at the caller's rate. NaN where the input has no finite
        number, and where less than a second lies between gaps.

    Warns
    -----
    ReconstructionWarning
        Always: its text says what the leads are worth. Whoever has read it may filter it
        (``warnings.simplefilter("ignore", ecgedge.ReconstructionWarning)``) and show it in another way.

    Raises
    ------
    ConfigError
        An impossible rate.
    ValueError, TypeError
        ``mv`` is no one-dimensional array of numbers.

    Examples
    --------
    >>> import warnings
    >>> from ecgedge.demo.synthetic import Segment, synthesize
    >>> mv = synthesize([Segment("sinus", 10.0, 70.0)], 130.0, seed=1).mv
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     leads = reconstruct_leads(mv, fs=130)
    >>> list(leads)[:4], leads["V2"].shape, told[0].category.__name__
    (['I', 'II', 'III', 'aVR'], (1300,), 'ReconstructionWarning')
    """
    block = as_block(mv, fs)
    stream = LeadReconstructor(model)
    found = stream.feed(block) + stream.finish()
    leads = {name: np.full(len(block.samples), np.nan, np.float32) for name in LEADS}
    for part in found:
        for name, values in part.leads.items():
            leads[name][part.sample : part.sample + len(values)] = values
    # One or two missing samples are bridged on the way, and are missing all the same.
    missing = ~np.isfinite(np.ma.filled(block.samples.astype(np.float64), np.nan))
    for values in leads.values():
        values[missing] = np.nan
    warnings.warn(stream.warning, ReconstructionWarning, stacklevel=2)
    return leads


@cache
def _bundled() -> LeadModel:
    return LeadModel.load()
