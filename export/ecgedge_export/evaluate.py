"""Numbers about shipped models, through the public API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge.helpers import classify
from ecgedge.model import Model
from ecgedge.monitor import Monitor
from ecgedge_export.data import Record

DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said of each record.

    Record ids, true labels, said labels, probabilities (n, classes), usable fractions (n,).
    """

    ids: list[str]
    truth: list[str]
    said: list[str]
    probabilities: npt.NDArray[np.float64]
    usable: npt.NDArray[np.float64]


def classify_records(records: Iterable[Record], folder: Path | None, backend: str) -> Answers:
    """Classify every record with ``ecgedge.classify``, one monitor for all."""
    monitor = Monitor(Model.load(folder, backend))
    rows = [(r, classify(r.mv, r.fs, monitor=monitor)) for r in records]
    return Answers(
        [r.id for r, _ in rows],
        [r.label for r, _ in rows],
        [c.label for _, c in rows],
        np.array([list(c.probabilities.values()) for _, c in rows]),
        np.array([c.usable_fraction for _, c in rows]),
    )


def f1_by_class(truth: Sequence[str], said: Sequence[str], classes: Sequence[str]) -> dict[str, float]:
    """F1 of each class: 2 hits / (true ones + said ones), as the CinC 2017 challenge scores it."""
    t, s = np.array(truth), np.array(said)
    return {
        c: float(2 * np.sum((t == c) & (s == c)) / max(1, np.sum(t == c) + np.sum(s == c))) for c in classes
    }


def mean_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    """Mean of the F1 of N, A and O: the score of the CinC 2017 challenge."""
    return float(np.mean(list(f1_by_class(truth, said, "NAO").values())))


def mean_f1_interval(truth: Sequence[str], said: Sequence[str], seed: int = 0) -> tuple[float, float]:
    """95 % interval of :func:`mean_f1` by bootstrap over records, 1,000 draws."""
    rng = np.random.default_rng(seed)
    t, s = np.array(truth), np.array(said)
    draws = [rng.integers(0, len(t), len(t)) for _ in range(DRAWS)]
    low, high = np.quantile([mean_f1(t[d].tolist(), s[d].tolist()) for d in draws], [0.025, 0.975])
    return float(low), float(high)


def mean_f1_gain(
    truth: Sequence[str], ours: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]], seed: int = 0
) -> tuple[float, float, float]:
    """How much higher the :func:`mean_f1` of ``ours`` is, and its 95 % interval.

    Each side is what several models (seeds) said of the same records; the bootstrap draws records, the same
    for both sides.
    """
    t = np.array(truth)

    def gain(drawn: npt.NDArray[np.int64]) -> float:
        a, b = (
            np.mean([mean_f1(t[drawn].tolist(), np.array(s)[drawn].tolist()) for s in side])
            for side in (ours, theirs)
        )
        return float(a - b)

    rng = np.random.default_rng(seed)
    draws = [gain(rng.integers(0, len(t), len(t))) for _ in range(DRAWS)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return gain(np.arange(len(t))), float(low), float(high)


def rhythm_report(answers: Answers, classes: Sequence[str]) -> dict[str, Any]:
    """F1 per class, their mean over N, A, O with its interval, and the usable share of the signal."""
    low, high = mean_f1_interval(answers.truth, answers.said)
    return {
        "records": len(answers.ids),
        "mean_f1_nao": round(mean_f1(answers.truth, answers.said), 4),
        "mean_f1_nao_95": [round(low, 4), round(high, 4)],
        "f1": {c: round(v, 4) for c, v in f1_by_class(answers.truth, answers.said, classes).items()},
        "usable_fraction": round(float(answers.usable.mean()), 4),
    }


def agreement(a: Answers, b: Answers) -> float:
    """Share of records that get the same label."""
    return float(np.mean([x == y for x, y in zip(a.said, b.said, strict=True)]))
