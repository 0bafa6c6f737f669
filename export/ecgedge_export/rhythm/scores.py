"""Figures of shipped models, through the public API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.manifest import Manifest
from ecgedge.monitor import Models
from ecgedge.rhythm.model import RhythmModel
from ecgedge.whole_recording import Classification, classify

CINC_CLASSES = ("N", "A", "O", "~")
DRAWS = 1000  # the ends of a 95 % interval then rest on 25 draws each
Indices = npt.NDArray[np.int64]
Labels = Sequence[str] | npt.NDArray[np.str_]


class Interval(NamedTuple):
    """Ends of a 95 % interval."""

    low: float
    high: float


class Gain(NamedTuple):
    """A difference and its 95 % interval: nothing is gained for sure where that holds 0."""

    gain: float
    low: float
    high: float


class Recording(Protocol):
    """What is read of a recording; a :class:`ecgedge_export.data.Record` is one."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def mv(self) -> npt.NDArray[np.float32]: ...
    @property
    def fs(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model answered about each record.

    Record ids, true labels, predicted labels, probabilities (n, classes), usable fractions (n,), and whether
    AF is present: True, False, or None where the answer was inconclusive.
    """

    ids: list[str]
    truth: list[str]
    predicted: list[str]
    probabilities: npt.NDArray[np.float64]
    usable: npt.NDArray[np.float64]
    af: list[bool | None]

    def only(self, keep: npt.NDArray[np.bool_]) -> Answers:
        """Return the answers about the records marked True."""
        i = np.flatnonzero(keep)
        ids, truth, predicted = ([x[k] for k in i] for x in (self.ids, self.truth, self.predicted))
        return Answers(ids, truth, predicted, self.probabilities[i], self.usable[i], [self.af[k] for k in i])


def classify_records(records: Iterable[Recording], model: RhythmModel) -> Answers:
    """Classify every record with ``ecgedge.classify``."""
    models = Models.load(rhythm=model)
    rows = ((r, classify(r.mv, r.fs, models=models)) for r in records)
    return collect(rows, model.manifest.classes)


def collect(
    predicted: Iterable[tuple[Recording, Classification]], classes: Sequence[str] = CINC_CLASSES
) -> Answers:
    """Answers from records and the classification of each; ``classes`` are the model's."""
    rows = list(predicted)
    return Answers(
        [r.id for r, _ in rows],
        [r.label for r, _ in rows],
        [c.label for _, c in rows],
        # A model without a class for noise has none for what the gate refused either.
        np.array([[c.probabilities.get(name, 0.0) for name in classes] for _, c in rows]),
        np.array([c.usable_fraction for _, c in rows]),
        [c.af for _, c in rows],
    )


def f1_by_class(truth: Labels, predicted: Labels, classes: Sequence[str]) -> dict[str, float]:
    """F1 of each class: 2 hits / (true ones + predicted ones), as the CinC 2017 challenge scores it."""
    t, s = np.asarray(truth), np.asarray(predicted)
    return {
        c: float(2 * np.sum((t == c) & (s == c)) / max(1, np.sum(t == c) + np.sum(s == c))) for c in classes
    }


def mean_f1(truth: Labels, predicted: Labels, classes: Sequence[str] = "NAO") -> float:
    """Mean of the F1 of some classes; of N, A and O it is the score of the CinC 2017 challenge."""
    return float(np.mean(list(f1_by_class(truth, predicted, classes).values())))


def interval(n: int, measure: Callable[[Indices], float], seed: int = 0) -> Interval:
    """95 % interval of a measure of ``n`` records: bootstrap over records, 1,000 draws.

    A draw for which the measure is not a number does not count.
    """
    rng = np.random.default_rng(seed)
    draws = [measure(rng.integers(0, n, n)) for _ in range(DRAWS)]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return Interval(float(low), float(high))


def mean_f1_interval(truth: Sequence[str], predicted: Sequence[str]) -> Interval:
    """95 % interval of :func:`mean_f1`."""
    t, s = np.array(truth), np.array(predicted)
    return interval(len(t), lambda drawn: mean_f1(t[drawn], s[drawn]))


def mean_f1_gain(
    truth: Sequence[str], ours: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]]
) -> Gain:
    """How much higher the :func:`mean_f1` of ``ours`` is, and its 95 % interval.

    Each side are the predictions of several models (seeds) for the same records; the bootstrap draws records,
    the same for both sides.
    """
    t = np.array(truth)
    sides = [[np.array(s) for s in side] for side in (ours, theirs)]

    def gain(drawn: Indices) -> float:
        a, b = (np.mean([mean_f1(t[drawn], s[drawn]) for s in side]) for side in sides)
        return float(a - b)

    return Gain(gain(np.arange(len(t))), *interval(len(t), gain))


def af_report(answers: Answers) -> dict[str, Any]:
    """AF or not: sensitivity and specificity where that was not called inconclusive, and how often that is.

    ``coverage`` is of all recordings, ``coverage_of_af`` of those with AF.

    Recordings too noisy for an answer count as inconclusive; the truth is "A" or not.
    """
    sure = np.array([a is not None for a in answers.af])
    predicted = np.array([a is True for a in answers.af])
    is_af = np.array(answers.truth) == "A"

    def share(hits: npt.NDArray[np.bool_], of: npt.NDArray[np.bool_]) -> Callable[[Indices], float]:
        return lambda i: float(hits[i].sum() / n) if (n := of[i].sum()) else float("nan")

    measures = {
        "coverage": share(sure, np.ones_like(sure)),
        "coverage_of_af": share(sure & is_af, is_af),
        "Se": share(predicted & is_af, sure & is_af),
        "Sp": share(sure & ~predicted & ~is_af, sure & ~is_af),
    }
    n = len(sure)
    figures = {name: _rounded(measure(np.arange(n))) for name, measure in measures.items()}
    spans = {
        f"{k}_95": [_rounded(x) for x in interval(n, measures[k])]
        for k in ("coverage_of_af", "Se", "Sp")
        if figures[k]
    }
    return {"with_af": int(is_af.sum()), **figures, **spans}


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def rhythm_report(answers: Answers, classes: Sequence[str]) -> dict[str, Any]:
    """F1 per class, their mean over N, A, O with its interval, and the usable share of the signal."""
    low, high = mean_f1_interval(answers.truth, answers.predicted)
    return {
        "records": len(answers.ids),
        "mean_f1_nao": round(mean_f1(answers.truth, answers.predicted), 4),
        "mean_f1_nao_95": [round(low, 4), round(high, 4)],
        "f1": {c: round(v, 4) for c, v in f1_by_class(answers.truth, answers.predicted, classes).items()},
        "af": af_report(answers),
        "usable_fraction": round(float(answers.usable.mean()), 4),
    }


def own_report(answers: Answers, manifest: Manifest) -> dict[str, Any]:
    """Report of a model of other classes than CinC 2017's: F1 per class, their mean, AF where there is one.

    The mean is over all classes but those for noise, which the gate decides as well.
    """
    rhythms = [c for c in manifest.classes if manifest.roles[c] != "noise"]
    truth, predicted = np.array(answers.truth), np.array(answers.predicted)
    span = interval(len(truth), lambda drawn: mean_f1(truth[drawn], predicted[drawn], rhythms))
    af = manifest.with_role("af")
    of_af = replace(answers, truth=["A" if label in af else "-" for label in answers.truth])
    return {
        "records": len(answers.ids),
        "mean_of": list(rhythms),
        "mean_f1": round(mean_f1(truth, predicted, rhythms), 4),
        "mean_f1_95": [round(x, 4) for x in span],
        "f1": {c: round(v, 4) for c, v in f1_by_class(truth, predicted, manifest.classes).items()},
        **({"af": af_report(of_af)} if af else {}),
        "usable_fraction": round(float(answers.usable.mean()), 4),
    }


def agreement(a: Answers, b: Answers) -> float:
    """Share of records that get the same label."""
    return float(np.mean([x == y for x, y in zip(a.predicted, b.predicted, strict=True)]))
