"""How much memory a model takes on a microcontroller."""

from __future__ import annotations

from pathlib import Path

from ecgedge.artefacts.net8.flat import read_flat
from ecgedge.artefacts.net8.layers import net8
from ecgedge_export.micro import tflm


def memory(tflite: Path) -> dict[str, int]:
    """Bytes that a microcontroller has to set aside; TFLite Micro's only where it is installed."""
    found = {
        "c_arena_bytes": net8(read_flat(tflite.read_bytes())).arena,
        "tflite_micro_arena_bytes": tflm.arena_bytes(tflite),
    }
    return {name: size for name, size in found.items() if size is not None}
