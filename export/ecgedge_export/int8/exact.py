"""A network in which every int8 runtime computes the same integers.

Runtimes agree on sums of products of integers, and on how a product is scaled as long as the result does not
fall next to a half. They do not agree on means (halves away from zero, to even, or by float noise), nor on
additions of two tensors, for which ONNX Runtime uses floats, XNNPACK factors of 21 bits, and TFLite's
reference kernels factors of 31 bits. So means become convolutions here, and the scales around an addition
become such that no sum comes near a half.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx

from ecgedge_export.int8.qdq_graph import RESHAPES, QdqGraph

# Operators whose output has the scale of their input, if the quantizer gave it one scale.
_KEEPERS = RESHAPES | {"MaxPool", "Pad", "ReduceMax"}
# Scales around an addition are multiples of its output's scale over this odd number. Sums are then whole
# multiples of 1/255 of a step and at least 1/510 away from a half; the coarsest runtime, XNNPACK, is off by
# at most 255 * 2**-20 for factors below 2. A scale grows by less than 1/255 of the output's.
_DENOMINATOR = 255
_SLACK = 1e-6  # float32 scales are whole parts up to their last bits


def exact_scales(graph: QdqGraph) -> dict[str, np.float32]:
    """Scales that make the additions of a quantized graph exact, for the tensors that need another one.

    No scale gets smaller, so that ranges hold what they held. Scales stay as they are where both addends are
    bound by additions before, or where one is bound to less than a part of the sum's scale: what that does,
    :func:`ecgedge_export.int8.parity.parity` tells.

    Parameters
    ----------
    graph : QdqGraph
        Read from a model that was quantized by its ranges alone.

    Returns
    -------
    dict of str to float32
        By name of tensor, as in ``graph.quants``; the zero points stay.

    Examples
    --------
    >>> exact_scales(read_qdq(onnx.load("model_s8.onnx")))["relu_2"]  # doctest: +SKIP
    np.float32(0.09442)
    """
    roots = _roots(graph)
    scales = {root: float(graph.quants[root].scale[0]) for root in set(roots.values())}
    bound: set[str] = set()
    for node in graph.nodes:
        if node.op == "Add":
            _fit(scales, bound, {roots[name] for name in node.inputs}, roots[node.output])
    return {
        name: np.float32(scales[root])
        for name, root in roots.items()
        if np.float32(scales[root]) != graph.quants[name].scale[0]
    }


def _roots(graph: QdqGraph) -> dict[str, str]:
    """For each activation the first tensor with which it shares its scale by nature of the operators."""
    roots = {graph.input: graph.input}
    for node in graph.nodes:
        source, target = node.inputs[0], node.output
        shared = node.op in _KEEPERS and graph.quants[source].same_as(graph.quants[target])
        roots[target] = roots[source] if shared else target
    return roots


def _fit(scales: dict[str, float], bound: set[str], addends: set[str], total: str) -> None:
    """Fit the scales of one addition; tensors of earlier ones are bound."""
    held, free = addends & bound, addends - bound
    parts = [math.floor(_DENOMINATOR * scales[name] / scales[total] * (1 + _SLACK)) for name in held]
    if len(held) < 2 and all(parts):
        for name, n in zip(held, parts, strict=True):
            scales[total] = scales[name] * _DENOMINATOR / n
        for name in free:
            n = math.ceil(_DENOMINATOR * scales[name] / scales[total] * (1 - _SLACK))
            scales[name] = scales[total] * n / _DENOMINATOR
    bound |= {*addends, total}


def means_to_convolutions(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy of a float model in which each mean over time is a depthwise convolution with equal weights.

    A mean whose last window hangs over the end (``ceil_mode``) or that leaves padding out of its count stays
    as it is, as does one over other axes, and the TFLite writer refuses it.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    shapes = _value_shapes(copy)
    nodes = [new for node in copy.graph.node for new in _without_mean(copy.graph, node, shapes)]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def _value_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    infos = [*graph.input, *graph.value_info, *graph.output]
    return {i.name: tuple(int(d.dim_value) for d in i.type.tensor_type.shape.dim) for i in infos}


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _without_mean(
    graph: onnx.GraphProto, node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]
) -> Iterable[onnx.NodeProto]:
    """Return the nodes that stand for ``node``: itself, a convolution, or one and the drop of its axes."""
    attributes = _attributes(node)
    if node.op_type == "AveragePool" and _counts_whole_kernel(node, shapes):
        kept = {key: value for key, value in attributes.items() if key in ("kernel_shape", "strides", "pads")}
        return [_convolution(graph, node, node.output[0], shapes, kept)]
    shape = shapes.get(node.input[0], ()) if node.input else ()
    if len(shape) != 4 or not _is_over_time(graph, node, shape):
        return [node]
    kernel = {"kernel_shape": list(shape[2:])}
    if attributes.get("keepdims", 1):
        return [_convolution(graph, node, node.output[0], shapes, kernel)]
    kept_axes = f"{node.output[0]}_kept"
    drop = onnx.helper.make_node("Flatten", [kept_axes], node.output, f"{node.name}_drop", axis=1)
    return [_convolution(graph, node, kept_axes, shapes, kernel), drop]


def _is_over_time(graph: onnx.GraphProto, node: onnx.NodeProto, shape: tuple[int, ...]) -> bool:
    """Whether a node is the mean over all of height (always 1) and time."""
    if node.op_type == "GlobalAveragePool":
        return True
    if node.op_type != "ReduceMean":
        return False
    tensors = {t.name: t for t in graph.initializer}
    if len(node.input) < 2 or node.input[1] not in tensors:
        return False
    axes = {int(a) % len(shape) for a in onnx.numpy_helper.to_array(tensors[node.input[1]]).reshape(-1)}
    keeps = bool(_attributes(node).get("keepdims", 1))
    return axes == {2, 3} or (axes == {3} and shape[2] == 1 and keeps)


def _counts_whole_kernel(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether every mean of an AveragePool divides by the whole kernel."""
    attributes = _attributes(node)
    rank = len(attributes["kernel_shape"])
    pads = attributes.get("pads", [0] * 2 * rank)
    if any(pads) and not attributes.get("count_include_pad", 0):
        return False
    lengths = [n + a + b for n, a, b in zip(shapes[node.input[0]][2:], pads[:rank], pads[rank:], strict=True)]
    strides = attributes.get("strides", [1] * rank)
    spans = zip(shapes[node.output[0]][2:], strides, attributes["kernel_shape"], lengths, strict=True)
    return all((out - 1) * stride + kernel <= length for out, stride, kernel, length in spans)


def _convolution(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    output: str,
    shapes: Mapping[str, tuple[int, ...]],
    attributes: Mapping[str, Any],
) -> onnx.NodeProto:
    """Return a depthwise convolution with equal weights in the place of ``node``."""
    channels, kernel = shapes[node.input[0]][1], attributes["kernel_shape"]
    weights = np.full((channels, 1, *kernel), 1.0 / np.prod(kernel), np.float32)
    graph.initializer.append(onnx.numpy_helper.from_array(weights, f"{output}_mean"))
    inputs = [node.input[0], f"{output}_mean"]
    return onnx.helper.make_node("Conv", inputs, [output], node.name, group=channels, **attributes)
