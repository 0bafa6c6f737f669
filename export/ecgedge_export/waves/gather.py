"""What teaches the wave network: leads of LUDB with their waves, and fibrillation, which has no P wave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecgedge.beats.detector import find_beats
from ecgedge.waves.features import FS
from ecgedge_export import prepare
from ecgedge_export.data import DATASETS
from ecgedge_export.data.record import Record, Wave

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

# Signals are kept at twice the network's rate: windows are then cut between samples, and stretched, by a line
# that costs the highest frequencies little.
RATE = 2 * FS
WAVES = ("P", "QRS", "T")
CLASSES = (*WAVES, "none")
ROLES = {"P": "p", "QRS": "qrs", "T": "t", "none": "background"}
# Cardiologists marked the middle cycles alone. This long outside of the first and the last border it is known
# that their waves have ended, beyond it nothing is known.
KNOWN_S = 0.04
# Where a wave has a peak and no border, nothing is taught this long around the border that it must have.
DOUBT_S = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """Leads with their marked waves.

    Parameters
    ----------
    signals : ndarray of float32, shape (leads, n)
        Filtered, in mV at :data:`RATE`; the last value repeated behind the end of a shorter one.
    lengths : ndarray of int64, shape (leads,)
    sums : ndarray of float32, shape (leads, 5, m + 1)
        Sums over the time, at the rate of the marks: of what is P, QRS and T, of what is known at all, and
        of where it is only known that there is no P. A difference of two is the share of a stretch.
    fs : float
        Rate of the marks in Hz.
    lead, peak_s : ndarray, shape (beats,)
        The lead and the place in seconds of each marked QRS.
    tp_s : ndarray of float64, shape (beats, 2, 2)
        Begin and end of the TP segment before a beat and of that behind it (from the end of a T wave to the
        onset of the next P wave), in seconds from its peak. Both are 0 where the marks do not show it.
    records : tuple of str
        Person of each lead.
    """

    signals: Floats
    lengths: Indices
    sums: Floats
    fs: float
    lead: Indices
    peak_s: npt.NDArray[np.float64]
    tp_s: npt.NDArray[np.float64]
    records: tuple[str, ...]

    def joined(self, other: Marked) -> Marked:
        """These leads and then others, of the same length and rate of marks."""
        return Marked(
            signals=np.concatenate([self.signals, other.signals]),
            lengths=np.concatenate([self.lengths, other.lengths]),
            sums=np.concatenate([self.sums, other.sums]),
            fs=self.fs,
            lead=np.concatenate([self.lead, len(self.signals) + other.lead]),
            peak_s=np.concatenate([self.peak_s, other.peak_s]),
            tp_s=np.concatenate([self.tp_s, other.tp_s]),
            records=(*self.records, *other.records),
        )

    def __len__(self) -> int:
        return len(self.lead)


def folds(records: Iterable[Record]) -> dict[str, int]:
    """Fold of each person of LUDB."""
    fold = DATASETS["ludb"].split.fold
    assert fold is not None
    return {record.id: fold(record) for record in records}


def gathered(records: Sequence[Record]) -> Marked:
    """Filter and label all leads of some people."""
    leads = [(record, name) for record in records for name in record.leads if record.waves[name]]
    signals = [prepare.filtered(record.lead(name), record.fs, RATE) for record, name in leads]
    longest, marked = max(map(len, signals)), max(record.n_samples for record in records)
    beats = [
        (i, wave.peak / record.fs, _tp_segments(record.waves[name], at, record.fs))
        for i, (record, name) in enumerate(leads)
        for at, wave in enumerate(record.waves[name])
        if wave.kind == "QRS"
    ]
    return Marked(
        signals=np.stack([np.pad(x, (0, longest - len(x)), mode="edge") for x in signals]),
        lengths=np.array([len(x) for x in signals], np.int64),
        sums=np.stack([_sums(record.waves[name], marked, record.fs) for record, name in leads]),
        fs=records[0].fs,
        lead=np.array([i for i, _, _ in beats], np.int64),
        peak_s=np.array([at for _, at, _ in beats]),
        tp_s=np.array([tp for _, _, tp in beats]),
        records=tuple(record.id for record, _ in leads),
    )


def fibrillation(like: Marked, limit: int | None = None) -> Marked:
    """Leads I and II of PTB-XL, folds 1 to 8, with atrial fibrillation; no wave of them is marked.

    LUDB has 13 people with it. The R peaks are those that the detector finds.
    """
    people = [r for r in DATASETS["ptb-xl"].read(None) if "AFIB" in r.statements and (r.fold or 10) <= 8]
    leads = [(record, name) for record in people[:limit] for name in ("I", "II")]
    n = like.signals.shape[1]
    signals = [np.resize(prepare.filtered(r.lead(name), r.fs, RATE), n) for r, name in leads]
    peaks_s = [[beat.position / FS for beat in find_beats(x[::2])] for x in signals]
    sums = np.zeros((len(leads), *like.sums.shape[1:]), np.float32)
    sums[:, 4] = np.arange(sums.shape[2])
    counts = [len(peaks) for peaks in peaks_s]
    return Marked(
        signals=np.stack(signals),
        lengths=np.full(len(leads), n, np.int64),
        sums=sums,
        fs=like.fs,
        lead=np.repeat(np.arange(len(leads)), counts),
        peak_s=np.concatenate([np.array(peaks) for peaks in peaks_s]),
        tp_s=np.zeros((sum(counts), 2, 2)),
        records=tuple(f"ptb-xl/{record.id}" for record, _ in leads),
    )


def _sums(waves: Sequence[Wave], n: int, fs: float) -> Floats:
    is_, margin, doubt = np.zeros((5, n + 1), np.float32), round(KNOWN_S * fs), round(DOUBT_S * fs)
    known = is_[3]
    known[1 + max(0, _first(waves[0]) - margin) : 1 + _last(waves[-1]) + margin] = 1
    for wave in waves:
        is_[WAVES.index(wave.kind), 1 + _first(wave) : 1 + _last(wave)] = 1
        if wave.onset is None:
            known[1 + max(0, wave.peak - doubt) : 1 + wave.peak] = 0
        if wave.end is None:
            known[1 + wave.peak : 1 + wave.peak + doubt] = 0
    return np.cumsum(is_, axis=1)


def _tp_segments(waves: Sequence[Wave], at: int, fs: float) -> list[list[float]]:
    """TP segments before and behind the QRS at place ``at`` of the waves of a lead."""
    kinds = [wave.kind for wave in waves]
    before = kinds[max(0, at - 2) : at + 1] == ["T", "P", "QRS"]
    behind = kinds[at : at + 3] == ["QRS", "T", "P"]
    peak = waves[at].peak
    return [
        _tp(waves[at - 2], waves[at - 1], peak, fs) if before else [0.0, 0.0],
        _tp(waves[at + 1], waves[at + 2], peak, fs) if behind else [0.0, 0.0],
    ]


def _tp(t: Wave, p: Wave, peak: int, fs: float) -> list[float]:
    if t.end is None or p.onset is None or p.onset <= t.end:
        return [0.0, 0.0]
    return [(t.end - peak) / fs, (p.onset - peak) / fs]


def _first(wave: Wave) -> int:
    return wave.peak if wave.onset is None else wave.onset


def _last(wave: Wave) -> int:
    return wave.peak if wave.end is None else wave.end
