"""One calibration, two int8 models: U8S8 for ONNX Runtime, S8S8 for the TFLite writer.

Both carry the same scales and the same weights; their zero points differ by 128. U8S8 is the fast layout of
ONNX Runtime on x86, S8S8 is TFLite's only one. ``reduce_range`` keeps weights within 7 bits: on x86 without
VNNI the products of 8-bit weights saturate in 16-bit sums.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
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
from ecgedge_export.int8.exact import exact_scales, means_to_convolutions
from ecgedge_export.int8.qdq_graph import QdqGraph, read_qdq

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
        As written by :func:`ecgedge_export.int8.onnx_export.export_onnx`.
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
    with tempfile.TemporaryDirectory(prefix="ecgedge-quantize-") as scratch:
        folder = Path(scratch)
        prepared, first = _prepare(model, folder), folder / "first.onnx"
        ranges = folder / "ranges.json"  # written by the first call, read by the others: one calibration
        _quantize_static(prepared, first, QuantType.QInt8, _Windows(name, checked), ranges)
        for path, kind in ((pair.u8s8, QuantType.QUInt8), (pair.s8s8, QuantType.QInt8)):
            overrides = _overrides(read_qdq(onnx.load(str(first))), kind)
            _quantize_static(prepared, path, kind, _Windows(name, checked), ranges, overrides)
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
    source: Path,
    target: Path,
    activations: Any,
    reader: CalibrationDataReader,
    ranges: Path,
    overrides: Mapping[str, Any] = MappingProxyType({}),
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
        extra_options={"TensorQuantOverrides": dict(overrides)},
    )


def _overrides(graph: QdqGraph, kind: QuantType) -> dict[str, list[dict[str, Any]]]:
    """Scales for exact additions, as onnxruntime takes them; ``graph`` is S8S8."""
    shift, dtype = (_ZERO_SHIFT, np.uint8) if kind == QuantType.QUInt8 else (0, np.int8)
    return {
        graph.output if name == graph.output_tensor else name: [
            {
                "scale": np.array(scale),
                "zero_point": np.array(graph.quants[name].zero_point[0] + shift, dtype),
            }
        ]
        for name, scale in exact_scales(graph).items()
    }


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
