"""A panel of models, and what a student learns from it beside the labels.

Each window of a recording is cut once and given twice: as it was recorded to the panel, and with noise,
another gain and now and then upside down to the student. The student learns three things from the panel:

* its answers, softened (Hinton, Vinyals and Dean, 2015, arXiv 1503.02531): the mean of the logits of all;
* what the network that the student starts from makes of the clean window, ``1 - cosine`` of the features of
  the whole window (as FitNets' hint, Romero et al., ICLR 2015);
* the same moment by moment, three to a second, so that each beat is compared with itself.

The panel saw the labels of CinC 2017 when it was trained, errors included. What is new to it are the windows:
other stretches, other lengths, and recordings that nobody labelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from ecgedge.rhythm.model import RhythmModel
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.nets import RhythmNet

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Teachers:
    """Who teaches.

    Parameters
    ----------
    models : tuple of RhythmModel
        Model folders, INT8: their answers cost a tenth of the student's step.
    features : RhythmNet, optional
        A network of the student's own shape, for its features.
    """

    models: tuple[RhythmModel, ...]
    features: RhythmNet | None = None

    def answers(self, clean: Floats) -> Floats:
        """Mean logits of the panel about windows of shape (n, time): (n, classes)."""
        windows = np.ascontiguousarray(clean[:, None, None, :], np.float32)
        said = [[model.backend.run(x) for x in windows] for model in self.models]
        mean: Floats = np.array(said, np.float32).mean(axis=0)
        return mean

    def about(self, recordings: Sequence[Floats], n: int) -> Floats:
        """Mean logits about recordings, each by its first and last ``n`` samples: (recordings, classes)."""
        # Of a long recording the two windows show different stretches, of a short one the same.
        said = [
            [[model.backend.run(model.prepare(x)) for x in (s[:n], s)] for s in recordings]
            for model in self.models
        ]
        mean: Floats = np.array(said, np.float32).mean(axis=(0, 2))
        return mean

    @torch.no_grad()
    def maps(self, clean: Tensor) -> Tensor:
        """Features of each moment of clean windows (batch, 1, time), by the network like the student."""
        assert self.features is not None
        return self.features.eval().maps(clean)


def seat(models: Sequence[RhythmModel], classes: Sequence[str], n: int) -> tuple[RhythmModel, ...]:
    """Check that models answer about the student's windows and classes.

    Raises
    ------
    ConfigError
        One of them does not.
    """
    for model in models:
        m = model.manifest
        if m.classes != tuple(classes) or m.n_samples != n:
            raise ConfigError(
                f"a teacher knows {m.classes} from {m.n_samples} samples, the student {tuple(classes)} from "
                f"{n}: take it out of [panel]"
            )
    return tuple(models)


def likeness_loss(student: Tensor, teacher: Tensor, *, features: float, tokens: float) -> Tensor:
    """Part of the loss of a batch that draws features to the teacher's; maps are (batch, width, 1, moments).

    Examples
    --------
    >>> student, teacher = torch.ones(2, 4, 1, 5), torch.tensor([3.0, 3.0, 0.0, 0.0]).reshape(1, 4, 1, 1)
    >>> round(float(likeness_loss(student, teacher.expand(2, 4, 1, 5), features=1.0, tokens=0.0)), 4)
    0.2929
    """
    loss = torch.zeros((), device=student.device)
    if features:
        window = F.cosine_similarity(student.mean(dim=(2, 3)), teacher.mean(dim=(2, 3)), dim=1)
        loss = loss + features * (1 - window).mean()
    if tokens:
        loss = loss + tokens * (1 - F.cosine_similarity(student, teacher, dim=1)).mean()
    return loss
