"""How well are beats found and named, beside what a user would pick instead?

Found: MIT-BIH, first lead, clean and with NSTDB noise, by the rules of EC57 (nothing counts in the first five
minutes or in ventricular flutter), within four tolerances. Every detector gets the same signals and is scored
by the same code. ``ecgedge.detect_beats`` is the streaming path, which settles a beat seconds after it; the
others see the whole recording.

DS2, de Chazal's inter-patient test records, comes first: our detector was trained on DS1. Record 201 of DS1
is of the same person as 202 of DS2, so DS2 is shown without 202 too. What the others were made with is not
known. The noise, in minutes four to ten of each DS2 record, is the second half of NSTDB's first lead, with
which nothing was trained or chosen; our detector was trained with the second lead, recorded at the same time.

Named: ``ecgedge.classify_beats`` on DS2, by EC57, gross and over the records. None of the other packages
names beats ventricular or supraventricular: NeuroKit2 marks intervals as ectopic to correct them, no more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.not_measured import at_hand, or_skipped, skipped
from benchmarks.harness.signals import Signal
from benchmarks.rivals import ask
from benchmarks.rivals.ask import Named
from ecgedge import classify_beats, detect_beats
from ecgedge_export import data, prepare
from ecgedge_export.beat_classes import scores as classes
from ecgedge_export.beats.scores import Counts, compare, condition, counted, pairs
from ecgedge_export.data import Record
from ecgedge_export.splits import DS2

OURS = ask.DETECT_BEATS
FS = 360.0
# EC57 asks for 150 ms; the others tell how well a beat is placed, which HRV lives on.
TOLERANCES_S = (0.15, 0.1, 0.05, 0.025)
# Electrode motion and muscle noise look like beats; baseline wander is no test for a detector (docs).
NOISES = ("em:6", "em:0", "ma:6", "ma:0")
NOISY_S = (240.0, 600.0)  # a minute to settle, then the five that count
QUICK, QUICK_S = ("100", "200"), 600.0  # sinus rhythm, and ventricular beats
CLEAN = "none"
# Record 201 trained the detector, and is of the same person as 202
SETS: dict[str, Callable[[str], bool]] = {
    "DS2": lambda record_id: record_id in DS2,
    "DS2 without 202": lambda record_id: record_id in DS2 and record_id != "202",
    "all": lambda record_id: True,
}
TRAINED_ON = "MIT-BIH DS1, both leads, and CinC 2017 training recordings; noise: the second lead of NSTDB"

Found = Mapping[str, Sequence[int]]  # positions by the name of a case


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A signal to find beats in, the record that knows them, and its sample at which the signal begins."""

    record: Record
    noise: str
    mv: Signal
    begin: int = 0

    @property
    def name(self) -> str:
        """Name of its file."""
        return f"{self.record.id} {self.noise}"

    def on_record(self, found: Found, late: int = 0) -> np.ndarray:
        """Positions by the record's clock, those that are always so many samples late put right."""
        return np.asarray(found[self.name], np.int64) + (self.begin - late)


# Signals


def clean(record_ids: Sequence[str] | None, seconds: float | None = None) -> list[Case]:
    """Records from their start on, whole or the first seconds of them."""
    end = round(seconds * FS) if seconds else None
    return [Case(_until(end, record), CLEAN, record.mv[:end]) for record in data.mitdb(record_ids)]


def noisy(record_ids: Sequence[str], kind: str, snr_db: float) -> list[Case]:
    """Minutes four to ten with noise, at a ratio of the powers over all of them."""
    noise, name = prepare.held_out_noise(FS)[kind], f"{kind} {snr_db:g} dB"
    begin, end = (round(s * FS) for s in NOISY_S)
    return [
        Case(_until(end, record), name, prepare.mix(record.mv[begin:end], noise, snr_db), begin)
        for record in data.mitdb(record_ids)
    ]


def _until(end: int | None, record: Record) -> Record:
    """The record with the beats before a sample only."""
    keep = record.beats < (end or record.n_samples)
    return replace(record, beats=record.beats[keep], symbols=record.symbols[keep])


# Detectors


def ours(cases: Sequence[Case]) -> dict[str, Any]:
    """Ours on every signal, as ``find`` in ``rivals/tasks.py`` has it."""
    begun = time.process_time()
    found = {case.name: detect_beats(case.mv, FS).tolist() for case in cases}
    hours = sum(len(case.mv) for case in cases) / FS / 3600
    return {"found": found, "failed": {}, "cpu_s_per_h": (time.process_time() - begun) / hours}


def theirs(named: Named, folder: Path) -> Any:
    """Another detector on the signals in a folder."""
    return ask.ask("find", named.rival, named.call, folder, FS)


def everybody(cases: Sequence[Case]) -> dict[str, Any]:
    """What every detector found, or why it could not be asked."""
    with TemporaryDirectory() as folder:
        for case in cases:
            np.save(Path(folder) / f"{case.name}.npy", case.mv)
        others = {named.call: or_skipped(theirs, named, Path(folder)) for named in ask.calls("beats")}
    return {OURS: ours(cases), **others}


# Scores


def scores(cases: Sequence[Case], found: Found, late: int = 0) -> dict[str, dict[str, float]]:
    """Sensitivity, positive predictivity and F1 in %, gross, within each tolerance."""
    out = {}
    for tolerance in TOLERANCES_S:
        each = (compare(case.record, case.on_record(found, late), tolerance, ec57=True) for case in cases)
        out[f"{1e3 * tolerance:.0f} ms"] = sum(each, Counts()).as_percent()
    return out


def lateness(cases: Sequence[Case], found: Found) -> np.ndarray:
    """Samples from each beat to where it was found, of those found within the first tolerance."""
    gaps = []
    for case in cases:
        at, true = case.on_record(found), case.record.beats
        matched = pairs(true, at, TOLERANCES_S[0] * FS, nearest=True)
        gaps += [int(at[j]) - int(true[i]) for i, j in matched]
    return np.array(gaps)


def placed(cases: Sequence[Case], found: Found) -> dict[str, Any]:
    """How late beats are placed, in ms, and the scores without the delay that they have in common.

    The delay is taken from these very records: it flatters, but a user could take it off too.
    """
    gaps = lateness(cases, found)
    if not len(gaps):
        return {}
    low, middle, high = np.percentile(gaps, (5, 50, 95))
    ms = {"p5": low, "p50": middle, "p95": high}
    without = scores(cases, found, round(middle))
    return {"late_ms": {q: round(1e3 * x / FS, 1) for q, x in ms.items()}, "without_delay": without}


def scored(cases: Sequence[Case], answers: Mapping[str, Any], place: bool) -> dict[str, Any]:
    """Scores of every detector, or why there are none; with how many signals it failed on."""
    rows = {}
    for name, row in answers.items():
        if skipped(row):
            rows[name] = row
            continue
        rows[name] = scores(cases, row["found"])
        rows[name] |= placed(cases, row["found"]) if place else {}
        rows[name] |= {"failed": sum(case.name in row["failed"] for case in cases)}
    return rows


def extent(cases: Sequence[Case]) -> dict[str, int]:
    """How much is scored."""
    beats = sum(int(counted(case.record, case.record.beats).sum()) for case in cases)
    return {"records": len(cases), "beats": beats}


# Parts of the report


def finding(quick: bool) -> dict[str, Any]:
    """Beats found: by noise, by set, by detector."""
    ids = QUICK if quick else DS2
    by_noise = {CLEAN: at_hand("mitdb", clean, *((QUICK, QUICK_S) if quick else (None,)))}
    for kind, snr_db in map(condition, NOISES[:1] if quick else NOISES):
        by_noise[f"{kind} {snr_db:g} dB"] = or_skipped(at_hand, "nstdb", noisy, ids, kind, snr_db)
    made = {noise: cases for noise, cases in by_noise.items() if not skipped(cases)}
    answers = everybody([case for cases in made.values() for case in cases])
    return {
        "by_noise": by_noise | {noise: dict(by_set(cases, answers)) for noise, cases in made.items()},
        "cpu_s_per_h": {name: row.get("cpu_s_per_h") for name, row in answers.items()},
        "failed": {name: row["failed"] for name, row in answers.items() if row.get("failed")},
    }


def by_set(cases: Sequence[Case], answers: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Scores by set; with noise, of which only DS2 gets some, that set alone."""
    for name, holds in SETS.items():
        chosen = [case for case in cases if holds(case.record.id)]
        place = name == "DS2" and cases[0].noise == CLEAN
        if name == "DS2" or cases[0].noise == CLEAN:
            yield name, {**extent(chosen), "detectors": scored(chosen, answers, place)}


def naming(quick: bool) -> dict[str, Any]:
    """Beats named, DS2."""
    ids = QUICK if quick else DS2
    found = at_hand("mitdb", lambda: classes.report(classes.classify_records(classify_beats, ids)))
    return {**found, "spread": {name: spread(found["by_record"], name) for name in classes.ECTOPIC}}


def spread(by_record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Minimum, quartiles and maximum over the records that have such beats at all."""
    rows = [row[name] for row in by_record.values() if row[name]["beats"]]
    figures = {
        what: [round(float(np.percentile([row[what] for row in rows], q)), 2) for q in (0, 25, 50, 75, 100)]
        for what in ("Se", "P+", "F1")
        if rows
    }
    return {"records": len(rows), **figures}


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    return {
        "trained_on": TRAINED_ON,
        "streaming": {OURS: True, **{named.call: False for named in ask.calls("beats")}},
        "found": or_skipped(finding, quick),
        "named": or_skipped(naming, quick),
        "rivals": ask.versions(),
    }


def show(found: Mapping[str, Any]) -> None:
    """Print the F1 of every detector, and how well beats are named."""
    for noise, sets in found["found"].get("by_noise", {}).items():
        if skipped(sets):
            print(f"noise {noise}: {sets['skipped']}")
            continue
        for name, row in sets.items():
            print(f"noise {noise}, {name}: {row['records']} records, {row['beats']} beats; Se, P+, F1s in %")
            for detector, figures in row["detectors"].items():
                print(f"  {detector:40}" + (figures["skipped"] if skipped(figures) else columns(figures)))
    for part in ("found", "named"):
        if skipped(found[part]):
            print(f"{part}: {found[part]['skipped']}")
    for name, row in found["named"].get("gross", {}).items():
        print(f"named, DS2, {name}: {row}; over records {found['named']['spread'][name]}")


def columns(figures: Mapping[str, Any]) -> str:
    """Se and P+ within the widest tolerance, F1 within each."""
    widest, *_ = within = [figures[f"{1e3 * t:.0f} ms"] for t in TOLERANCES_S]
    return "".join(f"{x:8.2f}" for x in (widest["Se"], widest["P+"], *(row["F1"] for row in within)))


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "beats", measure, show, arguments)
