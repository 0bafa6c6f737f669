"""Ways to learn that promise to hold under a shift: a penalty for change, or the worst group first.

All take logits of "sick" of shape (n,), whether each is (0 or 1), and a weight for each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

GROUP_STEP = 0.05  # of GroupDRO's weights; 0.01 to 0.1 are in the paper's appendix, the same here


def risk(logits: Tensor, sick: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of the log loss; 0 where nothing has a weight."""
    loss = F.binary_cross_entropy_with_logits(logits, sick, reduction="none")
    return (weight * loss).sum() / weight.sum().clamp_min(1e-9)


def irm_penalty(logits: Tensor, sick: Tensor, weight: Tensor) -> Tensor:
    """Squared slope of an environment's risk along a factor of the logits, at 1.

    Arjovsky et al., "Invariant risk minimization", 2019 (arXiv 1907.02893), formula IRMv1. The slope has a
    closed form: the mean of (sigmoid(s) - y) * s.
    """
    slope = (weight * (torch.sigmoid(logits) - sick) * logits).sum() / weight.sum().clamp_min(1e-9)
    return slope.square()


def irm(logits: Tensor, sick: Tensor, environments: Sequence[Tensor], strength: float) -> Tensor:
    """Mean risk over environments plus ``strength`` times the mean penalty.

    Divided by ``strength`` where that is above 1, as the authors do, so that the steps keep their size. Each
    environment is a weight for each record.
    """
    risks = torch.stack([risk(logits, sick, w) for w in environments])
    penalties = torch.stack([irm_penalty(logits, sick, w) for w in environments])
    return (risks.mean() + strength * penalties.mean()) / max(1.0, strength)


def rex(logits: Tensor, sick: Tensor, environments: Sequence[Tensor], strength: float) -> Tensor:
    """Mean risk plus ``strength`` times the variance of the risks of environments.

    Krueger et al., "Out-of-distribution generalization via risk extrapolation", ICML 2021: V-REx.
    """
    risks = torch.stack([risk(logits, sick, w) for w in environments])
    return (risks.mean() + strength * risks.var(unbiased=False)) / max(1.0, strength)


class GroupDro:
    """The worst group counts most: groups gain weight by the exponential of their loss.

    Sagawa et al., "Distributionally robust neural networks for group shifts", ICLR 2020, algorithm 1. Groups
    are those of sick and covariate.

    Parameters
    ----------
    n_groups : int
    step : float

    Examples
    --------
    >>> dro = GroupDro(2)
    >>> _ = dro(torch.tensor([3.0, 3.0]), torch.tensor([1.0, 0.0]), torch.tensor([0, 1]))
    >>> bool(dro.weight[1] > dro.weight[0])  # the one that was wrong
    True
    """

    def __init__(self, n_groups: int, step: float = GROUP_STEP) -> None:
        self.weight, self._step = torch.full((n_groups,), 1 / n_groups), step

    def __call__(self, logits: Tensor, sick: Tensor, group: Tensor) -> Tensor:
        """Loss of a batch; a group that is not in it keeps its weight, and adds nothing."""
        own = [(group == g).to(logits.dtype) for g in range(len(self.weight))]
        losses = torch.stack([risk(logits, sick, w) for w in own])
        raised = self.weight * torch.exp(self._step * losses.detach())
        self.weight = raised / raised.sum()
        return (self.weight * losses).sum()
