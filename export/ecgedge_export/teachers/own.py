"""Encoders that `ecgedge-export pretrain` made, as teachers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ecgedge_export.data.checksums import sha256
from ecgedge_export.pretrain.encoder import Encoder
from ecgedge_export.pretrain.sets import at_100_hz, fitted
from ecgedge_export.pretrain.trainer import load_encoder
from ecgedge_export.teachers.base import Vector
from ecgedge_export.teachers.presets import check_window

KIND = "ecgedge"
PRESET = "ecgedge"


@dataclass(frozen=True, slots=True, eq=False)
class OwnTeacher:
    """An encoder of :mod:`ecgedge_export.pretrain`; see :func:`load_own`."""

    encoder: Encoder
    sha256: str
    name: str = KIND
    preset: str = PRESET

    @property
    def dim(self) -> int:
        """Length of the vector."""
        return self.encoder.dim

    def embed(self, signal: npt.NDArray[np.floating], fs: float) -> Vector:
        """Embed ten seconds of lead I: (n,) in mV at ``fs`` Hz to float32 (dim,).

        Raises
        ------
        ValueError
            Not ten seconds of one lead, or a sample that is not finite.
        """
        check_window(signal, fs)
        window = torch.from_numpy(fitted(at_100_hz(signal, fs)))
        with torch.inference_mode():
            vector: Vector = self.encoder(window[None, None]).pooled[0].numpy()
        return vector


def load_own(path: Path) -> OwnTeacher:
    """Load an encoder file; errors as in :func:`ecgedge_export.pretrain.trainer.load_encoder`."""
    return OwnTeacher(load_encoder(path).encoder, sha256(path))
