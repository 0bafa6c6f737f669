"""ONNX Runtime: float in, float out, int8 (QDQ) inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

from ecgedge.artefacts.backends.base import Logits, Window, WindowCheck, check_tensor
from ecgedge.artefacts.manifest import Artefact, TensorSpec
from ecgedge_bridge.errors import ModelError

_FATAL = 4  # onnxruntime's log severity: failures come back as exceptions, not as lines on stderr


class OnnxBackend:
    """A QDQ model in an ONNX Runtime session with one thread and all graph optimizations.

    Parameters
    ----------
    model : bytes
        The verified file.
    artefact : Artefact
        What the manifest has about it.

    Raises
    ------
    ModelError
        The bytes are no ONNX model, or one with other tensors than the manifest has.
    """

    name = "onnx"

    def __init__(self, model: bytes, artefact: Artefact) -> None:
        self.artefact = artefact
        self._session = open_session(model)
        check_tensor("input", *_pair(describe(self._session.get_inputs()), artefact.input))
        check_tensor("output", *_pair(describe(self._session.get_outputs()), artefact.output))
        self._check = WindowCheck(artefact.input.shape)
        self._outputs = [artefact.output.name]

    def run(self, window: Window) -> Logits:
        """Return the logits of one window; see :meth:`ecgedge.artefacts.backends.base.Backend.run`."""
        self._check(window)
        logits = self._session.run(self._outputs, {self.artefact.input.name: window})[0]
        first: Logits = logits[0]
        return first


def open_model(model: bytes, artefact: Artefact) -> OnnxBackend:
    """Load a verified ONNX model; see :class:`OnnxBackend`."""
    return OnnxBackend(model, artefact)


def open_session(model: bytes) -> Any:
    """Open an ONNX Runtime session on the bytes of a model.

    Raises
    ------
    ModelError
        ONNX Runtime cannot load them.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _FATAL
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for each stage of loading
        raise ModelError(f"the ONNX model cannot be loaded ({error}): export the model again") from error


def describe(nodes: list[Any]) -> TensorSpec:
    """The only input or output of a session as a TensorSpec.

    Raises
    ------
    ModelError
        There are several.
    """
    if len(nodes) != 1:
        raise ModelError("the ONNX model must have one input and one output: export it again")
    node = nodes[0]
    dtype = {"tensor(float)": np.dtype(np.float32).name}.get(node.type, node.type)
    return TensorSpec(node.name, tuple(node.shape), dtype)


def _pair(found: TensorSpec, expected: TensorSpec) -> tuple[tuple[object, ...], tuple[object, ...]]:
    return (found.name, found.shape, found.dtype), (expected.name, expected.shape, expected.dtype)
