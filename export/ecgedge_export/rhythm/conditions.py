"""One rhythm model under many conditions: other rates, polarity, noise, short recordings, other people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from ecgedge.rhythm.model import RhythmModel
from ecgedge_export import data, prepare
from ecgedge_export.data import Record
from ecgedge_export.rhythm import scores as evaluate
from ecgedge_export.rhythm.scores import Answers, Recording

Signal = npt.NDArray[np.float32]
# Of wearables (Movesense 125, Polar 130, HealthyPi 250) and of data sets (PTB-XL 100 and 500, MIT-BIH 360).
RATES = (100, 125, 130, 250, 360, 500)
# In the middle of NSTDB's own ratios, which go from 24 dB (hardly to be seen) to -6 (no beat to be seen).
NOISE_SNR_DB = 12.0
SHORT_S = 10.0  # what a standard ECG lasts, and the shortest stretch that the model answers about
# Names with the share of a recording that the gate let through, from and up to.
QUALITY = (("all of it usable", 0.999, 2.0), ("half of it or more", 0.5, 0.999), ("less", -1.0, 0.5))
# In years; the last bound lies above the 90 that PTB-XL writes for everybody older.
AGES = (("under 50 years", 0.0, 50.0), ("50 to 69 years", 50.0, 70.0), ("70 years and older", 70.0, 200.0))


@dataclass(frozen=True, slots=True)
class Changed:
    """What :func:`ecgedge_export.rhythm.scores.classify_records` reads of a record, changed."""

    id: str
    label: str
    mv: Signal
    fs: float


def at_rate(fs: float, record: Recording) -> Changed:
    """The recording as a wearable of another rate would send it."""
    mv = resample_poly(record.mv, round(fs), round(record.fs)).astype(np.float32)
    return Changed(record.id, record.label, mv, fs)


def upside_down(record: Recording) -> Changed:
    """The recording with the electrodes swapped."""
    return Changed(record.id, record.label, -record.mv, record.fs)


def shortened(record: Recording) -> Changed:
    """The first ten seconds."""
    return Changed(record.id, record.label, record.mv[: round(SHORT_S * record.fs)], record.fs)


def with_noise(noise: Signal, record: Recording, snr_db: float = NOISE_SNR_DB) -> Changed:
    """The recording with noise added."""
    return Changed(record.id, record.label, prepare.mix(record.mv, noise, snr_db), record.fs)


def conditions(fs: float) -> dict[str, Callable[[Recording], Changed]]:
    """Every condition by name, for recordings at ``fs`` Hz."""
    noises = prepare.held_out_noise(fs)
    return {
        **{f"{rate} Hz": partial(at_rate, rate) for rate in RATES},
        "upside down": upside_down,
        f"first {SHORT_S:g} s": shortened,
        **{f"NSTDB {kind}, {NOISE_SNR_DB:g} dB": partial(with_noise, x) for kind, x in noises.items()},
    }


def under_conditions(model: RhythmModel, records: Iterable[Record]) -> dict[str, dict[str, Any]]:
    """Rhythm of the same recordings under every condition."""
    every = list(records)
    found = {}
    for name, change in conditions(every[0].fs).items():
        report = evaluate.rhythm_report(
            evaluate.classify_records(map(change, every), model), model.manifest.classes
        )
        found[name] = {key: report[key] for key in ("records", "mean_f1_nao", "mean_f1_nao_95", "af")}
    return found


def by_quality(answers: Answers) -> dict[str, dict[str, Any]]:
    """Rhythm by the share of a recording that the gate let through."""
    found = {}
    for name, low, high in QUALITY:
        part = answers.only((answers.usable >= low) & (answers.usable < high))
        if part.ids:
            f1 = evaluate.mean_f1(part.truth, part.predicted)
            span = evaluate.mean_f1_interval(part.truth, part.predicted)
            found[name] = {
                "records": len(part.ids),
                "mean_f1_nao": round(f1, 4),
                "mean_f1_nao_95": [round(x, 4) for x in span],
                "af": evaluate.af_report(part),
            }
    return found


def ten_seconds(model: RhythmModel, folds: Sequence[int]) -> dict[str, Any]:
    """AF or not in ten seconds of other people: lead I of PTB-XL, some of its folds."""
    people = [r for r in data.ptbxl() if r.fold in folds]
    return evaluate.af_report(evaluate.classify_records(map(af_or_not, people), model))


def by_person(model: RhythmModel) -> dict[str, dict[str, Any]]:
    """AF or not by sex and age: lead I of PTB-XL, fold 9, which trained nothing; ten seconds each."""
    people = [r for r in data.ptbxl() if r.fold == 9]
    answers = evaluate.classify_records(map(af_or_not, people), model)
    groups = dict(_groups(people))
    return {
        name: {"records": int(who.sum()), "af": evaluate.af_report(answers.only(who))}
        for name, who in groups.items()
        if who.any()
    }


def af_or_not(record: Record, lead: str = "I") -> Changed:
    """One lead of a PTB-XL recording, labelled A where its cardiologists wrote AFIB, else N."""
    return Changed(record.id, "A" if "AFIB" in record.statements else "N", record.lead(lead), record.fs)


def _groups(people: list[Record]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    yield "everybody", np.ones(len(people), np.bool_)
    for name, sex in (("women", "F"), ("men", "M")):
        yield name, np.array([r.sex == sex for r in people])
    for name, low, high in AGES:
        yield name, np.array([r.age is not None and low <= r.age < high for r in people])
