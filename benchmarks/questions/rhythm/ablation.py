"""INT8 and its float parent, each with the gate and without; F1 of all, of those named, and by coverage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.harness import recordings
from benchmarks.harness.machine import trained
from benchmarks.harness.not_measured import NotMeasuredError, or_skipped, skipped
from benchmarks.questions.rhythm.af_scores import binary
from benchmarks.questions.rhythm.irregularity import Array, Flags
from ecgedge import Models
from ecgedge.artefacts.backends.onnx import open_model
from ecgedge.rhythm.model import RhythmModel
from ecgedge_export.data import Record
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.rhythm import scores
from ecgedge_export.rhythm.scores import Answers

# The lowest probability that counts as an answer, for the curve
LIMITS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def ungated(models: Models) -> Models:
    """Models with a gate that refuses nothing but a flat line."""
    return replace(models, gate=replace(models.gate, threshold=0.0))


@dataclass(frozen=True)
class Outcome:
    """The answers of one variant, and of which recordings it was sure."""

    answers: Answers
    conclusive: Flags

    @property
    def confidence(self) -> Array:
        """Probability of the best of N, A, O; -1 where none was named."""
        best = self.answers.probabilities[:, :3].max(axis=1)
        return np.where(recordings.named(self.answers.predicted), best, -1.0)


def parent(bundled: RhythmModel) -> RhythmModel:
    """The float network that the bundled one was made of, behind the same manifest.

    Raises
    ------
    NotMeasuredError
        It is not in the training cache, or is another one's parent.
    """
    path = trained("rhythm", "parent.onnx")
    artefact = describe_file(path)
    if artefact.input.shape != (1, 1, bundled.manifest.n_samples):
        raise NotMeasuredError("the float network in the training cache is not the bundled one's parent")
    return RhythmModel(bundled.manifest, open_model(path.read_bytes(), artefact))


def name_all(records: Sequence[Record], models: Models) -> Outcome:
    """Name every recording."""
    rows = list(recordings.each(records, models))
    return Outcome(scores.collect(rows), np.array([c.conclusive for _, c in rows], np.bool_))


def outcomes(records: Sequence[Record]) -> dict[str, Any]:
    """What INT8 and float answer, each with the gate and without; or why not."""
    bundled = Models.load("litert")
    made: dict[str, Callable[[], Models]] = {
        "INT8": lambda: bundled,
        "float": lambda: replace(bundled, rhythm=parent(bundled.rhythm)),
    }
    found: dict[str, Any] = {}
    for name, make in made.items():
        found[f"{name}, gate"] = or_skipped(lambda m=make: name_all(records, m()))
        found[f"{name}, no gate"] = or_skipped(lambda m=make: name_all(records, ungated(m())))
    return found


# F1


def report(outcome: Outcome) -> dict[str, Any]:
    """F1 of all, where what is not named is wrong, and of those that are named."""
    keep = recordings.named(outcome.answers.predicted)
    return {
        **scores.rhythm_report(outcome.answers, "NAO~"),
        "named": round(float(keep.mean()), 4),
        "of_named": recordings.f1(outcome.answers.only(keep)),
    }


def costs(found: Mapping[str, Any]) -> dict[str, Any]:
    """Points of mean F1 that one variant has over another, with their interval, paired by recording."""
    pairs = {
        "float over INT8": ("float, gate", "INT8, gate"),
        "float over INT8, no gate": ("float, no gate", "INT8, no gate"),
        "no gate over gate": ("INT8, no gate", "INT8, gate"),
    }
    return {name: or_skipped(gain, found[a], found[b]) for name, (a, b) in pairs.items()}


def gain(better: Any, worse: Any) -> dict[str, Any]:
    """Points of mean F1 that one variant has over another.

    Raises
    ------
    NotMeasuredError
        One of them was skipped.
    """
    for outcome in (better, worse):
        if skipped(outcome):
            raise NotMeasuredError(outcome["skipped"])
    a, b = better.answers, worse.answers
    points, low, high = (100 * x for x in scores.mean_f1_gain(a.truth, [a.predicted], [b.predicted]))
    return {
        "points": round(points, 2),
        "points_95": [round(low, 2), round(high, 2)],
        "same_label": round(scores.agreement(a, b), 4),
    }


def curve(outcome: Outcome) -> list[dict[str, Any]]:
    """F1, and AF or not, of the recordings that are answered, by the lowest probability that is an answer."""
    rows = [{"limit": limit, **answered(outcome, outcome.confidence >= limit)} for limit in LIMITS]
    return [*rows, {"limit": "conclusive", **answered(outcome, outcome.conclusive)}]


def answered(outcome: Outcome, keep: Flags) -> dict[str, Any]:
    """F1, and AF or not, where only these are answered."""
    part = outcome.answers.only(keep)
    truth, called = (np.array(x) == "A" for x in (part.truth, part.predicted))
    rest = np.where(keep, outcome.answers.predicted, "~").tolist()
    return {
        "coverage": round(float(keep.mean()), 4),
        "mean_f1_of_all": round(scores.mean_f1(outcome.answers.truth, rest), 4),
        **recordings.f1(part),
        "AF": binary(truth, called),
    }
