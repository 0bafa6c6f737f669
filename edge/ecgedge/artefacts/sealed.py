"""Text that stands for itself: a digest of the content beside it, so that a changed threshold is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.schema import Place

FIX = "take the whole folder from the release again, or export the model again"


def artefact_place(name: str) -> Place:
    """Place of what a program of ours wrote: every key is there, and an error means damage."""
    return Place(name, ModelError, FIX, complete=True)


def digest(content: Mapping[str, Any]) -> str:
    """sha256 of the content in one canonical spelling, so that white space and key order do not count."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def plain(value: Any) -> Any:
    """JSON form of numpy scalars and arrays that found their way into metrics."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")
