"""CLEF: contrastive learning in which people of another risk are pushed further apart."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ecgedge_export.pretrain import views
from ecgedge_export.pretrain.encoder import Encoder
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.sets import Cohort

TEMPERATURE = 0.07
SAME_LEAD = 0.8  # both views show the same lead
NOISE_RMS_MV = 0.1
LOST, P_LOST = (0.1, 0.3), 0.2
# How far apart two people are at least, and at most: 0.2 + 0.8.
_NEAREST, _SPAN = 0.2, 0.8


class InfoNce:
    """Two views of a recording are to be alike, and unlike all others of the batch: InfoNCE (NT-Xent).

    For view i with its other view p, cosines S and temperature T = 0.07:
    ``-mean log(exp(S_ip/T) / (exp(S_ip/T) + sum_j exp(S_ij/T)))``, j over the 2B - 2 views of other
    recordings. Source: van den Oord et al., arXiv 1807.03748; Chen et al., arXiv 2002.05709. The twin of
    :class:`Clef`: the same views, without a projector.
    """

    name: ClassVar[str] = "infonce"
    reads_reports: ClassVar[bool] = False

    def __init__(self, encoder: Encoder, cohort: Cohort) -> None:
        self.encoder = encoder
        self.parts = nn.ModuleDict()
        self._noises = views.training_noise()

    def loss(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        return info_nce(cosines(self._views(batch, rng)))

    def after_step(self, step: int) -> None:
        """Nothing follows a step."""

    def _views(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        """Embeddings of both views, (2 batch, dim): first all first ones, then all second ones."""
        ecg, n = batch.ecg.numpy(), len(batch)
        first = rng.integers(ecg.shape[1], size=n)
        other = rng.integers(ecg.shape[1], size=n)
        second = np.where(rng.random(n) < SAME_LEAD, first, other)
        shown = np.concatenate([views.one_lead_each(ecg, leads) for leads in (first, second)])
        views.disturb(shown, self._noises, NOISE_RMS_MV, rng)
        views.lose_stretch(shown, LOST, P_LOST, rng)
        pooled: Tensor = self.encoder(torch.from_numpy(shown)).pooled
        return pooled


class Clef(InfoNce):
    """Contrast weighted by the difference of risk, and cosines drawn towards the similarity of risk.

    With r the risk, D_ij = 0.8 minmax((r_i - r_j)^2) + 0.2, D_ii = 0, M = 1 - D, tiled 2 x 2 for the views;
    w the softmax of each row of 1 - M over all 2B entries, S the cosines, T = 0.07:

    ``L = (L_nce + L_align) / 2``,
    ``L_nce = -mean log(exp(S_ip/T) / (exp(S_ip/T) + sum_j w_ij exp(S_ij/T)))``, j over other recordings,
    ``L_align = mean((minmax(S) - M)^2)``.

    Source: CLEF, arXiv 2512.02180. What differs: risk is SCORE2 there, whose inputs (smoking, pressure,
    cholesterol) PTB-XL lacks; here it is the age, capped at 90. Missing metadata: D is multiplied by
    exp(-m_i m_j), m the share that is missing of a person's metadata (1 without an age, else 0), so that two
    unknown people are hardly told apart; the risk that is missing is the mean of the batch. The network has
    0.26 million parameters in place of 0.45, the rate is 100 Hz, noise is NSTDB's at RMS 0.1 mV, and the
    learning rate and its schedule are those of all objectives here (Plan).

    Each row of w sums to 1, so that the negatives are averaged and not summed: at B = 64 they weigh 1/128 of
    what InfoNCE gives them, and the loss is nearly 0 from the start. :class:`ClefSummed` undoes that.
    """

    name: ClassVar[str] = "clef"
    summed: ClassVar[bool] = False

    def __init__(self, encoder: Encoder, cohort: Cohort) -> None:
        super().__init__(encoder, cohort)
        self._risk = torch.from_numpy(cohort.age)

    def loss(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        similar = 1 - dissimilarity(self._risk[torch.from_numpy(batch.rows)]).tile(2, 2)
        found = cosines(self._views(batch, rng))
        weights = torch.softmax(1 - similar, dim=1) * (len(similar) if self.summed else 1)
        return (info_nce(found, weights) + F.mse_loss(minmax(found), similar)) / 2


class ClefSummed(Clef):
    """:class:`Clef` with weights whose mean is 1: negatives weigh what they weigh in InfoNCE, on average."""

    name: ClassVar[str] = "clef_summed"
    summed: ClassVar[bool] = True


def dissimilarity(risk: Tensor) -> Tensor:
    """D of (batch,) risks, NaN where unknown: (batch, batch), 0.2 to 1 where known, 0 on the diagonal."""
    known = risk.isfinite()
    filled = torch.where(known, risk, risk[known].mean() if known.any() else 0.0)
    distance = _NEAREST + _SPAN * minmax((filled[:, None] - filled[None, :]).square())
    missing = (~known).to(distance.dtype)
    distance = distance * torch.exp(-missing[:, None] * missing[None, :])
    return distance.fill_diagonal_(0.0)


def minmax(x: Tensor) -> Tensor:
    """Bring a matrix to 0 to 1; zeros where all of it is the same."""
    low, high = x.min(), x.max()
    scaled: Tensor = (x - low) / (high - low).clamp_min(1e-12)
    return scaled


def cosines(pooled: Tensor) -> Tensor:
    """Cosine of every embedding with every other: (n, n)."""
    unit = F.normalize(pooled, dim=1)
    return unit @ unit.T


def info_nce(cosine: Tensor, weights: Tensor | None = None) -> Tensor:
    """Contrastive loss of cosines (2B, 2B), views of one recording B rows apart; weights of the negatives."""
    n = len(cosine)
    rows = torch.arange(n)
    other_view = (rows + n // 2) % n
    exponent = cosine / TEMPERATURE
    if weights is not None:
        exponent = exponent + weights.log()
    # What is no negative: the view itself, and the other one, which is put back unweighted.
    exponent = exponent.masked_fill(torch.eye(n, dtype=torch.bool), -torch.inf)
    positive = cosine[rows, other_view] / TEMPERATURE
    exponent = exponent.index_put((rows, other_view), positive)
    return (exponent.logsumexp(1) - positive).mean()
