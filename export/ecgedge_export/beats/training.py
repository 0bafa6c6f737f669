"""Train the beat detector: first on annotated beats, then also on recordings that it was sure of itself.

Annotated are both leads of MIT-BIH DS1, the first one of the Supraventricular Arrhythmia Database and all
leads of LUDB; made shapes show what they lack (``shapes.py``). The second round adds CinC 2017 training
recordings (lead I, hand-held) in which the first round was sure of every beat: clean there, they are shown
with noise. Noise is the second lead of NSTDB; its first lead tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge.artefacts.manifest import Manifest, Normalisation
from ecgedge.beats.detector import CLIP, SHORTEST_S
from ecgedge.beats.net import DILATIONS, FS, HOP, KERNEL, LENGTH, STRIDES, BeatNet, pack
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


def build(how: BeatRecipe, record_ids: tuple[str, ...], log: Log) -> BeatNet:
    """Train in two rounds: on annotated and made recordings, then with CinC 2017 too."""
    mitdb, others = mitdb_sources(record_ids), []
    if how.svdb:
        others.append(Pool(how.svdb, svdb_sources()))
    if how.ludb:
        others.append(Pool(how.ludb, ludb_sources()))
    if how.made:
        others.append(Pool(how.made, made_sources(MADE, how.seed)))
    augmenter = Augmenter(noises(), how.rare, how.snr_db)
    rest = 1 - sum(pool.share for pool in others)
    first = train(how, [Pool(rest, mitdb), *others], augmenter, log)
    if not how.self_labelled:
        return first
    own = Pool(how.self_labelled, self_labelled(first, how.sure))
    log(f"second round: {len(own.sources)} recordings labelled by the first one")
    return train(how, [Pool(rest - own.share, mitdb), *others, own], augmenter, log)


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


def train(how: BeatRecipe, pools: list[Pool], augmenter: Augmenter, log: Log) -> BeatNet:
    """Train a network on examples of all pools."""
    torch.set_num_threads(how.threads)
    torch.manual_seed(how.seed)
    net = TorchNet(how.channels)
    optimiser = torch.optim.AdamW(net.parameters(), how.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.lr, total_steps=how.steps, pct_start=0.1)
    sum_of_losses, log_epoch = 0.0, epoch_log(log, "beats")
    for step, (x, y) in enumerate(_batches(how, pools, augmenter), 1):
        loss = F.binary_cross_entropy_with_logits(net(x), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        sum_of_losses += float(loss.detach())
        if step % REPORT == 0:
            log_epoch(step, how.steps, sum_of_losses / REPORT)
            sum_of_losses = 0.0
    return net.packed(how)


def _batches(how: BeatRecipe, pools: list[Pool], augmenter: Augmenter) -> Iterator[tuple[Tensor, Tensor]]:
    rng = np.random.default_rng(how.seed)
    shares = np.array([pool.share for pool in pools])
    for _ in range(how.steps):
        chosen = rng.choice(len(pools), how.batch, p=shares / shares.sum())
        sources = [pools[i].sources for i in chosen]
        drawn = [augmenter.draw(pool[rng.integers(len(pool))], rng) for pool in sources]
        x, y = (np.stack(parts) for parts in zip(*drawn, strict=True))
        yield torch.from_numpy(x)[:, None], torch.from_numpy(y)
