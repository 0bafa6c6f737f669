"""Train a student beside a panel: two views of each window, and recordings without labels too."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ecgedge_export.nets import RhythmNet
from ecgedge_export.prepare import Prepared
from ecgedge_export.recipe import Panel, Recipe, Training
from ecgedge_export.rhythm.augment import Augmenter
from ecgedge_export.rhythm.panel.teachers import Floats, Teachers, likeness_loss
from ecgedge_export.rhythm.training import weights_digest
from ecgedge_export.train import UNLABELLED, Embeddings, Lessons, Progress, Run

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a student learns from.

    Parameters
    ----------
    labelled, unlabelled : Prepared
    whole : ndarray of float32, shape (labelled recordings, classes), optional
        The panel's logits about the recordings; None where it answers about each window.
    known : ndarray of float32, shape (labelled recordings, classes), optional
        Logits of a teacher that saw more than the windows, such as twelve leads; NaN where it has none. The
        mean of them and of the panel's is learnt.
    embeddings : Embeddings, optional
        Vectors of both kinds of recordings, the labelled ones first.
    """

    labelled: Prepared
    unlabelled: Prepared
    whole: Floats | None = None
    known: Floats | None = None
    embeddings: Embeddings | None = None

    @property
    def signals(self) -> list[npt.NDArray[np.float32]]:
        """Of all recordings, the labelled ones first."""
        return self.labelled.signals + self.unlabelled.signals

    def targets(self, classes: tuple[str, ...]) -> Indices:
        """Class of each recording."""
        known = [classes.index(label) for label in self.labelled.labels]
        return np.array(known + [UNLABELLED] * len(self.unlabelled.ids), np.int64)


class PanelRun(Run):
    """A student on its way; a batch is (b, 2, time): what the student hears, and what the panel hears."""

    def __init__(
        self,
        recipe: Recipe,
        how: Panel,
        teachers: Teachers,
        material: Material,
        start: RhythmNet,
        steps: int,
    ) -> None:
        self._panel, self._teachers = how, teachers
        self._whole, self._known = material.whole, material.known
        targets = material.targets(recipe.classes)
        super().__init__(
            start, targets, len(recipe.classes), recipe.training, steps, None, material.embeddings
        )
        own = repr((replace(how, tries=()), recipe.augment)).encode() + weights_digest(start).encode()
        own += b"".join(part.tobytes() for part in (material.whole, material.known) if part is not None)
        self.of += hashlib.sha256(own).hexdigest()

    def _loss(self, x: Tensor, chosen: Indices) -> Tensor:
        how, net = self._panel, cast(RhythmNet, self.net)
        heard, clean = x[:, :1], x[:, 1:]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=how.bfloat16):
            maps = net.maps(heard)
        maps = maps.float()
        pooled = net.pool(maps)
        logits = net.classify(pooled)
        loss: Tensor = self.loss(logits, torch.from_numpy(self.targets[chosen]).to(self.device))
        if how.weight:
            said = self._answers(clean, chosen)
            loss = Lessons(said, how.weight, how.temperature).blend(loss, logits, np.arange(len(said)))
        if how.features or how.tokens:
            theirs = self._teachers.maps(clean)
            loss = loss + likeness_loss(maps, theirs, features=how.features, tokens=how.tokens)
        if self.embeddings:
            loss = loss + self.embeddings.loss(self.projection(pooled.mean), chosen)
        return loss

    def _answers(self, clean: Tensor, chosen: Indices) -> Floats:
        said = self._said(clean[:, 0].cpu().numpy(), chosen)
        if self._known is None:
            return said
        more = _rows(self._known, chosen)
        return np.where(np.isnan(more), said, (said + more) / np.float32(2))

    def _said(self, clean: Floats, chosen: Indices) -> Floats:
        if self._whole is None:
            return self._teachers.answers(clean)
        said = _rows(self._whole, chosen)
        new = np.flatnonzero(np.isnan(said[:, 0]))
        if len(new):
            said[new] = self._teachers.answers(clean[new])
        return said


def _rows(of_labelled: Floats, chosen: Indices) -> Floats:
    """Rows of the labelled recordings, NaN for the others."""
    n = len(of_labelled)
    rows = of_labelled[np.minimum(chosen, n - 1)]
    rows[chosen >= n] = np.nan
    return rows


def train(
    recipe: Recipe,
    how: Panel,
    teachers: Teachers,
    material: Material,
    augmenter: Augmenter,
    checkpoint: Path,
    progress: Progress,
    start: RhythmNet,
) -> RhythmNet:
    """Train from ``start`` on, going on from ``checkpoint`` where there is one; the averaged student.

    An epoch has as many windows as there are labelled recordings, with and without unlabelled ones among
    them: all ways to learn take the same number of steps.
    """
    training = recipe.training
    n = len(material.labelled.ids)
    steps = training.epochs * -(-n // training.batch)
    run = PanelRun(recipe, how, teachers, material, start, steps)
    share = how.share if material.unlabelled.ids else 0.0
    net = run.finish(checkpoint, lambda rng: _batches(material, share, augmenter, training, rng), progress)
    assert isinstance(net, RhythmNet)
    return net


def _batches(
    material: Material, share: float, augmenter: Augmenter, how: Training, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Indices]]:
    """Windows of recordings in random order; the same share of each batch is unlabelled."""
    signals, n = material.signals, len(material.labelled.ids)
    order = rng.permutation(n)
    other = n + rng.permutation(len(material.unlabelled.ids)) if share else np.zeros(0, np.int64)
    for start in range(0, n, how.batch):
        size = min(how.batch, n - start)
        few = min(round(share * size), size - 1)  # a batch without a label has no loss against labels
        if few:
            other = np.roll(other, -few)
        chosen = np.concatenate([order[start : start + size - few], np.resize(other, few)])
        x = np.stack([augmenter.draw_pair(signals[i], rng) for i in chosen])
        yield torch.from_numpy(x), chosen.astype(np.int64)
