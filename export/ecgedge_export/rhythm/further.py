"""Recordings that teach beside CinC 2017: ten seconds of hospital ECG, and strips with ectopic beats.

CinC 2017 has 641 recordings of atrial fibrillation, and hardly one of ten seconds. PTB-XL shows what
fibrillation and its imitators look like within ten, in people of another continent and age; the
Supraventricular Arrhythmia Database has premature beats by the thousand, which an irregular rhythm alone does
not tell from fibrillation. Where statements leave the class open, the model that training starts from
decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ecgedge.artefacts.manifest import Dataset as Source
from ecgedge.rhythm.model import RhythmModel
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import hint
from ecgedge_export import data, prepare
from ecgedge_export.data import Record
from ecgedge_export.data.databases.svdb import svdb
from ecgedge_export.prepare import Prepared, Signal
from ecgedge_export.rhythm.twelve_leads import label

# Folds 7 and 8 choose the limits of short stretches (ecgedge_export.rhythm.limits), 9 validates.
TAUGHT_FOLDS = range(1, 7)
# Fibrillation is rare (one recording in thirteen): more leads of it. V1 shows its waves best.
LEADS: Mapping[str, Sequence[str]] = {"A": ("I", "II", "V1", "V5"), "O": ("I", "II"), "N": ("I",)}
# Sinus rhythm all the same; CinC 2017 counts it as O below 50 and from 100 a minute.
OPEN = frozenset(("SARRH", "SBRAD"))
STRIPS_S = (10, 30)  # as short as a standard ECG, and as long as a window
EDGE_S = 5.0  # of a record, which tapes and clamps disturb
STRIPS_OF_A_RECORD = 20  # of both lengths: few records hold most of the premature beats
# Where the model that training starts from finds fibrillation in most strips, the beats may well lie in it:
# the data set marks no rhythms. Four records of 59 (804, 821, 859, 868) are left out for that.
MOST_AF = 0.5
_SEED = 7


class _Labelled(NamedTuple):
    id: str
    label: str
    signal: Signal


@dataclass(frozen=True, slots=True)
class Further:
    """Recordings that join the training, and where they come from."""

    recordings: Prepared
    sources: tuple[Source, ...]


def further(names: Sequence[str], fs: float, start: RhythmModel, limit: int | None = None) -> Further:
    """Read data sets by name; ``limit`` keeps that many records of each.

    Parameters
    ----------
    names : sequence of str
        Of :data:`READERS`.
    fs : float
        Rate of the model.
    start : RhythmModel
        What training starts from: decides where labels leave the class open.
    limit : int, optional

    Raises
    ------
    ConfigError
        A data set is not at hand, or teaches no rhythm.
    """
    found: list[_Labelled] = []
    sources = []
    for name in names:
        if name not in READERS:
            raise ConfigError(f"{name} teaches no rhythm: {hint(name, READERS)}")
        records = _records(name)[:limit]
        found += [one for record in records for one in READERS[name](record, fs, start)]
        sources.append(data.DATASETS[name].source(len(records)))
    ids, labels, signals = ([getattr(f, part) for f in found] for part in _Labelled._fields)
    return Further(Prepared(ids, labels, signals), tuple(sources))


def _records(name: str) -> list[Record]:
    if name == "svdb":
        return list(svdb())
    return [r for r in data.ptbxl() if r.fold in TAUGHT_FOLDS]


def ten_seconds(record: Record, fs: float, start: RhythmModel) -> Iterator[_Labelled]:
    """Leads of a PTB-XL recording; none where its statements name no rhythm."""
    of_record = label(record.statements)
    if not of_record and "STACH" in record.statements:
        of_record = "O"
    if not of_record and OPEN & record.statements.keys():
        p = start.probabilities(prepare.filtered(record.lead("I"), record.fs, fs))
        of_record = "O" if p["O"] > p["N"] else "N"
    for lead in LEADS.get(of_record, ()):
        signal = prepare.filtered(record.lead(lead), record.fs, fs)
        yield _Labelled(f"ptb-xl/{record.id}/{lead}", of_record, signal)


def ectopic_strips(record: Record, fs: float, start: RhythmModel) -> list[_Labelled]:
    """Strips of a record of svdb with a premature beat in each: class O, none of a record that may be AF."""
    signal = prepare.filtered(record.mv, record.fs, fs)
    beats_s = record.beats / record.fs
    strips = []
    for length_s in STRIPS_S:
        for begin_s in np.arange(EDGE_S, len(signal) / fs - length_s - EDGE_S, 30.0):
            inside = record.symbols[(beats_s >= begin_s) & (beats_s < begin_s + length_s)]
            if np.isin(inside, ("S", "V", "F")).any():
                at = round(begin_s * fs)
                name = f"svdb/{record.id}/{begin_s:g}-{length_s}"
                strips.append(_Labelled(name, "O", signal[at : at + round(length_s * fs)]))
    rng = np.random.default_rng([_SEED, int(record.id)])
    drawn = [strips[i] for i in rng.permutation(len(strips))[:STRIPS_OF_A_RECORD]]
    af = [start.probabilities(strip.signal)["A"] for strip in drawn]
    return drawn if drawn and np.median(af) <= MOST_AF else []


Reader = Callable[[Record, float, RhythmModel], "Iterator[_Labelled] | list[_Labelled]"]
READERS: Mapping[str, Reader] = {"ptb-xl": ten_seconds, "svdb": ectopic_strips}
