"""How well is the rhythm named, what do INT8 and the gate cost, and how far do simple features come?

The validation split of CinC 2017 through ``ecgedge.classify``: INT8 and its float parent, with the gate and
without; how F1 grows where less is answered; AF or not beside the irregularity of the RR intervals, fitted on
a part of the training split, and beside OpenECG in the rivals' environment. The same split chose temperature
and limits of the model, so these are validation figures; nothing is chosen here.

Run ``python benchmarks/rhythm.py``; it prints what it found and writes ``results/rhythm.json``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from benchmarks.harness import common, recordings
from benchmarks.harness.common import NotMeasuredError, or_skipped
from benchmarks.questions.rhythm import irregularity
from benchmarks.questions.rhythm.irregularity import Array, Flags
from ecgedge import Models, detect_beats
from ecgedge.artefacts.backends.onnx import open_model
from ecgedge.rhythm.model import RhythmModel
from ecgedge_export import splits
from ecgedge_export.data import Record
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.rhythm import conditions, scores
from ecgedge_export.rhythm.scores import Answers

LIMITS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
TRAIN_PERCENT, NETWORK_PERCENT = 33, 20  # OpenECG's network takes a third of a second for a recording
OPENECG_FS = 500.0


def ungated(models: Models) -> Models:
    """Models with a gate that refuses nothing but a flat line."""
    return replace(models, gate=replace(models.gate, threshold=0.0))


@dataclass(frozen=True)
class Said:
    """What an arm said, and of which recordings it was sure."""

    answers: Answers
    conclusive: Flags

    @property
    def confidence(self) -> Array:
        """Probability of the best of N, A, O; -1 where none was named."""
        best = self.answers.probabilities[:, :3].max(axis=1)
        return np.where(recordings.named(self.answers.said), best, -1.0)


def parent(bundled: RhythmModel) -> RhythmModel:
    """The float network that the bundled one was made of, behind the same manifest.

    Raises
    ------
    NotMeasuredError
        It is not in the training cache, or is another one's parent.
    """
    path = common.cache_dir() / "runs" / "rhythm" / "parent.onnx"
    if not path.is_file():
        raise NotMeasuredError("the training cache has no float network: ecgedge-export train makes it")
    artefact = describe_file(path)
    if artefact.input.shape != (1, 1, bundled.manifest.n_samples):
        raise NotMeasuredError("the float network in the training cache is not the bundled one's parent")
    return RhythmModel(bundled.manifest, open_model(path.read_bytes(), artefact))


def ask(records: Sequence[Record], models: Models) -> Said:
    """Name every recording."""
    rows = list(recordings.each(records, models))
    return Said(scores.collect(rows), np.array([c.conclusive for _, c in rows], np.bool_))


def arms(records: Sequence[Record]) -> dict[str, Any]:
    """What INT8 and float say, each with the gate and without; or why not."""
    bundled = Models.load("litert")
    made: dict[str, Callable[[], Models]] = {
        "INT8": lambda: bundled,
        "float": lambda: replace(bundled, rhythm=parent(bundled.rhythm)),
    }
    found: dict[str, Any] = {}
    for name, make in made.items():
        found[f"{name}, gate"] = or_skipped(lambda m=make: ask(records, m()))
        found[f"{name}, no gate"] = or_skipped(lambda m=make: ask(records, ungated(m())))
    return found


# F1


def report(said: Said) -> dict[str, Any]:
    """F1 of all, where what is not named is wrong, and of those that are named."""
    keep = recordings.named(said.answers.said)
    return {
        **scores.rhythm_report(said.answers, "NAO~"),
        "named": round(float(keep.mean()), 4),
        "of_named": recordings.f1(said.answers.only(keep)),
    }


def costs(found: dict[str, Any]) -> dict[str, Any]:
    """Points of mean F1 that one arm has over another, with their interval, paired by recording."""
    pairs = {
        "float over INT8": ("float, gate", "INT8, gate"),
        "float over INT8, no gate": ("float, no gate", "INT8, no gate"),
        "no gate over gate": ("INT8, no gate", "INT8, gate"),
    }
    return {name: or_skipped(_gain, found[a], found[b]) for name, (a, b) in pairs.items()}


def _gain(ours: Any, theirs: Any) -> dict[str, Any]:
    for arm in (ours, theirs):
        if isinstance(arm, dict):
            raise NotMeasuredError(arm["skipped"])
    a, b = ours.answers, theirs.answers
    gain, low, high = scores.mean_f1_gain(a.truth, [a.said], [b.said])
    return {
        "points": round(100 * gain, 2),
        "points_95": [round(100 * low, 2), round(100 * high, 2)],
        "same_label": round(scores.agreement(a, b), 4),
    }


def curve(said: Said) -> list[dict[str, Any]]:
    """F1, and AF or not, of the recordings that are answered, by the lowest probability that is an answer."""
    rows = [{"limit": limit, **_answered(said, said.confidence >= limit)} for limit in LIMITS]
    return [*rows, {"limit": "conclusive", **_answered(said, said.conclusive)}]


def _answered(said: Said, keep: Flags) -> dict[str, Any]:
    part = said.answers.only(keep)
    truth, called = (np.array(x) == "A" for x in (part.truth, part.said))
    rest = np.where(keep, said.answers.said, "~").tolist()
    return {
        "coverage": round(float(keep.mean()), 4),
        "mean_f1_of_all": round(scores.mean_f1(said.answers.truth, rest), 4),
        **recordings.f1(part),
        "AF": binary(truth, called),
    }


# AF or not


def binary(truth: Flags, called: Flags) -> dict[str, Any]:
    """Sensitivity, specificity, predictive value and F1 (with its interval) of what is called AF."""
    hits = int((truth & called).sum())
    low, high = scores.interval(len(truth), lambda i: _f1_of(truth[i], called[i]))
    return {
        "records": len(truth),
        "with_af": int(truth.sum()),
        "Se": round(hits / max(1, int(truth.sum())), 4),
        "Sp": round(float((~truth & ~called).sum() / max(1, int((~truth).sum()))), 4),
        "P+": round(hits / max(1, int(called.sum())), 4),
        "f1": round(_f1_of(truth, called), 4),
        "f1_95": [round(low, 4), round(high, 4)],
    }


def _f1_of(truth: Flags, called: Flags) -> float:
    return float(2 * (truth & called).sum() / max(1, truth.sum() + called.sum()))


def auroc(truth: Flags, score: npt.ArrayLike) -> float:
    """Chance that a recording with AF has a higher score than one without; no number is the lowest score."""
    ranks, n = rankdata(np.nan_to_num(np.asarray(score), nan=-np.inf)), int(truth.sum())
    return float((ranks[truth].sum() - n * (n + 1) / 2) / max(1, n * (len(truth) - n)))


def lead(truth: Flags, ours: Flags, theirs: Flags) -> dict[str, Any]:
    """How much higher our F1 of AF is, with its interval, paired by recording."""

    def measure(i: npt.NDArray[np.int64]) -> float:
        return _f1_of(truth[i], ours[i]) - _f1_of(truth[i], theirs[i])

    low, high = scores.interval(len(truth), measure)
    gained = measure(np.arange(len(truth)))
    return {"f1": round(gained, 4), "f1_95": [round(low, 4), round(high, 4)]}


def of_beats(records: Sequence[Record]) -> tuple[Array, Flags]:
    """RR features of our own beats, and whether each recording is AF."""
    rows = [irregularity.features(detect_beats(r.mv, r.fs), r.fs) for r in records]
    return np.array(rows), np.array([r.label == "A" for r in records], np.bool_)


def simple(train: Sequence[Record], records: Sequence[Record], ours: Flags) -> dict[str, Any]:
    """What the irregularity of the beats tells."""
    fitted = irregularity.fitted(*of_beats(train))
    x, truth = of_beats(records)
    return {
        name: {
            **binary(truth, detector(x)),
            "auroc": round(auroc(truth, detector.score(x)), 4),
            "limit": round(detector.limit, 4),
            "ours_over_it": lead(truth, ours, detector(x)),
        }
        for name, detector in fitted.items()
    }


def openecg(records: Sequence[Record], ours: Flags, part: Callable[[str], bool]) -> dict[str, Any]:
    """What OpenECG tells: its rule of all, its network of a part, and ours of that part.

    Raises
    ------
    NotMeasuredError
        There is none, or it failed.
    """
    order = sorted(range(len(records)), key=lambda i: not part(records[i].id))
    truth, ours = np.array([records[i].label == "A" for i in order], np.bool_), ours[order]
    few = sum(part(record.id) for record in records)
    said = _openecg([records[i] for i in order], few)
    called = {name: np.array(said[name], np.bool_) for name in ("rule", "rule_of_10_s", "network")}
    rows = {
        name: {
            **binary(truth[: len(flags)], flags),
            "ours_over_it": lead(truth[: len(flags)], ours[: len(flags)], flags),
        }
        for name, flags in called.items()
    }
    return {
        **rows,
        "ecgedge, what the network was given": binary(truth[:few], ours[:few]),
        "versions": said["versions"],
    }


def _openecg(records: Sequence[Record], few: int) -> dict[str, Any]:
    signals = [conditions.at_rate(OPENECG_FS, record).mv for record in records]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "signals.npz"
        np.savez(path, signal=np.concatenate(signals), length=[len(mv) for mv in signals])
        arguments = ("openecg", path, round(OPENECG_FS), few)
        python = common.rival_python()
        said: dict[str, Any] = common.child("rivals_of_rhythm.py", *arguments, python=python, ours=False)
    return said


# All of it


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    records = recordings.cinc2017(recordings.judging(), 30 if quick else None)
    learns = recordings.part(TRAIN_PERCENT)
    train = recordings.cinc2017(lambda i: not splits.is_validation(i) and learns(i), 80 if quick else None)
    found = arms(records)
    ours: Said = found["INT8, gate"]
    said, truth = (np.array(x) == "A" for x in (ours.answers.said, ours.answers.truth))
    few = recordings.part(NETWORK_PERCENT)
    return {
        "split": recordings.CINC2017,
        "split_sha256": splits.split_hash(ours.answers.ids),
        "arms": {name: arm if isinstance(arm, dict) else report(arm) for name, arm in found.items()},
        "costs": costs(found),
        "curve": {name: curve(found[name]) for name in ("INT8, gate", "INT8, no gate")},
        "AF": {
            "trained_on": f"{len(train)} recordings of the training split, {_below(TRAIN_PERCENT)}",
            "network_given": f"recordings of the validation split, {_below(NETWORK_PERCENT)}",
            "ecgedge, label A": binary(truth, said) | {"auroc": _our_auroc(ours, truth)},
            "ecgedge, Classification.af": scores.af_report(ours.answers),
            "rr": simple(train, records, said),
            "openecg": or_skipped(openecg, records, said, few),
        },
    }


def _below(percent: int) -> str:
    return f"sha256('bench-1:' id) modulo 100 below {percent}"


def _our_auroc(ours: Said, truth: Flags) -> float:
    return round(auroc(truth, ours.answers.probabilities[:, 1]), 4)


def show(found: dict[str, Any]) -> None:
    """Print it."""
    if "skipped" in found:
        print(found["skipped"])
        return
    for name, row in found["arms"].items():
        told = row.get("skipped") or f"{row['mean_f1_nao']:.3f} {row['mean_f1_nao_95']}, named {row['named']}"
        print(f"mean F1 of N, A, O; {name:16} {told}")
    for name, row in found["costs"].items():
        print(f"{name:30} {row}")
    for row in found["curve"]["INT8, gate"]:
        print(f"answers from {row['limit']!s:10} {row['coverage']:.3f} F1 {row['mean_f1_nao']} {row['AF']}")
    for name, row in {**found["AF"], **found["AF"]["rr"], **found["AF"]["openecg"]}.items():
        if isinstance(row, dict) and "Se" in row:
            print(f"AF: {name:30} {row}")
    print(found["AF"]["openecg"].get("skipped", ""))


if __name__ == "__main__":
    sys.exit(common.main(__doc__, "rhythm", lambda quick: or_skipped(measure, quick), show))
