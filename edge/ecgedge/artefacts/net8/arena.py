"""Where each activation lies in the caller's memory: tensors whose lives do not overlap share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ecgedge.artefacts.net8.flat import FlatGraph
from ecgedge_bridge.errors import ModelError

_ALIGNMENT = 16  # of each tensor, in bytes: vector loads need not cross a line
# Operators whose output may overwrite the input: each value is read before its place is written.
_IN_PLACE = frozenset({"ADD", "RELU", "RELU6"})


class _Buffer:
    """A stretch of memory and the first and last operator that need it."""

    __slots__ = ("first", "last", "offset", "size")

    def __init__(self, size: int, first: int, last: int) -> None:
        self.size, self.first, self.last, self.offset = size, first, last, -1

    def meets(self, other: _Buffer) -> bool:
        return self.first <= other.last and other.first <= self.last


class Plan(NamedTuple):
    """Offsets in bytes by index of tensor, and the bytes needed in all.

    Input and output of the graph are the caller's own arrays and have no offset; ``aliases`` names for each
    reshaped tensor the one that it is another view of.
    """

    offsets: Mapping[int, int]
    aliases: Mapping[int, int]
    size: int


def plan(graph: FlatGraph) -> Plan:
    """Lay out the activations of a graph, the largest first, each at the lowest place that is free.

    Raises
    ------
    ModelError
        The output is nothing but the input in another shape.
    """
    aliases = _aliases(graph)
    output = aliases[graph.output]
    if output == graph.input:
        raise ModelError("the network computes nothing: its output is its input")
    owners = _buffers(graph, aliases, {graph.input, output})
    buffers = list({id(buffer): buffer for buffer in owners.values()}.values())
    placed: list[_Buffer] = []
    for buffer in sorted(buffers, key=lambda b: -b.size):
        _place(buffer, [p for p in placed if p.meets(buffer)])
        placed.append(buffer)
    size = max((b.offset + b.size for b in placed), default=0)
    return Plan({index: buffer.offset for index, buffer in owners.items()}, aliases, size)


def _aliases(graph: FlatGraph) -> dict[int, int]:
    aliases = {graph.input: graph.input}
    for operator in graph.operators:
        source = operator.inputs[0]
        aliases[operator.output] = aliases[source] if operator.code == "RESHAPE" else operator.output
    return aliases


def _buffers(graph: FlatGraph, aliases: Mapping[int, int], outside: set[int]) -> dict[int, _Buffer]:
    """Buffer of each tensor that lies in the arena."""
    uses = [{aliases[i] for i in operator.inputs if i in aliases} for operator in graph.operators]
    last = {tensor: step for step, tensors in enumerate(uses) for tensor in tensors}
    owners: dict[int, _Buffer] = {}
    for step, operator in enumerate(graph.operators):
        target = operator.output
        if aliases[target] != target or target in outside:
            continue
        end = last.get(target, step)
        dying = [owners[i] for i in sorted(uses[step]) if i in owners and last[i] == step]
        if operator.code in _IN_PLACE and dying:
            owners[target] = dying[0]
            dying[0].last = end
        else:
            size = int(np.prod(graph.tensors[target].shape))
            owners[target] = _Buffer(-(-size // _ALIGNMENT) * _ALIGNMENT, step, end)
    return owners


def _place(buffer: _Buffer, others: list[_Buffer]) -> None:
    """Give a buffer the lowest offset at which it overlaps none of the others."""
    buffer.offset = 0
    for other in sorted(others, key=lambda b: b.offset):
        if buffer.offset + buffer.size <= other.offset:
            break
        buffer.offset = max(buffer.offset, other.offset + other.size)
