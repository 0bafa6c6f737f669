"""What an encoder is worth: a linear probe on frozen embeddings, and a fine-tune of all of it.

Everybody is answered for by what did not see their labels: PTB-XL's folds (by patient) are two halves, odd
and even, and each half is answered by a probe, or a fine-tuned network, that learnt from the other one. An
encoder that learns without labels has seen the signals of both halves, and for some objectives age and sex;
one that learns from statements or reports is trained once for each half, on the other half alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge_export.pretrain.encoder import Encoder
from ecgedge_export.pretrain.sets import Cohort, Strips
from ecgedge_export.pretrain.trainer import Plan
from ecgedge_export.splits import is_validation

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
HALVES = 2
# Of the mean loss, on standardised embeddings; chosen on the random encoder from 0.003, 0.01, 0.03, 0.1.
RIDGE = 0.03
_ITERATIONS = 100
_RHYTHMS = ("N", "A", "O")
TUNING = Plan(epochs=6, lr=2e-3, weight_decay=0.02)


def half(folds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Which half a fold belongs to: 0 or 1."""
    return folds % HALVES


@torch.no_grad()
def embedded(encoder: Encoder, windows: Floats, batch: int = 256) -> Floats:
    """Embeddings of windows (n, 1, 1000): float32 (n, dim)."""
    encoder.eval()
    parts = [encoder(torch.from_numpy(windows[i : i + batch])).pooled for i in range(0, len(windows), batch)]
    vectors: Floats = torch.cat(parts).numpy()
    return vectors


class Probe:
    """Logistic regression with an L2 penalty, one output for each column of the targets, or softmax.

    Fitted by L-BFGS on embeddings that are standardised by what was learnt from.

    Parameters
    ----------
    vectors : float32 array of shape (n, dim)
    targets : float32 array of shape (n, classes)
        0 or 1.
    exclusive : bool
        One class each: softmax in place of a sigmoid for each.

    Examples
    --------
    >>> x = np.array([[-1.0], [-2.0], [1.0], [2.0]], np.float32)
    >>> (Probe(x, (x > 0).astype(np.float32))(x)[:, 0] > 0).tolist()
    [False, False, True, True]
    """

    def __init__(self, vectors: Floats, targets: Floats, *, exclusive: bool = False) -> None:
        self._mean = vectors.mean(0)
        self._deviation = vectors.std(0) + 1e-6
        x, y = self._prepared(vectors), torch.from_numpy(targets)
        weight = torch.zeros(x.shape[1], y.shape[1], requires_grad=True)
        bias = torch.zeros(y.shape[1], requires_grad=True)
        optimiser = torch.optim.LBFGS([weight, bias], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimiser.zero_grad()
            logits = x @ weight + bias
            if exclusive:
                fit = F.cross_entropy(logits, y)
            else:
                fit = F.binary_cross_entropy_with_logits(logits, y, reduction="none").sum(1).mean()
            loss = fit + RIDGE / 2 * weight.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        self._weight, self._bias = weight.detach(), bias.detach()

    def _prepared(self, vectors: Floats) -> Tensor:
        return torch.from_numpy((vectors - self._mean) / self._deviation)

    def __call__(self, vectors: Floats) -> Floats:
        """Logits, float32 (n, classes)."""
        logits: Floats = (self._prepared(vectors) @ self._weight + self._bias).numpy()
        return logits


def out_of_fold(cohort: Cohort, answer: Callable[[int, Bools], Floats]) -> Floats:
    """Let each half be answered by what learnt from the other one.

    Parameters
    ----------
    cohort : Cohort
    answer : callable
        Of (number of the half that is answered for, mask of whom it may learn from): scores of the others,
        shape (others, classes).
    """
    parts = [(half(cohort.folds) == k, answer(k, half(cohort.folds) != k)) for k in range(HALVES)]
    scores = np.empty((len(cohort), parts[0][1].shape[1]), np.float32)
    for mine, said in parts:
        scores[mine] = said
    return scores


def probed(encoders: Sequence[Encoder], cohort: Cohort, targets: Floats) -> Floats:
    """Out-of-fold scores of linear probes on lead I: (n, classes).

    Parameters
    ----------
    encoders : sequence of Encoder
        One for each half that is answered for; twice the same where it learnt without labels.
    cohort : Cohort
    targets : float32 array of shape (n, classes)
        0 or 1.
    """
    return probed_on(encoders, cohort, targets, cohort.lead_i)


def probed_on(encoders: Sequence[Encoder], cohort: Cohort, targets: Floats, shown: Floats) -> Floats:
    """As :func:`probed`; the probes learn from lead I, and then answer about other windows, ``shown``."""

    def answer(k: int, learn: Bools) -> Floats:
        probe = Probe(embedded(encoders[k], cohort.lead_i[learn]), targets[learn])
        return probe(embedded(encoders[k], shown[~learn]))

    return out_of_fold(cohort, answer)


def tuned(encoders: Sequence[Encoder], cohort: Cohort, targets: Floats, plan: Plan = TUNING) -> Floats:
    """Out-of-fold scores of networks that were fine-tuned from encoders (or from chance) on lead I."""

    def answer(k: int, learn: Bools) -> Floats:
        net = fine_tune(encoders[k], cohort.lead_i[learn], targets[learn], plan)
        return _logits(net, cohort.lead_i[~learn])

    return out_of_fold(cohort, answer)


class Tuned(nn.Module):
    """An encoder with a linear head."""

    def __init__(self, encoder: Encoder, n_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(encoder.dim, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.drop(self.encoder(x).pooled))
        return logits


def fine_tune(encoder: Encoder, windows: Floats, targets: Floats, plan: Plan = TUNING) -> Tuned:
    """Train a copy of an encoder and a new head on labels; windows begin anywhere, wrapped around."""
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    net = Tuned(copy.deepcopy(encoder), targets.shape[1])
    steps = plan.epochs * -(-len(windows) // plan.batch)
    optimiser = torch.optim.AdamW(net.parameters(), plan.lr, weight_decay=plan.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.lr, total_steps=steps, pct_start=0.15)
    rng = np.random.default_rng([plan.seed, 7])
    net.train()
    for _ in range(plan.epochs):
        order = rng.permutation(len(windows))
        for chosen in np.array_split(order, -(-len(order) // plan.batch)):
            x = np.roll(windows[chosen], int(rng.integers(windows.shape[-1])), axis=-1)
            logits = net(torch.from_numpy(x))
            loss = F.binary_cross_entropy_with_logits(logits, torch.from_numpy(targets[chosen]))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def _logits(net: Tuned, windows: Floats, batch: int = 256) -> Floats:
    parts = [net(torch.from_numpy(windows[i : i + batch])) for i in range(0, len(windows), batch)]
    scores: Floats = torch.cat(parts).numpy()
    return scores


def rhythm_scores(encoder: Encoder, strips: Strips) -> Floats:
    """Probe for N, A and O on CinC 2017: logits of all recordings that validate, (m, 3).

    The probe learns from the others (``val-1``, by record); a recording is the mean of its windows.
    """
    vectors = np.zeros((len(strips.ids), encoder.dim), np.float32)
    np.add.at(vectors, strips.of, embedded(encoder, strips.windows))
    vectors /= np.bincount(strips.of, minlength=len(strips.ids))[:, None]
    validates = validating(strips)
    targets = rhythms(strips)
    logits = Probe(vectors[~validates], targets[~validates], exclusive=True)(vectors[validates])
    return logits


def validating(strips: Strips) -> Bools:
    """Mask of the recordings of CinC 2017 that validate."""
    return np.array([is_validation(name) for name in strips.ids])


def rhythms(strips: Strips) -> Floats:
    """Which of N, A and O each recording is: 0 or 1, (n, 3)."""
    return np.array([[label == name for name in _RHYTHMS] for label in strips.labels], np.float32)
