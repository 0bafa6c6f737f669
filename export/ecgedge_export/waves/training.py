"""Train the wave network: what is drawn for an epoch, and the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from ecgedge_export import recipe as recipes
from ecgedge_export.nets import WaveNet
from ecgedge_export.recipe import QUICK_EPOCHS, Count, Positive, Training
from ecgedge_export.train import Run
from ecgedge_export.waves.augment import Augment, WaveAugmenter
from ecgedge_export.waves.gather import CLASSES, WAVES, Indices, Marked

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class WaveRecipe:
    """Choices that make a wave model.

    Parameters
    ----------
    name, task : str
    width, kernel, stride, dilations, dropout
        Of the network, see :class:`ecgedge_export.nets.WaveNet`.
    knee : float
        See :func:`ecgedge.waves.features.model_input`.
    thresholds : mapping of str to float
        Least sum of probability of ``p``, ``qrs`` and ``t``, in seconds.
    """

    name: str
    task: str
    width: Count
    kernel: Count
    stride: Count
    dilations: tuple[int, ...]
    dropout: float
    knee: Positive
    thresholds: dict[str, float]
    training: Training = field(default_factory=Training)
    augment: Augment = field(default_factory=Augment)

    def net(self) -> WaveNet:
        """The untrained network, the same for the same seed."""
        torch.manual_seed(self.training.seed)
        return WaveNet(len(CLASSES), self.width, self.kernel, self.stride, self.dilations, self.dropout)


def load_recipe(path: Path, *, quick: bool = False) -> WaveRecipe:
    """Read a recipe; ``quick`` cuts it to what a test can wait for."""
    recipe = recipes.read(WaveRecipe, path)
    if quick:
        return replace(recipe, training=replace(recipe.training, epochs=QUICK_EPOCHS))
    return recipe


class _WaveRun(Run):
    """A run whose examples carry what they teach: inputs, then shares of P, QRS, T, of what is known, and of
    where it is only known that there is no P."""

    def _loss(self, x: Tensor, chosen: npt.NDArray[np.int64]) -> Tensor:
        inputs, waves, known, without_p = x[:, :1], x[:, 1:4], x[:, 4], x[:, 5]
        logits = self.net(inputs).reshape(len(x), -1, len(CLASSES))
        none = 1 - waves.sum(dim=1, keepdim=True).clamp(0, 1)
        wanted = torch.cat([waves, none], dim=1).transpose(1, 2)
        log_p = F.log_softmax(logits, dim=2)
        losses = -(wanted * log_p).sum(dim=2) * known
        # Whatever a sample is then, the probability of all but P should be one.
        losses = losses - torch.logsumexp(log_p[:, :, WAVES.index("P") + 1 :], dim=2) * without_p
        mean: Tensor = losses.sum() / (known + without_p).sum().clamp_min(1)
        return mean


def train(
    how: WaveRecipe,
    marked: Marked,
    chosen: Indices,
    augmenter: WaveAugmenter,
    checkpoint: Path,
    progress: Progress,
) -> WaveNet:
    """Train a network on the chosen beats, going on from ``checkpoint``."""
    steps = how.training.epochs * -(-len(chosen) // how.training.batch)
    # No classes to balance: each sample of a window has its own.
    run = _WaveRun(how.net(), np.zeros(len(chosen), np.int64), 1, how.training, steps, None)
    net = run.finish(checkpoint, lambda rng: batches(how, marked, chosen, augmenter, rng), progress)
    assert isinstance(net, WaveNet)
    return net


def batches(
    how: WaveRecipe, marked: Marked, chosen: Indices, augmenter: WaveAugmenter, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Indices]]:
    """Varied examples of beats in random order, and which beats they are of."""
    order = rng.permutation(chosen)
    for part in np.array_split(order, -(-len(order) // how.training.batch)):
        yield torch.from_numpy(augmenter.draw(marked, part, rng)), part
