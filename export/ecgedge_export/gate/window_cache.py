"""Windows of a training, kept in its work folder: one that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.artefacts.manifest import MANIFEST_NAME
from ecgedge.gate import features
from ecgedge_bridge.files import atomic_file
from ecgedge_export.archives import npz
from ecgedge_export.gate import hrv, sets
from ecgedge_export.gate.sets import ARRAYS, GateRecipe, Windows

Reader = Callable[[], Windows]


def cached(reader: Reader, how: GateRecipe, few: object, name: str, work: Path | None) -> Reader:
    """Make a reader of windows keep what it read in ``work``, by everything that they depend on."""
    if work is None:
        return reader
    path = work / "windows" / f"{name.replace(' ', '-')}-{_key(how, few)}.npz"

    def read() -> Windows:
        if not path.is_file():
            windows = reader()
            with atomic_file(path) as file:
                np.savez(file, **{column: getattr(windows, column) for column in ARRAYS})
        with npz(path, "delete it, it is made again") as z:
            columns: dict[str, Any] = {column: z[column] for column in ARRAYS}
            return Windows(**columns)

    return read


def _key(how: GateRecipe, few: object) -> str:
    """Changes with the recipe, the code of features and sets, and the beat detector."""
    parts = (
        repr((how.fs, how.window_s, how.lengths_s, how.noisy_db, how.mild_db, how.made_shapes, few)).encode(),
        repr(how.hrv).encode() + Path(hrv.__file__).read_bytes(),
        Path(features.__file__).read_bytes(),
        Path(sets.__file__).read_bytes(),
        (BUNDLED / "beats" / MANIFEST_NAME).read_bytes(),
    )
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]
