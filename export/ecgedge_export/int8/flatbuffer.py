"""A TFLite flatbuffer put together tensor by tensor, with the schema that ships inside LiteRT."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from ecgedge_export.int8.qdq_graph import Quant

_IDENTIFIER = b"TFL3"  # file identifier of the TFLite schema, version 3
_TYPES = {
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.int32): schema.TensorType.INT32,
}
# First version of each operator that takes int8 (TFLite's op-version history). A runtime refuses a version
# newer than itself, so none is set higher than needed: these load in tflite-runtime 2.14 too.
_VERSIONS = {
    "ADD": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "MAX_POOL_2D": 2,
    "PAD": 2,
    "REDUCE_MAX": 2,
    "RELU": 2,
    "RELU6": 2,
    "RESHAPE": 1,
}


class FlatModel:
    """A TFLite model in the making: one subgraph, tensors and operators appended in order.

    Examples
    --------
    >>> model = FlatModel("rhythm")
    >>> quant = Quant(np.float32([0.1]), np.int64([0]))
    >>> tensor = model.tensor("ecg", (1, 8), np.dtype(np.int8), quant)
    >>> data = model.finish([tensor], [tensor])
    >>> data[4:8]
    b'TFL3'
    """

    def __init__(self, description: str) -> None:
        self._description = description
        self._tensors: list[Any] = []
        self._buffers: list[Any] = [schema.BufferT()]  # buffer 0 is empty by the schema's rule
        self._operators: list[Any] = []
        self._codes: dict[str, int] = {}

    def tensor(
        self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], quant: Quant | None, buffer: int = 0
    ) -> int:
        """Append a tensor and return its index."""
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = list(shape)
        tensor.hasRank = True
        tensor.type = _TYPES[dtype]
        tensor.buffer = buffer
        tensor.quantization = _quantization(quant)
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def constant(self, name: str, values: npt.NDArray[Any], quant: Quant | None = None) -> int:
        """Append a tensor that carries its values and return its index."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._buffers.append(buffer)
        return self.tensor(name, values.shape, values.dtype, quant, len(self._buffers) - 1)

    def operator(self, code: str, inputs: list[int], output: int, options: Any = None) -> None:
        """Append the builtin operator ``code`` with its options table."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes.setdefault(code, len(self._codes))
        operator.inputs = inputs
        operator.outputs = [output]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = options
        self._operators.append(operator)

    def finish(self, inputs: list[int], outputs: list[int]) -> bytes:
        """Return the file's bytes."""
        graph = schema.SubGraphT()
        graph.name = "main"
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = inputs, outputs
        model = schema.ModelT()
        model.version = 3
        model.description = self._description
        model.subgraphs, model.buffers = [graph], self._buffers
        model.operatorCodes = [_operator_code(code) for code in self._codes]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), _IDENTIFIER)
        return bytes(builder.Output())


def _quantization(quant: Quant | None) -> Any:
    """Quantization table of a tensor, ``None`` for plain integers such as shapes."""
    if quant is None:
        return None
    table = schema.QuantizationParametersT()
    table.scale = quant.scale
    table.zeroPoint = quant.zero_point
    table.quantizedDimension = quant.axis
    return table


def _operator_code(code: str) -> Any:
    table = schema.OperatorCodeT()
    table.builtinCode = getattr(schema.BuiltinOperator, code)
    # All codes used here are below 127, where old readers look only at the deprecated field.
    table.deprecatedBuiltinCode = table.builtinCode
    table.version = _VERSIONS[code]
    return table
