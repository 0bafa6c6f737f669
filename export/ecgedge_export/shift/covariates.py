"""Age and sex beside the trace: late fusion, where each may stay unknown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

CENTURY = 90.0  # years that make an age of 1: PTB-XL calls nobody older
N_COVARIATES = 2  # age, sex
P_HIDDEN = 0.5  # of each covariate in training, by itself
_HIDDEN, _DROPOUT = 32, 0.2

Floats = npt.NDArray[np.float32]


def covariates(age: npt.ArrayLike, sex: Sequence[str]) -> Floats:
    """Age, sex, and whether each is known: float32 (n, 4), zeros for what is not.

    Parameters
    ----------
    age : float array of shape (n,)
        Years, NaN where it is not known.
    sex : sequence of str
        "F", "M" or "".

    Examples
    --------
    >>> covariates([45.0, np.nan], ["F", ""]).tolist()
    [[0.5, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    """
    years = np.asarray(age, np.float64)
    known_age = np.isfinite(years)
    known_sex = np.array([one in ("F", "M") for one in sex], bool)
    sign = np.array([1.0 if one == "F" else -1.0 for one in sex])
    columns = (np.where(known_age, years / CENTURY, 0), np.where(known_sex, sign, 0), known_age, known_sex)
    return np.stack(columns, axis=1).astype(np.float32)


def hidden(z: Tensor, generator: torch.Generator, p: float = P_HIDDEN) -> Tensor:
    """Hide each covariate of each record with probability ``p``, flag and all: so "unknown" is learnt."""
    keep = (torch.rand((len(z), N_COVARIATES), generator=generator) >= p).to(z.dtype)
    return z * keep.repeat(1, 2)


class Fused(nn.Module):
    """A small head that sees features of a trace and the covariates.

    Parameters
    ----------
    middle, spread : float32 array of shape (features,)
        Mean and deviation of each feature among those who teach.

    Examples
    --------
    >>> net = Fused(np.zeros(6, np.float32), np.ones(6, np.float32)).eval()
    >>> tuple(net(torch.zeros(2, 6), torch.zeros(2, 4)).shape)
    (2,)
    """

    middle: Tensor
    spread: Tensor

    def __init__(self, middle: Floats, spread: Floats) -> None:
        super().__init__()
        self.register_buffer("middle", torch.from_numpy(middle))
        self.register_buffer("spread", torch.from_numpy(spread))
        self.drop = nn.Dropout(_DROPOUT)
        self.mix = nn.Linear(len(middle) + 2 * N_COVARIATES, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, 1)

    def forward(self, features: Tensor, z: Tensor) -> Tensor:
        seen = self.drop((features - self.middle) / self.spread)
        logits: Tensor = self.out(torch.relu(self.mix(torch.cat([seen, z], dim=1))))[:, 0]
        return logits
