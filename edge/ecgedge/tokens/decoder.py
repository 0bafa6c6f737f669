"""From words back to a waveform."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.tokens.features import FS, HALF, Floats, N, read_at
from ecgedge.tokens.sentence import TICKS_PER_S, Sentence
from ecgedge.tokens.vocabulary import Vocabulary

_LONGEST_SAMPLES = 1 << 29  # as of a recording that is read: 2 GiB of float32
_WORDS = 256  # decoded at once: what is needed beside the signal itself stays small
_EDGE = 3  # zeros on either side of a wave
# A sample that lies on a border belongs to what begins there, whatever the last bit of its time is.
_EXACT = 1e-6


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How far decoded words are from the filtered signal, measured on people who taught nothing.

    Medians over recordings: ``prd`` is the root of the error's power over the signal's, in percent;
    ``correlation`` that of both; ``rms_mv`` the root mean square of the error.
    """

    prd: float
    correlation: float
    rms_mv: float


class Piece(NamedTuple):
    """Samples without a gap, from index ``first`` on."""

    first: int
    mv: Floats


def waveform(sentence: Sentence, vocabulary: Vocabulary, fs: float) -> Floats:
    """Decode: float32 of shape (duration * fs,) in mV, NaN in gaps.

    Raises
    ------
    ValueError
        The waveform would have more than 2 GiB.
    """
    n = _n_samples(sentence, fs)
    if n > _LONGEST_SAMPLES:
        raise ValueError(f"{n} samples are too many for one array: decode packets, or at a lower rate")
    mv = np.full(n, np.nan, np.float32)
    for first, part in pieces(sentence, vocabulary, fs):
        mv[first : first + len(part)] = part
    return mv


def pieces(sentence: Sentence, vocabulary: Vocabulary, fs: float) -> Iterator[Piece]:
    """Decode some hundred words at a time, in their order; what is in no piece is a gap.

    Each sample is read from the wave of the beat that is nearest to it, between the wave's samples by a
    cubic. Within a stretch it is 0 where no word reaches: between beats that are more than 0.96 s apart, the
    base line is all that is known.
    """
    if not len(sentence):
        return
    n, peaks = _n_samples(sentence, fs), sentence.ticks / TICKS_PER_S
    between = (peaks[1:] + peaks[:-1]) / 2
    reach = HALF / FS
    # A stretch begins and ends where its first and its last word do.
    starts = np.concatenate([[-np.inf], between])
    starts = np.where(sentence.begins, np.maximum(starts, peaks - reach), starts)
    ends = np.concatenate([between, [np.inf]])
    ends = np.where(np.append(sentence.begins[1:], True), np.minimum(ends, peaks + reach), ends)
    borders = np.union1d(np.flatnonzero(sentence.begins), np.arange(0, len(peaks), _WORDS))
    waves, levels = _row_of(vocabulary), sentence.gains_mv
    for low, high in pairwise([*borders.tolist(), len(peaks)]):
        first, last = (max(0, math.ceil(at * fs - _EXACT)) for at in (starts[low], ends[high - 1]))
        at_s = np.arange(first, min(last, n)) / fs
        own = low + np.searchsorted(between[low : high - 1], at_s + _EXACT, side="right")
        steps = (at_s - peaks[own]) * FS + _EXACT
        mv = _read(waves, sentence.codes[own], steps.clip(-HALF, HALF)) * levels[own]
        if len(mv):
            yield Piece(first, np.where((steps >= -HALF) & (steps < HALF), mv, np.float32(0)))


def _n_samples(sentence: Sentence, fs: float) -> int:
    return round(sentence.length * fs / TICKS_PER_S)


def _row_of(vocabulary: Vocabulary) -> Floats:
    """All waves in one row, with zeros around each for the cubic."""
    return np.pad(vocabulary.waves, ((0, 0), (_EDGE, _EDGE))).reshape(-1)


def _read(waves: Floats, codes: npt.NDArray[np.uint8], steps: npt.NDArray[np.float64]) -> Floats:
    """Value of each code's wave at so many samples from its R peak."""
    return read_at(waves, codes.astype(np.float64) * (N + 2 * _EDGE) + _EDGE + HALF + steps)
