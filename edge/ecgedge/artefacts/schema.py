"""JSON to typed values, with errors that name the place: the reading half of the manifest."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ecgedge_bridge.errors import ModelError

FIX = "take the whole folder from the release again, or export the model again"

T = TypeVar("T")
Decoder = Callable[[Any, str], T]
Table = Mapping[str, Callable[[Any, str], Any]]


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Parse a JSON object; NaN and infinity, which Python's parser lets through, are refused."""
    try:
        raw = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"the manifest is not JSON ({error}): {FIX}") from error
    if not isinstance(raw, dict):
        raise ModelError(f"the manifest is not a JSON object: {FIX}")
    return raw


def digest(content: Mapping[str, Any]) -> str:
    """sha256 of the content in one canonical spelling, so that white space and key order do not count."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def write_sealed(path: Path, schema: int, content: Mapping[str, Any]) -> None:
    """Write a file that stands for itself: content, its schema's number, and a digest."""
    content = json.loads(json.dumps(content, default=plain))
    path.write_text(json.dumps({"schema": schema, **content, "digest": digest(content)}, indent=1) + "\n")


def read_sealed(path: Path, schema: int, what: str) -> dict[str, Any]:
    """Read the content of what :func:`write_sealed` wrote; ``what`` names it in errors.

    Raises
    ------
    ModelError
        The file is missing, changed, or of another schema.
    """
    try:
        raw = parse_object(path.read_bytes())
    except OSError as e:
        raise ModelError(f"cannot read {what} {path} ({e.strerror}): {FIX}") from e
    number, said = raw.pop("schema", None), raw.pop("digest", None)
    if number != schema or said != digest(raw):
        raise ModelError(f"{what} {path} was changed after it was written, or is for another version: {FIX}")
    return raw


def plain(value: Any) -> Any:
    """JSON form of numpy scalars and arrays that found their way into metrics."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _wrong(where: str, value: Any, wanted: str) -> ModelError:
    return ModelError(f"{where} is {type(value).__name__}, not {wanted}: {FIX}")


def as_text(value: Any, where: str) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise _wrong(where, value, "a string")
    return value


def as_number(value: Any, where: str) -> float:
    """Return a finite number as float."""
    # A bool is an int in Python; 1e999 in the text becomes infinity without a parse_constant call.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(where, value, "a finite number")
    return float(value)


def as_integer(value: Any, where: str) -> int:
    """Return an integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(where, value, "an integer")
    return value


def as_object(value: Any, where: str) -> dict[str, Any]:
    """Return a JSON object with whatever it holds."""
    if not isinstance(value, dict):
        raise _wrong(where, value, "an object")
    return value


def optional(decode: Decoder[T]) -> Decoder[T | None]:
    """Decoder that lets ``null`` through."""
    return lambda value, where: None if value is None else decode(value, where)


def list_of(decode: Decoder[T]) -> Decoder[tuple[T, ...]]:
    """Decoder of a list whose items are all alike."""

    def decode_list(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise _wrong(where, value, "a list")
        return tuple(decode(item, f"{where}[{i}]") for i, item in enumerate(value))

    return decode_list


def dict_of(decode: Decoder[T]) -> Decoder[dict[str, T]]:
    """Decoder of an object with free keys whose values are all alike."""
    return lambda value, where: {k: decode(v, f"{where}.{k}") for k, v in as_object(value, where).items()}


def build(cls: Callable[..., T], table: Table, value: Any, where: str) -> T:
    """Make ``cls`` from a JSON object that has exactly the keys of ``table``."""
    raw = as_object(value, where)
    missing = sorted(table.keys() - raw.keys())
    if missing:
        raise ModelError(f"{where} lacks {', '.join(missing)}: {FIX}")
    for key in raw.keys() - table.keys():
        near = difflib.get_close_matches(key, table, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ModelError(f"{where} has the unknown key {key!r}{hint}: {FIX}")
    return cls(**{key: decode(raw[key], f"{where}.{key}") for key, decode in table.items()})


def nested(cls: Callable[..., T], table: Table) -> Decoder[T]:
    """Decoder of an object with the keys of ``table``, see :func:`build`."""
    return lambda value, where: build(cls, table, value, where)
