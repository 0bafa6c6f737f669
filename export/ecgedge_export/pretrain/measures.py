"""What encoders are asked (exams), and figures of their answers (measures)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ecgedge_export.pretrain import probe, scores
from ecgedge_export.pretrain.bench import Bench
from ecgedge_export.pretrain.sets import SUPERCLASSES, Cohort

Floats = npt.NDArray[np.float32]
# Statements with so few positives that a network may well overlook them; a quick look has few recordings.
RARE, QUICK_RARE = (30, 150), (3, 12)
_QRS = 8  # samples on either side of an R peak: 80 ms
_EDGE = 3  # of them are blended, so that no step arises
_N = len(SUPERCLASSES)


def targets(bench: Bench) -> Floats:
    """Superclasses, then rare statements: 0 or 1, shape (n, 5 + rare)."""
    return np.concatenate([bench.cohort.superclasses, bench.cohort.has(rare(bench))], axis=1)


def rare(bench: Bench) -> list[str]:
    """Statements with 30 to 150 positives."""
    low, high = QUICK_RARE if bench.quick else RARE
    codes = sorted({code for said in bench.cohort.statements for code in said})
    counts = bench.cohort.has(codes).sum(0)
    return [code for code, n in zip(codes, counts, strict=True) if low <= n <= high]


def median_qrs(cohort: Cohort) -> Floats:
    """Lead I with each QRS replaced by the recording's median QRS: (n, 1, 1000).

    What is left is all that a network can know without looking at any single beat's QRS.
    """
    shown = cohort.lead_i.copy()
    fade = np.minimum(1, (_QRS + 1 - np.abs(np.arange(-_QRS, _QRS + 1))) / (_EDGE + 1)).astype(np.float32)
    for window, peaks in zip(shown[:, 0], cohort.r_peaks, strict=True):
        inside = peaks[(peaks >= _QRS) & (peaks < len(window) - _QRS)]
        if len(inside) < 2:
            continue
        at = inside[:, None] + np.arange(-_QRS, _QRS + 1)
        beats = window[at]
        middle = np.median(beats, axis=0)
        window[at] = fade * middle + (1 - fade) * beats
    return shown


def _probe(bench: Bench, arm: str, seed: int) -> Floats:
    return probe.probed(bench.encoders(arm, seed), bench.cohort, targets(bench))


def _tuned(bench: Bench, arm: str, seed: int) -> Floats:
    plan = replace(bench.tuning, seed=seed)
    return probe.tuned(bench.encoders(arm, seed), bench.cohort, targets(bench), plan)


def _median_qrs(bench: Bench, arm: str, seed: int) -> Floats:
    asked = bench.cohort.superclasses
    return probe.probed_on(bench.encoders(arm, seed), bench.cohort, asked, median_qrs(bench.cohort))


def _rhythm(bench: Bench, arm: str, seed: int) -> Floats:
    # Other people than those of PTB-XL: whatever an encoder read about these, it learnt from all of them.
    return probe.rhythm_scores(bench.trained(arm, seed).encoder, bench.strips)


EXAMS: dict[str, Callable[[Bench, str, int], Floats]] = {
    "probe": _probe,
    "tuned": _tuned,
    "median_qrs": _median_qrs,
    "rhythm": _rhythm,
}


def answers(bench: Bench, arm: str, seed: int, exam: str) -> Floats:
    """Answers of an arm's seed in one of :data:`EXAMS`: scores of shape (n, classes)."""
    return bench.kept(arm, seed, exam, lambda: EXAMS[exam](bench, arm, seed))


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of the answers in an exam.

    Parameters
    ----------
    what : str
        For the reader.
    exam : str
        One of :data:`EXAMS`.
    truth : callable
        0 or 1, shape (n, classes).
    people : callable
        The patient of each row.
    columns : (int, int or None)
        First of answers and truth, and the one behind the last.
    statistic : callable
        Of (answers, truth, weights (draws, n)): a figure for each draw.
    """

    what: str
    exam: str
    truth: Callable[[Bench], Floats] = targets
    people: Callable[[Bench], Sequence[str]] = lambda bench: bench.cohort.patients
    columns: tuple[int, int | None] = (0, _N)
    statistic: Callable[[Floats, Floats, Floats], Floats] = scores.macro_auroc


def _rhythm_truth(bench: Bench) -> Floats:
    return probe.rhythms(bench.strips)[probe.validating(bench.strips)]


def _rhythm_records(bench: Bench) -> Sequence[str]:
    validates = probe.validating(bench.strips)
    return [name for name, mine in zip(bench.strips.ids, validates, strict=True) if mine]


_RARE = (_N, None)
_FIVE, _SELDOM = "macro AUROC, five superclasses", "statements with 30 to 150 positives"
_RECALL = f"recall at 90 % specificity, {_SELDOM}"
MEASURES: Mapping[str, Measure] = {
    "probe": Measure(f"{_FIVE}, linear probe", "probe"),
    "probe_norm": Measure("AUROC of NORM, linear probe", "probe", columns=(0, 1)),
    "probe_rare": Measure(f"macro AUROC, {_SELDOM}, linear probe", "probe", columns=_RARE),
    "probe_rare_recall": Measure(
        f"{_RECALL}, linear probe", "probe", columns=_RARE, statistic=scores.macro_recall
    ),
    "tuned": Measure(f"{_FIVE}, fine-tuned", "tuned"),
    "tuned_norm": Measure("AUROC of NORM, fine-tuned", "tuned", columns=(0, 1)),
    "tuned_rare": Measure(f"macro AUROC, {_SELDOM}, fine-tuned", "tuned", columns=_RARE),
    "tuned_rare_recall": Measure(
        f"{_RECALL}, fine-tuned", "tuned", columns=_RARE, statistic=scores.macro_recall
    ),
    "median_qrs": Measure(f"{_FIVE}, linear probe, each QRS the recording's median one", "median_qrs"),
    "rhythm": Measure(
        "macro AUROC, N, A and O of CinC 2017, linear probe",
        "rhythm",
        _rhythm_truth,
        _rhythm_records,
        columns=(0, None),
    ),
}
STANDARD = ("probe", "tuned", "rhythm")
