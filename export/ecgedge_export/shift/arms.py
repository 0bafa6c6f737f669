"""Infarction on lead I where age goes with it in training as it never does in the test: five ways to learn.

Among people of 65 and more the odds of an infarction are times 4 in training and times 1/4 in the test, by
weights (:func:`ecgedge_export.shift.prior.moved`). Everybody is answered for by what learnt from the other
half of PTB-XL's folds, which divide by patient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ecgedge_bridge.files import atomic_file
from ecgedge_export.archives import npz
from ecgedge_export.pretrain.sets import SUPERCLASSES, Cohort
from ecgedge_export.shift.covariates import covariates
from ecgedge_export.shift.prior import corrected, moved, shares
from ecgedge_export.shift.robust import GroupDro, irm, risk
from ecgedge_export.shift.student import Plan, features, probabilities, train

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Log = Callable[[str], None]

OLD = 65.0  # years
TAUGHT, TESTED = 4.0, 0.25  # odds of an infarction among the old, times
# The two environments of IRM, around TAUGHT: without a difference between them it could learn nothing.
ENVIRONMENTS = (2.0, 8.0)
IRM_STRENGTH, IRM_FROM = 10.0, 1 / 3  # the penalty counts fully after the first third of the steps
_HALVES = 2


@dataclass(frozen=True, slots=True)
class Arm:
    """A way to learn: by which loss, whether it sees age and sex, and the odds of the old in its training."""

    loss: str = "erm"
    with_z: bool = False
    odds: float = TAUGHT


ARMS: Mapping[str, Arm] = MappingProxyType(
    {
        "f(x)": Arm(),
        "f(x,z)": Arm(with_z=True),
        "GroupDRO": Arm("group"),
        "IRM": Arm("irm"),
        # Twins that no shift touched, for the guards.
        "f(x), no shift": Arm(odds=1.0),
        "f(x,z), no shift": Arm(with_z=True, odds=1.0),
    }
)


@dataclass(frozen=True)
class People:
    """Recordings with what the arms need of each."""

    cohort: Cohort

    @cached_property
    def sick(self) -> Bools:
        """Who has an infarction, by the statements."""
        return self.cohort.superclasses[:, SUPERCLASSES.index("MI")] > 0

    @cached_property
    def old(self) -> Bools:
        """Who is 65 or older; who is of unknown age is not."""
        return np.nan_to_num(self.cohort.age, nan=0.0) >= OLD

    @cached_property
    def z(self) -> npt.NDArray[np.float32]:
        """Covariates, (n, 4)."""
        return covariates(self.cohort.age, self.cohort.sex)

    @cached_property
    def _features(self) -> dict[int, npt.NDArray[np.float32]]:
        return {}

    def features(self, seed: int) -> npt.NDArray[np.float32]:
        """What a seed's kernels say of lead I; computed once."""
        if seed not in self._features:
            self._features[seed] = features(self.cohort.lead_i, seed)
        return self._features[seed]

    @cached_property
    def half(self) -> npt.NDArray[np.int64]:
        """Which half each is in, by fold."""
        return self.cohort.folds % _HALVES

    @cached_property
    def tested(self) -> Floats:
        """Weight of each in the test under shift."""
        return moved(self.sick, self.old, TESTED)


@dataclass(frozen=True, slots=True)
class Answers:
    """Out-of-fold probabilities of an infarction of one arm and seed: with age and sex, and without."""

    known: Floats
    unknown: Floats


def answered(who: People, name: str, plan: Plan, work: Path, log: Log) -> Answers:
    """Train an arm on each half, answer for the other; taken from ``work`` where that is done."""
    path = work / f"arm-{''.join(c if c.isalnum() else '-' for c in name)}-{plan.seed}.npz"
    if not path.is_file():
        known, unknown = (np.zeros(len(who.cohort)) for _ in range(2))
        for k in range(_HALVES):
            log(f"{name}, seed {plan.seed}, half {k + 1}")
            learn, mine = np.flatnonzero(who.half != k), np.flatnonzero(who.half == k)
            z = who.z * np.float32(ARMS[name].with_z)
            seen = who.features(plan.seed)
            net = train(seen[learn], z[learn], _Loss(who, learn, ARMS[name]), plan)
            known[mine] = probabilities(net, seen[mine], z[mine])
            unknown[mine] = probabilities(net, seen[mine], np.zeros_like(z[mine]))
        with atomic_file(path) as file:
            np.savez(file, known=known, unknown=unknown)
    with npz(path, "delete it, it is made again") as kept:
        return Answers(kept["known"], kept["unknown"])


def prior_corrected(who: People, p: Floats) -> Floats:
    """Answers in the place of the test: p(y|z) of both places from the half that taught.

    Right for f(x,z). For f(x), whose answers are no p(y|x,z), it is the twin that shows what the covariates
    in the network are worth beside those in the prior.
    """
    moved_p = np.empty_like(p)
    for k in range(_HALVES):
        learn, mine = who.half != k, who.half == k
        sick, old = who.sick[learn], who.old[learn]
        priors = [shares(sick, old.astype(np.int64), moved(sick, old, odds)) for odds in (TAUGHT, TESTED)]
        each = [_two(prior[who.old[mine].astype(np.int64)]) for prior in priors]
        moved_p[mine] = corrected(_two(p[mine]), *each)[:, 1]
    return moved_p


class _Loss:
    """Loss of an arm on a batch; ``places`` are into the recordings that teach."""

    def __init__(self, who: People, rows: npt.NDArray[np.int64], arm: Arm) -> None:
        sick, old = who.sick[rows], who.old[rows]
        self._sick = torch.from_numpy(sick.astype(np.float32))
        self._group = torch.from_numpy(2 * old.astype(np.int64) + sick)
        weigh = partial(moved, sick, old)
        odds = ENVIRONMENTS if arm.loss == "irm" else (arm.odds,)
        self._weights = [torch.from_numpy(weigh(factor).astype(np.float32)) for factor in odds]
        self._arm, self._dro = arm, GroupDro(4)

    def __call__(self, logits: Tensor, places: npt.NDArray[np.int64], done: float) -> Tensor:
        sick = self._sick[places]
        if self._arm.loss == "group":
            return self._dro(logits, sick, self._group[places])
        weights = [w[places] for w in self._weights]
        if self._arm.loss == "irm":
            return irm(logits, sick, weights, IRM_STRENGTH if done >= IRM_FROM else 1.0)
        # Not over the sum of the weights of the batch: a batch with more of the heavy would count as others.
        return risk(logits, sick, weights[0]) * weights[0].mean()


def _two(p: Floats) -> Floats:
    return np.stack([1 - p, p], axis=1)
