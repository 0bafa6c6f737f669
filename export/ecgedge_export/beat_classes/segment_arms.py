"""Fixed against adapted stretches: one small network for both, taught by DS1, tested in folds or on DS2."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ecgedge_bridge.schema import choice
from ecgedge_export import recipe as recipes
from ecgedge_export import splits
from ecgedge_export.beat_classes import folds as by_fold
from ecgedge_export.beat_classes import segments
from ecgedge_export.beat_classes.gather import UNKNOWN
from ecgedge_export.beat_classes.scores import CLASSES, Matrix
from ecgedge_export.beat_classes.segments import KINDS, MARGIN, N_RATIOS, N_WAVE, Segments
from ecgedge_export.nets import BeatClassNet
from ecgedge_export.progress import epoch_log
from ecgedge_export.recipe import QUICK_EPOCHS, Count, Training
from ecgedge_export.train import Run, logits

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Log = Callable[[str], None]
Run_ = dict[str, Matrix]  # confusion matrix of each record
FIXED = KINDS[0]


@dataclass(frozen=True, slots=True)
class SegmentRecipe:
    """Choices of both arms.

    Parameters
    ----------
    name, task : str
    segment : str
        ``adaptive`` or ``fixed``, see :func:`ecgedge_export.beat_classes.segments.cut`; it is compared with
        ``fixed``.
    width : int
        Of the network, see :class:`ecgedge_export.nets.BeatClassNet`; all classes may rest on waves.
    dropout : float
    draws : sequence of int
        Beats of N, S, V, F, Q that are drawn for an epoch, of each recording about as many.
    gain, shift, ratio_noise : float
        How a beat is varied: standard deviations of its log gain, of its place in samples, four at most, and
        of what is added to the ratios.
    prior : sequence of float
        Added to the logits: the draws hold more ectopic beats than a day does.
    """

    name: str
    task: str
    segment: Annotated[str, choice(*KINDS)]
    width: Count
    dropout: float
    draws: tuple[int, ...]
    gain: float
    shift: float
    ratio_noise: float
    prior: tuple[float, ...]
    training: Training = field(default_factory=Training)

    def net(self) -> BeatClassNet:
        """The untrained network, the same for the same seed."""
        torch.manual_seed(self.training.seed)
        shape = 1, N_WAVE, N_RATIOS
        return BeatClassNet(len(CLASSES), shape, self.width, self.dropout, range(len(CLASSES)))


def load_recipe(path: Path, *, quick: bool = False) -> SegmentRecipe:
    """Read a recipe; ``quick`` cuts it to what a test can wait for."""
    how = recipes.read(SegmentRecipe, path)
    if not quick:
        return how
    few = tuple(n // 20 for n in how.draws)
    return replace(how, draws=few, training=replace(how.training, epochs=QUICK_EPOCHS))


def in_folds(how: SegmentRecipe, work: Path, seeds: int, log: Log) -> dict[str, list[Run_]]:
    """Runs of both arms over DS1 in five folds of records; a matrix of each record for each seed."""
    beats = {kind: _beats(splits.DS1, kind, work) for kind in (FIXED, how.segment)}
    found: dict[str, list[Run_]] = {}
    for kind, of in beats.items():
        fold_of = by_fold.folds(of)
        names = np.array([r.partition("/")[0] for r in of.record.tolist()])
        for seed in range(1, seeds + 1):
            run: Run_ = {}
            for k in range(by_fold.FOLDS):
                out = np.isin(names, [r for r, f in fold_of.items() if f == k])
                run |= _arm(how, of.only(~out), of.only(out), seed, work / f"{kind}-fold{k}-{seed}.pt", log)
            found.setdefault(kind, []).append(run)
    return found


def on_ds2(
    how: SegmentRecipe, work: Path, seeds: int, log: Log, few: int | None = None
) -> dict[str, list[Run_]]:
    """Runs of both arms, taught by DS1 and tested on DS2; by ``few`` records of each for a trial."""
    found: dict[str, list[Run_]] = {}
    for kind in (FIXED, how.segment):
        learn, test = (_beats(ids[:few], kind, work) for ids in (splits.DS1, splits.DS2))
        for seed in range(1, seeds + 1):
            run = _arm(how, learn, test, seed, work / f"{kind}-ds2-{seed}.pt", log)
            found.setdefault(kind, []).append(run)
    return found


def _beats(record_ids: Sequence[str], kind: str, work: Path) -> Segments:
    name = hashlib.sha256(" ".join(record_ids).encode() + Path(segments.__file__).read_bytes()).hexdigest()[
        :12
    ]
    return segments.kept(work / f"{kind}-{name}.npz", lambda: segments.gather(record_ids, kind))


def _arm(how: SegmentRecipe, learn: Segments, test: Segments, seed: int, checkpoint: Path, log: Log) -> Run_:
    """Train one network and return the confusion matrices of the records that it did not see."""
    own = replace(how, training=replace(how.training, seed=seed))
    net = train(own, learn, checkpoint, log)
    said = logits(net, inputs(test), 512) + np.array(how.prior, np.float32)
    return by_fold.confusions(test, said.argmax(axis=1))


def train(how: SegmentRecipe, beats: Segments, checkpoint: Path, log: Log) -> nn.Module:
    """Train a network, going on from ``checkpoint``."""
    known = np.flatnonzero(beats.symbols != UNKNOWN)
    targets = np.array([CLASSES.index(s) if s else 0 for s in beats.symbols.tolist()], np.int64)
    pools = [_pool(beats, known[targets[known] == k], n) for k, n in enumerate(how.draws)]
    size = sum(n for who, _, n in pools if len(who))
    per_epoch = -(-size // how.training.batch)
    run = Run(how.net(), targets, len(CLASSES), how.training, how.training.epochs * per_epoch, None)

    def batches(rng: np.random.Generator) -> Iterator[tuple[Tensor, Indices]]:
        drawn = np.concatenate([rng.choice(who, n, p=p) for who, p, n in pools if len(who)])
        for chosen in np.array_split(rng.permutation(drawn), per_epoch):
            yield torch.from_numpy(varied(how, beats, chosen, rng))[:, None], chosen

    return run.finish(checkpoint, batches, epoch_log(log, checkpoint.stem))


def _pool(beats: Segments, who: Indices, n: int) -> tuple[Indices, npt.NDArray[np.float64], int]:
    """Beats of a class, with the square root of a recording's number of them as its weight."""
    _, record, count = np.unique(beats.record[who], return_inverse=True, return_counts=True)
    p = 1 / np.sqrt(count[record])
    return who, p / max(p.sum(), 1e-12), n


def inputs(beats: Segments) -> Floats:
    """Inputs of beats as they are, shape (k, 69): 64 samples, then the ratios."""
    return np.concatenate([beats.waves[:, MARGIN:-MARGIN], beats.ratios], axis=1)


def varied(how: SegmentRecipe, beats: Segments, chosen: Indices, rng: np.random.Generator) -> Floats:
    """One varied input for each chosen beat."""
    n = len(chosen)
    shift = np.round(rng.normal(0, how.shift, n)).clip(-MARGIN, MARGIN).astype(np.int64)
    columns = MARGIN + shift[:, None] + np.arange(N_WAVE)
    gain = np.exp(rng.normal(0, how.gain, (n, 1)))
    waves = beats.waves[chosen[:, None], columns] * gain
    ratios = beats.ratios[chosen] + rng.normal(0, how.ratio_noise, (n, N_RATIOS))
    return np.concatenate([waves, ratios], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a beat of so many samples costs the network.

    Parameters
    ----------
    samples, parameters : int
    infer_us, train_us : float
        CPU time of a beat on one thread, answering one by one and learning in batches of 128, in µs.
    activations : int
        Bytes of all layers' outputs for a beat, in float32: what training keeps.
    """

    samples: int
    parameters: int
    infer_us: float
    train_us: float
    activations: int


def cost(width: int, samples: int, repeats: int = 5) -> Cost:
    """Measure the network of this width on beats of so many samples; of several times the shortest counts."""
    from ecgedge_export.nets import n_parameters

    torch.manual_seed(0)
    net = BeatClassNet(len(CLASSES), (1, samples, N_RATIOS), width, 0.0, range(len(CLASSES)))
    one, many = torch.zeros(1, 1, samples + N_RATIOS), torch.zeros(128, 1, samples + N_RATIOS)
    sizes: list[int] = []
    hooks = [
        m.register_forward_hook(lambda *call: sizes.append(call[-1].numel() * 4))
        for m in net.modules()
        if not list(m.children())
    ]
    with torch.no_grad():
        net.eval()(one)
    for hook in hooks:
        hook.remove()

    def answer() -> None:
        with torch.no_grad():
            for _ in range(100):
                net.eval()(one)

    def learn() -> None:
        net.train()(many).square().mean().backward()

    infer, learnt = (_shortest(what, repeats) for what in (answer, learn))
    return Cost(samples, n_parameters(net), 1e6 * infer / 100, 1e6 * learnt / len(many), sum(sizes))


def _shortest(what: Callable[[], Any], repeats: int) -> float:
    what()  # the first time pays for what is made once
    spent = []
    for _ in range(repeats):
        began = time.process_time()  # CPU time: others may be at work
        what()
        spent.append(time.process_time() - began)
    return min(spent)
