"""The task ``beat_segments``: what adapted stretches are worth against fixed ones, in folds of DS1."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.beat_classes import segment_arms as arms
from ecgedge_export.beat_classes.folds import f1, gain
from ecgedge_export.beat_classes.scores import ECTOPIC
from ecgedge_export.tasks import Evaluation, Job, Trials


def make(job: Job) -> str:
    """Refuse: the runtime cuts fixed stretches, and its model is that of ``beat_classes``."""
    raise ConfigError(f"{job.recipe} compares two ways to cut beats: give it to 'ecgedge-export distill'")


def compare(job: Job, trials: Trials) -> object:
    """F1 of VEB and SVEB of both arms by seed, and the gain with its 95 % interval over records of DS1."""
    how = arms.load_recipe(job.recipe, quick=job.quick)
    found = arms.in_folds(how, job.work / "segments", trials.seeds, job.log)
    ours, base = found[how.segment], found[arms.FIXED]
    return {name: _row(ours, base, symbol) for name, symbol in ECTOPIC.items()}


def evaluate(how: Evaluation) -> object:
    """Refuse: there is no such model in the package."""
    raise ConfigError("no model of beat_segments is shipped: 'ecgedge-export literature --only mitbih_beats'")


def _row(ours: list[arms.Run_], base: list[arms.Run_], symbol: str) -> dict[str, Any]:
    more, low, high = gain(ours, base, symbol)
    return {
        "f1": {name: round(float(np.mean([f1(list(run.values()), symbol) for run in runs])), 4)
               for name, runs in (("ours", ours), ("fixed", base))},
        "gain": round(more, 4),
        "gain_95": [round(low, 4), round(high, 4)],
    }  # fmt: skip
