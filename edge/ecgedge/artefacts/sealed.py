"""Text that stands for itself: a digest of the content beside it, so that a changed threshold is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.files import write_atomically
from ecgedge_bridge.schema import Place, parse_json

FIX = "take the whole folder from the release again, or export the model again"


def artefact_place(name: str) -> Place:
    """Place of what a program of ours wrote: every key is there, and an error means damage."""
    return Place(name, ModelError, FIX, complete=True)


def digest(content: Mapping[str, Any]) -> str:
    """sha256 of the content in one canonical spelling, so that white space and key order do not count."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def write_sealed(path: Path, schema: int, content: Mapping[str, Any]) -> None:
    """Write a file that stands for itself: content, its schema's number, and a digest."""
    content = json.loads(json.dumps(content, default=plain))
    whole = {"schema": schema, **content, "digest": digest(content)}
    write_atomically(path, json.dumps(whole, indent=1) + "\n")


def read_sealed(path: Path, schema: int, what: str) -> dict[str, Any]:
    """Read the content of what :func:`write_sealed` wrote; ``what`` names it in errors.

    Raises
    ------
    ModelError
        The file is missing, changed, or of another schema.
    """
    try:
        raw = parse_json(path.read_bytes(), artefact_place(f"{what} {path}"))
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
