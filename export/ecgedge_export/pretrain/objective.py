"""What an objective is, and what it sees of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from ecgedge_export.pretrain.encoder import Encoder
from ecgedge_export.pretrain.sets import Cohort


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some recordings of a cohort.

    Parameters
    ----------
    ecg : Tensor of shape (batch, 8, 1000)
        All independent leads (:data:`ecgedge_export.pretrain.sets.LEADS`), in mV, float32.
    rows : ndarray of int64, shape (batch,)
        Their places in the cohort: ``cohort.age[batch.rows]``, and the rows of whatever an objective has
        made of the cohort once, such as text vectors or positions of beats.
    """

    ecg: Tensor
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of recordings."""
        return len(self.rows)


class Objective(Protocol):
    """A loss that trains an encoder, with whatever it needs beside it.

    An objective is made from (encoder, cohort) once the seed is set; what it draws while it is made is
    therefore the same each time. It must not keep a state outside of ``parts``: a training that goes on from
    a checkpoint is the same as one that was never stopped.
    """

    name: ClassVar[str]
    reads_reports: ClassVar[bool]
    """Whether it learns from statements or reports: the encoder must then not see whom it is probed on."""
    encoder: Encoder
    parts: nn.ModuleDict
    """All other modules: heads, momentum teachers, codebooks. Parameters that need a gradient are trained;
    everything, buffers too, is in the checkpoint."""

    def loss(self, batch: Batch, rng: np.random.Generator) -> Tensor:
        """Loss of a batch, a scalar; ``rng`` draws views, noise and masks."""
        ...

    def after_step(self, step: int) -> None:
        """Follow a step of the optimiser, counted from 1: momentum teachers, centres, codebooks."""
        ...


Make = Callable[[Encoder, Cohort], Objective]
