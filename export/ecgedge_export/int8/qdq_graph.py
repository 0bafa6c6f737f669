"""A quantized ONNX graph (QuantizeLinear/DequantizeLinear pairs) read as plain values.

ONNX says "quantized" with pairs of nodes around float operators. Here the pairs disappear: what stays is the
list of operators, the shape of every tensor, and for each quantized tensor its scale and zero point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from ecgedge_bridge.errors import ModelError

# Operators that give the same numbers another shape or order: their output has the scale of their input.
RESHAPES = frozenset({"Unsqueeze", "Squeeze", "Flatten", "Reshape", "Transpose"})


@dataclass(frozen=True, slots=True, eq=False)
class Quant:
    """Affine quantization: real = scale * (q - zero_point), per tensor or along ``axis``.

    Parameters
    ----------
    scale : ndarray of float32, shape (n,)
        One value, or one for each channel.
    zero_point : ndarray of int64, shape (n,)
        Same length as ``scale``.
    axis : int
        The channel axis where n > 1.
    signed : bool
        False where q is uint8.
    """

    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int64]
    axis: int = 0
    signed: bool = True

    def same_as(self, other: Quant) -> bool:
        """Whether both describe the same mapping, exactly."""
        return np.array_equal(self.scale, other.scale) and np.array_equal(self.zero_point, other.zero_point)


@dataclass(frozen=True, slots=True)
class Node:
    """One operator with its attributes as plain Python values."""

    op: str
    name: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QdqGraph:
    """Operators in order, constants, shapes (ONNX layout) and quantization of every tensor, by name.

    ``input`` and ``output`` are the graph's own names; ``output_tensor`` is what becomes the output.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, npt.NDArray[Any]]
    shapes: Mapping[str, tuple[int, ...]]
    quants: Mapping[str, Quant]
    input: str
    output: str
    output_tensor: str


class _Reader:
    """Collects the parts of a graph in one pass over its nodes (ONNX keeps them in topological order)."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.constants = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
        self.quants: dict[str, Quant] = {}
        self.nodes: list[Node] = []
        self.aliases: dict[str, str] = {}
        for node in graph.node:
            self._take(node)

    def resolve(self, name: str) -> str:
        """Name of the tensor that a quantize/dequantize pair only passes on."""
        return self.aliases.get(name, name)

    def _take(self, node: onnx.NodeProto) -> None:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Constant":
            self.constants[node.output[0]] = onnx.numpy_helper.to_array(attributes["value"])
        elif node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            self._pass_on(node, attributes)
        else:
            inputs = tuple(self.resolve(name) for name in node.input)
            self.nodes.append(Node(node.op_type, node.name, inputs, node.output[0], attributes))

    def _pass_on(self, node: onnx.NodeProto, attributes: Mapping[str, Any]) -> None:
        name = self.resolve(node.input[0])
        self.aliases[node.output[0]] = name
        scale = self.constants[node.input[1]].astype(np.float32).reshape(-1)
        zero_point = self.constants[node.input[2]]
        axis = int(attributes.get("axis", 0)) if scale.size > 1 else 0
        quant = Quant(scale, zero_point.astype(np.int64).reshape(-1), axis, zero_point.dtype.kind == "i")
        if not self.quants.setdefault(name, quant).same_as(quant):
            raise ModelError(
                f"the tensor {name} is quantized in two ways: quantize again without dedicated QDQ pairs"
            )

    def spread(self) -> None:
        """Give both sides of a reshape the scale that one of them has."""
        for node in self.nodes + self.nodes[::-1]:
            if node.op in RESHAPES:
                source, target = node.inputs[0], node.output
                if target in self.quants:
                    self.quants.setdefault(source, self.quants[target])
                elif source in self.quants:
                    self.quants[target] = self.quants[source]


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors from ONNX's own inference."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    infos = [*graph.input, *graph.value_info, *graph.output]
    shapes = {i.name: tuple(int(d.dim_value) for d in i.type.tensor_type.shape.dim) for i in infos}
    return shapes | {t.name: tuple(t.dims) for t in graph.initializer}


def read_qdq(model: onnx.ModelProto) -> QdqGraph:
    """Read a QDQ model with one input and one output.

    Parameters
    ----------
    model : onnx.ModelProto
        As written by :func:`ecgedge_export.int8.quantize.quantize`.

    Returns
    -------
    QdqGraph

    Raises
    ------
    ModelError
        The model has several inputs or outputs, or a tensor with two scales.

    Examples
    --------
    >>> graph = read_qdq(onnx.load("model.onnx"))  # doctest: +SKIP
    >>> [node.op for node in graph.nodes][:2]  # doctest: +SKIP
    ['Unsqueeze', 'Conv']
    """
    graph = model.graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise ModelError("the network must have one input and one output: export it with one of each")
    reader = _Reader(graph)
    reader.spread()
    output = graph.output[0].name
    return QdqGraph(
        nodes=tuple(reader.nodes),
        constants=reader.constants,
        shapes=_shapes(model),
        quants=reader.quants,
        input=graph.input[0].name,
        output=output,
        output_tensor=reader.resolve(output),
    )
