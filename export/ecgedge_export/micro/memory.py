"""How much memory a model takes on a microcontroller."""

from __future__ import annotations

from pathlib import Path

from ecgedge_export.micro import tflm
from ecgedge_export.micro.c_source import c_source


def memory(tflite: Path) -> dict[str, int]:
    """Bytes that a microcontroller has to set aside; TFLite Micro's only where it is installed."""
    found = {
        "c_arena_bytes": c_source(tflite.read_bytes()).arena_bytes,
        "tflite_micro_arena_bytes": tflm.arena_bytes(tflite),
    }
    return {name: size for name, size in found.items() if size is not None}
