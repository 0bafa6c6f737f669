"""AF or not: ecgedge, the irregularity of the RR intervals, and the rivals that detect it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from benchmarks import rivals
from benchmarks.harness import recordings
from benchmarks.harness.not_measured import or_skipped, skipped
from benchmarks.questions.rhythm import irregularity
from benchmarks.questions.rhythm.ablation import Outcome
from benchmarks.questions.rhythm.af_scores import auroc, binary, lead
from benchmarks.questions.rhythm.irregularity import Array, Flags
from benchmarks.rivals import ask
from ecgedge import detect_beats
from ecgedge_export import splits
from ecgedge_export.data import Record
from ecgedge_export.rhythm import conditions, scores

# A third of the training split fits three weights and two limits; a slow call is asked about a fifth.
TRAIN_PERCENT, SLOW_PERCENT = 33, 20
SAME_FEW = "ecgedge, what the network was given"


def measure(records: Sequence[Record], ours: Outcome, quick: bool) -> dict[str, Any]:
    """AF or not, by everybody; a key for each rival that detects it."""
    learns = recordings.part(TRAIN_PERCENT)
    train = recordings.cinc2017(lambda i: not splits.is_validation(i) and learns(i), 80 if quick else None)
    called, truth = (np.array(x) == "A" for x in (ours.answers.predicted, ours.answers.truth))
    our_auroc = round(auroc(truth, ours.answers.probabilities[:, 1]), 4)
    detecting = (name for name, rival in rivals.every().items() if rival.af())
    return {
        "trained_on": f"{len(train)} recordings of the training split, {below(TRAIN_PERCENT)}",
        "network_given": f"recordings of the validation split, {below(SLOW_PERCENT)}",
        "ecgedge, label A": binary(truth, called) | {"auroc": our_auroc},
        "ecgedge, Classification.af": scores.af_report(ours.answers),
        "rr": irregular(train, records, called),
        **{name: or_skipped(rival, name, records, called) for name in detecting},
    }


def below(percent: int) -> str:
    """How a part is chosen, for a reader."""
    return f"sha256('bench-1:' id) modulo 100 below {percent}"


class RrFeatures(NamedTuple):
    """RR features of our own beats, a row for each recording, and whether each is AF."""

    x: Array
    truth: Flags


def rr_features(records: Sequence[Record]) -> RrFeatures:
    """Find the beats of every recording, and describe their intervals."""
    rows = [irregularity.features(detect_beats(r.mv, r.fs), r.fs) for r in records]
    return RrFeatures(np.array(rows), np.array([r.label == "A" for r in records], np.bool_))


def irregular(train: Sequence[Record], records: Sequence[Record], ours: Flags) -> dict[str, Any]:
    """AF by the irregularity of the beats alone."""
    fitted = irregularity.fitted(*rr_features(train))
    x, truth = rr_features(records)
    return {
        name: {
            **binary(truth, detector(x)),
            "auroc": round(auroc(truth, detector.score(x)), 4),
            "limit": round(detector.limit, 4),
            "ours_over_it": lead(truth, ours, detector(x)),
        }
        for name, detector in fitted.items()
    }


def rival(name: str, records: Sequence[Record], ours: Flags) -> dict[str, Any]:
    """AF by a rival: its slow calls of a part of the recordings, and ours of that part.

    Raises
    ------
    NotMeasuredError
        There is none, or it failed.
    """
    part, asked = recordings.part(SLOW_PERCENT), rivals.get(name)
    order = sorted(range(len(records)), key=lambda i: not part(records[i].id))  # the part comes first
    records, ours = [records[i] for i in order], ours[order]
    truth = np.array([record.label == "A" for record in records], np.bool_)
    few = sum(part(record.id) for record in records)
    rows = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "signals.npz"
        fs = asked.af_fs or records[0].fs
        signals = [conditions.at_rate(fs, record).mv for record in records]
        np.savez(path, signal=np.concatenate(signals), length=[len(mv) for mv in signals])
        for call in asked.af():
            n = few if call in asked.slow else len(records)
            flags = np.array(ask.ask("af", name, call, path, fs, n), np.bool_)
            over = lead(truth[:n], ours[:n], flags)
            rows[call] = {**binary(truth[:n], flags), "ours_over_it": over}
    same_few = {SAME_FEW: binary(truth[:few], ours[:few])} if asked.slow else {}
    return {**rows, **same_few, "versions": ask.ask("versions", name)}


def show(found: dict[str, Any]) -> None:
    """Print sensitivity, specificity and F1 of everybody."""
    parts = [found["rr"], *(found[name] for name in rivals.names() if name in found)]
    for part in (found, *parts):
        for name, row in part.items():
            if isinstance(row, dict) and "Se" in row:
                print(f"AF: {name:30} {row}")
        if skipped(part):
            print(part["skipped"])
