"""A stretch of a stream as bytes: blocks column by column, events as JSON, and the order in which they came.

Layout of the signal, version 1: the length of a JSON header as an unsigned 32-bit number, little-endian; the
header, deflated; then the parts of all columns, whose lengths the header names. Its key ``order`` has a text
for each block (the name of its kind) and a number for so many events in a row, which are a JSON list of their
own: signal is read without them.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ecgedge.events import Event
from ecgedge.recording.database.columns import (
    Packed,
    pack_ints,
    pack_samples,
    unpack_ints,
    unpack_samples,
)
from ecgedge.recording.database.events import Stored, event_of
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import Place, as_integer, as_object, parse_json
from ecgedge_bridge.values import Acceleration, HeartRate, SampleBlock

__all__ = ["Journal", "decode", "decode_events", "decode_signal", "encode"]

_VERSION = 1
_LENGTH = struct.Struct("<I")
_MOST_HEADER = 4 << 20  # a minute of events has some 20 kB
_BLOCKS: dict[str, type[SampleBlock] | type[Acceleration]] = {"ecg": SampleBlock, "acc": Acceleration}
_AXES = {"ecg": 1, "acc": 3}
# Columns that rise steadily, those that drift, and those that a stream hardly changes, which stay JSON.
_INTEGERS = {"sample": 2, "length": 1, "device_time_ns": 2}
_FLOATS = ("host_time_s", "fs_hat")
_CONSTANTS = ("fs", "device", "placed")


class Journal(NamedTuple):
    """The two halves of an encoded stretch."""

    signal: bytes
    events: bytes


def encode(items: Iterable[Stored]) -> Journal:
    """Turn items of a stream into bytes.

    Parameters
    ----------
    items : iterable of SampleBlock, Acceleration, HeartRate or Event

    Examples
    --------
    >>> block = SampleBlock(np.arange(3, dtype=np.float32), fs=130.0, sample=7, device_time_ns=5)
    >>> decode(encode([block]))[0].samples
    array([0., 1., 2.], dtype=float32)
    """
    every = list(items)
    blocks = {kind: [item for item in every if isinstance(item, cls)] for kind, cls in _BLOCKS.items()}
    events = [item.to_json() for item in every if not isinstance(item, SampleBlock | Acceleration)]
    header: dict[str, Any] = {"version": _VERSION, "order": _order(every)}
    data: list[bytes] = []
    for kind, of_kind in blocks.items():
        if of_kind:
            header[kind] = _columns(kind, of_kind, data)
    text = _deflated(header)
    return Journal(b"".join([_LENGTH.pack(len(text)), text, *data]), _deflated({"events": events}))


def decode(stretch: Journal, name: str = "the recording") -> list[Stored]:
    """Return the items that were encoded.

    Raises
    ------
    ConfigError
        The bytes are damaged, or of a later version.
    """
    place = _place(name)
    order, found = _signal(stretch.signal, place)
    blocks = {kind: iter(of_kind) for kind, of_kind in found.items()}
    events = iter(decode_events(stretch, name))
    items: list[Stored] = []
    for entry in order:
        of_kind = blocks.get(entry, iter(())) if isinstance(entry, str) else events
        for _ in range(1 if isinstance(entry, str) else as_integer(entry, place)):
            item = next(of_kind, None)
            if item is None:
                place.refuse("names more items than it holds")
            items.append(item)
    return items


def decode_signal(stretch: Journal, name: str = "the recording") -> list[SampleBlock]:
    """Return the blocks of ECG alone; errors as in :func:`decode`."""
    return [b for b in _signal(stretch.signal, _place(name))[1].get("ecg", ()) if isinstance(b, SampleBlock)]


def decode_events(stretch: Journal, name: str = "the recording") -> list[Event | HeartRate]:
    """Return the events alone; errors as in :func:`decode`."""
    place = _place(name)
    events = parse_json(_inflated(stretch.events, place), place).get("events")
    if not isinstance(events, list):
        place.refuse("has no list of events")
    return [event_of(as_object(event, place), place.key("event")) for event in events]


def _place(name: str) -> Place:
    return Place(f"{name}:", remedy="this stretch is lost: take the file from a backup")


def _order(items: Iterable[Stored]) -> list[str | int]:
    order: list[str | int] = []
    for item in items:
        kind = next((kind for kind, cls in _BLOCKS.items() if isinstance(item, cls)), None)
        if kind:
            order.append(kind)
        elif order and isinstance(order[-1], int):
            order[-1] += 1
        else:
            order.append(1)
    return order


def _signal(data: bytes, place: Place) -> tuple[list[Any], dict[str, list[SampleBlock | Acceleration]]]:
    if len(data) < _LENGTH.size:
        place.refuse("is cut off")
    (length,) = _LENGTH.unpack_from(data)
    header = parse_json(_inflated(data[_LENGTH.size : _LENGTH.size + length], place), place)
    if header.get("version") != _VERSION:
        place.refuse(f"has the version {header.get('version')!r}, which this ecgedge does not read")
    order, rest = header.get("order"), _Rest(data[_LENGTH.size + length :])
    if not isinstance(order, list):
        place.refuse("has no order of its items")
    blocks = {kind: _blocks(kind, header[kind], rest, place) for kind in _BLOCKS if kind in header}
    if len(rest) != rest.taken:
        place.refuse("has bytes that belong to nothing")
    return order, blocks


def _deflated(value: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":"), allow_nan=False).encode(), 9)


def _inflated(data: bytes, place: Place) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, _MOST_HEADER)
    except zlib.error as error:
        raise ConfigError(f"{place.name} is damaged ({error}): {place.remedy}") from error


class _Rest:
    """The bytes behind the header, taken part by part."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.taken = 0

    def __len__(self) -> int:
        return len(self._data)

    def take(self, length: int, place: Place) -> bytes:
        part = self._data[self.taken : self.taken + length]
        if length < 0 or len(part) != length:
            place.refuse("is cut off")
        self.taken += length
        return part


def _columns(kind: str, blocks: Sequence[SampleBlock | Acceleration], data: list[bytes]) -> dict[str, Any]:
    values: dict[str, Any] = {"blocks": len(blocks)}

    def add(name: str, packed: Packed) -> None:
        data.extend(packed.parts)
        values[name] = {**packed.how, "parts": [len(part) for part in packed.parts]}

    for name in _CONSTANTS:
        values[name] = _once(getattr(block, name) for block in blocks)
    for name, order in _INTEGERS.items():
        column = [len(b.samples) if name == "length" else getattr(b, name) for b in blocks]
        if None in column:
            values[name] = _once(column)
        else:
            add(name, pack_ints(np.array(column, np.int64), order))
    for name in _FLOATS:
        column = [getattr(block, name) for block in blocks]
        if None in column:
            values[name] = _once(column)
        else:
            add(name, pack_ints(np.array(column, np.float64).view(np.int64), 1))
    rows = (np.asarray(block.samples, np.float32).reshape(-1, _AXES[kind]) for block in blocks)
    samples = np.concatenate(list(rows))
    for axis in range(samples.shape[1]):
        add(f"axis{axis}", pack_samples(np.ascontiguousarray(samples[:, axis])))
    return values


def _once(column: Iterable[Any]) -> list[Any]:
    """A list of what a column holds: one value where all are the same."""
    every = list(column)
    return every[:1] if all(value == every[0] for value in every) else every


def _blocks(kind: str, stored: Any, rest: _Rest, whole: Place) -> list[SampleBlock | Acceleration]:
    place = whole.key(kind)
    values = as_object(stored, place)
    n = as_integer(values.get("blocks"), place.key("blocks"))
    if not 0 < n <= 1 << 20:
        place.refuse("has an impossible number of blocks")

    def integers(name: str, count: int) -> list[Any] | npt.NDArray[np.int64]:
        column = values.get(name)
        if isinstance(column, list):
            return _all(column, count, place.key(name))
        how, parts = _taken(column, rest, place.key(name))
        return unpack_ints(how, parts, count, place.key(name))

    columns: dict[str, list[Any]] = {name: _all(values.get(name), n, place.key(name)) for name in _CONSTANTS}
    columns |= {name: [None if v is None else int(v) for v in integers(name, n)] for name in _INTEGERS}
    for name in _FLOATS:
        column = integers(name, n)
        columns[name] = column if isinstance(column, list) else column.view(np.float64).tolist()
    lengths = columns.pop("length")
    if any(length is None or length < 0 for length in lengths) or sum(lengths) > 1 << 22:
        place.refuse("has blocks of an impossible length")
    axes = []
    for axis in range(_AXES[kind]):
        how, parts = _taken(values.get(f"axis{axis}"), rest, place)
        axes.append(unpack_samples(how, parts, sum(lengths), place))
    samples = axes[0] if kind == "ecg" else np.stack(axes, axis=1)
    ends = np.cumsum(lengths)
    placed = columns.pop("placed")
    made: list[SampleBlock | Acceleration] = []
    for i, (end, length) in enumerate(zip(ends, lengths, strict=True)):
        given = {name: column[i] for name, column in columns.items()}
        if not placed[i]:
            given["sample"] = None
        try:
            made.append(_BLOCKS[kind](samples[end - length : end], **given))
        except (TypeError, ValueError) as error:
            raise place.error(f"{place.name} holds no block ({error}): {place.remedy}") from error
    return made


def _taken(column: Any, rest: _Rest, place: Place) -> tuple[dict[str, Any], list[bytes]]:
    how = as_object(column, place)
    lengths = how.get("parts")
    if not isinstance(lengths, list):
        place.refuse("is not a column")
    return how, [rest.take(as_integer(length, place), place) for length in lengths]


def _all(column: Any, n: int, place: Place) -> list[Any]:
    if not isinstance(column, list) or len(column) not in (1, n):
        place.refuse("is not a column")
    return column * n if len(column) == 1 else column
