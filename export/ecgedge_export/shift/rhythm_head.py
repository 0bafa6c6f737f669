"""Age and sex for the shipped rhythm model, on its logits alone: a head, and the runtime's correction.

The head adds an offset to the log odds of fibrillation: b + w * (age, sex, whether each is known), fitted
with each covariate hidden half of the time. Its twin has b alone: what b gains comes from the data set (the
disease is rarer than the loss made believe), not from age or sex. Both ask nothing of the network but its
answers: for a new one, run the row `shift` of `ecgedge-export literature` again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy import optimize, special

from ecgedge.rhythm.model import RhythmModel
from ecgedge.rhythm.wearer import Wearer
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data, prepare
from ecgedge_export.archives import npz
from ecgedge_export.shift.covariates import covariates, hidden
from ecgedge_export.shift.prior import log_odds
from ecgedge_export.shift.scores import log_loss

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Log = Callable[[str], None]

FITS, CHOOSES, TESTS = tuple(range(1, 7)), (7, 8), (9,)
RIDGES = (0.1, 1.0, 10.0, 100.0)  # penalty on w, in records
_MASKS = 8  # ways in which each record's covariates are hidden


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What the rhythm model says of lead I of PTB-XL, of one fold after the other.

    ``odds`` (n,) are its log odds of fibrillation, ``sick`` (n,) who has it by the statements.
    """

    patients: tuple[str, ...]
    folds: npt.NDArray[np.int64]
    age: Floats
    sex: tuple[str, ...]
    odds: Floats
    sick: Bools

    def of(self, folds: Sequence[int]) -> Asked:
        """Those of some folds."""
        rows = np.flatnonzero(np.isin(self.folds, folds))
        texts = (tuple(each[i] for i in rows) for each in (self.patients, self.sex))
        patients, sex = texts
        return Asked(patients, self.folds[rows], self.age[rows], sex, self.odds[rows], self.sick[rows])

    @property
    def z(self) -> npt.NDArray[np.float32]:
        """Covariates, (n, 4)."""
        return covariates(self.age, self.sex)


def asked(model: RhythmModel, work: Path, limit: int | None = None) -> Asked:
    """Ask the model about lead I of PTB-XL; taken from ``work`` where that is done."""
    records = [r for r in data.ptbxl() if r.fold in (*FITS, *CHOOSES, *TESTS)]
    records = records[:: max(1, len(records) // limit)] if limit else records
    path = work / f"rhythm-{model.manifest.split_sha256[:8]}-{_digest(model)}-{len(records)}.npz"
    if not path.is_file():
        signals = (prepare.filtered(r.lead("I"), r.fs, model.manifest.fs) for r in records)
        p = [model.fibrillation(model.probabilities(x)) for x in signals]
        with atomic_file(path) as file:
            np.savez(file, odds=log_odds(np.array(p)))
    with npz(path, "delete it, it is made again") as kept:
        odds = kept["odds"]
    return Asked(
        tuple(r.patient for r in records),
        np.array([r.fold or 0 for r in records]),
        np.array([np.nan if r.age is None else r.age for r in records], np.float64),
        tuple(r.sex for r in records),
        odds,
        np.array(["AFIB" in r.statements for r in records]),
    )


def _digest(model: RhythmModel) -> str:
    """Name of the network: answers of another one are not taken for its own."""
    return next(iter(model.manifest.backends.values())).sha256[:12]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Offset of the log odds: ``bias`` plus ``weight`` (4,) times the covariates."""

    bias: float
    weight: Floats

    def __call__(self, who: Asked, *, known: bool = True) -> Floats:
        """Probability of fibrillation, (n,); with ``known`` False of people of whom nothing is known."""
        p: Floats = special.expit(who.odds + self.bias + known * (who.z @ self.weight))
        return p


def fit(who: Asked, ridge: float, seed: int, *, with_z: bool = True) -> Head:
    """Fit a head by the log loss, each covariate hidden half of the time.

    Parameters
    ----------
    who : Asked
    ridge : float
        Penalty on the squared weights, of the summed loss of one pass over ``who``.
    seed : int
        Decides what is hidden.
    with_z : bool
        False: the twin, a bias alone.
    """
    generator = torch.Generator().manual_seed(seed)
    shown = [hidden(torch.from_numpy(who.z), generator).double().numpy() for _ in range(_MASKS)]
    z, odds, sick = np.concatenate(shown) * with_z, np.tile(who.odds, _MASKS), np.tile(who.sick, _MASKS)

    def loss(values: Floats) -> tuple[float, Floats]:
        at = odds + values[0] + z @ values[1:]
        wrong = special.expit(at) - sick
        penalty = _MASKS * ridge * values[1:]
        value = -special.log_expit(np.where(sick, at, -at)).sum() + penalty @ values[1:] / 2
        return float(value), np.concatenate([[wrong.sum()], z.T @ wrong + penalty])

    found = optimize.minimize(loss, np.zeros(1 + z.shape[1]), jac=True, method="L-BFGS-B").x
    return Head(float(found[0]), found[1:])


def chosen_ridge(who: Asked, seed: int) -> float:
    """Penalty with the least log loss on the folds that choose."""
    fitting, choosing = who.of(FITS), who.of(CHOOSES)

    def loss(ridge: float) -> float:
        return float(log_loss(fit(fitting, ridge, seed)(choosing), choosing.sick).mean())

    return min(RIDGES, key=loss)


def by_prior(who: Asked, model: RhythmModel, share: float | None = None) -> Floats:
    """Probability of fibrillation as the runtime corrects it, (n,).

    For one ``share`` of fibrillation among all, or for each by age and sex.
    """
    sexes = {"F": "female", "M": "male"}
    corrected = []
    for odds, age, sex in zip(who.odds, who.age, who.sex, strict=True):
        years = None if np.isnan(age) else float(age)
        wearer = Wearer(years, sexes.get(sex), share)  # type: ignore[arg-type]
        p = float(special.expit(odds))
        af = model.manifest.with_role("af")[0]
        corrected.append(model.for_wearer({af: p, "": 1 - p}, wearer)[af])
    return np.array(corrected)


def as_population(who: Asked) -> Floats:
    """Weights under which fibrillation is as common at each age and sex as the runtime's table says.

    Those with it and those without are weighed within ten years of age; the age groups stay as they are.
    """
    weight = np.ones(len(who.sick))
    decade = np.nan_to_num(who.age, nan=0).astype(np.int64) // 10
    expected = np.array([_expected(a, s) for a, s in zip(who.age, who.sex, strict=True)])
    for k in np.unique(decade):
        inside = decade == k
        share, goal = who.sick[inside].mean(), expected[inside].mean()
        if 0 < share < 1:
            weight[inside] = np.where(who.sick[inside], goal / share, (1 - goal) / (1 - share))
    return weight


def _expected(age: float, sex: str) -> float:
    share = Wearer(float(age) if np.isfinite(age) else None, "female" if sex == "F" else "male").expected_af
    return 0.0 if share is None else share
