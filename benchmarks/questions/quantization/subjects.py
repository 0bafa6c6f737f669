"""The bundled models with the records that score them; nothing is chosen by these records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from benchmarks.harness.machine import ROOT, trained
from benchmarks.questions.quantization.networks import Trained, Windows
from ecgedge import Models, classify_beats
from ecgedge.artefacts.backends import Backend
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Manifest
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.rhythm.model import RhythmModel
from ecgedge_export import data, splits
from ecgedge_export import recipe as recipes
from ecgedge_export.beat_classes import build as beat_build
from ecgedge_export.beat_classes import gather as beat_gather
from ecgedge_export.beat_classes import scores as beat_scores
from ecgedge_export.beat_classes import training as beat_training
from ecgedge_export.beat_classes.gather import BeatSet
from ecgedge_export.rhythm import build as rhythm_build
from ecgedge_export.rhythm import scores as rhythm_scores
from ecgedge_export.rhythm.training import inputs, untrained
from ecgedge_export.train import with_average

RECIPES = ROOT / "export" / "ecgedge_export" / "recipes"
QUICK_RECORDS, QUICK_HALF_HOURS = 40, 2

Measure = Callable[[npt.NDArray[np.int64]], float]


@dataclass(frozen=True)
class Scores:
    """Figures of ``n`` records: each is a function of the records that count."""

    n: int
    figures: Mapping[str, Measure]

    def with_intervals(self) -> dict[str, dict[str, object]]:
        """Each figure of all records, with its 95 % interval by bootstrap over records."""
        return {
            name: {
                "value": measure(np.arange(self.n)),
                "interval_95": rhythm_scores.interval(self.n, measure),
            }
            for name, measure in self.figures.items()
        }

    def over(self, other: Scores) -> Scores:
        """How much higher each figure is than another's of the same records, drawn in pairs."""

        def gain(name: str, drawn: npt.NDArray[np.int64]) -> float:
            return self.figures[name](drawn) - other.figures[name](drawn)

        return Scores(self.n, {name: partial(gain, name) for name in self.figures})


class Subject(Trained, Protocol):
    """A bundled model with what it was made from, and the records that score it."""

    split: str
    data_set: str

    def score(self, backend: Backend) -> Scores:
        """Score a network on the records of its split, through the public API."""


class Rhythm:
    """The rhythm model, scored by the score of the CinC 2017 challenge."""

    name, data_set = "rhythm", "cinc2017"
    split = "CinC 2017, validation split (by record: no patients are known)"

    def __init__(self, quick: bool) -> None:
        self._limit = QUICK_RECORDS if quick else None
        self._recipe = recipes.load(RECIPES / "rhythm.toml")

    @cached_property
    def _sets(self) -> rhythm_build.Sets:
        return rhythm_build.load_sets(self._recipe)

    @cached_property
    def _records(self) -> list[data.Record]:
        return list(data.cinc2017(self._sets.validation.ids[: self._limit]))

    def score(self, backend: Backend) -> Scores:
        """Mean F1 of N, A and O."""
        model = RhythmModel(Manifest.load(BUNDLED / self.name), backend)
        answers = rhythm_scores.classify_records(self._records, model)
        truth, said = np.array(answers.truth), np.array(answers.predicted)

        def mean_f1(drawn: npt.NDArray[np.int64]) -> float:
            return rhythm_scores.mean_f1(truth[drawn].tolist(), said[drawn].tolist())

        return Scores(len(truth), {"mean F1": mean_f1})

    def calibration(self) -> Windows:
        """Windows of training records."""
        return rhythm_build.calibration(self._recipe, self._sets)

    def net(self) -> nn.Module:
        """The averaged student."""
        return with_average(untrained(self._recipe), trained(self.name, "checkpoint.pt"))

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """Windows of training records."""
        return inputs(self._recipe, self._sets.train, self._sets.augmenter, epoch)


class BeatClasses:
    """The beat-class model, scored by EC57 on the people of DS2."""

    name, data_set = "beat_classes", "mitdb"
    split = "MIT-BIH DS2 (by patient)"

    def __init__(self, quick: bool) -> None:
        self._ids = splits.DS2[: QUICK_HALF_HOURS if quick else None]
        self._recipe = beat_training.load_recipe(RECIPES / "beat_classes.toml")

    @cached_property
    def _beats(self) -> BeatSet:
        kept = beat_gather.kept_name(self._recipe.training.seed)
        return BeatSet.load(trained(self.name, kept))

    @cached_property
    def _augmenter(self) -> beat_training.BeatAugmenter:
        return beat_build.augmenter(self._recipe)

    def score(self, backend: Backend) -> Scores:
        """F1 of ventricular and of supraventricular ectopic beats, over all beats of the records."""
        model = BeatClassModel(Manifest.load(BUNDLED / self.name), backend)
        classify = partial(classify_beats, models=Models.load(beat_classes=model))
        named = beat_scores.classify_records(classify, self._ids)
        matrices = np.array([beat_scores.confusion(record, beats) for record, beats in named])

        def f1(symbol: str, drawn: npt.NDArray[np.int64]) -> float:
            return beat_scores.score(matrices[drawn].sum(axis=0), symbol).f1

        figures = {f"{name} F1": partial(f1, symbol) for name, symbol in beat_scores.ECTOPIC.items()}
        return Scores(len(matrices), figures)

    def calibration(self) -> Windows:
        """Varied beats of the training side, of every class about as many."""
        return beat_build.calibration(self._recipe, self._beats, self._augmenter)[0]

    def net(self) -> nn.Module:
        """The averaged student with the recipe's prior."""
        net = self._recipe.net()
        with_average(net, trained(self.name, "checkpoint.pt"))
        return beat_build.with_prior(net, self._recipe)

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """Varied beats of the training side, drawn as for training."""
        return beat_training.epoch_inputs(self._recipe, self._beats, self._augmenter, epoch)


SUBJECTS: tuple[Callable[[bool], Subject], ...] = (Rhythm, BeatClasses)
