"""Train a rhythm network on augmented windows: deterministic by seed, resumable after every epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ecgedge_export.nets import RhythmNet
from ecgedge_export.prepare import Prepared
from ecgedge_export.recipe import Recipe, Training
from ecgedge_export.rhythm.augment import Augmenter
from ecgedge_export.train import Embeddings, Lessons, Progress, Run


def untrained(recipe: Recipe) -> RhythmNet:
    """Return the untrained student of a recipe, the same for the same seed."""
    torch.manual_seed(recipe.training.seed)
    net = recipe.net
    return RhythmNet(len(recipe.classes), net.stem, net.stages, net.dropout, plain=net.plain)


def train(
    recipe: Recipe,
    data: Prepared,
    augmenter: Augmenter,
    checkpoint: Path,
    progress: Progress,
    lessons: Lessons | None = None,
    embeddings: Embeddings | None = None,
    start: RhythmNet | None = None,
) -> RhythmNet:
    """Train on ``data``, going on from ``checkpoint`` where there is one, and return the averaged student.

    Parameters
    ----------
    recipe : Recipe
        What to train and how long.
    data : Prepared
        Filtered recordings; labels are among ``recipe.classes``.
    viewer : Viewer
        Draws augmented windows.
    checkpoint : Path
        Written after every epoch, whole or not at all.
    progress : callable
        Called with (epochs done, epochs in all, mean loss) after every epoch.
    lessons : Lessons, optional
        A teacher's answers about ``data``.
    embeddings : Embeddings, optional
        A large model's vectors of ``data``.
    start : RhythmNet, optional
        Weights to begin with, in place of chance.
    """
    how = recipe.training
    targets = np.array([recipe.classes.index(label) for label in data.labels])
    # The last batch of an epoch may be a small one: rounded up.
    steps = how.epochs * -(-len(targets) // how.batch)
    run = Run(start or untrained(recipe), targets, len(recipe.classes), how, steps, lessons, embeddings)
    if start:  # a checkpoint of a run that began elsewhere is of another run
        run.of += weights_digest(start)
    net = run.finish(checkpoint, lambda rng: _batches(data, augmenter, how, rng), progress)
    assert isinstance(net, RhythmNet)
    return net


def weights_digest(net: RhythmNet) -> str:
    """Sha256 of the weights of a network."""
    arrays = (value.cpu().numpy().tobytes() for value in net.state_dict().values())
    return hashlib.sha256(b"".join(arrays)).hexdigest()


def inputs(recipe: Recipe, data: Prepared, augmenter: Augmenter, epoch: int) -> Iterator[Tensor]:
    """Windows of one epoch without their labels, each batch of shape (b, 1, time)."""
    rng = np.random.default_rng([recipe.training.seed, epoch])
    return (x for x, _ in _batches(data, augmenter, recipe.training, rng))


def _batches(
    data: Prepared, augmenter: Augmenter, how: Training, rng: np.random.Generator
) -> Iterator[tuple[Tensor, npt.NDArray[np.int64]]]:
    """Augmented windows of recordings in random order, and which recordings they are of."""
    order = rng.permutation(len(data.signals))
    for start in range(0, len(order), how.batch):
        chosen = order[start : start + how.batch]
        x = np.stack([augmenter.draw(data.signals[i], rng) for i in chosen])
        yield torch.from_numpy(x)[:, None, :], chosen
