"""A TFLite file read as plain values: what :mod:`ecgedge_export.int8.flatbuffer` writes, read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.qdq_graph import Quant

_TYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.INT8: np.dtype(np.int8),
    schema.TensorType.INT32: np.dtype(np.int32),
}
_CODES = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}


@dataclass(frozen=True, slots=True, eq=False)
class FlatTensor:
    """One tensor: ``values`` where it is a constant, ``quant`` where it stands for real numbers."""

    name: str
    shape: tuple[int, ...]
    quant: Quant | None
    values: npt.NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class FlatOperator:
    """One builtin operator with the indices of its tensors, and its options by the schema's names."""

    code: str
    inputs: tuple[int, ...]
    output: int
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FlatGraph:
    """The only subgraph of a file: operators in order, tensors by index."""

    tensors: tuple[FlatTensor, ...]
    operators: tuple[FlatOperator, ...]
    input: int
    output: int


def read_flat(data: bytes) -> FlatGraph:
    """Read an int8 TFLite model with one input and one output.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    FlatGraph

    Raises
    ------
    ModelError
        No TFLite file, several subgraphs, inputs or outputs, a tensor that is neither int8 nor int32, or a
        fused activation.

    Examples
    --------
    >>> graph = read_flat(Path("model.tflite").read_bytes())  # doctest: +SKIP
    >>> graph.tensors[graph.input].shape  # doctest: +SKIP
    (1, 1, 3040)
    """
    if data[4:8] != b"TFL3":
        raise ModelError("this is no TFLite file: give a model.tflite")
    model = schema.ModelT.InitFromPackedBuf(data)
    if len(model.subgraphs) != 1 or any(
        len(ends) != 1 for ends in (model.subgraphs[0].inputs, model.subgraphs[0].outputs)
    ):
        raise ModelError("the model must have one graph with one input and one output: export it so")
    (main,) = model.subgraphs
    codes = [_CODES[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes]
    return FlatGraph(
        tensors=tuple(_tensor(tensor, model.buffers) for tensor in main.tensors),
        operators=tuple(_operator(operator, codes) for operator in main.operators),
        input=int(main.inputs[0]),
        output=int(main.outputs[0]),
    )


def _tensor(tensor: Any, buffers: list[Any]) -> FlatTensor:
    name, shape = tensor.name.decode(), () if tensor.shape is None else tuple(int(n) for n in tensor.shape)
    if tensor.type not in _TYPES:
        raise ModelError(f"the tensor {name} is neither int8 nor int32: write the file from the S8S8 model")
    data = buffers[tensor.buffer].data
    values = None if data is None else np.asarray(data, np.uint8).view(_TYPES[tensor.type]).reshape(shape)
    table, quant = tensor.quantization, None
    if table is not None and table.scale is not None:
        scale = np.asarray(table.scale, np.float32)
        quant = Quant(scale, np.asarray(table.zeroPoint, np.int64), int(table.quantizedDimension))
    return FlatTensor(name, shape, quant, values)


def _operator(operator: Any, codes: list[str]) -> FlatOperator:
    code = codes[operator.opcodeIndex]
    options = {} if operator.builtinOptions is None else dict(vars(operator.builtinOptions))
    if options.get("fusedActivationFunction", 0) != schema.ActivationFunctionType.NONE:
        raise ModelError(f"{code} has a fused activation: write the file with ecgedge-export")
    return FlatOperator(code, tuple(int(i) for i in operator.inputs), int(operator.outputs[0]), options)
