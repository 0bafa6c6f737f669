"""Which levels of MELP's teacher a lead-I student gains from: all, and all but one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ecgedge_export.pretrain import scores
from ecgedge_export.pretrain.bench import Bench
from ecgedge_export.pretrain.encoder import Encoded, Encoder
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.reports.melp import LEVELS, Follower, Melp, Targets, beat_map
from ecgedge_export.pretrain.sets import Cohort
from ecgedge_export.pretrain.studies import small, supervised
from ecgedge_export.pretrain.studies.supervised import Aid, Plain
from ecgedge_export.pretrain.table import SEEDS

Floats = npt.NDArray[np.float32]
LABELS, ALL = "labels alone", "all three levels"
ARMS: Mapping[str, tuple[str, ...]] = {
    LABELS: (),
    ALL: LEVELS,
    **{f"without {left}": tuple(level for level in LEVELS if level != left) for left in LEVELS},
}
"""Levels that each student follows; a = b = c = 0.1 where they are followed."""
# Three distances of up to 1 are then as large as the loss of the labels. With 1, the first seed's student
# lost 0.013 of macro-AUROC against labels alone (0.005 to 0.021); 0.1 was taken next, and nothing between.
WEIGHT = 0.1
RANDOM, FROZEN = "frozen, untrained", "frozen, taught by MELP"
"""Linear probes on encoders of lead I."""


class Following(Plain):
    """Labels, and the answers of a teacher that stands: ``a (1 - cos window) + b (...) + c (...)``."""

    def __init__(self, levels: Sequence[str], targets: Targets, encoder: Encoder, cohort: Cohort) -> None:
        self._head = Follower(encoder.dim)
        super().__init__(nn.ModuleDict({"follower": self._head}))
        self._levels, self._targets = levels, targets
        self._pools = torch.from_numpy(beat_map(cohort.r_peaks))

    def term(self, encoded: Encoded, batch: Batch, moved: int) -> Tensor | None:
        rows = torch.from_numpy(batch.rows)
        # The teacher answered about the recording as it is: its tokens move with the student's.
        window, beat, token = (of[rows] for of in self._targets)
        pools = self._pools[rows].roll(moved, 2)
        losses = self._head(encoded, pools, Targets(window, beat, token.roll(moved, 2)))
        return WEIGHT * torch.stack([losses[level] for level in self._levels]).sum()


def trained(bench: Bench, seed: int, half: int) -> Melp:
    """MELP, learnt from the half of the folds that is not ``half``: with its teacher and its texts."""
    return small.trained(bench, seed, half, Melp, Melp.name)


def answers(bench: Bench, arm: str, seed: int) -> Floats:
    """Out-of-fold scores of a student, (n, classes): kept in the work folder, by half."""

    def answering(k: int, asked: Cohort) -> Floats:
        learn, plan = small.others(bench, k), small.plan_of(bench, seed)
        if arm in ARMS:
            net = supervised.train(small.untrained(plan), learn, plan, _aid(bench, ARMS[arm], seed, k))
            return supervised.logits(net, asked.lead_i)
        made = trained(bench, seed, k).encoder if arm == FROZEN else small.unlearnt(bench, seed, k)
        return small.probed(made, learn)(asked.lead_i)

    return small.kept(bench, arm, seed, answering)


def measured(bench: Bench, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """Macro-AUROC of each arm, and what all levels gain over labels alone and over all but one."""
    drawn, truth = scores.draws(bench.cohort.patients), bench.cohort.superclasses
    found = {
        arm: [scores.macro_auroc(answers(bench, arm, seed), truth, drawn) for seed in seeds]
        for arm in (*ARMS, RANDOM, FROZEN)
    }
    gains = {f"{ALL} against {arm}": scores.gain(found[ALL], found[arm]) for arm in ARMS if arm != ALL}
    gains[f"{FROZEN} against {RANDOM}"] = scores.gain(found[FROZEN], found[RANDOM])
    return {"areas": {arm: scores.area(each) for arm, each in found.items()}, "gains": gains}


@lru_cache(maxsize=2)  # for the students of one teacher
def _targets(bench: Bench, seed: int, half: int) -> Targets:
    """What the teacher makes of those that it learnt from."""
    return trained(bench, seed, half).targets(small.others(bench, half))


def _aid(bench: Bench, levels: Sequence[str], seed: int, k: int) -> Callable[[Encoder, Cohort], Aid]:
    if not levels:
        return lambda encoder, cohort: Plain()
    return lambda encoder, cohort: Following(levels, _targets(bench, seed, k), encoder, cohort)
