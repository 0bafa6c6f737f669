"""An ONNX model that was exported for one window, changed in memory to take any number of them.

The networks work on each window alone, so nothing in them depends on how many there are: only the shapes that
the file declares do. Those of input and output are opened, those of what lies between are left out, since
ONNX Runtime infers them. The file stays as it was verified; onnx itself is not needed for that.
"""

from __future__ import annotations

from collections.abc import Iterator

# Numbers of fields: of a model, a graph, a value, a type, a tensor, a shape, a dimension (onnx.proto).
_GRAPH, _INPUT, _OUTPUT, _VALUE_INFO = 7, 11, 12, 13
_TO_DIMENSION = (2, 1, 2, 1)  # type, tensor type, shape, dimension
_ANY = b"\x12\x05batch"  # a dimension with a name in place of a number
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_FIXED = {_EIGHT: 8, _FOUR: 4}


def any_batch(model: bytes) -> bytes:
    """The model with a first dimension of input and output that may be any.

    Raises
    ------
    ValueError
        The bytes are no ONNX model.
    """
    return b"".join(
        _field(number, _open_graph(content)) if number == _GRAPH else raw
        for number, content, raw in _fields(model)
    )


def _open_graph(graph: bytes) -> bytes:
    parts = []
    for number, content, raw in _fields(graph):
        if number in (_INPUT, _OUTPUT):
            parts.append(_field(number, _open_first(content, _TO_DIMENSION)))
        elif number != _VALUE_INFO:
            parts.append(raw)
    return b"".join(parts)


def _open_first(message: bytes, path: tuple[int, ...]) -> bytes:
    """Give the first dimension at the end of the path a name."""
    if not path:
        return _ANY
    parts, found = [], False
    for number, content, raw in _fields(message):
        first = number == path[0] and not found
        parts.append(_field(number, _open_first(content, path[1:])) if first else raw)
        found = found or first
    return b"".join(parts)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, content (of those that have a length) and encoding of each field of a protobuf message."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _varint(message, at)
        kind, low = tag & 7, at
        if kind == _VARINT:
            _, at = _varint(message, at)
        elif kind == _BYTES:
            size, low = _varint(message, at)
            at = low + size
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise ValueError(f"a field of kind {kind} in an ONNX model")
        if at > len(message):
            raise ValueError("an ONNX model that ends too early")
        yield tag >> 3, message[low:at] if kind == _BYTES else b"", message[start:at]


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("an ONNX model that ends too early")


def _field(number: int, content: bytes) -> bytes:
    return _encoded(number << 3 | _BYTES) + _encoded(len(content)) + content


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
