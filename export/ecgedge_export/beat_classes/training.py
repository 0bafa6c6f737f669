"""Train the beat-class model: what is drawn for an epoch, how it is varied, teachers, and folds of DS1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ecgedge.beat_classes.features import beat_inputs
from ecgedge.beat_classes.layout import BEFORE, N_FIGURES, N_RHYTHM, N_WAVE, N_WAVES
from ecgedge.beat_classes.likeness import height_mv
from ecgedge_export import recipe as recipes
from ecgedge_export.beat_classes.gather import MARGIN, SOURCES, UNKNOWN, BeatSet
from ecgedge_export.beat_classes.scores import CLASSES
from ecgedge_export.nets import BeatClassNet
from ecgedge_export.recipe import QUICK_EPOCHS, Count, Training
from ecgedge_export.train import Lessons, Run, logits

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Log = Callable[[str], None]

# Share of a class's draws by source. Annotated records have every class but of few people, so that they never
# give all of one that others have too; beats without a label are of the class that a teacher gives them.
SHARES = {
    "N": {
        "mitdb": 0.2,
        "svdb": 0.2,
        "cinc2017": 0.15,
        "af": 0.14,
        "tempo": 0.12,
        "breathing": 0.12,
        "ptb-xl": 0.08,
        "premature": 0.05,
        "looped": 0.05,
        "ectopy": 0.05,
    },
    "S": {
        "svdb": 0.3,
        "mitdb": 0.22,
        "tempo": 0.13,
        "premature": 0.09,
        "looped": 0.09,
        "ectopy": 0.09,
        "ptb-xl": 0.08,
    },
    "V": {"mitdb": 0.3, "svdb": 0.3, "ptb-xl": 0.3, "tempo": 0.1},
    "F": {"mitdb": 0.7, "svdb": 0.3},
    "Q": {"mitdb": 1.0},
}
ANSWERED = 4096  # beats at a time, so that memory does not grow with the set
NOISE_HEIGHT = 0.35  # RMS of a beat over its height, about: so a ratio of powers becomes one of heights


@dataclass(frozen=True, slots=True)
class BeatClassRecipe:
    """Choices that make a beat-class model.

    Parameters
    ----------
    name, task : str
    width : int
        Of the network, see :class:`ecgedge_export.nets.BeatClassNet`.
    dropout, clip : float
    draws : sequence of int
        Beats of N, S, V, F, Q that are drawn for an epoch.
    unnamed : int
        Beats that a teacher calls N, S and V, of each; drawn only where there is a teacher.
    prior : sequence of float
        Added to the logits: the draws hold far more ectopic beats than a day does.
    taught : bool
        Whether the model that is shipped learns from teachers; `ecgedge-export distill` compares both ways.
    teachers : int
        How many wider networks answer together.
    teacher_width : int
    teacher_weight, temperature : float
        See :class:`ecgedge_export.train.Lessons`.
    p_noise, snr_db, p_flip, stretch, gain, jitter, rhythm_noise : float
        How a beat is varied: probability and ratios of added noise, probability of turning it upside down,
        largest relative change of its length, standard deviations of its log gain, of its place in samples,
        and of what is added to the figures of its rhythm: those of few people are too easily learnt by heart.
    """

    name: str
    task: str
    width: Count
    dropout: float
    clip: float
    draws: tuple[int, ...]
    unnamed: int
    prior: tuple[float, ...]
    taught: bool
    teachers: int
    teacher_width: int
    teacher_weight: float
    temperature: float
    p_noise: float
    snr_db: tuple[float, float]
    p_flip: float
    stretch: float
    gain: float
    jitter: float
    rhythm_noise: float
    training: Training = field(default_factory=Training)

    def net(self) -> BeatClassNet:
        """The untrained network, the same for the same seed."""
        torch.manual_seed(self.training.seed)
        return BeatClassNet(len(CLASSES), (N_WAVES, N_WAVE, N_FIGURES), self.width, self.dropout)


def load_recipe(path: Path, *, quick: bool = False) -> BeatClassRecipe:
    """Read a recipe; ``quick`` cuts it to what a test can wait for."""
    recipe = recipes.read(BeatClassRecipe, path)
    if quick:
        few = tuple(n // 20 for n in recipe.draws)
        training = replace(recipe.training, epochs=QUICK_EPOCHS)
        return replace(recipe, training=training, draws=few, unnamed=recipe.unnamed // 20)
    return recipe


def plain_inputs(beats: BeatSet, clip: float) -> Floats:
    """Model inputs of beats as they are, shape (k, n)."""
    waves = beats.waves[:, MARGIN:-MARGIN]
    three = np.stack([waves, waves[beats.before], beats.template], axis=1)
    return beat_inputs(three, beats.rhythm, clip)


class BeatAugmenter:
    """Draws augmented inputs: ``draw(beats, chosen, rng)`` is of shape (k, n)."""

    def __init__(self, how: BeatClassRecipe, noise: Sequence[Floats]) -> None:
        self._how, self._noise = how, noise

    def draw(self, beats: BeatSet, chosen: Indices, rng: np.random.Generator) -> Floats:
        """Return one varied input for each chosen beat."""
        how, k = self._how, len(chosen)
        template = beats.template[chosen]
        waves = self._noisy(beats.waves[chosen], height_mv(template), rng)
        # Half of the R peaks are where the detector put them, half a little off, four samples at most.
        moves = np.where(rng.random(k) < 0.5, 0.0, rng.normal(0.0, how.jitter, k)).clip(-4, 4)
        stretch = 1 + rng.uniform(-how.stretch, how.stretch, k)
        sign = np.where(rng.random((k, 1)) < how.p_flip, -1, 1).astype(np.float32)
        gain = sign * np.exp(rng.normal(0.0, how.gain, (k, 1))).astype(np.float32)
        three = (
            gain * _resampled(waves, MARGIN + BEFORE + moves, stretch),
            gain * _resampled(beats.waves[beats.before[chosen]], np.full(k, MARGIN + BEFORE), stretch),
            sign * _resampled(template, np.full(k, BEFORE), stretch),
        )
        rhythm = beats.rhythm[chosen] + rng.normal(0.0, how.rhythm_noise, (k, N_RHYTHM)).astype(np.float32)
        return beat_inputs(np.stack(three, axis=1), rhythm, how.clip)

    def _noisy(self, waves: Floats, heights: Floats, rng: np.random.Generator) -> Floats:
        """Add noise to some of the waves, at a ratio to their height."""
        waves = waves.copy()
        n = waves.shape[1]
        for i in np.flatnonzero(rng.random(len(waves)) < self._how.p_noise):
            source = self._noise[int(rng.integers(len(self._noise)))]
            start = rng.integers(0, len(source) - n)
            piece = source[start : start + n] - source[start : start + n].mean()
            ratio = 10 ** (-rng.uniform(*self._how.snr_db) / 20)
            waves[i] += piece * (NOISE_HEIGHT * ratio * heights[i] / (piece.std() + 1e-6))
        return waves


def _resampled(waves: Floats, centres: npt.NDArray[np.float64], stretch: npt.NDArray[np.float64]) -> Floats:
    """Cut (k, 80) out of waves around their centres, stretched, between samples by a line."""
    at = centres[:, None] + (np.arange(N_WAVE) - BEFORE) * stretch[:, None]
    at = at.clip(0, waves.shape[1] - 1.001)
    low = at.astype(np.int64)
    share = (at - low).astype(np.float32)
    rows = np.arange(len(waves))[:, None]
    cut: Floats = waves[rows, low] * (1 - share) + waves[rows, low + 1] * share
    return cut


class _Pool(NamedTuple):
    """Beats of one class, their probabilities, and how many are drawn for an epoch."""

    beats: Indices
    p: npt.NDArray[np.float64]
    n: int


class _Draws:
    """Which beats an epoch is made of: classes by the recipe, sources by SHARES, recordings by the square
    root of their length, so that no person fills a class."""

    def __init__(self, how: BeatClassRecipe, beats: BeatSet, taught: Indices | None) -> None:
        pools = [self._pool(beats, symbol, n) for symbol, n in zip(CLASSES, how.draws, strict=True)]
        for k in range(3) if taught is not None else ():  # N, S, V
            who = np.flatnonzero((beats.source == "unnamed") & (taught == k))
            pools.append(_Pool(who, np.full(len(who), 1 / max(1, len(who))), how.unnamed))
        self._pools = [pool for pool in pools if len(pool.beats)]
        # No more with a teacher than without, so that both learn for as long.
        self.size = min(sum(pool.n for pool in self._pools), sum(how.draws))

    def draw(self, rng: np.random.Generator) -> Indices:
        """Return the beats of an epoch in random order."""
        drawn = np.concatenate([rng.choice(who, n, p=p) for who, p, n in self._pools])
        return rng.permutation(drawn)[: self.size]

    @staticmethod
    def _pool(beats: BeatSet, symbol: str, n: int) -> _Pool:
        who = np.flatnonzero(beats.symbols == symbol)
        _, record, n_beats = np.unique(beats.record[who], return_inverse=True, return_counts=True)
        p = 1 / np.sqrt(n_beats[record])
        for source in SOURCES:
            here = beats.source[who] == source
            if here.any():
                p[here] *= SHARES[symbol].get(source, 0.0) / p[here].sum()
        return _Pool(who, p / max(p.sum(), 1e-12), n)


def train(
    how: BeatClassRecipe,
    beats: BeatSet,
    augmenter: BeatAugmenter,
    checkpoint: Path,
    progress: Callable[[int, int, float], None],
    lessons: Lessons | None = None,
) -> BeatClassNet:
    """Train a network, going on from ``checkpoint``; ``lessons`` are a teacher's answers about ``beats``.

    Beats without a class are drawn only where a teacher names them.
    """
    taught = lessons.logits.argmax(axis=1) if lessons else None
    known = np.array([CLASSES.index(s) if s else 0 for s in beats.symbols.tolist()], np.int64)
    targets = known if taught is None else np.where(beats.symbols == UNKNOWN, taught, known)
    draws = _Draws(how, beats, taught)
    training = how.training
    steps = training.epochs * -(-draws.size // training.batch)
    run = Run(how.net(), targets, len(CLASSES), training, steps, lessons)
    net = run.finish(checkpoint, lambda rng: _batches(how, beats, augmenter, draws, rng), progress)
    assert isinstance(net, BeatClassNet)
    return net


def epoch_inputs(
    how: BeatClassRecipe, beats: BeatSet, augmenter: BeatAugmenter, epoch: int
) -> Iterator[Tensor]:
    """Inputs of one epoch without their classes, each batch of shape (b, 1, k)."""
    rng = np.random.default_rng([how.training.seed, epoch])
    return (x for x, _ in _batches(how, beats, augmenter, _Draws(how, beats, None), rng))


def _batches(
    how: BeatClassRecipe, beats: BeatSet, augmenter: BeatAugmenter, draws: _Draws, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Indices]]:
    """Varied inputs of beats in random order, and which beats they are of."""
    order = draws.draw(rng)
    for chosen in np.array_split(order, -(-draws.size // how.training.batch)):
        yield torch.from_numpy(augmenter.draw(beats, chosen, rng))[:, None], chosen


def answers(nets: Sequence[BeatClassNet], beats: BeatSet, clip: float) -> Floats:
    """Mean logits of networks about beats as they are, shape (k, classes)."""
    rows = []
    for start in range(0, len(beats), ANSWERED):
        part = np.zeros(len(beats), np.bool_)
        part[max(0, start - 1) : start + ANSWERED] = True  # with the beat before the first
        inputs = plain_inputs(beats.only(part), clip)[min(start, 1) :]
        rows.append(np.mean([logits(net, inputs, 512) for net in nets], axis=0))
    return np.concatenate(rows).astype(np.float32)
