"""Scores of atrial fibrillation or not, with intervals by bootstrap over recordings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from benchmarks.questions.rhythm.irregularity import Flags
from ecgedge_export.rhythm import scores


def binary(truth: Flags, called: Flags) -> dict[str, Any]:
    """Sensitivity, specificity, predictive value and F1 (with its interval) of what is called AF."""
    hits = int((truth & called).sum())
    low, high = scores.interval(len(truth), lambda i: f1_of(truth[i], called[i]))
    return {
        "records": len(truth),
        "with_af": int(truth.sum()),
        "Se": round(hits / max(1, int(truth.sum())), 4),
        "Sp": round(float((~truth & ~called).sum() / max(1, int((~truth).sum()))), 4),
        "P+": round(hits / max(1, int(called.sum())), 4),
        "f1": round(f1_of(truth, called), 4),
        "f1_95": [round(low, 4), round(high, 4)],
    }


def f1_of(truth: Flags, called: Flags) -> float:
    """F1 of what is called AF."""
    return float(2 * (truth & called).sum() / max(1, truth.sum() + called.sum()))


def auroc(truth: Flags, score: npt.ArrayLike) -> float:
    """Chance that a recording with AF has a higher score than one without; no number is the lowest score."""
    ranks, n = rankdata(np.nan_to_num(np.asarray(score), nan=-np.inf)), int(truth.sum())
    return float((ranks[truth].sum() - n * (n + 1) / 2) / max(1, n * (len(truth) - n)))


def lead(truth: Flags, ours: Flags, theirs: Flags) -> dict[str, Any]:
    """How much higher our F1 of AF is, with its interval, paired by recording."""

    def measure(i: npt.NDArray[np.int64]) -> float:
        return f1_of(truth[i], ours[i]) - f1_of(truth[i], theirs[i])

    low, high = scores.interval(len(truth), measure)
    gained = measure(np.arange(len(truth)))
    return {"f1": round(gained, 4), "f1_95": [round(low, 4), round(high, 4)]}
