"""From a quantized ONNX graph to a fully int8 TFLite file with the very same scales.

ONNX holds images as (batch, channel, height, time), TFLite as (batch, height, time, channel): tensors of four
dimensions are turned, all others keep their order. Torch pads both ends by the same amount, TFLite's SAME
does not when the stride is 2: where they differ, the padding is an explicit PAD with the input's zero point.

Means are convolutions by the time they get here (see :mod:`ecgedge_export.int8.exact`); those that cannot be,
because their last window hangs over the end, are refused: TFLite rounds them with a bias.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from ai_edge_litert import schema_py_generated as schema

from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.flatbuffer import FlatModel
from ecgedge_export.int8.qdq_graph import RESHAPES, Node, QdqGraph, Quant, read_qdq

_INT8 = np.dtype(np.int8)
_NHWC = (0, 2, 3, 1)  # order of ONNX's axes in TFLite
_NCHW = (0, 3, 1, 2)  # and back
_HEIGHTS = {_NHWC: 2, _NCHW: 1}  # where the axis of height, always 1, lies before such a turn
_NHWC_AXIS = {0: 0, 1: 3, 2: 1, 3: 2}  # ONNX axis -> TFLite axis of a four-dimensional tensor
_LAST = 3  # the time axis of (batch, channel, height, time)


class _Writer:
    """State of one conversion: the graph read, the file written, and which tensor became which."""

    def __init__(self, graph: QdqGraph) -> None:
        self.graph = graph
        self.model = FlatModel("ecgedge int8 model")
        self._indices: dict[str, int] = {}

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape in ONNX layout."""
        return self.graph.shapes[name]

    def quant(self, name: str) -> Quant:
        """Quantization of a tensor; every tensor has one, or the file would not be int8 throughout."""
        if name not in self.graph.quants:
            raise ModelError(f"the tensor {name} is not quantized: quantize every operator of the network")
        quant = self.graph.quants[name]
        if not quant.signed:
            raise ModelError(f"the tensor {name} is uint8: convert the S8S8 model, not the U8S8 one")
        return quant

    def activation(self, name: str) -> int:
        """Index of an activation, created at its first use."""
        if name not in self._indices:
            shape = _turned(self.shape(name))
            public = self.graph.output if name == self.graph.output_tensor else name
            self._indices[name] = self.model.tensor(public, shape, _INT8, self.quant(name))
        return self._indices[name]

    def weights(self, name: str, order: tuple[int, ...], axis: int) -> int:
        """Append int8 weights with their axes in ``order`` (a matrix gets two more), channels on ``axis``."""
        values = self.constant(name)
        quant = self.quant(name)
        if values.dtype != np.int8 or np.any(quant.zero_point):
            raise ModelError(f"the weights {name} are not symmetric int8: quantize them as QInt8")
        turned = values.transpose(order)
        if turned.ndim == 2:
            turned = turned[:, None, None]
        return self.model.constant(name, turned, Quant(quant.scale, quant.zero_point, axis))

    def bias(self, node: Node, channels: int) -> int:
        """Append the int32 bias, whose scale is that of the input times that of the weights."""
        scale = self.quant(node.inputs[0]).scale * self.quant(node.inputs[1]).scale
        values = np.zeros(channels, np.int32)
        if len(node.inputs) > 2 and node.inputs[2]:
            values = self.constant(node.inputs[2])
            self._check_bias(node, values, scale)
        quant = Quant(scale, np.zeros(scale.size, np.int64))
        return self.model.constant(f"{node.output}_bias", values, quant)

    def _check_bias(self, node: Node, values: npt.NDArray[Any], scale: npt.NDArray[np.float32]) -> None:
        declared = self.quant(node.inputs[2]).scale
        if values.dtype != np.int32 or not np.allclose(declared, scale, rtol=1e-6, atol=0.0):
            raise ModelError(
                f"the bias {node.inputs[2]} is not int32 at scale input * weights: have it quantized so"
            )

    def constant(self, name: str) -> npt.NDArray[Any]:
        """Values of an initializer."""
        if name not in self.graph.constants:
            raise ModelError(f"{name} must be a constant: export the network in eval mode with fixed weights")
        return self.graph.constants[name]

    def beside(self, name: str, what: str, shape: tuple[int, ...]) -> int:
        """Append a tensor of TFLite's ``shape`` that ONNX does not have, quantized like ``name``."""
        return self.model.tensor(f"{name}_{what}", shape, _INT8, self.quant(name))

    def reshape(self, source: int, target: int, shape: tuple[int, ...]) -> None:
        """Append a RESHAPE to TFLite's ``shape``."""
        values = np.array(shape, np.int32)
        options = schema.ReshapeOptionsT()
        options.newShape = values
        constant = self.model.constant(f"shape{target}", values)
        self.model.operator("RESHAPE", [source, constant], target, options)

    def pad(self, name: str, pads: list[tuple[int, int]]) -> int:
        """Append a PAD with the zero point (pads in ONNX order) and return the padded tensor."""
        before = self.shape(name)
        shape = tuple(n + a + b for n, (a, b) in zip(before, pads, strict=True))
        padded = self.beside(name, f"pad{len(self._indices)}", _turned(shape))
        self.emit_pad(name, pads, padded)
        return padded

    def emit_pad(self, name: str, pads: list[tuple[int, int]], output: int) -> None:
        """Append the PAD operator itself."""
        turned = np.array([pads[axis] for axis in _NHWC], np.int32)
        amounts = self.model.constant(f"{name}_pads{output}", turned)
        self.model.operator("PAD", [self.activation(name), amounts], output, schema.PadOptionsT())


def _turned(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape in TFLite's layout."""
    return tuple(shape[axis] for axis in _NHWC) if len(shape) == len(_NHWC) else shape


def _refuse(node: Node, what: str) -> ModelError:
    return ModelError(
        f"{node.op} (node {node.name or node.output}): {what} cannot be written to TFLite: "
        f"build the network from {', '.join(sorted(_EMITTERS))} as the export tests do"
    )


def _pad_pairs(node: Node) -> tuple[int, int]:
    """Padding before and after along time; padding along the height (always 1) is refused."""
    pads = node.attributes.get("pads", [0, 0, 0, 0])
    if node.attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or pads[0] or pads[2]:
        raise _refuse(node, "padding other than explicit padding along time")
    return int(pads[1]), int(pads[3])


class _Padding(NamedTuple):
    """TFLite's padding mode, and what an explicit PAD has to add first: before and after along time."""

    mode: str
    extra: tuple[int, int]


def _padding(node: Node, length: int, out: int, kernel: int, stride: int) -> _Padding:
    begin, _ = _pad_pairs(node)
    if begin == 0 and (length - kernel) // stride + 1 == out:
        return _Padding("VALID", (0, 0))
    missing = max((out - 1) * stride + kernel - length, 0)
    # TFLite's SAME puts the odd sample behind, torch pads both ends alike.
    if out == -(-length // stride) and begin == missing // 2:
        return _Padding("SAME", (0, 0))
    return _Padding("VALID", (begin, max(missing - begin, 0)))


class _Window(NamedTuple):
    """Kernel, stride and dilation along time of a convolution or pooling of height 1."""

    kernel: int
    stride: int
    dilation: int


def _window(writer: _Writer, node: Node) -> _Window:
    height, kernel = writer.shape(node.inputs[0])[2], node.attributes["kernel_shape"]
    if height != 1 or len(kernel) != 2 or kernel[0] != 1:
        raise _refuse(node, "a kernel higher than 1")
    stride = node.attributes.get("strides", [1, 1])[1]
    return _Window(int(kernel[1]), int(stride), int(node.attributes.get("dilations", [1, 1])[1]))


def _conv(writer: _Writer, node: Node) -> None:
    source, weights = node.inputs[:2]
    kernel, stride, dilation = _window(writer, node)
    reach = dilation * (kernel - 1) + 1
    length, out = writer.shape(source)[_LAST], writer.shape(node.output)[_LAST]
    mode, extra = _padding(node, length, out, reach, stride)
    index = writer.pad(source, [(0, 0)] * 3 + [extra]) if any(extra) else writer.activation(source)
    channels = writer.shape(source)[1]
    depthwise = node.attributes.get("group", 1) == channels > 1
    options = _conv_options(writer, node, depthwise)
    options.padding = getattr(schema.Padding, mode)
    options.strideH, options.strideW = 1, stride
    options.dilationHFactor, options.dilationWFactor = 1, dilation
    code, order, axis = ("DEPTHWISE_CONV_2D", (1, 2, 3, 0), 3) if depthwise else ("CONV_2D", _NHWC, 0)
    inputs = [index, writer.weights(weights, order, axis), writer.bias(node, writer.shape(node.output)[1])]
    writer.model.operator(code, inputs, writer.activation(node.output), options)


def _conv_options(writer: _Writer, node: Node, depthwise: bool) -> Any:
    if depthwise:
        options = schema.DepthwiseConv2DOptionsT()
        options.depthMultiplier = writer.shape(node.output)[1] // writer.shape(node.inputs[0])[1]
        return options
    if node.attributes.get("group", 1) != 1:
        raise _refuse(node, "a grouped convolution that is not depthwise")
    return schema.Conv2DOptionsT()


def _max_pool(writer: _Writer, node: Node) -> None:
    source = node.inputs[0]
    quant = writer.quant(source)
    kernel, stride, dilation = _window(writer, node)
    if dilation != 1 or not quant.same_as(writer.quant(node.output)):
        raise _refuse(node, "pooling with dilation or with another scale at its output")
    length, out = writer.shape(source)[_LAST], writer.shape(node.output)[_LAST]
    mode, extra = _padding(node, length, out, kernel, stride)
    # SAME leaves padding out of a maximum, an explicit PAD lets a zero in: harmless only as the lowest value.
    if any(extra) and quant.zero_point[0] != np.iinfo(_INT8).min:
        raise _refuse(node, "a maximum of signed values with this padding")
    index = writer.pad(source, [(0, 0)] * 3 + [extra]) if any(extra) else writer.activation(source)
    options = schema.Pool2DOptionsT()
    options.padding = getattr(schema.Padding, mode)
    options.strideH, options.strideW = 1, stride
    options.filterHeight, options.filterWidth = 1, kernel
    writer.model.operator("MAX_POOL_2D", [index], writer.activation(node.output), options)


def _add(writer: _Writer, node: Node) -> None:
    first, second = node.inputs
    if writer.shape(first) != writer.shape(second):
        raise _refuse(node, "an addition of tensors of different shapes")
    inputs = [writer.activation(first), writer.activation(second)]
    writer.model.operator("ADD", inputs, writer.activation(node.output), schema.AddOptionsT())


def _pad(writer: _Writer, node: Node) -> None:
    amounts = writer.constant(node.inputs[1]).astype(int)
    value = float(writer.constant(node.inputs[2])) if len(node.inputs) > 2 and node.inputs[2] else 0.0
    four = len(writer.shape(node.inputs[0])) == len(_NHWC)
    plain = node.attributes.get("mode", b"constant") == b"constant" and value == 0.0 and len(node.inputs) < 4
    if not (four and plain and amounts.min() >= 0):
        raise _refuse(node, "anything but padding a four-dimensional tensor with zeros")
    pads = [(int(a), int(b)) for a, b in zip(amounts[:4], amounts[4:], strict=True)]
    writer.emit_pad(node.inputs[0], pads, writer.activation(node.output))


def _reduce_max(writer: _Writer, node: Node) -> None:
    source, target = node.inputs[0], writer.activation(node.output)
    # A maximum keeps its scale in TFLite. A QUANTIZE behind it would not do: XNNPACK's factor has eight bits.
    if not writer.quant(source).same_as(writer.quant(node.output)):
        raise _refuse(node, "a maximum of signed values (take it behind a ReLU)")
    axes, options = _reducer(writer, node)
    inputs = [writer.activation(source), writer.model.constant(f"{node.output}_axes", axes)]
    writer.model.operator("REDUCE_MAX", inputs, target, options)


def _reducer(writer: _Writer, node: Node) -> tuple[npt.NDArray[np.int32], Any]:
    """Axes in TFLite's layout and the options of a reduction over time."""
    shape = writer.shape(node.inputs[0])
    listed = writer.constant(node.inputs[1]).tolist() if len(node.inputs) > 1 else range(2, len(shape))
    axes = {axis % len(_NHWC) for axis in listed}
    options = schema.ReducerOptionsT()
    options.keepDims = bool(node.attributes.get("keepdims", 1))
    if len(shape) != len(_NHWC) or not {_LAST} <= axes <= {2, _LAST}:
        raise _refuse(node, "a reduction over anything but time")
    if not options.keepDims and len(axes) == 1:
        raise _refuse(node, "a reduction that drops one axis of four (take it over dim=(2, 3))")
    return np.array(sorted(_NHWC_AXIS[axis] for axis in axes), np.int32), options


def _reshape(writer: _Writer, node: Node) -> None:
    """Unsqueeze, squeeze, flatten: allowed where turning the layout does not reorder the numbers."""
    source, target = writer.shape(node.inputs[0]), writer.shape(node.output)
    order = [[axis for axis in _layout(s) if s[axis] > 1] for s in (source, target)]
    if any(axes != sorted(axes) for axes in order):
        raise _refuse(node, "a reshape between channels and time")
    output = writer.activation(node.output)
    writer.reshape(writer.activation(node.inputs[0]), output, _turned(target))


def _turn(writer: _Writer, node: Node) -> None:
    """A turn that puts the channels behind time, as TFLite has them anyway, or back: no number moves."""
    height = _HEIGHTS.get(tuple(node.attributes.get("perm", ())))
    if height is None or writer.shape(node.inputs[0])[height] != 1:
        raise _refuse(node, "any other order than channels behind time")
    output = writer.activation(node.output)
    writer.reshape(writer.activation(node.inputs[0]), output, _turned(writer.shape(node.output)))


def _layout(shape: tuple[int, ...]) -> tuple[int, ...]:
    return _NHWC if len(shape) == len(_NHWC) else tuple(range(len(shape)))


def _linear(writer: _Writer, node: Node) -> None:
    """A matrix product as a convolution of one sample.

    Reference kernels of LiteRT and TFLite Micro round FULLY_CONNECTED differently.
    """
    attributes, source = node.attributes, node.inputs[0]
    factors = {attributes.get("alpha", 1.0), attributes.get("beta", 1.0)}
    if factors != {1.0} or attributes.get("transA", 0) or len(writer.shape(source)) != 2:
        raise _refuse(node, "a matrix product with factors, or of anything but one row")
    (_, channels), (_, filters) = writer.shape(source), writer.shape(node.output)
    row = writer.beside(source, f"row{node.output}", (1, 1, 1, channels))
    product = writer.beside(node.output, "product", (1, 1, 1, filters))
    writer.reshape(writer.activation(source), row, (1, 1, 1, channels))
    weights = writer.weights(node.inputs[1], (0, 1) if attributes.get("transB", 0) else (1, 0), 0)
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = schema.Padding.VALID, 1, 1
    writer.model.operator("CONV_2D", [row, weights, writer.bias(node, filters)], product, options)
    writer.reshape(product, writer.activation(node.output), (1, filters))


def _clamp(writer: _Writer, node: Node) -> None:
    """A ReLU that the quantizer could not fold into the range of its output."""
    code = "RELU"
    if node.op == "Clip":
        bounds = [float(writer.constant(name)) for name in node.inputs[1:]]
        if bounds != [0.0, 6.0]:
            raise _refuse(node, f"clipping to {bounds}")
        code = "RELU6"
    writer.model.operator(code, [writer.activation(node.inputs[0])], writer.activation(node.output))


_EMITTERS: dict[str, Callable[[_Writer, Node], None]] = {
    "Add": _add,
    "Clip": _clamp,
    "Conv": _conv,
    "Gemm": _linear,
    "MatMul": _linear,
    "MaxPool": _max_pool,
    "Pad": _pad,
    "ReduceMax": _reduce_max,
    "Relu": _clamp,
    **dict.fromkeys(RESHAPES, _reshape),
    "Transpose": _turn,
}


def convert(model: onnx.ModelProto) -> bytes:
    """Convert a S8S8 QDQ model to the bytes of a fully int8 TFLite model.

    Parameters
    ----------
    model : onnx.ModelProto
        One input, one output, int8 throughout, as :func:`ecgedge_export.int8.quantize.quantize` writes it.

    Returns
    -------
    bytes
        Input and output are int8 with the names, shapes and scales of the ONNX model.

    Raises
    ------
    ModelError
        An operator, a padding or a layout that has no exact int8 counterpart; the message names it.
    """
    writer = _Writer(read_qdq(model))
    for node in writer.graph.nodes:
        if node.op not in _EMITTERS:
            raise _refuse(node, "this operator")
        _EMITTERS[node.op](writer, node)
    graph = writer.graph
    return writer.model.finish([writer.activation(graph.input)], [writer.activation(graph.output_tensor)])


def write_tflite(s8s8_onnx: str | Path, path: str | Path) -> Path:
    """Convert the file ``s8s8_onnx`` and write the TFLite model to ``path``.

    Raises
    ------
    ModelError
        See :func:`convert`.

    Examples
    --------
    >>> write_tflite("model_s8.onnx", "model.tflite")  # doctest: +SKIP
    PosixPath('model.tflite')
    """
    target = Path(path)
    target.write_bytes(convert(onnx.load(str(s8s8_onnx))))
    return target
