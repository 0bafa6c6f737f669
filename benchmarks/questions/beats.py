"""How well are beats found and named, beside what a user would pick instead?

Found: MIT-BIH, first lead, clean and with NSTDB noise, by the rules of EC57 (nothing counts in the first five
minutes or in ventricular flutter), within four tolerances. Every detector gets the same signals and is judged
by the same scorer. ``ecgedge.detect_beats`` is the streaming path, which settles a beat seconds after it; the
others see the whole recording.

DS2, de Chazal's inter-patient test records, comes first: our detector was trained on DS1. Record 201 of DS1
is of the same person as 202 of DS2, so DS2 is shown without 202 too. What the others were made with is not
known. The noise, in minutes four to ten of each DS2 record, is the second half of NSTDB's first lead, with
which nothing was trained or chosen; our detector was trained with the second lead, recorded at the same time.

Named: ``ecgedge.classify_beats`` on DS2, by EC57, gross and over the records. None of the other packages
names beats ventricular or supraventricular: NeuroKit2 marks intervals as ectopic to correct them, no more.

Run ``python benchmarks/beats.py``; it prints what it found and writes ``results/beats.json``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.harness import common
from benchmarks.harness.common import NotMeasuredError, Signal, or_skipped
from benchmarks.rivals.beats import DETECTORS
from ecgedge import classify_beats, detect_beats
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data, prepare
from ecgedge_export.beat_classes import scores as classes
from ecgedge_export.beats.scores import Counts, compare, condition, counted, pairs
from ecgedge_export.data import Record
from ecgedge_export.splits import DS2

OURS = "ecgedge detect_beats"
FS = 360.0
TOLERANCES_S = (0.15, 0.1, 0.05, 0.025)
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
    """Records from their start on, whole if it is not said how much of them."""
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


def at_hand(work: Callable[..., Any], *arguments: Any) -> Any:
    """What the work returns.

    Raises
    ------
    NotMeasuredError
        A data set is not at hand.
    """
    try:
        return work(*arguments)
    except ConfigError as error:
        raise NotMeasuredError(common.last_line(str(error))) from error


# Detectors


def ours(cases: Sequence[Case]) -> dict[str, Any]:
    """Ours on every signal, as ``rival_beats.find`` has it."""
    begun = time.process_time()
    found = {case.name: detect_beats(case.mv, FS).tolist() for case in cases}
    hours = sum(len(case.mv) for case in cases) / FS / 3600
    return {"found": found, "failed": {}, "cpu_s_per_h": (time.process_time() - begun) / hours}


def theirs(name: str, folder: Path) -> Any:
    """Another package on the signals in a folder."""
    python = common.rival_python()
    return common.child("rival_beats.py", "find", name, folder, FS, python=python, ours=False)


def everybody(cases: Sequence[Case]) -> dict[str, Any]:
    """What every detector found, or why it could not be asked."""
    with TemporaryDirectory() as folder:
        for case in cases:
            np.save(Path(folder) / f"{case.name}.npy", case.mv)
        rivals = {name: or_skipped(theirs, name, Path(folder)) for name in DETECTORS}
    return {OURS: ours(cases), **rivals}


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


def judged(cases: Sequence[Case], said: Mapping[str, Any], place: bool) -> dict[str, Any]:
    """Scores of every detector, or why there are none; a detector that failed on a signal says how often."""
    rows = {}
    for name, row in said.items():
        if "skipped" in row:
            rows[name] = row
            continue
        rows[name] = scores(cases, row["found"])
        rows[name] |= placed(cases, row["found"]) if place else {}
        rows[name] |= {"failed": sum(case.name in row["failed"] for case in cases)}
    return rows


def extent(cases: Sequence[Case]) -> dict[str, int]:
    """How much is judged."""
    beats = sum(int(counted(case.record, case.record.beats).sum()) for case in cases)
    return {"records": len(cases), "beats": beats}


# Parts of the report


def finding(quick: bool) -> dict[str, Any]:
    """Beats found: by noise, by set, by detector."""
    ids = QUICK if quick else DS2
    by_noise = {CLEAN: at_hand(clean, *((QUICK, QUICK_S) if quick else (None,)))}
    for kind, snr_db in map(condition, NOISES[:1] if quick else NOISES):
        by_noise[f"{kind} {snr_db:g} dB"] = or_skipped(at_hand, noisy, ids, kind, snr_db)
    there = {noise: cases for noise, cases in by_noise.items() if isinstance(cases, list)}
    said = everybody([case for cases in there.values() for case in cases])
    judgements = {noise: dict(by_set(cases, said)) for noise, cases in there.items()}
    return {
        "by_noise": {noise: judgements.get(noise, cases) for noise, cases in by_noise.items()},
        "cpu_s_per_h": {name: row.get("cpu_s_per_h") for name, row in said.items()},
        "failed": {name: row["failed"] for name, row in said.items() if row.get("failed")},
    }


def by_set(cases: Sequence[Case], said: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Judgements by set; with noise, of which only DS2 gets some, that set alone."""
    for name, holds in SETS.items():
        chosen = [case for case in cases if holds(case.record.id)]
        place = name == "DS2" and cases[0].noise == CLEAN
        if name == "DS2" or cases[0].noise == CLEAN:
            yield name, {**extent(chosen), "detectors": judged(chosen, said, place)}


def naming(quick: bool) -> dict[str, Any]:
    """Beats named, DS2."""
    ids = QUICK if quick else DS2
    found = at_hand(lambda: classes.report(classes.classify_records(classify_beats, ids)))
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
        "streaming": {OURS: True, **dict.fromkeys(DETECTORS, False)},
        "found": or_skipped(finding, quick),
        "named": or_skipped(naming, quick),
        "rivals": or_skipped(common.rival, "versions"),
    }


def show(found: Mapping[str, Any]) -> None:
    """Print the F1 of every detector, and how well beats are named."""
    for noise, sets in found["found"].get("by_noise", {}).items():
        if "skipped" in sets:
            print(f"noise {noise}: {sets['skipped']}")
            continue
        for name, row in sets.items():
            print(f"noise {noise}, {name}: {row['records']} records, {row['beats']} beats; Se, P+, F1s in %")
            for detector, figures in row["detectors"].items():
                print(f"  {detector:40}" + (figures.get("skipped") or _shown(figures)))
    for part in ("found", "named"):
        if "skipped" in found[part]:
            print(f"{part}: {found[part]['skipped']}")
    for name, row in found["named"].get("gross", {}).items():
        print(f"named, DS2, {name}: {row}; over records {found['named']['spread'][name]}")


def _shown(figures: Mapping[str, Any]) -> str:
    widest, *_ = within = [figures[f"{1e3 * t:.0f} ms"] for t in TOLERANCES_S]
    return "".join(f"{x:8.2f}" for x in (widest["Se"], widest["P+"], *(row["F1"] for row in within)))


if __name__ == "__main__":
    sys.exit(common.main(__doc__, "beats", measure, show))
