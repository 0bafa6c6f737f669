"""Train a student: deterministic by seed, resumable after every epoch."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import atomic_file
from ecgedge_export.nets import Pooled
from ecgedge_export.recipe import Training

Progress = Callable[[int, int, float], None]
UNLABELLED = -1  # the class of an example that only teachers answer about
Batches = Callable[[np.random.Generator], Iterator[tuple[Tensor, npt.NDArray[np.int64]]]]


@dataclass(frozen=True, slots=True)
class Lessons:
    """A teacher's answers about the recordings: the student learns them too, in (1 - weight) : weight.

    Hinton, Vinyals and Dean, 2015 (arXiv 1503.02531): logits softened by a temperature.

    Parameters
    ----------
    logits : ndarray of float32, shape (recordings, classes)
        The teacher's answers, from the clean recording; the student answers from an augmented window of it.
    weight : float
        0 is learning from the labels alone, 1 from the teacher alone.
    temperature : float
        Above 1 shows the teacher's logits of the classes that it did not choose.
    """

    logits: npt.NDArray[np.float32]
    weight: float
    temperature: float

    def blend(self, hard: Tensor, student: Tensor, chosen: npt.NDArray[np.int64]) -> Tensor:
        """Loss of a batch: ``hard`` is that against the labels, ``student`` are the student's logits."""
        t = self.temperature
        taught = torch.log_softmax(torch.from_numpy(self.logits[chosen]).to(student.device) / t, dim=1)
        soft = F.kl_div(torch.log_softmax(student / t, dim=1), taught, reduction="batchmean", log_target=True)
        return (1 - self.weight) * hard + self.weight * t * t * soft


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """What a large model makes of the recordings: the student also learns to predict that.

    A linear projection of the student's features, trained beside it and then thrown away, is drawn towards
    the teacher's vector: ``weight * (1 - cosine)`` joins the loss. It is FitNets' hint (Romero et al., ICLR
    2015) with a cosine, since the length of an embedding means nothing in another model.

    Parameters
    ----------
    vectors : ndarray of float32, shape (recordings, dim)
        Of length 1, or 0 where the teacher has none: such a recording teaches by its label alone.
    weight : float
    """

    vectors: npt.NDArray[np.float32]
    weight: float

    def loss(self, projected: Tensor, chosen: npt.NDArray[np.int64]) -> Tensor:
        """Part of the loss of a batch, whose recordings are ``chosen``."""
        wanted = torch.from_numpy(self.vectors[chosen]).to(projected.device)
        known = wanted.square().sum(1)  # 1 or 0
        return self.weight * (known - (F.normalize(projected, dim=1) * wanted).sum(1)).mean()


class WithFeatures(Protocol):
    """A network whose features can be had: ``net(x)`` is ``net.classify(net.pooled(x))``."""

    width: int

    def pooled(self, x: Tensor) -> Pooled: ...
    def classify(self, pooled: Pooled) -> Tensor: ...


def variants(taught: Lessons) -> dict[str, Lessons | None]:
    """Ways to learn: from the labels, from the teacher's choice, from all of the teacher's logits."""
    # A choice as logits: so far apart that no temperature in use lets another class through.
    choice = np.where(taught.logits == taught.logits.max(axis=1, keepdims=True), 50, -50).astype(np.float32)
    return {
        "labels": None,
        "teacher's choice": replace(taught, logits=choice, temperature=1.0),
        "distilled": taught,
    }


class Run:
    """A student on its way: weights, their running average, optimiser, schedule.

    Parameters
    ----------
    net : torch.nn.Module
        Untrained.
    targets : ndarray of int64, shape (examples,)
        Class of each example, :data:`UNLABELLED` where it has none.
    n_classes : int
    how : Training
    steps : int
        Batches in all.
    lessons : Lessons, optional
        A teacher's answers about the examples.
    embeddings : Embeddings, optional
        A large model's vectors of the examples; the network then has features (:class:`WithFeatures`).
    """

    def __init__(
        self,
        net: nn.Module,
        targets: npt.NDArray[np.int64],
        n_classes: int,
        how: Training,
        steps: int,
        lessons: Lessons | None,
        embeddings: Embeddings | None = None,
    ) -> None:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it, CUDA is not deterministic
        torch.set_num_threads(how.threads)
        torch.use_deterministic_algorithms(True)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.how, self.lessons, self.embeddings, self.targets = how, lessons, embeddings, targets
        # Half as fast again on a CPU; torch's type hints do not know the argument.
        self.net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.net)
        known = self.targets[self.targets != UNLABELLED]
        share = np.bincount(known, minlength=n_classes) / len(known)
        # A class without a recording gets no weight, or label smoothing would teach it to everybody.
        weight = np.where(share > 0, np.maximum(share, 1e-3) ** -how.class_power, 0.0)
        self.loss = nn.CrossEntropyLoss(
            torch.tensor(weight / (weight * share).sum(), dtype=torch.float32),
            ignore_index=UNLABELLED,
            label_smoothing=how.label_smoothing,
        ).to(self.device)
        self.projection = self._projection()
        trained = [*self.net.parameters(), *self.projection.parameters()]
        self.optimiser = torch.optim.AdamW(trained, how.lr, weight_decay=how.weight_decay)
        # The rate rises over the first 15 % of the steps and then falls to nothing.
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, how.lr, total_steps=steps, pct_start=0.15
        )
        self.steps = 0
        self.epoch = 0
        # What a checkpoint must be of to go on from it
        of = hashlib.sha256(repr((how, steps)).encode() + self.targets.tobytes())
        if embeddings:
            of.update(repr(embeddings.weight).encode() + embeddings.vectors.tobytes())
        self.of = of.hexdigest()

    def _projection(self) -> nn.Module:
        if self.embeddings is None:
            return nn.Identity()
        torch.manual_seed(self.how.seed)
        width = cast(WithFeatures, self.net).width
        return nn.Linear(width, self.embeddings.vectors.shape[1]).to(self.device)

    def finish(self, checkpoint: Path, batches: Batches, progress: Progress) -> nn.Module:
        """Train from where ``checkpoint`` is, if it is there, and return the average of the weights."""
        self.resume(checkpoint)
        while self.epoch < self.how.epochs:
            rng = np.random.default_rng([self.how.seed, self.epoch])
            torch.manual_seed(self.how.seed * 100_003 + self.epoch)
            losses = [self.step(x, chosen) for x, chosen in batches(rng)]
            self.epoch += 1
            self.save(checkpoint)
            progress(self.epoch, self.how.epochs, float(np.mean(losses)))
        average: nn.Module = self.average.eval().cpu()
        return average

    def step(self, x: Tensor, chosen: npt.NDArray[np.int64]) -> float:
        self.net.train()
        loss = self._loss(x.to(self.device), chosen)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        # Cut to a length of 2 in all.
        nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimiser.step()
        self.schedule.step()
        self._average()
        return float(loss.detach())

    def _loss(self, x: Tensor, chosen: npt.NDArray[np.int64]) -> Tensor:
        drawn = torch.tensor(0.0, device=self.device)
        if self.embeddings:
            net = cast(WithFeatures, self.net)
            pooled = net.pooled(x)
            logits = net.classify(pooled)
            drawn = self.embeddings.loss(self.projection(pooled.mean), chosen)
        else:
            logits = self.net(x)
        loss: Tensor = self.loss(logits, torch.from_numpy(self.targets[chosen]).to(self.device))
        if self.lessons:
            loss = self.lessons.blend(loss, logits, chosen)
        return loss + drawn

    @torch.no_grad()
    def _average(self) -> None:
        self.steps += 1
        # A young average must forget the random start.
        keep = min(self.how.ema, self.steps / (self.steps + 10))
        for a, b in zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True):
            if a.dtype.is_floating_point:
                a.lerp_(b, 1 - keep)
            else:
                a.copy_(b)

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer | torch.optim.lr_scheduler.LRScheduler]:
        return {
            "net": self.net,
            "average": self.average,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "projection": self.projection,
        }

    def save(self, path: Path) -> None:
        state = {name: part.state_dict() for name, part in self._parts().items()}
        with atomic_file(path) as file:
            torch.save({**state, "epoch": self.epoch, "steps": self.steps, "of": self.of}, file)

    def resume(self, path: Path) -> None:
        if path.is_file():
            state = read_checkpoint(path, _KEYS, self.device)
            if state.get("of") != self.of:
                raise ConfigError(
                    f"{path} is of another recipe, or of other data: delete it, or give another --work"
                )
            for name, part in self._parts().items():
                part.load_state_dict(state.get(name, {}))  # checkpoints of before have no projection
            self.epoch, self.steps = state["epoch"], state["steps"]


# Those that every checkpoint has had; one of before has no projection.
_KEYS = {"net", "average", "epoch", "steps"}
_CPU = torch.device("cpu")


def read_checkpoint(path: Path, keys: Set[str], device: torch.device = _CPU) -> dict[str, Any]:
    """Read a checkpoint as tensors alone.

    Raises
    ------
    ConfigError
        It is damaged, or lacks one of ``keys``.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # a pickle's opcodes raise anything
        why = (str(error).splitlines() or [""])[0][:200]
        raise ConfigError(
            f"the checkpoint {path} cannot be read ({type(error).__name__}: {why}): delete it"
        ) from error
    if not isinstance(state, dict) or not keys <= state.keys():
        raise ConfigError(f"{path} is no checkpoint of this training: delete it, or give another --work")
    return state


def with_average(net: nn.Module, checkpoint: Path) -> nn.Module:
    """Give an untrained network the averaged weights of a checkpoint, in eval mode."""
    state = read_checkpoint(checkpoint, _KEYS)
    net.load_state_dict(state["average"])
    return net.eval()


@torch.no_grad()
def logits(net: nn.Module, windows: npt.NDArray[np.float32], batch: int = 128) -> npt.NDArray[np.float32]:
    """Run a float network over inputs of shape (n, time) or (n, leads, time): logits, shape (n, classes)."""
    net.eval()
    x = torch.from_numpy(windows if windows.ndim == 3 else windows[:, None, :])
    parts = [net(x[i : i + batch]) for i in range(0, len(x), batch)]
    out: npt.NDArray[np.float32] = torch.cat(parts).numpy()
    return out
