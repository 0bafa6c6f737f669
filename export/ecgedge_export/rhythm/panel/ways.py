"""Ways to learn from a panel, each a step from another one; what ``distill`` tries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import hint
from ecgedge_export.prepare import Prepared
from ecgedge_export.recipe import Panel, Recipe
from ecgedge_export.rhythm.augment import Augment

LABELS, ANSWERS = "labels", "answers"
TWELVE_LEADS = "rhythm_twelve_leads"  # the recipe beside the student's
WRONG = 0.1  # of the labels, where some are made wrong
_WRONG_SEED = 23
# Down to where the noise has four times the power of the signal, so that only the panel hears the beats.
P_NOISE, SNR_DB = 0.6, (-6.0, 18.0)


@dataclass(frozen=True, slots=True)
class Way:
    """How one student learns, and what it is compared with.

    Parameters
    ----------
    panel : Panel
        A weight of 0 is learning from the labels alone.
    augment : Augment
    against : str
        The way that differs in one thing alone.
    wrong : float
        Share of the labels that are made wrong.
    embeddings : bool
        Whether vectors of a pre-trained encoder are learnt too.
    """

    panel: Panel
    augment: Augment
    against: str = LABELS
    wrong: float = 0.0
    embeddings: bool = False


@dataclass(frozen=True, slots=True)
class _Ways:
    """Ways of a recipe, by what is tried."""

    recipe: Recipe

    @property
    def answers(self) -> Panel:
        return self.recipe.panel or Panel()

    @property
    def labels(self) -> Panel:
        none = {"weight": 0.0, "features": 0.0, "tokens": 0.0, "twelve_leads": "", "unlabelled": ()}
        return replace(self.answers, **none)  # type: ignore[arg-type]

    @property
    def windows(self) -> Panel:
        return replace(self.answers, view="window")

    @property
    def noisy(self) -> Augment:
        return replace(self.recipe.augment, p_noise=P_NOISE, snr_db=SNR_DB)

    def plain(self) -> dict[str, Way]:
        augment = self.recipe.augment
        return {LABELS: Way(self.labels, augment), ANSWERS: Way(self.answers, augment)}

    def of_windows(self) -> dict[str, Way]:
        return {"answers about windows": Way(self.windows, self.recipe.augment, ANSWERS)}

    def of_noise(self) -> dict[str, Way]:
        beside = "labels, more noise"
        return {
            beside: Way(self.labels, self.noisy),
            "answers, more noise": Way(self.answers, self.noisy, beside),
        }

    def of_unlabelled(self) -> dict[str, Way]:
        more = replace(self.answers, unlabelled=("ptb-xl", "svdb", "mitdb"))
        return {"and unlabelled signal": Way(more, self.recipe.augment, ANSWERS)}

    def of_features(self) -> dict[str, Way]:
        more = replace(self.answers, features=0.5, tokens=0.5)
        return {"and features, moments": Way(more, self.recipe.augment, ANSWERS)}

    def of_twelve_leads(self) -> dict[str, Way]:
        more = replace(self.answers, twelve_leads=TWELVE_LEADS)
        return {"and twelve leads": Way(more, self.recipe.augment, ANSWERS)}

    def of_embeddings(self) -> dict[str, Way]:
        return {"and embeddings": Way(self.answers, self.recipe.augment, ANSWERS, embeddings=True)}

    def of_wrong_labels(self) -> dict[str, Way]:
        beside, augment = "labels, a tenth wrong", self.recipe.augment
        return {
            beside: Way(self.labels, augment, LABELS, WRONG),
            "answers, a tenth wrong": Way(self.answers, augment, beside, WRONG),
        }


TRIES = MappingProxyType(
    {
        "windows": _Ways.of_windows,
        "noise": _Ways.of_noise,
        "unlabelled": _Ways.of_unlabelled,
        "features": _Ways.of_features,
        "twelve leads": _Ways.of_twelve_leads,
        "embeddings": _Ways.of_embeddings,
        "wrong labels": _Ways.of_wrong_labels,
    }
)
"""What ``tries`` of a ``[panel]`` may name; embeddings need a ``[teacher]`` too."""


def ways(recipe: Recipe) -> Mapping[str, Way]:
    """Labels, answers, and what the recipe's panel tries beside them.

    Raises
    ------
    ConfigError
        There is no such try.
    """
    of = _Ways(recipe)
    found = of.plain()
    for name in of.answers.tries:
        if name not in TRIES:
            raise ConfigError(f"tries: {name!r} is unknown: {hint(name, TRIES)}")
        if name == "embeddings" and recipe.teacher is None:
            raise ConfigError("tries: embeddings need a [teacher]: name its checkpoint or embeddings")
        found |= TRIES[name](of)
    return found


def with_wrong_labels(recordings: Prepared, share: float, classes: tuple[str, ...]) -> Prepared:
    """Give a share of the recordings another class, each other one as likely; the same ones every time."""
    if not share:
        return recordings
    rng = np.random.default_rng(_WRONG_SEED)
    labels = list(recordings.labels)
    for i in np.flatnonzero(rng.random(len(labels)) < share):
        others = [c for c in classes if c != labels[i]]
        labels[i] = others[int(rng.integers(len(others)))]
    return replace(recordings, labels=labels)
