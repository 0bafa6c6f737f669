"""The whole chain: a float network in, two INT8 files that were proven to agree out."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import nn

from ecgedge_export.int8.onnx_export import export_onnx
from ecgedge_export.int8.parity import Limits, ParityReport, parity
from ecgedge_export.int8.quantize import quantize
from ecgedge_export.int8.tflite_writer import write_tflite

# Both files come from one calibration: over 1,000 windows of the first student they agreed on every class and
# within one step of a logit. The reference kernels round each layer in another way, and INT8 is not float.
PARITY = Limits(int8_steps=1, int8_agreement=0.999, reference_agreement=0.97, float_agreement=0.97)
# After two epochs on few recordings classes lie close to each other, and rounding decides more often; that
# both files agree does not depend on it.
HARDLY_TRAINED = Limits(int8_steps=1, int8_agreement=0.999, reference_agreement=0.8, float_agreement=0.8)


class Converted(NamedTuple):
    """The ONNX file, the TFLite file, and how they compare."""

    onnx: Path
    tflite: Path
    parity: ParityReport


def convert(
    net: nn.Module,
    calibration: npt.NDArray[np.float32],
    windows: npt.NDArray[np.float32],
    work: Path,
    classes: int | None = None,
    limits: Limits = PARITY,
) -> Converted:
    """Make the two INT8 files of a network, from inputs to calibrate with, and prove them on ``windows``.

    Inputs are of shape (n, 1, time). A network that speaks about many places of a window gives logits of so
    many ``classes`` for each of them, one place after the other.

    Raises
    ------
    ModelError
        They disagree with each other or too much with their float parent.
    """
    work.mkdir(parents=True, exist_ok=True)
    float_onnx = export_onnx(net, calibration.shape[2], work / "float.onnx")
    pair = quantize(float_onnx, calibration, work / "int8")
    tflite = write_tflite(pair.s8s8, work / "model.tflite")
    report = parity(net, float_onnx, pair.u8s8, tflite, windows, limits, classes)
    return Converted(pair.u8s8, tflite, report)
