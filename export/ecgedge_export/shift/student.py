"""The student that every arm and every cell of the matrix trains: random kernels, and a head that learns.

The kernels are drawn by the seed and never trained (ROCKET, Dempster et al., Data Mining and Knowledge
Discovery 34, 2020): what a student knows of a data set it learnt from that one alone. A convolutional network
trained from end to end costs 40 s of a core, and there are some 70 trainings; a head costs one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge_export.pretrain.encoder import standardised
from ecgedge_export.shift.covariates import Fused, hidden

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
# Of (logits of a batch, places of its recordings, share of the training that is done)
Loss = Callable[[Tensor, Places, float], Tensor]
_CLIP = 2.0  # longest gradient
_LENGTH, _EACH = 9, 64  # samples of a kernel, kernels of a dilation
_DILATIONS = (1, 2, 4, 8, 16, 32)  # at 100 Hz from a QRS (0.09 s) to two beats (2.6 s)
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """Budget of one training: about a second of a core for 1,100 windows.

    Chosen on f(x) without shift from 10, 20 and 40 epochs, and a decay of 0.05, 0.3 and 1.
    """

    epochs: int = 20
    batch: int = 64
    lr: float = 1e-3
    weight_decay: float = 1.0
    seed: int = 1


@torch.no_grad()
def features(windows: Floats, seed: int) -> Floats:
    """What random kernels say of windows (n, 1, time): float32 (n, 768).

    Of each kernel the largest value, and the share of the time in which it is above its threshold.
    """
    torch.set_num_threads(1)
    rng = np.random.default_rng([seed, 3])
    weights = rng.normal(0, 1, (len(_DILATIONS), _EACH, 1, _LENGTH)).astype(np.float32)
    kernels = torch.from_numpy(weights - weights.mean(axis=-1, keepdims=True))
    thresholds = torch.from_numpy(rng.normal(0, 2, (len(_DILATIONS), _EACH, 1)).astype(np.float32))
    parts = []
    for start in range(0, len(windows), _BATCH):
        x = standardised(torch.from_numpy(windows[start : start + _BATCH]))
        answers = [F.conv1d(x, kernel, dilation=d) for kernel, d in zip(kernels, _DILATIONS, strict=True)]
        above = [(a > t).float().mean(2) for a, t in zip(answers, thresholds, strict=True)]
        parts.append(torch.cat([*above, *(a.amax(2) for a in answers)], dim=1))
    found: Floats = torch.cat(parts).numpy()
    return found


def train(seen: Floats, z: Floats, loss: Loss, plan: Plan) -> Fused:
    """Train a head on features (n, k) and covariates (n, 4), some of them hidden; eval mode.

    The same seed gives the same head.
    """
    torch.set_num_threads(1)  # another number of threads sums in another order
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(plan.seed)
    net, hide = Fused(seen.mean(axis=0), seen.std(axis=0) + np.float32(1e-6)), torch.Generator()
    hide.manual_seed(plan.seed)
    n_batches = -(-len(seen) // plan.batch)
    steps = plan.epochs * n_batches
    optimiser = torch.optim.AdamW(net.parameters(), plan.lr, weight_decay=plan.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.lr, total_steps=steps, pct_start=0.15)
    rng, step = np.random.default_rng([plan.seed, 11]), 0
    net.train()
    for _ in range(plan.epochs):
        for chosen in np.array_split(rng.permutation(len(seen)), n_batches):
            logits = net(torch.from_numpy(seen[chosen]), hidden(torch.from_numpy(z[chosen]), hide))
            optimiser.zero_grad(set_to_none=True)
            loss(logits, chosen, step / steps).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), _CLIP)
            optimiser.step()
            schedule.step()
            step += 1
    return net.eval()


@torch.no_grad()
def probabilities(net: Fused, seen: Floats, z: Floats) -> npt.NDArray[np.float64]:
    """Probability of being sick, from features (n, k) and covariates (n, 4)."""
    p: npt.NDArray[np.float64] = (
        torch.sigmoid(net(torch.from_numpy(seen), torch.from_numpy(z))).double().numpy()
    )
    return p
