"""A TFLite file as plain values: one int8 network over time, of the operators that our models have.

A flatbuffer is a tree of tables. A table begins with the distance to its list of fields, which holds for each
field how far from the table's beginning it lies, 0 for one that is left out. Whatever a file says of itself
is checked before it is used.
"""

from __future__ import annotations

import math
import struct
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge_bridge.errors import ModelError

_IDENTIFIER = b"TFL3"
_CODES = {
    0: "ADD",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    17: "MAX_POOL_2D",
    19: "RELU",
    21: "RELU6",
    22: "RESHAPE",
    34: "PAD",
    82: "REDUCE_MAX",
}
OPERATORS = tuple(sorted(_CODES.values()))
"""Names of the operators that are read."""
_TYPES: dict[int, np.dtype[Any]] = {2: np.dtype("<i4"), 9: np.dtype(np.int8)}
_OTHER = 127  # in the old field of an operator's code: look into the new one
_MOST_VALUES = 1 << 26  # of a tensor; ours have 25,000


class Quant(NamedTuple):
    """Real numbers are ``scale * (code - zero_point)``: one pair for the tensor, or one for each channel."""

    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int64]


class FlatTensor(NamedTuple):
    """One tensor: ``values`` where it is a constant, ``quant`` where it stands for real numbers."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None
    values: npt.NDArray[Any] | None

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


class FlatOperator(NamedTuple):
    """One operator with the indices of its tensors; ``taps`` of a pooling, ``same``: padded at both ends."""

    code: str
    inputs: tuple[int, ...]
    output: int
    same: bool = False
    stride: int = 1
    dilation: int = 1
    taps: int = 1


class FlatGraph(NamedTuple):
    """The only subgraph of a file: operators in order, tensors by index."""

    tensors: tuple[FlatTensor, ...]
    operators: tuple[FlatOperator, ...]
    input: int
    output: int


class _Table(NamedTuple):
    """A table: fields by their number in the schema."""

    data: bytes
    at: int

    def number(self, field: int, form: str, default: int = 0) -> int:
        where = self._where(field)
        return default if where is None else _number(self.data, form, where)

    def numbers(self, field: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """A vector of numbers, read-only; empty where it is left out."""
        where = self._where(field)
        if where is None:
            return np.zeros(0, dtype)
        start = where + _number(self.data, "<I", where)
        return np.frombuffer(self.data, dtype, _number(self.data, "<I", start), start + 4)

    def text(self, field: int) -> str:
        where = self._where(field)
        if where is None:
            return ""
        start = where + _number(self.data, "<I", where)
        size = _number(self.data, "<I", start)
        if len(text := self.data[start + 4 : start + 4 + size]) < size:
            raise ValueError("a text that ends outside the file")
        return text.decode()

    def table(self, field: int) -> _Table | None:
        where = self._where(field)
        return None if where is None else _Table(self.data, where + _number(self.data, "<I", where))

    def tables(self, field: int) -> list[_Table]:
        steps = self.numbers(field, "<u4").tolist()
        if not steps:
            return []
        where = self._where(field)
        assert where is not None  # the vector was found
        first = where + _number(self.data, "<I", where) + 4
        return [_Table(self.data, first + 4 * i + step) for i, step in enumerate(steps)]

    def _where(self, field: int) -> int | None:
        fields = self.at - _number(self.data, "<i", self.at)
        entry = 4 + 2 * field
        if entry + 2 > _number(self.data, "<H", fields):
            return None
        step = _number(self.data, "<H", fields + entry)
        return self.at + step if step else None


def _number(data: bytes, form: str, at: int) -> int:
    if at < 0:
        raise ValueError("an offset before the beginning")
    return int(struct.unpack_from(form, data, at)[0])


def read_flat(data: bytes) -> FlatGraph:
    """Read an int8 TFLite model with one input and one output.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    FlatGraph
        Constants are views into ``data``.

    Raises
    ------
    ModelError
        No TFLite file, a damaged one, several subgraphs, inputs or outputs, a tensor that is neither int8 nor
        int32, a fused activation, or an operator that is not in :data:`OPERATORS`.

    Examples
    --------
    >>> from ecgedge.artefacts.folder import BUNDLED
    >>> graph = read_flat((BUNDLED / "rhythm" / "model.tflite").read_bytes())
    >>> graph.tensors[graph.input].shape
    (1, 1, 3040)
    """
    if data[4:8] != _IDENTIFIER:
        raise ModelError("this is no TFLite file: give a model.tflite")
    try:
        return _graph(_Table(data, _number(data, "<I", 0)))
    except (struct.error, ValueError, IndexError, OverflowError, MemoryError) as error:
        raise ModelError(f"the TFLite file is damaged ({error}): export the model again") from error


def _graph(model: _Table) -> FlatGraph:
    graphs = model.tables(2)
    ends = [end for main in graphs for end in (main.numbers(1, "<i4"), main.numbers(2, "<i4"))]
    if len(graphs) != 1 or any(len(end) != 1 for end in ends):
        raise ModelError("the model must have one graph with one input and one output: export it so")
    codes, buffers = [_code(table) for table in model.tables(1)], model.tables(4)
    tensors = tuple(_tensor(table, buffers) for table in graphs[0].tables(0))
    operators = tuple(_operator(table, codes) for table in graphs[0].tables(3))
    used = [i for o in operators for i in (*o.inputs, o.output)] + [int(end[0]) for end in ends]
    if not all(0 <= index < len(tensors) for index in used):
        raise ValueError("a tensor that is not there")
    return FlatGraph(tensors, operators, int(ends[0][0]), int(ends[1][0]))


def _code(table: _Table) -> str:
    old = table.number(0, "<b")
    code = table.number(3, "<i") if old == _OTHER else max(old, table.number(3, "<i"))
    return _CODES.get(code, f"operator {code}")


def _tensor(table: _Table, buffers: list[_Table]) -> FlatTensor:
    name, shape = table.text(3), tuple(table.numbers(0, "<i4").tolist())
    dtype = _TYPES.get(table.number(1, "<b"))
    if dtype is None:
        raise ModelError(f"the tensor {name} is neither int8 nor int32: write the file from the S8S8 model")
    if any(n < 1 for n in shape) or math.prod(shape) > _MOST_VALUES:
        raise ValueError(f"a tensor of shape {shape}")
    data = buffers[table.number(2, "<I")].numbers(0, np.uint8)
    values = data.view(dtype).reshape(shape) if data.size else None
    return FlatTensor(name, shape, dtype.name, _quant(table.table(4)), values)


def _quant(table: _Table | None) -> Quant | None:
    if table is None or not (scale := table.numbers(2, "<f4")).size:
        return None
    zero = table.numbers(3, "<i8")
    if zero.size != scale.size or not np.all((zero >= -128) & (zero <= 127)):
        raise ValueError("a zero point that no code has")
    if not np.all((scale > 1e-30) & (scale < 1e30)):
        raise ValueError("a scale that is no number above 0")
    return Quant(scale.astype(np.float32), zero.astype(np.int64))


def _operator(table: _Table, codes: list[str]) -> FlatOperator:
    code = codes[table.number(0, "<I")]
    if code not in OPERATORS:
        raise ModelError(f"{code} is not known here: build the network from {', '.join(OPERATORS)}")
    inputs, outputs = table.numbers(1, "<i4").tolist(), table.numbers(2, "<i4").tolist()
    least = {"ADD": 2, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "PAD": 2}.get(code, 1)
    if len(inputs) < least or len(outputs) != 1:
        raise ValueError(f"{code} with other inputs or outputs than it has")
    options = table.table(4)
    if options is None or code not in _OPTIONS:
        return FlatOperator(code, tuple(inputs), outputs[0])
    return FlatOperator(code, tuple(inputs), outputs[0], *_options(code, options))


# Fields of the options of those operators: fused activation, stride, dilation, taps; None for one it has not.
_OPTIONS = {
    "ADD": (0, None, None, None),
    "CONV_2D": (3, 1, 4, None),
    "DEPTHWISE_CONV_2D": (4, 1, 5, None),
    "MAX_POOL_2D": (5, 1, None, 3),
}


def _options(code: str, options: _Table) -> tuple[bool, int, int, int]:
    fused, *fields = _OPTIONS[code]
    if options.number(fused or 0, "<b"):
        raise ModelError(f"{code} has a fused activation: write the file with ecgedge-export")
    stride, dilation, taps = (1 if field is None else options.number(field, "<i", 1) for field in fields)
    if not (0 < stride < 1024 and 0 < dilation < 1024 and 0 < taps < 1 << 15):
        raise ValueError(f"{code} with a stride of {stride}, a dilation of {dilation} and {taps} taps")
    return code != "ADD" and options.number(0, "<b") == 0, stride, dilation, taps
