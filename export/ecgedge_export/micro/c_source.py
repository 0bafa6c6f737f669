"""A model as C99 source: ``model.c`` and ``model.h``, integers only, no library, memory from the caller.

Made from the TFLite file, and bit-identical to TFLite's reference kernels and to TFLite Micro. The faster
kernels of ONNX Runtime and LiteRT (XNNPACK) round one product in some hundred, close to a half, the
other way; what that does to the logits is measured by :func:`ecgedge_export.int8.parity.parity`.
"""

from __future__ import annotations

import hashlib
import math
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from ecgedge_bridge.errors import ModelError
from ecgedge_export.int8.flat_reader import FlatGraph, FlatOperator, FlatTensor, read_flat
from ecgedge_export.micro.arena import plan

_LARGEST_SUM = 2**30  # leaves room for rounding in 32 bits
_LARGEST_SHIFT = 30
_ADD_BITS = 20  # by which TFLite's addition shifts its operands up
_ADD_WORDS = 512  # a table for each of them
_BEFORE = "rows of padding before"  # an option that TFLite's convolutions do not have
_TIME = 2  # the time axis of (batch, height, time, channel)
# Pieces of C that each kernel consists of, in the order in which the compiler needs them.
_PIECES = {
    "dense": ("rescale", "convolution", "dense"),
    "depthwise": ("rescale", "convolution", "depthwise"),
    "add": ("rescale", "add"),
    "relu": ("rescale", "relu"),
    "max_pool": ("max_pool",),
    "pad": ("pad",),
}


@dataclass(frozen=True, slots=True)
class CSource:
    """Text of both files, and the memory that the caller has to bring, in bytes."""

    header: str
    source: str
    arena_bytes: int


def _without_pads(graph: FlatGraph) -> FlatGraph:
    """Let convolutions do the padding over time in front of them: taps on zeros are left out."""
    pads = {o.output: o for o in graph.operators if o.code == "PAD" and _is_over_time(graph, o)}
    kept = []
    for operator in graph.operators:
        pad, valid = pads.get(operator.inputs[0]), operator.options.get("padding") == schema.Padding.VALID
        if pad is not None and valid and "CONV_2D" in operator.code:
            before = int(_amounts(graph, pad)[_TIME, 0])
            inputs = (pad.inputs[0], *operator.inputs[1:])
            operator = replace(operator, inputs=inputs, options={**operator.options, _BEFORE: before})
        kept.append(operator)
    used = {graph.output, *(index for operator in kept for index in operator.inputs)}
    return replace(graph, operators=tuple(o for o in kept if o.output in used))


def _is_over_time(graph: FlatGraph, pad: FlatOperator) -> bool:
    return not np.delete(_amounts(graph, pad), _TIME, axis=0).any()


def _amounts(graph: FlatGraph, pad: FlatOperator) -> npt.NDArray[Any]:
    values = graph.tensors[pad.inputs[1]].values
    return np.ones((_TIME + 2, 2), np.int32) if values is None else values


class _Writer:
    """State of one conversion: tables and calls in the order of the operators."""

    def __init__(self, graph: FlatGraph) -> None:
        self.graph = _without_pads(graph)
        self.plan = plan(self.graph)
        self.tables: list[str] = []
        self.calls: list[str] = []
        self.kernels: list[str] = []
        self.scratch = 0  # words at the start of the arena: sums of a convolution, tables of an addition

    def tensor(self, index: int) -> FlatTensor:
        return self.graph.tensors[index]

    def quant(self, index: int) -> tuple[float, int]:
        """Scale and zero point of an activation."""
        tensor = self.tensor(index)
        if tensor.quant is None or tensor.quant.scale.size != 1:
            raise ModelError(
                f"the tensor {tensor.name} is not quantized as a whole: use a file of ecgedge-export"
            )
        return float(tensor.quant.scale[0]), int(tensor.quant.zero_point[0])

    def constant(self, index: int) -> npt.NDArray[Any]:
        tensor = self.tensor(index)
        if tensor.values is None:
            raise ModelError(f"the tensor {tensor.name} must be a constant: use a file of ecgedge-export")
        return tensor.values

    def where(self, index: int) -> str:
        """C expression for the place of an activation."""
        root = self.plan.aliases[index]
        own = {self.graph.input: "input", self.plan.aliases[self.graph.output]: "logits"}
        return own[root] if root in own else f"memory + {self.plan.offsets[root]}"

    def table(self, kind: str, name: str, values: Iterable[int]) -> str:
        """Append a constant array and return its name."""
        numbers = textwrap.fill(", ".join(str(int(v)) for v in values), 108, initial_indent="    ",
                                subsequent_indent="    ", break_long_words=False)  # fmt: skip
        self.tables.append(f"static const {kind} {name}[] = {{\n{numbers}\n}};\n")
        return name

    def call(
        self, kernel: str, struct: str, fields: Iterable[object], tensors: Iterable[int], scratch: int = 0
    ) -> None:
        """Append the parameters of one operator and the call of its kernel, with some words of scratch."""
        name = f"layer_{len(self.calls)}"
        self.tables.append(f"static const struct {struct} {name} = {{{', '.join(map(str, fields))}}};\n")
        arguments = [f"&{name}", *map(self.where, tensors), *(["arena"] if scratch else [])]
        self.calls.append(f"    {kernel}({', '.join(arguments)});")
        self.scratch = max(self.scratch, scratch)
        if kernel not in self.kernels:
            self.kernels.append(kernel)


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


def _downwards(real: float, what: str) -> tuple[int, int]:
    """Multiplier and right shift of a factor below 1."""
    multiplier, exponent = quantized_multiplier(real)
    if not -_LARGEST_SHIFT <= exponent <= 0:
        raise ModelError(f"{what} scales its sums by {real:.3g}: C takes factors below 1 and above 2**-30")
    return multiplier, -exponent


def _convolution(writer: _Writer, operator: FlatOperator) -> None:
    source, target = operator.inputs[0], operator.output
    weights = writer.constant(operator.inputs[1])
    length, channels = writer.tensor(source).shape[_TIME:]
    outputs, filters = writer.tensor(target).shape[_TIME:]
    taps = weights.shape[_TIME]
    options = operator.options
    stride, dilation = options["strideW"], options["dilationWFactor"]
    pad = options.get(_BEFORE, 0)
    if options["padding"] == schema.Padding.SAME:
        pad = max((outputs - 1) * stride + dilation * (taps - 1) + 1 - length, 0) // 2
    depthwise = operator.code == "DEPTHWISE_CONV_2D"
    kernel = "depthwise" if depthwise and filters == channels else "dense"
    if kernel == "depthwise":
        ordered = weights.reshape(taps, channels)
    elif depthwise:
        ordered = _spread(weights.reshape(taps, filters), channels)
    else:
        ordered = weights[:, 0].transpose(1, 2, 0)
    shape = (length, channels, outputs, filters, taps, stride, dilation, pad)
    _weighted(writer, operator, kernel, ordered, shape)


def _spread(weights: npt.NDArray[np.int8], channels: int) -> npt.NDArray[np.int8]:
    """Depthwise weights with several filters a channel as dense ones: rare, and not worth a kernel."""
    taps, filters = weights.shape
    dense = np.zeros((taps, channels, filters), np.int8)
    every = np.arange(filters)
    dense[:, every // (filters // channels), every] = weights
    return dense


def _weighted(
    writer: _Writer,
    operator: FlatOperator,
    kernel: str,
    weights: npt.NDArray[np.int8],
    shape: tuple[int, ...],
) -> None:
    source, target = operator.inputs[0], operator.output
    bias = writer.constant(operator.inputs[2])
    reach = np.abs(weights.astype(np.int64)).reshape(-1, weights.shape[-1]).sum(axis=0)
    if np.max(np.abs(bias.astype(np.int64)) + 255 * reach) > _LARGEST_SUM:
        raise ModelError(
            f"{writer.tensor(target).name}: sums do not fit into 31 bits: train without dead filters"
        )
    # A filter of zeros has an arbitrary scale, and always the same sum.
    silent = (reach == 0) & (bias == 0)
    factors = np.where(silent, 0.0, _factors(writer, operator)).tolist()
    rescaling = [_downwards(real, operator.code) for real in factors]
    n = len(writer.calls)
    fields = [
        writer.table("int8_t", f"weights_{n}", weights.reshape(-1)),
        writer.table("int32_t", f"bias_{n}", bias),
        writer.table("int32_t", f"multiplier_{n}", (m for m, _ in rescaling)),
        writer.table("uint8_t", f"shift_{n}", (s for _, s in rescaling)),
        *shape,
        writer.quant(source)[1],
        writer.quant(target)[1],
    ]
    writer.call(kernel, "convolution", fields, (source, target), len(bias))


def _factors(writer: _Writer, operator: FlatOperator) -> list[float]:
    """From a sum of products to a step of the output, for each filter."""
    into, out = writer.quant(operator.inputs[0])[0], writer.quant(operator.output)[0]
    quant = writer.tensor(operator.inputs[1]).quant
    if quant is None:
        raise ModelError(f"the weights of {operator.code} are not quantized: use a file of ecgedge-export")
    filters = writer.constant(operator.inputs[2]).size
    return [into * float(scale) / out for scale in np.broadcast_to(quant.scale, filters)]


def _add(writer: _Writer, operator: FlatOperator) -> None:
    (scale_a, zero_a), (scale_b, zero_b) = (writer.quant(i) for i in operator.inputs)
    scale, zero = writer.quant(operator.output)
    twice = 2 * max(scale_a, scale_b)
    reals = (scale_a / twice, scale_b / twice, twice / (2**_ADD_BITS * scale))
    multipliers, shifts = zip(*(_downwards(real, "ADD") for real in reals), strict=True)
    size = math.prod(writer.tensor(operator.output).shape)
    fields = [size, zero_a, zero_b, zero, *multipliers, *shifts]
    writer.call("add", "addition", fields, (*operator.inputs, operator.output), _ADD_WORDS)


def _relu(writer: _Writer, operator: FlatOperator) -> None:
    (scale_in, zero_in), (scale, zero) = writer.quant(operator.inputs[0]), writer.quant(operator.output)
    multiplier, exponent = quantized_multiplier(float(np.float32(scale_in) / np.float32(scale)))
    high = 127
    if operator.code == "RELU6":
        high = min(127, zero + math.floor(float(np.float32(6.0) / np.float32(scale)) + 0.5))
    size = math.prod(writer.tensor(operator.output).shape)
    fields = [size, zero_in, zero, max(exponent, 0), max(-exponent, 0), max(zero, -128), high, multiplier]
    writer.call("relu", "relu", fields, (operator.inputs[0], operator.output))


def _max_pool(writer: _Writer, operator: FlatOperator) -> None:
    source, target = operator.inputs[0], operator.output
    length, channels = writer.tensor(source).shape[_TIME:]
    if operator.code == "REDUCE_MAX":
        fields = (length, channels, 1, length, 1, 0)
    else:
        outputs, options = writer.tensor(target).shape[_TIME], operator.options
        taps, stride = options["filterWidth"], options["strideW"]
        same = options["padding"] == schema.Padding.SAME
        pad = max((outputs - 1) * stride + taps - length, 0) // 2 if same else 0
        fields = (length, channels, outputs, taps, stride, pad)
    writer.call("max_pool", "pool", fields, (source, target))


def _pad(writer: _Writer, operator: FlatOperator) -> None:
    source = operator.inputs[0]
    length, channels = writer.tensor(source).shape[_TIME:]
    amounts = writer.constant(operator.inputs[1])
    fields = (length, channels, *amounts[2], *amounts[3], writer.quant(operator.output)[1])
    writer.call("pad", "padding", fields, (source, operator.output))


def _nothing(writer: _Writer, operator: FlatOperator) -> None:
    """A reshape is another view of the same memory."""


_EMITTERS: dict[str, Callable[[_Writer, FlatOperator], None]] = {
    "ADD": _add,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "MAX_POOL_2D": _max_pool,
    "PAD": _pad,
    "REDUCE_MAX": _max_pool,
    "RELU": _relu,
    "RELU6": _relu,
    "RESHAPE": _nothing,
}


def c_source(tflite: bytes, name: str = "ecgedge_model") -> CSource:
    """Translate a fully int8 TFLite model to C99.

    Parameters
    ----------
    tflite : bytes
        As :func:`ecgedge_export.int8.tflite_writer.convert` writes it.
    name : str
        Prefix of everything that the header declares.

    Returns
    -------
    CSource

    Raises
    ------
    ModelError
        An operator that has no kernel here, or sums that could overflow 32 bits.

    Examples
    --------
    >>> made = c_source(Path("model.tflite").read_bytes(), "ecgedge_rhythm")  # doctest: +SKIP
    >>> made.arena_bytes  # doctest: +SKIP
    97728
    """
    if not name.isidentifier() or not name.isascii():
        raise ModelError(f"{name!r} cannot begin a name in C: choose letters, digits and underscores")
    writer = _Writer(read_flat(tflite))
    for operator in writer.graph.operators:
        if operator.code not in _EMITTERS:
            raise ModelError(
                f"{operator.code} has no kernel in C: build the network from {sorted(_EMITTERS)}"
            )
        _EMITTERS[operator.code](writer, operator)
    words = writer.scratch + -(-writer.plan.size // 4)
    origin = hashlib.sha256(tflite).hexdigest()
    return CSource(_header(writer, name, words, origin), _source(writer, name), 4 * words)


def write_c(tflite: str | Path, folder: str | Path, name: str = "ecgedge_model") -> CSource:
    """Write ``model.c`` and ``model.h`` for the file ``tflite`` into ``folder``; see :func:`c_source`."""
    made = c_source(Path(tflite).read_bytes(), name)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / "model.h").write_text(made.header, encoding="ascii", newline="\n")
    (target / "model.c").write_text(made.source, encoding="ascii", newline="\n")
    return made


def _header(writer: _Writer, name: str, words: int, origin: str) -> str:
    ends = [writer.tensor(i) for i in (writer.graph.input, writer.graph.output)]
    (scale_in, zero_in), (scale_out, zero_out) = (
        writer.quant(i) for i in (writer.graph.input, writer.graph.output)
    )
    upper = name.upper()
    return f"""\
/* SPDX-License-Identifier: Apache-2.0
 * Made by ecgedge-export from the TFLite file with sha256
 * {origin}.
 *
 * Input:  round to even(value / {np.float32(scale_in)}) + {zero_in}, limited to -128..127.
 * Logits: (output - ({zero_out})) * {np.float32(scale_out)}.
 * Not a medical device.
 */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#define {upper}_SAMPLES {math.prod(ends[0].shape)}
#define {upper}_CLASSES {math.prod(ends[1].shape)}
#define {upper}_ARENA_WORDS {words} /* {4 * words} bytes */

/* Runs the model once. The arena is working memory, of which nothing is kept between calls. */
void {name}_run(const int8_t input[{upper}_SAMPLES], int8_t logits[{upper}_CLASSES],
    int32_t arena[{upper}_ARENA_WORDS]);

#endif
"""


def _source(writer: _Writer, name: str) -> str:
    pieces = dict.fromkeys(piece for kernel in writer.kernels for piece in _PIECES[kernel])
    folder = resources.files("ecgedge_export.micro") / "c_kernels"
    kernels = [(folder / f"{piece}.c").read_text(encoding="ascii") for piece in pieces]
    memory = [f"    int8_t *const memory = (int8_t *)(arena + {writer.scratch});"] if writer.plan.size else []
    upper = name.upper()
    run = "\n".join([
        f"void {name}_run(const int8_t input[{upper}_SAMPLES], int8_t logits[{upper}_CLASSES],",
        f"    int32_t arena[{upper}_ARENA_WORDS])",
        "{",
        *memory,
        *writer.calls,
        "}",
        "",
    ])  # fmt: skip
    head = '/* SPDX-License-Identifier: Apache-2.0\n * See model.h. */\n#include "model.h"\n'
    return "\n".join([head, *kernels, *writer.tables, run])
