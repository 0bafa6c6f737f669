"""A network as the list of layers that ``edge/core/net8.c`` runs, with weights in its order.

How a sum becomes a code is that of LiteRT (XNNPACK) and of ONNX Runtime: the sum as float32, times the
product of the scales in float32, rounded to the nearest code, of two the even one. Additions have XNNPACK's
factors of 21 bits; the exporter chooses scales with which ONNX Runtime's floats give the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.net8.arena import plan
from ecgedge.artefacts.net8.flat import FlatGraph, FlatOperator, FlatTensor
from ecgedge_bridge.errors import ModelError

INPUT, OUTPUT = -1, -2
"""Places of a layer's input and output that do not lie in the arena."""
VECTOR, ROWS = 16, 4  # ECG_NET8_VECTOR and ECG_NET8_ROWS of the core
_LARGEST_SUM = 2**30  # leaves room for rounding in 32 bits
_MOST_REACH = 1 << 15  # values in a sum
_ADD_BITS = 20  # of the larger factor of an addition, below its first
_TIME = 2  # the time axis of (batch, height, time, channel)
_FIX = "use a file of ecgedge-export"


class Kind(IntEnum):
    """What a layer does: ``ecg_net8_kind`` of the core."""

    DENSE = 0
    DEPTHWISE = 1
    ADD = 2
    RELU = 3
    MAX_POOL = 4
    PAD = 5


class Layer(NamedTuple):
    """One layer; the numbers are those of ``struct ecg_net8_layer``, in its order.

    Parameters
    ----------
    weights : ndarray of int8
        Dense: (filters, values in a patch, filled up to whole vectors); depthwise: (taps, channels); of other
        kinds empty, as are biases and factors.
    bias : ndarray of int32, shape (filters,)
    factors : ndarray of float32, shape (filters,)
    """

    kind: Kind
    source: int
    other: int
    target: int
    length: int
    channels: int
    outputs: int
    filters: int
    taps: int = 1
    stride: int = 1
    dilation: int = 1
    pad: int = 0
    left: int = 0
    zero_in: int = 0
    zero_other: int = 0
    zero_out: int = 0
    low: int = -128
    high: int = 127
    first: int = 0
    second: int = 0
    shift: int = 0
    weights: npt.NDArray[np.int8] = np.zeros(0, np.int8)
    bias: npt.NDArray[np.int32] = np.zeros(0, np.int32)
    factors: npt.NDArray[np.float32] = np.zeros(0, np.float32)

    def numbers(self) -> list[int]:
        """The numbers, in the order of the struct."""
        return [int(getattr(self, name)) for name in NUMBERS]

    @property
    def sums(self) -> int:
        """Bytes of sums that it needs."""
        dense = 4 * min(ROWS, self.outputs) * _whole(self.filters, VECTOR)
        need = {Kind.DENSE: dense, Kind.DEPTHWISE: 4 * self.filters, Kind.RELU: 256}
        return _whole(need.get(self.kind, 0), 16)

    @property
    def patches(self) -> int:
        """Bytes of patches that it needs."""
        if self.kind != Kind.DENSE:
            return 0
        return 2 * min(ROWS, self.outputs) * _whole(self.taps * self.channels, VECTOR)


NUMBERS = tuple(name for name in Layer._fields if name not in ("weights", "bias", "factors"))
"""Names of a layer's numbers."""


class Net8(NamedTuple):
    """A network, ready to run.

    Parameters
    ----------
    layers : tuple of Layer
    n_inputs, n_outputs : int
    memory : int
        Bytes of activations.
    scale_in, scale_out : float
    zero_in, zero_out : int
    """

    layers: tuple[Layer, ...]
    n_inputs: int
    n_outputs: int
    memory: int
    scale_in: np.float32
    zero_in: int
    scale_out: np.float32
    zero_out: int

    @property
    def arena(self) -> int:
        """Bytes of working memory in all."""
        return self.sums + self.patches + self.memory

    @property
    def sums(self) -> int:
        """Bytes of sums: those of the layer that needs most."""
        return max((layer.sums for layer in self.layers), default=0)

    @property
    def patches(self) -> int:
        """Bytes of patches: those of the layer that needs most."""
        return max((layer.patches for layer in self.layers), default=0)


def net8(graph: FlatGraph) -> Net8:
    """Lay out a network.

    Raises
    ------
    ModelError
        An operator in a form that the core has not, or sums that could overflow 32 bits.

    Examples
    --------
    >>> from ecgedge.artefacts.folder import BUNDLED
    >>> from ecgedge.artefacts.net8.flat import read_flat
    >>> net = net8(read_flat((BUNDLED / "rhythm" / "model.tflite").read_bytes()))
    >>> len(net.layers), net.memory
    (32, 54720)
    """
    try:
        builder = _Builder(_without_pads(graph))
        layers = tuple(layer for o in builder.graph.operators for layer in _LAYERS[o.code](builder, o))
    except (ValueError, IndexError) as error:
        raise ModelError(f"the layers do not fit together ({error}): export the model again") from error
    (scale_in, zero_in), (scale_out, zero_out) = (builder.quant(i) for i in (graph.input, graph.output))
    n_inputs, n_outputs = (graph.tensors[i].size for i in (graph.input, graph.output))
    return Net8(layers, n_inputs, n_outputs, builder.plan.size, scale_in, zero_in, scale_out, zero_out)


def _whole(n: int, of: int) -> int:
    return -(-n // of) * of


def _without_pads(graph: FlatGraph) -> FlatGraph:
    """Let convolutions do the padding over time in front of them, and mark those that do."""
    pads = {o.output: o for o in graph.operators if o.code == "PAD" and _is_over_time(graph, o)}
    kept = []
    for operator in graph.operators:
        pad = pads.get(operator.inputs[0])
        if pad is not None and "CONV_2D" in operator.code and not operator.same:
            inputs = (pad.inputs[0], *operator.inputs[1:3], pad.inputs[1])
            operator = operator._replace(inputs=inputs)
        kept.append(operator)
    used = {graph.output, *(index for operator in kept for index in operator.inputs)}
    return graph._replace(operators=tuple(o for o in kept if o.output in used))


def _is_over_time(graph: FlatGraph, pad: FlatOperator) -> bool:
    amounts = graph.tensors[pad.inputs[1]].values
    return amounts is not None and not np.delete(amounts, _TIME, axis=0).any()


class _Builder:
    """A graph, where its activations lie, and what the operators ask of it."""

    def __init__(self, graph: FlatGraph) -> None:
        self.graph, self.plan = graph, plan(graph)

    def tensor(self, index: int) -> FlatTensor:
        return self.graph.tensors[index]

    def quant(self, index: int) -> tuple[np.float32, int]:
        """Scale and zero point of an activation."""
        tensor = self.tensor(index)
        if tensor.dtype != "int8" or tensor.quant is None or tensor.quant.scale.size != 1:
            raise ModelError(f"the tensor {tensor.name} is not quantized as a whole: {_FIX}")
        return tensor.quant.scale[0], int(tensor.quant.zero_point[0])

    def constant(self, index: int) -> npt.NDArray[Any]:
        tensor = self.tensor(index)
        if tensor.values is None:
            raise ModelError(f"the tensor {tensor.name} must be a constant: {_FIX}")
        return tensor.values

    def over_time(self, index: int) -> tuple[int, int]:
        """Rows and channels of an activation."""
        shape = self.tensor(index).shape
        if len(shape) != _TIME + 2 or shape[0] != 1 or shape[1] != 1:
            raise ModelError(f"{self.tensor(index).name} of shape {shape} is not rows over time: {_FIX}")
        return shape[_TIME], shape[_TIME + 1]

    def place(self, index: int) -> int:
        root = self.plan.aliases[index]
        ends = {self.graph.input: INPUT, self.plan.aliases[self.graph.output]: OUTPUT}
        return ends[root] if root in ends else self.plan.offsets[root]

    def ends(self, operator: FlatOperator) -> dict[str, Any]:
        """Places and zero points of a layer with one input."""
        source, target = operator.inputs[0], operator.output
        return {
            "source": self.place(source), "other": INPUT, "zero_in": self.quant(source)[1],
            "target": self.place(target), "zero_out": self.quant(target)[1],
        }  # fmt: skip


def _convolution(builder: _Builder, operator: FlatOperator) -> Iterable[Layer]:
    (length, channels), (outputs, filters) = (
        builder.over_time(i) for i in (operator.inputs[0], operator.output)
    )
    weights = builder.constant(operator.inputs[1])
    taps = weights.shape[_TIME]
    reach = operator.dilation * (taps - 1) + 1
    pad = int(builder.constant(operator.inputs[3])[_TIME, 0]) if len(operator.inputs) > 3 else 0
    if pad < 0:
        raise ValueError("a negative padding")
    if operator.same:
        pad = max((outputs - 1) * operator.stride + reach - length, 0) // 2
    kind, ordered = Kind.DENSE, weights
    if operator.code == "DEPTHWISE_CONV_2D" and filters == channels:
        kind, ordered = Kind.DEPTHWISE, weights.reshape(taps, channels)
    elif operator.code == "DEPTHWISE_CONV_2D":
        ordered = _spread(weights.reshape(taps, filters), channels)
    if kind == Kind.DENSE:
        ordered = _in_vectors(ordered.reshape(filters, taps * channels))
    yield Layer(
        kind=kind, **builder.ends(operator), length=length, channels=channels, outputs=outputs,
        filters=filters, taps=taps, stride=operator.stride, dilation=operator.dilation, pad=pad,
        **_weighted(builder, operator, ordered, 1 if kind == Kind.DENSE else 0),
    )  # fmt: skip


def _spread(weights: npt.NDArray[np.int8], channels: int) -> npt.NDArray[np.int8]:
    """Depthwise weights with several filters a channel as dense ones: rare, and not worth a kernel."""
    taps, filters = weights.shape
    dense = np.zeros((filters, taps, channels), np.int8)
    every = np.arange(filters)
    dense[every, :, every // (filters // channels)] = weights.T
    return dense


def _in_vectors(weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Rows filled up with zeros."""
    values = weights.shape[1]
    if values > _MOST_REACH:
        raise ModelError(f"a filter sees {values} values, more than {_MOST_REACH}: use fewer taps")
    filled = np.zeros((len(weights), _whole(values, VECTOR)), np.int8)
    filled[:, :values] = weights
    return filled


def _weighted(
    builder: _Builder, operator: FlatOperator, weights: npt.NDArray[np.int8], axis: int
) -> dict[str, Any]:
    """Weights, biases and factors; sums are over ``axis`` of the weights."""
    bias, name = builder.constant(operator.inputs[2]), builder.tensor(operator.output).name
    reach = np.abs(weights.astype(np.int64)).sum(axis=axis)
    if bias.shape != reach.shape or np.max(np.abs(bias.astype(np.int64)) + 255 * reach) > _LARGEST_SUM:
        raise ModelError(f"{name}: sums do not fit into 31 bits: train without dead filters")
    quant = builder.tensor(operator.inputs[1]).quant
    if quant is None or weights.dtype != np.int8 or quant.zero_point.any():
        raise ModelError(f"the weights of {name} are not symmetric int8: {_FIX}")
    into, out = builder.quant(operator.inputs[0])[0], builder.quant(operator.output)[0]
    factors = np.broadcast_to(into * quant.scale / out, reach.shape)
    # A filter of zeros has an arbitrary scale, and always the same sum.
    factors = np.where((reach == 0) & (bias == 0), np.float32(0), factors)
    if not np.all(factors < 256):
        raise ModelError(f"{name} scales its sums by {factors.max():.3g}: the core takes factors below 256")
    return {"weights": weights, "bias": bias.astype(np.int32), "factors": factors}


def _add(builder: _Builder, operator: FlatOperator) -> Iterable[Layer]:
    first, second = operator.inputs
    (scale_a, zero_a), (scale_b, zero_b) = (builder.quant(i) for i in operator.inputs)
    scale, zero = builder.quant(operator.output)
    size = builder.tensor(operator.output).size
    if any(builder.tensor(i).size != size for i in operator.inputs):
        raise ModelError(f"{builder.tensor(operator.output).name} adds tensors of different shapes: {_FIX}")
    reals = (scale_a / scale, scale_b / scale)
    if not all(2.0**-10 <= real < 2.0**8 for real in reals):
        raise ModelError(f"an addition scales by {reals}: the core takes factors from 2**-10 to 2**8")
    shift = _ADD_BITS + 1 - math.frexp(max(reals))[1]
    factors = [round(math.ldexp(float(real), shift)) for real in reals]
    yield Layer(
        kind=Kind.ADD, source=builder.place(first), other=builder.place(second),
        target=builder.place(operator.output), length=size, channels=1, outputs=size, filters=1,
        zero_in=zero_a, zero_other=zero_b, zero_out=zero, first=factors[0], second=factors[1], shift=shift,
    )  # fmt: skip


def quantized_multiplier(real: float) -> tuple[int, int]:
    """Factor as TFLite holds it: real = multiplier / 2^31 * 2^exponent, the multiplier within 31 bits.

    Examples
    --------
    >>> quantized_multiplier(0.375)
    (1610612736, -1)
    """
    if real == 0.0:
        return 0, 0
    fraction, exponent = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, exponent = multiplier // 2, exponent + 1
    return (multiplier, exponent) if exponent >= -31 else (0, 0)


def _relu(builder: _Builder, operator: FlatOperator) -> Iterable[Layer]:
    scale_in, scale = builder.quant(operator.inputs[0])[0], builder.quant(operator.output)[0]
    multiplier, exponent = quantized_multiplier(float(scale_in / scale))
    if not -30 <= exponent <= 20:
        raise ModelError(
            f"a ReLU scales by {scale_in / scale:.3g}: the core takes factors from 2**-30 to 2**20"
        )
    ends, size = builder.ends(operator), builder.tensor(operator.output).size
    high = 127
    if operator.code == "RELU6":
        high = min(127, ends["zero_out"] + math.floor(float(np.float32(6.0) / scale) + 0.5))
    yield Layer(
        kind=Kind.RELU, **ends, length=size, channels=1, outputs=size, filters=1, low=ends["zero_out"],
        high=high, first=max(exponent, 0), second=multiplier, shift=max(-exponent, 0),
    )  # fmt: skip


def _max_pool(builder: _Builder, operator: FlatOperator) -> Iterable[Layer]:
    length, channels = builder.over_time(operator.inputs[0])
    outputs, taps, stride, pad = 1, length, 1, 0
    if operator.code == "MAX_POOL_2D":
        outputs, taps, stride = builder.over_time(operator.output)[0], operator.taps, operator.stride
        pad = max((outputs - 1) * stride + taps - length, 0) // 2 if operator.same else 0
    elif builder.tensor(operator.output).size != channels:
        raise ModelError(f"{builder.tensor(operator.output).name} is no maximum over time: {_FIX}")
    yield Layer(
        kind=Kind.MAX_POOL, **builder.ends(operator), length=length, channels=channels, outputs=outputs,
        filters=channels, taps=taps, stride=stride, pad=pad,
    )  # fmt: skip


def _pad(builder: _Builder, operator: FlatOperator) -> Iterable[Layer]:
    length, channels = builder.over_time(operator.inputs[0])
    outputs, filters = builder.over_time(operator.output)
    (before, after), (left, right) = builder.constant(operator.inputs[1])[_TIME:].tolist()
    padded = (before + length + after, left + channels + right)
    if min(before, after, left, right) < 0 or padded != (
        outputs,
        filters,
    ):
        raise ModelError(f"{builder.tensor(operator.output).name} is padded by other amounts: {_FIX}")
    yield Layer(
        kind=Kind.PAD, **builder.ends(operator), length=length, channels=channels, outputs=outputs,
        filters=filters, pad=before, left=left,
    )  # fmt: skip


def _reshape(builder: _Builder, operator: FlatOperator) -> Iterable[Layer]:
    """Another view of the same memory: no layer."""
    if builder.tensor(operator.inputs[0]).size != builder.tensor(operator.output).size:
        raise ModelError(f"{builder.tensor(operator.output).name} has another size than its source: {_FIX}")
    return ()


_LAYERS: dict[str, Callable[[_Builder, FlatOperator], Iterable[Layer]]] = {
    "ADD": _add,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "MAX_POOL_2D": _max_pool,
    "PAD": _pad,
    "REDUCE_MAX": _max_pool,
    "RELU": _relu,
    "RELU6": _relu,
    "RESHAPE": _reshape,
}
