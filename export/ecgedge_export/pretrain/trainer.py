"""One trainer for all objectives: deterministic by seed, resumable after every epoch.

What is trained is written as an encoder file, which probes, `embed` and `distill` read: tensors alone, loaded
strictly, with the objective's name and the plan beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_bridge.files import atomic_file
from ecgedge_export.pretrain.encoder import DIM, Encoder
from ecgedge_export.pretrain.objective import Batch, Make, Objective
from ecgedge_export.pretrain.sets import Cohort
from ecgedge_export.train import read_checkpoint

Progress = Callable[[int, int, float], None]
FORMAT = "ecgedge-encoder-1"
_CLIP = 2.0  # longest gradient
_KEYS = {"encoder", "parts", "optimiser", "schedule", "losses", "of"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast an encoder is trained; the same for all objectives of a table.

    The default costs 40 s of one core on the 2,010 recordings of PTB-XL that were at hand.
    """

    epochs: int = 8
    batch: int = 64
    lr: float = 2e-3
    weight_decay: float = 1e-3
    seed: int = 1
    threads: int = 1  # part of the plan: another number of threads sums in another order


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """An encoder in eval mode, and the mean loss of each epoch."""

    encoder: Encoder
    losses: list[float]


def seeded(plan: Plan) -> Encoder:
    """Untrained encoder of a seed: where every objective starts, and the twin that learns nothing."""
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    return Encoder()


def pretrain(make: Make, cohort: Cohort, plan: Plan, checkpoint: Path, progress: Progress) -> Trained:
    """Train an encoder by an objective, going on from ``checkpoint`` where there is one.

    Parameters
    ----------
    make : callable
        Makes the objective, from the untrained encoder and the cohort.
    cohort : Cohort
        Whom it learns from.
    plan : Plan
    checkpoint : Path
        Written after every epoch, whole or not at all.
    progress : callable
        Called with (epochs done, epochs in all, mean loss).

    Raises
    ------
    ConfigError
        The checkpoint is damaged or of another training, or there are fewer recordings than two.
    """
    if len(cohort) < 2:
        raise ConfigError(f"{len(cohort)} recordings are too few to learn from: fetch ptb-xl")
    torch.use_deterministic_algorithms(True)
    run = _Run(make(seeded(plan), cohort), cohort, plan)
    run.resume(checkpoint)
    while len(run.losses) < plan.epochs:
        run.epoch()
        run.save(checkpoint)
        progress(len(run.losses), plan.epochs, run.losses[-1])
    return Trained(run.objective.encoder.eval(), run.losses)


class _Run:
    """An encoder on its way."""

    def __init__(self, objective: Objective, cohort: Cohort, plan: Plan) -> None:
        self.objective, self.cohort, self.plan = objective, cohort, plan
        # Once around a whole batch: a last batch of a few would weigh as much as the others.
        self.batch = min(plan.batch, len(cohort))
        modules = nn.ModuleList([objective.encoder, objective.parts])
        self.trained = [p for p in modules.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.trained, plan.lr, weight_decay=plan.weight_decay)
        steps = plan.epochs * (len(cohort) // self.batch)
        # The rate rises over the first 15 % of the steps and then falls to nothing.
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, plan.lr, total_steps=steps, pct_start=0.15
        )
        self.step, self.losses = 0, list[float]()
        self.of = hashlib.sha256(repr((objective.name, plan, cohort.digest)).encode()).hexdigest()

    def epoch(self) -> None:
        seed, done = self.plan.seed, len(self.losses)
        rng = np.random.default_rng([seed, done])
        torch.manual_seed(seed * 100_003 + done)
        self.objective.encoder.train()
        losses = [self._step(batch, rng) for batch in self._batches(rng)]
        self.losses.append(float(np.mean(losses)))

    def _batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        order = rng.permutation(len(self.cohort))
        for i in range(0, len(order) - self.batch + 1, self.batch):
            rows = order[i : i + self.batch]
            yield Batch(torch.from_numpy(self.cohort.ecg[rows]), rows)

    def _step(self, batch: Batch, rng: np.random.Generator) -> float:
        loss = self.objective.loss(batch, rng)
        if not torch.isfinite(loss):
            raise ModelError(f"the loss of {self.objective.name} is not finite: lower lr in the plan")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.trained, _CLIP)
        self.optimiser.step()
        self.schedule.step()
        self.step += 1
        self.objective.after_step(self.step)
        return float(loss.detach())

    def save(self, path: Path) -> None:
        state = {name: part.state_dict() for name, part in self._parts().items()}
        with atomic_file(path) as file:
            torch.save({**state, "losses": self.losses, "step": self.step, "of": self.of}, file)

    def resume(self, path: Path) -> None:
        if not path.is_file():
            return
        state = read_checkpoint(path, _KEYS)
        if state["of"] != self.of:
            raise ConfigError(f"{path} is of another training: delete it, or give another --work")
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.losses, self.step = state["losses"], state["step"]

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer | torch.optim.lr_scheduler.LRScheduler]:
        return {
            "encoder": self.objective.encoder,
            "parts": self.objective.parts,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
        }


def save_encoder(trained: Trained, objective: str, plan: Plan, path: Path) -> None:
    """Write an encoder file, whole or not at all."""
    encoder = trained.encoder
    with atomic_file(path) as file:
        torch.save(
            {
                "format": FORMAT,
                "objective": objective,
                "plan": asdict(plan),
                "losses": trained.losses,
                "leads": encoder.leads,
                "dim": encoder.dim,
                "filtered": encoder.filtered,
                "state_dict": encoder.state_dict(),
            },
            file,
        )


def is_encoder(path: Path) -> bool:
    """Tell whether a file calls itself an encoder of ours; False for whatever cannot be read."""
    try:
        return path.is_file() and read_checkpoint(path, {"format"})["format"] == FORMAT
    except ConfigError:
        return False


def load_encoder(path: Path) -> Trained:
    """Read an encoder file: tensors alone, loaded strictly; eval mode.

    Raises
    ------
    ConfigError
        No such file.
    ModelError
        It is damaged, or no encoder of ours.
    """
    if not path.is_file():
        raise ConfigError(f"no such file: {path}: make one with 'ecgedge-export pretrain'")
    try:
        state = read_checkpoint(path, {"format", "state_dict", "leads", "dim", "losses"})
        if state["format"] != FORMAT or (state["leads"], state["dim"]) != (1, DIM):
            raise ValueError(f"format {state['format']!r}, {state['leads']!r} leads, dim {state['dim']!r}")
        encoder = Encoder()
        if state.get("filtered"):
            encoder.add_filter()
        encoder.load_state_dict(state["state_dict"], strict=True)
        losses = [float(loss) for loss in state["losses"]]
    except (ConfigError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        why = (str(error).splitlines() or [""])[0][:200]
        raise ModelError(
            f"{path} is no encoder of ours ({why}): make one with 'ecgedge-export pretrain'"
        ) from error
    if not all(torch.isfinite(t).all() for t in encoder.state_dict().values()):
        raise ModelError(f"{path} has weights that are not finite: train it anew")
    return Trained(encoder.eval(), losses)
