"""Train the word model: what is drawn for an epoch, and the vocabulary that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from ecgedge.tokens.features import model_input
from ecgedge.tokens.vocabulary import Vocabulary, gains
from ecgedge_bridge.schema import integer
from ecgedge_export import recipe as recipes
from ecgedge_export.recipe import QUICK_EPOCHS, Count, Positive, Training
from ecgedge_export.tokens.gather import Words
from ecgedge_export.tokens.vq import Tokenizer, WordNet
from ecgedge_export.train import Run, logits

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Progress = Callable[[int, int, float], None]

ROUNDS = 10  # of spherical k-means behind the training: the codes hardly move any more


@dataclass(frozen=True, slots=True)
class WordRecipe:
    """Choices that make a word model.

    Parameters
    ----------
    name, task : str
    hidden, dim, codes : int
        See :class:`ecgedge_export.tokens.vq.Tokenizer`; a code has to fit a byte.
    commitment : float
        Weight of the second term of the loss. Chosen from 1 (the paper's) and 8, on words of PTB-XL's fold 9
        and of CinC 2017's validation: at 1 some codes are spoken by nobody, and the PRD is a point higher.
    words : int
        Drawn for an epoch.
    shares : mapping of str to float
        Of each source in what is drawn.
    """

    name: str
    task: str
    hidden: Count
    dim: Count
    codes: Annotated[int, integer(2, 256)]
    commitment: Positive
    words: Count
    shares: dict[str, float]
    training: Training = field(default_factory=Training)

    def net(self) -> Tokenizer:
        """The untrained network, the same for the same seed."""
        torch.manual_seed(self.training.seed)
        return Tokenizer(self.hidden, self.dim, self.codes)


class Learnt(NamedTuple):
    """An encoder and the words that its codes stand for."""

    encoder: WordNet
    vocabulary: Vocabulary


def load_recipe(path: Path, *, quick: bool = False) -> WordRecipe:
    """Read a recipe; ``quick`` cuts it to what a test can wait for."""
    recipe = recipes.read(WordRecipe, path)
    if quick:
        return replace(recipe, words=4096, training=replace(recipe.training, epochs=QUICK_EPOCHS))
    return recipe


class _WordRun(Run):
    """A run whose loss is the tokenizer's own."""

    commitment = 0.25

    def _loss(self, x: Tensor, chosen: Indices) -> Tensor:
        assert isinstance(self.net, Tokenizer)
        return self.net.loss(x, self.commitment)


def train(how: WordRecipe, words: Words, checkpoint: Path, progress: Progress) -> Learnt:
    """Train on words, going on from ``checkpoint``, and settle the vocabulary."""
    inputs = model_input(words.words)
    steps = how.training.epochs * -(-how.words // how.training.batch)
    # No classes to balance: shares of sources are.
    run = _WordRun(how.net(), np.zeros(len(words), np.int64), 1, how.training, steps, None)
    run.commitment = how.commitment
    odds = _odds(how, words)

    def batches(rng: np.random.Generator) -> Iterator[tuple[Tensor, Indices]]:
        order = rng.choice(len(words), how.words, p=odds)
        for part in np.array_split(order, -(-how.words // how.training.batch)):
            yield torch.from_numpy(inputs[part][:, None]), part

    net = run.finish(checkpoint, batches, progress)
    assert isinstance(net, Tokenizer)
    rng = np.random.default_rng(how.training.seed)
    drawn = inputs[rng.choice(len(words), min(4 * how.words, len(words)), p=odds)]
    return Learnt(net.encoder, settled(net.encoder, net.codebook.codes.numpy(), drawn))


def _odds(how: WordRecipe, words: Words) -> npt.NDArray[np.float64]:
    """Probability of each word, by its source's share."""
    odds: npt.NDArray[np.float64] = np.zeros(len(words))
    for source, share in how.shares.items():
        own = words.source == source
        odds[own] = share / max(1, int(own.sum()))
    odds /= odds.sum()
    return odds


def settled(encoder: WordNet, codes: Floats, inputs: Floats) -> Vocabulary:
    """Codes at the means of their words as the trained encoder sees them, and the wave of each code.

    Codes are rounded to what the vocabulary holds before their waves are taken: a wave is then the mean of
    the very words that will speak it.
    """
    z = places(encoder, inputs)
    for _ in range(ROUNDS):
        codes = _means(z, (z @ codes.T).argmax(axis=1), codes)
    rounded = Vocabulary.rounded(codes, np.zeros((len(codes), inputs.shape[1]), np.float32))
    chosen = (z @ rounded.codes.T).argmax(axis=1)
    return Vocabulary.rounded(codes, _waves(inputs, chosen, len(codes)))


def places(encoder: WordNet, inputs: Floats) -> Floats:
    """Where the encoder puts prepared words, on the unit sphere: (k, 96) to (k, dim)."""
    out: Floats = F.normalize(torch.from_numpy(logits(encoder, inputs, 4096)), dim=1).numpy()
    return out


def _means(z: Floats, chosen: Indices, codes: Floats) -> Floats:
    sums = np.zeros_like(codes)
    np.add.at(sums, chosen, z)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(length > 0, sums / np.maximum(length, 1e-9), codes).astype(np.float32)


def _waves(inputs: Floats, chosen: Indices, size: int) -> Floats:
    """Wave of each code: the one that fits its words best, each at the gain that fits it best.

    Three rounds of "gains from the wave, wave from the gains"; where a word is zero it says nothing.
    """
    waves = np.zeros((size, inputs.shape[1]), np.float32)
    for code in range(size):
        own = inputs[chosen == code]
        if len(own):
            wave = own.mean(axis=0)
            for _ in range(3):
                gain = gains(own, wave[None])[:, None]
                known = own != 0
                wave = (gain * own).sum(axis=0) / np.maximum((gain**2 * known).sum(axis=0), 1e-6)
            waves[code] = wave
    return waves
