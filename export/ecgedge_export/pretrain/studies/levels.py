"""Which levels of MELP's teacher a lead-I student gains from: all, and all but one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ecgedge_bridge.files import atomic_file
from ecgedge_export.archives import npz
from ecgedge_export.pretrain import probe, scores
from ecgedge_export.pretrain.bench import Bench
from ecgedge_export.pretrain.encoder import Encoded, Encoder
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.reports.melp import LEVELS, Follower, Melp, Targets, beat_map
from ecgedge_export.pretrain.sets import Cohort
from ecgedge_export.pretrain.studies import supervised
from ecgedge_export.pretrain.studies.supervised import Aid, Plain
from ecgedge_export.pretrain.studies.tolerance import plan_of
from ecgedge_export.pretrain.table import SEEDS
from ecgedge_export.pretrain.trainer import Trained, pretrain, save_encoder, seeded
from ecgedge_export.progress import epoch_log

Floats = npt.NDArray[np.float32]
LABELS, ALL = "labels alone", "all three levels"
ARMS: Mapping[str, tuple[str, ...]] = {
    LABELS: (),
    ALL: LEVELS,
    **{f"without {left}": tuple(level for level in LEVELS if level != left) for left in LEVELS},
}
"""Levels that each student follows; a = b = c = 1 where they are followed."""


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
        return torch.stack([losses[level] for level in self._levels]).sum()


def trained(bench: Bench, seed: int, half: int) -> Melp:
    """MELP, learnt from the half of the folds that is not ``half``: with its teacher and its texts."""
    made: list[Melp] = []

    def make(encoder: Encoder, cohort: Cohort) -> Melp:
        made.append(Melp(encoder, cohort))
        return made[0]

    folder, plan = bench.folder(Melp.name, seed), bench.planned(seed)
    told = epoch_log(bench.log, f"{folder.name}, half {half}")
    # Its checkpoint stays, for it holds the teacher; the encoder is where the table looks for it.
    found = pretrain(make, _others(bench, half), plan, folder / f"with-teacher-{half}.pt", told)
    if not (path := folder / f"encoder-{half}.pt").is_file():
        save_encoder(Trained(found.encoder, found.losses), Melp.name, plan, path)
    return made[0]


def answers(bench: Bench, arm: str, seed: int) -> Floats:
    """Out-of-fold scores of a student, (n, classes): kept in the work folder, by half."""

    def answer(k: int, learn: npt.NDArray[np.bool_]) -> Floats:
        path = bench.work / f"{arm.replace(' ', '-')}-{seed}" / f"superclasses-{k}.npz"
        if not path.is_file():
            bench.log(f"{arm}, seed {seed}, half {k}")
            plan, who = plan_of(bench, seed), bench.cohort.only(learn)
            net = supervised.train(seeded(plan), who, plan, _aid(bench, ARMS[arm], seed, k, who))
            with atomic_file(path) as file:
                np.savez(file, scores=supervised.logits(net, bench.cohort.lead_i[~learn]))
        with npz(path, "delete it, it is made again") as z:
            found: Floats = z["scores"]
        return found

    return probe.out_of_fold(bench.cohort, answer)


def measured(bench: Bench, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """Macro-AUROC of each arm, and what all levels gain over labels alone and over all but one."""
    drawn, truth = scores.draws(bench.cohort.patients), bench.cohort.superclasses
    found = {
        arm: [scores.macro_auroc(answers(bench, arm, seed), truth, drawn) for seed in seeds] for arm in ARMS
    }
    return {
        "areas": {arm: scores.area(each) for arm, each in found.items()},
        "gains": {arm: scores.gain(found[ALL], each) for arm, each in found.items() if arm != ALL},
    }


def _aid(
    bench: Bench, levels: Sequence[str], seed: int, k: int, who: Cohort
) -> Callable[[Encoder, Cohort], Aid]:
    if not levels:
        return lambda encoder, cohort: Plain()
    targets = trained(bench, seed, k).targets(who)
    return lambda encoder, cohort: Following(levels, targets, encoder, cohort)


def _others(bench: Bench, half: int) -> Cohort:
    return bench.cohort.only(probe.half(bench.cohort.folds) != half)
