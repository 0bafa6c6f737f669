"""What every teacher can do."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]


class Teacher(Protocol):
    """Turns a window of ECG into a vector."""

    @property
    def name(self) -> str:
        """Short name of the model, such as "clef-small"."""
        ...

    @property
    def preset(self) -> str:
        """Name of the preprocessing."""
        ...

    @property
    def sha256(self) -> str:
        """Hex digest of the weights."""
        ...

    @property
    def dim(self) -> int:
        """Length of the vector."""
        ...

    def embed(self, signal: npt.NDArray[np.floating], fs: float) -> Vector:
        """Embed one window: (n,) in mV at ``fs`` Hz to float32 (dim,)."""
        ...
