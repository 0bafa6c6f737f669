"""How much noise takes from a student: clean training, noise augmentation, and distillation beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from ecgedge_export.prepare import NOISES
from ecgedge_export.pretrain import scores, views
from ecgedge_export.pretrain.bench import Bench
from ecgedge_export.pretrain.encoder import Encoded, Encoder
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.reports.tolerant import SNR_DB, Tolerant
from ecgedge_export.pretrain.sets import Cohort
from ecgedge_export.pretrain.studies import small, supervised
from ecgedge_export.pretrain.studies.supervised import Aid, Plain
from ecgedge_export.pretrain.table import SEEDS
from ecgedge_export.rhythm.scores import Gain

Floats = npt.NDArray[np.float32]
SNRS_DB = (18, 12, 6, 0)
CONDITIONS = ("clean", *(f"{noise} {snr} dB" for noise in NOISES for snr in SNRS_DB))
# Of the distillation beside the labels: a tenth of about log 128 is as large as the loss of the labels.
_WEIGHT = 0.1


class Noisy(Plain):
    """Lead I with NSTDB's noise in every second step: what :class:`Tolerant` shows, without a teacher."""

    def __init__(self, encoder: Encoder, cohort: Cohort) -> None:
        super().__init__()
        self._noises, self._done = views.recorded_noise(half=0), 0

    def shown(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        shown = super().shown(batch, rng)
        if self._done % 2:
            shown = shown.clone()
            views.with_noise(shown.numpy(), self._noises, SNR_DB, rng)
        return shown

    def after_step(self, step: int) -> None:
        self._done = step


class Distilled:
    """The views of :class:`Noisy`, with the two momentum teachers of :class:`Tolerant`."""

    def __init__(self, encoder: Encoder, cohort: Cohort) -> None:
        self._objective = Tolerant(encoder, cohort)
        self.parts: nn.ModuleDict = self._objective.parts
        self.after_step = self._objective.after_step
        self.shown = self._objective.shown

    def term(self, encoded: Encoded, batch: Batch, moved: int) -> Tensor | None:
        return _WEIGHT * self._objective.distillation(encoded.pooled, batch)


def _plain(encoder: Encoder, cohort: Cohort) -> Aid:
    return Plain()


# Each arm with where it begins (from scratch, or from the encoder that Tolerant trained) and its aid.
ARMS: Mapping[str, tuple[bool, Callable[[Encoder, Cohort], Aid]]] = {
    "no augmentation": (False, _plain),
    "noise augmentation": (False, Noisy),
    "noise and distillation": (False, Distilled),
    "noise, pre-trained": (True, Noisy),
}
RANDOM, FROZEN = "frozen, untrained", "frozen, pre-trained"
"""Linear probes on encoders, from clean recordings."""
EVERY = (*ARMS, RANDOM, FROZEN)


def answers(bench: Bench, arm: str, seed: int) -> Floats:
    """Out-of-fold scores under every condition, (conditions, n, classes): kept in the work folder by half."""

    def answering(k: int, asked: Cohort) -> Floats:
        said = _answering(bench, arm, seed, k)
        return np.concatenate([said(under(asked, name)) for name in CONDITIONS], axis=1)

    together = small.kept(bench, arm, seed, answering)
    return together.reshape(len(together), len(CONDITIONS), -1).transpose(1, 0, 2)


def _answering(bench: Bench, arm: str, seed: int, k: int) -> Callable[[Floats], Floats]:
    """Train what answers about half ``k``."""
    learn, plan = small.others(bench, k), small.plan_of(bench, seed)
    if arm == RANDOM:
        return small.probed(small.unlearnt(bench, seed, k), learn)
    if arm == FROZEN:
        return small.probed(_pretrained(bench, seed, k), learn)
    pretrained, make = ARMS[arm]
    start = _pretrained(bench, seed, k) if pretrained else small.untrained(plan)
    net = supervised.train(start, learn, plan, make)
    return lambda windows: supervised.logits(net, windows)


def _pretrained(bench: Bench, seed: int, k: int) -> Encoder:
    return small.trained(bench, seed, k, Tolerant, Tolerant.name).encoder


def under(cohort: Cohort, condition: str) -> Floats:
    """Lead I under a condition, (n, 1, 1000): noise of the second halves, the same in every call."""
    if condition == CONDITIONS[0]:
        return cohort.lead_i
    kind, snr, _ = condition.split()
    noise, windows = views.recorded_noise(half=1)[kind], cohort.lead_i.copy()
    rng = np.random.default_rng([CONDITIONS.index(condition), len(cohort)])
    for window in windows:
        noise.add(window, float(snr), int(rng.integers(len(noise.passed) - window.shape[-1] + 1)))
    return windows


def measured(bench: Bench, seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """Measure every arm: ``areas`` by arm and condition, and ``gains``, paired, with their intervals.

    A drop is the macro-AUROC of clean recordings less the mean over all noises and ratios.
    """
    drawn, truth = scores.draws(bench.cohort.patients), bench.cohort.superclasses
    curves = {
        arm: np.stack([[scores.macro_auroc(s, truth, drawn) for s in answers(bench, arm, seed)]
                       for seed in seeds], axis=1)
        for arm in EVERY
    }  # fmt: skip  # each (conditions, seeds, draws)
    clean = {arm: list(curve[0]) for arm, curve in curves.items()}
    noisy = {arm: list(curve[1:].mean(0)) for arm, curve in curves.items()}
    drop = {arm: [c - n for c, n in zip(clean[arm], noisy[arm], strict=True)] for arm in curves}
    return {
        "areas": {arm: {name: scores.area(list(each)) for name, each in zip(CONDITIONS, curve, strict=True)}
                  for arm, curve in curves.items()},
        "noisy": {arm: scores.area(each) for arm, each in noisy.items()},
        "drops": {arm: scores.area(each) for arm, each in drop.items()},
        "gains": _gains(clean, noisy, drop),
    }  # fmt: skip


def _gains(clean: _BySeed, noisy: _BySeed, drop: _BySeed) -> dict[str, Gain]:
    none, noise, taught, before = ARMS
    gains: dict[str, Gain] = {}
    for arm in (taught, before):
        gains[f"{arm} against {noise}: drop avoided"] = scores.gain(drop[noise], drop[arm])
        gains[f"{arm} against {noise}, in noise"] = scores.gain(noisy[arm], noisy[noise])
    for arm in (noise, taught, before):
        gains[f"{arm} against {none}, clean"] = scores.gain(clean[arm], clean[none])
        half = [each * np.float32(0.5) for each in drop[none]]
        gains[f"half of the drop of {none}, less the drop of {arm}"] = scores.gain(half, drop[arm])
    gains[f"{FROZEN} against {RANDOM}, clean"] = scores.gain(clean[FROZEN], clean[RANDOM])
    gains[f"{FROZEN} against {RANDOM}, in noise"] = scores.gain(noisy[FROZEN], noisy[RANDOM])
    return gains


_BySeed = Mapping[str, Sequence[Floats]]
