"""One calibration, two int8 models: U8S8 for ONNX Runtime, S8S8 for the TFLite writer.

Both carry the same scales and the same weights; their zero points differ by 128. U8S8 is the fast layout of
ONNX Runtime on x86, S8S8 is TFLite's only one. ``reduce_range`` keeps weights within 7 bits: on x86 without
VNNI the products of 8-bit weights saturate in 16-bit sums.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from ecgedge_bridge.errors import ModelError
from ecgedge_export.qdq_graph import QdqGraph, read_qdq

_ZERO_SHIFT = 128  # uint8 zero point minus int8 zero point of the same mapping

Windows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QuantizedPair:
    """The two files of one calibration."""

    u8s8: Path
    s8s8: Path


class _Windows(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no type hints
    """Hands calibration windows to onnxruntime one by one."""

    def __init__(self, name: str, windows: Windows) -> None:
        self._feeds: Iterator[dict[str, Windows]] = ({name: window[None]} for window in windows)

    def get_next(self) -> dict[str, Windows] | None:
        return next(self._feeds, None)


def quantize(float_onnx: str | Path, windows: Windows, out_dir: str | Path) -> QuantizedPair:
    """Quantize a float model to int8, per channel, with the range that the windows span (min/max).

    Parameters
    ----------
    float_onnx : path
        As written by :func:`ecgedge_export.onnx_export.export_onnx`.
    windows : ndarray of float32, shape (n, 1, t) or (n, 1, 1, t)
        Preprocessed windows from the training set, of every class and of noise; 200 to 500 are enough.
    out_dir : path
        Gets ``model.onnx`` (U8S8) and ``model_s8.onnx`` (S8S8, input of the TFLite writer).

    Returns
    -------
    QuantizedPair

    Raises
    ------
    ModelError
        No windows, windows of another shape or not finite, or two results that do not carry the same scales.

    Examples
    --------
    >>> pair = quantize("float.onnx", windows, "out")  # doctest: +SKIP
    >>> pair.u8s8.name  # doctest: +SKIP
    'model.onnx'
    """
    model = onnx.load(str(float_onnx))
    name, shape = _input_of(model)
    checked = as_windows(windows, shape)
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    pair = QuantizedPair(out / "model.onnx", out / "model_s8.onnx")
    with tempfile.TemporaryDirectory(prefix="ecgedge-quantize-") as folder:
        prepared = _prepare(model, Path(folder))
        ranges = (
            Path(folder) / "ranges.json"
        )  # written by the first call, read by the second: one calibration
        _quantize_static(prepared, pair.u8s8, QuantType.QUInt8, _Windows(name, checked), ranges)
        _quantize_static(prepared, pair.s8s8, QuantType.QInt8, _Windows(name, checked), ranges)
    check_same_scales(pair)
    return pair


def _input_of(model: onnx.ModelProto) -> tuple[str, tuple[int, ...]]:
    tensor = model.graph.input[0]
    return tensor.name, tuple(int(d.dim_value) for d in tensor.type.tensor_type.shape.dim)


def as_windows(windows: Windows, shape: tuple[int, ...]) -> Windows:
    """Windows as (n, 1, t) for a model whose input has ``shape`` (1, 1, t).

    Raises
    ------
    ModelError
        None at all, another shape or dtype, or values that are not finite.
    """
    if windows.ndim == 4 and windows.shape[1] == 1:
        windows = windows[:, 0]
    if len(windows) == 0 or windows.shape[1:] != shape[1:] or windows.dtype != np.float32:
        raise ModelError(
            f"windows are {windows.dtype} {windows.shape}, wanted is float32 n x {shape[1:]}: "
            "pass preprocessed windows of the model's length"
        )
    if not np.isfinite(windows).all():
        raise ModelError("windows hold NaN or infinity: leave out windows that span a gap")
    return windows


def _prepare(model: onnx.ModelProto, folder: Path) -> Path:
    """Rewrite means as convolutions and store all shapes, as onnxruntime's quantizer asks for."""
    source, prepared = folder / "float.onnx", folder / "prepared.onnx"
    onnx.save(means_to_convolutions(model), str(source))
    quant_pre_process(str(source), str(prepared), skip_optimization=True, skip_symbolic_shape=True)
    return prepared


def _quantize_static(
    source: Path, target: Path, activations: Any, reader: CalibrationDataReader, ranges: Path
) -> None:
    quantize_static(
        source,
        target,
        reader,
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=activations,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        calibration_cache_path=ranges,
    )


def means_to_convolutions(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy of a float model in which each AveragePool is a depthwise convolution with equal weights.

    The runtimes round a pooled mean of int8 values differently (halves away from zero, to even, or by float
    noise), which for kernels of two hits many values. Their convolutions are bit-identical. A mean whose last
    window hangs over the end (``ceil_mode``) or that leaves padding out of its count stays as it is, and the
    TFLite writer refuses it.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    shapes = _value_shapes(copy)
    for node in copy.graph.node:
        if node.op_type == "AveragePool" and _counts_whole_kernel(node, shapes):
            _to_convolution(copy.graph, node, shapes[node.input[0]][1])
    return copy


def _value_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    infos = [*graph.input, *graph.value_info, *graph.output]
    return {i.name: tuple(int(d.dim_value) for d in i.type.tensor_type.shape.dim) for i in infos}


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _counts_whole_kernel(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> bool:
    """Whether every mean divides by the whole kernel."""
    attributes = _attributes(node)
    rank = len(attributes["kernel_shape"])
    pads = attributes.get("pads", [0] * 2 * rank)
    if any(pads) and not attributes.get("count_include_pad", 0):
        return False
    lengths = [n + a + b for n, a, b in zip(shapes[node.input[0]][2:], pads[:rank], pads[rank:], strict=True)]
    strides = attributes.get("strides", [1] * rank)
    spans = zip(shapes[node.output[0]][2:], strides, attributes["kernel_shape"], lengths, strict=True)
    return all((out - 1) * stride + kernel <= length for out, stride, kernel, length in spans)


def _to_convolution(graph: onnx.GraphProto, node: onnx.NodeProto, channels: int) -> None:
    """Turn one AveragePool node into a Conv in place."""
    attributes = _attributes(node)
    kernel = list(attributes["kernel_shape"])
    weights = np.full((channels, 1, *kernel), 1.0 / np.prod(kernel), np.float32)
    name = f"{node.output[0]}_mean"
    graph.initializer.append(onnx.numpy_helper.from_array(weights, name))
    kept = {key: attributes[key] for key in ("kernel_shape", "strides", "pads") if key in attributes}
    node.CopyFrom(
        onnx.helper.make_node("Conv", [node.input[0], name], node.output, node.name, group=channels, **kept)
    )


def check_same_scales(pair: QuantizedPair) -> None:
    """Check that both files hold the same scales, weights and biases, with zero points 128 apart.

    Raises
    ------
    ModelError
        They differ; the message names the tensor.
    """
    unsigned, signed = (read_qdq(onnx.load(str(path))) for path in (pair.u8s8, pair.s8s8))
    if unsigned.quants.keys() != signed.quants.keys():
        odd = sorted(unsigned.quants.keys() ^ signed.quants.keys())
        raise ModelError(f"only one of the two int8 models quantizes {odd}: quantize both again together")
    for name in unsigned.quants:
        _check_tensor(name, unsigned, signed)


def _check_tensor(name: str, unsigned: QdqGraph, signed: QdqGraph) -> None:
    one, other = unsigned.quants[name], signed.quants[name]
    shift = 0 if name in unsigned.constants else _ZERO_SHIFT
    same = np.array_equal(one.scale, other.scale) and np.array_equal(one.zero_point - shift, other.zero_point)
    if name in unsigned.constants:
        same = same and np.array_equal(unsigned.constants[name], signed.constants[name])
    if not same:
        raise ModelError(f"the two int8 models quantize {name} differently: quantize both again together")
