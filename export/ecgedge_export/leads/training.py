"""Train the lead network: what is drawn for an epoch, and the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ecgedge.leads.features import MARGIN, model_input
from ecgedge_export import recipe as recipes
from ecgedge_export.leads.net import LeadNet
from ecgedge_export.leads.sets import Floats, Indices
from ecgedge_export.recipe import QUICK_EPOCHS, Count, Positive, Training
from ecgedge_export.train import Run

Progress = Callable[[int, int, float], None]

CROP = 512  # samples of an example: longer than a window of the runtime, whose borders then cost less


@dataclass(frozen=True, slots=True)
class Augment:
    """How an example is varied.

    Parameters
    ----------
    gain : float
        Largest logarithm of a factor for all leads alike: electrodes and bodies make an ECG larger or
        smaller, and leads keep their ratio.
    p_noise, snr_db : float, (float, float)
        Share of examples whose given leads get recorded noise, and its ratios in dB.
    """

    gain: float = 0.3
    p_noise: float = 0.3
    snr_db: tuple[float, float] = (6.0, 30.0)


@dataclass(frozen=True, slots=True)
class LeadRecipe:
    """Choices that make a lead model.

    Parameters
    ----------
    name, task : str
    widths, kernel, dilations
        Of the network, see :class:`ecgedge_export.leads.net.LeadNet`.
    knee_mv : float
        See :func:`ecgedge.leads.features.model_input`.
    """

    name: str
    task: str
    widths: tuple[Count, ...]
    kernel: Count
    dilations: tuple[Count, ...]
    knee_mv: Positive
    training: Training = field(default_factory=Training)
    augment: Augment = field(default_factory=Augment)

    def net(self, leads_in: int, leads_out: int) -> LeadNet:
        """The untrained network, the same for the same seed."""
        torch.manual_seed(self.training.seed)
        return LeadNet(leads_in, leads_out, self.widths, self.kernel, self.dilations)


def load_recipe(path: Path, *, quick: bool = False) -> LeadRecipe:
    """Read a recipe; ``quick`` cuts it to what a test can wait for."""
    recipe = recipes.read(LeadRecipe, path)
    if quick:
        return replace(recipe, training=replace(recipe.training, epochs=QUICK_EPOCHS))
    return recipe


class _LeadRun(Run):
    """A run whose examples carry what they teach: given leads, those to guess, and where there is signal."""

    leads_in = 1

    def _loss(self, x: Tensor, chosen: Indices) -> Tensor:
        given, wanted, known = x[:, : self.leads_in], x[:, self.leads_in : -1], x[:, -1:]
        net = self.net
        assert isinstance(net, LeadNet)
        wrong = (net.leads(given)[:, :, 0] - wanted) ** 2 * known
        return wrong.sum() / (known.sum() * wanted.shape[1])


def train(
    how: LeadRecipe,
    given: Floats,
    wanted: Floats,
    noise: Sequence[Floats],
    checkpoint: Path,
    progress: Progress,
) -> LeadNet:
    """Train a network to give ``wanted`` (n, leads, time) from ``given``, going on from ``checkpoint``."""
    steps = how.training.epochs * -(-len(given) // how.training.batch)
    untrained = how.net(given.shape[1], wanted.shape[1])
    run = _LeadRun(untrained, np.zeros(len(given), np.int64), 1, how.training, steps, None)
    run.leads_in = given.shape[1]
    net = run.finish(checkpoint, lambda rng: batches(how, given, wanted, noise, rng), progress)
    assert isinstance(net, LeadNet)
    return net


def batches(
    how: LeadRecipe, given: Floats, wanted: Floats, noise: Sequence[Floats], rng: np.random.Generator
) -> Iterator[tuple[Tensor, Indices]]:
    """Varied examples of all recordings in random order, and which recordings they are of."""
    order = rng.permutation(len(given))
    for part in np.array_split(order, -(-len(order) // how.training.batch)):
        yield torch.from_numpy(drawn(how, given[part], wanted[part], noise, rng)), part


def drawn(
    how: LeadRecipe, given: Floats, wanted: Floats, noise: Sequence[Floats], rng: np.random.Generator
) -> Floats:
    """Crops as the runtime cuts its windows, whose outermost sample is repeated beyond the ends.

    Returns
    -------
    ndarray of float32, shape (n, leads in + leads out + 1, 512)
        Inputs, leads in mV, and ones where the recording has samples.
    """
    n, time = len(given), given.shape[2]
    starts = rng.integers(-MARGIN, time + MARGIN - CROP + 1, n)
    at = starts[:, None] + np.arange(CROP)
    inside = np.clip(at, 0, time - 1)[:, None]
    gain = np.exp(rng.uniform(-how.augment.gain, how.augment.gain, (n, 1, 1))).astype(np.float32)
    x, y = (gain * np.take_along_axis(leads, inside, axis=2) for leads in (given, wanted))
    known = ((at >= 0) & (at < time))[:, None]
    noisy = x + _noise(how.augment, x, noise, rng) if noise else x
    return np.concatenate([model_input(noisy, how.knee_mv), y, known], axis=1).astype(np.float32)


def _noise(how: Augment, x: Floats, noise: Sequence[Floats], rng: np.random.Generator) -> Floats:
    """Pieces of noise for some examples, at a ratio to the power of each lead."""
    added = np.zeros_like(x)
    for i in np.flatnonzero(rng.random(len(x)) < how.p_noise):
        source = noise[int(rng.integers(len(noise)))]
        for lead in range(x.shape[1]):
            start = int(rng.integers(0, len(source) - CROP))
            piece = source[start : start + CROP] - source[start : start + CROP].mean()
            ratio = 10 ** (-rng.uniform(*how.snr_db) / 20)
            added[i, lead] = piece * (ratio * x[i, lead].std() / (piece.std() + 1e-6))
    return added
