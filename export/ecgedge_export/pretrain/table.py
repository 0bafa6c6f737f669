"""Objectives side by side: each with several seeds, against a random encoder and a network from scratch.

Every answer is kept in the work folder, by arm, seed and exam, and is taken from there by every other table:
twins are trained once. The arm ``random`` is both twins: the untrained encoder under a probe, and the network
from scratch where it is fine-tuned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ecgedge_export.pretrain import scores
from ecgedge_export.pretrain.bench import RANDOM, Bench
from ecgedge_export.pretrain.measures import MEASURES, STANDARD, answers

Floats = npt.NDArray[np.float32]
SEEDS = range(1, 4)


def table(
    bench: Bench,
    arms: Mapping[str, Sequence[str]],
    measures: Sequence[str] = STANDARD,
    seeds: Sequence[int] = SEEDS,
) -> dict[str, Any]:
    """Measure arms against their twins.

    Parameters
    ----------
    bench : Bench
    arms : mapping of str to sequence of str
        Objectives, and the twins of each beside the random encoder.
    measures : sequence of str
        Of :data:`MEASURES`.
    seeds : sequence of int

    Returns
    -------
    dict
        For each measure, each arm with the figure of its seeds, their mean with its interval, and the gain
        over each twin with its interval (bootstrap by patient, 1,000 draws, paired).
    """
    every = list(dict.fromkeys([RANDOM, *(twin for twins in arms.values() for twin in twins), *arms]))
    return {name: _measured(bench, name, every, arms, seeds) for name in measures}


def _measured(
    bench: Bench, name: str, every: Sequence[str], arms: Mapping[str, Sequence[str]], seeds: Sequence[int]
) -> dict[str, Any]:
    measure = MEASURES[name]
    columns = slice(*measure.columns)
    truth, drawn = measure.truth(bench)[:, columns], scores.draws(measure.people(bench))

    def figures(arm: str, seed: int) -> Floats:
        said = answers(bench, arm, seed, measure.exam)[:, columns]
        return measure.statistic(said, truth, drawn)

    found = {arm: [figures(arm, seed) for seed in seeds] for arm in every}
    rows: dict[str, Any] = {}
    for arm, by_seed in found.items():
        twins = [] if arm == RANDOM else [RANDOM, *(t for t in arms.get(arm, ()) if t != RANDOM)]
        rows[arm] = {
            "mean": _rounded(scores.area(by_seed)),
            "seeds": [round(float(each[0]), 4) for each in by_seed],
            "gain_over": {twin: _rounded(scores.gain(by_seed, found[twin])) for twin in twins},
        }
    return rows


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(x, 4) for x in values]
