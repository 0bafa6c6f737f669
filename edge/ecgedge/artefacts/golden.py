"""Golden vectors: signal in mV, what the preprocessing makes of it, and the logits of each model file.

They are JSON, packed by gzip, so that a port in Kotlin, Swift, C or JavaScript can prove itself on the same
numbers, and so that an installation can check its runtime on the machine it runs on.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.backends.base import Backend
from ecgedge.artefacts.manifest import Manifest, read_verified
from ecgedge.artefacts.sealed import FIX, artefact_place
from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.schema import Place, as_number, build, list_of, parse_json

# LiteRT and ONNX Runtime gave the very same logits on every processor that was tried; the margin is for those
# that were not. tflite-runtime rounds in its own way: 11 steps were seen, pass 16 for it. A kernel that
# saturates is off by tens.
GOLDEN_STEPS = 4.0
# Stands in for an int8 step where no file of the folder has int8 logits.
_FLOAT_STEP = 1e-3
_GZIP = 31  # zlib's word for a gzip header and the largest window
_MOST_BYTES = 16 << 20  # a window of 30 s has 60 kB

FloatArray = npt.NDArray[np.float32]


def _array(value: Any, place: Place) -> FloatArray:
    return np.array(list_of(as_number)(value, place), np.float32)


_Decoded = Annotated[FloatArray, _array]


@dataclass(frozen=True, slots=True, eq=False)
class GoldenCase:
    """One window from signal to logits.

    Parameters
    ----------
    mv : ndarray of float32, shape (m,)
        Signal in mV at the model's ``fs``.
    preprocessed : ndarray of float32, shape (n,)
        The window that the model reads.
    logits : mapping of str to ndarray of float32, shape (n_outputs,)
        By kind of file: ``tflite``, ``onnx``; and ``reference`` for the TFLite file in TFLite's reference
        kernels, which is what TFLite Micro computes.
    """

    mv: _Decoded
    preprocessed: _Decoded
    logits: Mapping[str, _Decoded]


@dataclass(frozen=True, slots=True)
class _File:
    cases: tuple[GoldenCase, ...]


def encode_golden(cases: Sequence[GoldenCase]) -> bytes:
    """Return the file of golden vectors; float32 values come back bit for bit."""
    content = [
        {
            "mv": _decimals(case.mv),
            "preprocessed": _decimals(case.preprocessed),
            "logits": {kind: _decimals(values) for kind, values in sorted(case.logits.items())},
        }
        for case in cases
    ]
    text = json.dumps({"cases": content}, allow_nan=False, separators=(",", ":"))
    # A third of the size; without a time in it, so that the same model is the same file.
    return gzip.compress(text.encode("ascii"), 9, mtime=0)


def _decimals(values: FloatArray) -> list[float]:
    """Numbers in the shortest decimal form that float32 reads back unchanged."""
    return [float(str(value)) for value in np.asarray(values, np.float32)]


def load_golden(folder: str | Path, manifest: Manifest) -> tuple[GoldenCase, ...]:
    """Read the verified golden vectors of a model folder.

    Raises
    ------
    ModelError
        The file is missing, changed, or not what the manifest promises.

    Examples
    --------
    >>> cases = load_golden("models/rhythm", Manifest.load("models/rhythm"))  # doctest: +SKIP
    >>> cases[0].preprocessed.shape  # doctest: +SKIP
    (3040,)
    """
    if manifest.golden is None:
        raise ModelError(f"the manifest of {folder} lists no golden vectors: {FIX}")
    data = read_verified(folder, manifest.golden)
    place = artefact_place("golden")
    cases = build(_File, parse_json(_unpacked(data, place), place, _MOST_BYTES), place).cases
    for case in cases:
        shapes = {values.shape for values in case.logits.values()}
        if case.preprocessed.shape != (manifest.n_inputs,) or shapes != {(manifest.n_outputs,)}:
            raise ModelError(f"golden vectors have other lengths than the manifest: {FIX}")
    return cases


def _unpacked(data: bytes, place: Place) -> bytes:
    try:
        plain = zlib.decompressobj(_GZIP).decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise ModelError(f"{place.name} is damaged ({error}): {FIX}") from error
    if len(plain) == _MOST_BYTES:
        place.refuse(f"has more than {_MOST_BYTES >> 20} MB")
    return plain


def check_golden(
    backend: Backend, manifest: Manifest, cases: Sequence[GoldenCase], steps: float = GOLDEN_STEPS
) -> float:
    """Run the golden windows through a backend and compare the logits.

    Parameters
    ----------
    backend : Backend
        Loaded with this manifest.
    manifest : Manifest
    cases : sequence of GoldenCase
    steps : float
        Allowed difference in int8 steps of the logits.

    Returns
    -------
    float
        The largest difference found, in int8 steps.

    Raises
    ------
    ModelError
        The runtime gives other numbers on this machine.
    """
    kind = next(kind for kind, artefact in manifest.backends.items() if artefact == backend.artefact)
    step = next((a.output.scale for a in manifest.backends.values() if a.output.scale), _FLOAT_STEP)
    found = [backend.run(case.preprocessed.reshape(1, 1, -1)) for case in cases]
    pairs = zip(found, cases, strict=True)
    worst = max(
        (float(np.abs(logits - case.logits[kind]).max()) / step for logits, case in pairs), default=0.0
    )
    if worst > steps * (1 + 1e-3):
        raise ModelError(
            f"the {backend.name} backend is {worst:.1f} int8 steps away from the golden logits: "
            "choose another backend and report the machine"
        )
    return worst
