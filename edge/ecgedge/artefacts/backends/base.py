"""What every inference runtime looks like from outside, and the checks that all of them share."""

from __future__ import annotations

from math import isfinite
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.manifest import Artefact
from ecgedge_bridge.errors import ModelError

Window = npt.NDArray[np.float32]
Logits = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int8]


class Backend(Protocol):
    """A loaded model; threads may share it."""

    @property
    def name(self) -> str:
        """``litert``, ``onnx``, ``tflite`` or ``core``."""

    @property
    def artefact(self) -> Artefact:
        """The manifest's entry that the model was checked against."""

    def run(self, window: Window) -> Logits:
        """Run the model on one preprocessed window.

        Parameters
        ----------
        window : ndarray of float32, shape (1, 1, n)
            Preprocessed as the manifest has; values beyond the calibrated range are clipped to it.

        Returns
        -------
        ndarray of float32, shape (n_classes,)
            Logits, before temperature and softmax. The array is the caller's own.

        Raises
        ------
        ValueError
            Another shape or dtype, or a sample that is NaN or infinite.
        """


class CodesBackend(Backend, Protocol):
    """A backend whose network reads and gives INT8 codes: what has them need not make floats of them."""

    def run_codes(self, codes: Codes) -> Codes:
        """Run the model on the codes of one window, quantized as the artefact has it.

        Parameters
        ----------
        codes : ndarray of int8, shape (1, 1, n)

        Returns
        -------
        ndarray of int8, shape (n_classes,)
            Codes of the logits: those of the greatest logit are the greatest. The array is the caller's own.

        Raises
        ------
        ValueError
            Another shape or dtype.
        """


class WindowCheck:
    """Refuses windows that the model would turn into plausible nonsense, without allocating on each call."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def __call__(self, window: Window) -> None:
        """Raise ValueError unless ``window`` is float32 of the right shape and finite."""
        self.form(window)
        self.values(window)

    def form(self, window: Window) -> None:
        """Raise ValueError unless ``window`` is float32 of the right shape."""
        if window.shape != self.shape or window.dtype != np.float32:
            raise ValueError(
                f"window is {window.dtype} {window.shape}, the model reads float32 {self.shape}: "
                "preprocess the signal as the manifest has"
            )

    @staticmethod
    def values(window: Window) -> None:
        """Raise ValueError for a value that is NaN or infinite."""
        values = window.reshape(-1)
        if not (isfinite(np.maximum.reduce(values)) and isfinite(np.minimum.reduce(values))):  # NaN is both
            raise ValueError("window holds NaN or infinity: treat that stretch as a gap")


def check_logits(logits: Logits) -> Logits:
    """Return logits that are numbers.

    Raises
    ------
    ModelError
        NaN or infinity: the first class would win, with a probability that is none.
    """
    if not (isfinite(np.maximum.reduce(logits)) and isfinite(np.minimum.reduce(logits))):  # NaN is both
        raise ModelError("the model's output is NaN or infinite: its weights are damaged, install it again")
    return logits


def check_tensor(what: str, found: tuple[object, ...], expected: tuple[object, ...]) -> None:
    """Raise ModelError unless the runtime sees the tensor that the manifest describes."""
    if found != expected:
        raise ModelError(
            f"the model file's {what} is {found}, the manifest has {expected}: export the model again"
        )
