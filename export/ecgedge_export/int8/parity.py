"""Whether all forms of one network give the same: torch, float ONNX, int8 ONNX, int8 TFLite.

The int8 files run through the very backends that the wearer's device uses, and TFLite's also through its
reference kernels, which stand for microcontrollers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ecgedge.artefacts.backends import litert
from ecgedge.artefacts.backends import onnx as onnx_backend
from ecgedge.artefacts.manifest import Artefact
from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.describe import describe_file
from ecgedge_export.int8.quantize import Windows, as_windows
from ecgedge_export.int8.reference import open_reference

_BATCH = 64  # for torch alone: the runtimes take one window at a time, as on the device

LogitArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Limits:
    """What breaks an export.

    Parameters
    ----------
    float_error : float
        Largest difference of a logit between torch and float ONNX.
    int8_steps : float
        Largest difference of a logit between the two int8 files, in steps of the output scale.
    int8_agreement : float
        Least share of windows on which the two int8 files name the same class.
    reference_agreement : float
        Least share of windows on which TFLite's fast and reference kernels name the same class.
    float_agreement : float
        Least share of windows on which float and int8 name the same class.
    int8_rms : float
        Largest root mean square difference of a logit between float and int8: for networks whose logits are
        a signal and name nothing.
    """

    float_error: float = 1e-4
    int8_steps: float = 1.0
    int8_agreement: float = 0.99
    reference_agreement: float = 0.0
    float_agreement: float = 0.0
    int8_rms: float = math.inf


@dataclass(frozen=True, slots=True)
class ParityReport:
    """What was measured: the fields of :class:`Limits`, and beside them how far int8 is from float.

    ``int8_error`` is the largest, ``int8_rms`` the root mean square difference of a logit between float and
    int8 (TFLite); ``identical`` is the share of windows on which both int8 files give the very same logits.
    ``reference_rms`` is the root mean square difference between fast and reference kernels, in steps.
    """

    windows: int
    float_error: float
    int8_steps: float
    int8_agreement: float
    identical: float
    reference_agreement: float
    reference_rms: float
    float_agreement: float
    int8_error: float
    int8_rms: float


def parity(
    net: nn.Module,
    float_onnx: str | Path,
    int8_onnx: str | Path,
    int8_tflite: str | Path,
    windows: Windows,
    limits: Limits = Limits(),
    classes: int | None = None,
) -> ParityReport:
    """Compare all forms of ``net`` on ``windows`` and refuse an export that broke.

    Parameters
    ----------
    net : torch.nn.Module
        The network, left in its mode.
    float_onnx, int8_onnx, int8_tflite : path
    windows : ndarray of float32, shape (n, 1, t) or (n, 1, 1, t)
        Preprocessed windows that were not used for calibration.
    limits : Limits
    classes : int, optional
        Logits of a window are rows of so many, each of which names a class; None: all are one row.

    Returns
    -------
    ParityReport

    Raises
    ------
    ModelError
        Names or shapes differ, or a limit is broken; the message holds the figures.

    Examples
    --------
    >>> parity(net, "float.onnx", "model.onnx", "model.tflite", windows).int8_steps  # doctest: +SKIP
    1.0
    """
    names = (float_onnx, int8_onnx, int8_tflite)
    single, quantized, flat = (describe_file(path) for path in names)
    _check_tensors(single, quantized, flat)
    checked = as_windows(windows, single.input.shape)
    answers = (
        _torch_logits(net, checked),
        _logits(onnx_backend.open_model(Path(float_onnx).read_bytes(), single).run, checked),
        _logits(onnx_backend.open_model(Path(int8_onnx).read_bytes(), quantized).run, checked),
        _logits(litert.open_model(Path(int8_tflite).read_bytes(), flat).run, checked),
        _logits(open_reference(int8_tflite).run, checked),
    )
    rows = tuple(logits.reshape(-1, classes or logits.shape[1]) for logits in answers)
    report = replace(_compare(rows, flat.output.scale or np.nan), windows=len(checked))
    _enforce(report, limits)
    return report


def _check_tensors(*files: Artefact) -> None:
    """Same names and shapes in every file, int8 in the last."""
    tensors = {tuple((t.name, t.shape) for t in (file.input, file.output)) for file in files}
    if len(tensors) != 1:
        raise ModelError(
            f"the exported files differ in names or shapes {sorted(tensors)}: export them together"
        )
    if files[-1].input.dtype != "int8" or files[-1].output.dtype != "int8":
        raise ModelError("the TFLite file is not int8 throughout: write it from the S8S8 model")


def _torch_logits(net: nn.Module, windows: Windows) -> LogitArray:
    training = net.training
    device = next((p.device for p in net.parameters()), torch.device("cpu"))
    try:
        with torch.inference_mode():
            starts = range(0, len(windows), _BATCH)
            batches = [torch.from_numpy(windows[i : i + _BATCH]).to(device) for i in starts]
            parts = [net.eval()(batch).cpu() for batch in batches]
    finally:
        net.train(training)
    return torch.cat(parts).numpy()


def _logits(run: Callable[[Windows], LogitArray], windows: Windows) -> LogitArray:
    return np.stack([run(window[None]) for window in windows])


def _compare(answers: tuple[LogitArray, ...], scale: float) -> ParityReport:
    """Logits of torch, float ONNX, int8 ONNX, int8 TFLite and its reference kernels, row by row."""
    torch_, single, quantized, flat, reference = answers
    # In steps of the output scale: a difference below half of one is the same integer.
    steps = np.abs(quantized - flat) / scale
    error = flat - torch_
    return ParityReport(
        windows=len(torch_),
        float_error=float(np.abs(torch_ - single).max()),
        int8_steps=float(steps.max()),
        int8_agreement=_agreement(quantized, flat),
        identical=float((steps.max(axis=1) < 0.5).mean()),
        reference_agreement=_agreement(reference, flat),
        reference_rms=_rms((reference - flat) / scale),
        float_agreement=_agreement(torch_, flat),
        int8_error=float(np.abs(error).max()),
        int8_rms=_rms(error),
    )


def _rms(values: LogitArray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _agreement(one: LogitArray, other: LogitArray) -> float:
    return float((one.argmax(axis=1) == other.argmax(axis=1)).mean())


def _enforce(report: ParityReport, limits: Limits) -> None:
    # Logits are float32 products of integers and a scale: a whole step may come out as 1.000004.
    rules = (
        (report.float_error <= limits.float_error, "float_error", "check the torch and onnx versions"),
        (
            report.int8_steps <= limits.int8_steps * (1 + 1e-3),
            "int8_steps",
            "compare the files layer by layer",
        ),
        (
            report.int8_agreement >= limits.int8_agreement,
            "int8_agreement",
            "compare the files layer by layer",
        ),
        (
            report.reference_agreement >= limits.reference_agreement,
            "reference_agreement",
            "compare the kernels layer by layer",
        ),
        (report.float_agreement >= limits.float_agreement, "float_agreement", "calibrate on more windows"),
        (report.int8_rms <= limits.int8_rms, "int8_rms", "calibrate on more windows"),
    )
    for holds, name, advice in rules:
        if not holds:
            found, limit = getattr(report, name), getattr(limits, name)
            raise ModelError(
                f"the export broke: {name} is {found:.6g}, the limit {limit:g} ({report}): {advice}"
            )
