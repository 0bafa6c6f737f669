"""What the studies share: small students, objectives with all that they trained, answers kept by half."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.files import atomic_file
from ecgedge_export.archives import npz
from ecgedge_export.pretrain import probe
from ecgedge_export.pretrain.bench import QUICK_EPOCHS, Bench, calibrated
from ecgedge_export.pretrain.encoder import Encoder
from ecgedge_export.pretrain.objective import Objective
from ecgedge_export.pretrain.sets import Cohort
from ecgedge_export.pretrain.studies import supervised
from ecgedge_export.pretrain.trainer import Plan, pretrain, seeded
from ecgedge_export.progress import epoch_log

Floats = npt.NDArray[np.float32]
Learnt = TypeVar("Learnt", bound=Objective)
DIM = 48
"""Of a student's tokens: 71,000 parameters, a third of the time of the common encoder."""
PRETRAINING = Plan(epochs=6)


def plan_of(bench: Bench, seed: int) -> Plan:
    """Plan of a student that learns from labels."""
    quick = {"epochs": QUICK_EPOCHS, "batch": bench.planned(seed).batch} if bench.quick else {}
    return replace(supervised.PLAN, seed=seed, **quick)


def untrained(plan: Plan) -> Encoder:
    """Small encoder of a seed, as it begins."""
    seeded(plan)
    return Encoder(dim=DIM)


def unlearnt(bench: Bench, seed: int, half: int) -> Encoder:
    """Small encoder that learnt nothing but how its signals are scaled: the twin of a frozen one."""
    return calibrated(untrained(bench.planned(seed)), others(bench, half))


def others(bench: Bench, half: int) -> Cohort:
    """Whom half ``half`` is not among."""
    return bench.cohort.only(probe.half(bench.cohort.folds) != half)


def trained(
    bench: Bench, seed: int, half: int, cls: Callable[[Encoder, Cohort], Learnt], name: str
) -> Learnt:
    """Objective that trained a small encoder on the half of the folds that is not ``half``.

    Its checkpoint stays in the work folder: an encoder file has no heads, teachers and texts.
    """
    made: list[Learnt] = []

    def make(encoder: Encoder, cohort: Cohort) -> Learnt:
        made.append(cls(Encoder(dim=DIM), cohort))
        return made[0]

    told = epoch_log(bench.log, f"{name}-{seed}, half {half}")
    checkpoint = bench.folder(name, seed) / f"with-all-parts-{half}.pt"
    pretrain(make, others(bench, half), bench.planned(seed), checkpoint, told)
    return made[0]


def kept(bench: Bench, arm: str, seed: int, answering: Callable[[int, Cohort], Floats]) -> Floats:
    """Out-of-fold answers, (n, columns): each half is made once, and then taken from the work folder.

    ``answering`` is given the half and its recordings.
    """

    def answer(k: int, learn: npt.NDArray[np.bool_]) -> Floats:
        path = bench.folder(arm.replace(",", "").replace(" ", "-"), seed) / f"answers-{k}.npz"
        if not path.is_file():
            bench.log(f"{arm}, seed {seed}, half {k}")
            said = answering(k, bench.cohort.only(~learn))
            with atomic_file(path) as file:
                np.savez(file, answers=said)
        with npz(path, "delete it, it is made again") as z:
            found: Floats = z["answers"]
        return found

    return probe.out_of_fold(bench.cohort, answer)


def probed(encoder: Encoder, learn: Cohort) -> Callable[[Floats], Floats]:
    """Fit a linear probe on a frozen encoder, from clean lead I: answers about windows."""
    fitted = probe.Probe(supervised.embedded(encoder.eval(), learn.lead_i), learn.superclasses)
    return lambda windows: fitted(supervised.embedded(encoder, windows))
