"""Train the beat detector: first on annotated beats, then also on recordings that it was sure of itself.

Annotated are both leads of MIT-BIH DS1, the first one of the Supraventricular Arrhythmia Database and all
leads of LUDB; made shapes show what they lack (``shapes.py``). The second round adds CinC 2017 training
recordings (lead I, hand-held) in which the first round was sure of every beat: clean there, they are shown
with noise. Noise is the second lead of NSTDB; its first lead tests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge.artefacts.manifest import Manifest, Normalisation
from ecgedge.beats.net import DILATIONS, FS, HOP, KERNEL, LENGTH, STRIDES, BeatNet, pack
from ecgedge.beats.settings import CLIP, SHORTEST_S
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data, prepare, recipe, splits
from ecgedge_export.beats.augment import Augmenter, Source
from ecgedge_export.beats.shapes import made_sources
from ecgedge_export.beats.sources import (
    LUDB_HELD_OUT,
    ludb_sources,
    mitdb_sources,
    noises,
    people,
    self_labelled,
    svdb_sources,
)
from ecgedge_export.progress import epoch_log
from ecgedge_export.recipe import Count, Positive
from ecgedge_export.ship.origin import commit, versions
from ecgedge_export.ship.package import package_weights
from ecgedge_export.train import read_checkpoint

Log = Callable[[str], None]
REPORT = 500  # steps between two lines about the progress
MADE = 1500  # recordings of made shapes: ten hours, so that none is seen often


@dataclass(frozen=True, slots=True)
class BeatRecipe:
    """Choices that make a beat detector."""

    name: str
    task: str
    channels: Count
    steps: Count
    batch: Count
    lr: Positive
    seed: int
    threads: Count
    rare: float
    svdb: float
    ludb: float
    made: float
    self_labelled: float
    sure: float
    snr_db: tuple[float, float]
    threshold: float
    back: float


class TorchNet(nn.Module):
    """The network of ``ecgedge.beats.net``, to be trained: (batch, 1, LENGTH) to logits (batch, HOP)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = [1, *[channels] * len(STRIDES)]
        shapes = zip(widths, widths[1:], STRIDES, DILATIONS, strict=False)
        self.steps = nn.ModuleList(nn.Conv1d(a, b, KERNEL, s, dilation=d) for a, b, s, d in shapes)
        self.out = nn.Conv1d(channels, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = torch.relu(step(x))
        y: Tensor = self.out(x)
        return y.transpose(1, 2).flatten(1)

    def packed(self, how: BeatRecipe) -> BeatNet:
        """Return what the runtime reads."""
        parts = []
        for layer in [*self.steps, self.out]:
            weight, bias = layer.weight.detach(), layer.bias.detach()
            parts += [weight.permute(2, 1, 0).numpy(), bias.numpy()]
        return BeatNet(how.channels, pack(parts), how.threshold, how.back)


def load_recipe(path: Path) -> BeatRecipe:
    """Read a recipe; errors as in :func:`ecgedge_export.recipe.load`."""
    return recipe.read(BeatRecipe, path)


class Pool(NamedTuple):
    """Recordings, and the share of the examples that they give."""

    share: float
    sources: list[Source]


def build(how: BeatRecipe, record_ids: tuple[str, ...], work: Path, log: Log) -> BeatNet:
    """Train in two rounds: on annotated and made recordings, then with CinC 2017 too.

    Checkpoints go to ``work``; a training that was stopped goes on from there.
    """
    mitdb, others = mitdb_sources(record_ids), []
    if how.svdb:
        others.append(Pool(how.svdb, svdb_sources()))
    if how.ludb:
        others.append(Pool(how.ludb, ludb_sources()))
    if how.made:
        others.append(Pool(how.made, made_sources(MADE, how.seed)))
    augmenter = Augmenter(noises(), how.rare, how.snr_db)
    rest = 1 - sum(pool.share for pool in others)
    first = train(how, [Pool(rest, mitdb), *others], augmenter, log, work / "first.pt")
    if not how.self_labelled:
        return first
    own = Pool(how.self_labelled, self_labelled(first, how.sure))
    log(f"second round: {len(own.sources)} recordings labelled by the first one")
    pools = [Pool(rest - own.share, mitdb), *others, own]
    return train(how, pools, augmenter, log, work / "second.pt")


def save(net: BeatNet, how: BeatRecipe, folder: Path, metrics: Mapping[str, Any]) -> None:
    """Write the folder of a network."""
    package_weights(folder, _draft(net, how, metrics), net.encoded())


def _draft(net: BeatNet, how: BeatRecipe, metrics: Mapping[str, Any]) -> Manifest:
    front = net.front_end
    data_sets = [data.DATASETS["mitdb"].source(len(splits.DS1), ", DS1")]
    if how.svdb:
        data_sets.append(data.DATASETS["svdb"].source(len(people("svdb"))))
    if how.ludb:
        data_sets.append(data.DATASETS["ludb"].source(len(people("ludb")), f", without fold {LUDB_HELD_OUT}"))
    if how.self_labelled:
        offered = sum(not splits.is_validation(record_id) for record_id in prepare.cinc2017(FS).ids)
        data_sets.append(data.DATASETS["cinc2017"].source(offered, ", labelled by the first round"))
    data_sets.append(data.DATASETS["nstdb"].source(len(prepare.NOISES)))
    return Manifest(
        task="beats",
        fs=front.fs,
        window_s=LENGTH / FS,
        hop_s=HOP / FS,
        min_window_s=SHORTEST_S,
        bandpass_taps=front.taps,
        resampler=front.resampler,
        normalisation=Normalisation("qrs_height", {"clip": CLIP}),
        classes=(),
        roles={},
        temperature=1.0,
        thresholds=net.thresholds,
        training_data=tuple(data_sets),
        split_sha256=splits.split_hash(splits.DS2),
        metrics=metrics,
        commit=commit(),
        versions=versions("torch", "numpy"),
    )


def train(
    how: BeatRecipe, pools: list[Pool], augmenter: Augmenter, log: Log, checkpoint: Path | None = None
) -> BeatNet:
    """Train a network on examples of all pools, going on from ``checkpoint`` where there is one.

    Raises
    ------
    ConfigError
        The checkpoint is damaged, or of another recipe.
    """
    torch.set_num_threads(how.threads)
    run, log_epoch = _Run(how, pools, augmenter), epoch_log(log, "beats")
    if checkpoint:
        run.resume(checkpoint)
    while run.step < how.steps:
        n = min(REPORT, how.steps - run.step)
        losses = [run.learn() for _ in range(n)]
        if checkpoint:
            run.save(checkpoint)
        log_epoch(run.step, how.steps, float(np.mean(losses)))
    return run.net.packed(how)


class _Run:
    """A network on its way: weights, optimiser, schedule, and where in the random numbers it is."""

    def __init__(self, how: BeatRecipe, pools: list[Pool], augmenter: Augmenter) -> None:
        torch.manual_seed(how.seed)
        self._how, self._pools, self._augmenter = how, pools, augmenter
        self._rng = np.random.default_rng(how.seed)
        self.net, self.step = TorchNet(how.channels), 0
        self._optimiser = torch.optim.AdamW(self.net.parameters(), how.lr, weight_decay=0.01)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, how.lr, total_steps=how.steps, pct_start=0.1
        )
        sizes = [(pool.share, len(pool.sources)) for pool in pools]
        self._of = hashlib.sha256(repr((how, sizes)).encode()).hexdigest()

    def learn(self) -> float:
        """Learn from one batch; return its loss."""
        x, y = self._batch()
        loss = F.binary_cross_entropy_with_logits(self.net(x), y)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        self.step += 1
        return float(loss.detach())

    def _batch(self) -> tuple[Tensor, Tensor]:
        rng, shares = self._rng, np.array([pool.share for pool in self._pools])
        chosen = rng.choice(len(shares), self._how.batch, p=shares / shares.sum())
        sources = [self._pools[i].sources for i in chosen]
        drawn = [self._augmenter.draw(pool[rng.integers(len(pool))], rng) for pool in sources]
        x, y = (np.stack(parts) for parts in zip(*drawn, strict=True))
        return torch.from_numpy(x)[:, None], torch.from_numpy(y)

    def save(self, path: Path) -> None:
        state = {name: part.state_dict() for name, part in self._parts().items()}
        # The generator's state has numbers of 128 bits: as text, which torch reads without unpickling code.
        rng = json.dumps(self._rng.bit_generator.state)
        with atomic_file(path) as file:
            torch.save({**state, "step": self.step, "rng": rng, "of": self._of}, file)

    def resume(self, path: Path) -> None:
        if not path.is_file():
            return
        state = read_checkpoint(path, {*self._parts(), "step", "rng", "of"})
        if state["of"] != self._of:
            raise ConfigError(
                f"{path} is of another recipe, or of other data: delete it, or give another --work"
            )
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self._rng.bit_generator.state = json.loads(state["rng"])
        self.step = state["step"]

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer | torch.optim.lr_scheduler.LRScheduler]:
        return {"net": self.net, "optimiser": self._optimiser, "schedule": self._schedule}
