"""A student of lead I that learns from labels, with other views or another term of the loss beside them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge_export.pretrain.encoder import N_TOKENS, PATCH, Encoded, Encoder, encoded_fast, one_lead
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.probe import Tuned
from ecgedge_export.pretrain.sets import LEAD_I, Cohort
from ecgedge_export.pretrain.trainer import Plan

Floats = npt.NDArray[np.float32]
PLAN = Plan(epochs=6, lr=2e-3, weight_decay=0.02)
"""A quarter of a minute of one core for both halves of PTB-XL."""


class Aid(Protocol):
    """What an arm does beside learning from labels; nothing of it is left when the student is trained."""

    parts: nn.ModuleDict

    def shown(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        """What the student sees of a batch, (batch, 1, 1000)."""
        ...

    def term(self, encoded: Encoded, batch: Batch, moved: int) -> Tensor | None:
        """Further term of the loss, or none; ``moved`` tokens the batch was shifted by, around the end."""
        ...

    def after_step(self, step: int) -> None:
        """Follow a step, counted from 1."""
        ...


@dataclass
class Plain:
    """Labels alone: lead I as it is."""

    parts: nn.ModuleDict = field(default_factory=nn.ModuleDict)

    def shown(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        return one_lead(batch.ecg, LEAD_I)

    def term(self, encoded: Encoded, batch: Batch, moved: int) -> Tensor | None:
        return None

    def after_step(self, step: int) -> None:
        """Nothing follows a step."""


def train(start: Encoder, cohort: Cohort, plan: Plan, make: Callable[[Encoder, Cohort], Aid]) -> Tuned:
    """Train a copy of an encoder, with a new head, on the five superclasses.

    Arms of one seed begin with the same head, and see the same recordings, shifts and dropout.

    Parameters
    ----------
    start : Encoder
    cohort : Cohort
        Whom it learns from.
    plan : Plan
    make : callable
        Makes the aid, from the copied encoder and the cohort.
    """
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    encoder = copy.deepcopy(start)
    net = Tuned(encoder, cohort.superclasses.shape[1])
    aid = make(encoder, cohort)
    torch.manual_seed(plan.seed)  # whatever the aid drew, what follows is the same
    every = nn.ModuleList([net, aid.parts]).parameters()
    optimiser = torch.optim.AdamW(
        [p for p in every if p.requires_grad], plan.lr, weight_decay=plan.weight_decay
    )
    size = min(plan.batch, len(cohort))
    steps = plan.epochs * (len(cohort) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.lr, total_steps=steps, pct_start=0.15)
    rng = np.random.default_rng([plan.seed, 11])
    net.train()
    rows = np.empty(0, np.int64)
    for step in range(1, steps + 1):
        if len(rows) < size:
            rows = rng.permutation(len(cohort))
        batch, moved = _shifted(cohort, rows[:size], rng)
        rows = rows[size:]
        loss = _loss(net, aid, batch, moved, cohort, rng)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        aid.after_step(step)
    return net.eval()


def _shifted(cohort: Cohort, rows: npt.NDArray[np.int64], rng: np.random.Generator) -> tuple[Batch, int]:
    moved = int(rng.integers(N_TOKENS))
    return Batch(torch.from_numpy(np.roll(cohort.ecg[rows], moved * PATCH, axis=-1)), rows), moved


def _loss(net: Tuned, aid: Aid, batch: Batch, moved: int, cohort: Cohort, rng: np.random.Generator) -> Tensor:
    encoded = encoded_fast(net.encoder, aid.shown(batch, rng))
    logits = net.head(net.drop(encoded.pooled))
    wanted = torch.from_numpy(cohort.superclasses[batch.rows])
    loss = F.binary_cross_entropy_with_logits(logits, wanted)
    term = aid.term(encoded, batch, moved)
    return loss if term is None else loss + term


@torch.no_grad()
def logits(net: Tuned, windows: Floats, batch: int = 256) -> Floats:
    """Answers of a trained student about windows (n, 1, 1000): (n, classes)."""
    said: Floats = net.head(torch.from_numpy(embedded(net.encoder.eval(), windows, batch))).numpy()
    return said


@torch.no_grad()
def embedded(encoder: Encoder, windows: Floats, batch: int = 256) -> Floats:
    """Embeddings of windows (n, 1, 1000), in half the time of the common probe's: (n, dim)."""
    parts = [encoded_fast(encoder, torch.from_numpy(windows[i : i + batch])).pooled
             for i in range(0, len(windows), batch)]  # fmt: skip
    vectors: Floats = torch.cat(parts).numpy()
    return vectors
