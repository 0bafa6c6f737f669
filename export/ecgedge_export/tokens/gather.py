"""Words to learn from: every beat that the detector finds, cut as the runtime cuts it.

The codebook learns from lead I, as a wearable gives it, and from the leads of MIT-BIH, whose people have the
ectopic beats that others lack. None of those whose telemetry is measured teaches it.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.beats import detector, net
from ecgedge.beats.detector import find_beats
from ecgedge.stream import filters
from ecgedge.stream.ring import Ring
from ecgedge.tokens import features
from ecgedge.tokens.features import FS, bounds, word
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data, prepare, splits
from ecgedge_export.archives import npz
from ecgedge_export.beat_classes.scores import TOLERANCE_S
from ecgedge_export.beats.scores import pairs
from ecgedge_export.data import DATASETS
from ecgedge_export.tasks import Log

Floats = npt.NDArray[np.float32]
Symbols = npt.NDArray[np.str_]

SOURCES = ("cinc2017", "ptb-xl", "svdb", "mitdb")
# Of a recording of half an hour: neighbours are alike, and people are what a codebook needs.
MOST_WORDS = 400
# 201 of DS1 and 202 of DS2 are one person.
TAUGHT = tuple(name for name in splits.DS1 if name != "201")
UNKNOWN = ""
_MADE_BY = (sys.modules[__name__], features, detector, net, filters)


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """Words in order, recording by recording.

    ``words`` (k, 96) in mV, ``rr_s`` (k,) the interval before each in seconds, NaN for the first of a
    recording; ``symbols`` (k,) are AAMI classes, "" where none is known; ``record`` and ``source`` (k,).
    """

    words: Floats
    rr_s: Floats
    symbols: Symbols
    record: Symbols
    source: Symbols

    def __len__(self) -> int:
        return len(self.symbols)

    def only(self, keep: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Words:
        """Return the words that are marked or named."""
        return Words(*(getattr(self, f.name)[keep] for f in fields(self)))

    def save(self, path: Path) -> None:
        """Write them to a ``.npz`` file, whole or not at all."""
        with atomic_file(path) as file:
            np.savez(file, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Words:
        """Read what :meth:`save` wrote."""
        with npz(path, "delete it, it is made again") as z:
            return cls(*(z[f.name] for f in fields(cls)))


class Recording(NamedTuple):
    """A filtered recording with the places (at 100 Hz) and AAMI classes of its annotated beats, if any."""

    source: str
    id: str
    signal: Floats
    places: npt.NDArray[np.floating]
    symbols: Sequence[str]


def joined(sets: Iterable[Words]) -> Words:
    """All words of several sets."""
    every = list(sets)
    return Words(*(np.concatenate([getattr(s, f.name) for s in every]) for f in fields(Words)))


def spoken(recording: Recording) -> Words:
    """The words of a whole recording: an offline tokenizer, which sees all of it at once."""
    signal = recording.signal
    ring = Ring(max(1, len(signal)))
    ring.write(signal)
    peaks = [beat.position for beat in find_beats(signal)]
    around = zip([None, *peaks[:-1]], peaks, [*peaks[1:], None], strict=True) if peaks else ()
    cut = [word(ring, at, bounds(left, at, right, 0, len(signal))) for left, at, right in around]
    k = len(peaks)
    return Words(
        np.array(cut, np.float32).reshape(k, features.N),
        np.diff(np.array(peaks), prepend=np.nan).astype(np.float32)[:k] / np.float32(FS),
        np.array(_named(peaks, recording), "<U1"),
        np.full(k, recording.id, "<U16"),
        np.full(k, recording.source, "<U16"),
    )


def _named(peaks: Sequence[float], recording: Recording) -> list[str]:
    found = [UNKNOWN] * len(peaks)
    for i, j in pairs(recording.places, peaks, TOLERANCE_S * FS):
        found[j] = recording.symbols[i]
    return found


def teaching(source: str) -> Iterator[Recording]:
    """Filtered recordings of a source that may teach."""
    if source == "cinc2017":
        every = prepare.cinc2017(FS)
        for name, x in zip(every.ids, every.signals, strict=True):
            if not splits.is_validation(name):
                yield Recording(source, name, x, np.empty(0), ())
    elif source == "mitdb":
        yield from annotated(data.mitdb(TAUGHT))
    elif source == "svdb":
        yield from annotated(DATASETS["svdb"].read(None))
    else:
        yield from lead_one(range(1, 9))


def annotated(records: Iterable[data.Record]) -> Iterator[Recording]:
    """First leads of records whose beats are annotated."""
    for record in records:
        signal = prepare.filtered(record.mv, record.fs, FS)
        places = record.beats * (FS / record.fs)
        yield Recording(record.dataset, record.id, signal, places, record.aami.tolist())


def lead_one(folds: Iterable[int]) -> Iterator[Recording]:
    """Lead I of PTB-XL, of some folds."""
    wanted = set(folds)
    for record in data.ptbxl():
        if record.fold in wanted:
            signal = prepare.filtered(record.lead("I"), record.fs, FS)
            yield Recording("ptb-xl", record.id, signal, np.empty(0), ())


def _some(words: Words, most: int, rng: np.random.Generator) -> Words:
    """At most so many words; ectopic ones, which are rare, first."""
    if len(words) <= most:
        return words
    rare = np.flatnonzero(~np.isin(words.symbols, ("N", UNKNOWN)))
    usual = np.flatnonzero(np.isin(words.symbols, ("N", UNKNOWN)))
    chosen = rng.permutation(rare)[: most // 2]
    chosen = np.concatenate([chosen, rng.permutation(usual)[: most - len(chosen)]])
    return words.only(np.sort(chosen))


def gathered(folder: Path, seed: int, log: Log, limit: int | None = None) -> Words:
    """Words to learn from, kept in a folder until the code that makes them changes.

    ``limit`` keeps that many recordings of each source.
    """
    kept = folder / _kept_name(seed, limit)
    if not kept.is_file():
        rng, parts = np.random.default_rng(seed), []
        for source in SOURCES:
            each = [_some(spoken(r), MOST_WORDS, rng) for r in islice(teaching(source), limit)]
            parts.append(joined(each))
            log(f"{source}: {len(parts[-1])} words of {len(each)} recordings")
        joined(parts).save(kept)
    return Words.load(kept)


def _kept_name(seed: int, limit: int | None) -> str:
    sources = b"".join(Path(str(made_by.__file__)).read_bytes() for made_by in _MADE_BY)
    return f"words-{hashlib.sha256(sources + repr((seed, limit)).encode()).hexdigest()[:12]}.npz"
