"""The setting of arXiv 2410.19575, simulated: Y and Z make X, and how they go together differs by place.

Y (sick) and Z (such as old) are 0 or 1 and go together with odds that differ between places; X (the trace)
comes from both, always in the same way: p(x|y,z) is stable, p(y|z) moves. Here

    x1 = 1.5 y + 1.5 z + n1,    x2 = 0.7 z + n2,    n ~ N(0, 0.36)

so x1 shows the disease and the covariate alike, and x2 a little of the covariate alone. Who sees x alone has
to guess z from what it went with in training. Two places teach; in the others that guess is less true, or
false. Our own choice of numbers; the publication's differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ecgedge_export.shift.prior import corrected
from ecgedge_export.shift.robust import GroupDro, irm, rex, risk
from ecgedge_export.shift.scores import auroc, log_loss

Floats = npt.NDArray[np.float64]
Answer = Callable[["World"], Floats]
_SPREAD, _DEGREE = 0.6, 3
_STEPS, _LR = 300, 0.05
_STRENGTH = 100.0  # of both penalties, as the authors of IRM use on their coloured digits


class Place(NamedTuple):
    """p(sick | z = 0), p(sick | z = 1), and how common z is."""

    sick_without: float
    sick_with: float
    with_z: float = 0.5


TAUGHT = (Place(0.1, 0.9), Place(0.2, 0.8))
PLACES: Mapping[str, Place] = MappingProxyType(
    {
        "as taught": Place(0.15, 0.85),
        "Z commoner": Place(0.15, 0.85, 0.9),
        "Z tells less": Place(0.35, 0.65),
        "Z tells nothing": Place(0.5, 0.5),
        "the other way round": Place(0.85, 0.15),
    }
)
CORRECTED = "f(x,z), corrected"
ARMS = ("f(x)", "IRM", "V-REx", "GroupDRO", "f(x,z)", CORRECTED)


class Scores(NamedTuple):
    """How good an arm is in a place."""

    log_loss: float
    auroc: float


@dataclass(frozen=True, slots=True)
class World:
    """People of one place: ``x`` (n, 2), ``sick`` and ``z`` (n,) of 0 and 1."""

    x: Floats
    sick: Floats
    z: Floats

    def features(self, *, with_z: bool) -> Tensor:
        """All products of up to three parts of x, and z times each where it is shown.

        Rich enough for the true p(y|x) and p(y|x,z): what an arm gets wrong is not for want of form.
        """
        columns = [np.ones(len(self.x))]
        for degree in range(1, _DEGREE + 1):
            chosen = map(list, combinations_with_replacement((0, 1), degree))
            columns += [self.x[:, parts].prod(axis=1) for parts in chosen]
        plain = np.stack(columns, axis=1)
        seen = np.hstack([plain, plain * self.z[:, None]]) if with_z else plain
        return torch.from_numpy(seen)


def people(place: Place, n: int, rng: np.random.Generator) -> World:
    """Draw n people of a place."""
    z = (rng.random(n) < place.with_z).astype(np.float64)
    sick = (rng.random(n) < np.where(z > 0, place.sick_with, place.sick_without)).astype(np.float64)
    means = np.stack([1.5 * sick + 1.5 * z, 0.7 * z], axis=1)
    return World(means + _SPREAD * rng.standard_normal((n, 2)), sick, z)


def simulate(seed: int, n: int = 1000, n_test: int = 5000) -> dict[str, dict[str, Scores]]:
    """Scores of every arm in every place, for one seed: ``[arm][place]``.

    Parameters
    ----------
    seed : int
    n, n_test : int
        People of each place that teaches, and of each that tests.
    """
    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    taught = [people(place, n, rng) for place in TAUGHT]
    tests = {name: people(place, n_test, rng) for name, place in PLACES.items()}
    found: dict[str, dict[str, Scores]] = {}
    for arm in ARMS[:-1]:
        answer = _fitted(taught, arm, seed)
        p = {name: answer(world) for name, world in tests.items()}
        found[arm] = {name: _scored(p[name], world) for name, world in tests.items()}
        if arm == "f(x,z)":
            moved = {name: _moved(p[name], world, PLACES[name]) for name, world in tests.items()}
            found[CORRECTED] = {name: _scored(moved[name], world) for name, world in tests.items()}
    return found


def _fitted(taught: Sequence[World], arm: str, seed: int) -> Answer:
    """Fit one arm on the places that teach; returns what gives probabilities of being sick."""
    with_z = arm == "f(x,z)"
    features = torch.cat([world.features(with_z=with_z) for world in taught])
    middle, spread = features.mean(0), features.std(0)
    middle[0], spread[0] = 0.0, 1.0  # the constant stays one
    torch.manual_seed(seed)
    net = nn.Linear(features.shape[1], 1, bias=False, dtype=torch.float64)
    nn.init.zeros_(net.weight)
    optimiser = torch.optim.Adam(net.parameters(), _LR)
    loss, shown = _loss(taught, arm), (features - middle) / spread
    for _ in range(_STEPS):
        optimiser.zero_grad()
        loss(net(shown)[:, 0]).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    @torch.no_grad()
    def answer(world: World) -> Floats:
        logits = net((world.features(with_z=with_z) - middle) / spread)
        p: Floats = torch.sigmoid(logits[:, 0]).numpy()
        return p

    return answer


def _loss(taught: Sequence[World], arm: str) -> Callable[[Tensor], Tensor]:
    sick = torch.from_numpy(np.concatenate([world.sick for world in taught]))
    if arm in ("IRM", "V-REx"):
        place = np.repeat(np.arange(len(taught)), [len(world.sick) for world in taught])
        own = [torch.from_numpy((place == k).astype(np.float64)) for k in range(len(taught))]
        penalised = irm if arm == "IRM" else rex
        return lambda logits: penalised(logits, sick, own, _STRENGTH)
    if arm == "GroupDRO":
        z = torch.from_numpy(np.concatenate([world.z for world in taught]))
        dro, group = GroupDro(4), (2 * z + sick).long()
        return lambda logits: dro(logits, sick, group)
    return lambda logits: risk(logits, sick, torch.ones_like(sick))


def _moved(p: Floats, world: World, new: Place) -> Floats:
    """Correct for p(y|z) of a place, which is known there."""
    z = world.z.astype(np.int64)
    old = np.mean([place[:2] for place in TAUGHT], axis=0)
    shares = [np.asarray(each)[z] for each in (old, new[:2])]
    priors = [np.stack([1 - share, share], axis=1) for share in shares]
    return corrected(np.stack([1 - p, p], axis=1), *priors)[:, 1]


def _scored(p: Floats, world: World) -> Scores:
    sick = world.sick > 0
    return Scores(float(log_loss(p, sick).mean()), float(auroc(p, sick)[0]))
