"""The package's own network: the compiled core, numpy where there is none; no runtime to install."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecgedge.arithmetic.core import core
from ecgedge.artefacts.backends.base import Codes, Logits, Window, WindowCheck, check_tensor
from ecgedge.artefacts.backends.interpreter import quantization, tensor_facts
from ecgedge.artefacts.manifest import Artefact, TensorSpec
from ecgedge.artefacts.net8.flat import FlatGraph, FlatTensor, read_flat
from ecgedge.artefacts.net8.layers import Net8, net8
from ecgedge_bridge.errors import ModelError


class CoreBackend:
    """A TFLite model, run by the package itself: the integers of LiteRT and of ONNX Runtime.

    Parameters
    ----------
    model : bytes
        The verified file.
    artefact : Artefact
        What the manifest has about it.

    Raises
    ------
    ModelError
        The bytes are no TFLite model, or one with other tensors or operators than are expected.
    """

    name = "core"

    def __init__(self, model: bytes, artefact: Artefact) -> None:
        graph, self._net = _opened(model)
        for index, spec in ((graph.input, artefact.input), (graph.output, artefact.output)):
            quantization(spec)
            check_tensor("tensor", tensor_facts(_described(graph.tensors[index])), tensor_facts(spec))
        self.artefact = artefact
        self._check, self._outputs = WindowCheck(artefact.input.shape), artefact.output.shape[1]

    def run(self, window: Window) -> Logits:
        """Return the logits of one window; see :meth:`ecgedge.artefacts.backends.base.Backend.run`."""
        self._check.form(window)
        logits = np.empty(self._outputs, np.float32)
        try:
            self._net.run(np.ascontiguousarray(window), logits)
        except ValueError:
            self._check(window)  # says it in the words of all backends
            raise
        return logits

    def run_codes(self, codes: Codes) -> Codes:
        """Codes of the logits; see :meth:`ecgedge.artefacts.backends.base.CodesBackend.run_codes`."""
        if codes.shape != self._check.shape or codes.dtype != np.int8:
            raise ValueError(
                f"codes are {codes.dtype} {codes.shape}, the model reads int8 {self._check.shape}"
            )
        return np.frombuffer(bytearray(self._net.run_codes(np.ascontiguousarray(codes))), np.int8)


def open_model(model: bytes, artefact: Artefact) -> CoreBackend:
    """Load a verified TFLite model; see :class:`CoreBackend`."""
    return CoreBackend(model, artefact)


def _opened(model: bytes) -> tuple[FlatGraph, Any]:
    try:
        graph = read_flat(model)
        return graph, runner(net8(graph))
    except ModelError as error:
        raise ModelError(f"the TFLite model cannot be loaded ({error}): export the model again") from error


def runner(net: Net8) -> Any:
    """What runs a network: the compiled core's ``Net8``, or its twin in numpy."""
    if core:
        return compiled(net)
    from ecgedge.artefacts.net8.plain import PlainNet

    return PlainNet(net)


def compiled(net: Net8) -> Any:
    """The network in the compiled core, which has to be there."""
    assert core is not None  # whoever asks for it has looked
    try:
        return core.Net8(*parts(net))
    except (ValueError, OverflowError) as error:
        raise ModelError(f"the core cannot run it: {error}") from error


def parts(net: Net8) -> tuple[Any, ...]:
    """What the core's ``Net8`` is made of: the layers as bytes, sizes, and both scales."""
    table: list[int] = []
    weights, bias, factors = [b""], [b""], [b""]
    at = first = 0
    for layer in net.layers:
        table += [*layer.numbers(), at, first]
        at, first = at + layer.weights.size, first + layer.bias.size
        weights.append(layer.weights.tobytes())
        bias.append(layer.bias.astype(np.int32).tobytes())
        factors.append(layer.factors.astype(np.float32).tobytes())
    try:
        numbers = np.array(table, np.int32).tobytes()
    except OverflowError as error:
        raise ModelError(f"the core cannot run it: {error}") from error
    return (
        numbers, b"".join(weights), b"".join(bias), b"".join(factors),
        (net.n_inputs, net.n_outputs, net.sums, net.patches, net.memory),
        (float(net.scale_in), net.zero_in), (float(net.scale_out), net.zero_out),
    )  # fmt: skip


def _described(tensor: FlatTensor) -> TensorSpec:
    if tensor.quant is None:
        return TensorSpec(tensor.name, tensor.shape, tensor.dtype)
    scale, zero = tensor.quant.scale[0], tensor.quant.zero_point[0]
    return TensorSpec(tensor.name, tensor.shape, tensor.dtype, float(scale), int(zero))
