"""The bundled models' networks on every way to INT8, and the records that they are judged on.

Networks come from the training cache and are calibrated as the exporter calibrates them. Nothing is chosen by
what the records say: they only report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from benchmarks.harness import common
from benchmarks.harness.common import NotMeasuredError
from ecgedge import Models, classify_beats
from ecgedge.artefacts.backends import Backend, Logits, Window, litert, onnx
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Artefact, Manifest
from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.rhythm.model import RhythmModel
from ecgedge_export import data, splits
from ecgedge_export import recipe as recipes
from ecgedge_export.beat_classes import build as beat_build
from ecgedge_export.beat_classes import gather as beat_gather
from ecgedge_export.beat_classes import scores as beat_scores
from ecgedge_export.beat_classes import training as beat_training
from ecgedge_export.beat_classes.gather import BeatSet
from ecgedge_export.int8 import qat
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.int8.onnx_export import export_onnx
from ecgedge_export.int8.quantize import quantize
from ecgedge_export.int8.tflite_writer import write_tflite
from ecgedge_export.recipe import Quantization
from ecgedge_export.rhythm import build as rhythm_build
from ecgedge_export.rhythm import scores as rhythm_scores
from ecgedge_export.rhythm.training import untrained, views
from ecgedge_export.train import logits, with_average

RECIPES = common.ROOT / "export" / "recipes"
QUICK_RECORDS, QUICK_HALF_HOURS = 40, 2
# A short training with rounding: enough to see whether there is something to win.
TUNED_EPOCHS, TUNED_BATCHES = 2, 20
SAME_NET = 1e-3  # logits of one network in two runtimes differ by less

Windows = npt.NDArray[np.float32]
Measure = Callable[[npt.NDArray[np.int64]], float]


@dataclass(frozen=True)
class Verdict:
    """What was said of ``n`` records: each figure is a function of the records that count."""

    n: int
    figures: Mapping[str, Measure]

    def told(self) -> dict[str, dict[str, object]]:
        """Each figure of all records, with its 95 % interval by bootstrap over records."""
        return {
            name: {
                "value": measure(np.arange(self.n)),
                "interval_95": rhythm_scores.interval(self.n, measure),
            }
            for name, measure in self.figures.items()
        }

    def over(self, other: Verdict) -> Verdict:
        """How much higher each figure is than another's of the same records, drawn in pairs."""

        def gain(name: str, drawn: npt.NDArray[np.int64]) -> float:
            return self.figures[name](drawn) - other.figures[name](drawn)

        return Verdict(self.n, {name: partial(gain, name) for name in self.figures})


class Subject(Protocol):
    """A bundled model with what it was made from."""

    name: str
    split: str

    def judge(self, backend: Backend) -> Verdict:
        """Let it judge the records of its split, through the public API."""

    def calibration(self) -> Windows:
        """The windows that the exporter calibrates with, shape (n, 1, t)."""

    def net(self) -> nn.Module:
        """The float network of the training cache."""

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """The windows of an epoch of its training."""


class Rhythm:
    """The rhythm model, judged by the score of the CinC 2017 challenge."""

    name, split = "rhythm", "CinC 2017, validation split (by record: no patients are known)"

    def __init__(self, quick: bool) -> None:
        self._limit = QUICK_RECORDS if quick else None
        self._recipe = recipes.load(RECIPES / "rhythm.toml")

    @cached_property
    def _sets(self) -> rhythm_build.Sets:
        return rhythm_build.load_sets(self._recipe)

    @cached_property
    def _records(self) -> list[data.Record]:
        return list(data.cinc2017(self._sets.validation.ids[: self._limit]))

    def judge(self, backend: Backend) -> Verdict:
        """Mean F1 of N, A and O."""
        model = RhythmModel(Manifest.load(BUNDLED / self.name), backend)
        answers = rhythm_scores.classify_records(self._records, model)
        truth, said = np.array(answers.truth), np.array(answers.said)

        def mean_f1(drawn: npt.NDArray[np.int64]) -> float:
            return rhythm_scores.mean_f1(truth[drawn].tolist(), said[drawn].tolist())

        return Verdict(len(truth), {"mean F1": mean_f1})

    def calibration(self) -> Windows:
        """Views of training records."""
        return rhythm_build.calibration(self._recipe, self._sets)

    def net(self) -> nn.Module:
        """The averaged student."""
        return with_average(untrained(self._recipe), cached(self.name, "checkpoint.pt"))

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """Views of training records."""
        return views(self._recipe, self._sets.train, self._sets.viewer, epoch)


class BeatClasses:
    """The beat-class model, judged by EC57 on the people of DS2."""

    name, split = "beat_classes", "MIT-BIH DS2 (by patient)"

    def __init__(self, quick: bool) -> None:
        self._ids = splits.DS2[: QUICK_HALF_HOURS if quick else None]
        self._how = beat_training.load_recipe(RECIPES / "beat_classes.toml")

    @cached_property
    def _beats(self) -> BeatSet:
        kept = beat_gather.kept_name(self._how.training.seed)
        return BeatSet.load(cached(self.name, kept))

    @cached_property
    def _viewer(self) -> beat_training.BeatViewer:
        return beat_build.viewer(self._how)

    def judge(self, backend: Backend) -> Verdict:
        """F1 of ventricular and of supraventricular ectopic beats, over all beats of the records."""
        model = BeatClassModel(Manifest.load(BUNDLED / self.name), backend)
        classify = partial(classify_beats, models=Models.load(beat_classes=model))
        named = beat_scores.classify_records(classify, self._ids)
        matrices = np.array([beat_scores.confusion(record, beats) for record, beats in named])

        def f1(symbol: str, drawn: npt.NDArray[np.int64]) -> float:
            return beat_scores.score(matrices[drawn].sum(axis=0), symbol).f1

        figures = {f"{name} F1": partial(f1, symbol) for name, symbol in beat_scores.ECTOPIC.items()}
        return Verdict(len(matrices), figures)

    def calibration(self) -> Windows:
        """Varied beats of the training side, of every class about as many."""
        return beat_build.calibration(self._how, self._beats, self._viewer)[0]

    def net(self) -> nn.Module:
        """The averaged student with the recipe's prior."""
        net = self._how.net()
        with_average(net, cached(self.name, "checkpoint.pt"))
        return beat_build.with_prior(net, self._how)

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """Varied beats of the training side, drawn as for training."""
        return beat_training.epoch_views(self._how, self._beats, self._viewer, epoch)


class Watched:
    """A backend that keeps the windows that it meets."""

    def __init__(self, inner: Backend) -> None:
        self._inner, self.windows = inner, list[Window]()
        self.name: str = inner.name
        self.artefact: Artefact = inner.artefact

    def run(self, window: Window) -> Logits:
        """Run the model, and keep the window."""
        self.windows.append(window.copy())
        return self._inner.run(window)


def cached(name: str, *files: str) -> Path:
    """The first of these files that the training cache has of a model.

    Raises
    ------
    NotMeasuredError
        It has none.
    """
    for file in files:
        if (path := common.cache_dir() / "runs" / name / file).is_file():
            return path
    raise NotMeasuredError(f"the training cache has no {files[0]} of {name}: ecgedge-export train makes it")


def parent(name: str) -> Path:
    """The float network before any training with rounding.

    Raises
    ------
    NotMeasuredError
        The training cache has none, or one of another model.
    """
    path = cached(name, "parent.onnx", "float.onnx")  # where nothing is tuned, they are the same
    reads, wanted = describe_file(path).input.shape, Manifest.load(BUNDLED / name).n_inputs
    if reads != (1, 1, wanted):
        raise NotMeasuredError(f"the float network in the cache reads {reads}, the bundled one {wanted}")
    return path


def post_training(subject: Subject, work: Path) -> Path:
    """The TFLite file of the float network as it is."""
    return _to_int8(parent(subject.name), subject.calibration(), work)


def tuned(subject: Subject, work: Path) -> Path:
    """The TFLite file of the float network after a short training with rounding.

    Raises
    ------
    NotMeasuredError
        The checkpoint is not that of the float network.
    """
    net, seen = subject.net(), subject.calibration()
    backend = open_file(parent(subject.name))
    off = logits(net, seen[:8]) - np.stack([backend.run(window[None]) for window in seen[:8]])
    if np.abs(off).max() > SAME_NET:
        raise NotMeasuredError("the checkpoint in the training cache is not of its float network")
    better = qat.tune(
        net,
        torch.from_numpy(seen),
        lambda epoch: islice(subject.batches(epoch), TUNED_BATCHES),
        TUNED_EPOCHS,
        Quantization().qat_lr,
        lambda done, of, loss: None,
    )
    work.mkdir(parents=True, exist_ok=True)
    return _to_int8(export_onnx(better, seen.shape[2], work / "tuned.onnx"), seen, work)


def _to_int8(float_onnx: Path, seen: Windows, work: Path) -> Path:
    return write_tflite(quantize(float_onnx, seen, work).s8s8, work / "model.tflite")


def open_file(path: Path) -> Backend:
    """A float or INT8 ONNX file in ONNX Runtime, an INT8 TFLite file in LiteRT."""
    opened = onnx.open_model if path.suffix == ".onnx" else litert.open_model
    backend: Backend = opened(path.read_bytes(), describe_file(path))
    return backend
