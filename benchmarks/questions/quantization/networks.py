"""The bundled models' networks on every way to INT8, calibrated as the exporter calibrates them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from benchmarks.harness.machine import trained
from benchmarks.harness.not_measured import NotMeasuredError
from ecgedge.artefacts.backends import Backend, Logits, Window, litert, onnx
from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import Artefact, Manifest
from ecgedge_export.int8 import qat
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.int8.onnx_export import export_onnx
from ecgedge_export.int8.quantize import quantize
from ecgedge_export.int8.tflite_writer import write_tflite
from ecgedge_export.recipe import Quantization
from ecgedge_export.train import logits

# A short training with rounding: enough to see whether there is something to win.
TUNED_EPOCHS, TUNED_BATCHES = 2, 20
SAME_NET = 1e-3  # logits of one network in two runtimes differ by less

Windows = npt.NDArray[np.float32]


class Trained(Protocol):
    """A model of the training cache."""

    name: str

    def calibration(self) -> Windows:
        """The windows that the exporter calibrates with, shape (n, 1, t)."""

    def net(self) -> nn.Module:
        """The float network of the training cache."""

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """The windows of an epoch of its training."""


class Watched:
    """A backend that keeps the windows that it meets."""

    def __init__(self, inner: Backend) -> None:
        self._inner, self.windows = inner, list[Window]()
        self.name: str = inner.name
        self.artefact: Artefact = inner.artefact

    def run(self, window: Window) -> Logits:
        """Run the model, and keep the window."""
        self.windows.append(window.copy())
        return self._inner.run(window)


def parent(name: str) -> Path:
    """The float network before any training with rounding.

    Raises
    ------
    NotMeasuredError
        The training cache has none, or one of another model.
    """
    path = trained(name, "parent.onnx", "float.onnx")  # where nothing is tuned, they are the same
    reads, wanted = describe_file(path).input.shape, Manifest.load(BUNDLED / name).n_inputs
    if reads != (1, 1, wanted):
        raise NotMeasuredError(f"the float network in the cache reads {reads}, the bundled one {wanted}")
    return path


def post_training(model: Trained, work: Path) -> Path:
    """The TFLite file of the float network as it is."""
    return to_int8(parent(model.name), model.calibration(), work)


def tuned(model: Trained, work: Path) -> Path:
    """The TFLite file of the float network after a short training with rounding.

    Raises
    ------
    NotMeasuredError
        The checkpoint is not that of the float network.
    """
    net, seen = model.net(), model.calibration()
    backend = open_file(parent(model.name))
    off = logits(net, seen[:8]) - np.stack([backend.run(window[None]) for window in seen[:8]])
    if np.abs(off).max() > SAME_NET:
        raise NotMeasuredError("the checkpoint in the training cache is not of its float network")
    better = qat.tune(
        net,
        torch.from_numpy(seen),
        lambda epoch: islice(model.batches(epoch), TUNED_BATCHES),
        TUNED_EPOCHS,
        Quantization().qat_lr,
        lambda done, of, loss: None,
    )
    work.mkdir(parents=True, exist_ok=True)
    return to_int8(export_onnx(better, seen.shape[2], work / "tuned.onnx"), seen, work)


def to_int8(float_onnx: Path, seen: Windows, work: Path) -> Path:
    """The TFLite file of a float network, calibrated on these windows."""
    return write_tflite(quantize(float_onnx, seen, work).s8s8, work / "model.tflite")


def open_file(path: Path) -> Backend:
    """A float or INT8 ONNX file in ONNX Runtime, an INT8 TFLite file in LiteRT."""
    opened = onnx.open_model if path.suffix == ".onnx" else litert.open_model
    backend: Backend = opened(path.read_bytes(), describe_file(path))
    return backend
