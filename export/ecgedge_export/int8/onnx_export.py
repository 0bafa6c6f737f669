"""From a trained torch module to a float ONNX file with BatchNorm folded into the convolutions."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import onnx
import torch
from torch import nn

from ecgedge_bridge.errors import ModelError

INPUT_NAME = "ecg"
OUTPUT_NAME = "logits"
# What torch's exporter writes without converting.
_OPSET = 18


def export_onnx(net: nn.Module, n_samples: int, path: str | Path) -> Path:
    """Export ``net`` in eval mode for one window of (1, 1, ``n_samples``) float32.

    Parameters
    ----------
    net : torch.nn.Module
        Takes (1, 1, n_samples), returns logits (1, n_classes). Its training mode is left as it was.
    n_samples : int
        Length of the window in samples.
    path : path
        The file to write; weights are stored inside it.

    Returns
    -------
    Path
        ``path``. Input is named ``ecg``, output ``logits``.

    Raises
    ------
    ModelError
        Torch could not export the network, or a BatchNorm was left in the graph.

    Examples
    --------
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(8, 4))
    >>> export_onnx(net, 8, "float.onnx").name  # doctest: +SKIP
    'float.onnx'
    """
    target = Path(path)
    training = net.training
    try:
        with _quiet():
            _export(net.eval(), n_samples, target)
    except Exception as error:  # torch raises a different class for each stage of its exporter
        reason = str(error.__cause__ or error).splitlines()[0]
        raise ModelError(
            f"torch could not export the network ({reason}): keep to fixed shapes and plain layers"
        ) from error
    finally:
        net.train(training)
    _strip(target)
    # A BatchNorm that is left would be quantized as a layer of its own, and the TFLite writer knows none.
    _check(target)
    return target


def _export(net: nn.Module, n_samples: int, target: Path) -> None:
    device = next((p.device for p in net.parameters()), torch.device("cpu"))
    torch.onnx.export(
        net,
        (torch.zeros(1, 1, n_samples, device=device),),
        str(target),
        dynamo=True,  # folds BatchNorm into the convolutions
        opset_version=_OPSET,
        external_data=False,
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        verbose=False,
    )


def _strip(path: Path) -> None:
    """Drop the exporter's notes: a quarter of the file, and they name folders of the machine that trained."""
    model = onnx.load(str(path))
    graph = model.graph
    values = [*graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for part in (model, graph, *graph.node, *values):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(model, str(path))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch's progress lines, notes and deprecations of its own code off the caller's terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)


def _check(path: Path) -> None:
    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    if any(node.op_type == "BatchNormalization" for node in model.graph.node):
        raise ModelError("a BatchNorm is not behind a convolution and was not folded: move it behind one")
